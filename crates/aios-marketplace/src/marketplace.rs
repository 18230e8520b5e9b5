//! The marketplace itself: what every use case shares.

use std::sync::Arc;

use aios_db::Database;
use aios_domain::Result;
use aios_pagination::CursorCodec;

use crate::boundaries::{BoundaryKeeper, FarPagePolicy};
use crate::clock::Clock;
use crate::views::ViewCounter;

/// The longest cursor, in characters: a name of 100 characters of four bytes each fits into it.
const MAX_CURSOR: usize = 1_024;

/// All use cases over one database. Clones are handles to the same marketplace.
#[derive(Clone)]
pub struct Marketplace {
    pub(crate) db: Database,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) views: Arc<ViewCounter>,
    pub(crate) cursors: Arc<CursorCodec>,
    pub(crate) boundaries: BoundaryKeeper,
}

/// Whether what the marketplace stands on answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// The database answers.
    pub database: bool,
}

impl Marketplace {
    /// The marketplace whose data is in `db`. Page cursors are signed with `cursor_secret`: servers that answer for each
    /// other need the same.
    pub fn new(db: Database, clock: Arc<dyn Clock>, cursor_secret: &[u8]) -> Self {
        let cursors = Arc::new(CursorCodec::signed(cursor_secret).max_length(MAX_CURSOR));
        let boundaries = BoundaryKeeper::new(FarPagePolicy::default(), Arc::clone(&clock));
        Self {
            db,
            clock,
            views: Arc::default(),
            cursors,
            boundaries,
        }
    }

    /// The database, for those who set it up.
    pub fn database(&self) -> &Database {
        &self.db
    }

    /// The clock by which this marketplace lives.
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Asks the database for a sign of life.
    pub async fn health(&self) -> Health {
        let answer = self.db.read(aios_db::store::ping).await;
        if let Err(error) = &answer {
            tracing::warn!(%error, "the database does not answer");
        }
        Health {
            database: answer.is_ok(),
        }
    }

    /// What is done every few seconds: views are written, trending is brought up to date.
    ///
    /// # Errors
    /// Those of the database; views that could not be written are kept for the next time.
    pub async fn housekeeping(&self) -> Result<()> {
        self.flush_views().await?;
        let now = self.clock.now();
        let changed = self
            .db
            .write(move |c| aios_db::store::analytics::trending_refresh(c, now))
            .await?;
        tracing::debug!(changed, "trending scores brought up to date");
        Ok(())
    }
}
