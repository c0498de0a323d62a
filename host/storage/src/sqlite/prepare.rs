//! Reads, for all commands of a group together, what they will look at.
//!
//! This is speed only: whatever is not read here is read when a command comes to it.

use std::collections::BTreeSet;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crossdock_model::event::{Event, Fact};
use sha2::{Digest as _, Sha256};

use super::batch::Batch;
use super::memory::Place;
use super::piles;
use super::sql::{Cells, Pile};
use crate::Result;
use crate::command::{Accept, Command, NewEvent, Target};
use crate::vault::Bound;

/// What identifies a duplicate inbound: 128 bits of SHA-256, so that the table stays small for ever.
pub(super) fn mark(accept: &Accept) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(accept.connector.as_bytes());
    hash.update([0]);
    hash.update(accept.dedupe.as_bytes());
    let mut mark = [0; 16];
    for (to, from) in mark.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    mark
}

impl<'a> Batch<'a> {
    /// Reads ahead for the commands.
    pub(super) async fn prepare(&mut self, commands: &'a [Command]) -> Result<()> {
        let mut marks = Pile::new(&piles::SEEN_BEFORE);
        let mut pending = Pile::new(&piles::PENDING);
        let mut events: Vec<&NewEvent> = Vec::new();
        let mut settled = Vec::new();
        let mut days = BTreeSet::new();
        for command in commands {
            match command {
                Command::Accept(accept) => {
                    days.insert(accept.received_at.day());
                    marks.row(|args| {
                        args.add(mark(accept).as_slice());
                    });
                }
                Command::Admit(admit) => {
                    days.extend(admit.handed.as_ref().map(|handed| handed.now.day()));
                    events.extend(&admit.events);
                    for inbound in admit.inbound.iter().filter(|id| !self.memory.pending.contains(id)) {
                        pending.row(|args| {
                            args.add(*inbound);
                        });
                    }
                }
                Command::Settle(settle) => {
                    if settle.attempt.exchange.is_some() {
                        days.insert(settle.attempt.ended.day());
                    }
                    settled.push(settle.as_ref());
                }
                Command::SettleAll(all) => {
                    days.insert(all.handed.now.day());
                    for settle in &all.settles {
                        if settle.attempt.exchange.is_some() {
                            days.insert(settle.attempt.ended.day());
                        }
                        settled.push(settle);
                    }
                }
                _ => {}
            }
        }
        for row in marks.read(self.connection, &mut self.memory.texts).await? {
            let mut cells = Cells::of(&row);
            if let Ok(mark) = cells.next::<&[u8]>()?.try_into() {
                self.seen.insert(mark, cells.next()?);
            }
        }
        for row in pending.read(self.connection, &mut self.memory.texts).await? {
            self.memory.pending.insert(Cells::of(&row).next()?);
        }
        self.load_days(days).await?;
        self.prepare_events(&events).await?;
        self.load_deliveries(settled.iter().map(|settle| settle.delivery)).await?;
        let (mut places, mut named, mut exchanged) = (Vec::new(), Vec::new(), Vec::new());
        for settle in settled {
            let Some(row) = self.memory.deliveries.get(&settle.delivery) else { continue };
            places.push(row.place());
            if !settle.settlement.references.is_empty() {
                named.push((Arc::clone(&row.connector), Arc::clone(row.entity())));
            }
            if settle.attempt.exchange.is_some() {
                exchanged.push(row.payload_event);
            }
        }
        self.load_lanes(places).await?;
        self.load_references(named).await?;
        self.load_subjects_of(exchanged).await
    }

