//! What a request asks of the database, taken from the service itself: a server without a cache logs its statements, and
//! those that run each time are the request's.

use std::collections::BTreeMap;

use aios_benches::error::{BenchError, Result};
use aios_benches::exchange::Client;
use aios_benches::request::Request;
use serde_json::Value;

use crate::servers::Server;

/// How often it is asked. Others' statements, as of housekeeping, don't run for each.
const TIMES: usize = 5;

/// A statement with its values, as diesel shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    /// With `$1`, `$2` … for the values.
    pub(crate) sql: String,
    /// As they stand between the brackets.
    pub(crate) values: Vec<String>,
}

/// The statements of one request to a server that tells them, in their order.
pub(crate) fn of(server: &Server, target: &str) -> Result<Vec<Statement>> {
    let mut client = Client::new(server.address);
    let request = Request::new("GET", target, "statements").done();
    let before = logged(&server.log()).len();
    for _ in 0..TIMES {
        client.send(&request)?;
    }
    let logged = logged(&server.log()).split_off(before);
    let found = running_each_time(&logged, TIMES);
    if found.is_empty() {
        return Err(BenchError::new(format!("the service logged no statement of {target}")));
    }
    found.iter().map(|text| Statement::read(text)).collect()
}

/// The messages in a log of JSON lines.
fn logged(log: &str) -> Vec<String> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let messages = lines.filter_map(|line| Some(line.pointer("/fields/message")?.as_str()?.to_owned()));
    messages.collect()
}

fn running_each_time(logged: &[String], times: usize) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut order = Vec::new();
    for text in logged.iter().filter(|text| text.starts_with("SELECT")) {
        let count = counts.entry(text).or_default();
        *count += 1;
        if *count == 1 {
            order.push(text.as_str());
        }
    }
    order.retain(|text| counts.get(text).is_some_and(|count| *count >= times));
    order.into_iter().map(str::to_owned).collect()
}

impl Statement {
    /// Reads `SELECT … -- binds: [1, "x"]`.
    fn read(text: &str) -> Result<Self> {
        let (sql, values) = text.split_once("-- binds:").unwrap_or((text, "[]"));
        let values = values.trim();
        let inner = values
            .strip_prefix('[')
            .and_then(|values| values.strip_suffix(']'))
            .ok_or_else(|| BenchError::new(format!("the values of a statement can't be read: {values}")))?;
        Ok(Self {
            sql: sql.trim().to_owned(),
            values: inner
                .split(", ")
                .filter(|value| !value.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    }

    /// The statement as pgbench takes it, and the variables that it then needs. `number` tells them from those of others.
    pub(crate) fn for_pgbench(&self, number: usize) -> (String, Vec<(String, String)>) {
        let mut sql = self.sql.clone();
        let mut variables = Vec::new();
        // From behind, so that $1 is not taken for the beginning of $10.
        for (index, value) in self.values.iter().enumerate().rev() {
            let name = format!("v{number}_{}", index + 1);
            sql = sql.replace(&format!("${}", index + 1), &format!(":{name}"));
            variables.push((name, value.trim_matches('"').to_owned()));
        }
        (sql, variables)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_variables() {
        let statement = Statement::read("SELECT $1, $2 FROM a LIMIT $10 -- binds: [21, \"x\"]").unwrap();
        assert_eq!(statement.values, ["21", "\"x\""]);
        let (sql, variables) = statement.for_pgbench(7);
        assert!(sql.starts_with("SELECT :v7_1, :v7_2 FROM a"));
        assert_eq!(
            variables,
            [
                ("v7_2".to_owned(), "x".to_owned()),
                ("v7_1".to_owned(), "21".to_owned())
            ]
        );
        assert_eq!(
            Statement::read("SELECT 1 -- binds: []").unwrap().values,
            Vec::<String>::new()
        );
        assert!(Statement::read("SELECT 1 -- binds: nonsense").is_err());
    }

    #[test]
    fn what_runs_for_every_request_is_the_listings() {
        let text = [
            "SELECT a",
            "SELECT b",
            "SELECT relay",
            "UPDATE c",
            "SELECT a",
            "UPDATE c",
            "SELECT b",
        ];
        let text = text.map(str::to_owned);
        assert_eq!(running_each_time(&text, 2), ["SELECT a", "SELECT b"]);
    }

    #[test]
    fn messages_are_read_from_the_log() {
        let log = "plain words\n{\"fields\":{\"message\":\"SELECT a\"},\"target\":\"t\"}\n{\"fields\":{}}\n";
        assert_eq!(logged(log), ["SELECT a"]);
    }
}
