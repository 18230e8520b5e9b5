//! The checksum at an entry's end: against accidents, not against people.
//!
//! XXH3 with 64 bits: quicker than memory can be read, and redis has the crate in the tree anyway.

use xxhash_rust::xxh3::xxh3_64;

/// How many bytes it has.
pub(super) const LENGTH: usize = 8;

/// Of these bytes.
pub(super) fn of(bytes: &[u8]) -> [u8; LENGTH] {
    xxh3_64(bytes).to_le_bytes()
}
