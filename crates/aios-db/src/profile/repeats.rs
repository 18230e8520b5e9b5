//! Statements that ran again and again for one request: told once a route, with what would cure it.

use std::collections::HashMap;
use std::panic::Location;
use std::sync::Arc;

use parking_lot::Mutex;

use super::Profile;
use super::context::Repeated;
use super::fingerprint::Fingerprint;
use super::report::{Repeat, RepeatKind};
use super::table::{Entry, site_text};

/// The route of what runs for none.
pub(super) const NO_ROUTE: &str = "none";
/// So many are told apart; what comes later is counted in the metrics alone.
const MOST: usize = 256;

/// Names of this module's metrics.
pub(super) const REPEATS_TOTAL: &str = "aios_db_repeated_statements_total";

/// What reads or writes many rows of a table at once, by the table's name.
const CURES: &[(&str, &str)] = &[
    (
        "agent_analytics",
        "store::analytics::activity_since, or one INSERT of several rows",
    ),
    (
        "agent_installations",
        "store::installations::installation_list, or `eq_any` over the agents' ids",
    ),
    (
        "agent_reviews",
        "store::reviews::review_list, or `eq_any` over the agents' ids",
    ),
    (
        "agent_tags",
        "one INSERT of several rows; an agent's own tags stand in its row",
    ),
    (
        "agent_totals",
        "store::totals::marketplace_totals, or one statement with a GROUP BY",
    ),
    (
        "cache_invalidations",
        "store::outbox::invalidation_insert, once with all tags",
    ),
    ("categories", "store::categories::category_list, since they are few"),
    ("edge_purges", "store::edge_purges::edge_purge_ask, once with all tags"),
    (
        "knowledge_entries",
        "store::knowledge::knowledge_list, or `eq_any` over the ids",
    ),
    ("marketplace_agents", "store::agents::agents_find, with all ids at once"),
    ("rating_totals", "one statement with a range of ratings"),
    ("search_words", "one statement with a range for each beginning"),
    ("tag_totals", "one statement with `eq_any` over the tags"),
    (
        "tags",
        "one statement with `eq_any` over the names, or one INSERT of several rows",
    ),
    ("users", "`eq_any` over the users' ids"),
];

/// What is known of repeated statements.
#[derive(Default)]
pub(crate) struct Repeats(Mutex<HashMap<(RepeatKind, String, Fingerprint), Known>>);

struct Known {
    entry: Arc<Entry>,
    site: Option<&'static Location<'static>>,
    requests: u64,
    most: u64,
}

impl Repeats {
    /// Whether it is the first of its route.
    fn add(&self, route: &str, repeated: &Repeated) -> bool {
        let key = (kind(repeated), route.to_owned(), repeated.entry.fingerprint);
        let mut known = self.0.lock();
        let is_first = !known.contains_key(&key);
        if is_first && known.len() >= MOST {
            return false;
        }
        let known = known.entry(key).or_insert_with(|| Known {
            entry: Arc::clone(&repeated.entry),
            site: repeated.site,
            requests: 0,
            most: 0,
        });
        known.requests += u64::from(repeated.is_new);
        known.most = known.most.max(repeated.calls);
        is_first
    }

    /// All, those of most requests first.
    pub(crate) fn report(&self) -> Vec<Repeat> {
        let known = self.0.lock();
        let mut repeats: Vec<Repeat> = known
            .iter()
            .map(|((kind, route, fingerprint), known)| Repeat {
                kind: *kind,
                route: route.clone(),
                fingerprint: *fingerprint,
                sql: known.entry.text.clone(),
                call_site: known.site.map(site_text),
                requests: known.requests,
                most: known.most,
                cure: cure(*kind, &known.entry.text),
            })
            .collect();
        drop(known);
        repeats.sort_by(|a, b| b.requests.cmp(&a.requests).then_with(|| a.route.cmp(&b.route)));
        repeats
    }
}

