//! Events: list, show, replay.

use axum::extract::State;
use axum::{Extension, Json};
use crossdock_engine::Filter;
use crossdock_engine::view::{DeliveryRow, EventFilter, EventRow, Page};
use crossdock_model::time::Millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Path, Query};
use super::listing::Moment;
use super::problem::Problem;
use super::state::{Caller, State as Shared};

/// Which events a request is about.
#[derive(Clone, Debug, Default, Deserialize, IntoParams, ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct Choice {
    /// Only this kind (`order.placed`).
    kind: Option<String>,
    /// Only events of this entity or of this order: an id (`1001`) or a full identity.
    entity: Option<String>,
    /// Only events with a delivery to this connector.
    connector: Option<String>,
    /// Only with a delivery in this state.
    state: Option<String>,
    /// Only recorded at this moment or later.
    since: Option<String>,
    /// Only with this order number (`#1001`), store, SKU, total (`129.90`), or reference in a connected system.
    term: Option<String>,
    /// Only of the person with this e-mail address, telephone number or name.
    customer: Option<String>,
    /// Continue after this number, with which the previous page ended.
    after: Option<i64>,
    /// The maximum number of rows, up to 1000; 50 by default.
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
    /// The entity that it is about.
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
    delivery_summary: String,
    /// The deliveries.
    #[schema(value_type = Vec<Object>)]
    deliveries: Vec<DeliveryRow>,
}

impl From<EventRow> for Event {
    fn from(row: EventRow) -> Self {
        let summary: Vec<String> = row
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
            delivery_summary: summary.join(", "),
            deliveries: row.deliveries,
        }
    }
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub struct Events {
    /// Newest first.
    events: Vec<Event>,
    /// The value of `after` for the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// Lists events, newest first.
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

/// Which deliveries to send again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Replay {
    /// One event, by its number.
    event: Option<i64>,
    /// All of this kind.
    kind: Option<String>,
    /// All events of this order, by its full identity.
    entity: Option<String>,
    /// All deliveries to this connector.
    connector: Option<String>,
    /// All recorded at this moment or later.
    since: Option<String>,
    /// Only deliveries in this state: `settled` (the default), or `exception` to retry those.
    state: Option<String>,
    /// The maximum number of deliveries, those of the oldest events first.
    limit: Option<u32>,
    /// True to count only.
    dry_run: bool,
    /// Post again on purpose, under a key of its own. A generation that was used before has no effect.
    generation: Option<u32>,
}

/// What is sent again, or would be sent again.
#[derive(Debug, Serialize, ToSchema)]
pub struct Replayed {
    /// How many deliveries.
    deliveries: u64,
    /// How many match the filter and are not sent again by the rules: open ones and stale ones.
    skipped: u64,
    /// Of these, how many cannot be sent again because their content was deleted after its retention.
    pruned: u64,
}

/// Sends events again. Unless a generation is given the key stays the same, so a target recognises what it has
/// already.
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
            "`entity` has to be a full identity here (`shopify/acme.myshopify.com/order/1001`), so that no other entity matches",
        ));
    }
    let filter = Filter { event: replay.event, ..filter };
    if filter == (Filter { state: filter.state.clone(), ..Filter::default() }) {
        return Err(Problem::bad_request(
            "Name what to send again: an event, a kind, an entity, a connector or a time",
        ));
    }
    let filter = Filter { limit: replay.limit, ..filter };
    if replay.dry_run {
        let preview = state.handle.store().preview(&filter, replay.generation).await?;
        let (deliveries, skipped, pruned) = (preview.count, preview.skipped, preview.pruned);
        return replayed(&state, replay.event, Replayed { deliveries, skipped, pruned }).await;
    }
    let tally = state.handle.replay(filter, replay.generation, &by).await?;
    let (deliveries, skipped, pruned) = (tally.count, tally.skipped, tally.pruned);
    replayed(&state, replay.event, Replayed { deliveries, skipped, pruned }).await
}

/// The answer of a replay. An event that has left with its order has no deliveries: it counts as pruned.
async fn replayed(state: &Shared, event: Option<i64>, found: Replayed) -> Result<Json<Replayed>, Problem> {
    let nothing = found.deliveries == 0 && found.skipped == 0;
    Ok(Json(match event {
        Some(event) if nothing && state.handle.store().is_pruned_event(event).await? => {
            Replayed { skipped: 1, pruned: 1, ..found }
        }
        _ => found,
    }))
}
