//! The answers to questions that are not asked by key.

use std::sync::Arc;

use crossdock_model::time::Millis;
use crossdock_rules::lane::DeliveryState;

use crate::database::{Answer, Question, replay_filter};
use crate::delivery::{Delivery, InFlight};
use crate::error::Result;
use crate::keys::MappingKey;
use crate::mapping::MAPPING_PREFIX;
use crate::rows::{InboundState, MappingEntry, ReplayCandidate};
use crate::view::Inbound;

use super::filter::Conditions;
use super::histories::histories;
use super::listing::{self, most};
use super::state::State;

/// The answer to a question.
///
/// # Errors
/// When the filter of a replay names a state that there is not.
pub(super) fn answer(state: &State, question: &Question) -> Result<Answer> {
    use DeliveryState::{Ready, Received, Sending, Waiting};
    let open = || state.deliveries.open();
    let in_state = |wanted: DeliveryState| open().filter(move |row| row.state == wanted);
    Ok(match question {
        Question::Lane(lane) => Answer::Deliveries(state.deliveries.of_lane(lane).cloned().collect()),
        Question::Awaiting { key, connector, limit } => {
            let of = |row: &&Delivery| connector.as_ref().is_none_or(|connector| row.connector == *connector);
            let awaiting = state.deliveries.awaiting(key).filter(of);
            Answer::Deliveries(awaiting.take(most(*limit)).cloned().collect())
        }
        Question::Heads { connector, now, limit } => {
            let due = in_state(Ready).filter(|row| row.connector == *connector && row.due_at <= *now);
            earliest(due, |row| row.due_at, *limit)
        }
        Question::ExpiredLeases { now, limit } => {
            let expired = in_state(Sending).filter(|row| row.lease_until <= *now);
            earliest(expired, |row| row.lease_until, *limit)
        }
        Question::DueWaiting { now, limit } => {
            earliest(in_state(Waiting).filter(|row| row.due_at <= *now), |row| row.due_at, *limit)
        }
        Question::Claimed { limit } => earliest(in_state(Sending), |_| Millis(0), *limit),
        Question::WaitingSince { connector, before, limit } => {
            let waits = |row: &&Delivery| {
                row.connector == *connector && row.waiting_since.is_some_and(|since| since <= *before)
            };
            let since = |row: &Delivery| row.waiting_since.unwrap_or_default();
            earliest(in_state(Waiting).filter(waits), since, *limit)
        }
        Question::Unconfirmed { connector, now, limit } => {
            let late = in_state(Received).filter(|row| row.connector == *connector && row.due_at <= *now);
            earliest(late, |row| row.due_at, *limit)
        }
        Question::DeliveriesOf { event, connector } => {
            let of_event = state.deliveries.of_event(*event).filter(|row| row.connector == *connector);
            Answer::Deliveries(of_event.cloned().collect())
        }
        Question::InFlight(connector) => {
            let all = open().filter(|row| row.connector == *connector && row.is_in_flight());
            let in_flight = |row: &Delivery| InFlight {
                delivery: row.id,
                lane: Arc::clone(&row.lane),
                lease_until: row.lease_until,
            };
            Answer::InFlight(all.map(in_flight).collect())
        }
        Question::WaitsOn(delivery) => {
            let waits = state.tables.in_flight_waits.iter();
            let on = waits.filter(|(_, wait)| wait.in_flight.contains(delivery));
            Answer::Numbers(on.map(|(id, _)| *id).collect())
        }
        Question::Replay { filter, generation, after, limit } => {
            let filter = replay_filter(filter);
            replay(state, &Conditions::of(&filter)?, *generation, *after, most(*limit))
        }
        Question::SubjectsOf { subject, limit } => {
            Answer::Names(state.events.subjects_of(subject, most(*limit)))
        }
        Question::Histories { pass, from, before, limit } => {
            histories(state, *pass, *from, *before, most(*limit))
        }
        Question::DueInbounds { connector, now, limit } => due_inbounds(state, connector, *now, most(*limit)),
        Question::InboundsDueLater { connector, now, limit } => {
            let later = |row: &crate::rows::InboundRow| {
                row.connector == *connector && row.state == InboundState::Pending && row.due_at > *now
            };
            let mut all: Vec<_> = state.tables.inbounds.iter().filter(|(_, row)| later(row)).collect();
            all.sort_by_key(|(_, row)| row.due_at);
            Answer::Numbers(all.into_iter().map(|(id, _)| *id).take(most(*limit)).collect())
        }
        Question::LeasedInbounds { limit } => {
            let leased = state.tables.inbounds.iter().filter(|(_, row)| row.leased);
            Answer::Numbers(leased.map(|(id, _)| *id).take(most(*limit)).collect())
        }
        other => of_records(state, other),
    })
}

