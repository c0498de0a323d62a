//! Keys and ciphers: personal data and raw requests are stored sealed.
//!
//! An envelope of three layers. The master key, which the operator keeps outside of the database, seals one random
//! key of the database. That seals a key for each subject and day, and the secrets. Those seal what is stored:
//! destroying a sealed key destroys everything under it, and another master key means one row to seal again. Every
//! sealed text has its own random nonce and is bound to its row, so that it cannot be moved to another.

use chacha20poly1305::aead::{Aead, KeyInit as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use crossdock_engine::{Error, MasterKey, Result};
use crossdock_rules::attributes::{Fingerprint, truncated};
use hmac::{Hmac, Mac};
use rand::RngCore as _;
use sha2::Sha256;
use zeroize::Zeroizing;

const NONCE_BYTES: usize = 12;

/// The row that a sealed text belongs to: part of what is authenticated.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    /// The key of the database, sealed with the master key.
    DatabaseKey,
    /// The secret that personal values are fingerprinted with.
    FingerprintSecret,
    /// The secret that persons are searched with.
    SearchSecret,
    /// The key of a subject.
    SubjectKey(i64),
    /// The key of a day.
    DayKey(i64),
    /// The request of an inbound.
    Inbound(i64),
    /// The personal data of an event.
    Personal(i64),
    /// The exchange of an attempt: delivery and claim.
    Exchange(i64, i64),
    /// The content of an outbox file.
    OutFile(i64),
    /// A secret in one of its versions.
    Secret(i64, i64),
}

