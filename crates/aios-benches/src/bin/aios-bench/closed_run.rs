//! The table: each row for a short turn, one row after the other, and then all of them again. A machine that is busy for a
//! while thus slows a turn of every row, and the medians don't show it.

use std::collections::BTreeMap;

use aios_benches::closed::ClosedPlan;
use aios_benches::error::{BenchError, Result};
use aios_benches::exchange::Client;
use aios_benches::request::Request;
use serde::{Deserialize, Serialize};

use crate::figures::{Figures, Turn};
use crate::machine::Machine;
use crate::options::Options;
use crate::pgbench::Pgbench;
use crate::rows::{self, Answers, LISTING, Row, Servers, Source, Target, UNCOUNTED};
use crate::servers::{Server, Setup, Stage};
use crate::{redis, say, statements};

/// All that a run of the table found out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ClosedRun {
    pub(crate) machine: Machine,
    pub(crate) seconds: f64,
    pub(crate) rounds: u32,
    pub(crate) workers: usize,
    pub(crate) rows: Vec<Figures>,
    /// Bytes of the listing by content-coding; the first is without one.
    pub(crate) sizes: Vec<(String, usize)>,
    /// What the uncached listing runs, and so does pgbench.
    pub(crate) statements: Vec<String>,
    /// What the keys and values of the run take in Redis, in bytes.
    pub(crate) redis_bytes: Option<u64>,
    /// Whether the bare server's answer was the service's, byte by byte and header by header.
    pub(crate) is_same_answer: bool,
}

/// Measures every row.
pub(crate) fn run(options: &Options, stage: &Stage) -> Result<ClosedRun> {
    say("starting the servers");
    let empty_redis = redis::used_bytes(&options.redis_url);
    let (cached, uncached) = (stage.service(Setup::Cached)?, stage.service(Setup::Uncached)?);
    let answers = Answers::fetch(&cached)?;
    let bare = stage.bare(answers.bare())?;
    let nginx = stage
        .nginx(&aios_benches::bare::Stored::with_all_headers(&answers.compressed))
        .unwrap_or_else(|error| {
            say(&format!("without nginx: {error}"));
            None
        });
    let servers = Servers {
        cached,
        uncached,
        bare,
        nginx,
    };
    let is_same_answer = is_same_answer(&servers.bare, &answers)?;
    let sizes = sizes(&servers.cached)?;
    let (statements, scripts) = scripts(options, stage)?;

    let rows = rows::all(options, stage, &servers, &answers);
    let measured = measure(options, &rows, &scripts);
    let used = redis::used_bytes(&options.redis_url);
    Ok(ClosedRun {
        machine: Machine::look(options),
        seconds: options.seconds,
        rounds: options.rounds,
        workers: stage.workers,
        rows: measured?,
        sizes,
        statements,
        redis_bytes: used.zip(empty_redis).map(|(used, empty)| used.saturating_sub(empty)),
        is_same_answer,
    })
}

/// pgbench with what a target asks of the database, for each such target.
type Scripts = BTreeMap<&'static str, Result<Pgbench>>;

/// The listing's statements, and pgbench with scripts.
fn scripts(options: &Options, stage: &Stage) -> Result<(Vec<String>, Scripts)> {
    let server = stage.service(Setup::Telling)?;
    let (mut shown, mut scripts) = (Vec::new(), Scripts::new());
    for (name, target) in [("listing", LISTING), ("uncounted", UNCOUNTED)] {
        let prepared = statements::of(&server, target).and_then(|found| {
            if target == LISTING {
                shown = found.iter().map(|statement| statement.sql.clone()).collect();
            }
            Pgbench::prepare(options, stage, name, &found)
        });
        scripts.insert(target, prepared);
    }
    Ok((shown, scripts))
}

/// The limit is one only if it answers the same.
fn is_same_answer(bare: &Server, answers: &Answers) -> Result<bool> {
    use aios_benches::bare::Stored;
    let request = Request::new("GET", "/compressed", "bare").done();
    let sorted = |stored: Stored| {
        let mut headers = stored.headers;
        headers.sort();
        (stored.status, headers, stored.body)
    };
    let theirs = Stored::with_all_headers(&Client::new(bare.address).send(&request)?);
    Ok(sorted(theirs) == sorted(Stored::with_all_headers(&answers.compressed)))
}

