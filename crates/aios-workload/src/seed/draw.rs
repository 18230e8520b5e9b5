//! Random numbers that belong to a thing, not to a sequence: row 4,711 can be made without the rows before it.

use aios_domain::Timestamp;
use uuid::Uuid;

/// What numbers are drawn for. Each has a stream of its own.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stream {
    Order,
    User,
    Agent,
    AgentText,
    Tags,
    Installation,
    Review,
    ReviewText,
    Event,
}

/// The numbers of one thing: SplitMix64 (Steele, Lea and Flood, 2014), begun at a place that the thing decides.
#[derive(Clone, Debug)]
pub(super) struct Draw(u64);

impl Draw {
    /// The numbers of the `a`-th thing of a stream, or of the `b`-th part of it.
    pub(super) fn of(seed: u64, stream: Stream, a: u64, b: u64) -> Self {
        let start = mixed(seed ^ mixed(stream as u64 + 1));
        Self(mixed(
            start ^ mixed(a.wrapping_add(0x5851_f42d)) ^ mixed(b).rotate_left(32),
        ))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// A number in `0.0..1.0`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A number in `0..bound`, each as likely as any other; 0 where the bound is 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A rank in `0..count` of which the `r`-th comes about `1/r` as often as the first (Zipf's law with exponent 1).
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts of words and people are small, and the result is not negative"
    )]
    pub(super) fn zipf(&mut self, count: usize) -> usize {
        let rank = ((count as f64 + 1.0).ln() * self.unit()).exp() as usize;
        rank.saturating_sub(1).min(count.saturating_sub(1))
    }

    /// One of `items`, each as likely as any other.
    pub(super) fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        let place = self.below(items.len() as u64);
        at(items, usize::try_from(place).unwrap_or(0))
    }

    /// One of `items` by Zipf's law.
    pub(super) fn pick_zipf<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        let place = self.zipf(items.len());
        at(items, place)
    }

    /// A UUID of version 7 (RFC 9562) made at this moment.
    pub(super) fn id_at(&mut self, moment: Timestamp) -> Uuid {
        let (high, low) = (self.next().to_le_bytes(), self.next().to_le_bytes());
        let mut random = [0; 10];
        for (to, from) in random.iter_mut().zip(high.into_iter().chain(low)) {
            *to = from;
        }
        let milliseconds = u64::try_from(moment.timestamp_millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid()
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "the places above are below the length of lists that are not empty"
)]
fn at<'a, T: ?Sized>(items: &[&'a T], place: usize) -> &'a T {
    items[place]
}

fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_have_numbers_of_their_own() {
        let first = |seed, stream, a, b| Draw::of(seed, stream, a, b).next();
        let base = first(1, Stream::Agent, 2, 3);
        assert_eq!(base, first(1, Stream::Agent, 2, 3));
        let others = [
            first(2, Stream::Agent, 2, 3),
            first(1, Stream::Review, 2, 3),
            first(1, Stream::Agent, 3, 2),
            first(1, Stream::Agent, 2, 4),
        ];
        assert!(others.iter().all(|&other| other != base));
    }

    #[test]
    fn the_first_rank_comes_as_often_as_zipf_says() {
        let mut counts = [0_u32; 100];
        for a in 0..100_000 {
            counts[Draw::of(7, Stream::Tags, a, 0).zipf(100)] += 1;
        }
        // log-uniform: P(r) = ln((r + 2) / (r + 1)) / ln(101).
        for rank in [0, 1, 9, 99] {
            let expected = 100_000.0 * ((f64::from(rank) + 2.0) / (f64::from(rank) + 1.0)).ln() / 101_f64.ln();
            let found = f64::from(counts[usize::try_from(rank).unwrap()]);
            assert!(
                (found - expected).abs() < 5.0 * expected.sqrt(),
                "rank {rank}: {found}, not {expected}"
            );
        }
    }
}
