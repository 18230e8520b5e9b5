//! SQL types that both databases have in a form of their own, each with one Rust type: ids, moments, lists of words, JSON.
//!
//! | SQL type | PostgreSQL | SQLite | Rust |
//! | --- | --- | --- | --- |
//! | [`Uuid`] | `uuid` | `BLOB` of 16 bytes | [`uuid::Uuid`] and the ids of `aios-domain` |
//! | [`TimestampUtc`] | `timestamptz` | `INTEGER`, microseconds since 1970 | [`chrono::DateTime<Utc>`] |
//! | [`TextList`] | `text[]` | `TEXT`, a JSON array | [`TextListValue`] |
//! | [`JsonDocument`] | `jsonb` | `TEXT` | [`serde_json::Value`] |

use aios_domain::{AgentId, CategoryId, EventId, InstallationId, KnowledgeId, ReviewId, TagId, UserId};
use chrono::{DateTime, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow, Queryable};
use diesel::expression::{AsExpression, TypedExpressionType};
use diesel::internal::derives::as_expression::Bound;
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::is_nullable::NotNull;
use diesel::sql_types::{self, HasSqlType, Nullable, SingleValue, SqlType};
use diesel::sqlite::{Sqlite, SqliteValue};

use crate::connection::MultiBackend;

/// A UUID.
#[derive(Clone, Copy, Debug, Default, SqlType, QueryId)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951), sqlite_type(name = "Binary"))]
pub struct Uuid;

/// A moment in UTC with microseconds.
#[derive(Clone, Copy, Debug, Default, SqlType, QueryId)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185), sqlite_type(name = "Long"))]
pub struct TimestampUtc;

/// A list of words.
#[derive(Clone, Copy, Debug, Default, SqlType, QueryId)]
#[diesel(postgres_type(oid = 1009, array_oid = 0), sqlite_type(name = "Text"))]
pub struct TextList;

/// A JSON document.
#[derive(Clone, Copy, Debug, Default, SqlType, QueryId)]
#[diesel(postgres_type(oid = 3802, array_oid = 3807), sqlite_type(name = "Text"))]
pub struct JsonDocument;

/// The Rust side of [`TextList`].
#[derive(Clone, Debug, Default, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = TextList)]
pub struct TextListValue(pub Vec<String>);

impl<T: Into<String>> FromIterator<T> for TextListValue {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().map(Into::into).collect())
    }
}

macro_rules! on_multi_backend {
    ($($sql_type:ident),+) => {$(
        impl HasSqlType<$sql_type> for MultiBackend {
            fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
                MultiBackend::lookup_sql_type::<$sql_type>(lookup)
            }
        }
    )+};
    ($($rust:ty => $sql_type:ident),+ $(,)?) => {$(
        impl ToSql<$sql_type, MultiBackend> for $rust {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
                out.set_value(($sql_type, self));
                Ok(IsNull::No)
            }
        }

        impl FromSql<$sql_type, MultiBackend> for $rust {
            fn from_sql(bytes: <MultiBackend as diesel::backend::Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                bytes.from_sql::<$rust, $sql_type>()
            }
        }
    )+};
}

on_multi_backend!(Uuid, TimestampUtc, TextList, JsonDocument);
on_multi_backend! {
    uuid::Uuid => Uuid,
    DateTime<Utc> => TimestampUtc,
    TextListValue => TextList,
    serde_json::Value => JsonDocument,
}

/// Binds a value of another crate where one of this module's SQL types is meant: `id.eq(Sql(agent_id))`.
///
/// The wrapper is what Rust's orphan rules ask for: neither the trait `AsExpression` nor the value is this crate's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sql<T>(pub T);

/// The SQL types of this module that [`Sql`] binds to.
pub trait OwnType: SqlType<IsNull = NotNull> + SingleValue + TypedExpressionType {}

impl OwnType for Uuid {}
impl OwnType for TimestampUtc {}
impl OwnType for JsonDocument {}

impl<T, ST: OwnType> AsExpression<ST> for Sql<T> {
    type Expression = Bound<ST, Self>;

    fn as_expression(self) -> Self::Expression {
        Bound::new(self)
    }
}

impl<T, ST: OwnType> AsExpression<Nullable<ST>> for Sql<T> {
    type Expression = Bound<Nullable<ST>, Self>;

    fn as_expression(self) -> Self::Expression {
        Bound::new(self)
    }
}

impl<T, ST: OwnType> AsExpression<ST> for &Sql<T> {
    type Expression = Bound<ST, Self>;

    fn as_expression(self) -> Self::Expression {
        Bound::new(self)
    }
}

impl<T, ST: OwnType> AsExpression<Nullable<ST>> for &Sql<T> {
    type Expression = Bound<Nullable<ST>, Self>;

