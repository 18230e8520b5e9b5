//! Calls over HTTP, and what their answers mean.

use std::time::Duration;

use chrono::{DateTime, Utc};
use ureq::http::{HeaderMap, Request, Response, StatusCode, Uri, header};

use crate::{PurgeError, SettingError};

/// How long a call may take in all.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How much of an answer is read.
const LONGEST_ANSWER: u64 = 64 << 10;
/// How much of it is repeated in a message.
const LONGEST_QUOTE: usize = 200;

/// An HTTP client. It follows no redirection: a credential goes where it was meant to go, and nowhere else.
#[derive(Clone, Debug)]
pub(crate) struct Http(ureq::Agent);

/// A status, and the beginning of the body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    pub(crate) text: String,
}

impl Http {
    pub(crate) fn new() -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            // PURGE is not in the standard.
            .allow_non_standard_methods(true)
            .user_agent(concat!("aios-edge/", env!("CARGO_PKG_VERSION")))
            .build();
        Self(config.into())
    }

    /// Sends a request, and reads the answer whatever its status.
    pub(crate) fn call(&self, request: Result<Request<String>, ureq::http::Error>) -> Result<Answer, PurgeError> {
        // What can't be written as a request, such as a line break in a tag, will never be.
        let request = request.map_err(|error| PurgeError::Refused(error.to_string()))?;
        let mut response = self.0.run(request).map_err(|error| not_sent(&error))?;
        let text = read(&mut response).map_err(|error| PurgeError::busy(error.to_string()))?;
        let (parts, _) = response.into_parts();
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            text,
        })
    }
}

fn not_sent(error: &ureq::Error) -> PurgeError {
    match error {
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => PurgeError::Refused(error.to_string()),
        other => PurgeError::busy(other.to_string()),
    }
}

fn read(response: &mut Response<ureq::Body>) -> Result<String, ureq::Error> {
    let body = response.body_mut().with_config().limit(LONGEST_ANSWER).lossy_utf8(true);
    match body.read_to_string() {
        // An answer that long is none of an API; its status says enough.
        Err(ureq::Error::BodyExceedsLimit(_)) => Ok(String::new()),
        read => read,
    }
}

impl Answer {
    /// Whether it was done; else what the status means, and what the body says of it.
    pub(crate) fn check(&self, said: Option<String>) -> Result<(), PurgeError> {
        let status = self.status;
        if status.is_success() {
            return Ok(());
        }
        let said = said.unwrap_or_else(|| quote(&self.text));
        let reason = format!("{status}: {said}");
        Err(match status.as_u16() {
            408 | 409 | 425 | 429 | 500.. => PurgeError::Busy {
                retry_after: self.retry_after(Utc::now()),
                reason,
            },
            // A redirection means that this is not the API.
            300..=399 | 401 | 403 | 404 => PurgeError::Denied(reason),
            _ => PurgeError::Refused(reason),
        })
    }

    /// `Retry-After`, in seconds or as a date (RFC 9110, section 10.2.3).
    pub(crate) fn retry_after(&self, now: DateTime<Utc>) -> Option<Duration> {
        let value = self.headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = value.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let moment = DateTime::parse_from_rfc2822(value).ok()?;
        Some((moment.to_utc() - now).to_std().unwrap_or_default())
    }
}

/// The beginning of a text, on one line.
pub(crate) fn quote(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_QUOTE) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None if line.is_empty() => "no reason given".to_owned(),
        None => line,
    }
}

/// A base URL without its last slash.
pub(crate) fn base(url: &str) -> Result<String, SettingError> {
    let refused = || SettingError(format!("{url} is not a URL such as http://HOST:PORT"));
    let parsed: Uri = url.parse().map_err(|_| refused())?;
    let is_http = matches!(parsed.scheme_str(), Some("http" | "https"));
    let has_credentials = parsed
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'));
    if is_http && parsed.host().is_some_and(|host| !host.is_empty()) && !has_credentials && parsed.query().is_none() {
        Ok(url.trim_end_matches('/').to_owned())
    } else {
        Err(refused())
    }
}

/// Something that stands in a path as it is: an id.
pub(crate) fn id(what: &str, text: &str) -> Result<String, SettingError> {
    if (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric()) {
        Ok(text.to_owned())
    } else {
        Err(SettingError(format!("{what} must be letters and digits")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after: Option<&str>) -> Answer {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(header::RETRY_AFTER, value.parse().unwrap());
        }
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            text: " <html>\n  Oh   dear ".to_owned(),
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = "2026-01-31T12:00:00Z".parse().unwrap();
        let read = |value| answer(429, Some(value)).retry_after(now);
        assert_eq!(read("120"), Some(Duration::from_secs(120)));
        assert_eq!(read("Sat, 31 Jan 2026 12:01:30 GMT"), Some(Duration::from_secs(90)));
        assert_eq!(read("Sat, 31 Jan 2026 11:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
        assert_eq!(answer(429, None).retry_after(now), None);
    }

    #[test]
    fn statuses_say_whether_to_try_again() {
        let kind = |status| match answer(status, None).check(None) {
            Ok(()) => "done",
            Err(PurgeError::Busy { .. }) => "busy",
            Err(PurgeError::Denied(_)) => "denied",
            Err(PurgeError::Refused(_)) => "refused",
        };
        let expected = [
            (200, "done"),
            (201, "done"),
            (302, "denied"),
            (400, "refused"),
            (401, "denied"),
            (403, "denied"),
            (404, "denied"),
            (413, "refused"),
            (429, "busy"),
            (500, "busy"),
            (503, "busy"),
        ];
        for (status, outcome) in expected {
            assert_eq!(kind(status), outcome, "{status}");
        }
        let error = answer(500, None).check(None).unwrap_err();
        assert_eq!(error.to_string(), "500 Internal Server Error: <html> Oh dear");
    }

    #[test]
    fn long_answers_are_cut() {
        assert_eq!(quote(&"é".repeat(500)).chars().count(), 201);
        assert_eq!(quote(" \n "), "no reason given");
    }

    #[test]
    fn bases_are_urls_without_credentials() {
        assert_eq!(base("http://127.0.0.1:6081/").unwrap(), "http://127.0.0.1:6081");
        for bad in [
            "",
            "varnish:6081",
            "ftp://x",
            "http://",
            "http://user:secret@x",
            "http://x/?a=b",
        ] {
            assert!(base(bad).is_err(), "{bad}");
        }
    }
}
