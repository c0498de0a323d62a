//! The ERP that owns an order's books, and moving there what awaited the order elsewhere.

use std::sync::Arc;

use crossdock_model::time::Millis;
use crossdock_rules::admission::{Admission, Incoming, admit};
use crossdock_rules::entity_state::EntityState;
use crossdock_rules::lane::{DeliveryState, Ending, Sent};
use crossdock_rules::pin;
use crossdock_rules::version::{Moment, Stamp};

use super::lanes::{RELEASED_AT_ONCE, reason};
use crate::command::{NewEvent, Target};
use crate::database::Question;
use crate::delivery::{Delivery, NEVER};
use crate::keys::{EntityKey, LaneKey};
use crate::state::{Decision, State};

impl State<'_> {
    /// The connector that an event of this lane goes to when it is routed to the target, and whether that
    /// connector may become the owner of the order's books by it.
    pub(super) fn destination(&self, lane: &Arc<str>, target: &Target) -> Decision<(Arc<str>, bool)> {
        let pin = match target.can_own_books() {
            true => self.pins(lane)?.cloned(),
            false => None,
        };
        let (pinned, older) = (pin.as_deref(), target.older_orders.as_deref());
        let to = pin::owning_erp(pinned, &target.connector, target.can_own_books(), older);
        Ok((to.connector.into(), to.record))
    }

    /// The admitted state of an entity. An entity of the connector's own system exists there anyway.
    pub(super) fn known_state(
        &self,
        connector: &Arc<str>,
        entity: &str,
        target: &Target,
    ) -> Decision<EntityState> {
        let key = EntityKey::new(Arc::clone(connector), entity);
        let mut state = self.entities(&key)?.cloned().unwrap_or_default();
        // The system is that of the target, which is not always where the event goes.
        let system = target.system.as_deref().filter(|_| target.connector == **connector);
        state.exists |= system
            .is_some_and(|system| entity.strip_prefix(system).is_some_and(|rest| rest.starts_with('/')));
        Ok(state)
    }

    /// An order's books have an owner from now on: moves there what awaits the order at other connectors, where it
    /// was sent before anything was known of the order. What awaits it at a connector in `receiving` stays: that
    /// one receives the order too.
    pub(super) fn move_waiting_to_owner(
        &mut self,
        order: &Arc<str>,
        owner: &Arc<str>,
        receiving: &[Arc<str>],
        now: Millis,
    ) -> Decision<()> {
        let to = LaneKey::new(Arc::clone(owner), Arc::clone(order));
        for id in self.waiting_for(order)? {
            let from = Arc::clone(&self.delivery(id)?.connector);
            if from != *owner && !receiving.contains(&from) && self.delivery(id)?.follows_books {
                self.move_waiting(id, order, &to, now)?;
            }
        }
        Ok(())
    }

    /// An order repeats the sale of a first one, and nothing will be sent of the order itself: moves what awaits
    /// it into the lane of the first one. `new` reports the order.
    pub(super) fn move_waiting_to_first_order(
        &mut self,
        order: &Arc<str>,
        first: &Arc<str>,
        new: &NewEvent,
        now: Millis,
    ) -> Decision<()> {
        let waiting = self.waiting_for(order)?;
        if waiting.is_empty() {
            return Ok(());
        }
        let owner = self.pins(first)?.cloned();
        for id in waiting {
            let from = Arc::clone(&self.delivery(id)?.connector);
            let plain = |target: &Target| target.connector == *from && !target.can_own_books();
            let connector = match &owner {
                Some(owner) if self.delivery(id)?.follows_books && !new.targets.iter().any(plain) => {
                    Arc::clone(owner)
                }
                _ => from,
            };
            self.move_waiting(id, order, &LaneKey::new(connector, Arc::clone(first)), now)?;
        }
        Ok(())
    }

    /// A delivery awaits an order of which its connector knows nothing: moves it to the ERP that owns the order's books
    /// by now, where that is another one. When the order came it was on its way, or among too many to be moved at once.
    /// Answers whether it was moved.
    pub(super) fn move_to_owner_of_awaited(&mut self, id: i64, now: Millis) -> Decision<bool> {
        let delivery = self.delivery(id)?;
        let order = Arc::clone(&delivery.lane);
        if !delivery.follows_books || delivery.awaits.as_ref() != Some(&order) {
            return Ok(false);
        }
        let there = EntityKey::new(Arc::clone(&delivery.connector), Arc::clone(&order));
        let Some(owner) = self.pins(&order)?.filter(|owner| **owner != there.connector).cloned() else {
            return Ok(false);
        };
        let is_known_there = |state: &EntityState| state.exists || state.newest.is_some();
        if self.entities(&there)?.is_some_and(is_known_there) {
            return Ok(false);
        }
        self.move_waiting(id, &order, &LaneKey::new(owner, Arc::clone(&order)), now)?;
        let delivery = self.delivery(id)?;
        Ok(delivery.connector != there.connector || !delivery.state.is_open())
    }

    /// What awaits the order, up to as many as are released at once. More of one order than that are moved when their
    /// time to wait is over.
    fn waiting_for(&self, order: &Arc<str>) -> Decision<Vec<i64>> {
        let (waiting, _) = self.awaiting(order, None, RELEASED_AT_ONCE)?;
        let waiting: Vec<i64> = waiting.into_iter().map(|delivery| delivery.id).collect();
        self.read_ahead_lanes(&waiting)?;
        Ok(waiting)
    }

    /// Moves a delivery that awaits its lane's order, and of which its target knows nothing, to another
    /// connector or lane, and decides about it there as about an event that comes only now.
    fn move_waiting(&mut self, id: i64, order: &Arc<str>, to: &LaneKey, now: Millis) -> Decision<()> {
        let delivery = self.delivery(id)?.clone();
        let idle = delivery.state == DeliveryState::Waiting || delivery.parent_is_missing();
        if !idle || delivery.sent != Sent::No || delivery.lane != *order {
            return Ok(());
        }
        let from = delivery.lane_key();
        let elsewhere = from.connector != to.connector;
        if elsewhere && self.is_enqueued(delivery.event, &to.connector)? {
            let why = reason("moved", format!("the books of its order are kept by {}", to.connector));
            self.retire(id, Ending::Joined, why, now)
        } else if delivery.entity == delivery.lane && from.lane != to.lane {
            // An edit of an order that repeats the sale of another one.
            self.end(id, Admission::same_sale(&to.lane), now)
        } else if let Some(other) = self.matching_refund(delivery.event, &delivery.entity, &to.lane)? {
            self.end(id, Admission::same_refund(&other), now)
        } else {
            self.relocate(&delivery, to)?;
            self.admit_moved(&delivery, &from, to, now)
        }
    }

    fn end(&mut self, id: i64, admission: Admission, now: Millis) -> Decision<()> {
        let Admission::End { ending, reason: why } = admission else { return Ok(()) };
        self.retire(id, ending, reason(ending.into(), why), now)
    }

    /// Whether a connector has a delivery of an event.
    fn is_enqueued(&self, event: i64, connector: &Arc<str>) -> Decision<bool> {
        let stored =
            self.ask_deliveries(Question::DeliveriesOf { event, connector: Arc::clone(connector) })?;
        let own = |delivery: &Delivery| delivery.event == event && delivery.connector == *connector;
        for id in stored {
            if own(self.delivery(id)?) {
                return Ok(true);
            }
        }
        Ok(self.changed_deliveries(connector).any(own))
    }

    /// Gives a delivery that was never sent another connector or lane.
    fn relocate(&mut self, old: &Delivery, to: &LaneKey) -> Decision<()> {
        self.stop_waiting_for_writes(old.id)?;
        self.change(old.id, |delivery| {
            delivery.awaits = None;
            delivery.connector = Arc::clone(&to.connector);
            delivery.lane = Arc::clone(&to.lane);
            (delivery.serial, delivery.resume) = (None, None);
            (delivery.attempts, delivery.failures, delivery.finds) = (0, 0, 0);
        })
    }

    /// Decides about a delivery that came from another connector or lane.
    fn admit_moved(&mut self, old: &Delivery, from: &LaneKey, to: &LaneKey, now: Millis) -> Decision<()> {
        let id = old.id;
        let entity = Arc::clone(&old.entity);
        let there = EntityKey::new(Arc::clone(&from.connector), Arc::clone(&old.entity));
        let here = EntityKey::new(Arc::clone(&to.connector), Arc::clone(&entity));
        let of = |state: Option<&EntityState>| state.cloned().unwrap_or_default();
        let before = of(self.entities(&there)?);
        let order = of(self.entities(&EntityKey::new(Arc::clone(&to.connector), Arc::clone(&to.lane)))?);
        let elsewhere = from.connector != to.connector;
        let known = if elsewhere { of(self.entities(&here)?) } else { EntityState::default() };
        let lane = self.lane(to)?;
        let open: Vec<_> = lane.iter().filter(|other| other.id != id).map(|other| other.as_open()).collect();
        let incoming = incoming(old, &entity, to, &before);
        let admission = admit(&incoming, &known, Some(&order), &open, self.safeguards());
        if elsewhere && old.effect.advances() && known.newest.is_none() {
            self.set_entity(here, Some(EntityState { exists: known.exists, ..before }));
        }
        match admission {
            Admission::Stale { reason: why } => self.retire(id, Ending::Stale, reason("stale", why), now),
            Admission::Annul { .. } => {
                let why = reason("annulled", "the order was cancelled before it was sent");
                self.retire(id, Ending::Annulled, why, now)
            }
            ends @ Admission::End { .. } => self.end(id, ends, now),
            Admission::AwaitParent { parent } => self.change(id, |delivery| {
                delivery.state = DeliveryState::Waiting;
                delivery.due_at = NEVER;
                delivery.reason = reason("not-yet", format!("not yet: {parent}"));
                delivery.awaits = Some(parent.into());
            }),
            Admission::Enqueue | Admission::Join { .. } => {
                self.requeue(id, now)?;
                self.promote(to, now).map(|_| ())
            }
        }
    }
}

/// A delivery as admission looks at it, in the lane it goes to.
fn incoming(delivery: &Delivery, entity: &str, to: &LaneKey, before: &EntityState) -> Incoming {
    let Moment { at, believed } = delivery.moment;
    let stamp = Stamp { at, believed, sequence: None, progress: 0 };
    let state = before.newest.clone().filter(|_| delivery.effect.advances());
    let (stamp, digest) = state.unwrap_or((stamp, String::new()));
    Incoming {
        key: String::new(),
        lane: to.lane.to_string(),
        entity: entity.to_owned(),
        parent: Some(to.lane.to_string()),
        stamp,
        effect: delivery.effect,
        digest,
        reported: Arc::from([]),
        natural_key: None,
        business_day: None,
        confirmation: None,
        level: None,
    }
}
