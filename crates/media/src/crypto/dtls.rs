//! The handshake: `dimpl` behind the provider's traits.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, DnType, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256};
use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion,
};
use str0m::crypto::CryptoError;

/// What is not answered is sent again after this, then after twice as long each time.
const FIRST_AGAIN: Duration = Duration::from_millis(250);
const AGAIN_AT_MOST: usize = 10;

#[derive(Debug)]
pub(super) struct Dtls;

impl DtlsProvider for Dtls {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).ok()?;
        let mut params = CertificateParams::new(Vec::<String>::new()).ok()?;
        params.is_ca = IsCa::NoCa;
        params.distinguished_name.push(DnType::CommonName, "call");
        let certificate = params.self_signed(&key).ok()?;
        Some(DtlsCert {
            certificate: certificate.der().to_vec(),
            private_key: key.serialize_der(),
        })
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let config = settings(mtu)?;
        let dtls = match version {
            DtlsVersion::Dtls12 => dimpl::Dtls::new_12(config, cert.clone(), now),
            DtlsVersion::Dtls13 => dimpl::Dtls::new_13(config, cert.clone(), now),
            DtlsVersion::Auto => dimpl::Dtls::new_auto(config, cert.clone(), now),
            other => return Err(CryptoError::Other(format!("{other} is not offered"))),
        };
        Ok(Box::new(Handshake(dtls)))
    }
}

/// The handshake's settings, for datagrams of this many bytes.
///
/// Made once: whenever they are made, `dimpl` tries out all its ciphers, and that is most of what an engine costs.
fn settings(mtu: Option<usize>) -> Result<Arc<dimpl::Config>, CryptoError> {
    type Made = Option<(Option<usize>, Arc<dimpl::Config>)>;
    static MADE: Mutex<Made> = Mutex::new(None);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, config)) = made.as_ref().filter(|(for_mtu, _)| *for_mtu == mtu) {
        return Ok(Arc::clone(config));
    }
    // The path check of ICE comes first, so a cookie would only cost a round trip.
    let mut builder = dimpl::Config::builder()
        .with_crypto_provider(dimpl::crypto::rust_crypto::default_provider())
        .use_server_cookie(false)
        // The default of a second, twice as long each time and four times in all, gave up on links that lose every fifth
        // packet.
        .flight_start_rto(FIRST_AGAIN)
        .flight_retries(AGAIN_AT_MOST);
    if let Some(mtu) = mtu {
        builder = builder.mtu(mtu);
    }
    let config = Arc::new(builder.build().map_err(CryptoError::DtlsImpl)?);
    *made = Some((mtu, Arc::clone(&config)));
    Ok(config)
}

struct Handshake(dimpl::Dtls);

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handshake")
    }
}

impl DtlsInstance for Handshake {
    fn set_active(&mut self, active: bool) {
        self.0.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.0.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        self.0.poll_output(buf)
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.0.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.0.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.0.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.0.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.0.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.0.close()
    }
}
