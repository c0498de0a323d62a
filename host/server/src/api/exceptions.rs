//! Exceptions: deliveries that a person must decide.

use axum::extract::State;
use axum::{Extension, Json};
use crossdock_engine::Error as StoreError;
use crossdock_engine::view::{DeliveryDetail, Page};
use crossdock_flow::OperationError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::extract::{Body, Path, Query};
use super::listing::{Listing, Moment};
use super::problem::Problem;
use super::state::{Caller, State as Shared};

/// One delivery that a person must decide.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Exception {
    /// The delivery's number, which identifies the exception.
    delivery: i64,
    /// The event's number.
    event: i64,
    /// The connector.
    connector: String,
    /// The event's kind.
    kind: String,
    /// The entity that the event is about.
    entity: String,
    /// The idempotency key.
    key: String,
    /// When the exception was raised.
    since: Moment,
    /// The code of the problem, for programs.
    code: String,
    /// The problem, for a person.
    reason: String,
    /// The field concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The number of attempts.
    attempts: u32,
}

impl From<DeliveryDetail> for Exception {
    fn from(detail: DeliveryDetail) -> Self {
        let reason = detail.row.reason;
        Self {
            delivery: detail.row.id,
            event: detail.row.event,
            connector: detail.row.connector,
            kind: detail.kind,
            entity: detail.entity,
            key: detail.key,
            since: detail.row.since.into(),
            code: reason.as_ref().map(|problem| problem.code.clone()).unwrap_or_default(),
            field: reason.as_ref().and_then(|problem| problem.field.clone()),
            reason: reason.map(|problem| problem.message).unwrap_or_default(),
            attempts: detail.row.attempts,
        }
    }
}

/// A page of exceptions.
#[derive(Debug, Serialize, ToSchema)]
pub struct Exceptions {
    /// Newest first.
    exceptions: Vec<Exception>,
    /// How many there are in all.
    total: u64,
    /// The value of `after` for the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// Lists the deliveries that a person must decide, newest first.
#[utoipa::path(get, path = "/api/v1/exceptions", params(Listing), tag = "exceptions",
    responses((status = 200, body = Exceptions), (status = "4XX", body = Problem)))]
pub async fn list(
    State(state): State<Shared>,
    Query(listing): Query<Listing>,
) -> Result<Json<Exceptions>, Problem> {
    let page = listing.page();
    let store = state.handle.store();
    let rows = store.exceptions(listing.connector.as_deref(), page).await?;
    let counts = store.counts().await?;
    let meant = counts.iter().filter(|c| listing.connector.as_ref().is_none_or(|name| *name == c.connector));
    let total = meant.map(|counts| counts.exception).sum();
    let next = rows.last().filter(|_| rows.len() == page.limit as usize).map(|detail| detail.row.id);
    Ok(Json(Exceptions { exceptions: rows.into_iter().map(Exception::from).collect(), total, next }))
}

/// Shows one exception with all its attempts.
#[utoipa::path(get, path = "/api/v1/exceptions/{delivery}", tag = "exceptions",
    params(("delivery" = i64, Path, description = "The exception's number")),
    responses((status = 200, body = Object), (status = "4XX", body = Problem)))]
pub async fn show(State(state): State<Shared>, Path(delivery): Path<i64>) -> Result<Json<Value>, Problem> {
    let detail = state.handle.store().delivery(delivery).await?;
    let detail = detail.filter(|detail| detail.row.state == "exception");
    let detail = detail.ok_or_else(|| Problem::not_found(format!("There is no exception {delivery}")))?;
    serde_json::to_value(detail).map(Json).map_err(|error| Problem::internal(error.to_string()))
}

/// What was retried.
#[derive(Debug, Serialize, ToSchema)]
pub struct Retried {
    /// How many exceptions are tried again.
    retried: u64,
}

/// Retries one exception.
#[utoipa::path(post, path = "/api/v1/exceptions/{delivery}/retry", tag = "exceptions",
    params(("delivery" = i64, Path, description = "The exception's number")),
    responses((status = 200, body = Retried), (status = "4XX", body = Problem)))]
pub async fn retry(
    State(state): State<Shared>,
    Extension(Caller(by)): Extension<Caller>,
    Path(delivery): Path<i64>,
) -> Result<Json<Retried>, Problem> {
    let tally = state.handle.retry(delivery, &by).await?;
    Ok(Json(Retried { retried: tally.count }))
}

/// Which exceptions to retry.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryMany {
    /// All with this code (`unknown-sku`).
    code: String,
}

/// Retries all exceptions with one code, for instance after a repair.
#[utoipa::path(post, path = "/api/v1/exceptions/retry", tag = "exceptions", request_body = RetryMany,
    responses((status = 200, body = Retried), (status = "4XX", body = Problem)))]
pub async fn retry_many(
    State(state): State<Shared>,
    Extension(Caller(by)): Extension<Caller>,
    Body(many): Body<RetryMany>,
) -> Result<Json<Retried>, Problem> {
    let mut retried = 0u64;
    let mut page = Page { before: None, limit: 500 };
    loop {
        let rows = state.handle.store().exceptions(None, page).await?;
        let Some(last) = rows.last() else { break };
        page.before = Some(last.row.id);
        for detail in rows {
            if detail.row.reason.as_ref().is_some_and(|problem| problem.code == many.code) {
                match state.handle.retry(detail.row.id, &by).await {
                    Ok(tally) => retried = retried.saturating_add(tally.count),
                    // It was decided or retried by somebody else in the meantime.
                    Err(OperationError::Store(
                        StoreError::WrongState { .. } | StoreError::Unknown { .. },
                    )) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
    Ok(Json(Retried { retried }))
}

/// Why an exception is discarded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Discard {
    /// The reason, for the audit log.
    reason: String,
}

/// What was discarded.
#[derive(Debug, Serialize, ToSchema)]
pub struct Discarded {
    /// How many exceptions.
    discarded: u64,
}

/// Discards an exception: it is never sent, and the deliveries behind it continue.
#[utoipa::path(post, path = "/api/v1/exceptions/{delivery}/discard", tag = "exceptions", request_body = Discard,
    params(("delivery" = i64, Path, description = "The exception's number")),
    responses((status = 200, body = Discarded), (status = "4XX", body = Problem)))]
pub async fn discard(
    State(state): State<Shared>,
    Extension(Caller(by)): Extension<Caller>,
    Path(delivery): Path<i64>,
    Body(discard): Body<Discard>,
) -> Result<Json<Discarded>, Problem> {
    let tally = state.handle.discard(delivery, &discard.reason, &by).await?;
    Ok(Json(Discarded { discarded: tally.count }))
}
