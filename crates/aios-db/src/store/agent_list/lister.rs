//! One list being read: its conditions, its order, and for a search of a usual word, how far it has to be read.

use aios_domain::{AgentFilter, AgentId, AgentSort, CategoryName, PricingModel};
use aios_pagination::sql::SqlOrder;
use aios_pagination::{Expected, Fingerprint, Value};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Double};

use super::matching::{Matching, Planned};
use super::rows::{ListedRow, NO_RANK, selection};
use super::{AgentListQuery, AgentPage};
use crate::connection::{DatabaseKind, MultiBackend};
use crate::paging::{
    CountMode, ListTask, Listing, PageAt, PageRequest, Paging, count_list, read_deferred, read_near, read_page,
};
use crate::profile::RunQueryDsl;
use crate::raw::{Piece, Raw};
use crate::schema::marketplace_agents;
use crate::store::search_tiers::TOP_TIER;
use crate::store::tag_filter::TagCondition;
use crate::store::totals::{agent_total, word_total};
use crate::{AnyConnection, DbResult};

type Agents = marketplace_agents::table;
type BoxedAgents = marketplace_agents::BoxedQuery<'static, MultiBackend, super::rows::ListedSql>;
type AgentOrder = SqlOrder<ListedRow, Agents, MultiBackend>;

/// A word is usual from so many matches on: then the best known of them are ranked before the others.
const USUAL: &str = " LIMIT 50) AS matches) >= 50";

/// Bare, as in the partial indexes' own conditions.
const IS_ACTIVE: &str = "marketplace_agents.is_active";

/// Along the order of a list, so many agents are looked at for the words of a search, each for some microseconds.
const WALK: u64 = 4_000;

/// They are where fifty agents of this tier or above have the words: one in 160 of the most popular, at least.
const WALKED_FROM: i64 = 2;

/// One list, being read.
pub(super) struct Lister<'a> {
    pub(super) paging: &'a Paging<'a>,
    pub(super) query: &'a AgentListQuery,
    pub(super) request: &'a PageRequest,
    pub(super) matching: Matching,
    /// That they bear any of the tags of the filter.
    pub(super) tagged: TagCondition,
}

