//! Every query of the service has a plan that holds, every index a query, and every function of the store a place in the
//! catalogue.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking, their helpers too"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use aios_db::{DatabaseKind, bulk};
use aios_domain::Timestamp;
use aios_test_support::TestDatabase;
use aios_workload::catalogue::{self, Sample, queries};
use aios_workload::indexes::{self, Index};
use aios_workload::plan;
use aios_workload::seed::{SeedData, Size};

/// How many agents there are; another number is asked for by this variable.
const AGENTS: u64 = 20_000;
const AGENTS_VARIABLE: &str = "AIOS_PLAN_AGENTS";

fn now() -> Timestamp {
    "2026-11-25T00:00:00Z".parse().unwrap()
}

fn agents() -> u64 {
    std::env::var(AGENTS_VARIABLE).map_or(AGENTS, |number| number.parse().unwrap())
}

fn filled(database: &TestDatabase) -> aios_db::AnyConnection {
    let mut connection = database.connection();
    let data = SeedData::new(1, Size::of_agents(agents()), now()).unwrap();
    bulk::load(&mut connection, &data, &mut |_| {}).unwrap();
    catalogue::furnish(&mut connection, now()).unwrap();
    connection
}

/// One test a database, since both fill it once.
fn plans_and_indexes_hold(database: &TestDatabase) {
    let mut connection = filled(database);
    let sample = Sample::of(&mut connection, now()).unwrap();
    let mut complaints = Vec::new();
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for query in queries(database.kind()) {
        let explained = plan::explain(&mut connection, &query, &sample).unwrap();
        assert!(!explained.is_empty(), "{} sends no statement", query.name);
        for one in explained {
            for complaint in plan::complaints(&one.findings, &query.limits) {
                complaints.push(format!(
                    "{}: {complaint}\n    {}\n    {:?}",
                    query.name, one.statement.sql, one.plan
                ));
            }
            for index in one.findings.indexes {
                uses.entry(index).or_default().insert(query.name.clone());
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    let indexes = indexes::all(&mut connection).unwrap();
    let idle: Vec<&Index> = indexes
        .iter()
        .filter(|index| indexes::must_serve(index, agents()) && !uses.contains_key(&index.name))
        .collect();
    assert!(idle.is_empty(), "no query uses {idle:#?}");
    the_page_tells_of(&indexes, &uses, database.kind());
}

/// Which of two indexes serves a query may hang on statistics, so the page need not name the same queries to a word. But it
/// names each index with its definition and queries that there are, and each index has one of them in common with today.
fn the_page_tells_of(indexes: &[Index], uses: &BTreeMap<String, BTreeSet<String>>, kind: DatabaseKind) {
    let page = indexes::page().unwrap_or_default();
    let known: BTreeSet<String> = queries(kind).into_iter().map(|query| query.name).collect();
    let advice = "run `cargo xtask plans --write`";
    for index in indexes {
        let name = &index.name;
        let told = indexes::served(&page, name, kind);
        let told = told.unwrap_or_else(|| panic!("docs/performance/indexes.md lacks {name}: {advice}"));
        assert!(
            told.is_subset(&known),
            "docs/performance/indexes.md has other queries of {name} than there are: {advice}"
        );
        let today = uses.get(name).cloned().unwrap_or_default();
        let agrees = !indexes::must_serve(index, AGENTS) || !told.is_disjoint(&today);
        assert!(
            agrees,
            "docs/performance/indexes.md says {told:?} of {name}, which serves {today:?}: {advice}"
        );
        if let Some(definition) = index.definition.as_ref().filter(|_| kind == DatabaseKind::Postgres) {
            let definition = indexes::shown(definition);
            assert!(
                page.contains(&definition),
                "docs/performance/indexes.md lacks {definition}: {advice}"
            );
        }
    }
    let headings = page.lines().filter_map(|line| line.strip_prefix("### "));
    let gone: Vec<&str> = headings
        .filter(|name| indexes::served(&page, name, kind).is_some())
        .filter(|name| indexes.iter().all(|index| index.name != *name))
        .collect();
    assert!(
        gone.is_empty(),
        "docs/performance/indexes.md tells of {gone:?}, which {kind} has not: {advice}"
    );
}

#[test]
fn plans_and_indexes_hold_on_postgres() {
    plans_and_indexes_hold(&TestDatabase::postgres());
}

#[test]
fn plans_and_indexes_hold_on_sqlite() {
    plans_and_indexes_hold(&TestDatabase::sqlite());
}

/// The public functions of the store that take a connection, as `module::function`.
fn functions_of_the_store() -> BTreeSet<String> {
    let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("../aios-db/src/store");
    let mut functions = BTreeSet::new();
    for file in files(&store) {
        let text = std::fs::read_to_string(&file).unwrap();
        let inner = file.strip_prefix(&store).unwrap().with_extension("");
        let module = inner
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_string_lossy()
            .into_owned();
        let module = if module == "mod" { "store".to_owned() } else { module };
        for (at, _) in text.match_indices("\npub fn ") {
            let declared: String = text[at + 8..].chars().take(200).collect();
            let (name, parameters) = declared.split_once('(').unwrap();
            let name = name.split('<').next().unwrap();
            if parameters.trim_start().starts_with("connection: &mut AnyConnection") {
                functions.insert(format!("{module}::{name}"));
            }
        }
    }
    functions
}

fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// It does nothing on SQLite.
const ON_POSTGRES_ALONE: &str = "search_index::search_pending_merge";

#[test]
fn every_function_of_the_store_is_in_the_catalogue() {
    let functions = functions_of_the_store();
    assert!(
        functions.contains("agents::agent_find") && functions.contains("store::ping"),
        "{functions:?}"
    );
    for kind in [DatabaseKind::Postgres, DatabaseKind::Sqlite] {
        let called: BTreeSet<String> = queries(kind).iter().map(|query| query.calls.to_owned()).collect();
        let is_for_another = |name: &str| kind == DatabaseKind::Sqlite && name == ON_POSTGRES_ALONE;
        let mut missing: Vec<&String> = functions.difference(&called).collect();
        missing.retain(|name| !is_for_another(name));
        assert!(
            missing.is_empty(),
            "the catalogue of queries (crates/aios-workload/src/catalogue) lacks {missing:?}"
        );
        let gone: Vec<&String> = called.difference(&functions).collect();
        assert!(gone.is_empty(), "the store has no {gone:?}");
    }
}
