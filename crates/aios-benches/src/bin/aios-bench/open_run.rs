//! The open loop against the service as users run it: how long requests take at a rate that somebody else decides.

use std::collections::BTreeMap;

use aios_benches::error::Result;
use aios_benches::latency::{Latencies, Quantiles};
use aios_benches::open::{OpenOutcome, OpenPlan};
use aios_benches::traffic::Class;
use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::metrics::Counters;
use crate::options::{Options, seconds};
use crate::servers::{Server, Setup, Stage};
use crate::{catalogue, programs, redis, say};

/// Draws the traffic.
const SEED: u64 = 20_26;

/// What was measured of one class of requests, or of all.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ClassFigures {
    pub(crate) name: String,
    pub(crate) requests: u64,
    pub(crate) answers: u64,
    pub(crate) latency: Quantiles,
    /// The share of answers that `Cache-Status` calls a hit, of those that have it.
    pub(crate) told_hits: Option<f64>,
}

/// What a namespace of the cache did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NamespaceFigures {
    pub(crate) name: String,
    pub(crate) hits: f64,
    pub(crate) misses: f64,
}

/// All that an open run found out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OpenRun {
    pub(crate) machine: Machine,
    pub(crate) rate: f64,
    pub(crate) connections: usize,
    pub(crate) seconds: f64,
    pub(crate) warm_up: f64,
    pub(crate) zipf: f64,
    pub(crate) agents: usize,
    pub(crate) listings: usize,
    pub(crate) all: ClassFigures,
    pub(crate) classes: Vec<ClassFigures>,
    pub(crate) errors: BTreeMap<String, u64>,
    pub(crate) lateness: Quantiles,
    pub(crate) namespaces: Vec<NamespaceFigures>,
    /// Statements of the whole server, for reads, writes and housekeeping, by reads.
    pub(crate) statements_per_read: f64,
    /// The share of reads for which nothing was loaded from the database.
    pub(crate) reads_without_loads: f64,
    pub(crate) cpu_seconds: Option<f64>,
    pub(crate) client_cpu_seconds: f64,
    pub(crate) peak_memory: Option<u64>,
    pub(crate) redis_bytes: Option<u64>,
}

/// Measures it.
pub(crate) fn run(options: &Options, stage: &Stage) -> Result<OpenRun> {
    say("open loop: gathering what to ask for");
    let empty_redis = redis::used_bytes(&options.redis_url);
    let catalogue = {
        let uncached = stage.service(Setup::Uncached)?;
        catalogue::gather(stage, &uncached, options.zipf)?
    };
    let (agents, listings) = (catalogue.agents.len(), catalogue.listings.len());
    let server = stage.service(Setup::Cached)?;
    let mut plan = OpenPlan {
        address: server.address,
        connections: options.connections,
        rate: options.rate,
        warm_up: seconds(options.open_warm_up),
        measure: seconds(options.minutes * 60.0),
        seed: SEED,
        watch: Some(server.pid()),
        catalogue,
    };
    say(&format!(
        "open loop: {} requests a second, {} s to warm up and {} min that count",
        options.rate, options.open_warm_up, options.minutes
    ));
    let (before, outcome) = warm_up_and_run(&mut plan, &server)?;
    // The cache hands its counts to the metrics once a second.
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    let counters = Counters::of(&server)?.since(&before);
    let used = redis::used_bytes(&options.redis_url);
    let run = told(options, &outcome, &counters)?;
    Ok(OpenRun {
        agents,
        listings,
        redis_bytes: used.zip(empty_redis).map(|(used, empty)| used.saturating_sub(empty)),
        ..run
    })
}

