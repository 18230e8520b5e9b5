//! An answer as it is kept: its headers, its body, and the body in every coding that somebody asked for.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use actix_web::http::header::{HeaderName, HeaderValue, HttpDate};
use actix_web::web::Bytes;
use aios_domain::Error;
use aios_marketplace::{Cached, Marketplace};
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use super::coding::{Accepted, Coding};
use super::compress::{self, Effort, LEAST};
use super::conditional::Validators;
use super::freshness::Freshness;

/// Longer bodies are not compressed while somebody waits; the first of those who ask for them get them as they are.
const LONGEST_AT_ONCE: usize = 256 * 1_024;
/// After so many answers in a coding it is worth high effort.
const WORTH_EFFORT: u32 = 3;

/// What a handler makes for everybody, before it has headers.
pub(crate) struct Draft {
    body: Bytes,
    content_type: HeaderValue,
    extra: Option<(HeaderName, HeaderValue)>,
    revision: Option<i64>,
    read_at: Option<SystemTime>,
    fresh_for: Duration,
    gap: Option<usize>,
    tags: Vec<String>,
    is_of_kept: bool,
}

impl Draft {
    /// A JSON document.
    pub(crate) fn json(document: &impl Serialize) -> Result<Self, Error> {
        let body = serde_json::to_vec(document).map_err(Error::internal)?;
        Ok(Self::of(body.into(), HeaderValue::from_static("application/json")))
    }

    /// Any text.
    pub(crate) fn of(body: Bytes, content_type: HeaderValue) -> Self {
        Self {
            body,
            content_type,
            extra: None,
            revision: None,
            read_at: None,
            fresh_for: Duration::MAX,
            gap: None,
            tags: Vec::new(),
            is_of_kept: false,
        }
    }

    /// One more header.
    pub(crate) fn header(mut self, name: HeaderName, value: Option<HeaderValue>) -> Self {
        self.extra = value.map(|value| (name, value));
        self
    }

    /// The revision of what is shown; the ETag begins with it, so that an edit can be guarded by it.
    pub(crate) fn revision(mut self, revision: i64) -> Self {
        self.revision = Some(revision);
        self
    }

    /// What it shows, which was kept or read just now: the answer is dated by it, and fresh for no longer.
    pub(crate) fn shows<V>(self, value: &Cached<V>, marketplace: &Marketplace) -> Self {
        let was_kept = value.origin() != aios_cache::Origin::Loader;
        self.read(value.age(), was_kept, marketplace)
            .fresh_for(value.fresh_for())
    }

    /// How long ago what it shows was read, and whether that was for another answer.
    pub(crate) fn read(mut self, ago: Duration, was_kept: bool, marketplace: &Marketplace) -> Self {
        let now = SystemTime::from(marketplace.clock().now());
        self.read_at = now.checked_sub(ago);
        self.is_of_kept = was_kept;
        self
    }

    /// Whether nothing was read for it.
    pub(crate) fn is_of_kept(&self) -> bool {
        self.is_of_kept
    }

    /// Tags that it bears in the cache beside those that its question has.
    pub(crate) fn tags(mut self, tags: Vec<String>) -> Self {
        self.tags = tags;
        self
    }

    /// Those tags.
    pub(crate) fn take_tags(&mut self) -> Vec<String> {
        std::mem::take(&mut self.tags)
    }

    /// For how long it is fresh.
    pub(crate) fn fresh_for(mut self, fresh_for: Duration) -> Self {
        self.fresh_for = fresh_for;
        self
    }

    /// The body ends with these bytes, in whose place others get something of their own.
    pub(crate) fn gap(mut self, end: &str) -> Result<Self, Error> {
        let start = self.body.strip_suffix(end.as_bytes()).map(<[u8]>::len);
        self.gap = Some(start.ok_or_else(|| Error::internal("the body does not end with what is private"))?);
        Ok(self)
    }

    pub(super) fn freshness(&self) -> Duration {
        self.fresh_for
    }

    pub(super) fn finish(self, freshness: Freshness) -> Answer {
        let hash = xxh3_64(&self.body);
        let base = match self.revision {
            Some(revision) => format!("{revision:x}-{hash:016x}"),
            None => format!("{hash:016x}"),
        };
        Answer {
            etag: quoted(&base, ""),
            encoded: Coding::COMPRESSED.map(|coding| Encoded::new(&base, coding)),
            base,
            last_modified: self.read_at.map(LastModified::new),
            body: self.body,
            content_type: self.content_type,
            extra: self.extra,
            gap: self.gap,
            freshness,
        }
    }
}

