//! TLS: the certificate from its files, shown to whoever connects, and read again when it was renewed.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::config::StartError;
use crate::transport::TlsFiles;

/// How often it is looked whether the files have changed.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// The certificate that is shown now.
#[derive(Debug)]
pub(crate) struct Certificate {
    files: TlsFiles,
    provider: Arc<CryptoProvider>,
    shown: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    /// Reads it.
    ///
    /// # Errors
    /// A sentence that says which file is no good, and why.
    pub(crate) fn load(files: TlsFiles) -> Result<Arc<Self>, StartError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let shown = read(&files, &provider)?;
        Ok(Arc::new(Self {
            files,
            provider,
            shown: RwLock::new(shown),
        }))
    }

    /// The settings of a server that shows it, for HTTP/2 and HTTP/1.1 as the client likes.
    ///
    /// # Errors
    /// Where the cryptography has no version of TLS in common with this library.
    pub(crate) fn server_config(self: &Arc<Self>) -> Result<ServerConfig, StartError> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| StartError::new(format!("TLS can't be set up: {error}")))?;
        let resolver: Arc<Self> = Arc::clone(self);
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Reads the files again. Whether there is another certificate now.
    ///
    /// # Errors
    /// As [`load`](Self::load); the one before stays.
    pub(crate) fn reload(&self) -> Result<bool, StartError> {
        let new = read(&self.files, &self.provider)?;
        let mut shown = self.shown.write();
        let is_another = shown.cert != new.cert;
        *shown = new;
        Ok(is_another)
    }

    /// Reads the files again once a minute and whenever the process is told to by SIGHUP, for as long as the server runs.
    pub(crate) async fn keep_up_to_date(self: Arc<Self>) {
        let mut told = Hangups::new();
        loop {
            // Whichever comes first.
            let _ = tokio::time::timeout(LOOK_AGAIN, told.next()).await;
            let me = Arc::clone(&self);
            match tokio::task::spawn_blocking(move || me.reload()).await {
                Ok(Ok(true)) => tracing::info!(target: "aios", "a new TLS certificate is shown"),
                Ok(Ok(false)) | Err(_) => {}
                Ok(Err(error)) => tracing::warn!(target: "aios", %error, "the TLS certificate stays as it was"),
            }
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.shown.read()))
    }
}

fn read(files: &TlsFiles, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, StartError> {
    let failed = |setting: &str, path: &std::path::Path, reason: &dyn std::fmt::Display| {
        StartError::new(format!("{setting}: {} is no good: {reason}", path.display()))
    };
    let certificates = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| failed("TLS_CERT", &files.cert, &error))?;
    if certificates.is_empty() {
        return Err(failed("TLS_CERT", &files.cert, &"there is no certificate in it"));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| failed("TLS_KEY", &files.key, &error))?;
    // Refuses a key that is not the certificate's.
    let certified = CertifiedKey::from_der(certificates, key, provider)
        .map_err(|error| failed("TLS_CERT and TLS_KEY", &files.cert, &error))?;
    Ok(Arc::new(certified))
}

/// The times that the process is told to read its files again.
struct Hangups(#[cfg(unix)] Option<tokio::signal::unix::Signal>);

impl Hangups {
    #[cfg(unix)]
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        // Without a handler the minutes are left.
        Self(signal(SignalKind::hangup()).ok())
    }

    #[cfg(not(unix))]
    fn new() -> Self {
        Self()
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.0
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    fn files(folder: &Path) -> TlsFiles {
        TlsFiles {
            cert: folder.join("cert.pem"),
            key: folder.join("key.pem"),
        }
    }

    fn made() -> (String, String) {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (cert.pem(), signing_key.serialize_pem())
    }

    fn write(files: &TlsFiles, (cert, key): &(String, String)) {
        std::fs::write(&files.cert, cert).unwrap();
        std::fs::write(&files.key, key).unwrap();
    }

    #[test]
    fn what_is_no_good_is_said_in_a_sentence_that_names_the_setting_and_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        let (good, other) = (made(), made());
        let refusal = || Certificate::load(files.clone()).unwrap_err().to_string();
        let missing = refusal();
        assert!(
            missing.starts_with("TLS_CERT: ") && missing.contains("cert.pem"),
            "{missing}"
        );
        for (cert, key, setting) in [
            ("", good.1.as_str(), "TLS_CERT: "),
            ("no PEM", good.1.as_str(), "TLS_CERT: "),
            (good.1.as_str(), good.1.as_str(), "TLS_CERT: "),
            (good.0.as_str(), "", "TLS_KEY: "),
            (good.0.as_str(), good.0.as_str(), "TLS_KEY: "),
            (good.0.as_str(), other.1.as_str(), "TLS_CERT and TLS_KEY: "),
        ] {
            write(&files, &(cert.to_owned(), key.to_owned()));
            let said = refusal();
            assert!(said.starts_with(setting) && !said.contains('\n'), "{setting}{said}");
        }
    }

    #[test]
    fn a_renewed_certificate_is_shown_and_a_broken_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        write(&files, &made());
        let certificate = Certificate::load(files.clone()).unwrap();
        let shown = || certificate.shown.read().cert.clone();
        let first = shown();
        assert!(!certificate.reload().unwrap(), "nothing has changed");
        write(&files, &made());
        assert!(certificate.reload().unwrap());
        let second = shown();
        assert_ne!(first, second);
        std::fs::write(&files.key, "").unwrap();
        assert!(certificate.reload().is_err());
        assert_eq!(shown(), second);
    }
}
