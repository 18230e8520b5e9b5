//! How the pools are, for people who look.

use std::time::Duration;

/// One pool, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolStatus {
    /// `primary` (reads and writes on PostgreSQL), `read` and `write` (SQLite), `replica-1` and so on.
    pub name: String,
    /// The most connections that it opens.
    pub max: u32,
    /// How many are in use.
    pub used: u32,
    /// How many are open and wait for something to do.
    pub idle: u32,
    /// How many operations wait for their turn.
    pub waiting: u32,
    /// For how long the connection has been in use that is it for the longest.
    pub longest_hold: Duration,
    /// Where in the code that operation was asked for.
    pub longest_held_by: Option<String>,
    /// How many operations ran.
    pub done: u64,
    /// How many were refused because all connections were in use.
    pub shed: u64,
    /// How many were refused because none could be opened.
    pub unreachable: u64,
    /// How many were not run because nobody waited for them any more.
    pub abandoned: u64,
    /// How many held their connection for longer than they should.
    pub held_too_long: u64,
}
