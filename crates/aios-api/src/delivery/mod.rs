//! Delivery: finished answers are kept, compressed once, validated, and sent with the headers by which browsers and edges
//! keep them too.
//!
//! A handler asks [`Delivery::answer`] with a canonical question, what makes the answer stale, and how it is made where it
//! is not kept. [`hits::Hits`] answers what is kept before anything else of a request runs.

mod answer;
mod coding;
mod compress;
mod conditional;
mod freshness;
pub(crate) mod hits;
mod metrics;
mod own;
mod question;
pub(crate) mod stream;
mod told;
mod turns;

use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use actix_web::body::BoxBody;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED, VARY,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use aios_cache::{Cache, Cached, LoadError, Loaded, Namespace, NamespaceError, Policy};
use aios_domain::{AgentId, Error, ErrorKind};
use aios_marketplace::{Keeping, Marketplace};

use self::answer::Chosen;
use self::coding::{Accepted, Coding};
use self::freshness::Freshness;
use self::told::{CACHE_STATUS, Found, SERVER_TIMING, Times, Told};
use self::turns::Turns;
use crate::problem::Problem;

pub(crate) use self::answer::{Answer, Draft};
pub(crate) use self::freshness::Class;
pub(crate) use self::metrics::describe;
pub(crate) use self::own::Own;
pub(crate) use self::question::{Canonical, Place, Question, Route};

const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");
const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");

/// How finished answers are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverySettings {
    /// Bytes in this process that answers may take.
    pub memory: u64,
    /// What `Cache-Tag` and `Surrogate-Key` begin with, so that marketplaces behind one edge don't purge each other.
    pub tag_prefix: String,
}

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            tag_prefix: "aios".to_owned(),
        }
    }
}

/// An answer is fresh for no shorter, though what it shows may be past its time: that is then being refreshed.
const SHORTEST: Duration = Duration::from_secs(1);
/// How long an old answer is better than none.
const WHILE_FAILING: Duration = Duration::from_secs(3_600);

/// The answers, and what it takes to send them.
pub(crate) struct Delivery {
    marketplace: Marketplace,
    answers: Namespace<Answer>,
    is_enabled: bool,
    tag_prefix: String,
    told: Told,
    bytes: metrics::BodyBytes,
    effort: Arc<Turns>,
}

/// An answer, wherever it is kept.
#[derive(Clone)]
pub(crate) enum Held {
    /// In the cache.
    Kept(Cached<Answer>),
    /// Nowhere: nothing is kept on this server.
    Passing(Cached<Answer>),
    /// For as long as the program runs.
    Pinned(Arc<Answer>),
}

impl Deref for Held {
    type Target = Answer;

    fn deref(&self) -> &Answer {
        match self {
            Self::Kept(answer) | Self::Passing(answer) => answer,
            Self::Pinned(answer) => answer,
        }
    }
}

/// What matters of a request once its question is known.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    method: &'a Method,
    headers: &'a HeaderMap,
    route: Route,
    viewed: Option<AgentId>,
}

/// How the answer came about, as it is told.
struct Story {
    status: HeaderValue,
    timing: HeaderValue,
}

impl Delivery {
    /// # Errors
    /// Where the cache has a namespace of this name already.
    pub(crate) fn new(
        marketplace: Marketplace,
        cache: &Cache,
        settings: DeliverySettings,
    ) -> Result<Self, NamespaceError> {
        // No serializer: the values that answers are made of are in the shared tier, the bytes need not be.
        let answers = cache
            .namespace("answers")
            .capacity(settings.memory)
            .weigh(Answer::weight)
            .build()?;
        Ok(Self {
            marketplace,
            answers,
            is_enabled: cache.is_enabled(),
            tag_prefix: settings.tag_prefix,
            told: Told::new(),
            bytes: metrics::BodyBytes::new(),
            effort: Arc::default(),
        })
    }

    /// An answer that lives as long as the program.
    pub(crate) fn pinned(&self, draft: Draft) -> Arc<Answer> {
        let keeping = Keeping {
            ttl: Duration::from_secs(3_600),
            stale: Duration::ZERO,
            tags: Vec::new(),
            edge_tags: vec!["documents".to_owned()],
        };
        Arc::new(draft.finish(Freshness::of(Class::Document, &keeping, &self.tag_prefix)))
    }

