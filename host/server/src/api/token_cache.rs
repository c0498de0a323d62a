//! The hash that a token is stored by, and the tokens that were valid a moment ago.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

/// How long a valid token is accepted without asking the database again.
const MAX_AGE: Duration = Duration::from_secs(5);

/// The hash that the database stores of a token.
#[must_use]
pub fn hash_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Tokens that were valid a moment ago.
#[derive(Debug, Default)]
pub struct TokenCache {
    known: Mutex<HashMap<[u8; 32], (String, Instant)>>,
}

impl TokenCache {
    pub(super) fn get(&self, hash: &[u8; 32]) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(hash).filter(|(_, at)| at.elapsed() < MAX_AGE).map(|(name, _)| name.clone())
    }

    pub(super) fn put(&self, hash: [u8; 32], name: String) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (_, at)| at.elapsed() < MAX_AGE);
        known.insert(hash, (name, Instant::now()));
    }

    /// Removes a token at once, when it is revoked.
    pub fn forget(&self, name: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, (known, _)| known != name);
    }
}
