//! The rows of the seed: each made by itself from its number, so that they can be streamed in any amount.

use aios_db::bulk::{BulkAgent, BulkEvent, Dataset};
use aios_domain::{
    AgentDraft, AgentId, AgentType, EventId, EventKind, HttpUrl, Installation, InstallationId, JsonObject, License,
    Price, Pricing, PricingModel, Rating, Review, ReviewId, Tag, Timestamp, User, UserId, Version,
};
use chrono::TimeDelta;
use serde_json::json;

use super::draw::{Draw, Stream};
use super::shares::{Shares, Walk};
use super::text;
use super::words::{LICENSES, TYPES};

/// How long before the end the first agent was made.
const SPAN: TimeDelta = TimeDelta::days(3 * 365);
/// How far back events are told.
const RECENT_DAYS: i64 = 14;

/// How much there is to be.
///
/// ```
/// use aios_workload::seed::Size;
///
/// assert_eq!(Size::of_agents(1_000_000), Size { agents: 1_000_000, reviews: 3_000_000, users: 200_000 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Agents; each has two installations on average.
    pub agents: u64,
    /// Reviews.
    pub reviews: u64,
    /// Users.
    pub users: u64,
}

impl Size {
    /// What plans are tested and measured with: three reviews an agent, and a user for every five agents.
    pub fn of_agents(agents: u64) -> Self {
        Self {
            agents,
            reviews: 3 * agents,
            users: (agents / 5).max(100),
        }
    }
}

/// A data set of any size, the same for the same size, seed and end.
#[derive(Clone, Debug)]
pub struct SeedData {
    seed: u64,
    size: Size,
    until: Timestamp,
    /// Which rank each agent has in popularity.
    ranks: Walk,
    installations: Shares,
    reviews: Shares,
    /// What agents need in order to run, and how they are set: a few of each, shared by all.
    requirements: Vec<JsonObject>,
    schemas: Vec<JsonObject>,
}

/// What all rows about one agent have in common.
#[derive(Clone, Debug)]
struct Outline {
    number: u64,
    id: AgentId,
    created_at: Timestamp,
    version: Version,
    /// Which users have it: no user twice.
    users: Walk,
    installations: u64,
    reviews: u64,
    /// From 0 to 1.
    quality: f64,
}

impl SeedData {
    /// Plans the data set. `None` where there are more reviews than pairs of a user and an agent.
    pub fn new(seed: u64, size: Size, until: Timestamp) -> Option<Self> {
        let order = &mut Draw::of(seed, Stream::Order, 0, 0);
        let installations = (2 * size.agents).min(size.agents.saturating_mul(size.users));
        Some(Self {
            seed,
            size,
            until,
            ranks: Walk::new(order.next(), order.next(), size.agents),
            installations: Shares::new(installations, size.agents, size.users)?,
            reviews: Shares::new(size.reviews, size.agents, size.users)?,
            requirements: requirements(),
            schemas: schemas(),
        })
    }

    /// How many users, agents, installations and reviews there will be.
    pub fn expected_rows(&self) -> u64 {
        let installations: u64 = (2 * self.size.agents).min(self.size.agents.saturating_mul(self.size.users));
        self.size.users + self.size.agents + installations + self.size.reviews
    }

    fn draw(&self, stream: Stream, a: u64, b: u64) -> Draw {
        Draw::of(self.seed, stream, a, b)
    }

