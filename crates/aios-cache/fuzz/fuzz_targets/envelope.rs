//! The envelope's decoder: it never panics, makes no room for what is not there, and what it takes comes back the same when
//! it is written again.
//!
//! The fuzzer's bytes go in as they are, and with frame, length and checksum put right (else hardly an input would get past
//! them).
#![no_main]

use aios_cache::fuzzing::{framed, reopens};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    assert_ne!(reopens(data), Some(false));
    assert_ne!(reopens(&framed(data)), Some(false));
});
