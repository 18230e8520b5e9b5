//! Advice on indexes and room, from what really ran and what the database knows of itself. Nothing is changed: what helps is
//! told as SQL, for a person to run.
//!
//! `statement` reads what a statement asks of each table, `candidates` makes indexes of that, and `what_if` tries them; `unused`,
//! `redundant` and `bloat` look at what is there. `adviser` does it for a server, beside its requests.

mod adviser;
mod bloat;
mod candidates;
mod existing;
mod redundant;
mod sources;
mod statement;
mod unused;
mod what_if;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use diesel::sql_types::{Bool, Text};
use diesel::{ConnectionError, PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};

use crate::connection::{Access, AnyConnection, DatabaseKind, DatabaseUrl, connect};
use crate::error::DbError;
use crate::profile::{Fingerprint, normalised};

pub use sources::{counted_by_postgres, read_statements};

pub(crate) use adviser::Adviser;

use candidates::candidates;
use existing::Schema;
use statement::wishes;
use what_if::{Asked, Proof};

/// A form of statement that ran.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Its SQL, as the database takes it.
    pub sql: String,
    /// The values of its slowest run as diesel prints them, where they are known.
    pub binds: Option<String>,
    /// How often it ran.
    pub calls: u64,
    /// The time it took in all.
    pub total: Duration,
}

/// What is worth telling.
#[derive(Clone, Debug, PartialEq)]
pub struct AdviceSettings {
    /// Tables with fewer rows need no index, and no vacuum by hand.
    pub fewest_rows: i64,
    /// A form of statement that took less on average is quick as it is.
    pub least_time: Duration,
    /// So many rows of a table are copied for trying an index.
    pub sample_rows: i64,
    /// Counts of use tell nothing before they are so old, nor does what ran when it was watched for less.
    pub youngest_counts: Duration,
    /// For how long the statements were watched.
    pub watched_for: Duration,
    /// Less empty room is not worth a word, in bytes.
    pub least_bloat_bytes: i64,
    /// A smaller share of empty room is not, either: 0 to 1.
    pub least_bloat_share: f64,
    /// So many forms of statement are looked at, what took longest in all first.
    pub most_statements: usize,
    /// How long one statement may take, the filling of a copy among them.
    pub statement_limit: Duration,
    /// No further index is tried after so long.
    pub time_limit: Duration,
}

impl Default for AdviceSettings {
    fn default() -> Self {
        Self {
            fewest_rows: 1_000,
            least_time: Duration::from_millis(1),
            sample_rows: 20_000,
            youngest_counts: Duration::from_secs(24 * 3_600),
            watched_for: Duration::ZERO,
            least_bloat_bytes: 10 << 20,
            least_bloat_share: 0.2,
            most_statements: 100,
            statement_limit: Duration::from_secs(20),
            time_limit: Duration::from_secs(60),
        }
    }
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdviceKind {
    /// An index would halve what a statement costs.
    MissingIndex,
    /// An index does nothing that another does not.
    RedundantIndex,
    /// No statement uses an index.
    UnusedIndex,
    /// A table, or SQLite's whole file, is mostly empty.
    BloatedTable,
    /// An index is mostly empty.
    BloatedIndex,
    /// Rows that are gone have not been vacuumed.
    DeadRows,
}

impl AdviceKind {
    /// Its name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingIndex => "missing_index",
            Self::RedundantIndex => "redundant_index",
            Self::UnusedIndex => "unused_index",
            Self::BloatedTable => "bloated_table",
            Self::BloatedIndex => "bloated_index",
            Self::DeadRows => "dead_rows",
        }
    }
}

/// A figure today and after the advice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// What is counted.
    pub unit: &'static str,
    /// Today.
    pub before: f64,
    /// After the advice.
    pub after: f64,
}

impl Measured {
    fn new(unit: &'static str, before: f64, after: f64) -> Self {
        Self { unit, before, after }
    }
}