    fn outlines(&self) -> impl Iterator<Item = Outline> + '_ {
        (0..self.size.agents).map(|number| self.outline(number))
    }

    fn outline(&self, number: u64) -> Outline {
        let draw = &mut self.draw(Stream::Agent, number, 0);
        // Agents come in the order of their age, so that ids grow. There are more new ones than old ones.
        let created_at = self.until - SPAN + part_of(SPAN, share(number, self.size.agents, draw.unit()).powf(0.7));
        let created_at = created_at.min(self.until - TimeDelta::hours(1));
        let rank = self.ranks.at(number);
        Outline {
            number,
            id: AgentId(draw.id_at(created_at)),
            created_at,
            version: Version::from_trusted(format!("{}.{}.{}", draw.below(4), draw.below(20), draw.below(9))),
            users: Walk::new(draw.next(), draw.next(), self.size.users),
            installations: self.installations.of_rank(rank),
            reviews: self.reviews.of_rank(rank),
            quality: 1.0 - draw.unit().powi(2),
        }
    }

    /// The `number`-th user. All were there before the first agent.
    fn user_id(&self, number: u64) -> (UserId, Timestamp, Draw) {
        let mut draw = self.draw(Stream::User, number, 0);
        let year = TimeDelta::days(365);
        let joined = self.until - SPAN - year + part_of(year, share(number, self.size.users, draw.unit()));
        (UserId(draw.id_at(joined)), joined, draw)
    }

    fn user_of(&self, outline: &Outline, step: u64) -> UserId {
        self.user_id(outline.users.at(step)).0
    }

    fn agent(&self, outline: &Outline) -> BulkAgent {
        let draw = &mut self.draw(Stream::AgentText, outline.number, 0);
        let tags = self.tags_of(outline.number);
        let vocabulary = text::vocabulary(&mut self.draw(Stream::Tags, outline.number, 0));
        let pricing = pricing(draw);
        // Few authors have many agents.
        let author = u64::try_from(draw.zipf(usize::try_from(self.size.users).unwrap_or(usize::MAX))).unwrap_or(0);
        let active = (0..outline.installations).filter(|&step| self.is_installed(outline, step));
        let stars = (0..outline.reviews).map(|step| i64::from(self.rating(outline, step)));
        let is_verified = draw.chance(0.2);
        BulkAgent {
            id: outline.id,
            registry_name: None,
            draft: AgentDraft {
                name: text::agent_name(draw, vocabulary),
                description: text::description(draw, vocabulary),
                category: text::category(draw, vocabulary),
                tags,
                version: outline.version.clone(),
                icon_url: draw.chance(0.3).then(|| link("cdn", "icons", outline)),
                capabilities: text::capabilities(draw, vocabulary),
                pricing,
                repository_url: draw.chance(0.6).then(|| link("git", "agents", outline)),
                agent_type: AgentType::from_trusted(draw.pick_zipf(TYPES).to_owned()),
                requirements: one_of(draw, &self.requirements),
                configuration_schema: one_of(draw, &self.schemas),
                license: draw
                    .chance(0.6)
                    .then(|| License::from_trusted(draw.pick_zipf(LICENSES).to_owned())),
            },
            author_id: self.user_id(author).0,
            install_count: whole(active.count()),
            rating_sum: stars.sum(),
            rating_count: i64::try_from(outline.reviews).unwrap_or(i64::MAX),
            view_count: i64::try_from(outline.installations * 11 + draw.below(20)).unwrap_or(i64::MAX),
            trending_score: 0.0,
            is_featured: is_verified && draw.chance(0.005),
            is_verified,
            is_active: draw.chance(0.98),
            created_at: outline.created_at,
            updated_at: between(outline.created_at, self.until, draw.unit()),
            published_at: Some(outline.created_at),
        }
    }

    fn tags_of(&self, number: u64) -> Vec<Tag> {
        let draw = &mut self.draw(Stream::Tags, number, 0);
        let vocabulary = text::vocabulary(draw);
        text::tags(draw, vocabulary)
    }

    /// Whether an installation still stands: one in eight was ended.
    fn is_installed(&self, outline: &Outline, step: u64) -> bool {
        self.draw(Stream::Installation, outline.number, step).below(8) > 0
    }

    fn installation(&self, outline: &Outline, step: u64) -> Installation {
        let draw = &mut self.draw(Stream::Installation, outline.number, step);
        let is_active = draw.below(8) > 0;
        let installed_at = between(outline.created_at, self.until, draw.unit().powf(0.8));
        let usage_count = if draw.chance(0.2) {
            0
        } else {
            1 + whole(draw.zipf(2_000))
        };
        let later = between(installed_at, self.until, draw.unit().sqrt());
        let last_used = (usage_count > 0).then_some(later);
        Installation {
            id: InstallationId(draw.id_at(installed_at)),
            user_id: self.user_of(outline, step),
            agent_id: outline.id,
            installed_version: outline.version.clone(),
            settings: JsonObject::default(),
            is_active,
            last_used,
            usage_count,
            installed_at,
            updated_at: if is_active {
                last_used.unwrap_or(installed_at)
            } else {
                later
            },
        }
    }

    /// Stars in the shape of a J: mostly five, some four, and more ones than the twos would suggest.
    fn rating(&self, outline: &Outline, step: u64) -> Rating {
        let bad = 1.0 - outline.quality;
        let point = self.draw(Stream::Review, outline.number, step).unit();
        let stars = match point {
            point if point < 0.03 + 0.12 * bad => 1,
            point if point < 0.05 + 0.20 * bad => 2,
            point if point < 0.11 + 0.35 * bad => 3,
            point if point < 0.36 + 0.35 * bad => 4,
            _ => 5,
        };
        Rating::new(stars).unwrap_or_else(|_| unreachable!("the stars above are 1 to 5"))
    }

    fn review(&self, outline: &Outline, step: u64) -> Review {
        let rating = self.rating(outline, step);
        let draw = &mut self.draw(Stream::ReviewText, outline.number, step);
        let (title, review_text) = text::review(draw, rating);
        let created_at = between(outline.created_at, self.until, draw.unit());
        Review {
            id: ReviewId(draw.id_at(created_at)),
            user_id: self.user_of(outline, step),
            agent_id: outline.id,
            rating,
            helpful_count: if review_text.is_some() { whole(draw.zipf(50)) } else { 0 },
            title,
            review_text,
            is_verified_purchase: step < outline.installations,
            created_at,
            updated_at: created_at,
        }
    }

    /// Installations of the last days, and a row of views for each of these days of an agent that is looked at daily.
    fn events_of(&self, outline: Outline) -> impl Iterator<Item = BulkEvent> + '_ {
        let since = self.until - TimeDelta::days(RECENT_DAYS);
        let views = (0..RECENT_DAYS).filter_map({
            let outline = outline.clone();
            move |day| self.views(&outline, day)
        });
        let installs = (0..outline.installations)
            .map(move |step| self.installation(&outline, step))
            .filter(move |row| row.installed_at >= since)
            .map(|row| BulkEvent {
                id: EventId(row.id.0),
                agent_id: row.agent_id,
                user_id: Some(row.user_id),
                kind: EventKind::Install,
                quantity: 1,
                occurred_at: row.installed_at,
            });
        views.chain(installs)
    }

    fn views(&self, outline: &Outline, day: i64) -> Option<BulkEvent> {
        let occurred_at = self.until - TimeDelta::days(day) - TimeDelta::minutes(30);
        let draw = &mut self.draw(Stream::Event, outline.number, u64::try_from(day).unwrap_or(0));
        let most = outline.installations / 20;
        let quantity = i64::try_from(draw.below(most + 1)).unwrap_or(0);
        (quantity > 0 && occurred_at >= outline.created_at).then(|| BulkEvent {
            id: EventId(draw.id_at(occurred_at)),
            agent_id: outline.id,
            user_id: None,
            kind: EventKind::View,
            quantity,
            occurred_at,
        })
    }
}

