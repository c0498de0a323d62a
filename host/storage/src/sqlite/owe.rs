//! What an event is owed to whom: everything that is known is brought before the rules, target by target.

use std::collections::BTreeSet;
use std::sync::Arc;

use crossdock_model::event::Fact;
use crossdock_model::time::Millis;
use crossdock_rules::admission::{Admission, Incoming, Known, admit};
use crossdock_rules::day::Closing;
use crossdock_rules::ownership::{Class, Verdict};
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
    /// The closing of the day it belongs to.
    closing: Option<Closing>,
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
        let closing = match &incoming.day {
            Some(day) => self.day_of(event, day).await?,
            None => None,
        };
        let first = self.first_told(new, now).await?;
        self.confirmed(new, now, to).await?;
        if new.targets.is_empty() {
            return Ok(());
        }
        let entity: Arc<str> = incoming.entity.as_str().into();
        // What belongs to a sale that another told first goes with that one.
        let lane = first.clone().unwrap_or_else(|| incoming.lane.as_str().into());
        let source = (new.source.as_str().into(), Arc::clone(&entity));
        let what = Self::telling(event, new, personal);
        let arrival = Arrival { event, new, entity, source, what, lane, first, closing };
        let books = keeper(&new.targets);
        if books.is_some() {
            self.load_pins([Arc::clone(&arrival.lane)]).await?;
        }
        let pinned = self.memory.pins.get(&arrival.lane).is_some_and(Option::is_some);
        self.load_written([arrival.source.clone()]).await?;
        let twin = match &new.event.fact {
            Fact::RefundIssued(_) => self.twin(event, &arrival.entity, &arrival.lane).await?,
            _ => None,
        };
        let (mut told, mut settled): (Vec<Arc<str>>, Option<Arc<str>>) = (Vec::new(), None);
        for (at, target) in new.targets.iter().enumerate() {
            let mut connector: Arc<str> = target.connector.as_str().into();
            if books == Some(at) {
                let (home, record) = self.home(&arrival.lane, target);
                if home == arrival.source.0 && home != connector {
                    // Nobody is told what they said themselves.
                    continue;
                }
                connector = home;
                if record && self.may_pin(&arrival, &connector, target).await? {
                    self.memory.pins.insert(Arc::clone(&arrival.lane), Some(Arc::clone(&connector)));
                    self.piles.pin.row(|args| {
                        args.add(Arc::clone(&arrival.lane)).add(Arc::clone(&connector));
                    });
                    settled = Some(Arc::clone(&connector));
                }
            } else if target.keeps_books() && !self.goes_too(&arrival, target, pinned).await? {
                continue;
            }
            if told.contains(&connector) {
                continue;
            }
            told.push(Arc::clone(&connector));
            let same_sale = match (&arrival.first, &twin) {
                (Some(first), _) if incoming.entity == incoming.lane => Some(Admission::same_sale(first)),
                (_, Some(twin)) => Some(Admission::same_refund(twin)),
                _ => None,
            };
            let (delivery, what) = match same_sale {
                Some(ends) => {
                    let case =
                        arrival.case((Arc::clone(&connector), Arc::clone(&arrival.entity)), &arrival.entity);
                    self.decided(&case, ends, target, now)?
                }
                None => self.owe_to(&arrival, &connector, target, now, to).await?,
            };
            match what {
                "echo" => to.echoes += 1,
                "conflict" => to.conflicts += 1,
                _ => {}
            }
            to.owed.push(Owed { event, delivery, connector: connector.to_string(), what: what.to_owned() });
        }
        if let Some(home) = settled {
            self.gather(&arrival.lane, &home, &told, now).await?;
        }
        Ok(())
    }

    /// Whether an order's books get their home by an event: by a state of the order, or by what comes after one.
    /// What comes before says too little of the order.
    async fn may_pin(&mut self, arrival: &Arrival<'_>, home: &Arc<str>, target: &Target) -> Result<bool> {
        let incoming = &arrival.new.incoming;
        if incoming.entity == incoming.lane && incoming.effect.is_snapshot() {
            return Ok(arrival.first.is_none());
        }
        let order = self.known(home, &arrival.lane, target).await?;
        Ok(order.exists || order.newest.is_some())
    }

    /// Whether a target that may keep books is owed an event though another is the home of its order's. An ERP
    /// is not. Where nobody said what it is, it is taken for none while nothing is known to the contrary.
    async fn goes_too(&mut self, arrival: &Arrival<'_>, target: &Target, pinned: bool) -> Result<bool> {
        if target.class.is_some() {
            return Ok(false);
        }
        let connector = target.connector.as_str().into();
        Ok(!pinned || self.known(&connector, &arrival.lane, target).await?.newest.is_some())
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
        let late = incoming.day.as_ref().and_then(|day| day::late(day, arrival.closing.as_ref(), &known));
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
            self.told_back(&arrival.source, &arrival.what).await?;
            self.forget_written(&arrival.source, &arrival.what, known.told.as_ref(), &verdict).await?;
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
        // The system is that of the target, which is not always where the event goes.
        let system = target.system.as_deref().filter(|_| target.connector == **connector);
        known.exists |= system
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

/// Which of an event's targets stands for the home of its order's books: an ERP before one of which nobody said
/// what it is.
fn keeper(targets: &[Target]) -> Option<usize> {
    let first = |class| targets.iter().position(|target| target.keeps_books() && target.class == class);
    first(Some(Class::Erp)).or_else(|| first(None))
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
