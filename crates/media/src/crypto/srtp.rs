//! The packets: AES in counter mode and in Galois/counter mode behind the provider's traits.

use std::fmt;

use aes::cipher::{BlockCipherEncrypt, KeyIvInit, StreamCipher};
use aes_gcm::aead::{AeadInOut, KeyInit};
use str0m::crypto::{
    AeadAes128GcmCipher, AeadAes256GcmCipher, Aes128CmSha1_80Cipher, CryptoError, SrtpProvider,
    SupportedAeadAes128Gcm, SupportedAeadAes256Gcm, SupportedAes128CmSha1_80,
};

const TAG: usize = 16;

#[derive(Debug)]
pub(super) struct Srtp;

impl SrtpProvider for Srtp {
    fn aes_128_cm_sha1_80(&self) -> &'static dyn SupportedAes128CmSha1_80 {
        &Srtp
    }

    fn aead_aes_128_gcm(&self) -> &'static dyn SupportedAeadAes128Gcm {
        &Srtp
    }

    fn aead_aes_256_gcm(&self) -> &'static dyn SupportedAeadAes256Gcm {
        &Srtp
    }

    fn srtp_aes_128_ecb_round(&self, key: &[u8], input: &[u8], output: &mut [u8]) {
        let cipher = aes::Aes128::new_from_slice(key).expect("the caller gives 16 bytes of key");
        one_block(&cipher, input, output);
    }

    fn srtp_aes_256_ecb_round(&self, key: &[u8], input: &[u8], output: &mut [u8]) {
        let cipher = aes::Aes256::new_from_slice(key).expect("the caller gives 32 bytes of key");
        one_block(&cipher, input, output);
    }
}

/// Encrypts the first block alone: key derivation reads no more of the output.
fn one_block<C>(cipher: &C, input: &[u8], output: &mut [u8])
where
    C: BlockCipherEncrypt<BlockSize = aes::cipher::typenum::U16>,
{
    let mut block = [0u8; 16];
    block.copy_from_slice(&input[..16]);
    cipher.encrypt_block((&mut block).into());
    output[..16].copy_from_slice(&block);
}

impl SupportedAes128CmSha1_80 for Srtp {
    fn create_cipher(&self, key: [u8; 16], _encrypt: bool) -> Box<dyn Aes128CmSha1_80Cipher> {
        Box::new(Counter(key))
    }
}

struct Counter([u8; 16]);

impl Aes128CmSha1_80Cipher for Counter {
    fn encrypt(&mut self, iv: &[u8; 16], input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        let mut cipher = ctr::Ctr128BE::<aes::Aes128>::new(&self.0.into(), iv.into());
        let output = part(output, input.len())?;
        output.copy_from_slice(input);
        cipher
            .try_apply_keystream(output)
            .map_err(|_| CryptoError::Other("the counter ran out".into()))
    }

    fn decrypt(&mut self, iv: &[u8; 16], input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        self.encrypt(iv, input, output)
    }
}

impl SupportedAeadAes128Gcm for Srtp {
    fn create_cipher(&self, key: [u8; 16], _encrypt: bool) -> Box<dyn AeadAes128GcmCipher> {
        Box::new(Galois(aes_gcm::Aes128Gcm::new(&key.into())))
    }
}

impl SupportedAeadAes256Gcm for Srtp {
    fn create_cipher(&self, key: [u8; 32], _encrypt: bool) -> Box<dyn AeadAes256GcmCipher> {
        Box::new(Galois(aes_gcm::Aes256Gcm::new(&key.into())))
    }
}

struct Galois<C>(C);

