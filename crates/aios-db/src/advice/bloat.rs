//! Tables and indexes that take far more room than what is in them.

use diesel::sql_types::{BigInt, Bool, Double, Nullable, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};

use super::{Advice, AdviceKind, AdviceSettings, is_installed, may_call, megabytes, quoted};

/// A row of either question.
#[derive(QueryableByName)]
struct Room {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    is_index: bool,
    /// What it takes.
    #[diesel(sql_type = BigInt)]
    bytes: i64,
    /// What it would take anew.
    #[diesel(sql_type = Double)]
    needed: f64,
    #[diesel(sql_type = BigInt)]
    live: i64,
    #[diesel(sql_type = BigInt)]
    dead: i64,
    #[diesel(sql_type = Nullable<Text>)]
    vacuumed: Option<String>,
}

/// By `pgstattuple`, which reads the tables' visible maps and the indexes' leaves.
const MEASURED: &str = r"
SELECT c.relname::text AS table_name, c.relname::text AS name, false AS is_index, pg_relation_size(c.oid) AS bytes,
       pg_relation_size(c.oid) * (1 - (a.approx_free_percent + a.dead_tuple_percent) / 100) AS needed,
       coalesce(s.n_live_tup, 0) AS live, coalesce(s.n_dead_tup, 0) AS dead,
       greatest(s.last_vacuum, s.last_autovacuum)::text AS vacuumed
  FROM pg_class c JOIN pg_stat_user_tables s ON s.relid = c.oid CROSS JOIN LATERAL pgstattuple_approx(c.oid) a
 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND pg_relation_size(c.oid) >= $1
UNION ALL
SELECT t.relname::text, c.relname::text, true, pg_relation_size(c.oid),
       CASE WHEN i.avg_leaf_density = 'NaN' THEN 0 ELSE pg_relation_size(c.oid) * least(1, i.avg_leaf_density / 90) END, 0, 0, NULL
  FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid JOIN pg_am am ON am.oid = c.relam
 CROSS JOIN LATERAL pgstatindex(c.oid) i
 WHERE c.relnamespace = current_schema()::regnamespace AND am.amname = 'btree' AND x.indisvalid AND pg_relation_size(c.oid) >= $1
 ORDER BY 1, 3, 2";

/// By statistics alone. A row takes its columns' average widths, 24 bytes before them, 4 of a pointer, all rounded up to 8; an
/// entry of an index takes its columns', 8 before them and the pointer, on pages that are filled to 90 %. A page has 8,168
/// bytes for either. Whatever is not analyzed has no width, and is left out.
const ESTIMATED: &str = r"
WITH widths AS (
    SELECT s.tablename, s.attname, (1 - s.null_frac) * s.avg_width AS width FROM pg_stats s
     WHERE s.schemaname = current_schema() AND NOT s.inherited
), tables AS (
    SELECT c.oid, c.relname, greatest(c.reltuples, 0) AS rows,
           coalesce((SELECT sum(w.width) FROM widths w WHERE w.tablename = c.relname), 0) AS width,
           coalesce((SELECT substring(o FROM 'fillfactor=(\d+)')::numeric FROM unnest(c.reloptions) o WHERE o LIKE 'fillfactor=%'), 100) AS filled
      FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.reltuples >= 0
), entries AS (
    SELECT i.oid, t.relname AS table_name, i.relname, greatest(i.reltuples, 0) AS rows,
           (SELECT sum(w.width) FROM pg_attribute a LEFT JOIN pg_attribute ta ON ta.attrelid = x.indrelid AND ta.attnum = x.indkey[a.attnum - 1]
              JOIN widths w ON (w.tablename = t.relname AND w.attname = ta.attname AND x.indkey[a.attnum - 1] > 0)
                OR (w.tablename = i.relname AND w.attname = a.attname AND x.indkey[a.attnum - 1] = 0)
             WHERE a.attrelid = i.oid) AS width
      FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid JOIN pg_am am ON am.oid = i.relam
     WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind = 'r' AND am.amname = 'btree' AND x.indisvalid
)
SELECT t.relname::text AS table_name, t.relname::text AS name, false AS is_index, pg_relation_size(t.oid) AS bytes,
       CAST(8192 * ceil(t.rows * (8 * ceil((t.width + 28) / 8)) / (8168 * t.filled / 100)) AS double precision) AS needed,
       coalesce(s.n_live_tup, 0) AS live, coalesce(s.n_dead_tup, 0) AS dead,
       greatest(s.last_vacuum, s.last_autovacuum)::text AS vacuumed
  FROM tables t LEFT JOIN pg_stat_user_tables s ON s.relid = t.oid WHERE t.width > 0 OR t.rows = 0