/// Counts what a request repeated, logs it once a route, and says of a query a row what is wrong.
pub(super) fn tell(profile: &Profile, route: &str, asked_by: &Location<'_>, found: &[Repeated]) -> Option<String> {
    let mut worst = None;
    for repeated in found {
        let kind = kind(repeated);
        let is_first = profile.repeats.add(route, repeated);
        if repeated.is_new {
            metrics::counter!(REPEATS_TOTAL, "kind" => kind.as_str(), "route" => route.to_owned()).increment(1);
        }
        let site = repeated.site.map(site_text).unwrap_or_default();
        let (sql, cure, calls) = (&repeated.entry.text, cure(kind, &repeated.entry.text), repeated.calls);
        let asked_by = site_text(asked_by);
        match kind {
            RepeatKind::NPlusOne => {
                if is_first {
                    tracing::warn!(
                        route,
                        calls,
                        site,
                        asked_by,
                        sql,
                        cure,
                        "a request runs the same statement with other values again and again (N+1)"
                    );
                }
                worst = worst.or(Some(format!(
                    "N+1: {route} ran a statement {calls} times with different values. At {site}, asked for at {asked_by}: \
                     {sql}. Instead: {cure}."
                )));
            }
            RepeatKind::Duplicate if is_first => {
                tracing::debug!(
                    route,
                    calls,
                    site,
                    asked_by,
                    sql,
                    "a request runs the same statement with the same values again"
                );
            }
            RepeatKind::Duplicate => {}
        }
    }
    worst
}

fn kind(repeated: &Repeated) -> RepeatKind {
    if repeated.is_n_plus_one {
        RepeatKind::NPlusOne
    } else {
        RepeatKind::Duplicate
    }
}

/// What to call instead.
fn cure(kind: RepeatKind, sql: &str) -> String {
    if kind == RepeatKind::Duplicate {
        return "keep the first answer".to_owned();
    }
    let known = table_of(sql).and_then(|table| CURES.iter().find(|(name, _)| *name == table));
    known
        .map_or("one statement for all of them", |(_, cure)| cure)
        .to_owned()
}

/// The table that a statement is about first.
fn table_of(sql: &str) -> Option<&str> {
    let mut words = sql.split([' ', '(', ')', ',']).filter(|word| !word.is_empty());
    words.find(|word| {
        ["FROM", "INTO", "UPDATE"]
            .iter()
            .any(|before| word.eq_ignore_ascii_case(before))
    })?;
    let name = words.next()?;
    Some(name.split('.').next_back()?.trim_matches(['"', '`']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_a_statement_is_found() {
        for (sql, table) in [
            (
                "SELECT \"a\".\"b\" FROM \"marketplace_agents\" WHERE x = ?",
                Some("marketplace_agents"),
            ),
            ("INSERT INTO tags (id) VALUES (?)", Some("tags")),
            ("UPDATE \"public\".\"users\" SET x = ?", Some("users")),
            ("DELETE FROM agent_tags", Some("agent_tags")),
            ("SELECT `a`.`b` FROM `tags`", Some("tags")),
            ("select 1", None),
        ] {
            assert_eq!(table_of(sql), table, "{sql}");
        }
    }

    /// Every table of the schema has a cure, and every function that a cure names is there.
    #[test]
    fn cures_are_those_of_the_tables_and_stores_that_there_are() {
        let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let schema = std::fs::read_to_string(source.join("schema.rs")).unwrap();
        let tables: Vec<&str> = schema
            .lines()
            .filter_map(|line| Some(line.trim().split_once(" (")?.0).filter(|_| line.ends_with(") {")))
            .collect();
        let cured: Vec<&str> = CURES.iter().map(|(table, _)| *table).collect();
        assert_eq!(tables, cured, "each table has its line in CURES, in this order");
        for (_, cure) in CURES {
            for path in cure.split(&[' ', ','][..]).filter(|word| word.starts_with("store::")) {
                let [_, module, function] = path.split("::").collect::<Vec<_>>()[..] else {
                    panic!("{path}")
                };
                let store = std::fs::read_to_string(source.join(format!("store/{module}.rs"))).unwrap();
                assert!(store.contains(&format!("pub fn {function}(")), "{path}");
            }
        }
    }
}
