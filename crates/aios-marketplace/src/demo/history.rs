//! What became of one agent: who installed it, who removed it again, what they wrote, and what happened these days.

use aios_db::bulk::{BulkAgent, BulkEvent};
use aios_domain::{
    AgentId, EventId, EventKind, Installation, InstallationId, JsonObject, Rating, Review, ReviewId, Timestamp, User,
    UserId,
};
use chrono::TimeDelta;

use super::id;
use super::rng::Rng;
use super::texts::Opinion;

/// How far back events are recorded.
const RECENT_DAYS: i64 = 14;

/// All that decides an agent's history.
pub(super) struct Story<'a> {
    pub(super) users: &'a [User],
    pub(super) opinions: &'a [Opinion],
    /// From 0 to 1.
    pub(super) popularity: f64,
    /// New, and installed mostly in the last days.
    pub(super) rising: bool,
    pub(super) now: Timestamp,
}

/// The rows of an agent's history.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) installations: Vec<Installation>,
    pub(super) reviews: Vec<Review>,
    pub(super) events: Vec<BulkEvent>,
}

impl Story<'_> {
    /// Makes up the history and sets the agent's counters by it.
    pub(super) fn tell(&self, rng: &mut Rng, agent: &mut BulkAgent) -> Rows {
        let mut rows = Rows::default();
        // The few that everybody has, the many that some have: between one user in thirty and nine in ten.
        let share = 0.03 + 0.92 * self.popularity.powf(0.7) + if self.rising { 0.25 } else { 0.0 };
        let mut opinions = Opinions::new(self.opinions, agent, rng);
        for user in self.users {
            let from = user.created_at.max(agent.created_at);
            if from >= self.now {
                continue;
            }
            // Some users install whatever they see.
            let eager = 0.5 + Rng::of(0, &user.id.to_string()).unit();
            let installed = rng.chance((share * eager).min(0.97));
            if installed {
                self.install(rng, agent, user, from, &mut rows);
            }
            if rng.chance(if installed { 0.5 } else { 0.02 }) {
                let review = self.review(rng, agent.id, user, from, &mut opinions, &rows.installations);
                rows.reviews.push(review);
            }
        }
        self.views(rng, agent, share, &mut rows.events);
        self.recent(agent.id, &mut rows);
        count(agent, &rows);
        rows
    }

    fn install(&self, rng: &mut Rng, agent: &BulkAgent, user: &User, from: Timestamp, rows: &mut Rows) {
        let late = if self.rising { 5.0 } else { 1.3 };
        let installed_at = rng.moment(from, self.now, late);
        let mut row = self.installation(rng, agent, user, installed_at, 0);
        if rng.chance(0.1) {
            let removed_at = rng.moment(installed_at, self.now, 0.7);
            row.is_active = false;
            row.updated_at = removed_at;
            row.last_used = row.last_used.map(|used| used.min(removed_at));
            if rng.chance(0.25) {
                let again_at = rng.moment(removed_at, self.now, 1.0);
                rows.installations
                    .push(self.installation(rng, agent, user, again_at, 1));
            }
        }
        rows.installations.push(row);
    }

    fn installation(&self, rng: &mut Rng, agent: &BulkAgent, user: &User, at: Timestamp, nth: u8) -> Installation {
        let usage_count = if rng.chance(0.15) { 0 } else { rng.skewed(40.0) + 1 };
        let last_used = (usage_count > 0).then(|| rng.moment(at, self.now, 4.0));
        Installation {
            id: InstallationId(id("installation", &format!("{}:{}:{nth}", agent.id, user.id))),
            user_id: user.id,
            agent_id: agent.id,
            installed_version: agent.draft.version.clone(),
            settings: JsonObject::default(),
            is_active: true,
            last_used,
            usage_count,
            installed_at: at,
            updated_at: last_used.unwrap_or(at),
        }
    }

    fn review(
        &self,
        rng: &mut Rng,
        agent_id: AgentId,
        user: &User,
        from: Timestamp,
        opinions: &mut Opinions<'_>,
        installations: &[Installation],
    ) -> Review {
        let own = installations.iter().filter(|row| row.user_id == user.id);
        let since = own.map(|row| row.installed_at).min().unwrap_or(from);
        let created_at = rng.moment(since, self.now, 1.0);
        let rating = opinions.stars(rng);
        let opinion = if rng.chance(0.75) { opinions.take(rating) } else { None };
        let had_it = |row: &&Installation| {
            row.user_id == user.id && row.installed_at <= created_at && (row.is_active || created_at < row.updated_at)
        };
        Review {
            id: ReviewId(id("review", &format!("{agent_id}:{}", user.id))),
            user_id: user.id,
            agent_id,
            rating,
            title: opinion.map(|opinion| opinion.title.clone()),
            review_text: opinion.map(|opinion| opinion.text.clone()),
            helpful_count: if opinion.is_some() && rng.chance(0.6) {
                rng.skewed(4.0)
            } else {
                0
            },
            is_verified_purchase: installations.iter().any(|row| had_it(&row)),
            created_at,
            updated_at: if rng.chance(0.08) {
                rng.moment(created_at, self.now, 1.0)
            } else {
                created_at
            },
        }
    }

    /// The views of each of the last days, gathered as the service gathers them, and those of all the time before.
    fn views(&self, rng: &mut Rng, agent: &mut BulkAgent, share: f64, events: &mut Vec<BulkEvent>) {
        for day in 0..RECENT_DAYS {
            let occurred_at = self.now - TimeDelta::days(day) - TimeDelta::minutes(30);
            if occurred_at <= agent.created_at {
                break;
            }
            let growth = if self.rising {
                6.0 / (1.0 + f64::from(i32::try_from(day).unwrap_or(0)))
            } else {
                1.0
            };
            let quantity = rng.skewed(40.0 * share * growth);
            if quantity > 0 {
                agent.view_count += quantity;
                events.push(event(agent.id, None, EventKind::View, quantity, occurred_at));
            }
        }
        let age = (self.now - agent.created_at).num_days();
        agent.view_count += rng.skewed(8.0 * share) * (age - RECENT_DAYS).max(0);
    }

    /// The events of the last days that follow from the other rows.
    fn recent(&self, agent_id: AgentId, rows: &mut Rows) {
        let since = self.now - TimeDelta::days(RECENT_DAYS);
        let mut add = |user: &UserId, kind, at: Timestamp| {
            if at >= since {
                rows.events.push(event(agent_id, Some(*user), kind, 1, at));
            }
        };
        for row in &rows.installations {
            add(&row.user_id, EventKind::Install, row.installed_at);
            if !row.is_active {
                add(&row.user_id, EventKind::Uninstall, row.updated_at);
            }
            if let Some(used) = row.last_used {
                add(&row.user_id, EventKind::Run, used);
            }
        }
        for row in &rows.reviews {
            let kind = if row.review_text.is_some() {
                EventKind::Review
            } else {
                EventKind::Rate
            };
            add(&row.user_id, kind, row.updated_at);
        }
    }
}

