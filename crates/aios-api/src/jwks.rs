//! Public keys of an issuer as a JSON Web Key Set (RFC 7517): from a file or a URL, read again when a token names an unknown
//! key.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use parking_lot::Mutex;

use crate::auth::KeysById;

/// A set is read again at most so often, however many tokens with unknown keys come in.
const PAUSE: Duration = Duration::from_secs(60);
/// And at least so often, so that a key that was withdrawn is no longer trusted.
const MAX_AGE: Duration = Duration::from_secs(600);
/// The longest a set may be, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// The keys that an issuer publishes.
pub struct Jwks {
    source: String,
    state: Mutex<State>,
}

struct State {
    keys: Arc<KeysById>,
    read_at: Instant,
    reading: bool,
}

impl Jwks {
    /// Reads the set from `source`: an `https` or `http` URL, or a file.
    ///
    /// # Errors
    /// A sentence that says why the set can't be read, or that it holds no key this server can use.
    pub fn load(source: &str) -> Result<Arc<Self>, String> {
        let keys = read(source)?;
        if keys.is_empty() {
            return Err(format!("{source} holds no RS256, ES256 or EdDSA key"));
        }
        let state = State {
            keys: Arc::new(keys),
            read_at: Instant::now(),
            reading: false,
        };
        Ok(Arc::new(Self {
            source: source.to_owned(),
            state: Mutex::new(state),
        }))
    }

    /// The key a token names, if the token's algorithm is the key's. A token that names none is checked by the only key
    /// there is.
    pub(crate) fn find(
        self: &Arc<Self>,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Option<(Arc<DecodingKey>, Algorithm)> {
        let (keys, age) = {
            let state = self.state.lock();
            (Arc::clone(&state.keys), state.read_at.elapsed())
        };
        let found = match id {
            Some(id) => keys.get(id),
            None if keys.len() == 1 => keys.values().next(),
            None => None,
        };
        if age > MAX_AGE || (found.is_none() && age > PAUSE) {
            self.read_again();
        }
        found.filter(|(_, of_key)| *of_key == algorithm).cloned()
    }

    /// Reads the set on a thread of its own; the requests of the meantime are checked by the keys that are known.
    fn read_again(self: &Arc<Self>) {
        let mut state = self.state.lock();
        if state.reading {
            return;
        }
        state.reading = true;
        drop(state);
        let this = Arc::clone(self);
        let started = std::thread::Builder::new().name("aios-jwks".to_owned()).spawn(move || {
            let read = read(&this.source);
            let mut state = this.state.lock();
            state.reading = false;
            state.read_at = Instant::now();
            match read {
                Ok(keys) if !keys.is_empty() => state.keys = Arc::new(keys),
                Ok(_) => tracing::warn!(
                    source = this.source,
                    "the key set is empty now; the former keys stay in use"
                ),
                Err(error) => tracing::warn!(error, "can't read the key set; the former keys stay in use"),
            }
        });
        if started.is_err() {
            self.state.lock().reading = false;
        }
    }
}

fn read(source: &str) -> Result<KeysById, String> {
    let text = if source.starts_with("https://") || source.starts_with("http://") {
        fetch(source)?
    } else {
        std::fs::read_to_string(source).map_err(|error| format!("can't read {source}: {error}"))?
    };
    let set: JwkSet =
        serde_json::from_str(&text).map_err(|error| format!("{source} is not a JSON Web Key Set: {error}"))?;
    Ok(set
        .keys
        .iter()
        .enumerate()
        .filter_map(|(place, key)| usable(place, key))
        .collect())
}

fn fetch(url: &str) -> Result<String, String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .into();
    let failed = |error: &dyn std::fmt::Display| format!("can't read {url}: {error}");
    let mut answer = agent.get(url).call().map_err(|error| failed(&error))?;
    let mut text = String::new();
    let body = answer.body_mut().as_reader();
    body.take(MAX_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| failed(&error))?;
    Ok(text)
}

