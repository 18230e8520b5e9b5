//! What is counted of bodies and their codings.

use metrics::{Counter, counter};

use super::coding::Coding;
use super::compress::Effort;

const COMPRESSIONS: &str = "aios_http_compressions_total";
const BODY_BYTES: &str = "aios_http_body_bytes_total";

pub(crate) fn describe() {
    use metrics::{Unit, describe_counter};
    describe_counter!(COMPRESSIONS, "Bodies compressed, by coding and effort.");
    describe_counter!(
        BODY_BYTES,
        Unit::Bytes,
        "Bytes of the bodies of public answers, as they were sent, by coding."
    );
}

/// A body was compressed, or is while it goes out.
pub(super) fn compressed(coding: Coding, effort: Effort) {
    counter!(COMPRESSIONS, "coding" => coding.name(), "effort" => effort.name()).increment(1);
}

/// Counters that are found once.
pub(super) struct BodyBytes([Counter; 4]);

impl BodyBytes {
    pub(super) fn new() -> Self {
        let codings = [Coding::Brotli, Coding::Zstd, Coding::Gzip, Coding::Identity];
        Self(codings.map(|coding| counter!(BODY_BYTES, "coding" => coding.name())))
    }

    pub(super) fn sent(&self, coding: Coding, bytes: usize) {
        let [brotli, zstd, gzip, identity] = &self.0;
        let counter = match coding {
            Coding::Brotli => brotli,
            Coding::Zstd => zstd,
            Coding::Gzip => gzip,
            Coding::Identity => identity,
        };
        counter.increment(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
}
