//! What is counted and timed of the pools. Every metric bears the label `pool`: `primary` (reads and writes on PostgreSQL),
//! `read` and `write` (SQLite), `replica-1` and so on.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};

const WAIT_SECONDS: &str = "aios_db_wait_seconds";
const USE_SECONDS: &str = "aios_db_use_seconds";
const CONNECT_SECONDS: &str = "aios_db_connect_seconds";
const CONNECT_FAILURES_TOTAL: &str = "aios_db_connect_failures_total";
const CONNECTIONS: &str = "aios_db_connections";
const CONNECTIONS_MAX: &str = "aios_db_connections_max";
const WAITING: &str = "aios_db_waiting";
const SHED_TOTAL: &str = "aios_db_shed_total";
const UNREACHABLE_TOTAL: &str = "aios_db_unreachable_total";
const ABANDONED_TOTAL: &str = "aios_db_abandoned_total";
const HELD_TOO_LONG_TOTAL: &str = "aios_db_held_too_long_total";
const LONGEST_HOLD_SECONDS: &str = "aios_db_longest_hold_seconds";
const REPLICA_UP: &str = "aios_db_replica_up";
const REPLICA_LAG_BYTES: &str = "aios_db_replica_lag_bytes";
const REPLICA_READS_TOTAL: &str = "aios_db_replica_reads_total";
const REPLICA_FALLBACKS_TOTAL: &str = "aios_db_replica_fallbacks_total";

/// Tells the metrics recorder what they mean.
pub(crate) fn describe() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    let seconds = |name, what| describe_histogram!(name, Unit::Seconds, what);
    seconds(WAIT_SECONDS, "Time an operation waited for its turn, where it had to.");
    seconds(USE_SECONDS, "Time an operation held a database connection.");
    seconds(CONNECT_SECONDS, "Time it took to open a database connection.");
    describe_counter!(CONNECT_FAILURES_TOTAL, "Connections that could not be opened.");
    describe_gauge!(CONNECTIONS, "Open database connections, by state: used, idle.");
    describe_gauge!(CONNECTIONS_MAX, "The most connections that a pool opens.");
    describe_gauge!(WAITING, "Operations that wait for their turn.");
    describe_counter!(
        SHED_TOTAL,
        "Operations refused because the pool was exhausted, by why: queue_full, waited_too_long."
    );
    describe_counter!(
        UNREACHABLE_TOTAL,
        "Operations refused because no connection could be opened."
    );
    describe_counter!(
        ABANDONED_TOTAL,
        "Operations that were not run, since nobody waited for them any more."
    );
    describe_counter!(
        HELD_TOO_LONG_TOTAL,
        "Operations that held a connection for longer than DATABASE_HOLD_WARNING."
    );
    describe_gauge!(
        LONGEST_HOLD_SECONDS,
        "For how long the operation has held its connection that holds it for the longest, in seconds."
    );
    describe_gauge!(REPLICA_UP, "Whether a replica is read from: 1 or 0.");
    describe_gauge!(
        REPLICA_LAG_BYTES,
        "How much of the primary's log a replica has not replayed, as far as is known."
    );
    describe_counter!(REPLICA_READS_TOTAL, "Reads that a replica answered.");
    describe_counter!(
        REPLICA_FALLBACKS_TOTAL,
        "Reads that went to the primary in spite of replicas, by why: down, behind, unknown, failed."
    );
}

/// The handles of one pool. They are got when it is made, which is after the recorder was installed.
#[derive(Clone)]
pub(super) struct LaneMetrics {
    wait: Histogram,
    hold: Histogram,
    connect: Histogram,
    connect_failures: Counter,
    used: Gauge,
    idle: Gauge,
    max: Gauge,
    waiting: Gauge,
    queue_full: Counter,
    waited_too_long: Counter,
    unreachable: Counter,
    abandoned: Counter,
    held_too_long: Counter,
    longest_hold: Gauge,
}

