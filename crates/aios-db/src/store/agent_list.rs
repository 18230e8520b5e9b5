//! Lists of agents: filtered, searched, ordered, paged. One statement a page, and one to count.

use aios_domain::{
    AgentField, AgentFieldSet, AgentFilter, AgentId, AgentName, AgentSort, Capability, CategoryName, Description,
    Error, HttpUrl, PartialAgentSummary, Price, PricingModel, Tag, Timestamp, Version,
};
use aios_pagination::Fingerprint;
use aios_pagination::sql::SqlOrder;
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::helper_types::InnerJoinQuerySource;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Double, Nullable, Text};

use super::agents::stored_tags;
use super::tag_filter::TagCondition;
use super::totals::with_total;
use crate::connection::{DatabaseKind, MultiBackend};
use crate::paging::{ListTask, Listing, PageRequest, Paging, read_page};
use crate::raw::{Piece, Raw};
use crate::schema::marketplace_agents;
use crate::search::Words;
use crate::sql_types::{TextList, TextListValue, TimestampUtc, Uuid};
use crate::{AnyConnection, DbError, DbResult};

diesel::table! {
    /// SQLite's full-text index, as far as queries name it.
    agents_fts (rowid) {
        /// `seq` of the agent.
        rowid -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(marketplace_agents, agents_fts);

/// Which agents are listed, in which order, and what is read of them.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentListQuery {
    /// Which.
    pub filter: AgentFilter,
    /// In which order.
    pub sort: AgentSort,
    /// Only these columns are read.
    pub fields: AgentFieldSet,
}

/// A page of the active agents that pass the filter. Where a search finds nothing, words that may be misspelt are forgiven.
///
/// # Errors
/// `InvalidCursor`; invalid input for [`AgentSort::Relevance`] without a search; those of the database.
pub fn agent_list(
    connection: &mut AnyConnection,
    paging: &Paging<'_>,
    query: &AgentListQuery,
    request: &PageRequest,
) -> DbResult<Listing<PartialAgentSummary>> {
    let Some(search) = &query.filter.search else {
        if query.sort == AgentSort::Relevance {
            return Err(Error::invalid_field("sort", "must not be relevance without a search").into());
        }
        return browse(connection, paging, query, request);
    };
    let words = Words::of(search);
    if words.is_empty() {
        return Ok(Listing::empty(request));
    }
    let strict = Lister {
        paging,
        query,
        request,
        matching: Matching::Words(words.clone()),
        tagged: TagCondition::of(connection, &query.filter.tags)?.for_counting(),
    };
    let found = strict.list(connection);
    // Nothing found, or a cursor that was not made for the strict search: perhaps it was made for the forgiving one.
    let found_something = match &found {
        Ok(listing) => !listing.items.is_empty() || listing.prev_cursor.is_some(),
        Err(error) => !is_invalid_cursor(error),
    };
    if found_something {
        return found;
    }
    match forgiving(connection, words)? {
        Some(matching) => match (Lister { matching, ..strict }.list(connection), found) {
            (Err(error), Err(first)) if is_invalid_cursor(&error) => Err(first),
            (forgiven, _) => forgiven,
        },
        None => found,
    }
}

/// A page without a search. Its total is looked up where it is kept.
fn browse(
    connection: &mut AnyConnection,
    paging: &Paging<'_>,
    query: &AgentListQuery,
    request: &PageRequest,
) -> DbResult<Listing<PartialAgentSummary>> {
    let tagged = TagCondition::of(connection, &query.filter.tags)?;
    let lister = |tagged| Lister {
        paging,
        query,
        request,
        matching: Matching::All,
        tagged,
    };
    let counting = Paging {
        task: ListTask::Count,
        ..*paging
    };
    let counted = tagged.for_counting();
    with_total(
        connection,
        paging,
        &query.filter,
        request,
        |connection, request| {
            Lister {
                request,
                ..lister(tagged)
            }
            .list(connection)
        },
        |connection| {
            let every_one = Lister {
                paging: &counting,
                ..lister(counted)
            };
            Ok(every_one.list(connection)?.total)
        },
    )
}

fn forgiving(connection: &mut AnyConnection, words: Words) -> DbResult<Option<Matching>> {
    match connection.kind() {
        DatabaseKind::Postgres => Ok(Some(Matching::Similar(words))),
        DatabaseKind::Sqlite => Ok(words.corrected_on_sqlite(connection)?.map(Matching::Corrected)),
    }
}

fn is_invalid_cursor(error: &DbError) -> bool {
    matches!(error, DbError::Domain(error) if error.kind() == aios_domain::ErrorKind::InvalidCursor)
}

/// How agents are matched with the words of a search.
#[derive(Clone)]
enum Matching {
    /// There is no search.
    All,
    /// Every word is found, whole or as a beginning.
    Words(Words),
    /// As `Words`, with the words mended.
    Corrected(Words),
    /// PostgreSQL: every word is similar to something in name, tags or capabilities.
    Similar(Words),
}

impl Matching {
    /// What tells the cursors of one kind of matching from those of another.
    fn name(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Words(_) => "words",
            Self::Corrected(_) => "corrected",
            Self::Similar(_) => "similar",
        }
    }

    /// What an agent must fulfil, for databases that find the matches while they list.
    fn condition(&self, kind: DatabaseKind) -> Vec<Piece> {
        match (self, kind) {
            (Self::All, _) => Vec::new(),
            (Self::Words(words) | Self::Corrected(words), DatabaseKind::Postgres) => vec![
                Piece::Sql(" AND search_vector @@ to_tsquery('simple', "),
                Piece::Text(words.tsquery()),
                Piece::Sql(")"),
            ],
            (Self::Words(words) | Self::Corrected(words) | Self::Similar(words), DatabaseKind::Sqlite) => vec![
                Piece::Sql(" AND marketplace_agents.seq IN (SELECT rowid FROM agents_fts WHERE agents_fts MATCH "),
                Piece::Text(words.fts5()),
                Piece::Sql(")"),
            ],
            (Self::Similar(words), DatabaseKind::Postgres) => {
                let mut pieces = Vec::new();
                for word in words.iter() {
                    pieces.extend([Piece::Sql(" AND "), Piece::Text(word.clone()), Piece::Sql(SIMILAR)]);
                }
                pieces
            }
        }
    }

    /// How well an agent matches on PostgreSQL, the larger the better.
    fn rank(&self) -> Option<Vec<Piece>> {
        match self {
            Self::All => None,
            Self::Words(words) | Self::Corrected(words) => Some(vec![
                Piece::Sql("CAST(ts_rank_cd(search_vector, to_tsquery('simple', "),
                Piece::Text(words.tsquery()),
                Piece::Sql(")) AS double precision)"),
            ]),
            Self::Similar(words) => Some(vec![
                Piece::Sql("CAST(word_similarity("),
                Piece::Text(words.plain()),
                Piece::Sql(SIMILARITY_END),
            ]),
        }
    }
}

