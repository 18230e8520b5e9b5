//! The arguments that stand for all others: the most popular agent, an ordinary user, a common tag and a rare one.

use std::fmt::Write as _;
use std::sync::Arc;

use aios_db::store::agent_list::{AgentListQuery, agent_list};
use aios_db::store::edge_purges::{EdgePurge, edge_purge_ask, edge_purge_due};
use aios_db::store::installations::installation_list;
use aios_db::store::knowledge::knowledge_insert;
use aios_db::store::outbox::{InvalidationId, invalidation_insert, invalidation_list};
use aios_db::store::reviews::review_list;
use aios_db::{
    AnyConnection, CountMode, DatabaseKind, DbResult, FarPages, ListTask, PageAt, PageRequest, Paging, recording, store,
};
use aios_domain::{
    Agent, AgentFieldSet, AgentFilter, AgentId, AgentSort, CategoryName, ContentType, Error, JsonObject,
    KnowledgeDraft, KnowledgeId, KnowledgeSource, KnowledgeText, KnowledgeTitle, Tag, Timestamp, UserId,
};
use aios_pagination::{Boundaries, CursorCodec, ListingKey};
use chrono::TimeDelta;

/// How many rows a page of the catalogue has: the service's usual number.
pub(super) const PAGE: u32 = 20;

/// The name of the CDN whose purges there are.
pub(super) const EDGE: &str = "cdn";

/// Arguments, found in a filled database.
pub struct Sample {
    pub(super) cursors: CursorCodec,
    /// The agent with the most installations, and with many reviews.
    pub(super) popular: Agent,
    /// Those of the first page by popularity.
    pub(super) ids: Vec<AgentId>,
    /// A user who has reviewed the popular agent, and installed some.
    pub(super) user: UserId,
    /// One that this user has installed.
    pub(super) installed: AgentId,
    /// The user with entries of knowledge, and one of them.
    pub(super) reader: UserId,
    pub(super) entry: KnowledgeId,
    pub(super) category: CategoryName,
    pub(super) small_category: CategoryName,
    pub(super) common_tag: Tag,
    pub(super) middling_tag: Tag,
    pub(super) rare_tag: Tag,
    /// The cursors to the second page of some lists, and back.
    turned: Vec<(AgentListQuery, String)>,
    pub(super) installations_cursor: Option<String>,
    pub(super) reviews_cursor: Option<String>,
    /// The boundaries of the list by popularity.
    boundaries: Arc<Boundaries>,
    pub(super) listing: ListingKey,
    pub(super) invalidation: InvalidationId,
    pub(super) purges: Vec<EdgePurge>,
    /// The moment at which the data end.
    pub(super) now: Timestamp,
}

impl std::fmt::Debug for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sample").finish_non_exhaustive()
    }
}

impl FarPages for Sample {
    fn boundaries(&self, _: ListingKey, skip: u64) -> Option<Arc<Boundaries>> {
        (skip > 10_000).then(|| Arc::clone(&self.boundaries))
    }
}

fn lacking(what: &str) -> Error {
    Error::internal(format!("the data set has no {what}: fill the database first"))
}

/// The active agents in this order that pass the filter, with all fields.
pub(super) fn listed(sort: AgentSort, filter: AgentFilter) -> AgentListQuery {
    AgentListQuery {
        filter,
        sort,
        fields: AgentFieldSet::ALL,
    }
}

/// The first page, uncounted.
pub(super) fn first() -> PageRequest {
    PageRequest {
        count: CountMode::None,
        ..PageRequest::first(PAGE)
    }
}

/// The page that a cursor leads to, uncounted.
pub(super) fn behind(cursor: String) -> PageRequest {
    PageRequest {
        at: PageAt::Cursor(cursor),
        ..first()
    }
}

