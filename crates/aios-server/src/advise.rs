//! `aios advise`: indexes that are missing, redundant or unused, and room that is wasted, with the SQL to run.

use std::fmt::Write as _;

use aios_db::DatabaseUrl;
use aios_db::advice::{AdviceSettings, Seen, advise, counted_by_postgres, read_statements};
use serde_json::Value;

use crate::admin;
use crate::cli::AdviseArgs;
use crate::config::StartError;

/// Why nothing is said of missing indexes.
const NO_STATEMENTS: &str = "Missing indexes: which statements run is known to a server (--server URL), to PostgreSQL where \
                             pg_stat_statements is installed, or to a file of statements (--statements FILE).";

pub(crate) fn run(args: &AdviseArgs) -> Result<(), StartError> {
    let report = match &args.server {
        Some(server) => ask(server, args.token.as_deref())?,
        None => look(args)?,
    };
    crate::print(text(&report).trim_end());
    Ok(())
}

/// In the database itself.
fn look(args: &AdviseArgs) -> Result<Value, StartError> {
    let url = &args.database.database_url;
    // Opening one would make it.
    if let Some(path) = url.path().filter(|path| !path.exists()) {
        return Err(StartError::new(format!(
            "there is no database at {}; name one by DATABASE_URL",
            path.display()
        )));
    }
    let seen = seen(args, url)?;
    let told = advise(url, seen.as_deref().unwrap_or_default(), &AdviceSettings::default());
    let mut report = told.map_err(|error| StartError::new(format!("no advice on {url}: {error}")))?;
    report.notes.extend(seen.err());
    Ok(aios_api::advice_json(&report))
}

/// The statements that are known here, or why none are.
fn seen(args: &AdviseArgs, url: &DatabaseUrl) -> Result<Result<Vec<Seen>, String>, StartError> {
    if let Some(file) = &args.statements {
        let failed = |error: std::io::Error| StartError::new(format!("can't read {}: {error}", file.display()));
        let text = std::fs::read_to_string(file).map_err(failed)?;
        let read = read_statements(&text, url.kind());
        let Some(read) = read else {
            return Err(StartError::new(format!(
                "{} has statements that can't be read as SQL of {}; each ends with a semicolon",
                file.display(),
                url.kind()
            )));
        };
        return Ok(Ok(read));
    }
    let mut connection = admin::open(url, AdviceSettings::default().statement_limit)?;
    Ok(match counted_by_postgres(&mut connection) {
        Ok(Some(counted)) => Ok(counted),
        Ok(None) => Err(NO_STATEMENTS.to_owned()),
        // It may be made without being loaded, or lie where this role may not look. All else can be told all the same.
        Err(error) => Err(format!("pg_stat_statements can't be read: {error}. {NO_STATEMENTS}")),
    })
}

/// What a server says, which knows the statements that it ran.
fn ask(server: &str, token: Option<&str>) -> Result<Value, StartError> {
    let answer = admin::ask(server, "/api/v1/admin/advice", token)?;
    if answer.is_success {
        return Ok(answer.body);
    }
    let detail = answer.text("detail");
    Err(StartError::new(format!(
        "{} gives no advice: {}",
        server.trim_end_matches('/'),
        detail.as_deref().unwrap_or("it did not say why")
    )))
}

/// For people: each piece with its reason as comments of SQL, so that the whole can be kept as a script.
fn text(report: &Value) -> String {
    let mut out = String::new();
    let list = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let word = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let comment = |out: &mut String, text: &str| {
        for line in text.lines() {
            let _ = writeln!(out, "-- {line}");
        }
    };
    for advice in list(report, "advice") {
        let kind = word(&advice, "kind").replace('_', " ");
        comment(&mut out, &format!("{kind}: {}", word(&advice, "subject")));
        comment(&mut out, &word(&advice, "reason"));
        if let Some(change) = advice.get("measured").and_then(change) {
            comment(&mut out, &change);
        }
        for statement in list(&advice, "statements") {
            let calls = statement.get("calls").and_then(Value::as_u64).unwrap_or_default();
            comment(&mut out, &format!("for {calls} calls of {}", word(&statement, "sql")));
        }
        let sql = list(&advice, "sql");
        for (place, sql) in sql.iter().filter_map(Value::as_str).enumerate() {
            let or = if place == 0 { "" } else { "-- or: " };
            let _ = writeln!(out, "{or}{sql}");
        }
        out.push('\n');
    }
    if list(report, "advice").is_empty() {
        comment(&mut out, "There is nothing to do.");
    }
    for note in list(report, "notes").iter().filter_map(Value::as_str) {
        comment(&mut out, note);
    }
    out
}

/// `planner's cost: 460.1 to 33.2`.
fn change(measured: &Value) -> Option<String> {
    let figure = |name: &str| measured.get(name).and_then(Value::as_f64);
    let unit = measured.get("unit").and_then(Value::as_str)?;
    Some(format!("{unit}: {:.2} to {:.2}", figure("before")?, figure("after")?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_printed_is_a_script() {
        let report = json!({
            "advice": [{
                "kind": "bloated_table", "table": "t", "subject": "t", "reason": "Much\nis empty.", "statements": [],
                "measured": { "unit": "MB", "before": 20.0, "after": 2.5 }, "sql": ["VACUUM t;", "VACUUM (FULL) t;"],
            }],
            "notes": ["So it is."],
        });
        let expected = "-- bloated table: t\n-- Much\n-- is empty.\n-- MB: 20.00 to 2.50\nVACUUM t;\n-- or: VACUUM (FULL) t;\n\n-- So it is.\n";
        assert_eq!(text(&report), expected);
        assert_eq!(text(&json!({})), "-- There is nothing to do.\n");
    }
}
