//! PostgreSQL's own load generator, running the listing's statements: what the database can do, without us.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use aios_benches::error::{BenchError, Result};
use aios_benches::latency::Latencies;

use crate::figures::Turn;
use crate::options::Options;
use crate::programs;
use crate::servers::Stage;
use crate::statements::Statement;

/// The share of transactions whose latency is written down. All of them would cost pgbench a write for each.
const SAMPLED: &str = "0.1";

/// pgbench with a script.
#[derive(Debug)]
pub(crate) struct Pgbench {
    program: PathBuf,
    database_url: String,
    script: PathBuf,
    variables: Vec<(String, String)>,
    directory: PathBuf,
    threads: usize,
}

impl Pgbench {
    /// Finds the program and writes a script; `name` tells it from others.
    pub(crate) fn prepare(options: &Options, stage: &Stage, name: &str, statements: &[Statement]) -> Result<Self> {
        let named = options.pgbench.clone().filter(|program| program.is_file());
        let program = named.or_else(|| programs::on_path("pgbench")).ok_or_else(|| {
            BenchError::new("pgbench is not on this machine; it comes with PostgreSQL's server or contrib package")
        })?;
        let directory = stage.directory.path().to_owned();
        let (mut text, mut variables) = (String::new(), Vec::new());
        for (number, statement) in statements.iter().enumerate() {
            let (sql, more) = statement.for_pgbench(number);
            text.push_str(&sql);
            text.push_str(";\n");
            variables.extend(more);
        }
        let script = directory.join(format!("{name}.sql"));
        fs::write(&script, text).map_err(BenchError::because("can't write pgbench's script"))?;
        Ok(Self {
            program,
            database_url: options.database_url.clone(),
            script,
            variables,
            directory,
            threads: stage.workers,
        })
    }

    /// Runs the script on so many connections for so long, whole seconds.
    pub(crate) fn run(&self, connections: usize, time: Duration) -> Result<Turn> {
        let mut command = Command::new(&self.program);
        command
            .current_dir(&self.directory)
            .args([
                "--no-vacuum",
                "--protocol=prepared",
                "--log",
                "--log-prefix=transactions",
            ])
            .arg(format!("--sampling-rate={SAMPLED}"))
            .arg(format!("--client={connections}"))
            .arg(format!("--jobs={}", self.threads.min(connections)))
            .arg(format!("--time={}", time.as_secs_f64().round().max(1.0)))
            .arg(format!("--file={}", self.script.display()));
        for (name, value) in &self.variables {
            command.arg(format!("--define={name}={value}"));
        }
        let output = command
            .arg(&self.database_url)
            .output()
            .map_err(BenchError::because("can't run pgbench"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            return Err(BenchError::new(format!("pgbench failed: {}", complaint.trim())));
        }
        Ok(Turn {
            latencies: Some(sampled(&self.directory)?),
            ..read(&said).ok_or_else(|| BenchError::new("what pgbench says can't be read"))?
        })
    }
}

/// Transactions and their rate, in what pgbench says.
fn read(said: &str) -> Option<Turn> {
    let number = |name: &str| {
        let value = said.lines().find_map(|line| line.strip_prefix(name))?;
        value.trim().split([' ', '/']).next()?.parse::<f64>().ok()
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    Some(Turn {
        answers: number("number of transactions actually processed:")? as u64,
        rate: number("tps =")?,
        ..Turn::default()
    })
}

/// The latencies in pgbench's logs, which then go.
fn sampled(directory: &Path) -> Result<Latencies> {
    let failed = || BenchError::because("can't read pgbench's log");
    let mut latencies = Latencies::new()?;
    for entry in fs::read_dir(directory).map_err(failed())? {
        let path = entry.map_err(failed())?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.starts_with("transactions.") {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(failed())?;
        text.lines()
            .filter_map(latency)
            .for_each(|latency| latencies.record(latency));
        fs::remove_file(&path).map_err(failed())?;
    }
    Ok(latencies)
}

/// The third field of a line is the transaction's time in microseconds.
fn latency(line: &str) -> Option<Duration> {
    let micros = line.split(' ').nth(2)?.parse().ok()?;
    Some(Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pgbench_says_is_read() {
        let said = "pgbench (16.2)\nnumber of clients: 4\nnumber of transactions actually processed: 10995\n\
                    number of failed transactions: 0 (0.000%)\nlatency average = 0.7 ms\n\
                    tps = 10995.25 (without initial connection time)\n";
        let turn = read(said).unwrap();
        assert!(turn.answers == 10_995 && (turn.rate - 10_995.25).abs() < 1e-6);
        let limited = said.replace("10995\n", "100/1000\n");
        assert_eq!(read(&limited).unwrap().answers, 100);
        assert!(read("nothing").is_none());
        assert_eq!(
            latency("0 199 2241 0 1175850568 995598"),
            Some(Duration::from_micros(2_241))
        );
    }
}
