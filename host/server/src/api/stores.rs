//! The store registry.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::{Extension, Json};
use crossdock_engine::{StoreChanged, StoreRecord, StoreRow, Unlisted, Weekday};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Path, Query};
use super::listing::Moment;
use super::mappings::Done;
use super::problem::Problem;
use super::state::{Caller, State as Shared};
use crate::registry;

/// A store, as the retailer knows it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Store {
    /// The retailer's own id of it.
    id: String,
    /// What people call it.
    name: String,
    /// Its time zone (`Europe/Berlin`).
    zone: String,
    /// Where it is: two letters of ISO 3166-1.
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<String>,
    /// The region it is run in.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// The company that owns it, as the ERP calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    legal_entity: Option<String>,
    /// The warehouse its goods leave from, as the ERP calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    warehouse: Option<String>,
    /// What it trades in: three letters of ISO 4217.
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    /// When it is open, by weekday (`monday`): text for people.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, String>)]
    hours: BTreeMap<Weekday, String>,
    /// What systems call it, by system (`shopify`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    codes: BTreeMap<String, String>,
}

impl From<StoreRecord> for Store {
    fn from(record: StoreRecord) -> Self {
        let StoreRecord { id, name, zone, country, region, legal_entity, warehouse, currency, hours, codes } =
            record;
        Self { id, name, zone, country, region, legal_entity, warehouse, currency, hours, codes }
    }
}

impl From<Store> for StoreRecord {
    fn from(store: Store) -> Self {
        let Store { id, name, zone, country, region, legal_entity, warehouse, currency, hours, codes } =
            store;
        Self { id, name, zone, country, region, legal_entity, warehouse, currency, hours, codes }
    }
}

/// A store with what is known of its record.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StoreShown)]
pub struct Shown {
    #[serde(flatten)]
    store: Store,
    /// The record's version, from 1.
    version: u64,
    /// When it was changed last.
    changed_at: Moment,
    /// Who changed it last.
    changed_by: String,
}

impl From<StoreRow> for Shown {
    fn from(row: StoreRow) -> Self {
        let StoreRow { record, version, at, by } = row;
        Self { store: record.into(), version, changed_at: at.into(), changed_by: by }
    }
}

/// Which stores a listing shows.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only the store that this system calls by `code`.
    system: Option<String>,
    /// What the system calls it.
    code: Option<String>,
    /// Go on after the id that the page before ended with.
    after: Option<String>,
    /// The maximum number of rows, up to 1000; 50 by default.
    limit: Option<u32>,
}

/// A page of stores.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stores {
    /// By id.
    stores: Vec<Shown>,
    /// The value of `after` for the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Lists the stores, or the one that a system calls so.
#[utoipa::path(get, path = "/api/v1/stores", params(Which), tag = "stores",
    responses((status = 200, body = Stores), (status = "4XX", body = Problem)))]
pub async fn list(State(state): State<Shared>, Query(which): Query<Which>) -> Result<Json<Stores>, Problem> {
    let store = state.handle.store();
    let limit = which.limit.unwrap_or(50).clamp(1, 1000);
    let (rows, next) = match (which.system, which.code) {
        (Some(system), Some(code)) => {
            (store.store_of_code(&system, &code).await?.into_iter().collect(), None)
        }
        (None, None) => {
            let rows: Vec<StoreRow> = store.stores(which.after.as_deref(), limit).await?;
            let full = u32::try_from(rows.len()).is_ok_and(|count| count >= limit);
            let next = rows.last().map(|row| row.record.id.clone()).filter(|_| full);
            (rows, next)
        }
        _ => return Err(Problem::bad_request("`system` and `code` go together")),
    };
    Ok(Json(Stores { stores: rows.into_iter().map(Shown::from).collect(), next }))
}

fn unknown(id: &str) -> Problem {
    Problem::not_found(format!("There is no store `{id}`"))
}

/// Shows one store.
#[utoipa::path(get, path = "/api/v1/stores/{id}", tag = "stores",
    params(("id" = String, Path, description = "The store's own id")),
    responses((status = 200, body = Shown), (status = "4XX", body = Problem)))]
pub async fn show(State(state): State<Shared>, Path(id): Path<String>) -> Result<Json<Shown>, Problem> {
    let row = state.handle.store().store_of_id(&id).await?;
    row.map(|row| Json(row.into())).ok_or_else(|| unknown(&id))
}

/// A version of a store.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StoreVersion)]
struct Changed {
    /// The version, from 1.
    version: u64,
    /// When it came to be.
    at: Moment,
    /// Who made it.
    by: String,
    /// The store since. Absent when it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<Store>,
}

impl From<StoreChanged> for Changed {
    fn from(row: StoreChanged) -> Self {
        let StoreChanged { version, at, by, record } = row;
        Self { version, at: at.into(), by, store: record.map(Store::from) }
    }
}

/// The versions of a store.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoreHistory)]
pub struct History {
    /// Newest first.
    versions: Vec<Changed>,
}

/// Lists the versions of a store, newest first; of one that was removed, too.
#[utoipa::path(get, path = "/api/v1/stores/{id}/history", tag = "stores",
    params(("id" = String, Path, description = "The store's own id")),
    responses((status = 200, body = History), (status = "4XX", body = Problem)))]
pub async fn history(State(state): State<Shared>, Path(id): Path<String>) -> Result<Json<History>, Problem> {
    let rows = state.handle.store().store_history(&id).await?;
    if rows.is_empty() {
        return Err(unknown(&id));
    }
    Ok(Json(History { versions: rows.into_iter().map(Changed::from).collect() }))
}

/// Stores to be put and removed, all of them or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PutStores)]
pub struct Put {
    /// Added, or put in the place of what there is of the same id.
    #[serde(default)]
    stores: Vec<Store>,
    /// Removed, by id.
    #[serde(default)]
    remove: Vec<String>,
    /// True to remove every store that is not named.
    #[serde(default)]
    replace: bool,
}

/// Puts and removes stores, all of them or none. What waits for a store goes on.
#[utoipa::path(post, path = "/api/v1/stores", tag = "stores", request_body = Put,
    responses((status = 200, body = Done), (status = "4XX", body = Problem)))]
pub async fn put(
    State(state): State<Shared>,
    Extension(Caller(by)): Extension<Caller>,
    Body(put): Body<Put>,
) -> Result<Json<Done>, Problem> {
    if put.stores.is_empty() && put.remove.is_empty() {
        return Err(Problem::bad_request("There is nothing to put or remove"));
    }
    let stores: Vec<StoreRecord> = put.stores.into_iter().map(StoreRecord::from).collect();
    for store in &stores {
        registry::check(store).map_err(Problem::invalid)?;
    }
    let others = if put.replace { Unlisted::Remove } else { Unlisted::Keep };
    Ok(Json(state.handle.put_stores(stores, put.remove, others, &by).await?.into()))
}
