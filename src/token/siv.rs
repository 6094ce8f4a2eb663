//! AES-256-GCM-SIV (RFC 8452) for one key, one nonce and one associated text, with everything that depends on them
//! alone kept.
//!
//! The crate `aes-gcm-siv` derives the two message keys (six AES calls and a key schedule) for every message, since
//! its nonces change. Ours never does: keeping the keys, and POLYVAL's state after the associated text, makes a
//! seal of 90 bytes three times as fast (measured on one x86-64 machine: 0.40 µs with the crate, 0.13 µs here). Telling
//! POLYVAL four blocks at once and making blocks as numbers, which the processor stores in one piece, takes 30 ns less. The
//! mode is put together of the crates `aes` and `polyval` as `aes-gcm-siv` does it, and the tests hold it bit for bit
//! against that crate, against RFC 8452's vectors and against aws-lc.

use aes::Aes256Enc;
use aes::cipher::{Block, BlockCipherEncrypt, KeyInit};
use polyval::Polyval;
use polyval::universal_hash::UniversalHash;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub(crate) const TAG_BYTES: usize = 16;

/// Blocks of key stream made in one call, so that AES instructions overlap.
const STREAM_BLOCKS: usize = 8;

/// Of a block as a number, its first byte the lowest.
const TOP_BIT: u128 = 1 << 127;

/// A key and a nonce with an associated text: seals and opens messages.
#[derive(Clone)]
pub(crate) struct Siv {
    cipher: Aes256Enc,
    /// POLYVAL before anything was told.
    hash: Polyval,
    /// POLYVAL's state after the associated text.
    associated: u128,
    associated_bits: u64,
    nonce: u128,
}

impl Siv {
    /// RFC 8452 section 4, "derive_keys".
    pub(crate) fn new(key: &[u8; 32], nonce: [u8; 12]) -> Siv {
        let generator = Aes256Enc::new(key.into());
        let nonce = nonce.iter().rev().fold(0, |number, byte| number << 8 | u128::from(*byte));
        let mut material = Zeroizing::new([0u8; 48]);
        for (counter, half) in material.chunks_exact_mut(8).enumerate() {
            let mut block: Block<Aes256Enc> = (nonce << 32 | counter as u128).to_le_bytes().into();
            generator.encrypt_block(&mut block);
            half.copy_from_slice(&block[..8]);
        }
        let mut hash_key = Zeroizing::new([0u8; 16]);
        hash_key.copy_from_slice(&material[..16]);
        let mut message_key = Zeroizing::new([0u8; 32]);
        message_key.copy_from_slice(&material[16..]);
        Siv {
            cipher: Aes256Enc::new((&*message_key).into()),
            hash: Polyval::new((&*hash_key).into()),
            associated: 0,
            associated_bits: 0,
            nonce,
        }
    }

    /// The same key bound to an associated text; to be called once.
    pub(crate) fn bind(&self, associated: &[u8]) -> Siv {
        debug_assert_eq!(self.associated_bits, 0, "a text is bound already");
        let mut bound = self.clone();
        let mut hash = self.hash.clone();
        hash.update_padded(associated);
        bound.associated = u128::from_le_bytes(hash.finalize().into());
        bound.associated_bits = associated.len() as u64 * 8;
        bound
    }

    /// Encrypts in place and returns the tag.
    pub(crate) fn seal(&self, message: &mut [u8]) -> [u8; TAG_BYTES] {
        let tag = self.tag(message);
        self.apply_stream(&tag, message);
        tag
    }

    /// Decrypts in place; where the tag is wrong, wipes the message and returns false.
    #[must_use]
    pub(crate) fn open(&self, message: &mut [u8], tag: &[u8; TAG_BYTES]) -> bool {
        self.apply_stream(tag, message);
        let own = u128::from_le_bytes(self.tag(message));
        let authentic = bool::from(own.ct_eq(&u128::from_le_bytes(*tag)));
        if !authentic {
            message.fill(0);
        }
        authentic
    }

    /// RFC 8452 section 4: POLYVAL over text, message and lengths, nonce added, top bit cleared, encrypted.
    ///
    /// `polyval` works on four blocks at once, so they are told in fours: zeros in front of everything change nothing, and
    /// the state after the associated text is added to the block that follows it, as POLYVAL would.
    fn tag(&self, message: &[u8]) -> [u8; TAG_BYTES] {
        const FOUR: usize = 4 * 16;
        let mut hash = self.hash.clone();
        let blocks = message.len().div_ceil(16) + 1;
        let mut start = FOUR - ((blocks - 1) % 4 + 1) * 16;
        let mut state = Some(self.associated);
        let mut rest = message;
        for fours_left in (0..blocks.div_ceil(4)).rev() {
            let mut four = [0; FOUR];
            let (here, behind) = rest.split_at(rest.len().min(FOUR - start));
            four[start..start + here.len()].copy_from_slice(here);
            if fours_left == 0 {
                let lengths = (message.len() as u128 * 8) << 64 | u128::from(self.associated_bits);
                four[48..].copy_from_slice(&lengths.to_le_bytes());
            }
            let (blocks, _) = four.as_chunks_mut::<16>();
            if let Some(state) = state.take() {
                let first = &mut blocks[start / 16];
                *first = (u128::from_le_bytes(*first) ^ state).to_le_bytes();
            }
            hash.update(Block::<Aes256Enc>::cast_slice_from_core(blocks));
            (start, rest) = (0, behind);
        }
        let sum = u128::from_le_bytes(hash.finalize().into());
        let mut tag: Block<Aes256Enc> = ((sum ^ self.nonce) & !TOP_BIT).to_le_bytes().into();
        self.cipher.encrypt_block(&mut tag);
        tag.into()
    }

