//! `aios serve`: the database is brought up to date, the routes are put on the network, and everything is stopped in order.

use std::net::{SocketAddr, TcpListener};
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use aios_api::{Api, Authenticator, Jwks};
use aios_cache::Cache;
use aios_db::{Database, DatabaseKind};
use aios_domain::{Caller, Role};
use aios_marketplace::{Clock, Marketplace, Pruned, RELAY_INTERVAL, SystemClock};
use aios_telemetry::Metrics;
use chrono::TimeDelta;

use crate::config::{ServeArgs, StartError};
use crate::edge::{keep_purging, purge_last};
use crate::offline::migrate;
use crate::secret::{cursor_secret, token_secret};
use crate::tls::Certificate;

/// How often views are written and trending is brought up to date.
const HOUSEKEEPING: Duration = Duration::from_secs(10);
/// How often it is looked for events that have become too old.
const BETWEEN_PRUNINGS: Duration = Duration::from_secs(600);
/// The pause between two batches of them: five thousand rows a second at most.
const BETWEEN_BATCHES: Duration = Duration::from_millis(200);
/// How often it is looked which agents are the most popular, for searches.
const SEARCH_TIERS: Duration = Duration::from_secs(300);
/// How long the start waits for Redis.
const LONGEST_WAIT_FOR_REDIS: Duration = Duration::from_secs(2);
/// How long requests under way may take when the server stops, beyond their own time limit.
const GRACE: Duration = Duration::from_secs(5);
/// How long the token that is printed at the start is good.
const TRIAL_TOKEN: Duration = Duration::from_secs(24 * 3_600);
/// Always the same catalogue.
const DEMO_SEED: u64 = 2026;

/// Serves until the process is told to stop.
pub(crate) fn run(args: ServeArgs) -> Result<(), StartError> {
    aios_telemetry::start_logging(args.log_format);
    actix_web::rt::System::new().block_on(async {
        let server = start(args, Arc::new(SystemClock)).await?;
        crate::print(&server.greeting());
        server.until_stopped().await
    })
}

/// A server that answers.
pub struct Server {
    address: SocketAddr,
    database: String,
    cache: &'static str,
    is_demo: bool,
    scheme: &'static str,
    token: Option<String>,
    marketplace: Marketplace,
    http: actix_web::dev::Server,
    metrics_http: Option<actix_web::dev::Server>,
}

/// Starts a server: migrates the database, fills an empty embedded one, listens. It answers when this returns.
///
/// # Errors
/// A sentence that says what is in the way.
pub async fn start(args: ServeArgs, clock: Arc<dyn Clock>) -> Result<Server, StartError> {
    let url = args.database.database_url.clone();
    let (authenticator, secret) = authenticator(&args)?;
    let database_config = args.database_config()?;
    let certificate = args.transport.tls_files().map(Certificate::load).transpose()?;
    let to_migrate = url.clone();
    web::block(move || migrate(&to_migrate))
        .await
        .map_err(|_| StartError::new("the migration was given up"))??;
    // Before the parts are made: they get the handles of their metrics then.
    let metrics = installed_metrics();
    let database = Database::new(&database_config);
    let cache = args.cache.build()?;
    let cursors = cursor_secret(secret.as_deref());
    let marketplace = Marketplace::new(database, clock, &cursors, &cache, &args.cache.settings())?;
    let marketplace = args.edge.put_before(marketplace, &args.cache.cache_key_prefix)?;
    let is_demo =
        args.demo_data && url.kind() == DatabaseKind::Sqlite && marketplace.fill_with_demonstration(DEMO_SEED).await?;
    marketplace.housekeeping().await?;
    catch_up(&marketplace, &cache).await?;

    let metrics_here = metrics.clone().filter(|_| args.metrics_address.is_none());
    let api = Api::new(
        marketplace.clone(),
        authenticator,
        args.request_timeout,
        metrics_here,
        &cache,
        args.cache.delivery(),
    );
    let api = api.map_err(|error| StartError::new(error.to_string()))?;
    let api = web::Data::new(api.body_timeout(args.transport.client_body_timeout));
    let (http, address) = listen(&args, certificate.as_ref(), api)?;
    let metrics_http = match (args.metrics_address, metrics.clone()) {
        (Some(address), Some(metrics)) => Some(listen_for_metrics(address, metrics)?),
        _ => None,
    };
    keep_house(marketplace.clone(), metrics);
    keep_search_tiers(marketplace.clone());
    keep_relaying(marketplace.clone());
    keep_pruning(
        marketplace.clone(),
        TimeDelta::days(args.analytics_retention_days.into()),
    )
    .await;
    keep_purging(&marketplace);
    actix_web::rt::spawn(warm_up(marketplace.clone()));
    // A secret that somebody chose may guard real users: a token made with it is for nobody's screen.
    let trial_secret = secret.filter(|_| args.secret.jwt_secret.is_none());
    let token = trial_secret.map(|secret| trial_token(&secret)).transpose()?;
    Ok(Server {
        address,
        database: url.to_string(),
        cache: crate::cache::told(&cache),
        is_demo,
        scheme: if certificate.is_some() { "https" } else { "http" },
        token,
        marketplace,
        http,
        metrics_http,
    })
}

