//! The outbox of invalidations: what each write made stale in the caches, kept until it has reached all of them.
//!
//! A row is made in the write's own transaction, so that it is there exactly when the write is. Whoever brings it to the
//! caches does so after the commit and then deletes it; until then it is found again, after a crash too. Invalidating twice
//! does no harm, so any number of servers may work on the same rows.

use aios_domain::Timestamp;
use diesel::prelude::*;
use uuid::Uuid;

use crate::profile::RunQueryDsl;
use crate::schema::cache_invalidations as i;
use crate::sql_types::{Sql, TextListValue};
use crate::{AnyConnection, DbResult};

/// The tag that every cached value bears.
pub const EVERYTHING: &str = "*";

/// Names one write's invalidation. Ids grow with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InvalidationId(Uuid);

impl InvalidationId {
    /// A new id that no other call returns.
    #[expect(clippy::new_without_default, reason = "a new id is not a default: two calls differ")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

/// What a write made stale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalidation {
    /// Names it.
    pub id: InvalidationId,
    /// Values that bear one of these tags are stale.
    pub tags: Vec<String>,
    /// When the write was made, by the clock of who made it.
    pub created_at: Timestamp,
}

/// Keeps what the transaction around it makes stale.
///
/// # Errors
/// Those of the database; it refuses an invalidation of nothing.
pub fn invalidation_insert(
    connection: &mut AnyConnection,
    id: InvalidationId,
    tags: &[String],
    now: Timestamp,
) -> DbResult<()> {
    diesel::insert_into(i::table)
        .values((
            i::id.eq(Sql(id.0)),
            i::tags.eq(TextListValue(tags.to_vec())),
            i::created_at.eq(Sql(now)),
        ))
        .execute(connection)?;
    Ok(())
}

/// What still has to reach a cache, oldest first: the first `limit` behind `after`.
///
/// A transaction that takes long may add one before others that were listed already, so whoever looks for new ones begins
/// anew each time.
///
/// # Errors
/// Those of the database.
pub fn invalidation_list(
    connection: &mut AnyConnection,
    after: Option<InvalidationId>,
    limit: u32,
) -> DbResult<Vec<Invalidation>> {
    let mut query = i::table
        .select((i::id, i::tags, i::created_at))
        .order(i::id)
        .limit(i64::from(limit))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(i::id.gt(Sql(after.0)));
    }
    let rows: Vec<(Uuid, TextListValue, Timestamp)> = query.load(connection)?;
    let invalidation = |(id, tags, created_at): (Uuid, TextListValue, Timestamp)| Invalidation {
        id: InvalidationId(id),
        tags: tags.0,
        created_at,
    };
    Ok(rows.into_iter().map(invalidation).collect())
}

/// Deletes those that have reached every cache. One that somebody else has deleted is not missed.
///
/// # Errors
/// Those of the database.
pub fn invalidation_delete(connection: &mut AnyConnection, ids: &[InvalidationId]) -> DbResult<usize> {
    let ids: Vec<Sql<Uuid>> = ids.iter().map(|id| Sql(id.0)).collect();
    Ok(diesel::delete(i::table.filter(i::id.eq_any(ids))).execute(connection)?)
}

/// Deletes those that were made before `moment`: whatever they made stale is kept nowhere any more.
///
/// # Errors
/// Those of the database.
pub fn invalidation_delete_before(connection: &mut AnyConnection, moment: Timestamp) -> DbResult<usize> {
    Ok(diesel::delete(i::table.filter(i::created_at.lt(Sql(moment)))).execute(connection)?)
}
