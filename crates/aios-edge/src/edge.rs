//! What a content delivery network does for us: it forgets, or says why not.

use std::time::Duration;

const CALLS_TOTAL: &str = "edge_purge_calls_total";
const CALL_SECONDS: &str = "edge_purge_call_seconds";

/// Tells the metrics recorder what this crate's metrics mean. Call it once, after the recorder is installed.
pub fn describe_metrics() {
    metrics::describe_counter!(
        CALLS_TOTAL,
        "Calls that purge at a CDN, by edge and outcome: done, busy (tried again), denied (the credential), refused (for good)."
    );
    metrics::describe_histogram!(CALL_SECONDS, "How long a call that purges at a CDN takes, by edge.");
}

/// A cache in front of the service, or a network of them.
pub trait Edge: Send + Sync + 'static {
    /// Names it in logs, metrics and tables; the same in every process that purges it.
    fn name(&self) -> &str;

    /// How many tags one call may name.
    fn most_tags(&self) -> usize;

    /// Makes it forget. When this returns well, whatever was stored before the call is not served any more, as far as the
    /// network promises (within a second at Cloudflare, Fastly and Varnish, within a minute or two at CloudFront). To purge
    /// twice does no harm.
    ///
    /// It blocks, ten seconds at most.
    ///
    /// # Errors
    /// Says whether to try again.
    fn purge(&self, what: Purge<'_>) -> Result<(), PurgeError>;
}

/// What to forget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purge<'a> {
    /// What bears one of these tags; at most [`Edge::most_tags`] of them.
    Tags(&'a [String]),
    /// All that it holds for this service.
    Everything,
}

/// Why something was not purged. None of them shows a credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PurgeError {
    /// Not now: it can't be reached, fails, or has had too many calls.
    #[error("{reason}")]
    Busy {
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
        /// What it said.
        reason: String,
    },
    /// It does not take our credential, or does not know what we name: nothing will be purged before somebody mends that.
    #[error("{0}")]
    Denied(String),
    /// It will never take this request; another one it may.
    #[error("{0}")]
    Refused(String),
}

impl PurgeError {
    pub(crate) fn busy(reason: impl Into<String>) -> Self {
        Self::Busy {
            retry_after: None,
            reason: reason.into(),
        }
    }

    fn outcome(&self) -> &'static str {
        match self {
            Self::Busy { .. } => "busy",
            Self::Denied(_) => "denied",
            Self::Refused(_) => "refused",
        }
    }
}

/// A setting that can't be right, in a sentence that does not repeat secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingError(pub(crate) String);

/// Purges, and counts that it did.
pub(crate) fn counted(edge: &dyn Edge, what: Purge<'_>) -> Result<(), PurgeError> {
    let began = std::time::Instant::now();
    let result = edge.purge(what);
    let name = edge.name().to_owned();
    let outcome = result.as_ref().map_or_else(PurgeError::outcome, |()| "done");
    metrics::counter!(CALLS_TOTAL, "edge" => name.clone(), "outcome" => outcome).increment(1);
    metrics::histogram!(CALL_SECONDS, "edge" => name).record(began.elapsed());
    result
}
