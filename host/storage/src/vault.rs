//! Keys and ciphers: what is personal, and what arrived raw, rests sealed.
//!
//! A master key, which the operator keeps outside of the database, wraps one key a subject and one a day.
//! Destroying a wrapped key destroys what was sealed with it. Every sealed text carries its own random
//! nonce and is bound to its row, so that it cannot be moved to another.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use crossdock_rules::told::{Mark, short};
use rand::RngCore as _;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{Error, Result};

const NONCE: usize = 12;

/// The key that wraps all others. It is never stored.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// A key of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

/// Says nothing of the key.
impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// What a sealed text belongs to: part of what is authenticated.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    /// The wrapped key of a subject.
    SubjectKey(i64),
    /// The wrapped key of a day.
    DayKey(i64),
    /// The request of an inbound.
    Inbound(i64),
    /// The personal data of an event.
    Personal(i64),
    /// What was exchanged in a try: delivery and claim.
    Exchange(i64, i64),
    /// The content of a file that a plugin handed over.
    OutFile(i64),
    /// A secret in one of its versions.
    Secret(i64, i64),
    /// The text that tells whether a master key is the right one.
    Proof,
    /// The key of marks.
    Marks,
}

impl Bound {
    fn bytes(self) -> [u8; 17] {
        let (tag, first, second) = match self {
            Self::SubjectKey(id) => (1, id, 0),
            Self::DayKey(day) => (2, day, 0),
            Self::Inbound(id) => (3, id, 0),
            Self::Personal(id) => (4, id, 0),
            Self::Exchange(delivery, fence) => (5, delivery, fence),
            Self::Proof => (6, 0, 0),
            Self::Marks => (9, 0, 0),
            Self::OutFile(id) => (7, id, 0),
            Self::Secret(id, version) => (8, id, version),
        };
        let mut bytes = [tag; 17];
        let (_, numbers) = bytes.split_at_mut(1);
        for (to, from) in numbers.iter_mut().zip(first.to_be_bytes().into_iter().chain(second.to_be_bytes()))
        {
            *to = from;
        }
        bytes
    }
}

/// One key, ready to seal and open.
#[derive(Clone)]
pub(crate) struct Sealer(ChaCha20Poly1305);

impl Sealer {
    fn new(key: &[u8; 32]) -> Self {
        Self(ChaCha20Poly1305::new(Key::from_slice(key)))
    }

    /// Nonce and ciphertext.
    pub(crate) fn seal(&self, bound: Bound, plain: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE];
        rand::rng().fill_bytes(&mut nonce);
        let sealed =
            self.0.encrypt(Nonce::from_slice(&nonce), Payload { msg: plain, aad: &bound.bytes() }).map_err(
                |_| Error::Unreadable { what: format!("{bound:?}"), why: "it cannot be sealed".into() },
            )?;
        let mut out = Vec::with_capacity(NONCE + sealed.len());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    /// What was sealed.
    pub(crate) fn open(&self, bound: Bound, sealed: &[u8]) -> Result<Vec<u8>> {
        let why =
            || Error::Unreadable { what: format!("{bound:?}"), why: "it does not open with its key".into() };
        let (nonce, text) = sealed.split_at_checked(NONCE).ok_or_else(why)?;
        self.0
            .decrypt(Nonce::from_slice(nonce), Payload { msg: text, aad: &bound.bytes() })
            .map_err(|_| why())
    }
}

/// Makes, wraps and unwraps keys.
#[derive(Clone)]
pub(crate) struct Vault {
    sealer: Sealer,
    /// Of the master key before, when it was changed while the store was open.
    former: Option<Sealer>,
    /// The key of marks, which stays when the master key is changed: marks are compared for years.
    marks: Zeroizing<[u8; 32]>,
}

impl Vault {
    /// The vault of a new database, with a key of marks of its own.
    pub(crate) fn new(master: &MasterKey) -> Self {
        let mut marks = Zeroizing::new([0; 32]);
        rand::rng().fill_bytes(marks.as_mut());
        Self { sealer: Sealer::new(&master.0), former: None, marks }
    }

    /// The vault of a database whose key of marks was sealed before, as [`Self::sealed_marks`] writes it.
    pub(crate) fn with_marks(self, sealed: &str) -> Result<Self> {
        let unreadable = |why: String| Error::Unreadable { what: "the key of marks".into(), why };
        let sealed = hex::decode(sealed).map_err(|error| unreadable(error.to_string()))?;
        let key = self.open(Bound::Marks, &sealed)?;
        let key: &[u8; 32] =
            key.as_slice().try_into().map_err(|_| unreadable("it has the wrong length".into()))?;
        Ok(Self { marks: Zeroizing::new(*key), ..self })
    }

    /// The key of marks, sealed with the master key.
    pub(crate) fn sealed_marks(&self) -> Result<String> {
        self.sealer.seal(Bound::Marks, self.marks.as_ref()).map(hex::encode)
    }

    /// A mark of a text that is personal, by which it can be told from another and, without the master key,
    /// not be guessed: SHA-256 behind a key of its own, cut short.
    pub(crate) fn mark(&self, text: &[u8]) -> Mark {
        let mut hash = Sha256::new();
        hash.update(self.marks.as_ref());
        hash.update(text);
        short(&hash.finalize())
    }

