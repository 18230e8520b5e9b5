//! The condition that an agent bears any of some tags, in the form that is read quickly for tags as common as these.

use aios_domain::Tag;

use super::totals::tags_counted;
use crate::error::DbResult;
use crate::raw::Piece;
use crate::{AnyConnection, DatabaseKind};

/// Tags that more agents bear are looked for along the order of the list, where one turns up soon: their agents are too many
/// to fetch and sort. With a million agents either way reads some thousand rows at this number, and fewer at any other.
const MANY: i64 = 4_000;

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
        counted.sort_unstable();
        Ok(Self {
            are_many: counted.iter().map(|(_, agents)| agents).sum::<i64>() > MANY,
            tags: counted.into_iter().map(|(id, _)| id).collect(),
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