    /// An answer that is [`pinned`](Self::pinned).
    ///
    /// # Errors
    /// `NotAcceptable`.
    pub(crate) fn pinned_answer(
        &self,
        request: &HttpRequest,
        route: Route,
        answer: &Arc<Answer>,
    ) -> Result<HttpResponse, Problem> {
        let question = Question {
            route,
            place: Place::Pinned(Arc::clone(answer)),
            viewed: None,
        };
        let held = Held::Pinned(Arc::clone(answer));
        let story = self.hit_story(&held, Instant::now());
        let response = self.public(Asked::of(request, &question), &held, story);
        request.extensions_mut().insert(Arc::new(question));
        Ok(response.ok_or_else(not_acceptable)?)
    }

    /// The answer for everybody: as it is kept, or made by `load`, which runs once for all who ask meanwhile.
    ///
    /// # Errors
    /// Those of `load`; `NotAcceptable`.
    pub(crate) async fn answer<F>(
        &self,
        request: &HttpRequest,
        question: Question,
        keeping: (Class, Keeping),
        load: impl FnOnce(Marketplace) -> F + Send + 'static,
    ) -> Result<HttpResponse, Problem>
    where
        F: Future<Output = Result<Draft, Error>> + Send + 'static,
    {
        let (held, story) = self.find(&question, keeping, load).await?;
        let asked = Asked::of(request, &question);
        let response = self.public(asked, &held, story).ok_or_else(not_acceptable)?;
        // The same words will be the same question: the next time it is answered before it is read.
        request.extensions_mut().insert(Arc::new(question));
        Ok(response)
    }

