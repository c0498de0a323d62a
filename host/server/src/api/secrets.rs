//! Secrets that rest in the host's database: put, list, remove; and the key that they rest under. No value
//! is ever answered.

use axum::extract::State;
use axum::{Extension, Json};
use crossdock_engine::{SecretRow, SecretText};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Body, Path};
use super::listing::Moment;
use super::problem::Problem;
use super::state::{Caller, State as Shared};
use crate::master_key;

/// A secret's value. What is read is never shown.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PutSecret)]
pub struct Put {
    /// The value.
    value: String,
    /// The expected current version; 0: the secret must not exist. Absent: any version is replaced.
    expected: Option<u64>,
}

/// A secret that was stored.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StoredSecret)]
pub struct StoredSecret {
    /// Its name.
    name: String,
    /// Its new version.
    version: u64,
}

/// Sets a secret. A connector that names it as `stored:NAME` uses it within seconds.
#[utoipa::path(put, path = "/api/v1/secrets/{name}", tag = "secrets", request_body = Put,
    params(("name" = String, Path, description = "The secret's name")),
    responses((status = 200, body = StoredSecret), (status = "4XX", body = Problem)))]
pub async fn put(
    State(state): State<Shared>,
    Extension(Caller(by)): Extension<Caller>,
    Path(name): Path<String>,
    Body(Put { value, expected }): Body<Put>,
) -> Result<Json<StoredSecret>, Problem> {
    let value = SecretText::new(value);
    let simple = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    if name.is_empty() || name.len() > 128 || !name.chars().all(simple) {
        return Err(Problem::invalid(
            "A secret's name is made of up to 128 letters, digits, dots, slashes, hyphens and underscores",
        ));
    }
    if value.expose().is_empty() {
        return Err(Problem::invalid("A secret must not be empty; remove it instead"));
    }
    let version = state.handle.put_secret(&name, value, expected, &by).await?;
    Ok(Json(StoredSecret { name, version }))
}

/// A secret in a listing: never its value.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Secret {
    /// What it is called.
    name: String,
    /// Its version; rises with every value.
    version: u64,
    /// When the value was put.
    changed_at: Moment,
    /// Who put it.
    changed_by: String,
}

impl From<SecretRow> for Secret {
    fn from(row: SecretRow) -> Self {
        let SecretRow { name, version, at, by } = row;
        Self { name, version, changed_at: at.into(), changed_by: by }
    }
}

/// All secrets.
#[derive(Debug, Serialize, ToSchema)]
pub struct Secrets {
    /// By name.
    secrets: Vec<Secret>,
}

/// Lists the secrets by name, without their values.
#[utoipa::path(get, path = "/api/v1/secrets", tag = "secrets",
    responses((status = 200, body = Secrets), (status = "4XX", body = Problem)))]
pub async fn list(State(state): State<Shared>) -> Result<Json<Secrets>, Problem> {
    let rows = state.handle.store().secrets().await?;
    Ok(Json(Secrets { secrets: rows.into_iter().map(Secret::from).collect() }))
}

/// What was removed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecretRemoved)]
pub struct Removed {
    /// The secret's name.
    name: String,
}

/// Forgets a secret.
#[utoipa::path(delete, path = "/api/v1/secrets/{name}", tag = "secrets",
    params(("name" = String, Path, description = "The secret's name")),
    responses((status = 200, body = Removed), (status = "4XX", body = Problem)))]
pub async fn remove(
    State(state): State<Shared>,
    Extension(Caller(by)): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json<Removed>, Problem> {
    state.handle.remove_secret(&name, &by).await?;
    Ok(Json(Removed { name }))
}

/// Where the new key is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rekey {
    /// `file:PATH` on the host's machine, made when it is missing, or `env:NAME` of the host's environment.
    to: String,
}

/// The database is sealed under the new key.
#[derive(Debug, Serialize, ToSchema)]
pub struct Rekeyed {
    /// Always true: a change that was refused is a problem document.
    rekeyed: bool,
}

/// Seals the database under another storage key, in one transaction. From then on the database opens
/// with that key alone: `storage.key` in the configuration has to name it before the next start.
#[utoipa::path(post, path = "/api/v1/storage/rekey", tag = "secrets", request_body = Rekey,
    responses((status = 200, body = Rekeyed), (status = "4XX", body = Problem)))]
pub async fn rekey(
    State(state): State<Shared>,
    Extension(Caller(by)): Extension<Caller>,
    Body(Rekey { to }): Body<Rekey>,
) -> Result<Json<Rekeyed>, Problem> {
    match to.split_once(':') {
        Some(("env", _)) => {}
        Some(("file", path)) if std::path::Path::new(path).is_absolute() => {}
        Some(("file", _)) => return Err(Problem::invalid("The path of the key's file has to be absolute")),
        // Whoever holds a token operates the host; they do not get to run programs on its machine.
        Some(("command", _)) => {
            return Err(Problem::invalid(
                "The API runs no commands: stop the host and use `crossdock secret rekey --config`",
            ));
        }
        _ => return Err(Problem::invalid("The key is written `file:PATH` or `env:NAME`, never as itself")),
    }
    let found = tokio::task::spawn_blocking(move || master_key::find(&to)).await;
    let key = found
        .map_err(|error| Problem::internal(error.to_string()))?
        .map_err(|error| Problem::invalid(format!("{error:#}")))?;
    state.handle.rekey(key, &by).await?;
    Ok(Json(Rekeyed { rekeyed: true }))
}
