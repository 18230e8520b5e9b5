//! The open loop: requests leave when their time has come, whether or not earlier ones were answered, as those of people do.
//!
//! Latency counts from the moment at which a request should have left. A server that stands still for a second thus shows in
//! all the requests of that second, and not in the one that happened to be under way (coordinated omission).

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::{Deserialize, Serialize};

use crate::connection::{Connection, SCRATCH};
use crate::error::{BenchError, Result};
use crate::latency::{Counted, Latencies};
use crate::response::Answer;
use crate::traffic::{Call, Catalogue, Class, Traffic};
use crate::usage::{self, Usage};

/// Requests that have waited this long for a connection are given up at the end of the run.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// What is to be measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OpenPlan {
    /// The server.
    pub address: SocketAddr,
    /// How many connections there are.
    pub connections: usize,
    /// Requests a second, at random moments (a Poisson process).
    pub rate: f64,
    /// How long requests are sent before anything counts.
    pub warm_up: Duration,
    /// How long requests count.
    pub measure: Duration,
    /// The same seed gives the same requests at the same moments.
    pub seed: u64,
    /// A process whose processor time and memory are told.
    pub watch: Option<u32>,
    /// What is asked for.
    pub catalogue: Catalogue,
}

/// What was measured of one class of requests.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ClassOutcome {
    /// Requests that should have left in the time that counts.
    pub requests: u64,
    /// Answers as they should be.
    pub answers: u64,
    /// Those of them that a cache said it had given (`Cache-Status`), and those that said anything of a cache.
    pub hits: u64,
    /// Answers with the header `Cache-Status`.
    pub told: u64,
    /// How long they took, from the moment at which the request should have left.
    pub latencies: Counted,
}

/// What was measured.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct OpenOutcome {
    /// By class.
    pub classes: BTreeMap<Class, ClassOutcome>,
    /// What went wrong, and how often.
    pub errors: BTreeMap<String, u64>,
    /// How long requests counted, in seconds.
    pub seconds: f64,
    /// By how much requests left too late, for want of a connection or of processor time.
    pub lateness: Counted,
    /// Processor time of the load generator itself, in seconds.
    pub own_cpu_seconds: f64,
    /// What the watched process cost.
    pub watched: Option<Usage>,
}

/// A request and when it should leave.
struct Due {
    call: Call,
    at: Instant,
    counts: bool,
}

/// A connection, and the request it carries.
struct Line {
    connection: Connection,
    carries: Option<Due>,
}

/// A run under way.
struct Run<'a> {
    address: SocketAddr,
    lines: Vec<Line>,
    /// Lines without a request, the one that has rested longest first.
    idle: VecDeque<usize>,
    /// Requests whose time has come and that have no line.
    waiting: VecDeque<Due>,
    traffic: Traffic<'a>,
    figures: Figures,
    scratch: Vec<u8>,
}

/// What has been measured so far.
struct Figures {
    classes: BTreeMap<Class, (ClassOutcome, Latencies)>,
    errors: BTreeMap<String, u64>,
    lateness: Latencies,
}

/// Runs a plan to its end.
///
/// # Errors
/// Where the plan holds nothing to ask for, or the server can't be reached.
pub fn run(plan: &OpenPlan) -> Result<OpenOutcome> {
    let mut run = Run::prepare(plan)?;
    let mut moments = fastrand::Rng::with_seed(plan.seed);
    let begin = Instant::now();
    let counted_from = begin + plan.warm_up;
    let end = counted_from + plan.measure;
    let mut next = begin;
    let mut cost = Cost::default();
    loop {
        let now = Instant::now();
        if now >= counted_from {
            cost.begin(plan.watch);
        }
        while next <= now && next < end {
            let due = Due {
                call: run.traffic.next(),
                at: next,
                counts: next >= counted_from,
            };
            run.release(due);
            next += pause(&mut moments, plan.rate);
        }
        run.dispatch(now);
        if now >= end && (run.is_at_rest() || now >= end + LAST_ANSWERS) {
            break;
        }
        let wake = if next < end {
            next
        } else {
            now + Duration::from_millis(5)
        };
        run.wait(wake.saturating_duration_since(now))?;
    }
    let mut outcome = run.conclude();
    outcome.seconds = plan.measure.as_secs_f64();
    cost.end(plan.watch, &mut outcome);
    Ok(outcome)
}

