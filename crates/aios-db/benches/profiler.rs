//! What the profiler costs: a statement with and without it, and a request's context.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark stops by panicking")]

use std::hint::black_box;
use std::sync::Arc;

use aios_db::AnyConnection;
use aios_db::profile::{Context, Profile, ProfileConfig};
use aios_db::store::agents::agent_find;
use aios_db::store::outbox::{InvalidationId, invalidation_insert, invalidation_list};
use aios_domain::AgentId;
use aios_test_support::TestDatabase;
use criterion::{Criterion, criterion_group, criterion_main};

fn statements(criterion: &mut Criterion) {
    let database = TestDatabase::sqlite();
    let profile = Arc::new(Profile::new(&ProfileConfig::default(), database.url()));
    let (mut plain, mut watched) = (database.connection(), database.connection());
    profile.watch(&mut watched);
    let now = "2026-01-31T12:00:00Z".parse().unwrap();
    for _ in 0..20 {
        invalidation_insert(&mut plain, InvalidationId::new(), &["agents".to_owned()], now).unwrap();
    }
    // The smallest statement there is: one row by its key, which is not there.
    let missing = |connection: &mut AnyConnection| agent_find(connection, AgentId::new()).unwrap();
    let page = |connection: &mut AnyConnection| invalidation_list(connection, None, 20).unwrap();
    let mut group = criterion.benchmark_group("statement");
    group.bench_function("one row, plain", |b| b.iter(|| black_box(missing(&mut plain))));
    group.bench_function("one row, profiled", |b| {
        b.iter(|| profile.run(&mut watched, |c| black_box(missing(c))));
    });
    group.bench_function("twenty rows, plain", |b| b.iter(|| black_box(page(&mut plain))));
    group.bench_function("twenty rows, profiled", |b| {
        b.iter(|| profile.run(&mut watched, |c| black_box(page(c))));
    });
    group.finish();
}

fn contexts(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    criterion.bench_function("a request's context", |b| {
        b.iter(|| {
            runtime.block_on(Context::request("GET", "/api/v1/marketplace/agents/{id}").scope(async { black_box(1) }))
        });
    });
    criterion.bench_function("a request without one", |b| {
        b.iter(|| runtime.block_on(async { black_box(1) }));
    });
}

criterion_group!(benches, statements, contexts);
criterion_main!(benches);
