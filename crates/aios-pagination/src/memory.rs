//! Pages of a sorted slice or an ordered map, under the same orders and cursors as a database's.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::cursor::{Cursor, CursorCodec, Direction, Expected, KeysTooLong, Position};
use crate::fingerprint::Fingerprint;
use crate::order::{Order, Sort};
use crate::page::{At, DEFAULT_LIMIT, Found, Listing, Page, PageError, Read, assemble, resolve};
use crate::value::{CursorValue, Value};

/// Reads pages of a slice sorted by an [`Order`]; made by [`Order::pager`].
///
/// ```
/// use aios_pagination::{At, CursorCodec, Order};
///
/// struct Agent { id: u64, installs: u64 }
/// let popular = Order::named("popular").desc(|a: &Agent| a.installs).unique_asc(|a| a.id);
/// let mut agents: Vec<Agent> = (0..100).map(|id| Agent { id, installs: id % 7 }).collect();
/// agents.sort_by(|a, b| popular.compare(a, b));
///
/// let codec = CursorCodec::unsigned();
/// let pager = popular.pager(&codec).limit(10);
/// let first = pager.page(&agents, At::Start)?;
/// assert!(first.has_next && !first.has_prev);
/// let second = pager.page(&agents, At::from(first.next.as_ref().map(|cursor| cursor.as_str())))?;
/// assert_eq!(second.items[0].id, agents[10].id);
/// # Ok::<(), aios_pagination::PageError>(())
/// ```
#[must_use]
pub struct Pager<'a, R> {
    listing: Listing<'a, R>,
    limit: u32,
}

impl<R> std::fmt::Debug for Pager<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pager")
            .field("order", self.listing.order)
            .field("filters", &self.listing.filters)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl<R> Order<R> {
    /// Pages in this order, 20 rows each, with tokens of this codec.
    pub fn pager<'a>(&'a self, codec: &'a CursorCodec) -> Pager<'a, R> {
        Pager {
            listing: Listing {
                order: self,
                codec,
                filters: Fingerprint::default(),
            },
            limit: DEFAULT_LIMIT,
        }
    }
}

impl<R> Pager<'_, R> {
    /// The listing's filters; cursors made for others are refused.
    pub fn filters(mut self, filters: Fingerprint) -> Self {
        self.listing.filters = filters;
        self
    }

    /// Rows a page, at least one.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit.max(1);
        self
    }

    /// A cursor at a row, as Relay's edges carry it.
    pub fn cursor_at(&self, row: &R, direction: Direction) -> Result<Cursor, KeysTooLong> {
        self.listing.cursor_at(row, direction)
    }

    /// A page of rows sorted by the order, found by binary search.
    pub fn page<'r>(&self, sorted: &'r [R], at: At<'_>) -> Result<Page<&'r R>, PageError> {
        let read = self.listing.resolve(at)?;
        let (ahead, behind) = self.split(sorted, &read);
        let one_more = usize::try_from(self.limit)
            .unwrap_or(usize::MAX)
            .saturating_add(1);
        let rows = match read.direction {
            Direction::Forward => ahead.iter().take(one_more).collect(),
            Direction::Backward => ahead.iter().rev().take(one_more).collect(),
        };
        let found = Found {
            rows,
            behind: !behind.is_empty(),
        };
        let listing = &self.listing;
        Ok(
            listing.assemble_with(&read, found, self.limit, |row: &&R, direction| {
                listing.cursor_at(row, direction)
            })?,
        )
    }

    /// Page `number`, counted from 1 (0 is taken for 1).
    pub fn numbered<'r>(&self, sorted: &'r [R], number: u64) -> Result<Page<&'r R>, PageError> {
        let skip = number
            .saturating_sub(1)
            .saturating_mul(u64::from(self.limit));
        let at = usize::try_from(skip).map_or(sorted.len(), |skip| skip.min(sorted.len()));
        let (before, after) = sorted.split_at(at);
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let items: Vec<&R> = after.iter().take(limit).collect();
        let has_next = after.len() > items.len();
        let cursor = |row: Option<&R>, direction| {
            row.map(|row| self.listing.cursor_at(row, direction))
                .transpose()
        };
        let next = cursor(
            items.last().copied().filter(|_| has_next),
            Direction::Forward,
        )?;
        // On a page past the end the last row itself leads back, so it is part of what is read.
        let prev = match (items.first(), before.last()) {
            (Some(first), Some(_)) => Some(self.listing.cursor_at(first, Direction::Backward)?),
            (None, Some(last)) => {
                let at = Position::new(Direction::Backward, self.listing.order.values(last));
                let of = self.listing.expected();
                Some(self.listing.codec.encode(&at.inclusive(), of)?)
            }
            (_, None) => None,
        };
        Ok(Page {
            has_prev: !before.is_empty(),
            items,
            next,
            prev,
            has_next,
        })
    }

    /// The rows to be read, and those on the other side of the position.
    fn split<'r>(&self, sorted: &'r [R], read: &Read) -> (&'r [R], &'r [R]) {
        let Some(position) = &read.from else {
            return (sorted, &[]);
        };
        let order = self.listing.order;
        let row_goes_ahead = position.is_inclusive();
        let at = sorted.partition_point(|row| {
            let ordering = order.compare_with(row, position);
            let before_includes_row = match read.direction {
                Direction::Forward => !row_goes_ahead,
                Direction::Backward => row_goes_ahead,
            };
            ordering.is_lt() || (before_includes_row && ordering.is_eq())
        });
        let (before, after) = sorted.split_at(at);
        match read.direction {
            Direction::Forward => (after, before),
            Direction::Backward => (before, after),
        }
    }
}

