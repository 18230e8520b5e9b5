//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{DatabaseArgs, SecretArgs, ServeArgs};

/// AIOS Marketplace: browse, search, rate and install AI agents over HTTP.
///
/// Without a command, `aios` serves: on http://127.0.0.1:8080, with a SQLite database in ./data.
#[derive(Parser)]
#[command(name = "aios", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve the marketplace over HTTP.
    Serve(Box<ServeArgs>),
    /// Make a bearer token for trying the signed-in routes.
    Token(TokenArgs),
    /// Bring agents in from elsewhere.
    Import(ImportArgs),
    /// Look after what running servers keep.
    Cache(CacheCommand),
    /// Show how the database would run a statement, and with --analyze how it does.
    ///
    /// Nothing is changed: the statement is explained in a transaction that can't write and is rolled back.
    Explain(ExplainArgs),
    /// Tell which indexes are missing, redundant or unused and what is bloated, with the SQL to run.
    ///
    /// Nothing is changed: indexes are tried by hypopg, or on a copy that goes away again.
    Advise(AdviseArgs),
    /// Print the OpenAPI description of the HTTP interface.
    Openapi,
}

/// What `aios` does when it is told nothing: it serves, set up by the environment alone.
pub(crate) fn serve_by_default() -> Command {
    #[derive(Parser)]
    #[command(name = "aios serve")]
    struct ServeAlone {
        #[command(flatten)]
        args: ServeArgs,
    }
    Command::Serve(Box::new(ServeAlone::parse_from(["aios serve"]).args))
}

#[derive(Args)]
pub(crate) struct TokenArgs {
    /// Whose token it is (a UUID). Without one: the first user of the demonstration catalogue.
    #[arg(long, value_name = "UUID")]
    pub(crate) user: Option<uuid::Uuid>,
    /// The user's e-mail address.
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// Let the token's bearer do what admins may do.
    #[arg(long)]
    pub(crate) admin: bool,
    /// For how long it is good, as in 90s, 15m, 12h or 30d.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = crate::config::duration)]
    pub(crate) ttl: std::time::Duration,
    #[command(flatten)]
    pub(crate) secret: SecretArgs,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Args)]
pub(crate) struct ExplainArgs {
    /// The statement, which is explained in the database that DATABASE_URL names.
    #[arg(required_unless_present = "fingerprint")]
    pub(crate) sql: Option<String>,
    /// A statement that a server ran, by its fingerprint: the server explains it.
    #[arg(long, value_name = "FINGERPRINT", conflicts_with = "sql", requires = "token")]
    pub(crate) fingerprint: Option<aios_db::profile::Fingerprint>,
    /// That server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) server: String,
    /// An admin's token for it, as `aios token --admin` makes one.
    #[arg(long, env = "TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Run the statement and tell what it read (PostgreSQL alone).
    #[arg(long)]
    pub(crate) analyze: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Args)]
pub(crate) struct AdviseArgs {
    /// A running server, which knows the statements that it ran. Without one: the database that DATABASE_URL names.
    #[arg(long, value_name = "URL", requires = "token", conflicts_with = "statements")]
    pub(crate) server: Option<String>,
    /// An admin's token for it, as `aios token --admin` makes one.
    #[arg(long, env = "TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// A file of statements to find indexes for, each with a semicolon behind it.
    #[arg(long, value_name = "FILE")]
    pub(crate) statements: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Args)]
pub(crate) struct CacheCommand {
    #[command(subcommand)]
    pub(crate) action: CacheAction,
}

#[derive(Subcommand)]
pub(crate) enum CacheAction {
    /// Make kept answers stale on every running server, by way of the database.
    ///
    /// It takes effect within a few seconds. Tags: agents, agents:CATEGORY, featured, categories, agent:ID, reviews:ID (of
    /// the agent), user:ID, knowledge:ID (of the user).
    Invalidate(InvalidateArgs),
}

#[derive(Args)]
pub(crate) struct InvalidateArgs {
    /// Whatever bears this tag; may be given several times.
    #[arg(long = "tag", value_name = "TAG", required_unless_present = "all", value_parser = crate::cache::tag)]
    pub(crate) tags: Vec<String>,
    /// Everything.
    #[arg(long, conflicts_with = "tags")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Args)]
pub(crate) struct ImportArgs {
    #[command(subcommand)]
    pub(crate) source: ImportSource,
}

#[derive(Subcommand)]
pub(crate) enum ImportSource {
    /// A dump of a public Model Context Protocol registry: the 2025 array, the listing of /v0/servers, or server.json objects.
    ///
    /// Safe to repeat: agents are matched by the registry's name for them, and the newest version wins.
    McpRegistry(McpRegistryArgs),
}

#[derive(Args)]
pub(crate) struct McpRegistryArgs {
    /// The file.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}
