//! Secrets: the one that signs tokens, kept beside an embedded database where none is given, and what is derived from it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use aios_db::DatabaseUrl;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::config::{SecretArgs, StartError};

/// The secret that signs tokens: the one that was given, or the one beside a SQLite database, made there if need be.
pub(crate) fn token_secret(args: &SecretArgs, database: &DatabaseUrl) -> Result<Vec<u8>, StartError> {
    if let Some(secret) = &args.jwt_secret {
        if secret.len() < aios_api::Authenticator::MIN_SECRET {
            let least = aios_api::Authenticator::MIN_SECRET;
            return Err(StartError::new(format!(
                "JWT_SECRET must be at least {least} bytes long"
            )));
        }
        return Ok(secret.clone().into_bytes());
    }
    let Some(database) = database.path() else {
        return Err(StartError::new(
            "PostgreSQL needs JWT_SECRET (at least 32 bytes) or JWT_JWKS (a key set), so that tokens can be checked",
        ));
    };
    kept_secret(&beside(database))
}

fn beside(database: &Path) -> PathBuf {
    database.with_file_name("jwt-secret")
}

fn kept_secret(path: &Path) -> Result<Vec<u8>, StartError> {
    let failed = |error: std::io::Error| StartError::new(format!("can't keep a secret in {}: {error}", path.display()));
    match std::fs::read(path) {
        Ok(secret) if secret.len() >= aios_api::Authenticator::MIN_SECRET => return Ok(secret),
        Ok(_) => {
            let advice = "delete the file, and a new one is made";
            return Err(StartError::new(format!(
                "the secret in {} is too short: {advice}",
                path.display()
            )));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    // 244 random bits, from the system's generator.
    let secret = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    match keep(path, &secret) {
        Ok(()) => Ok(secret.into_bytes()),
        // Another process was quicker; its secret is the one.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => std::fs::read(path).map_err(failed),
        Err(error) => Err(failed(error)),
    }
}

/// Puts a file there that holds the secret, unless there is one. It is whole from the first moment on: another process may
/// be about to read it.
fn keep(path: &Path, secret: &str) -> std::io::Result<()> {
    let unfinished = path.with_file_name(format!("jwt-secret-{}", uuid::Uuid::new_v4().simple()));
    let written = private_file(&unfinished).and_then(|mut file| {
        file.write_all(secret.as_bytes())?;
        file.sync_all()
    });
    let kept = written.and_then(|()| std::fs::hard_link(&unfinished, path));
    let _ = std::fs::remove_file(&unfinished);
    kept
}

/// A new file that only its owner reads.
fn private_file(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The key that signs page cursors, derived so that it tells nothing of the token secret. Without a secret, where tokens are
/// checked by public keys, all servers share a known key: cursors then show that they were altered by accident, and a cursor
/// made up on purpose gets nothing that a list would not show anyway.
pub(crate) fn cursor_secret(token_secret: Option<&[u8]>) -> Vec<u8> {
    const PURPOSE: &[u8] = b"aios page cursors, version 1";
    // HMAC takes keys of any length.
    match Hmac::<Sha256>::new_from_slice(token_secret.unwrap_or_default()) {
        Ok(mut mac) => {
            mac.update(PURPOSE);
            mac.finalize().into_bytes().to_vec()
        }
        Err(_) => PURPOSE.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn servers_that_start_at_once_find_one_secret_and_the_whole_of_it() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("data").join("jwt-secret");
            let secrets: Vec<Vec<u8>> = thread::scope(|scope| {
                let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| kept_secret(&path).unwrap())).collect();
                starts.into_iter().map(|start| start.join().unwrap()).collect()
            });
            assert!(secrets.iter().all(|secret| secret.len() == 64 && *secret == secrets[0]));
            assert_eq!(
                std::fs::read_dir(folder.path().join("data")).unwrap().count(),
                1,
                "nothing else is left"
            );
        }
    }
}
