//! One module a resource. A function's name says what it does to what; it runs on the connection it is given, so that the
//! caller decides which of them share a transaction.

pub mod agent_list;
pub mod agents;
pub mod agents_many;
pub mod analytics;
pub mod categories;
pub mod edge_purges;
pub mod installations;
pub mod knowledge;
pub mod outbox;
pub mod reviews;
mod rows;
pub mod search_index;
pub mod search_tiers;
pub mod stats;
mod tag_filter;
mod tags;
pub mod totals;
pub mod users;

use diesel::RunQueryDsl;

use crate::{AnyConnection, DbResult};

/// Asks the database for a sign of life.
///
/// # Errors
/// Those of the database.
pub fn ping(connection: &mut AnyConnection) -> DbResult<()> {
    diesel::sql_query("SELECT 1 AS alive").execute(connection)?;
    Ok(())
}