/// What people think of an agent.
struct Opinions<'a> {
    /// How good it is: the mean of its ratings comes out between about 3.3 and 4.7.
    quality: f64,
    /// The texts that fit it, each given out once.
    left: Vec<&'a Opinion>,
}

impl<'a> Opinions<'a> {
    fn new(all: &'a [Opinion], agent: &BulkAgent, rng: &mut Rng) -> Self {
        let quality = 0.35 + 0.6 * rng.unit();
        let left = rng
            .shuffled(all.len())
            .into_iter()
            .filter_map(|place| all.get(place))
            .filter(|opinion| opinion.fits(&agent.draft))
            .collect();
        Self { quality, left }
    }

    /// Stars as people give them: mostly five, then four, and of the rest one nearly as often as two (a J).
    fn stars(&self, rng: &mut Rng) -> Rating {
        let bad = 1.0 - self.quality;
        let weights = [
            (5, 0.8 * self.quality),
            (4, 0.35),
            (3, 0.3 * bad),
            (2, 0.2 * bad),
            (1, 0.22 * bad),
        ];
        let mut left = rng.unit() * weights.iter().map(|(_, weight)| weight).sum::<f64>();
        let mut stars = 5;
        for (candidate, weight) in weights {
            stars = candidate;
            left -= weight;
            if left < 0.0 {
                break;
            }
        }
        Rating::new(stars).unwrap_or_else(|_| unreachable!("stars come from the table above"))
    }

    fn take(&mut self, rating: Rating) -> Option<&'a Opinion> {
        let place = self.left.iter().position(|opinion| opinion.rating == rating)?;
        Some(self.left.swap_remove(place))
    }
}

fn event(agent_id: AgentId, user_id: Option<UserId>, kind: EventKind, quantity: i64, at: Timestamp) -> BulkEvent {
    let who = user_id.map_or_else(String::new, |user| user.to_string());
    let name = format!("{agent_id}:{who}:{}:{}", kind.as_str(), at.timestamp_micros());
    BulkEvent {
        id: EventId(id("event", &name)),
        agent_id,
        user_id,
        kind,
        quantity,
        occurred_at: at,
    }
}

fn count(agent: &mut BulkAgent, rows: &Rows) {
    let length = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    agent.install_count = length(rows.installations.iter().filter(|row| row.is_active).count());
    agent.rating_count = length(rows.reviews.len());
    agent.rating_sum = rows.reviews.iter().map(|row| i64::from(row.rating)).sum();
}