    /// A new key and its wrapped form.
    pub(crate) fn make(&self, bound: Bound) -> Result<(Sealer, Vec<u8>)> {
        let mut key = Zeroizing::new([0; 32]);
        rand::rng().fill_bytes(key.as_mut());
        Ok((Sealer::new(&key), self.sealer.seal(bound, key.as_ref())?))
    }

    /// The key of a wrapped form.
    pub(crate) fn unwrap(&self, bound: Bound, wrapped: &[u8]) -> Result<Sealer> {
        let key = self.open(bound, wrapped)?;
        let key: &[u8; 32] = key.as_slice().try_into().map_err(|_| Error::Unreadable {
            what: format!("{bound:?}"),
            why: "it has the wrong length".into(),
        })?;
        Ok(Sealer::new(key))
    }

    /// Seals a secret, which rests under the master key itself.
    pub(crate) fn seal(&self, bound: Bound, plain: &[u8]) -> Result<Vec<u8>> {
        self.sealer.seal(bound, plain)
    }

    /// What was sealed so.
    pub(crate) fn open(&self, bound: Bound, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let opened = match (self.sealer.open(bound, sealed), &self.former) {
            (Err(_), Some(former)) => former.open(bound, sealed),
            (opened, _) => opened,
        };
        opened.map(Zeroizing::new)
    }

    /// The vault of another master key. It still reads what was sealed for this one, for those who read it
    /// before it was sealed again.
    pub(crate) fn succeeded_by(&self, master: &MasterKey) -> Self {
        Self { sealer: Sealer::new(&master.0), former: Some(self.sealer.clone()), marks: self.marks.clone() }
    }

    /// A wrapped key or a secret of this vault's former master key, for its present one.
    pub(crate) fn again(&self, bound: Bound, sealed: &[u8]) -> Result<Vec<u8>> {
        self.sealer.seal(bound, &self.open(bound, sealed)?)
    }

    /// A text that only the same master key can read.
    pub(crate) fn proof(&self) -> Result<String> {
        self.sealer.seal(Bound::Proof, b"crossdock").map(hex::encode)
    }

    /// This vault, with whichever of its master keys made the text as the present one.
    pub(crate) fn proven(self, proof: &str) -> Option<Self> {
        if self.proves(proof) {
            return Some(self);
        }
        let former = Self { sealer: self.former?, former: Some(self.sealer), marks: self.marks };
        former.proves(proof).then_some(former)
    }

    /// Whether the text was made with this master key.
    pub(crate) fn proves(&self, proof: &str) -> bool {
        hex::decode(proof).is_ok_and(|sealed| self.sealer.open(Bound::Proof, &sealed).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_text_opens_in_its_own_row_with_its_own_key_only() {
        let vault = Vault::new(&MasterKey::new([7; 32]));
        let (key, wrapped) = vault.make(Bound::SubjectKey(1)).unwrap();
        let sealed = key.seal(Bound::Personal(5), b"Ada Lovelace").unwrap();
        assert!(!sealed.windows(3).any(|part| part == b"Ada"));
        let again = vault.unwrap(Bound::SubjectKey(1), &wrapped).unwrap();
        assert_eq!(again.open(Bound::Personal(5), &sealed).unwrap(), b"Ada Lovelace");
        assert!(again.open(Bound::Personal(6), &sealed).is_err());
        assert!(vault.unwrap(Bound::SubjectKey(2), &wrapped).is_err());
        let other = vault.make(Bound::SubjectKey(1)).unwrap().0;
        assert!(other.open(Bound::Personal(5), &sealed).is_err());
        assert!(Vault::new(&MasterKey::new([8; 32])).unwrap(Bound::SubjectKey(1), &wrapped).is_err());
    }

    #[test]
    fn a_mark_tells_texts_apart_and_outlives_the_master_key() {
        let vault = Vault::new(&MasterKey::new([7; 32]));
        assert_eq!(vault.mark(b"Ada"), vault.mark(b"Ada"));
        assert_ne!(vault.mark(b"Ada"), vault.mark(b"Bob"));
        assert_ne!(vault.mark(b"Ada"), crossdock_rules::told::mark("Ada"));
        let other = Vault::new(&MasterKey::new([7; 32]));
        assert_ne!(vault.mark(b"Ada"), other.mark(b"Ada"));
        let next = MasterKey::new([8; 32]);
        let sealed = vault.succeeded_by(&next).sealed_marks().unwrap();
        assert_eq!(Vault::new(&next).with_marks(&sealed).unwrap().mark(b"Ada"), vault.mark(b"Ada"));
        assert!(other.with_marks(&sealed).is_err());
    }

    #[test]
    fn a_wrong_master_key_is_told() {
        let proof = Vault::new(&MasterKey::new([7; 32])).proof().unwrap();
        assert!(Vault::new(&MasterKey::new([7; 32])).proves(&proof));
        assert!(!Vault::new(&MasterKey::new([8; 32])).proves(&proof));
        assert!(!Vault::new(&MasterKey::new([7; 32])).proves("00"));
    }
}
