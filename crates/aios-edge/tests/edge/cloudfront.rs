//! CloudFront's API, recorded.

use std::time::{Duration, SystemTime};

use aios_edge::{AwsCredentials, CloudFront, Edge, Purge, PurgeError};

use crate::recorded::{Answer, Recorded};

const DISTRIBUTION: &str = "EDFDVBD6EXAMPLE";
const DONE: &str = "<?xml version=\"1.0\"?>\n<Invalidation xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
    <Id>I2J0I21PCUYOIK</Id><Status>InProgress</Status><CreateTime>2026-01-31T12:00:00.000Z</CreateTime></Invalidation>";

fn paths(tag: &str) -> Vec<String> {
    match tag.split_once(':') {
        Some((_, "nowhere")) => vec![],
        Some((_, name)) => vec![format!("/agents/{name}*"), "/agents?a&b".to_owned()],
        None => vec!["/*".to_owned()],
    }
}

/// At a fixed moment, under a fixed name.
fn cloudfront(recorded: &Recorded) -> CloudFront {
    let credentials = AwsCredentials {
        key_id: "AKIDEXAMPLE".to_owned(),
        secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
        session_token: Some("of-the-session".into()),
    };
    let edge = CloudFront::at(&recorded.url(), DISTRIBUTION, credentials, Box::new(paths)).unwrap();
    edge.sources(
        || SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160),
        || "reference-1".to_owned(),
    )
}

fn tags(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("agent:{name}")).collect()
}

fn ends(answers: &[Answer]) -> Result<(), PurgeError> {
    cloudfront(&Recorded::play(answers)).purge(Purge::Tags(&tags(&["1"])))
}

#[test]
fn the_paths_of_tags_are_invalidated_in_one_signed_request() {
    let recorded = Recorded::play(&[Answer::Says("201 Created", &[], DONE)]);
    cloudfront(&recorded)
        .purge(Purge::Tags(&tags(&["1", "2", "nowhere"])))
        .unwrap();
    let received = recorded.only();
    assert_eq!(
        received.line,
        format!("POST /2020-05-31/distribution/{DISTRIBUTION}/invalidation")
    );
    assert_eq!(
        received.body,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Paths><Quantity>3</Quantity><Items>\
         <Path>/agents/1*</Path><Path>/agents/2*</Path><Path>/agents?a&amp;b</Path></Items></Paths>\
         <CallerReference>reference-1</CallerReference></InvalidationBatch>"
    );
    assert_eq!(received.header("x-amz-date"), Some("20150830T123600Z"));
    assert_eq!(received.header("x-amz-security-token"), Some("of-the-session"));
    let signed = received.header("authorization").unwrap();
    let begins = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/cloudfront/aws4_request, \
                  SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=";
    assert!(
        signed
            .strip_prefix(begins)
            .is_some_and(|signature| signature.len() == 64),
        "{signed}"
    );
    // What was signed is the host that the request went to.
    assert_eq!(received.header("host"), recorded.url().strip_prefix("http://"));
}

#[test]
fn everything_is_one_path() {
    let recorded = Recorded::play(&[Answer::Says("201 Created", &[], DONE)]);
    cloudfront(&recorded).purge(Purge::Everything).unwrap();
    assert!(
        recorded
            .only()
            .body
            .contains("<Quantity>1</Quantity><Items><Path>/*</Path></Items>")
    );
}

#[test]
fn what_no_path_shows_costs_no_call() {
    let recorded = Recorded::play(&[]);
    cloudfront(&recorded).purge(Purge::Tags(&tags(&["nowhere"]))).unwrap();
}

#[test]
fn a_lost_answer_is_asked_for_again_under_the_same_reference() {
    let recorded = Recorded::play(&[Answer::HangsUp, Answer::Says("201 Created", &[], DONE)]);
    cloudfront(&recorded).purge(Purge::Everything).unwrap();
    let received = recorded.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].body, received[1].body);
}

#[test]
fn answers_say_whether_to_try_again() {
    let error = |code: &str, message: &str| {
        format!(
            "<ErrorResponse xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
        )
    };
    let says = |status: &'static str, code: &str| {
        let body: &'static str = error(code, "Too bad.").leak();
        ends(&[Answer::Says(status, &[], body)])
    };
    for (status, code) in [
        ("400 Bad Request", "TooManyInvalidationsInProgress"),
        ("400 Bad Request", "Throttling"),
        ("500 Internal Server Error", "InternalError"),
        ("503 Service Unavailable", "ServiceUnavailable"),
    ] {
        assert!(matches!(says(status, code), Err(PurgeError::Busy { .. })), "{code}");
    }
    for (status, code) in [
        ("403 Forbidden", "AccessDenied"),
        ("403 Forbidden", "SignatureDoesNotMatch"),
        ("404 Not Found", "NoSuchDistribution"),
    ] {
        let reason = says(status, code).unwrap_err();
        assert!(
            matches!(&reason, PurgeError::Denied(reason) if reason.contains(code)),
            "{reason:?}"
        );
        assert!(!reason.to_string().contains("of-the-session"));
    }
    assert!(matches!(
        says("400 Bad Request", "InvalidArgument"),
        Err(PurgeError::Refused(_))
    ));
    let portal = ends(&[Answer::Says("200 OK", &[], "<html>Welcome to our network</html>")]);
    assert!(matches!(portal, Err(PurgeError::Busy { .. })), "{portal:?}");
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?}", cloudfront(&Recorded::play(&[])));
    assert!(!shown.contains("wJalr") && !shown.contains("of-the-session"), "{shown}");
}