/// The answers from the tables of operators, from the sale index, and from what is to be released.
fn of_records(state: &State, question: &Question) -> Answer {
    let tables = &state.tables;
    match question {
        Question::AliasGroup(first) => {
            let group = tables.aliases.iter().filter(|(_, of)| ***of == *first);
            Answer::Names(group.map(|(order, _)| Arc::clone(order)).collect())
        }
        Question::AwaitedMappings => {
            let keys = state.deliveries.awaited().filter(|key| key.starts_with(MAPPING_PREFIX));
            Answer::Names(keys.cloned().collect())
        }
        Question::PendingReleases { limit } => {
            Answer::Pairs(tables.releases.keys().take(most(*limit)).cloned().collect())
        }
        Question::MappingTable { connector, table } => {
            mappings(state, |key, _| key.connector == *connector && key.table == *table)
        }
        Question::MappingsBy(by) => mappings(state, |_, entry| entry.by == *by),
        Question::MappingVersion { connector, table } => {
            let changes = state.mapping_changes.values();
            let of_table = changes.filter(|it| *it.connector == **connector && *it.table == **table);
            number(of_table.map(|change| change.version).max())
        }
        Question::Stores => Answer::Stores(tables.stores.values().map(|row| (**row).clone()).collect()),
        Question::StoreVersion(id) => {
            let versions = state.store_changes.keys().filter(|(store, _)| store == id);
            number(versions.map(|(_, version)| *version).max())
        }
        Question::StoreChangedAt(name) => {
            let named = |id: &str, row: &crate::registry::StoreRow| {
                *id == **name || row.record.codes.values().any(|code| **code == **name)
            };
            let changed = tables.stores.iter().filter(|(id, row)| named(id, row)).map(|(_, row)| row.at.0);
            Answer::Numbers(vec![changed.max().unwrap_or_default()])
        }
        _ => Answer::Numbers(Vec::new()),
    }
}

fn number(number: Option<u64>) -> Answer {
    Answer::Numbers(vec![number.unwrap_or_default().cast_signed()])
}

fn mappings(state: &State, fits: impl Fn(&MappingKey, &MappingEntry) -> bool) -> Answer {
    let all = state.tables.mappings.iter().filter(|(key, entry)| fits(key, entry));
    Answer::Mappings(all.map(|(key, entry)| (key.clone(), (**entry).clone())).collect())
}

/// The deliveries of the earliest moments, at most `limit` of them; of one moment the lowest numbers.
fn earliest<'d>(
    rows: impl Iterator<Item = &'d Delivery>,
    moment: impl Fn(&Delivery) -> Millis,
    limit: u32,
) -> Answer {
    let mut rows: Vec<&Delivery> = rows.collect();
    // Rows come by number, and the sort is stable.
    rows.sort_by_key(|row| moment(row));
    Answer::Deliveries(rows.into_iter().take(most(limit)).cloned().collect())
}

fn due_inbounds(state: &State, connector: &str, now: Millis, limit: usize) -> Answer {
    let is_due = |row: &crate::rows::InboundRow| {
        *row.connector == *connector && row.state == InboundState::Pending && row.due_at <= now
    };
    let mut due: Vec<_> = state.tables.inbounds.iter().filter(|(_, row)| is_due(row)).collect();
    due.sort_by_key(|(_, row)| row.due_at);
    let inbounds: Vec<Inbound> =
        due.into_iter().take(limit).map(|(id, row)| listing::inbound(state, *id, row)).collect();
    Answer::Inbounds(inbounds)
}

/// A page of the deliveries that a filter means: first postings and exceptions, by number.
fn replay(
    state: &State,
    conditions: &Conditions<'_>,
    generation: Option<u32>,
    after: i64,
    limit: usize,
) -> Answer {
    let fits = |row: &&Delivery| {
        (row.generation == 0 || row.state == DeliveryState::Exception)
            && conditions.delivery(row)
            && state.events.get(row.event).is_some_and(|event| conditions.event(event))
    };
    let candidate = |row: &Delivery| ReplayCandidate {
        delivery: row.id,
        has_content: state.events.get(row.carries).is_some(),
        repeated: generation.is_some_and(|generation| {
            let mut siblings = state.deliveries.of_event(row.event);
            siblings.any(|other| other.connector == row.connector && other.generation == generation)
        }),
    };
    let page = state.deliveries.behind(after).filter(fits).take(limit);
    Answer::Replay(page.map(|row| (row.clone(), candidate(row))).collect())
}
