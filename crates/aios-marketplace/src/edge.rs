//! The edge: what the caches have forgotten is purged at CDNs too, soon, never in a write's way, and until it has worked.
//!
//! A write's tags go to each edge's *line* when the caches have them, and are purged a moment later with all that has been
//! committed meanwhile. The relay hands every row of the outbox over to the table `edge_purges`: for one purge more, a while
//! after the first, where that has worked; else for one at once. So the outbox waits for no CDN, and what a CDN has to catch
//! up with is no more than there are tags.
//!
//! The second purge is for an answer that was on its way when the first came: read before the write, stored at the edge after
//! the purge. Without a shared cache tier it is also for one that another server gave before it had heard of the write.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aios_db::profile::Context;
use aios_db::store::edge_purges::{
    EdgePurge, edge_purge_ask, edge_purge_ask_everything, edge_purge_count, edge_purge_done, edge_purge_due,
    edge_purge_forget,
};
use aios_db::store::outbox::{EVERYTHING, Invalidation, InvalidationId};
use aios_domain::{Error, Result, Timestamp};
use aios_edge::{Edge, Gate, PurgeError, Report, purge_everything, purge_tags};
use chrono::TimeDelta;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::Marketplace;
use crate::caching::{edge_key, is_at_the_edge};

/// How often a server looks for what waits to be purged, unless writes are gathered for longer.
const EDGE_INTERVAL: Duration = Duration::from_secs(1);

/// Tags that are read, purged and deleted together.
const BATCH: u32 = 1_000;
/// With more tags than this, everything is purged instead: it is one call, and most of what is kept is stale anyway.
const MOST_WAITING: u64 = 10_000;

const WAITING: &str = "aios_edge_tags_waiting";
const PURGED_TOTAL: &str = "aios_edge_tags_purged_total";
const REFUSED_TOTAL: &str = "aios_edge_tags_refused_total";
const LAG_SECONDS: &str = "aios_edge_purge_lag_seconds";

/// Tells the metrics recorder what the metrics of this module mean.
pub(crate) fn describe_metrics() {
    metrics::describe_gauge!(WAITING, "Tags that are due to be purged and are not yet, by edge.");
    metrics::describe_counter!(
        PURGED_TOTAL,
        "Tags that were purged, the repetitions among them, by edge."
    );
    metrics::describe_counter!(
        REFUSED_TOTAL,
        "Tags that the edge refuses to purge, by edge; they are given up."
    );
    metrics::describe_histogram!(
        LAG_SECONDS,
        "From a write's commit on this server to the end of its first purge, by edge."
    );
}

/// How the edges are purged.
#[derive(Clone, Debug)]
pub struct EdgeSettings {
    /// What the tags in answers begin with.
    pub key_prefix: String,
    /// How long writes are gathered before they are purged together.
    pub window: Duration,
    /// How long after the first purge comes the second; zero for none.
    pub again: Duration,
    /// Random numbers from 0 to 1, which spread the retries of many servers.
    pub random: fn() -> f64,
}

impl EdgeSettings {
    /// Whether writes wait for so long that they are gathered where every server sees them.
    fn gathers_in_the_database(&self) -> bool {
        self.window >= EDGE_INTERVAL
    }
}

/// The edges of a marketplace.
#[derive(Default)]
pub(crate) struct Edges {
    lines: Vec<Line>,
    settings: Option<EdgeSettings>,
}

/// What one edge has to do.
struct Line {
    edge: Arc<dyn Edge>,
    gathered: Mutex<Gathered>,
    gate: Mutex<Gate>,
    called: Notify,
}

/// What was committed since the last purge.
#[derive(Default)]
struct Gathered {
    writes: Vec<InvalidationId>,
    tags: BTreeSet<String>,
    since: Option<Instant>,
}

/// The edges at which a write was purged: one bit each, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PurgedAt(u64);

impl PurgedAt {
    /// As many edges as there are bits.
    const MOST: usize = 64;

