//! Delivery: what is kept of answers and for whom, how they are validated, coded and labelled. One test a rule.

use aios_test_support::{RedisServer, TestDatabase, eventually, on_both_databases};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{Reply, TestServer, User, text};

/// Everything that anybody may read and that is kept.
fn public(agent: &str) -> [String; 9] {
    [
        "marketplace/stats".to_owned(),
        "marketplace/agents".to_owned(),
        format!("marketplace/agents?ids={agent}"),
        format!("marketplace/agents/{agent}"),
        format!("marketplace/agents/{agent}/reviews"),
        "marketplace/categories".to_owned(),
        "marketplace/categories/stats".to_owned(),
        "/openapi.json".to_owned(),
        "/docs".to_owned(),
    ]
}

/// A server with so many agents that lists of them are worth a coding, and the id of one.
fn filled(database: &TestDatabase) -> (TestServer, String) {
    let server = TestServer::start(database);
    let agents: Vec<Value> = (0..8).map(|place| described(&server, place)).collect();
    let first = text(&agents[0]["id"]);
    (server, first)
}

fn described(server: &TestServer, place: usize) -> Value {
    let description = "Reads what comes in and says what matters. ".repeat(10);
    server.publish(&json!({ "name": format!("Reader {place}"), "description": description, "category": "content" }))
}

/// The headers of a 200 that a 304 and the answer to a HEAD must have too.
fn lasting(reply: &Reply) -> Vec<(String, String)> {
    let volatile = [
        "date",
        "x-request-id",
        "cache-status",
        "server-timing",
        "content-length",
        "content-type",
    ];
    let mut headers: Vec<(String, String)> = reply
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()))
        .filter(|(name, _)| !volatile.contains(&name.as_str()))
        .collect();
    headers.sort_unstable();
    headers
}

fn etag(reply: &Reply) -> String {
    reply
        .header("etag")
        .unwrap_or_else(|| panic!("no ETag: {reply}"))
        .to_owned()
}

fn cache_status(reply: &Reply) -> &str {
    reply
        .header("cache-status")
        .unwrap_or_else(|| panic!("no Cache-Status: {reply}"))
}

fn is_hit(reply: &Reply) -> bool {
    cache_status(reply).starts_with("aios; hit")
}

