//! Lists, whichever they are: a page is read for who asks, and the boundaries of far pages are sampled beside the requests.

use std::sync::Arc;

use aios_db::profile::Context;
use aios_db::{AnyConnection, DbResult, FarPages, ListTask, Paging};
use aios_domain::Result;
use aios_pagination::{Boundaries, ListingKey};
use parking_lot::Mutex;

use crate::boundaries::{BoundaryKeeper, Claim};
use crate::{FarPagePolicy, Marketplace};

impl Marketplace {
    /// The same marketplace, finding pages far into lists in another way. Called before the first list is read.
    #[must_use]
    pub fn far_pages(mut self, policy: FarPagePolicy) -> Self {
        self.boundaries = BoundaryKeeper::new(policy, Arc::clone(&self.clock));
        self
    }

    /// Waits until no list is being sampled for its far pages.
    pub async fn samplings_finished(&self) {
        self.boundaries.settled().await;
    }

    /// Reads a page of a list on a database thread. Where it is far into the list, and the list's boundaries are unknown or
    /// no longer young, the list is sampled after the answer is out, on a database thread of its own.
    ///
    /// `list` may run twice, and so must change nothing.
    #[track_caller]
    pub(crate) fn read_list<T: Send + 'static>(
        &self,
        list: impl Fn(&mut AnyConnection, &Paging<'_>) -> DbResult<T> + Send + Sync + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        let list = Arc::new(list);
        let (listed, cursors) = (Arc::clone(&list), Arc::clone(&self.cursors));
        let boundaries = self.boundaries.clone();
        let reading = self.db.read(move |c| {
            let far = Asked::new(boundaries.clone());
            let paging = Paging {
                cursors: &cursors,
                task: ListTask::Page(&far),
            };
            let listing = listed(c, &paging)?;
            Ok((listing, far.claim()))
        });
        async move {
            let (listing, claim) = reading.await?;
            if let Some(claim) = claim {
                tokio::spawn(Context::job("sampling of a list").scope(self.clone().sample(claim, list)));
            }
            Ok(listing)
        }
    }

    async fn sample<T: Send + 'static>(
        self,
        claim: Claim,
        list: Arc<impl Fn(&mut AnyConnection, &Paging<'_>) -> DbResult<T> + Send + Sync + 'static>,
    ) {
        // The right is one, whoever reads in the end: a replica, or the primary instead of it.
        let claim = Arc::new(claim);
        let cursors = Arc::clone(&self.cursors);
        let sampled = self
            .db
            .read(move |c| {
                let paging = Paging {
                    cursors: &cursors,
                    task: ListTask::Sample {
                        listing: claim.list(),
                        every: claim.every(),
                        found: &|boundaries| claim.fulfil(boundaries),
                    },
                };
                list(c, &paging).map(drop)
            })
            .await;
        if let Err(error) = sampled {
            tracing::warn!(%error, "a list could not be sampled; its far pages are counted off meanwhile");
        }
    }
}

/// What a request asked the keeper for.
struct Asked {
    keeper: BoundaryKeeper,
    list: Mutex<Option<ListingKey>>,
}

impl Asked {
    fn new(keeper: BoundaryKeeper) -> Self {
        Self {
            keeper,
            list: Mutex::default(),
        }
    }

    /// The right to sample the list that was read last, where it is time to. A search that finds nothing is followed by a
    /// forgiving one; the last is the one that the answer is from.
    fn claim(&self) -> Option<Claim> {
        let list = (*self.list.lock())?;
        self.keeper.claim(list)
    }
}

impl FarPages for Asked {
    fn boundaries(&self, listing: ListingKey, skip: u64) -> Option<Arc<Boundaries>> {
        if !self.keeper.is_far(skip) {
            return None;
        }
        *self.list.lock() = Some(listing);
        self.keeper.find(listing)
    }
}
