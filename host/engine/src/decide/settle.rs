//! Settlements: what the answer to a call leads to.

use std::sync::Arc;

use crossdock_model::common::Reference;
use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;
use crossdock_rules::lane::DeliveryState;
use crossdock_rules::outcome::{Next, Settlement};

use crate::applied::Settled;
use crate::changes::Append;
use crate::command::{AttemptKind, Settle};
use crate::database::Question;
use crate::delivery::Delivery;
use crate::error::Error;
use crate::keys::{EntityKey, MappingKey};
use crate::mapping::{EVERY_CONNECTOR, missing_mapping};
use crate::registry::StoreRow;
use crate::rows::AttemptRecord;
use crate::state::{Decision, State};
use crate::view::Pause;

impl State<'_> {
    /// A delivery that is held by this claim.
    pub(super) fn claimed_by(&self, id: i64, fence: i64) -> Decision<&Delivery> {
        let delivery = self.delivery(id)?;
        let is_held = delivery.state == DeliveryState::Sending && delivery.fence == fence;
        if !is_held && self.safeguards().fence() {
            return Err(Error::Fenced { delivery: id, fence }.into());
        }
        Ok(delivery)
    }

    pub(super) fn settle(&mut self, settle: &Settle) -> Decision<Settled> {
        let (id, now) = (settle.delivery, settle.now);
        let delivery = self.claimed_by(id, settle.fence)?;
        let (lane, entity) = (delivery.lane_key(), delivery.entity_key());
        let (advances, tried_for) = (delivery.effect.advances(), delivery.awaits.clone());
        self.record_attempt(settle, delivery.carries, delivery.attempts + 1);
        let settlement = &settle.settlement;
        self.add_references(&entity, &settlement.references)?;
        self.remember_writes(&lane.connector, &settlement.outbound_writes, now)?;
        self.take_settlement(settle)?;
        // Whether the entity is there by this, so that others can refer to it.
        let mut is_there = false;
        let mut ended = None;
        match &settlement.next {
            Next::Settle(ending) => {
                self.retire(id, *ending, settlement.reason.clone(), now)?;
                is_there = ending.exists();
                ended = Some(*ending);
            }
            Next::Received { overdue_at, releases } => {
                self.change(id, |delivery| {
                    delivery.awaits = None;
                    delivery.state = DeliveryState::Received;
                    delivery.until_posted = !releases;
                    delivery.due_at = *overdue_at;
                    delivery.since = now;
                })?;
                is_there = *releases;
                self.remember_messages(&lane.connector, id, &settlement.references)?;
            }
            Next::Retry { at, find } => {
                self.change(id, |delivery| {
                    delivery.awaits = None;
                    delivery.state = DeliveryState::Ready;
                    delivery.due_at = *at;
                    delivery.look_up = *find;
                })?;
                self.note_ready(&lane.connector);
            }
            Next::Wait { parent, retry_at } => self.change(id, |delivery| {
                delivery.awaits = Some(parent.as_str().into());
                delivery.state = DeliveryState::Waiting;
                delivery.due_at = *retry_at;
                delivery.look_up = false;
                delivery.waiting_since.get_or_insert(now);
            })?,
            Next::Exception { code, awaits } => {
                self.raise(id, code, settlement.reason.clone(), now)?;
                if let Some(mapping) = awaits {
                    self.change(id, |delivery| delivery.awaits = Some(mapping.as_str().into()))?;
                    // The call may have looked before the value was mapped, and then nothing releases the delivery
                    // later. So it is tried once more, and not again for the same value.
                    let again = tried_for.as_deref() != Some(mapping.as_str());
                    if again && self.is_mapped(&lane.connector, mapping)? {
                        self.return_to_lane(id, now)?;
                        if self.delivery(id)?.state == DeliveryState::Queued {
                            self.change(id, |delivery| delivery.awaits = Some(mapping.as_str().into()))?;
                        }
                    }
                }
            }
        }
        if matches!(settlement.next, Next::Wait { .. } | Next::Exception { .. }) {
            self.move_to_owner_of_awaited(id, now)?;
        }
        let mut settled = Settled::default();
        if is_there && advances {
            self.end_needless(id, now)?;
            settled.released = self.arrived(&entity, &lane, now)?;
        } else if let (Some(ending), true) = (ended, advances) {
            settled.released = self.ended(&lane, &entity.entity, ending, now)?;
        }
        settled.released.extend(self.promote(&lane, now)?);
        settled.released.extend(self.resolve_in_flight(id, now)?);
        if matches!(settlement.next, Next::Received { .. }) {
            settled.raised = self.take_early_answer(id, now)?;
        }
        settled.paused = settlement.pause;
        if settlement.pause {
            self.pause_for(&lane.connector, settlement.reason.as_ref(), now)?;
        }
        settled.ready = self.take_ready();
        Ok(settled)
    }

    /// What every settlement changes in its delivery.
    fn take_settlement(&mut self, settle: &Settle) -> Decision<()> {
        let Settlement { sent, sent_at, uses_attempt, plugin_failed, reason, resume, .. } =
            &settle.settlement;
        self.change(settle.delivery, |delivery| {
            delivery.sent = *sent;
            delivery.sent_at = sent_at.unwrap_or(delivery.sent_at);
            delivery.attempts += u32::from(*uses_attempt);
            delivery.failures += u32::from(*plugin_failed);
            delivery.finds = match settle.attempt.kind {
                AttemptKind::Find => delivery.finds.saturating_add(1),
                AttemptKind::Send => 0,
            };
            delivery.lease_until = Millis(0);
            delivery.look_up = false;
            if let Some(resume) = resume {
                delivery.resume = Some(resume.as_str().into());
            }
            if delivery.reason.is_none() && reason.is_some() {
                delivery.since = settle.now;
            }
            delivery.reason.clone_from(reason);
        })
    }

    /// Whether a value is mapped, or a store registered by that name.
    fn is_mapped(&self, connector: &Arc<str>, awaited: &str) -> Decision<bool> {
        let Some((table, value)) = missing_mapping(awaited) else { return Ok(false) };
        for of in [connector.as_ref(), EVERY_CONNECTOR] {
            let key = MappingKey { connector: of.into(), table: table.into(), value: value.into() };
            if self.mappings(&key)?.is_some() {
                return Ok(true);
            }
        }
        // The database does not know yet what this very unit registers.
        let is_of_name =
            |row: &StoreRow| row.record.id == value || row.record.codes.values().any(|code| code == value);
        if self.changed_stores().any(is_of_name) {
            return Ok(true);
        }
        Ok(self.ask_number(Question::StoreChangedAt(value.into()))? != 0)
    }

    fn record_attempt(&mut self, settle: &Settle, carries: i64, number: u32) {
        let attempt = &settle.attempt;
        self.append(Append::Attempt(AttemptRecord {
            delivery: settle.delivery,
            fence: settle.fence,
            number,
            kind: attempt.kind,
            started: attempt.started,
            ended: attempt.ended,
            outcome: attempt.outcome.as_str().into(),
            message: attempt.message.as_str().into(),
            exchange: attempt.exchange.as_deref().map(|exchange| (carries, exchange.into())),
        }));
    }

    /// Adds references of an entity to those that are known of it. A line map that is given replaces the old one.
    pub(super) fn add_references(&mut self, key: &EntityKey, given: &[Reference]) -> Decision<()> {
        if given.is_empty() {
            return Ok(());
        }
        let mut known = self.references(key)?.cloned().unwrap_or_default();
        for reference in given {
            let same = |known: &&mut Reference| known.kind == reference.kind && known.id == reference.id;
            match known.iter_mut().find(same) {
                None => known.push(reference.clone()),
                Some(old) => {
                    if reference.number.is_some() {
                        old.number.clone_from(&reference.number);
                    }
                    if !reference.lines.is_empty() {
                        old.lines.clone_from(&reference.lines);
                    }
                }
            }
        }
        self.set_references(key.clone(), Some(known));
        Ok(())
    }

    fn pause_for(&mut self, connector: &Arc<str>, reason: Option<&Problem>, now: Millis) -> Decision<()> {
        if self.pauses(connector)?.is_some() {
            return Ok(());
        }
        let pause = Pause {
            code: reason.map_or_else(|| "paused".into(), |reason| reason.code.clone()),
            message: reason.map_or_else(String::new, |reason| reason.message.clone()),
            since: now,
        };
        self.set_pause(Arc::clone(connector), Some(pause));
        Ok(())
    }
}
