//! Tokens: who may use the API. The store keeps their hashes; a token itself is shown once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest, Sha256};

use super::problem::Problem;
use super::{Caller, State as Shared};

/// How long a token that was good is believed without asking the store.
const BELIEVED: Duration = Duration::from_secs(5);

/// What the store keeps of a token.
#[must_use]
pub fn hash_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Tokens that were good a moment ago.
#[derive(Debug, Default)]
pub struct TokenCache {
    known: Mutex<HashMap<[u8; 32], (String, Instant)>>,
}

impl TokenCache {
    fn get(&self, hash: &[u8; 32]) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(hash).filter(|(_, at)| at.elapsed() < BELIEVED).map(|(name, _)| name.clone())
    }

    fn put(&self, hash: [u8; 32], name: String) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (_, at)| at.elapsed() < BELIEVED);
        known.insert(hash, (name, Instant::now()));
    }

    /// Forgets a token at once.
    pub fn forget(&self, name: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, (known, _)| known != name);
    }
}

/// Lets a request through whose token the store knows.
pub async fn require_token(
    State(state): State<Shared>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(Problem::token_required)?;
    let hash = hash_of(token);
    let name = match state.tokens.get(&hash) {
        Some(name) => name,
        None => {
            let known = state.handle.store().token(&hash).await?.ok_or_else(Problem::token_required)?;
            state.tokens.put(hash, known.name.clone());
            known.name
        }
    };
    request.extensions_mut().insert(Caller(name));
    Ok(next.run(request).await)
}
