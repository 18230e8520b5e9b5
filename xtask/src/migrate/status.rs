//! `cargo xtask migrate status`: a table of the migrations.

use aios_db::migrations::{self, InvalidIndex, MigrationState, MigrationStatus};
use aios_db::{DatabaseKind, DatabaseUrl};

use crate::failure::Failure;
use crate::migrate::{connect_to, refused};

pub(crate) fn run(url: &DatabaseUrl) -> Result<(), Failure> {
    let (migrations, indexes) = read(url)?;
    println!(
        "{url}\n\n{}{}{}",
        table(&migrations),
        remarks(&migrations),
        invalid(&indexes)
    );
    Ok(())
}

fn read(url: &DatabaseUrl) -> Result<(Vec<MigrationStatus>, Vec<InvalidIndex>), Failure> {
    // Looking at a file that is not there yet would make it.
    if url.path().is_some_and(|path| !path.exists()) {
        let pending = |name: &str| MigrationStatus {
            name: name.to_owned(),
            state: MigrationState::Pending,
            applied_at: None,
        };
        return Ok((
            migrations::names(DatabaseKind::Sqlite).map(pending).collect(),
            Vec::new(),
        ));
    }
    let mut connection = connect_to(url)?;
    let status = migrations::status(&mut connection).map_err(refused)?;
    let indexes = migrations::invalid_indexes(&mut connection);
    Ok((status, indexes.map_err(Failure::because("cannot look at the indexes"))?))
}

fn table(migrations: &[MigrationStatus]) -> String {
    let rows: Vec<[&str; 4]> = migrations.iter().map(row).collect();
    let header = ["Number", "Name", "Applied (UTC)", "Checksum"];
    let width = |column: usize| {
        let cells = rows.iter().chain([&header]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.len()).max().unwrap_or_default()
    };
    let widths = [0, 1, 2].map(width);
    let line = |[number, name, applied, checksum]: &[&str; 4]| {
        let [a, b, c] = widths;
        format!("{number:a$}  {name:b$}  {applied:c$}  {checksum}\n")
    };
    let count = |pending| {
        let is_pending = |migration: &&MigrationStatus| (migration.state == MigrationState::Pending) == pending;
        migrations.iter().filter(is_pending).count()
    };
    let lines: String = [&header].into_iter().chain(&rows).map(line).collect();
    format!("{lines}\n{} applied, {} pending\n", count(false), count(true))
}

fn row(migration: &MigrationStatus) -> [&str; 4] {
    let (number, name) = migration
        .name
        .split_once('_')
        .unwrap_or((&migration.name, "(not known here)"));
    let applied = migration.applied_at.as_deref().unwrap_or("pending");
    let checksum = match migration.state {
        MigrationState::Applied => "ok",
        MigrationState::Edited => "DRIFT",
        MigrationState::Unverified | MigrationState::Unknown => "unknown",
        MigrationState::Pending => "-",
    };
    [number, name, applied, checksum]
}

/// What to do about what the table shows.
fn remarks(migrations: &[MigrationStatus]) -> String {
    let remarks = [
        (
            MigrationState::Edited,
            "DRIFT: the file is not what it was when it was applied; nothing runs until it is. Put it back and make the change \
             in a new migration, or, where nobody else has it yet, run `cargo xtask migrate redo`.",
        ),
        (
            MigrationState::Unverified,
            "unknown: applied without its checksum being kept; it is not checked.",
        ),
        (
            MigrationState::Unknown,
            "(not known here): applied by a newer version of the program; this one refuses to run on the database.",
        ),
    ];
    let told = remarks
        .iter()
        .filter(|(state, _)| migrations.iter().any(|migration| migration.state == *state));
    told.flat_map(|(_, remark)| ["\n", remark, "\n"]).collect()
}

fn invalid(indexes: &[InvalidIndex]) -> String {
    let line = |index: &InvalidIndex| {
        let InvalidIndex { name, table, .. } = index;
        if index.is_being_built {
            format!("\nThe index {name} of {table} is being built.\n")
        } else {
            format!(
                "\nThe index {name} of {table} is INVALID: its build was interrupted. Where a pending migration makes it, \
                 `run` builds it anew; else: DROP INDEX CONCURRENTLY {name};\n"
            )
        }
    };
    indexes.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(name: &str, state: MigrationState, applied_at: Option<&str>) -> MigrationStatus {
        MigrationStatus {
            name: name.to_owned(),
            state,
            applied_at: applied_at.map(str::to_owned),
        }
    }

    const MOMENT: Option<&str> = Some("2026-11-23 08:00:00");

    #[test]
    fn columns_stand_below_each_other() {
        let table = table(&[
            status("2026-11-23-000100_users", MigrationState::Applied, MOMENT),
            status("2026-11-23-000200_categories", MigrationState::Edited, MOMENT),
            status("2026-11-23-000300_agents", MigrationState::Unverified, MOMENT),
            status("2026-11-23-000400_reviews", MigrationState::Pending, None),
            status("20991231000000", MigrationState::Unknown, MOMENT),
        ]);
        assert_eq!(
            table,
            "Number             Name              Applied (UTC)        Checksum\n\
             2026-11-23-000100  users             2026-11-23 08:00:00  ok\n\
             2026-11-23-000200  categories        2026-11-23 08:00:00  DRIFT\n\
             2026-11-23-000300  agents            2026-11-23 08:00:00  unknown\n\
             2026-11-23-000400  reviews           pending              -\n\
             20991231000000     (not known here)  2026-11-23 08:00:00  unknown\n\
             \n4 applied, 1 pending\n"
        );
    }

    #[test]
    fn what_is_wrong_comes_with_what_to_do() {
        assert_eq!(remarks(&[status("1_a", MigrationState::Applied, MOMENT)]), "");
        let drift = remarks(&[status("1_a", MigrationState::Edited, MOMENT)]);
        assert!(drift.contains("migrate redo"), "{drift}");
        let index = |is_being_built| InvalidIndex {
            name: "i".to_owned(),
            table: "t".to_owned(),
            is_being_built,
        };
        assert!(invalid(&[index(false)]).contains("DROP INDEX CONCURRENTLY i;"));
        assert!(!invalid(&[index(true)]).contains("DROP"));
    }
}