    pub(crate) fn add(&mut self, place: usize) {
        self.0 |= 1 << place;
    }

    fn has(self, place: usize) -> bool {
        self.0 & (1 << place) != 0
    }
}

impl Edges {
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// A write was committed, and no cache of ours holds what it made stale.
    pub(crate) fn committed(&self, id: InvalidationId, tags: &[String]) {
        if self.settings.as_ref().is_none_or(EdgeSettings::gathers_in_the_database) {
            return;
        }
        for line in &self.lines {
            let mut gathered = line.gathered.lock();
            gathered.since.get_or_insert_with(Instant::now);
            gathered.writes.push(id);
            gathered
                .tags
                .extend(tags.iter().filter(|tag| is_at_the_edge(tag)).cloned());
            drop(gathered);
            line.called.notify_one();
        }
    }
}

/// One edge of a marketplace, for the task that purges it.
#[derive(Clone)]
pub struct EdgeLine {
    marketplace: Marketplace,
    place: usize,
}

impl Marketplace {
    /// The same marketplace, whose stale answers are purged at these edges, too. Called before its first use.
    ///
    /// # Errors
    /// With more than 64 edges, or two of one name.
    pub fn with_edges(mut self, edges: Vec<Arc<dyn Edge>>, settings: EdgeSettings) -> Result<Self> {
        let names: BTreeSet<&str> = edges.iter().map(|edge| edge.name()).collect();
        if names.len() < edges.len() || edges.len() > PurgedAt::MOST {
            return Err(Error::internal("an edge is named twice, or there are more than 64"));
        }
        let line = |edge| Line {
            edge,
            gathered: Mutex::default(),
            gate: Mutex::default(),
            called: Notify::new(),
        };
        self.edges = Arc::new(Edges {
            lines: edges.into_iter().map(line).collect(),
            settings: Some(settings),
        });
        Ok(self)
    }

    /// The edges, each to be purged by a task of its own: one that is slow keeps no other waiting.
    pub fn edge_lines(&self) -> Vec<EdgeLine> {
        let line = |place| EdgeLine {
            marketplace: self.clone(),
            place,
        };
        (0..self.edges.lines.len()).map(line).collect()
    }

    /// Keeps for the edges what these writes made stale: for once more and later where it was purged, else for at once.
    pub(crate) async fn hand_over(&self, writes: &[(&Invalidation, PurgedAt)]) -> Result<()> {
        let Some(settings) = &self.edges.settings else {
            return Ok(());
        };
        let mut asked: Vec<(String, Vec<String>, bool)> = Vec::new();
        for (place, line) in self.edges.lines.iter().enumerate() {
            let (mut purged, mut not_yet) = (BTreeSet::new(), BTreeSet::new());
            for (write, purged_at) in writes {
                let tags = write.tags.iter().filter(|tag| is_at_the_edge(tag)).cloned();
                if purged_at.has(place) {
                    purged.extend(tags);
                } else {
                    not_yet.extend(tags);
                }
            }
            let purged: Vec<String> = purged.difference(&not_yet).cloned().collect();
            let name = line.edge.name();
            asked.push((name.to_owned(), not_yet.into_iter().collect(), false));
            if !settings.again.is_zero() {
                asked.push((name.to_owned(), purged, true));
            }
        }
        asked.retain(|(_, tags, _)| !tags.is_empty());
        if asked.is_empty() {
            return Ok(());
        }
        let (now, last_at) = self.purge_moments(settings);
        let ask = move |c: &mut aios_db::AnyConnection| {
            asked.iter().try_for_each(|(edge, tags, is_purged)| {
                edge_purge_ask(c, edge, tags, if *is_purged { last_at } else { now }, last_at)
            })
        };
        self.db.write_unseen(ask).await
    }

    /// Now, and when what is purged now is purged again.
    fn purge_moments(&self, settings: &EdgeSettings) -> (Timestamp, Timestamp) {
        let now = self.clock.now();
        let again = TimeDelta::from_std(settings.again).unwrap_or_default();
        (now, now.checked_add_signed(again).unwrap_or(now))
    }
}

