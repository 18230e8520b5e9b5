//! Advice for a server: made when it is asked for, one at a time, and kept for a minute.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::{AdviceError, AdviceReport, AdviceSettings, Seen, advise};
use crate::connection::DatabaseUrl;

/// How long it is kept, so that a page that is loaded again does not begin it anew.
const KEPT: Duration = Duration::from_secs(60);

/// Advice, and when it was made.
type Made = (Instant, Arc<AdviceReport>);

/// Makes it.
pub(crate) struct Adviser {
    url: DatabaseUrl,
    settings: AdviceSettings,
    /// When it began, and the profiler with it.
    began: Instant,
    last: Arc<Mutex<Option<Made>>>,
}

impl Adviser {
    pub(crate) fn new(url: DatabaseUrl, settings: AdviceSettings) -> Self {
        Self {
            url,
            settings,
            began: Instant::now(),
            last: Arc::default(),
        }
    }

    /// What was made within a minute, else what is made now. Whoever comes meanwhile waits for the same.
    pub(crate) async fn advice(&self, seen: impl FnOnce() -> Vec<Seen>) -> Result<Arc<AdviceReport>, AdviceError> {
        let mut last = Arc::clone(&self.last).lock_owned().await;
        if let Some((made, report)) = last.as_ref()
            && made.elapsed() < KEPT
        {
            return Ok(Arc::clone(report));
        }
        let settings = AdviceSettings {
            watched_for: self.began.elapsed(),
            ..self.settings.clone()
        };
        let (url, seen) = (self.url.clone(), seen());
        // The lock goes along: when the asker gives up, the next one still waits for its end.
        let made = tokio::task::spawn_blocking(move || {
            let report = Arc::new(advise(&url, &seen, &settings)?);
            *last = Some((Instant::now(), Arc::clone(&report)));
            Ok(report)
        });
        made.await.unwrap_or(Err(AdviceError::Stopped))
    }
}
