//! Orders: the keys of a listing, declared once, the last of them unique.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::cursor::Position;
use crate::fingerprint::Fingerprint;
use crate::value::{CursorValue, Kind, Value};

/// Which way a key runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sort {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

/// Where a nullable key's `NULL`s stand, whichever way the key runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nulls {
    /// Before all values.
    First,
    /// After all values.
    Last,
}

/// What the planner and the cursor know of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyShape {
    /// Which way it runs.
    pub sort: Sort,
    /// Where its `NULL`s stand; `None` for a key that has none.
    pub nulls: Option<Nulls>,
    /// The type of its values.
    pub kind: Kind,
}

impl KeyShape {
    /// Compares two values of this key as the order does.
    pub(crate) fn compare(self, a: &Value, b: &Value) -> Ordering {
        match (a.is_null(), b.is_null()) {
            (true, true) => Ordering::Equal,
            (false, false) => match self.sort {
                Sort::Asc => a.ascending(b),
                Sort::Desc => b.ascending(a),
            },
            (a_is_null, _) => {
                let nulls_first = self.nulls == Some(Nulls::First);
                if a_is_null == nulls_first {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
        }
    }

    /// The same key read from the other end.
    #[cfg(feature = "diesel")]
    pub(crate) fn reversed(self) -> Self {
        Self {
            sort: match self.sort {
                Sort::Asc => Sort::Desc,
                Sort::Desc => Sort::Asc,
            },
            nulls: self.nulls.map(|nulls| match nulls {
                Nulls::First => Nulls::Last,
                Nulls::Last => Nulls::First,
            }),
            kind: self.kind,
        }
    }

    /// Whether a cursor's value may stand for this key.
    pub(crate) fn admits(self, value: &Value) -> bool {
        match value.kind() {
            None => self.nulls.is_some(),
            Some(kind) => kind == self.kind,
        }
    }
}

type Getter<R> = Arc<dyn Fn(&R) -> Value + Send + Sync>;

struct Key<R> {
    shape: KeyShape,
    get: Getter<R>,
}

/// The order of a listing of `R`: its keys, the last of them unique.
///
/// Built by [`Order::named`]; only a builder's `unique_*` methods give an `Order`, so one without a tie-breaker does not
/// compile:
///
/// ```compile_fail
/// use aios_pagination::Order;
/// let order: Order<(i64, i64)> = Order::named("popular").desc(|row: &(i64, i64)| row.0);
/// ```
///
/// ```
/// use aios_pagination::Order;
/// let order: Order<(i64, i64)> = Order::named("popular").desc(|row: &(i64, i64)| row.0).unique_asc(|row| row.1);
/// ```
pub struct Order<R> {
    name: &'static str,
    keys: Arc<[Key<R>]>,
    shapes: Arc<[KeyShape]>,
    fingerprint: u32,
}

impl<R> Clone for Order<R> {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            keys: Arc::clone(&self.keys),
            shapes: Arc::clone(&self.shapes),
            fingerprint: self.fingerprint,
        }
    }
}

impl<R> fmt::Debug for Order<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order")
            .field("name", &self.name)
            .field("keys", &self.shapes)
            .finish_non_exhaustive()
    }
}

impl<R> Order<R> {
    /// Begins an order. The name goes into the fingerprint: two orders of one service need two names.
    pub fn named(name: &'static str) -> OrderBuilder<R> {
        OrderBuilder {
            name,
            keys: Vec::new(),
        }
    }

    /// The name it was declared with.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The keys' directions, `NULL` placements and types.
    pub fn shapes(&self) -> &[KeyShape] {
        &self.shapes
    }

    /// The hash of name, directions, `NULL` placements and types that its cursors carry.
    pub fn fingerprint(&self) -> u32 {
        self.fingerprint
    }

    /// The values of all keys at a row.
    pub fn values(&self, row: &R) -> Vec<Value> {
        self.keys.iter().map(|key| (key.get)(row)).collect()
    }

