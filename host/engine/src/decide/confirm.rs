//! Confirmations: a target's later statements about what it had received.

use std::sync::Arc;

use crossdock_model::common::Reference;
use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;
use crossdock_rules::confirmation::{Confirmation, MESSAGE, REFUSED, Statement, can_be_confirmed};
use crossdock_rules::lane::{DeliveryState, Ending, Sent};

use crate::applied::{Admitted, Applied, Raised, Settled};
use crate::command::NewEvent;
use crate::delivery::Delivery;
use crate::error::Error;
use crate::keys::{EntityKey, LaneKey};
use crate::state::{Decision, State};

fn is_unconfirmed(delivery: &Delivery) -> bool {
    can_be_confirmed(delivery.state, delivery.reason.as_ref().map(|reason| reason.code.as_str()))
}

/// The reference that says to a plugin, when it is tried again, that a try was refused.
fn refusal(serial: Option<u64>, fence: i64) -> Reference {
    let id = format!("{}/{fence}", serial.unwrap_or_default());
    Reference { kind: REFUSED.to_owned(), id, number: None, lines: Vec::new() }
}

impl State<'_> {
    /// Remembers which delivery the messages of a receipt carried.
    pub(super) fn remember_messages(
        &mut self,
        connector: &Arc<str>,
        delivery: i64,
        given: &[Reference],
    ) -> Decision<()> {
        for reference in given.iter().filter(|reference| reference.kind == MESSAGE) {
            let key = (Arc::clone(connector), Arc::from(reference.id.as_str()));
            self.messages(&key)?;
            self.set_message(key, Some(delivery));
        }
        Ok(())
    }

    /// The delivery that a confirmation answers, if there is one that awaits it.
    fn confirmed_delivery(&self, source: &Arc<str>, given: &Confirmation) -> Decision<Option<i64>> {
        if let Some(id) = self.answered(source, given)? {
            // Who names the message means no other one. Its delivery may have been pruned.
            let delivery = self.deliveries(&id)?;
            return Ok(delivery.is_some_and(is_unconfirmed).then_some(id));
        }
        let lane = self.confirmed_lane(source, given)?;
        Ok(lane.into_iter().find(|delivery| is_unconfirmed(delivery)).map(|delivery| delivery.id))
    }

    /// The delivery of the message that a confirmation names, where that is known.
    fn answered(&self, source: &Arc<str>, given: &Confirmation) -> Decision<Option<i64>> {
        let Some(message) = &given.answers else { return Ok(None) };
        Ok(self.messages(&(Arc::clone(source), message.as_str().into()))?.copied())
    }

    /// What is open of the order that a confirmation names.
    fn confirmed_lane(&self, source: &Arc<str>, given: &Confirmation) -> Decision<Vec<&Delivery>> {
        let Some(order) = &given.order else { return Ok(Vec::new()) };
        let order: Arc<str> = order.as_str().into();
        let first = self.aliases(&order)?.cloned().unwrap_or(order);
        self.lane(&LaneKey::new(Arc::clone(source), first))
    }

    /// Takes the statement of an event about a delivery, where it makes one.
    pub(super) fn take_confirmation(
        &mut self,
        event: i64,
        new: &NewEvent,
        now: Millis,
        to: &mut Admitted,
    ) -> Decision<()> {
        let Some(given) = &new.incoming.confirmation else { return Ok(()) };
        let source: Arc<str> = new.source.as_str().into();
        match self.confirmed_delivery(&source, given)? {
            Some(id) => {
                let due_at = now.plus(new.confirmation_limit);
                to.raised.extend(self.take_statement(id, &given.statement, due_at, now)?);
                Ok(())
            }
            None => self.note_early_answer(event, new, &source, given),
        }
    }

    /// A target may answer before the answer to the call is recorded: its statement counts as soon as that is.
    fn note_early_answer(
        &mut self,
        event: i64,
        new: &NewEvent,
        source: &Arc<str>,
        given: &Confirmation,
    ) -> Decision<()> {
        if self.answered(source, given)?.is_some() {
            return Ok(());
        }
        let lane = self.confirmed_lane(source, given)?;
        let Some(delivery) = lane.into_iter().find(|delivery| delivery.is_in_flight()) else { return Ok(()) };
        let (id, key, noted) = (delivery.id, delivery.entity_key(), delivery.early_answer);
        // What is reported once more of a document that is known answers an earlier call.
        let document = &new.event.entity.id;
        if self.references(&key)?.is_some_and(|known| known.iter().any(|known| known.id == *document)) {
            return Ok(());
        }
        // That a message was read says less than what became of it.
        if matches!(given.statement, Statement::Acknowledged { .. }) && noted.is_some() {
            return Ok(());
        }
        self.change(id, |delivery| delivery.early_answer = Some(event))
    }

    /// Takes the statement that came before the delivery counted as received. Answers the exception that it raises.
    pub(super) fn take_early_answer(&mut self, id: i64, now: Millis) -> Decision<Option<Raised>> {
        let delivery = self.delivery(id)?;
        let Some(event) = delivery.early_answer else { return Ok(None) };
        let (connector, due_at) = (Arc::clone(&delivery.connector), delivery.due_at);
        // It may have been pruned.
        let event = self.events(&event)?.map(|row| Arc::clone(&row.event));
        self.change(id, |delivery| delivery.early_answer = None)?;
        let Some(given) = event.and_then(|event| Confirmation::of(&event)) else { return Ok(None) };
        match self.confirmed_delivery(&connector, &given)? {
            Some(confirmed) if confirmed == id => self.take_statement(id, &given.statement, due_at, now),
            _ => Ok(None),
        }
    }

    /// Takes a target's statement about a delivery; once acknowledged it is overdue at `due_at`. Answers the exception
    /// that it raises.
    fn take_statement(
        &mut self,
        id: i64,
        statement: &Statement,
        due_at: Millis,
        now: Millis,
    ) -> Decision<Option<Raised>> {
        match statement {
            Statement::Posted(references) => {
                self.confirm_delivery(id, references, now)?;
                Ok(None)
            }
            Statement::Acknowledged { note } => {
                let why = Problem { code: "acknowledged".into(), message: note.clone(), field: None };
                self.change(id, |delivery| {
                    delivery.state = DeliveryState::Received;
                    delivery.due_at = due_at;
                    delivery.since = now;
                    delivery.reason = Some(why);
                })?;
                Ok(None)
            }
            Statement::Refused(problem) => {
                let delivery = self.delivery(id)?;
                let (key, mark) = (delivery.entity_key(), refusal(delivery.serial, delivery.fence));
                self.add_references(&key, &[mark])?;
                // The target did nothing: whoever tries again sends it again.
                self.change(id, |delivery| delivery.sent = Sent::No)?;
                self.raise_by_statement(id, problem, now).map(Some)
            }
            Statement::LinesRejected(problem, references) => {
                let key = self.delivery(id)?.entity_key();
                self.add_references(&key, references)?;
                self.raise_by_statement(id, problem, now).map(Some)
            }
        }
    }

    fn raise_by_statement(&mut self, id: i64, problem: &Problem, now: Millis) -> Decision<Raised> {
        self.raise(id, &problem.code, Some(problem.clone()), now)?;
        self.raised(id)
    }

    /// An exception, as it is answered.
    pub(super) fn raised(&self, id: i64) -> Decision<Raised> {
        let delivery = self.delivery(id)?;
        let empty = || Problem { code: String::new(), message: String::new(), field: None };
        Ok(Raised {
            delivery: id,
            connector: delivery.connector.to_string(),
            lane: delivery.lane.to_string(),
            problem: delivery.reason.clone().unwrap_or_else(empty),
        })
    }

    /// Settles a delivery that awaits its confirmation. Answers which became ready.
    fn confirm_delivery(&mut self, id: i64, given: &[Reference], now: Millis) -> Decision<Vec<i64>> {
        let delivery = self.delivery(id)?;
        let (lane, entity): (LaneKey, EntityKey) = (delivery.lane_key(), delivery.entity_key());
        self.add_references(&entity, given)?;
        self.change(id, |delivery| delivery.sent = Sent::Yes)?;
        self.retire(id, Ending::Posted, None, now)?;
        self.end_needless(id, now)?;
        let mut released = self.arrived(&entity, &lane, now)?;
        released.extend(self.promote(&lane, now)?);
        Ok(released)
    }

    /// Confirms a delivery that the target had only received.
    pub(super) fn confirm(&mut self, id: i64, given: &[Reference], now: Millis) -> Decision<Applied> {
        let delivery = self.delivery(id)?;
        if !is_unconfirmed(delivery) {
            let state = delivery.state.to_string();
            return Err(Error::WrongState { what: "delivery", id, state }.into());
        }
        let released = self.confirm_delivery(id, given, now)?;
        Ok(Applied::Settled(Settled { released, ready: self.take_ready(), ..Settled::default() }))
    }
}
