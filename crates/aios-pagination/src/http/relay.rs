//! Relay's connections: the arguments `first`, `after`, `last`, `before`, and edges with a cursor each.
//!
//! After the [GraphQL Cursor Connections Specification](https://relay.dev/graphql/connections.htm). `hasPreviousPage` and
//! `hasNextPage` are exact in both directions, which the specification allows and does not demand.

use super::query::{Limits, ParameterError};
use crate::cursor::{Cursor, KeysTooLong};
use crate::page::{At, Page};

/// A connection field's arguments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arguments {
    /// How many, from the start or after a cursor.
    pub first: Option<i64>,
    /// The edge before the ones asked for.
    pub after: Option<String>,
    /// How many, up to the end or before a cursor.
    pub last: Option<i64>,
    /// The edge after the ones asked for.
    pub before: Option<String>,
}

impl Arguments {
    /// How many rows, and where: what a pager is asked for. Without `first` and `last`, the default limit's from the start.
    ///
    /// `first` reads forward, with `after`; `last` backward, with `before`. The other pairings, which the specification
    /// discourages, are refused.
    pub fn request(&self, limits: Limits) -> Result<(u32, At<'_>), ParameterError> {
        let refuse = |parameter, message: &str| {
            Err(ParameterError {
                parameter,
                message: message.to_owned(),
            })
        };
        match (self.first, self.last) {
            (Some(_), Some(_)) => refuse("last", "and first exclude each other"),
            (_, None) if self.before.is_some() => refuse("before", "goes with last"),
            (None, Some(_)) if self.after.is_some() => refuse("after", "goes with first"),
            (None, Some(last)) => {
                let at = self.before.as_deref().map_or(At::End, At::Before);
                Ok((within("last", last, limits)?, at))
            }
            (first, None) => {
                let at = self.after.as_deref().map_or(At::Start, At::After);
                let first = first.unwrap_or(i64::from(limits.default));
                Ok((within("first", first, limits)?, at))
            }
        }
    }
}

fn within(parameter: &'static str, sent: i64, limits: Limits) -> Result<u32, ParameterError> {
    u32::try_from(sent)
        .ok()
        .filter(|limit| (1..=limits.max).contains(limit))
        .ok_or_else(|| ParameterError {
            parameter,
            message: format!("must be between 1 and {}", limits.max),
        })
}

/// A page in Relay's shape; it serialises with Relay's names.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct Connection<T> {
    /// The rows, each with its cursor.
    pub edges: Vec<Edge<T>>,
    /// What is around them.
    pub page_info: PageInfo,
}

/// A row and its cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Edge<T> {
    /// Good for `after` and `before`.
    pub cursor: Cursor,
    /// The row.
    pub node: T,
}

/// What is around a page.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct PageInfo {
    /// Whether rows precede.
    pub has_previous_page: bool,
    /// Whether rows follow.
    pub has_next_page: bool,
    /// The first edge's cursor.
    pub start_cursor: Option<Cursor>,
    /// The last edge's cursor.
    pub end_cursor: Option<Cursor>,
}

impl<T> Connection<T> {
    /// The page with a cursor for each row, by the pager's `cursor_at(row, Direction::Forward)`.
    pub fn of(
        page: Page<T>,
        cursor_at: impl Fn(&T) -> Result<Cursor, KeysTooLong>,
    ) -> Result<Self, KeysTooLong> {
        let edges: Vec<Edge<T>> = page
            .items
            .into_iter()
            .map(|node| {
                let cursor = cursor_at(&node)?;
                Ok(Edge { cursor, node })
            })
            .collect::<Result<_, KeysTooLong>>()?;
        let page_info = PageInfo {
            has_previous_page: page.has_prev,
            has_next_page: page.has_next,
            start_cursor: edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: edges.last().map(|edge| edge.cursor.clone()),
        };
        Ok(Self { edges, page_info })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CursorCodec, Direction, Order};

    fn arguments(
        first: Option<i64>,
        after: Option<&str>,
        last: Option<i64>,
        before: Option<&str>,
    ) -> Arguments {
        Arguments {
            first,
            after: after.map(str::to_owned),
            last,
            before: before.map(str::to_owned),
        }
    }

    #[test]
    fn arguments_that_contradict_are_named() {
        let refused = |arguments: Arguments| {
            arguments
                .request(Limits::default())
                .map(|_| ())
                .expect_err("refused")
                .to_string()
        };
        assert_eq!(
            refused(arguments(Some(1), None, Some(1), None)),
            "last and first exclude each other"
        );
        assert_eq!(
            refused(arguments(Some(1), None, None, Some("x"))),
            "before goes with last"
        );
        assert_eq!(
            refused(arguments(None, Some("x"), Some(1), None)),
            "after goes with first"
        );
        assert_eq!(
            refused(arguments(Some(-1), None, None, None)),
            "first must be between 1 and 100"
        );
        assert_eq!(
            refused(arguments(None, None, Some(101), None)),
            "last must be between 1 and 100"
        );
    }

    #[test]
    fn any_edge_leads_both_ways() {
        let order = Order::named("numbers").unique_asc(|number: &i64| *number);
        let numbers: Vec<i64> = (0..10).collect();
        let codec = CursorCodec::unsigned();
        let connection = |arguments: &Arguments| {
            let (limit, at) = arguments
                .request(Limits::default())
                .expect("good arguments");
            let pager = order.pager(&codec).limit(limit);
            let page = pager
                .page(&numbers, at)
                .expect("a page")
                .map(|number| *number);
            Connection::of(page, |number| pager.cursor_at(number, Direction::Forward))
                .expect("short cursors")
        };
        let nodes = |connection: &Connection<i64>| {
            connection
                .edges
                .iter()
                .map(|edge| edge.node)
                .collect::<Vec<_>>()
        };
        let start = connection(&arguments(Some(4), None, None, None));
        assert_eq!(nodes(&start), [0, 1, 2, 3]);
        assert!(start.page_info.has_next_page && !start.page_info.has_previous_page);
        let third = start.edges[2].cursor.as_str();
        let after = connection(&arguments(Some(3), Some(third), None, None));
        assert_eq!(nodes(&after), [3, 4, 5]);
        let before = connection(&arguments(None, None, Some(5), Some(third)));
        assert_eq!(nodes(&before), [0, 1]);
        assert!(before.page_info.has_next_page && !before.page_info.has_previous_page);
        assert_eq!(
            nodes(&connection(&arguments(None, None, Some(2), None))),
            [8, 9]
        );
        assert_eq!(connection(&Arguments::default()).edges.len(), 10);
        #[cfg(feature = "serde")]
        {
            let json = serde_json::to_value(&before).expect("JSON");
            assert_eq!(json["pageInfo"]["hasNextPage"], true);
            assert_eq!(json["edges"][1]["node"], 1);
            assert_eq!(json["pageInfo"]["endCursor"], json["edges"][1]["cursor"]);
        }
    }
}