// `idx_agents_search_trigram` is on this very expression.
macro_rules! trigram_text {
    () => {
        "(name_sort || ' ' || aios_words(tags) || ' ' || lower(aios_words(capabilities)))"
    };
}

/// Behind a word: it is similar to a part of the text.
const SIMILAR: &str = concat!(" <% ", trigram_text!());
const SIMILARITY_END: &str = concat!(", ", trigram_text!(), ") AS double precision)");

type Agents = marketplace_agents::table;
type AgentsWithRank = InnerJoinQuerySource<Agents, agents_fts::table, SqlLiteral<Bool>>;

/// FTS5's rank, the smaller the better. The plus hides the column from FTS5, which takes `rank = …` in a condition for the
/// choice of another ranking function.
const FTS5_RANK: &str = "+agents_fts.rank";

/// One list, being read.
struct Lister<'a> {
    paging: &'a Paging<'a>,
    query: &'a AgentListQuery,
    request: &'a PageRequest,
    matching: Matching,
    tagged: TagCondition,
}

impl Lister<'_> {
    fn list(&self, connection: &mut AnyConnection) -> DbResult<Listing<PartialAgentSummary>> {
        let kind = connection.kind();
        let listing = if self.query.sort == AgentSort::Relevance && kind == DatabaseKind::Sqlite {
            self.list_by_fts5_rank(connection)?
        } else {
            let rank = self.rank();
            let order = order(self.query.sort, rank.clone());
            let pager = order
                .pager(self.paging.cursors)
                .filters(self.fingerprint())
                .limit(self.request.limit);
            read_page(connection, self.paging, self.request, &pager, || {
                marketplace_agents::table
                    .select(selection(self.query.fields, self.query.sort, rank.clone()))
                    .filter(Raw::<Bool>::new(self.conditions(kind, self.matching.condition(kind))))
                    .into_boxed()
            })?
        };
        let fields = self.query.fields;
        Ok(listing.try_map(|row| row.into_summary(fields))?)
    }

    /// On SQLite the rank is a column of the full-text index, so the list is read from both.
    fn list_by_fts5_rank(&self, connection: &mut AnyConnection) -> DbResult<Listing<ListedRow>> {
        let (Matching::Words(words) | Matching::Corrected(words) | Matching::Similar(words)) = &self.matching else {
            return Err(Error::internal("a list by relevance without a search").into());
        };
        let order: SqlOrder<ListedRow, AgentsWithRank, MultiBackend> = SqlOrder::named("agents by relevance")
            .asc(Raw::<Double>::new(vec![Piece::Sql(FTS5_RANK)]), |row: &ListedRow| {
                row.rank.unwrap_or_default()
            })
            .unique_desc(marketplace_agents::id, |row| row.id);
        let pager = order
            .pager(self.paging.cursors)
            .filters(self.fingerprint())
            .limit(self.request.limit);
        read_page(connection, self.paging, self.request, &pager, || {
            let matches = vec![Piece::Sql(" AND agents_fts MATCH "), Piece::Text(words.fts5())];
            let rank = vec![Piece::Sql(FTS5_RANK)];
            marketplace_agents::table
                .inner_join(agents_fts::table.on(sql::<Bool>("agents_fts.rowid = marketplace_agents.seq")))
                .select(selection(self.query.fields, self.query.sort, Some(rank)))
                .filter(Raw::<Bool>::new(self.conditions(DatabaseKind::Sqlite, matches)))
                .into_boxed()
        })
    }

    fn rank(&self) -> Option<Vec<Piece>> {
        (self.query.sort == AgentSort::Relevance)
            .then(|| self.matching.rank())
            .flatten()
    }

    /// The filter as SQL. `is_active` stands bare, as in the partial indexes' own conditions.
    fn conditions(&self, kind: DatabaseKind, matching: Vec<Piece>) -> Vec<Piece> {
        let filter = &self.query.filter;
        let mut pieces = vec![Piece::Sql("marketplace_agents.is_active")];
        if let Some(category) = &filter.category {
            pieces.push(Piece::Sql(" AND category = "));
            pieces.push(Piece::Text(category.as_str().to_owned()));
        }
        if let Some(model) = filter.pricing_model {
            pieces.push(Piece::Sql(" AND pricing_model = "));
            pieces.push(Piece::Text(model.as_str().to_owned()));
        }
        if let Some(rating) = filter.min_rating {
            pieces.push(Piece::Sql(" AND rating_average >= "));
            pieces.push(Piece::Double(rating));
        }
        match filter.is_verified {
            Some(true) => pieces.push(Piece::Sql(" AND is_verified")),
            Some(false) => pieces.push(Piece::Sql(" AND NOT is_verified")),
            None => {}
        }
        match filter.is_featured {
            Some(true) => pieces.push(Piece::Sql(" AND is_featured")),
            Some(false) => pieces.push(Piece::Sql(" AND NOT is_featured")),
            None => {}
        }
        pieces.extend(self.tagged.pieces(kind));
        pieces.extend(matching);
        pieces
    }

    fn fingerprint(&self) -> Fingerprint {
        let filter = &self.query.filter;
        let mut tags: Vec<&str> = filter.tags.iter().map(Tag::as_str).collect();
        tags.sort_unstable();
        tags.dedup();
        let words = filter.search.as_ref().map(|search| Words::of(search).plain());
        Fingerprint::new("agents")
            .with("category", filter.category.as_ref().map(CategoryName::as_str))
            .with("tags", tags)
            .with("search", words)
            .with("matching", self.matching.name())
            .with("pricing_model", filter.pricing_model.map(PricingModel::as_str))
            .with("min_rating", filter.min_rating.map(f64::to_bits))
            .with("is_verified", filter.is_verified)
            .with("is_featured", filter.is_featured)
    }
}

