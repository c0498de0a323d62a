//! One group of commands on its way into one transaction.
//!
//! What the commands will look at is read for all of them together; each is then decided in memory, in
//! order, seeing what those before it did; what changed is written for all of them together. A command
//! that is refused is refused before it has changed anything.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;
use crossdock_rules::admission::{Known, overtaken};
use crossdock_rules::lane::{DeliveryState, Ending, Sent};
use crossdock_rules::safeguards::Safeguards;
use crossdock_rules::told::Marks;
use crossdock_rules::version::Stamp;
use sqlx::SqliteConnection;

use super::delivery::{self, Delivery};
use super::memory::{Memory, Place};
use super::piles::{self, Piles};
use super::sql::{Cells, Pile};
use crate::command::{Applied, Command, NewEvent};
use crate::vault::{Sealer, Vault};
use crate::{Error, Result};

/// An event that was admitted by a command of this group.
pub(super) struct Fresh<'a> {
    pub new: &'a NewEvent,
    pub key: Arc<str>,
    pub recorded_at: i64,
    pub owed: u32,
    /// Where it stands in the group: the command, and the event within it.
    pub place: (usize, usize),
}

/// A reference as it is stored: its row and its number.
pub(super) type Referenced = HashMap<(String, String), (i64, Option<String>)>;

/// A group at work.
pub(super) struct Batch<'a> {
    pub connection: &'a mut SqliteConnection,
    pub memory: &'a mut Memory,
    pub vault: Vault,
    pub safeguards: Safeguards,
    pub piles: Piles,
    /// What identifies inbounds that were seen before.
    pub seen: HashMap<[u8; 16], i64>,
    /// Keys that are taken, with their events and the digests of those.
    pub keys: HashMap<Arc<str>, (i64, Arc<str>)>,
    pub fresh: HashMap<i64, Fresh<'a>>,
    /// The references that entities have, kind and id to row.
    pub references: HashMap<Place, Referenced>,
    /// Which subject's key an event's personal data rests under; none when it has none.
    pub subject_of: HashMap<i64, Option<(i64, Option<Sealer>)>>,
    pub dirty: BTreeSet<i64>,
    pub dirty_entities: HashSet<Place>,
    pub dirty_serials: HashSet<Arc<str>>,
    /// Deliveries that began or ceased to wait for what is on its way.
    pub dirty_held: BTreeSet<i64>,
    pub settled: HashMap<Arc<str>, i64>,
    /// The names of files that this group keeps, by connector.
    pub handed: HashSet<(String, String)>,
    /// Connectors that have something to claim since the command at hand.
    pub ready: BTreeSet<String>,
    /// The command at hand.
    pub at: usize,
    /// True when a person was erased: what the log still holds of them has to go too.
    pub erased: bool,
    /// True when the vault is not the store's any more: the master key was changed.
    pub rekeyed: bool,
}

impl<'a> Batch<'a> {
    pub(super) fn new(
        connection: &'a mut SqliteConnection,
        memory: &'a mut Memory,
        vault: Vault,
        safeguards: Safeguards,
    ) -> Self {
        Self {
            connection,
            memory,
            vault,
            safeguards,
            piles: Piles::default(),
            seen: HashMap::new(),
            keys: HashMap::new(),
            fresh: HashMap::new(),
            references: HashMap::new(),
            subject_of: HashMap::new(),
            dirty: BTreeSet::new(),
            dirty_entities: HashSet::new(),
            dirty_serials: HashSet::new(),
            dirty_held: BTreeSet::new(),
            settled: HashMap::new(),
            handed: HashSet::new(),
            ready: BTreeSet::new(),
            at: 0,
            erased: false,
            rekeyed: false,
        }
    }

