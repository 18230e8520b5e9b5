//! One module a resource. A function's name says what it does to what; it runs on the connection it is given, so that the
//! caller decides which of them share a transaction.

pub mod agents;
pub mod analytics;
pub mod categories;
pub mod installations;
pub mod reviews;
pub mod users;
