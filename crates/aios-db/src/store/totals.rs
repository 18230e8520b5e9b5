//! How many active agents there are: of each kind and with each tag, kept by triggers in the transaction of each change, so
//! that a list's total and the figures of the marketplace cost a few rows whatever their number.

use std::collections::{BTreeMap, HashMap, HashSet};

use aios_domain::{AgentFilter, Tag};
use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Double, Nullable, Text};

use crate::connection::{AnyConnection, DatabaseKind, MultiBackend};
use crate::error::DbResult;
use crate::profile::RunQueryDsl;
use crate::raw::{Piece, Raw, prepared};
use crate::schema::{agent_totals, tag_totals, tags};
use crate::search::Words;
use crate::sql_types::Uuid;
use crate::tokens;

/// Over shards, the sum is what there is; without rows it is nothing.
const AGENTS: &str = "CAST(coalesce(sum(agents), 0) AS bigint)";
const INSTALLS: &str = "CAST(coalesce(sum(installs), 0) AS bigint)";

/// How many there are of a tag.
const OF_TAG: &str = "(SELECT CAST(coalesce(sum(agents), 0) AS bigint) FROM tag_totals WHERE tag_id = tags.id)";

/// As an expression, of a statement that is kept prepared.
fn sum(sql: &'static str) -> Raw<BigInt> {
    Raw::new(vec![Piece::Sql(sql)])
}

/// How many active agents there are, and how many installations of them are active.
///
/// # Errors
/// Those of the database.
pub fn marketplace_totals(connection: &mut AnyConnection) -> DbResult<(i64, i64)> {
    Ok(agent_totals::table
        .select((sum(AGENTS), sum(INSTALLS)))
        .first(connection)?)
}

/// How many active agents pass the filter, where that is kept: for every filter by category, pricing, verified and featured,
/// for a rating by itself, and for a single tag by itself; for several tags by themselves, from what is kept of the most common one. `None` for others,
/// whose agents have to be counted.
///
/// # Errors
/// Those of the database.
pub fn agent_total(connection: &mut AnyConnection, filter: &AgentFilter) -> DbResult<Option<i64>> {
    if filter.search.is_some() {
        return Ok(None);
    }
    if let Some(rating) = filter.min_rating {
        let by_rating = AgentFilter {
            min_rating: filter.min_rating,
            ..AgentFilter::default()
        };
        let is_alone = *filter == by_rating;
        return is_alone.then(|| rating_total(connection, rating)).transpose();
    }
    match filter.distinct_tags().as_slice() {
        [] => kind_total(connection, filter).map(Some),
        [tag] if is_by_tags(filter) => tag_total(connection, tag).map(Some),
        [_, ..] if is_by_tags(filter) => tags_total(connection, &filter.tags).map(Some),
        _ => Ok(None),
    }
}

fn is_by_tags(filter: &AgentFilter) -> bool {
    let of_any_kind = AgentFilter {
        tags: filter.tags.clone(),
        ..AgentFilter::default()
    };
    *filter == of_any_kind
}

fn kind_total(connection: &mut AnyConnection, filter: &AgentFilter) -> DbResult<i64> {
    let mut query: agent_totals::BoxedQuery<'_, MultiBackend, BigInt> =
        agent_totals::table.select(sum(AGENTS)).into_boxed();
    if let Some(category) = &filter.category {
        query = query.filter(agent_totals::category.eq(category.as_str()));
    }
    if let Some(model) = filter.pricing_model {
        query = query.filter(agent_totals::pricing_model.eq(model.as_str()));
    }
    if let Some(is_verified) = filter.is_verified {
        query = query.filter(agent_totals::is_verified.eq(is_verified));
    }
    if let Some(is_featured) = filter.is_featured {
        query = query.filter(agent_totals::is_featured.eq(is_featured));
    }
    Ok(query.first(connection)?)
}

fn tag_total(connection: &mut AnyConnection, tag: &str) -> DbResult<i64> {
    Ok(tag_totals::table
        .inner_join(tags::table)
        .filter(tags::name.eq(tag))
        .select(sum(AGENTS))
        .first(connection)?)
}

/// How many active agents are rated so or better: those of the tenths of a star from there on, which are kept, and where it
/// is between two tenths, those up to the next one, which are counted.
fn rating_total(connection: &mut AnyConnection, rating: f64) -> DbResult<i64> {
    let nearest = (rating * 10.0).round();
    // A rating that is a tenth is the same number, whether somebody wrote it or a sum was divided.
    let is_tenth = (nearest / 10.0).to_bits() == rating.to_bits();
    let next = if is_tenth {
        nearest
    } else {
        (rating * 10.0).floor() + 1.0
    };
    let kept = prepared(
        "SELECT CAST(coalesce(sum(agents), 0) AS bigint) AS agents FROM rating_totals WHERE tenths >= CAST($1 AS bigint)",
    );
    let kept: Counted = kept.bind::<Double, _>(next).get_result(connection)?;
    let between = if is_tenth {
        None
    } else {
        let between = prepared(
            "SELECT count(*) AS agents FROM marketplace_agents \
             WHERE is_active AND rating_average >= $1 AND rating_average < $2",
        );
        let between = between.bind::<Double, _>(rating).bind::<Double, _>(next / 10.0);
        between.get_result::<Counted>(connection)?.agents
    };
    Ok(kept.agents.unwrap_or_default() + between.unwrap_or_default())
}

