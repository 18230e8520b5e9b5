//! An empty database of each kind, for trying migrations without touching anybody's data.

use std::env;

use aios_db::scratch::ScratchDatabase;
use aios_db::{AnyConnection, DatabaseUrl};
use tempfile::TempDir;

use crate::failure::Failure;
use crate::migrate::connect_to;
use crate::process::Interrupts;
use crate::service::Services;

/// Both databases; they go away with this value.
pub(crate) struct Scratch {
    postgres: ScratchDatabase,
    sqlite: DatabaseUrl,
    // Dropped after what lives in them.
    _directory: TempDir,
    _services: Option<Services>,
}

impl Scratch {
    /// PostgreSQL's is made on the server in DATABASE_URL where that is one, else on a private server.
    pub(crate) fn make(interrupts: &mut Interrupts) -> Result<Self, Failure> {
        let (server, services) = match env::var("DATABASE_URL") {
            Ok(url) if url.starts_with("postgres") => (url, None),
            _ => {
                let services = Services::start(interrupts)?;
                (services.postgres_url()?, Some(services))
            }
        };
        let postgres = ScratchDatabase::empty(&server).map_err(|error| Failure::new(error.to_string()))?;
        let directory = tempfile::tempdir().map_err(Failure::because("cannot make a temporary directory"))?;
        Ok(Self {
            postgres,
            sqlite: DatabaseUrl::sqlite(directory.path().join("scratch.db")),
            _directory: directory,
            _services: services,
        })
    }

    pub(crate) fn postgres(&self) -> Result<AnyConnection, Failure> {
        connect_to(self.postgres.url())
    }

    pub(crate) fn sqlite(&self) -> Result<AnyConnection, Failure> {
        connect_to(&self.sqlite)
    }
}
