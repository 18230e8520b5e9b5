//! What a failure of Redis, its client or its pool means to the cache.

use deadpool::managed::PoolError;
use deadpool_redis::redis::{ErrorKind, RedisError, ServerError, ServerErrorKind, Value};

use crate::engine::EngineError;

/// Time is up, the way is broken, or the server says no.
pub(super) fn from_client(error: &RedisError) -> EngineError {
    if error.is_timeout() {
        return EngineError::TimedOut;
    }
    match error.kind() {
        // The address is wrong or nobody answers there; the client's words name it.
        ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => EngineError::Unreachable(error.to_string()),
        _ => EngineError::Refused(error.to_string()),
    }
}

/// A server's own words, such as `OOM command not allowed …`.
pub(super) fn from_server(error: &ServerError) -> EngineError {
    let words = format!("{} {}", error.code(), error.details().unwrap_or_default());
    match error.kind() {
        // A slot is elsewhere than the client believed, even when it tried again.
        Some(ServerErrorKind::Moved | ServerErrorKind::Ask) => EngineError::Unreachable(words),
        _ => EngineError::Refused(words),
    }
}

/// The failure to get a connection.
pub(super) fn from_pool(error: PoolError<EngineError>) -> EngineError {
    match error {
        PoolError::Timeout(_) => EngineError::TimedOut,
        PoolError::Backend(error) => error,
        other => EngineError::Unreachable(other.to_string()),
    }
}

/// An answer of another shape than the command has.
pub(super) fn unexpected(value: &Value) -> EngineError {
    let shape = match value {
        Value::ServerError(error) => return from_server(error),
        Value::Nil => "nothing",
        Value::Int(_) => "a number",
        Value::BulkString(_) | Value::SimpleString(_) | Value::Okay | Value::VerbatimString { .. } => "a text",
        Value::Array(_) | Value::Set(_) => "a list",
        _ => "something else",
    };
    EngineError::Refused(format!("an unexpected answer: {shape}"))
}
