//! A small random number generator whose numbers never change: the same seed gives the same catalogue in every release.

use aios_domain::Timestamp;
use chrono::TimeDelta;

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). Not for secrets.
#[derive(Clone, Debug)]
pub(super) struct Rng(u64);

impl Rng {
    /// The stream of one thing, such as an agent by its name: what is added later does not disturb it.
    pub(super) fn of(seed: u64, thing: &str) -> Self {
        // FNV-1a, to spread names over streams.
        let hash = thing.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(seed ^ hash)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0.0..1.0`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether something with this probability happens.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A number in `0..bound`; 0 where the bound is 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.next()) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// A whole number from 0, on average `mean`, often small and seldom large.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most 37 times a mean of a few thousands"
    )]
    pub(super) fn skewed(&mut self, mean: f64) -> i64 {
        (-(1.0 - self.unit()).ln() * mean).round() as i64
    }

    /// A moment between two, whole seconds; `late` above 1 favours the later ones. `from` where the two are the wrong
    /// way round.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a few years in seconds are far below 2^53"
    )]
    pub(super) fn moment(&mut self, from: Timestamp, to: Timestamp, late: f64) -> Timestamp {
        let span = (to - from).num_seconds().max(0) as f64;
        from + TimeDelta::seconds((span * self.unit().powf(1.0 / late)) as i64)
    }

    /// The order in which `0..len` comes out of a hat.
    pub(super) fn shuffled(&mut self, len: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..len).collect();
        for last in (1..len).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }
}
