//! The tables the tests page: agents with ties, NULLs, custom SQL types and an author each.

use aios_pagination::sql::SqlOrder;
use aios_pagination::{CursorValue, Kind, Nulls, Value};
use chrono::{DateTime, Utc};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, Binary, HasSqlType, Text};
use diesel::sqlite::Sqlite;

use crate::database::{AnyConnection, Database, MultiBackend, MultiRawValue};

/// The service's own UUID: PostgreSQL's uuid, a blob in SQLite.
#[derive(diesel::sql_types::SqlType, diesel::query_builder::QueryId)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951))]
#[diesel(sqlite_type(name = "Binary"))]
pub struct UuidType;

/// The service's own timestamp: timestamptz in PostgreSQL, microseconds since 1970 in SQLite.
#[derive(diesel::sql_types::SqlType, diesel::query_builder::QueryId)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185))]
#[diesel(sqlite_type(name = "Long"))]
pub struct StampType;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = UuidType)]
pub struct AgentId(pub uuid::Uuid);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = StampType)]
pub struct Stamp(pub DateTime<Utc>);

impl CursorValue for AgentId {
    const KIND: Kind = <uuid::Uuid as CursorValue>::KIND;
    fn into_value(self) -> Value {
        self.0.into_value()
    }
    fn from_value(value: &Value) -> Option<Self> {
        uuid::Uuid::from_value(value).map(Self)
    }
    fn lowest() -> Option<Self> {
        uuid::Uuid::lowest().map(Self)
    }
}

impl CursorValue for Stamp {
    const KIND: Kind = <DateTime<Utc> as CursorValue>::KIND;
    fn into_value(self) -> Value {
        self.0.into_value()
    }
    fn from_value(value: &Value) -> Option<Self> {
        DateTime::from_value(value).map(Self)
    }
    fn lowest() -> Option<Self> {
        DateTime::lowest().map(Self)
    }
}

impl ToSql<UuidType, Pg> for AgentId {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <uuid::Uuid as ToSql<diesel::sql_types::Uuid, Pg>>::to_sql(&self.0, out)
    }
}

impl FromSql<UuidType, Pg> for AgentId {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <uuid::Uuid as FromSql<diesel::sql_types::Uuid, Pg>>::from_sql(value).map(Self)
    }
}

impl ToSql<UuidType, Sqlite> for AgentId {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        <[u8] as ToSql<Binary, Sqlite>>::to_sql(self.0.as_bytes(), out)
    }
}

impl FromSql<UuidType, Sqlite> for AgentId {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(value)?;
        Ok(Self(uuid::Uuid::from_slice(&bytes)?))
    }
}

impl ToSql<StampType, Pg> for Stamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <DateTime<Utc> as ToSql<diesel::sql_types::Timestamptz, Pg>>::to_sql(&self.0, &mut out.reborrow())
    }
}

impl FromSql<StampType, Pg> for Stamp {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <DateTime<Utc> as FromSql<diesel::sql_types::Timestamptz, Pg>>::from_sql(value).map(Self)
    }
}

impl ToSql<StampType, Sqlite> for Stamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.timestamp_micros());
        Ok(IsNull::No)
    }
}

impl FromSql<StampType, Sqlite> for Stamp {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let micros = <i64 as FromSql<BigInt, Sqlite>>::from_sql(value)?;
        let time = DateTime::from_timestamp_micros(micros).ok_or("out of range")?;
        Ok(Self(time))
    }
}

macro_rules! on_both {
    ($sql_type:ty, $rust_type:ty) => {
        impl HasSqlType<$sql_type> for MultiBackend {
            fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
                MultiBackend::lookup_sql_type::<$sql_type>(lookup)
            }
        }

        impl ToSql<$sql_type, MultiBackend> for $rust_type {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
                out.set_value((<$sql_type>::default(), self));
                Ok(IsNull::No)
            }
        }

        impl FromSql<$sql_type, MultiBackend> for $rust_type {
            fn from_sql(value: MultiRawValue<'_>) -> deserialize::Result<Self> {
                value.from_sql::<Self, $sql_type>()
            }
        }
    };
}

impl Default for UuidType {
    fn default() -> Self {
        Self
    }
}

impl Default for StampType {
    fn default() -> Self {
        Self
    }
}

on_both!(UuidType, AgentId);
on_both!(StampType, Stamp);

mod schema {
    diesel::table! {
        use diesel::sql_types::*;
        use super::super::{StampType, UuidType};

        agents (id) {
            id -> UuidType,
            tenant -> Integer,
            installs -> BigInt,
            rating -> Nullable<Double>,
            name -> Text,
            created_at -> StampType,
            author -> Integer,
        }
    }

    diesel::table! {
        authors (id) {
            id -> Integer,
            name -> Text,
        }
    }

    diesel::joinable!(agents -> authors (author));
    diesel::allow_tables_to_appear_in_same_query!(agents, authors);
}

pub use schema::{agents, authors};

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = agents)]
pub struct Agent {
    pub id: AgentId,
    pub tenant: i32,
    pub installs: i64,
    pub rating: Option<f64>,
    pub name: String,
    pub created_at: Stamp,
    pub author: i32,
}