impl Lister<'_> {
    pub(super) fn list(&self, connection: &mut AnyConnection) -> DbResult<AgentPage> {
        let uncounted = PageRequest {
            count: CountMode::None,
            ..self.request.clone()
        };
        let mut listing = if self.query.sort == AgentSort::Relevance && self.matching.has_tiers() {
            self.list_by_relevance(connection, &uncounted)?
        } else {
            self.read(connection, &uncounted, Reach::ALL)?
        };
        if matches!(self.paging.task, ListTask::Page(_)) {
            listing.total = self.count(connection)?;
        }
        let shown = listing.items.iter().map(|row| AgentId(row.id)).collect();
        let gains_published = self.gains_published(&listing);
        let fields = self.query.fields;
        Ok(AgentPage {
            listing: listing.try_map(|row| row.into_summary(fields))?,
            matched: self.matching.matched(),
            shown,
            gains_published,
        })
    }

    /// How many agents there are in the list, as the request wants it counted: from the totals that are kept, or else one by one.
    pub(super) fn count(&self, connection: &mut AnyConnection) -> DbResult<Option<i64>> {
        if self.request.count == CountMode::None {
            return Ok(None);
        }
        if let Some(total) = agent_total(connection, &self.query.filter)? {
            return Ok(Some(total));
        }
        if let Some(total) = self.total_by_word(connection)? {
            return Ok(Some(total));
        }
        let kind = connection.kind();
        let tagged = TagCondition::of(connection, &self.query.filter.tags)?.for_counting();
        let order = self.order(kind, Reach::ALL);
        let pager = order.pager(self.paging.cursors).filters(self.fingerprint(Reach::ALL));
        count_list(connection, self.request, &pager, || {
            self.base(kind, Reach::ALL, &tagged)
        })
    }

    /// How many agents a search of a single word finds, where nothing else is asked of them.
    fn total_by_word(&self, connection: &mut AnyConnection) -> DbResult<Option<i64>> {
        let filter = &self.query.filter;
        let is_alone = AgentFilter {
            search: filter.search.clone(),
            ..AgentFilter::default()
        } == *filter;
        match &self.matching {
            Matching::Words(words) | Matching::Corrected(words) if is_alone => word_total(connection, words),
            _ => Ok(None),
        }
    }

    /// A page of what a search found, the best first.
    ///
    /// To rank all that match a usual word takes as long as there are matches, for a page of twenty. So agents have tiers by
    /// how popular they are ([`crate::store::search_tiers`]), with a full-text index for each. The highest tiers that hold
    /// enough matches together are ranked as one, and only where a page goes on beyond them, the tiers below, one after the
    /// other. Where few match, all tiers together do not hold enough, and everything is ranked as one.
    fn list_by_relevance(&self, connection: &mut AnyConnection, request: &PageRequest) -> DbResult<Listing<ListedRow>> {
        let mut reach = self.first_reach(connection)?;
        if !matches!(self.paging.task, ListTask::Page(_)) {
            reach.down_to = 0;
        }
        loop {
            let listing = self.read(connection, request, reach)?;
            // Where something follows in these tiers, the page itself is complete.
            if reach.down_to == 0 || listing.next_cursor.is_some() {
                return Ok(listing);
            }
            reach.down_to -= 1;
        }
    }

    /// Where to begin. A cursor says which tiers were ranked as one when it was made, so that all pages of a walk agree.
    fn first_reach(&self, connection: &mut AnyConnection) -> DbResult<Reach> {
        let kind = connection.kind();
        if let PageAt::Cursor(cursor) = &self.request.at {
            for as_one in (0..=TOP_TIER).rev() {
                let reach = Reach::of(as_one);
                let order = self.order(kind, reach);
                let expected = Expected::new(order.in_memory(), self.fingerprint(reach));
                let Ok(position) = self.paging.cursors.decode(cursor, expected) else {
                    continue;
                };
                // Rows before the cursor's are of its tier or of higher ones, and the page behind it begins in its tier.
                let tier = match position.values().first() {
                    Some(Value::Int(tier)) => *tier,
                    _ => 0,
                };
                let down_to = tier.clamp(0, as_one);
                return Ok(Reach { as_one, down_to });
            }
        }
        Ok(Reach::of(self.usual_from(connection)?))
    }

    /// The highest tier which, with those above it, holds enough matches to rank these first; 0 where there is none.
    fn usual_from(&self, connection: &mut AnyConnection) -> DbResult<i64> {
        let kind = connection.kind();
        let mut pieces = vec![Piece::Sql("CAST(CASE")];
        for tier in (1..=TOP_TIER).rev() {
            pieces.push(Piece::Sql(
                " WHEN (SELECT count(*) FROM (SELECT 1 FROM marketplace_agents WHERE ",
            ));
            pieces.extend(self.conditions(kind, &self.tagged, self.matching.condition(kind, tier, Planned::Once)));
            pieces.push(Piece::Sql(USUAL));
            pieces.push(Piece::Sql(match tier {
                3.. => " THEN 3",
                2 => " THEN 2",
                _ => " THEN 1",
            }));
        }
        pieces.push(Piece::Sql(" ELSE 0 END AS bigint)"));
        // The lower tiers are looked at only where the higher ones do not suffice.
        Ok(diesel::select(Raw::<BigInt>::new(pieces)).get_result(connection)?)
    }

    fn read(
        &self,
        connection: &mut AnyConnection,
        request: &PageRequest,
        reach: Reach,
    ) -> DbResult<Listing<ListedRow>> {
        let kind = connection.kind();
        let order = self.order(kind, reach);
        let pager = order
            .pager(self.paging.cursors)
            .filters(self.fingerprint(reach))
            .limit(request.limit);
        let pager = if self.is_read_alike() { pager.keep_plan() } else { pager };
        if let Some(told) = self.worth_walking(connection)? {
            let wide = || self.selected(kind, vec![Piece::Sql(IS_ACTIVE)]);
            let base = || self.selected(kind, self.conditions(kind, &self.tagged, told.clone()));
            if let Some(page) = read_near(connection, request, &pager, WALK, wide, base)? {
                return Ok(page);
            }
        }
        if self.is_found_in_the_index(kind) {
            let base = || self.base(kind, reach, &self.tagged);
            if let Some(page) = read_deferred(connection, request, &pager, base)? {
                return Ok(page);
            }
        }
        read_page(connection, self.paging, request, &pager, || {
            self.base(kind, reach, &self.tagged)
        })
    }

    fn base(&self, kind: DatabaseKind, reach: Reach, tagged: &TagCondition) -> BoxedAgents {
        let planned = if self.query.sort == AgentSort::Relevance {
            Planned::Once
        } else {
            Planned::Anew
        };
        let matching = self.matching.condition(kind, reach.down_to, planned);
        self.selected(kind, self.conditions(kind, tagged, matching))
    }

    fn selected(&self, kind: DatabaseKind, conditions: Vec<Piece>) -> BoxedAgents {
        marketplace_agents::table
            .select(selection(self.query.fields, self.query.sort, self.rank_shown(kind)))
            .filter(Raw::<Bool>::new(conditions))
            .into_boxed()
    }

    /// Whether the index with the keys of the order tells which agents are in the list, for PostgreSQL: those of common tags, which
    /// are told by their ids.
    fn is_found_in_the_index(&self, kind: DatabaseKind) -> bool {
        let filter = &self.query.filter;
        let by_tags = AgentFilter {
            tags: filter.tags.clone(),
            category: filter.category.clone(),
            ..AgentFilter::default()
        };
        let is_page = matches!(self.paging.task, ListTask::Page(_));
        kind == DatabaseKind::Postgres && is_page && self.tagged.are_met_soon() && *filter == by_tags
    }

    /// How it is told whether an agent that is met along the order of the list has the words, where that finds a page sooner
    /// than the full-text index: its matches have to be fetched and sorted, all of them, and here they are many.
    fn worth_walking(&self, connection: &mut AnyConnection) -> DbResult<Option<Vec<Piece>>> {
        let is_along_an_index = self.query.sort != AgentSort::Relevance && self.query.filter.tags.is_empty();
        if !is_along_an_index || !matches!(self.paging.task, ListTask::Page(_)) {
            return Ok(None);
        }
        match self.matching.told_by_text(connection.kind()) {
            Some(told) if self.usual_from(connection)? >= WALKED_FROM => Ok(Some(told)),
            _ => Ok(None),
        }
    }

    /// Whether the list is read in the same way whatever the values of its filters: along an index, and how many are passed
    /// over on the way nobody can tell; by the index of a tier and ranked; or by its tags, whose condition says how
    /// ([`TagCondition`]). How common words are in another order, and how high a rating is, makes a difference. Featured agents
    /// have small indexes of their own, which are not taken for so few rows that the plan could be kept for.
    fn is_read_alike(&self) -> bool {
        let filter = &self.query.filter;
        let is_planned_once = filter.search.is_none() || self.query.sort == AgentSort::Relevance;
        is_planned_once && filter.min_rating.is_none() && filter.is_featured.is_none()
    }

    fn rank_shown(&self, kind: DatabaseKind) -> Option<Vec<Piece>> {
        (self.query.sort == AgentSort::Relevance)
            .then(|| self.matching.rank_shown(kind))
            .flatten()
    }

    fn rank(&self, kind: DatabaseKind) -> Option<Vec<Piece>> {
        (self.query.sort == AgentSort::Relevance)
            .then(|| self.matching.rank(kind))
            .flatten()
    }

    /// The filter as SQL.
    fn conditions(&self, kind: DatabaseKind, tagged: &TagCondition, matching: Vec<Piece>) -> Vec<Piece> {
        let filter = &self.query.filter;
        let mut pieces = vec![Piece::Sql(IS_ACTIVE)];
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
        pieces.extend(tagged.pieces(kind));
        pieces.extend(matching);
        pieces
    }

    fn fingerprint(&self, reach: Reach) -> Fingerprint {
        let filter = &self.query.filter;
        let words = filter
            .search
            .as_ref()
            .map(|search| crate::search::Words::of(search).plain());
        Fingerprint::new("agents")
            .with("category", filter.category.as_ref().map(CategoryName::as_str))
            .with("tags", filter.distinct_tags())
            .with("search", words)
            .with("matching", self.matching.name())
            .with("tiers", reach.as_one)
            .with("pricing_model", filter.pricing_model.map(PricingModel::as_str))
            .with("min_rating", filter.min_rating.map(f64::to_bits))
            .with("is_verified", filter.is_verified)
            .with("is_featured", filter.is_featured)
    }

    /// See [`AgentPage::gains_published`].
    fn gains_published(&self, listing: &Listing<ListedRow>) -> bool {
        let Some(last) = listing.items.last().filter(|_| listing.next_cursor.is_some()) else {
            return true;
        };
        match self.query.sort {
            AgentSort::Popular | AgentSort::Installs => last.install_count.unwrap_or_default() == 0,
            AgentSort::Rating => last.rating_average.unwrap_or_default() <= 0.0,
            AgentSort::Trending => last.trending_score.unwrap_or_default() <= 0.0,
            // It comes first, and moves every page that is told by its number.
            AgentSort::Recent => matches!(self.request.at, PageAt::Number(_)) || listing.prev_cursor.is_none(),
            AgentSort::Name | AgentSort::Relevance => true,
        }
    }

    fn order(&self, kind: DatabaseKind, reach: Reach) -> AgentOrder {
        use marketplace_agents as a;

        match self.query.sort {
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
                .desc(Raw::<BigInt>::new(reach.band(kind)), move |row: &ListedRow| {
                    row.search_tier.unwrap_or_default().min(reach.as_one)
                })
                .desc(
                    Raw::<Double>::new(self.rank(kind).unwrap_or_else(|| vec![NO_RANK])),
                    |row| row.rank.unwrap_or_default(),
                )
                .unique_desc(a::id, |row| row.id),
        }
    }
}

/// Which tiers of agents a search reads, and which of them it ranks as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reach {
    /// This one and those above it.
    as_one: i64,
    /// It reads them down to this one.
    down_to: i64,
}

impl Reach {
    const ALL: Self = Self { as_one: 0, down_to: 0 };

    fn of(as_one: i64) -> Self {
        Self {
            as_one,
            down_to: as_one,
        }
    }

    /// The first key of the order by relevance: the tier, one and the same for those that are ranked as one.
    fn band(self, kind: DatabaseKind) -> Vec<Piece> {
        let band = match (kind, self.as_one) {
            (DatabaseKind::Postgres, 3..) => "LEAST(search_tier, 3)",
            (DatabaseKind::Postgres, 2) => "LEAST(search_tier, 2)",
            (DatabaseKind::Postgres, 1) => "LEAST(search_tier, 1)",
            (DatabaseKind::Sqlite, 3..) => "min(search_tier, 3)",
            (DatabaseKind::Sqlite, 2) => "min(search_tier, 2)",
            (DatabaseKind::Sqlite, 1) => "min(search_tier, 1)",
            _ => "CAST(0 AS bigint)",
        };
        vec![Piece::Sql(band)]
    }
}
