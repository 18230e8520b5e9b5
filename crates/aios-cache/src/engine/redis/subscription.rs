//! The notices, as they come in.

use deadpool_redis::redis::aio::{PubSub, PubSubStream};
use futures_util::StreamExt;

use super::notice;
use crate::engine::{EngineError, EngineFuture, Notice, Subscription};

/// A connection that hears the channel. It fails when the connection ends, and when a notice is missing, repeated or not
/// understood.
pub(super) struct RedisSubscription {
    messages: PubSubStream,
    last: Option<u64>,
    failed: Option<EngineError>,
}

impl RedisSubscription {
    pub(super) fn new(listening: PubSub) -> Self {
        Self {
            messages: listening.into_on_message(),
            last: None,
            failed: None,
        }
    }

    async fn receive(&mut self) -> Result<Notice, EngineError> {
        let Some(message) = self.messages.next().await else {
            return Err(EngineError::Unreachable(
                "the subscription's connection has ended".to_owned(),
            ));
        };
        let notice = notice::parse(message.get_payload_bytes())?;
        // A Cluster passes messages on without a promise, and a counter that was lost begins elsewhere.
        if self.last.is_some_and(|last| notice.number != last + 1) {
            return Err(EngineError::Unreachable("notices were lost".to_owned()));
        }
        self.last = Some(notice.number);
        Ok(notice)
    }
}

impl Subscription for RedisSubscription {
    fn next(&mut self) -> EngineFuture<'_, Notice> {
        Box::pin(async move {
            if let Some(error) = &self.failed {
                return Err(error.clone());
            }
            let received = self.receive().await;
            self.failed = received.as_ref().err().cloned();
            received
        })
    }
}
