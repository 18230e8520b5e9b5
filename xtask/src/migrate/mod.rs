//! `cargo xtask migrate`: the migrations, forward, back, and whether they keep their promises.

pub(crate) mod check;
pub(crate) mod lint;
mod new;
mod scratch;
mod status;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use aios_db::migrations::{self, MigrationError};
use aios_db::{Access, AnyConnection, DatabaseUrl, connect};
use clap::Subcommand;

use crate::failure::Failure;
use crate::process::Interrupts;
use crate::schema;

/// Where a developer's data is unless DATABASE_URL says otherwise; `aios serve` has the same default.
const DEFAULT_URL: &str = "sqlite://data/aios.db";

/// Run, take back, check and make migrations.
///
/// They concern the database in DATABASE_URL, by default SQLite in ./data.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Apply every migration that the database does not have yet
    Run,
    /// List the migrations and where each stands
    Status,
    /// Take back the migration that was applied last
    Revert,
    /// Take back the migration that was applied last, and apply it again as it is now
    Redo,
    /// Prove on scratch databases that every way back leads back and that schema.rs is what the migrations make
    Check,
    /// Refuse migrations that lock or rewrite a big table, unless a reason is written above the statement
    Lint,
    /// Write schema.rs from what the migrations make of scratch databases
    Schema,
    /// Make an empty migration for both databases
    New {
        /// What it does, such as `agent_archive`
        name: String,
        /// For one statement that runs outside a transaction, such as CREATE INDEX CONCURRENTLY
        #[arg(long)]
        concurrently: bool,
    },
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    match &args.action {
        Action::Run => apply(),
        Action::Status => status::run(&url()?),
        Action::Revert => {
            println!("took back {}", migrations::revert(&mut open()?).map_err(refused)?);
            Ok(())
        }
        Action::Redo => {
            println!(
                "took back and applied {}",
                migrations::redo(&mut open()?).map_err(refused)?
            );
            Ok(())
        }
        Action::Check => check::run(&mut Interrupts::listen()?),
        Action::Lint => lint::run(),
        Action::Schema => write_schema(&mut Interrupts::listen()?),
        Action::New { name, concurrently } => new::run(name, *concurrently),
    }
}

fn apply() -> Result<(), Failure> {
    let applied = migrations::run(&mut open()?).map_err(refused)?;
    if applied.is_empty() {
        println!("the database has every migration already");
    }
    for name in applied {
        println!("applied {name}");
    }
    Ok(())
}

fn write_schema(interrupts: &mut Interrupts) -> Result<(), Failure> {
    let scratch = scratch::Scratch::make(interrupts)?;
    let (mut postgres, mut sqlite) = (scratch.postgres()?, scratch.sqlite()?);
    for connection in [&mut postgres, &mut sqlite] {
        interrupts.check()?;
        migrations::run(connection).map_err(refused)?;
    }
    let file = schema_file();
    fs::write(&file, schema::generate(&mut postgres, &mut sqlite)?)
        .map_err(Failure::because(format!("cannot write {}", file.display())))?;
    println!("wrote {}", file.display());
    Ok(())
}

/// The database that the developer means.
pub(crate) fn url() -> Result<DatabaseUrl, Failure> {
    let url = env::var("DATABASE_URL").unwrap_or_default();
    let url = if url.is_empty() { DEFAULT_URL } else { &url };
    url.parse().map_err(Failure::because("DATABASE_URL can't be used"))
}

fn open() -> Result<AnyConnection, Failure> {
    connect_to(&url()?)
}

/// A connection to it on which statements may take as long as they need.
pub(crate) fn connect_to(url: &DatabaseUrl) -> Result<AnyConnection, Failure> {
    connect(url, Access::ReadWrite, None).map_err(Failure::because(format!("cannot reach {url}")))
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn refused(error: MigrationError) -> Failure {
    Failure::new(error.to_string())
}

fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

fn schema_file() -> PathBuf {
    root().join("crates/aios-db/src/schema.rs")
}