fn authenticator(args: &ServeArgs) -> Result<(Authenticator, Option<Vec<u8>>), StartError> {
    if let Some(source) = &args.jwt_jwks {
        let keys = Jwks::load(source).map_err(|reason| StartError::new(format!("JWT_JWKS: {reason}")))?;
        return Ok((Authenticator::public(keys), None));
    }
    let secret = token_secret(&args.secret, &args.database.database_url)?;
    let authenticator =
        Authenticator::shared(&secret).map_err(|reason| StartError::new(format!("JWT_SECRET {reason}")))?;
    Ok((authenticator, Some(secret)))
}

/// The recorder of this process. A second server in the process, as in tests, shares the first one's figures.
fn installed_metrics() -> Option<Metrics> {
    let metrics = Metrics::install().ok()?;
    aios_api::describe_metrics();
    aios_cache::describe_metrics();
    aios_db::describe_metrics();
    aios_edge::describe_metrics();
    aios_marketplace::describe_metrics();
    Some(metrics)
}

fn listen(
    args: &ServeArgs,
    certificate: Option<&Arc<Certificate>>,
    api: web::Data<Api>,
) -> Result<(actix_web::dev::Server, SocketAddr), StartError> {
    let address = SocketAddr::new(args.api_host, args.api_port);
    let listener = bind(address, "API_HOST and API_PORT")?;
    let bound = listener
        .local_addr()
        .map_err(|error| StartError::new(format!("can't listen at {address}: {error}")))?;
    let failed = |error: std::io::Error| StartError::new(format!("can't listen at {bound}: {error}"));
    let (transport, workers) = (&args.transport, workers(args));
    // Asked again, the system takes the new length of its queue.
    socket2::SockRef::from(&listener)
        .listen(i32::from(transport.listen_backlog))
        .map_err(failed)?;
    let grace = args.request_timeout + GRACE;
    let server = HttpServer::new(move || aios_api::app(api.clone()))
        .shutdown_timeout(grace.as_secs())
        .workers(usize::from(workers.get()))
        .max_connections(transport.connections_per_worker(workers))
        .keep_alive(transport.keep_alive)
        .client_request_timeout(transport.client_timeout)
        .client_disconnect_timeout(transport.client_timeout)
        .tls_handshake_timeout(transport.client_timeout)
        // Answers are written whole: nothing is gained by waiting for more of them.
        .tcp_nodelay(true);
    let server = match certificate {
        Some(certificate) => {
            let config = certificate.server_config()?;
            actix_web::rt::spawn(Arc::clone(certificate).keep_up_to_date());
            server.listen_rustls_0_23(listener, config)
        }
        // Which protocol it is shows in the first bytes (RFC 9113, section 3.3), for which the framework waits as long as it takes.
        None if transport.http2_cleartext => server.listen_auto_h2c(listener),
        None => server.listen(listener),
    };
    Ok((server.map_err(failed)?.run(), bound))
}

/// How many threads answer: as many as were asked for, or as there are cores.
fn workers(args: &ServeArgs) -> NonZero<u16> {
    let cores = || {
        std::thread::available_parallelism()
            .ok()
            .and_then(|cores| NonZero::try_from(cores).ok())
    };
    args.api_workers
        .and_then(NonZero::new)
        .or_else(cores)
        .unwrap_or(NonZero::<u16>::MIN)
}

fn listen_for_metrics(address: SocketAddr, metrics: Metrics) -> Result<actix_web::dev::Server, StartError> {
    let listener = bind(address, "METRICS_ADDRESS")?;
    let server = HttpServer::new(move || {
        let metrics = metrics.clone();
        App::new().route(
            "/metrics",
            web::get().to(move || std::future::ready(metrics_answer(&metrics))),
        )
    })
    .workers(1)
    .disable_signals()
    .listen(listener);
    Ok(server
        .map_err(|error| StartError::new(format!("can't listen at {address}: {error}")))?
        .run())
}

fn metrics_answer(metrics: &Metrics) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(metrics.render())
}

fn bind(address: SocketAddr, setting: &str) -> Result<TcpListener, StartError> {
    let failed = |error: std::io::Error| {
        StartError::new(format!(
            "can't listen at {address}: {error}; choose another with {setting}"
        ))
    };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

/// Writes views, brings trending up to date and folds metrics, every few seconds for as long as the server runs.
fn keep_house(marketplace: Marketplace, metrics: Option<Metrics>) {
    actix_web::rt::spawn(async move {
        let mut ticks = tokio::time::interval(HOUSEKEEPING);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            if let Err(error) = marketplace.housekeeping().await {
                tracing::warn!(%error, "housekeeping failed; it is tried again");
            }
            if let Some(metrics) = &metrics {
                metrics.upkeep();
            }
        }
    });
}

