//! What an answer says of how it came about: `Cache-Status` (RFC 9211) and `Server-Timing`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::http::header::{HeaderName, HeaderValue};
use aios_cache::{Cached, Origin};
use aios_marketplace::profile::Context;

use super::answer::Answer;

pub(super) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
pub(super) const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Longer times are written anew for each answer.
const LONGEST_TTL: u64 = 600;
const LONGEST_HIT_MICROS: u128 = 64;

/// The values that hits say, made beforehand: there are few of them, and a hit writes nothing.
pub(super) struct Told {
    ttls: Vec<HeaderValue>,
    micros: Vec<HeaderValue>,
}

impl Told {
    pub(super) fn new() -> Self {
        Self {
            ttls: (0..=LONGEST_TTL).map(hit_status).collect(),
            micros: (0..=LONGEST_HIT_MICROS).map(hit_timing).collect(),
        }
    }

    /// `Cache-Status` of a hit that is fresh for so long yet.
    pub(super) fn hit(&self, fresh_for: Duration) -> HeaderValue {
        let seconds = fresh_for.as_secs();
        let kept = usize::try_from(seconds).ok().and_then(|place| self.ttls.get(place));
        kept.cloned().unwrap_or_else(|| hit_status(seconds))
    }

    /// `Server-Timing` of an answer that took nothing but this look into the cache.
    pub(super) fn cache_time(&self, took: Duration) -> HeaderValue {
        let micros = took.as_micros();
        let kept = usize::try_from(micros).ok().and_then(|place| self.micros.get(place));
        kept.cloned().unwrap_or_else(|| hit_timing(micros))
    }
}

fn hit_status(seconds: u64) -> HeaderValue {
    value(&format!("aios; hit; ttl={seconds}"))
}

fn hit_timing(micros: u128) -> HeaderValue {
    value(&format!("cache;dur={}.{:03}", micros / 1_000, micros % 1_000))
}

pub(super) fn value(text: &str) -> HeaderValue {
    // Tokens and numbers.
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// Where the time of a request goes.
pub(super) struct Times {
    pub(super) began: Instant,
    pub(super) load: Arc<LoadTimes>,
}

/// What is measured while an answer is made, if it is made for this request.
#[derive(Default)]
pub(super) struct LoadTimes {
    /// Of the whole load, in nanoseconds; zero while it has not ended.
    whole: AtomicU64,
    has_begun: AtomicBool,
    /// What the answer shows was kept, and nothing was read for it.
    is_of_kept: AtomicBool,
}

impl LoadTimes {
    pub(super) fn begin(&self) -> Instant {
        self.has_begun.store(true, Ordering::Relaxed);
        Instant::now()
    }

    pub(super) fn end(&self, began: Instant) {
        let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.whole.store(nanos, Ordering::Relaxed);
    }

    pub(super) fn is_of_kept(&self, is_of_kept: bool) {
        self.is_of_kept.store(is_of_kept, Ordering::Relaxed);
    }

    pub(super) fn has_run(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }
}

impl Times {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            load: Arc::default(),
        }
    }

    /// `Server-Timing`. `queue`, `thread` and `pool` are waits for a turn, a thread and a connection, `db` is the statements,
    /// `render` what else it took to make the answer, and `cache` the rest: looking, and waiting for another request that
    /// makes it.
    pub(super) fn header(&self, told: &Told) -> HeaderValue {
        let whole = self.began.elapsed();
        let load = Duration::from_nanos(self.load.whole.load(Ordering::Relaxed));
        if load.is_zero() {
            return told.cache_time(whole);
        }
        let reads = Context::current().map(|request| request.times()).unwrap_or_default();
        let render = load.saturating_sub(reads.total());
        let cache = whole.saturating_sub(load);
        let parts = [
            ("cache", cache),
            ("queue", reads.queue),
            ("thread", reads.thread),
            ("pool", reads.pool),
            ("db", reads.database),
            ("render", render),
        ];
        let parts = parts.map(|(name, took)| format!("{name};dur={:.3}", took.as_secs_f64() * 1_000.0));
        value(&parts.join(", "))
    }
}

/// How an answer was found that the cache was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing is cached here.
    Bypass,
    /// It was there; it may be stale, and is then refreshed or could not be.
    Hit { is_stale: bool },
    /// This request made it, and it is kept, or not; of what was kept, or of what was read.
    Made { is_stored: bool, is_of_kept: bool },
    /// It waited for another request that loaded it.
    Collapsed,
}

impl Found {
    pub(super) fn of(cached: &Cached<Answer>, load: &LoadTimes, is_stored: bool) -> Self {
        match cached.origin() {
            Origin::Loader if load.has_run() => Self::Made {
                is_stored,
                is_of_kept: load.is_of_kept.load(Ordering::Relaxed),
            },
            Origin::Loader => Self::Collapsed,
            Origin::Memory | Origin::Shared => Self::Hit {
                is_stale: cached.is_stale(),
            },
        }
    }

    /// `Cache-Status`.
    pub(super) fn status(self, told: &Told, fresh_for: Duration) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Hit { is_stale: false } => return told.hit(fresh_for),
            Self::Hit { is_stale: true } => "aios; hit; ttl=0; detail=STALE",
            Self::Bypass => "aios; fwd=bypass",
            Self::Made {
                is_stored: true,
                is_of_kept: true,
            } => "aios-values; hit, aios; fwd=miss; stored",
            Self::Made { is_of_kept: true, .. } => "aios-values; hit, aios; fwd=miss",
            Self::Made { is_stored: true, .. } => "aios; fwd=miss; stored",
            Self::Made { .. } => "aios; fwd=miss",
            Self::Collapsed => "aios; fwd=miss; collapsed",
        })
    }
}
