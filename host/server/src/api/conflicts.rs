//! Conflicts: values reported by a system that does not own the attribute.

use axum::Json;
use axum::extract::State;
use crossdock_engine::view;
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::Query;
use super::listing::{Listing, Moment};
use super::problem::Problem;
use super::state::State as Shared;

/// An attribute value reported by a system that does not own the attribute.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Conflict {
    /// Its number.
    id: i64,
    /// The event's number.
    event: i64,
    /// The event's kind.
    kind: String,
    /// The connector that reported it.
    connector: String,
    /// The entity that the event is about.
    entity: String,
    /// The attribute (`stock.available`).
    attribute: String,
    /// The reported value. Absent where that is personal.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// The value that Crossdock last wrote there. Absent when it wrote none, and where the value is personal.
    #[serde(skip_serializing_if = "Option::is_none")]
    written: Option<String>,
    /// True when the event was delivered all the same, since it also changes something that its source owns.
    applied: bool,
    /// When it was recorded.
    at: Moment,
}

impl From<view::Conflict> for Conflict {
    fn from(row: view::Conflict) -> Self {
        Self {
            id: row.id,
            event: row.event,
            kind: row.kind,
            connector: row.connector,
            entity: row.entity,
            attribute: row.attribute,
            value: row.value,
            written: row.written,
            applied: row.applied,
            at: row.at.into(),
        }
    }
}

/// A page of conflicts.
#[derive(Debug, Serialize, ToSchema)]
pub struct Conflicts {
    /// Newest first.
    conflicts: Vec<Conflict>,
    /// The value of `after` for the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// Lists values reported by systems that do not own the attribute, newest first. Such a value is
/// recorded and not applied, unless its event also changes something that the system owns.
#[utoipa::path(get, path = "/api/v1/conflicts", params(Listing), tag = "conflicts",
    responses((status = 200, body = Conflicts), (status = "4XX", body = Problem)))]
pub async fn list(
    State(state): State<Shared>,
    Query(listing): Query<Listing>,
) -> Result<Json<Conflicts>, Problem> {
    let page = listing.page();
    let rows = state.handle.store().conflicts(listing.connector.as_deref(), page).await?;
    let next = rows.last().filter(|_| rows.len() == page.limit as usize).map(|row| row.id);
    Ok(Json(Conflicts { conflicts: rows.into_iter().map(Conflict::from).collect(), next }))
}
