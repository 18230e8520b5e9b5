//! `aios import`.

use std::sync::Arc;

use aios_db::{Access, Database, DatabaseConfig, connect, migrations};
use aios_marketplace::registry::Registry;
use aios_marketplace::{CacheSettings, ImportSummary, Marketplace, SystemClock};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::{ImportArgs, ImportSource, McpRegistryArgs};
use crate::config::StartError;

/// Imports what the command line names.
pub(crate) fn run(args: &ImportArgs) -> Result<(), StartError> {
    let ImportSource::McpRegistry(args) = &args.source;
    mcp_registry(args)
}

fn mcp_registry(args: &McpRegistryArgs) -> Result<(), StartError> {
    let file = args.file.display();
    let dump = std::fs::read(&args.file).map_err(|error| StartError::new(format!("can't read {file}: {error}")))?;
    let registry =
        Registry::read(&dump).map_err(|error| StartError::new(format!("{file} is not a registry dump: {error}")))?;
    let url = &args.database.database_url;
    migrate(url)?;
    let database = Database::new(&DatabaseConfig::new(url.clone()));
    // No page is read here, so it does not matter how cursors are signed, and nothing is kept. What running servers keep
    // is made stale through the outbox.
    let (cache, settings) = (crate::cache::none(), CacheSettings::default());
    let marketplace = Marketplace::new(
        database,
        Arc::new(SystemClock),
        b"no cursors are made",
        &cache,
        &settings,
    )?;
    let bar = ProgressBar::new(registry.entries.len() as u64).with_style(bar_style());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| StartError::new(format!("can't start an event loop: {error}")))?;
    let mut progress = |done: usize, _total: usize| bar.set_position(done as u64);
    let summary = runtime.block_on(marketplace.import_registry(registry, &mut progress))?;
    bar.finish_and_clear();
    crate::print(&told(&summary));
    Ok(())
}

/// Brings the database up to date.
pub(crate) fn migrate(url: &aios_db::DatabaseUrl) -> Result<(), StartError> {
    let mut connection = connect(url, Access::ReadWrite, None)
        .map_err(|error| StartError::new(format!("can't open the database {url}: {error}")))?;
    migrations::run(&mut connection).map_err(|error| StartError::new(error.to_string()))?;
    Ok(())
}

fn bar_style() -> ProgressStyle {
    let template = "importing {bar:40} {pos}/{len} agents {eta}";
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn told(summary: &ImportSummary) -> String {
    let mut lines = vec![
        format!("created     {:>6}", summary.created),
        format!("updated     {:>6}", summary.updated),
        format!("unchanged   {:>6}", summary.unchanged),
        format!(
            "superseded  {:>6}   by a newer version in the same file",
            summary.superseded
        ),
        format!("refused     {:>6}", summary.refused.len()),
    ];
    lines.extend(summary.refused.iter().map(|refusal| format!("  {refusal}")));
    lines.join("\n")
}
