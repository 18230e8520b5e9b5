//! Fastly's API, recorded.

use std::time::Duration;

use aios_edge::{Edge, Fastly, Purge, PurgeError, purge_tags};
use serde_json::{Value, json};

use crate::recorded::{Answer, Recorded};

const SERVICE: &str = "SU1Z0isxPaozGVKXdv0eY";
const DONE: &str = r#"{"aios:agents":"108-1391560174-974124"}"#;

fn fastly(recorded: &Recorded) -> Fastly {
    Fastly::at(&recorded.url(), SERVICE, "the-token".into()).unwrap()
}

fn agents() -> Vec<String> {
    vec!["aios:agents".to_owned()]
}

fn ends(answer: Answer) -> Result<(), PurgeError> {
    fastly(&Recorded::play(&[answer])).purge(Purge::Tags(&agents()))
}

#[test]
fn keys_are_purged_in_the_service() {
    let recorded = Recorded::play(&[Answer::Says("200 OK", &[], DONE)]);
    fastly(&recorded).purge(Purge::Tags(&agents())).unwrap();
    let received = recorded.only();
    assert_eq!(received.line, format!("POST /service/{SERVICE}/purge"));
    assert_eq!(received.header("Fastly-Key"), Some("the-token"));
    assert_eq!(received.header("Fastly-Soft-Purge"), None);
    let body: Value = serde_json::from_str(&received.body).unwrap();
    assert_eq!(body, json!({ "surrogate_keys": ["aios:agents"] }));
}

#[test]
fn a_soft_purge_says_so() {
    let recorded = Recorded::play(&[Answer::Says("200 OK", &[], DONE)]);
    fastly(&recorded).soft(true).purge(Purge::Tags(&agents())).unwrap();
    assert_eq!(recorded.only().header("Fastly-Soft-Purge"), Some("1"));
}

#[test]
fn everything_is_purged_in_the_service() {
    let recorded = Recorded::play(&[Answer::Says("200 OK", &[], r#"{"status":"ok"}"#)]);
    fastly(&recorded).soft(true).purge(Purge::Everything).unwrap();
    let received = recorded.only();
    assert_eq!(received.line, format!("POST /service/{SERVICE}/purge_all"));
    assert_eq!(received.header("Fastly-Soft-Purge"), None, "there is no such thing");
}

#[test]
fn a_call_names_256_keys_at_most() {
    let recorded = Recorded::play(&[Answer::Says("200 OK", &[], DONE), Answer::Says("200 OK", &[], DONE)]);
    let keys: Vec<String> = (0..300).map(|place| format!("aios:agent:{place}")).collect();
    assert_eq!(purge_tags(&fastly(&recorded), &keys).done.len(), 300);
    let counts: Vec<usize> = recorded
        .received()
        .iter()
        .map(|received| {
            serde_json::from_str::<Value>(&received.body).unwrap()["surrogate_keys"]
                .as_array()
                .unwrap()
                .len()
        })
        .collect();
    assert_eq!(counts, [256, 44]);
}

#[test]
fn answers_say_whether_to_try_again() {
    let limited = Answer::Says(
        "429 Too Many Requests",
        &["Retry-After: 3600"],
        r#"{"msg":"Exceeded rate limit"}"#,
    );
    let expected = PurgeError::Busy {
        retry_after: Some(Duration::from_secs(3_600)),
        reason: "429 Too Many Requests: Exceeded rate limit".to_owned(),
    };
    assert_eq!(ends(limited), Err(expected));
    for answer in [
        Answer::Says("500 Internal Server Error", &[], "oops"),
        Answer::Says("200 OK", &[], "<html>a portal</html>"),
        Answer::HangsUp,
    ] {
        assert!(
            matches!(ends(answer.clone()), Err(PurgeError::Busy { .. })),
            "{answer:?}"
        );
    }
    let unknown = r#"{"msg":"Provided credentials are missing or invalid"}"#;
    for status in ["401 Unauthorized", "403 Forbidden", "404 Not Found"] {
        let error = ends(Answer::Says(status, &[], unknown)).unwrap_err();
        assert!(
            matches!(&error, PurgeError::Denied(reason) if reason.contains("credentials")),
            "{error:?}"
        );
    }
    let bad = ends(Answer::Says(
        "400 Bad Request",
        &[],
        r#"{"msg":"Bad request","detail":"key too long"}"#,
    ));
    assert!(matches!(bad, Err(PurgeError::Refused(_))), "{bad:?}");
}
