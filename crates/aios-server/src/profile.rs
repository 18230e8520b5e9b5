//! How the database's work is watched: flags, and `aios explain`.

use std::time::Duration;

use aios_db::profile::{ExplainMode, Fingerprint, OnRepeat, ProfileConfig, explain};
use clap::Args;

use crate::admin;
use crate::cli::ExplainArgs;
use crate::config::StartError;

/// How long a statement that is analyzed may run.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// How the database's work is watched.
#[derive(Args, Clone, Debug)]
pub struct ProfileArgs {
    /// After how long a statement counts as slow and is explained, as in 50ms or 1s.
    #[arg(long, env = "SLOW_STATEMENT_THRESHOLD", value_name = "TIME", default_value = "50ms", value_parser = crate::edge::pause)]
    pub slow_statement_threshold: Duration,
    /// With how many different values a request may run the same statement before that is reported (N+1).
    #[arg(long, env = "REPEATED_STATEMENTS_LIMIT", value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub repeated_statements_limit: u16,
    /// What is done about it: `report`, or `panic`, which fails the request as well and is for tests.
    #[arg(long, env = "REPEATED_STATEMENTS", value_name = "ACTION", default_value = "report", value_parser = action)]
    pub repeated_statements: OnRepeat,
}

impl ProfileArgs {
    pub(crate) fn config(&self) -> ProfileConfig {
        ProfileConfig {
            slow: self.slow_statement_threshold,
            repeats: self.repeated_statements_limit.into(),
            on_repeat: self.repeated_statements,
            ..ProfileConfig::default()
        }
    }
}

fn action(text: &str) -> Result<OnRepeat, String> {
    match text {
        "report" => Ok(OnRepeat::Report),
        "panic" => Ok(OnRepeat::Panic),
        _ => Err("must be report or panic".to_owned()),
    }
}

/// `aios explain`: the plan of a statement.
pub(crate) fn run(args: &ExplainArgs) -> Result<(), StartError> {
    let plan = match (&args.sql, args.fingerprint) {
        (Some(sql), _) => explain_here(args, sql)?,
        (None, Some(fingerprint)) => explain_there(args, fingerprint)?,
        (None, None) => return Err(StartError::new("give SQL, or --fingerprint")),
    };
    crate::print(&plan);
    Ok(())
}

fn explain_here(args: &ExplainArgs, sql: &str) -> Result<String, StartError> {
    let mut connection = admin::open(&args.database.database_url, TIME_LIMIT)?;
    let mode = if args.analyze {
        ExplainMode::Analyze
    } else {
        ExplainMode::Plan
    };
    explain(&mut connection, sql, None, mode, TIME_LIMIT).map_err(|error| StartError::new(error.to_string()))
}

/// Fingerprints are known to the server that ran the statements.
fn explain_there(args: &ExplainArgs, fingerprint: Fingerprint) -> Result<String, StartError> {
    let path = format!("/api/v1/admin/queries/{fingerprint}/plan?analyze={}", args.analyze);
    let answer = admin::ask(&args.server, &path, args.token.as_deref())?;
    answer.text("plan").ok_or_else(|| {
        let why = answer.text("plan_failure").or_else(|| answer.text("detail"));
        StartError::new(why.unwrap_or_else(|| "the server has no plan for this yet; try again in a moment".to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_have_names() {
        assert_eq!(action("report"), Ok(OnRepeat::Report));
        assert_eq!(action("panic"), Ok(OnRepeat::Panic));
        assert!(action("stop").is_err());
    }
}
