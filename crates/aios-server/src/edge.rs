//! The edge: which CDN is purged, with which credentials, and how often.

use std::sync::Arc;
use std::time::Duration;

use aios_edge::{AwsCredentials, CloudFront, Cloudflare, Edge, Fastly, Secret, SettingError, Varnish};
use aios_marketplace::{EdgeLine, EdgeSettings, Marketplace, edge_paths};
use clap::{Args, ValueEnum};

use crate::config::StartError;

/// What is purged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum EdgeKind {
    /// Nothing: there is no CDN, or what it keeps may age.
    #[default]
    None,
    /// A zone at Cloudflare.
    Cloudflare,
    /// A service at Fastly.
    Fastly,
    /// A distribution of CloudFront.
    Cloudfront,
    /// Nodes of Varnish.
    Varnish,
}

/// The CDN in front of the servers.
#[derive(Args, Clone, Debug)]
pub struct EdgeArgs {
    /// What is purged when something has changed: the CDN in front of this server. Each needs settings of its own.
    #[arg(long, env = "EDGE_PURGE", value_name = "CDN", value_enum, default_value_t)]
    pub edge_purge: EdgeKind,
    /// How long writes are gathered before they are purged together, as in 50ms or 2s.
    #[arg(long, env = "EDGE_PURGE_WINDOW", value_name = "TIME", default_value = "50ms", value_parser = pause)]
    pub edge_purge_window: Duration,
    /// How long after a purge comes a second one, for answers that were on their way during the first; 0 for none.
    #[arg(long, env = "EDGE_PURGE_AGAIN", value_name = "TIME", default_value = "5s", value_parser = pause)]
    pub edge_purge_again: Duration,
    /// Whether Fastly and Varnish keep what is purged as stale, and serve it once more while it is fetched anew.
    #[arg(long, env = "EDGE_PURGE_SOFT", value_name = "BOOL", default_value_t = false, action = clap::ArgAction::Set)]
    pub edge_purge_soft: bool,
    /// The zone at Cloudflare.
    #[arg(long, env = "CLOUDFLARE_ZONE_ID", value_name = "ID")]
    pub cloudflare_zone_id: Option<String>,
    /// An API token of Cloudflare that may purge this zone's cache, and no more.
    #[arg(long, env = "CLOUDFLARE_API_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub cloudflare_api_token: Option<Secret>,
    /// The service at Fastly.
    #[arg(long, env = "FASTLY_SERVICE_ID", value_name = "ID")]
    pub fastly_service_id: Option<String>,
    /// An API token of Fastly with the scopes purge_select and purge_all for this service.
    #[arg(long, env = "FASTLY_API_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub fastly_api_token: Option<Secret>,
    /// The distribution of CloudFront.
    #[arg(long, env = "CLOUDFRONT_DISTRIBUTION_ID", value_name = "ID")]
    pub cloudfront_distribution_id: Option<String>,
    /// An access key of AWS that may do cloudfront:CreateInvalidation on this distribution.
    #[arg(long, env = "AWS_ACCESS_KEY_ID", value_name = "ID")]
    pub aws_access_key_id: Option<String>,
    /// The secret part of the access key.
    #[arg(long, env = "AWS_SECRET_ACCESS_KEY", value_name = "KEY", hide_env_values = true)]
    pub aws_secret_access_key: Option<Secret>,
    /// What comes with an access key that is temporary.
    #[arg(long, env = "AWS_SESSION_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub aws_session_token: Option<Secret>,
    /// Every node of Varnish, as in http://10.0.0.7:6081,http://10.0.0.8:6081.
    #[arg(long, env = "VARNISH_URLS", value_name = "URLS", value_delimiter = ',')]
    pub varnish_urls: Vec<String>,
    /// With which the nodes of Varnish let things be purged.
    #[arg(long, env = "VARNISH_PURGE_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub varnish_purge_secret: Option<Secret>,
}

impl EdgeArgs {
    /// The same marketplace, with its edges.
    pub(crate) fn put_before(&self, marketplace: Marketplace, key_prefix: &str) -> Result<Marketplace, StartError> {
        let edges = self.edges()?;
        if edges.is_empty() {
            return Ok(marketplace);
        }
        let settings = EdgeSettings {
            key_prefix: key_prefix.to_owned(),
            window: self.edge_purge_window,
            again: self.edge_purge_again,
            random,
        };
        marketplace
            .with_edges(edges, settings)
            .map_err(|_| StartError::new("VARNISH_URLS must name each node once, and 64 at most"))
    }

    fn edges(&self) -> Result<Vec<Arc<dyn Edge>>, StartError> {
        Ok(match self.edge_purge {
            EdgeKind::None => Vec::new(),
            EdgeKind::Cloudflare => {
                let zone = needed(self.cloudflare_zone_id.as_ref(), "CLOUDFLARE_ZONE_ID")?;
                let token = needed(self.cloudflare_api_token.as_ref(), "CLOUDFLARE_API_TOKEN")?;
                let edge = Cloudflare::new(zone, token.clone());
                vec![Arc::new(
                    edge.map_err(said_of("CLOUDFLARE_ZONE_ID and CLOUDFLARE_API_TOKEN"))?,
                )]
            }
            EdgeKind::Fastly => {
                let service = needed(self.fastly_service_id.as_ref(), "FASTLY_SERVICE_ID")?;
                let token = needed(self.fastly_api_token.as_ref(), "FASTLY_API_TOKEN")?;
                let edge = Fastly::new(service, token.clone());
                let edge = edge.map_err(said_of("FASTLY_SERVICE_ID and FASTLY_API_TOKEN"))?;
                vec![Arc::new(edge.soft(self.edge_purge_soft))]
            }
            EdgeKind::Cloudfront => vec![Arc::new(self.cloudfront()?)],
            EdgeKind::Varnish => self.varnish()?,
        })
    }