/// Looks which agents are the most popular, for searches, soon after the start and every few minutes.
fn keep_search_tiers(marketplace: Marketplace) {
    actix_web::rt::spawn(async move {
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + HOUSEKEEPING, SEARCH_TIERS);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = marketplace.search_tiers_refresh().await {
                tracing::warn!(%error, "search tiers could not be brought up to date; it is tried again");
            }
        }
    });
}

/// Brings to the caches what was made stale and did not get there before the last stop: nothing older is answered from the
/// start. Where Redis does not answer, the start does not wait for it for long; nothing is read from it then either.
async fn catch_up(marketplace: &Marketplace, cache: &Cache) -> Result<(), StartError> {
    let _ = tokio::time::timeout(LONGEST_WAIT_FOR_REDIS, cache.linked()).await;
    Ok(marketplace.relay_invalidations().await?)
}

/// Relays invalidations for as long as the server runs.
fn keep_relaying(marketplace: Marketplace) {
    actix_web::rt::spawn(async move {
        let mut ticks = tokio::time::interval(RELAY_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = marketplace.relay_invalidations().await {
                tracing::warn!(%error, "invalidations could not be relayed; it is tried again");
            }
        }
    });
}

/// Deletes events that are too old: some at once, and the others for as long as the server runs.
async fn keep_pruning(marketplace: Marketplace, keep: TimeDelta) {
    let mut pause = prune(&marketplace, keep).await;
    actix_web::rt::spawn(async move {
        loop {
            tokio::time::sleep(pause).await;
            pause = prune(&marketplace, keep).await;
        }
    });
}

/// Hands back after which pause it goes on.
async fn prune(marketplace: &Marketplace, keep: TimeDelta) -> Duration {
    match marketplace.prune_events(keep).await {
        Ok(Pruned::Some(_)) => BETWEEN_BATCHES,
        Ok(Pruned::Last(_) | Pruned::Elsewhere) => BETWEEN_PRUNINGS,
        Err(error) => {
            tracing::warn!(%error, "old events could not be deleted; it is tried again");
            BETWEEN_PRUNINGS
        }
    }
}

/// Loads what many will ask for, beside the first answers.
async fn warm_up(marketplace: Marketplace) {
    let report = marketplace.warm_up().await;
    tracing::debug!(%report, "the cache is warm");
}

fn trial_token(secret: &[u8]) -> Result<String, StartError> {
    let caller = Caller {
        id: aios_marketplace::demo::first_user(),
        email: None,
        role: Role::User,
    };
    crate::token::signed(secret, &caller, TRIAL_TOKEN)
}

impl Server {
    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it serves.
    pub fn marketplace(&self) -> &Marketplace {
        &self.marketplace
    }

    /// By which it is stopped.
    pub fn handle(&self) -> actix_web::dev::ServerHandle {
        self.http.handle()
    }

    /// Answers until it is told to stop, by a signal or its handle; then requests under way are finished and views written.
    ///
    /// # Errors
    /// Where the network fails, or the last views can't be written.
    pub async fn until_stopped(self) -> Result<(), StartError> {
        let metrics = self.metrics_http.map(|server| {
            let handle = server.handle();
            actix_web::rt::spawn(server);
            handle
        });
        let stopped = self.http.await;
        if let Some(metrics) = metrics {
            metrics.stop(false).await;
        }
        self.marketplace.flush_views().await?;
        purge_last(&self.marketplace).await;
        // What has arrived is deleted from the outbox; what has not is the next server's.
        self.marketplace.relay_invalidations().await?;
        stopped.map_err(|error| StartError::new(format!("the server failed: {error}")))
    }

    /// What a person at the terminal wants to know.
    fn greeting(&self) -> String {
        let base = format!("{}://{}", self.scheme, self.address);
        let (data, cache) = (&self.database, self.cache);
        let filled = if self.is_demo {
            "\n              (it was empty, and holds a demonstration catalogue now)"
        } else {
            ""
        };
        let trial = self.token.as_ref().map_or_else(String::new, |token| {
            format!(
                "\nA token for trying the signed-in routes, good for a day:\n\n  export TOKEN={token}\n  \
                 curl -H \"Authorization: Bearer $TOKEN\" {base}/api/v1/marketplace/my-agents\n"
            )
        });
        format!(
            "AIOS Marketplace is ready.\n\n  Data        {data}{filled}\n  Cache       {cache}\n  Reference   {base}/docs\n  \
             Agents      {base}/api/v1/marketplace/agents\n  Metrics     {base}/metrics\n{trial}\nCtrl-C stops the server."
        )
    }
}