/// The time from one request to the next: exponentially distributed, so that moments are independent of each other.
fn pause(random: &mut fastrand::Rng, rate: f64) -> Duration {
    Duration::from_secs_f64(-(1.0 - random.f64()).ln() / rate.max(0.001))
}

/// Processor time when counting began.
#[derive(Default)]
struct Cost {
    own: Option<f64>,
    watched: Option<f64>,
}

impl Cost {
    fn begin(&mut self, pid: Option<u32>) {
        if self.own.is_none() {
            self.own = Some(usage::own_cpu_seconds());
            self.watched = pid.and_then(usage::cpu_seconds);
        }
    }

    fn end(&self, pid: Option<u32>, outcome: &mut OpenOutcome) {
        outcome.own_cpu_seconds = usage::own_cpu_seconds() - self.own.unwrap_or_default();
        let watched = pid.zip(self.watched);
        outcome.watched = watched.and_then(|(pid, before)| usage::since(pid, before));
    }
}

impl<'a> Run<'a> {
    fn prepare(plan: &'a OpenPlan) -> Result<Self> {
        let unreachable = || BenchError::because(format!("can't reach {}", plan.address));
        let lines: std::io::Result<Vec<Line>> = (0..plan.connections.max(1))
            .map(|_| {
                Ok(Line {
                    connection: Connection::open(plan.address)?,
                    carries: None,
                })
            })
            .collect();
        let lines = lines.map_err(unreachable())?;
        Ok(Self {
            address: plan.address,
            idle: (0..lines.len()).collect(),
            lines,
            waiting: VecDeque::new(),
            traffic: Traffic::new(&plan.catalogue, plan.seed)?,
            figures: Figures {
                classes: classes()?,
                errors: BTreeMap::new(),
                lateness: Latencies::new()?,
            },
            scratch: vec![0; SCRATCH],
        })
    }

    fn is_at_rest(&self) -> bool {
        self.idle.len() == self.lines.len() && self.waiting.is_empty()
    }

    /// A request's time has come.
    fn release(&mut self, due: Due) {
        if due.counts {
            self.figures.expect(due.call.class);
        }
        self.waiting.push_back(due);
    }

    /// Lines at rest take the requests that have waited longest.
    fn dispatch(&mut self, now: Instant) {
        while !self.waiting.is_empty() {
            let Some(number) = self.idle.pop_front() else { return };
            if let Some(due) = self.waiting.pop_front() {
                self.send(number, due, now);
            }
        }
    }

    fn send(&mut self, number: usize, due: Due, now: Instant) {
        let Some(line) = self.lines.get_mut(number) else { return };
        if due.counts {
            self.figures.lateness.record(now - due.at);
        }
        let sent = line.connection.send(&due.call.request);
        line.carries = Some(due);
        if let Err(trouble) = sent {
            self.give_up(number, &trouble.name());
        }
    }

