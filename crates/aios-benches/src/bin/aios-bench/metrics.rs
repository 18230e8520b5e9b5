//! Reading `/metrics`: counters in Prometheus' text format, and what they grew by.

use std::collections::BTreeMap;

use aios_benches::error::Result;
use aios_benches::exchange::Client;
use aios_benches::request::Request;

use crate::servers::Server;

/// The counters of a server at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Counters(BTreeMap<String, f64>);

impl Counters {
    /// Asks a server for them.
    pub(crate) fn of(server: &Server) -> Result<Self> {
        let request = Request::new("GET", "/metrics", &server.address.to_string()).done();
        let page = Client::new(server.address).send(&request)?;
        Ok(Self::read(&String::from_utf8_lossy(&page.body)))
    }

    fn read(page: &str) -> Self {
        let lines = page.lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        });
        Self(pairs.collect())
    }

    /// What they grew by since `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let grown = self.0.iter().map(|(name, value)| {
            let then = before.0.get(name).copied().unwrap_or_default();
            (name.clone(), value - then)
        });
        Self(grown.collect())
    }

    /// The sum of a metric by the value of one of its labels.
    pub(crate) fn by(&self, metric: &str, label: &str) -> BTreeMap<String, f64> {
        let mut sums = BTreeMap::new();
        for (series, value) in self.series(metric) {
            let opening = format!("{label}=\"");
            let named = series.split_once(&opening).and_then(|(_, rest)| rest.split('"').next());
            *sums.entry(named.unwrap_or_default().to_owned()).or_default() += value;
        }
        sums
    }

    /// The sum of a metric over all its labels.
    pub(crate) fn sum(&self, metric: &str) -> f64 {
        self.series(metric).map(|(_, value)| value).sum()
    }

    fn series<'a>(&'a self, metric: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        self.0.iter().filter_map(move |(series, value)| {
            let rest = series.strip_prefix(metric)?;
            (rest.is_empty() || rest.starts_with('{')).then_some((series.as_str(), *value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_added_up_by_label() {
        let page = "# TYPE hits counter\nhits{tier=\"memory\",namespace=\"a\"} 3\nhits{tier=\"shared\",namespace=\"a\"} 4\n\
                    hits{tier=\"memory\",namespace=\"b\"} 5\nhits_total 99\nplain 1.5\n";
        let (counters, before) = (Counters::read(page), Counters::read("plain 0.5\n"));
        let by = counters.by("hits", "namespace");
        assert!((by["a"] - 7.0).abs() < 1e-9 && (by["b"] - 5.0).abs() < 1e-9 && by.len() == 2);
        assert!((counters.since(&before).sum("plain") - 1.0).abs() < 1e-9);
        assert!((counters.sum("hits") - 12.0).abs() < 1e-9);
    }
}
