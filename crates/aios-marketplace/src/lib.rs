//! Use cases of the marketplace: who may do what, in which transaction.

pub mod demo;
pub mod registry;