    fn as_expression(self) -> Self::Expression {
        Bound::new(self)
    }
}

/// Hands the wrapped value to each backend: some of diesel's queries name the two behind `MultiBackend` themselves.
macro_rules! bind_wrapped {
    ($($backend:ty),+) => {$(
        impl<T, ST> ToSql<ST, $backend> for Sql<T>
        where
            T: ToSql<ST, $backend> + std::fmt::Debug,
            ST: OwnType,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, $backend>) -> serialize::Result {
                self.0.to_sql(out)
            }
        }

        impl<T, ST> ToSql<Nullable<ST>, $backend> for Sql<T>
        where
            Self: ToSql<ST, $backend>,
            ST: OwnType,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, $backend>) -> serialize::Result {
                ToSql::<ST, $backend>::to_sql(self, out)
            }
        }
    )+};
}

bind_wrapped!(MultiBackend, Pg, Sqlite);

macro_rules! typed_ids {
    ($($id:ident),+ $(,)?) => {$(
        impl ToSql<Uuid, MultiBackend> for $id {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
                out.set_value((Uuid, &self.0));
                Ok(IsNull::No)
            }
        }

        impl ToSql<Uuid, Pg> for $id {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                ToSql::<Uuid, Pg>::to_sql(&self.0, out)
            }
        }

        impl ToSql<Uuid, Sqlite> for $id {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
                ToSql::<Uuid, Sqlite>::to_sql(&self.0, out)
            }
        }

        impl FromSql<Uuid, MultiBackend> for $id {
            fn from_sql(bytes: <MultiBackend as diesel::backend::Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                bytes.from_sql::<uuid::Uuid, Uuid>().map(Self)
            }
        }

        impl Queryable<Uuid, MultiBackend> for $id {
            type Row = Self;

            fn build(row: Self) -> deserialize::Result<Self> {
                Ok(row)
            }
        }
    )+};
}

typed_ids!(
    AgentId,
    CategoryId,
    EventId,
    InstallationId,
    KnowledgeId,
    ReviewId,
    TagId,
    UserId
);

impl ToSql<Uuid, Pg> for uuid::Uuid {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<sql_types::Uuid, Pg>::to_sql(self, out)
    }
}

impl FromSql<Uuid, Pg> for uuid::Uuid {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<sql_types::Uuid, Pg>::from_sql(value)
    }
}

impl ToSql<Uuid, Sqlite> for uuid::Uuid {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<Uuid, Sqlite> for uuid::Uuid {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<sql_types::Binary, Sqlite>>::from_sql(value)?;
        Ok(Self::from_slice(&bytes)?)
    }
}

impl ToSql<TimestampUtc, Pg> for DateTime<Utc> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<sql_types::Timestamptz, Pg>::to_sql(self, out)
    }
}

impl FromSql<TimestampUtc, Pg> for DateTime<Utc> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<sql_types::Timestamptz, Pg>::from_sql(value)
    }
}

impl ToSql<TimestampUtc, Sqlite> for DateTime<Utc> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.timestamp_micros());
        Ok(IsNull::No)
    }
}

impl FromSql<TimestampUtc, Sqlite> for DateTime<Utc> {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let microseconds = <i64 as FromSql<sql_types::BigInt, Sqlite>>::from_sql(value)?;
        Self::from_timestamp_micros(microseconds).ok_or_else(|| "a moment out of range".into())
    }
}

impl ToSql<TextList, Pg> for TextListValue {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<sql_types::Array<sql_types::Text>, Pg>::to_sql(&self.0, out)
    }
}

impl FromSql<TextList, Pg> for TextListValue {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<sql_types::Array<sql_types::Text>, Pg>::from_sql(value).map(Self)
    }
}

impl ToSql<TextList, Sqlite> for TextListValue {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(serde_json::to_string(&self.0)?);
        Ok(IsNull::No)
    }
}

impl FromSql<TextList, Sqlite> for TextListValue {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let json = <String as FromSql<sql_types::Text, Sqlite>>::from_sql(value)?;
        Ok(Self(serde_json::from_str(&json)?))
    }
}

impl ToSql<JsonDocument, Pg> for serde_json::Value {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<sql_types::Jsonb, Pg>::to_sql(self, out)
    }
}

impl FromSql<JsonDocument, Pg> for serde_json::Value {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<sql_types::Jsonb, Pg>::from_sql(value)
    }
}

impl ToSql<JsonDocument, Sqlite> for serde_json::Value {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(serde_json::to_string(self)?);
        Ok(IsNull::No)
    }
}

impl FromSql<JsonDocument, Sqlite> for serde_json::Value {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let json = <String as FromSql<sql_types::Text, Sqlite>>::from_sql(value)?;
        Ok(serde_json::from_str(&json)?)
    }
}
