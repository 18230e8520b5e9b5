//! What is kept between requests never shows: to the same server at once, to the others through Redis or the outbox, and
//! with Redis away.

use aios_test_support::{RedisServer, TestDatabase, eventually, on_both_databases};
use serde_json::{Value, json};

use crate::harness::{TestServer, User, text};

/// What is asked again and again: every kind of answer that is kept. Counters in lists may lag, so none is read or sorted by.
fn everything(agent: &str, entry: &str) -> Vec<(String, Option<User>)> {
    let fields = "sort=name&fields=id,name,category,tags,version,is_featured,is_verified";
    let anybody = [
        format!("marketplace/agents?{fields}"),
        "marketplace/agents?sort=recent&fields=id,name,tags&limit=2".to_owned(),
        format!("marketplace/agents?{fields}&category=content"),
        format!("marketplace/agents?{fields}&category=development"),
        format!("marketplace/agents?{fields}&is_featured=true"),
        format!("marketplace/agents?{fields}&search=plain"),
        format!("marketplace/agents?ids={agent}"),
        format!("marketplace/agents/{agent}"),
        format!("marketplace/agents/{agent}/reviews"),
        format!("marketplace/agents/{agent}/reviews?rating=5"),
        "marketplace/categories".to_owned(),
        "marketplace/categories/stats".to_owned(),
    ];
    let anybody = anybody.into_iter().map(|path| (path, None));
    let own = [
        (format!("marketplace/agents/{agent}"), User::Bea),
        ("marketplace/my-agents".to_owned(), User::Bea),
        (format!("marketplace/agents/{agent}/stats"), User::Ada),
        ("knowledge/content".to_owned(), User::Bea),
        (format!("knowledge/content/{entry}"), User::Bea),
        (format!("knowledge/content/{entry}"), User::Cay),
    ];
    anybody
        .chain(own.into_iter().map(|(path, user)| (path, Some(user))))
        .collect()
}

/// The status and the body of an answer, without what is batched: views.
fn answer(server: &TestServer, path: &str, user: Option<User>) -> (u16, Value) {
    let reply = server.get(path).by_anybody(user).send();
    let mut body = reply.json();
    if let Some(members) = body.as_object_mut() {
        members.retain(|name, _| {
            !matches!(
                name.as_str(),
                "view_count" | "total_views" | "instance" | "recent_activity"
            )
        });
    }
    (reply.status, body)
}

/// One write after the other, of every kind; `then` is called after each.
fn write_everything(server: &TestServer, mut then: impl FnMut(&str, &str, &str)) {
    let agent = server.agent();
    let path = format!("marketplace/agents/{agent}");
    let entry =
        json!({ "title": "Refunds", "source": "handbook", "content_type": "article", "text_content": "Kindly." });
    let entry = text(
        &server
            .post("knowledge/content", &entry)
            .by(User::Bea)
            .send()
            .expect(201)
            .json()["id"],
    );
    let mut done = |what: &str| then(what, &agent, &entry);
    done("published");
    server
        .patch(&path, &json!({ "category": "content", "tags": ["new"] }))
        .by(User::Ada)
        .send()
        .expect(200);
    done("edited");
    server
        .patch(&path, &json!({ "is_featured": true, "is_verified": true }))
        .by(User::Admin)
        .send()
        .expect(200);
    done("featured");
    server.publish(&json!({ "name": "Second", "category": "development" }));
    done("published another");
    server.install(&agent, User::Bea);
    done("installed");
    server
        .post(&format!("{path}/events"), &json!({ "event_type": "run" }))
        .by(User::Bea)
        .send()
        .expect(202);
    done("ran");
    server.review(&agent, User::Bea, 5);
    done("reviewed");
    server.review(&agent, User::Bea, 2);
    done("reviewed again");
    server
        .delete(&format!("{path}/install"))
        .by(User::Bea)
        .send()
        .expect(200);
    done("uninstalled");
    let security = json!({ "name": "security", "display_name": "Security", "sort_order": 9 });
    server
        .post("marketplace/categories", &security)
        .by(User::Admin)
        .send()
        .expect(201);
    done("made a category");
    let changed =
        json!({ "title": "Complaints", "source": "handbook", "content_type": "article", "text_content": "Kindly." });
    server
        .put(&format!("knowledge/content/{entry}"), &changed)
        .by(User::Bea)
        .send()
        .expect(200);
    done("replaced a text");
    server
        .delete(&format!("knowledge/content/{entry}"))
        .by(User::Bea)
        .send()
        .expect(204);
    done("deleted a text");
    server.delete(&path).by(User::Ada).send().expect(204);
    done("withdrawn");
    server
        .patch(&path, &json!({ "is_active": true }))
        .by(User::Admin)
        .send()
        .expect(200);
    done("back again");
}