fn order(sort: AgentSort, rank: Option<Vec<Piece>>) -> SqlOrder<ListedRow, Agents, MultiBackend> {
    use marketplace_agents as a;

    match sort {
        AgentSort::Popular | AgentSort::Installs => SqlOrder::named("agents by popularity")
            .desc(a::install_count, |row: &ListedRow| {
                row.install_count.unwrap_or_default()
            })
            .desc(a::rating_average, |row| row.rating_average.unwrap_or_default())
            .unique_desc(a::id, |row| row.id),
        AgentSort::Recent => SqlOrder::named("agents by age")
            .desc(a::created_at, |row: &ListedRow| row.created_at.unwrap_or_default())
            .unique_desc(a::id, |row| row.id),
        AgentSort::Rating => SqlOrder::named("agents by rating")
            .desc(a::rating_average, |row: &ListedRow| {
                row.rating_average.unwrap_or_default()
            })
            .desc(a::rating_count, |row| row.rating_count.unwrap_or_default())
            .unique_desc(a::id, |row| row.id),
        AgentSort::Name => SqlOrder::named("agents by name")
            .asc(a::name_sort, |row: &ListedRow| {
                row.name_sort.clone().unwrap_or_default()
            })
            .unique_asc(a::id, |row| row.id),
        AgentSort::Trending => SqlOrder::named("agents by trend")
            .desc(a::trending_score, |row: &ListedRow| {
                row.trending_score.unwrap_or_default()
            })
            .unique_desc(a::id, |row| row.id),
        AgentSort::Relevance => SqlOrder::named("agents by relevance")
            .desc(
                Raw::<Double>::new(rank.unwrap_or_else(|| vec![NO_RANK])),
                |row: &ListedRow| row.rank.unwrap_or_default(),
            )
            .unique_desc(a::id, |row| row.id),
    }
}