impl Bound {
    fn bytes(self) -> [u8; 17] {
        let (tag, first, second) = match self {
            Self::DatabaseKey => (1, 0, 0),
            Self::FingerprintSecret => (2, 0, 0),
            Self::SearchSecret => (3, 0, 0),
            Self::SubjectKey(id) => (4, id, 0),
            Self::DayKey(day) => (5, day, 0),
            Self::Inbound(id) => (6, id, 0),
            Self::Personal(id) => (7, id, 0),
            Self::Exchange(delivery, fence) => (8, delivery, fence),
            Self::OutFile(id) => (9, id, 0),
            Self::Secret(id, version) => (10, id, version),
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
        let mut nonce = [0; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let payload = Payload { msg: plain, aad: &bound.bytes() };
        let sealed = self.0.encrypt(Nonce::from_slice(&nonce), payload);
        let sealed = sealed.map_err(|_| unreadable(bound, "it cannot be sealed"))?;
        let mut out = Vec::with_capacity(NONCE_BYTES + sealed.len());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    /// The text that was sealed.
    pub(crate) fn open(&self, bound: Bound, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let wrong = || unreadable(bound, "it does not open with its key");
        let (nonce, text) = sealed.split_at_checked(NONCE_BYTES).ok_or_else(wrong)?;
        let payload = Payload { msg: text, aad: &bound.bytes() };
        self.0.decrypt(Nonce::from_slice(nonce), payload).map(Zeroizing::new).map_err(|_| wrong())
    }
}

fn unreadable(bound: Bound, reason: &str) -> Error {
    Error::Unreadable { what: format!("{bound:?}"), reason: reason.to_owned() }
}

type Secret = Zeroizing<[u8; 32]>;

fn random() -> Secret {
    let mut secret = Zeroizing::new([0; 32]);
    rand::rng().fill_bytes(secret.as_mut());
    secret
}

fn open_secret(sealer: &Sealer, bound: Bound, sealed: &str) -> Result<Secret> {
    let sealed = hex::decode(sealed).map_err(|_| unreadable(bound, "it is not hexadecimal"))?;
    let plain = sealer.open(bound, &sealed)?;
    let plain: &[u8; 32] =
        plain.as_slice().try_into().map_err(|_| unreadable(bound, "it has the wrong length"))?;
    Ok(Zeroizing::new(*plain))
}

/// The keys of a database. It does not change for as long as the database lives, whatever master key seals it.
#[derive(Clone)]
pub(crate) struct Vault {
    key: Secret,
    sealer: Sealer,
    fingerprints: Secret,
    search: Secret,
}

/// The keys of a database as they are stored: in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SealedVault {
    /// The database's key, sealed with the master key.
    pub(crate) key: String,
    /// Sealed with the database's key, as is the next.
    pub(crate) fingerprints: String,
    /// The secret that persons are searched with.
    pub(crate) search: String,
}

impl Vault {
    /// The vault of a new database.
    pub(crate) fn new() -> Self {
        let key = random();
        Self { sealer: Sealer::new(&key), key, fingerprints: random(), search: random() }
    }

    /// The vault of a database, opened with its master key.
    ///
    /// # Errors
    /// [`Error::WrongMasterKey`] when this is another master key.
    pub(crate) fn open(master: &MasterKey, sealed: &SealedVault) -> Result<Self> {
        let key = open_secret(&Sealer::new(master.expose()), Bound::DatabaseKey, &sealed.key)
            .map_err(|_| Error::WrongMasterKey)?;
        let sealer = Sealer::new(&key);
        let fingerprints = open_secret(&sealer, Bound::FingerprintSecret, &sealed.fingerprints)?;
        let search = open_secret(&sealer, Bound::SearchSecret, &sealed.search)?;
        Ok(Self { key, sealer, fingerprints, search })
    }

    /// The vault as it is stored under a master key.
    pub(crate) fn sealed(&self, master: &MasterKey) -> Result<SealedVault> {
        Ok(SealedVault {
            key: self.sealed_key(master)?,
            fingerprints: hex::encode(
                self.sealer.seal(Bound::FingerprintSecret, self.fingerprints.as_ref())?,
            ),
            search: hex::encode(self.sealer.seal(Bound::SearchSecret, self.search.as_ref())?),
        })
    }

    /// The database's key, sealed with a master key: all that changes with the master key.
    pub(crate) fn sealed_key(&self, master: &MasterKey) -> Result<String> {
        let sealer = Sealer::new(master.expose());
        sealer.seal(Bound::DatabaseKey, self.key.as_ref()).map(hex::encode)
    }

    /// A fingerprint of a personal text: it distinguishes texts, and cannot be guessed without the database's secret.
    pub(crate) fn fingerprint(&self, text: &[u8]) -> Fingerprint {
        truncated(&hash(&self.fingerprints, text))
    }

    /// What a person is searched by: 128 bits of a keyed hash of a normalised text.
    pub(crate) fn search_term(&self, text: &[u8]) -> [u8; 16] {
        let mut term = [0; 16];
        for (to, from) in term.iter_mut().zip(hash(&self.search, text)) {
            *to = from;
        }
        term
    }

    /// A new key, and its sealed form.
    pub(crate) fn make_key(&self, bound: Bound) -> Result<(Sealer, Vec<u8>)> {
        let key = random();
        Ok((Sealer::new(&key), self.sealer.seal(bound, key.as_ref())?))
    }

    /// The key of a sealed form.
    pub(crate) fn open_key(&self, bound: Bound, sealed: &[u8]) -> Result<Sealer> {
        let key = self.sealer.open(bound, sealed)?;
        let key: &[u8; 32] =
            key.as_slice().try_into().map_err(|_| unreadable(bound, "it has the wrong length"))?;
        Ok(Sealer::new(key))
    }

    /// Seals a text with the database's key itself: a secret.
    pub(crate) fn seal(&self, bound: Bound, plain: &[u8]) -> Result<Vec<u8>> {
        self.sealer.seal(bound, plain)
    }

    /// The text that was sealed so.
    pub(crate) fn unseal(&self, bound: Bound, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        self.sealer.open(bound, sealed)
    }
}

/// HMAC-SHA256.
fn hash(secret: &Secret, text: &[u8]) -> Vec<u8> {
    // A key of any length will do for HMAC, so there is no error.
    match <Hmac<Sha256> as Mac>::new_from_slice(secret.as_ref()) {
        Ok(mac) => mac.chain_update(text).finalize().into_bytes().to_vec(),
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_text_opens_in_its_own_row_with_its_own_key_only() {
        let vault = Vault::new();
        let (key, sealed_key) = vault.make_key(Bound::SubjectKey(1)).unwrap();
        let sealed = key.seal(Bound::Personal(5), b"Ada Lovelace").unwrap();
        assert!(!sealed.windows(3).any(|part| part == b"Ada"));
        let again = vault.open_key(Bound::SubjectKey(1), &sealed_key).unwrap();
        assert_eq!(again.open(Bound::Personal(5), &sealed).unwrap().as_slice(), b"Ada Lovelace");
        assert!(again.open(Bound::Personal(6), &sealed).is_err());
        assert!(vault.open_key(Bound::SubjectKey(2), &sealed_key).is_err());
        let other = vault.make_key(Bound::SubjectKey(1)).unwrap().0;
        assert!(other.open(Bound::Personal(5), &sealed).is_err());
        assert!(Vault::new().open_key(Bound::SubjectKey(1), &sealed_key).is_err());
    }

    #[test]
    fn fingerprints_tell_texts_apart_and_outlive_the_master_key() {
        let (first, second) = (MasterKey::new([7; 32]), MasterKey::new([8; 32]));
        let vault = Vault::new();
        assert_eq!(vault.fingerprint(b"Ada"), vault.fingerprint(b"Ada"));
        assert_ne!(vault.fingerprint(b"Ada"), vault.fingerprint(b"Bob"));
        assert_ne!(vault.fingerprint(b"Ada"), crossdock_rules::attributes::fingerprint("Ada"));
        assert_ne!(vault.fingerprint(b"Ada"), Vault::new().fingerprint(b"Ada"));
        assert_ne!(vault.search_term(b"Ada")[..8], vault.fingerprint(b"Ada"));
        let sealed = vault.sealed(&first).unwrap();
        let moved = SealedVault { key: vault.sealed_key(&second).unwrap(), ..sealed.clone() };
        let opened = Vault::open(&second, &moved).unwrap();
        assert_eq!(opened.fingerprint(b"Ada"), vault.fingerprint(b"Ada"));
        assert_eq!(opened.search_term(b"Ada"), vault.search_term(b"Ada"));
        assert!(matches!(Vault::open(&first, &moved), Err(Error::WrongMasterKey)));
        assert!(Vault::open(&first, &sealed).is_ok());
    }
}
