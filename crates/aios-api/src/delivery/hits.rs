//! Hits: what is kept is answered before anything else of a request runs. No routing, no extraction, no future.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::AUTHORIZATION;
use actix_web::http::{Method, StatusCode};
use metrics::{Counter, Histogram, counter, histogram};
use quick_cache::unsync::Cache;

use super::{Asked, Question, Route};
use crate::Api;
use crate::shell::{REQUEST_SECONDS, REQUESTS_TOTAL};

/// So many requests are remembered by their words, at each worker.
const MOST: usize = 2_048;
/// Longer targets are read each time, in bytes.
const LONGEST: usize = 512;

/// What a worker knows of requests by their words. The same target is always the same question, so nothing here gets old.
pub(crate) struct Hits {
    questions: RefCell<Cache<Box<str>, Arc<Question>>>,
    counts: RefCell<[[Option<Counts>; 2]; Route::ALL.len()]>,
}

/// The metrics of a route and a method, found once.
struct Counts {
    whole: Counter,
    not_modified: Counter,
    seconds: Histogram,
}

impl Counts {
    fn of(route: Route, method: &'static str) -> Self {
        let route = route.pattern();
        let answered = |status| counter!(REQUESTS_TOTAL, "method" => method, "route" => route, "status" => status);
        Self {
            whole: answered("200"),
            not_modified: answered("304"),
            seconds: histogram!(REQUEST_SECONDS, "method" => method, "route" => route),
        }
    }
}

impl Hits {
    pub(crate) fn new() -> Self {
        Self {
            questions: RefCell::new(Cache::new(MOST)),
            counts: RefCell::default(),
        }
    }

    /// The answer, where the question is known and its answer is kept and fresh.
    pub(crate) fn answer(&self, api: &Api, request: &ServiceRequest) -> Option<HttpResponse> {
        let began = Instant::now();
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return None;
        }
        let question = self.known(request)?;
        if question.route.depends_on_caller() && request.headers().contains_key(AUTHORIZATION) {
            return None;
        }
        let delivery = &api.delivery;
        let held = delivery.hit(&question)?;
        let asked = Asked {
            method: request.method(),
            headers: request.headers(),
            route: question.route,
            viewed: question.viewed,
        };
        let story = delivery.hit_story(&held, began);
        let response = delivery.public(asked, &held, story)?;
        self.count(question.route, request.method(), response.status(), began);
        Some(response)
    }

    /// Remembers what a target asks.
    pub(crate) fn learn(&self, target: &str, question: Arc<Question>) {
        if target.len() <= LONGEST {
            self.questions.borrow_mut().insert(target.into(), question);
        }
    }

    fn known(&self, request: &ServiceRequest) -> Option<Arc<Question>> {
        let target = request.uri().path_and_query()?.as_str();
        self.questions.borrow().get(target).cloned()
    }

    /// A hit is over before anybody could see it in flight, so the gauge of those is left alone.
    fn count(&self, route: Route, method: &Method, status: StatusCode, began: Instant) {
        let mut counts = self.counts.borrow_mut();
        let Some([get, head]) = counts.get_mut(route as usize) else {
            return;
        };
        let counts = if *method == Method::HEAD {
            head.get_or_insert_with(|| Counts::of(route, "HEAD"))
        } else {
            get.get_or_insert_with(|| Counts::of(route, "GET"))
        };
        let answered = if status == StatusCode::NOT_MODIFIED {
            &counts.not_modified
        } else {
            &counts.whole
        };
        answered.increment(1);
        counts.seconds.record(began.elapsed().as_secs_f64());
    }
}
