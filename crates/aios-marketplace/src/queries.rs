//! What admins may know of the database's work.

use aios_db::profile::{ExplainMode, Fingerprint, Plan, ProfileReport};
use aios_domain::{Caller, Error, Result};

use crate::Marketplace;

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
}