impl Sample {
    /// Finds the arguments in a database that was filled with the seed and [`furnish`]ed.
    ///
    /// # Errors
    /// Those of the database; `Internal` where it is empty.
    pub fn of(connection: &mut AnyConnection, now: Timestamp) -> DbResult<Self> {
        let cursors = CursorCodec::signed(b"the catalogue's own secret");
        let paging = paging(&cursors, &());
        let popular = agent_list(
            connection,
            &paging,
            &listed(AgentSort::Popular, AgentFilter::default()),
            &first(),
        )?;
        let ids: Vec<AgentId> = popular.listing.items.iter().filter_map(|agent| agent.id).collect();
        let id = *ids.first().ok_or_else(|| lacking("agent"))?;
        let popular = store::agents::agent_find(connection, id)?.ok_or_else(|| lacking("agent"))?;
        let reviews = review_list(connection, &paging, id, None, &first())?;
        let user = reviews.items.first().ok_or_else(|| lacking("review"))?.user_id;
        let installations = installation_list(connection, &paging, user, &PageRequest { limit: 2, ..first() })?;
        let installed = installations
            .items
            .first()
            .ok_or_else(|| lacking("installation"))?
            .agent_id;
        let invalidation = invalidation_list(connection, None, 1)?
            .first()
            .map(|invalidation| invalidation.id);
        let purges = edge_purge_due(connection, EDGE, now + TimeDelta::seconds(5), 10)?;
        let category = popular.summary.category.clone().ok_or_else(|| lacking("category"))?;
        let counts = store::categories::category_counts(connection)?;
        let small = counts
            .into_iter()
            .filter(|category| category.count > 0)
            .min_by_key(|category| category.count);
        let (common_tag, middling_tag, rare_tag) = tags(connection, &paging)?;
        let (reader, entry) = knowledge(connection, &paging)?;
        let (listing, boundaries) = boundaries(connection, &cursors)?;
        let mut sample = Self {
            turned: Vec::new(),
            installations_cursor: installations.next_cursor,
            reviews_cursor: reviews.next_cursor,
            boundaries: Arc::new(boundaries),
            listing,
            cursors,
            popular,
            ids,
            user,
            installed,
            invalidation: invalidation.ok_or_else(|| lacking("invalidation"))?,
            purges,
            reader,
            entry,
            category,
            small_category: small.ok_or_else(|| lacking("category"))?.name,
            common_tag,
            middling_tag,
            rare_tag,
            now,
        };
        sample.turn_pages(connection)?;
        Ok(sample)
    }

    /// How the lists of the catalogue are read.
    pub(super) fn paging(&self) -> Paging<'_> {
        paging(&self.cursors, self)
    }

    /// The second page of a list, by its cursor.
    pub(super) fn second(&self, query: &AgentListQuery) -> PageRequest {
        let turned = self.turned.iter().find(|(known, _)| known == query);
        turned.map_or_else(first, |(_, cursor)| behind(cursor.clone()))
    }

    fn turn_pages(&mut self, connection: &mut AnyConnection) -> DbResult<()> {
        let everywhere = AgentFilter::default();
        let here = AgentFilter {
            category: Some(self.category.clone()),
            ..AgentFilter::default()
        };
        for sort in super::lists::SORTS {
            for filter in [&everywhere, &here] {
                let query = listed(sort, filter.clone());
                let page = agent_list(connection, &paging(&self.cursors, &()), &query, &first())?;
                self.turned
                    .extend(page.listing.next_cursor.map(|cursor| (query, cursor)));
            }
        }
        Ok(())
    }
}

fn paging<'a>(cursors: &'a CursorCodec, far: &'a dyn FarPages) -> Paging<'a> {
    Paging {
        cursors,
        task: ListTask::Page(far),
    }
}

/// The tags of the newest agents that the most, some, and the fewest agents bear.
fn tags(connection: &mut AnyConnection, paging: &Paging<'_>) -> DbResult<(Tag, Tag, Tag)> {
    let request = PageRequest { limit: 100, ..first() };
    let newest = agent_list(
        connection,
        paging,
        &listed(AgentSort::Recent, AgentFilter::default()),
        &request,
    )?;
    let mut tags: Vec<Tag> = newest
        .listing
        .items
        .into_iter()
        .filter_map(|agent| agent.tags)
        .flatten()
        .collect();
    tags.sort_unstable();
    tags.dedup();
    let mut counted = Vec::with_capacity(tags.len());
    for tag in tags {
        let filter = AgentFilter {
            tags: vec![tag.clone()],
            ..AgentFilter::default()
        };
        let request = PageRequest {
            limit: 1,
            ..PageRequest::first(1)
        };
        let page = agent_list(connection, paging, &listed(AgentSort::Recent, filter), &request)?;
        counted.push((page.listing.total.unwrap_or_default(), tag));
    }
    counted.sort_unstable();
    let at = |place: usize| {
        counted
            .get(place)
            .map(|(_, tag)| tag.clone())
            .ok_or_else(|| lacking("tag"))
    };
    let last = counted.len().saturating_sub(1);
    Ok((at(last)?, at(last / 2)?, at(0)?))
}

