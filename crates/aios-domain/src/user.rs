//! Users. Who may sign in is decided elsewhere; here stands what others refer to.

use crate::{DisplayName, Email, Timestamp, UserId};

/// A user, known since the first time a token of theirs changed something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user.
    pub id: UserId,
    /// The address that the token named.
    pub email: Option<Email>,
    /// The name that others see, if there is one.
    pub display_name: Option<DisplayName>,
    /// When the user was first seen.
    pub created_at: Timestamp,
}
