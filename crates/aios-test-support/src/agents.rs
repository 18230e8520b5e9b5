//! Agents with the least that an agent has, for tests that need some and do not care which.

use aios_db::bulk::BulkAgent;
use aios_domain::{
    AgentDraft, AgentId, AgentName, AgentType, Description, JsonObject, Pricing, Timestamp, UserId, Version,
};

/// A free agent without category and tags.
pub fn plain_draft(name: &str) -> AgentDraft {
    AgentDraft {
        name: AgentName::new(name).unwrap(),
        description: Description::new("Does what agents of a test do.").unwrap(),
        category: None,
        tags: Vec::new(),
        version: Version::new("1.0.0").unwrap(),
        icon_url: None,
        capabilities: Vec::new(),
        pricing: Pricing::FREE,
        repository_url: None,
        agent_type: AgentType::new("assistant").unwrap(),
        requirements: JsonObject::default(),
        configuration_schema: JsonObject::default(),
        license: None,
    }
}

/// The same as a row of a bulk load: active since `made`, never installed, looked at or rated.
pub fn plain_agent(id: AgentId, author: UserId, name: &str, made: Timestamp) -> BulkAgent {
    BulkAgent {
        id,
        registry_name: None,
        draft: plain_draft(name),
        author_id: author,
        install_count: 0,
        rating_sum: 0,
        rating_count: 0,
        view_count: 0,
        trending_score: 0.0,
        is_featured: false,
        is_verified: false,
        is_active: true,
        created_at: made,
        updated_at: made,
        published_at: Some(made),
    }
}
