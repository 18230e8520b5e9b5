//! What is kept of each fingerprint, in fixed memory: so many fingerprints, and one place for all others together.

use std::collections::HashMap;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::fingerprint::{Fingerprint, normalised};
use super::histogram::Histogram;
use super::report::{QueryFigures, SlowExample};
use crate::advice::Seen;

/// SQL longer than this is cut off where it is kept, in bytes.
const LONGEST_TEXT: usize = 4_096;

/// A fingerprint and its figures.
pub(crate) struct Entry {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) text: String,
    /// The SQL as it ran first, where it is of a length to be kept.
    pub(super) sample: Option<String>,
    calls: AtomicU64,
    /// Its place is another fingerprint's now; its figures are among those of all others.
    is_evicted: AtomicBool,
    figures: Mutex<Figures>,
    pub(super) worst: Mutex<Worst>,
}

/// The slowest statement over the threshold, and when the database was last asked for its plan.
#[derive(Default)]
pub(super) struct Worst {
    pub(super) example: Option<SlowExample>,
    pub(super) asked: Option<Instant>,
}

#[derive(Clone, Default)]
struct Figures {
    times: Histogram,
    total: Duration,
    max: Duration,
    rows: Option<u64>,
    failures: u64,
    site: Option<&'static Location<'static>>,
}

/// A statement that ran.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ran {
    pub(crate) took: Duration,
    /// How many rows it read or changed, where that is known.
    pub(crate) rows: Option<u64>,
    pub(crate) has_failed: bool,
    pub(crate) site: Option<&'static Location<'static>>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Entry").field(&self.fingerprint).finish()
    }
}

impl Entry {
    fn new(fingerprint: Fingerprint, text: String, sample: Option<String>) -> Self {
        Self {
            fingerprint,
            text,
            sample,
            calls: AtomicU64::new(0),
            is_evicted: AtomicBool::new(false),
            figures: Mutex::default(),
            worst: Mutex::default(),
        }
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.is_evicted.load(Ordering::Relaxed)
    }

    /// Counts a statement, unless its place is another's.
    fn add(&self, ran: &Ran) -> bool {
        let mut figures = self.figures.lock();
        if self.is_evicted() {
            return false;
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        figures.times.record(ran.took);
        figures.total += ran.took;
        figures.max = figures.max.max(ran.took);
        if let Some(rows) = ran.rows {
            *figures.rows.get_or_insert(0) += rows;
        }
        figures.failures += u64::from(ran.has_failed);
        figures.site = ran.site.or(figures.site);
        true
    }

    /// Adds the figures of one whose place goes to another. Under its lock, so that no statement is counted there afterwards.
    fn take_over(&self, other: &Self) {
        let theirs = {
            let mut figures = other.figures.lock();
            other.is_evicted.store(true, Ordering::Relaxed);
            std::mem::take(&mut *figures)
        };
        self.calls
            .fetch_add(other.calls.load(Ordering::Relaxed), Ordering::Relaxed);
        let mut figures = self.figures.lock();
        figures.times.add(&theirs.times);
        figures.total += theirs.total;
        figures.max = figures.max.max(theirs.max);
        if let Some(rows) = theirs.rows {
            *figures.rows.get_or_insert(0) += rows;
        }
        figures.failures += theirs.failures;
    }

    /// The slowest run with its values, where one was slow; else the first, without.
    fn seen(&self) -> Option<Seen> {
        let example = self.worst.lock().example.clone();
        let (sql, binds) = match example {
            Some(example) => (example.sql, example.binds),
            None => (self.sample.clone()?, None),
        };
        let total = self.figures.lock().total;
        let calls = self.calls.load(Ordering::Relaxed);
        Some(Seen {
            sql,
            binds,
            calls,
            total,
        })
    }

    pub(super) fn report(&self) -> QueryFigures {
        let figures = self.figures.lock().clone();
        let calls = self.calls.load(Ordering::Relaxed);
        let quantile = |thousandths| figures.times.quantile(thousandths).min(figures.max);
        QueryFigures {
            fingerprint: self.fingerprint,
            sql: self.text.clone(),
            call_site: figures.site.map(site_text),
            calls,
            failures: figures.failures,
            rows: figures.rows,
            total: figures.total,
            mean: figures.total / u32::try_from(calls.max(1)).unwrap_or(u32::MAX),
            p95: quantile(950),
            p99: quantile(990),
            max: figures.max,
            worst: self.worst.lock().example.clone(),
        }
    }
}

/// A line of this project's source.
pub(super) fn site_text(site: &Location<'_>) -> String {
    format!("{}:{}", site.file(), site.line())
}

/// So many fingerprints; where one more comes, the one that ran least goes, and counts among all others.
pub(crate) struct Table {
    entries: Mutex<HashMap<Fingerprint, Arc<Entry>>>,
    others: Arc<Entry>,
    capacity: usize,
}

impl Table {
    pub(crate) fn new(capacity: usize) -> Self {
        let others = Entry::new(Fingerprint::OTHER, "all other statements".to_owned(), None);
        Self {
            entries: Mutex::default(),
            others: Arc::new(others),
            capacity: capacity.max(1),
        }
    }

