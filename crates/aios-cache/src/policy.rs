//! How long a value is good, and what happens when it is not: the choices a namespace or a single call makes.

use std::time::Duration;

/// How values are kept and loaded.
///
/// ```text
///   loaded ──── fresh ────▶ ttl ── served, refreshed once beside it ──▶ + stale ── only if loading fails ──▶ + stale_if_error
/// ```
///
/// ```
/// use aios_cache::Policy;
/// use std::time::Duration;
///
/// const LISTINGS: Policy = Policy::new(Duration::from_secs(300))
///     .stale(Duration::from_secs(60))
///     .stale_if_error(Duration::from_secs(3600));
/// assert_eq!(LISTINGS.keep(), Duration::from_secs(3960));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub(crate) ttl: Duration,
    pub(crate) stale: Duration,
    pub(crate) stale_if_error: Duration,
    pub(crate) retry_pause: Duration,
    pub(crate) negative_ttl: Option<Duration>,
    pub(crate) jitter: f32,
    pub(crate) early_refresh: Option<f32>,
    pub(crate) soft_timeout: Option<Duration>,
    pub(crate) hard_timeout: Option<Duration>,
    pub(crate) across_nodes: bool,
}

impl Policy {
    /// Values are fresh for `ttl` and gone after it; every other choice is switched off.
    pub const fn new(ttl: Duration) -> Self {
        Self {
            ttl,
            stale: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            retry_pause: Duration::from_secs(5),
            negative_ttl: None,
            jitter: 0.0,
            early_refresh: None,
            soft_timeout: None,
            hard_timeout: None,
            across_nodes: false,
        }
    }

    /// How long a value is fresh (the soft time to live).
    #[must_use]
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// How long beyond `ttl` a value is served at once while one task refreshes it (stale-while-revalidate, RFC 5861).
    #[must_use]
    pub const fn stale(mut self, stale: Duration) -> Self {
        self.stale = stale;
        self
    }

    /// How long beyond `ttl` and `stale` a value is served where loading fails or exceeds a time-out (stale-if-error, RFC
    /// 5861). What was invalidated is never served.
    #[must_use]
    pub const fn stale_if_error(mut self, stale: Duration) -> Self {
        self.stale_if_error = stale;
        self
    }

    /// How long a load that failed is not tried again while there is an old value to serve. 5 s unless told otherwise.
    #[must_use]
    pub const fn retry_pause(mut self, pause: Duration) -> Self {
        self.retry_pause = pause;
        self
    }

    /// How long it is remembered that there is no value: that the loader said [`Loaded::absent`](crate::Loaded::absent), or
    /// returned what the namespace's `negative` takes for absent. Without it such results live as long as others.
    #[must_use]
    pub const fn negative_ttl(mut self, ttl: Duration) -> Self {
        self.negative_ttl = Some(ttl);
        self
    }

    /// The share of `ttl`, 0 to 1, by which it is shortened at random, so that what was loaded together does not expire
    /// together.
    #[must_use]
    pub const fn jitter(mut self, share: f32) -> Self {
        self.jitter = if share < 0.0 {
            0.0
        } else if share > 1.0 {
            1.0
        } else {
            share
        };
        self
    }

    /// Refreshes fresh values by chance before they expire, the likelier the nearer the end and the longer the load takes
    /// (XFetch; Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede Prevention, 2015). 1.0 is the
    /// authors' choice; more is earlier.
    #[must_use]
    pub const fn early_refresh(mut self, beta: f32) -> Self {
        self.early_refresh = if beta > 0.0 { Some(beta) } else { None };
        self
    }

    /// After this long a caller gets an old value where there is one; the load goes on.
    #[must_use]
    pub const fn soft_timeout(mut self, timeout: Duration) -> Self {
        self.soft_timeout = Some(timeout);
        self
    }

    /// After this long a caller gets an old value or [`LoadError::TimedOut`](crate::LoadError::TimedOut); the load goes on,
    /// and what it brings is stored.
    #[must_use]
    pub const fn hard_timeout(mut self, timeout: Duration) -> Self {
        self.hard_timeout = Some(timeout);
        self
    }

    /// Whether a load waits for another node that is loading the same value, up to the lease's time.
    #[must_use]
    pub const fn across_nodes(mut self, yes: bool) -> Self {
        self.across_nodes = yes;
        self
    }

    /// Whether a caller waits for so long and no longer.
    pub(crate) const fn has_timeouts(&self) -> bool {
        self.soft_timeout.is_some() || self.hard_timeout.is_some()
    }

    /// How long a value is kept in all, before `jitter`.
    pub const fn keep(&self) -> Duration {
        self.ttl.saturating_add(self.stale).saturating_add(self.stale_if_error)
    }
}

impl Default for Policy {
    /// Five minutes.
    fn default() -> Self {
        Self::new(Duration::from_secs(300))
    }
}