UNION ALL
SELECT table_name::text, relname::text, true, pg_relation_size(oid),
       CAST(8192 * (1 + ceil(rows * (8 * ceil((width + 8) / 8) + 4) / (8168 * 0.9))) AS double precision), 0, 0, NULL
  FROM entries WHERE width > 0
 ORDER BY 1, 3, 2";

/// Why it is estimated where it could be measured.
const NOT_ALLOWED: &str = "Bloat is estimated, since this role may not call pgstattuple: GRANT pg_stat_scan_tables to it, and have \
                           the extension in a schema on its search path.";

/// On PostgreSQL: measured where `pgstattuple` is installed and allowed, else estimated.
pub(super) fn on_postgres(
    connection: &mut PgConnection,
    settings: &AdviceSettings,
    notes: &mut Vec<String>,
) -> QueryResult<Vec<Advice>> {
    let is_measured =
        may_call(connection, "pgstattuple_approx(regclass)")? && may_call(connection, "pgstatindex(regclass)")?;
    if !is_measured && is_installed(connection, "pgstattuple")? {
        notes.push(NOT_ALLOWED.to_owned());
    }
    let rooms: Vec<Room> = if is_measured {
        sql_query(MEASURED)
            .bind::<BigInt, _>(settings.least_bloat_bytes)
            .load(connection)?
    } else {
        sql_query(ESTIMATED).load(connection)?
    };
    let how = if is_measured {
        "measured by pgstattuple"
    } else {
        "an estimate from statistics"
    };
    let mut found = Vec::new();
    for room in rooms {
        found.extend(bloated(&room, how, settings));
        found.extend(dead(&room, settings));
    }
    Ok(found)
}

fn bloated(room: &Room, how: &str, settings: &AdviceSettings) -> Option<Advice> {
    #[expect(clippy::cast_possible_truncation, reason = "a number of bytes")]
    let needed = room.needed.clamp(0.0, 1e15) as i64;
    let spare = room.bytes - needed;
    if spare < settings.least_bloat_bytes || share(spare, room.bytes) < settings.least_bloat_share {
        return None;
    }
    let name = quoted(&room.name);
    let (kind, advice, sql) = if room.is_index {
        (
            AdviceKind::BloatedIndex,
            "Building it anew beside its use gives the room back.",
            vec![format!("REINDEX INDEX CONCURRENTLY {name};")],
        )
    } else {
        (
            AdviceKind::BloatedTable,
            "VACUUM lets new rows have the room. Only VACUUM (FULL) gives it back, and nobody can read the table meanwhile.",
            vec![
                format!("VACUUM (ANALYZE) {name};"),
                format!("VACUUM (FULL, ANALYZE) {name};"),
            ],
        )
    };
    Some(Advice {
        kind,
        table: room.table_name.clone(),
        subject: room.name.clone(),
        reason: format!(
            "{:.0} % of it is empty ({how}). {advice}",
            share(spare, room.bytes) * 100.0
        ),
        measured: Some(megabytes(room.bytes, needed)),
        statements: Vec::new(),
        sql,
    })
}

