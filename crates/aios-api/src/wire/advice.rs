//! Advice on the database.

use aios_marketplace::advice as from;
use serde::Serialize;
use utoipa::ToSchema;

use super::queries::millis;

/// Advice on the database.
#[derive(Serialize, ToSchema)]
pub(crate) struct AdviceReport {
    /// Missing indexes first, by what they save.
    advice: Vec<Advice>,
    /// What could not be told, and why.
    notes: Vec<String>,
    /// How many forms of statement were looked at.
    #[schema(example = 57)]
    statements: usize,
}

/// Advice as the interface tells it, for those who make it without a server.
pub fn advice_json(report: &from::AdviceReport) -> serde_json::Value {
    // Texts, numbers and lists always serialise.
    serde_json::to_value(AdviceReport::from(report)).unwrap_or_default()
}

/// A piece of advice.
#[derive(Serialize, ToSchema)]
struct Advice {
    /// `missing_index`, `redundant_index`, `unused_index`, `bloated_table`, `bloated_index` or `dead_rows`.
    #[schema(example = "missing_index")]
    kind: &'static str,
    #[schema(example = "agent_installations")]
    table: String,
    /// The index or table that it is about.
    #[schema(example = "idx_agent_installations_agent_id")]
    subject: String,
    /// Why, in a sentence or two.
    reason: String,
    measured: Option<Measured>,
    /// The statements that it helps.
    statements: Vec<AdvisedStatement>,
    /// What to run; the first where there is a choice.
    sql: Vec<String>,
}

/// A figure today and after the advice.
#[derive(Serialize, ToSchema)]
struct Measured {
    #[schema(example = "planner's cost")]
    unit: &'static str,
    before: f64,
    after: f64,
}

/// A statement that advice helps.
#[derive(Serialize, ToSchema)]
struct AdvisedStatement {
    #[schema(example = "00c0ffee00c0ffee")]
    fingerprint: String,
    sql: String,
    calls: u64,
    total_ms: f64,
    measured: Measured,
}

impl From<&from::AdviceReport> for AdviceReport {
    fn from(report: &from::AdviceReport) -> Self {
        Self {
            advice: report.advice.iter().map(Advice::from).collect(),
            notes: report.notes.clone(),
            statements: report.statements,
        }
    }
}

impl From<&from::Advice> for Advice {
    fn from(advice: &from::Advice) -> Self {
        Self {
            kind: advice.kind.as_str(),
            table: advice.table.clone(),
            subject: advice.subject.clone(),
            reason: advice.reason.clone(),
            measured: advice.measured.map(Measured::from),
            statements: advice.statements.iter().map(AdvisedStatement::from).collect(),
            sql: advice.sql.clone(),
        }
    }
}

impl From<from::Measured> for Measured {
    fn from(measured: from::Measured) -> Self {
        // Whatever the unit is: no more digits than say something.
        let short = |figure: f64| (figure * 1e3).round() / 1e3;
        Self {
            unit: measured.unit,
            before: short(measured.before),
            after: short(measured.after),
        }
    }
}

impl From<&from::Helped> for AdvisedStatement {
    fn from(helped: &from::Helped) -> Self {
        Self {
            fingerprint: helped.fingerprint.to_string(),
            sql: helped.sql.clone(),
            calls: helped.calls,
            total_ms: millis(helped.total),
            measured: helped.measured.into(),
        }
    }
}
