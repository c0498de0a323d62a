//! Quarantine: requests that could not be read.

use axum::extract::State;
use axum::{Extension, Json};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use crossdock_engine::view::{Page, Quarantined};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Body, Path, Query};
use super::listing::{Listing, Moment};
use super::problem::Problem;
use super::state::{Caller, State as Shared};

/// A request that could not be read.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Request {
    /// Its number.
    id: i64,
    /// The connector that received it.
    connector: String,
    /// When it arrived.
    received_at: Moment,
    /// Why it cannot be read, for programs.
    code: String,
    /// Why it cannot be read, for a person.
    reason: String,
    /// The field concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

impl From<Quarantined> for Request {
    fn from(row: Quarantined) -> Self {
        Self {
            id: row.id,
            connector: row.connector,
            received_at: row.received_at.into(),
            code: row.problem.code,
            reason: row.problem.message,
            field: row.problem.field,
        }
    }
}

/// A page of requests in quarantine.
#[derive(Debug, Serialize, ToSchema)]
pub struct Requests {
    /// Newest first.
    requests: Vec<Request>,
    /// The value of `after` for the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// Lists the requests that could not be read, newest first.
#[utoipa::path(get, path = "/api/v1/quarantine", params(Listing), tag = "quarantine",
    responses((status = 200, body = Requests), (status = "4XX", body = Problem)))]
pub async fn list(
    State(state): State<Shared>,
    Query(listing): Query<Listing>,
) -> Result<Json<Requests>, Problem> {
    let page = listing.page();
    let rows = state.handle.store().quarantined(listing.connector.as_deref(), page).await?;
    let next = rows.last().filter(|_| rows.len() == page.limit as usize).map(|row| row.id);
    Ok(Json(Requests { requests: rows.into_iter().map(Request::from).collect(), next }))
}

/// A request in quarantine, as it arrived.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Arrived {
    #[serde(flatten)]
    request: Request,
    /// The name of the file it was. Absent for requests that came by HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// Its headers, without those that authenticate. Absent, like the body, after their retention.
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<Vec<Header>>,
    /// The body, if it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// The body in base64, if it is not text.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

/// A header of a request.
#[derive(Debug, Serialize, ToSchema)]
pub struct Header {
    /// Its name in lower case.
    name: String,
    /// Its value.
    value: String,
}

/// Shows a request in quarantine as it arrived, with the reason. What is shown may be personal data.
#[utoipa::path(get, path = "/api/v1/quarantine/{request}", tag = "quarantine",
    params(("request" = i64, Path, description = "The request's number")),
    responses((status = 200, body = Arrived), (status = "4XX", body = Problem)))]
pub async fn show(State(state): State<Shared>, Path(request): Path<i64>) -> Result<Json<Arrived>, Problem> {
    let store = state.handle.store();
    let page = Page { before: request.checked_add(1), limit: 1 };
    let row = store.quarantined(None, page).await?.pop().filter(|row| row.id == request);
    let row =
        row.ok_or_else(|| Problem::not_found(format!("There is no request {request} in quarantine")))?;
    let stored = store.inbound(request).await?.and_then(|inbound| inbound.request);
    let mut arrived =
        Arrived { request: row.into(), file: None, headers: None, body: None, body_base64: None };
    if let Some(stored) = stored {
        arrived.file = stored.file;
        arrived.headers =
            Some(stored.headers.into_iter().map(|(name, value)| Header { name, value }).collect());
        match String::from_utf8(stored.body) {
            Ok(text) => arrived.body = Some(text),
            Err(bytes) => arrived.body_base64 = Some(STANDARD.encode(bytes.as_bytes())),
        }
    }
    Ok(Json(arrived))
}

/// What to read again: one request, or all of a connector.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Reread {
    /// One request, by its number.
    request: Option<i64>,
    /// All requests of this connector.
    connector: Option<String>,
}

/// Which requests are read again.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reading {
    /// How many requests.
    requests: u64,
}

/// Reads requests in quarantine again, for instance after a new version of a plugin.
#[utoipa::path(post, path = "/api/v1/quarantine/reread", tag = "quarantine", request_body = Reread,
    responses((status = 200, body = Reading), (status = "4XX", body = Problem)))]
pub async fn reread(
    State(state): State<Shared>,
    Extension(Caller(by)): Extension<Caller>,
    Body(reread): Body<Reread>,
) -> Result<Json<Reading>, Problem> {
    let chosen = match reread {
        Reread { request: Some(request), .. } => vec![request],
        Reread { connector: Some(connector), .. } => {
            // Listed whole before the first is read: what fails again must not be met again.
            let mut all = Vec::new();
            let mut page = Page { before: None, limit: 500 };
            loop {
                let rows = state.handle.store().quarantined(Some(&connector), page).await?;
                let Some(last) = rows.last() else { break all };
                page.before = Some(last.id);
                all.extend(rows.into_iter().map(|row| row.id));
            }
        }
        Reread { .. } => {
            return Err(Problem::bad_request("Name what to read again: a request or a connector"));
        }
    };
    for request in &chosen {
        state.handle.reread(*request, &by).await?;
    }
    Ok(Json(Reading { requests: chosen.len() as u64 }))
}
