//! Categories: listed, counted, made.

use aios_domain::{CategoryName, DisplayName, FieldErrors, HexColor, IconName, Invalid, Result, ShortDescription};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::agents::failure;
use super::owned;

/// A category of agents.
#[derive(Serialize, ToSchema)]
pub(crate) struct Category {
    id: Uuid,
    #[schema(example = "development")]
    name: String,
    #[schema(example = "Development")]
    display_name: String,
    #[schema(example = "Agents that write, review, test and ship software.")]
    description: Option<String>,
    #[schema(example = "code")]
    icon: Option<String>,
    #[schema(example = "#7c3aed")]
    color: Option<String>,
    #[schema(example = 20)]
    sort_order: i32,
    is_active: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<&aios_domain::Category> for Category {
    fn from(category: &aios_domain::Category) -> Self {
        Self {
            id: category.id.0,
            name: owned(&category.name),
            display_name: owned(&category.display_name),
            description: category.description.as_ref().map(owned),
            icon: category.icon.as_ref().map(owned),
            color: category.color.as_ref().map(owned),
            sort_order: category.sort_order,
            is_active: category.is_active,
            created_at: category.created_at,
            updated_at: category.updated_at,
        }
    }
}

/// All active categories.
#[derive(Serialize, ToSchema)]
pub(crate) struct CategoryList {
    pub(crate) categories: Vec<Category>,
}

/// A category and how many active agents stand in it.
#[derive(Serialize, ToSchema)]
pub(crate) struct CategoryCount {
    id: Uuid,
    #[schema(example = "development")]
    name: String,
    #[schema(example = "Development")]
    display_name: String,
    #[schema(example = 48)]
    count: i64,
}

impl From<&aios_domain::CategoryCount> for CategoryCount {
    fn from(category: &aios_domain::CategoryCount) -> Self {
        Self {
            id: category.id.0,
            name: owned(&category.name),
            display_name: owned(&category.display_name),
            count: category.count,
        }
    }
}

/// All active categories with their counts.
#[derive(Serialize, ToSchema)]
pub(crate) struct CategoryCounts {
    pub(crate) categories: Vec<CategoryCount>,
}

/// A category to be made.
#[derive(Deserialize, ToSchema)]
pub(crate) struct CategoryDraft {
    /// Lower-case letters and digits, in groups parted by hyphens.
    #[schema(
        example = "security",
        min_length = 1,
        max_length = 50,
        pattern = "^[a-z0-9]+(-[a-z0-9]+)*$"
    )]
    name: String,
    #[schema(example = "Security", min_length = 1, max_length = 100)]
    display_name: String,
    #[schema(max_length = 1000)]
    description: Option<String>,
    #[schema(example = "shield", max_length = 50)]
    icon: Option<String>,
    #[schema(example = "#dc2626", pattern = "^#[0-9a-fA-F]{6}$")]
    color: Option<String>,
    /// Its place among the categories, smallest first.
    #[serde(default)]
    #[schema(example = 70, minimum = -1_000_000, maximum = 1_000_000)]
    sort_order: i32,
}

const MAX_SORT_ORDER: i32 = 1_000_000;

impl CategoryDraft {
    pub(crate) fn check(self) -> Result<aios_domain::CategoryDraft> {
        let mut errors = FieldErrors::default();
        let name = errors.check("name", CategoryName::new(self.name));
        let display_name = errors.check("display_name", DisplayName::new(self.display_name));
        let description = errors.check_optional("description", self.description, ShortDescription::new);
        let icon = errors.check_optional("icon", self.icon, IconName::new);
        let color = errors.check_optional("color", self.color, HexColor::new);
        let in_range = (-MAX_SORT_ORDER..=MAX_SORT_ORDER).contains(&self.sort_order);
        let range = || Invalid::new(format!("must be between -{MAX_SORT_ORDER} and {MAX_SORT_ORDER}"));
        errors.check("sort_order", in_range.then_some(()).ok_or_else(range));
        let (Some(name), Some(display_name)) = (name, display_name) else {
            return Err(failure(errors));
        };
        errors.finish()?;
        let sort_order = self.sort_order;
        Ok(aios_domain::CategoryDraft {
            name,
            display_name,
            description,
            icon,
            color,
            sort_order,
        })
    }
}