fn quoted(base: &str, suffix: &str) -> HeaderValue {
    // Hexadecimal digits, dashes and a coding's name.
    HeaderValue::from_str(&format!("\"{base}{suffix}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// A finished answer of status 200. It changes in one respect: bodies in other codings are added as they are made.
pub(crate) struct Answer {
    pub(super) content_type: HeaderValue,
    pub(super) extra: Option<(HeaderName, HeaderValue)>,
    pub(super) freshness: Freshness,
    pub(super) body: Bytes,
    base: String,
    etag: HeaderValue,
    last_modified: Option<LastModified>,
    encoded: [Encoded; 3],
    /// Where the part begins that is not for everybody.
    gap: Option<usize>,
}

/// The body in one coding.
struct Encoded {
    coding: Coding,
    etag_fast: HeaderValue,
    etag_high: HeaderValue,
    /// `None` inside: it was no smaller.
    fast: OnceLock<Option<Bytes>>,
    high: OnceLock<Option<Bytes>>,
    uses: AtomicU32,
}

impl Encoded {
    fn new(base: &str, coding: Coding) -> Self {
        Self {
            coding,
            // Other bytes, so another tag.
            etag_fast: quoted(base, &format!("-{}-fast", coding.name())),
            etag_high: quoted(base, &format!("-{}", coding.name())),
            fast: OnceLock::new(),
            high: OnceLock::new(),
            uses: AtomicU32::new(0),
        }
    }
}

/// The body in the coding that was chosen for a client.
pub(super) struct Chosen<'a> {
    pub(super) coding: Coding,
    pub(super) body: Bytes,
    pub(super) etag: &'a HeaderValue,
    alias: Option<&'a HeaderValue>,
    /// High effort has become worth it.
    pub(super) wants_effort: bool,
    /// The body is as it is yet, and is to be coded on its way out.
    pub(super) is_streamed: bool,
}

impl Answer {
    /// The body in the most wanted coding that there is, or can be made at once. `None` where nothing is acceptable.
    pub(super) fn choose(&self, accepted: Accepted) -> Option<Chosen<'_>> {
        let is_short = self.body.len() < LEAST && accepted.has_identity();
        accepted.ranked().find_map(|coding| match self.encoded(coding) {
            None => Some(self.as_it_is()),
            Some(_) if is_short => None,
            Some(encoded) => self.choose_encoded(encoded, accepted.has_identity()),
        })
    }

    /// The same for an answer that is kept nowhere: what is made for one is made while it goes out.
    pub(super) fn choose_stream(&self, accepted: Accepted) -> Option<Chosen<'_>> {
        let is_short = self.body.len() < LEAST && accepted.has_identity();
        let coding = accepted
            .ranked()
            .find(|&coding| coding == Coding::Identity || !is_short)?;
        let Some(encoded) = self.encoded(coding) else {
            return Some(self.as_it_is());
        };
        Some(Chosen {
            coding,
            etag: &encoded.etag_fast,
            alias: Some(&encoded.etag_high),
            is_streamed: true,
            ..self.as_it_is()
        })
    }

    fn as_it_is(&self) -> Chosen<'_> {
        Chosen {
            coding: Coding::Identity,
            body: self.body.clone(),
            etag: &self.etag,
            alias: None,
            wants_effort: false,
            is_streamed: false,
        }
    }

    fn choose_encoded<'a>(&'a self, encoded: &'a Encoded, has_identity: bool) -> Option<Chosen<'a>> {
        if let Some(high) = encoded.high.get() {
            let body = high.clone().or_else(|| self.forced(encoded, has_identity))?;
            return Some(Chosen {
                coding: encoded.coding,
                body,
                etag: &encoded.etag_high,
                alias: Some(&encoded.etag_fast),
                wants_effort: false,
                is_streamed: false,
            });
        }
        let is_long = self.body.len() > LONGEST_AT_ONCE && has_identity;
        let fast = if is_long {
            None
        } else {
            encoded
                .fast
                .get_or_init(|| self.compressed(encoded.coding, Effort::Fast))
                .clone()
                .or_else(|| self.forced(encoded, has_identity))
        };
        let uses = encoded.uses.fetch_add(1, Ordering::Relaxed);
        match fast {
            Some(body) => Some(Chosen {
                coding: encoded.coding,
                body,
                etag: &encoded.etag_fast,
                alias: Some(&encoded.etag_high),
                wants_effort: uses >= WORTH_EFFORT,
                is_streamed: false,
            }),
            // Nothing to wait for: the next one gets it.
            None if is_long => Some(Chosen {
                wants_effort: true,
                ..self.as_it_is()
            }),
            None => None,
        }
    }

    /// For a client that refuses the body as it is, also where the coding makes it no smaller.
    fn forced(&self, encoded: &Encoded, has_identity: bool) -> Option<Bytes> {
        if has_identity {
            return None;
        }
        compress::whole(&self.body, encoded.coding, Effort::Fast)
    }

    fn compressed(&self, coding: Coding, effort: Effort) -> Option<Bytes> {
        super::metrics::compressed(coding, effort);
        compress::whole(&self.body, coding, effort).filter(|encoded| encoded.len() < self.body.len())
    }

    /// Compresses with high effort what is asked for often enough, for all who come later. Takes milliseconds of a processor.
    pub(super) fn compress(&self) {
        for encoded in &self.encoded {
            let is_wanted = encoded.uses.load(Ordering::Relaxed) > 0 && encoded.high.get().is_none();
            if is_wanted {
                let _ = encoded.high.set(self.compressed(encoded.coding, Effort::High));
            }
        }
    }

    fn encoded(&self, coding: Coding) -> Option<&Encoded> {
        self.encoded.iter().find(|encoded| encoded.coding == coding)
    }

    pub(super) fn validators<'a>(&self, chosen: &Chosen<'a>, now: impl FnOnce() -> SystemTime) -> Validators<'a> {
        Validators {
            etag: chosen.etag,
            alias: chosen.alias,
            last_modified: self.last_modified(now).map(|modified| modified.at),
        }
    }

    pub(super) fn last_modified(&self, now: impl FnOnce() -> SystemTime) -> Option<&LastModified> {
        self.last_modified.as_ref().filter(|modified| modified.is_told(now))
    }

    /// The body for one caller, with `end` in place of what stands there for everybody, and its ETag.
    pub(super) fn with_end(&self, end: &str, mark: &str) -> Option<(Bytes, HeaderValue)> {
        let shared = self.body.get(..self.gap?)?;
        let body = [shared, end.as_bytes()].concat();
        Some((body.into(), quoted(&self.base, &format!("-{mark}"))))
    }

    /// About how many bytes it takes, with the codings that it will get.
    pub(super) fn weight(&self) -> usize {
        const HEADERS: usize = 1_500;
        HEADERS + self.body.len() + self.body.len() / 2 + self.freshness.weight()
    }
}

