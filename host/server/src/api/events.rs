//! Events: list, show, replay.

use axum::extract::State;
use axum::{Extension, Json};
use crossdock_engine::Filter;
use crossdock_engine::view::{DeliveryRow, EventFilter, EventRow, Page};
use crossdock_model::time::Millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;
use super::{Body, Caller, Moment, Path, Query, State as Shared};

/// Which events a request is about.
#[derive(Clone, Debug, Default, Deserialize, IntoParams, ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct Choice {
    /// Only this kind (`order.placed`).
    kind: Option<String>,
    /// Only of this entity or of this order: an id (`1001`) or a whole identity.
    entity: Option<String>,
    /// Only owed to this connector.
    connector: Option<String>,
    /// Only with a delivery in this state.
    state: Option<String>,
    /// Only recorded at this moment or later.
    since: Option<String>,
    /// Only with this order number (`#1001`), store, SKU, total (`129.90`), or reference in a connected system.
    term: Option<String>,
    /// Only of the person with this e-mail address, telephone number or name.
    customer: Option<String>,
    /// Go on after the number that the page before ended with.
    after: Option<i64>,
    /// How many at most, up to 1000; 50 when not given.
    limit: Option<u32>,
}

impl Choice {
    fn filter(&self) -> Result<EventFilter, Problem> {
        let from = match &self.since {
            Some(text) => Some(Millis(
                crossdock_model::time::micros(text)
                    .map_err(|error| Problem::bad_request(error.to_string()))?
                    .div_euclid(1000),
            )),
            None => None,
        };
        let whole = self.entity.as_ref().filter(|entity| entity.contains('/')).cloned();
        let id = self.entity.as_ref().filter(|entity| !entity.contains('/')).cloned();
        let filter = Filter {
            connector: self.connector.clone(),
            kind: self.kind.clone(),
            root: whole,
            from,
            state: self.state.clone(),
            ..Filter::default()
        };
        Ok(EventFilter { filter, id, term: self.term.clone(), customer: self.customer.clone() })
    }

    fn page(&self) -> Page {
        Page { before: self.after, limit: self.limit.unwrap_or(50).min(1000) }
    }
}

/// One event in a listing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Event {
    /// Its number.
    id: i64,
    /// Its idempotency key.
    key: String,
    /// Its kind.
    kind: String,
    /// What it happened to.
    entity: String,
    /// When it happened, by the source's clock.
    occurred_at: String,
    /// When the host recorded it.
    recorded_at: Moment,
    /// The request it was read from. Absent when it was polled.
    #[serde(skip_serializing_if = "Option::is_none")]
    inbound: Option<i64>,
    /// The trace of everything that belongs to the same order.
    trace: String,
    /// The deliveries in short: `erp posted, wms ready`.
    owed: String,
    /// The deliveries.
    #[schema(value_type = Vec<Object>)]
    deliveries: Vec<DeliveryRow>,
}

impl From<EventRow> for Event {
    fn from(row: EventRow) -> Self {
        let owed: Vec<String> = row
            .deliveries
            .iter()
            .map(|d| format!("{} {}", d.connector, d.ending.as_deref().unwrap_or(&d.state)))
            .collect();
        Self {
            id: row.id,
            key: row.key,
            kind: row.kind,
            entity: row.entity,
            occurred_at: row.occurred_at,
            recorded_at: row.recorded_at.into(),
            inbound: row.inbound,
            trace: row.trace,
            owed: owed.join(", "),
            deliveries: row.deliveries,
        }
    }
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub struct Events {
    /// Newest first.
    events: Vec<Event>,
    /// What `after` has to be for the next page. Absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// Lists what happened, newest first.
#[utoipa::path(get, path = "/api/v1/events", params(Choice), tag = "events",
    responses((status = 200, body = Events), (status = "4XX", body = Problem)))]
