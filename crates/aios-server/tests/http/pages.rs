//! Every list walked from end to end: by number, by the cursors of the body, and by the header `Link`.

use aios_db::bulk::{self, BulkAgent, BulkEvent, Dataset};
use aios_domain::{AgentId, Installation, Review, Timestamp, User as Someone, UserId};
use aios_test_support::{TestDatabase, block_on, on_both_databases, plain_agent};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Reply, START, TestServer, User, text};

/// A list as a client sees it.
struct List<'s> {
    server: &'s TestServer,
    path: String,
    user: Option<User>,
    /// The member of the body that holds the rows; none where the body is the array itself.
    rows: Option<&'static str>,
}

impl List<'_> {
    fn get(&self, target: &str) -> Reply {
        self.server.get(target).by_anybody(self.user).send().expect(200)
    }

    /// The list's path with parameters.
    fn with(&self, parameters: &str) -> String {
        let mark = if self.path.contains('?') { '&' } else { '?' };
        format!("{}{mark}{parameters}", self.path)
    }

    fn ids(&self, reply: &Reply) -> Vec<String> {
        let body = reply.json();
        let rows = self.rows.map_or(&body, |rows| &body[rows]);
        rows.as_array().unwrap().iter().map(|row| text(&row["id"])).collect()
    }

    /// Follows one relation of `Link` from a page until it leads nowhere.
    fn followed(&self, from: &str, relation: &str) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        let mut target = Some(from.to_owned());
        while let Some(at) = target {
            let reply = self.get(&at);
            pages.push(self.ids(&reply));
            target = reply.link(relation);
        }
        pages
    }

    /// Where the last page is, by following `next`.
    fn last(&self, from: &str) -> String {
        let mut at = from.to_owned();
        while let Some(next) = self.get(&at).link("next") {
            at = next;
        }
        at
    }

    /// Walks it by `Link` in both directions, and says that each row came once and in its place.
    fn walk_by_link(&self, expected: usize) -> Vec<String> {
        let whole = self.ids(&self.get(&self.with("limit=50")));
        assert_eq!(whole.len(), expected, "{}", self.path);
        for limit in [1, 3, 5] {
            let start = self.with(&format!("limit={limit}"));
            let first = self.get(&start);
            assert!(first.link("prev").is_none(), "{start}");
            assert_eq!(
                self.ids(&self.get(&first.link("first").unwrap())),
                self.ids(&first),
                "{start}"
            );
            let forward = self.followed(&start, "next");
            assert!(forward.iter().all(|page| !page.is_empty()), "no page is empty");
            assert_eq!(forward.concat(), whole, "{start}");
            let mut backward = self.followed(&self.last(&start), "prev");
            backward.reverse();
            assert_eq!(backward, forward, "{start}: backward is reversed, page by page");
        }
        whole
    }

    /// Walks it by number and by the body's cursors, which lists with both styles have.
    fn walk_by_body(&self, whole: &[String]) {
        let start = |limit: usize, place: &str| self.with(&format!("limit={limit}&{place}"));
        for limit in [1, 3, 5] {
            let pages: Vec<&[String]> = whole.chunks(limit).collect();
            for (number, expected) in (1..).zip(&pages) {
                let reply = self.get(&start(limit, &format!("page={number}")));
                assert_eq!(self.ids(&reply), **expected);
                let body = reply.json();
                assert_eq!(
                    [&body["page"], &body["pages"], &body["total"], &body["limit"]],
                    [&json!(number), &json!(pages.len()), &json!(whole.len()), &json!(limit)]
                );
                let last = reply.link("last").unwrap();
                assert_eq!(self.ids(&self.get(&last)), **pages.last().unwrap());
            }
            let mut forward = Vec::new();
            let mut body = self.get(&start(limit, "page=1")).json();
            while let Some(next) = body["next_cursor"].as_str().map(str::to_owned) {
                let reply = self.get(&start(limit, &format!("cursor={next}")));
                assert!(reply.link("last").is_none(), "by cursor there is no last page");
                forward.push(self.ids(&reply));
                body = reply.json();
                assert_eq!(
                    (&body["page"], &body["pages"], &body["total"]),
                    (&Value::Null, &Value::Null, &json!(whole.len()))
                );
            }
            assert_eq!(forward.concat(), whole[limit.min(whole.len())..]);
            let mut backward = Vec::new();
            while let Some(prev) = body["prev_cursor"].as_str().map(str::to_owned) {
                let reply = self.get(&start(limit, &format!("cursor={prev}")));
                backward.splice(0..0, self.ids(&reply));
                body = reply.json();
            }
            assert_eq!(backward, whole[..(pages.len() - 1) * limit]);
            // Past the end: nothing, counted all the same, and a way back.
            let beyond = self.get(&start(limit, "page=1000"));
            assert!(self.ids(&beyond).is_empty() && beyond.link("next").is_none());
            assert_eq!(beyond.json()["total"], whole.len());
            let back = self.get(&beyond.link("prev").unwrap());
            assert_eq!(self.ids(&back), **pages.last().unwrap());
        }
    }
}

