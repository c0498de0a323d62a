//! The audit log: what operators did.

use axum::Json;
use axum::extract::State;
use crossdock_engine::view::{AuditRow, Page};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::Query;
use super::listing::Moment;
use super::problem::Problem;
use super::state::State as Shared;

/// A page of the audit log.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Continue after this number, with which the previous page ended.
    after: Option<i64>,
    /// The maximum number of rows, up to 1000; 50 by default.
    limit: Option<u32>,
}

/// An operation that an operator carried out.
#[derive(Debug, Serialize, ToSchema)]
struct Act {
    /// Its number.
    id: i64,
    /// When.
    at: Moment,
    /// Who: the name of the token, or `configuration`.
    by: String,
    /// The operation (`connector.pause`).
    action: String,
    /// What it was applied to.
    subject: String,
    /// Details. Empty where there are none.
    detail: String,
}

impl From<AuditRow> for Act {
    fn from(row: AuditRow) -> Self {
        let AuditRow { id, at, by, action, subject, detail } = row;
        Self { id, at: at.into(), by, action, subject, detail }
    }
}

/// A page of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct Acts {
    /// Newest first.
    acts: Vec<Act>,
    /// The value of `after` for the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// Lists what operators did, newest first.
#[utoipa::path(get, path = "/api/v1/audit", params(Paging), tag = "audit",
    responses((status = 200, body = Acts), (status = "4XX", body = Problem)))]
pub async fn list(State(state): State<Shared>, Query(paging): Query<Paging>) -> Result<Json<Acts>, Problem> {
    let page = Page { before: paging.after, limit: paging.limit.unwrap_or(50).min(1000) };
    let rows = state.handle.store().audit(page).await?;
    let next = rows.last().filter(|_| rows.len() == page.limit as usize).map(|row| row.id);
    Ok(Json(Acts { acts: rows.into_iter().map(Act::from).collect(), next }))
}