/// A statement that the advice is for.
#[derive(Clone, Debug, PartialEq)]
pub struct Helped {
    /// Its form.
    pub fingerprint: Fingerprint,
    /// Its SQL, with `?` for values and for lists of them.
    pub sql: String,
    /// How often it ran.
    pub calls: u64,
    /// The time it took in all.
    pub total: Duration,
    /// What it costs with the index.
    pub measured: Measured,
}

/// A piece of advice.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// What is wrong.
    pub kind: AdviceKind,
    /// With which table; empty where it is the whole file.
    pub table: String,
    /// With which index or table, or the name of the one to be made.
    pub subject: String,
    /// Why, in a sentence.
    pub reason: String,
    /// What it is about in figures.
    pub measured: Option<Measured>,
    /// Which statements it helps.
    pub statements: Vec<Helped>,
    /// What to run; the first where there is a choice.
    pub sql: Vec<String>,
}

/// All the advice there is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AdviceReport {
    /// Missing indexes by what they save first, then the others by kind.
    pub advice: Vec<Advice>,
    /// What could not be told, and why, in a sentence each.
    pub notes: Vec<String>,
    /// How many forms of statement were looked at.
    pub statements: usize,
}

/// Why there is no advice.
#[derive(Debug, thiserror::Error)]
pub enum AdviceError {
    /// The database can't be reached.
    #[error("the database can't be reached: {0}")]
    Connection(#[from] ConnectionError),
    /// The database refused.
    #[error("the database refused: {0}")]
    Database(#[from] DbError),
    /// It ended before its time.
    #[error("the advice was not finished; ask again")]
    Stopped,
}

impl From<diesel::result::Error> for AdviceError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Looks at the database at `url` and at the statements that ran there, on a connection of its own.
///
/// On PostgreSQL indexes are tried by `hypopg` where it is installed, else on temporary copies in a transaction that is rolled
/// back; on SQLite on a copy in memory. Nothing that others see is changed.
///
/// ```
/// use aios_db::advice::{AdviceSettings, advise};
///
/// let directory = std::env::temp_dir().join("aios-advice");
/// let url = aios_db::DatabaseUrl::sqlite(directory.join("a.db"));
/// let report = advise(&url, &[], &AdviceSettings::default())?;
/// assert!(report.advice.is_empty());
/// # std::fs::remove_dir_all(directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the database can't be reached or asked.
pub fn advise(url: &DatabaseUrl, seen: &[Seen], settings: &AdviceSettings) -> Result<AdviceReport, AdviceError> {
    let until = Instant::now() + settings.time_limit;
    let mut connection = connect(url, Access::ReadOnly, Some(settings.statement_limit))?;
    let schema = Schema::read(&mut connection, settings.fewest_rows)?;
    let mut notes = Vec::new();
    let seen = seen.get(..settings.most_statements).unwrap_or(seen);
    let asked = asked(seen, &schema, url.kind(), settings, &mut notes);
    let tried = what_if::try_all(&mut connection, url, asked, &schema, settings, until)?;
    if tried.failures > 0 {
        notes.push(format!("{} forms of statement could not be planned.", tried.failures));
    }
    if tried.is_cut_short {
        notes.push(
            "There was no time to try every index; those of the costliest statements were tried first.".to_owned(),
        );
    }
    let mut advice = missing(tried.proofs, &schema, url.kind());
    advice.extend(redundant::redundant(&schema, url.kind()));
    let doubles: BTreeSet<String> = advice.iter().map(|advice| advice.subject.clone()).collect();
    let unused = match &mut connection {
        AnyConnection::Postgres(connection) => unused::on_postgres(connection, &schema, settings, &mut notes)?,
        AnyConnection::Sqlite(connection) => unused::on_sqlite(connection, &schema, seen, settings, &mut notes),
    };
    advice.extend(unused.into_iter().filter(|unused| !doubles.contains(&unused.subject)));
    advice.extend(match &mut connection {
        AnyConnection::Postgres(connection) => bloat::on_postgres(connection, settings, &mut notes)?,
        AnyConnection::Sqlite(connection) => bloat::on_sqlite(connection, settings)?,
    });
    Ok(AdviceReport {
        advice,
        notes,
        statements: seen.len(),
    })
}

/// The statements that an index could help, with those indexes.
fn asked<'a>(
    seen: &'a [Seen],
    schema: &Schema,
    kind: DatabaseKind,
    settings: &AdviceSettings,
    notes: &mut Vec<String>,
) -> Vec<Asked<'a>> {
    let mut unread = 0;
    let mut asked = Vec::new();
    let is_slow = |seen: &&Seen| {
        seen.total
            >= settings
                .least_time
                .saturating_mul(seen.calls.try_into().unwrap_or(u32::MAX))
    };
    for one in seen.iter().filter(is_slow) {
        let Some(wishes) = wishes(&one.sql, kind, &schema.columns) else {
            tracing::debug!(sql = one.sql, "a statement can't be read for advice");
            unread += 1;
            continue;
        };
        let is_large = |table: &String| schema.rows.get(table).is_some_and(|rows| *rows >= settings.fewest_rows);
        let mut shapes = Vec::new();
        for wish in wishes.iter().filter(|wish| is_large(&wish.table)) {
            shapes.extend(candidates(wish, schema));
        }
        if !shapes.is_empty() {
            let tables = wishes.into_iter().map(|wish| wish.table).collect();
            asked.push(Asked {
                seen: one,
                tables,
                shapes,
            });
        }
    }
    if unread > 0 {
        notes.push(format!("{unread} forms of statement could not be read."));
    }
    asked
}

