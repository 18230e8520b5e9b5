//! Several requests in one. Each part is a request to this very application, with its checks, its cache and its metrics, as if
//! it had come alone; what lives here is which parts are let through, how many run side by side, and how their answers become
//! one.

mod answer;
mod ask;
mod parts;
mod target;

use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use aios_domain::{Error, ErrorKind};
use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use crate::Api;
use crate::body::Json;
use crate::problem::Problem;
use crate::shell::RequestId;

use self::answer::{AnswerWriter, Answered};
use self::ask::{Asked, Setting};
use self::target::refused;

pub(crate) use answer::BatchAnswer;
pub(crate) use ask::Batch;
pub(crate) use parts::Parts;

/// Where a batch is asked for.
pub(crate) const PATH: &str = "/api/v1/batch";
/// How many parts are answered at a time.
const SIDE_BY_SIDE: usize = 8;

/// Several reads in one
///
/// Each part is authorised, cached and counted as if it came alone, and fails alone; what the batch's own `Authorization` says
/// holds for parts that bring none. Parts run side by side, equal ones once. Answers come in the order asked.
#[utoipa::path(
    post, path = "/api/v1/batch", tag = "Batches",
    request_body = Batch,
    responses((status = 200, description = "The answers, in the order asked.", body = BatchAnswer)),
    security((), ("bearer" = [])),
)]
pub(crate) async fn batch(
    request: HttpRequest,
    api: web::Data<Api>,
    parts: Option<web::Data<Parts>>,
    Json(body): Json<Batch>,
) -> Result<HttpResponse, Problem> {
    // Only the application that faces the network has parts: none of them gets here.
    let parts = parts.ok_or_else(|| refused("must not be a batch itself"))?;
    let setting = Setting::of(&request, deadline(api.request_timeout));
    let Asked { parts: asked, requests } = body.check(&setting)?;
    let mut arriving = stream::iter(requests.into_iter().enumerate())
        .map(|(place, request)| parts.answer(request, &setting, place))
        .buffered(SIDE_BY_SIDE);
    let mut answers: Vec<Answered> = Vec::new();
    let mut writer = AnswerWriter::new();
    for part in asked {
        let request = match part.request {
            Ok(request) => request,
            Err(refusal) => {
                writer.write(&part.id, &refusal);
                continue;
            }
        };
        // Requests are numbered in the order in which parts first ask them, so that this runs at most once.
        while answers.len() <= request {
            let Some(answer) = arriving.next().await else { break };
            answers.push(answer);
        }
        let answer = answers
            .get_mut(request)
            .ok_or_else(|| Error::internal("a part of a batch was not answered"))?;
        if !writer.write(&part.id, answer) {
            *answer = setting.refusal(too_large());
            writer.write(&part.id, answer);
        }
    }
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("private, no-store")))
        .content_type("application/json")
        .body(writer.finish()))
}

/// Until when parts may take: they end a little before the batch itself would be given up, so that a slow one fails alone.
fn deadline(request_timeout: Duration) -> Instant {
    Instant::now() + request_timeout.mul_f64(0.9)
}

fn too_large() -> Error {
    Error::new(
        ErrorKind::PayloadTooLarge,
        "The answers of this batch are larger than 8 MiB together. Ask for this part alone, or for less.",
    )
}

/// How the batch's request is named, for its parts and for what is refused of them.
fn request_id(request: &HttpRequest) -> Option<RequestId> {
    request.extensions().get::<RequestId>().cloned()
}
