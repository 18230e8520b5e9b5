//! Indexes that PostgreSQL could not finish: built concurrently and interrupted, they serve no query and cost every write.

use diesel::connection::SimpleConnection;
use diesel::result::Error as QueryError;
use diesel::sql_types::{Bool, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};

use crate::connection::AnyConnection;

/// An index of ours that is not valid.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct InvalidIndex {
    /// Its name, quoted where it has to be.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its table.
    #[diesel(sql_type = Text)]
    pub table: String,
    /// Somebody is building it right now, so it may become valid yet.
    #[diesel(sql_type = Bool)]
    pub is_being_built: bool,
}

/// The invalid indexes of the tables that the connection sees without naming a schema, by name. SQLite has none.
///
/// # Errors
/// When the database can't be asked.
pub fn invalid_indexes(connection: &mut AnyConnection) -> Result<Vec<InvalidIndex>, QueryError> {
    match connection {
        AnyConnection::Postgres(connection) => on_postgres(connection),
        AnyConnection::Sqlite(_) => Ok(Vec::new()),
    }
}

fn on_postgres(connection: &mut PgConnection) -> Result<Vec<InvalidIndex>, QueryError> {
    sql_query(
        "SELECT indexrelid::regclass::text AS name, indrelid::regclass::text AS \"table\", \
         EXISTS (SELECT FROM pg_stat_progress_create_index AS build WHERE build.index_relid = indexrelid) AS is_being_built \
         FROM pg_index JOIN pg_class AS tables ON tables.oid = indrelid \
         WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace ORDER BY 1",
    )
    .load(connection)
}

/// Whether this index is there and not valid.
pub(crate) fn is_invalid(connection: &mut PgConnection, index: &str) -> Result<bool, QueryError> {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Bool)]
        yes: bool,
    }
    let answer: Answer =
        sql_query("SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid) AS yes")
            .bind::<Text, _>(index)
            .get_result(connection)?;
    Ok(answer.yes)
}

/// Removes what an interrupted build has left, so that the index is built anew.
pub(crate) fn drop_if_invalid(connection: &mut PgConnection, index: &str) -> Result<(), QueryError> {
    if !is_invalid(connection, index)? {
        return Ok(());
    }
    tracing::warn!(index, "dropping an index whose build was interrupted; it is built anew");
    connection.batch_execute(&format!("DROP INDEX CONCURRENTLY IF EXISTS {index}"))
}
