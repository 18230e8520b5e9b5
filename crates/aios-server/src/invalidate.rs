//! `aios cache invalidate`.

use crate::cli::{CacheAction, CacheCommand};
use crate::config::StartError;
use crate::offline;

/// Keeps in the outbox what running servers are to make stale.
pub(crate) fn run(command: &CacheCommand) -> Result<(), StartError> {
    let CacheAction::Invalidate(args) = &command.action;
    let marketplace = offline::marketplace(&args.database)?;
    if args.all {
        offline::run(marketplace.invalidate_everything())
    } else {
        offline::run(marketplace.invalidate_tags(args.tags.clone()))
    }
}
