//! The home of an order's books, and bringing there what waited for the order elsewhere.

use std::sync::Arc;

use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;
use crossdock_rules::admission::{Admission, Incoming, Known, admit};
use crossdock_rules::lane::{DeliveryState, Ending, Sent};
use crossdock_rules::pin;
use crossdock_rules::version::Stamp;

use super::batch::Batch;
use super::delivery::Delivery;
use super::memory::Place;
use super::sql::{execute, fetch};
use crate::Result;
use crate::command::{NewEvent, Target};

impl Batch<'_> {
    /// The connector an event of this lane goes to when it is routed to the target, and whether that may
    /// become the lane's pin. The pins have been read.
    pub(super) fn home(&self, lane: &Arc<str>, target: &Target) -> (Arc<str>, bool) {
        let pin = self.memory.pins.get(lane).and_then(Option::as_ref);
        let (pinned, older) = (pin.map(AsRef::as_ref), target.home.as_deref());
        let home = pin::home(pinned, &target.connector, target.keeps_books(), older);
        match pin {
            Some(pin) if **pin == *home.connector => (Arc::clone(pin), home.record),
            _ => (home.connector.into(), home.record),
        }
    }

    /// Brings to its home what waits for an order where it was sent before anything was known of the order.
    /// What waits at a connector in `told` stays: that is told of the order too.
    pub(super) async fn gather(
        &mut self,
        order: &Arc<str>,
        home: &Arc<str>,
        told: &[Arc<str>],
        now: Millis,
    ) -> Result<()> {
        for from in self.memory.waiting_for(order) {
            if !told.contains(&from.0) {
                self.follow(&from, &(Arc::clone(home), Arc::clone(order)), now).await?;
            }
        }
        Ok(())
    }

    /// Brings what waits for an order into the lane of the one that told its sale first: nothing will ever be
    /// told of the order itself, which `new` tells.
    pub(super) async fn rejoin(
        &mut self,
        order: &Arc<str>,
        first: &Arc<str>,
        new: &NewEvent,
        now: Millis,
    ) -> Result<()> {
        let waiting = self.memory.waiting_for(order);
        if waiting.is_empty() {
            return Ok(());
        }
        self.load_pins([Arc::clone(first)]).await?;
        let pin = self.memory.pins.get(first).cloned().flatten();
        for from in waiting {
            let plain = |target: &Target| target.connector == *from.0 && !target.keeps_books();
            let home = pin.clone().filter(|_| !new.targets.iter().any(plain));
            let to = (home.unwrap_or_else(|| Arc::clone(&from.0)), Arc::clone(first));
            self.follow(&from, &to, now).await?;
        }
        Ok(())
    }

    /// Moves what waits for a lane's order, and of which its target was never told, to another connector or
    /// lane, and decides there what becomes of it.
    async fn follow(&mut self, from: &Place, to: &Place, now: Millis) -> Result<()> {
        let waiting = self.memory.awaiting.get(from).cloned().unwrap_or_default();
        for id in waiting {
            let row = self.delivery(id).await?.clone();
            let idle = row.state == DeliveryState::Waiting || row.waited_in_vain();
            if !idle || row.sent != Sent::No || row.lane != from.1 {
                continue;
            }
            // The rows that are looked at and changed have to be there.
            self.flush().await?;
            let told = format!("the books of its order are kept by {}", to.0);
            if from.0 != to.0 && self.is_owed(row.event, &to.0).await? {
                self.retire(id, Ending::Joined, reason("moved", told), now)?;
            } else if row.entity.is_none() && from.1 != to.1 {
                // An edit of an order whose sale another one told first.
                self.end(id, Admission::same_sale(&to.1), now)?;
            } else if let Some(twin) = self.twin(row.event, row.entity(), &to.1).await? {
                self.end(id, Admission::same_refund(&twin), now)?;
            } else {
                self.relocate(&row, to).await?;
                self.arrive(&row, from, to, now).await?;
            }
        }
        Ok(())
    }

    fn end(&mut self, id: i64, admission: Admission, now: Millis) -> Result<()> {
        let Admission::End { ending, reason: why } = admission else { return Ok(()) };
        self.retire(id, ending, reason(ending.as_str(), why), now)
    }

    /// Whether a connector is owed an event.
    async fn is_owed(&mut self, event: i64, connector: &str) -> Result<bool> {
        let text = "SELECT 1 FROM delivery WHERE event = ? AND connector = ? LIMIT 1";
        let rows = fetch(self.connection, "looking for a delivery", text, |args| {
            args.add(event).add(connector);
        });
        Ok(!rows.await?.is_empty())
    }

    /// Gives a delivery that nobody was told of another place.
    async fn relocate(&mut self, old: &Delivery, to: &Place) -> Result<()> {
        let id = old.id;
        self.stop_waiting(id)?;
        if let Some(lane) = self.memory.lanes.get_mut(&old.place()) {
            lane.remove(&id);
        }
        self.load_lanes([to.clone()]).await?;
        let entity = Some(Arc::clone(old.entity())).filter(|entity| *entity != to.1);
        let text = "UPDATE delivery SET connector = ?, lane = ?, entity = ? WHERE id = ?";
        execute(self.connection, "moving a delivery to its home", text, |args| {
            args.add(Arc::clone(&to.0)).add(Arc::clone(&to.1)).add(entity.clone()).add(id);
        })
        .await?;
        let row = self.change(id)?;
        (row.connector, row.lane) = to.clone();
        row.entity = entity;
        (row.serial, row.resume) = (None, None);
        (row.attempt, row.failures, row.finds) = (0, 0, 0);
        self.memory.lanes.entry(to.clone()).or_default().insert(id);
        Ok(())
    }

    /// Decides what becomes of a delivery that came from elsewhere, as of an event that comes only now.
    async fn arrive(&mut self, old: &Delivery, from: &Place, to: &Place, now: Millis) -> Result<()> {
        let (id, entity) = (old.id, old.entity());
        let (there, here) =
            ((Arc::clone(&from.0), Arc::clone(entity)), (Arc::clone(&to.0), Arc::clone(entity)));
        self.load_entities([there.clone(), here.clone(), to.clone()]).await?;
        let known_of =
            |batch: &Self, place: &Place| batch.memory.entities.get(place).cloned().unwrap_or_default();
        let (before, order) = (known_of(self, &there), known_of(self, to));
        let known = if from.0 == to.0 { Known::default() } else { known_of(self, &here) };
        let ids = self.memory.lanes.get(to).into_iter().flatten().filter(|other| **other != id);
        let open: Vec<_> = ids.filter_map(|id| self.memory.deliveries.get(id)).map(Delivery::open).collect();
        let decided = admit(&incoming(old, to, &before), &known, Some(&order), &open, self.safeguards);
        if from.0 != to.0 && old.effect.advances() && known.newest.is_none() {
            self.memory.entities.insert(here.clone(), Known { exists: known.exists, ..before });
            self.dirty_entities.insert(here);
        }
        match decided {
            Admission::Stale { reason: why } => self.retire(id, Ending::Stale, reason("stale", why), now)?,
            Admission::Annul { .. } => {
                let why = "the order was cancelled before it was sent".to_owned();
                self.retire(id, Ending::Annulled, reason("annulled", why), now)?;
            }
            ends @ Admission::End { .. } => self.end(id, ends, now)?,
            Admission::Wait { referent } => {
                self.start_waiting(id, referent.as_str().into())?;
                let row = self.change(id)?;
                row.state = DeliveryState::Waiting;
                row.due_at = i64::MAX;
                row.reason = reason("not-yet", format!("not yet: {referent}"));
            }
            Admission::Enqueue | Admission::Join { .. } => {
                self.requeue(id, now)?;
                self.promote(to, now)?;
            }
        }
        Ok(())
    }
}

/// A delivery as admission wants to see what it is of, in the lane it goes to.
fn incoming(row: &Delivery, to: &Place, before: &Known) -> Incoming {
    let stamp = Stamp { at: row.at, believed: row.at, sequence: None, progress: 0 };
    let state = before.newest.clone().filter(|_| row.effect.advances());
    let (stamp, digest) = state.unwrap_or((stamp, String::new()));
    Incoming {
        key: String::new(),
        lane: to.1.to_string(),
        entity: row.entity().to_string(),
        parent: Some(to.1.to_string()),
        stamp,
        effect: row.effect,
        digest,
        told: Arc::from([]),
        natural_key: None,
        day: None,
        confirms: None,
        stock: None,
    }
}

fn reason(code: &str, message: String) -> Option<Problem> {
    Some(Problem { code: code.to_owned(), message, field: None })
}
