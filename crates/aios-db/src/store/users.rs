//! Users: remembered when one first changes something.

use aios_domain::{Caller, Timestamp};
use diesel::sql_types::{Nullable, Text};

use crate::profile::RunQueryDsl;
use crate::raw::prepared;
use crate::sql_types::{Sql, TimestampUtc, Uuid};
use crate::{AnyConnection, DbResult};

/// Makes sure that the caller has a row, and that it holds the address that the token names now.
///
/// # Errors
/// Those of the database.
pub fn user_ensure(connection: &mut AnyConnection, caller: &Caller, now: Timestamp) -> DbResult<()> {
    prepared(
        "INSERT INTO users (id, email, created_at, updated_at) VALUES ($1, $2, $3, $3) \
         ON CONFLICT (id) DO UPDATE SET email = excluded.email, updated_at = excluded.updated_at \
         WHERE excluded.email IS NOT NULL AND users.email IS DISTINCT FROM excluded.email",
    )
    .bind::<Uuid, _>(Sql(caller.id))
    .bind::<Nullable<Text>, _>(caller.email.as_ref().map(|email| email.as_str().to_owned()))
    .bind::<TimestampUtc, _>(Sql(now))
    .execute(connection)?;
    Ok(())
}
