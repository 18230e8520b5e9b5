//! A cache that is filled before the first request, and again on demand.
#![expect(clippy::print_stdout, reason = "it is what an example does")]

use std::io;
use std::time::Duration;

use aios_cache::{Cache, LoadError, Namespace, Warmup, cached};

/// What the service reads often.
#[derive(Clone)]
struct Catalogue {
    pages: Namespace<String>,
    counts: Namespace<u64>,
}

impl Catalogue {
    #[cached(in = self.pages, ttl = "10m", key = "{name}")]
    async fn page(&self, name: &str) -> Result<String, LoadError<io::Error>> {
        // A database takes its time.
        tokio::time::sleep(Duration::from_millis(20)).await;
        if name == "broken" {
            Err(io::Error::other("no such page"))
        } else {
            Ok(format!("the page {name}"))
        }
    }

    async fn count(self) -> Result<(), LoadError<io::Error>> {
        self.counts
            .get_or_load("agents", async || Ok::<_, io::Error>(10_000))
            .await?;
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cache = Cache::builder().build();
    let catalogue = Catalogue {
        pages: cache.namespace("pages").build()?,
        counts: cache.namespace("counts").build()?,
    };

    // Calls of cached functions go by their handles; anything else is a function with some state.
    let calls = ["featured", "popular", "newest", "broken"].map(|name| catalogue.page_cached(name));
    let warmup = calls
        .iter()
        .fold(Warmup::new(), Warmup::add_call)
        .add_with("count", &catalogue, Catalogue::count);

    println!("{} values, two at a time:", warmup.len());
    let report = warmup
        .run_with(2, |step| {
            let outcome = step.error.map_or_else(|| "loaded".to_owned(), ToString::to_string);
            println!("  {} of {}: {}: {outcome}", step.done, step.total, step.name);
        })
        .await;
    println!("{report}");

    // The first request finds it there.
    println!("a request is served: {}", catalogue.page("featured").await?);

    // On demand: what is fresh is left alone; what failed is tried again.
    println!("once more: {}", warmup.run(2).await);
    println!("loads of pages in all: {}", catalogue.pages.stats().loads);
    Ok(())
}

#[test]
fn it_runs() {
    main().unwrap();
}
