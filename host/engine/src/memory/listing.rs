//! The records that are shown, put together from the stored rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossdock_rules::lane::{DeliveryState, blocked_by};

use crate::assemble::{self, DeliveryParts, MAX_NAMED_DELIVERIES};
use crate::delivery::{Delivery, NEVER};
use crate::explain;
use crate::mapping::{Missing, missing_mapping};
use crate::rows::{EventRow, InboundRow, InboundState};
use crate::view::{
    AttemptRow, Conflict, ConnectorCounts, DeliveryDetail, EntityReference, EventDetail, Inbound, Page,
    Quarantined, Stuck, StuckPage,
};

use crossdock_model::time::Millis;

use super::state::State;

/// A bound of rows.
pub(super) fn most(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// The rows of a page, newest first.
pub(super) fn newest_first<'r, R>(
    rows: &'r BTreeMap<i64, R>,
    page: Page,
    fits: impl Fn(&R) -> bool + 'r,
) -> impl Iterator<Item = (i64, &'r R)> {
    let below = rows.range(..page.before.unwrap_or(i64::MAX)).rev().map(|(id, row)| (*id, row));
    below.filter(move |(_, row)| fits(row)).take(most(page.limit))
}

pub(super) fn inbound(state: &State, id: i64, row: &InboundRow) -> Inbound {
    Inbound {
        id,
        connector: row.connector.to_string(),
        received_at: row.received_at,
        trace: row.trace.to_string(),
        attempts: row.attempts,
        request: state.bodies.get(&id).map(|body| (*body.request).clone()),
    }
}

pub(super) fn quarantined(id: i64, row: &InboundRow) -> Option<Quarantined> {
    let InboundState::Quarantined(problem) = &row.state else { return None };
    Some(Quarantined {
        id,
        connector: row.connector.to_string(),
        received_at: row.received_at,
        problem: problem.clone(),
        trace: row.trace.to_string(),
    })
}

pub(super) fn event_row(state: &State, row: &EventRow) -> crate::view::EventRow {
    assemble::event_row(row, state.deliveries.of_event(row.id).cloned().collect())
}

pub(super) fn event(state: &State, id: i64) -> Option<EventDetail> {
    let stored = state.events.rows.get(&id)?;
    let row = &stored.row;
    let attempts: Vec<AttemptRow> =
        state.deliveries.of_event(id).flat_map(|delivery| state.events.attempts_at(delivery.id)).collect();
    Some(EventDetail {
        row: event_row(state, row),
        event: Some((*row.event).clone()),
        subject: stored.had_personal.then(|| row.subject.to_string()),
        erased: stored.had_personal && row.personal.is_none(),
        attempts,
        references: references(state, &row.entity),
    })
}

/// The references of an entity in every system, in the order of connectors.
pub(super) fn references(state: &State, entity: &str) -> Vec<EntityReference> {
    let of_entity = state.tables.references.iter().filter(|(key, _)| *key.entity == *entity);
    of_entity
        .flat_map(|(key, all)| {
            all.iter().map(|reference| EntityReference {
                connector: key.connector.to_string(),
                entity: key.entity.to_string(),
                reference: reference.clone(),
            })
        })
        .collect()
}

pub(super) fn delivery(state: &State, row: &Delivery) -> Option<DeliveryDetail> {
    let event = state.events.get(row.event)?;
    let key = crate::keys::EntityKey::new(Arc::clone(&row.connector), Arc::clone(&event.entity));
    Some(assemble::delivery_detail(DeliveryParts {
        event,
        carried: state.events.get(row.carries).map(AsRef::as_ref),
        attempts: state.events.attempts_at(row.id),
        references: state.tables.references.get(&key).map(|all| (**all).clone()).unwrap_or_default(),
        delivery: row.clone(),
    }))
}

pub(super) fn counts(state: &State) -> Vec<ConnectorCounts> {
    let mut counts: BTreeMap<Arc<str>, ConnectorCounts> = BTreeMap::new();
    for row in state.deliveries.open() {
        let count = counts.entry(Arc::clone(&row.connector)).or_default();
        let of_state = match row.state {
            DeliveryState::Queued => &mut count.queued,
            DeliveryState::Ready => &mut count.ready,
            DeliveryState::Sending => &mut count.sending,
            DeliveryState::Waiting => &mut count.waiting,
            DeliveryState::Received => &mut count.received,
            DeliveryState::Exception => &mut count.exception,
            DeliveryState::Settled => &mut count.settled,
        };
        *of_state += 1;
        if row.state == DeliveryState::Ready {
            count.oldest_due = Some(count.oldest_due.map_or(row.due_at, |due| due.min(row.due_at)));
        }
    }
    for (connector, settled) in state.settled.iter() {
        counts.entry(Arc::clone(connector)).or_default().settled =
            u64::try_from(*settled).unwrap_or_default();
    }
    for (connector, pause) in state.tables.pauses.iter() {
        counts.entry(Arc::clone(connector)).or_default().paused = Some((**pause).clone());
    }
    counts
        .into_iter()
        .map(|(connector, counts)| ConnectorCounts { connector: connector.to_string(), ..counts })
        .collect()
}