fn boundaries(connection: &mut AnyConnection, cursors: &CursorCodec) -> DbResult<(ListingKey, Boundaries)> {
    let found = std::cell::RefCell::new(None);
    let query = listed(AgentSort::Popular, AgentFilter::default());
    let heard = ListingHeard::default();
    // The list's key is learned by asking for a far page.
    let far = PageRequest {
        at: PageAt::Number(2),
        ..first()
    };
    agent_list(connection, &paging(cursors, &heard), &query, &far)?;
    let listing = heard.listing.get().ok_or_else(|| lacking("list"))?;
    let task = ListTask::Sample {
        listing,
        every: 1_000,
        found: &|boundaries| *found.borrow_mut() = Some(boundaries),
    };
    agent_list(connection, &Paging { cursors, task }, &query, &first())?;
    let boundaries = found.into_inner().ok_or_else(|| lacking("list"))?;
    Ok((listing, boundaries))
}

#[derive(Default)]
struct ListingHeard {
    listing: std::cell::Cell<Option<ListingKey>>,
}

impl FarPages for ListingHeard {
    fn boundaries(&self, listing: ListingKey, _: u64) -> Option<Arc<Boundaries>> {
        self.listing.set(Some(listing));
        None
    }
}

/// How many users have entries; how many each has, and the one who collects.
const READERS: u64 = 20;
const ENTRIES: u64 = 40;
const COLLECTED: u64 = 1_500;

/// Adds what the seed does not make: entries of knowledge, and what waits for caches and edges. Does nothing where it was
/// done before.
///
/// # Errors
/// Those of the database.
pub fn furnish(connection: &mut AnyConnection, now: Timestamp) -> DbResult<()> {
    if recording::number(connection, "SELECT count(*) AS number FROM knowledge_entries")? > 0 {
        return Ok(());
    }
    recording::execute(connection, "BEGIN")?;
    for number in 0..READERS {
        let reader = reader(number);
        let caller = aios_domain::Caller {
            id: reader,
            email: None,
            role: aios_domain::Role::User,
        };
        store::users::user_ensure(connection, &caller, now)?;
        let entries = if number == READERS / 2 { COLLECTED } else { ENTRIES };
        for entry in 0..entries {
            let age = TimeDelta::minutes(i64::try_from(entry).unwrap_or_default());
            knowledge_insert(connection, reader, &text(entry), now - age)?;
        }
    }
    for number in 0..200 {
        let tags = [format!("agent:{number}")];
        invalidation_insert(connection, InvalidationId::new(), &tags, now)?;
        let next = now + TimeDelta::seconds(number);
        edge_purge_ask(connection, EDGE, &tags, next, next)?;
    }
    recording::execute(connection, "COMMIT")?;
    // As production's autovacuum does: what GIN indexes have not yet sorted in is dear to read, and plans avoid it.
    let tidy = match connection.kind() {
        DatabaseKind::Postgres => "VACUUM (ANALYZE) knowledge_entries, cache_invalidations, edge_purges",
        DatabaseKind::Sqlite => "ANALYZE",
    };
    recording::execute(connection, tidy)
}

fn reader(number: u64) -> UserId {
    UserId(uuid::Uuid::from_u64_pair(
        0x019a_0000_0000_7000,
        0x8000_0000_0000_0000 | number,
    ))
}

/// What an entry of knowledge says.
pub(super) fn text(number: u64) -> KnowledgeDraft {
    let kinds = ["note", "document", "page", "mail"];
    let kind = usize::try_from(number).unwrap_or_default() % kinds.len();
    KnowledgeDraft {
        title: KnowledgeTitle::from_trusted(format!("Notes {number} on the quarterly report")),
        source: KnowledgeSource::from_trusted("upload".to_owned()),
        content_type: ContentType::from_trusted(kinds.get(kind).copied().unwrap_or("note").to_owned()),
        text_content: KnowledgeText::from_trusted(body(number)),
        summary: None,
        tags: vec![Tag::from_trusted("reports".to_owned())],
        metadata: JsonObject::default(),
    }
}

/// Some thousand letters, most words of which are in few texts.
fn body(number: u64) -> String {
    let mut text = format!("What was said of budget {number}, of plans and of dates.");
    for line in 0..40 {
        let _ = write!(
            text,
            " Point {line} concerns item {:x} of the list.",
            (number * 40 + line) * 7919 % 100_003
        );
    }
    text
}

fn knowledge(connection: &mut AnyConnection, paging: &Paging<'_>) -> DbResult<(UserId, KnowledgeId)> {
    let reader = reader(READERS / 2);
    let filter = aios_domain::KnowledgeFilter::default();
    let entries = store::knowledge::knowledge_list(connection, paging, reader, &filter, &first())?;
    let entry = entries.items.first().ok_or_else(|| lacking("entry of knowledge"))?;
    Ok((reader, entry.id))
}