/// One piece of advice an index: what another begins with is told along with that one.
fn missing(mut proofs: Vec<Proof<'_>>, schema: &Schema, kind: DatabaseKind) -> Vec<Advice> {
    proofs.sort_by_key(|proof| std::cmp::Reverse(proof.shape.keys.len()));
    let mut groups: Vec<Vec<Proof<'_>>> = Vec::new();
    for proof in proofs {
        let of_it = |group: &&mut Vec<Proof<'_>>| {
            let first = group.first();
            first.is_some_and(|first| first.shape.begins_with(&proof.shape))
        };
        match groups.iter_mut().find(of_it) {
            Some(group) => group.push(proof),
            None => groups.push(vec![proof]),
        }
    }
    let mut taken: Vec<String> = schema.indexes.iter().map(|index| index.name.clone()).collect();
    let mut advice: Vec<(f64, Advice)> = Vec::new();
    for group in &groups {
        let Some(one) = missing_index(group, &taken, kind) else {
            continue;
        };
        taken.push(one.subject.clone());
        advice.push((group.iter().map(saved).sum(), one));
    }
    advice.sort_by(|(left, _), (right, _)| right.total_cmp(left));
    advice.into_iter().map(|(_, advice)| advice).collect()
}

/// The seconds that a statement would have been spared, if its time went down as its cost does.
fn saved(proof: &Proof<'_>) -> f64 {
    let Measured { before, after, .. } = proof.measured;
    proof.seen.total.as_secs_f64() * (1.0 - after / before.max(f64::MIN_POSITIVE))
}

