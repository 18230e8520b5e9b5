//! Knowledge entries of one user.

use aios_domain::{
    ContentType, JsonObject, KnowledgeDraft, KnowledgeEntry, KnowledgeFilter, KnowledgeId, KnowledgeSource,
    KnowledgeText, KnowledgeTitle, SearchQuery, ShortDescription, Tag, Timestamp, UserId,
};
use aios_pagination::Fingerprint;
use aios_pagination::sql::SqlOrder;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Double};

use super::agents::{json, stored_tags, text_list};
use crate::connection::{DatabaseKind, MultiBackend};
use crate::paging::{Listing, PageRequest, Paging, read_page};
use crate::profile::RunQueryDsl;
use crate::raw::{Piece, Raw};
use crate::schema::knowledge_entries;
use crate::search::Words;
use crate::sql_types::{Sql, TextListValue};
use crate::{AnyConnection, DbResult};

#[derive(Queryable, Selectable)]
#[diesel(table_name = knowledge_entries)]
struct KnowledgeRow {
    id: uuid::Uuid,
    user_id: UserId,
    title: String,
    source: String,
    content_type: String,
    text_content: String,
    summary: Option<String>,
    tags: TextListValue,
    metadata: serde_json::Value,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<KnowledgeRow> for KnowledgeEntry {
    fn from(row: KnowledgeRow) -> Self {
        Self {
            id: KnowledgeId(row.id),
            user_id: row.user_id,
            content: KnowledgeDraft {
                title: KnowledgeTitle::from_trusted(row.title),
                source: KnowledgeSource::from_trusted(row.source),
                content_type: ContentType::from_trusted(row.content_type),
                text_content: KnowledgeText::from_trusted(row.text_content),
                summary: row.summary.map(ShortDescription::from_trusted),
                tags: stored_tags(row.tags),
                metadata: JsonObject::from_trusted(row.metadata),
            },
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// Keeps a text of a user's.
///
/// # Errors
/// Those of the database.
pub fn knowledge_insert(
    connection: &mut AnyConnection,
    user: UserId,
    draft: &KnowledgeDraft,
    now: Timestamp,
) -> DbResult<KnowledgeEntry> {
    use knowledge_entries as k;

    let id = KnowledgeId::new();
    diesel::insert_into(k::table)
        .values((
            k::id.eq(Sql(id)),
            k::user_id.eq(Sql(user)),
            k::title.eq(draft.title.as_str()),
            k::source.eq(draft.source.as_str()),
            k::content_type.eq(draft.content_type.as_str()),
            k::text_content.eq(draft.text_content.as_str()),
            k::summary.eq(draft.summary.as_ref().map(ShortDescription::as_str)),
            k::tags.eq(text_list(&draft.tags)),
            k::metadata.eq(Sql(json(&draft.metadata))),
            k::created_at.eq(Sql(now)),
            k::updated_at.eq(Sql(now)),
        ))
        .execute(connection)?;
    Ok(KnowledgeEntry {
        id,
        user_id: user,
        content: draft.clone(),
        created_at: now,
        updated_at: now,
    })
}

/// A user's entry. Another user's is as if it were not there.
///
/// # Errors
/// Those of the database.
pub fn knowledge_find(
    connection: &mut AnyConnection,
    user: UserId,
    id: KnowledgeId,
) -> DbResult<Option<KnowledgeEntry>> {
    let row = knowledge_entries::table
        .filter(knowledge_entries::id.eq(Sql(id)))
        .filter(knowledge_entries::user_id.eq(Sql(user)))
        .select(KnowledgeRow::as_select())
        .first(connection)
        .optional()?;
    Ok(row.map(KnowledgeEntry::from))
}

/// Replaces a user's entry. `None` where there is none.
///
/// # Errors
/// Those of the database.
pub fn knowledge_replace(
    connection: &mut AnyConnection,
    user: UserId,
    id: KnowledgeId,
    draft: &KnowledgeDraft,
    now: Timestamp,
) -> DbResult<Option<KnowledgeEntry>> {
    use knowledge_entries as k;

    let replaced = diesel::update(k::table.filter(k::id.eq(Sql(id))).filter(k::user_id.eq(Sql(user))))
        .set((
            k::title.eq(draft.title.as_str()),
            k::source.eq(draft.source.as_str()),
            k::content_type.eq(draft.content_type.as_str()),
            k::text_content.eq(draft.text_content.as_str()),
            k::summary.eq(draft.summary.as_ref().map(ShortDescription::as_str)),
            k::tags.eq(text_list(&draft.tags)),
            k::metadata.eq(Sql(json(&draft.metadata))),
            k::updated_at.eq(Sql(now)),
        ))
        .execute(connection)?;
    if replaced == 0 {
        Ok(None)
    } else {
        knowledge_find(connection, user, id)
    }
}

/// Deletes a user's entry. `false` where there is none.
///
/// # Errors
/// Those of the database.
pub fn knowledge_delete(connection: &mut AnyConnection, user: UserId, id: KnowledgeId) -> DbResult<bool> {
    let deleted = diesel::delete(
        knowledge_entries::table
            .filter(knowledge_entries::id.eq(Sql(id)))
            .filter(knowledge_entries::user_id.eq(Sql(user))),
    )
    .execute(connection)?;
    Ok(deleted > 0)
}

/// A page of a user's entries, newest first.
///
/// # Errors
/// `InvalidCursor`; those of the database.
pub fn knowledge_list(
    connection: &mut AnyConnection,
    paging: &Paging<'_>,
    user: UserId,
    filter: &KnowledgeFilter,
    request: &PageRequest,
) -> DbResult<Listing<KnowledgeEntry>> {
    let kind = connection.kind();
    let order: SqlOrder<KnowledgeRow, knowledge_entries::table, MultiBackend> = SqlOrder::named("knowledge by age")
        .desc(knowledge_entries::created_at, |row: &KnowledgeRow| row.created_at)
        .unique_desc(knowledge_entries::id, |row| row.id);
    let fingerprint = Fingerprint::new("knowledge")
        .with("user", user.0)
        .with("content_type", filter.content_type.as_ref().map(ContentType::as_str))
        .with("tag", filter.tag.as_ref().map(Tag::as_str));
    let pager = order.pager(paging.cursors).filters(fingerprint).limit(request.limit);
    let listing = read_page(connection, paging, request, &pager, || {
        let mut query = knowledge_entries::table
            .select(KnowledgeRow::as_select())
            .filter(knowledge_entries::user_id.eq(Sql(user)))
            .into_boxed();
        if let Some(content_type) = &filter.content_type {
            query = query.filter(knowledge_entries::content_type.eq(content_type.as_str().to_owned()));
        }
        if let Some(tag) = &filter.tag {
            query = query.filter(has_tag(kind, tag));
        }
        query
    })?;
    Ok(listing.map(KnowledgeEntry::from))
}

/// The entry bears the tag. A user's entries are few, so no index is needed for it.
fn has_tag(kind: DatabaseKind, tag: &Tag) -> Raw<Bool> {
    let tag = Piece::Text(tag.as_str().to_owned());
    Raw::new(match kind {
        DatabaseKind::Postgres => vec![tag, Piece::Sql(" = ANY (tags)")],
        DatabaseKind::Sqlite => vec![
            tag,
            Piece::Sql(" IN (SELECT value FROM json_each(knowledge_entries.tags))"),
        ],
    })
}

/// A user's entries that hold all the words, whole or as beginnings, best first.
///
/// # Errors
/// Those of the database.
pub fn knowledge_search(
    connection: &mut AnyConnection,
    user: UserId,
    query: &SearchQuery,
    limit: u32,
) -> DbResult<Vec<KnowledgeEntry>> {
    let words = Words::of(query);
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let (matches, rank) = match connection.kind() {
        DatabaseKind::Postgres => {
            let tsquery = || Piece::Text(words.tsquery());
            (
                vec![
                    Piece::Sql("search_vector @@ to_tsquery('simple', "),
                    tsquery(),
                    Piece::Sql(")"),
                ],
                vec![
                    Piece::Sql("-CAST(ts_rank_cd(search_vector, to_tsquery('simple', "),
                    tsquery(),
                    Piece::Sql(")) AS double precision)"),
                ],
            )
        }
        DatabaseKind::Sqlite => {
            // Of a user's own entries few match, so that looking each one's rank up again costs little.
            let matching = |end| {
                vec![
                    Piece::Sql("SELECT rank FROM knowledge_fts WHERE knowledge_fts MATCH "),
                    Piece::Text(words.fts5()),
                    Piece::Sql(end),
                ]
            };
            let mut rank = vec![Piece::Sql("(")];
            rank.extend(matching(" AND rowid = knowledge_entries.seq)"));
            (
                vec![
                    Piece::Sql("knowledge_entries.seq IN (SELECT rowid FROM knowledge_fts WHERE knowledge_fts MATCH "),
                    Piece::Text(words.fts5()),
                    Piece::Sql(")"),
                ],
                rank,
            )
        }
    };
    let rows: Vec<KnowledgeRow> = knowledge_entries::table
        .filter(knowledge_entries::user_id.eq(Sql(user)))
        // Planned anew each time: a plan for any user and any words would read all of the user's entries.
        .filter(Raw::<Bool>::uncached(matches))
        .order((
            Raw::<Double>::new(rank),
            knowledge_entries::created_at.desc(),
            knowledge_entries::id.desc(),
        ))
        .limit(i64::from(limit))
        .select(KnowledgeRow::as_select())
        .load(connection)?;
    Ok(rows.into_iter().map(KnowledgeEntry::from).collect())
}
