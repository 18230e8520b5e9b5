//! The limit: an actix-web server that does nothing but hand out an answer that was written out before.
//!
//! It is given the very bytes and headers of an answer of the service, so that what the service does beyond it can be told.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{App, HttpResponse, HttpServer, web};
use aios_benches::bare::{Hosted, Stored};
use aios_benches::error::{BenchError, Result};
use bytes::Bytes;

fn main() -> ExitCode {
    let outcome = actix_web::rt::System::new().block_on(run());
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "aios-bare: {error}");
            ExitCode::FAILURE
        }
    }
}

/// An answer as the handler needs it: shared, and nothing left to be parsed.
#[derive(Clone)]
struct Ready {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

/// Reads what to serve from standard input, says its port on standard output, and serves until it is told to stop.
async fn run() -> Result<()> {
    let hosted: Hosted =
        serde_json::from_reader(io::stdin().lock()).map_err(BenchError::because("the answers can't be read"))?;
    let routes: Vec<(String, Ready)> = hosted
        .answers
        .into_iter()
        .map(|(path, stored)| Ok((path, ready(stored)?)))
        .collect::<Result<_>>()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .map_err(BenchError::because("can't listen at the loopback address"))?;
    let address = listener.local_addr().map_err(BenchError::because("no address"))?;
    let server = HttpServer::new(move || {
        routes.iter().cloned().fold(App::new(), |app, (path, ready)| {
            app.route(
                &path,
                web::route().to(move || {
                    let response = answer(&ready);
                    async move { response }
                }),
            )
        })
    })
    .workers(hosted.workers)
    .listen(listener)
    .map_err(BenchError::because("can't listen"))?
    .run();
    let _ = writeln!(io::stdout(), "{address}");
    server.await.map_err(BenchError::because("the bare server failed"))
}

fn answer(ready: &Ready) -> HttpResponse {
    let mut response = HttpResponse::build(ready.status);
    for (name, value) in &ready.headers {
        response.append_header((name.clone(), value.clone()));
    }
    response.body(ready.body.clone())
}

fn ready(stored: Stored) -> Result<Ready> {
    let headers = stored.headers.iter().map(|(name, value)| {
        let name = name.parse().map_err(BenchError::because(name));
        Ok((name?, HeaderValue::from_str(value).map_err(BenchError::because(value))?))
    });
    Ok(Ready {
        status: StatusCode::from_u16(stored.status).map_err(BenchError::because("status"))?,
        headers: headers.collect::<Result<_>>()?,
        body: stored.body.into(),
    })
}
