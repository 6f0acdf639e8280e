//! What the lines between a phone and the real server have in common: they carry one request on each connection, whose
//! head they read.

use std::path::Path;
use std::sync::Arc;

use hms_client::Provisioning;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// The server as a phone behind a line at this address gets to know it.
pub fn behind(address: &str, server: &Provisioning) -> Provisioning {
    Provisioning {
        base_url: format!("http://{address}"),
        ..server.clone()
    }
}

/// The head of a request.
pub struct Head {
    text: String,
    /// `POST /fhir/$hms-sync HTTP/1.1`.
    pub line: String,
}

impl Head {
    pub async fn read(phone: &mut TcpStream) -> std::io::Result<Self> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(phone.read_u8().await?);
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        let line = text.lines().next().unwrap_or_default().to_owned();
        Ok(Self { text, line })
    }

    /// A header by its name in small letters.
    pub fn header(&self, name: &str) -> Option<String> {
        let mut lines = self.text.lines().skip(1).filter_map(|line| line.split_once(':'));
        let found = lines.find(|(found, _)| found.eq_ignore_ascii_case(name))?;
        Some(found.1.trim().to_owned())
    }

    /// Bytes of the body.
    pub fn length(&self) -> usize {
        let length = self.header("content-length").and_then(|text| text.parse().ok());
        length.unwrap_or(0)
    }

    pub fn upgrades(&self) -> bool {
        self.header("upgrade").is_some()
    }

    /// As it came.
    pub fn as_it_came(&self) -> &str {
        &self.text
    }

    /// As it goes on: the server is asked to close the connection after its answer, unless it is to be another's then.
    pub fn closing(&self) -> String {
        if self.upgrades() {
            return self.text.clone();
        }
        self.text.replacen("\r\n", "\r\nConnection: close\r\n", 1)
    }
}

/// The way on to a server with this CA, by TLS.
#[derive(Clone)]
pub struct Upstream {
    address: String,
    tls: tokio_rustls::TlsConnector,
}

impl Upstream {
    pub fn of(server: &Provisioning) -> Self {
        Self {
            address: server.base_url.trim_start_matches("https://").to_owned(),
            tls: connector(server.ca_file.as_deref().expect("a CA")),
        }
    }

    pub async fn connect(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(&self.address).await?;
        let host = self.address.split(':').next().unwrap_or_default().to_owned();
        let name = ServerName::try_from(host).map_err(std::io::Error::other)?;
        self.tls.connect(name, tcp).await
    }
}

pub fn connector(ca: &Path) -> tokio_rustls::TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).expect("the CA") {
        roots.add(certificate.expect("a certificate")).expect("a root");
    }
    let config =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("TLS")
            .with_root_certificates(roots)
            .with_no_client_auth();
    tokio_rustls::TlsConnector::from(Arc::new(config))
}