fn missing_index(group: &[Proof<'_>], taken: &[String], kind: DatabaseKind) -> Option<Advice> {
    let shape = &group.first()?.shape;
    let costliest = group
        .iter()
        .max_by(|left, right| saved(left).total_cmp(&saved(right)))?;
    let helped = group.iter().map(|proof| Helped {
        fingerprint: Fingerprint::of(&proof.seen.sql),
        sql: normalised(&proof.seen.sql),
        calls: proof.seen.calls,
        total: proof.seen.total,
        measured: proof.measured,
    });
    let (name, how_many) = (shape.name(taken), group.len());
    let forms = if how_many == 1 { "form" } else { "forms" };
    let proof = match kind {
        DatabaseKind::Sqlite if costliest.seen.binds.is_none() => {
            "SQLite's plan reads or sorts less with it; its values are not known, so it was not timed"
        }
        _ => "it at least halves their cost",
    };
    Some(Advice {
        kind: AdviceKind::MissingIndex,
        table: shape.table.clone(),
        reason: format!("{how_many} {forms} of statement would use it: {proof}."),
        measured: Some(costliest.measured),
        statements: helped.collect(),
        sql: vec![shape.sql(kind, &name)],
        subject: name,
    })
}

fn drop_index(kind: DatabaseKind, name: &str) -> Vec<String> {
    let how = match kind {
        DatabaseKind::Postgres => "DROP INDEX CONCURRENTLY",
        DatabaseKind::Sqlite => "DROP INDEX",
    };
    vec![format!("{how} {};", quoted(name))]
}

#[expect(clippy::cast_precision_loss, reason = "shown with a decimal")]
fn megabytes(before: i64, after: i64) -> Measured {
    const MEGABYTE: f64 = 1_048_576.0;
    Measured::new("MB", before as f64 / MEGABYTE, after as f64 / MEGABYTE)
}

/// Whether an extension is there with which one may do something: `function` with its arguments, as `name(type)`. One that lies
/// in a schema which is not on the search path is not.
fn may_call(connection: &mut PgConnection, function: &str) -> QueryResult<bool> {
    let may = sql_query("SELECT coalesce(has_function_privilege(to_regprocedure($1), 'EXECUTE'), false) AS yes");
    Ok(may.bind::<Text, _>(function).get_result::<Answer>(connection)?.yes)
}

/// Whether an extension is installed in this database.
fn is_installed(connection: &mut PgConnection, extension: &str) -> QueryResult<bool> {
    let is = sql_query("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = $1) AS yes");
    Ok(is.bind::<Text, _>(extension).get_result::<Answer>(connection)?.yes)
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// A name as SQL has it: in quotes where it is more than a plain word, or one that SQL uses itself.
fn quoted(name: &str) -> String {
    use sqlparser::keywords::{ALL_KEYWORDS, ALL_KEYWORDS_INDEX, RESERVED_FOR_COLUMN_ALIAS, RESERVED_FOR_TABLE_ALIAS};
    /// What either database reserves beside what would end a name in the parser.
    const RESERVED: [&str; 24] = [
        "all",
        "analyze",
        "and",
        "asc",
        "case",
        "check",
        "column",
        "constraint",
        "create",
        "default",
        "desc",
        "else",
        "false",
        "in",
        "index",
        "not",
        "null",
        "or",
        "primary",
        "references",
        "table",
        "to",
        "true",
        "user",
    ];
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_plain = name.chars().all(is_word) && !name.starts_with(|c: char| c.is_ascii_digit()) && !name.is_empty();
    let upper = name.to_ascii_uppercase();
    let keyword = ALL_KEYWORDS.binary_search(&upper.as_str()).ok();
    let keyword = keyword.and_then(|at| ALL_KEYWORDS_INDEX.get(at));
    let is_reserved = RESERVED.contains(&name)
        || keyword
            .is_some_and(|word| RESERVED_FOR_TABLE_ALIAS.contains(word) || RESERVED_FOR_COLUMN_ALIAS.contains(word));
    if is_plain && !is_reserved {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_they_have_to_be() {
        for (name, expected) in [
            ("marketplace_agents", "marketplace_agents"),
            ("name", "name"),
            ("order", "\"order\""),
            ("user", "\"user\""),
            ("Two words", "\"Two words\""),
            ("a\"b", "\"a\"\"b\""),
            ("1a", "\"1a\""),
        ] {
            assert_eq!(quoted(name), expected);
        }
    }
}
