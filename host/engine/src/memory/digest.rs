//! Numbers that stand for everything that decides.
//!
//! A digest is taken in parts: one for each root, and one of what all of them share. Events and deliveries count by
//! their keys, not by their numbers, and the deliveries of a lane in their order: two databases in which other orders
//! arrived in between have the same digest of an order.

mod rows;

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;
use crossdock_rules::lane::DeliveryState;

use crate::delivery::{Delivery, NEVER, decides};
use crate::rows::{InFlightWait, InboundRow, InboundState};

use super::state::State;
use super::tables::Tables;
use rows::{each, entity, fingerprints, reference, written};

/// What a digest leaves out, since the caller knows that nothing decides by it.
#[derive(Clone, Copy, Debug)]
pub struct Lens {
    /// How long ago something was sent counts up to this span; whatever is longer ago counts alike.
    pub sent: Duration,
    /// As `sent`, since when a delivery waits for another entity, and since when a value is mapped.
    pub waiting: Duration,
    /// False: nothing settled is replayed. How a delivery was settled then does not count.
    pub replays: bool,
    /// Attempts count up to this number.
    pub attempts: u32,
    /// False: every retry delay is as long as any other. How often a target was asked does not count.
    pub delays: bool,
}

impl Default for Lens {
    /// Leaves nothing out.
    fn default() -> Self {
        Self { sent: Duration::MAX, waiting: Duration::MAX, replays: true, attempts: u32::MAX, delays: true }
    }
}

/// A digest in parts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Parts {
    /// Of what belongs to no root: pauses, mappings, cursors, …
    pub shared: u64,
    /// Of what belongs to each root, by the root's identity text.
    pub roots: BTreeMap<Arc<str>, u64>,
}

/// The digest of a state in parts, as seen from a moment.
pub(super) fn parts(state: &State, now: Millis, lens: Lens) -> Parts {
    let mut view = View::new(state, now, lens);
    view.deliveries();
    view.events();
    view.entities(&state.tables);
    view.sales(&state.tables);
    view.shared(state);
    let roots = view.roots.into_iter().map(|(root, hasher)| (root, hasher.finish())).collect();
    Parts { shared: view.shared.finish(), roots }
}

/// What a delivery is known by: its event, its connector and its generation.
type Name<'s> = (&'s str, i64, &'s str, u32);

/// A state as seen from a moment.
struct View<'s> {
    state: &'s State,
    now: Millis,
    lens: Lens,
    root_of: HashMap<&'s str, &'s Arc<str>>,
    shared: DefaultHasher,
    roots: BTreeMap<Arc<str>, DefaultHasher>,
}

impl<'s> View<'s> {
    fn new(state: &'s State, now: Millis, lens: Lens) -> Self {
        let rows = state.events.rows.values().map(|stored| &stored.row);
        let root_of = rows.map(|row| (&*row.entity, &row.root)).collect();
        Self { state, now, lens, root_of, shared: DefaultHasher::new(), roots: BTreeMap::new() }
    }

    fn root(&mut self, root: &Arc<str>) -> &mut DefaultHasher {
        self.roots.entry(Arc::clone(root)).or_default()
    }

    /// The part that an entity belongs to: that of its root, which is the entity itself where no event says more.
    fn of_entity(&mut self, entity: &Arc<str>) -> &mut DefaultHasher {
        let root = self.root_of.get(&**entity).copied().unwrap_or(entity);
        let root = Arc::clone(root);
        self.root(&root)
    }

