//! The columns that a list reads, and what becomes of them.

use aios_domain::{
    AgentField, AgentFieldSet, AgentId, AgentName, AgentSort, Capability, CategoryName, Description, Error, HttpUrl,
    PartialAgentSummary, Price, PricingModel, Timestamp, Version,
};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Double, Nullable, Text};

use crate::raw::{Piece, Raw};
use crate::sql_types::{TextList, TextListValue, TimestampUtc, Uuid};
use crate::store::agents::stored_tags;

pub(super) const NO_RANK: Piece = Piece::Sql("CAST(NULL AS double precision)");

/// What is read: every field that was chosen or is a key of the order, NULL for the others.
pub(super) type ListedSql = (
    Uuid,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<TextList>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<TextList>,
    Nullable<Text>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<Double>,
    Nullable<BigInt>,
    Nullable<Bool>,
    Nullable<Bool>,
    Nullable<TimestampUtc>,
    Nullable<Text>,
    Nullable<Double>,
    Nullable<BigInt>,
    Nullable<Double>,
);

/// A row of [`ListedSql`].
#[derive(Queryable)]
pub(super) struct ListedRow {
    pub(super) id: uuid::Uuid,
    name: Option<String>,
    description: Option<String>,
    category: Option<String>,
    tags: Option<TextListValue>,
    version: Option<String>,
    icon_url: Option<String>,
    capabilities: Option<TextListValue>,
    pricing_model: Option<String>,
    price_cents: Option<i64>,
    pub(super) install_count: Option<i64>,
    pub(super) rating_average: Option<f64>,
    pub(super) rating_count: Option<i64>,
    is_featured: Option<bool>,
    is_verified: Option<bool>,
    pub(super) created_at: Option<Timestamp>,
    pub(super) name_sort: Option<String>,
    pub(super) trending_score: Option<f64>,
    pub(super) search_tier: Option<i64>,
    pub(super) rank: Option<f64>,
}

/// The columns of [`ListedSql`] up to the rank, in its order.
const COLUMNS: [(Option<AgentField>, &str); 19] = [
    (Some(AgentField::Id), "marketplace_agents.id"),
    (Some(AgentField::Name), ", marketplace_agents.name"),
    (Some(AgentField::Description), ", marketplace_agents.description"),
    (Some(AgentField::Category), ", category"),
    (Some(AgentField::Tags), ", marketplace_agents.tags"),
    (Some(AgentField::Version), ", version"),
    (Some(AgentField::IconUrl), ", icon_url"),
    (Some(AgentField::Capabilities), ", marketplace_agents.capabilities"),
    (Some(AgentField::PricingModel), ", pricing_model"),
    (Some(AgentField::Price), ", price_cents"),
    (Some(AgentField::InstallCount), ", install_count"),
    (Some(AgentField::RatingAverage), ", rating_average"),
    (Some(AgentField::RatingCount), ", rating_count"),
    (Some(AgentField::IsFeatured), ", is_featured"),
    (Some(AgentField::IsVerified), ", is_verified"),
    (Some(AgentField::CreatedAt), ", created_at"),
    (None, ", name_sort"),
    (None, ", trending_score"),
    (None, ", search_tier"),
];

pub(super) fn selection(fields: AgentFieldSet, sort: AgentSort, rank: Option<Vec<Piece>>) -> Raw<ListedSql> {
    let mut pieces: Vec<Piece> = COLUMNS
        .iter()
        .map(|&(field, column)| {
            let chosen = field.is_some_and(|field| fields.contains(field)) || is_key(sort, field, column);
            Piece::Sql(if chosen { column } else { ", NULL" })
        })
        .collect();
    pieces.push(Piece::Sql(", "));
    pieces.extend(rank.unwrap_or_else(|| vec![NO_RANK]));
    if fields == AgentFieldSet::ALL {
        Raw::new(pieces)
    } else {
        Raw::uncached(pieces)
    }
}

/// Whether a column is a key of the order, and so read whatever was chosen.
fn is_key(sort: AgentSort, field: Option<AgentField>, column: &str) -> bool {
    use AgentField::{CreatedAt, Id, InstallCount, RatingAverage, RatingCount};

    match field {
        Some(Id) => true,
        Some(InstallCount) => matches!(sort, AgentSort::Popular | AgentSort::Installs),
        Some(RatingAverage) => matches!(sort, AgentSort::Popular | AgentSort::Installs | AgentSort::Rating),
        Some(RatingCount) => sort == AgentSort::Rating,
        Some(CreatedAt) => sort == AgentSort::Recent,
        Some(_) => false,
        None if column.ends_with("name_sort") => sort == AgentSort::Name,
        None if column.ends_with("trending_score") => sort == AgentSort::Trending,
        None => sort == AgentSort::Relevance,
    }
}

impl ListedRow {
    pub(super) fn into_summary(self, fields: AgentFieldSet) -> aios_domain::Result<PartialAgentSummary> {
        let read = |field| fields.contains(field);
        // A field that may be empty tells "empty" from "not read" by whether it was asked for.
        let category = self.category.map(CategoryName::from_trusted);
        let icon_url = self.icon_url.map(HttpUrl::from_trusted);
        let pricing_model = self
            .pricing_model
            .map(|model| model.parse::<PricingModel>())
            .transpose();
        Ok(PartialAgentSummary {
            id: read(AgentField::Id).then_some(AgentId(self.id)),
            name: self.name.map(AgentName::from_trusted),
            description: self.description.map(Description::from_trusted),
            category: read(AgentField::Category).then_some(category),
            tags: self.tags.map(stored_tags),
            version: self.version.map(Version::from_trusted),
            icon_url: read(AgentField::IconUrl).then_some(icon_url),
            capabilities: self
                .capabilities
                .map(|list| list.0.into_iter().map(Capability::from_trusted).collect()),
            pricing_model: pricing_model.map_err(Error::internal)?,
            price: self
                .price_cents
                .map(Price::from_cents)
                .transpose()
                .map_err(Error::internal)?,
            install_count: self.install_count.filter(|_| read(AgentField::InstallCount)),
            rating_average: self.rating_average.filter(|_| read(AgentField::RatingAverage)),
            rating_count: self.rating_count.filter(|_| read(AgentField::RatingCount)),
            is_featured: self.is_featured,
            is_verified: self.is_verified,
            created_at: self.created_at.filter(|_| read(AgentField::CreatedAt)),
        })
    }
}
