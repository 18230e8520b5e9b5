//! What runs on this database thread: for whom, from which line of source, and what of it has run.

use std::any::TypeId;
use std::cell::RefCell;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::context::{Context, Lap, Repeated, Seen, Tallies};
use super::table::{Entry, Ran};
use super::{OnRepeat, Profile, repeats};

thread_local! {
    static STATE: RefCell<State> = const { RefCell::new(State::new()) };
}

#[derive(Default)]
struct State {
    running: Option<Running>,
    /// The line that runs a statement now, where it says so.
    site: Option<&'static Location<'static>>,
    /// The type of the query that this line runs next, where it stands for its SQL.
    form: Option<TypeId>,
    /// A statement of that line whose rows are yet to be counted.
    pending: Option<Statement>,
    /// Statements come in parts on purpose.
    is_in_parts: bool,
}

impl State {
    const fn new() -> Self {
        Self {
            running: None,
            site: None,
            form: None,
            pending: None,
            is_in_parts: false,
        }
    }
}

struct Running {
    profile: Arc<Profile>,
    context: Option<Context>,
    site: &'static Location<'static>,
    tallies: Tallies,
    /// It is the first of its request: there is nothing yet with which values could be compared.
    is_first: bool,
}

/// A statement that has run.
pub(super) struct Statement {
    pub(super) entry: Arc<Entry>,
    /// A hash of its values, where they were looked at.
    pub(super) values: Option<u64>,
    pub(super) ran: Ran,
}

/// An operation on the database: for whom it runs, and who asked for it.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    profile: Arc<Profile>,
    context: Option<Context>,
    site: &'static Location<'static>,
}

impl Watch {
    /// An operation that `site` asks for, in the context of the task or else in the one that is given.
    pub(crate) fn new(profile: &Arc<Profile>, given: Option<&Context>, site: &'static Location<'static>) -> Self {
        Self {
            profile: Arc::clone(profile),
            context: Context::current().or_else(|| given.cloned()),
            site,
        }
    }

    /// Who asked for it.
    pub(crate) fn site(&self) -> &'static Location<'static> {
        self.site
    }

    /// Adds to what its request spent so far.
    pub(crate) fn add(&self, lap: Lap, took: Duration) {
        if let Some(context) = &self.context {
            context.add(lap, took);
        }
    }

    /// Runs the operation; what runs on this thread meanwhile is its own.
    ///
    /// # Panics
    /// Where the profiler is set to panic and the request repeats a statement too often: after the operation.
    pub(crate) fn run<C, T>(&self, connection: &mut C, operation: impl FnOnce(&mut C) -> T) -> T {
        let running = Running {
            profile: Arc::clone(&self.profile),
            context: self.context.clone(),
            site: self.site,
            tallies: Tallies::default(),
            is_first: self.context.as_ref().is_none_or(Context::begins_first),
        };
        STATE.with_borrow_mut(|state| state.running = Some(running));
        let mut ended = Ended::default();
        let began = Instant::now();
        let result = operation(connection);
        self.add(Lap::Database, began.elapsed());
        ended.end();
        let route = self.context.as_ref().map_or(repeats::NO_ROUTE, Context::name);
        let told = repeats::tell(&self.profile, route, self.site, &ended.0);
        if let (Some(told), OnRepeat::Panic) = (told, self.profile.config().on_repeat) {
            give_up(&told);
        }
        result
    }
}

#[allow(clippy::panic, reason = "that is what the caller asked for: it is set in tests")]
fn give_up(told: &str) {
    panic!("{told}");
}

/// Takes the operation off the thread, also where it panicked.
#[derive(Default)]
struct Ended(Vec<Repeated>);

impl Ended {
    fn end(&mut self) {
        let mut state = STATE.take();
        state.record_pending(None);
        // Nothing where it has ended before: this runs once more when it is dropped.
        let Some(mut running) = state.running else { return };
        self.0 = match &running.context {
            Some(context) => context.absorb(&running.profile, running.tallies),
            None => running.tallies.repeated(running.profile.config().repeats),
        };
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.end();
    }
}

