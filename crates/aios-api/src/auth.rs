//! Who is calling: bearer tokens, the keys they are checked against, and the extractors that put a role into a handler's
//! signature.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use aios_domain::{Caller, Email, Error, ErrorKind, Result, Role, UserId};
use futures_util::future::{Ready, ready};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::Api;
use crate::jwks::Jwks;
use crate::problem::Problem;

/// What a token says.
#[derive(Debug, Deserialize, Serialize)]
struct Claims {
    sub: String,
    exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    roles: Vec<String>,
}

/// Checks tokens.
#[derive(Clone)]
pub struct Authenticator(Keys);

#[derive(Clone)]
enum Keys {
    /// HS256 with a secret that signer and server share.
    Shared(Arc<DecodingKey>),
    /// RS256, ES256 or EdDSA with the public keys of an issuer.
    Public(Arc<Jwks>),
}

impl Authenticator {
    /// The shortest secret, in bytes: as long as the hash of HS256 (RFC 7518, section 3.2).
    pub const MIN_SECRET: usize = 32;

    /// Tokens are signed with HS256 and this secret.
    ///
    /// # Errors
    /// Where the secret is shorter than [`MIN_SECRET`](Self::MIN_SECRET).
    pub fn shared(secret: &[u8]) -> Result<Self, String> {
        if secret.len() < Self::MIN_SECRET {
            return Err(format!("must be at least {} bytes long", Self::MIN_SECRET));
        }
        Ok(Self(Keys::Shared(Arc::new(DecodingKey::from_secret(secret)))))
    }

    /// Tokens are signed with RS256, ES256 or EdDSA by a key of this set.
    pub fn public(keys: Arc<Jwks>) -> Self {
        Self(Keys::Public(keys))
    }

    /// The caller behind a token.
    ///
    /// # Errors
    /// `Unauthenticated` for a token that is malformed, expired, not yet valid, unsigned, or signed by another key or in
    /// another way than the server trusts.
    pub fn caller(&self, token: &str) -> Result<Caller> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| refused("The token is not a JSON Web Token."))?;
        let (key, algorithm) = match &self.0 {
            Keys::Shared(key) => (Arc::clone(key), Algorithm::HS256),
            Keys::Public(keys) => keys
                .find(header.kid.as_deref(), header.alg)
                .ok_or_else(|| refused("The token is not signed by a key that this server trusts."))?,
        };
        // One algorithm, chosen by the key and never by the token: a token can't pick how it is checked.
        let mut validation = Validation::new(algorithm);
        validation.leeway = 0;
        validation.validate_nbf = true;
        validation.validate_aud = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)
            .map_err(|error| refusal(&error))?
            .claims;
        let id: UserId = claims
            .sub
            .parse()
            .map_err(|_| refused("The token's claim sub is not a UUID."))?;
        let is_admin = claims.roles.iter().any(|role| role == "admin");
        Ok(Caller {
            id,
            email: claims.email.and_then(|email| Email::new(email).ok()),
            role: if is_admin { Role::Admin } else { Role::User },
        })
    }
}

/// Signs a token with HS256 for as long as `exp` says, in seconds since 1970.
///
/// # Errors
/// Where the signing library refuses.
pub fn sign_token(secret: &[u8], caller: &Caller, exp: i64) -> Result<String> {
    let claims = Claims {
        sub: caller.id.to_string(),
        exp,
        email: caller.email.as_ref().map(ToString::to_string),
        roles: if caller.is_admin() {
            vec!["admin".to_owned()]
        } else {
            Vec::new()
        },
    };
    jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &claims,
        &EncodingKey::from_secret(secret),
    )
    .map_err(Error::internal)
}

fn refusal(error: &jsonwebtoken::errors::Error) -> Error {
    use jsonwebtoken::errors::ErrorKind as Reason;
    refused(match error.kind() {
        Reason::ExpiredSignature => "The token has expired. Sign in again.",
        Reason::ImmatureSignature => "The token is not valid yet.",
        Reason::MissingRequiredClaim(_) => "The token lacks the claim exp.",
        _ => "The token is not signed by a key that this server trusts.",
    })
}

fn refused(detail: &'static str) -> Error {
    Error::new(ErrorKind::Unauthenticated, detail)
}

/// The caller of a request that must be signed in.
pub(crate) struct SignedIn(pub(crate) Caller);

