//! Authentication: a request of the API carries a token whose hash the database stores. A token itself is shown once.

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;

use super::problem::Problem;
use super::state::{Caller, State as Shared};
use super::token_cache::hash_of;

/// Accepts requests with a valid token, and records its name as the caller.
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
