//! How a task fails: with a sentence for the user, with a child's exit code, or because it was interrupted.

use std::fmt::Display;
use std::process::{ExitCode, ExitStatus};

/// Why a task stopped early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something that the user has to know; says what to do next.
    Message(String),
    /// A child has failed and has said why itself.
    Child(ExitStatus),
    /// This signal asked us to stop.
    Interrupted(i32),
}

impl Failure {
    /// A failure that is told in one sentence.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Message(message.into())
    }

    /// A failure of several parts: a headline, and each part on a line of its own.
    pub(crate) fn listing(headline: impl Display, parts: &[String]) -> Self {
        Self::Message(format!("{headline}:\n  {}", parts.join("\n  ")))
    }

    /// For `map_err`: `what` could not be done, and the cause.
    pub(crate) fn because<E: Display>(what: impl Display) -> impl FnOnce(E) -> Self {
        move |cause| Self::Message(format!("{what}: {cause}"))
    }

    /// What to print, unless somebody has said it already.
    pub(crate) fn message(&self) -> Option<&str> {
        match self {
            Self::Message(message) => Some(message),
            Self::Child(_) => None,
            Self::Interrupted(_) => Some("interrupted; everything that was started has been stopped"),
        }
    }

    /// A child's own code; 128 + the signal's number for an interruption, as shells have it; else 1.
    pub(crate) fn exit_code(&self) -> ExitCode {
        let code = match self {
            Self::Message(_) => 1,
            Self::Child(status) => status.code().unwrap_or(1),
            Self::Interrupted(signal) => 128 + signal,
        };
        ExitCode::from(u8::try_from(code).unwrap_or(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn a_childs_code_is_ours() {
        let failure = Failure::Child(ExitStatus::from_raw(100 << 8));
        assert_eq!(failure.exit_code(), ExitCode::from(100));
        assert_eq!(failure.message(), None);
    }

    #[test]
    fn an_interruption_is_told_as_shells_do() {
        assert_eq!(Failure::Interrupted(15).exit_code(), ExitCode::from(143));
    }

    #[test]
    fn a_child_killed_by_a_signal_is_a_failure() {
        assert_eq!(Failure::Child(ExitStatus::from_raw(9)).exit_code(), ExitCode::from(1));
    }
}
