//! The same SQL by PostgreSQL's own load generator: what the database does without us.

use std::fs;
use std::path::Path;
use std::process::Command;

use aios_db::{Access, connect};
use aios_workload::catalogue::{Query, Sample};

use super::measure::Times;
use super::{Measured, Place};

/// Its first runs plan anew, and should not be all that there are.
const LEAST: usize = 20;

/// Runs the statements of the query, prepared, so many times on each of so many connections.
pub(super) fn timed(
    program: &Path,
    place: &Place,
    query: &Query,
    sample: &Sample,
    connections: usize,
    runs: usize,
) -> Measured<Times> {
    let statements = query.statements(&mut connect(&place.url, Access::ReadWrite, None)?, sample)?;
    let directory = tempfile::tempdir()?;
    let mut command = Command::new(program);
    command
        .current_dir(directory.path())
        .args(["--no-vacuum", "--protocol=prepared", "--log"]);
    let mut script = String::new();
    for (number, statement) in statements.iter().enumerate() {
        let (sql, variables) = statement.for_pgbench(number);
        script.push_str(&sql);
        script.push_str(";\n");
        for (name, value) in variables {
            command.arg(format!("--define={name}={value}"));
        }
    }
    let file = directory.path().join("query.sql");
    fs::write(&file, script)?;
    let output = command
        .arg(format!("--client={connections}"))
        .arg(format!("--jobs={connections}"))
        .arg(format!("--transactions={}", runs.max(LEAST)))
        .arg(format!("--file={}", file.display()))
        .arg(&place.location)
        .output()?;
    if !output.status.success() {
        return Err(format!("pgbench failed: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    Ok(Times::of(logged(directory.path())?))
}

/// The times in pgbench's logs, in milliseconds.
fn logged(directory: &Path) -> Measured<Vec<f64>> {
    let mut millis = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("pgbench_log"))
        {
            millis.extend(fs::read_to_string(path)?.lines().filter_map(latency));
        }
    }
    Ok(millis)
}

/// The third field of a line is the transaction's time in microseconds.
fn latency(line: &str) -> Option<f64> {
    let micros: f64 = line.split(' ').nth(2)?.parse().ok()?;
    Some(micros / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_log_is_read() {
        assert_eq!(latency("0 199 2241 0 1175850568 995598"), Some(2.241));
        assert_eq!(latency("nothing"), None);
    }
}
