//! What an event is owed to whom: everything that is known is brought before the rules, target by target.

use std::collections::BTreeSet;
use std::sync::Arc;

use crossdock_model::time::Millis;
use crossdock_rules::admission::{Admission, Incoming, Known, admit};
use crossdock_rules::ownership::Verdict;
use crossdock_rules::told::Marks;
use crossdock_rules::{day, stock};

use super::batch::Batch;
use super::decided::Case;
use super::delivery::Delivery;
use super::landscape::Telling;
use super::memory::Place;
use crate::Result;
use crate::command::{Admitted, NewEvent, Owed, Target};

/// An event with what is known of it, whoever it is owed to.
struct Arrival<'n> {
    event: i64,
    new: &'n NewEvent,
    entity: Arc<str>,
    /// Its source, and what it tells something about.
    source: Place,
    what: Telling,
    /// The lane it goes to: its own, or that of the order which told its sale first.
    lane: Arc<str>,
    /// The order which told its sale first, when that was another one.
    first: Option<Arc<str>>,
    /// When the day it belongs to was closed.
    closed_at: Option<Arc<str>>,
}

impl Batch<'_> {
    /// Decides what the event's targets are owed. `personal` marks what it tells of a person.
    pub(super) async fn owe(
        &mut self,
        event: i64,
        new: &NewEvent,
        personal: &Marks,
        now: Millis,
        to: &mut Admitted,
    ) -> Result<()> {
        let incoming = &new.incoming;
        let closed_at = match &incoming.day {
            Some(day) => self.day_of(event, day).await?,
            None => None,
        };
        let first = self.first_told(new).await?;
        self.confirmed(new, now, to).await?;
        if new.targets.is_empty() {
            return Ok(());
        }
        let entity: Arc<str> = incoming.entity.as_str().into();
        // What belongs to a sale that another told first goes with that one.
        let lane = first.clone().unwrap_or_else(|| incoming.lane.as_str().into());
        let source = (new.source.as_str().into(), Arc::clone(&entity));
        let what = Self::telling(event, new, personal);
        let arrival = Arrival { event, new, entity, source, what, lane, first, closed_at };
        if new.targets.iter().any(|target| target.pin) {
            self.load_pins([Arc::clone(&arrival.lane)]).await?;
        }
        self.load_written([arrival.source.clone()]).await?;
        let mut told: Vec<Arc<str>> = Vec::new();
        for target in &new.targets {
            let (connector, record) = self.home(&arrival.lane, target);
            if told.contains(&connector) {
                continue;
            }
            told.push(Arc::clone(&connector));
            let (delivery, what) = match arrival.first.as_deref() {
                Some(first) if incoming.entity == incoming.lane => {
                    let place = (Arc::clone(&connector), Arc::clone(&arrival.entity));
                    let case = arrival.case(place, &arrival.entity);
                    self.decided(&case, Admission::same_sale(first), target, now)?
                }
                _ => {
                    if record {
                        self.memory.pins.insert(Arc::clone(&arrival.lane), Some(Arc::clone(&connector)));
                        self.piles.pin.row(|args| {
                            args.add(Arc::clone(&arrival.lane)).add(Arc::clone(&connector));
                        });
                    }
                    self.owe_to(&arrival, &connector, target, now, to).await?
                }
            };
            match what {
                "echo" => to.echoes += 1,
                "conflict" => to.conflicts += 1,
                _ => {}
            }
            to.owed.push(Owed { event, delivery, connector: connector.to_string(), what: what.to_owned() });
        }
        Ok(())
    }

    /// Decides what one connector is owed, and does it.
    async fn owe_to(
        &mut self,
        arrival: &Arrival<'_>,
        connector: &Arc<str>,
        target: &Target,
        now: Millis,
        to: &mut Admitted,
    ) -> Result<(i64, &'static str)> {
        let incoming = &arrival.new.incoming;
        let known = self.known(connector, &arrival.entity, target).await?;
        let counted = target.sum.as_deref().zip(incoming.stock.as_ref());
        let sum: Option<Arc<str>> = counted.map(|(place, counted)| stock::lane(&counted.sku, place).into());
        let place = (Arc::clone(connector), Arc::clone(sum.as_ref().unwrap_or(&arrival.lane)));
        self.load_lanes([place.clone()]).await?;
        let parent = match &incoming.parent {
            None => None,
            Some(_) => Some(self.known(connector, &arrival.lane, target).await?),
        };
        let ids = self.memory.lanes.get(&place).into_iter().flatten();
        let open: Vec<_> = ids.filter_map(|id| self.memory.deliveries.get(id)).map(Delivery::open).collect();
        let decided = match (&sum, &arrival.first) {
            (None, None) => admit(incoming, &known, parent.as_ref(), &open, self.safeguards),
            (sum, first) => {
                let moved = moved(incoming, sum.as_deref(), first.as_deref());
                admit(&moved, &known, parent.as_ref(), &open, self.safeguards)
            }
        };
        let verdict = self.verdict(&arrival.source, &arrival.what, known.told.as_ref());
        let late = incoming.day.as_ref().and_then(|day| day::late(day, arrival.closed_at.as_deref(), &known));
        let case = arrival.case(place, sum.as_ref().unwrap_or(&arrival.entity));
        let can_be_echo = matches!(decided, Admission::Enqueue)
            && !matches!(verdict, Verdict::Echo | Verdict::Repeated)
            && !arrival.what.marks.is_empty()
            && late.is_none()
            && sum.is_none();
        let flights = if can_be_echo {
            self.flights_to(&arrival.source.0, arrival.new, &arrival.lane)
        } else {
            BTreeSet::new()
        };
        if !flights.is_empty() {
            return self.decided_held(&case, flights, &arrival.source, known.told, target, now);
        }
        let decided = decided.judged(&verdict);
        if !matches!(decided, Admission::Stale { .. }) {
            self.note_conflict(&arrival.source, &arrival.what, &verdict, now);
        }
        let (delivery, what) = match (decided, late) {
            (Admission::Enqueue | Admission::Wait { .. }, Some(problem)) => {
                self.decided_late(&case, problem, target, now, to)?
            }
            (decided, _) => self.decided(&case, decided, target, now)?,
        };
        if let (Some(place), "ready" | "queued" | "joined" | "waiting") = (&target.sum, what) {
            self.keep_level(arrival.new, place);
        }
        Ok((delivery, what))
    }

    /// What is known of an entity. One that comes from the connector's own system is there anyway.
    pub(super) async fn known(
        &mut self,
        connector: &Arc<str>,
        entity: &str,
        target: &Target,
    ) -> Result<Known> {
        let place = (Arc::clone(connector), Arc::from(entity));
        self.load_entities([place.clone()]).await?;
        let mut known = self.memory.entities.get(&place).cloned().unwrap_or_default();
        known.exists |= target
            .system
            .as_deref()
            .is_some_and(|system| entity.strip_prefix(system).is_some_and(|rest| rest.starts_with('/')));
        Ok(known)
    }
}

impl Arrival<'_> {
    fn case<'c>(&'c self, place: Place, entity: &'c Arc<str>) -> Case<'c> {
        Case {
            event: self.event,
            incoming: &self.new.incoming,
            place,
            entity,
            known_as: &self.entity,
            what: &self.what,
        }
    }
}

/// The event as admission has to see it when it stands in another lane than its own: that of a sum, or that
/// of the order which told its sale first.
fn moved(incoming: &Incoming, sum: Option<&str>, first: Option<&str>) -> Incoming {
    let mut moved = incoming.clone();
    if let Some(lane) = sum {
        (moved.lane, moved.entity) = (lane.to_owned(), lane.to_owned());
    } else if let Some(first) = first {
        if moved.parent.as_deref() == Some(moved.lane.as_str()) {
            moved.parent = Some(first.to_owned());
        }
        moved.lane = first.to_owned();
    }
    moved
}
