//! Whether somebody still waits for an operation, for those that are carried out in tasks of their own.

use std::panic::Location;
use std::sync::Arc;

use tokio::sync::watch;

use super::holds::Origin;

/// Held by whoever waits for an operation; dropped, the operation is not wanted any more.
#[derive(Debug)]
pub struct Interest(#[expect(dead_code, reason = "it says something by being there")] watch::Receiver<()>);

/// Asked by who carries an operation out, before it begins.
#[derive(Clone, Debug)]
pub struct Wanted {
    sender: Arc<watch::Sender<()>>,
    origin: Origin,
}

impl Interest {
    /// An interest, and by what it is seen.
    ///
    /// ```
    /// let (interest, wanted) = aios_db::Interest::new();
    /// assert!(wanted.is_wanted());
    /// drop(interest);
    /// assert!(!wanted.is_wanted());
    /// ```
    #[track_caller]
    pub fn new() -> (Self, Wanted) {
        let (sender, receiver) = watch::channel(());
        let wanted = Wanted {
            sender: Arc::new(sender),
            origin: Location::caller(),
        };
        (Self(receiver), wanted)
    }
}

impl Wanted {
    /// Whether somebody still waits.
    pub fn is_wanted(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Where in the code the interest was made.
    pub(crate) fn origin(&self) -> Origin {
        self.origin
    }

    /// Waits until nobody does.
    pub(crate) async fn gone(&self) {
        self.sender.closed().await;
    }
}
