//! What leaves with its retention, and what a restored backup changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossdock_model::time::Millis;
use crossdock_rules::lane::{DeliveryState, Sent};

use crate::Retention;
use crate::rows::InboundState;

use super::state::State;
use super::tables::Map;

/// Removes events and deliveries with everything that hangs on them.
pub(super) fn prune(state: &mut State, events: &[i64], deliveries: &[i64], roots: &[Arc<str>]) {
    for id in deliveries {
        state.deliveries.set(*id, None);
        state.events.remove_attempts(*id);
    }
    for id in events {
        state.events.remove(*id);
    }
    if !events.is_empty() {
        Arc::make_mut(&mut state.conflicts).retain(|_, conflict| !events.contains(&conflict.event));
    }
    state.events.remove_keys(roots);
}

/// Drops a bounded part of what is older than its retention. Answers how many rows.
pub(super) fn expire(state: &mut State, retention: &Retention) -> u64 {
    let limit = usize::try_from(retention.limit).unwrap_or(usize::MAX);
    let Retention { bodies_before, exchanges_before, orders_before, records_before, .. } = *retention;
    let mut count = bodies(state, bodies_before, limit);
    count += inbounds(state, orders_before, limit);
    count += remove(&mut state.events.exchanges, limit, |_, exchange| exchange.ended < exchanges_before);
    count += contents(state, bodies_before, limit);
    count += remove(&mut state.audit, limit, |_, record| record.at < records_before);
    count += remove(&mut state.conflicts, limit, |_, record| record.at < records_before);
    // The newest version of a table or a store stays: numbers of versions are never used again.
    let mut newest: BTreeMap<(String, String), u64> = BTreeMap::new();
    for change in state.mapping_changes.values() {
        let version = newest.entry((change.connector.clone(), change.table.clone())).or_default();
        *version = change.version.max(*version);
    }
    count += remove(&mut state.mapping_changes, limit, |_, change| {
        let of_table = newest.get(&(change.connector.clone(), change.table.clone()));
        change.at < records_before && of_table.is_some_and(|newest| change.version < *newest)
    });
    let newest: BTreeMap<Arc<str>, u64> = state.store_changes.keys().cloned().collect();
    count += remove(&mut state.store_changes, limit, |(store, version), change| {
        change.at < records_before && newest.get(store).is_some_and(|newest| version < newest)
    });
    count
}

/// Drops the bytes of inbounds that were read and arrived before a day.
fn bodies(state: &mut State, before: Millis, limit: usize) -> u64 {
    let inbounds = Arc::clone(&state.tables.inbounds);
    let is_read = |id: &i64| inbounds.get(id).is_none_or(|row| row.state == InboundState::Read);
    let gone: Vec<i64> = state
        .bodies
        .iter()
        .filter(|(id, body)| body.day < before.day() && is_read(id))
        .map(|(id, _)| *id)
        .take(limit)
        .collect();
    for id in &gone {
        Arc::make_mut(&mut state.bodies).remove(id);
        if let Some(row) = Arc::make_mut(&mut state.tables.inbounds).get_mut(id) {
            Arc::make_mut(row).has_body = false;
        }
    }
    u64::try_from(gone.len()).unwrap_or(u64::MAX)
}

/// Drops inbounds whose bytes have gone, with the orders of their time. What identifies a duplicate stays.
fn inbounds(state: &mut State, before: Millis, limit: usize) -> u64 {
    remove(&mut state.tables.inbounds, limit, |_, row| {
        row.state == InboundState::Read && !row.has_body && row.received_at < before
    })
}

/// Drops the contents of files that were written to their folder.
fn contents(state: &mut State, before: Millis, limit: usize) -> u64 {
    let files = &state.tables.files;
    let was_written = |id: &i64| files.get(id).and_then(|row| row.written_at).is_some_and(|at| at < before);
    let gone: Vec<i64> = state
        .contents
        .iter()
        .filter(|(id, file)| file.content.is_some() && was_written(id))
        .map(|(id, _)| *id)
        .take(limit)
        .collect();
    for id in &gone {
        if let Some(file) = Arc::make_mut(&mut state.contents).get_mut(id) {
            file.content = None;
        }
    }
    u64::try_from(gone.len()).unwrap_or(u64::MAX)
}

/// Removes rows that fit, at most `limit` of them. Answers how many.
fn remove<K: Clone + Ord, R: Clone>(
    table: &mut Map<K, R>,
    limit: usize,
    fits: impl Fn(&K, &R) -> bool,
) -> u64 {
    let gone: Vec<K> =
        table.iter().filter(|(key, row)| fits(key, row)).map(|(key, _)| key.clone()).take(limit).collect();
    for key in &gone {
        Arc::make_mut(table).remove(key);
    }
    u64::try_from(gone.len()).unwrap_or(u64::MAX)
}

/// Everything unsettled may have been sent, claims are void, and numbers skip ahead. Answers how many deliveries
/// were changed.
pub(super) fn start_incarnation(state: &mut State, skip: u64, at: Millis) -> u64 {
    let open: Vec<_> = state.deliveries.open().cloned().collect();
    let count = u64::try_from(open.len()).unwrap_or(u64::MAX);
    for mut row in open {
        row.sent = Sent::Maybe;
        row.look_up = true;
        row.sent_at = row.sent_at.max(at);
        row.finds = 0;
        row.lease_until = Millis(0);
        if row.state == DeliveryState::Sending {
            row.state = DeliveryState::Ready;
            row.fence += 1;
        }
        state.deliveries.set(row.id, Some(Arc::new(row)));
    }
    let tables = &mut state.tables;
    for last in Arc::make_mut(&mut tables.serials).values_mut() {
        *last = Arc::new(last.saturating_add(skip));
    }
    for last in Arc::make_mut(&mut tables.sequences).values_mut() {
        *last = Arc::new(last.saturating_add(skip));
    }
    tables.in_flight_waits = Arc::default();
    count
}
