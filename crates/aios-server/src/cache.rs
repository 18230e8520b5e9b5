//! The cache: its settings, and what it is made of.

use std::time::Duration;

use aios_api::DeliverySettings;
use aios_cache::engine::redis::RedisEngine;
use aios_cache::{Cache, LinkState};
use aios_marketplace::CacheSettings;
use clap::Args;

use crate::config::{StartError, duration};

/// How long servers leave a load to the one that began it. No list takes as long; should that server die over it, the others
/// wait no longer, and well within a request's time.
const LONGEST_LOAD: Duration = Duration::from_secs(5);

/// How answers are kept.
#[derive(Args, Clone, Debug)]
pub struct CacheArgs {
    /// Redis or Valkey, through which servers share the cache: redis://HOST, rediss://HOST, unix:///SOCKET,
    /// redis+sentinel://HOST,HOST/SERVICE or redis+cluster://HOST,HOST. Without it each server has its own memory alone.
    #[arg(long, env = "REDIS_URL", value_name = "URL", hide_env_values = true)]
    pub redis_url: Option<String>,
    /// Whether answers are kept at all.
    #[arg(long, env = "CACHE_ENABLED", value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub cache_enabled: bool,
    /// How long agents, lists of agents and reviews are kept, as in 90s or 5m. What is changed shows at once all the same.
    #[arg(long, env = "CACHE_TTL", value_name = "TIME", default_value = "300s", value_parser = duration)]
    pub cache_ttl: Duration,
    /// How long figures of the whole marketplace and categories are kept.
    #[arg(long, env = "CACHE_TTL_STATS", value_name = "TIME", default_value = "600s", value_parser = duration)]
    pub cache_ttl_stats: Duration,
    /// How long lists of featured agents are kept.
    #[arg(long, env = "CACHE_TTL_FEATURED", value_name = "TIME", default_value = "600s", value_parser = duration)]
    pub cache_ttl_featured: Duration,
    /// How long a user's own data is kept.
    #[arg(long, env = "CACHE_TTL_USER", value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub cache_ttl_user: Duration,
    /// What the names of all keys in Redis begin with. Servers of one marketplace need the same, others another.
    #[arg(long, env = "CACHE_KEY_PREFIX", value_name = "TEXT", default_value = "aios", value_parser = prefix)]
    pub cache_key_prefix: String,
    /// How much memory the cache of this process takes, as in 64MiB or 1GiB.
    #[arg(long, env = "CACHE_MEMORY", value_name = "SIZE", default_value = "80MiB", value_parser = size)]
    pub cache_memory: u64,
}

impl CacheArgs {
    pub(crate) fn settings(&self) -> CacheSettings {
        CacheSettings {
            ttl: self.cache_ttl,
            ttl_stats: self.cache_ttl_stats,
            ttl_featured: self.cache_ttl_featured,
            ttl_user: self.cache_ttl_user,
            memory: self.cache_memory - self.answers_memory(),
        }
    }

    /// How finished answers are kept.
    pub(crate) fn delivery(&self) -> DeliverySettings {
        DeliverySettings {
            memory: self.answers_memory(),
            tag_prefix: self.cache_key_prefix.clone(),
        }
    }

    /// Finished answers take a third of the memory, in each coding that is asked for, the values that they are made of the
    /// rest: an agent's answer takes three times as much as the agent, and is made of it without the database.
    fn answers_memory(&self) -> u64 {
        self.cache_memory / 3
    }

    /// The cache. A Redis that does not answer is no reason not to start: it is tried until it does.
    pub(crate) fn build(&self) -> Result<Cache, StartError> {
        let builder = Cache::builder().enabled(self.cache_enabled);
        let Some(url) = self.redis_url.as_deref().filter(|url| !url.is_empty()) else {
            return Ok(builder.build());
        };
        let engine = RedisEngine::from_url(url)
            .and_then(|engine| engine.prefix(self.cache_key_prefix.as_str()).build())
            .map_err(|error| StartError::new(format!("REDIS_URL: {error}")))?;
        Ok(builder.engine(engine).lease(LONGEST_LOAD).build())
    }
}

/// What a person at the terminal is told of it.
pub(crate) fn told(cache: &Cache) -> &'static str {
    match cache.link_state() {
        _ if !cache.is_enabled() => "off",
        LinkState::None => "in memory",
        LinkState::Up => "in memory, and shared through Redis",
        LinkState::Down => "in memory; Redis does not answer yet, and is tried again",
    }
}

/// A tag as it is typed.
pub(crate) fn tag(text: &str) -> Result<String, &'static str> {
    if (1..=200).contains(&text.len()) && !text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 200 characters without white space, such as agents or agent:ID")
    }
}

fn prefix(text: &str) -> Result<String, &'static str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if (1..=64).contains(&text.len()) && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 64 letters, digits, '-', '_', '.' and ':'")
    }
}

/// Reads a size such as `64MiB`, `64MB`, `1GiB` or `1048576`.
fn size(text: &str) -> Result<u64, &'static str> {
    const REFUSED: &str = "must be a size from 1MiB to 1TiB, such as 64MiB or 1GiB";
    let number_ends = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(number_ends);
    let number: u64 = number.parse().map_err(|_| REFUSED)?;
    let unit: u64 = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "kib" | "k" => 1 << 10,
        "mb" => 1_000_000,
        "mib" | "m" => 1 << 20,
        "gb" => 1_000_000_000,
        "gib" | "g" => 1 << 30,
        _ => return Err(REFUSED),
    };
    let bytes = number.checked_mul(unit).ok_or(REFUSED)?;
    if (1 << 20..=1 << 40).contains(&bytes) {
        Ok(bytes)
    } else {
        Err(REFUSED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_with_their_units() {
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("64 mb"), Ok(64_000_000));
        assert_eq!(size("1g"), Ok(1 << 30));
        assert_eq!(size("1048576"), Ok(1 << 20));
        for bad in [
            "",
            "0",
            "1",
            "MiB",
            "-1MiB",
            "1.5GiB",
            "2TiB",
            "99999999999999999999",
            "18446744073709551615GiB",
        ] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn prefixes_are_short_and_plain() {
        assert!(prefix("aios").is_ok() && prefix("shop:eu-1").is_ok());
        assert!(
            prefix("").is_err() && prefix("a b").is_err() && prefix("{a}").is_err() && prefix(&"a".repeat(65)).is_err()
        );
    }
}
