//! The planner: the rows beyond a position as index ranges, one after the other.
//!
//! Keys that run the same way and have no `NULL`s are compared at once, as a row value; where the direction turns or
//! `NULL`s may stand, a new range begins. The ranges are disjoint, each is sorted by the order, and joined in sequence they
//! are sorted too: so a page is read from the first range that has rows, and seldom touches the next.

use crate::order::{KeyShape, Nulls};
use crate::value::Value;

/// One range: the leading keys as they are at the position, and what the next ones do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Branch {
    /// How many leading keys equal the position's.
    pub(crate) pinned: usize,
    /// What the keys after those do.
    pub(crate) step: Step,
}

/// What a range's first free key, or several, do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The keys from `pinned` to `to` are, as a row, beyond the position's (or at it, where inclusive).
    Beyond {
        /// One past the last key compared.
        to: usize,
        /// Whether the position's own row belongs to the range.
        inclusive: bool,
    },
    /// The key is `NULL`.
    Null,
    /// The key is not `NULL`.
    NotNull,
}

/// The ranges beyond a position, in the order's sequence.
///
/// `shapes` run in the direction of reading. Without `row_values` every key is compared by itself.
pub(crate) fn branches(shapes: &[KeyShape], values: &[Value], inclusive: bool, row_values: bool) -> Vec<Branch> {
    let mut all = Vec::new();
    // Innermost ranges come first, so the levels are gathered from the outside and turned over.
    let mut pinned = 0;
    while let (Some(shape), Some(value)) = (shapes.get(pinned), values.get(pinned)) {
        let run = if value.is_null() {
            1
        } else {
            run_length(shapes.get(pinned..).unwrap_or_default(), row_values)
        };
        let to = pinned + run;
        if value.is_null() {
            if shape.nulls == Some(Nulls::First) {
                all.push(Branch {
                    pinned,
                    step: Step::NotNull,
                });
            }
        } else {
            if shape.nulls == Some(Nulls::Last) {
                all.push(Branch {
                    pinned,
                    step: Step::Null,
                });
            }
            let inclusive = inclusive && to == shapes.len();
            all.push(Branch {
                pinned,
                step: Step::Beyond { to, inclusive },
            });
        }
        pinned = to;
    }
    all.reverse();
    all
}

/// How many keys, from the first, one row value can compare: those that run the same way, none but the first nullable.
fn run_length(shapes: &[KeyShape], row_values: bool) -> usize {
    let Some((first, rest)) = shapes.split_first() else {
        return 1;
    };
    if !row_values {
        return 1;
    }
    1 + rest
        .iter()
        .take_while(|shape| shape.sort == first.sort && shape.nulls.is_none())
        .count()
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::*;
    use crate::order::Sort;
    use crate::value::Kind;

    /// Whether a branch holds a row, as SQL would say it.
    fn holds(branch: Branch, shapes: &[KeyShape], at: &[Value], row: &[Value]) -> bool {
        let pins = (0..branch.pinned).all(|key| at[key] == row[key]);
        pins && match branch.step {
            Step::Null => row[branch.pinned].is_null(),
            Step::NotNull => !row[branch.pinned].is_null(),
            Step::Beyond { to, inclusive } => {
                if row[branch.pinned].is_null() {
                    return false; // NULL < anything is not true
                }
                let ordering = (branch.pinned..to)
                    .map(|key| shapes[key].compare(&row[key], &at[key]))
                    .find(|ordering| ordering.is_ne())
                    .unwrap_or(Ordering::Equal);
                ordering.is_gt() || (inclusive && ordering.is_eq())
            }
        }
    }

    fn shape() -> impl Strategy<Value = KeyShape> {
        (any::<bool>(), 0..3_u8).prop_map(|(asc, nulls)| KeyShape {
            sort: if asc { Sort::Asc } else { Sort::Desc },
            nulls: match nulls {
                0 => None,
                1 => Some(Nulls::First),
                _ => Some(Nulls::Last),
            },
            kind: Kind::Int,
        })
    }

    fn row(shapes: &[KeyShape]) -> impl Strategy<Value = Vec<Value>> + use<> {
        shapes
            .iter()
            .map(|shape| {
                let nullable = shape.nulls.is_some();
                (0..4_i64).prop_map(move |number| match number {
                    0 if nullable => Value::Null,
                    number => Value::Int(number),
                })
            })
            .collect::<Vec<_>>()
    }

    /// One to four keys, the last not nullable, and two rows.
    fn case() -> impl Strategy<Value = (Vec<KeyShape>, Vec<Value>, Vec<Value>)> {
        (prop::collection::vec(shape(), 0..4), any::<bool>())
            .prop_map(|(mut shapes, asc)| {
                shapes.push(KeyShape {
                    sort: if asc { Sort::Asc } else { Sort::Desc },
                    nulls: None,
                    kind: Kind::Int,
                });
                shapes
            })
            .prop_flat_map(|shapes| {
                let at = row(&shapes);
                let other = row(&shapes);
                (Just(shapes), at, other)
            })
    }

    fn compare(shapes: &[KeyShape], a: &[Value], b: &[Value]) -> Ordering {
        shapes
            .iter()
            .zip(a.iter().zip(b))
            .map(|(shape, (a, b))| shape.compare(a, b))
            .find(|ordering| ordering.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn a_row_beyond_is_in_exactly_one_range((shapes, at, other) in case(), inclusive: bool, row_values: bool) {
            let ranges = branches(&shapes, &at, inclusive, row_values);
            let holding = ranges.iter().filter(|range| holds(**range, &shapes, &at, &other)).count();
            let ordering = compare(&shapes, &other, &at);
            let beyond = ordering.is_gt() || (inclusive && ordering.is_eq());
            prop_assert_eq!(holding, usize::from(beyond));
        }

        #[test]
        fn ranges_come_in_the_orders_sequence(
            (shapes, at, one) in case(),
            seed in prop::collection::vec(0..4_i64, 4),
            row_values: bool,
        ) {
            let two: Vec<Value> = shapes.iter().zip(seed).map(|(shape, number)| match number {
                0 if shape.nulls.is_some() => Value::Null,
                number => Value::Int(number),
            }).collect();
            let ranges = branches(&shapes, &at, false, row_values);
            let place = |row: &[Value]| ranges.iter().position(|range| holds(*range, &shapes, &at, row));
            if let (Some(a), Some(b)) = (place(&one), place(&two)) && a < b {
                prop_assert!(compare(&shapes, &one, &two).is_lt());
            }
        }
    }

    #[test]
    fn keys_that_run_one_way_are_one_range() {
        let shape = KeyShape {
            sort: Sort::Desc,
            nulls: None,
            kind: Kind::Int,
        };
        let ranges = branches(&[shape; 3], &[const { Value::Int(1) }; 3], false, true);
        assert_eq!(
            ranges,
            [Branch {
                pinned: 0,
                step: Step::Beyond {
                    to: 3,
                    inclusive: false
                }
            }]
        );
    }
}
