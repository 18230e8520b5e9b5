//! How agents are matched with the words of a search, and how well they match.

use super::Matched;
use crate::connection::DatabaseKind;
use crate::raw::Piece;
use crate::search::Words;

/// How agents are matched with the words of a search.
#[derive(Clone)]
pub(super) enum Matching {
    /// There is no search.
    All,
    /// Every word is found, whole or as a beginning.
    Words(Words),
    /// As `Words`, with the words mended.
    Corrected(Words),
}

/// Whether PostgreSQL plans a search for its very words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Planned {
    /// Each time, since how many have the words decides how they are best found.
    Anew,
    /// Once for all words: they are found by the index of their tier in any case.
    Once,
}

/// What is searched for, as PostgreSQL has it. Out of a subquery it takes the same number of matches to be expected for any words, and
/// so keeps the plan, which takes longer to make than a page to read.
fn query(words: &Words, planned: Planned) -> [Piece; 3] {
    let (before, behind) = match planned {
        Planned::Anew => ("to_tsquery('simple', ", ")"),
        Planned::Once => ("(SELECT to_tsquery('simple', ", "))"),
    };
    [Piece::Sql(before), Piece::Text(words.tsquery()), Piece::Sql(behind)]
}

impl Matching {
    /// What tells the cursors of one kind of matching from those of another.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Words(_) => "words",
            Self::Corrected(_) => "corrected",
        }
    }

    pub(super) fn matched(&self) -> Matched {
        match self {
            Self::All => Matched::All,
            Self::Words(_) => Matched::Words,
            Self::Corrected(_) => Matched::Forgiven,
        }
    }

    /// Whether there is a full-text index for each tier of agents, by which this is matched.
    pub(super) fn has_tiers(&self) -> bool {
        matches!(self, Self::Words(_) | Self::Corrected(_))
    }

    /// What an agent of this tier or a higher one must fulfil.
    pub(super) fn condition(&self, kind: DatabaseKind, tier: i64, planned: Planned) -> Vec<Piece> {
        match (self, kind) {
            (Self::All, _) => Vec::new(),
            (Self::Words(words) | Self::Corrected(words), DatabaseKind::Postgres) => {
                // Spelled out, since a partial index is used only where its condition can be seen.
                let of_tier = match tier {
                    3.. => " AND search_tier >= 3 AND search_vector @@ ",
                    2 => " AND search_tier >= 2 AND search_vector @@ ",
                    1 => " AND search_tier >= 1 AND search_vector @@ ",
                    _ => " AND search_vector @@ ",
                };
                let mut pieces = vec![Piece::Sql(of_tier)];
                pieces.extend(query(words, planned));
                pieces
            }
            (Self::Words(words) | Self::Corrected(words), DatabaseKind::Sqlite) => {
                let found = match tier {
                    3.. => {
                        " AND marketplace_agents.seq IN (SELECT rowid FROM agents_fts_tier_3 WHERE agents_fts_tier_3 MATCH "
                    }
                    2 => {
                        " AND marketplace_agents.seq IN (SELECT rowid FROM agents_fts_tier_2 WHERE agents_fts_tier_2 MATCH "
                    }
                    1 => {
                        " AND marketplace_agents.seq IN (SELECT rowid FROM agents_fts_tier_1 WHERE agents_fts_tier_1 MATCH "
                    }
                    _ => " AND marketplace_agents.seq IN (SELECT rowid FROM agents_fts WHERE agents_fts MATCH ",
                };
                vec![Piece::Sql(found), Piece::Text(words.fts5()), Piece::Sql(")")]
            }
        }
    }

    /// The same as [`Matching::condition`] of all tiers, told from an agent's own text, where agents are met along an order.
    /// `None` for PostgreSQL, whose planner does so by itself, and for words of which it can't be told.
    pub(super) fn told_by_text(&self, kind: DatabaseKind) -> Option<Vec<Piece>> {
        match (self, kind) {
            (Self::All, _) | (_, DatabaseKind::Postgres) => None,
            (Self::Words(words) | Self::Corrected(words), DatabaseKind::Sqlite) => Some(vec![
                Piece::Sql(
                    " AND coalesce(aios_has_words(marketplace_agents.name, marketplace_agents.tags, \
                     marketplace_agents.capabilities, marketplace_agents.description, ",
                ),
                Piece::Text(words.folded()?),
                // Read only where an agent's text does not tell, and once.
                Piece::Sql("), marketplace_agents.seq IN (SELECT rowid FROM agents_fts WHERE agents_fts MATCH "),
                Piece::Text(words.fts5()),
                Piece::Sql("))"),
            ]),
        }
    }

    /// How well an agent matches, the larger the better, whatever others there are.
    pub(super) fn rank(&self, kind: DatabaseKind) -> Option<Vec<Piece>> {
        match (self, kind) {
            (Self::All, _) => None,
            (Self::Words(words) | Self::Corrected(words), DatabaseKind::Postgres) => {
                let mut pieces = vec![Piece::Sql("CAST(ts_rank_cd(search_vector, ")];
                pieces.extend(query(words, Planned::Once));
                pieces.push(Piece::Sql(") AS double precision)"));
                Some(pieces)
            }
            (Self::Words(words) | Self::Corrected(words), DatabaseKind::Sqlite) => Some(vec![
                Piece::Sql(
                    "aios_text_rank(marketplace_agents.name, marketplace_agents.tags, marketplace_agents.capabilities, \
                     marketplace_agents.description, ",
                ),
                Piece::Text(words.plain()),
                Piece::Sql(")"),
            ]),
        }
    }

    /// The same for the rows of a page. PostgreSQL does not know it for what it has sorted by, since each value has a parameter of its
    /// own, and would find it for every match before it sorts; that of a subquery it finds after.
    pub(super) fn rank_shown(&self, kind: DatabaseKind) -> Option<Vec<Piece>> {
        match (self, kind) {
            (Self::Words(words) | Self::Corrected(words), DatabaseKind::Postgres) => {
                let mut pieces = vec![Piece::Sql("(SELECT CAST(ts_rank_cd(search_vector, ")];
                pieces.extend(query(words, Planned::Anew));
                pieces.push(Piece::Sql(") AS double precision) OFFSET 0)"));
                Some(pieces)
            }
            _ => self.rank(kind),
        }
    }
}