on_both_databases! {
    fn a_reader_sees_its_own_write_on_the_next_request(database: &TestDatabase) {
        let kept = TestServer::start(database);
        let read = TestServer::start_with(database, |args| args.cache.cache_enabled = false);
        write_everything(&kept, |what, agent, entry| {
            for (path, user) in everything(agent, entry) {
                let truth = answer(&read, &path, user);
                assert_eq!(answer(&kept, &path, user), truth, "{path} after it was {what}");
                assert_eq!(answer(&kept, &path, user), truth, "{path} again after it was {what}");
            }
        });
    }

    fn two_servers_with_one_redis_see_each_others_writes(database: &TestDatabase) {
        let redis = RedisServer::start();
        let start = || TestServer::start_with(database, |args| args.cache.redis_url = Some(redis.url()));
        let (one, other) = (start(), start());
        let read = TestServer::start_with(database, |args| args.cache.cache_enabled = false);
        for server in [&one, &other] {
            eventually("Redis is in use", || redis_status(server) == "online");
        }
        write_everything(&one, |what, agent, entry| {
            for (path, user) in everything(agent, entry) {
                let truth = answer(&read, &path, user);
                assert_eq!(answer(&one, &path, user), truth, "{path} after it was {what}");
                eventually(&format!("{path} on the other server after it was {what}"), || {
                    answer(&other, &path, user) == truth
                });
            }
        });
        assert!(redis.holds("{aios:agent-pages:"), "it is Redis through which they share");
        // What one has loaded the other does not load.
        one.agent();
        let path = "marketplace/agents?sort=name&limit=7";
        let listed = one.get(path).send().expect(200).json();
        eventually("the other has heard of the new agent, too", || {
            let before = other.marketplace.database().statement_count();
            other.get(path).send().json() == listed && other.marketplace.database().statement_count() == before
        });
    }

    fn servers_without_redis_see_each_others_writes_through_the_database(database: &TestDatabase) {
        let (one, other) = (TestServer::start(database), TestServer::start(database));
        let path = "marketplace/agents?fields=name";
        assert_eq!(other.get(path).send().json()["total"], 0);
        one.agent();
        assert_eq!(one.get(path).send().json()["total"], 1);
        eventually("the other server sees it", || other.get(path).send().json()["total"] == 1);
    }

    fn nothing_fails_and_nothing_stale_remains_when_redis_goes_and_comes_back(database: &TestDatabase) {
        let mut redis = RedisServer::start();
        let start = || TestServer::start_with(database, |args| args.cache.redis_url = Some(redis.url()));
        let (one, other) = (start(), start());
        let read = TestServer::start_with(database, |args| args.cache.cache_enabled = false);
        let same = |server: &TestServer, agent: &str, entry: &str| {
            everything(agent, entry).iter().all(|(path, user)| answer(server, path, *user) == answer(&read, path, *user))
        };
        for server in [&one, &other] {
            eventually("Redis is in use", || redis_status(server) == "online");
        }
        let mut step = 0;
        write_everything(&one, |what, agent, entry| {
            match step {
                1 => redis.kill(),
                5 => redis.restart(),
                7 => redis.freeze(),
                9 => redis.thaw(),
                _ => {}
            }
            step += 1;
            assert!(same(&one, agent, entry), "who wrote sees it after it was {what}");
            // While Redis is away the other hears of it through the database.
            eventually(&format!("the other server sees that it was {what}"), || same(&other, agent, entry));
        });
        for server in [&one, &other] {
            eventually("Redis is in use again", || redis_status(server) == "online");
        }
        eventually("the outbox is empty again", || {
            let left = aios_db::store::outbox::invalidation_list(&mut database.connection(), None, 10);
            left.unwrap().is_empty()
        });
    }

    fn health_tells_how_redis_does(database: &TestDatabase) {
        let alone = TestServer::start(database);
        assert_eq!((redis_status(&alone).as_str(), health(&alone).as_str()), ("disabled", "online"));
        let mut redis = RedisServer::start();
        let server = TestServer::start_with(database, |args| args.cache.redis_url = Some(redis.url()));
        eventually("Redis is in use", || (redis_status(&server).as_str(), health(&server).as_str()) == ("online", "online"));
        redis.kill();
        eventually("Redis is missed", || (redis_status(&server).as_str(), health(&server).as_str()) == ("offline", "degraded"));
        server.get("/readyz").send().expect(200);
    }
}

fn redis_status(server: &TestServer) -> String {
    text(&server.get("/health").send().expect(200).json()["services"]["redis"]["status"])
}

fn health(server: &TestServer) -> String {
    text(&server.get("/health").send().expect(200).json()["status"])
}