    /// Does one command. An error of the store itself ends the group; a refusal does not.
    pub(super) async fn run(&mut self, at: usize, command: &'a Command) -> Result<Applied> {
        self.at = at;
        self.ready.clear();
        match command {
            Command::Accept(accept) => self.accept(accept),
            Command::Admit(admit) => self.admit(admit).await,
            Command::Claim(claim) => self.claim(claim).await,
            Command::Settle(settle) => self.settle(settle).await,
            Command::SettleAll(all) => self.settle_all(all).await,
            Command::PutFiles(handed) => self.put_files(handed).await,
            other => self.operate(other).await,
        }
    }

    /// Writes what was decided so far.
    pub(super) async fn flush(&mut self) -> Result<()> {
        for id in std::mem::take(&mut self.dirty) {
            let Some(row) = self.memory.deliveries.get(&id) else { continue };
            self.piles.delivery.row(|args| row.write(args));
            if row.state == DeliveryState::Settled {
                self.memory.deliveries.remove(&id);
            }
        }
        for place in self.dirty_entities.drain() {
            let Some(known) = self.memory.entities.get(&place) else { continue };
            let newest = known.newest.as_ref();
            self.piles.entity.row(|args| {
                args.add(place.0)
                    .add(place.1)
                    .add(newest.map(|(stamp, _)| stamp.at))
                    .add(newest.map(|(stamp, _)| stamp.believed))
                    .add(newest.and_then(|(stamp, _)| stamp.sequence.map(u64::cast_signed)))
                    .add(newest.map(|(stamp, _)| stamp.progress))
                    .add(newest.map(|(_, digest)| digest.as_str()))
                    .add(known.exists)
                    .add(known.annulled)
                    .add(known.told.as_ref().map(Marks::to_bytes))
                    .add(known.owed);
            });
        }
        self.write_held().await?;
        for connector in self.dirty_serials.drain() {
            let last = self.memory.serials.get(&connector).copied().unwrap_or_default();
            self.piles.serial.row(|args| {
                args.add(connector).add(last);
            });
        }
        for (connector, count) in self.settled.drain() {
            self.piles.settled.row(|args| {
                args.add(connector).add(count);
            });
        }
        self.piles.write(self.connection, &mut self.memory.texts).await
    }

    /// Reads what is known of entities of which nothing is remembered.
    pub(super) async fn load_entities(&mut self, places: impl IntoIterator<Item = Place>) -> Result<()> {
        let mut wanted = Pile::new(&piles::ENTITIES);
        for place in places {
            if let Entry::Vacant(vacant) = self.memory.entities.entry(place) {
                let (connector, identity) = vacant.key();
                wanted.row(|args| {
                    args.add(Arc::clone(connector)).add(Arc::clone(identity));
                });
                vacant.insert(Default::default());
            }
        }
        for row in wanted.read(self.connection, &mut self.memory.texts).await? {
            let mut cells = Cells::of(&row);
            let place = (cells.next::<&str>()?.into(), cells.next::<&str>()?.into());
            let (at, believed): (Option<i64>, Option<i64>) = (cells.next()?, cells.next()?);
            let sequence = cells.next::<Option<i64>>()?.map(i64::cast_unsigned);
            let (progress, digest): (Option<u32>, Option<String>) = (cells.next()?, cells.next()?);
            let newest =
                at.zip(believed).zip(progress).zip(digest).map(|(((at, believed), progress), digest)| {
                    (Stamp { at, believed, sequence, progress }, digest)
                });
            let known = Known {
                newest,
                exists: cells.next()?,
                annulled: cells.next()?,
                told: cells.next::<Option<&[u8]>>()?.map(Marks::from_bytes),
                owed: cells.next()?,
            };
            self.memory.entities.insert(place, known);
        }
        Ok(())
    }

    /// Reads the open deliveries of lanes of which nothing is remembered.
    pub(super) async fn load_lanes(&mut self, places: impl IntoIterator<Item = Place>) -> Result<()> {
        let mut wanted = Pile::new(&delivery::OF_LANES);
        for place in places {
            if let Entry::Vacant(vacant) = self.memory.lanes.entry(place) {
                let (connector, identity) = vacant.key();
                wanted.row(|args| {
                    args.add(Arc::clone(connector)).add(Arc::clone(identity));
                });
                vacant.insert(Default::default());
            }
        }
        for row in wanted.read(self.connection, &mut self.memory.texts).await? {
            let row = Delivery::of(&row)?;
            let place = (Arc::clone(&row.connector), Arc::clone(&row.lane));
            self.memory.lanes.entry(place).or_default().insert(row.id);
            // What is remembered is newer than what is stored: it may not have been written yet.
            self.memory.deliveries.entry(row.id).or_insert(row);
        }
        Ok(())
    }