on_both_databases! {
    fn every_list_is_walked_by_link_by_cursor_and_by_number(database: &TestDatabase) {
        let server = TestServer::start(database);
        let mut agents = Vec::new();
        for place in 0..11 {
            let category = if place < 4 { "content" } else { "development" };
            let agent = server.publish(&json!({ "name": format!("Spreadsheet agent {}", place % 3), "category": category, "tags": ["of the test"] }));
            agents.push(text(&agent["id"]));
            server.install(&agents[place], User::Bea);
            let kept = json!({ "title": format!("Text {place}"), "source": "test", "content_type": "note", "text_content": "Kept.", "tags": ["a b"] });
            server.post("knowledge/content", &kept).by(User::Bea).send().expect(201);
        }
        for user in [User::Ada, User::Bea, User::Cay, User::Admin] {
            server.review(&agents[0], user, 4);
        }
        let list = |path: &str, user, rows| List { server: &server, path: path.to_owned(), user, rows };
        for sort in ["popular", "installs", "recent", "rating", "name", "trending"] {
            let by_sort = list(&format!("marketplace/agents?sort={sort}"), None, Some("agents"));
            by_sort.walk_by_body(&by_sort.walk_by_link(11));
        }
        for (filter, rows) in [("category=content", 4), ("search=agent&min_rating=0", 11), ("tags=of-the-test&fields=id&sort=name", 11), ("search=spreadsheat&category=development", 7)] {
            let filtered = list(&format!("marketplace/agents?{filter}"), None, Some("agents"));
            filtered.walk_by_body(&filtered.walk_by_link(rows));
        }
        let reviews = list(&format!("marketplace/agents/{}/reviews", agents[0]), None, Some("reviews"));
        reviews.walk_by_body(&reviews.walk_by_link(4));
        let rated = list(&format!("marketplace/agents/{}/reviews?rating=4", agents[0]), None, Some("reviews"));
        rated.walk_by_body(&rated.walk_by_link(4));
        list("marketplace/my-agents", Some(User::Bea), Some("installations")).walk_by_link(11);
        list("knowledge/content", Some(User::Bea), None).walk_by_link(11);
        list("knowledge/content?content_type=note&tag=a-b", Some(User::Bea), None).walk_by_link(11);
    }

    fn a_search_by_body_pages_in_both_styles(database: &TestDatabase) {
        let server = TestServer::start(database);
        for place in 0..7 {
            server.publish(&json!({ "name": format!("Agent {place}") }));
        }
        let found = |body: &Value| server.post("marketplace/agents/search", body).send().expect(200).json();
        let ids = |list: &Value| -> Vec<String> { list["agents"].as_array().unwrap().iter().map(|row| text(&row["id"])).collect() };
        for sort in ["relevance", "name", "recent"] {
            let ask = |place: &str, value: Value| {
                let mut body = json!({ "query": "agent", "filters": { "pricing_model": "free" }, "sort": sort, "limit": 3 });
                body[place] = value;
                found(&body)
            };
            let whole = ids(&ask("limit", json!(100)));
            assert_eq!(whole.len(), 7);
            let pages: Vec<Vec<String>> = (1..=3).map(|number| ids(&ask("page", json!(number)))).collect();
            assert_eq!(pages.concat(), whole, "{sort}");
            let second = ask("cursor", ask("page", json!(1))["next_cursor"].clone());
            assert_eq!((ids(&second), &second["page"]), (pages[1].clone(), &Value::Null), "{sort}");
            let third = ask("cursor", second["next_cursor"].clone());
            assert_eq!((ids(&third), &third["next_cursor"]), (pages[2].clone(), &Value::Null), "{sort}");
            let again = ask("cursor", third["prev_cursor"].clone());
            assert_eq!(ids(&again), pages[1], "{sort}");
            assert_eq!(ids(&ask("cursor", again["prev_cursor"].clone())), pages[0], "{sort}");
            // A cursor of the list by GET with the same search, filters and sort is one of the same list.
            let by_get = server.get(&format!("marketplace/agents?search=agent&pricing_model=free&sort={sort}&limit=3")).send().json();
            assert_eq!(ids(&ask("cursor", by_get["next_cursor"].clone())), pages[1], "{sort}");
            let other = json!({ "query": "agent", "sort": sort, "cursor": by_get["next_cursor"] });
            server.post("marketplace/agents/search", &other).send().problem(400, "invalid-cursor");
        }
    }

    fn a_list_is_counted_as_it_is_asked_to_be(database: &TestDatabase) {
        let server = TestServer::start(database);
        for _ in 0..5 {
            server.agent();
        }
        let get = |count: &str| server.get(&format!("marketplace/agents?limit=2&page=2&count={count}")).send().expect(200);
        let exact = get("exact");
        assert_eq!((&exact.json()["total"], &exact.json()["pages"]), (&json!(5), &json!(3)));
        let none = get("none");
        assert_eq!((&none.json()["total"], &none.json()["pages"]), (&Value::Null, &Value::Null));
        assert!(none.link("last").is_none() && none.link("next").unwrap().contains("count=none"));
        // Before any statistics PostgreSQL guesses; whatever it says hides no page.
        let estimated = get("estimated");
        assert!(estimated.json()["total"].is_u64());
        assert!(estimated.link("next").unwrap().contains("page=3") && estimated.link("prev").unwrap().contains("page=1"));
    }

    fn a_page_far_into_a_list_is_found_by_boundaries(database: &TestDatabase) {
        bulk::insert(&mut database.connection(), &Many(10_321)).unwrap();
        // Nothing is kept, so that every page is read.
        let server = TestServer::start_with(database, |args| args.cache.cache_enabled = false);
        let statements = || server.marketplace.database().statement_count();
        let far = "marketplace/agents?sort=name&limit=100&fields=name&page=103";
        let asked = |path: &str| {
            let before = statements();
            let names: Vec<String> = server.get(path).send().expect(200).json()["agents"].as_array().unwrap().iter().map(|row| text(&row["name"])).collect();
            block_on(server.marketplace.samplings_finished());
            (names, statements() - before)
        };
        let expected: Vec<String> = (10_200..10_300).map(name).collect();
        assert_eq!(asked(far), (expected.clone(), 4), "counted off; the list is sampled beside it");
        assert_eq!(asked(far), (expected.clone(), 2), "by boundaries, with the statements of a near page");
        // An agent before all others moves the page by one, once the boundaries are a minute old and sampled again.
        server.publish(&json!({ "name": "Aardvark" }));
        assert_eq!(asked(far).0, expected);
        server.clock.advance(chrono::TimeDelta::minutes(1));
        assert_eq!(asked(far).0, expected);
        let moved: Vec<String> = (10_199..10_299).map(name).collect();
        assert_eq!(asked(far), (moved, 2));
        // The last page leads back by cursor, without counting a row off.
        let last = server.get("marketplace/agents?sort=name&limit=100&page=104").send();
        assert_eq!(last.json()["agents"].as_array().unwrap().len(), 22);
        assert!(last.link("next").is_none() && last.link("last").unwrap().contains("page=104"));
        let cursor = text(&last.json()["prev_cursor"]);
        let before = server.get(&format!("marketplace/agents?sort=name&limit=100&fields=name&cursor={cursor}")).send().json();
        assert_eq!(before["agents"][0]["name"], name(10_199));
    }
}

fn name(place: u32) -> String {
    format!("Agent {place:05}")
}

/// So many agents of one author, named by number.
struct Many(u32);

impl Dataset for Many {
    fn users(&self) -> impl Iterator<Item = Someone> {
        std::iter::once(Someone {
            id: UserId(User::Ada.id()),
            email: None,
            display_name: None,
            created_at: self.until(),
        })
    }

    fn agents(&self) -> impl Iterator<Item = BulkAgent> {
        let now = self.until();
        (0..self.0).map(move |place| {
            let id = AgentId(Uuid::from_u128(u128::from(place) << 64));
            plain_agent(id, UserId(User::Ada.id()), &name(place), now)
        })
    }

    fn installations(&self) -> impl Iterator<Item = Installation> {
        std::iter::empty()
    }

    fn reviews(&self) -> impl Iterator<Item = Review> {
        std::iter::empty()
    }

    fn events(&self) -> impl Iterator<Item = BulkEvent> {
        std::iter::empty()
    }

    fn until(&self) -> Timestamp {
        START.parse().unwrap()
    }
}