/// When something next ends by itself: a lease, or the wait of a delivery.
pub(super) fn next_expiry(state: &State) -> Option<Millis> {
    let ends = |row: &Delivery| match row.state {
        DeliveryState::Sending => Some(row.lease_until),
        DeliveryState::Waiting => Some(row.due_at).filter(|at| *at != NEVER),
        _ => None,
    };
    state.deliveries.open().filter_map(ends).min()
}

/// Open deliveries with the reasons why, longest stuck first.
pub(super) fn stuck(state: &State, connector: Option<&str>, now: Millis, page: StuckPage) -> Vec<Stuck> {
    let position = |row: &Delivery| (explain::stuck_since(row), row.id);
    let is_behind = |row: &Delivery| page.after.is_none_or(|after| position(row) > after);
    let of_connector = |row: &Delivery| connector.is_none_or(|connector| *row.connector == *connector);
    let mut rows: Vec<&Delivery> =
        state.deliveries.open().filter(|row| of_connector(row) && is_behind(row)).collect();
    rows.sort_by_key(|row| position(row));
    rows.truncate(most(page.limit));
    let explained = |row: &Delivery| {
        let event = state.events.get(row.event);
        let lane = row.lane_key();
        let context = explain::Context {
            kind: event.map(|event| event.event.fact.kind().to_owned()).unwrap_or_default(),
            paused: state.tables.pauses.get(&row.connector).map(|pause| pause.message.clone()),
            blocked_by: blocked_by(row.id, state.deliveries.of_lane(&lane).map(Delivery::as_entry)),
        };
        explain::stuck(row.clone(), context, now)
    };
    rows.into_iter().map(explained).collect()
}

pub(super) fn conflicts(state: &State, connector: Option<&str>, page: Page) -> Vec<Conflict> {
    let fits = |record: &Arc<crate::rows::ConflictRecord>| {
        connector.is_none_or(|connector| *record.connector == *connector)
    };
    newest_first(&state.conflicts, page, fits)
        .map(|(id, record)| Conflict {
            id,
            event: record.event,
            kind: state
                .events
                .get(record.event)
                .map(|event| event.event.fact.kind().to_owned())
                .unwrap_or_default(),
            connector: record.connector.to_string(),
            entity: record.entity.to_string(),
            attribute: record.attribute.to_string(),
            value: record.value.as_deref().map(str::to_owned),
            written: record.written.as_deref().map(str::to_owned),
            applied: record.applied,
            at: record.at,
        })
        .collect()
}

/// The values that tables lack, with the deliveries that await them.
pub(super) fn unmapped(state: &State) -> Vec<Missing> {
    let mut found: BTreeMap<(Arc<str>, Arc<str>), Missing> = BTreeMap::new();
    for row in state.deliveries.open().filter(|row| row.is_awaiting()) {
        let Some(key) = &row.awaits else { continue };
        let Some((table, value)) = missing_mapping(key) else { continue };
        let missing = found.entry((Arc::clone(&row.connector), Arc::clone(key))).or_insert_with(|| Missing {
            connector: row.connector.to_string(),
            table: table.to_owned(),
            value: value.to_owned(),
            waiting: 0,
            since: row.since,
            deliveries: Vec::new(),
        });
        missing.waiting += 1;
        missing.since = missing.since.min(row.since);
        if missing.deliveries.len() < MAX_NAMED_DELIVERIES {
            missing.deliveries.push(row.id);
        }
    }
    found.into_values().collect()
}

/// Values by name, in the order of names, with those of one name merged.
pub(super) fn by_name<'n, V: Copy>(
    values: impl Iterator<Item = (&'n Arc<str>, V)>,
    merge: impl Fn(V, V) -> V,
) -> Vec<(String, V)> {
    let mut merged: BTreeMap<&str, V> = BTreeMap::new();
    for (name, value) in values {
        merged.entry(name).and_modify(|known| *known = merge(*known, value)).or_insert(value);
    }
    merged.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