    /// Reads deliveries of which nothing is remembered, whatever their state.
    pub(super) async fn load_deliveries(&mut self, ids: impl IntoIterator<Item = i64>) -> Result<()> {
        let mut wanted = Pile::new(&delivery::BY_ID);
        for id in ids {
            if !self.memory.deliveries.contains_key(&id) {
                wanted.row(|args| {
                    args.add(id);
                });
            }
        }
        for row in wanted.read(self.connection, &mut self.memory.texts).await? {
            let row = Delivery::of(&row)?;
            self.memory.deliveries.entry(row.id).or_insert(row);
        }
        Ok(())
    }

    /// A delivery to look at, with its lane at hand.
    pub(super) async fn delivery(&mut self, id: i64) -> Result<&Delivery> {
        self.load_deliveries([id]).await?;
        let unknown = || Error::Unknown { what: "delivery", id: id.to_string() };
        let place = self.memory.deliveries.get(&id).map(Delivery::place).ok_or_else(unknown)?;
        self.load_lanes([place]).await?;
        self.memory.deliveries.get(&id).ok_or_else(unknown)
    }

    /// A delivery to be changed. It has been looked at before.
    pub(super) fn change(&mut self, id: i64) -> Result<&mut Delivery> {
        self.dirty.insert(id);
        let unknown = || Error::Unknown { what: "delivery", id: id.to_string() };
        self.memory.deliveries.get_mut(&id).ok_or_else(unknown)
    }

    /// Adds an open delivery.
    pub(super) fn add(&mut self, row: Delivery) {
        self.dirty.insert(row.id);
        if row.state == DeliveryState::Settled {
            *self.settled.entry(Arc::clone(&row.connector)).or_default() += 1;
        } else {
            self.memory.lanes.entry(row.place()).or_default().insert(row.id);
            if let (DeliveryState::Waiting, Some(referent)) = (row.state, &row.waits_for) {
                let place = (Arc::clone(&row.connector), Arc::clone(referent));
                self.memory.wait(place, row.id);
            }
        }
        self.memory.deliveries.insert(row.id, row);
    }

    /// Settles a delivery. The lane is not looked at: see [`Self::promote`].
    pub(super) fn retire(
        &mut self,
        id: i64,
        ending: Ending,
        reason: Option<Problem>,
        now: Millis,
    ) -> Result<()> {
        self.stop_waiting(id)?;
        self.let_go(id);
        let row = self.change(id)?;
        row.state = DeliveryState::Settled;
        row.ending = Some(ending);
        row.reason = reason;
        row.lease_until = 0;
        row.since = now.0;
        let (place, connector) = (row.place(), Arc::clone(&row.connector));
        if let Some(lane) = self.memory.lanes.get_mut(&place) {
            lane.remove(&id);
        }
        *self.settled.entry(connector).or_default() += 1;
        Ok(())
    }

    /// Takes a delivery off the list of those that wait for an entity.
    pub(super) fn stop_waiting(&mut self, id: i64) -> Result<()> {
        let row = self.change(id)?;
        if let Some(referent) = row.waits_for.take() {
            let place = (Arc::clone(&row.connector), referent);
            if let Some(waiting) = self.memory.awaiting.get_mut(&place) {
                waiting.remove(&id);
                if waiting.is_empty() {
                    self.memory.awaiting.remove(&place);
                }
            }
        }
        Ok(())
    }

