//! PostgreSQL servers that go away and come back, and replicas that lag.

use std::time::Duration;

use aios_db::{AnyConnection, Database, DatabaseConfig, DatabaseUrl, DbResult, PoolStatus};
use aios_domain::ErrorKind;
use aios_test_support::{PostgresServer, block_on};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

fn config(server: &PostgresServer) -> DatabaseConfig {
    DatabaseConfig {
        pool_size: 3,
        max_overflow: 0,
        connect_timeout: Duration::from_secs(10),
        ..DatabaseConfig::new(server.url())
    }
}

fn with_replicas(server: &PostgresServer, replicas: &[DatabaseUrl]) -> Database {
    Database::new(&DatabaseConfig {
        replicas: replicas.to_vec(),
        ..config(server)
    })
}

fn pool(database: &Database, name: &str) -> PoolStatus {
    let pools = database.pools();
    pools.into_iter().find(|pool| pool.name == name).unwrap()
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

fn sum(connection: &mut AnyConnection) -> DbResult<i64> {
    let rows: Vec<Number> =
        diesel::sql_query("SELECT coalesce(sum(n), 0)::bigint AS number FROM numbers").load(connection)?;
    Ok(rows[0].number)
}

/// Adds a number in a transaction, and reads the sum afterwards; whether a replica answered.
async fn add_and_read(database: &Database, number: i64, expected: i64) -> bool {
    let add = move |c: &mut AnyConnection| {
        diesel::sql_query("INSERT INTO numbers VALUES ($1)")
            .bind::<BigInt, _>(number)
            .execute(c)?;
        Ok(())
    };
    database.write(add).await.unwrap();
    read(database, expected).await
}

async fn read(database: &Database, expected: i64) -> bool {
    let before = pool(database, "primary").done;
    assert_eq!(database.read(sum).await.unwrap(), expected);
    pool(database, "primary").done == before
}

/// Waits until something is so that happens beside the test, and fails after a minute.
async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    for _ in 0..6_000 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("still not so: {what}");
}

#[test]
fn a_database_that_goes_away_and_comes_back_is_survived() {
    let mut server = PostgresServer::start();
    server.sql("CREATE TABLE numbers (n bigint NOT NULL)");
    block_on(async {
        let database = Database::new(&config(&server));
        // All connections are open, and idle.
        let (a, b, c) = tokio::join!(database.read(sum), database.read(sum), database.read(sum));
        assert_eq!((a.unwrap(), b.unwrap(), c.unwrap()), (0, 0, 0));

        // Back before anybody asked: every connection is broken, and nobody notices.
        server.restart();
        add_and_read(&database, 1, 1).await;
        let (a, b, c) = tokio::join!(database.read(sum), database.read(sum), database.read(sum));
        assert_eq!((a.unwrap(), b.unwrap(), c.unwrap()), (1, 1, 1));
        assert_eq!(pool(&database, "primary").unreachable, 0);

        server.stop();
        for _ in 0..3 {
            let error = database.read(sum).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.retry_after().is_some());
            let error = database.write(sum).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
        }
        let away = pool(&database, "primary");
        assert_eq!(
            (away.shed, away.used, away.waiting),
            (0, 0, 0),
            "this is not what exhausted means"
        );
        assert!(away.unreachable >= 3, "{away:?}");

        server.restart();
        until("the database is reached again", async || {
            database.read(sum).await.is_ok()
        })
        .await;
        add_and_read(&database, 2, 3).await;
    });
}

