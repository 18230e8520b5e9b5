//! Tiers follow popularity, and full-text indexes follow tiers.

use aios_db::store::agents::agent_insert;
use aios_db::store::search_index::search_pending_merge;
use aios_db::store::search_tiers::{tier_changes, tiers_set};
use aios_db::store::users::user_ensure;
use aios_db::{AnyConnection, DatabaseKind};
use aios_domain::{AgentId, Caller, Role, Timestamp, UserId};
use aios_test_support::{TestDatabase, on_both_databases, plain_draft};
use diesel::{QueryableByName, RunQueryDsl, sql_query};

const SIZES: [i64; 3] = [8, 4, 2];

fn now() -> Timestamp {
    "2026-01-31T12:00:00Z".parse().unwrap()
}

/// Twelve agents, the first the most popular.
fn agents(connection: &mut AnyConnection) -> Vec<AgentId> {
    let caller = Caller {
        id: UserId::new(),
        email: None,
        role: Role::User,
    };
    user_ensure(connection, &caller, now()).unwrap();
    let ids: Vec<AgentId> = (0..12)
        .map(|place| {
            let draft = plain_draft(&format!("Sorter {place}"));
            agent_insert(connection, &draft, caller.id, now()).unwrap().summary.id
        })
        .collect();
    for (place, id) in ids.iter().enumerate() {
        installs(connection, *id, 100 - i64::try_from(place).unwrap());
    }
    ids
}

fn installs(connection: &mut AnyConnection, agent: AgentId, count: i64) {
    use aios_db::schema::marketplace_agents as a;
    use diesel::prelude::*;
    diesel::update(a::table.filter(a::id.eq(aios_db::sql_types::Sql(agent.0))))
        .set(a::install_count.eq(count))
        .execute(connection)
        .unwrap();
}

/// The tier of each agent, once what changed has been written.
fn refreshed(connection: &mut AnyConnection, ids: &[AgentId]) -> Vec<i64> {
    use aios_db::schema::marketplace_agents as a;
    use diesel::prelude::*;
    let changes = tier_changes(connection, SIZES).unwrap();
    tiers_set(connection, &changes).unwrap();
    assert_eq!(tier_changes(connection, SIZES).unwrap(), [], "done is done");
    ids.iter()
        .map(|id| {
            a::table
                .filter(a::id.eq(aios_db::sql_types::Sql(id.0)))
                .select(a::search_tier)
                .first(connection)
                .unwrap()
        })
        .collect()
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

on_both_databases! {
    fn what_is_put_aside_for_the_indexes_is_taken_in_once(database: &TestDatabase) {
        let mut connection = database.connection();
        agents(&mut connection);
        let merged = search_pending_merge(&mut connection).unwrap();
        assert_eq!(merged > 0, database.kind() == DatabaseKind::Postgres, "{merged}");
        assert_eq!(search_pending_merge(&mut connection).unwrap(), 0, "nothing is left");
    }

    fn tiers_follow_popularity(database: &TestDatabase) {
        let mut connection = database.connection();
        let connection = &mut connection;
        assert_eq!(tier_changes(connection, SIZES).unwrap(), []);
        let ids = agents(connection);
        assert_eq!(refreshed(connection, &ids), [3, 3, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0]);
        // The last becomes the first, and the first falls behind all others.
        installs(connection, ids[11], 1_000);
        installs(connection, ids[0], 0);
        let changes = tier_changes(connection, SIZES).unwrap();
        assert_eq!(changes.len(), 2, "what stays is not written: {changes:?}");
        assert_eq!(refreshed(connection, &ids), [0, 3, 2, 2, 1, 1, 1, 1, 0, 0, 0, 3]);
        installs(connection, ids[9], 96);
        assert_eq!(refreshed(connection, &ids), [0, 3, 2, 2, 1, 1, 1, 0, 0, 1, 0, 3]);
    }

    fn with_room_for_all_every_agent_has_a_tier(database: &TestDatabase) {
        let mut connection = database.connection();
        let ids = agents(&mut connection);
        let changes = tier_changes(&mut connection, [100, 50, 3]).unwrap();
        let tier = |id: &AgentId| changes.iter().find(|change| change.agent == *id).map(|change| change.tier);
        let expected: Vec<Option<i64>> = (0..12).map(|place| Some(if place < 3 { 3 } else { 2 })).collect();
        assert_eq!(ids.iter().map(tier).collect::<Vec<_>>(), expected);
    }

    fn the_indexes_of_the_tiers_hold_what_is_in_them(database: &TestDatabase) {
        let mut connection = database.connection();
        let ids = agents(&mut connection);
        refreshed(&mut connection, &ids);
        let AnyConnection::Sqlite(sqlite) = &mut connection else {
            // PostgreSQL keeps its indexes in step itself.
            return;
        };
        let in_index = |sqlite: &mut diesel::SqliteConnection, tier: u8| {
            let index = format!("agents_fts_tier_{tier}");
            let sql = format!("SELECT count(*) AS count FROM {index} WHERE {index} MATCH 'sorter'");
            sql_query(sql).get_result::<Count>(sqlite).unwrap().count
        };
        assert_eq!([1, 2, 3].map(|tier| in_index(sqlite, tier)), [8, 4, 2]);
        sql_query("UPDATE marketplace_agents SET description = 'Sorts again.', search_tier = 3 - search_tier").execute(sqlite).unwrap();
        assert_eq!([1, 2, 3].map(|tier| in_index(sqlite, tier)), [10, 8, 4]);
        sql_query("DELETE FROM marketplace_agents WHERE search_tier = 3").execute(sqlite).unwrap();
        assert_eq!([1, 2, 3].map(|tier| in_index(sqlite, tier)), [6, 4, 0]);
    }
}
