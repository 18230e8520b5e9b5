//! Categories and how many agents stand in each.

use aios_domain::{
    Category, CategoryCount, CategoryDraft, CategoryId, CategoryName, DisplayName, Error, ErrorKind, HexColor,
    IconName, ShortDescription, Timestamp,
};
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::{Value, json};

use super::rows::{self, Field, given};
use crate::profile::RunQueryDsl;
use crate::raw::prepared;
use crate::schema::categories;
use crate::sql_types::{JsonDocument, Sql};
use crate::{AnyConnection, DbError, DbResult};

#[derive(Queryable, Selectable)]
#[diesel(table_name = categories)]
struct CategoryRow {
    id: CategoryId,
    name: String,
    display_name: String,
    description: Option<String>,
    icon: Option<String>,
    color: Option<String>,
    sort_order: i32,
    is_active: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<CategoryRow> for Category {
    fn from(row: CategoryRow) -> Self {
        Self {
            id: row.id,
            name: CategoryName::from_trusted(row.name),
            display_name: DisplayName::from_trusted(row.display_name),
            description: row.description.map(ShortDescription::from_trusted),
            icon: row.icon.map(IconName::from_trusted),
            color: row.color.map(HexColor::from_trusted),
            sort_order: row.sort_order,
            is_active: row.is_active,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// All active categories by place, then name.
///
/// # Errors
/// Those of the database.
pub fn category_list(connection: &mut AnyConnection) -> DbResult<Vec<Category>> {
    let rows = categories::table
        .filter(categories::is_active)
        .order((categories::sort_order, categories::display_name, categories::id))
        .select(CategoryRow::as_select())
        .load(connection)?;
    Ok(rows.into_iter().map(Category::from).collect())
}

/// All active categories by place, then name, with the number of active agents in each.
///
/// # Errors
/// Those of the database.
pub fn category_counts(connection: &mut AnyConnection) -> DbResult<Vec<CategoryCount>> {
    let rows: Vec<(CategoryId, String, String, i64)> = categories::table
        .filter(categories::is_active)
        .order((categories::sort_order, categories::display_name, categories::id))
        .select((
            categories::id,
            categories::name,
            categories::display_name,
            categories::agent_count,
        ))
        .load(connection)?;
    Ok(rows
        .into_iter()
        .map(|(id, name, display_name, count)| CategoryCount {
            id,
            name: CategoryName::from_trusted(name),
            display_name: DisplayName::from_trusted(display_name),
            count,
        })
        .collect())
}

/// Makes a category.
///
/// # Errors
/// `Conflict` where the name exists; those of the database.
pub fn category_insert(connection: &mut AnyConnection, draft: &CategoryDraft, now: Timestamp) -> DbResult<Category> {
    let id = CategoryId::new();
    let inserted = diesel::insert_into(categories::table)
        .values((
            categories::id.eq(Sql(id)),
            categories::name.eq(draft.name.as_str()),
            categories::display_name.eq(draft.display_name.as_str()),
            categories::description.eq(draft.description.as_ref().map(ShortDescription::as_str)),
            categories::icon.eq(draft.icon.as_ref().map(IconName::as_str)),
            categories::color.eq(draft.color.as_ref().map(HexColor::as_str)),
            categories::sort_order.eq(draft.sort_order),
            categories::created_at.eq(Sql(now)),
            categories::updated_at.eq(Sql(now)),
        ))
        .execute(connection)
        .map_err(DbError::from);
    if let Err(error) = inserted {
        return Err(if error.is_unique_violation() {
            Error::new(
                ErrorKind::Conflict,
                format!("A category named {} exists already.", draft.name),
            )
            .into()
        } else {
            error
        });
    }
    Ok(Category {
        id,
        name: draft.name.clone(),
        display_name: draft.display_name.clone(),
        description: draft.description.clone(),
        icon: draft.icon.clone(),
        color: draft.color.clone(),
        sort_order: draft.sort_order,
        is_active: true,
        created_at: now,
        updated_at: now,
    })
}

/// Adds to the number of active agents in each of these categories, in one statement. No category comes twice.
///
/// # Errors
/// Invalid input where a category does not exist; those of the database.
pub(crate) fn category_count_add(connection: &mut AnyConnection, changes: &[(&CategoryName, i64)]) -> DbResult<()> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Text)]
        name: String,
    }

    if changes.is_empty() {
        return Ok(());
    }
    let columns = [("name", Field::Text), ("change", Field::Integer)];
    let rows: Value = changes
        .iter()
        .map(|(name, change)| json!([name.as_str(), change]))
        .collect();
    if changes.len() > 1 {
        rows::hold(connection, ("categories", "name"), ("name", &columns), &rows)?;
    }
    let found: Vec<Found> = prepared(format!(
        "UPDATE categories SET agent_count = agent_count + given.change FROM {} WHERE categories.name = given.name \
         RETURNING categories.name",
        given(connection.kind(), &columns)
    ))
    .bind::<JsonDocument, _>(rows)
    .load(connection)?;
    let found: Vec<String> = found.into_iter().map(|found| found.name).collect();
    all_among(changes.iter().map(|(name, _)| *name), &found)
}

/// Passes where the categories exist and are active.
///
/// # Errors
/// Invalid input where one does not; those of the database.
pub(crate) fn categories_require<'a>(
    connection: &mut AnyConnection,
    names: impl IntoIterator<Item = &'a CategoryName>,
) -> DbResult<()> {
    let names: Vec<&CategoryName> = names.into_iter().collect();
    if names.is_empty() {
        return Ok(());
    }
    let active = categories::table
        .filter(categories::is_active)
        .filter(categories::name.eq_any(names.iter().map(|name| name.as_str())))
        .select(categories::name)
        .load::<String>(connection)?;
    all_among(names, &active)
}

/// Passes where each of the names was found.
fn all_among<'a>(names: impl IntoIterator<Item = &'a CategoryName>, found: &[String]) -> DbResult<()> {
    let mut names = names.into_iter();
    let unknown = names.find(|name| !found.iter().any(|found| found == name.as_str()));
    unknown.map_or(Ok(()), |name| Err(unknown_category(name).into()))
}

fn unknown_category(name: &CategoryName) -> Error {
    Error::invalid_field(
        "category",
        format!("must be null or an existing category, which {name} is not"),
    )
}
