//! The audit: what operators did.

use axum::Json;
use axum::extract::State;
use crossdock_engine::view::{AuditRow, Page};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::Query;
use super::listing::Moment;
use super::problem::Problem;
use super::state::State as Shared;

/// A page of the audit.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Go on after the number that the page before ended with.
    after: Option<i64>,
    /// How many at most, up to 1000; 50 when not given.
    limit: Option<u32>,
}

/// An act of an operator.
#[derive(Debug, Serialize, ToSchema)]
struct Act {
    /// Its number.
    id: i64,
    /// When.
    at: Moment,
    /// Who: the name of the token, or `configuration`.
    by: String,
    /// Did what (`connector.pause`).
    action: String,
    /// To what.
    subject: String,
    /// In detail. Empty where there is nothing to add.
    detail: String,
}

impl From<AuditRow> for Act {
    fn from(row: AuditRow) -> Self {
        let AuditRow { id, at, by, action, subject, detail } = row;
        Self { id, at: at.into(), by, action, subject, detail }
    }
}

/// A page of acts.
#[derive(Debug, Serialize, ToSchema)]
pub struct Acts {
    /// Newest first.
    acts: Vec<Act>,
    /// What `after` has to be for the next page. Absent on the last one.
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
