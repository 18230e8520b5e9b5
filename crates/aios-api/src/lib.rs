//! The HTTP interface: routes, wire types, problem details, OpenAPI.
//!
//! [`app`] is the application with all routes, [`Api`] is what they share. A handler reads its input into the words of
//! the domain, calls one use case, and writes the answer; who may call it stands in its signature.

mod auth;
mod batch;
mod body;
mod delivery;
mod docs_page;
mod jwks;
mod links;
mod monitoring_page;
mod openapi;
mod params;
mod problem;
mod routes;
mod shell;
mod unread;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::{App, web};
use aios_cache::{Cache, NamespaceError};
use aios_marketplace::Marketplace;
use aios_telemetry::Metrics;

use crate::delivery::{Answer, Delivery};

pub use auth::{Authenticator, sign_token};
pub use delivery::DeliverySettings;
pub use jwks::Jwks;
pub use openapi::openapi_json;
pub use shell::describe_metrics;
pub use wire::advice_json;

/// What all routes share.
pub struct Api {
    marketplace: Marketplace,
    authenticator: Authenticator,
    request_timeout: Duration,
    body_timeout: Duration,
    metrics: Option<Metrics>,
    delivery: Delivery,
    openapi: Arc<Answer>,
    docs: Arc<Answer>,
    monitoring: Arc<Answer>,
}

impl Api {
    /// The routes over this marketplace, for callers that this authenticator knows. A request is given up after
    /// `request_timeout`. Without `metrics` there is no `/metrics`, as where it is served at an address of its own. Finished
    /// answers are kept in `cache`, which is the marketplace's.
    ///
    /// # Errors
    /// Where the routes of another marketplace use this cache.
    pub fn new(
        marketplace: Marketplace,
        authenticator: Authenticator,
        request_timeout: Duration,
        metrics: Option<Metrics>,
        cache: &Cache,
        delivery: DeliverySettings,
    ) -> Result<Self, NamespaceError> {
        let delivery = Delivery::new(marketplace.clone(), cache, delivery)?;
        Ok(Self {
            openapi: delivery.pinned(routes::operations::openapi_answer()),
            docs: delivery.pinned(routes::operations::docs_answer(docs_page::render(&openapi::document()))),
            monitoring: delivery.pinned(routes::operations::monitoring_answer()),
            marketplace,
            authenticator,
            request_timeout,
            body_timeout: request_timeout,
            metrics,
            delivery,
        })
    }

    /// The same, for clients that take at most so long to send a body; else as long as a request may take.
    #[must_use]
    pub fn body_timeout(mut self, longest: Duration) -> Self {
        self.body_timeout = longest;
        self
    }
}

/// The application that answers all of the HTTP contract.
pub fn app(
    api: web::Data<Api>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let of_parts = api.clone();
    application(api)
        .wrap(unread::Unread)
        .data_factory(move || batch::Parts::of(application(of_parts.clone())))
}

/// The application as parts of a batch meet it: all of it but batches.
fn application(
    api: web::Data<Api>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(api.clone())
        .wrap(shell::Shell(api))
        .configure(routes::configure)
}
