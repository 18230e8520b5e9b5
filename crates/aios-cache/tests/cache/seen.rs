//! What can be seen from outside: metrics, events, stats.

use std::collections::BTreeMap;
use std::sync::Arc;

use aios_cache::engine::MemoryEngine;
use aios_cache::serializer::Json;
use aios_cache::{Cache, Event, Policy, Targets, describe_metrics};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use parking_lot::Mutex;

use super::{Source, seconds, settle};

#[test]
fn what_happens_is_counted_by_namespace() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        describe_metrics();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let cache = Cache::builder().engine(MemoryEngine::new()).build();
            cache.linked().await;
            let numbers = cache
                .namespace("numbers")
                .policy(Policy::new(seconds(60)))
                .serializer(Json)
                .build()
                .unwrap();
            let source = Source::default();
            for key in ["a", "a", "a", "b"] {
                numbers.get_or_load(key, source.loader()).await.unwrap();
            }
            numbers.get_or_load("c", source.failing()).await.unwrap_err();
            let _ = cache.invalidate(Targets::new().tag("t")).await;
            settle().await;
            let stats = cache.stats();
            assert_eq!((stats.invalidations, stats.is_linked, stats.pending), (1, true, 0));
        });
    });
    let found: BTreeMap<String, DebugValue> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, unit, description, value)| {
            assert!(description.is_some(), "{key:?} is described");
            let _ = unit;
            let labels: Vec<_> = key
                .key()
                .labels()
                .map(|label| format!("{}={}", label.key(), label.value()))
                .collect();
            (format!("{}{{{}}}", key.key().name(), labels.join(",")), value)
        })
        .collect();
    let count = |name: &str| match found.get(name) {
        Some(DebugValue::Counter(count)) => *count,
        other => panic!("{name}: {other:?} in {:?}", found.keys()),
    };
    assert_eq!(count("cache_hits_total{namespace=numbers,tier=memory}"), 2);
    assert_eq!(count("cache_misses_total{namespace=numbers}"), 3);
    assert_eq!(count("cache_loads_total{namespace=numbers,outcome=loaded}"), 2);
    assert_eq!(count("cache_loads_total{namespace=numbers,outcome=failed}"), 1);
    assert_eq!(count("cache_invalidations_total{outcome=everywhere}"), 1);
    assert_eq!(found.get("cache_link_up{}"), Some(&DebugValue::Gauge(1.0.into())));
    assert_eq!(
        found.get("cache_entries{namespace=numbers}"),
        Some(&DebugValue::Gauge(2.0.into()))
    );
    for histogram in [
        "cache_load_seconds{namespace=numbers}",
        "cache_engine_seconds{operation=read}",
        "cache_engine_seconds{operation=write}",
        "cache_backplane_lag_seconds{}",
    ] {
        assert!(
            matches!(found.get(histogram), Some(DebugValue::Histogram(_))),
            "{histogram}"
        );
    }
}

#[tokio::test]
async fn a_listener_is_told_what_happens() {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let listening = Arc::clone(&told);
    let cache = Cache::builder()
        .listener(move |event: &Event<'_>| {
            let line = match event {
                Event::Hit {
                    key, origin, is_stale, ..
                } => format!("hit {key} {origin:?} {is_stale}"),
                Event::Miss { namespace, key } => format!("miss {namespace} {key}"),
                Event::Loaded { values, .. } => format!("loaded {values}"),
                Event::LoadFailed { .. } => "failed".to_owned(),
                Event::Overtaken { key, .. } => format!("overtaken {key}"),
                Event::Invalidated { everywhere } => format!("invalidated {everywhere}"),
                other => format!("{other:?}"),
            };
            listening.lock().push(line);
        })
        .build();
    let numbers = cache.namespace::<u64>("numbers").build().unwrap();
    let source = Source::default();
    numbers.get_or_load("a", source.loader()).await.unwrap();
    numbers.get_or_load("a", source.loader()).await.unwrap();
    let _ = numbers.at("a").invalidate().await;
    numbers.get_or_load("a", source.failing()).await.unwrap_err();
    let expected = [
        "miss numbers a",
        "loaded 1",
        "hit a Memory false",
        "invalidated true",
        "miss numbers a",
        "failed",
    ];
    assert_eq!(*told.lock(), expected);
}
