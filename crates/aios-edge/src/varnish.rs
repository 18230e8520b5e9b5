//! Varnish with the module `xkey`: a request with the method `PURGE` to each node.

use ureq::http::Request;

use crate::http::{self, Http};
use crate::{Edge, Purge, PurgeError, Secret, SettingError};

/// How many tags a request names: Varnish takes 8 KiB a header line, and a tag is some fifty bytes.
const MOST_TAGS: usize = 100;
/// How long a line of tags may be, in bytes.
const LONGEST_LINE: usize = 7_000;

/// One node. Its configuration (`deploy/cdn/varnish/default.vcl` in this repository) takes, from allowed addresses and with
/// the right `Purge-Secret`: `Xkey-Purge` or `Xkey-Softpurge` with tags, or `Purge-Everything: 1`.
///
/// Several nodes are several edges: one that is down keeps no other waiting.
#[derive(Debug)]
pub struct Varnish {
    http: Http,
    name: String,
    url: String,
    secret: Secret,
    is_soft: bool,
}

impl Varnish {
    /// The node at this URL, such as `http://10.0.0.7:6081`, with the secret that its configuration asks for.
    ///
    /// # Errors
    /// Where it is not a URL, or there is no secret.
    pub fn new(url: &str, secret: Secret) -> Result<Self, SettingError> {
        if secret.is_empty() {
            return Err(SettingError("the purge secret is empty".to_owned()));
        }
        let base = http::base(url)?;
        Ok(Self {
            http: Http::new(),
            name: format!("varnish {base}"),
            url: format!("{base}/"),
            secret,
            is_soft: false,
        })
    }

    /// Whether what is purged is kept as stale, and served once more while it is fetched anew, or while the origin fails.
    /// Everything at once can't be purged softly.
    #[must_use]
    pub fn soft(mut self, is_soft: bool) -> Self {
        self.is_soft = is_soft;
        self
    }

    fn send(&self, header: &str, value: &str) -> Result<(), PurgeError> {
        let request = Request::builder()
            .method("PURGE")
            .uri(&self.url)
            .header("Purge-Secret", self.secret.reveal())
            .header(header, value)
            .body(String::new());
        let answer = self.http.call(request)?;
        answer.check(None)?;
        // Something else may listen there, or a Varnish that knows nothing of tags.
        if answer.text.starts_with("Purged") {
            Ok(())
        } else {
            Err(PurgeError::Denied(format!(
                "{} is no Varnish that purges by tag",
                self.url
            )))
        }
    }
}

impl Edge for Varnish {
    fn name(&self) -> &str {
        &self.name
    }

    fn most_tags(&self) -> usize {
        MOST_TAGS
    }

    fn purge(&self, what: Purge<'_>) -> Result<(), PurgeError> {
        let Purge::Tags(tags) = what else {
            return self.send("Purge-Everything", "1");
        };
        // A space or a comma would make two tags of one, of which neither is meant.
        if let Some(tag) = tags.iter().find(|tag| !is_key(tag)) {
            return Err(PurgeError::Refused(format!("{tag:?} can't be an xkey")));
        }
        let header = if self.is_soft { "Xkey-Softpurge" } else { "Xkey-Purge" };
        lines(tags).iter().try_for_each(|line| self.send(header, line))
    }
}

fn is_key(tag: &str) -> bool {
    (1..=LONGEST_LINE).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}

/// The tags with spaces between them, in as many lines as they need.
fn lines(tags: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for tag in tags {
        match lines
            .last_mut()
            .filter(|line| line.len() + 1 + tag.len() <= LONGEST_LINE)
        {
            Some(line) => {
                line.push(' ');
                line.push_str(tag);
            }
            None => lines.push(tag.clone()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_too_long_and_no_tag_is_lost() {
        let tags: Vec<String> = (0..100).map(|place| format!("{place:0>199}")).collect();
        let lines = lines(&tags);
        assert!(lines.len() == 3 && lines.iter().all(|line| line.len() <= LONGEST_LINE));
        assert_eq!(lines.join(" ").split(' ').collect::<Vec<_>>(), tags);
    }

    #[test]
    fn what_would_be_two_keys_is_none() {
        assert!(is_key("aios:agents:content"));
        for bad in ["", "a b", "a,b", "a\r\nX: y", "é"] {
            assert!(!is_key(bad), "{bad}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let edge = Varnish::new("http://127.0.0.1:1", "hunter2".into()).unwrap();
        assert!(!format!("{edge:?}").contains("hunter2"));
    }
}
