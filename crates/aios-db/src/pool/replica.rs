//! One replica: its pool, and what is known of how far it is.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use diesel::QueryResult;
use diesel::pg::data_types::PgLsn;
use diesel::pg::sql_types;
use diesel::sql_types::{BigInt, Nullable};
use parking_lot::Mutex;

use super::lane::Lane;
use super::metrics::ReplicaMetrics;
use super::position::{Lsn, Seen, ask, system};
use crate::connection::{Access, AnyConnection, DatabaseUrl, connect};

/// How often a replica is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// A replica that has not answered for so long is not read from.
const BELIEVED_FOR: Duration = Duration::from_secs(1);
/// How long one that is down is left alone, at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long the question may take.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(2);
/// One that is hardly behind is given a moment, so many times.
const CATCH_UP_PAUSE: Duration = Duration::from_millis(1);
const CATCH_UPS: u32 = 3;
/// What is hardly behind, in bytes of log.
const NEARLY: Lsn = 1 << 20;

/// The running server behind a connection: an address may stand for several, and one that was rebuilt begins anew.
pub(super) type Instance = i64;

/// A replica that may be read from.
pub(super) struct Replica {
    pub(super) lane: Lane,
    pub(super) known: Arc<Known>,
    pub(super) metrics: ReplicaMetrics,
    _stop: Sender<()>,
}

/// What is known of a replica. It never claims more than was true once, and a replica never goes back.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<Option<Report>>);

#[derive(Clone, Copy, Debug)]
struct Report {
    instance: Instance,
    replayed: Lsn,
    at: Instant,
    /// It was asked just now, and was too far behind to be asked again before the next report.
    is_behind: bool,
}

/// Whether a replica has what a read needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// It has.
    Yes,
    /// It has to be asked.
    Unknown,
    /// It has not, and won't in a moment.
    No,
    /// It is not read from.
    Down,
}

impl Known {
    pub(super) fn reach(&self, needed: Lsn, now: Instant) -> Reach {
        match &*self.0.lock() {
            Some(report) if now.saturating_duration_since(report.at) <= BELIEVED_FOR => match report {
                report if report.replayed >= needed => Reach::Yes,
                report if report.is_behind => Reach::No,
                _ => Reach::Unknown,
            },
            _ => Reach::Down,
        }
    }

