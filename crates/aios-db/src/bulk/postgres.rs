//! Rows into PostgreSQL: one `COPY` a table, streamed.

use std::cell::RefCell;
use std::io::Write;

use aios_domain::{AgentId, Installation, Review, Tag, TagId, User};
use diesel::PgConnection;
use diesel::prelude::ExecuteCopyFromDsl as _;

use super::copy_text::CopyText;
use super::rows::{BulkAgent, BulkEvent};
use crate::schema::{
    agent_analytics as e, agent_installations as i, agent_reviews as r, agent_tags as at, marketplace_agents as a,
    tags as t, users as u,
};
use crate::{DbError, DbResult};

/// A row of `agent_tags`.
pub(super) type AgentTag = (AgentId, TagId);

/// Copies `rows` into the columns named, each row written field by field in their order.
macro_rules! copy {
    ($connection:expr, $rows:expr, $columns:expr, $table:path, |$copy:ident, $row:ident| $fields:block) => {{
        // diesel asks for a function that may be called again; it calls it once.
        let rows = RefCell::new($rows);
        diesel::copy_from($table)
            .from_raw_data($columns, |out: &mut dyn Write| -> Result<(), DbError> {
                let mut $copy = CopyText::new(out);
                for $row in &mut *rows.borrow_mut() {
                    $fields
                    $copy.end_row()?;
                }
                $copy.flush()
            })
            .execute($connection)?;
        Ok(())
    }};
}

pub(super) fn users(connection: &mut PgConnection, rows: impl Iterator<Item = User>) -> DbResult<()> {
    let columns = (u::id, u::email, u::display_name, u::created_at, u::updated_at);
    copy!(connection, rows, columns, u::table, |copy, row| {
        copy.id(row.id.0);
        copy.text(row.email.as_ref().map(AsRef::as_ref));
        copy.text(row.display_name.as_ref().map(AsRef::as_ref));
        copy.moment(Some(row.created_at));
        copy.moment(Some(row.created_at));
    })
}

pub(super) fn tags(connection: &mut PgConnection, rows: impl Iterator<Item = (TagId, Tag)>) -> DbResult<()> {
    copy!(connection, rows, (t::id, t::name), t::table, |copy, row| {
        copy.id(row.0.0);
        copy.text(Some(row.1.as_str()));
    })
}

pub(super) fn agents(connection: &mut PgConnection, rows: impl Iterator<Item = BulkAgent>) -> DbResult<()> {
    #[rustfmt::skip] // The columns in the order of the fields below.
    let columns = (
        a::id, a::registry_name, a::name, a::name_sort, a::description, a::category, a::tags, a::version, a::icon_url,
        a::capabilities, a::pricing_model, a::price_cents, a::repository_url, a::agent_type, a::requirements,
        a::configuration_schema, a::license, a::author_id, a::install_count, a::rating_sum, a::rating_count,
        a::view_count, a::trending_score, a::is_featured, a::is_verified, a::is_active, a::created_at, a::updated_at,
        a::published_at,
    );
    copy!(connection, rows, columns, a::table, |copy, row| {
        let draft = &row.draft;
        copy.id(row.id.0);
        copy.text(row.registry_name.as_ref().map(AsRef::as_ref));
        copy.text(Some(draft.name.as_str()));
        copy.text(Some(&draft.name.sort_key()));
        copy.text(Some(draft.description.as_str()));
        copy.text(draft.category.as_ref().map(AsRef::as_ref));
        copy.list(&draft.tags);
        copy.text(Some(draft.version.as_str()));
        copy.text(draft.icon_url.as_ref().map(AsRef::as_ref));
        copy.list(&draft.capabilities);
        copy.text(Some(draft.pricing.model().as_str()));
        copy.number(draft.pricing.price().cents());
        copy.text(draft.repository_url.as_ref().map(AsRef::as_ref));
        copy.text(Some(draft.agent_type.as_str()));
        copy.text(Some(draft.requirements.as_str()));
        copy.text(Some(draft.configuration_schema.as_str()));
        copy.text(draft.license.as_ref().map(AsRef::as_ref));
        copy.id(row.author_id.0);
        copy.number(row.install_count);
        copy.number(row.rating_sum);
        copy.number(row.rating_count);
        copy.number(row.view_count);
        copy.double(row.trending_score);
        copy.flag(row.is_featured);
        copy.flag(row.is_verified);
        copy.flag(row.is_active);
        copy.moment(Some(row.created_at));
        copy.moment(Some(row.updated_at));
        copy.moment(row.published_at);
    })
}

pub(super) fn agent_tags(connection: &mut PgConnection, rows: impl Iterator<Item = AgentTag>) -> DbResult<()> {
    copy!(connection, rows, (at::agent_id, at::tag_id), at::table, |copy, row| {
        copy.id(row.0.0);
        copy.id(row.1.0);
    })
}

pub(super) fn installations(connection: &mut PgConnection, rows: impl Iterator<Item = Installation>) -> DbResult<()> {
    #[rustfmt::skip] // The columns in the order of the fields below.
    let columns = (
        i::id, i::user_id, i::agent_id, i::installed_version, i::settings, i::is_active, i::last_used, i::usage_count,
        i::installed_at, i::updated_at,
    );
    copy!(connection, rows, columns, i::table, |copy, row| {
        copy.id(row.id.0);
        copy.id(row.user_id.0);
        copy.id(row.agent_id.0);
        copy.text(Some(row.installed_version.as_str()));
        copy.text(Some(row.settings.as_str()));
        copy.flag(row.is_active);
        copy.moment(row.last_used);
        copy.number(row.usage_count);
        copy.moment(Some(row.installed_at));
        copy.moment(Some(row.updated_at));
    })
}

pub(super) fn reviews(connection: &mut PgConnection, rows: impl Iterator<Item = Review>) -> DbResult<()> {
    #[rustfmt::skip] // The columns in the order of the fields below.
    let columns = (
        r::id, r::user_id, r::agent_id, r::rating, r::title, r::review_text, r::helpful_count, r::is_verified_purchase,
        r::created_at, r::updated_at,
    );
    copy!(connection, rows, columns, r::table, |copy, row| {
        copy.id(row.id.0);
        copy.id(row.user_id.0);
        copy.id(row.agent_id.0);
        copy.number(row.rating.into());
        copy.text(row.title.as_ref().map(AsRef::as_ref));
        copy.text(row.review_text.as_ref().map(AsRef::as_ref));
        copy.number(row.helpful_count);
        copy.flag(row.is_verified_purchase);
        copy.moment(Some(row.created_at));
        copy.moment(Some(row.updated_at));
    })
}

pub(super) fn events(connection: &mut PgConnection, rows: impl Iterator<Item = BulkEvent>) -> DbResult<()> {
    let columns = (
        e::id,
        e::agent_id,
        e::user_id,
        e::event_type,
        e::quantity,
        e::occurred_at,
    );
    copy!(connection, rows, columns, e::table, |copy, row| {
        copy.id(row.id.0);
        copy.id(row.agent_id.0);
        match row.user_id {
            Some(user) => copy.id(user.0),
            None => copy.text(None),
        }
        copy.text(Some(row.kind.as_str()));
        copy.number(row.quantity);
        copy.moment(Some(row.occurred_at));
    })
}
