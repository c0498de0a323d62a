//! What was written to a system, and what becomes of it when it comes back.

use std::collections::BTreeSet;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crossdock_model::common::EntityKind;
use crossdock_model::connector::{Problem, Written};
use crossdock_model::time::Millis;
use crossdock_rules::lane::{DeliveryState, Ending};
use crossdock_rules::ownership::{Verdict, fresh, judge};
use crossdock_rules::told::{Attribute, Mark, Marks, is_whole, mark};

use super::batch::Batch;
use super::landscape::{Held, Telling};
use super::memory::Place;
use super::piles;
use super::sql::{Cells, Pile, execute, fetch};
use crate::Result;
use crate::command::NewEvent;

/// Between the values that were written and have yet to be told: those that calls gave an attribute one after the
/// other, and those that one call gave it in passing.
pub(super) const PASSING: &str = "\u{1f}";
/// Why a delivery waits for what is on its way.
pub(super) const HELD: &str = "held";
/// How long after a claim's end a delivery waits for it at most, in milliseconds: as long as it takes to look up
/// what a host that was killed had sent, in a system that shows late what it has.
const PATIENCE: i64 = 90_000;
/// How many values of an attribute are remembered that were written and not told.
const WRITTEN: usize = 64;

impl Batch<'_> {
    /// Keeps what a delivery set in its target.
    pub(super) fn keep_written(
        &mut self,
        connector: &Arc<str>,
        given: &[Written],
        now: Millis,
    ) -> Result<()> {
        // One call may set an attribute several times: each value comes back, so each is kept, the last one last.
        let mut kept: Vec<(Place, Attribute, Vec<String>, Vec<Mark>)> = Vec::new();
        for written in given {
            let Ok(attribute) = written.attribute.parse::<Attribute>() else {
                tracing::warn!(
                    %connector, attribute = written.attribute,
                    "wrote an attribute that is none; when it comes back it is not recognised"
                );
                continue;
            };
            let place = (Arc::clone(connector), written.entity.to_string().into());
            let value = attribute.normal(&written.value);
            let (value, mark) = if attribute.is_personal() {
                let mark = self.vault.mark(value.as_bytes());
                (hex::encode(mark), mark)
            } else {
                let mark = mark(&value);
                (value, mark)
            };
            match kept.iter_mut().find(|(known, of, ..)| *known == place && *of == attribute) {
                Some((_, _, values, marks)) => {
                    values.push(value);
                    marks.push(mark);
                }
                None => kept.push((place, attribute, vec![value], vec![mark])),
            }
        }
        for (place, attribute, values, marks) in kept {
            self.piles.written.row(|args| {
                args.add(Arc::clone(connector))
                    .add(Arc::clone(&place.1))
                    .add(attribute.as_str())
                    .add(values.join(PASSING))
                    .add(now.0);
            });
            let landscape = &mut self.memory.landscape;
            landscape.writers.insert(Arc::clone(connector));
            // What is not remembered of the entity is read when it is asked for, with this. The value before may
            // still come back: it is told late.
            if let Some(known) = landscape.written.get_mut(&place) {
                known.append(attribute, &marks, WRITTEN);
            }
        }
        Ok(())
    }

    /// Reads what was written about entities of which nothing is remembered.
    pub(super) async fn load_written(&mut self, places: impl IntoIterator<Item = Place>) -> Result<()> {
        let mut wanted = Pile::new(&piles::WRITTEN_OF);
        let mut any = false;
        for place in places {
            if !self.memory.landscape.writers.contains(&place.0) {
                continue;
            }
            if let Entry::Vacant(vacant) = self.memory.landscape.written.entry(place) {
                let (connector, entity) = vacant.key();
                wanted.row(|args| {
                    args.add(Arc::clone(connector)).add(Arc::clone(entity));
                });
                vacant.insert(Marks::default());
                any = true;
            }
        }
        if !any {
            return Ok(());
        }
        if !self.piles.written.is_empty() {
            self.flush().await?;
        }
        for row in wanted.read(self.connection, &mut self.memory.texts).await? {
            let mut cells = Cells::of(&row);
            let place = (cells.next::<&str>()?.into(), cells.next::<&str>()?.into());
            let (attribute, value): (Attribute, &str) = (cells.name()?, cells.next()?);
            let marks: Vec<Mark> = value.split(PASSING).map(|value| kept_mark(attribute, value)).collect();
            self.memory.landscape.written.entry(place).or_default().replace(attribute, &marks);
        }
        Ok(())
    }

    /// What an event tells; `marks` are those of what is personal.
    pub(super) fn telling(event: i64, new: &NewEvent, personal: &Marks) -> Telling {
        let mut marks = Marks::of(&new.incoming.told);
        for (attribute, mark) in personal.iter() {
            marks.set(attribute, mark);
        }
        Telling {
            event,
            marks,
            values: Arc::clone(&new.incoming.told),
            foreign: new.foreign.clone(),
            whole: is_whole(&new.event.fact),
        }
    }

    /// What the event is to whom its source had told `before`. What was written has been read.
    pub(super) fn verdict(&self, source: &Place, what: &Telling, before: Option<&Marks>) -> Verdict {
        let nothing = Marks::default();
        let written = self.memory.landscape.written.get(source).unwrap_or(&nothing);
        match judge(&what.marks, written, before, &what.foreign, what.whole) {
            // The test of the tests has to see what happens when nothing is recognised.
            Verdict::Repeated if !self.safeguards.dedupe() => Verdict::News { disputed: Vec::new() },
            verdict => verdict,
        }
    }

    /// What was written before a value that is told now does not come back any more: set to it, an attribute is
    /// changed again.
    pub(super) async fn told_back(&mut self, source: &Place, what: &Telling) -> Result<()> {
        let Some(written) = self.memory.landscape.written.get_mut(source) else { return Ok(()) };
        let mut cut = Vec::new();
        for (attribute, mark) in what.marks.iter() {
            let marks: Vec<Mark> = written.all(attribute).collect();
            if let Some(at) = marks.iter().position(|known| *known == mark).filter(|at| *at > 0) {
                written.replace(attribute, marks.get(at..).unwrap_or_default());
                cut.push((attribute, mark));
            }
        }
        if cut.is_empty() {
            return Ok(());
        }
        self.flush().await?;
        for (attribute, told) in cut {
            let text = "SELECT value FROM written WHERE connector = ? AND entity = ? AND attribute = ?";
            let rows = fetch(self.connection, "reading what was written", text, |args| {
                args.add(Arc::clone(&source.0)).add(Arc::clone(&source.1)).add(attribute.as_str());
            });
            let rows = rows.await?;
            let Some(row) = rows.first() else { continue };
            let all: &str = Cells::of(row).next()?;
            let rest: Vec<&str> =
                all.split(PASSING).skip_while(|value| kept_mark(attribute, value) != told).collect();
            let (rest, source) = (rest.join(PASSING), source.clone());
            let text = "UPDATE written SET value = ? WHERE connector = ? AND entity = ? AND attribute = ?";
            execute(self.connection, "forgetting what was told back", text, |args| {
                args.add(rest).add(source.0).add(source.1).add(attribute.as_str());
            })
            .await?;
        }
        Ok(())
    }

    /// Forgets what was written of the attributes that an event tells otherwise, when it is news: set back to
    /// that, they are changed again.
    pub(super) async fn forget_written(
        &mut self,
        source: &Place,
        what: &Telling,
        before: Option<&Marks>,
        verdict: &Verdict,
    ) -> Result<()> {
        let Some(written) = self.memory.landscape.written.get_mut(source) else { return Ok(()) };
        if !matches!(verdict, Verdict::News { .. }) {
            return Ok(());
        }
        let mut gone = fresh(&what.marks, written, before);
        gone.retain(|attribute| written.get(*attribute).is_some());
        if gone.is_empty() {
            return Ok(());
        }
        for attribute in &gone {
            written.replace(*attribute, &[]);
        }
        // What was written in this group, and conflicts that name it, come first.
        self.flush().await?;
        let text = "DELETE FROM written WHERE connector = ? AND entity = ? AND attribute = ?";
        for attribute in gone {
            execute(self.connection, "forgetting what was written", text, |args| {
                args.add(Arc::clone(&source.0)).add(Arc::clone(&source.1)).add(attribute.as_str());
            })
            .await?;
        }
        Ok(())
    }

    /// The deliveries to the event's own source that are on their way at this moment and may be what it tells
    /// of: of the same order, or of the same kind of thing where orders have nothing to do with it.
    pub(super) fn flights_to(&self, source: &Arc<str>, new: &NewEvent, lane: &str) -> BTreeSet<i64> {
        let Some(flights) = self.memory.landscape.flights.get(source) else { return BTreeSet::new() };
        let kinds: &[&str] = match new.event.entity.kind {
            EntityKind::Stock => &["stock"],
            // Shops tell a price with the article.
            EntityKind::Product | EntityKind::ListPrice => &["product", "list-price"],
            _ => &[],
        };
        let of_kind = |lane: &str| {
            let mut parts = lane.split('/');
            let (system, kind) = (parts.next(), parts.nth(1));
            // The lane of a sum begins with what it is of.
            [system, kind].into_iter().flatten().any(|part| kinds.contains(&part))
        };
        flights
            .iter()
            .filter(|(_, flight)| *flight.lane == *lane || of_kind(&flight.lane))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Lets a delivery wait until what is on its way has landed, and answers until when at most.
    pub(super) fn hold(&mut self, id: i64, held: Held) -> i64 {
        self.dirty_held.insert(id);
        self.memory.landscape.wait_for_flights(id, held) + PATIENCE
    }

    /// A delivery has landed: what waited for that is an echo of it, or goes on. Answers what became ready.
    pub(super) async fn land(&mut self, connector: &Arc<str>, id: i64, now: Millis) -> Result<Vec<i64>> {
        let flights = self.memory.landscape.flights.get_mut(connector);
        let Some(flight) = flights.and_then(|flights| flights.remove(&id)) else { return Ok(Vec::new()) };
        let mut ready = Vec::new();
        for waiting in flight.holds {
            let Some(held) = self.memory.landscape.held.get_mut(&waiting) else { continue };
            held.flights.remove(&id);
            self.dirty_held.insert(waiting);
            if held.flights.is_empty()
                && let Some(held) = self.let_go(waiting)
            {
                ready.extend(self.landed(waiting, held, now).await?);
            }
        }
        Ok(ready)
    }

    /// Says what a delivery is that waited for what was on its way, or waited long enough.
    pub(super) async fn landed(&mut self, id: i64, held: Held, now: Millis) -> Result<Option<i64>> {
        self.load_deliveries([id]).await?;
        let Some(row) = self.memory.deliveries.get(&id) else { return Ok(None) };
        if row.state != DeliveryState::Waiting || !row.reason_is(HELD) {
            return Ok(None);
        }
        let row = self.delivery(id).await?;
        let (place, at) = (row.place(), row.at);
        let entity = (Arc::clone(&row.connector), Arc::clone(row.entity()));
        let source = (held.source, held.entity);
        self.load_written([source.clone()]).await?;
        let verdict = self.verdict(&source, &held.what, held.before.as_ref());
        self.note_conflict(&source, &held.what, &verdict, now);
        self.told_back(&source, &held.what).await?;
        self.forget_written(&source, &held.what, held.before.as_ref(), &verdict).await?;
        let why = |code: Ending, message: &str| {
            Some(Problem { code: code.to_string(), message: message.to_owned(), field: None })
        };
        match verdict {
            Verdict::Echo | Verdict::Repeated => {
                let why = why(Ending::Echo, "it only tells what was written there");
                self.retire(id, Ending::Echo, why, now)?;
            }
            Verdict::Conflict { .. } => {
                let why = why(Ending::Conflict, "told by a system that does not own it");
                self.retire(id, Ending::Conflict, why, now)?;
            }
            Verdict::News { .. } => {
                self.load_entities([entity.clone()]).await?;
                if let Some(known) = self.memory.entities.get_mut(&entity) {
                    known.owed = Some(at);
                    self.dirty_entities.insert(entity);
                }
                self.back_in_line(id, now).await?;
            }
        }
        self.promote(&place, now)
    }

    /// Writes down what was told by one who does not own it.
    pub(super) fn note_conflict(&mut self, source: &Place, what: &Telling, verdict: &Verdict, now: Millis) {
        let (attributes, applied) = match verdict {
            Verdict::Conflict { attributes } => (attributes, false),
            Verdict::News { disputed } => (disputed, true),
            Verdict::Echo | Verdict::Repeated => return,
        };
        for attribute in attributes {
            let value = what.values.iter().find(|told| told.attribute == *attribute);
            let value = value.map(|told| told.value.clone());
            self.piles.conflict.row(|args| {
                args.add(what.event)
                    .add(Arc::clone(&source.0))
                    .add(Arc::clone(&source.1))
                    .add(attribute.as_str())
                    .add(value)
                    .add(applied)
                    .add(now.0);
            });
        }
    }
}

/// The mark of a value as it is kept: what is personal is kept as its mark.
fn kept_mark(attribute: Attribute, value: &str) -> Mark {
    match attribute.is_personal() {
        true => hex::decode(value).ok().and_then(|mark| mark.try_into().ok()).unwrap_or_default(),
        false => mark(value),
    }
}
