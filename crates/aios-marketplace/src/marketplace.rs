//! The marketplace itself: what every use case shares.

use std::sync::Arc;

use aios_cache::gather::Gatherer;
use aios_cache::{Cache, LinkState};
use aios_db::profile::{Context, in_parts};
use aios_db::store::analytics::{trending_changes, trending_set};
use aios_db::store::search_index::search_pending_merge;
use aios_db::store::search_tiers;
use aios_db::{AnyConnection, Database};
use aios_domain::{Agent, AgentId, Error, Result};
use aios_pagination::CursorCodec;

use crate::boundaries::{BoundaryKeeper, FarPagePolicy};
use crate::caching::{CacheSettings, Caches, Keeping, Shown};
use crate::clock::Clock;
use crate::edge::Edges;
use crate::relay::Relay;
use crate::runs::RunQueue;
use crate::views::ViewCounter;
use crate::writes::Storage;

/// The longest cursor, in characters: a name of 100 characters of four bytes each fits into it.
const MAX_CURSOR: usize = 1_024;

/// All use cases over one database. Clones are handles to the same marketplace.
#[derive(Clone)]
pub struct Marketplace {
    pub(crate) db: Storage,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) agent_loads: Gatherer<AgentId, Agent, Error>,
    pub(crate) views: Arc<ViewCounter>,
    pub(crate) runs: Arc<RunQueue>,
    pub(crate) cursors: Arc<CursorCodec>,
    pub(crate) boundaries: BoundaryKeeper,
    pub(crate) caches: Arc<Caches>,
    pub(crate) relay: Arc<Relay>,
    pub(crate) edges: Arc<Edges>,
}

/// Whether what the marketplace stands on answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// The database answers.
    pub database: bool,
    /// How the cache stands to the tier that servers share.
    pub shared_cache: LinkState,
}

/// So many agents are given their search tier in one transaction, which keeps writers from them meanwhile.
const TIERS_AT_ONCE: usize = 50;
/// And so many their trending scores: at half a millisecond each, who installs one waits for as long as a page takes to load.
const SCORES_AT_ONCE: usize = 50;

impl Marketplace {
    /// The marketplace whose data is in `db`, and whose answers are kept in `cache`. Page cursors are signed with
    /// `cursor_secret`: servers that answer for each other need the same.
    ///
    /// # Errors
    /// Where another marketplace uses this cache.
    pub fn new(
        db: Database,
        clock: Arc<dyn Clock>,
        cursor_secret: &[u8],
        cache: &Cache,
        settings: &CacheSettings,
    ) -> Result<Self> {
        let cursors = Arc::new(CursorCodec::signed(cursor_secret).max_length(MAX_CURSOR));
        let boundaries = BoundaryKeeper::new(FarPagePolicy::default(), Arc::clone(&clock));
        let db = Storage::new(db);
        Ok(Self {
            agent_loads: crate::agents::gathered_loads(&db),
            db,
            clock,
            views: Arc::default(),
            runs: Arc::default(),
            cursors,
            boundaries,
            caches: Arc::new(Caches::new(cache, settings).map_err(Error::internal)?),
            relay: Arc::default(),
            edges: Arc::default(),
        })
    }

    /// The same marketplace, whose relay lives by another clock, as in tests. Called before its first use.
    #[must_use]
    pub fn relay_clock(mut self, clock: impl aios_cache::time::Clock) -> Self {
        self.relay = Arc::new(Relay::by(clock));
        self
    }

    /// The database, for those who set it up.
    pub fn database(&self) -> &Database {
        self.db.database()
    }

    /// The clock by which this marketplace lives.
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// How an answer to everybody that shows this is kept. Whoever keeps such answers in the cache of this marketplace under
    /// these tags never shows what was made stale.
    pub fn keeping(&self, shown: Shown<'_>) -> Keeping {
        self.caches.keeping(shown)
    }

    /// Asks the database for a sign of life.
    pub async fn health(&self) -> Health {
        let answer = self.db.read_primary(aios_db::store::ping).await;
        if let Err(error) = &answer {
            tracing::warn!(%error, "the database does not answer");
        }
        Health {
            database: answer.is_ok(),
            shared_cache: self.caches.link_state(),
        }
    }

    /// What is done every few seconds: views are written, trending is brought up to date, and full-text indexes take in what
    /// was put aside for them.
    ///
    /// # Errors
    /// Those of the database; views that could not be written are kept for the next time.
    pub async fn housekeeping(&self) -> Result<()> {
        let now = self.clock.now();
        let work = async {
            self.flush_views().await?;
            let changes = self.db.read(move |c| trending_changes(c, now)).await?;
            for some in changes.chunks(SCORES_AT_ONCE) {
                let some = some.to_vec();
                let set = move |c: &mut AnyConnection| in_parts(|| trending_set(c, &some));
                self.db.write_unseen(set).await?;
            }
            let merged = self.db.write_unseen(search_pending_merge).await?;
            Ok::<_, Error>((changes.len(), merged))
        };
        let (changed, merged) = Context::job("housekeeping").scope(work).await?;
        tracing::debug!(
            changed,
            merged,
            "trending scores and full-text indexes brought up to date"
        );
        Ok(())
    }

    /// Brings up to date which agents a search of a usual word looks at first. What it changes shows in no answer but in the
    /// order of what such a search finds, so nothing is made stale.
    ///
    /// # Errors
    /// Those of the database; what was done until then stays done.
    pub async fn search_tiers_refresh(&self) -> Result<()> {
        Context::job("search tiers").scope(self.refresh_tiers()).await
    }

    async fn refresh_tiers(&self) -> Result<()> {
        let changes = self
            .db
            .read(|c| search_tiers::tier_changes(c, search_tiers::SIZES))
            .await?;
        let agents = changes.len();
        for some in changes.chunks(TIERS_AT_ONCE) {
            let some = some.to_vec();
            let set = move |c: &mut AnyConnection| in_parts(|| search_tiers::tiers_set(c, &some));
            self.db.write_unseen(set).await?;
        }
        tracing::debug!(agents, "search tiers brought up to date");
        Ok(())
    }
}
