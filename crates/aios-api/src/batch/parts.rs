//! The application once more, to which parts are put: every worker has one beside the one that faces the network.

use std::panic::AssertUnwindSafe;

use actix_http::Request;
use actix_service::IntoServiceFactory;
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Payload, Service, ServiceFactory, ServiceResponse};
use actix_web::http::header::{ACCEPT_ENCODING, HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpResponse};
use aios_domain::Error;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tokio::time::{Instant, timeout_at};

use super::answer::Answered;
use super::ask::{PartRequest, Setting, timed_out};
use super::too_large;
use crate::shell::TimeLimit;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest name of a request that the shell takes over, in bytes.
const LONGEST_ID: usize = 64;

/// What answers parts.
pub(crate) struct Parts(Box<dyn Fn(Request) -> LocalBoxFuture<'static, HttpResponse>>);

impl Parts {
    /// Parts are answered by this application. It must have no parts itself.
    ///
    /// # Errors
    /// Where the application can't be set up.
    pub(crate) async fn of<A, S, B>(application: A) -> Result<Self, ()>
    where
        A: IntoServiceFactory<S, Request>,
        S: ServiceFactory<
                Request,
                Config = AppConfig,
                Response = ServiceResponse<B>,
                Error = actix_web::Error,
                InitError = (),
            >,
        S::Service: 'static,
        B: MessageBody + 'static,
    {
        let service = application.into_factory().new_service(AppConfig::default()).await?;
        Ok(Self(Box::new(move |request| {
            let answering = service.call(request);
            let answer = answering.map(|answered| match answered {
                Ok(answer) => answer.map_into_boxed_body().into_parts().1,
                Err(error) => error.error_response(),
            });
            answer.boxed_local()
        })))
    }

    /// The answer to the part's request that has this place among the batch's, whatever becomes of it.
    pub(super) async fn answer(&self, request: PartRequest, setting: &Setting, place: usize) -> Answered {
        let answering = async {
            let answer = (self.0)(http_request(request, setting, place)).await;
            Answered::read(answer).await
        };
        // The shell ends a part by this time too, and counts it; what is left to end here is a body that does not come.
        let answering = AssertUnwindSafe(timeout_at(setting.deadline, answering)).catch_unwind();
        let failure = match answering.await {
            Ok(Ok(Ok(Some(answer)))) => return answer,
            Ok(Ok(Ok(None))) => too_large(),
            Ok(Ok(Err(error))) => Error::internal(error),
            Ok(Err(_elapsed)) => timed_out(),
            Err(_panic) => Error::internal("a part of a batch panicked"),
        };
        setting.refusal(failure)
    }
}

fn http_request(part: PartRequest, setting: &Setting, place: usize) -> Request {
    let payload = if part.body.is_empty() {
        Payload::None
    } else {
        Payload::from(part.body)
    };
    let mut request = Request::with_payload(payload);
    let head = request.head_mut();
    head.method = part.method;
    head.uri = part.target;
    head.peer_addr = setting.peer;
    if let Some(id) = name(setting, place) {
        head.headers.insert(REQUEST_ID, id);
    }
    for (name, value) in part.headers {
        head.headers.insert(name, value);
    }
    // The batch is coded as a whole, if at all.
    head.headers
        .insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let left = setting.deadline.saturating_duration_since(Instant::now());
    request.extensions_mut().insert(TimeLimit(left));
    request
}

/// A part is named after its batch in logs, unless it brings a name of its own.
fn name(setting: &Setting, place: usize) -> Option<HeaderValue> {
    let name = format!("{}.{}", setting.id.as_ref()?.as_str(), place + 1);
    HeaderValue::from_str(&name).ok().filter(|_| name.len() <= LONGEST_ID)
}

#[cfg(test)]
mod tests {
    use actix_web::http::{Method, Uri};
    use actix_web::test::TestRequest;
    use actix_web::{App, rt, web};

    use super::*;

    async fn panics() -> HttpResponse {
        panic!("as a handler should not")
    }

    async fn breaks_off() -> HttpResponse {
        let body = futures_util::stream::iter([Ok(web::Bytes::from("half")), Err(std::io::Error::other("gone"))]);
        HttpResponse::Ok().streaming(body)
    }

    async fn never_ends() -> HttpResponse {
        HttpResponse::Ok().streaming(futures_util::stream::pending::<Result<web::Bytes, std::io::Error>>())
    }

    #[test]
    fn a_part_that_panics_breaks_off_or_never_ends_fails_alone() {
        rt::System::new().block_on(async {
            let application = App::new()
                .route("/panics", web::get().to(panics))
                .route("/breaks", web::get().to(breaks_off))
                .route("/never", web::get().to(never_ends))
                .route("/fine", web::get().to(async || "fine"));
            let parts = Parts::of(application).await.unwrap();
            let batch = TestRequest::default().to_http_request();
            let now = Setting::of(&batch, Instant::now());
            let later = Setting::of(&batch, Instant::now() + std::time::Duration::from_secs(60));
            let asked = |path: &'static str| PartRequest {
                method: Method::GET,
                target: Uri::from_static(path),
                headers: Vec::new(),
                body: web::Bytes::new(),
            };
            let mut told = Vec::new();
            for (path, setting) in [
                ("/panics", &later),
                ("/breaks", &later),
                ("/never", &now),
                ("/fine", &later),
            ] {
                told.push(parts.answer(asked(path), setting, 0).await.status().as_u16());
            }
            assert_eq!(told, [500, 500, 503, 200]);
        });
    }
}
