//! What admins may know of the database's work.

use std::sync::Arc;
use std::time::Duration;

use aios_db::advice::{AdviceError, AdviceReport};
use aios_db::profile::{ExplainMode, Fingerprint, Plan, ProfileReport};
use aios_domain::{Caller, Error, Result};

use crate::Marketplace;

/// When to ask again for advice that could not be given.
const AGAIN: Duration = Duration::from_secs(10);

impl Marketplace {
    /// What this server's profiler knows. Slow statements stand there with the values they ran with.
    ///
    /// # Errors
    /// `Forbidden` for others than admins.
    pub fn query_report(&self, caller: &Caller) -> Result<ProfileReport> {
        caller.must_be_admin()?;
        Ok(self.database().profile().report())
    }

    /// The plan of a statement that ran on this server; with `Analyze` a reading statement is run for it.
    ///
    /// # Errors
    /// `Forbidden` for others than admins; `NotFound` where nothing of this fingerprint is known here.
    pub async fn query_plan(&self, caller: &Caller, fingerprint: Fingerprint, mode: ExplainMode) -> Result<Plan> {
        caller.must_be_admin()?;
        let plan = self.database().profile().explain(fingerprint, mode).await;
        plan.ok_or_else(|| Error::not_found("query"))
    }

    /// Advice on indexes and room, from the statements that ran on this server. It is made beside the requests and kept for a
    /// minute.
    ///
    /// # Errors
    /// `Forbidden` for others than admins; those of the database.
    pub async fn advice(&self, caller: &Caller) -> Result<Arc<AdviceReport>> {
        caller.must_be_admin()?;
        let advice = self.database().profile().advice().await;
        advice.map_err(|error| match error {
            AdviceError::Database(error) => error.into(),
            AdviceError::Connection(_) | AdviceError::Stopped => Error::unavailable(error.to_string(), AGAIN),
        })
    }
}
