//! Mappings of values to their names in connectors' systems: the tables, their history, and the values without a
//! mapping.

use axum::extract::State;
use axum::{Extension, Json};
use crossdock_engine::view::Page;
use crossdock_engine::{MappingChange, MappingChanged, MappingFilter, MappingRow, Missing, Stored, Unlisted};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Query};
use super::listing::Moment;
use super::problem::Problem;
use super::state::{Caller, State as Shared};

/// Which mappings a listing shows.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only rows of this connector; `*` for those of every connector.
    connector: Option<String>,
    /// Only rows of this table.
    table: Option<String>,
    /// Only of this value.
    value: Option<String>,
    /// Continue after this position, with which the previous page ended.
    after: Option<String>,
    /// The maximum number of rows, up to 1000; 50 by default.
    limit: Option<u32>,
}

/// A mapping.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Mapping {
    /// The connector; `*` stands for every connector that has no mapping of its own for the value.
    connector: String,
    /// The table.
    table: String,
    /// The value.
    value: String,
    /// Its name in the connector's system.
    target: String,
    /// When it was set.
    changed_at: Moment,
    /// Who set it.
    changed_by: String,
}

impl From<MappingRow> for Mapping {
    fn from(row: MappingRow) -> Self {
        let MappingRow { connector, table, value, target, at, by } = row;
        Self { connector, table, value, target, changed_at: at.into(), changed_by: by }
    }
}

/// A page of mappings.
#[derive(Debug, Serialize, ToSchema)]
pub struct Mappings {
    /// In the order of connector, table and value.
    mappings: Vec<Mapping>,
    /// The value of `after` for the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The position at which a page ended, as an opaque text.
fn place(name: &(String, String, String)) -> Option<String> {
    serde_json::to_vec(name).ok().map(hex::encode)
}

fn placed(text: &str) -> Option<(String, String, String)> {
    serde_json::from_slice(&hex::decode(text).ok()?).ok()
}

/// Lists mappings.
#[utoipa::path(get, path = "/api/v1/mappings", params(Which), tag = "mappings",
    responses((status = 200, body = Mappings), (status = "4XX", body = Problem)))]
pub async fn list(
    State(state): State<Shared>,
    Query(which): Query<Which>,
) -> Result<Json<Mappings>, Problem> {
    let Which { connector, table, value, after, limit } = which;
    let after = match after {
        None => None,
        Some(text) => Some(
            placed(&text)
                .ok_or_else(|| Problem::bad_request("`after` is not a position that a page ended with"))?,
        ),
    };
    let limit = limit.unwrap_or(50).clamp(1, 1000);
    let rows =
        state.handle.store().mappings(&MappingFilter { connector, table, value, after, limit }).await?;
    let full = u32::try_from(rows.len()).is_ok_and(|count| count >= limit);
    let last = rows.last().map(|row| (row.connector.clone(), row.table.clone(), row.value.clone()));
    let next = last.filter(|_| full).as_ref().and_then(place);
    Ok(Json(Mappings { mappings: rows.into_iter().map(Mapping::from).collect(), next }))
}

/// One mapping to be set or removed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = MappingChange)]
struct Change {
    /// The connector; `*` stands for every connector that has no mapping of its own for the value.
    connector: String,
    /// The table, without a slash.
    table: String,
    /// The value.
    value: String,
    /// Its name in the connector's system. Absent: the value is removed.
    target: Option<String>,
}

/// Mappings to be set and removed, all of them or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PutMappings)]
pub struct Put {
    /// Each value once.
    changes: Vec<Change>,
    /// True to remove every other value of the tables that are named.
    #[serde(default)]
    replace: bool,
}

/// What was changed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TablesChanged)]
pub struct Done {
    /// How many were added or changed.
    changed: u64,
    /// How many were unchanged.
    unchanged: u64,
    /// How many were removed.
    removed: u64,
    /// How many deliveries waited for one of them and were released.
    released: u64,
}

impl From<Stored> for Done {
    fn from(stored: Stored) -> Self {
        let Stored { changed, unchanged, removed, released, .. } = stored;
        Self { changed, unchanged, removed, released }
    }
}

/// Sets and removes mappings, all of them or none. Deliveries that wait for a value continue.
#[utoipa::path(post, path = "/api/v1/mappings", tag = "mappings", request_body = Put,
    responses((status = 200, body = Done), (status = "4XX", body = Problem)))]
