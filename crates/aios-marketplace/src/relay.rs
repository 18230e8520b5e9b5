//! The relay: what writes made stale, and did not get through or was somebody else's, is brought to the caches.
//!
//! Each write leaves a row in the outbox, in its own transaction. The server that wrote applies it at once and the relay
//! deletes it soon after. A row that stays was left by a server that died, by a program without a cache (an import), or
//! while the shared tier was away. With a shared tier one application reaches every server, and the row is done. Without
//! one the outbox is all that servers on the same database have in common: each applies every row it sees, and rows stay
//! long enough to be seen by all. So it is while the shared tier is away, too; rows then wait for it to come back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use aios_cache::time::Clock;
use aios_db::profile::Context;
use aios_db::store::edge_purges::edge_purge_delete_before;
use aios_db::store::outbox::{
    EVERYTHING, Invalidation, InvalidationId, invalidation_delete, invalidation_delete_before, invalidation_list,
};
use aios_domain::Result;
use chrono::TimeDelta;
use parking_lot::Mutex;

use crate::Marketplace;
use crate::caching::Reach;
use crate::edge::PurgedAt;

/// How often a server runs the relay. The bounds below count on it.
pub const RELAY_INTERVAL: Duration = Duration::from_secs(1);

/// With a shared tier: how long a row is left to the server that wrote it, which usually deletes it within an interval.
const PATIENCE: Duration = Duration::from_secs(2);
/// Without one: how long a row stays after it was applied here, so that every other server sees it.
const LINGER: Duration = Duration::from_secs(30);
/// Without one: a server that did not look for this long may have missed rows.
const LONGEST_SILENCE: Duration = Duration::from_secs(15);
/// So old, a row is about nothing that any cache still keeps.
const OUTDATED: TimeDelta = TimeDelta::days(1);
/// How often outdated rows are looked for.
const CLEARING_INTERVAL: Duration = Duration::from_secs(600);
/// While the shared tier is away rows gather. With more than this they are no longer looked at before it is back; memory
/// then ages by the cache's own bound for that time.
const MOST_WHILE_CUT_OFF: usize = 5_000;
/// Rows that are listed, applied and deleted together.
const BATCH: u32 = 1_000;

const WAITING: &str = "aios_invalidations_waiting";
const RELAYED_TOTAL: &str = "aios_invalidations_relayed_total";

/// Tells the metrics recorder what this crate's metrics mean. Call it once, after the recorder is installed.
pub fn describe_metrics() {
    metrics::describe_gauge!(
        WAITING,
        "Writes whose invalidation has not reached every cache yet, or is kept for other servers to see."
    );
    metrics::describe_counter!(
        RELAYED_TOTAL,
        "Writes of others, or of before a failure, whose invalidation this server applied."
    );
    crate::edge::describe_metrics();
    crate::pruning::describe_metrics();
}

/// What this server knows of the rows in the outbox. Times are those of its own clock, which never goes back.
pub(crate) struct Relay {
    clock: Box<dyn Clock>,
    state: Mutex<State>,
}

/// The time since the process has been relaying.
struct Uptime(Instant);

impl Clock for Uptime {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

impl Default for Relay {
    fn default() -> Self {
        Self::by(Uptime(Instant::now()))
    }
}

#[derive(Debug, Default)]
struct State {
    rows: BTreeMap<InvalidationId, Row>,
    last_round: Option<Duration>,
    last_clearing: Option<Duration>,
}

/// A row that was seen here.
#[derive(Clone, Copy, Debug)]
struct Row {
    first_seen: Duration,
    /// This server's memory has nothing older.
    is_known_here: bool,
    /// When it had reached every cache.
    arrived: Option<Duration>,
    /// The edges that were purged of it.
    purged_at: PurgedAt,
    /// The edges' own table has it.
    is_handed_over: bool,
}

impl Row {
    fn seen(now: Duration) -> Self {
        Self {
            first_seen: now,
            is_known_here: false,
            arrived: None,
            purged_at: PurgedAt::default(),
            is_handed_over: false,
        }
    }
}

impl Relay {
    pub(crate) fn by(clock: impl Clock) -> Self {
        Self {
            clock: Box::new(clock),
            state: Mutex::default(),
        }
    }

    /// These were applied: here, and if `everywhere`, to every cache.
    fn applied(&self, ids: impl IntoIterator<Item = InvalidationId>, everywhere: bool, now: Duration) {
        let mut state = self.state.lock();
        for id in ids {
            let row = state.rows.entry(id).or_insert_with(|| Row::seen(now));
            row.is_known_here = true;
            row.arrived = row.arrived.or(everywhere.then_some(now));
        }
    }

