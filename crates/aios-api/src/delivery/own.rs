//! The answer that is for one caller alone: what everybody sees, and a small end that nobody else may see.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, VARY};
use actix_web::{HttpRequest, HttpResponse};
use aios_domain::Error;
use aios_marketplace::{Keeping, Marketplace};

use super::conditional::Validators;
use super::told::{CACHE_STATUS, SERVER_TIMING};
use super::{Answer, Asked, Class, Delivery, Draft, Held, Question, Story};
use crate::problem::Problem;

/// What stands in the place of the shared answer's end.
pub(crate) struct Own {
    /// The end of the body.
    pub(crate) end: String,
    /// What tells its ETag from those of others.
    pub(crate) mark: String,
}

impl Delivery {
    /// The shared answer with the caller's own end. It is not compressed: it has what is private beside texts of others,
    /// and the length would tell.
    ///
    /// # Errors
    /// Those of `load` and `own`.
    pub(crate) async fn own<F>(
        &self,
        request: &HttpRequest,
        question: &Question,
        keeping: (Class, Keeping),
        load: impl FnOnce(Marketplace) -> F + Send + 'static,
        own: impl Future<Output = Result<Own, Error>>,
    ) -> Result<HttpResponse, Problem>
    where
        F: Future<Output = Result<Draft, Error>> + Send + 'static,
    {
        let (held, story) = self.find(question, keeping, load).await?;
        let own = own.await?;
        let asked = Asked::of(request, question);
        let response = private(asked, &held, &own, story)?;
        asked.count_view(&self.marketplace);
        Ok(response)
    }
}

fn private(asked: Asked<'_>, held: &Held, own: &Own, story: Story) -> Result<HttpResponse, Error> {
    let answer: &Answer = held;
    let (body, etag) = answer
        .with_end(&own.end, &own.mark)
        .ok_or_else(|| Error::internal("the shared answer has no place for what is private"))?;
    let validators = Validators {
        etag: &etag,
        alias: None,
        last_modified: None,
    };
    let status = match validators.not_modified(asked.headers) {
        Some(_) => StatusCode::NOT_MODIFIED,
        None => StatusCode::OK,
    };
    let mut response = HttpResponse::new(status);
    let headers = response.headers_mut();
    headers.insert(ETAG, etag);
    headers.insert(VARY, asked.vary());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(CACHE_STATUS, story.status);
    headers.insert(SERVER_TIMING, story.timing);
    if status == StatusCode::NOT_MODIFIED {
        return Ok(response);
    }
    headers.insert(CONTENT_TYPE, answer.content_type.clone());
    Ok(response.set_body(actix_web::body::BoxBody::new(body)))
}
