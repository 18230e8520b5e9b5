//! The attribute `#[cached]`; use it through `aios_cache::cached`.