    /// The place of this SQL.
    pub(crate) fn entry(&self, sql: &str) -> Arc<Entry> {
        let mut text = normalised(sql);
        let fingerprint = Fingerprint::of_normalised(&text);
        let mut entries = self.entries.lock();
        if let Some(entry) = entries.get(&fingerprint) {
            return Arc::clone(entry);
        }
        if entries.len() >= self.capacity {
            self.evict(&mut entries);
        }
        cut(&mut text, LONGEST_TEXT);
        let sample = (sql.len() <= LONGEST_TEXT).then(|| sql.to_owned());
        let entry = Arc::new(Entry::new(fingerprint, text, sample));
        entries.insert(fingerprint, Arc::clone(&entry));
        entry
    }

    fn evict(&self, entries: &mut HashMap<Fingerprint, Arc<Entry>>) {
        let least = entries.values().min_by_key(|entry| entry.calls.load(Ordering::Relaxed));
        let Some(evicted) = least.map(|entry| entry.fingerprint) else {
            return;
        };
        if let Some(evicted) = entries.remove(&evicted) {
            self.others.take_over(&evicted);
        }
    }

    /// Counts a statement. One whose place is taken meanwhile counts among all others.
    pub(crate) fn record(&self, entry: &Entry, ran: &Ran) {
        if !entry.add(ran) {
            self.others.add(ran);
        }
    }

    pub(crate) fn find(&self, fingerprint: Fingerprint) -> Option<Arc<Entry>> {
        self.entries.lock().get(&fingerprint).cloned()
    }

    /// What can be asked of the database again, what took longest in all first.
    pub(super) fn seen(&self) -> Vec<Seen> {
        let entries: Vec<Arc<Entry>> = self.entries.lock().values().cloned().collect();
        let mut seen: Vec<Seen> = entries.iter().filter_map(|entry| entry.seen()).collect();
        seen.sort_by_key(|seen| std::cmp::Reverse(seen.total));
        seen
    }

    /// Everything, what took longest in all first; all others last, where there are some.
    pub(crate) fn report(&self) -> Vec<QueryFigures> {
        let entries: Vec<Arc<Entry>> = self.entries.lock().values().cloned().collect();
        let mut queries: Vec<QueryFigures> = entries.iter().map(|entry| entry.report()).collect();
        queries.retain(|query| query.calls > 0);
        queries.sort_by(|a, b| b.total.cmp(&a.total).then(a.fingerprint.cmp(&b.fingerprint)));
        let others = self.others.report();
        queries.extend((others.calls > 0).then_some(others));
        queries
    }
}

/// Cuts a text to so many bytes at most.
pub(super) fn cut(text: &mut String, longest: usize) {
    if text.len() > longest {
        let end = (0..=longest).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ran(millis: u64) -> Ran {
        Ran {
            took: Duration::from_millis(millis),
            rows: Some(1),
            has_failed: false,
            site: None,
        }
    }

    #[test]
    fn the_least_used_goes_among_all_others() {
        let table = Table::new(2);
        for sql in ["SELECT 1", "SELECT 1", "SELECT 2", "SELECT 3"] {
            table.record(&table.entry(sql), &ran(5));
        }
        let calls: Vec<(String, u64)> = table.report().into_iter().map(|q| (q.sql, q.calls)).collect();
        assert_eq!(calls.len(), 3);
        assert!(calls.contains(&("SELECT 1".to_owned(), 2)));
        assert!(calls.contains(&("SELECT 3".to_owned(), 1)));
        assert_eq!(calls.last(), Some(&("all other statements".to_owned(), 1)));
    }

    #[test]
    fn what_runs_in_a_place_that_is_gone_counts_among_all_others() {
        let table = Table::new(1);
        let gone = table.entry("SELECT 1");
        table.entry("SELECT 2");
        table.record(&gone, &ran(7));
        let others = table.report().pop().unwrap();
        assert_eq!(
            (others.fingerprint, others.calls, others.rows),
            (Fingerprint::OTHER, 1, Some(1))
        );
    }

    #[test]
    fn long_texts_are_cut_between_letters() {
        let mut text = "é".repeat(3);
        cut(&mut text, 5);
        assert_eq!(text, "éé…");
    }

    proptest! {
        /// However many forms there are: the table never holds more than its places, and no call is lost.
        #[test]
        fn memory_is_fixed_and_every_call_counts(forms in proptest::collection::vec(0_u8..40, 0..200), capacity in 1_usize..20) {
            let table = Table::new(capacity);
            for form in &forms {
                table.record(&table.entry(&format!("SELECT {form}")), &ran(1));
            }
            let report = table.report();
            prop_assert!(report.len() <= capacity + 1);
            prop_assert_eq!(report.iter().map(|query| query.calls).sum::<u64>(), forms.len() as u64);
            prop_assert_eq!(report.iter().map(|query| query.total).sum::<Duration>(), Duration::from_millis(forms.len() as u64));
        }
    }
}