const NO_RANK: Piece = Piece::Sql("CAST(NULL AS double precision)");

/// What is read: every field that was chosen or is a key of the order, NULL for the others.
type ListedSql = (
    Uuid,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<TextList>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<TextList>,
    Nullable<Text>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<Double>,
    Nullable<BigInt>,
    Nullable<Bool>,
    Nullable<Bool>,
    Nullable<TimestampUtc>,
    Nullable<Text>,
    Nullable<Double>,
    Nullable<Double>,
);

/// A row of [`ListedSql`].
#[derive(Queryable)]
struct ListedRow {
    id: uuid::Uuid,
    name: Option<String>,
    description: Option<String>,
    category: Option<String>,
    tags: Option<TextListValue>,
    version: Option<String>,
    icon_url: Option<String>,
    capabilities: Option<TextListValue>,
    pricing_model: Option<String>,
    price_cents: Option<i64>,
    install_count: Option<i64>,
    rating_average: Option<f64>,
    rating_count: Option<i64>,
    is_featured: Option<bool>,
    is_verified: Option<bool>,
    created_at: Option<Timestamp>,
    name_sort: Option<String>,
    trending_score: Option<f64>,
    rank: Option<f64>,
}

/// The columns of [`ListedSql`] up to the rank, in its order.
const COLUMNS: [(Option<AgentField>, &str); 18] = [
    (Some(AgentField::Id), "marketplace_agents.id"),
    (Some(AgentField::Name), ", marketplace_agents.name"),
    (Some(AgentField::Description), ", marketplace_agents.description"),
    (Some(AgentField::Category), ", category"),
    (Some(AgentField::Tags), ", marketplace_agents.tags"),
    (Some(AgentField::Version), ", version"),
    (Some(AgentField::IconUrl), ", icon_url"),
    (Some(AgentField::Capabilities), ", marketplace_agents.capabilities"),
    (Some(AgentField::PricingModel), ", pricing_model"),
    (Some(AgentField::Price), ", price_cents"),
    (Some(AgentField::InstallCount), ", install_count"),
    (Some(AgentField::RatingAverage), ", rating_average"),
    (Some(AgentField::RatingCount), ", rating_count"),
    (Some(AgentField::IsFeatured), ", is_featured"),
    (Some(AgentField::IsVerified), ", is_verified"),
    (Some(AgentField::CreatedAt), ", created_at"),
    (None, ", name_sort"),
    (None, ", trending_score"),
];

