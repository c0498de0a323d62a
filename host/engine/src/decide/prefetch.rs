//! What the commands of a unit will look at, read for all of them together.
//!
//! This is speed only: whatever is not read here is read when a command asks for it. The first step follows from
//! the commands alone, the second from the rows that the first has read.

use std::sync::Arc;

use crossdock_model::event::Fact;
use crossdock_rules::confirmation::MESSAGE;

use super::lanes::RELEASED_AT_ONCE;
use crate::command::{Admit, Claim, Command, NewEvent, Settle, Target};
use crate::database::{Question, ReadSet};
use crate::keys::{EntityKey, LaneKey};
use crate::state::State;

/// The rows that follow from a command alone.
pub(crate) fn first(state: &State<'_>, command: &Command) {
    let mut wanted = ReadSet::default();
    match command {
        Command::Accept(accept) => {
            wanted.inbound_keys.insert(accept.dedupe_key());
            wanted.ids.inbounds = 1;
        }
        Command::Admit(admit) => first_of_admit(admit, &mut wanted),
        Command::Claim(claim) => {
            let connector: Arc<str> = claim.connector.as_str().into();
            wanted.pauses.insert(Arc::clone(&connector));
            wanted.serials.insert(Arc::clone(&connector));
            wanted.questions.insert(Question::Heads { connector, now: claim.now, limit: claim.limit });
        }
        Command::Settle(settle) => first_of_settle(settle, &mut wanted),
        Command::SettleBatch(batch) => {
            for settle in &batch.settles {
                first_of_settle(settle, &mut wanted);
            }
            let connector: Arc<str> = batch.outbox.connector.as_str().into();
            for file in &batch.outbox.files {
                wanted.file_names.insert((Arc::clone(&connector), file.name.as_str().into()));
            }
            for (name, _) in &batch.outbox.numbers {
                wanted.sequences.insert((Arc::clone(&connector), name.as_str().into()));
            }
        }
        Command::Quarantine { inbound, .. }
        | Command::Reread { inbound, .. }
        | Command::PostponeInbound { inbound, .. } => {
            wanted.inbounds.insert(*inbound);
        }
        _ => {}
    }
    state.want(wanted);
}

fn first_of_admit(admit: &Admit, wanted: &mut ReadSet) {
    wanted.inbounds.extend(admit.inbound);
    wanted.cursors.extend(admit.cursor.iter().map(|cursor| Arc::from(cursor.connector.as_str())));
    wanted.ids.events = u32::try_from(admit.events.len()).unwrap_or(u32::MAX);
    for new in &admit.events {
        let incoming = &new.incoming;
        let lane: Arc<str> = incoming.lane.as_str().into();
        wanted.event_keys.insert(incoming.key.as_str().into());
        wanted.ids.deliveries =
            wanted.ids.deliveries.saturating_add(u32::try_from(new.targets.len()).unwrap_or(u32::MAX));
        if let Some(day) = &incoming.business_day {
            wanted.closings.insert((day.store.as_str().into(), day.date.as_str().into()));
        }
        if let Fact::RefundIssued(_) = &new.event.fact {
            wanted.refunds.insert(Arc::clone(&lane));
        }
        if new.targets.is_empty() {
            continue;
        }
        wanted.natural_keys.extend(incoming.natural_key.as_deref().map(Arc::from));
        wanted.aliases.insert(Arc::clone(&lane));
        wanted.outbound_writes.insert(EntityKey::new(new.source.as_str(), incoming.entity.as_str()));
        if !incoming.reported.is_empty() {
            wanted.questions.insert(Question::InFlight(new.source.as_str().into()));
        }
        if new.targets.iter().any(Target::can_own_books) {
            wanted.pins.insert(lane);
        }
    }
}

fn first_of_settle(settle: &Settle, wanted: &mut ReadSet) {
    wanted.deliveries.insert(settle.delivery);
}

/// The rows that follow from a command and the rows that were read for it.
pub(crate) fn second(state: &State<'_>, command: &Command) {
    let mut wanted = ReadSet::default();
    match command {
        Command::Admit(admit) => {
            for new in &admit.events {
                second_of_event(state, new, &mut wanted);
            }
        }
        Command::Claim(claim) => second_of_claim(state, claim, &mut wanted),
        Command::Settle(settle) => second_of_settle(state, settle, &mut wanted),
        Command::SettleBatch(batch) => {
            for settle in &batch.settles {
                second_of_settle(state, settle, &mut wanted);
            }
        }
        _ => {}
    }
    state.want(wanted);
}

fn second_of_event(state: &State<'_>, new: &NewEvent, wanted: &mut ReadSet) {
    let incoming = &new.incoming;
    let own: Arc<str> = incoming.lane.as_str().into();
    let first = state.aliases(&own).ok().flatten().cloned();
    let lane = first.clone().unwrap_or_else(|| Arc::clone(&own));
    if let Fact::RefundIssued(_) = &new.event.fact {
        wanted.questions.insert(Question::AliasGroup(Arc::clone(&lane)));
    }
    for target in &new.targets {
        let Ok((connector, records)) = state.destination(&lane, target) else { continue };
        wanted.entities.insert(EntityKey::new(Arc::clone(&connector), incoming.entity.as_str()));
        if incoming.parent.is_some() {
            wanted.entities.insert(EntityKey::new(Arc::clone(&connector), Arc::clone(&lane)));
        }
        wanted.questions.insert(Question::Lane(LaneKey::new(connector, Arc::clone(&lane))));
        if records && incoming.entity == incoming.lane {
            let key = Arc::clone(&lane);
            wanted.questions.insert(Question::Awaiting { key, connector: None, limit: RELEASED_AT_ONCE });
        }
    }
}

fn second_of_claim(state: &State<'_>, claim: &Claim, wanted: &mut ReadSet) {
    let connector: Arc<str> = claim.connector.as_str().into();
    let Ok(heads) = state.due_heads(&connector, claim) else { return };
    for id in heads {
        let Ok(delivery) = state.delivery(id) else { continue };
        wanted.events.extend([delivery.event, delivery.carries]);
        wanted.references.insert(delivery.entity_key());
        if delivery.entity != delivery.lane {
            wanted.references.insert(EntityKey::new(Arc::clone(&connector), Arc::clone(&delivery.lane)));
        }
    }
}

fn second_of_settle(state: &State<'_>, settle: &Settle, wanted: &mut ReadSet) {
    let Ok(delivery) = state.delivery(settle.delivery) else { return };
    let (entity, connector) = (delivery.entity_key(), Arc::clone(&delivery.connector));
    wanted.questions.insert(Question::Lane(delivery.lane_key()));
    if !settle.settlement.references.is_empty() {
        wanted.references.insert(entity.clone());
    }
    let messages = settle.settlement.references.iter().filter(|reference| reference.kind == MESSAGE);
    wanted.messages.extend(messages.map(|message| (Arc::clone(&connector), message.id.as_str().into())));
    for written in &settle.settlement.outbound_writes {
        wanted.outbound_writes.insert(EntityKey::new(Arc::clone(&connector), written.entity.to_string()));
    }
    if delivery.effect.advances() {
        wanted.questions.insert(Question::Awaiting {
            key: Arc::clone(&entity.entity),
            connector: Some(connector),
            limit: RELEASED_AT_ONCE,
        });
        wanted.entities.insert(entity);
    }
}
