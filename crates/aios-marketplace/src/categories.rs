//! Categories: listed, counted, made.

use aios_cache::Cached;
use aios_db::store::categories as store;
use aios_domain::{Caller, Category, CategoryCount, CategoryDraft, Result};

use crate::Marketplace;

impl Marketplace {
    /// All active categories by place, then name.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn category_list(&self) -> Result<Cached<Vec<Category>>> {
        let db = self.db.clone();
        self.caches
            .categories(async move || db.read(store::category_list).await)
            .await
    }

    /// All active categories by place, then name, with how many active agents each holds.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn category_counts(&self) -> Result<Cached<Vec<CategoryCount>>> {
        let db = self.db.clone();
        self.caches
            .category_counts(async move || db.read(store::category_counts).await)
            .await
    }

    /// Makes a category.
    ///
    /// # Errors
    /// `Forbidden` for others than admins; `Conflict` where the name exists.
    pub async fn category_create(&self, caller: &Caller, draft: CategoryDraft) -> Result<Category> {
        caller.must_be_admin()?;
        let now = self.clock.now();
        self.write(move |c, stale| {
            let category = store::category_insert(c, &draft, now)?;
            stale.category_made(&category.name);
            Ok(category)
        })
        .await
    }
}
