//! The condition that an agent bears any of some tags, in the form that is read quickly for tags as common as these.

use aios_domain::Tag;

use super::totals::tags_counted;
use crate::error::DbResult;
use crate::raw::Piece;
use crate::{AnyConnection, DatabaseKind};

/// Whether agents with a tag are looked for along the order of the list, where one turns up soon, since they are too many to
/// fetch and sort. Of `all` agents `borne` bear it: a page of twenty passes over `20 * all / borne` of them, each of which costs a
/// third of one that is fetched and sorted. At a million either way reads some thousand rows where they are as dear, and
/// fewer at any other number.
fn are_many(borne: i64, all: i64) -> bool {
    borne.saturating_mul(borne) > all.saturating_mul(6)
}

/// So many agents, where nobody knows how many there are.
const ASSUMED: i64 = 1_000_000;

/// How agents that bear any of some tags are found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TagCondition {
    tags: Vec<uuid::Uuid>,
    is_asked: bool,
    are_many: bool,
}

impl TagCondition {
    /// Looks the tags up, in one statement. Without tags there is no condition, and no statement.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn of(connection: &mut AnyConnection, tags: &[Tag]) -> DbResult<Self> {
        if tags.is_empty() {
            return Ok(Self::default());
        }
        let mut counted = tags_counted(connection, tags)?;
        counted.sort_unstable_by_key(|tag| tag.id);
        let all = counted.first().map(|tag| tag.all).filter(|&all| all > 0);
        Ok(Self {
            are_many: are_many(counted.iter().map(|tag| tag.agents).sum(), all.unwrap_or(ASSUMED)),
            tags: counted.into_iter().map(|tag| tag.id).collect(),
            is_asked: true,
        })
    }

    /// The same for counting, where every agent has to be found.
    pub(crate) fn for_counting(&self) -> Self {
        Self {
            are_many: false,
            ..self.clone()
        }
    }

    /// Whether agents that bear them are so many that some turn up soon along any order.
    pub(crate) fn are_met_soon(&self) -> bool {
        self.is_asked && self.are_many
    }

    /// The condition, with an `AND` before it.
    pub(crate) fn pieces(&self, kind: DatabaseKind) -> Vec<Piece> {
        if !self.is_asked {
            return Vec::new();
        }
        if self.tags.is_empty() {
            return vec![Piece::Sql(" AND FALSE")];
        }
        let (before, behind) = match (self.are_many, kind) {
            (false, _) => (
                " AND marketplace_agents.id IN (SELECT agent_id FROM agent_tags WHERE tag_id IN (",
                "))",
            ),
            // The OFFSET keeps PostgreSQL from turning the question around, and fetching all of them after all.
            (true, DatabaseKind::Postgres) => (
                " AND EXISTS (SELECT FROM agent_tags WHERE agent_id = marketplace_agents.id AND tag_id IN (",
                ") OFFSET 0)",
            ),
            (true, DatabaseKind::Sqlite) => (
                " AND EXISTS (SELECT 1 FROM agent_tags WHERE agent_id = marketplace_agents.id AND tag_id IN (",
                ") LIMIT 1)",
            ),
        };
        let mut pieces = vec![Piece::Sql(before)];
        for (place, &tag) in self.tags.iter().enumerate() {
            pieces.extend((place > 0).then_some(Piece::Sql(", ")));
            pieces.push(Piece::Uuid(tag));
        }
        pieces.push(Piece::Sql(behind));
        pieces
    }
}
