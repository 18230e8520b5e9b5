//! Typed ids: a user's id can't be passed where an agent's is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Invalid;

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        ///
        /// New ids are UUIDs of version 7 (RFC 9562): they grow with time, so that new rows land together in an index.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id that no other call returns.
            #[expect(clippy::new_without_default, reason = "a new id is not a default: two calls differ")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                Uuid::try_parse(text).map(Self).map_err(|_| Invalid::new("must be a UUID"))
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )+};
}

typed_ids! {
    /// Names an agent.
    AgentId,
    /// Names a user; the `sub` of a token.
    UserId,
    /// Names a category.
    CategoryId,
    /// Names a tag.
    TagId,
    /// Names one installation of an agent by a user.
    InstallationId,
    /// Names a review.
    ReviewId,
    /// Names a knowledge entry.
    KnowledgeId,
    /// Names a recorded event.
    EventId,
}
