//! aios-db's `schema.rs`, from the catalogues of both migrated databases.

mod agreement;
mod render;
mod types;

use aios_db::{AnyConnection, catalog};

use crate::failure::Failure;

/// The text of `schema.rs`, or everything in which the databases do not agree.
pub(crate) fn generate(postgres: &mut AnyConnection, sqlite: &mut AnyConnection) -> Result<String, Failure> {
    let unreadable = "cannot read the catalogue";
    let postgres = catalog::tables(postgres).map_err(Failure::because(unreadable))?;
    let sqlite = catalog::tables(sqlite).map_err(Failure::because(unreadable))?;
    let headline = "the migrations of PostgreSQL and SQLite do not make the same tables";
    let tables = agreement::agree(&postgres, &sqlite).map_err(|complaints| Failure::listing(headline, &complaints))?;
    Ok(render::render(&tables))
}