/// Warms up by a run of its own, so that the metrics can be read between the two.
fn warm_up_and_run(plan: &mut OpenPlan, server: &Server) -> Result<(Counters, OpenOutcome)> {
    let measure = std::mem::replace(&mut plan.measure, plan.warm_up);
    plan.warm_up = std::time::Duration::ZERO;
    // Other users' installations than those of the run: what was installed can't be installed again.
    let users = plan.catalogue.users.clone();
    let (warming, measuring) = users.split_at(users.len() / 4);
    plan.catalogue.users = warming.to_vec();
    plan.seed ^= 1;
    programs::open_load(plan.clone())?;
    let before = Counters::of(server)?;
    plan.catalogue.users = measuring.to_vec();
    plan.seed ^= 1;
    plan.measure = measure;
    Ok((before, programs::open_load(plan.clone())?))
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 requests")]
fn told(options: &Options, outcome: &OpenOutcome, counters: &Counters) -> Result<OpenRun> {
    let mut lateness = Latencies::new()?;
    lateness.add(&outcome.lateness);
    let reads: u64 = outcome
        .classes
        .iter()
        .filter(|(class, _)| **class != Class::Write)
        .map(|(_, figures)| figures.answers)
        .sum();
    let reads = reads.max(1) as f64;
    let namespaces = namespaces(counters);
    // Every answer of the namespaces that hold values is loaded from the database; those of whole answers are made of them.
    let loads: f64 = counters
        .by("cache_loads_total", "namespace")
        .into_iter()
        .filter(|(name, _)| name != ANSWERS)
        .map(|(_, loads)| loads)
        .sum();
    Ok(OpenRun {
        machine: Machine::look(options),
        rate: options.rate,
        connections: options.connections,
        seconds: outcome.seconds,
        warm_up: options.open_warm_up,
        zipf: options.zipf,
        agents: 0,
        listings: 0,
        all: class("all", &Class::ALL, outcome)?,
        classes: Class::ALL
            .into_iter()
            .map(|one| class(one.name(), &[one], outcome))
            .collect::<Result<_>>()?,
        errors: outcome.errors.clone(),
        lateness: lateness.quantiles(),
        namespaces,
        statements_per_read: counters.sum("aios_db_statement_seconds_count") / reads,
        reads_without_loads: 1.0 - loads / reads,
        cpu_seconds: outcome.watched.map(|usage| usage.cpu_seconds),
        client_cpu_seconds: outcome.own_cpu_seconds,
        peak_memory: outcome.watched.map(|usage| usage.peak_memory),
        redis_bytes: None,
    })
}

/// The namespace of finished answers, in front of those of values.
pub(crate) const ANSWERS: &str = "answers";

fn namespaces(counters: &Counters) -> Vec<NamespaceFigures> {
    let hits = counters.by("cache_hits_total", "namespace");
    let stale = counters.by("cache_stale_served_total", "namespace");
    let misses = counters.by("cache_misses_total", "namespace");
    let mut names: Vec<&String> = hits.keys().chain(misses.keys()).collect();
    names.sort();
    names.dedup();
    let of = |counts: &BTreeMap<String, f64>, name: &String| counts.get(name).copied().unwrap_or_default();
    names
        .into_iter()
        .map(|name| NamespaceFigures {
            name: name.clone(),
            hits: of(&hits, name) + of(&stale, name),
            misses: of(&misses, name),
        })
        .filter(|figures| figures.hits + figures.misses > 0.0)
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 requests")]
fn class(name: &str, classes: &[Class], outcome: &OpenOutcome) -> Result<ClassFigures> {
    let mut latencies = Latencies::new()?;
    let (mut requests, mut answers, mut hits, mut told) = (0, 0, 0, 0);
    for found in classes.iter().filter_map(|class| outcome.classes.get(class)) {
        latencies.add(&found.latencies);
        requests += found.requests;
        answers += found.answers;
        hits += found.hits;
        told += found.told;
    }
    Ok(ClassFigures {
        name: name.to_owned(),
        requests,
        answers,
        latency: latencies.quantiles(),
        told_hits: (told > 0).then(|| hits as f64 / told as f64),
    })
}