    async fn prepare_events(&mut self, events: &[&NewEvent]) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        self.load_keys(events.iter().map(|new| new.incoming.key.as_str())).await?;
        let pinned = events.iter().filter(|new| new.targets.iter().any(Target::keeps_books));
        self.load_pins(pinned.map(|new| Arc::from(new.incoming.lane.as_str()))).await?;
        let (mut entities, mut lanes): (Vec<Place>, Vec<Place>) = (Vec::new(), Vec::new());
        for new in events {
            let lane: Arc<str> = new.incoming.lane.as_str().into();
            for target in &new.targets {
                let connector = self.home(&lane, target).0;
                entities.push((Arc::clone(&connector), new.incoming.entity.as_str().into()));
                if let Some(parent) = new.incoming.parent.as_deref().filter(|it| *it != new.incoming.entity) {
                    entities.push((Arc::clone(&connector), parent.into()));
                }
                lanes.push((connector, Arc::clone(&lane)));
            }
        }
        self.load_entities(entities).await?;
        self.load_lanes(lanes).await?;
        self.load_landscape(events).await?;
        self.load_subjects(events.iter().filter(|new| new.has_personal()).map(|new| new.subject())).await
    }

    /// Reads what has to be known of a landscape of several systems, where there is any.
    async fn load_landscape(&mut self, events: &[&NewEvent]) -> Result<()> {
        let source = |new: &&NewEvent| (new.source.as_str().into(), new.incoming.entity.as_str().into());
        self.load_written(events.iter().map(source)).await?;
        self.load_aliases(events.iter().map(|new| new.incoming.lane.as_str().into())).await?;
        let keys = events.iter().filter_map(|new| new.incoming.natural_key.as_deref());
        self.load_sales(keys.map(Arc::from)).await?;
        let closes = |new: &&&NewEvent| new.incoming.day.as_ref().is_some_and(|day| day.closed_at.is_some());
        if self.memory.landscape.any_closed || events.iter().any(|new| closes(&new)) {
            let days = events.iter().filter_map(|new| new.incoming.day.as_ref());
            self.load_closed(days.map(|day| (day.store.as_str().into(), day.date.as_str().into()))).await?;
        }
        Ok(())
    }

    /// Reads which keys are taken.
    pub(super) async fn load_keys<'k>(&mut self, keys: impl IntoIterator<Item = &'k str>) -> Result<()> {
        let mut wanted = Pile::new(&piles::KEYS);
        for key in keys {
            wanted.row(|args| {
                args.add(key);
            });
        }
        for row in wanted.read(self.connection, &mut self.memory.texts).await? {
            let mut cells = Cells::of(&row);
            let key = cells.next::<&str>()?.into();
            self.keys.insert(key, (cells.next()?, cells.next::<&str>()?.into()));
        }
        Ok(())
    }

    /// Reads the pins of roots.
    pub(super) async fn load_pins(&mut self, roots: impl IntoIterator<Item = Arc<str>>) -> Result<()> {
        let mut wanted = Pile::new(&piles::PINS);
        for root in roots {
            if let Entry::Vacant(vacant) = self.memory.pins.entry(root) {
                wanted.row(|args| {
                    args.add(Arc::clone(vacant.key()));
                });
                vacant.insert(None);
            }
        }
        for row in wanted.read(self.connection, &mut self.memory.texts).await? {
            let mut cells = Cells::of(&row);
            let root = cells.next::<&str>()?.into();
            self.memory.pins.insert(root, Some(cells.next::<&str>()?.into()));
        }
        Ok(())
    }

    /// Reads the live keys of subjects.
    pub(super) async fn load_subjects(&mut self, subjects: impl IntoIterator<Item = String>) -> Result<()> {
        let mut wanted = Pile::new(&piles::SUBJECTS);
        for subject in subjects {
            if !self.memory.subjects.contains_key(subject.as_str()) {
                wanted.row(|args| {
                    args.add(subject);
                });
            }
        }
        for row in wanted.read(self.connection, &mut self.memory.texts).await? {
            let mut cells = Cells::of(&row);
            let (subject, id) = (cells.next::<&str>()?.into(), cells.next()?);
            let sealer = self.vault.unwrap(Bound::SubjectKey(id), cells.next()?)?;
            self.memory.subjects.insert(subject, (id, sealer));
        }
        Ok(())
    }

    /// Reads which subject's key the personal data of events rests under.
    pub(super) async fn load_subjects_of(&mut self, events: impl IntoIterator<Item = i64>) -> Result<()> {
        let mut wanted = Pile::new(&piles::SUBJECT_OF);
        for event in events {
            if let Entry::Vacant(vacant) = self.subject_of.entry(event) {
                wanted.row(|args| {
                    args.add(event);
                });
                vacant.insert(None);
            }
        }
        for row in wanted.read(self.connection, &mut self.memory.texts).await? {
            let mut cells = Cells::of(&row);
            let (event, subject): (i64, i64) = (cells.next()?, cells.next()?);
            let sealer = match cells.next::<Option<&[u8]>>()? {
                None => None,
                Some(wrapped) => Some(self.vault.unwrap(Bound::SubjectKey(subject), wrapped)?),
            };
            self.subject_of.insert(event, Some((subject, sealer)));
        }
        Ok(())
    }

    /// Reads what entities are called.
    pub(super) async fn load_references(&mut self, places: impl IntoIterator<Item = Place>) -> Result<()> {
        let mut wanted = Pile::new(&piles::REFERENCES);
        for place in places {
            if let Entry::Vacant(vacant) = self.references.entry(place) {
                let (connector, identity) = vacant.key();
                wanted.row(|args| {
                    args.add(Arc::clone(identity)).add(Arc::clone(connector));
                });
                vacant.insert(Default::default());
            }
        }
        for row in wanted.read(self.connection, &mut self.memory.texts).await? {
            let mut cells = Cells::of(&row);
            let place: Place = (cells.next::<&str>()?.into(), cells.next::<&str>()?.into());
            let (id, kind, number) = (cells.next()?, cells.next::<String>()?, cells.next::<String>()?);
            self.references.entry(place).or_default().insert((kind, number), (id, cells.next()?));
        }
        Ok(())
    }
}

impl NewEvent {
    pub(super) fn has_personal(&self) -> bool {
        self.personal.is_some() || carries_personal(&self.event)
    }

    pub(super) fn subject(&self) -> String {
        self.event.subject().to_string()
    }
}

/// Whether personal data is still in the event.
pub(super) fn carries_personal(event: &Event) -> bool {
    match &event.fact {
        Fact::Order(change) => change.order.personal.is_some(),
        Fact::RefundIssued(refund) => refund.personal.is_some(),
        Fact::ShipmentUpdated(shipment) => shipment.personal.is_some(),
        Fact::CustomerUpdated(customer) => customer.personal.is_some(),
        Fact::OrderEdited(_)
        | Fact::InventoryCounted(_)
        | Fact::InventoryAdjusted(_)
        | Fact::DocumentUpdated(_)
        | Fact::ProductUpdated(_)
        | Fact::PriceUpdated(_)
        | Fact::DayClosed(_) => false,
    }
}