#[test]
fn a_replica_answers_what_it_has_and_nothing_else() {
    let server = PostgresServer::start();
    server.sql("CREATE TABLE numbers (n bigint NOT NULL)");
    let mut replica = server.replica();
    block_on(async {
        let database = with_replicas(&server, &[replica.url()]);
        let other_node = with_replicas(&server, &[replica.url()]);
        for node in [&database, &other_node] {
            until("the replica is read from", async || read(node, 0).await).await;
        }

        // It stands still: what was just written is read from the primary, by everybody.
        replica.sql("SELECT pg_wal_replay_pause()");
        until("it is paused", async || {
            replica.sql("SELECT pg_get_wal_replay_pause_state()") == "paused"
        })
        .await;
        let other_node = with_replicas(&server, &[replica.url()]);
        until("the other has heard of the replica", async || {
            pool(&other_node, "replica-1").idle > 0
        })
        .await;
        let mut total = 0;
        for number in 1..=20 {
            total += number;
            assert!(!add_and_read(&database, number, total).await, "the replica can't know");
            assert!(!read(&other_node, total).await, "neither for others");
        }
        // Not even a program that is none of ours can make a read come too late.
        server.sql("INSERT INTO numbers VALUES (1000)");
        total += 1000;
        assert!(!read(&database, total).await);

        replica.sql("SELECT pg_wal_replay_resume()");
        until("the replica is read from again", async || read(&database, total).await).await;
        for number in 1..=20 {
            total += number;
            add_and_read(&database, number, total).await;
        }

        // It dies, and no read fails; it comes back, and is used.
        replica.stop();
        for _ in 0..20 {
            assert!(!read(&database, total).await);
        }
        replica.restart();
        until("the replica is read from after its restart", async || {
            read(&database, total).await
        })
        .await;
        assert_eq!(pool(&database, "primary").unreachable, 0);
    });
}

#[test]
fn a_replica_that_stands_still_keeps_nobody_waiting() {
    let server = PostgresServer::start();
    server.sql("CREATE TABLE numbers (n bigint NOT NULL)");
    let replica = server.replica();
    block_on(async {
        let database = with_replicas(&server, &[replica.url()]);
        until("the replica is read from", async || read(&database, 0).await).await;
        for round in 1..=2 {
            let frozen = replica.freeze();
            // More than it has connections: some wait for its answer, and the others for these.
            let one = |database: Database| async move { database.read(sum).await };
            let reads = (0..8).map(|_| tokio::spawn(one(database.clone())));
            for reading in reads.collect::<Vec<_>>() {
                let answer = tokio::time::timeout(Duration::from_secs(20), reading).await;
                assert_eq!(
                    answer.expect("it is answered before the replica is").unwrap().unwrap(),
                    0
                );
            }
            assert!(!add_and_read(&database, 0, 0).await, "it is not asked any more");
            drop(frozen);
            until(&format!("it is read from again, {round}"), async || {
                read(&database, 0).await
            })
            .await;
            until("what hung there has ended", async || {
                pool(&database, "replica-1").used == 0
            })
            .await;
        }
        assert_eq!(pool(&database, "primary").unreachable, 0);
    });
}

#[test]
fn replicas_take_turns_and_what_is_no_replica_is_not_read_from() {
    let server = PostgresServer::start();
    server.sql("CREATE TABLE numbers (n bigint NOT NULL)");
    let (first, second) = (server.replica(), server.replica());
    let stranger = PostgresServer::start();
    stranger.sql("CREATE TABLE numbers (n bigint NOT NULL); INSERT INTO numbers VALUES (666)");
    block_on(async {
        let urls = [stranger.url(), first.url(), server.url(), second.url()];
        let database = with_replicas(&server, &urls);
        let done = |number: usize| pool(&database, &format!("replica-{number}")).done;
        until("both are read from", async || {
            let before = (done(2), done(4));
            read(&database, 0).await && read(&database, 0).await && done(2) > before.0 && done(4) > before.1
        })
        .await;
        let before = (done(2), done(4));
        for _ in 0..40 {
            assert_eq!(database.read(sum).await.unwrap(), 0);
        }
        let answered = (done(2) - before.0, done(4) - before.1);
        assert!(answered.0 >= 10 && answered.1 >= 10, "{answered:?}");
        assert_eq!((done(1), done(3)), (0, 0), "another's data, and a primary");
    });
}