    /// RFC 8452 section 4, "AES_CTR": the tag with its top bit set counts up in its first four bytes, wrapping.
    fn apply_stream(&self, tag: &[u8; TAG_BYTES], message: &mut [u8]) {
        let start = u128::from_le_bytes(*tag) | TOP_BIT;
        let (fixed, mut counter) = (start >> 32 << 32, start as u32);
        for chunk in message.chunks_mut(16 * STREAM_BLOCKS) {
            let mut stream = [Block::<Aes256Enc>::default(); STREAM_BLOCKS];
            let used = chunk.len().div_ceil(16);
            for block in &mut stream[..used] {
                *block = (fixed | u128::from(counter)).to_le_bytes().into();
                counter = counter.wrapping_add(1);
            }
            self.cipher.encrypt_blocks(&mut stream[..used]);
            let (blocks, rest) = chunk.as_chunks_mut::<16>();
            let last = stream.get(blocks.len());
            for (bytes, key) in blocks.iter_mut().zip(&stream) {
                *bytes = (u128::from_ne_bytes(*bytes) ^ u128::from_ne_bytes((*key).into())).to_ne_bytes();
            }
            for (byte, key) in rest.iter_mut().zip(last.into_iter().flatten()) {
                *byte ^= key;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
    }

    /// RFC 8452 appendix C.2 and C.3 (AES-256, wrapping counters): key, nonce, associated text, message, result.
    const VECTORS: &str = include_str!("../../tests/token/rfc8452.txt");

    fn vectors() -> impl Iterator<Item = [Vec<u8>; 5]> {
        VECTORS.lines().filter(|line| !line.starts_with('#')).map(|line| {
            let mut fields = line.split('|').map(|field| hex(field.trim()));
            std::array::from_fn(|_| fields.next().expect("five fields"))
        })
    }

    #[test]
    fn equals_the_vectors_of_rfc_8452() {
        let mut ran = 0;
        for [key, nonce, associated, message, expected] in vectors() {
            let siv = Siv::new(&key.try_into().unwrap(), nonce.try_into().unwrap()).bind(&associated);
            let mut buffer = message.clone();
            let tag = siv.seal(&mut buffer);
            assert_eq!([&buffer[..], &tag].concat(), expected);
            assert!(siv.open(&mut buffer, &tag));
            assert_eq!(buffer, message);
            ran += 1;
        }
        assert_eq!(ran, 26);
    }

    #[test]
    fn equals_two_other_implementations() {
        use aes_gcm_siv::aead::{Aead, Payload};
        use aws_lc_rs::aead;
        for n in (0usize..150).chain([255, 256, 257, 1000, 5000]) {
            let key: [u8; 32] = std::array::from_fn(|i| (i * 7 + n) as u8);
            let associated: Vec<u8> = (0..n % 70).map(|i| i as u8).collect();
            let message: Vec<u8> = (0..n).map(|i| (i * 31) as u8).collect();
            let mut ours = message.clone();
            let tag = Siv::new(&key, [0; 12]).bind(&associated).seal(&mut ours);
            ours.extend_from_slice(&tag);

            let theirs = <aes_gcm_siv::Aes256GcmSiv as aes_gcm_siv::KeyInit>::new((&key).into())
                .encrypt(&[0u8; 12].into(), Payload { msg: &message, aad: &associated })
                .unwrap();
            assert_eq!(ours, theirs);

            let key = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM_SIV, &key).unwrap());
            let mut aws = message.clone();
            let nonce = || aead::Nonce::assume_unique_for_key([0; 12]);
            key.seal_in_place_append_tag(nonce(), aead::Aad::from(&associated), &mut aws).unwrap();
            assert_eq!(ours, aws);
            assert_eq!(key.open_in_place(nonce(), aead::Aad::from(&associated), &mut ours).unwrap(), message);
        }
    }

    #[test]
    fn a_wrong_tag_wipes_the_message() {
        let siv = Siv::new(&[1; 32], [0; 12]).bind(b"a");
        let mut buffer = *b"secret message";
        let mut tag = siv.seal(&mut buffer);
        tag[3] ^= 1;
        assert!(!siv.open(&mut buffer, &tag));
        assert_eq!(buffer, [0; 14]);
    }
}
