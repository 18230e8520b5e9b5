//! Full-text indexes, and what PostgreSQL puts aside instead of writing it into them at once.

use diesel::sql_types::BigInt;
use diesel::{QueryableByName, sql_query};

use crate::profile::RunQueryDsl;
use crate::{AnyConnection, DbResult};

/// Of the indexes that this role owns: no other may ask for it.
const MERGE: &str = "SELECT CAST(coalesce(sum(gin_clean_pending_list(x.indexrelid)), 0) AS bigint) AS pages \
                     FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am m ON m.oid = i.relam \
                     WHERE x.indrelid IN ('marketplace_agents'::regclass, 'knowledge_entries'::regclass) \
                     AND m.amname = 'gin' AND x.indisvalid AND pg_has_role(i.relowner, 'USAGE')";

#[derive(QueryableByName)]
struct Merged {
    #[diesel(sql_type = BigInt)]
    pages: i64,
}

/// Writes into PostgreSQL's full-text indexes what was put aside for them, and says how many pages that was; does nothing on
/// SQLite.
///
/// A GIN index keeps the words of rows that change on a list, which every search reads through, until that is four megabytes
/// long: then whoever writes next sorts it into the index, for a tenth of a second. Called every few seconds, this does it
/// beside the requests; nobody who writes or searches waits for it.
///
/// # Errors
/// Those of the database.
pub fn search_pending_merge(connection: &mut AnyConnection) -> DbResult<i64> {
    let AnyConnection::Postgres(_) = connection else {
        return Ok(0);
    };
    Ok(sql_query(MERGE).get_result::<Merged>(connection)?.pages)
}