/// When what is shown was read: it is then as it was, whatever changed before.
///
/// HTTP's dates are whole seconds, and what was read in one could still change in it. So the date is not told before the
/// second is over: whoever was told it has an answer that was right at its end, and a change gets a later date.
pub(super) struct LastModified {
    /// The begin of the second.
    pub(super) at: SystemTime,
    pub(super) header: HeaderValue,
    is_over: AtomicBool,
}

impl LastModified {
    fn new(read_at: SystemTime) -> Self {
        let since = read_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs());
        Self {
            at,
            header: HeaderValue::from_str(&HttpDate::from(at).to_string()).unwrap_or(HeaderValue::from_static("")),
            is_over: AtomicBool::new(false),
        }
    }

    fn is_told(&self, now: impl FnOnce() -> SystemTime) -> bool {
        if self.is_over.load(Ordering::Relaxed) {
            return true;
        }
        let is_over = now() >= self.at + Duration::from_secs(1);
        self.is_over.store(is_over, Ordering::Relaxed);
        is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_told_when_its_second_is_over() {
        let at = |millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        let modified = LastModified::new(at(5_700));
        assert_eq!(modified.header, "Thu, 01 Jan 1970 00:00:05 GMT");
        assert!(!modified.is_told(|| at(5_999)));
        assert!(modified.is_told(|| at(6_000)));
    }

    #[test]
    fn the_end_of_a_body_is_replaced_and_nothing_else() {
        let draft = || {
            Draft::of(
                "{\"a\":1,\"own\":null}".into(),
                HeaderValue::from_static("application/json"),
            )
        };
        let keeping = aios_marketplace::Keeping {
            ttl: Duration::from_secs(1),
            stale: Duration::ZERO,
            tags: Vec::new(),
            edge_tags: Vec::new(),
        };
        let freshness = Freshness::of(super::super::Class::Subject, &keeping, "aios");
        let answer = draft().gap("\"own\":null}").unwrap().finish(freshness.clone());
        let (body, etag) = answer.with_end("\"own\":true}", "own-true").unwrap();
        assert_eq!(&*body, b"{\"a\":1,\"own\":true}");
        assert_ne!(etag, answer.etag);
        assert!(draft().gap("\"other\":null}").is_err());
        assert!(draft().finish(freshness).with_end("", "").is_none());
    }
}
