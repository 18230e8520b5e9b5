//! A histogram of times in fixed memory: buckets that grow with what they hold, so that the error is a share of the value.

use std::time::Duration;

/// Times below are counted in units of so many nanoseconds (as a power of two).
const UNIT_BITS: u32 = 8;
/// Each doubling is cut into so many buckets (as a power of two).
const SUB_BITS: u32 = 4;
const SUBS: usize = 1 << SUB_BITS;
/// The longest time that is told apart is two to so many units, about 18 minutes; longer ones are counted with it.
const MAX_BITS: u32 = 32;
const BUCKETS: usize = (MAX_BITS - SUB_BITS + 1) as usize * SUBS;

/// How often times occurred. A quantile is off by at most a 32nd of itself and 128 ns.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    buckets: Box<[u32; BUCKETS]>,
    count: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: Box::new([0; BUCKETS]),
            count: 0,
        }
    }
}

impl Histogram {
    pub(crate) fn record(&mut self, took: Duration) {
        if let Some(bucket) = self.buckets.get_mut(place(took)) {
            *bucket = bucket.saturating_add(1);
        }
        self.count += 1;
    }

    /// Adds what another one holds.
    pub(crate) fn add(&mut self, other: &Self) {
        for (bucket, more) in self.buckets.iter_mut().zip(other.buckets.iter()) {
            *bucket = bucket.saturating_add(*more);
        }
        self.count += other.count;
    }

    /// The time that this share of all (in thousandths) took at most; zero where there is none.
    pub(crate) fn quantile(&self, thousandths: u64) -> Duration {
        let rank = (self.count * thousandths).div_ceil(1_000).max(1);
        let mut seen = 0;
        for (place, bucket) in self.buckets.iter().enumerate() {
            seen += u64::from(*bucket);
            if seen >= rank {
                return middle(place);
            }
        }
        Duration::ZERO
    }
}

/// The bucket that a time is counted in.
fn place(took: Duration) -> usize {
    let units = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX) >> UNIT_BITS;
    let units = units.min((1 << MAX_BITS) - 1);
    // Fits: below two to the 32nd.
    let units = usize::try_from(units).unwrap_or(usize::MAX);
    if units < SUBS {
        return units;
    }
    let doublings = units.ilog2() - SUB_BITS;
    let sub = (units >> doublings) - SUBS;
    (doublings as usize + 1) * SUBS + sub
}

/// The time in the middle of a bucket.
fn middle(place: usize) -> Duration {
    let (doublings, sub) = (place / SUBS, place % SUBS);
    let (from, width) = match doublings.checked_sub(1) {
        None => (sub, 1_usize),
        Some(doublings) => ((SUBS + sub) << doublings, 1 << doublings),
    };
    let nanos = ((from as u64) << UNIT_BITS) + ((width as u64) << UNIT_BITS) / 2;
    Duration::from_nanos(nanos)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(nanos: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        for nanos in nanos {
            histogram.record(Duration::from_nanos(*nanos));
        }
        histogram
    }

    #[test]
    fn nothing_takes_no_time_and_the_longest_is_the_longest_that_is_told_apart() {
        assert_eq!(of(&[]).quantile(500), Duration::ZERO);
        let longest = of(&[u64::MAX]).quantile(500);
        assert!(longest > Duration::from_secs(1_000), "{longest:?}");
    }

    #[test]
    fn it_is_small() {
        assert_eq!(BUCKETS * size_of::<u32>(), 1_856);
    }

    proptest! {
        /// Against the sorted times themselves: no further off than a 32nd and 128 ns.
        #[test]
        fn quantiles_are_those_of_the_times(
            mut nanos in proptest::collection::vec(
                prop_oneof![0_u64..10_000, 10_000_u64..10_000_000, 10_000_000_u64..1_000_000_000_000],
                1..300,
            ),
            thousandths in 0_u64..=1_000,
        ) {
            let found = of(&nanos).quantile(thousandths).as_nanos();
            nanos.sort_unstable();
            let rank = (nanos.len() as u64 * thousandths).div_ceil(1_000).max(1);
            let exact = u128::from(nanos[usize::try_from(rank).unwrap() - 1]);
            let error = found.abs_diff(exact);
            prop_assert!(error <= exact / 32 + 128, "{found} for {exact}");
        }

        /// Two together are as one that saw both.
        #[test]
        fn adding_is_seeing_both(one in proptest::collection::vec(0_u64..1 << 40, 0..50), other in proptest::collection::vec(0_u64..1 << 40, 0..50)) {
            let mut added = of(&one);
            added.add(&of(&other));
            let both = of(&[one, other].concat());
            prop_assert_eq!(added.buckets, both.buckets);
            prop_assert_eq!(added.count, both.count);
        }
    }
}
