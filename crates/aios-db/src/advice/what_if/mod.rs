//! Trying an index before there is one: what each statement would cost with it.

mod postgres;
mod sqlite;

use std::cmp::Ordering;
use std::time::Instant;

use super::candidates::Shape;
use super::existing::Schema;
use super::{AdviceError, AdviceSettings, Measured, Seen};
use crate::connection::{AnyConnection, DatabaseUrl};

/// A statement, and the indexes that could help it.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) seen: &'a Seen,
    /// The tables that it names.
    pub(super) tables: Vec<String>,
    pub(super) shapes: Vec<Shape>,
}

/// An index that helps a statement.
#[derive(Clone, Debug)]
pub(super) struct Proof<'a> {
    pub(super) seen: &'a Seen,
    pub(super) shape: Shape,
    pub(super) measured: Measured,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Tried<'a> {
    pub(super) proofs: Vec<Proof<'a>>,
    /// Statements that could not be planned.
    pub(super) failures: usize,
    /// There was no time for the rest.
    pub(super) is_cut_short: bool,
}

/// Tries each index for its statement, and keeps the best one where it halves the cost.
pub(super) fn try_all<'a>(
    connection: &mut AnyConnection,
    url: &DatabaseUrl,
    asked: Vec<Asked<'a>>,
    schema: &Schema,
    settings: &AdviceSettings,
    until: Instant,
) -> Result<Tried<'a>, AdviceError> {
    if asked.is_empty() {
        return Ok(Tried::default());
    }
    match connection {
        AnyConnection::Postgres(connection) => Ok(postgres::try_all(connection, asked, schema, settings, until)?),
        AnyConnection::Sqlite(_) => sqlite::try_all(url, asked, schema, settings, until),
    }
}

/// Whether so much less is worth an index.
fn is_halved(before: f64, after: f64) -> bool {
    after * 2.0 <= before
}

/// The better of two: a longer index has to halve the cost of the shorter one once more.
fn better<'a>(best: Option<Proof<'a>>, next: Proof<'a>) -> Proof<'a> {
    let Some(best) = best else { return next };
    let (old, new) = (best.measured.after, next.measured.after);
    let wins = match next.shape.keys.len().cmp(&best.shape.keys.len()) {
        Ordering::Less => !is_halved(new, old),
        Ordering::Equal => new < old,
        Ordering::Greater => is_halved(old, new),
    };
    if wins { next } else { best }
}
