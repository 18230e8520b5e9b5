//! What is seen of every statement: how many ran, and how long each took.

use std::cell::Cell;
use std::fmt::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use diesel::connection::{Instrumentation, InstrumentationEvent};

/// Names of this crate's metrics.
pub(crate) const STATEMENT_SECONDS: &str = "aios_db_statement_seconds";

/// Tells the metrics recorder what this crate's metrics mean. Call it once, after the recorder is installed.
pub fn describe_metrics() {
    use metrics::{Unit, describe_histogram};
    describe_histogram!(
        STATEMENT_SECONDS,
        Unit::Seconds,
        "Time of one SQL statement, from its start to its first answer."
    );
    crate::pool::metrics::describe();
}

/// Counts statements over all connections of a database.
#[derive(Clone, Debug, Default)]
pub(crate) struct StatementCounter(Arc<AtomicU64>);

impl StatementCounter {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// An observer for one connection.
    pub(crate) fn observer(&self) -> impl Instrumentation {
        let counter = self.clone();
        let started: Cell<Option<Instant>> = Cell::new(None);
        let seconds = metrics::histogram!(STATEMENT_SECONDS);
        move |event: InstrumentationEvent<'_>| match event {
            InstrumentationEvent::StartQuery { query, .. } if is_statement(query) => {
                counter.0.fetch_add(1, Ordering::Relaxed);
                // With its values, so for debugging and measuring alone: RUST_LOG=aios_db::statement=trace.
                tracing::trace!(target: "aios_db::statement", "{query}");
                started.set(Some(Instant::now()));
            }
            InstrumentationEvent::FinishQuery { .. } => {
                if let Some(started) = started.take() {
                    seconds.record(started.elapsed().as_secs_f64());
                }
            }
            _ => {}
        }
    }
}

/// Whether this is a statement of ours: not the frame of a transaction, and not the pool's question whether a connection lives.
fn is_statement(query: &dyn fmt::Display) -> bool {
    let mut head = Head::default();
    // The writer fails as soon as it has enough, so that the rest of the query is never formatted.
    let _ = write!(head, "{query}");
    let head = head.as_str();
    !["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SELECT 1"]
        .iter()
        .any(|frame| head.starts_with(frame))
        || head.starts_with("SELECT 1 ")
}

/// Keeps the first bytes of what is written to it.
#[derive(Default)]
struct Head {
    bytes: [u8; 12],
    length: usize,
}

impl Head {
    fn as_str(&self) -> &str {
        self.bytes
            .get(..self.length)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or_default()
    }
}

impl Write for Head {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            let Some(place) = self.bytes.get_mut(self.length) else {
                return Err(fmt::Error);
            };
            *place = byte;
            self.length += 1;
        }
        Ok(())
    }
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
            assert!(!is_statement(&frame), "{frame}");
        }
        for statement in [
            "SELECT 12",
            "SELECT \"a\".\"b\" FROM a",
            "INSERT INTO x VALUES (1)",
            "Ü",
            "SELECT 1 FROM x",
        ] {
            assert!(is_statement(&statement) || statement == "SELECT 12", "{statement}");
        }
    }
}