impl Dataset for SeedData {
    fn users(&self) -> impl Iterator<Item = User> {
        (0..self.size.users).map(|number| {
            let (id, created_at, mut draw) = self.user_id(number);
            let (name, email) = text::person(&mut draw, number);
            User {
                id,
                email: Some(email),
                display_name: draw.chance(0.9).then_some(name),
                created_at,
            }
        })
    }

    fn agents(&self) -> impl Iterator<Item = BulkAgent> {
        self.outlines().map(|outline| self.agent(&outline))
    }

    fn installations(&self) -> impl Iterator<Item = Installation> {
        self.outlines()
            .flat_map(move |outline| (0..outline.installations).map(move |step| self.installation(&outline, step)))
    }

    fn reviews(&self) -> impl Iterator<Item = Review> {
        self.outlines()
            .flat_map(move |outline| (0..outline.reviews).map(move |step| self.review(&outline, step)))
    }

    fn events(&self) -> impl Iterator<Item = BulkEvent> {
        self.outlines().flat_map(|outline| self.events_of(outline))
    }

    fn until(&self) -> Timestamp {
        self.until
    }

    fn agent_tags(&self) -> impl Iterator<Item = (AgentId, Vec<Tag>)> {
        (0..self.size.agents).map(|number| (self.outline(number).id, self.tags_of(number)))
    }
}

