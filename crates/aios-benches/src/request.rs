//! Writing HTTP/1.1 requests: the bytes that leave, made before the clock runs.

use std::fmt::Write as _;

/// A request being put together.
#[derive(Debug, Clone)]
pub struct Request {
    text: String,
}

impl Request {
    /// A request for `target`, a path with its query, at `host`.
    pub fn new(method: &str, target: &str, host: &str) -> Self {
        Self {
            text: format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: aios-bench\r\n"),
        }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        // Writing to a String does not fail.
        let _ = write!(self.text, "{name}: {value}\r\n");
        self
    }

    /// With a bearer token.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// The whole, without a body.
    pub fn done(self) -> String {
        self.text + "\r\n"
    }

    /// The whole, with a body in JSON.
    pub fn json(self, body: &serde_json::Value) -> String {
        let body = body.to_string();
        let length = body.len().to_string();
        self.header("Content-Type", "application/json")
            .header("Content-Length", &length)
            .done()
            + &body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_as_it_should_be() {
        let request = Request::new("POST", "/a?b=c", "h:1").token("t");
        assert_eq!(
            request.json(&serde_json::json!({ "x": "ä" })),
            "POST /a?b=c HTTP/1.1\r\nHost: h:1\r\nUser-Agent: aios-bench\r\nAuthorization: Bearer t\r\n\
             Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{\"x\":\"ä\"}"
        );
    }
}
