//! What a row of the table says: the turns of a row, added up.

use std::collections::BTreeMap;

use aios_benches::closed::ClosedOutcome;
use aios_benches::error::Result;
use aios_benches::latency::{Latencies, Quantiles};
use aios_benches::usage::Usage;
use serde::{Deserialize, Serialize};

/// One turn of a row, whichever program measured it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turn {
    pub(crate) answers: u64,
    /// Answers a second.
    pub(crate) rate: f64,
    pub(crate) errors: BTreeMap<String, u64>,
    pub(crate) bytes: u64,
    pub(crate) own_cpu_seconds: Option<f64>,
    pub(crate) watched: Option<Usage>,
    pub(crate) latencies: Option<Latencies>,
}

impl Turn {
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 answers")]
    pub(crate) fn of(outcome: &ClosedOutcome) -> Result<Self> {
        let mut latencies = Latencies::new()?;
        latencies.add(&outcome.latencies);
        Ok(Self {
            answers: outcome.answers,
            rate: outcome.answers as f64 / outcome.seconds.max(0.001),
            errors: outcome.errors.clone(),
            bytes: outcome.bytes,
            own_cpu_seconds: Some(outcome.own_cpu_seconds),
            watched: outcome.watched,
            latencies: Some(latencies),
        })
    }
}

/// A row of the table. Where it could not be measured, `problem` says why.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) name: String,
    /// What the row is compared with.
    pub(crate) limit: Option<String>,
    pub(crate) connections: usize,
    pub(crate) problem: Option<String>,
    /// The median of the turns, answers a second, and the least and the most.
    pub(crate) rate: f64,
    pub(crate) slowest: f64,
    pub(crate) fastest: f64,
    /// The median over the turns of this row's rate by that of its limit in the same turn.
    pub(crate) ratio: Option<f64>,
    /// Of all turns together, in milliseconds.
    pub(crate) latency: Quantiles,
    pub(crate) answers: u64,
    pub(crate) errors: BTreeMap<String, u64>,
    pub(crate) bytes_per_answer: f64,
    /// Processor time of the server for one answer, in microseconds.
    pub(crate) cpu_micros: Option<f64>,
    /// The same of the load generator.
    pub(crate) client_cpu_micros: Option<f64>,
    /// The most memory the server has held, in bytes.
    pub(crate) peak_memory: Option<u64>,
}

impl Figures {
    /// A row that could not be measured.
    pub(crate) fn of_problem(name: &str, problem: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            problem: Some(problem.into()),
            ..Self::default()
        }
    }

    /// Adds the turns of a row up; `limits` are those of the row that it is compared with.
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 answers")]
    pub(crate) fn of(name: &str, turns: &[Turn], limits: &[Turn]) -> Result<Self> {
        let mut latencies = Latencies::new()?;
        let mut errors = BTreeMap::new();
        for turn in turns {
            if let Some(turn) = &turn.latencies {
                latencies.add(&turn.counted());
            }
            for (kind, count) in &turn.errors {
                *errors.entry(kind.clone()).or_default() += count;
            }
        }
        let answers: u64 = turns.iter().map(|turn| turn.answers).sum();
        let per_answer = |sum: f64| sum / (answers.max(1) as f64);
        let micros = |seconds: Option<f64>| seconds.map(|seconds| per_answer(seconds * 1e6));
        let rates: Vec<f64> = turns.iter().map(|turn| turn.rate).collect();
        let compared = turns.iter().zip(limits);
        let ratios: Vec<f64> = compared
            .filter(|(_, limit)| limit.rate > 0.0)
            .map(|(turn, limit)| turn.rate / limit.rate)
            .collect();
        Ok(Self {
            name: name.to_owned(),
            rate: median(&rates).unwrap_or_default(),
            slowest: rates.iter().copied().reduce(f64::min).unwrap_or_default(),
            fastest: rates.iter().copied().reduce(f64::max).unwrap_or_default(),
            ratio: median(&ratios),
            latency: latencies.quantiles(),
            answers,
            errors,
            bytes_per_answer: per_answer(turns.iter().map(|turn| turn.bytes as f64).sum()),
            cpu_micros: micros(turns.iter().map(|turn| Some(turn.watched?.cpu_seconds)).sum()),
            client_cpu_micros: micros(turns.iter().map(|turn| turn.own_cpu_seconds).sum()),
            peak_memory: turns.iter().filter_map(|turn| Some(turn.watched?.peak_memory)).max(),
            ..Self::default()
        })
    }
}

/// The middle of some numbers; of two middles the mean.
fn median(numbers: &[f64]) -> Option<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get(sorted.len().saturating_sub(1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(rate: f64) -> Turn {
        let usage = Usage {
            cpu_seconds: 0.5,
            peak_memory: 7,
            memory: 5,
        };
        Turn {
            answers: 1_000,
            rate,
            bytes: 2_000,
            own_cpu_seconds: Some(0.25),
            watched: Some(usage),
            errors: BTreeMap::from([("status 500".to_owned(), 2)]),
            latencies: None,
        }
    }

    #[test]
    fn a_slow_turn_decides_nothing() {
        let turns = [turn(90.0), turn(10.0), turn(80.0)];
        let limits = [turn(100.0), turn(20.0), turn(100.0)];
        let figures = Figures::of("row", &turns, &limits).unwrap();
        let is = |value: f64, expected: f64| (value - expected).abs() < 1e-9;
        assert!(is(figures.rate, 80.0) && is(figures.slowest, 10.0) && is(figures.fastest, 90.0));
        assert!(is(figures.ratio.unwrap(), 0.8));
        assert!(is(figures.bytes_per_answer, 2.0));
        assert!(is(figures.cpu_micros.unwrap(), 500.0) && is(figures.client_cpu_micros.unwrap(), 250.0));
        assert_eq!((figures.errors["status 500"], figures.peak_memory), (6, Some(7)));
    }

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[4.0, 1.0]), Some(2.5));
    }
}
