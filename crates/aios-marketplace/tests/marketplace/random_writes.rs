//! Writes by chance, and lists that show what they did: for holding what is kept against what is read.

use aios_domain::{
    AgentChanges, AgentDraft, AgentField, AgentId, AgentName, AgentSort, Caller, CategoryName, Description, Pricing,
    PricingModel, SearchQuery, Tag, Version,
};
use aios_marketplace::{AgentListQuery, Marketplace, PageAt, PageRequest, Precondition};

use crate::support::{admin, all, draft, user};

/// Few words, so that searches find several agents and lose them again.
const WORDS: [&str; 9] = [
    "mail",
    "Mailbox",
    "code",
    "review",
    "ai",
    "caf\u{e9}",
    "plan",
    "a1b2c",
    "planner",
];
const CATEGORIES: [&str; 2] = ["development", "content"];

/// Publishes, edits and withdraws agents of a small catalogue. The same seed gives the same writes.
pub(crate) struct RandomWrites {
    marketplace: Marketplace,
    random: fastrand::Rng,
    author: Caller,
    agents: Vec<AgentId>,
    edits: usize,
}

impl RandomWrites {
    pub(crate) fn new(marketplace: Marketplace) -> Self {
        Self {
            marketplace,
            random: fastrand::Rng::with_seed(20_261_125),
            author: user(),
            agents: Vec::new(),
            edits: 0,
        }
    }

    /// One write; says what it was.
    pub(crate) async fn one(&mut self) -> String {
        if self.random.u8(..10) < 3 {
            return self.publish().await;
        }
        let agent = self.agents[self.random.usize(..self.agents.len())];
        let changes = self.changes();
        let said = format!("edit of {agent} {changes:?}");
        let admin = admin();
        let edit = self
            .marketplace
            .agent_update(&admin, agent, changes, Precondition::None);
        // A price may not go with the model: then nothing was written, which must not show either.
        let _ = edit.await;
        said
    }

    pub(crate) async fn publish(&mut self) -> String {
        let name = self.words(2);
        let agent = AgentDraft {
            description: Description::new(self.words(3)).unwrap(),
            category: self.category(),
            tags: vec![Tag::new(["testing", "triage"][self.random.usize(..2)]).unwrap()],
            pricing: Pricing::FREE,
            ..draft(&name)
        };
        let published = self.marketplace.agent_create(&self.author, agent).await.unwrap();
        self.agents.push(published.summary.id);
        format!("publication of {name}")
    }

    fn changes(&mut self) -> AgentChanges {
        let none = AgentChanges::default();
        // Each kind in its turn, so that forty writes hold some of each.
        self.edits += 1;
        match self.edits % 10 {
            0 => AgentChanges {
                version: Some(Version::new(format!("1.{}.0", self.random.u8(..))).unwrap()),
                ..none
            },
            1 => AgentChanges {
                name: Some(AgentName::new(self.words(2)).unwrap()),
                ..none
            },
            2 | 3 => AgentChanges {
                description: Some(Description::new(self.words(3)).unwrap()),
                ..none
            },
            4 => AgentChanges {
                category: Some(self.category()),
                ..none
            },
            5 => AgentChanges {
                tags: Some(vec![
                    Tag::new(["testing", "triage", "mail"][self.random.usize(..3)]).unwrap(),
                ]),
                ..none
            },
            6 => AgentChanges {
                pricing_model: Some([PricingModel::Free, PricingModel::Freemium][self.random.usize(..2)]),
                ..none
            },
            7 => AgentChanges {
                is_featured: Some(self.random.bool()),
                ..none
            },
            8 => AgentChanges {
                is_verified: Some(self.random.bool()),
                ..none
            },
            _ => AgentChanges {
                is_active: Some(self.random.bool()),
                ..none
            },
        }
    }

    fn words(&mut self, count: usize) -> String {
        let words: Vec<&str> = (0..count).map(|_| WORDS[self.random.usize(..WORDS.len())]).collect();
        words.join(["-", " ", "\u{2014}"][self.random.usize(..3)])
    }

    fn category(&mut self) -> Option<CategoryName> {
        let category = CATEGORIES.get(self.random.usize(..3))?;
        Some(CategoryName::new(category).unwrap())
    }
}

/// Pages of lists and of searches of all kinds.
pub(crate) fn questions() -> Vec<(AgentListQuery, PageRequest)> {
    let filtered = |sort: AgentSort, choose: fn(&mut AgentListQuery)| {
        let mut query = all(sort);
        choose(&mut query);
        query
    };
    let mut queries: Vec<AgentListQuery> = Vec::new();
    for sort in [
        AgentSort::Popular,
        AgentSort::Recent,
        AgentSort::Rating,
        AgentSort::Name,
        AgentSort::Trending,
    ] {
        queries.push(all(sort));
        queries.push(filtered(sort, |query| {
            query.filter.category = CategoryName::new("content").ok();
        }));
    }
    let choices: [fn(&mut AgentListQuery); 6] = [
        |query| query.filter.is_featured = Some(true),
        |query| query.filter.is_featured = Some(false),
        |query| query.filter.is_verified = Some(true),
        |query| query.filter.pricing_model = Some(PricingModel::Freemium),
        |query| query.filter.tags = vec![Tag::new("mail").unwrap(), Tag::new("triage").unwrap()],
        |query| query.fields = [AgentField::Name, AgentField::Version].into_iter().collect(),
    ];
    queries.extend(choices.map(|choose| filtered(AgentSort::Recent, choose)));
    for words in [
        "mail",
        "mai",
        "a",
        "ai",
        "cafe",
        "caf\u{e9}",
        "plan review",
        "a1b",
        "b2c",
        "reveiw",
        "palnner",
        "xylophone",
    ] {
        for sort in [AgentSort::Relevance, AgentSort::Name] {
            let mut query = all(sort);
            query.filter.search = Some(SearchQuery::new(words).unwrap());
            queries.push(query);
        }
    }
    let pages = [1, 2].map(|number| PageRequest {
        at: PageAt::Number(number),
        ..PageRequest::first(3)
    });
    let pages_of = |query: AgentListQuery| pages.clone().map(|page| (query.clone(), page));
    queries.into_iter().flat_map(pages_of).collect()
}
