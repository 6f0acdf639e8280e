//! A transport without secrets, for fuzzing alone: a handshake of one message each way and packets in the clear. What a far
//! side with the right keys could send is thereby reached by any bytes.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, KeyingMaterial,
    ProtocolVersion, SrtpProfile,
};
use str0m::crypto::{
    AeadAes128GcmCipher, AeadAes256GcmCipher, CryptoError, CryptoProvider, SrtpProvider,
    SupportedAeadAes128Gcm, SupportedAeadAes256Gcm, SupportedAes128CmSha1_80,
};

use super::{srtp, Hashes};

const TAG: usize = 16;
/// What a DTLS record of a handshake and one of data begin with.
const HELLO: u8 = 22;
const DATA: u8 = 23;
/// Longer than any virtual time.
const NEVER: Duration = Duration::from_secs(3600);
const AGAIN: Duration = Duration::from_millis(100);

/// The provider without secrets.
pub(crate) fn provider() -> CryptoProvider {
    CryptoProvider {
        srtp_provider: &Open,
        sha1_hmac_provider: &Hashes,
        sha1_provider: &Hashes,
        sha256_provider: &Hashes,
        dtls_provider: &Open,
    }
}

#[derive(Debug)]
struct Open;

impl DtlsProvider for Open {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        Some(DtlsCert {
            certificate: vec![7; 40],
            private_key: vec![7; 40],
        })
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        _version: DtlsVersion,
        _mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        Ok(Box::new(Greeting {
            certificate: cert.certificate.clone(),
            active: false,
            met: false,
            closed: false,
            now,
            again: now,
            out: VecDeque::new(),
        }))
    }
}

enum Out {
    Bytes(What, Vec<u8>),
    Keys,
    Connected,
}

#[derive(Clone, Copy)]
enum What {
    Packet,
    Certificate,
    Data,
}

/// Each side says its certificate; whoever has heard the other's is connected.
struct Greeting {
    certificate: Vec<u8>,
    active: bool,
    met: bool,
    closed: bool,
    now: Instant,
    again: Instant,
    out: VecDeque<Out>,
}

impl Greeting {
    fn greet(&mut self) {
        let mut packet = vec![HELLO];
        packet.extend_from_slice(&self.certificate);
        self.out.push_back(Out::Bytes(What::Packet, packet));
        self.again = self.now + AGAIN;
    }
}

impl fmt::Debug for Greeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Greeting")
    }
}

impl DtlsInstance for Greeting {
    fn set_active(&mut self, active: bool) {
        self.active = active;
        if active {
            self.greet();
        }
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        match packet.split_first() {
            Some((&HELLO, certificate)) => {
                if !self.active {
                    self.greet();
                }
                if !self.met {
                    self.met = true;
                    self.out
                        .push_back(Out::Bytes(What::Certificate, certificate.to_vec()));
                    self.out.push_back(Out::Keys);
                    self.out.push_back(Out::Connected);
                }
            }
            Some((&DATA, data)) if self.met => self.out.push_back(Out::Bytes(What::Data, data.to_vec())),
            _ => {}
        }
        Ok(())
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        match self.out.pop_front() {
            Some(Out::Keys) => {
                DtlsOutput::KeyingMaterial(KeyingMaterial::new(&[3; 56]), SrtpProfile::AEAD_AES_128_GCM)
            }
            Some(Out::Connected) => DtlsOutput::Connected,
            Some(Out::Bytes(what, bytes)) => {
                let needed = bytes.len();
                let Some(place) = buf.get_mut(..needed) else {
                    self.out.push_front(Out::Bytes(what, bytes));
                    return DtlsOutput::BufferTooSmall { needed };
                };
                place.copy_from_slice(&bytes);
                match what {
                    What::Packet => DtlsOutput::Packet(place),
                    What::Certificate => DtlsOutput::PeerCert(place),
                    What::Data => DtlsOutput::ApplicationData(place),
                }
            }
            None if self.active && !self.met => DtlsOutput::Timeout(self.again),
            None => DtlsOutput::Timeout(self.now + NEVER),
        }
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.now = now;
        if self.active && !self.met && now >= self.again {
            self.greet();
        }
        Ok(())
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        if !self.met {
            return Ok(0);
        }
        let mut packet = vec![DATA];
        packet.extend_from_slice(data);
        self.out.push_back(Out::Bytes(What::Packet, packet));
        Ok(data.len())
    }

    fn is_active(&self) -> bool {
        self.active
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.met.then_some(ProtocolVersion::DTLS1_2)
    }

    fn is_closed(&self) -> bool {
        self.closed
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.closed = true;
        Ok(())
    }
}

impl SrtpProvider for Open {
    fn aes_128_cm_sha1_80(&self) -> &'static dyn SupportedAes128CmSha1_80 {
        &srtp::Srtp
    }

    fn aead_aes_128_gcm(&self) -> &'static dyn SupportedAeadAes128Gcm {
        &Open
    }

    fn aead_aes_256_gcm(&self) -> &'static dyn SupportedAeadAes256Gcm {
        &Open
    }

    fn srtp_aes_128_ecb_round(&self, key: &[u8], input: &[u8], output: &mut [u8]) {
        srtp::Srtp.srtp_aes_128_ecb_round(key, input, output);
    }

    fn srtp_aes_256_ecb_round(&self, key: &[u8], input: &[u8], output: &mut [u8]) {
        srtp::Srtp.srtp_aes_256_ecb_round(key, input, output);
    }
}

impl SupportedAeadAes128Gcm for Open {
    fn create_cipher(&self, _key: [u8; 16], _encrypt: bool) -> Box<dyn AeadAes128GcmCipher> {
        Box::new(Open)
    }
}

impl SupportedAeadAes256Gcm for Open {
    fn create_cipher(&self, _key: [u8; 32], _encrypt: bool) -> Box<dyn AeadAes256GcmCipher> {
        Box::new(Open)
    }
}

macro_rules! open {
    ($trait:ident) => {
        impl $trait for Open {
            fn encrypt(
                &mut self,
                _iv: &[u8; 12],
                _aad: &[u8],
                input: &[u8],
                output: &mut [u8],
            ) -> Result<(), CryptoError> {
                output[..input.len()].copy_from_slice(input);
                output[input.len()..input.len() + TAG].fill(0);
                Ok(())
            }

            /// As the real cipher: too short is refused, and here nothing else.
            fn decrypt(
                &mut self,
                _iv: &[u8; 12],
                _aads: &[&[u8]],
                input: &[u8],
                output: &mut [u8],
            ) -> Result<usize, CryptoError> {
                let refused = || CryptoError::Other("the packet is too short to open".into());
                let length = input.len().checked_sub(TAG).ok_or_else(refused)?;
                output
                    .get_mut(..length)
                    .ok_or_else(refused)?
                    .copy_from_slice(&input[..length]);
                Ok(length)
            }
        }
    };
}
open!(AeadAes128GcmCipher);
open!(AeadAes256GcmCipher);