    /// Waits until something arrives, or for so long.
    fn wait(&mut self, longest: Duration) -> Result<()> {
        let busy: Vec<usize> = (0..self.lines.len())
            .filter(|&number| self.lines.get(number).is_some_and(|line| line.carries.is_some()))
            .collect();
        let mut sockets: Vec<PollFd<'_>> = busy
            .iter()
            .filter_map(|&number| self.lines.get(number))
            .map(|line| PollFd::new(&line.connection.stream, awaited(&line.connection)))
            .collect();
        let timeout = Timespec {
            tv_sec: i64::try_from(longest.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(longest.subsec_nanos()),
        };
        match poll(&mut sockets, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(BenchError::new(format!("can't wait for sockets: {error}"))),
        }
        let ready: Vec<usize> = busy
            .iter()
            .zip(&sockets)
            .filter(|(_, socket)| !socket.revents().is_empty())
            .map(|(&number, _)| number)
            .collect();
        for number in ready {
            self.advance(number);
        }
        Ok(())
    }

    fn advance(&mut self, number: usize) {
        let Some(line) = self.lines.get_mut(number) else { return };
        match line.connection.advance(&mut self.scratch) {
            Ok(None) => {}
            Ok(Some(answer)) => self.take(number, answer),
            Err(trouble) => self.give_up(number, &trouble.name()),
        }
    }

    fn take(&mut self, number: usize, answer: Answer) {
        let now = Instant::now();
        let Some(due) = self.lines.get_mut(number).and_then(|line| line.carries.take()) else {
            return;
        };
        let is_good = due.call.accepts(answer.status);
        if is_good {
            self.traffic.succeeded(&due.call);
        }
        if due.counts && is_good {
            self.figures.answered(due.call.class, answer, now - due.at);
        } else if due.counts {
            self.figures
                .failed(format!("{}: status {}", due.call.class.name(), answer.status));
        }
        if answer.closes {
            self.reopen(number);
        }
        self.idle.push_back(number);
    }

    fn give_up(&mut self, number: usize, why: &str) {
        let carried = self.lines.get_mut(number).and_then(|line| line.carries.take());
        if let Some(due) = carried.filter(|due| due.counts) {
            self.figures.failed(format!("{}: {why}", due.call.class.name()));
        }
        self.reopen(number);
        self.idle.push_back(number);
    }

    /// A line that could not be opened again fails its next request, and is tried again then.
    fn reopen(&mut self, number: usize) {
        if let (Some(line), Ok(connection)) = (self.lines.get_mut(number), Connection::open(self.address)) {
            line.connection = connection;
        }
    }

    fn conclude(mut self) -> OpenOutcome {
        let carried = self.lines.iter_mut().filter_map(|line| line.carries.take());
        let unanswered = carried.chain(self.waiting).filter(|due| due.counts).count() as u64;
        if unanswered > 0 {
            self.figures
                .errors
                .insert("no answer by the end".to_owned(), unanswered);
        }
        let classes = self.figures.classes.into_iter();
        OpenOutcome {
            classes: classes
                .map(|(class, (outcome, latencies))| {
                    let latencies = latencies.counted();
                    (class, ClassOutcome { latencies, ..outcome })
                })
                .collect(),
            errors: self.figures.errors,
            lateness: self.figures.lateness.counted(),
            ..OpenOutcome::default()
        }
    }
}

/// Every class, with nothing counted yet.
fn classes() -> Result<BTreeMap<Class, (ClassOutcome, Latencies)>> {
    let each = Class::ALL.into_iter();
    each.map(|class| Ok((class, (ClassOutcome::default(), Latencies::new()?))))
        .collect()
}

fn awaited(connection: &Connection) -> PollFlags {
    if connection.is_sending() {
        PollFlags::IN | PollFlags::OUT
    } else {
        PollFlags::IN
    }
}

impl Figures {
    fn expect(&mut self, class: Class) {
        if let Some((outcome, _)) = self.classes.get_mut(&class) {
            outcome.requests += 1;
        }
    }

    fn answered(&mut self, class: Class, answer: Answer, latency: Duration) {
        if let Some((outcome, latencies)) = self.classes.get_mut(&class) {
            outcome.answers += 1;
            outcome.told += u64::from(answer.cache_hit.is_some());
            outcome.hits += u64::from(answer.cache_hit == Some(true));
            latencies.record(latency);
        }
    }

    fn failed(&mut self, what: String) {
        *self.errors.entry(what).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_the_rate_and_repeat_with_the_seed() {
        let moments = |seed| {
            let mut random = fastrand::Rng::with_seed(seed);
            (0..20_000).map(|_| pause(&mut random, 1_000.0)).sum::<Duration>()
        };
        assert_eq!(moments(1), moments(1));
        assert_ne!(moments(1), moments(2));
        let mean = moments(1).as_secs_f64() / 20.0;
        assert!((mean - 1.0).abs() < 0.03, "{mean}");
    }
}