impl EdgeLine {
    /// What the edge is called.
    pub fn name(&self) -> String {
        self.line().map_or_else(String::new, |line| line.edge.name().to_owned())
    }

    /// Waits until something was committed here that is to be purged, and for the [window](EdgeSettings::window) in which
    /// more may come. It does not end where the window is a second or longer: writes are then gathered in the database.
    pub async fn called(&self) {
        let (Some(line), Some(settings)) = (self.line(), &self.marketplace.edges.settings) else {
            return std::future::pending().await;
        };
        line.called.notified().await;
        tokio::time::sleep(settings.window).await;
    }

    /// How often [what waits](Self::purge_waiting) is to be looked for.
    pub fn interval(&self) -> Duration {
        let window = self.marketplace.edges.settings.as_ref().map(|settings| settings.window);
        window.unwrap_or_default().max(EDGE_INTERVAL)
    }

    /// Purges what was committed on this server since the last time. Called after [`called`](Self::called), so that writes
    /// that come together are one purge. What can't be purged now is [waiting](Self::purge_waiting) soon.
    pub async fn purge_committed(&self) {
        let Some(line) = self.line() else { return };
        let gathered = std::mem::take(&mut *line.gathered.lock());
        if gathered.writes.is_empty() || !self.is_open() {
            return;
        }
        let tags: Vec<String> = gathered.tags.into_iter().collect();
        let report = self.purge(&tags).await;
        // What is refused would be so the next time.
        if report.error.is_none() {
            self.marketplace.relay.purged(&gathered.writes, self.place);
            if let Some(since) = gathered.since {
                metrics::histogram!(LAG_SECONDS, "edge" => self.name()).record(since.elapsed());
            }
        }
    }

    /// Purges what waits in the database and is due: what did not work before, what others left, and what is purged for the
    /// second time. Called every [`interval`](Self::interval); any number of servers may do so at once.
    ///
    /// # Errors
    /// Those of the database. That the edge fails is none: it is tried again when it is time.
    pub async fn purge_waiting(&self) -> Result<()> {
        Context::job("purges of the edge").scope(self.purge_all_waiting()).await
    }

    async fn purge_all_waiting(&self) -> Result<()> {
        let marketplace = &self.marketplace;
        let (name, began) = (self.name(), marketplace.clock.now());
        let edge = name.clone();
        let count = marketplace.db.read(move |c| edge_purge_count(c, &edge, began)).await?;
        // Metrics are floats; what is lost beyond 2^53 tags is no loss.
        #[expect(clippy::cast_precision_loss, reason = "said above")]
        metrics::gauge!(WAITING, "edge" => name.clone()).set(count.due as f64);
        if count.all > MOST_WAITING {
            self.ask_everything(name.clone()).await?;
        }
        if count.due == 0 || !self.is_open() {
            return Ok(());
        }
        let edge = name.clone();
        let due = marketplace
            .db
            .read(move |c| edge_purge_due(c, &edge, began, BATCH))
            .await?;
        let tags: Vec<String> = due.iter().map(|purge| purge.tag.clone()).collect();
        let report = self.purge(&tags).await;
        self.settle(name, due, report, began).await
    }

    fn line(&self) -> Option<&Line> {
        self.marketplace.edges.lines.get(self.place)
    }

    fn is_open(&self) -> bool {
        let now = self.marketplace.relay.now();
        self.line().is_some_and(|line| line.gate.lock().is_open(now))
    }

    /// So much waits that everything is purged instead.
    async fn ask_everything(&self, edge: String) -> Result<()> {
        let Some(settings) = &self.marketplace.edges.settings else {
            return Ok(());
        };
        tracing::warn!(%edge, "more than {MOST_WAITING} tags wait to be purged; everything will be, instead");
        let (now, last_at) = self.marketplace.purge_moments(settings);
        let ask = move |c: &mut aios_db::AnyConnection| edge_purge_ask_everything(c, &edge, now, last_at);
        self.marketplace.db.write_unseen(ask).await
    }

