//! The demonstration catalogue: 200 agents of our own writing, sixty users, and a year of installations and reviews.
//!
//! It fills an empty embedded database so that a newcomer has something to browse. Everything in it is invented;
//! addresses and links point at the example domains of RFC 2606.

mod history;
mod rng;
mod texts;

use std::sync::Arc;

use aios_db::AnyConnection;
use aios_db::bulk::{self, BulkAgent, BulkEvent, Dataset, is_empty};
use aios_domain::{AgentId, Installation, Result, Review, Timestamp, User, UserId, to_microseconds};
use chrono::TimeDelta;
use uuid::Uuid;

use crate::Marketplace;
use crate::caching::Stale;

use self::rng::Rng;
use self::texts::{AgentText, Person};

/// Under this name the ids of the catalogue are made (UUIDs of version 5), so that they are the same everywhere.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f1c_2f5e_3c0b_4b51_9d7a_a105_de30_0001);

/// How many of the people publish agents: the first in the file, and those who have been there longest.
const AUTHORS: usize = 24;

/// The address of the first person in the file; a test holds the two together.
const FIRST_ADDRESS: &str = "amara.okonjo@example.com";

/// The whole data set, ready to be written by [`aios_db::bulk`].
///
/// ```
/// use aios_marketplace::demo::Catalogue;
///
/// let now = "2026-01-31T12:00:00Z".parse()?;
/// let catalogue = Catalogue::build(1, now)?;
/// assert_eq!(catalogue.agents.len(), 200);
/// assert_eq!(catalogue, Catalogue::build(1, now)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Catalogue {
    /// Everyone; the first is the one whose token the server prints.
    pub users: Vec<User>,
    /// Every agent, its counters in agreement with the rows below.
    pub agents: Vec<BulkAgent>,
    /// At most one active installation of a user and agent, and some that ended.
    pub installations: Vec<Installation>,
    /// At most one review of a user and agent.
    pub reviews: Vec<Review>,
    /// What happened in the last fourteen days.
    pub events: Vec<BulkEvent>,
    /// When all this was made up for.
    pub now: Timestamp,
}

impl Catalogue {
    /// Builds the catalogue. Texts and ids are always the same; `seed` decides who installed and said what, and `now`
    /// when.
    ///
    /// # Errors
    /// Only where an embedded file is damaged, which the tests of this module exclude.
    pub fn build(seed: u64, now: Timestamp) -> Result<Self> {
        let now = to_microseconds(now);
        let people = texts::people()?;
        let opinions = texts::opinions()?;
        let users: Vec<User> = people
            .into_iter()
            .enumerate()
            .map(|(place, person)| user(seed, now, place, person))
            .collect();
        let mut catalogue = Self {
            users,
            agents: Vec::new(),
            installations: Vec::new(),
            reviews: Vec::new(),
            events: Vec::new(),
            now,
        };
        for text in texts::agents()? {
            catalogue.add(seed, now, &text, &opinions);
        }
        Ok(catalogue)
    }

    fn add(&mut self, seed: u64, now: Timestamp, text: &AgentText, opinions: &[texts::Opinion]) {
        let mut rng = Rng::of(seed, text.draft.name.as_str());
        let authors = self.users.get(..AUTHORS).unwrap_or(&self.users);
        let author_id = authors
            .get(rng.below(authors.len()))
            .map_or(UserId(NAMESPACE), |user| user.id);
        // A few of the lesser-known agents are new and rising, so that trending differs from popular.
        let rising = (0.01..0.2).contains(&text.popularity) && rng.chance(0.07);
        let created_at = if rising {
            rng.moment(now - TimeDelta::days(45), now - TimeDelta::days(12), 1.0)
        } else {
            // What many have has been there for longer.
            let late = if text.popularity > 0.2 { 0.35 } else { 0.9 };
            rng.moment(now - TimeDelta::days(365), now - TimeDelta::days(1), late)
        };
        let mut agent = BulkAgent {
            id: AgentId(id("agent", text.draft.name.as_str())),
            registry_name: None,
            draft: text.draft.clone(),
            author_id,
            install_count: 0,
            rating_sum: 0,
            rating_count: 0,
            view_count: 0,
            trending_score: 0.0,
            is_featured: text.is_featured,
            is_verified: text.is_verified,
            is_active: true,
            created_at,
            updated_at: rng.moment(created_at, now, 1.5),
            published_at: Some(created_at),
        };
        let story = history::Story {
            users: &self.users,
            opinions,
            popularity: text.popularity,
            rising,
            now,
        };
        let rows = story.tell(&mut rng, &mut agent);
        self.installations.extend(rows.installations);
        self.reviews.extend(rows.reviews);
        self.events.extend(rows.events);
        self.agents.push(agent);
    }
}

impl Dataset for Catalogue {
    fn users(&self) -> impl Iterator<Item = User> {
        self.users.iter().cloned()
    }

    fn agents(&self) -> impl Iterator<Item = BulkAgent> {
        self.agents.iter().cloned()
    }

    fn installations(&self) -> impl Iterator<Item = Installation> {
        self.installations.iter().cloned()
    }

    fn reviews(&self) -> impl Iterator<Item = Review> {
        self.reviews.iter().cloned()
    }

    fn events(&self) -> impl Iterator<Item = BulkEvent> {
        self.events.iter().cloned()
    }

    fn until(&self) -> Timestamp {
        self.now
    }
}

impl Marketplace {
    /// Puts the demonstration catalogue into a database that holds neither users nor agents, in one transaction; any
    /// other database is left alone. Returns whether the catalogue was put in.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn fill_with_demonstration(&self, seed: u64) -> Result<bool> {
        if !self.db.read(is_empty).await? {
            return Ok(false);
        }
        let catalogue = Arc::new(Catalogue::build(seed, self.clock.now())?);
        let fill = move |connection: &mut AnyConnection, stale: &mut Stale| {
            // Asked again within the transaction: another server may have been quicker.
            if !is_empty(connection)? {
                return Ok(false);
            }
            bulk::insert(connection, catalogue.as_ref())?;
            stale.everything();
            Ok(true)
        };
        self.write(fill).await
    }
}

/// The first user of the catalogue: the one in whose name a newcomer tries the signed-in routes.
pub fn first_user() -> UserId {
    UserId(id("user", FIRST_ADDRESS))
}

/// The id of a thing that is named once in the catalogue.
fn id(kind: &str, name: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{kind}:{name}").as_bytes())
}

fn user(seed: u64, now: Timestamp, place: usize, person: Person) -> User {
    let mut rng = Rng::of(seed, person.email.as_str());
    // Authors were there before the first agent; the others joined over the year.
    let days = if place < AUTHORS { 370..520 } else { 10..500 };
    User {
        id: UserId(id("user", person.email.as_str())),
        created_at: rng.moment(now - TimeDelta::days(days.end), now - TimeDelta::days(days.start), 1.0),
        email: Some(person.email),
        display_name: Some(person.name),
    }
}

#[cfg(test)]
mod tests;
