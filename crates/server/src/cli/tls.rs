//! The certificate: the operator's own, or one from an authority that the server makes for itself.

use crate::data_dir::{write_private, DataDir};
use anyhow::{bail, Context};
use chrono::{DateTime, Datelike, Duration};
use rcgen::{
    date_time_ymd, BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::ServerConfig;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

/// Days that a certificate of the server's own authority is good for; a new one is made at each start.
const SERVER_DAYS: i64 = 397;
/// Years that the authority is good for.
const CA_YEARS: i32 = 10;

/// TLS from the operator's files.
pub(super) fn from_files(cert: &Path, key: &Path) -> anyhow::Result<ServerConfig> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        .ok()
        .filter(|chain: &Vec<_>| !chain.is_empty())
        .with_context(|| {
            format!(
                "{} holds no certificate in PEM form; check --tls-cert",
                cert.display()
            )
        })?;
    let key_der = PrivateKeyDer::from_pem_file(key).ok().with_context(|| {
        format!(
            "{} holds no private key in PEM form; check --tls-key",
            key.display()
        )
    })?;
    config(chain, key_der).with_context(|| {
        format!(
            "{} and {} do not belong together; give the key that the certificate was made for",
            cert.display(),
            key.display()
        )
    })
}

/// TLS from the server's own authority, which clients trust by `DATA/ca.pem`.
pub(super) fn own(
    dir: &DataDir,
    listen: SocketAddr,
    base_url: &str,
    now_ms: i64,
) -> anyhow::Result<ServerConfig> {
    let now = DateTime::from_timestamp_millis(now_ms).context("the clock of this machine is far off")?;
    // Since yesterday, so that a client whose clock is behind accepts it.
    let yesterday = now - Duration::days(1);
    let (from_month, from_day) = month_and_day(yesterday);
    let ca_key_path = dir.root().join("tls").join("ca.key");
    let ca_path = dir.root().join("ca.pem");
    let ca_key = if ca_key_path.exists() {
        KeyPair::from_pem(&std::fs::read_to_string(&ca_key_path).context("cannot read tls/ca.key")?)
            .ok()
            .context("tls/ca.key is damaged; restore it from a backup, or remove it and ca.pem for a new authority")?
    } else {
        let key = KeyPair::generate().context("cannot make a key")?;
        write_private(&ca_key_path, key.serialize_pem().as_bytes())?;
        key
    };
    // Only subject and key matter for signing; the dates are those of the certificate that is written once.
    let mut ca = CertificateParams::default();
    ca.distinguished_name = rcgen::DistinguishedName::new();
    ca.distinguished_name
        .push(DnType::CommonName, "HMS-ACH local authority");
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    ca.not_before = date_time_ymd(yesterday.year(), from_month, from_day);
    ca.not_after = date_time_ymd(now.year() + CA_YEARS, 1, 1);
    if !ca_path.exists() {
        let certificate = ca
            .self_signed(&ca_key)
            .context("cannot make the authority's certificate")?;
        std::fs::write(&ca_path, certificate.pem()).context("cannot write ca.pem")?;
    }

    let key = KeyPair::generate().context("cannot make a key")?;
    let mut server =
        CertificateParams::new(names(listen, base_url)).context("cannot name the server in a certificate")?;
    server.distinguished_name = rcgen::DistinguishedName::new();
    server
        .distinguished_name
        .push(DnType::CommonName, "HMS-ACH server");
    server.not_before = date_time_ymd(yesterday.year(), from_month, from_day);
    let end = now + Duration::days(SERVER_DAYS);
    let (to_month, to_day) = month_and_day(end);
    server.not_after = date_time_ymd(end.year(), to_month, to_day);
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    let certificate = server
        .signed_by(&key, &Issuer::new(ca, ca_key))
        .context("cannot make the server's certificate")?;
    let key_der = PrivateKeyDer::try_from(key.serialize_der())
        .map_err(|_| anyhow::anyhow!("cannot use the new key"))?;
    config(vec![certificate.der().clone()], key_der)
}

fn config(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> anyhow::Result<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    // TLS 1.2 and 1.3; rustls knows nothing older.
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn names(listen: SocketAddr, base_url: &str) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let host = base_url
        .trim_start_matches("https://")
        .split('/')
        .next()
        .unwrap_or_default();
    let host = host
        .strip_prefix('[')
        .and_then(|h| h.split(']').next())
        .unwrap_or_else(|| host.split(':').next().unwrap_or_default());
    for name in [host.to_owned(), listen.ip().to_string()] {
        let unspecified = name.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified());
        if !name.is_empty() && !unspecified && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn month_and_day(at: DateTime<chrono::Utc>) -> (u8, u8) {
    (
        u8::try_from(at.month()).unwrap_or(1),
        u8::try_from(at.day()).unwrap_or(1),
    )
}

/// Binds an address, with a sentence for the commonest failure.
pub(super) fn bind(listen: SocketAddr, option: &str) -> anyhow::Result<std::net::TcpListener> {
    let listener = match std::net::TcpListener::bind(listen) {
        Ok(listener) => listener,
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            bail!("{listen} is taken by another program; stop that one, or choose another port with {option}")
        }
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            bail!("this account may not listen on {listen}; choose a port above 1023 with {option}")
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot listen on {listen}; check {option}"))
        }
    };
    listener
        .set_nonblocking(true)
        .context("cannot use the listening socket")?;
    Ok(listener)
}
