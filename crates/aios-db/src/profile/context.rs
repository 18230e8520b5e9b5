//! For whom statements run: a request or a job, from its start to the end of all it began.

use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;

use super::Profile;
use super::report::Times;
use super::table::{Entry, Ran};

tokio::task_local! {
    static CURRENT: Context;
}

/// A request or a job, as the profiler sees it. Clones are the same one; when the last is gone, its figures are added to those
/// of its route.
///
/// ```
/// use aios_db::profile::Context;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// assert!(Context::current().is_none());
/// Context::request("GET", "/agents").scope(async {
///     assert_eq!(Context::current().unwrap().name(), "GET /agents");
/// }).await;
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Context(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    name: String,
    is_job: bool,
    waits: Waits,
    /// What its statements ran on; nothing before the first.
    profile: OnceLock<Arc<Profile>>,
    tallies: Mutex<Tallies>,
    has_begun: AtomicBool,
}

/// Nanoseconds.
#[derive(Debug, Default)]
struct Waits {
    queue: AtomicU64,
    thread: AtomicU64,
    pool: AtomicU64,
    database: AtomicU64,
}

/// What an operation waits for or does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lap {
    Queue,
    Thread,
    Pool,
    Database,
}

impl Context {
    /// A request for a matched route. Routes are few; the paths that match them are not, and have no place here.
    pub fn request(method: &str, route: &str) -> Self {
        Self::new(format!("{method} {route}"), false)
    }

    /// A job beside the requests. It pages through its work, so that a statement may come again with each page; what one
    /// operation repeats is told all the same.
    pub fn job(name: &'static str) -> Self {
        Self::new(name.to_owned(), true)
    }

    fn new(name: String, is_job: bool) -> Self {
        Self(Arc::new(Shared {
            name,
            is_job,
            waits: Waits::default(),
            profile: OnceLock::new(),
            tallies: Mutex::default(),
            has_begun: AtomicBool::new(false),
        }))
    }

    /// The one in whose [`scope`](Self::scope) the task runs.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Runs a future for this request. Tasks that it spawns are outside of it.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        CURRENT.scope(self, future).await
    }

    /// Method and route, or the job's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Where its time at the database went so far.
    pub fn times(&self) -> Times {
        self.0.waits.read()
    }

    /// An operation begins. Whether it is compared with none before.
    pub(super) fn begins_first(&self) -> bool {
        self.0.is_job || !self.0.has_begun.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn add(&self, lap: Lap, took: Duration) {
        let waits = &self.0.waits;
        let nanos = match lap {
            Lap::Queue => &waits.queue,
            Lap::Thread => &waits.thread,
            Lap::Pool => &waits.pool,
            Lap::Database => &waits.database,
        };
        nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Takes in what an operation ran, and says what ran too often.
    pub(super) fn absorb(&self, profile: &Arc<Profile>, mut ran: Tallies) -> Vec<Repeated> {
        let _ = self.0.profile.set(Arc::clone(profile));
        let limit = profile.config().repeats;
        let mut tallies = self.0.tallies.lock();
        if self.0.is_job {
            let repeated = ran.repeated(limit);
            ran.forget_values();
            tallies.merge(ran, limit);
            return repeated;
        }
        tallies.merge(ran, limit);
        tallies.repeated(limit)
    }
}

impl Waits {
    fn read(&self) -> Times {
        let read = |nanos: &AtomicU64| Duration::from_nanos(nanos.load(Ordering::Relaxed));
        Times {
            queue: read(&self.queue),
            thread: read(&self.thread),
            pool: read(&self.pool),
            database: read(&self.database),
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(profile) = self.profile.take() {
            let name = std::mem::take(&mut self.name);
            profile.routes.add(name, self.waits.read(), self.tallies.get_mut());
        }
    }
}

/// So many forms of statement are told apart within a request.
const MOST_FORMS: usize = 64;

/// What a request or an operation ran, by form.
#[derive(Debug, Default)]
pub(super) struct Tallies(Vec<Tally>);

/// What ran of one form.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) entry: Arc<Entry>,
    pub(super) site: Option<&'static Location<'static>>,
    pub(super) calls: u64,
    pub(super) took: Duration,
    pub(super) rows: Option<u64>,
    /// Hashes of the values it ran with, of the first run and of later ones that differ: as many as it takes to know.
    values: Vec<u64>,
    /// It ran with values that nobody looked at, as the first of its form: they count as one set.
    has_unknown: bool,
    /// How often it ran with values it had run with before.
    again: u64,
    told: [bool; 2],
}

/// What is known of the values of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// A hash of them.
    Hash(u64),
    /// Nobody looked.
    Unknown,
    /// It comes in parts on purpose: they do not matter.
    InParts,
}