pub async fn list(
    State(state): State<Shared>,
    Query(choice): Query<Choice>,
) -> Result<Json<Events>, Problem> {
    let page = choice.page();
    let rows = state.handle.store().events(&choice.filter()?, page).await?;
    let next = rows.last().filter(|_| rows.len() == page.limit as usize).map(|row| row.id);
    Ok(Json(Events { events: rows.into_iter().map(Event::from).collect(), next }))
}

/// Shows one event with its deliveries, attempts and references.
#[utoipa::path(get, path = "/api/v1/events/{event}", tag = "events",
    params(("event" = String, Path, description = "The event's number, or its key, percent-encoded")),
    responses((status = 200, body = Object), (status = "4XX", body = Problem)))]
pub async fn show(State(state): State<Shared>, Path(event): Path<String>) -> Result<Json<Value>, Problem> {
    let missing = || Problem::not_found(format!("There is no event `{event}`"));
    let id = match event.parse() {
        Ok(id) => id,
        Err(_) => state.handle.store().event_of_key(&event).await?.ok_or_else(missing)?,
    };
    let detail = state.handle.store().event(id).await?.ok_or_else(missing)?;
    serde_json::to_value(detail).map(Json).map_err(|error| Problem::internal(error.to_string()))
}

/// What to send again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Replay {
    /// One event, by its number.
    event: Option<i64>,
    /// All of this kind.
    kind: Option<String>,
    /// All of this entity's order: its whole identity.
    entity: Option<String>,
    /// All owed to this connector.
    connector: Option<String>,
    /// All recorded at this moment or later.
    since: Option<String>,
    /// Only what is in this state: `settled`, which needs not be said, or `exception`, to try those again.
    state: Option<String>,
    /// So many at most, those of the oldest events first.
    limit: Option<u32>,
    /// True to count only.
    dry_run: bool,
    /// Post again on purpose, under a key of its own. The same number twice does nothing.
    generation: Option<u32>,
}

/// What is sent again, or would be.
#[derive(Debug, Serialize, ToSchema)]
pub struct Replayed {
    /// How many deliveries.
    deliveries: u64,
    /// How many the filter meant but the rules leave alone: open ones, stale ones.
    skipped: u64,
    /// Of these, how many cannot be sent again because their content has left with its retention.
    pruned: u64,
}

/// Sends events again. The key stays the same, so a target that has one says so, unless a generation is
/// given.
#[utoipa::path(post, path = "/api/v1/events/replay", tag = "events", request_body = Replay,
    responses((status = 200, body = Replayed), (status = "4XX", body = Problem)))]
pub async fn replay(
    State(state): State<Shared>,
    Extension(Caller(by)): Extension<Caller>,
    Body(replay): Body<Replay>,
) -> Result<Json<Replayed>, Problem> {
    let choice = Choice {
        kind: replay.kind,
        entity: replay.entity,
        connector: replay.connector,
        since: replay.since,
        state: replay.state,
        ..Choice::default()
    };
    let EventFilter { filter, id, .. } = choice.filter()?;
    if id.is_some() {
        return Err(Problem::bad_request(
            "`entity` has to be a whole identity here, so that nothing else is meant",
        ));
    }
    let filter = Filter { event: replay.event, ..filter };
    if filter == (Filter { state: filter.state.clone(), ..Filter::default() }) {
        return Err(Problem::bad_request(
            "Say what to send again: an event, a kind, an entity, a connector or a time",
        ));
    }
    let filter = Filter { limit: replay.limit, ..filter };
    if replay.dry_run {
        let preview = state.handle.store().preview(&filter, replay.generation).await?;
        let pruned = preview.pruned;
        return Ok(Json(Replayed { deliveries: preview.count, skipped: preview.skipped, pruned }));
    }
    let moved = state.handle.replay(filter, replay.generation, &by).await?;
    Ok(Json(Replayed { deliveries: moved.count, skipped: moved.skipped, pruned: moved.pruned }))
}
