//! A large, believable data set, the same for the same seed: agents, users, installations, reviews, events.

mod data;
mod draw;
mod shares;
mod text;
#[rustfmt::skip] // Lists of words, several a line.
mod words;

pub use data::{SeedData, Size};
