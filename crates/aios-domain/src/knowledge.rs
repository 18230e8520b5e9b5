//! Knowledge entries: texts a user keeps for the agents to draw on. They are the user's own; nobody else sees them.

use serde::{Deserialize, Serialize};

use crate::{
    ContentType, JsonObject, KnowledgeId, KnowledgeSource, KnowledgeText, KnowledgeTitle, ShortDescription, Tag,
    Timestamp, UserId,
};

/// A text that a user keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KnowledgeEntry {
    /// The entry.
    pub id: KnowledgeId,
    /// Whose it is.
    pub user_id: UserId,
    /// What the user wrote.
    #[serde(flatten)]
    pub content: KnowledgeDraft,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a user writes to keep a text, or to replace one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KnowledgeDraft {
    /// What it is called.
    pub title: KnowledgeTitle,
    /// Where it comes from.
    pub source: KnowledgeSource,
    /// What it is.
    pub content_type: ContentType,
    /// The text itself.
    pub text_content: KnowledgeText,
    /// The text in short.
    pub summary: Option<ShortDescription>,
    /// At most [`MAX_TAGS`](crate::MAX_TAGS), without repeats.
    pub tags: Vec<Tag>,
    /// Whatever else the user wants to keep with it.
    pub metadata: JsonObject,
}

/// Which of a user's entries a list holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KnowledgeFilter {
    /// Of this type.
    pub content_type: Option<ContentType>,
    /// Bearing this tag.
    pub tag: Option<Tag>,
}
