//! What is seen of every statement on one connection: diesel tells of its start and its end.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use diesel::connection::{Instrumentation, InstrumentationEvent};

use super::fingerprint::look;
use super::operation::{self, Statement};
use super::table::{Entry, Ran};
use super::{Profile, STATEMENT_SECONDS};
use crate::printed::parts;

/// A connection remembers so many statements by their very SQL, then it begins anew: lists of ids come in many lengths.
const MOST_KNOWN: usize = 512;

/// Watches one connection.
pub(crate) struct Observer {
    profile: Arc<Profile>,
    /// By a hash of the SQL as it is: its place, or nothing where it is no statement of ours.
    known: HashMap<u64, Option<Arc<Entry>>>,
    /// By the type of a query; there are no more of them than lines that run one.
    forms: HashMap<TypeId, Arc<Entry>>,
    seconds: metrics::Histogram,
    open: Option<Open>,
}

/// A statement that runs now.
struct Open {
    entry: Arc<Entry>,
    values: Option<u64>,
    began: Instant,
}

impl Observer {
    pub(crate) fn new(profile: &Arc<Profile>) -> Self {
        Self {
            profile: Arc::clone(profile),
            known: HashMap::new(),
            forms: HashMap::new(),
            seconds: metrics::histogram!(STATEMENT_SECONDS),
            open: None,
        }
    }

    fn begins(&mut self, query: &dyn fmt::Display) {
        let Some((entry, values)) = self.place(query) else {
            self.open = None;
            return;
        };
        self.profile.count();
        // With its values, so for debugging and measuring alone: RUST_LOG=aios_db::statement=trace.
        tracing::trace!(target: "aios_db::statement", "{query}");
        self.open = Some(Open {
            entry,
            values,
            began: Instant::now(),
        });
    }

    /// The place of a statement, and a hash of its values where that is needed. To look at a query costs several microseconds,
    /// since diesel writes all its SQL out; its type is known at once, where it has one SQL alone.
    fn place(&mut self, query: &dyn fmt::Display) -> Option<(Arc<Entry>, Option<u64>)> {
        let form = operation::form();
        if let Some(entry) = form.and_then(|form| self.forms.get(&form))
            && !entry.is_evicted()
            && !operation::needs_values(entry)
        {
            return Some((Arc::clone(entry), None));
        }
        let looked = look(query);
        let entry = self.entry(looked.sql, query)?;
        if let Some(form) = form {
            self.forms.insert(form, Arc::clone(&entry));
        }
        Some((entry, Some(looked.binds)))
    }

    fn entry(&mut self, sql: u64, query: &dyn fmt::Display) -> Option<Arc<Entry>> {
        if let Some(known) = self.known.get(&sql)
            && known.as_ref().is_none_or(|entry| !entry.is_evicted())
        {
            return known.clone();
        }
        if self.known.len() >= MOST_KNOWN {
            self.known.clear();
        }
        let (text, _) = parts(query);
        let entry = is_statement(&text).then(|| self.profile.table.entry(&text));
        self.known.insert(sql, entry.clone());
        entry
    }

    fn ends(&mut self, query: &dyn fmt::Display, has_failed: bool) {
        let Some(Open { entry, values, began }) = self.open.take() else {
            return;
        };
        let took = began.elapsed();
        self.seconds.record(took.as_secs_f64());
        if self.profile.slow.is_slow(took) {
            self.profile.slow.tell(&entry, took, query);
        }
        let ran = Ran {
            took,
            rows: None,
            has_failed,
            site: None,
        };
        let (unwatched, of_nobody) = (Arc::clone(&entry), ran);
        if !operation::finished(Statement { entry, values, ran }) {
            self.profile.table.record(&unwatched, &of_nobody);
        }
    }
}

impl Instrumentation for Observer {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { query, .. } => self.begins(query),
            InstrumentationEvent::FinishQuery { query, error, .. } => self.ends(query, error.is_some()),
            _ => {}
        }
    }
}

/// Whether this is a statement of ours: not the frame of a transaction, and not the pool's question whether a connection lives.
fn is_statement(sql: &str) -> bool {
    let is_frame = ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"]
        .iter()
        .any(|frame| sql.starts_with(frame));
    !is_frame && sql != "SELECT 1"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_transactions_are_no_statements() {
        for frame in [
            "BEGIN",
            "BEGIN IMMEDIATE",
            "COMMIT",
            "ROLLBACK TO SAVEPOINT x",
            "SELECT 1",
        ] {
            assert!(!is_statement(frame), "{frame}");
        }
        for statement in [
            "SELECT 12",
            "SELECT \"a\".\"b\" FROM a",
            "INSERT INTO x VALUES (1)",
            "Ü",
            "SELECT 1 FROM x",
        ] {
            assert!(is_statement(statement), "{statement}");
        }
    }
}