    fn name(&self, delivery: i64) -> Name<'s> {
        match self.state.deliveries.get(delivery) {
            Some(row) => self.name_of(row),
            None => ("", delivery, "", 0),
        }
    }

    /// The event's own number counts only where the event is gone.
    fn name_of(&self, row: &'s Delivery) -> Name<'s> {
        let (key, number) = self.event(row.event);
        (key, number, &*row.connector, row.generation)
    }

    fn event(&self, id: i64) -> (&'s str, i64) {
        self.state.events.get(id).map_or(("", id), |row| (&*row.key, 0))
    }

    /// A moment that something becomes due at: all that have passed are alike.
    fn due(&self, at: Millis) -> i64 {
        if at == NEVER { i64::MAX } else { at.0.saturating_sub(self.now.0).max(0) }
    }

    /// How long ago a moment is. The epoch stands for none.
    fn span(&self, at: Millis, most: Duration) -> Option<Duration> {
        (at != Millis(0)).then(|| self.now.since(at).min(most))
    }

    fn deliveries(&mut self) {
        let mut rows: Vec<&Delivery> = self.state.deliveries.all().collect();
        rows.sort_by(|a, b| {
            let place = |row: &Delivery| (Arc::clone(&row.connector), !row.state.is_open());
            // The settled ones have no order among each other.
            let settled = |row: &'s Delivery| (!row.state.is_open()).then(|| self.name_of(row));
            (place(a), settled(a)).cmp(&(place(b), settled(b)))
        });
        for row in rows {
            self.delivery(row);
        }
    }

    fn delivery(&mut self, row: &'s Delivery) {
        let (name, carries) = (self.name_of(row), self.event(row.carries));
        let is_open = row.state.is_open();
        let early_answer = row.early_answer.map(|event| self.event(event));
        let timing = (
            self.due(row.due_at),
            self.due(row.not_before),
            (row.state == DeliveryState::Sending).then(|| self.due(row.lease_until)),
            self.span(row.sent_at, self.lens.sent),
            row.waiting_since.map(|since| self.span(since, self.lens.waiting)),
        );
        let joined_to = row.joined_to.map(|to| self.name(to));
        let Lens { replays, attempts, delays, .. } = self.lens;
        let to = self.root(&row.lane);
        (name, row.state).hash(to);
        if is_open {
            (
                &row.entity,
                row.follows_books,
                row.until_posted,
                row.look_up,
                &row.awaits,
                row.awaited,
                early_answer,
            )
                .hash(to);
            (row.attempts.min(attempts), row.failures, &row.resume, timing).hash(to);
            delays.then_some(row.finds).hash(to);
            let code = row.reason.as_ref().map(|reason| &*reason.code);
            code.filter(|code| decides(code)).hash(to);
        }
        if is_open || replays {
            (carries, row.effect, row.moment, row.ending, row.sent, joined_to).hash(to);
        }
    }

    /// Events never change, but for the personal data that is erased: they count by the keys in use.
    fn events(&mut self) {
        for (key, row) in self.state.tables.event_keys.iter() {
            let known = self.state.events.get(row.event);
            let (root, event) = (known.map(|event| &event.root), self.event(row.event));
            let personal = known.is_some_and(|event| event.personal.is_some());
            let to = match root {
                Some(root) => self.root(root),
                None => &mut self.shared,
            };
            (key, event, &row.digest, personal).hash(to);
        }
    }

    /// What is known of entities.
    fn entities(&mut self, tables: &Tables) {
        for (key, row) in tables.entities.iter() {
            let to = self.of_entity(&key.entity);
            ("entity", key).hash(to);
            entity(row, to);
        }
        for (key, all) in tables.references.iter() {
            let to = self.of_entity(&key.entity);
            ("references", key).hash(to);
            all.iter().for_each(|it| reference(it, to));
        }
        for (key, row) in tables.outbound_writes.iter() {
            let to = self.of_entity(&key.entity);
            ("written", key).hash(to);
            written(row, to);
        }
        for (id, wait) in tables.in_flight_waits.iter() {
            self.in_flight_wait(*id, wait);
        }
        for ((connector, message), delivery) in tables.messages.iter() {
            let name = self.name(**delivery);
            let to = match self.state.deliveries.get(**delivery) {
                Some(row) => self.root(&row.lane),
                None => &mut self.shared,
            };
            ("message", connector, message, name).hash(to);
        }
    }

    fn in_flight_wait(&mut self, id: i64, wait: &InFlightWait) {
        let names: Vec<Name<'s>> = wait.in_flight.iter().map(|one| self.name(*one)).collect();
        let (name, report) = (self.name(id), self.event(wait.report.event));
        let to = match self.state.deliveries.get(id) {
            Some(row) => self.root(&row.lane),
            None => &mut self.shared,
        };
        (name, names, &wait.source, &wait.entity, report).hash(to);
        (&wait.report.foreign, wait.report.complete).hash(to);
        fingerprints(Some(&wait.report.fingerprints), to);
        fingerprints(wait.before.as_ref(), to);
    }

    /// Owners of books, sales that two systems report, refunds, days and levels.
    fn sales(&mut self, tables: &Tables) {
        for (root, connector) in tables.pins.iter() {
            ("pin", connector).hash(self.root(root));
        }
        for (order, first) in tables.aliases.iter() {
            ("alias", first).hash(self.root(order));
        }
        for (root, all) in tables.refunds.iter() {
            for refund in all.iter() {
                let event = self.event(refund.event);
                ("refund", event, &refund.entity).hash(self.root(root));
            }
        }
        tables.natural_keys.hash(&mut self.shared);
        for (key, row) in tables.closings.iter() {
            let event = self.event(row.event);
            (key, event, &row.closing.at, row.closing.arrived).hash(&mut self.shared);
        }
        each(&tables.levels, &mut self.shared, |levels, to| {
            for (key, row) in levels {
                (key, &row.available, row.believed, row.sequence).hash(to);
            }
        });
    }

    /// What belongs to connectors, operators and intake.
    fn shared(&mut self, state: &State) {
        let tables = &state.tables;
        let mut to = std::mem::take(&mut self.shared);
        tables.inbound_keys.hash(&mut to);
        each(&tables.inbounds, &mut to, |row, to| self.inbound(row, to));
        each(&tables.pauses, &mut to, |pause, to| pause.code.hash(to));
        each(&tables.cursors, &mut to, |cursor, to| cursor.cursor.hash(to));
        (&tables.sequences, &tables.file_names, &tables.releases, &tables.positions).hash(&mut to);
        for (id, row) in tables.files.iter() {
            (id, row.written_at.is_some()).hash(&mut to);
            for carried in &row.carries {
                (self.name(carried.delivery), carried.confirmation_limit).hash(&mut to);
            }
        }
        each(&tables.mappings, &mut to, |row, to| {
            (&row.target, &row.by, self.span(row.at, self.lens.waiting)).hash(to);
        });
        each(&tables.stores, &mut to, |row, to| {
            (row.version, &row.by, &row.record.codes, self.span(row.at, self.lens.waiting)).hash(to);
        });
        each(&tables.secrets, &mut to, |row, to| (row.version, row.present).hash(to));
        each(&tables.tokens, &mut to, |row, to| row.0.hash(to));
        for choice in state.choices.values() {
            (&choice.connector, &choice.current, &choice.previous).hash(&mut to);
        }
        (&state.events.subjects, &state.imports, state.meta.incarnation).hash(&mut to);
        self.shared = to;
    }

    fn inbound(&self, row: &InboundRow, to: &mut DefaultHasher) {
        let problem: Option<&Problem> = match &row.state {
            InboundState::Quarantined(problem) => Some(problem),
            InboundState::Pending | InboundState::Read => None,
        };
        let due = (row.state == InboundState::Pending).then(|| self.due(row.due_at));
        (&row.connector, due, row.leased, row.attempts, row.has_body, problem.map(|problem| &problem.code))
            .hash(to);
    }
}
