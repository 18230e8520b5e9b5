//! Durations as they are written in the attribute: `250ms`, `5m`, `1h30m`, `7d`.

use std::time::Duration;

/// The units, the largest first, in milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// What a message says of any text that is none.
pub(crate) const ACCEPTED: &str = "a duration is whole numbers with the units d, h, m, s and ms, the largest first, as in \"250ms\", \"5m\", \"1h30m\", \"7d\"";

/// The duration that a text stands for; `None` where it is none.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut sum: u64 = 0;
    while !rest.is_empty() {
        let (number, after) = split_where(rest, |c| !c.is_ascii_digit());
        let (unit, after) = split_where(after, |c| c.is_ascii_digit());
        // Goes on behind the last unit: each comes once, and a larger one not after a smaller one.
        let (_, length) = units.find(|(name, _)| *name == unit)?;
        sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(*length)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(Duration::from_millis(sum))
}

fn split_where(text: &str, is_end: impl FnMut(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(is_end).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_duration_is_numbers_with_units() {
        let of = |text| parse(text).map(|duration| duration.as_millis());
        assert_eq!(of("250ms"), Some(250));
        assert_eq!(of("90s"), Some(90_000));
        assert_eq!(of("5m"), Some(300_000));
        assert_eq!(of("1h30m"), Some(5_400_000));
        assert_eq!(of("7d"), Some(604_800_000));
        assert_eq!(of("1d2h3m4s5ms"), Some(93_784_005));
        assert_eq!(of("0s"), Some(0));
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "", "5", "m", "5 m", " 5m", "5m ", "5min", "1.5h", "-1s", "+1s", "5m1h", "5m5m", "5M", "٣s", "1h m", "1ns",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
        assert_eq!(parse("18446744073709551616ms"), None);
        assert_eq!(parse("18446744073709551615d"), None);
        assert_eq!(parse("18446744073709551615ms1ms"), None);
    }

    /// As `parse` reads it, each unit once.
    fn written(numbers: &[Option<u16>]) -> String {
        let parts = UNITS.iter().zip(numbers);
        parts
            .filter_map(|((unit, _), number)| Some(format!("{}{unit}", (*number)?)))
            .collect()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(numbers in prop::collection::vec(any::<Option<u16>>(), 5)) {
            let sum = UNITS.iter().zip(&numbers).map(|((_, length), number)| length * u64::from(number.unwrap_or(0))).sum();
            let expected = numbers.iter().any(Option::is_some).then_some(Duration::from_millis(sum));
            prop_assert_eq!(parse(&written(&numbers)), expected);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9dhms]{0,12}|.{0,12}") {
            if let Some(duration) = parse(&text) {
                prop_assert!(duration <= Duration::from_millis(u64::MAX));
            }
        }
    }
}