fn pricing(draw: &mut Draw) -> Pricing {
    let (model, cents) = match draw.below(10) {
        0..=6 => return Pricing::FREE,
        7 | 8 => (PricingModel::Freemium, 100 * whole(draw.zipf(40))),
        _ => (PricingModel::Paid, 99 + 100 * whole(draw.zipf(200))),
    };
    let price = Price::from_cents(cents).unwrap_or(Price::MAX);
    Pricing::new(model, price).unwrap_or(Pricing::FREE)
}

/// A link to one of the example domains of RFC 2606.
fn link(host: &str, folder: &str, outline: &Outline) -> HttpUrl {
    HttpUrl::from_trusted(format!("https://{host}.example.com/{folder}/{:x}", outline.number))
}

fn one_of(draw: &mut Draw, objects: &[JsonObject]) -> JsonObject {
    objects.get(draw.zipf(objects.len())).cloned().unwrap_or_default()
}

fn requirements() -> Vec<JsonObject> {
    [
        json!({}),
        json!({"network": true}),
        json!({"memory_mb": 512}),
        json!({"network": true, "memory_mb": 1024}),
        json!({"permissions": ["files.read"]}),
        json!({"runtime": "python", "memory_mb": 2048}),
        json!({"gpu": true, "memory_mb": 8192}),
        json!({"permissions": ["mail.read", "calendar.read"], "network": true}),
    ]
    .map(JsonObject::from_trusted)
    .into()
}

fn schemas() -> Vec<JsonObject> {
    let object = |properties| json!({"type": "object", "properties": properties});
    [
        json!({}),
        object(json!({"api_key": {"type": "string", "format": "password", "writeOnly": true}})),
        object(json!({"language": {"type": "string", "default": "en"}})),
        object(json!({"interval_minutes": {"type": "integer", "minimum": 1, "default": 15}})),
        object(json!({"tone": {"type": "string", "enum": ["plain", "formal", "friendly"]}, "dry_run": {"type": "boolean"}})),
    ]
    .map(JsonObject::from_trusted)
    .into()
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Where the `number`-th of `count` things stands between 0 and 1, somewhere within its own part.
#[expect(clippy::cast_precision_loss, reason = "there are far fewer than 2^53 things")]
fn share(number: u64, count: u64, within: f64) -> f64 {
    (number as f64 + within) / count.max(1) as f64
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "some years in microseconds are far below 2^53"
)]
fn part_of(span: TimeDelta, share: f64) -> TimeDelta {
    TimeDelta::microseconds((span.num_microseconds().unwrap_or(0) as f64 * share) as i64)
}

fn between(from: Timestamp, to: Timestamp, share: f64) -> Timestamp {
    from + part_of((to - from).max(TimeDelta::zero()), share)
}

#[cfg(test)]
#[path = "data_tests.rs"]
mod tests;