/// Rows that are gone and still in the way of every scan.
fn dead(room: &Room, settings: &AdviceSettings) -> Option<Advice> {
    if room.is_index
        || room.dead < settings.fewest_rows
        || share(room.dead, room.live + room.dead) < settings.least_bloat_share
    {
        return None;
    }
    let vacuumed = room.vacuumed.as_ref().map_or_else(
        || "it was never vacuumed".to_owned(),
        |moment| format!("it was last vacuumed at {moment}"),
    );
    Some(Advice {
        kind: AdviceKind::DeadRows,
        table: room.table_name.clone(),
        subject: room.name.clone(),
        reason: format!("{} of {} rows are dead; {vacuumed}.", room.dead, room.live + room.dead),
        measured: None,
        statements: Vec::new(),
        sql: vec![format!("VACUUM (ANALYZE) {};", quoted(&room.name))],
    })
}

#[derive(QueryableByName)]
struct Pages {
    #[diesel(sql_type = BigInt)]
    pages: i64,
    #[diesel(sql_type = BigInt)]
    free: i64,
    #[diesel(sql_type = BigInt)]
    size: i64,
}

/// On SQLite: pages of the file that hold nothing.
pub(super) fn on_sqlite(connection: &mut SqliteConnection, settings: &AdviceSettings) -> QueryResult<Vec<Advice>> {
    let pages: Pages = sql_query(
        "SELECT page_count AS pages, freelist_count AS free, page_size AS size \
         FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
    )
    .get_result(connection)?;
    let spare = pages.free * pages.size;
    if spare < settings.least_bloat_bytes || share(pages.free, pages.pages) < settings.least_bloat_share {
        return Ok(Vec::new());
    }
    let bytes = pages.pages * pages.size;
    Ok(vec![Advice {
        kind: AdviceKind::BloatedTable,
        table: String::new(),
        subject: "the database's file".to_owned(),
        reason: format!(
            "{:.0} % of its pages are empty. New rows will use them; VACUUM gives them back, and nobody can write meanwhile.",
            share(pages.free, pages.pages) * 100.0
        ),
        measured: Some(megabytes(bytes, bytes - spare)),
        statements: Vec::new(),
        sql: vec!["VACUUM;".to_owned()],
    }])
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn share(part: i64, whole: i64) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(live: i64, dead: i64) -> Room {
        Room {
            table_name: "t".to_owned(),
            name: "t".to_owned(),
            is_index: false,
            bytes: 100 << 20,
            needed: f64::from(50 << 20),
            live,
            dead,
            vacuumed: None,
        }
    }

    #[test]
    fn dead_rows_are_told_where_they_are_many() {
        let settings = AdviceSettings::default();
        let told = dead(&room(10_000, 5_000), &settings).unwrap();
        assert_eq!(told.sql, ["VACUUM (ANALYZE) t;"]);
        assert!(
            told.reason.contains("5000 of 15000") && told.reason.contains("never"),
            "{}",
            told.reason
        );
        assert_eq!(dead(&room(10_000, 1_500), &settings), None, "a small share");
        assert_eq!(dead(&room(100, 900), &settings), None, "a small table");
    }

    #[test]
    fn room_is_told_from_a_floor_on() {
        let settings = AdviceSettings::default();
        let told = bloated(&room(1, 0), "measured", &settings).unwrap();
        assert_eq!((told.kind, told.sql.len()), (AdviceKind::BloatedTable, 2));
        for (bytes, needed) in [(9 << 20, 0), (100 << 20, 90 << 20)] {
            let needed = f64::from(needed);
            assert_eq!(
                bloated(
                    &Room {
                        bytes,
                        needed,
                        ..room(1, 0)
                    },
                    "measured",
                    &settings
                ),
                None
            );
        }
        let index = Room {
            is_index: true,
            ..room(1, 0)
        };
        let told = bloated(&index, "measured", &settings).unwrap();
        assert_eq!(told.sql, ["REINDEX INDEX CONCURRENTLY t;"]);
    }
}