pub async fn put(
    State(state): State<Shared>,
    Extension(Caller(by)): Extension<Caller>,
    Body(put): Body<Put>,
) -> Result<Json<Done>, Problem> {
    if put.changes.is_empty() {
        return Err(Problem::bad_request("There is nothing to set or remove"));
    }
    let changes = put.changes.into_iter().map(|change| {
        let Change { connector, table, value, target } = change;
        MappingChange { connector, table, value, target }
    });
    let others = if put.replace { Unlisted::Remove } else { Unlisted::Keep };
    Ok(Json(state.handle.put_mappings(changes.collect(), others, &by).await?.into()))
}

/// Which changes a listing shows.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichChanges {
    /// Only rows of this connector; `*` for those of every connector.
    connector: Option<String>,
    /// Only rows of this table.
    table: Option<String>,
    /// Continue after this number, with which the previous page ended.
    after: Option<i64>,
    /// The maximum number of rows, up to 1000; 50 by default.
    limit: Option<u32>,
}

/// A change that was made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MappingChanged)]
struct Changed {
    /// Its number, rising.
    id: i64,
    /// The connector.
    connector: String,
    /// The table.
    table: String,
    /// The version of the table that it belongs to, from 1.
    version: u64,
    /// When.
    at: Moment,
    /// Who.
    by: String,
    /// The value.
    value: String,
    /// Its name before. Absent when it was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<String>,
    /// Its name since. Absent when it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<String>,
}

impl From<MappingChanged> for Changed {
    fn from(row: MappingChanged) -> Self {
        let MappingChanged { id, connector, table, version, at, by, value, old, new } = row;
        Self { id, connector, table, version, at: at.into(), by, value, old, new }
    }
}

/// A page of changes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MappingHistory)]
pub struct History {
    /// Newest first.
    changes: Vec<Changed>,
    /// The value of `after` for the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// Lists all changes of mappings, newest first.
#[utoipa::path(get, path = "/api/v1/mappings/history", params(WhichChanges), tag = "mappings",
    responses((status = 200, body = History), (status = "4XX", body = Problem)))]
pub async fn history(
    State(state): State<Shared>,
    Query(which): Query<WhichChanges>,
) -> Result<Json<History>, Problem> {
    let limit = which.limit.unwrap_or(50).clamp(1, 1000);
    let page = Page { before: which.after, limit };
    let rows = state
        .handle
        .store()
        .mapping_history(which.connector.as_deref(), which.table.as_deref(), page)
        .await?;
    let full = u32::try_from(rows.len()).is_ok_and(|count| count >= limit);
    let next = rows.last().map(|row| row.id).filter(|_| full);
    Ok(Json(History { changes: rows.into_iter().map(Changed::from).collect(), next }))
}

/// A value without a mapping.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MissingMapping)]
struct Lacking {
    /// The connector whose table lacks it.
    connector: String,
    /// The table.
    table: String,
    /// The value.
    value: String,
    /// How many deliveries wait for it.
    waiting: u64,
    /// Since when the first of them waits.
    since: Moment,
    /// The first thousand of them, oldest first.
    deliveries: Vec<i64>,
}

impl From<Missing> for Lacking {
    fn from(row: Missing) -> Self {
        let Missing { connector, table, value, waiting, since, deliveries } = row;
        Self { connector, table, value, waiting, since: since.into(), deliveries }
    }
}

/// All values without a mapping.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MissingMappings)]
pub struct AllMissing {
    /// In the order of connector, table and value.
    missing: Vec<Lacking>,
}

/// Lists the values without a mapping, with the deliveries that wait for each.
#[utoipa::path(get, path = "/api/v1/mappings/missing", tag = "mappings",
    responses((status = 200, body = AllMissing), (status = "4XX", body = Problem)))]
pub async fn missing(State(state): State<Shared>) -> Result<Json<AllMissing>, Problem> {
    let rows = state.handle.store().unmapped().await?;
    Ok(Json(AllMissing { missing: rows.into_iter().map(Lacking::from).collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_again() {
        let name = ("erp".to_owned(), "sku".to_owned(), "A/1 \"ü\"".to_owned());
        assert_eq!(placed(&place(&name).unwrap()), Some(name));
        assert_eq!(placed("nonsense"), None);
    }
}
