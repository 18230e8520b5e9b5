//! The answers of parts, and the one answer that they become. Bodies that are JSON are put in as they are.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::body::{self, BodySize, BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::Bytes;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// How much the bodies of all answers may come to, in bytes.
pub(super) const MAX_ANSWER: usize = 8 << 20;

/// The answers of a batch.
#[derive(ToSchema)]
#[expect(dead_code, reason = "stands for what AnswerWriter writes in the OpenAPI document")]
pub(crate) struct BatchAnswer {
    /// One a part, in the order asked.
    responses: Vec<PartAnswer>,
}

/// The answer to a part.
#[derive(ToSchema)]
#[expect(dead_code, reason = "stands for what AnswerWriter writes in the OpenAPI document")]
struct PartAnswer {
    /// The part's.
    #[schema(example = "a")]
    id: String,
    #[schema(example = 200, minimum = 100, maximum = 599)]
    status: u16,
    /// By their names in lower case.
    headers: BTreeMap<String, String>,
    /// JSON as it is; another body as a text; `null` where there is none.
    body: Value,
}

/// The answer to a part, read to its end.
pub(super) struct Answered {
    status: StatusCode,
    headers: BTreeMap<String, String>,
    body: Bytes,
}

impl Answered {
    /// An answer whose body is there already, as a problem's is.
    pub(super) fn whole(answer: HttpResponse) -> Self {
        let (head, body) = (answer.head(), answer.body().size());
        debug_assert!(!matches!(body, BodySize::Stream), "the body is there");
        let (status, headers) = (head.status, texts(head.headers()));
        let body = answer.into_body().try_into_bytes().unwrap_or_default();
        Self { status, headers, body }
    }

    /// Reads an answer. `None` where it is longer than all of a batch's may be.
    pub(super) async fn read(answer: HttpResponse) -> Result<Option<Self>, Box<dyn std::error::Error + Send + Sync>> {
        let (status, headers) = (answer.status(), texts(answer.headers()));
        let read = body::to_bytes_limited(answer.into_body(), MAX_ANSWER).await;
        let Ok(body) = read else { return Ok(None) };
        let body = body.map_err(|error: <BoxBody as MessageBody>::Error| error.to_string())?;
        Ok(Some(Self { status, headers, body }))
    }

    #[cfg(test)]
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// The same with one more header.
    pub(super) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    fn is_json(&self) -> bool {
        let content_type = self.headers.get("content-type").map_or("", String::as_str);
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        media_type == "application/json" || media_type.ends_with("+json")
    }

    /// The body as a piece of JSON.
    fn json(&self) -> Bytes {
        if self.body.is_empty() {
            return Bytes::from_static(b"null");
        }
        if self.is_json() {
            return self.body.clone();
        }
        let text = Value::from(String::from_utf8_lossy(&self.body).into_owned());
        text.to_string().into()
    }
}

/// The headers that belong to the answer and not to its way over a connection.
fn texts(headers: &HeaderMap) -> BTreeMap<String, String> {
    const OF_CONNECTION: [header::HeaderName; 3] =
        [header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING];
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        if OF_CONNECTION.contains(name) {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        // Several of one name are one list (RFC 9110, section 5.3).
        texts
            .entry(name.as_str().to_owned())
            .and_modify(|list| {
                list.push_str(", ");
                list.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    texts
}

/// Writes the answer of a batch, part after part.
pub(super) struct AnswerWriter {
    text: Vec<u8>,
    left: usize,
}

impl AnswerWriter {
    pub(super) fn new() -> Self {
        Self {
            text: b"{\"responses\":[".to_vec(),
            left: MAX_ANSWER,
        }
    }

    /// Adds a part's answer, unless it is too large for what is left. Problems always fit.
    pub(super) fn write(&mut self, id: &str, answer: &Answered) -> bool {
        #[derive(Serialize)]
        struct Head<'a> {
            id: &'a str,
            status: u16,
            headers: &'a BTreeMap<String, String>,
        }
        let body = answer.json();
        let is_problem = answer.status.is_client_error() || answer.status.is_server_error();
        if body.len() > self.left && !is_problem {
            return false;
        }
        self.left = self.left.saturating_sub(body.len());
        if !self.text.ends_with(b"[") {
            self.text.push(b',');
        }
        let (status, headers) = (answer.status.as_u16(), &answer.headers);
        // Texts and numbers always serialise.
        let head = serde_json::to_vec(&Head { id, status, headers }).unwrap_or_default();
        self.text.extend_from_slice(head.strip_suffix(b"}").unwrap_or(&head));
        self.text.extend_from_slice(b",\"body\":");
        self.text.extend_from_slice(&body);
        self.text.push(b'}');
        true
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.text.extend_from_slice(b"]}");
        self.text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answered(content_type: &str, body: Vec<u8>) -> Answered {
        let mut answer = HttpResponse::Ok();
        Answered::whole(answer.content_type(content_type.to_owned()).body(body))
    }

    fn written(answers: &[Answered]) -> Value {
        let mut writer = AnswerWriter::new();
        for (place, answer) in answers.iter().enumerate() {
            assert!(writer.write(&format!("\"{place}"), answer));
        }
        serde_json::from_slice(&writer.finish()).unwrap()
    }

    #[test]
    fn bodies_are_json_texts_or_nothing() {
        let answers = [
            answered("application/json", b"{\"a\": [1, \"\\u00fc\"]}".to_vec()),
            answered("application/problem+json", b"{}".to_vec()),
            answered("text/plain", b"\"quoted\" \xff".to_vec()),
            answered("application/json", Vec::new()),
        ];
        let written = written(&answers);
        let bodies: Vec<&Value> = written["responses"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| &part["body"])
            .collect();
        assert_eq!(
            bodies,
            [
                &json!({"a": [1, "ü"]}),
                &json!({}),
                &json!("\"quoted\" \u{fffd}"),
                &Value::Null
            ]
        );
        assert_eq!(written["responses"][0]["id"], "\"0");
        assert_eq!(written["responses"][2]["headers"]["content-type"], "text/plain");
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_what_fits_after_it_is_not() {
        let long = |length: usize| answered("application/json", vec![b'1'; length]);
        let mut writer = AnswerWriter::new();
        assert!(writer.write("a", &long(MAX_ANSWER - 10)));
        assert!(!writer.write("b", &long(11)));
        assert!(writer.write("c", &long(10)));
        assert!(!writer.write("d", &long(1)));
        assert!(
            writer.write("e", &Answered::whole(HttpResponse::NotFound().body("gone"))),
            "problems fit"
        );
    }

    #[test]
    fn headers_of_one_name_are_one_list() {
        let mut answer = HttpResponse::Ok();
        answer
            .append_header(("Vary", "Accept-Encoding"))
            .append_header(("Vary", "Authorization"));
        let headers = Answered::whole(answer.finish()).headers;
        assert_eq!(headers["vary"], "Accept-Encoding, Authorization");
    }
}
