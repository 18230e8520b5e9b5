//! The load generator's programs, from outside, against servers that are small enough to be known.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking, their helpers too"
)]

mod bare;
mod loops;
mod tiny;
