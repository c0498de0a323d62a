//! What targets say later about what they had received.

use std::sync::Arc;

use crossdock_model::common::Reference;
use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;
use crossdock_rules::confirm::{Confirmation, MESSAGE, REFUSED, Says, awaits};
use crossdock_rules::lane::{DeliveryState, Ending, Sent};

use super::batch::Batch;
use super::delivery::Delivery;
use super::sql::{Cells, fetch};
use crate::command::{Admitted, Applied, NewEvent, Raised, Settled};
use crate::{Error, Result};

/// Whether a delivery can still be answered.
fn open(row: &Delivery) -> bool {
    awaits(row.state, row.reason.as_ref().map(|reason| reason.code.as_str()))
}

/// The reference that tells a plugin, when it is tried again, that a try was refused.
fn refusal(serial: Option<i64>, fence: i64) -> Reference {
    let id = format!("{}/{fence}", serial.unwrap_or_default());
    Reference { kind: REFUSED.to_owned(), id, number: None, lines: Vec::new() }
}

impl Batch<'_> {
    /// Notes which delivery the messages of a receipt carried.
    pub(super) fn keep_messages(&mut self, connector: &Arc<str>, delivery: i64, given: &[Reference]) {
        for reference in given.iter().filter(|reference| reference.kind == MESSAGE) {
            self.piles.message.row(|args| {
                args.add(Arc::clone(connector)).add(reference.id.as_str()).add(delivery);
            });
        }
    }

    /// The delivery that a message carried.
    async fn carried(&mut self, connector: &str, message: &str) -> Result<Option<i64>> {
        if !self.piles.message.is_empty() {
            self.flush().await?;
        }
        let text = "SELECT delivery FROM message WHERE connector = ? AND id = ?";
        let rows = fetch(self.connection, "looking for a message", text, |args| {
            args.add(connector).add(message);
        });
        rows.await?.first().map(|row| Cells::of(row).next()).transpose()
    }

    /// The delivery that a confirmation answers, if there is one that waits for it.
    async fn answered(&mut self, source: &Arc<str>, said: &Confirmation) -> Result<Option<i64>> {
        if let Some(message) = &said.answers
            && let Some(id) = self.carried(source, message).await?
        {
            // Who names the message means no other one.
            return Ok(open(self.delivery(id).await?).then_some(id));
        }
        let Some(order) = &said.order else { return Ok(None) };
        let order: Arc<str> = order.as_str().into();
        self.load_aliases([Arc::clone(&order)]).await?;
        let lane = self.memory.landscape.aliases.get(&order).cloned().flatten().unwrap_or(order);
        let place = (Arc::clone(source), lane);
        self.load_lanes([place.clone()]).await?;
        let lane = self.memory.lanes.get(&place).into_iter().flatten();
        Ok(lane.filter_map(|id| self.memory.deliveries.get(id)).find(|row| open(row)).map(|row| row.id))
    }

    /// Takes a target at its word.
    pub(super) async fn confirmed(&mut self, new: &NewEvent, now: Millis, to: &mut Admitted) -> Result<()> {
        let Some(said) = &new.incoming.confirms else { return Ok(()) };
        let source: Arc<str> = new.source.as_str().into();
        let Some(id) = self.answered(&source, said).await? else { return Ok(()) };
        match &said.says {
            Says::Posted(references) => {
                self.confirm_one(id, references, now).await?;
            }
            Says::Acknowledged { note } => {
                let row = self.change(id)?;
                row.state = DeliveryState::Received;
                row.due_at = now.plus(new.overdue).0;
                row.since = now.0;
                row.reason =
                    Some(Problem { code: "acknowledged".into(), message: note.clone(), field: None });
            }
            Says::Refused(problem) => {
                // The target did nothing: who tries again sends it again.
                let row = self.change(id)?;
                row.sent = Sent::No;
                let entity = (Arc::clone(&row.connector), Arc::clone(row.entity()));
                let refused = refusal(row.serial, row.fence);
                self.write_references(&entity, &[refused]).await?;
                self.object(id, problem, now, to)?;
            }
            Says::LinesRejected(problem, references) => {
                let row = self.delivery(id).await?;
                let entity = (Arc::clone(&row.connector), Arc::clone(row.entity()));
                self.write_references(&entity, references).await?;
                self.object(id, problem, now, to)?;
            }
        }
        Ok(())
    }

    fn object(&mut self, id: i64, problem: &Problem, now: Millis, to: &mut Admitted) -> Result<()> {
        self.except(id, &problem.code, Some(problem.clone()), now)?;
        let raised = self.raised(id)?;
        to.raised.push(raised);
        Ok(())
    }

    /// An exception, as it is answered.
    pub(super) fn raised(&mut self, id: i64) -> Result<Raised> {
        let row = self.change(id)?;
        let problem = row.reason.clone().unwrap_or_else(|| Problem {
            code: String::new(),
            message: String::new(),
            field: None,
        });
        let (connector, lane) = (row.connector.to_string(), row.lane.to_string());
        Ok(Raised { delivery: id, connector, lane, problem })
    }

    /// Settles a delivery that can still be answered, and answers what became ready.
    async fn confirm_one(&mut self, id: i64, given: &[Reference], now: Millis) -> Result<Vec<i64>> {
        let row = self.delivery(id).await?;
        let place = row.place();
        let entity = (Arc::clone(&row.connector), Arc::clone(row.entity()));
        self.write_references(&entity, given).await?;
        self.change(id)?.sent = Sent::Yes;
        self.retire(id, Ending::Posted, None, now)?;
        let mut released = self.now_there(&entity, now).await?;
        released.extend(self.promote(&place, now)?);
        Ok(released)
    }

    /// Confirms a delivery that the target had only received.
    pub(super) async fn confirm(&mut self, id: i64, given: &[Reference], now: Millis) -> Result<Applied> {
        let row = self.delivery(id).await?;
        if !open(row) {
            return Err(Error::WrongState { what: "delivery", id, state: row.state.to_string() });
        }
        let released = self.confirm_one(id, given, now).await?;
        Ok(Applied::Settled(Settled { released, paused: false, ready: self.take_ready() }))
    }
}