    /// Puts a delivery on the list of those that wait for an entity, or waited for it in vain.
    pub(super) fn start_waiting(&mut self, id: i64, referent: Arc<str>) -> Result<()> {
        self.stop_waiting(id)?;
        let row = self.change(id)?;
        row.waits_for = Some(Arc::clone(&referent));
        let place = (Arc::clone(&row.connector), referent);
        self.memory.wait(place, id);
        Ok(())
    }

    /// Gives a lane a head when it has none: the first in line, unless a person has to decide about it.
    /// The lane has been looked at before. Answers which delivery became ready.
    pub(super) fn promote(&mut self, place: &Place, now: Millis) -> Result<Option<i64>> {
        use DeliveryState::{Queued, Ready, Received, Sending};
        let mut first = None;
        for id in self.memory.lanes.get(place).into_iter().flatten() {
            let Some(row) = self.memory.deliveries.get(id) else { continue };
            if !row.in_lane() {
                continue;
            }
            if matches!(row.state, Ready | Sending | Received) {
                return Ok(None);
            }
            first = first.or(Some((*id, row.state)));
        }
        let Some((id, Queued)) = first else { return Ok(None) };
        let row = self.change(id)?;
        row.state = Ready;
        row.due_at = row.due_at.max(now.0);
        row.since = now.0;
        self.ready.insert(place.0.to_string());
        Ok(Some(id))
    }

    /// Brings back into their lanes what waited for an entity that is there now.
    pub(super) async fn release(&mut self, place: &Place, now: Millis) -> Result<Vec<i64>> {
        let Some(waiting) = self.memory.awaiting.get(place).cloned() else { return Ok(Vec::new()) };
        let mut released = Vec::new();
        for id in waiting {
            let row = self.delivery(id).await?;
            if row.state != DeliveryState::Waiting && !row.can_be_released() {
                // It is being tried again already: it will be told that the entity is there.
                continue;
            }
            let lane = row.place();
            self.back_in_line(id, now).await?;
            released.extend(self.promote(&lane, now)?);
        }
        Ok(released)
    }

    /// Puts back into its line what had left it. A state that was overtaken meanwhile by a newer one, and of
    /// which the target knows nothing, is stale by now: told after the newer one it would undo it. A difference
    /// went out with the state that contains it: told after that it would be applied twice.
    pub(super) async fn back_in_line(&mut self, id: i64, now: Millis) -> Result<()> {
        let row = self.delivery(id).await?;
        let (effect, sent, at) = (row.effect, row.sent, row.at);
        let entity = (Arc::clone(&row.connector), Arc::clone(row.entity()));
        self.load_entities([entity.clone()]).await?;
        let owed = self.memory.entities.get(&entity).and_then(Known::owed_at);
        let owed = owed.filter(|_| sent == Sent::No && self.safeguards.version_gate());
        let older = owed.is_some_and(|owed| effect.is_snapshot() && owed > at);
        let contained = owed.is_some_and(|at_of| {
            overtaken(effect, at, &Stamp { at: at_of, believed: at_of, sequence: None, progress: 0 })
        });
        let (ending, message) = match (older, contained) {
            (true, _) => (Ending::Stale, "a newer state was admitted while it waited"),
            (_, true) => (Ending::Joined, "a state that was admitted while it waited contains it"),
            _ => return self.requeue(id, now),
        };
        let code = if older { "stale" } else { "overtaken" };
        let why = Problem { code: code.into(), message: message.into(), field: None };
        self.retire(id, ending, Some(why), now)
    }

    /// Puts a delivery back into its line, with nothing against its being sent.
    pub(super) fn requeue(&mut self, id: i64, now: Millis) -> Result<()> {
        self.stop_waiting(id)?;
        let row = self.change(id)?;
        row.state = DeliveryState::Queued;
        row.due_at = now.0;
        row.lease_until = 0;
        row.reason = None;
        row.waiting_since = None;
        row.since = now.0;
        Ok(())
    }

    /// The connectors that have something to claim since the command at hand.
    pub(super) fn take_ready(&mut self) -> Vec<String> {
        std::mem::take(&mut self.ready).into_iter().collect()
    }
}
