//! What the bare server is told to answer.

use serde::{Deserialize, Serialize};

use crate::exchange::Exchange;

/// Headers that the framework writes itself, on either server.
const FRAMEWORKS: [&str; 4] = ["content-length", "date", "connection", "transfer-encoding"];

/// The two headers of an answer that has nothing to say about itself.
const LEAST: [&str; 2] = ["content-type", "content-encoding"];

/// An answer that was written out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// The status.
    pub status: u16,
    /// Headers, but those that the framework adds to every answer.
    pub headers: Vec<(String, String)>,
    /// The body, in its content-coding.
    pub body: Vec<u8>,
}

/// What the bare server reads from its standard input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hosted {
    /// How many threads answer.
    pub workers: usize,
    /// Paths and what is there.
    pub answers: Vec<(String, Stored)>,
}

impl Stored {
    /// The same answer, with all its headers.
    pub fn with_all_headers(of: &Exchange) -> Self {
        let headers = of
            .headers
            .iter()
            .filter(|(name, _)| !FRAMEWORKS.contains(&name.as_str()));
        Self {
            status: of.status,
            headers: headers.cloned().collect(),
            body: of.body.clone(),
        }
    }

    /// The same body, with what is needed to read it.
    pub fn with_least_headers(of: &Exchange) -> Self {
        let mut least = Self::with_all_headers(of);
        least.headers.retain(|(name, _)| LEAST.contains(&name.as_str()));
        least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frameworks_own_headers_are_left_to_it() {
        let header = |name: &str| (name.to_owned(), "x".to_owned());
        let exchange = Exchange {
            status: 200,
            headers: ["date", "etag", "content-type", "content-length"].map(header).to_vec(),
            body: b"y".to_vec(),
        };
        let names = |stored: Stored| stored.headers.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(Stored::with_all_headers(&exchange)), ["etag", "content-type"]);
        assert_eq!(names(Stored::with_least_headers(&exchange)), ["content-type"]);
    }
}
