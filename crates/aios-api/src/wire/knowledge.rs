//! Knowledge entries.

use aios_domain::{
    ContentType, FieldErrors, Invalid, KnowledgeDraft, KnowledgeEntry, KnowledgeSource, KnowledgeText, KnowledgeTitle,
    MAX_TAGS, Result, SearchQuery, ShortDescription, Tag, normalised_tags,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::agents::failure;
use super::owned;
use super::{check_list, check_object};

/// A text that the caller keeps.
#[derive(Serialize, ToSchema)]
pub(crate) struct Knowledge {
    id: Uuid,
    user_id: Uuid,
    #[schema(example = "How we answer refunds")]
    title: String,
    #[schema(example = "https://wiki.example.org/refunds")]
    source: String,
    #[schema(example = "article")]
    content_type: String,
    #[schema(example = "Refunds within 30 days are granted without a question.")]
    text_content: String,
    summary: Option<String>,
    #[schema(example = json!(["refunds", "support"]))]
    tags: Vec<String>,
    #[schema(value_type = Object)]
    metadata: Value,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<&KnowledgeEntry> for Knowledge {
    fn from(entry: &KnowledgeEntry) -> Self {
        let content = &entry.content;
        Self {
            id: entry.id.0,
            user_id: entry.user_id.0,
            title: owned(&content.title),
            source: owned(&content.source),
            content_type: owned(&content.content_type),
            text_content: owned(&content.text_content),
            summary: content.summary.as_ref().map(owned),
            tags: content.tags.iter().map(owned).collect(),
            metadata: (&content.metadata).into(),
            created_at: entry.created_at,
            updated_at: entry.updated_at,
        }
    }
}

/// A text to be kept.
#[derive(Deserialize, ToSchema)]
pub(crate) struct KnowledgeBody {
    #[schema(example = "How we answer refunds", min_length = 1, max_length = 300)]
    title: String,
    /// Where it comes from: a URL, a file name, a book.
    #[schema(example = "https://wiki.example.org/refunds", min_length = 1, max_length = 2048)]
    source: String,
    #[schema(example = "article", min_length = 1, max_length = 50)]
    content_type: String,
    #[schema(
        example = "Refunds within 30 days are granted without a question.",
        min_length = 1,
        max_length = 500_000
    )]
    text_content: String,
    #[schema(max_length = 1000)]
    summary: Option<String>,
    #[serde(default)]
    #[schema(example = json!(["refunds", "support"]), max_items = 20)]
    tags: Vec<String>,
    /// Whatever else is to be kept with it, at most 64 KiB.
    #[schema(value_type = Object)]
    metadata: Option<Value>,
}

impl KnowledgeBody {
    pub(crate) fn check(self) -> Result<KnowledgeDraft> {
        let mut errors = FieldErrors::default();
        let title = errors.check("title", KnowledgeTitle::new(self.title));
        let source = errors.check("source", KnowledgeSource::new(self.source));
        let content_type = errors.check("content_type", ContentType::new(self.content_type));
        let text_content = errors.check("text_content", KnowledgeText::new(self.text_content));
        let summary = errors.check_optional("summary", self.summary, ShortDescription::new);
        let tags = check_list(&mut errors, "tags", self.tags, 5 * MAX_TAGS, Tag::new);
        let tags = errors.check("tags", normalised_tags(tags)).unwrap_or_default();
        let metadata = check_object(&mut errors, "metadata", self.metadata);
        let required = (title, source, content_type, text_content);
        let (Some(title), Some(source), Some(content_type), Some(text_content)) = required else {
            return Err(failure(errors));
        };
        errors.finish()?;
        Ok(KnowledgeDraft {
            title,
            source,
            content_type,
            text_content,
            summary,
            tags,
            metadata,
        })
    }
}

/// A search in the caller's own texts.
#[derive(Deserialize, ToSchema)]
pub(crate) struct KnowledgeSearch {
    /// Words, or beginnings of words; all must be found.
    #[schema(example = "refund", min_length = 1, max_length = 200)]
    query: String,
    #[schema(example = 10, minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

impl KnowledgeSearch {
    pub(crate) fn check(self) -> Result<(SearchQuery, u32)> {
        let mut errors = FieldErrors::default();
        let query = errors.check("query", SearchQuery::new(self.query));
        let limit = self.limit.unwrap_or(10);
        let in_range = (1..=100).contains(&limit);
        errors.check(
            "limit",
            in_range
                .then_some(())
                .ok_or_else(|| Invalid::new("must be between 1 and 100")),
        );
        let Some(query) = query else {
            return Err(failure(errors));
        };
        errors.finish()?;
        Ok((query, limit))
    }
}
