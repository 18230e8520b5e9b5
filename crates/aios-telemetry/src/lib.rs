//! Metrics exporter, tracing and logging: set up once at the start of a program. Which metrics there are is each crate's own
//! business.

use std::fmt::Write as _;
use std::str::FromStr;
use std::time::Instant;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("must be text or json"),
        }
    }
}

/// Starts logging to standard error. `RUST_LOG` says what is logged, as `info,aios_db=debug`; by default warnings, and what
/// the service itself has to say.
///
/// Calling it a second time, as tests do, changes nothing.
pub fn start_logging(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,aios=info"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let _ = match format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
}

/// The metrics of this process, in Prometheus' text format.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    started: Instant,
}

/// Upper bounds of the buckets of every histogram of seconds: 50 µs to 10 s, three or so a decade.
const SECONDS: [f64; 17] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

impl Metrics {
    /// Installs the recorder for the whole process.
    ///
    /// # Errors
    /// Where a recorder was installed before.
    pub fn install() -> Result<Self, BuildError> {
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
            .install_recorder()?;
        Ok(Self {
            handle,
            started: Instant::now(),
        })
    }

    /// Everything that was recorded, and what the process itself costs.
    pub fn render(&self) -> String {
        let mut page = self.handle.render();
        // Writing to a String does not fail.
        let _ = write!(
            page,
            "# HELP process_uptime_seconds How long this process has run.\n# TYPE process_uptime_seconds gauge\n\
             process_uptime_seconds {}\n",
            self.started.elapsed().as_secs_f64()
        );
        if let Some(bytes) = resident_bytes() {
            let _ = write!(
                page,
                "# HELP process_resident_memory_bytes Memory this process holds.\n\
                 # TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes {bytes}\n"
            );
        }
        page
    }

    /// Lets the recorder fold what it has gathered, so that histograms don't grow between two scrapes. Call it every few
    /// seconds.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

/// The resident memory of this process, where the system tells it (Linux, `/proc/self/statm`, in pages of 4 KiB).
fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_recorded_is_rendered_with_buckets() {
        let metrics = Metrics::install().unwrap();
        metrics::counter!("test_total", "route" => "/a").increment(3);
        metrics::histogram!("test_seconds").record(0.003);
        let page = metrics.render();
        assert!(page.contains("test_total{route=\"/a\"} 3"), "{page}");
        assert!(page.contains("test_seconds_bucket{le=\"0.0025\"} 0"), "{page}");
        assert!(page.contains("test_seconds_bucket{le=\"0.005\"} 1"), "{page}");
        assert!(page.contains("process_resident_memory_bytes"), "{page}");
        assert!(Metrics::install().is_err());
    }

    #[test]
    fn log_formats_read_back() {
        assert_eq!("json".parse(), Ok(LogFormat::Json));
        assert!("xml".parse::<LogFormat>().is_err());
    }
}
