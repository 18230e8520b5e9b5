//! The one error type of the workspace, and the collector for what is wrong with an input.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What most functions of the workspace return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kinds of failure a caller can tell apart. The HTTP layer maps each to a status in one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request can't be parsed.
    Malformed,
    /// A page cursor was altered, has expired, or belongs to another query.
    InvalidCursor,
    /// The agent is already installed for this user.
    AlreadyInstalled,
    /// No token where one is needed, or a token that is not valid.
    Unauthenticated,
    /// The caller is known, but may not do this.
    Forbidden,
    /// There is no such thing, or it is not for this caller to see.
    NotFound,
    /// The route exists, for other methods.
    MethodNotAllowed,
    /// The client accepts no form that the answer has.
    NotAcceptable,
    /// The thing exists already, or was changed meanwhile.
    Conflict,
    /// An `If-Match` did not hold.
    PreconditionFailed,
    /// The body is larger than the server accepts.
    PayloadTooLarge,
    /// The body is of a type the server does not read.
    UnsupportedMediaType,
    /// The headers are larger, or more, than the server accepts.
    HeadersTooLarge,
    /// The client took too long to send its request.
    TooSlow,
    /// Well-formed, but the values are not acceptable.
    Invalid,
    /// Too many requests from this caller.
    TooManyRequests,
    /// The server has more to do than it can: all connections to the database are in use, and too many wait for one.
    Overloaded,
    /// The server can't answer now: it is stopping, or its database is away.
    Unavailable,
    /// The request took longer than the server allows.
    Timeout,
    /// A defect or a broken dependency; the details are in the log, not in the answer.
    Internal,
}

impl ErrorKind {
    /// Every kind, for tables and tests that must not forget one.
    pub const ALL: [Self; 20] = [
        Self::Malformed,
        Self::InvalidCursor,
        Self::AlreadyInstalled,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::Conflict,
        Self::PreconditionFailed,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::HeadersTooLarge,
        Self::TooSlow,
        Self::Invalid,
        Self::TooManyRequests,
        Self::Overloaded,
        Self::Unavailable,
        Self::Timeout,
        Self::Internal,
    ];
}

/// One field of an input and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// The name of the field as the caller wrote it: `limit`, `tags[3]`, `filters.category`.
    pub field: Cow<'static, str>,
    /// What it must be: "must be between 1 and 100".
    pub message: Cow<'static, str>,
}

/// A failure, with the sentence a person may read and, for logs alone, what caused it.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    detail: Cow<'static, str>,
    fields: Vec<FieldError>,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A failure of `kind`; `detail` is a whole sentence that tells the caller what to do next.
    pub fn new(kind: ErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            fields: Vec::new(),
            retry_after: None,
            source: None,
        }
    }

    /// There is no such `what` (a noun: "agent").
    pub fn not_found(what: &str) -> Self {
        let mut noun = what.to_owned();
        if let Some(first) = noun.get_mut(0..1) {
            first.make_ascii_uppercase();
        }
        Self::new(ErrorKind::NotFound, format!("{noun} not found"))
    }

    /// The values given are not acceptable; `fields` says which.
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let detail = match fields.as_slice() {
            [one] => format!("{} {}", one.field, one.message),
            many => {
                let names: Vec<&str> = many.iter().map(|f| f.field.as_ref()).collect();
                format!("{} fields are not valid: {}", many.len(), names.join(", "))
            }
        };
        Self {
            fields,
            ..Self::new(ErrorKind::Invalid, detail)
        }
    }

    /// One field is not acceptable.
    pub fn invalid_field(field: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::invalid(vec![FieldError {
            field: field.into(),
            message: message.into(),
        }])
    }

    /// A defect or a broken dependency. `source` is for the log.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            source: Some(Arc::from(source.into())),
            ..Self::new(
                ErrorKind::Internal,
                "The server could not answer because of a fault of its own.",
            )
        }
    }

    /// The server can't answer now; the caller may try again after `retry_after`.
    pub fn unavailable(detail: impl Into<Cow<'static, str>>, retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(ErrorKind::Unavailable, detail)
        }
    }

    /// Adds what caused it, for the log.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// Says after what time the same request may succeed.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// The kind, by which callers decide.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// A sentence for a person. Nothing internal is in it.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What is wrong with which field, where the input was invalid.
    pub fn fields(&self) -> &[FieldError] {
        &self.fields
    }

    /// After what time the same request may succeed, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|s| s as _)
    }
}

/// Why a value is refused: a phrase that follows the field's name ("must not be empty").
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub Cow<'static, str>);

impl Invalid {
    /// A refusal with this phrase.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self(message.into())
    }
}

/// Collects what is wrong with an input, so that the caller hears of all of it at once.
///
/// ```
/// use aios_domain::{AgentName, FieldErrors, Rating};
///
/// let mut errors = FieldErrors::default();
/// let name = errors.check("name", AgentName::new(""));
/// let rating = errors.check("rating", Rating::new(9));
/// assert!(name.is_none() && rating.is_none());
/// let error = errors.finish().unwrap_err();
/// assert_eq!(error.fields().len(), 2);
/// ```
#[derive(Debug, Default)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// Keeps the value, or notes why `field` is refused.
    pub fn check<T>(&mut self, field: impl Into<Cow<'static, str>>, value: Result<T, Invalid>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(Invalid(message)) => {
                self.add(field, message);
                None
            }
        }
    }

    /// As [`check`](Self::check), for a value that may be missing: `None` stays `None` and is no error.
    pub fn check_optional<R, T>(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        raw: Option<R>,
        check: impl FnOnce(R) -> Result<T, Invalid>,
    ) -> Option<T> {
        raw.and_then(|raw| self.check(field, check(raw)))
    }

    /// Notes that `field` is refused.
    pub fn add(&mut self, field: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) {
        self.0.push(FieldError {
            field: field.into(),
            message: message.into(),
        });
    }

    /// Whether nothing was noted so far.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All that was noted as one error, or nothing.
    pub fn finish(self) -> Result<()> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::invalid(self.0))
        }
    }
}