/// How many active agents bear any of the tags: those of the most common one, which is kept, and those of the others that do not
/// bear it, which are counted.
fn tags_total(connection: &mut AnyConnection, tags: &[Tag]) -> DbResult<i64> {
    let mut counted = tags_counted(connection, tags)?;
    counted.sort_unstable_by_key(|tag| (tag.agents, tag.id));
    let Some(most_common) = counted.pop() else {
        return Ok(0);
    };
    if counted.is_empty() {
        return Ok(most_common.agents);
    }
    let others: Vec<String> = (1..=counted.len()).map(|number| format!("${number}")).collect();
    let mut query = prepared(format!(
        "SELECT count(*) AS agents \
         FROM (SELECT DISTINCT agent_id FROM agent_tags WHERE tag_id IN ({})) AS others \
         JOIN marketplace_agents ON marketplace_agents.id = others.agent_id \
         WHERE is_active AND NOT EXISTS ( \
             SELECT 1 FROM agent_tags WHERE agent_tags.agent_id = others.agent_id AND tag_id = ${} \
         )",
        others.join(", "),
        counted.len() + 1
    ));
    for tag in counted {
        query = query.bind::<Uuid, _>(tag.id);
    }
    let query = query.bind::<Uuid, _>(most_common.id);
    Ok(most_common.agents + query.get_result::<Counted>(connection)?.agents.unwrap_or_default())
}

/// A tag that is borne.
#[derive(Clone, Copy, Debug, Queryable)]
pub(crate) struct CountedTag {
    pub(crate) id: uuid::Uuid,
    /// How many active agents bear it.
    pub(crate) agents: i64,
    /// About how many agents there are; not more than 0 where nobody knows.
    pub(crate) all: i64,
}

/// Those of the tags that there are, and how many active agents bear each of them.
///
/// # Errors
/// Those of the database.
pub(crate) fn tags_counted(connection: &mut AnyConnection, names: &[Tag]) -> DbResult<Vec<CountedTag>> {
    // Each by itself: of an array PostgreSQL would expect ten, and plan the statement anew each time.
    let mut is_named = vec![Piece::Sql("tags.name IN (")];
    for (place, name) in names.iter().enumerate() {
        is_named.extend((place > 0).then_some(Piece::Sql(", ")));
        is_named.push(Piece::Text(name.as_str().to_owned()));
    }
    is_named.push(Piece::Sql(")"));
    let all = match connection.kind() {
        DatabaseKind::Postgres => {
            "(SELECT CAST(reltuples AS bigint) FROM pg_class WHERE oid = CAST('marketplace_agents' AS regclass))"
        }
        DatabaseKind::Sqlite => "(SELECT coalesce(max(seq), 0) FROM marketplace_agents)",
    };
    Ok(tags::table
        .filter(Raw::<Bool>::new(is_named))
        .select((tags::id, sum(OF_TAG), sum(all)))
        .load(connection)?)
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Nullable<BigInt>)]
    agents: Option<i64>,
}

/// How many active agents a search of these words finds, where that is kept: for a single word. `None` for others, and for a
/// word that the database does not take as it is.
///
/// Of an agent's words with one beginning, the first one shares fewer letters with the word before it than the beginning has,
/// and no other does: so each agent counts once, by the words of one range.
///
/// # Errors
/// Those of the database.
pub(crate) fn word_total(connection: &mut AnyConnection, words: &Words) -> DbResult<Option<i64>> {
    let Some(word) = words.alone() else { return Ok(None) };
    let (total, word) = match connection.kind() {
        DatabaseKind::Postgres => (
            "SELECT CASE WHEN CAST(to_tsquery('simple', $1 || ':*') AS text) = '''' || $1 || ''':*' THEN ( \
                 SELECT CAST(coalesce(sum(agents), 0) AS bigint) FROM search_words \
                 WHERE word >= $1 AND word < $2 AND shared < $3 \
             ) END AS agents",
            Some(word.to_owned()),
        ),
        DatabaseKind::Sqlite => (
            "SELECT coalesce(sum(agents), 0) AS agents FROM search_words \
             WHERE word >= $1 AND word < $2 AND shared < $3",
            tokens::folded(word),
        ),
    };
    let Some(word) = word else { return Ok(None) };
    let end = format!("{word}\u{10FFFF}");
    let letters = i64::try_from(word.chars().count()).unwrap_or(i64::MAX);
    let total = prepared(total)
        .bind::<Text, _>(word)
        .bind::<Text, _>(end)
        .bind::<BigInt, _>(letters);
    Ok(total.get_result::<Counted>(connection)?.agents)
}

