//! Taking off what slows a load down (indexes, constraints, triggers) and putting it back exactly as it was.
//!
//! The definitions come from the database's own catalogue, never from a list in this program, so that nothing is
//! forgotten when a migration adds an index. Both databases change their schema within transactions: a failure leaves
//! all as it was.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;

use super::TABLES;
use crate::{AnyConnection, DbResult};

/// What has to be run to put everything back, in this order.
#[derive(Debug)]
pub(super) struct Plan {
    put_back: Vec<String>,
}

#[derive(QueryableByName)]
struct Removal {
    #[diesel(sql_type = Text)]
    take_off: String,
    #[diesel(sql_type = Text)]
    put_back: String,
}

/// Removes the indexes, constraints and triggers of the tables of a load.
pub(super) fn take_off(connection: &mut AnyConnection) -> DbResult<Plan> {
    match connection {
        AnyConnection::Postgres(connection) => {
            connection.batch_execute(
                "SET LOCAL maintenance_work_mem = '512MB'; SET LOCAL max_parallel_maintenance_workers = 2; \
                 SET LOCAL work_mem = '128MB'; SET LOCAL search_path = public;",
            )?;
            let tables: Vec<String> = TABLES.iter().map(ToString::to_string).collect();
            let removals = sql_query(POSTGRES_REMOVALS)
                .bind::<diesel::sql_types::Array<Text>, _>(tables)
                .load::<Removal>(connection)?;
            remove(connection, removals, &[])
        }
        AnyConnection::Sqlite(connection) => {
            let names = TABLES.map(|table| format!("'{table}'")).join(", ");
            let removals = sql_query(SQLITE_REMOVALS.replace("$TABLES", &names)).load::<Removal>(connection)?;
            // The triggers kept the full-text index in step; without them it is made anew from the table.
            remove(
                connection,
                removals,
                &[
                    "INSERT INTO agents_fts (agents_fts) VALUES ('rebuild')",
                    &tier_anew(1),
                    &tier_anew(2),
                    &tier_anew(3),
                ],
            )
        }
    }
}

/// Makes the full-text index of a tier of agents anew. Its own `rebuild` would take all agents.
fn tier_anew(tier: u8) -> String {
    let index = format!("agents_fts_tier_{tier}");
    format!(
        "INSERT INTO {index} ({index}) VALUES ('delete-all'); \
         INSERT INTO {index} (rowid, name, tags, capabilities, description) \
         SELECT seq, name, tags, capabilities, description FROM marketplace_agents WHERE search_tier >= {tier}"
    )
}

/// `put_back` runs in the reverse order of `take_off`: a foreign key goes before the key it refers to and comes back
/// after it.
fn remove<C: SimpleConnection>(connection: &mut C, removals: Vec<Removal>, first: &[&str]) -> DbResult<Plan> {
    for removal in &removals {
        connection.batch_execute(&removal.take_off)?;
    }
    let recreated = removals.into_iter().rev().map(|removal| removal.put_back);
    Ok(Plan {
        put_back: first.iter().map(ToString::to_string).chain(recreated).collect(),
    })
}

impl Plan {
    /// Puts everything back; a constraint that does not hold for the rows is an error.
    pub(super) fn put_back(self, connection: &mut AnyConnection) -> DbResult<()> {
        for statement in self.put_back {
            match connection {
                AnyConnection::Postgres(connection) => connection.batch_execute(&statement)?,
                AnyConnection::Sqlite(connection) => connection.batch_execute(&statement)?,
            }
        }
        Ok(())
    }
}

/// Triggers, which keep totals that are counted anew; foreign keys of these tables and into them, then plain indexes, then keys with the indexes that belong to them.
const POSTGRES_REMOVALS: &str = "\
    SELECT take_off, put_back FROM ( \
        SELECT 0 AS turn, tgname::text AS name, \
               format('ALTER TABLE %s DISABLE TRIGGER %I', tgrelid::regclass, tgname) AS take_off, \
               format('ALTER TABLE %s ENABLE TRIGGER %I', tgrelid::regclass, tgname) AS put_back \
        FROM pg_trigger \
        WHERE NOT tgisinternal AND tgenabled = 'O' AND tgrelid = ANY ($1::text[]::regclass[]) \
        UNION ALL \
        SELECT CASE contype WHEN 'f' THEN 1 ELSE 3 END, conname::text, \
               format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname), \
               format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) \
        FROM pg_constraint \
        WHERE (contype IN ('f', 'p', 'u') AND conrelid = ANY ($1::text[]::regclass[])) \
           OR (contype = 'f' AND confrelid = ANY ($1::text[]::regclass[])) \
        UNION ALL \
        SELECT 2, indexrelid::regclass::text, \
               format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid) \
        FROM pg_index \
        WHERE indrelid = ANY ($1::text[]::regclass[]) \
          AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid) \
    ) AS removal ORDER BY turn, name";

/// Indexes and triggers that have a text of their own; what belongs to a key has none and stays.
const SQLITE_REMOVALS: &str = "\
    SELECT 'DROP ' || type || ' \"' || name || '\"' AS take_off, sql AS put_back FROM sqlite_schema \
    WHERE type IN ('index', 'trigger') AND sql IS NOT NULL AND tbl_name IN ($TABLES) ORDER BY type DESC, name";

/// Sets the connection up for a long write. PostgreSQL needs nothing that outlives the transaction. SQLite gets a large
/// cache, and a rollback journal in place of the write-ahead log, which would hold everything a second time; where
/// another connection is open it stays with the log.
pub(super) fn prepare(connection: &mut AnyConnection) -> DbResult<()> {
    if let AnyConnection::Sqlite(connection) = connection {
        connection.batch_execute("PRAGMA cache_size = -524288;")?;
        let _ = connection.batch_execute("PRAGMA journal_mode = TRUNCATE;");
    }
    Ok(())
}

/// Sets the connection as [`connect`](crate::connect) does.
pub(super) fn restore(connection: &mut AnyConnection) -> DbResult<()> {
    if let AnyConnection::Sqlite(connection) = connection {
        connection.batch_execute("PRAGMA journal_mode = WAL; PRAGMA cache_size = -16384;")?;
    }
    Ok(())
}