diesel::define_sql_function! {
    /// SQL's lower case.
    fn lower(text: Text) -> Text;
}

pub type AgentOrder = SqlOrder<Agent, agents::table, MultiBackend>;
pub type Agents = agents::BoxedQuery<'static, MultiBackend>;

pub fn create(conn: &mut AnyConnection) {
    let (uuid, time, double) = if conn.is_postgres() {
        ("UUID", "TIMESTAMPTZ", "DOUBLE PRECISION")
    } else {
        ("BLOB", "BIGINT", "DOUBLE")
    };
    conn.run(&format!(
        "CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
         CREATE TABLE agents (
             id {uuid} PRIMARY KEY NOT NULL, tenant INTEGER NOT NULL, installs BIGINT NOT NULL,
             rating {double}, name TEXT NOT NULL, created_at {time} NOT NULL, author INTEGER NOT NULL
         );
         INSERT INTO authors VALUES (0, 'Ada'), (1, 'Grace'), (2, 'Barbara');"
    ));
}

pub fn insert(conn: &mut AnyConnection, rows: &[Agent]) {
    conn.transaction(|conn| {
        for row in rows {
            diesel::insert_into(agents::table)
                .values((
                    agents::id.eq(row.id),
                    agents::tenant.eq(row.tenant),
                    agents::installs.eq(row.installs),
                    agents::rating.eq(row.rating),
                    agents::name.eq(&row.name),
                    agents::created_at.eq(row.created_at),
                    agents::author.eq(row.author),
                ))
                .execute(conn)?;
        }
        QueryResult::Ok(())
    })
    .expect("rows are inserted");
}

/// 47 agents of two tenants: few distinct installs and ratings, some of them NULL, microseconds apart, names of several scripts.
pub fn sample() -> Vec<Agent> {
    const NAMES: [&str; 7] = ["alpha", "Alpha", "BETA", "беta", "日本語", "o'neil", "Éclair"];
    (0..47_u16)
        .map(|index| {
            let number = i64::from(index);
            Agent {
                // Ids run against the sequence of insertion, so that a missing tie-breaker shows.
                id: AgentId(uuid::Uuid::from_u128((u128::from(index) * 7919 % 997) << 100)),
                tenant: i32::from(index % 2),
                installs: [0, 5, i64::MAX, (1 << 53) + 1, 1 << 53][usize::from(index % 5)],
                rating: [None, Some(4.5), Some(0.1 + 0.2), Some(0.3)][usize::from(index % 4)],
                name: NAMES[usize::from(index % 7)].to_owned(),
                created_at: Stamp(
                    DateTime::from_timestamp_micros(1_700_000_000_000_000 + number / 3).expect("a time in range"),
                ),
                author: i32::from(index % 3),
            }
        })
        .collect()
}

/// The database with the sample in it.
pub fn filled(mut database: Database) -> Database {
    create(&mut database.conn);
    insert(&mut database.conn, &sample());
    database
}

/// The boxed query a service builds with its filters.
pub fn tenant(tenant: Option<i32>) -> Agents {
    let query = agents::table.into_boxed();
    match tenant {
        Some(tenant) => query.filter(agents::tenant.eq(tenant)),
        None => query,
    }
}

pub fn popular() -> AgentOrder {
    SqlOrder::named("popular")
        .desc(agents::installs, |agent: &Agent| agent.installs)
        .desc(agents::created_at, |agent| agent.created_at)
        .unique_desc(agents::id, |agent| agent.id)
}

pub fn mixed() -> AgentOrder {
    SqlOrder::named("mixed")
        .desc(agents::installs, |agent: &Agent| agent.installs)
        .asc(agents::name, |agent| agent.name.clone())
        .desc(agents::created_at, |agent| agent.created_at)
        .unique_asc(agents::id, |agent| agent.id)
}

/// By rating, whichever way and wherever the NULLs stand.
pub fn rated(name: &'static str, descending: bool, nulls: Nulls) -> AgentOrder {
    let order = SqlOrder::named(name);
    let rating = |agent: &Agent| agent.rating;
    let order = if descending {
        order.desc_nulls(nulls, agents::rating, rating)
    } else {
        order.asc_nulls(nulls, agents::rating, rating)
    };
    order
        .desc(agents::installs, |agent| agent.installs)
        .unique_desc(agents::id, |agent| agent.id)
}

/// The nullable key in the middle.
pub fn nulls_within(nulls: Nulls) -> AgentOrder {
    SqlOrder::named("nulls within")
        .asc(agents::tenant, |agent: &Agent| agent.tenant)
        .desc_nulls(nulls, agents::rating, |agent| agent.rating)
        .unique_asc(agents::id, |agent| agent.id)
}

/// Every order over the table alone.
pub fn all_orders() -> Vec<AgentOrder> {
    vec![
        popular(),
        mixed(),
        rated("asc first", false, Nulls::First),
        rated("asc last", false, Nulls::Last),
        rated("desc first", true, Nulls::First),
        rated("desc last", true, Nulls::Last),
        nulls_within(Nulls::First),
        nulls_within(Nulls::Last),
    ]
}
