//! All routes: where each is, which methods it answers, and what answers where there is none.

pub(crate) mod agents;
pub(crate) mod categories;
pub(crate) mod installations;
pub(crate) mod knowledge;
pub(crate) mod operations;
pub(crate) mod queries;
pub(crate) mod reviews;
pub(crate) mod stats;

use std::str::FromStr;

use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpResponse, Resource, Route, guard, web};
use aios_domain::Error;

use crate::batch;

/// Puts every route into the application.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config
        .service(resource(
            "/api/v1/marketplace/stats",
            vec![get().to(stats::marketplace)],
        ))
        .service(resource(
            "/api/v1/marketplace/agents",
            vec![get().to(agents::list), post().to(agents::create)],
        ))
        .service(resource(
            "/api/v1/marketplace/agents/search",
            vec![post().to(agents::search)],
        ))
        .service(resource(
            "/api/v1/marketplace/agents/{id}",
            vec![
                get().to(agents::read),
                patch().to(agents::update),
                delete().to(agents::withdraw),
            ],
        ))
        .service(resource(
            "/api/v1/marketplace/agents/{id}/install",
            vec![post().to(installations::install), delete().to(installations::uninstall)],
        ))
        .service(resource(
            "/api/v1/marketplace/agents/{id}/reviews",
            vec![get().to(reviews::list), post().to(reviews::write)],
        ))
        .service(resource(
            "/api/v1/marketplace/agents/{id}/stats",
            vec![get().to(stats::agent)],
        ))
        .service(resource(
            "/api/v1/marketplace/agents/{id}/events",
            vec![post().to(installations::event)],
        ))
        .service(resource(
            "/api/v1/marketplace/my-agents",
            vec![get().to(installations::mine)],
        ))
        .service(resource(
            "/api/v1/marketplace/categories",
            vec![get().to(categories::list), post().to(categories::create)],
        ))
        .service(resource(
            "/api/v1/marketplace/categories/stats",
            vec![get().to(categories::counts)],
        ))
        .service(resource(
            "/api/v1/knowledge/content",
            vec![get().to(knowledge::list), post().to(knowledge::create)],
        ))
        .service(resource(
            "/api/v1/knowledge/content/{id}",
            vec![
                get().to(knowledge::read),
                put().to(knowledge::replace),
                delete().to(knowledge::remove),
            ],
        ))
        .service(resource("/api/v1/knowledge/search", vec![post().to(knowledge::search)]))
        .service(resource("/api/v1/admin/queries", vec![get().to(queries::list)]))
        .service(resource(
            "/api/v1/admin/queries/{id}/plan",
            vec![get().to(queries::plan)],
        ))
        .service(resource("/api/v1/admin/advice", vec![get().to(queries::advice)]))
        .service(resource(batch::PATH, vec![post().to(batch::batch)]))
        .service(resource("/livez", vec![get().to(operations::alive)]))
        .service(resource("/readyz", vec![get().to(operations::ready)]))
        .service(resource("/health", vec![get().to(operations::health)]))
        .service(resource("/metrics", vec![get().to(operations::metrics)]))
        .service(resource("/openapi.json", vec![get().to(operations::openapi)]))
        .service(resource("/docs", vec![get().to(operations::docs)]))
        .service(resource("/monitoring", vec![get().to(operations::monitoring)]))
        .service(resource("/", vec![get().to(operations::root)]));
}

/// A route and the methods by which it is asked, which a 405 and an OPTIONS list.
struct Answer {
    methods: &'static [Method],
    route: Route,
}

struct Asked(&'static [Method]);

const GET: &[Method] = &[Method::GET, Method::HEAD];
const POST: &[Method] = &[Method::POST];
const PUT: &[Method] = &[Method::PUT];
const PATCH: &[Method] = &[Method::PATCH];
const DELETE: &[Method] = &[Method::DELETE];

fn get() -> Asked {
    Asked(GET)
}

fn post() -> Asked {
    Asked(POST)
}

fn put() -> Asked {
    Asked(PUT)
}

fn patch() -> Asked {
    Asked(PATCH)
}

fn delete() -> Asked {
    Asked(DELETE)
}

impl Asked {
    fn to<F, Args>(self, handler: F) -> Answer
    where
        F: actix_web::Handler<Args>,
        Args: actix_web::FromRequest + 'static,
        F::Output: actix_web::Responder + 'static,
    {
        let mut methods = guard::Any(guard::fn_guard(|_| false));
        for method in self.0 {
            methods = methods.or(guard::Method(method.clone()));
        }
        Answer {
            methods: self.0,
            route: web::route().guard(methods).to(handler),
        }
    }
}

fn resource(path: &str, answers: Vec<Answer>) -> Resource {
    let methods: Vec<&str> = answers
        .iter()
        .flat_map(|answer| answer.methods)
        .map(Method::as_str)
        .collect();
    let allow = HeaderValue::from_str(&format!("{}, OPTIONS", methods.join(", ")))
        .unwrap_or(HeaderValue::from_static("OPTIONS"));
    let mut resource = web::resource(path);
    for answer in answers {
        resource = resource.route(answer.route);
    }
    resource.default_service(web::route().to(move |method: Method| {
        let mut response = if method == Method::OPTIONS {
            HttpResponse::NoContent()
        } else {
            HttpResponse::MethodNotAllowed()
        };
        std::future::ready(response.insert_header((ALLOW, allow.clone())).finish())
    }))
}

/// An id from a path. Ids are opaque to clients: one that can't be an id names nothing.
fn id<T: FromStr>(path: &str, what: &str) -> Result<T, Error> {
    path.parse().map_err(|_| Error::not_found(what))
}
