//! What commands need that act on the database and serve nothing.

use std::sync::Arc;

use aios_cache::Cache;
use aios_db::{Access, Database, DatabaseConfig, DatabaseUrl, connect, migrations};
use aios_marketplace::{CacheSettings, Marketplace, SystemClock};

use crate::config::{DatabaseArgs, StartError};

/// The marketplace in a database, which is brought up to date. No page is read, so it does not matter how cursors are signed,
/// and nothing is kept: what running servers keep is made stale through the outbox.
pub(crate) fn marketplace(args: &DatabaseArgs) -> Result<Marketplace, StartError> {
    migrate(&args.database_url)?;
    let database = Database::new(&DatabaseConfig::new(args.database_url.clone()));
    let (clock, secret) = (Arc::new(SystemClock), b"no cursors are made");
    let cache = Cache::builder().enabled(false).build();
    Ok(Marketplace::new(
        database,
        clock,
        secret,
        &cache,
        &CacheSettings::default(),
    )?)
}

/// Brings the database up to date.
pub(crate) fn migrate(url: &DatabaseUrl) -> Result<(), StartError> {
    let mut connection = connect(url, Access::ReadWrite, None)
        .map_err(|error| StartError::new(format!("can't open the database {url}: {error}")))?;
    migrations::run(&mut connection).map_err(|error| StartError::new(error.to_string()))?;
    Ok(())
}

/// Does some work to its end.
pub(crate) fn run<T>(work: impl Future<Output = aios_domain::Result<T>>) -> Result<T, StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| StartError::new(format!("can't start an event loop: {error}")))?;
    Ok(runtime.block_on(work)?)
}