fn selection(fields: AgentFieldSet, sort: AgentSort, rank: Option<Vec<Piece>>) -> Raw<ListedSql> {
    let mut pieces: Vec<Piece> = COLUMNS
        .iter()
        .map(|&(field, column)| {
            let chosen = field.is_some_and(|field| fields.contains(field)) || is_key(sort, field, column);
            Piece::Sql(if chosen { column } else { ", NULL" })
        })
        .collect();
    pieces.push(Piece::Sql(", "));
    pieces.extend(rank.unwrap_or_else(|| vec![NO_RANK]));
    if fields == AgentFieldSet::ALL {
        Raw::new(pieces)
    } else {
        Raw::uncached(pieces)
    }
}

/// Whether a column is a key of the order, and so read whatever was chosen.
fn is_key(sort: AgentSort, field: Option<AgentField>, column: &str) -> bool {
    use AgentField::{CreatedAt, Id, InstallCount, RatingAverage, RatingCount};

    match field {
        Some(Id) => true,
        Some(InstallCount) => matches!(sort, AgentSort::Popular | AgentSort::Installs),
        Some(RatingAverage) => matches!(sort, AgentSort::Popular | AgentSort::Installs | AgentSort::Rating),
        Some(RatingCount) => sort == AgentSort::Rating,
        Some(CreatedAt) => sort == AgentSort::Recent,
        Some(_) => false,
        None if column.ends_with("name_sort") => sort == AgentSort::Name,
        None => sort == AgentSort::Trending,
    }
}

impl ListedRow {
    fn into_summary(self, fields: AgentFieldSet) -> aios_domain::Result<PartialAgentSummary> {
        let read = |field| fields.contains(field);
        // A field that may be empty tells "empty" from "not read" by whether it was asked for.
        let category = self.category.map(CategoryName::from_trusted);
        let icon_url = self.icon_url.map(HttpUrl::from_trusted);
        let pricing_model = self
            .pricing_model
            .map(|model| model.parse::<PricingModel>())
            .transpose();
        Ok(PartialAgentSummary {
            id: read(AgentField::Id).then_some(AgentId(self.id)),
            name: self.name.map(AgentName::from_trusted),
            description: self.description.map(Description::from_trusted),
            category: read(AgentField::Category).then_some(category),
            tags: self.tags.map(stored_tags),
            version: self.version.map(Version::from_trusted),
            icon_url: read(AgentField::IconUrl).then_some(icon_url),
            capabilities: self
                .capabilities
                .map(|list| list.0.into_iter().map(Capability::from_trusted).collect()),
            pricing_model: pricing_model.map_err(Error::internal)?,
            price: self
                .price_cents
                .map(Price::from_cents)
                .transpose()
                .map_err(Error::internal)?,
            install_count: self.install_count.filter(|_| read(AgentField::InstallCount)),
            rating_average: self.rating_average.filter(|_| read(AgentField::RatingAverage)),
            rating_count: self.rating_count.filter(|_| read(AgentField::RatingCount)),
            is_featured: self.is_featured,
            is_verified: self.is_verified,
            created_at: self.created_at.filter(|_| read(AgentField::CreatedAt)),
        })
    }
}