    fn cloudfront(&self) -> Result<CloudFront, StartError> {
        let distribution = needed(self.cloudfront_distribution_id.as_ref(), "CLOUDFRONT_DISTRIBUTION_ID")?;
        let credentials = AwsCredentials {
            key_id: needed(self.aws_access_key_id.as_ref(), "AWS_ACCESS_KEY_ID")?.clone(),
            secret_key: needed(self.aws_secret_access_key.as_ref(), "AWS_SECRET_ACCESS_KEY")?.clone(),
            session_token: self.aws_session_token.clone().filter(|token| !token.is_empty()),
        };
        CloudFront::new(distribution, credentials, Box::new(edge_paths))
            .map_err(said_of("CLOUDFRONT_DISTRIBUTION_ID and the access key of AWS"))
    }

    fn varnish(&self) -> Result<Vec<Arc<dyn Edge>>, StartError> {
        let secret = needed(self.varnish_purge_secret.as_ref(), "VARNISH_PURGE_SECRET")?;
        let urls = self
            .varnish_urls
            .iter()
            .map(|url| url.trim())
            .filter(|url| !url.is_empty());
        let nodes = urls.map(|url| {
            let node = Varnish::new(url, secret.clone()).map_err(said_of("VARNISH_URLS and VARNISH_PURGE_SECRET"))?;
            Ok(Arc::new(node.soft(self.edge_purge_soft)) as Arc<dyn Edge>)
        });
        let nodes: Vec<_> = nodes.collect::<Result<_, StartError>>()?;
        if nodes.is_empty() {
            return Err(StartError::new("EDGE_PURGE=varnish needs VARNISH_URLS"));
        }
        Ok(nodes)
    }
}

fn needed<'a, T>(value: Option<&'a T>, name: &str) -> Result<&'a T, StartError> {
    value.ok_or_else(|| StartError::new(format!("EDGE_PURGE needs {name} for this CDN")))
}

fn said_of(settings: &'static str) -> impl Fn(SettingError) -> StartError {
    move |error| StartError::new(format!("{settings}: {error}"))
}

/// A random number from 0 to 1.
fn random() -> f64 {
    // The first 32 bits of such an id are random, and a float holds them.
    let bits = u32::try_from(uuid::Uuid::new_v4().as_u128() >> 96).unwrap_or_default();
    f64::from(bits) / f64::from(u32::MAX)
}

/// Purges for as long as the server runs: what was committed, a moment later, and what waits, every second.
pub(crate) fn keep_purging(marketplace: &Marketplace) {
    for line in marketplace.edge_lines() {
        actix_web::rt::spawn(purge_committed(line.clone()));
        actix_web::rt::spawn(purge_waiting(line));
    }
}

async fn purge_committed(line: EdgeLine) {
    loop {
        line.called().await;
        line.purge_committed().await;
    }
}

async fn purge_waiting(line: EdgeLine) {
    let mut ticks = tokio::time::interval(line.interval());
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = line.purge_waiting().await {
            tracing::warn!(%error, "what waits to be purged at the edge could not be read; it is tried again");
        }
    }
}

/// What was committed last is purged before the server stops, if the edge is quick; else it waits for another server.
pub(crate) async fn purge_last(marketplace: &Marketplace) {
    for line in marketplace.edge_lines() {
        let _ = tokio::time::timeout(Duration::from_secs(2), line.purge_committed()).await;
    }
}

/// Reads a time such as `50ms`, `5s` or `0`; a bare number is seconds.
pub(crate) fn pause(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let pause = match text.strip_suffix("ms") {
        Some(number) => number.parse().map(Duration::from_millis).map_err(|_| String::new()),
        None => crate::config::duration(text),
    };
    let in_range = |pause: &Duration| *pause <= Duration::from_secs(600);
    pause
        .ok()
        .filter(in_range)
        .ok_or_else(|| "must be a time up to 10m such as 0, 50ms, 5s or 1m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_read_with_their_units() {
        assert_eq!(pause("0"), Ok(Duration::ZERO));
        assert_eq!(pause("50ms"), Ok(Duration::from_millis(50)));
        assert_eq!(pause("5s"), Ok(Duration::from_secs(5)));
        for bad in ["", "ms", "-5ms", "5.5s", "11m", "99999999999999999999ms"] {
            assert!(pause(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn random_numbers_are_from_zero_to_one_and_differ() {
        let numbers: Vec<f64> = (0..100).map(|_| random()).collect();
        assert!(numbers.iter().all(|number| (0.0..=1.0).contains(number)));
        assert!(numbers.windows(2).any(|pair| pair[0] < 0.5 && pair[1] > 0.5));
    }
}
