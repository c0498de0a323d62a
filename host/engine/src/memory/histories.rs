//! The histories that retention looks at.

use std::collections::BTreeSet;
use std::sync::Arc;

use crossdock_model::time::Millis;
use crossdock_rules::lane::DeliveryState;

use crate::database::{Answer, Pass};
use crate::history::leaves_by_event;
use crate::rows::{EventRow, History};

use super::state::State;

/// The histories of what a pass comes to, in the order of the pass.
pub(super) fn histories(state: &State, pass: Pass, from: (i64, i64), before: Millis, limit: usize) -> Answer {
    let rows = match pass {
        Pass::Settled => settled(state, from, before, limit),
        Pass::Events => events(state, from, before, limit),
    };
    let next = rows.last().filter(|_| rows.len() == limit).map(|(position, _)| *position);
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for row in rows.iter().filter_map(|(_, event)| state.events.get(*event)) {
        let alone = leaves_by_event(&row.root).then_some(row.id);
        if seen.insert((Arc::clone(&row.root), alone)) {
            found.push(match alone {
                Some(_) => history(state, &row.root, vec![row]),
                None => history(state, &row.root, of_root(state, &row.root)),
            });
        }
    }
    Answer::Histories(found, next)
}

/// A position in a pass, and the event that it comes to there.
type Step = ((i64, i64), i64);

fn settled(state: &State, from: (i64, i64), before: Millis, limit: usize) -> Vec<Step> {
    let all = state.deliveries.all().filter(|row| row.state == DeliveryState::Settled && row.since < before);
    let mut steps: Vec<Step> = all.map(|row| ((row.since.0, row.id), row.event)).collect();
    steps.retain(|(position, _)| *position > from);
    steps.sort_unstable();
    steps.truncate(limit);
    steps
}

fn events(state: &State, from: (i64, i64), before: Millis, limit: usize) -> Vec<Step> {
    let behind = state.events.rows.range(from.1.saturating_add(1)..).map(|(_, stored)| &stored.row);
    let old = behind.take_while(|row| row.recorded_at < before);
    old.take(limit).map(|row| ((row.recorded_at.0, row.id), row.id)).collect()
}

fn of_root<'s>(state: &'s State, root: &Arc<str>) -> Vec<&'s Arc<EventRow>> {
    state.events.rows.values().map(|stored| &stored.row).filter(|row| row.root == *root).collect()
}

/// Events with their deliveries, and the deliveries that carry their contents.
fn history(state: &State, root: &Arc<str>, events: Vec<&Arc<EventRow>>) -> History {
    let is_of = |event: i64| events.iter().any(|row| row.id == event);
    let of_events = events.iter().flat_map(|row| state.deliveries.of_event(row.id));
    let carrying = state.deliveries.all().filter(|row| row.carries != row.event && is_of(row.carries));
    let deliveries: BTreeSet<(i64, bool, Millis)> = of_events
        .chain(carrying)
        .map(|row| (row.id, row.state == DeliveryState::Settled, row.since))
        .collect();
    History {
        root: Arc::clone(root),
        events: events.iter().map(|row| (row.id, row.recorded_at)).collect(),
        deliveries: deliveries.into_iter().collect(),
    }
}
