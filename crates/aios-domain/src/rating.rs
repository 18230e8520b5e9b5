//! Stars: 1 to 5.

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// A rating of 1 to 5 stars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Rating(u8);

impl Rating {
    /// A rating of that many stars.
    ///
    /// # Errors
    /// [`Invalid`] outside 1 to 5.
    pub fn new(stars: i64) -> Result<Self, Invalid> {
        u8::try_from(stars)
            .ok()
            .filter(|stars| (1..=5).contains(stars))
            .map(Self)
            .ok_or_else(|| Invalid::new("must be a whole number from 1 to 5"))
    }

    /// The number of stars.
    pub fn stars(self) -> u8 {
        self.0
    }
}

impl TryFrom<i64> for Rating {
    type Error = Invalid;

    fn try_from(stars: i64) -> Result<Self, Invalid> {
        Self::new(stars)
    }
}

impl From<Rating> for i64 {
    fn from(rating: Rating) -> Self {
        Self::from(rating.0)
    }
}
