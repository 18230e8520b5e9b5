//! Slow statements: the worst of each form is kept, and its plan is asked for beside the requests.

use std::fmt;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::explain::{ExplainMode, explain};
use super::operation;
use super::report::{Plan, SlowExample};
use super::table::{Entry, cut, site_text};
use crate::connection::{Access, DatabaseUrl, connect};
use crate::printed::parts;

/// Names of this module's metrics.
pub(super) const SLOW_TOTAL: &str = "aios_db_slow_statements_total";
pub(super) const EXPLAINED_TOTAL: &str = "aios_db_explained_total";

/// So many statements wait for their plans; more are not explained this time.
const MOST_WAITING: usize = 32;
/// A plan is asked for that often at most for each form of statement.
const EVERY: Duration = Duration::from_secs(60);
/// How long the database may think of a plan, and how long it may run a statement that is analyzed.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// The connection is closed when nothing was asked for so long.
const IDLE: Duration = Duration::from_secs(10);
/// What is kept of the SQL and of the values of an example, in bytes.
const LONGEST_SQL: usize = 16 * 1024;
const LONGEST_BINDS: usize = 4 * 1024;
/// What is kept of a plan.
const LONGEST_PLAN: usize = 16 * 1024;

/// What is done about slow statements.
pub(crate) struct Slow {
    threshold: Duration,
    url: DatabaseUrl,
    jobs: OnceLock<Option<SyncSender<Job>>>,
}

/// A plan to be asked for.
struct Job {
    sql: String,
    binds: Option<String>,
    mode: ExplainMode,
    to: For,
}

/// Who wants it.
enum For {
    /// The example of this form of statement.
    Example(Arc<Entry>),
    /// Somebody who waits.
    Asker(oneshot::Sender<Plan>),
}

impl Slow {
    pub(super) fn new(threshold: Duration, url: DatabaseUrl) -> Self {
        Self {
            threshold,
            url,
            jobs: OnceLock::new(),
        }
    }

    pub(super) fn is_slow(&self, took: Duration) -> bool {
        took >= self.threshold
    }

    /// A statement was slow. Whoever it ran for waits for nothing here.
    pub(super) fn tell(&self, entry: &Arc<Entry>, took: Duration, query: &dyn fmt::Display) {
        metrics::counter!(SLOW_TOTAL).increment(1);
        let (route, site) = operation::origin();
        let call_site = site.map(site_text);
        // Without its values: they may be personal.
        let fingerprint = entry.fingerprint;
        tracing::debug!(%fingerprint, ?took, route, call_site, sql = entry.text, "a statement was slow");
        let mut worst = entry.worst.lock();
        let is_worse = worst.example.as_ref().is_none_or(|example| took > example.took);
        let is_time = worst.asked.is_none_or(|asked| asked.elapsed() >= EVERY);
        if !is_worse && !is_time {
            return;
        }
        let (mut sql, mut binds) = parts(query);
        if is_worse {
            let plan = worst.example.take().map_or(Plan::Pending, |example| example.plan);
            let (mut kept, mut values) = (sql.clone(), binds.clone());
            cut(&mut kept, LONGEST_SQL);
            if let Some(values) = &mut values {
                cut(values, LONGEST_BINDS);
            }
            worst.example = Some(SlowExample {
                took,
                sql: kept,
                binds: values,
                route,
                call_site,
                plan,
            });
        } else if let Some(example) = &worst.example {
            // The plan that is kept is the one of the example.
            sql.clone_from(&example.sql);
            binds.clone_from(&example.binds);
        }
        if is_time {
            worst.asked = Some(Instant::now());
            drop(worst);
            let job = Job {
                sql,
                binds,
                mode: ExplainMode::Plan,
                to: For::Example(Arc::clone(entry)),
            };
            // Where too many wait, a later statement is explained.
            let _ = self.send(job);
        }
    }

    /// The plan of a statement that has run: of its worst example, else of its SQL with any values.
    pub(super) async fn explain(&self, entry: &Entry, mode: ExplainMode) -> Plan {
        let example = entry.worst.lock().example.clone();
        let asked = match (example, &entry.sample) {
            (Some(example), _) => Some((example.sql, example.binds)),
            (None, Some(sample)) => Some((sample.clone(), None)),
            (None, None) => None,
        };
        let Some((sql, binds)) = asked else {
            return Plan::Failed("its SQL is too long to be kept".to_owned());
        };
        let (answer, answered) = oneshot::channel();
        let to = For::Asker(answer);
        if !self.send(Job { sql, binds, mode, to }) {
            return Plan::Failed("too many plans are being asked for; try again in a moment".to_owned());
        }
        let gone = |_| Plan::Failed("the profiler has stopped".to_owned());
        answered.await.unwrap_or_else(gone)
    }

    /// Whether there was room for it.
    fn send(&self, job: Job) -> bool {
        let jobs = self.jobs.get_or_init(|| start(self.url.clone()));
        match jobs.as_ref().map(|jobs| jobs.try_send(job)) {
            Some(Ok(())) => true,
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => false,
        }
    }
}

/// Starts the thread that asks for plans. It ends with the profiler.
fn start(url: DatabaseUrl) -> Option<SyncSender<Job>> {
    let (jobs, waiting) = sync_channel(MOST_WAITING);
    let thread = std::thread::Builder::new().name("aios-db-explain".to_owned());
    let started = thread.spawn(move || work(&url, &waiting));
    if let Err(error) = started {
        tracing::warn!(%error, "no thread for explaining slow statements");
        return None;
    }
    Some(jobs)
}

fn work(url: &DatabaseUrl, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let mut connection = match connect(url, Access::ReadOnly, Some(TIME_LIMIT)) {
            Ok(connection) => connection,
            Err(error) => {
                done(
                    first.to,
                    Plan::Failed(format!("the database can't be reached: {error}")),
                );
                continue;
            }
        };
        let mut next = Some(first);
        while let Some(Job { sql, binds, mode, to }) = next {
            let plan = match explain(&mut connection, &sql, binds.as_deref(), mode, TIME_LIMIT) {
                Ok(mut plan) => {
                    cut(&mut plan, LONGEST_PLAN);
                    Plan::Explained(plan)
                }
                Err(error) => Plan::Failed(error.to_string()),
            };
            let has_failed = matches!(plan, Plan::Failed(_));
            done(to, plan);
            // A connection that failed may be gone, or have a transaction open.
            next = if has_failed { None } else { jobs.recv_timeout(IDLE).ok() };
        }
    }
}

fn done(to: For, plan: Plan) {
    let outcome = if matches!(plan, Plan::Failed(_)) {
        "failed"
    } else {
        "explained"
    };
    metrics::counter!(EXPLAINED_TOTAL, "outcome" => outcome).increment(1);
    match to {
        For::Example(entry) => {
            if let Some(example) = &mut entry.worst.lock().example {
                example.plan = plan;
            }
        }
        // Nobody waits any more where the request was given up.
        For::Asker(asker) => drop(asker.send(plan)),
    }
}
