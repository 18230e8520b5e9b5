//! What is counted: cheaply where it happens, read by `stats()`, and handed to the `metrics` facade once a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use parking_lot::Mutex;

/// A counter that threads do not fight for.
#[derive(Debug, Default)]
pub(crate) struct StripedCounter([Stripe; STRIPES]);

const STRIPES: usize = 16;

/// A counter alone on its cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe(AtomicU64);

thread_local! {
    /// Threads take the stripes in turn.
    static STRIPE: usize = {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        usize::try_from(NEXT.fetch_add(1, Ordering::Relaxed)).unwrap_or(0) % STRIPES
    };
}

impl StripedCounter {
    #[inline]
    pub(crate) fn increment(&self) {
        STRIPE.with(|&index| {
            if let Some(stripe) = self.0.get(index) {
                stripe.0.fetch_add(1, Ordering::Relaxed);
            }
        });
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.iter().map(|stripe| stripe.0.load(Ordering::Relaxed)).sum()
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $field:ident => $metric:literal { $($label:literal : $value:literal),* },)*) => {
        /// What has happened in a namespace since it was made, and what is in it now.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct NamespaceStats {
            $($(#[$doc])* pub $field: u64,)*
            /// Entries in memory, those that have expired and are not swept yet among them.
            pub entries: u64,
            /// Their bytes, as weighed.
            pub bytes: u64,
            /// Loads under way, until what they brought is in the shared tier.
            pub loading: u64,
        }

        /// The counters behind [`NamespaceStats`].
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $field: StripedCounter,)*
            published: Mutex<NamespaceStats>,
        }

        impl Counters {
            pub(crate) fn read(&self, entries: u64, bytes: u64, loading: u64, evictions: u64) -> NamespaceStats {
                let mut stats = NamespaceStats { $($field: self.$field.get(),)* entries, bytes, loading };
                stats.evictions = evictions;
                stats
            }

            /// Hands what has happened since the last time to the recorder.
            pub(crate) fn publish(&self, namespace: &Arc<str>, stats: &NamespaceStats) {
                let mut published = self.published.lock();
                $(
                    let step = stats.$field.saturating_sub(published.$field);
                    if step > 0 {
                        counter!($metric, "namespace" => Arc::clone(namespace) $(, $label => $value)*).increment(step);
                    }
                )*
                *published = *stats;
                gauge!("cache_entries", "namespace" => Arc::clone(namespace)).set(as_f64(stats.entries));
                gauge!("cache_bytes", "namespace" => Arc::clone(namespace)).set(as_f64(stats.bytes));
                gauge!("cache_loading", "namespace" => Arc::clone(namespace)).set(as_f64(stats.loading));
            }
        }
    };
}

counters! {
    /// Answers from memory, fresh.
    memory_hits => "cache_hits_total" { "tier": "memory" },
    /// Answers from the shared tier.
    shared_hits => "cache_hits_total" { "tier": "shared" },
    /// Answers that were in neither tier.
    misses => "cache_misses_total" {},
    /// Old values served while they were refreshed.
    stale_served => "cache_stale_served_total" { "why": "refreshing" },
    /// Old values served because the load failed or took too long.
    stale_on_error => "cache_stale_served_total" { "why": "error" },
    /// Callers that waited for somebody else's load.
    coalesced => "cache_coalesced_total" {},
    /// Loads that brought a value.
    loads => "cache_loads_total" { "outcome": "loaded" },
    /// Loads that failed.
    load_errors => "cache_loads_total" { "outcome": "failed" },
    /// Loads that panicked.
    load_panics => "cache_loads_total" { "outcome": "panicked" },
    /// Callers that were told that the load takes too long.
    load_timeouts => "cache_load_timeouts_total" {},
    /// Refreshes before the end, by chance.
    early_refreshes => "cache_early_refreshes_total" {},
    /// Loads whose result was not stored because something was invalidated meanwhile.
    overtaken => "cache_overtaken_total" {},
    /// Writes that the shared tier refused for the same reason, or because another node was first.
    write_refused => "cache_write_refused_total" {},
    /// Values that could not be serialised.
    unserializable => "cache_serializer_failures_total" {},
    /// Payloads in the shared tier that were taken for a miss: unknown, foreign, cut short, corrupt, too large.
    rejected => "cache_rejected_total" {},
    /// Entries evicted from memory for want of room.
    evictions => "cache_evictions_total" {},
}

