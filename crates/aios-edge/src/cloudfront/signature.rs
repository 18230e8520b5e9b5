//! AWS Signature, version 4: as much of it as a request without a query string needs.
//!
//! Written here since it is short, and the official crate brings a runtime with it; AWS's own published examples are the tests.

use std::fmt::Write as _;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::{Secret, SettingError};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// An access key of AWS.
#[derive(Clone, Debug)]
pub struct AwsCredentials {
    /// Names it: `AWS_ACCESS_KEY_ID`.
    pub key_id: String,
    /// Its secret part: `AWS_SECRET_ACCESS_KEY`.
    pub secret_key: Secret,
    /// What comes with temporary credentials: `AWS_SESSION_TOKEN`.
    pub session_token: Option<Secret>,
}

/// What is signed.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) host: &'a str,
    /// Nothing in it needs escaping.
    pub(super) path: &'a str,
    pub(super) body: &'a str,
}

impl AwsCredentials {
    pub(super) fn check(&self) -> Result<(), SettingError> {
        let is_id = !self.key_id.is_empty() && self.key_id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_id {
            return Err(SettingError(
                "the access key's id must be letters and digits".to_owned(),
            ));
        }
        if self.secret_key.is_empty() {
            return Err(SettingError("the secret access key is empty".to_owned()));
        }
        Ok(())
    }

    /// The headers that sign a request: `X-Amz-Date`, `X-Amz-Security-Token` for temporary credentials, `Authorization`.
    pub(super) fn sign(
        &self,
        request: &Request<'_>,
        region: &str,
        service: &str,
        now: SystemTime,
    ) -> Vec<(&'static str, String)> {
        let now = DateTime::<Utc>::from(now);
        let (moment, day) = (
            now.format("%Y%m%dT%H%M%SZ").to_string(),
            now.format("%Y%m%d").to_string(),
        );
        // In the order of their names, as the signature wants them.
        let mut signed = vec![("host", request.host.to_owned()), ("x-amz-date", moment.clone())];
        if let Some(token) = &self.session_token {
            signed.push(("x-amz-security-token", token.reveal().to_owned()));
        }
        let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let scope = format!("{day}/{region}/{service}/aws4_request");
        let digest = hex(&Sha256::digest(canonical(request, &signed, &names)));
        let to_sign = format!("{ALGORITHM}\n{moment}\n{scope}\n{digest}");
        let signature = hex(&hmac(&self.key(&day, region, service), &to_sign));
        let credential = format!("{}/{scope}", self.key_id);
        let authorization =
            format!("{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}");
        // The client sends Host by itself.
        let mut headers: Vec<_> = signed.into_iter().filter(|(name, _)| *name != "host").collect();
        headers.push(("authorization", authorization));
        headers
    }

    /// The key for one day, region and service.
    fn key(&self, day: &str, region: &str, service: &str) -> [u8; 32] {
        let first = format!("AWS4{}", self.secret_key.reveal());
        let day = hmac(first.as_bytes(), day);
        hmac(&hmac(&hmac(&day, region), service), "aws4_request")
    }
}

fn canonical(request: &Request<'_>, signed: &[(&'static str, String)], names: &str) -> String {
    let headers: Vec<String> = signed
        .iter()
        .map(|(name, value)| format!("{name}:{}\n", value.trim()))
        .collect();
    let headers = headers.concat();
    let Request { method, path, body, .. } = request;
    let body = hex(&Sha256::digest(body));
    format!("{method}\n{path}\n\n{headers}\n{names}\n{body}")
}

fn hmac(key: &[u8], text: &str) -> [u8; 32] {
    // HMAC takes keys of any length; its constructor fails for other kinds of MAC.
    Hmac::<Sha256>::new_from_slice(key).map_or([0; 32], |mut mac| {
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().into()
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a String does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The credentials of AWS's examples.
    fn credentials() -> AwsCredentials {
        AwsCredentials {
            key_id: "AKIDEXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session_token: None,
        }
    }

    fn signature(method: &str, credentials: &AwsCredentials) -> String {
        let request = Request {
            method,
            host: "example.amazonaws.com",
            path: "/",
            body: "",
        };
        let now = "2015-08-30T12:36:00Z".parse::<DateTime<Utc>>().unwrap().into();
        let headers = credentials.sign(&request, "us-east-1", "service", now);
        assert_eq!(headers[0], ("x-amz-date", "20150830T123600Z".to_owned()));
        headers.last().unwrap().1.clone()
    }

    #[test]
    fn the_examples_of_awss_test_suite() {
        for (method, expected) in [
            (
                "GET",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "POST",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
        ] {
            let said = signature(method, &credentials());
            let begins = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                          SignedHeaders=host;x-amz-date, Signature=";
            assert_eq!(said, format!("{begins}{expected}"), "{method}");
        }
    }

    #[test]
    fn the_key_of_awss_guide() {
        let key = hex(&credentials().key("20150830", "us-east-1", "iam"));
        assert_eq!(key, "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
    }

    #[test]
    fn temporary_credentials_sign_their_token() {
        let with_token = AwsCredentials {
            session_token: Some("a token".into()),
            ..credentials()
        };
        let said = signature("POST", &with_token);
        assert!(
            said.contains("SignedHeaders=host;x-amz-date;x-amz-security-token,"),
            "{said}"
        );
        assert_ne!(
            said.rsplit_once('=').unwrap().1,
            signature("POST", &credentials()).rsplit_once('=').unwrap().1
        );
        assert!(!format!("{with_token:?}").contains("wJalr") && !format!("{with_token:?}").contains("a token"));
    }
}