    /// Keeps in the database how far a purge got.
    async fn settle(&self, edge: String, due: Vec<EdgePurge>, report: Report, began: Timestamp) -> Result<()> {
        let done: BTreeSet<&String> = report.done.iter().collect();
        let done: Vec<EdgePurge> = due.into_iter().filter(|purge| done.contains(&purge.tag)).collect();
        let refused: Vec<String> = report.refused.into_iter().map(|(tag, _)| tag).collect();
        let settle = move |c: &mut aios_db::AnyConnection| {
            if !refused.is_empty() {
                edge_purge_forget(c, &edge, &refused)?;
            }
            if !done.is_empty() {
                edge_purge_done(c, &edge, &done, began)?;
            }
            Ok(())
        };
        self.marketplace.db.write_unseen(settle).await
    }

    /// Purges these tags, on a thread that may wait; says in the log and to the gate how it went.
    async fn purge(&self, tags: &[String]) -> Report {
        let (Some(line), Some(settings)) = (self.line(), &self.marketplace.edges.settings) else {
            return Report::default();
        };
        if tags.is_empty() {
            return Report::default();
        }
        let (edge, prefix, wanted) = (Arc::clone(&line.edge), settings.key_prefix.clone(), tags.to_vec());
        let purging = tokio::task::spawn_blocking(move || purge_blocking(edge.as_ref(), &prefix, wanted));
        let report = purging.await.unwrap_or_else(|gone| Report {
            error: Some(PurgeError::Busy {
                retry_after: None,
                reason: gone.to_string(),
            }),
            ..Report::default()
        });
        self.note(line, settings, &report);
        report
    }

    fn note(&self, line: &Line, settings: &EdgeSettings, report: &Report) {
        let name = line.edge.name();
        metrics::counter!(PURGED_TOTAL, "edge" => name.to_owned()).increment(report.done.len() as u64);
        metrics::counter!(REFUSED_TOTAL, "edge" => name.to_owned()).increment(report.refused.len() as u64);
        for (tag, reason) in &report.refused {
            tracing::error!(
                edge = name,
                tag,
                reason,
                "the edge refuses to purge a tag; it is given up"
            );
        }
        let mut gate = line.gate.lock();
        match &report.error {
            None => gate.succeeded(),
            Some(error) => gate.failed(error, self.marketplace.relay.now(), (settings.random)()),
        }
        match &report.error {
            Some(PurgeError::Denied(reason)) => tracing::error!(
                edge = name,
                reason,
                "the edge does not take what it is given: check the settings of EDGE_PURGE; it is tried every five minutes"
            ),
            Some(error) => tracing::warn!(edge = name, %error, "the edge could not be purged; it is tried again"),
            None => {}
        }
    }
}

/// Purges, under the names that tags have at the edge, and reports by their own.
fn purge_blocking(edge: &dyn Edge, prefix: &str, tags: Vec<String>) -> Report {
    if tags.iter().any(|tag| tag == EVERYTHING) {
        return match purge_everything(edge) {
            Ok(()) => Report {
                done: tags,
                ..Report::default()
            },
            Err(error) => Report {
                error: Some(error),
                ..Report::default()
            },
        };
    }
    let by_key: BTreeMap<String, String> = tags.into_iter().map(|tag| (edge_key(prefix, &tag), tag)).collect();
    let keys: Vec<String> = by_key.keys().cloned().collect();
    let report = purge_tags(edge, &keys);
    let tag_of = |key: String| by_key.get(&key).cloned().unwrap_or(key);
    Report {
        done: report.done.into_iter().map(tag_of).collect(),
        refused: report
            .refused
            .into_iter()
            .map(|(key, reason)| (tag_of(key), reason))
            .collect(),
        error: report.error,
    }
}
