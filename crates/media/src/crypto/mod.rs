//! The ciphers and hashes that the transport uses, all in Rust.
//!
//! `str0m` asks for them through its provider traits. Its ready-made pure-Rust provider for this version is
//! not on the registry and the others bring a long C build or a system library that phones lack, so this one
//! joins DTLS from `dimpl` with ciphers from RustCrypto. The certificate is made by `rcgen`, fresh for each call.

mod dtls;
#[cfg(fuzzing)]
pub(crate) mod open;
mod srtp;

use hmac::{KeyInit, Mac};
use sha2::Digest;
use str0m::crypto::{CryptoProvider, Sha1HmacProvider, Sha1Provider, Sha256Provider};

/// The provider for [`str0m::RtcConfig::set_crypto_provider`].
pub(crate) fn provider() -> CryptoProvider {
    CryptoProvider {
        srtp_provider: &srtp::Srtp,
        sha1_hmac_provider: &Hashes,
        sha1_provider: &Hashes,
        sha256_provider: &Hashes,
        dtls_provider: &dtls::Dtls,
    }
}

#[derive(Debug)]
struct Hashes;

impl Sha1HmacProvider for Hashes {
    fn sha1_hmac(&self, key: &[u8], payloads: &[&[u8]]) -> [u8; 20] {
        let mut mac = <hmac::Hmac<sha1::Sha1> as KeyInit>::new_from_slice(key)
            .expect("an HMAC key may have any length");
        for payload in payloads {
            mac.update(payload);
        }
        mac.finalize().into_bytes().into()
    }
}

impl Sha1Provider for Hashes {
    fn sha1(&self, data: &[u8]) -> [u8; 20] {
        sha1::Sha1::digest(data).into()
    }
}

impl Sha256Provider for Hashes {
    fn sha256(&self, data: &[u8]) -> [u8; 32] {
        sha2::Sha256::digest(data).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    // RFC 2202, test case 2.
    #[test]
    fn the_hmac_agrees_with_its_standard() {
        let mac = Hashes.sha1_hmac(b"Jefe", &[b"what do ya want ", b"for nothing?"]);

        assert_eq!(hex(&mac), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    }

    // FIPS 180-4, "abc".
    #[test]
    fn the_hashes_agree_with_their_standard() {
        assert_eq!(
            hex(&Hashes.sha1(b"abc")),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
        assert_eq!(
            hex(&Hashes.sha256(b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
