//! Signatures: HMAC-SHA-256 (RFC 2104, FIPS 180-4), cut to 128 bits, with keys that can be rotated.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Bytes of a signature in a cursor: half of SHA-256's, the least RFC 2104 section 5 allows.
pub(super) const LENGTH: usize = 16;

/// The key that signs, and those that are still taken.
#[derive(Clone)]
pub(super) struct Keyring {
    current: Key,
    former: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    id: u8,
    mac: Hmac<Sha256>,
}

impl Key {
    fn new(secret: &[u8]) -> Self {
        // HMAC takes a key of any length; the empty one stands in for the error that can't be.
        let mac = Hmac::<Sha256>::new_from_slice(secret)
            .unwrap_or_else(|_| Hmac::<Sha256>::new(&hmac::digest::Key::<Hmac<Sha256>>::default()));
        let mut id = mac.clone();
        id.update(b"aios-pagination key id");
        let id = id.finalize().into_bytes().first().copied().unwrap_or(0);
        Self { id, mac }
    }

    fn sign(&self, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(body);
        mac
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("former", &self.former.len())
            .finish_non_exhaustive()
    }
}

/// What became of a signature.
#[derive(PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    Bad,
    UnknownKey,
}

impl Keyring {
    pub(super) fn new(secret: &[u8]) -> Self {
        Self {
            current: Key::new(secret),
            former: Vec::new(),
        }
    }

    pub(super) fn accept(&mut self, secret: &[u8]) {
        self.former.push(Key::new(secret));
    }

    /// The byte that tells a reader which key signed; derived from the key, it tells nothing else about it.
    pub(super) fn id(&self) -> u8 {
        self.current.id
    }

    pub(super) fn sign(&self, body: &[u8]) -> [u8; LENGTH] {
        let full = self.current.sign(body).finalize().into_bytes();
        let mut cut = [0; LENGTH];
        for (to, from) in cut.iter_mut().zip(full) {
            *to = from;
        }
        cut
    }

    /// Checks in constant time, with every key of this id (two keys may share one).
    pub(super) fn verify(&self, id: u8, body: &[u8], signature: &[u8]) -> Verdict {
        let mut verdict = Verdict::UnknownKey;
        for key in std::iter::once(&self.current).chain(&self.former) {
            if key.id == id {
                verdict = Verdict::Bad;
                if key.sign(body).verify_truncated_left(signature).is_ok() {
                    return Verdict::Good;
                }
            }
        }
        verdict
    }
}
