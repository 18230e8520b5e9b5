//! The closed loop: so many connections, each sending its next request as soon as it has the answer. It shows how much a
//! server can do.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use serde::{Deserialize, Serialize};

use crate::connection::{Connection, Prepared, SCRATCH, Trouble};
use crate::error::{BenchError, Result};
use crate::latency::{Counted, Latencies};
use crate::response::Answer;
use crate::usage::{self, Usage};

/// What is to be measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClosedPlan {
    /// The server.
    pub address: SocketAddr,
    /// How many connections send at once.
    pub connections: usize,
    /// How long requests are sent before anything counts.
    pub warm_up: Duration,
    /// How long answers count.
    pub measure: Duration,
    /// The requests, one after the other on each connection, and then again.
    pub requests: Vec<String>,
    /// Every other status is an error.
    pub status: u16,
    /// A process whose processor time and memory are told.
    pub watch: Option<u32>,
}

/// What was measured.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ClosedOutcome {
    /// Answers as they should be.
    pub answers: u64,
    /// What else happened, and how often.
    pub errors: BTreeMap<String, u64>,
    /// How long answers counted, in seconds.
    pub seconds: f64,
    /// Bytes of all answers.
    pub bytes: u64,
    /// How long each took, from the request's first byte to the answer's last.
    pub latencies: Counted,
    /// Processor time of the load generator itself, in seconds.
    pub own_cpu_seconds: f64,
    /// What the watched process cost.
    pub watched: Option<Usage>,
}

/// A loop under way.
struct Loop<'a> {
    plan: &'a ClosedPlan,
    requests: Vec<Prepared>,
    poll: Poll,
    lines: Vec<Line>,
    latencies: Latencies,
    outcome: ClosedOutcome,
    scratch: Vec<u8>,
}

/// A connection and what it is at.
struct Line {
    /// None after it could not be opened again.
    connection: Option<Connection>,
    sent: Instant,
    /// Which request comes next.
    next: usize,
}

/// Runs a plan to its end.
///
/// # Errors
/// Where there is nothing to send, or the server can't be reached at all.
pub fn run(plan: &ClosedPlan) -> Result<ClosedOutcome> {
    let mut closed = Loop::prepare(plan)?;
    closed.run_until(Instant::now() + plan.warm_up)?;
    closed.forget();

    let (started, cpu) = (Instant::now(), usage::own_cpu_seconds());
    let watched = plan.watch.and_then(|pid| Some((pid, usage::cpu_seconds(pid)?)));
    closed.run_until(started + plan.measure)?;
    let mut outcome = closed.outcome;
    outcome.seconds = started.elapsed().as_secs_f64();
    outcome.own_cpu_seconds = usage::own_cpu_seconds() - cpu;
    outcome.watched = watched.and_then(|(pid, before)| usage::since(pid, before));
    outcome.latencies = closed.latencies.counted();
    Ok(outcome)
}

impl<'a> Loop<'a> {
    fn prepare(plan: &'a ClosedPlan) -> Result<Self> {
        let requests: Vec<Prepared> = plan.requests.iter().cloned().map(Prepared::new).collect();
        if requests.is_empty() || plan.connections == 0 {
            return Err(BenchError::new("a plan needs a request and a connection"));
        }
        let mut closed = Self {
            plan,
            requests,
            poll: Poll::new().map_err(BenchError::because("can't wait for sockets"))?,
            lines: Vec::with_capacity(plan.connections),
            latencies: Latencies::new()?,
            outcome: ClosedOutcome::default(),
            scratch: vec![0; SCRATCH],
        };
        for number in 0..plan.connections {
            let connection = closed
                .connect(number)
                .map_err(BenchError::because(format!("can't reach {}", plan.address)))?;
            closed.lines.push(Line {
                connection: Some(connection),
                sent: Instant::now(),
                next: number,
            });
        }
        for number in 0..plan.connections {
            closed.go_on(number, Instant::now());
        }
        Ok(closed)
    }

    fn connect(&self, number: usize) -> std::io::Result<Connection> {
        let connection = Connection::open(self.plan.address)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut SourceFd(&connection.stream.as_raw_fd()), Token(number), interest)?;
        Ok(connection)
    }

    /// Begins to count: what happened so far was for warming up.
    fn forget(&mut self) {
        self.latencies.clear();
        self.outcome = ClosedOutcome::default();
    }

    fn run_until(&mut self, end: Instant) -> Result<()> {
        let mut events = Events::with_capacity(self.plan.connections.max(16));
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            match self.poll.poll(&mut events, Some(left)) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(BenchError::new(format!("can't wait for sockets: {error}"))),
                Ok(()) => {}
            }
            for event in &events {
                self.advance(event.token().0);
            }
            if self.lines.iter().all(|line| line.connection.is_none()) {
                return Err(BenchError::new(format!("{} is gone", self.plan.address)));
            }
        }
    }

    fn advance(&mut self, number: usize) {
        let Some(connection) = self.lines.get_mut(number).and_then(|line| line.connection.as_mut()) else {
            return;
        };
        match connection.advance(&mut self.scratch) {
            Ok(None) => {}
            Ok(Some(answer)) => self.take(number, answer),
            Err(trouble) => self.replace(number, trouble),
        }
    }

    fn take(&mut self, number: usize, answer: Answer) {
        let now = Instant::now();
        self.outcome.bytes += answer.bytes;
        if answer.status == self.plan.status {
            self.outcome.answers += 1;
            if let Some(line) = self.lines.get(number) {
                self.latencies.record(now - line.sent);
            }
        } else {
            self.count_error(format!("status {}", answer.status));
        }
        if answer.closes {
            self.reopen(number);
        } else {
            self.go_on(number, now);
        }
    }

    fn go_on(&mut self, number: usize, now: Instant) {
        if let Err(trouble) = self.send(number, now) {
            self.replace(number, trouble);
        }
    }

    fn send(&mut self, number: usize, now: Instant) -> Result<(), Trouble> {
        let Some(line) = self.lines.get_mut(number) else {
            return Ok(());
        };
        let request = self.requests.get(line.next % self.requests.len());
        let (Some(connection), Some(request)) = (line.connection.as_mut(), request) else {
            return Ok(());
        };
        line.next += 1;
        line.sent = now;
        connection.send(request)
    }

    /// Counts what went wrong and goes on with a connection that is new.
    fn replace(&mut self, number: usize, trouble: Trouble) {
        self.count_error(trouble.name());
        self.reopen(number);
    }

    /// A connection that fails at once is given up.
    fn reopen(&mut self, number: usize) {
        let opened = self.connect(number);
        if let Err(error) = &opened {
            self.count_error(format!("can't connect: {}", error.kind()));
        }
        if let Some(line) = self.lines.get_mut(number) {
            line.connection = opened.ok();
        }
        if let Err(trouble) = self.send(number, Instant::now()) {
            self.count_error(trouble.name());
            if let Some(line) = self.lines.get_mut(number) {
                line.connection = None;
            }
        }
    }

    fn count_error(&mut self, kind: String) {
        *self.outcome.errors.entry(kind).or_default() += 1;
    }
}