impl LaneMetrics {
    pub(super) fn of(pool: &Arc<str>) -> Self {
        Self {
            wait: metrics::histogram!(WAIT_SECONDS, "pool" => Arc::clone(pool)),
            hold: metrics::histogram!(USE_SECONDS, "pool" => Arc::clone(pool)),
            connect: metrics::histogram!(CONNECT_SECONDS, "pool" => Arc::clone(pool)),
            connect_failures: metrics::counter!(CONNECT_FAILURES_TOTAL, "pool" => Arc::clone(pool)),
            used: metrics::gauge!(CONNECTIONS, "pool" => Arc::clone(pool), "state" => "used"),
            idle: metrics::gauge!(CONNECTIONS, "pool" => Arc::clone(pool), "state" => "idle"),
            max: metrics::gauge!(CONNECTIONS_MAX, "pool" => Arc::clone(pool)),
            waiting: metrics::gauge!(WAITING, "pool" => Arc::clone(pool)),
            queue_full: metrics::counter!(SHED_TOTAL, "pool" => Arc::clone(pool), "why" => "queue_full"),
            waited_too_long: metrics::counter!(SHED_TOTAL, "pool" => Arc::clone(pool), "why" => "waited_too_long"),
            unreachable: metrics::counter!(UNREACHABLE_TOTAL, "pool" => Arc::clone(pool)),
            abandoned: metrics::counter!(ABANDONED_TOTAL, "pool" => Arc::clone(pool)),
            held_too_long: metrics::counter!(HELD_TOO_LONG_TOTAL, "pool" => Arc::clone(pool)),
            longest_hold: metrics::gauge!(LONGEST_HOLD_SECONDS, "pool" => Arc::clone(pool)),
        }
    }

    pub(super) fn waited(&self, time: Duration) {
        self.wait.record(time.as_secs_f64());
    }

    pub(super) fn held(&self, time: Duration) {
        self.hold.record(time.as_secs_f64());
    }

    pub(super) fn connected(&self, time: Duration) {
        self.connect.record(time.as_secs_f64());
    }

    pub(super) fn connect_failed(&self) {
        self.connect_failures.increment(1);
    }

    pub(super) fn shed(&self, is_queue_full: bool) {
        let counter = if is_queue_full {
            &self.queue_full
        } else {
            &self.waited_too_long
        };
        counter.increment(1);
    }

    pub(super) fn unreachable(&self) {
        self.unreachable.increment(1);
    }

    pub(super) fn abandoned(&self) {
        self.abandoned.increment(1);
    }

    pub(super) fn held_too_long(&self) {
        self.held_too_long.increment(1);
    }

    /// What a look at the pool shows.
    pub(super) fn seen(&self, pool: &super::PoolStatus) {
        self.used.set(f64::from(pool.used));
        self.idle.set(f64::from(pool.idle));
        self.max.set(f64::from(pool.max));
        self.waiting.set(f64::from(pool.waiting));
        self.longest_hold.set(pool.longest_hold.as_secs_f64());
    }
}

/// The handles of one replica.
#[derive(Clone)]
pub(super) struct ReplicaMetrics {
    up: Gauge,
    lag: Gauge,
    reads: Counter,
}

impl ReplicaMetrics {
    pub(super) fn of(replica: &Arc<str>) -> Self {
        Self {
            up: metrics::gauge!(REPLICA_UP, "pool" => Arc::clone(replica)),
            lag: metrics::gauge!(REPLICA_LAG_BYTES, "pool" => Arc::clone(replica)),
            reads: metrics::counter!(REPLICA_READS_TOTAL, "pool" => Arc::clone(replica)),
        }
    }

    pub(super) fn read(&self) {
        self.reads.increment(1);
    }

    pub(super) fn is_up(&self, is_up: bool) {
        self.up.set(if is_up { 1.0 } else { 0.0 });
    }

    pub(super) fn lag(&self, bytes: u64) {
        // Metrics are floats; what is lost beyond 2^53 bytes is no loss.
        #[expect(clippy::cast_precision_loss, reason = "said above")]
        self.lag.set(bytes as f64);
    }
}

/// A read that went to the primary in spite of replicas.
pub(super) fn fell_back(why: &'static str) {
    metrics::counter!(REPLICA_FALLBACKS_TOTAL, "why" => why).increment(1);
}