/// A statement that a request repeated.
pub(super) struct Repeated {
    pub(super) is_n_plus_one: bool,
    pub(super) entry: Arc<Entry>,
    pub(super) site: Option<&'static Location<'static>>,
    pub(super) calls: u64,
    /// Whether this request had not been found out before.
    pub(super) is_new: bool,
}

impl Tallies {
    pub(super) fn has(&self, entry: &Arc<Entry>) -> bool {
        self.0.iter().any(|tally| Arc::ptr_eq(&tally.entry, entry))
    }

    /// Counts a statement.
    pub(super) fn count(&mut self, entry: &Arc<Entry>, ran: &Ran, values: Seen, limit: usize) {
        let one = Tally {
            entry: Arc::clone(entry),
            site: ran.site,
            calls: 1,
            took: ran.took,
            rows: ran.rows,
            values: Vec::new(),
            has_unknown: false,
            again: 0,
            told: [false; 2],
        };
        if let Some(tally) = self.merge_one(one) {
            tally.saw(values, limit);
        }
    }

    fn merge(&mut self, others: Self, limit: usize) {
        for mut other in others.0 {
            let values = std::mem::take(&mut other.values);
            let again = std::mem::take(&mut other.again);
            if let Some(tally) = self.merge_one(other) {
                tally.again += again;
                for value in values {
                    tally.saw(Seen::Hash(value), limit);
                }
            }
        }
    }

    /// The tally that the other was added to; `None` where there is no place for one more form.
    fn merge_one(&mut self, other: Tally) -> Option<&mut Tally> {
        let known = self.0.iter().position(|tally| Arc::ptr_eq(&tally.entry, &other.entry));
        let place = known.unwrap_or(self.0.len());
        if known.is_none() && self.0.len() < MOST_FORMS {
            self.0.push(other);
        } else {
            let tally = self.0.get_mut(place)?;
            tally.calls += other.calls;
            tally.took += other.took;
            tally.has_unknown |= other.has_unknown;
            tally.rows = tally.rows.zip(other.rows).map(|(rows, more)| rows + more);
        }
        self.0.get_mut(place)
    }

    /// What ran with more than `limit` different values, and what ran with the same again.
    pub(super) fn repeated(&mut self, limit: usize) -> Vec<Repeated> {
        let mut found = Vec::new();
        for tally in &mut self.0 {
            let signs = [
                tally.values.len() + usize::from(tally.has_unknown) > limit,
                tally.again > 0,
            ];
            for ((sign, told), is_n_plus_one) in signs.into_iter().zip(&mut tally.told).zip([true, false]) {
                if sign {
                    found.push(Repeated {
                        is_n_plus_one,
                        entry: Arc::clone(&tally.entry),
                        site: tally.site,
                        calls: tally.calls,
                        is_new: !std::mem::replace(told, true),
                    });
                }
            }
        }
        found
    }

    /// What ran is no longer compared with what will run.
    pub(super) fn forget_values(&mut self) {
        for tally in &mut self.0 {
            tally.values.clear();
            tally.has_unknown = false;
            tally.again = 0;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Tally> {
        self.0.iter()
    }
}

impl Tally {
    fn saw(&mut self, values: Seen, limit: usize) {
        let values = match values {
            Seen::Hash(values) => values,
            Seen::Unknown => {
                self.has_unknown = true;
                return;
            }
            Seen::InParts => return,
        };
        if self.values.contains(&values) {
            self.again += 1;
        } else if self.values.len() <= limit {
            self.values.push(values);
        }
    }
}
