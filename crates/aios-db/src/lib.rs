//! The database layer: schema, stores, pools, migrations, on PostgreSQL and SQLite.

pub mod bulk;