    /// Those of the listed rows that it is time to apply.
    fn due(&self, listed: &[Invalidation], reach: Reach, now: Duration) -> Vec<Invalidation> {
        let mut state = self.state.lock();
        // What is there at the start was left behind: nobody else is coming for it.
        let is_first = state.last_round.is_none();
        let due = |row: &Row| match reach {
            Reach::Off => false,
            Reach::Alone | Reach::CutOff => !row.is_known_here,
            Reach::Shared => row.arrived.is_none() && (is_first || now.saturating_sub(row.first_seen) >= PATIENCE),
        };
        listed
            .iter()
            .filter(|listed| due(state.rows.entry(listed.id).or_insert_with(|| Row::seen(now))))
            .cloned()
            .collect()
    }

    /// Now, by the clock of the relay.
    pub(crate) fn now(&self) -> Duration {
        self.clock.now()
    }

    /// These were purged at an edge.
    pub(crate) fn purged(&self, ids: &[InvalidationId], edge: usize) {
        let mut state = self.state.lock();
        for id in ids {
            // One that is not known any more was another server's to purge.
            if let Some(row) = state.rows.get_mut(id) {
                row.purged_at.add(edge);
            }
        }
    }

    /// Those of the listed rows that the edges are to keep: no cache here, or anywhere where they share one, has anything
    /// older that the edge could fetch.
    fn to_hand_over<'a>(&self, listed: &'a [Invalidation], reach: Reach) -> Vec<(&'a Invalidation, PurgedAt)> {
        let state = self.state.lock();
        let is_ready = |row: &Row| row.arrived.is_some() || (row.is_known_here && reach != Reach::Shared);
        let ready = |listed: &'a Invalidation| {
            let row = state.rows.get(&listed.id)?;
            (!row.is_handed_over && is_ready(row)).then_some((listed, row.purged_at))
        };
        listed.iter().filter_map(ready).collect()
    }

    fn handed_over(&self, ids: impl IntoIterator<Item = InvalidationId>) {
        let mut state = self.state.lock();
        for id in ids {
            if let Some(row) = state.rows.get_mut(&id) {
                row.is_handed_over = true;
            }
        }
    }

    /// The rows that are not needed any more. Where there are edges, they have been handed over to them.
    fn done(&self, reach: Reach, has_edges: bool, now: Duration) -> Vec<InvalidationId> {
        let linger = if reach == Reach::Alone { LINGER } else { Duration::ZERO };
        let state = self.state.lock();
        let is_done = |row: &Row| {
            let has_arrived = row.arrived.is_some_and(|arrived| now.saturating_sub(arrived) >= linger);
            has_arrived && (row.is_handed_over || !has_edges)
        };
        state
            .rows
            .iter()
            .filter_map(|(&id, row)| is_done(row).then_some(id))
            .collect()
    }

    /// Whether rows may have come and gone since the last round.
    fn may_have_missed(&self, reach: Reach, now: Duration) -> bool {
        let last = self.state.lock().last_round;
        reach == Reach::Alone && last.is_some_and(|last| now.saturating_sub(last) > LONGEST_SILENCE)
    }

    /// Every row was listed, and these were deleted. What is known of rows that are not there any more is forgotten.
    fn round_ended(&self, listed: &BTreeSet<InvalidationId>, deleted: &[InvalidationId], began: Duration) {
        let mut state = self.state.lock();
        state.last_round = Some(began);
        for id in deleted {
            state.rows.remove(id);
        }
        // A row that was committed here while the round ran is not in the listing yet.
        state
            .rows
            .retain(|id, row| listed.contains(id) || row.arrived.is_some_and(|arrived| arrived >= began));
    }

    fn is_time_to_clear(&self, now: Duration) -> bool {
        let mut state = self.state.lock();
        let is_time = state
            .last_clearing
            .is_none_or(|last| now.saturating_sub(last) >= CLEARING_INTERVAL);
        if is_time {
            state.last_clearing = Some(now);
        }
        is_time
    }
}

impl Marketplace {
    /// A write was committed, and these tags are stale.
    pub(crate) async fn committed(&self, id: InvalidationId, tags: Vec<String>) {
        let wanted = self.agents_kept_with(&tags);
        let everywhere = self.caches.invalidate(&tags).await;
        if !wanted.is_empty() {
            // Beside the answer. Whoever asks meanwhile joins the load.
            let reading = self.clone();
            tokio::spawn(async move { reading.agents_read_anew(wanted).await });
        }
        self.relay.applied([id], everywhere, self.relay.clock.now());
        // Not before: the edge would fetch what the caches still have.
        self.edges.committed(id, &tags);
    }

