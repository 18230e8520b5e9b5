//! Rows into SQLite: one prepared statement a table, run once a row. SQLite works in this process, so that a statement
//! for several rows would save nothing.

use aios_domain::{Installation, Review, Tag, TagId, User};
use diesel::SqliteConnection;
use diesel::prelude::*;

use super::postgres::AgentTag;
use super::rows::{BulkAgent, BulkEvent};
use crate::DbResult;
use crate::schema::{
    agent_analytics as e, agent_installations as i, agent_reviews as r, agent_tags as at, marketplace_agents as a,
    tags as t, users as u,
};
use crate::sql_types::Sql;
use crate::store::agents::{json, text_list};

pub(super) fn users(connection: &mut SqliteConnection, rows: impl Iterator<Item = User>) -> DbResult<()> {
    for row in rows {
        diesel::insert_into(u::table)
            .values((
                u::id.eq(Sql(row.id)),
                u::email.eq(row.email.as_ref().map(AsRef::<str>::as_ref)),
                u::display_name.eq(row.display_name.as_ref().map(AsRef::<str>::as_ref)),
                u::created_at.eq(Sql(row.created_at)),
                u::updated_at.eq(Sql(row.created_at)),
            ))
            .execute(connection)?;
    }
    Ok(())
}

pub(super) fn tags(connection: &mut SqliteConnection, rows: impl Iterator<Item = (TagId, Tag)>) -> DbResult<()> {
    for (id, tag) in rows {
        diesel::insert_into(t::table)
            .values((t::id.eq(Sql(id)), t::name.eq(tag.as_str())))
            .execute(connection)?;
    }
    Ok(())
}

pub(super) fn agents(connection: &mut SqliteConnection, rows: impl Iterator<Item = BulkAgent>) -> DbResult<()> {
    for row in rows {
        let draft = &row.draft;
        diesel::insert_into(a::table)
            .values((
                a::id.eq(Sql(row.id)),
                a::registry_name.eq(row.registry_name.as_ref().map(AsRef::<str>::as_ref)),
                a::name.eq(draft.name.as_str()),
                a::name_sort.eq(draft.name.sort_key()),
                a::description.eq(draft.description.as_str()),
                a::category.eq(draft.category.as_ref().map(AsRef::<str>::as_ref)),
                a::tags.eq(text_list(&draft.tags)),
                a::version.eq(draft.version.as_str()),
                a::icon_url.eq(draft.icon_url.as_ref().map(AsRef::<str>::as_ref)),
                a::capabilities.eq(text_list(&draft.capabilities)),
                a::pricing_model.eq(draft.pricing.model().as_str()),
                a::price_cents.eq(draft.pricing.price().cents()),
                a::repository_url.eq(draft.repository_url.as_ref().map(AsRef::<str>::as_ref)),
                a::agent_type.eq(draft.agent_type.as_str()),
                a::requirements.eq(Sql(json(&draft.requirements))),
                a::configuration_schema.eq(Sql(json(&draft.configuration_schema))),
                a::license.eq(draft.license.as_ref().map(AsRef::<str>::as_ref)),
                a::author_id.eq(Sql(row.author_id)),
                (
                    a::install_count.eq(row.install_count),
                    a::rating_sum.eq(row.rating_sum),
                    a::rating_count.eq(row.rating_count),
                    a::view_count.eq(row.view_count),
                    a::trending_score.eq(row.trending_score),
                    a::is_featured.eq(row.is_featured),
                    a::is_verified.eq(row.is_verified),
                    a::is_active.eq(row.is_active),
                    a::created_at.eq(Sql(row.created_at)),
                    a::updated_at.eq(Sql(row.updated_at)),
                    a::published_at.eq(row.published_at.map(Sql)),
                ),
            ))
            .execute(connection)?;
    }
    Ok(())
}

pub(super) fn agent_tags(connection: &mut SqliteConnection, rows: impl Iterator<Item = AgentTag>) -> DbResult<()> {
    for (agent, tag) in rows {
        diesel::insert_into(at::table)
            .values((at::agent_id.eq(Sql(agent)), at::tag_id.eq(Sql(tag))))
            .execute(connection)?;
    }
    Ok(())
}

pub(super) fn installations(
    connection: &mut SqliteConnection,
    rows: impl Iterator<Item = Installation>,
) -> DbResult<()> {
    for row in rows {
        diesel::insert_into(i::table)
            .values((
                i::id.eq(Sql(row.id)),
                i::user_id.eq(Sql(row.user_id)),
                i::agent_id.eq(Sql(row.agent_id)),
                i::installed_version.eq(row.installed_version.as_str()),
                i::settings.eq(Sql(json(&row.settings))),
                i::is_active.eq(row.is_active),
                i::last_used.eq(row.last_used.map(Sql)),
                i::usage_count.eq(row.usage_count),
                i::installed_at.eq(Sql(row.installed_at)),
                i::updated_at.eq(Sql(row.updated_at)),
            ))
            .execute(connection)?;
    }
    Ok(())
}

pub(super) fn reviews(connection: &mut SqliteConnection, rows: impl Iterator<Item = Review>) -> DbResult<()> {
    for row in rows {
        diesel::insert_into(r::table)
            .values((
                r::id.eq(Sql(row.id)),
                r::user_id.eq(Sql(row.user_id)),
                r::agent_id.eq(Sql(row.agent_id)),
                r::rating.eq(i16::from(row.rating.stars())),
                r::title.eq(row.title.as_ref().map(AsRef::<str>::as_ref)),
                r::review_text.eq(row.review_text.as_ref().map(AsRef::<str>::as_ref)),
                r::helpful_count.eq(row.helpful_count),
                r::is_verified_purchase.eq(row.is_verified_purchase),
                r::created_at.eq(Sql(row.created_at)),
                r::updated_at.eq(Sql(row.updated_at)),
            ))
            .execute(connection)?;
    }
    Ok(())
}

pub(super) fn events(connection: &mut SqliteConnection, rows: impl Iterator<Item = BulkEvent>) -> DbResult<()> {
    for row in rows {
        diesel::insert_into(e::table)
            .values((
                e::id.eq(Sql(row.id)),
                e::agent_id.eq(Sql(row.agent_id)),
                e::user_id.eq(row.user_id.map(Sql)),
                e::event_type.eq(row.kind.as_str()),
                e::quantity.eq(row.quantity),
                e::occurred_at.eq(Sql(row.occurred_at)),
            ))
            .execute(connection)?;
    }
    Ok(())
}