fn sizes(server: &Server) -> Result<Vec<(String, usize)>> {
    let mut client = Client::new(server.address);
    let codings = ["identity", "gzip", "zstd", "br"].into_iter();
    codings
        .map(|coding| {
            let request = Request::new("GET", LISTING, "sizes").header("Accept-Encoding", coding);
            let answer = client.send(&request.clone().done())?;
            // The better compression may take a moment.
            std::thread::sleep(std::time::Duration::from_millis(500));
            let answer = client.send(&request.done()).unwrap_or(answer);
            let used = answer.header("content-encoding").unwrap_or("identity");
            let name = if used == coding {
                coding.to_owned()
            } else {
                format!("{coding} (came as {used})")
            };
            Ok((name, answer.body.len()))
        })
        .collect()
}

/// All rows in turns. A row that fails keeps no other from being measured.
fn measure(options: &Options, rows: &[Row], scripts: &Scripts) -> Result<Vec<Figures>> {
    let mut turns: BTreeMap<&str, Vec<Turn>> = BTreeMap::new();
    let mut problems: BTreeMap<&str, String> = BTreeMap::new();
    for row in rows {
        if let Err(error) = check(&row.source) {
            problems.insert(row.name, error.to_string());
        }
    }
    for round in 1..=options.rounds.max(1) {
        for row in rows {
            if problems.contains_key(row.name) {
                continue;
            }
            match turn(options, row, scripts) {
                Ok(turn) => {
                    say(&format!(
                        "turn {round} of {}: {:42} {:9.0} a second",
                        options.rounds, row.name, turn.rate
                    ));
                    turns.entry(row.name).or_default().push(turn);
                }
                Err(error) => {
                    say(&format!("turn {round} of {}: {:42} {error}", options.rounds, row.name));
                    problems.insert(row.name, error.to_string());
                }
            }
        }
    }
    let figures = rows.iter().map(|row| {
        let of = |name: &str| turns.get(name).map(Vec::as_slice).unwrap_or_default();
        let figures = if let Some(problem) = problems.get(row.name) {
            Figures::of_problem(row.name, problem.as_str())
        } else {
            Figures::of(row.name, of(row.name), row.limit.map_or(&[], of))?
        };
        Ok(Figures {
            limit: row.limit.map(str::to_owned),
            connections: row.connections,
            ..figures
        })
    });
    figures.collect()
}

/// Asks once, so that a route that is not there is said to be so, and nothing is measured of its errors.
fn check(source: &Source) -> Result<()> {
    match source {
        Source::Http(target) => {
            let request = target.requests.first().map_or("", String::as_str);
            let answer = Client::new(target.address).send(request)?;
            if answer.status == target.status {
                return Ok(());
            }
            let line = request.lines().next().unwrap_or_default();
            Err(BenchError::new(format!(
                "{line} is answered with status {}",
                answer.status
            )))
        }
        Source::Nothing(why) => Err(BenchError::new(why.clone())),
        Source::Pgbench(_) => Ok(()),
    }
}

fn turn(options: &Options, row: &Row, scripts: &Scripts) -> Result<Turn> {
    match &row.source {
        Source::Http(target) => Turn::of(&crate::programs::load(plan(options, row, target))?),
        Source::Pgbench(target) => {
            let script = scripts
                .get(target)
                .ok_or_else(|| BenchError::new("there is no script"))?;
            script
                .as_ref()
                .map_err(Clone::clone)?
                .run(row.connections, options.turn())
        }
        Source::Nothing(why) => Err(BenchError::new(why.clone())),
    }
}

fn plan(options: &Options, row: &Row, target: &Target) -> ClosedPlan {
    ClosedPlan {
        address: target.address,
        connections: row.connections,
        warm_up: options.warm_up(),
        measure: options.turn(),
        requests: target.requests.clone(),
        status: target.status,
        watch: Some(target.pid),
    }
}