/// Counts anew what the triggers keep, after a load that ran without them. Nobody else writes meanwhile.
///
/// # Errors
/// Those of the database.
pub(crate) fn totals_recount(connection: &mut AnyConnection) -> DbResult<()> {
    for statement in [
        "DELETE FROM agent_totals",
        "INSERT INTO agent_totals (category, pricing_model, is_verified, is_featured, shard, agents, installs) \
         SELECT coalesce(category, ''), pricing_model, is_verified, is_featured, 0, count(*), sum(install_count) \
         FROM marketplace_agents WHERE is_active GROUP BY 1, 2, 3, 4",
        "DELETE FROM rating_totals",
        "INSERT INTO rating_totals (tenths, shard, agents) \
         SELECT CASE WHEN rating_count = 0 THEN 0 ELSE rating_sum * 10 / rating_count END, 0, count(*) \
         FROM marketplace_agents WHERE is_active GROUP BY 1",
        "DELETE FROM tag_totals",
        "INSERT INTO tag_totals (tag_id, shard, agents) \
         SELECT tag_id, 0, count(*) FROM agent_tags JOIN marketplace_agents ON marketplace_agents.id = agent_id \
         WHERE is_active GROUP BY tag_id",
    ] {
        sql_query(statement).execute(connection)?;
    }
    Ok(())
}

/// Counts anew in how many active agents each word stands, by how many letters it shares with the one before it there, after a
/// load that ran without triggers, when the indexes are back.
///
/// # Errors
/// Those of the database.
pub(crate) fn words_recount(connection: &mut AnyConnection) -> DbResult<()> {
    sql_query("DELETE FROM search_words").execute(connection)?;
    match connection {
        AnyConnection::Postgres(_) => {
            let counted = "INSERT INTO search_words (word, shared, shard, agents) \
                           SELECT word, shared, -1, count(*) FROM marketplace_agents, aios_words_shared(search_vector) \
                           WHERE is_active GROUP BY word, shared";
            sql_query(counted).execute(connection)?;
        }
        AnyConnection::Sqlite(sqlite) => {
            let counted = words_counted(sqlite)?;
            for ((word, shared), agents) in counted {
                sql_query("INSERT INTO search_words (word, shared, shard, agents) VALUES ($1, $2, 0, $3)")
                    .bind::<Text, _>(word)
                    .bind::<BigInt, _>(shared)
                    .bind::<BigInt, _>(agents)
                    .execute(connection)?;
            }
        }
    }
    Ok(())
}

/// A word that stands in an agent's text.
#[derive(QueryableByName)]
struct Instance {
    #[diesel(sql_type = Text)]
    term: String,
    #[diesel(sql_type = BigInt)]
    doc: i64,
}

/// Nothing is shared beyond: a search has no longer words.
const SHARED_AT_MOST: usize = 60;

/// Words and how many letters they share with the one before, and in how many agents they stand so. The index tells them word by
/// word, so that all that has to be known of an agent is its last one; to sort them by agents takes several times as long.
fn words_counted(connection: &mut SqliteConnection) -> DbResult<Vec<((String, i64), i64)>> {
    let withdrawn = sql_query("SELECT '' AS term, seq AS doc FROM marketplace_agents WHERE NOT is_active");
    let withdrawn = withdrawn.load::<Instance>(connection)?;
    let withdrawn: HashSet<i64> = withdrawn.into_iter().map(|agent| agent.doc).collect();
    let instances = sql_query("SELECT term, doc FROM agents_fts_instances");
    let instances = diesel::RunQueryDsl::load_iter::<Instance, DefaultLoadingMode>(instances, connection)?;
    let mut counted = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut last: HashMap<i64, usize> = HashMap::new();
    // Of the word that is being read.
    let mut by_shared: BTreeMap<usize, i64> = BTreeMap::new();
    for instance in instances {
        let Instance { term, doc } = instance?;
        if words.last() != Some(&term) {
            counted.extend(finished(words.last(), &mut by_shared));
            words.push(term);
        }
        let place = words.len();
        if withdrawn.contains(&doc) {
            continue;
        }
        let before = last.insert(doc, place);
        if before == Some(place) {
            continue;
        }
        let before = before.and_then(|place| words.get(place - 1));
        let shared = before
            .zip(words.last())
            .map_or(0, |(before, word)| letters_shared(before, word));
        *by_shared.entry(shared).or_default() += 1;
    }
    counted.extend(finished(words.last(), &mut by_shared));
    Ok(counted)
}

fn finished(word: Option<&String>, by_shared: &mut BTreeMap<usize, i64>) -> Vec<((String, i64), i64)> {
    let shares = std::mem::take(by_shared).into_iter();
    let shares = shares.filter_map(|(shared, agents)| Some(((word?.clone(), i64::try_from(shared).ok()?), agents)));
    shares.collect()
}

fn letters_shared(one: &str, other: &str) -> usize {
    let letters = one.chars().zip(other.chars()).take(SHARED_AT_MOST);
    letters.take_while(|(one, other)| one == other).count()
}
