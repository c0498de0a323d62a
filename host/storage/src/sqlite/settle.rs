//! Recording what became of a delivery, and what follows from it.

use std::sync::Arc;

use crossdock_model::common::Reference;
use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;
use crossdock_rules::lane::{DeliveryState, Ending, Sent};
use crossdock_rules::outcome::{Next, Settlement, code};

use super::batch::Batch;
use super::memory::Place;
use super::sql::fetch;
use crate::command::{Applied, AttemptKind, Settle, Settled};
use crate::mapping::missing;
use crate::vault::Bound;
use crate::view::Pause;
use crate::{Error, Result};

impl Batch<'_> {
    pub(super) async fn settle(&mut self, settle: &Settle) -> Result<Applied> {
        let (id, now) = (settle.delivery, settle.now);
        let row = self.delivery(id).await?;
        if row.state != DeliveryState::Sending || row.fence != settle.fence {
            return Err(Error::Fenced { delivery: id, fence: settle.fence });
        }
        let place = row.place();
        let entity = (Arc::clone(&row.connector), Arc::clone(row.entity()));
        let snapshot_or_once = row.effect.advances();
        let (payload, number) = (row.payload_event, row.attempt + 1);
        if settle.attempt.exchange.is_some() {
            self.load_subjects_of([payload]).await?;
        }
        let settlement = &settle.settlement;
        self.write_attempt(settle, payload, number)?;
        self.write_references(&entity, &settlement.references).await?;
        self.keep_written(&entity.0, &settlement.written, now)?;
        let mut settled = Settled::default();
        self.take_over(settle)?;
        // What is there by this, and so can be referred to.
        let mut there = false;
        let mut ended = None;
        match &settlement.next {
            Next::Settle(ending) => {
                self.retire(id, *ending, settlement.reason.clone(), now)?;
                there = ending.exists();
                ended = Some(*ending);
            }
            Next::Received { overdue_at, releases } => {
                self.stop_waiting(id)?;
                let row = self.change(id)?;
                row.state = DeliveryState::Received;
                row.holds = !releases;
                row.due_at = overdue_at.0;
                row.since = now.0;
                there = *releases;
                self.keep_messages(&entity.0, id, &settlement.references);
            }
            Next::Retry { at, find } => {
                self.stop_waiting(id)?;
                let row = self.change(id)?;
                row.state = DeliveryState::Ready;
                row.due_at = at.0;
                row.find = *find;
                self.ready.insert(entity.0.to_string());
            }
            Next::Wait { referent, again } => {
                self.start_waiting(id, referent.as_str().into())?;
                let row = self.change(id)?;
                row.state = DeliveryState::Waiting;
                row.due_at = again.0;
                row.find = false;
                row.waiting_since.get_or_insert(now.0);
            }
            Next::Exception { code, waits_for } => {
                let given = settlement.reason.clone();
                self.except(id, code, given, now)?;
                if let Some(mapping) = waits_for {
                    self.start_waiting(id, mapping.as_str().into())?;
                    if self.mapped_since(&entity.0, mapping, settle.attempt.started).await? {
                        self.back_in_line(id, now).await?;
                    }
                }
            }
        }
        if there && snapshot_or_once {
            settled.released = self.now_there(&entity, now).await?;
        } else if let (Some(ending), true) = (ended, snapshot_or_once) {
            settled.released = self.ended(&place, &entity.1, ending, now).await?;
        }
        settled.released.extend(self.promote(&place, now)?);
        if !self.may_be_there(id) {
            settled.released.extend(self.land(&entity.0, id, now).await?);
        }
        settled.paused = settlement.pause;
        if settlement.pause {
            self.pause_for(&entity.0, settlement.reason.as_ref(), now);
        }
        settled.ready = self.take_ready();
        Ok(Applied::Settled(settled))
    }

    /// True while a delivery that may have been sent has yet to be looked up: its echo may come meanwhile.
    fn may_be_there(&self, id: i64) -> bool {
        let row = self.memory.deliveries.get(&id);
        row.is_some_and(|row| {
            row.sent == Sent::Maybe && matches!(row.state, DeliveryState::Ready | DeliveryState::Waiting)
        })
    }

    /// What every settlement changes in the delivery.
    fn take_over(&mut self, settle: &Settle) -> Result<()> {
        let Settlement { sent, sent_at, uses_attempt, plugin_failed, reason, resume, .. } =
            &settle.settlement;
        let row = self.change(settle.delivery)?;
        row.sent = *sent;
        if let Some(at) = sent_at {
            row.sent_at = at.0;
        }
        row.attempt += u32::from(*uses_attempt);
        row.failures += u32::from(*plugin_failed);
        row.finds = if settle.attempt.kind == AttemptKind::Find { row.finds + 1 } else { 0 };
        row.lease_until = 0;
        row.find = false;
        if let Some(resume) = resume {
            row.resume = Some(resume.as_str().into());
        }
        if row.reason.is_none() && reason.is_some() {
            row.since = settle.now.0;
        }
        row.reason.clone_from(reason);
        Ok(())
    }

    /// Makes an exception of a delivery: a person must decide. It keeps the entity it waits for only when
    /// that is what is wrong, so that the entity can still release it.
    pub(super) fn except(&mut self, id: i64, code: &str, given: Option<Problem>, now: Millis) -> Result<()> {
        if code != code::REFERENT_MISSING {
            self.stop_waiting(id)?;
        } else if let Some(referent) = self.change(id)?.waits_for.clone() {
            self.start_waiting(id, referent)?;
        }
        let row = self.change(id)?;
        row.state = DeliveryState::Exception;
        row.lease_until = 0;
        row.since = now.0;
        let given = given.or_else(|| row.reason.take());
        row.reason = Some(match given {
            Some(problem) => Problem { code: code.to_owned(), ..problem },
            None => Problem { code: code.to_owned(), message: code.replace('-', " "), field: None },
        });
        Ok(())
    }

    /// Releases what waits for an entity whose delivery ended without its being there, unless another state of
    /// it has yet to be sent: the target then says itself what it makes of the rest.
    pub(super) async fn ended(
        &mut self,
        lane: &Place,
        entity: &Arc<str>,
        ending: Ending,
        now: Millis,
    ) -> Result<Vec<i64>> {
        self.load_lanes([lane.clone()]).await?;
        let mut open = self.memory.lanes.get(lane).into_iter().flatten();
        let to_come = open.any(|id| {
            let row = self.memory.deliveries.get(id);
            row.is_some_and(|row| row.effect.is_snapshot() && row.entity() == entity)
        });
        if to_come || !ending.releases_waiting() {
            return Ok(Vec::new());
        }
        self.release(&(Arc::clone(&lane.0), Arc::clone(entity)), now).await
    }

    /// Whether a value was mapped, or a store registered by that name, while the call was at work that missed
    /// it: then nothing will wake it.
    async fn mapped_since(&mut self, connector: &Arc<str>, waits_for: &str, began: Millis) -> Result<bool> {
        let Some((table, value)) = missing(waits_for) else { return Ok(false) };
        let text = "SELECT 1 FROM mapping WHERE connector IN (?1, '*') AND tbl = ?2 AND value = ?3 AND at >= ?4 \
                    UNION ALL SELECT 1 FROM store WHERE at >= ?4 \
                    AND (id = ?3 OR id IN (SELECT store FROM store_code WHERE code = ?3)) LIMIT 1";
        let rows = fetch(self.connection, "looking for a mapping or a store", text, |args| {
            args.add(Arc::clone(connector)).add(table).add(value).add(began.0);
        });
        Ok(!rows.await?.is_empty())
    }

    /// Notes that an entity is there, and releases what waits for it.
    pub(super) async fn now_there(&mut self, entity: &Place, now: Millis) -> Result<Vec<i64>> {
        self.load_entities([entity.clone()]).await?;
        if let Some(known) = self.memory.entities.get_mut(entity)
            && !known.exists
        {
            known.exists = true;
            self.dirty_entities.insert(entity.clone());
        }
        self.release(entity, now).await
    }

    fn write_attempt(&mut self, settle: &Settle, payload: i64, number: u32) -> Result<()> {
        let (attempt, id, fence) = (&settle.attempt, settle.delivery, settle.fence);
        self.piles.attempt.row(|args| {
            args.add(id)
                .add(fence)
                .add(number)
                .add(kind_number(attempt.kind))
                .add(attempt.started.0)
                .add(attempt.ended.0)
                .add(attempt.outcome.as_str())
                .add(attempt.message.as_str());
        });
        let Some(exchange) = &attempt.exchange else { return Ok(()) };
        let bound = Bound::Exchange(id, fence);
        let (subject, day, sealed) = match self.subject_of.get(&payload).cloned().flatten() {
            // The person has been erased: nothing about them is written down any more.
            Some((_, None)) => return Ok(()),
            Some((subject, Some(sealer))) => (Some(subject), None, sealer.seal(bound, exchange.as_bytes())?),
            None => {
                let day = attempt.ended.day();
                (None, Some(day), self.day(day)?.seal(bound, exchange.as_bytes())?)
            }
        };
        self.piles.exchange.row(|args| {
            args.add(id).add(fence).add(attempt.ended.0).add(subject).add(day).add(sealed);
        });
        Ok(())
    }

    /// Keeps what an entity is called, beside what it was called before.
    pub(super) async fn write_references(&mut self, entity: &Place, given: &[Reference]) -> Result<()> {
        if given.is_empty() {
            return Ok(());
        }
        self.load_references([entity.clone()]).await?;
        for reference in given {
            let name = (reference.kind.clone(), reference.id.clone());
            let next = self.memory.ids.reference + 1;
            let known = self.references.entry(entity.clone()).or_default();
            let (id, old) = match known.get(&name) {
                Some((id, number)) => (*id, Some(number)),
                None => (next, None),
            };
            self.memory.ids.reference = self.memory.ids.reference.max(id);
            if !reference.lines.is_empty() && old.is_some() {
                self.piles.no_lines.row(|args| {
                    args.add(id);
                });
            }
            if old.is_none_or(|number| reference.number.is_some() && *number != reference.number) {
                self.piles.reference.row(|args| {
                    args.add(id)
                        .add(Arc::clone(&entity.0))
                        .add(Arc::clone(&entity.1))
                        .add(reference.kind.as_str())
                        .add(reference.id.as_str())
                        .add(reference.number.as_deref());
                });
                known.insert(name, (id, reference.number.clone()));
            }
            for line in &reference.lines {
                self.piles.line.row(|args| {
                    args.add(id).add(line.line.as_str()).add(line.id.as_str());
                });
            }
        }
        Ok(())
    }

    fn pause_for(&mut self, connector: &Arc<str>, reason: Option<&Problem>, now: Millis) {
        if self.memory.paused.contains_key(connector) {
            return;
        }
        let pause = Pause {
            code: reason.map_or_else(|| "paused".into(), |reason| reason.code.clone()),
            message: reason.map_or_else(String::new, |reason| reason.message.clone()),
            since: now,
        };
        self.pause(connector, pause);
    }

    /// Pauses a connector from here on.
    pub(super) fn pause(&mut self, connector: &Arc<str>, pause: Pause) {
        self.piles.paused.row(|args| {
            args.add(Arc::clone(connector))
                .add(pause.code.as_str())
                .add(pause.message.as_str())
                .add(pause.since.0);
        });
        self.memory.paused.insert(Arc::clone(connector), pause);
    }
}

/// The number that a kind of try is stored as.
pub(super) fn kind_number(kind: AttemptKind) -> i64 {
    match kind {
        AttemptKind::Send => 0,
        AttemptKind::Find => 1,
    }
}