    /// Compares two rows, for `slice.sort_by(|a, b| order.compare(a, b))`.
    pub fn compare(&self, a: &R, b: &R) -> Ordering {
        self.keys
            .iter()
            .map(|key| key.shape.compare(&(key.get)(a), &(key.get)(b)))
            .find(|ordering| ordering.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    /// Compares a row with a position.
    pub fn compare_with(&self, row: &R, position: &Position) -> Ordering {
        self.keys
            .iter()
            .zip(position.values())
            .map(|(key, value)| key.shape.compare(&(key.get)(row), value))
            .find(|ordering| ordering.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

/// An order being declared; see [`Order::named`].
#[must_use]
pub struct OrderBuilder<R> {
    name: &'static str,
    keys: Vec<Key<R>>,
}

impl<R> fmt::Debug for OrderBuilder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrderBuilder")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<R> OrderBuilder<R> {
    /// A key, smallest first.
    pub fn asc<T: CursorValue>(self, get: impl Fn(&R) -> T + Send + Sync + 'static) -> Self {
        self.plain(Sort::Asc, get)
    }

    /// A key, largest first.
    pub fn desc<T: CursorValue>(self, get: impl Fn(&R) -> T + Send + Sync + 'static) -> Self {
        self.plain(Sort::Desc, get)
    }

    /// A nullable key, smallest first; `nulls` says where `None` stands.
    pub fn asc_nulls<T: CursorValue>(
        self,
        nulls: Nulls,
        get: impl Fn(&R) -> Option<T> + Send + Sync + 'static,
    ) -> Self {
        self.nullable(Sort::Asc, nulls, get)
    }

    /// A nullable key, largest first; `nulls` says where `None` stands.
    pub fn desc_nulls<T: CursorValue>(
        self,
        nulls: Nulls,
        get: impl Fn(&R) -> Option<T> + Send + Sync + 'static,
    ) -> Self {
        self.nullable(Sort::Desc, nulls, get)
    }

    /// The tie-breaker, smallest first. No two rows of a listing may agree in it (or in it and the keys before it).
    pub fn unique_asc<T: CursorValue>(
        self,
        get: impl Fn(&R) -> T + Send + Sync + 'static,
    ) -> Order<R> {
        self.asc(get).build()
    }

    /// The tie-breaker, largest first. No two rows of a listing may agree in it (or in it and the keys before it).
    pub fn unique_desc<T: CursorValue>(
        self,
        get: impl Fn(&R) -> T + Send + Sync + 'static,
    ) -> Order<R> {
        self.desc(get).build()
    }

    pub(crate) fn plain<T: CursorValue>(
        mut self,
        sort: Sort,
        get: impl Fn(&R) -> T + Send + Sync + 'static,
    ) -> Self {
        self.keys.push(Key {
            shape: KeyShape {
                sort,
                nulls: None,
                kind: T::KIND,
            },
            get: Arc::new(move |row| get(row).into_value()),
        });
        self
    }

    pub(crate) fn nullable<T: CursorValue>(
        mut self,
        sort: Sort,
        nulls: Nulls,
        get: impl Fn(&R) -> Option<T> + Send + Sync + 'static,
    ) -> Self {
        self.keys.push(Key {
            shape: KeyShape {
                sort,
                nulls: Some(nulls),
                kind: T::KIND,
            },
            get: Arc::new(move |row| get(row).map_or(Value::Null, CursorValue::into_value)),
        });
        self
    }

    pub(crate) fn build(self) -> Order<R> {
        let shapes: Arc<[KeyShape]> = self.keys.iter().map(|key| key.shape).collect();
        Order {
            name: self.name,
            keys: self.keys.into(),
            fingerprint: fingerprint_of(self.name, &shapes),
            shapes,
        }
    }
}

fn fingerprint_of(name: &str, shapes: &[KeyShape]) -> u32 {
    shapes
        .iter()
        .fold(Fingerprint::new(name), |all, shape| {
            all.part(&[
                shape.sort as u8,
                shape.nulls.map_or(0, |nulls| 1 + nulls as u8),
                shape.kind as u8,
            ])
        })
        .folded()
}