    /// Brings to the caches what writes made stale and nobody has brought there yet, and deletes from the outbox what has
    /// arrived. Called once before the first answer, and every [`RELAY_INTERVAL`].
    ///
    /// Any number of servers may do so at once.
    ///
    /// # Errors
    /// Those of the database; everything is tried again the next time.
    pub async fn relay_invalidations(&self) -> Result<()> {
        Context::job("relay of invalidations").scope(self.relay_all()).await
    }

    async fn relay_all(&self) -> Result<()> {
        let reach = match self.caches.reach() {
            // A server that keeps nothing still has an edge to look after.
            Reach::Off if !self.edges.is_empty() => Reach::Alone,
            reach => reach,
        };
        if self.relay.is_time_to_clear(self.relay.clock.now()) {
            self.clear_outdated().await?;
        }
        match reach {
            // Nothing is kept here, and what others keep they look after.
            Reach::Off => Ok(()),
            // They wait without being read again and again.
            Reach::CutOff if self.relay.state.lock().rows.len() > MOST_WHILE_CUT_OFF => Ok(()),
            Reach::Alone | Reach::CutOff | Reach::Shared => self.relay_round(reach).await,
        }
    }

    /// Makes whatever bears one of these tags stale, on every server, as an operator does by hand. Servers that run hear of
    /// it within a few [`RELAY_INTERVAL`]s; this process needs no cache of its own.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn invalidate_tags(&self, tags: Vec<String>) -> Result<()> {
        self.write(move |_, stale| {
            stale.named(tags.iter().cloned());
            Ok(())
        })
        .await
    }

    /// Makes everything stale, on every server, as an operator does by hand.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn invalidate_everything(&self) -> Result<()> {
        self.write(|_, stale| {
            stale.everything();
            Ok(())
        })
        .await
    }

    async fn relay_round(&self, reach: Reach) -> Result<()> {
        let began = self.relay.clock.now();
        if self.relay.may_have_missed(reach, began) {
            tracing::warn!("the outbox was not read for a while; the cache begins anew");
            self.caches.invalidate(&[EVERYTHING.to_owned()]).await;
        }
        let mut listed = BTreeSet::new();
        loop {
            let after = listed.last().copied();
            let page = self
                .db
                .read_primary(move |c| invalidation_list(c, after, BATCH))
                .await?;
            let is_last = page.len() < BATCH as usize;
            self.apply_due(&self.relay.due(&page, reach, began)).await;
            self.hand_over_ready(&page, reach).await?;
            listed.extend(page.into_iter().map(|row| row.id));
            if is_last {
                break;
            }
        }
        // Metrics are floats; what is lost beyond 2^53 rows is no loss.
        #[expect(clippy::cast_precision_loss, reason = "said above")]
        metrics::gauge!(WAITING).set(listed.len() as f64);
        let done = self.relay.done(reach, !self.edges.is_empty(), self.relay.clock.now());
        self.delete(&done).await?;
        self.relay.round_ended(&listed, &done, began);
        Ok(())
    }

    async fn apply_due(&self, due: &[Invalidation]) {
        if due.is_empty() {
            return;
        }
        let tags: BTreeSet<String> = due.iter().flat_map(|row| row.tags.iter().cloned()).collect();
        let tags: Vec<String> = tags.into_iter().collect();
        tracing::debug!(
            rows = due.len(),
            tags = tags.len(),
            "invalidations of others are applied"
        );
        let everywhere = self.caches.invalidate(&tags).await;
        metrics::counter!(RELAYED_TOTAL).increment(due.len() as u64);
        let ids = due.iter().map(|row| row.id);
        self.relay.applied(ids, everywhere, self.relay.clock.now());
    }

    /// Gives the edges what they are to purge, in a table of their own, so that the outbox does not wait for them.
    async fn hand_over_ready(&self, page: &[Invalidation], reach: Reach) -> Result<()> {
        if self.edges.is_empty() {
            return Ok(());
        }
        let ready = self.relay.to_hand_over(page, reach);
        self.hand_over(&ready).await?;
        self.relay.handed_over(ready.iter().map(|(row, _)| row.id));
        Ok(())
    }

    async fn delete(&self, ids: &[InvalidationId]) -> Result<()> {
        for ids in ids.chunks(BATCH as usize) {
            let ids = ids.to_vec();
            self.db.write_unseen(move |c| invalidation_delete(c, &ids)).await?;
        }
        Ok(())
    }

    /// Rows that nobody has come for in a day, as where every server runs without a cache.
    async fn clear_outdated(&self) -> Result<()> {
        let moment = self.clock.now() - OUTDATED;
        let cleared = self
            .db
            .write_unseen(move |c| {
                edge_purge_delete_before(c, moment)?;
                invalidation_delete_before(c, moment)
            })
            .await?;
        tracing::debug!(cleared, "outdated invalidations were deleted");
        Ok(())
    }
}
