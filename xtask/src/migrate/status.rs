//! `cargo xtask migrate status`: a table of the migrations.

use aios_db::migrations::{self, MigrationState, MigrationStatus};
use aios_db::{DatabaseKind, DatabaseUrl};

use crate::failure::Failure;
use crate::migrate::{connect_to, refused};

pub(crate) fn run(url: &DatabaseUrl) -> Result<(), Failure> {
    println!("{url}\n");
    print!("{}", table(&read(url)?));
    Ok(())
}

fn read(url: &DatabaseUrl) -> Result<Vec<MigrationStatus>, Failure> {
    // Looking at a file that is not there yet would make it.
    if url.path().is_some_and(|path| !path.exists()) {
        let pending = |name: &str| MigrationStatus {
            name: name.to_owned(),
            state: MigrationState::Pending,
            applied_at: None,
        };
        return Ok(migrations::names(DatabaseKind::Sqlite).map(pending).collect());
    }
    migrations::status(&mut connect_to(url)?).map_err(refused)
}

fn table(migrations: &[MigrationStatus]) -> String {
    let width = migrations
        .iter()
        .map(|migration| migration.name.len())
        .max()
        .unwrap_or_default();
    let mut lines = vec![format!("{:width$}  {:19}  State", "Migration", "Applied (UTC)")];
    lines.extend(migrations.iter().map(|migration| {
        let applied = migration.applied_at.as_deref().unwrap_or("-");
        format!("{:width$}  {applied:19}  {}", migration.name, words(migration.state))
    }));
    let count = |state| migrations.iter().filter(|migration| migration.state == state).count();
    let (applied, pending) = (count(MigrationState::Applied), count(MigrationState::Pending));
    lines.push(format!(
        "
{applied} applied, {pending} pending
"
    ));
    lines.join(
        "
",
    )
}

fn words(state: MigrationState) -> &'static str {
    match state {
        MigrationState::Applied => "applied",
        MigrationState::Edited => "EDITED since it was applied: put the file back, or redo it",
        MigrationState::Pending => "pending",
        MigrationState::Unknown => "UNKNOWN here: a newer version applied it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let status = |name: &str, state, applied_at: Option<&str>| MigrationStatus {
            name: name.to_owned(),
            state,
            applied_at: applied_at.map(str::to_owned),
        };
        let table = table(&[
            status(
                "2026-11-23-000100_users",
                MigrationState::Applied,
                Some("2026-11-23 08:00:00"),
            ),
            status("2026-11-23-000200_agents", MigrationState::Pending, None),
        ]);
        assert_eq!(
            table,
            "Migration                 Applied (UTC)        State\n\
             2026-11-23-000100_users   2026-11-23 08:00:00  applied\n\
             2026-11-23-000200_agents  -                    pending\n\
             \n1 applied, 1 pending\n"
        );
    }
}