/// The key with its id and its algorithm, where it is one for checking signatures that this server knows.
fn usable(place: usize, key: &Jwk) -> Option<(String, (Arc<DecodingKey>, Algorithm))> {
    if key
        .common
        .public_key_use
        .as_ref()
        .is_some_and(|used| *used != PublicKeyUse::Signature)
    {
        return None;
    }
    let algorithm = match &key.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        _ => return None,
    };
    let id = key.common.key_id.clone().unwrap_or_else(|| format!("#{place}"));
    let decoding = DecodingKey::from_jwk(key).ok()?;
    Some((id, (Arc::new(decoding), algorithm)))
}

#[cfg(test)]
mod tests {
    use aios_domain::{Role, UserId};
    use jsonwebtoken::{EncodingKey, Header};

    use super::*;
    use crate::Authenticator;

    /// Keys of these tests alone, and the set of their public halves.
    const PUBLIC: &str = include_str!("jwks_test_keys/public.json");

    fn keys() -> [(&'static str, Algorithm, EncodingKey); 3] {
        [
            (
                "ed",
                Algorithm::EdDSA,
                EncodingKey::from_ed_der(include_bytes!("jwks_test_keys/ed.der")),
            ),
            (
                "ec",
                Algorithm::ES256,
                EncodingKey::from_ec_der(include_bytes!("jwks_test_keys/ec.der")),
            ),
            (
                "rsa",
                Algorithm::RS256,
                EncodingKey::from_rsa_der(include_bytes!("jwks_test_keys/rsa.der")),
            ),
        ]
    }

    fn authenticator() -> Authenticator {
        // Tests run in parallel: each reads a file of its own.
        let file = std::env::temp_dir().join(format!("aios-jwks-{}.json", uuid::Uuid::new_v4()));
        std::fs::write(&file, PUBLIC).unwrap();
        let keys = Jwks::load(file.to_str().unwrap()).unwrap();
        std::fs::remove_file(file).unwrap();
        Authenticator::public(keys)
    }

    fn token(id: &str, algorithm: Algorithm, key: &EncodingKey) -> String {
        let claims =
            serde_json::json!({ "sub": UserId::new().to_string(), "exp": 4_102_444_800_i64, "roles": ["admin"] });
        let header = Header {
            kid: Some(id.to_owned()),
            ..Header::new(algorithm)
        };
        jsonwebtoken::encode(&header, &claims, key).unwrap()
    }

    #[test]
    fn each_kind_of_key_is_trusted_for_its_own_algorithm() {
        let authenticator = authenticator();
        for (id, algorithm, key) in keys() {
            let caller = authenticator.caller(&token(id, algorithm, &key)).unwrap();
            assert_eq!(caller.role, Role::Admin, "{id}");
        }
    }

    #[test]
    fn a_foreign_key_or_a_public_key_used_as_a_secret_is_refused() {
        let authenticator = authenticator();
        let [(_, eddsa, ed), (_, es256, ec), _] = keys();
        let public = EncodingKey::from_secret(PUBLIC.as_bytes());
        for bad in [
            token("unknown", eddsa, &ed),
            token("ec", eddsa, &ed),
            token("ed", es256, &ec),
            token("rsa", Algorithm::HS256, &public),
            token("ed", Algorithm::HS256, &public),
        ] {
            assert!(authenticator.caller(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_set_that_can_not_be_used_says_why() {
        let refused = |text: &str| {
            let file = std::env::temp_dir().join(format!("aios-jwks-{}.json", uuid::Uuid::new_v4()));
            std::fs::write(&file, text).unwrap();
            let refused = Jwks::load(file.to_str().unwrap()).err().unwrap();
            std::fs::remove_file(file).unwrap();
            refused
        };
        assert!(refused("{").contains("is not a JSON Web Key Set"));
        assert!(refused("{\"keys\": []}").contains("holds no"));
        assert!(Jwks::load("no-such-file.json").err().unwrap().contains("can't read"));
    }
}