/// The caller of a request that admins alone may make.
pub(crate) struct Admin(pub(crate) Caller);

/// The caller of a request that anybody may make, if signed in. A token that is no good is refused here too.
pub(crate) struct Anybody(pub(crate) Option<Caller>);

impl FromRequest for SignedIn {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(signed_in(request).map(Self).map_err(Problem::from))
    }
}

impl FromRequest for Admin {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let admin = signed_in(request).and_then(|caller| caller.must_be_admin().map(|()| Self(caller)));
        ready(admin.map_err(Problem::from))
    }
}

impl FromRequest for Anybody {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller_of(request).map(Self).map_err(Problem::from))
    }
}

fn signed_in(request: &HttpRequest) -> Result<Caller> {
    caller_of(request)?.ok_or_else(|| refused("This needs a token: Authorization: Bearer <JWT>."))
}

fn caller_of(request: &HttpRequest) -> Result<Option<Caller>> {
    let Some(header) = request.headers().get(AUTHORIZATION) else {
        return Ok(None);
    };
    let token = header
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| refused("The header Authorization must be: Bearer <JWT>."))?;
    let api = request
        .app_data::<web::Data<Api>>()
        .ok_or_else(|| Error::internal("the routes were set up without their state"))?;
    api.authenticator.caller(token).map(Some)
}

/// The keys of a set by their ids.
pub(crate) type KeysById = HashMap<String, (Arc<DecodingKey>, Algorithm)>;

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"a secret of the test, long enough for HS256";

    fn caller() -> Caller {
        Caller {
            id: UserId::new(),
            email: Some(Email::new("ada@example.org").unwrap()),
            role: Role::Admin,
        }
    }

    fn in_an_hour() -> i64 {
        chrono::Utc::now().timestamp() + 3_600
    }

    #[test]
    fn a_token_leads_back_to_its_caller() {
        let caller = caller();
        let token = sign_token(SECRET, &caller, in_an_hour()).unwrap();
        assert_eq!(Authenticator::shared(SECRET).unwrap().caller(&token).unwrap(), caller);
    }

    #[test]
    fn tokens_that_are_no_good_are_refused() {
        let authenticator = Authenticator::shared(SECRET).unwrap();
        let token = |claims: serde_json::Value, algorithm, secret: &[u8]| {
            jsonwebtoken::encode(&Header::new(algorithm), &claims, &EncodingKey::from_secret(secret)).unwrap()
        };
        let id = UserId::new().to_string();
        let good = serde_json::json!({ "sub": id, "exp": in_an_hour() });
        let mut bad = vec![
            token(good.clone(), Algorithm::HS256, b"another secret that is long enough"),
            token(good.clone(), Algorithm::HS384, SECRET),
            token(good.clone(), Algorithm::HS512, SECRET),
            token(
                serde_json::json!({ "sub": id, "exp": in_an_hour() - 3_601 }),
                Algorithm::HS256,
                SECRET,
            ),
            token(serde_json::json!({ "sub": id }), Algorithm::HS256, SECRET),
            token(
                serde_json::json!({ "sub": id, "exp": "soon" }),
                Algorithm::HS256,
                SECRET,
            ),
            token(serde_json::json!({ "exp": in_an_hour() }), Algorithm::HS256, SECRET),
            token(
                serde_json::json!({ "sub": "ada", "exp": in_an_hour() }),
                Algorithm::HS256,
                SECRET,
            ),
            token(
                serde_json::json!({ "sub": id, "exp": in_an_hour(), "nbf": in_an_hour() }),
                Algorithm::HS256,
                SECRET,
            ),
            String::new(),
            "a.b.c".to_owned(),
        ];
        let valid = token(good, Algorithm::HS256, SECRET);
        assert!(authenticator.caller(&valid).is_ok());
        let parts: Vec<&str> = valid.split('.').collect();
        // {"alg":"none","typ":"JWT"}, with and without a signature.
        let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
        bad.push(format!("{none}.{}.", parts[1]));
        bad.push(format!("{none}.{}.{}", parts[1], parts[2]));
        bad.push(format!("{}.{}.", parts[0], parts[1]));
        bad.push(format!("{}.{}", parts[0], parts[1]));
        for token in bad {
            let error = authenticator.caller(&token).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{token}");
        }
    }

    #[test]
    fn short_secrets_are_refused() {
        assert!(Authenticator::shared(&[b'x'; 31]).is_err());
    }
}
