//! Cloudflare's API, recorded.

use std::time::Duration;

use aios_edge::{Cloudflare, Edge, Purge, PurgeError, purge_tags};
use serde_json::{Value, json};

use crate::recorded::{Answer, Recorded};

const ZONE: &str = "023e105f4ecef8ad9ca31a8372d0c353";
const DONE: &str = r#"{"success":true,"errors":[],"messages":[],"result":{"id":"023e105f4ecef8ad9ca31a8372d0c353"}}"#;

fn cloudflare(recorded: &Recorded) -> Cloudflare {
    Cloudflare::at(&recorded.url(), ZONE, "the-token".into()).unwrap()
}

fn tags(count: usize) -> Vec<String> {
    (0..count).map(|place| format!("aios:agent:{place}")).collect()
}

/// What a purge of one tag ends with, where this is the answer.
fn ends(answer: Answer) -> Result<(), PurgeError> {
    cloudflare(&Recorded::play(&[answer])).purge(Purge::Tags(&tags(1)))
}

#[test]
fn tags_are_purged_in_the_zone() {
    let recorded = Recorded::play(&[Answer::Says("200 OK", &[], DONE)]);
    cloudflare(&recorded).purge(Purge::Tags(&tags(2))).unwrap();
    let received = recorded.only();
    assert_eq!(received.line, format!("POST /zones/{ZONE}/purge_cache"));
    assert_eq!(received.header("Authorization"), Some("Bearer the-token"));
    assert_eq!(received.header("Content-Type"), Some("application/json"));
    let body: Value = serde_json::from_str(&received.body).unwrap();
    assert_eq!(body, json!({ "tags": ["aios:agent:0", "aios:agent:1"] }));
}

#[test]
fn everything_is_purged_in_the_zone() {
    let recorded = Recorded::play(&[Answer::Says("200 OK", &[], DONE)]);
    cloudflare(&recorded).purge(Purge::Everything).unwrap();
    assert_eq!(recorded.only().body, r#"{"purge_everything":true}"#);
}

#[test]
fn a_call_names_a_hundred_tags_at_most() {
    let recorded = Recorded::play(&[Answer::Says("200 OK", &[], DONE), Answer::Says("200 OK", &[], DONE)]);
    let report = purge_tags(&cloudflare(&recorded), &tags(150));
    assert_eq!((report.done.len(), report.error), (150, None));
    let counts: Vec<usize> = recorded
        .received()
        .iter()
        .map(|received| {
            serde_json::from_str::<Value>(&received.body).unwrap()["tags"]
                .as_array()
                .unwrap()
                .len()
        })
        .collect();
    assert_eq!(counts, [100, 50]);
}

#[test]
fn too_many_calls_are_told_when_to_come_back() {
    let body =
        r#"{"success":false,"errors":[{"code":10429,"message":"Rate limit reached"}],"messages":[],"result":null}"#;
    let error = ends(Answer::Says("429 Too Many Requests", &["Retry-After: 12"], body)).unwrap_err();
    let expected = PurgeError::Busy {
        retry_after: Some(Duration::from_secs(12)),
        reason: "429 Too Many Requests: Rate limit reached".to_owned(),
    };
    assert_eq!(error, expected);
}

#[test]
fn failures_of_the_network_are_tried_again() {
    let answers = [
        Answer::Says(
            "502 Bad Gateway",
            &["Content-Type: text/html"],
            "<html>Bad gateway</html>",
        ),
        Answer::Says("503 Service Unavailable", &[], ""),
        Answer::Says("200 OK", &[], "not what an API says"),
        Answer::HangsUp,
    ];
    for answer in answers {
        let error = ends(answer.clone()).unwrap_err();
        assert!(
            matches!(error, PurgeError::Busy { retry_after: None, .. }),
            "{answer:?}: {error:?}"
        );
    }
}

#[test]
fn a_bad_credential_or_zone_is_told_apart() {
    let forbidden = r#"{"success":false,"errors":[{"code":10000,"message":"Authentication error"}]}"#;
    let no_zone = r#"{"success":false,"errors":[{"code":7003,"message":"Could not route to /zones/x"}]}"#;
    for (status, body) in [
        ("401 Unauthorized", forbidden),
        ("403 Forbidden", forbidden),
        ("400 Bad Request", no_zone),
        ("404 Not Found", no_zone),
    ] {
        let error = ends(Answer::Says(status, &[], body)).unwrap_err();
        assert!(matches!(error, PurgeError::Denied(_)), "{status}: {error:?}");
        assert!(!error.to_string().contains("the-token"));
    }
}

#[test]
fn what_it_does_not_take_is_refused() {
    let body = r#"{"success":false,"errors":[{"code":1094,"message":"unable to purge tags: too long"}]}"#;
    for status in ["400 Bad Request", "200 OK"] {
        let error = ends(Answer::Says(status, &[], body)).unwrap_err();
        assert!(
            matches!(&error, PurgeError::Refused(reason) if reason.contains("too long")),
            "{error:?}"
        );
    }
}

#[test]
fn nobody_listening_is_tried_again() {
    let edge = cloudflare(&Recorded::play(&[]));
    // The recording is over at once; its address may take a moment to be free.
    let error = edge.purge(Purge::Everything).unwrap_err();
    assert!(matches!(error, PurgeError::Busy { .. }), "{error:?}");
}

#[test]
fn wrong_settings_are_told_at_once() {
    assert!(Cloudflare::new("../x", "t".into()).is_err());
    assert!(Cloudflare::new(ZONE, "".into()).is_err());
    assert!(!format!("{:?}", Cloudflare::new(ZONE, "hunter2".into()).unwrap()).contains("hunter2"));
}