/// What has happened in a cache since it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Each namespace's own, by name.
    pub namespaces: std::collections::BTreeMap<String, NamespaceStats>,
    /// Calls of `invalidate` that reached every node.
    pub invalidations: u64,
    /// Those that could not, and were remembered.
    pub invalidations_deferred: u64,
    /// What is remembered now.
    pub pending: u64,
    /// Notices of other nodes.
    pub notices: u64,
    /// How often this node distrusted its memory because it may have missed a notice.
    pub distrusted: u64,
    /// Calls of the shared tier that failed.
    pub engine_errors: u64,
    /// Whether the shared tier is in use now; false where there is none.
    pub is_linked: bool,
    /// Tags that this node knows.
    pub tags: u64,
}

/// The counters of a whole cache.
#[derive(Debug, Default)]
pub(crate) struct HubCounters {
    pub(crate) invalidations: AtomicU64,
    pub(crate) deferred: AtomicU64,
    pub(crate) notices: AtomicU64,
    pub(crate) distrusted: AtomicU64,
    pub(crate) engine_errors: AtomicU64,
    published: Mutex<[u64; 5]>,
}

impl HubCounters {
    pub(crate) fn publish(&self, stats: &CacheStats) {
        let now = [
            stats.invalidations,
            stats.invalidations_deferred,
            stats.notices,
            stats.distrusted,
            stats.engine_errors,
        ];
        let mut published = self.published.lock();
        let [everywhere, deferred, notices, distrusted, errors] =
            std::array::from_fn(|i| now.get(i).unwrap_or(&0).saturating_sub(*published.get(i).unwrap_or(&0)));
        *published = now;
        counter!("cache_invalidations_total", "outcome" => "everywhere").increment(everywhere);
        counter!("cache_invalidations_total", "outcome" => "deferred").increment(deferred);
        counter!("cache_notices_total").increment(notices);
        counter!("cache_distrusted_total").increment(distrusted);
        counter!("cache_engine_errors_total").increment(errors);
        gauge!("cache_link_up").set(if stats.is_linked { 1.0 } else { 0.0 });
        gauge!("cache_pending_invalidations").set(as_f64(stats.pending));
        gauge!("cache_tags").set(as_f64(stats.tags));
    }
}

/// Metrics are floats; counts beyond 2^53 lose their last digits.
#[expect(clippy::cast_precision_loss, reason = "said above")]
fn as_f64(count: u64) -> f64 {
    count as f64
}

/// Describes the metrics of every cache in this process to the recorder that is installed.
pub fn describe_metrics() {
    describe_counter!("cache_hits_total", "Answers from the cache, by tier and namespace.");
    describe_counter!("cache_misses_total", "Answers that were in no tier.");
    describe_counter!(
        "cache_stale_served_total",
        "Old values served, because they were being refreshed or could not be."
    );
    describe_counter!("cache_coalesced_total", "Callers that waited for somebody else's load.");
    describe_counter!("cache_loads_total", "Loads, by outcome.");
    describe_counter!("cache_load_timeouts_total", "Callers told that a load takes too long.");
    describe_counter!("cache_early_refreshes_total", "Refreshes before expiry, by chance.");
    describe_counter!(
        "cache_overtaken_total",
        "Loads overtaken by an invalidation; their results were not stored."
    );
    describe_counter!(
        "cache_write_refused_total",
        "Writes refused by the shared tier: overtaken, or another was first."
    );
    describe_counter!(
        "cache_serializer_failures_total",
        "Values that could not be serialised."
    );
    describe_counter!("cache_rejected_total", "Payloads of the shared tier taken for a miss.");
    describe_counter!("cache_rejections_total", "The same, by reason.");
    describe_counter!("cache_evictions_total", "Entries evicted from memory.");
    describe_counter!("cache_invalidations_total", "Invalidations, by how far they got.");
    describe_counter!("cache_notices_total", "Notices of other nodes' invalidations.");
    describe_counter!(
        "cache_distrusted_total",
        "Times that memory was distrusted, since a notice may have been missed."
    );
    describe_counter!("cache_engine_errors_total", "Calls of the shared tier that failed.");
    describe_gauge!("cache_entries", "Entries in memory.");
    describe_gauge!("cache_bytes", Unit::Bytes, "Bytes in memory, as weighed.");
    describe_gauge!("cache_loading", "Loads under way.");
    describe_gauge!(
        "cache_link_up",
        "Whether the shared tier is in use: the circuit breaker's state."
    );
    describe_gauge!(
        "cache_pending_invalidations",
        "Invalidations to be repeated once the shared tier is back."
    );
    describe_gauge!("cache_tags", "Tags that this node knows.");
    describe_histogram!("cache_load_seconds", Unit::Seconds, "How long loads take.");
    describe_histogram!(
        "cache_engine_seconds",
        Unit::Seconds,
        "How long calls of the shared tier take."
    );
    describe_histogram!(
        "cache_backplane_lag_seconds",
        Unit::Seconds,
        "From an invalidation's answer to its notice on the same node; negative lags are zero."
    );
}
