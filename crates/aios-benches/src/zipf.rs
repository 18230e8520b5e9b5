//! Few things are asked for often and many seldom: ranks by Zipf's law, and choices by weight.

/// Draws indices with given weights.
#[derive(Debug, Clone)]
pub struct Weighted {
    /// The sum of all weights up to and with each index.
    sums: Vec<f64>,
}

impl Weighted {
    /// Index `i` is drawn in proportion to the weight `i`. Weights that are negative or no numbers count as nothing.
    pub fn new(weights: impl IntoIterator<Item = f64>) -> Self {
        let sums = weights.into_iter().scan(0.0, |sum, weight: f64| {
            *sum += weight.max(0.0);
            Some(*sum)
        });
        Self { sums: sums.collect() }
    }

    /// Of `count` things the one with rank `r`, counted from 1, is drawn in proportion to `1 / r^exponent`.
    pub fn zipf(count: u32, exponent: f64) -> Self {
        Self::new((1..=count).map(|rank| f64::from(rank).powf(-exponent)))
    }

    /// An index; 0 where there is nothing to choose from.
    pub fn draw(&self, random: &mut fastrand::Rng) -> usize {
        let target = random.f64() * self.sums.last().copied().unwrap_or_default();
        let index = self.sums.partition_point(|&sum| sum <= target);
        index.min(self.sums.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(weighted: &Weighted, count: usize) -> Vec<f64> {
        let (mut drawn, mut random) = (vec![0.0; count], fastrand::Rng::with_seed(7));
        for _ in 0..200_000 {
            drawn[weighted.draw(&mut random)] += 1.0 / 200_000.0;
        }
        drawn
    }

    #[test]
    fn the_second_is_asked_for_half_as_often() {
        let shares = shares(&Weighted::zipf(1_000, 1.0), 1_000);
        // The sum of 1/r over 1,000 ranks is 7.485.
        for rank in [1.0, 2.0, 3.0, 10.0] {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and whole")]
            let share = shares[rank as usize - 1];
            assert!((share * 7.485 * rank - 1.0).abs() < 0.05, "{rank}: {share}");
        }
        assert!(shares.iter().sum::<f64>() > 0.999);
    }

    #[test]
    fn weights_hold_and_nothing_is_never_drawn() {
        let shares = shares(&Weighted::new([3.0, 0.0, -1.0, 1.0]), 4);
        assert!((shares[0] - 0.75).abs() < 0.01 && shares[1] + shares[2] == 0.0);
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let draw = || {
            let (weighted, mut random) = (Weighted::zipf(50, 1.0), fastrand::Rng::with_seed(3));
            (0..20).map(|_| weighted.draw(&mut random)).collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
        assert_eq!(Weighted::new([]).draw(&mut fastrand::Rng::with_seed(1)), 0);
    }
}
