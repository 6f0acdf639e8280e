//! TLS: the authority that the profile names, or the system's list. TLS 1.2 is the floor.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

/// Bytes of a record. Of the last one on a line that breaks nothing is kept, and each costs 27 bytes: a large one loses
/// half a second of a thin line at each cut.
const RECORD: usize = 4 * 1024;

/// TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsSetupError {
    /// The authority's file cannot be read.
    #[error("failed to read the server's authority")]
    Authority(#[source] rustls::pki_types::pem::Error),
    /// The authority's certificate cannot be used.
    #[error("failed to use the server's authority")]
    Root(#[source] rustls::Error),
    /// The system's list cannot be used.
    #[error("failed to use the system's list of authorities")]
    Platform(#[source] rustls::Error),
    /// The HTTP client cannot be made.
    #[error("failed to set up the HTTP client")]
    Http(#[source] reqwest::Error),
}

/// Settings for one connection with these application protocols.
pub(crate) fn config(ca: Option<&Path>, protocols: &[&[u8]]) -> Result<ClientConfig, TlsSetupError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsSetupError::Root)?;
    let mut config = match ca {
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_file_iter(path).map_err(TlsSetupError::Authority)? {
                let certificate = certificate.map_err(TlsSetupError::Authority)?;
                roots.add(certificate).map_err(TlsSetupError::Root)?;
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
        None => {
            let verifier = rustls_platform_verifier::Verifier::new(Arc::new(ring::default_provider()))
                .map_err(TlsSetupError::Platform)?;
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_no_client_auth()
        }
    };
    config.max_fragment_size = Some(RECORD);
    config.alpn_protocols = protocols.iter().map(|p| p.to_vec()).collect();
    Ok(config)
}
