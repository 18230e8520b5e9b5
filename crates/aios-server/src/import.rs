//! `aios import`.

use aios_marketplace::ImportSummary;
use aios_marketplace::registry::Registry;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::{ImportArgs, ImportSource, McpRegistryArgs};
use crate::config::StartError;
use crate::offline;

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
    let marketplace = offline::marketplace(&args.database)?;
    let bar = ProgressBar::new(registry.entries.len() as u64).with_style(bar_style());
    let mut progress = |done: usize, _total: usize| bar.set_position(done as u64);
    let summary = offline::run(marketplace.import_registry(registry, &mut progress))?;
    bar.finish_and_clear();
    crate::print(&told(&summary));
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