/// The key of an ordered map that is paged by it: any [`CursorValue`] that is `Ord`, and pairs and triples of such.
pub trait MapKey: Ord + Clone {
    /// The parts as values.
    fn to_values(&self) -> Vec<Value>;
    /// The key back from its parts.
    fn from_values(values: &[Value]) -> Option<Self>;
    /// An order of the name with this key's parts, all running one way.
    fn order(name: &'static str, sort: Sort) -> Order<Self>;
}

impl<T: CursorValue + Ord + Clone + 'static> MapKey for T {
    fn to_values(&self) -> Vec<Value> {
        vec![self.clone().into_value()]
    }

    fn from_values(values: &[Value]) -> Option<Self> {
        match values {
            [value] => T::from_value(value),
            _ => None,
        }
    }

    fn order(name: &'static str, sort: Sort) -> Order<Self> {
        Order::named(name)
            .plain(sort, |key: &T| key.clone())
            .build()
    }
}

macro_rules! tuple_keys {
    ($($part:ident . $at:tt),+) => {
        impl<$($part: CursorValue + Ord + Clone + 'static),+> MapKey for ($($part,)+) {
            fn to_values(&self) -> Vec<Value> {
                vec![$(self.$at.clone().into_value()),+]
            }

            fn from_values(values: &[Value]) -> Option<Self> {
                Some(($($part::from_value(values.get($at)?)?,)+))
            }

            fn order(name: &'static str, sort: Sort) -> Order<Self> {
                Order::named(name)$(.plain(sort, |key: &Self| key.$at.clone()))+.build()
            }
        }
    };
}

tuple_keys!(A.0, B.1);
tuple_keys!(A.0, B.1, C.2);

/// Reads pages of a [`BTreeMap`], by its keys, at the cost of a range query.
///
/// ```
/// use std::collections::BTreeMap;
/// use aios_pagination::{At, CursorCodec, MapPager, Sort};
///
/// let names: BTreeMap<u64, &str> = [(1, "one"), (2, "two"), (3, "three")].into();
/// let codec = CursorCodec::unsigned();
/// let newest = MapPager::new("numbers", Sort::Desc, &codec).limit(2);
/// let page = newest.page(&names, At::Start)?;
/// assert_eq!(page.items, [(&3, &"three"), (&2, &"two")]);
/// # Ok::<(), aios_pagination::PageError>(())
/// ```
#[must_use]
pub struct MapPager<'a, K> {
    order: Order<K>,
    sort: Sort,
    codec: &'a CursorCodec,
    filters: Fingerprint,
    limit: u32,
}

impl<K> std::fmt::Debug for MapPager<'_, K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MapPager")
            .field("order", &self.order)
            .field("filters", &self.filters)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl<'a, K: MapKey> MapPager<'a, K> {
    /// Pages of 20 entries, by ascending or descending key.
    pub fn new(name: &'static str, sort: Sort, codec: &'a CursorCodec) -> Self {
        Self {
            order: K::order(name, sort),
            sort,
            codec,
            filters: Fingerprint::default(),
            limit: DEFAULT_LIMIT,
        }
    }

    /// What else decides which entries the map holds; cursors made for others are refused.
    pub fn filters(mut self, filters: Fingerprint) -> Self {
        self.filters = filters;
        self
    }

    /// Entries a page, at least one.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit.max(1);
        self
    }

    /// A page of the map.
    pub fn page<'m, V>(
        &self,
        map: &'m BTreeMap<K, V>,
        at: At<'_>,
    ) -> Result<Page<(&'m K, &'m V)>, PageError> {
        let of = Expected::new(&self.order, self.filters);
        let read = resolve(at, self.codec, of)?;
        let ahead = self.range(read.direction, read.from.as_ref())?;
        let one_more = usize::try_from(self.limit)
            .unwrap_or(usize::MAX)
            .saturating_add(1);
        let rows = if self.ascends(read.direction) {
            map.range(ahead).take(one_more).collect()
        } else {
            map.range(ahead).rev().take(one_more).collect()
        };
        let behind = match &read.from {
            None => false,
            Some(from) => {
                let other = from.complement();
                let behind = self.range(other.direction(), Some(&other))?;
                map.range(behind).next().is_some()
            }
        };
        let encode = |position: &Position| self.codec.encode(position, of);
        let found = Found { rows, behind };
        Ok(assemble(
            &read,
            found,
            self.limit,
            |(key, _), direction| encode(&Position::new(direction, key.to_values())),
            encode,
        )?)
    }

    /// Whether reading this way meets the keys in ascending order.
    fn ascends(&self, direction: Direction) -> bool {
        (direction == Direction::Forward) == (self.sort == Sort::Asc)
    }

    fn range(
        &self,
        direction: Direction,
        from: Option<&Position>,
    ) -> Result<(Bound<K>, Bound<K>), PageError> {
        let Some(position) = from else {
            return Ok((Bound::Unbounded, Bound::Unbounded));
        };
        let key = K::from_values(position.values())
            .ok_or(PageError::Cursor(crate::CursorError::NotACursor))?;
        let bound = if position.is_inclusive() {
            Bound::Included(key)
        } else {
            Bound::Excluded(key)
        };
        Ok(if self.ascends(direction) {
            (bound, Bound::Unbounded)
        } else {
            (Bound::Unbounded, bound)
        })
    }
}