impl<C> Galois<C>
where
    C: AeadInOut<NonceSize = aes::cipher::typenum::U12, TagSize = aes::cipher::typenum::U16>,
{
    /// Writes the sealed text and then its tag.
    fn seal(&self, iv: &[u8; 12], aad: &[u8], input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        let output = part(output, input.len() + TAG)?;
        let (text, tag) = output.split_at_mut(input.len());
        text.copy_from_slice(input);
        let made = self
            .0
            .encrypt_inout_detached(&(*iv).into(), aad, text.into())
            .map_err(|_| CryptoError::Other("the packet is too long to seal".into()))?;
        tag.copy_from_slice(&made);
        Ok(())
    }

    fn open(
        &self,
        iv: &[u8; 12],
        aads: &[&[u8]],
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize, CryptoError> {
        let (text, tag) = input
            .split_last_chunk::<TAG>()
            .ok_or_else(|| CryptoError::Other("the packet is too short to open".into()))?;
        let output = part(output, text.len())?;
        output.copy_from_slice(text);
        let joined;
        let aad = match aads {
            [only] => only,
            many => {
                joined = many.concat();
                joined.as_slice()
            }
        };
        self.0
            .decrypt_inout_detached(&(*iv).into(), aad, output.into(), &(*tag).into())
            .map_err(|_| CryptoError::Other("the packet is not genuine".into()))?;
        Ok(text.len())
    }
}

macro_rules! galois {
    ($trait:ident, $cipher:ty) => {
        impl $trait for Galois<$cipher> {
            fn encrypt(
                &mut self,
                iv: &[u8; 12],
                aad: &[u8],
                input: &[u8],
                output: &mut [u8],
            ) -> Result<(), CryptoError> {
                self.seal(iv, aad, input, output)
            }

            fn decrypt(
                &mut self,
                iv: &[u8; 12],
                aads: &[&[u8]],
                input: &[u8],
                output: &mut [u8],
            ) -> Result<usize, CryptoError> {
                self.open(iv, aads, input, output)
            }
        }
    };
}
galois!(AeadAes128GcmCipher, aes_gcm::Aes128Gcm);
galois!(AeadAes256GcmCipher, aes_gcm::Aes256Gcm);

fn part(output: &mut [u8], len: usize) -> Result<&mut [u8], CryptoError> {
    output
        .get_mut(..len)
        .ok_or_else(|| CryptoError::Other("the output is too short".into()))
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counter")
    }
}

impl<C> fmt::Debug for Galois<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Galois")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex
            .bytes()
            .map(|c| (c as char).to_digit(16).unwrap() as u8)
            .collect();
        digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
    }

    // NIST SP 800-38A, F.5.1 and F.1.1.
    #[test]
    fn counter_mode_and_the_block_agree_with_their_standard() {
        let key: [u8; 16] = bytes("2b7e151628aed2a6abf7158809cf4f3c").try_into().unwrap();
        let iv: [u8; 16] = bytes("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff").try_into().unwrap();
        let plain = bytes("6bc1bee22e409f96e93d7e117393172a");
        let mut sealed = [0u8; 16];
        let mut block = [0u8; 32];

        Counter(key).encrypt(&iv, &plain, &mut sealed).unwrap();
        Srtp.srtp_aes_128_ecb_round(&key, &plain, &mut block);

        assert_eq!(sealed.as_slice(), bytes("874d6191b620e3261bef6864990db6ce"));
        assert_eq!(&block[..16], bytes("3ad77bb40d7a3660a89ecaf32466ef97"));
    }

    // RFC 7714, 16.1.1: AEAD_AES_128_GCM RTP encryption.
    #[test]
    fn galois_mode_agrees_with_the_srtp_standard() {
        let key: [u8; 16] = bytes("000102030405060708090a0b0c0d0e0f").try_into().unwrap();
        let iv: [u8; 12] = bytes("51753c6580c2726f20718414").try_into().unwrap();
        let aad = bytes("8040f17b8041f8d35501a0b2");
        let plain = bytes("47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573");
        let mut sealed = vec![0u8; plain.len() + TAG];
        let mut opened = vec![0u8; plain.len()];
        let mut cipher = SupportedAeadAes128Gcm::create_cipher(&Srtp, key, true);

        cipher.encrypt(&iv, &aad, &plain, &mut sealed).unwrap();
        let length = cipher
            .decrypt(&iv, &[&aad[..4], &aad[4..]], &sealed, &mut opened)
            .unwrap();

        assert_eq!(
            sealed,
            bytes("f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce")
        );
        assert_eq!(opened[..length], plain[..]);
    }

    #[test]
    fn a_changed_packet_is_refused() {
        let mut cipher = SupportedAeadAes256Gcm::create_cipher(&Srtp, [7; 32], true);
        let mut sealed = vec![0u8; 20 + TAG];
        let mut opened = vec![0u8; 20];
        cipher.encrypt(&[1; 12], &[0; 12], &[9; 20], &mut sealed).unwrap();

        sealed[3] ^= 1;

        assert!(cipher
            .decrypt(&[1; 12], &[&[0; 12]], &sealed, &mut opened)
            .is_err());
    }
}