on_both_databases! {
    fn public_answers_say_how_long_and_by_which_tags_they_are_kept(database: &TestDatabase) {
        let (server, agent) = filled(database);
        for path in public(&agent) {
            let first = server.get(&path).send().expect(200);
            let tag = etag(&first);
            assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 10, "{path}: {tag} is not strong");
            let vary = first.header("vary").unwrap();
            assert!(vary.split(", ").any(|name| name == "Accept-Encoding"), "{path}: {vary}");
            let control = first.header("cache-control").unwrap();
            for directive in ["public", "max-age=", "stale-while-revalidate=", "stale-if-error="] {
                assert!(control.contains(directive), "{path}: {control}");
            }
            assert!(first.header("cdn-cache-control").unwrap().contains("max-age="), "{path}");
            let (tags, keys) = (first.header("cache-tag").unwrap(), first.header("surrogate-key").unwrap());
            assert_eq!(tags.replace(',', " "), keys, "{path}");
            assert!(tags.split(',').all(|tag| tag.starts_with("aios:")), "{path}: {tags}");
            let again = server.get(&path).send().expect(200);
            assert!(is_hit(&again), "{path}: {}", cache_status(&again));
            assert!(again.header("server-timing").unwrap().starts_with("cache;dur="), "{path}");
            assert_eq!((lasting(&again), again.body), (lasting(&first), first.body), "{path}");
        }
        let one = server.get(&format!("marketplace/agents/{agent}")).send();
        assert_eq!(one.header("cache-tag"), Some(&*format!("aios:agent:{agent}")));
        let listed = server.get("marketplace/agents?category=content").send();
        assert_eq!(listed.header("surrogate-key"), Some("aios:agents:content"));
        assert_eq!(server.get("marketplace/stats").send().header("cache-tag"), Some("aios:agents,aios:categories"));
    }

    fn a_miss_tells_where_its_time_went_and_a_hit_asks_no_database(database: &TestDatabase) {
        let (server, agent) = filled(database);
        let path = format!("marketplace/agents/{agent}/reviews?limit=7");
        let miss = server.get(&path).send();
        assert_eq!(cache_status(&miss), "aios; fwd=miss; stored");
        let timing = miss.header("server-timing").unwrap();
        let names: Vec<&str> = timing.split(", ").map(|metric| metric.split(';').next().unwrap()).collect();
        assert_eq!(names, ["cache", "queue", "thread", "pool", "db", "render"]);
        let before = server.marketplace.database().statement_count();
        for _ in 0..3 {
            assert!(is_hit(&server.get(&path).send()));
        }
        assert_eq!(server.marketplace.database().statement_count(), before);
    }

    fn a_client_that_has_it_is_told_so(database: &TestDatabase) {
        let (server, agent) = filled(database);
        for path in public(&agent) {
            let whole = server.get(&path).send().expect(200);
            let tag = etag(&whole);
            let with = |value: &str| server.get(&path).header("If-None-Match", value).send();
            for value in [tag.clone(), format!("W/{tag}"), format!("\"x\", W/\"y,z\",{tag}"), "*".to_owned()] {
                let same = with(&value).expect(304);
                assert!(same.body.is_empty() && same.header("content-type").is_none(), "{path} {value}");
                assert!(same.header("date").is_some());
                let mut expected = lasting(&whole);
                expected.retain(|(name, _)| name != "link" && name != "content-security-policy");
                assert_eq!(lasting(&same), expected, "{path} {value}");
            }
            for value in ["\"x\"", "", tag.trim_matches('"'), "nonsense"] {
                with(value).expect(200);
            }
        }
    }

    fn a_date_validates_what_did_not_change_since(database: &TestDatabase) {
        let (server, agent) = filled(database);
        let path = format!("marketplace/agents/{agent}");
        server.get(&path).send().expect(200);
        server.clock.advance(TimeDelta::minutes(1));
        let dated = server.get(&path).send();
        let date = dated.header("last-modified").unwrap().to_owned();
        assert!(date.starts_with("Sat, 31 Jan 2026 1"), "{date}");
        let since = |date: &str| server.get(&path).header("If-Modified-Since", date);
        assert_eq!(since(&date).send().expect(304).header("last-modified"), Some(&*date));
        since("Sun, 01 Feb 2026 00:00:00 GMT").send().expect(304);
        since("Fri, 30 Jan 2026 00:00:00 GMT").send().expect(200);
        since("yesterday").send().expect(200);
        // If-None-Match counts alone where it is there.
        since(&date).header("If-None-Match", "\"x\"").send().expect(200);
        since("Fri, 30 Jan 2026 00:00:00 GMT").header("If-None-Match", &etag(&dated)).send().expect(304);
        server.install(&agent, User::Bea);
        server.clock.advance(TimeDelta::minutes(1));
        since(&date).send().expect(200);
    }

    fn head_is_get_without_the_body(database: &TestDatabase) {
        let (server, agent) = filled(database);
        for path in public(&agent) {
            for coding in ["identity", "br", "gzip"] {
                let whole = server.get(&path).header("Accept-Encoding", coding).send().expect(200);
                let head = server.ask("HEAD", &path).header("Accept-Encoding", coding).send().expect(200);
                assert_eq!(lasting(&head), lasting(&whole), "{path} {coding}");
                assert_eq!(head.header("content-type"), whole.header("content-type"));
                let length = whole.body.len().to_string();
                assert_eq!(head.header("content-length"), Some(&*length), "{path} {coding}");
            }
            let tag = etag(&server.get(&path).send());
            server.ask("HEAD", &path).header("If-None-Match", &tag).send().expect(304);
        }
    }

    fn every_coding_is_the_same_answer_under_a_tag_of_its_own(database: &TestDatabase) {
        let (server, _) = filled(database);
        let list = "marketplace/agents";
        let plain = server.get(list).send().expect(200);
        assert_eq!(plain.header("content-encoding"), None);
        let mut tags = vec![etag(&plain)];
        for coding in ["br", "zstd", "gzip"] {
            let coded = server.get(list).header("Accept-Encoding", coding).send().expect(200);
            assert_eq!(coded.header("content-encoding"), Some(coding));
            assert_eq!(coded.plain(), plain.body, "{coding}");
            assert!(coded.body.len() < plain.body.len() / 3, "{coding}");
            tags.push(etag(&coded));
            let asked = server.get(list).header("Accept-Encoding", coding);
            asked.header("If-None-Match", &etag(&coded)).send().expect(304);
            // What is named is another coding than what would be sent.
            let asked = server.get(list).header("Accept-Encoding", coding);
            asked.header("If-None-Match", &etag(&plain)).send().expect(200);
        }
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), 4, "{tags:?}");
    }

    fn what_is_asked_for_often_is_compressed_better_beside_the_requests(database: &TestDatabase) {
        let (server, _) = filled(database);
        let ask = || server.get("marketplace/agents").header("Accept-Encoding", "gzip");
        let first = ask().send().expect(200);
        assert!(etag(&first).ends_with("-gzip-fast\""));
        let better = || {
            let reply = ask().send().expect(200);
            etag(&reply).ends_with("-gzip\"").then_some(reply)
        };
        eventually("high effort", || better().is_some());
        let better = better().unwrap();
        assert!(better.body.len() <= first.body.len());
        assert_eq!(better.plain(), first.plain());
        // Who has the former bytes has the same answer; it keeps the tag that it has.
        let same = ask().header("If-None-Match", &etag(&first)).send().expect(304);
        assert_eq!(etag(&same), etag(&first));
    }

    fn the_client_chooses_the_coding(database: &TestDatabase) {
        let (server, agent) = filled(database);
        let coding = |path: &str, accepted: &str| {
            let reply = server.get(path).header("Accept-Encoding", accepted).send().expect(200);
            assert!(reply.header("vary").unwrap().contains("Accept-Encoding"));
            reply.header("content-encoding").unwrap_or("identity").to_owned()
        };
        let list = "marketplace/agents";
        for (accepted, expected) in [
            ("gzip, deflate, br, zstd", "br"), ("gzip, zstd", "zstd"), ("gzip;q=1, br;q=0.5", "gzip"), ("br;q=0, *", "zstd"),
            ("identity, br;q=0.5", "identity"), ("deflate", "identity"), ("gzip;q=9", "identity"), ("", "identity"),
        ] {
            assert_eq!(coding(list, accepted), expected, "{accepted}");
        }
        // Less than 1 KiB goes out as it is, unless that is refused.
        let short = format!("marketplace/agents/{agent}/reviews");
        assert_eq!(coding(&short, "br, gzip"), "identity");
        assert_eq!(coding(&short, "gzip, identity;q=0"), "gzip");
        for path in [list, &short, "/docs"] {
            for refused in ["identity;q=0", "*;q=0", "deflate, identity;q=0"] {
                server.get(path).header("Accept-Encoding", refused).send().problem(406, "not-acceptable");
            }
        }
    }

    fn an_agent_is_for_each_caller_what_it_is_for_that_caller(database: &TestDatabase) {
        let (server, agent) = filled(database);
        server.install(&agent, User::Bea);
        server.review(&agent, User::Bea, 4);
        let path = format!("marketplace/agents/{agent}");
        let seen = |user: Option<User>| {
            let reply = server.get(&path).by_anybody(user).header("Accept-Encoding", "br").send().expect(200);
            assert_eq!(reply.header("vary"), Some("Accept-Encoding, Authorization"));
            if user.is_some() {
                assert_eq!(reply.header("cache-control"), Some("private, no-store"));
                for shared in ["cdn-cache-control", "cache-tag", "surrogate-key", "content-encoding"] {
                    assert_eq!(reply.header(shared), None, "{shared}");
                }
            }
            let body = reply.json();
            (etag(&reply), body["user_installed"].clone(), body["user_rating"].clone())
        };
        let mut tags = Vec::new();
        for _ in 0..2 {
            for (user, installed, rating) in [
                (Some(User::Bea), json!(true), json!(4)), (Some(User::Cay), json!(false), Value::Null),
                (None, Value::Null, Value::Null), (Some(User::Bea), json!(true), json!(4)), (None, Value::Null, Value::Null),
            ] {
                let (tag, is_installed, stars) = seen(user);
                assert_eq!((is_installed, stars), (installed, rating), "{user:?}");
                tags.push(tag);
            }
        }
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), 3, "{tags:?}");
        // What is somebody's own validates only for whoever gets the same.
        let of_bea = etag(&server.get(&path).by(User::Bea).send());
        server.get(&path).by(User::Bea).header("If-None-Match", &of_bea).send().expect(304);
        server.get(&path).by(User::Cay).header("If-None-Match", &of_bea).send().expect(200);
        server.get(&path).header("If-None-Match", &of_bea).send().expect(200);
        server.get(&path).token("nonsense").header("If-None-Match", "*").send().problem(401, "unauthenticated");
    }

    fn a_token_changes_nothing_where_everybody_gets_the_same(database: &TestDatabase) {
        let (server, _) = filled(database);
        let anonymous = server.get("marketplace/agents").send().expect(200);
        let signed_in = server.get("marketplace/agents").by(User::Bea).send().expect(200);
        assert!(is_hit(&signed_in));
        assert_eq!((lasting(&signed_in), signed_in.body), (lasting(&anonymous), anonymous.body));
        server.get("marketplace/agents").token("nonsense").send().expect(200);
    }

    fn nothing_that_is_not_part_of_the_question_gets_into_the_answer(database: &TestDatabase) {
        let (server, _) = filled(database);
        let path = "marketplace/agents?limit=3";
        let large = "x".repeat(20_000);
        let attacks: [(&str, &str); 7] = [
            ("X-Oversized", &large), ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "gopher"),
            ("X-HTTP-Method-Override", "DELETE"), ("X-Original-URL", "/docs"), ("Forwarded", "host=evil.example"),
            ("Host", "evil.example"),
        ];
        for (name, value) in attacks {
            // As a miss, then as a hit.
            server.publish(&json!({ "name": name.replace('-', " ") }));
            for _ in 0..2 {
                let _ = server.get(path).header(name, value).try_send();
                let clean = server.get(path).send().expect(200);
                assert!(clean.link("next").unwrap().starts_with("/api/v1/marketplace/agents?"), "{name}");
                let shown = format!("{:?} {clean}", clean.headers);
                assert!(!shown.contains("evil.example") && !shown.contains("gopher"), "{name}: {shown}");
            }
        }
        server.get("marketplace/agents?limit=0").send().problem(422, "invalid");
        server.get("marketplace/agents?limit=0").send().problem(422, "invalid");
    }

    fn equal_questions_share_one_answer_and_others_do_not(database: &TestDatabase) {
        let (server, _) = filled(database);
        let list = |query: &str| server.get(&format!("marketplace/agents?{query}")).send().expect(200);
        let first = list("tags=a,b&category=content");
        assert!(!is_hit(&first));
        for same in [
            "category=content&tags=b,a", "tags=b,a,b&category=content&limit=20", "tags=a%2Cb&category=%63ontent&page=1",
            "category=content&utm_source=x&tags=a,b&sort=popular", "tags=a,b&category=content&sort=installs&count=exact&search=",
        ] {
            let reply = list(same);
            assert!(is_hit(&reply), "{same}: {}", cache_status(&reply));
            assert_eq!((reply.header("link"), &reply.body), (first.header("link"), &first.body), "{same}");
        }
        for other in [
            "category=content&tags=a", "tags=a,b", "category=content&tags=a,b&limit=19", "category=content&tags=a,b&page=2",
            "search=a%26tags%3Da%2Cb&category=content",
        ] {
            assert!(!is_hit(&list(other)), "{other}");
        }
        let twice = server.get("marketplace/agents?category=content&category=content").send();
        assert_eq!(twice.invalid_fields(), ["category"]);
        // Posted, it is the same question; the answer is for whoever posted it.
        let body = json!({ "filters": { "category": "content", "tags": ["b", "a"] }, "sort": "popular" });
        let posted = server.post("marketplace/agents/search", &body).send().expect(200);
        assert!(is_hit(&posted), "{}", cache_status(&posted));
        assert_eq!((posted.header("cache-control"), posted.header("etag"), &posted.body), (Some("no-store"), None, &first.body));
    }

    fn a_write_shows_at_once_where_an_answer_was_kept(database: &TestDatabase) {
        let (server, agent) = filled(database);
        let path = format!("marketplace/agents/{agent}");
        let review = format!("{path}/reviews");
        let statuses = |path: &str| [0; 2].map(|_| is_hit(&server.get(path).send()));
        for path in [&path, &review] {
            assert_eq!(statuses(path), [false, true]);
        }
        let old = etag(&server.get(&path).send());
        server.install(&agent, User::Bea);
        let new = server.get(&path).header("If-None-Match", &old).send().expect(200);
        assert_eq!(new.json()["install_count"], 1);
        server.review(&agent, User::Bea, 5);
        assert_eq!(server.get(&review).send().json()["total"], 1);
        // Lists are left as they are by what changes no agent's text, and read anew by what does.
        let listed = ["marketplace/agents?category=content", "marketplace/agents?category=development"];
        for list in listed {
            server.get(list).send();
        }
        server.install(&agent, User::Cay);
        assert!(is_hit(&server.get(listed[0]).send()));
        server.patch(&path, &json!({ "name": "Renamed" })).by(User::Ada).send().expect(200);
        assert!(server.get(listed[0]).send().to_string().contains("Renamed"));
        assert!(is_hit(&server.get(listed[1]).send()));
        server.delete(&path).by(User::Ada).send().expect(204);
        server.get(&path).send().problem(404, "not-found");
        server.get(&review).send().problem(404, "not-found");
    }

    fn a_write_at_one_server_drops_the_answer_of_another(database: &TestDatabase) {
        let redis = RedisServer::start();
        let servers = [0; 2].map(|_| TestServer::start_with(database, |args| args.cache.redis_url = Some(redis.url())));
        let [here, there] = &servers;
        let agent = here.agent();
        let path = format!("marketplace/agents/{agent}");
        eventually("a hit there", || {
            let reply = there.get(&path).send();
            reply.status == 200 && is_hit(&reply)
        });
        here.patch(&path, &json!({ "name": "Renamed" })).by(User::Ada).send().expect(200);
        assert_eq!(here.get(&path).send().json()["name"], "Renamed");
        eventually("the new name there", || there.get(&path).send().json()["name"] == "Renamed");
    }

    fn without_a_cache_answers_are_made_validated_and_coded_all_the_same(database: &TestDatabase) {
        let server = TestServer::start_with(database, |args| args.cache.cache_enabled = false);
        for place in 0..8 {
            described(&server, place);
        }
        let list = "marketplace/agents";
        for _ in 0..2 {
            let reply = server.get(list).send().expect(200);
            assert_eq!(cache_status(&reply), "aios; fwd=bypass");
            server.get(list).header("If-None-Match", &etag(&reply)).send().expect(304);
            for coding in ["br", "zstd", "gzip"] {
                let ask = || server.get(list).header("Accept-Encoding", coding);
                let coded = ask().send().expect(200);
                // Its length is not known before it is out.
                assert_eq!((coded.header("content-encoding"), coded.header("content-length")), (Some(coding), None));
                assert_eq!(coded.plain(), reply.body);
                assert_ne!(etag(&coded), etag(&reply));
                ask().header("If-None-Match", &etag(&coded)).send().expect(304);
            }
        }
    }

    fn what_is_private_is_kept_by_nobody_and_coded_only_where_it_is_all_the_callers(database: &TestDatabase) {
        let (server, agent) = filled(database);
        server.install(&agent, User::Bea);
        let long = "Kindly.".repeat(300);
        let entry = json!({ "title": "T", "source": "s", "content_type": "note", "text_content": long });
        server.post("knowledge/content", &entry).by(User::Bea).send().expect(201);
        let ask = |path: &str| server.get(path).by(User::Bea).header("Accept-Encoding", "gzip").send().expect(200);
        for path in ["marketplace/my-agents", "knowledge/content"] {
            assert_eq!(ask(path).header("cache-control"), Some("private, no-store"), "{path}");
        }
        // Settings beside texts of others: the length could tell them.
        assert_eq!(ask("marketplace/my-agents").header("content-encoding"), None);
        let texts = ask("knowledge/content");
        assert_eq!((texts.header("content-encoding"), texts.header("vary")), (Some("gzip"), Some("Accept-Encoding")));
        assert!(String::from_utf8(texts.plain()).unwrap().contains(&long));
        let made = server.post("marketplace/agents", &json!({ "name": "N", "description": long })).by(User::Ada);
        let made = made.header("Accept-Encoding", "gzip").send().expect(201);
        assert_eq!((made.header("content-encoding"), made.header("cache-control")), (None, Some("private, no-store")));
        server.get(&format!("marketplace/agents/{}", uuid::Uuid::nil())).send().problem(404, "not-found");
    }

    fn a_view_is_counted_when_an_agent_is_shown(database: &TestDatabase) {
        let (server, agent) = filled(database);
        let path = format!("marketplace/agents/{agent}");
        let tag = etag(&server.get(&path).send());
        server.get(&path).send().expect(200);
        server.get(&path).header("If-None-Match", &tag).send().expect(304);
        server.get(&path).by(User::Bea).send().expect(200);
        server.ask("HEAD", &path).send().expect(200);
        server.ask("HEAD", &path).by(User::Bea).send().expect(200);
        server.get(&path).header("Accept-Encoding", "identity;q=0, *;q=0").send().expect(406);
        server.get(&format!("{path}/reviews")).send().expect(200);
        server.housekeeping();
        let stats = server.get(&format!("{path}/stats")).by(User::Ada).send().expect(200).json();
        assert_eq!(stats["total_views"], 4);
    }

    fn an_edit_is_guarded_by_the_tag_of_any_coding(database: &TestDatabase) {
        let (server, agent) = filled(database);
        let path = format!("marketplace/agents/{agent}");
        for (accepted, user) in [("identity", None), ("br", None), ("gzip", None), ("br", Some(User::Ada))] {
            let seen = server.get(&path).header("Accept-Encoding", accepted).by_anybody(user).send();
            let edit = |version: &str| {
                let edit = server.patch(&path, &json!({ "version": version })).by(User::Ada);
                edit.header("If-Match", &etag(&seen)).send()
            };
            let edited = edit("2.0.0").expect(200);
            edit("3.0.0").problem(412, "precondition-failed");
            let edit = server.patch(&path, &json!({ "version": "4.0.0" })).by(User::Ada);
            edit.header("If-Match", &etag(&edited)).send().expect(200);
        }
    }

    fn hits_are_counted_as_the_route_that_they_are(database: &TestDatabase) {
        let (server, agent) = filled(database);
        let route = r#"method="HEAD",route="/api/v1/marketplace/agents/{id}/reviews",status="200""#;
        let Some(before) = server.counted(route) else { return };
        for _ in 0..5 {
            server.ask("HEAD", &format!("marketplace/agents/{agent}/reviews")).send().expect(200);
        }
        // Tests of this process share the recorder.
        assert!(server.counted(route).unwrap() >= before + 5);
    }
}
