//! Runs of agents: written when the caller is told so, and those that arrive meanwhile together.
//!
//! A run is acknowledged, so it may not wait in memory as a view may. But while one transaction commits, others arrive; they
//! become the next transaction, in which the rows of all are one statement. A lone run costs what it did; a crowd costs a
//! commit for many.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use aios_db::store::analytics::{NewEvent, events_insert};
use aios_db::store::installations::{Uses, installation_use, installations_use};
use aios_db::{AnyConnection, DbError, DbResult};
use aios_domain::{AgentId, Caller, Error, ErrorKind, EventKind, JsonObject, Result, UserId};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::Marketplace;

/// Runs that share a transaction.
const AT_ONCE: usize = 500;
/// Runs that may wait for theirs; more are refused at once.
const MOST_WAITING: usize = 10_000;

/// Runs that wait to be written, and whether somebody is writing.
#[derive(Default)]
pub(crate) struct RunQueue(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: Vec<Run>,
    is_being_written: bool,
}

/// A run, and who waits to hear whether it was counted.
struct Run {
    event: NewEvent,
    answer: oneshot::Sender<Result<()>>,
}

impl RunQueue {
    /// Puts a run into the queue. `true` where nobody is writing: whoever is told so has to.
    fn enter(&self, run: Run) -> Result<bool> {
        let mut state = self.0.lock();
        if state.waiting.len() >= MOST_WAITING {
            let wait = Duration::from_secs(1);
            return Err(Error::unavailable("The server is busy; try again in a moment.", wait));
        }
        state.waiting.push(run);
        Ok(!std::mem::replace(&mut state.is_being_written, true))
    }

    /// The next runs to write. Where there are none nobody is writing any more.
    fn next(&self) -> Vec<Run> {
        let mut state = self.0.lock();
        let many = state.waiting.len().min(AT_ONCE);
        state.is_being_written = many > 0;
        state.waiting.drain(..many).collect()
    }
}

impl Marketplace {
    /// Records that the caller ran an agent. It is written when this returns.
    ///
    /// # Errors
    /// `NotFound` where the caller does not have it installed.
    pub async fn agent_ran(&self, caller: &Caller, agent: AgentId, data: JsonObject) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        let event = NewEvent {
            agent,
            user: caller.id,
            kind: EventKind::Run,
            data,
            at: self.clock.now(),
        };
        if self.runs.enter(Run { event, answer })? {
            // A task of its own, since this caller may go away while others wait for what it began.
            tokio::spawn(self.clone().write_runs());
        }
        answered.await.unwrap_or_else(|gone| Err(Error::internal(gone)))
    }

    async fn write_runs(self) {
        loop {
            let runs = self.runs.next();
            if runs.is_empty() {
                return;
            }
            let (events, answers): (Vec<_>, Vec<_>) = runs.into_iter().map(|run| (run.event, run.answer)).unzip();
            let outcomes = self.write_together(events).await;
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                // Who went away does not hear it; the run stays written.
                let _ = answer.send(outcome);
            }
        }
    }

    /// Writes these runs in one transaction, and says of each how it went. Where that fails for another reason than that the
    /// database is away, each is tried by itself, so that none spoils the others.
    async fn write_together(&self, events: Vec<NewEvent>) -> Vec<Result<()>> {
        let events: Arc<[NewEvent]> = events.into();
        match self.write_some(Arc::clone(&events)).await {
            Ok(installed) => events.iter().map(|event| counted(&installed, event)).collect(),
            Err(error) if events.len() == 1 => vec![Err(error)],
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                let again = || Error::unavailable(error.detail().to_owned(), Duration::from_secs(1));
                events.iter().map(|_| Err(again())).collect()
            }
            Err(error) => {
                tracing::warn!(%error, runs = events.len(), "runs could not be written together; each is tried by itself");
                let mut outcomes = Vec::with_capacity(events.len());
                for event in events.iter() {
                    let alone = self.write_some(Arc::from([event.clone()])).await;
                    outcomes.push(alone.and_then(|installed| counted(&installed, event)));
                }
                outcomes
            }
        }
    }

    /// Hands back who had which agent installed: those runs are written.
    async fn write_some(&self, events: Arc<[NewEvent]>) -> Result<HashSet<Installed>> {
        self.write(move |c, stale| {
            let installed = uses_count(c, &events)?;
            let written = events.iter().filter(|event| installed.contains(&key(event)));
            events_insert(c, &written.cloned().collect::<Vec<_>>())?;
            for (user, _) in &installed {
                stale.installation_used(*user);
            }
            Ok(installed)
        })
        .await
    }
}

/// Who has what installed.
type Installed = (UserId, AgentId);

fn key(event: &NewEvent) -> Installed {
    (event.user, event.agent)
}

fn counted(installed: &HashSet<Installed>, event: &NewEvent) -> Result<()> {
    if installed.contains(&key(event)) {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::NotFound, "Agent is not installed"))
    }
}

fn uses_count(connection: &mut AnyConnection, events: &[NewEvent]) -> DbResult<HashSet<Installed>> {
    // The statement for one is prepared once.
    if let [event] = events {
        return match installation_use(connection, event.user, event.agent, event.at) {
            Ok(()) => Ok(HashSet::from([key(event)])),
            Err(DbError::Domain(error)) if error.kind() == ErrorKind::NotFound => Ok(HashSet::new()),
            Err(error) => Err(error),
        };
    }
    let mut by_installation: BTreeMap<Installed, Uses> = BTreeMap::new();
    for event in events {
        let none_yet = Uses {
            user: event.user,
            agent: event.agent,
            count: 0,
            last: event.at,
        };
        let uses = by_installation.entry(key(event)).or_insert(none_yet);
        uses.count += 1;
        uses.last = uses.last.max(event.at);
    }
    let uses: Vec<Uses> = by_installation.into_values().collect();
    installations_use(connection, &uses)
}
