//! Tokens: create, list, revoke.

use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Body, Path};
use super::listing::Moment;
use super::problem::Problem;
use super::state::{Caller, State as Shared};
use super::token_cache::hash_of;

/// A new token: 256 bits from the operating system's generator.
#[must_use]
pub fn new_token() -> String {
    use rand::RngCore;
    let mut bytes = [0u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    format!("cdk_{}", hex::encode(bytes))
}

/// What a token is for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Create {
    /// Whom or what.
    name: String,
}

/// A token that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct Created {
    /// What it is called.
    name: String,
    /// The token: shown here and never again.
    token: String,
}

/// Makes a token.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", request_body = Create,
    responses((status = 200, body = Created), (status = "4XX", body = Problem)))]
pub async fn create(
    State(state): State<Shared>,
    Extension(Caller(by)): Extension<Caller>,
    Body(Create { name }): Body<Create>,
) -> Result<Json<Created>, Problem> {
    if name.trim().is_empty() {
        return Err(Problem::bad_request("A token needs a name"));
    }
    let known = state.handle.store().tokens().await?;
    if known.iter().any(|token| token.name == name) {
        return Err(Problem::conflict(format!("There is a token `{name}` already")));
    }
    let token = new_token();
    state.handle.put_token(&name, hash_of(&token), &by).await?;
    Ok(Json(Created { name, token }))
}

/// A token in a listing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Token {
    /// What it is called.
    name: String,
    /// When it was made.
    created_at: Moment,
}

/// All tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tokens {
    /// By name.
    tokens: Vec<Token>,
}

/// Lists the tokens by name.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens",
    responses((status = 200, body = Tokens), (status = "4XX", body = Problem)))]
pub async fn list(State(state): State<Shared>) -> Result<Json<Tokens>, Problem> {
    let tokens = state.handle.store().tokens().await?;
    let tokens =
        tokens.into_iter().map(|token| Token { name: token.name, created_at: token.created_at.into() });
    Ok(Json(Tokens { tokens: tokens.collect() }))
}

/// What was revoked.
#[derive(Debug, Serialize, ToSchema)]
pub struct Revoked {
    /// The token's name.
    name: String,
}

/// Makes a token worthless, at once.
#[utoipa::path(delete, path = "/api/v1/tokens/{name}", tag = "tokens",
    params(("name" = String, Path, description = "The token's name")),
    responses((status = 200, body = Revoked), (status = "4XX", body = Problem)))]
pub async fn revoke(
    State(state): State<Shared>,
    Extension(Caller(by)): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json<Revoked>, Problem> {
    state.handle.revoke_token(&name, &by).await?;
    state.tokens.forget(&name);
    Ok(Json(Revoked { name }))
}