impl State {
    fn record_pending(&mut self, rows: Option<u64>) {
        if let Some(mut statement) = self.pending.take() {
            statement.ran.rows = rows;
            self.record(&statement);
        }
    }

    fn record(&mut self, statement: &Statement) {
        let Some(running) = &mut self.running else { return };
        let Statement { entry, values, ran } = statement;
        running.profile.table.record(entry, ran);
        let values = if self.is_in_parts {
            Seen::InParts
        } else {
            values.map_or(Seen::Unknown, Seen::Hash)
        };
        running
            .tallies
            .count(entry, ran, values, running.profile.config().repeats);
    }
}

/// A statement has run on this thread. Whether that belongs to an operation: else nobody has counted it.
pub(super) fn finished(mut statement: Statement) -> bool {
    STATE.with_borrow_mut(|state| {
        let Some(running) = &state.running else { return false };
        statement.ran.site = state.site.or(Some(running.site));
        // A line that runs several statements says the rows of the last one.
        state.record_pending(None);
        if state.site.is_some() {
            state.pending = Some(statement);
        } else {
            state.record(&statement);
        }
        true
    })
}

/// The type of the query that begins now, where it stands for its SQL.
pub(super) fn form() -> Option<TypeId> {
    STATE.with_borrow_mut(|state| state.form.take())
}

/// Whether the values of a statement have to be looked at: not where it is the first of its form in a request.
pub(super) fn needs_values(entry: &Arc<Entry>) -> bool {
    STATE.with_borrow(|state| match &state.running {
        Some(running) => (!running.is_first || running.tallies.has(entry)) && !state.is_in_parts,
        None => false,
    })
}

/// For whom a statement runs, and from where.
pub(super) fn origin() -> (Option<String>, Option<&'static Location<'static>>) {
    STATE.with_borrow(|state| {
        let running = state.running.as_ref();
        let route = running.and_then(|running| Some(running.context.as_ref()?.name().to_owned()));
        (route, state.site.or(running.map(|running| running.site)))
    })
}

/// The transaction is run again: what it ran does not count as repeated.
pub(crate) fn begins_anew() {
    STATE.with_borrow_mut(|state| {
        if let Some(running) = &mut state.running {
            running.tallies.forget_values();
        }
    });
}

/// Runs statements that come in parts on purpose, such as a list of ids beyond what one statement may bind: they are counted,
/// and not taken for a query a row.
pub fn in_parts<T>(run: impl FnOnce() -> T) -> T {
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            STATE.with_borrow_mut(|state| state.is_in_parts = self.0);
        }
    }
    let _before = Before(STATE.with_borrow_mut(|state| std::mem::replace(&mut state.is_in_parts, true)));
    run()
}

/// A line of source that runs a statement. Until this is dropped, statements are that line's.
pub(crate) struct Call {
    before: Option<&'static Location<'static>>,
    rows: Option<u64>,
}

impl Call {
    /// The caller's line runs a statement.
    #[track_caller]
    pub(crate) fn begin() -> Self {
        Self::of(None)
    }

    /// The caller's line runs a statement. A query's [static id](diesel::query_builder::QueryId) stands for its SQL.
    #[track_caller]
    pub(crate) fn of(form: Option<TypeId>) -> Self {
        let site = Location::caller();
        let before = STATE.with_borrow_mut(|state| {
            state.form = form;
            state.site.replace(site)
        });
        Self { before, rows: None }
    }

    /// It has: so many rows were read or changed.
    pub(crate) fn end(mut self, rows: usize) {
        self.rows = u64::try_from(rows).ok();
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        STATE.with_borrow_mut(|state| {
            state.record_pending(self.rows);
            state.site = self.before;
            state.form = None;
        });
    }
}
