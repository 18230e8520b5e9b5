//! A page of 20 at depth 0, 1,000, 100,000 and 900,000 of 1,000,000 rows, on both databases: by cursor, by OFFSET, by
//! number (deferred join), and by number with boundaries.
//!
//! The aim: by cursor, depth 900,000 within 1.1 times depth 0; the lines "by turns" compare just these. PostgreSQL needs `AIOS_TEST_POSTGRES_URL`.
#![expect(missing_docs, reason = "criterion's and diesel's macros make items of their own")]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark may fail, and prints"
)]

use std::time::{Duration, Instant};

use aios_pagination::sql::SqlOrder;
use aios_pagination::{At, CursorCodec};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

const ROWS: u64 = 1_000_000;
const LIMIT: u32 = 20;
const DEPTHS: [u64; 4] = [0, 1_000, 100_000, 900_000];
/// As `DEPTHS`, and the page after the first row.
const TURNS: [u64; 5] = [0, 1, 1_000, 100_000, 900_000];

diesel::table! {
    agents (id) {
        id -> BigInt,
        installs -> BigInt,
        rating -> Double,
        name -> Text,
        description -> Text,
    }
}

#[derive(Queryable)]
#[expect(dead_code, reason = "loaded as a service would load them")]
struct Agent {
    id: i64,
    installs: i64,
    rating: f64,
    name: String,
    description: String,
}

/// Many rows tie in the first two keys. `BIGINT PRIMARY KEY` is an ordinary column in SQLite, not the rowid's alias.
fn fill(numbers: &str) -> String {
    format!(
        "CREATE TABLE agents (
             id BIGINT PRIMARY KEY NOT NULL, installs BIGINT NOT NULL, rating DOUBLE PRECISION NOT NULL,
             name TEXT NOT NULL, description TEXT NOT NULL
         );
         INSERT INTO agents SELECT (n * 7919) % 1000003, (n * 31) % 5000, ((n * 17) % 50) / 10.0, 'agent ' || n,
             'What this agent does, said in some two hundred letters, as descriptions in a list are: it reads, it writes, ' ||
             'it sums up and it answers, number ' || n FROM ({numbers}) AS s;
         CREATE INDEX popular ON agents (installs DESC, rating DESC, id DESC);"
    )
}

/// Rounds of the comparison by turns.
const ROUNDS: usize = 4_000;

/// Reads the pages by turns, so that whatever else the machine does meets all of them alike, and prints each one's median
/// and its ratio to the first one's.
fn by_turns(backend: &str, names: &[String], mut read: impl FnMut(usize)) {
    let mut times = vec![Vec::with_capacity(ROUNDS); names.len()];
    for round in 0..ROUNDS + ROUNDS / 10 {
        for (index, times) in times.iter_mut().enumerate() {
            let started = Instant::now();
            read(index);
            // The first tenth warms up.
            if round >= ROUNDS / 10 {
                times.push(started.elapsed());
            }
        }
    }
    let medians = times.into_iter().map(|mut times| {
        times.sort_unstable();
        times.get(ROUNDS / 2).map_or(0.0, Duration::as_secs_f64)
    });
    let medians: Vec<f64> = medians.collect();
    for (name, median) in names.iter().zip(&medians) {
        let first = medians.first().copied().unwrap_or(f64::NAN);
        println!(
            "{backend} by turns: {name:14} {:8.1} µs  {:5.2}",
            median * 1e6,
            median / first
        );
    }
}

