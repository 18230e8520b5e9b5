//! Categories.

use serde::{Deserialize, Serialize};

use crate::{CategoryId, CategoryName, DisplayName, HexColor, IconName, ShortDescription, Timestamp};

/// A category of agents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Category {
    /// The category.
    pub id: CategoryId,
    /// Its name in filters.
    pub name: CategoryName,
    /// Its name for people.
    pub display_name: DisplayName,
    /// What it holds.
    pub description: Option<ShortDescription>,
    /// The icon a storefront draws.
    pub icon: Option<IconName>,
    /// The colour a storefront paints it in.
    pub color: Option<HexColor>,
    /// Its place among the categories, smallest first.
    pub sort_order: i32,
    /// Whether it is listed.
    pub is_active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What an admin writes to make a category.
#[derive(Clone, Debug, PartialEq)]
pub struct CategoryDraft {
    /// Its name in filters, which must be new.
    pub name: CategoryName,
    /// Its name for people.
    pub display_name: DisplayName,
    /// What it holds.
    pub description: Option<ShortDescription>,
    /// The icon a storefront draws.
    pub icon: Option<IconName>,
    /// The colour a storefront paints it in.
    pub color: Option<HexColor>,
    /// Its place among the categories, smallest first.
    pub sort_order: i32,
}

/// A category and how many active agents stand in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CategoryCount {
    /// The category.
    pub id: CategoryId,
    /// Its name in filters.
    pub name: CategoryName,
    /// Its name for people.
    pub display_name: DisplayName,
    /// How many active agents stand in it.
    pub count: i64,
}
