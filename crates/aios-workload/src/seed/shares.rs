//! How many of the installations, or of the reviews, each agent gets: a few most of them, most a few.

/// A total that is parted among agents by their rank in popularity, by the law of Zipf and Mandelbrot: the share of
/// rank `r` falls with `1 / (r + shift)^0.9`. The parts are whole, add up to the total exactly, and none is larger than
/// the cap, for which the head of the curve is flattened as far as needed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shares {
    total: u64,
    agents: u64,
    shift: f64,
}

/// One less the exponent of the law.
const POWER: f64 = 0.1;
/// Where the head of the curve begins in a large marketplace; without it the first agent alone would get a large part
/// of everything.
const LARGEST_NATURAL_SHIFT: f64 = 20.0;

impl Shares {
    /// Parts `total` among `agents`, at most `cap` each. `None` where that can't be.
    pub(super) fn new(total: u64, agents: u64, cap: u64) -> Option<Self> {
        if total > agents.checked_mul(cap)? {
            return None;
        }
        let with = |shift| Self { total, agents, shift };
        let fits = |shift| (0..agents.min(1_000)).all(|rank| with(shift).of_rank(rank) <= cap);
        // The larger the shift, the flatter the curve; at the end it is a line.
        #[expect(clippy::cast_precision_loss, reason = "there are far fewer than 2^53 agents")]
        let mut shift = (agents as f64 / 5_000.0).clamp(1.0, LARGEST_NATURAL_SHIFT);
        while !fits(shift) {
            shift *= 2.0;
            if shift > 1e15 {
                return None;
            }
        }
        Some(with(shift))
    }

    /// The part of the agent of this rank, counted from 0.
    pub(super) fn of_rank(&self, rank: u64) -> u64 {
        self.up_to(rank + 1).saturating_sub(self.up_to(rank))
    }

    /// What the first `ranks` get together.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rows are far fewer than 2^53, and the result is between 0 and the total"
    )]
    fn up_to(&self, ranks: u64) -> u64 {
        // The integral of the law; exp_m1 and ln_1p keep it exact where the shift is large.
        let area = |ranks: u64| (POWER * (ranks as f64 / self.shift).ln_1p()).exp_m1();
        if ranks >= self.agents {
            return self.total;
        }
        (self.total as f64 * area(ranks) / area(self.agents)).round() as u64
    }
}

/// The rank of each agent, mixed so that it says nothing about age: a walk through all ranks in large steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    start: u64,
    stride: u64,
    length: u64,
}

impl Walk {
    /// A walk that comes to each of `0..length` once. `start` and `stride` may be any numbers.
    pub(super) fn new(start: u64, stride: u64, length: u64) -> Self {
        let length = length.max(1);
        let mut stride = stride % length;
        while greatest_common_divisor(stride, length) != 1 {
            stride = (stride + 1) % length;
            if length == 1 {
                break;
            }
        }
        Self {
            start: start % length,
            stride,
            length,
        }
    }

    /// Where the walk is after so many steps; different for all steps below the length.
    pub(super) fn at(&self, step: u64) -> u64 {
        let place = u128::from(self.start) + u128::from(self.stride) * u128::from(step);
        u64::try_from(place % u128::from(self.length)).unwrap_or(0)
    }
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn parts_add_up_and_keep_to_the_cap() {
        for (total, agents, cap) in [
            (0, 10, 5),
            (1, 10, 5),
            (50, 10, 5),
            (49, 10, 5),
            (30_000, 10_000, 1_000),
            (30_000, 10_000, 40),
            (3_000_000, 1_000_000, 100_000),
            (7, 1, 7),
        ] {
            let shares = Shares::new(total, agents, cap).unwrap();
            let parts: Vec<u64> = (0..agents).map(|rank| shares.of_rank(rank)).collect();
            assert_eq!(parts.iter().sum::<u64>(), total, "{total} among {agents}");
            assert!(
                parts.iter().all(|&part| part <= cap),
                "{total} among {agents}: {:?}",
                parts.iter().max()
            );
        }
        assert!(Shares::new(51, 10, 5).is_none());
        assert!(Shares::new(1, 0, 5).is_none());
    }

    #[test]
    fn the_curve_is_steep_and_its_tail_is_long() {
        let shares = Shares::new(3_000_000, 1_000_000, 100_000).unwrap();
        let parts: Vec<u64> = (0..1_000_000).map(|rank| shares.of_rank(rank)).collect();
        assert!(parts[0] > 5_000, "{}", parts[0]);
        let head: u64 = parts[..10_000].iter().sum();
        assert!(
            (30..70).contains(&(head * 100 / 3_000_000)),
            "1 % of the agents have {head} reviews"
        );
        assert!(parts.iter().filter(|&&part| part == 0).count() > 50_000);
    }

    #[test]
    fn a_walk_comes_everywhere_once() {
        for (start, stride, length) in [
            (5, 3, 10),
            (0, 0, 1),
            (9, 10, 10),
            (123_456_789, 987_654_321, 1_000),
            (1, 6, 12),
        ] {
            let walk = Walk::new(start, stride, length);
            let places: HashSet<u64> = (0..length).map(|step| walk.at(step)).collect();
            assert_eq!(places.len() as u64, length);
            assert!(places.iter().all(|&place| place < length));
        }
    }
}