/// The same benchmark on a backend's own connection type.
macro_rules! depths {
    ($criterion:expr, $name:literal, $backend:ty, $conn:expr) => {{
        let conn: &mut _ = &mut *$conn;
        let codec = CursorCodec::signed(b"a secret of thirty-two bytes ...");
        let order: SqlOrder<Agent, agents::table, $backend> = SqlOrder::named("popular")
            .desc(agents::installs, |row: &Agent| row.installs)
            .desc(agents::rating, |row| row.rating)
            .unique_desc(agents::id, |row| row.id);
        let base = || agents::table.into_boxed();
        let pager = order.pager(&codec).limit(LIMIT);
        let boundaries = pager.sample(conn, 1_000, base).expect("boundaries");
        let cursor_at = |conn: &mut _, depth: u64| {
            // As the page before it hands it out; after the first row, what a cursor costs by itself.
            let before = match depth {
                0 => return None,
                1 => pager.limit(1).page(conn, At::Start, base),
                _ => pager.jump(conn, depth / u64::from(LIMIT), &boundaries, base),
            };
            before.expect("a page").next.map(String::from)
        };
        let cursors: Vec<Option<String>> = TURNS.iter().map(|depth| cursor_at(conn, *depth)).collect();
        let names: Vec<String> = TURNS.iter().map(|depth| format!("cursor/{depth}")).collect();
        by_turns($name, &names, |index| {
            let cursor = cursors.get(index).and_then(Option::as_deref);
            std::hint::black_box(pager.page(conn, At::from(cursor), base).expect("a page"));
        });
        let mut group = $criterion.benchmark_group($name);
        group
            .measurement_time(Duration::from_secs(4))
            .warm_up_time(Duration::from_secs(1))
            .sample_size(30);
        for depth in DEPTHS {
            let number = depth / u64::from(LIMIT) + 1;
            let cursor = cursor_at(conn, depth);
            group.bench_function(BenchmarkId::new("cursor", depth), |bencher| {
                bencher.iter(|| pager.page(conn, At::from(cursor.as_deref()), base).expect("a page"));
            });
            group.bench_function(BenchmarkId::new("jump", depth), |bencher| {
                bencher.iter(|| pager.jump(conn, number, &boundaries, base).expect("a page"));
            });
            group.bench_function(BenchmarkId::new("numbered", depth), |bencher| {
                bencher.iter(|| pager.numbered(conn, number, base).expect("a page"));
            });
            let offset = i64::try_from(depth).expect("small");
            group.bench_function(BenchmarkId::new("offset", depth), |bencher| {
                bencher.iter(|| {
                    base()
                        .order((agents::installs.desc(), agents::rating.desc(), agents::id.desc()))
                        .limit(i64::from(LIMIT))
                        .offset(offset)
                        .load::<Agent>(conn)
                        .expect("rows")
                });
            });
        }
        group.finish();
    }};
}

fn sqlite(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("depth.sqlite");
    let conn = &mut SqliteConnection::establish(&path.to_string_lossy()).expect("SQLite opens a file");
    conn.batch_execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000;")
        .expect("settings");
    let numbers =
        format!("WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {ROWS}) SELECT n FROM s");
    conn.batch_execute(&fill(&numbers)).expect("rows");
    conn.batch_execute("ANALYZE").expect("statistics");
    depths!(criterion, "sqlite", diesel::sqlite::Sqlite, conn);
}

fn postgres(criterion: &mut Criterion) {
    let url = std::env::var("AIOS_TEST_POSTGRES_URL").unwrap_or_else(|_| {
        panic!(
            "AIOS_TEST_POSTGRES_URL is not set: `cargo xtask services` starts a private PostgreSQL server and prints it"
        )
    });
    let server = &mut PgConnection::establish(&url).expect("a connection");
    // A database of its own: what VACUUM may mark as visible to all depends on the database's other sessions.
    let name = format!("pagination_bench_{}", std::process::id());
    server
        .batch_execute(&format!("CREATE DATABASE {name}"))
        .expect("a database");
    let (root, _) = url.rsplit_once('/').expect("a URL with a database in its path");
    let conn = &mut PgConnection::establish(&format!("{root}/{name}")).expect("a connection");
    // VACUUM marks a page as visible to all once its rows' commits are on disk, which an asynchronous one's are not at once.
    conn.batch_execute("SET synchronous_commit = on").expect("a setting");
    conn.batch_execute(&fill(&format!("SELECT n FROM generate_series(1, {ROWS}::bigint) AS n")))
        .expect("rows");
    conn.batch_execute("VACUUM ANALYZE agents").expect("statistics");
    depths!(criterion, "postgres", diesel::pg::Pg, conn);
    server
        .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
        .expect("dropped");
}

criterion_group!(benches, sqlite, postgres);
criterion_main!(benches);
