//! Tiers of agents by how popular they are, so that a search of a usual word need not rank everything it matches.
//!
//! The most popular [`SIZES`] agents have the highest tiers, all others tier 0. There is a full-text index for each tier, of
//! the agents in it or above it. A tier is a hint about where to look first: one that is out of date makes an agent appear a
//! little earlier or later among the matches of a usual word, and never makes it be missed. (Tiered indexes: Manning,
//! Raghavan and Schütze, Introduction to Information Retrieval, section 7.2.1.)

use aios_domain::AgentId;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Double};

use crate::profile::RunQueryDsl;
use crate::schema::marketplace_agents as a;
use crate::sql_types::{Sql, Uuid};
use crate::{AnyConnection, DbResult};

/// The highest tier.
pub(crate) const TOP_TIER: i64 = 3;

/// How many of the most popular agents are in tier 1 or above, in tier 2 or above, and in tier 3.
pub const SIZES: [i64; 3] = [64_000, 8_000, 1_000];

/// An agent whose tier is not what its popularity says, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierChange {
    /// The agent.
    pub agent: AgentId,
    /// The tier it should have.
    pub tier: i64,
}

/// How an agent stands in the order by popularity.
type Place = (i64, f64, uuid::Uuid);

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Uuid)]
    id: uuid::Uuid,
}

/// The active agents whose tiers are out of date, where tiers have these [`SIZES`]. It reads one index as far as there are
/// tiers.
///
/// # Errors
/// Those of the database.
pub fn tier_changes(connection: &mut AnyConnection, sizes: [i64; 3]) -> DbResult<Vec<TierChange>> {
    let mut changes = Vec::new();
    let mut above: Option<Place> = None;
    for (tier, size) in [1, 2, TOP_TIER].into_iter().zip(sizes).rev() {
        let last = place(connection, size)?;
        for id in misplaced(connection, tier, last, above)? {
            changes.push(TierChange {
                agent: AgentId(id),
                tier,
            });
        }
        // Where there are fewer agents than the tier has room for, it has them all.
        let Some(last) = last else { return Ok(changes) };
        above = Some(last);
    }
    if let Some(last) = above {
        for id in fallen(connection, last)? {
            changes.push(TierChange {
                agent: AgentId(id),
                tier: 0,
            });
        }
    }
    Ok(changes)
}

/// Gives agents their tiers. Some hundreds at a time, in a transaction of their own, keep nobody waiting.
///
/// # Errors
/// Those of the database.
pub fn tiers_set(connection: &mut AnyConnection, changes: &[TierChange]) -> DbResult<()> {
    // In the order of their ids, as all who change several agents lock them.
    let mut changes = changes.to_vec();
    changes.sort_unstable_by_key(|change| change.agent.0);
    for TierChange { agent, tier } in changes {
        diesel::update(a::table.filter(a::id.eq(Sql(agent.0))))
            .set(a::search_tier.eq(tier))
            .execute(connection)?;
    }
    Ok(())
}

/// Gives every agent its tier in one statement that reads all of them: for those who have just written all of them.
///
/// # Errors
/// Those of the database.
pub(crate) fn tiers_recount(connection: &mut AnyConnection) -> DbResult<()> {
    let [one, two, three] = SIZES;
    sql_query(
        "UPDATE marketplace_agents SET search_tier = placed.tier FROM ( \
             SELECT id, CASE WHEN place <= $1 THEN 3 WHEN place <= $2 THEN 2 WHEN place <= $3 THEN 1 ELSE 0 END AS tier \
             FROM (SELECT id, row_number() OVER (ORDER BY install_count DESC, rating_average DESC, id DESC) AS place \
                   FROM marketplace_agents WHERE is_active) AS ordered \
         ) AS placed WHERE placed.id = marketplace_agents.id AND search_tier <> placed.tier",
    )
    .bind::<BigInt, _>(three)
    .bind::<BigInt, _>(two)
    .bind::<BigInt, _>(one)
    .execute(connection)?;
    Ok(())
}

/// Where the `number`-th of the most popular agents stands; `None` where there are fewer.
fn place(connection: &mut AnyConnection, number: i64) -> DbResult<Option<Place>> {
    let place = a::table
        .filter(a::is_active)
        .order((a::install_count.desc(), a::rating_average.desc(), a::id.desc()))
        .select((a::install_count, a::rating_average, a::id))
        .offset(number - 1)
        .limit(1)
        .first(connection)
        .optional()?;
    Ok(place)
}

/// Those from `above` on, it not included, down to `last` that have another tier than this one.
fn misplaced(
    connection: &mut AnyConnection,
    tier: i64,
    last: Option<Place>,
    above: Option<Place>,
) -> DbResult<Vec<uuid::Uuid>> {
    // Places that are before all, and after all.
    let above = above.unwrap_or((i64::MAX, 0.0, uuid::Uuid::nil()));
    let last = last.unwrap_or((-1, 0.0, uuid::Uuid::nil()));
    let found: Vec<Found> = sql_query(
        "SELECT id FROM marketplace_agents WHERE is_active AND search_tier <> $1 \
         AND (install_count, rating_average, id) >= ($2, $3, $4) AND (install_count, rating_average, id) < ($5, $6, $7)",
    )
    .bind::<BigInt, _>(tier)
    .bind::<BigInt, _>(last.0)
    .bind::<Double, _>(last.1)
    .bind::<Uuid, _>(last.2)
    .bind::<BigInt, _>(above.0)
    .bind::<Double, _>(above.1)
    .bind::<Uuid, _>(above.2)
    .load(connection)?;
    Ok(found.into_iter().map(|found| found.id).collect())
}

/// Those below `last` that still have a tier.
fn fallen(connection: &mut AnyConnection, last: Place) -> DbResult<Vec<uuid::Uuid>> {
    let found: Vec<Found> = sql_query(
        "SELECT id FROM marketplace_agents WHERE is_active AND search_tier > 0 \
         AND (install_count, rating_average, id) < ($1, $2, $3)",
    )
    .bind::<BigInt, _>(last.0)
    .bind::<Double, _>(last.1)
    .bind::<Uuid, _>(last.2)
    .load(connection)?;
    Ok(found.into_iter().map(|found| found.id).collect())
}
