//! Latencies: recorded in a histogram with three digits, added up over rounds, and read off as quantiles.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::error::{BenchError, Result};

/// The longest latency that is told from longer ones, in nanoseconds: two minutes.
const LONGEST: u64 = 120_000_000_000;

/// How long requests took, in buckets of three significant digits.
#[derive(Debug, Clone)]
pub struct Latencies(Histogram<u64>);

/// The same as pairs of nanoseconds and how often, for the way from one process to another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted(Vec<(u64, u64)>);

/// Quantiles in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// The median.
    pub p50: f64,
    /// 95 of 100 are shorter.
    pub p95: f64,
    /// 99 of 100 are shorter.
    pub p99: f64,
    /// 999 of 1,000 are shorter.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

impl Latencies {
    /// Nothing recorded yet.
    ///
    /// # Errors
    /// Where the bounds are refused, which constants don't make happen.
    pub fn new() -> Result<Self> {
        Histogram::new_with_bounds(1_000, LONGEST, 3)
            .map(Self)
            .map_err(BenchError::because("the histogram's bounds"))
    }

    /// Adds one. What is longer than two minutes counts as two minutes.
    pub fn record(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(LONGEST);
        self.0.saturating_record(nanos);
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.reset();
    }

    /// Adds those of another run.
    pub fn add(&mut self, counted: &Counted) {
        for &(nanos, times) in &counted.0 {
            self.0.saturating_record_n(nanos, times);
        }
    }

    /// All that was recorded, bucket by bucket.
    pub fn counted(&self) -> Counted {
        let buckets = self.0.iter_recorded();
        Counted(
            buckets
                .map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value()))
                .collect(),
        )
    }

    /// What is told of them.
    pub fn quantiles(&self) -> Quantiles {
        let at = |quantile| millis(self.0.value_at_quantile(quantile));
        Quantiles {
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: millis(self.0.max()),
        }
    }
}

fn millis(nanos: u64) -> f64 {
    Duration::from_nanos(nanos).as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_near(value: f64, expected: f64) -> bool {
        (value / expected - 1.0).abs() < 0.002
    }

    #[test]
    fn quantiles_of_known_latencies() {
        let mut latencies = Latencies::new().unwrap();
        for micros in 1..=10_000 {
            latencies.record(Duration::from_micros(micros));
        }
        let read = latencies.quantiles();
        for (value, expected) in [
            (read.p50, 5.0),
            (read.p95, 9.5),
            (read.p99, 9.9),
            (read.p999, 9.99),
            (read.max, 10.0),
        ] {
            assert!(is_near(value, expected), "{value} {expected}");
        }
    }

    #[test]
    fn they_survive_the_way_to_another_process() {
        let mut latencies = Latencies::new().unwrap();
        for micros in [70, 70, 900, 15_000, 15_000_000, 900_000_000] {
            latencies.record(Duration::from_micros(micros));
        }
        let mut sum = Latencies::new().unwrap();
        let text = serde_json::to_string(&latencies.counted()).unwrap();
        sum.add(&serde_json::from_str(&text).unwrap());
        sum.add(&serde_json::from_str(&text).unwrap());
        assert_eq!(sum.quantiles(), latencies.quantiles());
        assert!(is_near(sum.quantiles().max, 120_000.0));
        latencies.clear();
        assert_eq!(latencies.counted(), Counted::default());
    }
}
