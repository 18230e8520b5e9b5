//! Keyset and numbered pagination for any Rust service.
