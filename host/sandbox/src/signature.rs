//! Signatures of plugin files: detached ed25519 signatures over the digest of the whole file.
//!
//! The signature is in a file of its own (`shopify.wasm` and `shopify.wasm.sig`), so that every byte of the plugin
//! is covered and nothing of it is parsed before it is trusted. A signature file has one line per signer. One
//! trusted signer is enough, so that keys can be rotated without interruption.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

/// The beginning of a line of a signature file.
const SCHEME: &str = "crossdock-ed25519";

/// Signed before the digest, so that a signature for another purpose is not valid here.
const CONTEXT: &[u8] = b"crossdock plugin file v1\0";

/// The signature file of a plugin file.
#[must_use]
pub fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

/// A signing key. Debug shows only the public key.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key of 32 random bytes.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// Parses a key in the form of [`SigningKey::to_text`].
    ///
    /// # Errors
    /// When the text is not a key.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| Error::MalformedKey)?);
        let seed: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| Error::MalformedKey)?;
        Ok(Self::from_seed(seed))
    }

    /// The secret key as text, for a file that only its owner can read.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(Zeroizing::new(self.0.to_bytes()).as_slice()))
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {})", self.public())
    }
}

/// A public key. Displays as base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl std::str::FromStr for PublicKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| Error::MalformedKey)?;
        let bytes: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| Error::MalformedKey)?;
        VerifyingKey::from_bytes(bytes).map(Self).map_err(|_| Error::MalformedKey)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0.as_bytes()))
    }
}

/// The keys that the operator trusts, each with its owner's name.
#[derive(Clone, Debug, Default)]
pub struct Keyring(Vec<(String, PublicKey)>);

impl Keyring {
    /// Trusts a key.
    pub fn trust(&mut self, name: impl Into<String>, key: PublicKey) {
        self.0.push((name.into(), key));
    }

    /// Trusts the keys of a text with one key per line: the owner's name and the key in base64. Empty lines and
    /// lines that begin with `#` are ignored.
    ///
    /// # Errors
    /// When a line is malformed.
    pub fn read(&mut self, text: &str) -> Result<(), Error> {
        for (line, content) in text.lines().enumerate() {
            let content = content.trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let key = content.rsplit_once(char::is_whitespace).and_then(|(name, key)| {
                let key: PublicKey = key.parse().ok()?;
                Some((name.trim().to_owned(), key))
            });
            self.0.push(key.ok_or(Error::MalformedKeyring { line: line + 1 })?);
        }
        Ok(())
    }

    /// True when no key is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A file without a trusted signature, or a malformed key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no signature.
    #[error("the plugin is not signed")]
    Unsigned,
    /// None of the signatures is by a trusted key.
    #[error("the plugin is signed, but not by a trusted key")]
    Untrusted,
    /// The signature of a trusted key does not match the file.
    #[error("the plugin was changed after {signer} signed it")]
    Tampered {
        /// The key's owner.
        signer: String,
    },
    /// The signature file is malformed.
    #[error("reading the signature file: line {line} is not `{SCHEME} KEY SIGNATURE`")]
    Malformed {
        /// The line, from 1.
        line: usize,
    },
    /// The text is not a key.
    #[error("the text is not an ed25519 key in base64")]
    MalformedKey,
    /// The text is not a keyring.
    #[error("reading the keyring: line {line} is not a name and a key")]
    MalformedKeyring {
        /// The line, from 1.
        line: usize,
    },
}

fn signed_bytes(file: &[u8]) -> Vec<u8> {
    [CONTEXT, Sha512::digest(file).as_slice()].concat()
}

/// Signs a file. Returns a line for its signature file.
#[must_use]
pub fn sign(file: &[u8], key: &SigningKey) -> String {
    let signature = key.0.sign(&signed_bytes(file));
    format!("{SCHEME} {} {}\n", key.public(), STANDARD.encode(signature.to_bytes()))
}

/// Verifies a file against the contents of its signature file. Returns the trusted signer.
///
/// # Errors
/// When there is none.
pub fn verify(file: &[u8], signatures: Option<&str>, keyring: &Keyring) -> Result<String, Error> {
    let signatures = signatures.filter(|text| !text.trim().is_empty()).ok_or(Error::Unsigned)?;
    let mut tampered = None;
    for (line, content) in signatures.lines().enumerate().filter(|(_, content)| !content.trim().is_empty()) {
        let parse = || {
            let mut parts = content.split_whitespace();
            let (SCHEME, key, signature, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next())
            else {
                return None;
            };
            let key: PublicKey = key.parse().ok()?;
            let signature = Signature::from_slice(&STANDARD.decode(signature).ok()?).ok()?;
            Some((key, signature))
        };
        let (key, signature) = parse().ok_or(Error::Malformed { line: line + 1 })?;
        // The line's key only selects the key in the keyring.
        let Some((signer, trusted)) = keyring.0.iter().find(|(_, trusted)| *trusted == key) else { continue };
        match trusted.0.verify_strict(&signed_bytes(file), &signature) {
            Ok(()) => return Ok(signer.clone()),
            Err(_) => tampered = Some(Error::Tampered { signer: signer.clone() }),
        }
    }
    Err(tampered.unwrap_or(Error::Untrusted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&[seed; 32])
    }

    fn trusting(keys: &[(&str, u8)]) -> Keyring {
        let mut ring = Keyring::default();
        for (name, seed) in keys {
            ring.trust(*name, key(*seed).public());
        }
        ring
    }

    #[test]
    fn one_trusted_signer_is_enough() {
        let signatures = format!("{}{}", sign(b"plugin", &key(1)), sign(b"plugin", &key(2)));
        assert_eq!(verify(b"plugin", Some(&signatures), &trusting(&[("acme", 2)])), Ok("acme".to_owned()));
    }

    #[test]
    fn a_changed_file_is_refused() {
        let signature = sign(b"plugin", &key(1));
        let ring = trusting(&[("acme", 1)]);
        let tampered = Err(Error::Tampered { signer: "acme".to_owned() });
        assert_eq!(verify(b"plugiN", Some(&signature), &ring), tampered);
        // Another key's signature with the trusted key on its line.
        let forged =
            sign(b"plugin", &key(3)).replace(&key(3).public().to_string(), &key(1).public().to_string());
        assert_eq!(verify(b"plugin", Some(&forged), &ring), tampered);
    }

    #[test]
    fn a_file_without_a_trusted_signature_is_refused() {
        let ring = trusting(&[("acme", 1)]);
        assert_eq!(verify(b"plugin", None, &ring), Err(Error::Unsigned));
        assert_eq!(verify(b"plugin", Some(" \n"), &ring), Err(Error::Unsigned));
        assert_eq!(verify(b"plugin", Some(&sign(b"plugin", &key(9))), &ring), Err(Error::Untrusted));
        assert_eq!(verify(b"plugin", Some("x y z"), &ring), Err(Error::Malformed { line: 1 }));
    }

    #[test]
    fn keys_can_be_written_and_parsed() {
        let again = SigningKey::from_text(&key(5).to_text()).unwrap();
        assert_eq!(again.public(), key(5).public());
        let mut ring = Keyring::default();
        ring.read(&format!("# who we trust\n\nAcme Connectors  {}\n", key(5).public())).unwrap();
        assert_eq!(verify(b"p", Some(&sign(b"p", &again)), &ring), Ok("Acme Connectors".to_owned()));
        assert_eq!(ring.read("acme\n"), Err(Error::MalformedKeyring { line: 1 }));
        assert!(!format!("{again:?}").contains(&*again.to_text()));
    }
}