    /// The answer to somebody who posted the question. No cache may use it for others, so it is not validated either.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub(crate) async fn posted<F>(
        &self,
        request: &HttpRequest,
        question: &Question,
        keeping: (Class, Keeping),
        load: impl FnOnce(Marketplace) -> F + Send + 'static,
    ) -> Result<HttpResponse, Problem>
    where
        F: Future<Output = Result<Draft, Error>> + Send + 'static,
    {
        let (held, story) = self.find(question, keeping, load).await?;
        let chosen = self.choose(&held, request.headers()).ok_or_else(not_acceptable)?;
        let mut response = HttpResponse::new(StatusCode::OK);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, held.content_type.clone());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        headers.insert(CACHE_STATUS, story.status);
        headers.insert(SERVER_TIMING, story.timing);
        Ok(self.with_body(response, chosen))
    }

    /// The kept answer, or a new one.
    async fn find<F>(
        &self,
        question: &Question,
        (class, keeping): (Class, Keeping),
        load: impl FnOnce(Marketplace) -> F + Send + 'static,
    ) -> Result<(Held, Story), Error>
    where
        F: Future<Output = Result<Draft, Error>> + Send + 'static,
    {
        let times = Times::new();
        let key = match &question.place {
            Place::Kept(key) => key,
            Place::Pinned(answer) => {
                let held = Held::Pinned(Arc::clone(answer));
                let story = self.hit_story(&held, times.began);
                return Ok((held, story));
            }
        };
        let policy = Policy::new(keeping.ttl)
            .stale(keeping.stale)
            .stale_if_error(WHILE_FAILING);
        let freshness = Freshness::of(class, &keeping, &self.tag_prefix);
        let Keeping { ttl, tags, .. } = keeping;
        let (load_times, marketplace) = (times.load.clone(), self.marketplace.clone());
        let load = async move || {
            let began = load_times.begin();
            let mut draft = load(marketplace).await?;
            // No longer than what it shows, or the times of the two would add up.
            let ttl = draft.freshness().min(ttl).max(SHORTEST);
            let tags = draft.take_tags();
            load_times.is_of_kept(draft.is_of_kept());
            let answer = draft.finish(freshness);
            load_times.end(began);
            Ok(Loaded::new(answer).ttl(ttl).tags(tags))
        };
        let slot = self.answers.at(&**key).policy(&policy).tags(|| tags);
        let answer = slot.get_or_load(load).await.map_err(loading_failed)?;
        let found = if self.is_enabled {
            let kept = self.answers.at(&**key).peek();
            let is_stored = kept.is_some_and(|kept| Cached::ptr_eq(&kept, &answer));
            Found::of(&answer, &times.load, is_stored)
        } else {
            Found::Bypass
        };
        let story = Story {
            status: found.status(&self.told, answer.fresh_for()),
            timing: times.header(&self.told),
        };
        let held = if found == Found::Bypass {
            Held::Passing(answer)
        } else {
            Held::Kept(answer)
        };
        Ok((held, story))
    }

    /// The kept answer, where it is there and fresh.
    fn hit(&self, question: &Question) -> Option<Held> {
        match &question.place {
            Place::Kept(key) => self.answers.at(&**key).hit().map(Held::Kept),
            Place::Pinned(answer) => Some(Held::Pinned(Arc::clone(answer))),
        }
    }

    fn hit_story(&self, held: &Held, began: Instant) -> Story {
        let status = match held {
            Held::Kept(answer) | Held::Passing(answer) => self.told.hit(answer.fresh_for()),
            Held::Pinned(_) => HeaderValue::from_static("aios; hit"),
        };
        Story {
            status,
            timing: self.told.cache_time(began.elapsed()),
        }
    }

    /// The whole answer, or 304 where the client has it. `None` where it accepts no coding that there is.
    fn public(&self, asked: Asked<'_>, held: &Held, story: Story) -> Option<HttpResponse> {
        let chosen = self.choose(held, asked.headers)?;
        let now = || SystemTime::from(self.marketplace.clock().now());
        let validated = held.validators(&chosen, now).not_modified(asked.headers);
        let status = if validated.is_some() {
            StatusCode::NOT_MODIFIED
        } else {
            StatusCode::OK
        };
        let mut response = HttpResponse::new(status);
        let headers = response.headers_mut();
        headers.insert(ETAG, validated.unwrap_or(chosen.etag).clone());
        headers.insert(VARY, asked.vary());
        headers.insert(CACHE_CONTROL, held.freshness.cache_control.clone());
        headers.insert(CDN_CACHE_CONTROL, held.freshness.cdn_cache_control.clone());
        if let Some((tags, keys)) = &held.freshness.tags {
            headers.insert(CACHE_TAG, tags.clone());
            headers.insert(SURROGATE_KEY, keys.clone());
        }
        if let Some(modified) = held.last_modified(now) {
            headers.insert(LAST_MODIFIED, modified.header.clone());
        }
        headers.insert(CACHE_STATUS, story.status);
        headers.insert(SERVER_TIMING, story.timing);
        asked.count_view(&self.marketplace);
        if validated.is_some() {
            return Some(response);
        }
        headers.insert(CONTENT_TYPE, held.content_type.clone());
        if let Some((name, value)) = &held.extra {
            headers.insert(name.clone(), value.clone());
        }
        Some(self.with_body(response, chosen))
    }

    fn choose<'a>(&self, held: &'a Held, headers: &HeaderMap) -> Option<Chosen<'a>> {
        if let Held::Passing(answer) = held {
            return answer.choose_stream(Accepted::of(headers, stream::PREFERENCE));
        }
        let chosen = held.choose(Accepted::of(headers, Coding::COMPRESSED))?;
        if chosen.wants_effort {
            self.compress_beside(held);
        }
        Some(chosen)
    }

    fn with_body(&self, mut response: HttpResponse, chosen: Chosen<'_>) -> HttpResponse {
        if let Some(coding) = chosen.coding.header() {
            response.headers_mut().insert(CONTENT_ENCODING, coding);
        }
        if chosen.is_streamed {
            return response.set_body(stream::body(chosen.body, chosen.coding));
        }
        self.bytes.sent(chosen.coding, chosen.body.len());
        response.set_body(BoxBody::new(chosen.body))
    }

    /// Compresses with high effort beside the requests, unless it is another answer's turn: then a later request sees to it.
    fn compress_beside(&self, held: &Held) {
        let Some(turn) = self.effort.begin() else {
            return;
        };
        let held = held.clone();
        actix_web::rt::task::spawn_blocking(move || {
            held.compress();
            drop(turn);
        });
    }
}

impl<'a> Asked<'a> {
    fn of(request: &'a HttpRequest, question: &Question) -> Self {
        Self {
            method: request.method(),
            headers: request.headers(),
            route: question.route,
            viewed: question.viewed,
        }
    }

    fn vary(self) -> HeaderValue {
        HeaderValue::from_static(if self.route.depends_on_caller() {
            "Accept-Encoding, Authorization"
        } else {
            "Accept-Encoding"
        })
    }

    /// An agent that is shown is viewed, also where the client had it already; by asking for its head it is not.
    fn count_view(self, marketplace: &Marketplace) {
        if let Some(agent) = self.viewed
            && self.method == Method::GET
        {
            marketplace.count_view(agent);
        }
    }
}

fn loading_failed(error: LoadError<Error>) -> Error {
    error.into_error(Error::clone, |other| match other {
        LoadError::TimedOut => Error::new(ErrorKind::Timeout, "This takes too long now; try again in a moment."),
        other => Error::internal(other.to_string()),
    })
}

pub(crate) fn not_acceptable() -> Error {
    Error::new(
        ErrorKind::NotAcceptable,
        "Accept-Encoding must allow br, zstd, gzip or identity.",
    )
}