    /// Waits until it is not read from any more.
    pub(super) async fn fallen_silent(&self) {
        while self.reach(0, Instant::now()) != Reach::Down {
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Whether the server behind this connection has what is needed; asks it, where that is not known of this very server.
    pub(super) fn has(&self, needed: Lsn, connection: &mut AnyConnection, instance: Instance) -> QueryResult<bool> {
        let is_known = |report: &Report| report.instance == instance && report.replayed >= needed;
        if self.0.lock().as_ref().is_some_and(is_known) {
            return Ok(true);
        }
        for tried in 0..=CATCH_UPS {
            let replayed = replayed(connection)?.unwrap_or(0);
            self.heard(instance, replayed);
            if replayed >= needed {
                return Ok(true);
            }
            if needed - replayed > NEARLY {
                break;
            }
            if tried < CATCH_UPS {
                std::thread::sleep(CATCH_UP_PAUSE);
            }
        }
        if let Some(report) = self.0.lock().as_mut() {
            report.is_behind = true;
        }
        Ok(false)
    }

    fn heard(&self, instance: Instance, replayed: Lsn) {
        if let Some(report) = self.0.lock().as_mut().filter(|report| report.instance == instance) {
            report.replayed = report.replayed.max(replayed);
        }
    }

    fn report(&self, instance: Instance, replayed: Lsn) -> bool {
        let mut state = self.0.lock();
        let before = state.filter(|report| report.instance == instance);
        let is_new = state.is_none();
        *state = Some(Report {
            instance,
            replayed: before.map_or(0, |report| report.replayed).max(replayed),
            at: Instant::now(),
            is_behind: false,
        });
        is_new
    }

    /// It is not read from before it has answered again. Whether it was.
    pub(super) fn is_down(&self) -> bool {
        self.0.lock().take().is_some()
    }
}

impl Replica {
    pub(super) fn new(url: DatabaseUrl, lane: Lane, primary: Arc<Seen>) -> Self {
        let (stop, stopped) = channel();
        let (known, metrics) = (Arc::<Known>::default(), ReplicaMetrics::of(lane.name()));
        metrics.is_up(false);
        let watching = Watching {
            name: Arc::clone(lane.name()),
            url,
            known: Arc::clone(&known),
            metrics: metrics.clone(),
            primary,
            is_told: false,
        };
        let started = std::thread::Builder::new()
            .name(format!("aios-db-{}-watch", lane.name()))
            .spawn(move || watching.run(&stopped));
        if let Err(error) = started {
            tracing::warn!(%error, replica = &**lane.name(), "the replica is not used: a thread could not be started");
        }
        Self {
            lane,
            known,
            metrics,
            _stop: stop,
        }
    }
}

/// Asks a replica again and again how far it is.
struct Watching {
    name: Arc<str>,
    url: DatabaseUrl,
    known: Arc<Known>,
    metrics: ReplicaMetrics,
    primary: Arc<Seen>,
    /// The log says already that it is down.
    is_told: bool,
}

impl Watching {
    fn run(mut self, stopped: &Receiver<()>) {
        let (mut session, mut pause) = (None, ASK_EVERY);
        loop {
            match self.look(&mut session) {
                Ok(()) => pause = ASK_EVERY,
                Err(error) => {
                    session = None;
                    self.known.is_down();
                    self.metrics.is_up(false);
                    if !std::mem::replace(&mut self.is_told, true) {
                        tracing::warn!(replica = &*self.name, %error, "a replica is not read from");
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
            if stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    fn look(&mut self, session: &mut Option<(AnyConnection, Instance)>) -> Result<(), Box<dyn std::error::Error>> {
        let (connection, instance) = match session {
            Some(session) => session,
            None => session.insert(self.connect()?),
        };
        let replayed = replayed(connection)?.ok_or("it is no replica: it does not replay another server's log")?;
        if self.known.report(*instance, replayed) {
            self.is_told = false;
            self.metrics.is_up(true);
            tracing::info!(replica = &*self.name, "a replica is read from");
        }
        self.metrics.lag(self.primary.latest().saturating_sub(replayed));
        Ok(())
    }

    fn connect(&self) -> Result<(AnyConnection, Instance), Box<dyn std::error::Error>> {
        let mut connection = connect(&self.url, Access::ReadOnly, Some(STATEMENT_TIMEOUT))?;
        let primary = self.primary.system().ok_or("the primary was not heard of yet")?;
        if system(&mut connection)? != primary {
            return Err("it is a replica of another database: its system identifier is not the primary's".into());
        }
        let instance = instance(&mut connection)?;
        Ok((connection, instance))
    }
}

/// Up to where this server has replayed the primary's log; `None` where it is no replica.
fn replayed(connection: &mut AnyConnection) -> QueryResult<Option<Lsn>> {
    // A server that was promoted still says how far it got before.
    let expression = "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() END";
    let lsn = ask::<Nullable<sql_types::PgLsn>, Option<PgLsn>>(connection, expression)?;
    Ok(lsn.map(|lsn| lsn.0))
}

/// When this server was started, which tells it from others.
pub(super) fn instance(connection: &mut AnyConnection) -> QueryResult<Instance> {
    ask::<BigInt, Instance>(
        connection,
        "(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_is_believed_for_a_moment_and_never_goes_back() {
        let known = Known::default();
        let now = Instant::now();
        assert_eq!(known.reach(0, now), Reach::Down);
        assert!(known.report(1, 100));
        assert!(!known.report(1, 90));
        let now = Instant::now();
        assert_eq!(
            (known.reach(100, now), known.reach(101, now)),
            (Reach::Yes, Reach::Unknown)
        );
        let much_later = now + 2 * BELIEVED_FOR;
        assert_eq!(known.reach(100, much_later), Reach::Down);
        // Another server behind the same name begins anew.
        known.report(2, 10);
        assert_eq!(known.reach(100, Instant::now()), Reach::Unknown);
        assert!(known.is_down() && !known.is_down());
        assert_eq!(known.reach(0, Instant::now()), Reach::Down);
    }
}
