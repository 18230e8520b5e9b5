//! Time in UTC, to the microsecond: the finest step both databases and the contract keep.

use chrono::{DateTime, SubsecRound, Utc};

/// A moment in UTC. Values made by the service have whole microseconds; see [`to_microseconds`].
pub type Timestamp = DateTime<Utc>;

/// Cuts a moment to whole microseconds, so that it reads back from the database as it was written.
pub fn to_microseconds(moment: Timestamp) -> Timestamp {
    moment.trunc_subsecs(6)
}
