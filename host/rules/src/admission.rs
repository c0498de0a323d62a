//! What becomes of an event that is owed to a connector: decided once, inside the storage transaction.
//!
//! Events arrive in any order and more than once. Admission sees to it that what a sink is told about an
//! entity is in order, that the newest state is told last, and that nothing is told that need not be.

use std::io;
use std::sync::Arc;

use crossdock_model::event::{Event, Fact, OrderOperation};
use crossdock_model::time::Millis;
use sha2::{Digest as _, Sha256};

use crate::confirm::Confirmation;
use crate::day::Day;
use crate::lane::{DeliveryState, Ending, Sent, names};
use crate::ownership::Verdict;
use crate::safeguards::Safeguards;
use crate::stock::Counted;
use crate::told::{Marks, Told, told};
use crate::version::{Gate, Stamp, gate};
use crate::{Error, key};

/// What an event does to its entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Its first state: the order was placed.
    Create,
    /// Its state now: latest wins.
    Change,
    /// Its state now, which is cancelled.
    Cancel,
    /// A fact that happens once and is its own entity: a refund.
    Once,
    /// A difference to a state that other events tell: an edit, a stock adjustment.
    Difference,
}
names!(
    Effect,
    "effect of an event",
    Create = "create",
    Change = "change",
    Cancel = "cancel",
    Once = "once",
    Difference = "difference"
);

impl Effect {
    /// True for a state of the entity: a newer one replaces it.
    #[must_use]
    pub fn is_snapshot(self) -> bool {
        matches!(self, Self::Create | Self::Change | Self::Cancel)
    }

    /// True when admitting the event moves [`Known::newest`]. Differences do not: they are no state.
    #[must_use]
    pub fn advances(self) -> bool {
        self != Self::Difference
    }

    fn of(fact: &Fact) -> Self {
        match fact {
            Fact::Order(change) => match change.operation {
                _ if change.is_cancelled() => Self::Cancel,
                OrderOperation::Placed => Self::Create,
                _ => Self::Change,
            },
            Fact::RefundIssued(_) | Fact::DayClosed(_) => Self::Once,
            Fact::OrderEdited(_) | Fact::InventoryAdjusted(_) => Self::Difference,
            Fact::ShipmentUpdated(_)
            | Fact::InventoryCounted(_)
            | Fact::DocumentUpdated(_)
            | Fact::CustomerUpdated(_)
            | Fact::ProductUpdated(_)
            | Fact::PriceUpdated(_) => Self::Change,
        }
    }
}

/// What admission needs to know of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    /// Its idempotency key, before any collision; see [`key::collide`].
    pub key: String,
    /// Its lane: the identity of its root.
    pub lane: String,
    /// The identity of its entity.
    pub entity: String,
    /// The identity of the entity that must be there first. Absent when it stands alone.
    pub parent: Option<String>,
    /// Which state it describes, or when it happened.
    pub stamp: Stamp,
    /// What it does to its entity.
    pub effect: Effect,
    /// SHA-256, in hex, of the JSON of what the fact holds, without its kind: the same snapshot told as
    /// placed and as paid has one digest.
    pub digest: String,
    /// What it tells, attribute by attribute, without what is personal.
    pub told: Arc<[Told]>,
    /// What names the sale in every system that tells of it, where it is a sale and has such a name.
    pub natural_key: Option<String>,
    /// The day of a store's books that it belongs to, or closes.
    pub day: Option<Day>,
    /// What it says about a message that its source had received.
    pub confirms: Option<Confirmation>,
    /// The level it tells, where that can be added to others.
    pub stock: Option<Counted>,
}

impl Incoming {
    /// Computes it from an event out of which the personal data has been taken, and from when it arrived:
    /// for a request that is read again, when the request arrived.
    ///
    /// # Errors
    /// When the instant that places the event cannot be read.
    pub fn of(event: &Event, arrived: Millis) -> Result<Self, Error> {
        let said = Stamp::of(event)?;
        let entity = event.entity.to_string();
        let lane = key::lane(event);
        let parent = match (&event.parent, &event.fact) {
            (Some(_), _) | (None, Fact::OrderEdited(_)) => Some(lane.clone()),
            (None, _) => None,
        };
        let digest =
            digest(&event.fact).map_err(|source| Error::Digest { entity: entity.clone(), source })?;
        Ok(Self {
            // The key is what the source says, so that it is the same whenever it arrives.
            key: key::key_at(event, &said),
            lane,
            entity,
            parent,
            stamp: said.arrived(arrived),
            effect: Effect::of(&event.fact),
            digest,
            told: told(event)?.into(),
            natural_key: event.fact.order().and_then(|order| order.natural_key.clone()),
            day: Day::of(event, arrived),
            confirms: Confirmation::of(event),
            stock: Counted::of(event),
        })
    }
}

/// What was admitted for a connector about one entity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Stamp and digest of the newest state admitted (anything but [`Admission::Stale`], for effects that
    /// [advance](Effect::advances)). Absent when nothing was admitted yet.
    pub newest: Option<(Stamp, String)>,
    /// True when the connector's system has the entity, as far as the host was told: a delivery of it was
    /// posted or found, or the entity comes from that very system.
    pub exists: bool,
    /// True when the entity was cancelled before it was ever sent. Admitting anything for sending clears it.
    pub annulled: bool,
    /// What the newest state told. Absent when nothing was admitted yet, or what was tells no attributes.
    pub told: Option<Marks>,
    /// [`Stamp::at`] of the newest state that was owed: what ended at once as an echo or a conflict is
    /// admitted and not owed.
    pub owed: Option<i64>,
}

impl Known {
    /// [`Stamp::at`] of the newest state that was owed. None when nothing was.
    #[must_use]
    pub fn owed_at(&self) -> Option<i64> {
        self.owed.or_else(|| self.newest.as_ref().map(|(stamp, _)| stamp.at))
    }
}

/// One delivery of the incoming event's lane and connector that is not settled, waiting ones included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Its number; rises in the order of the lane.
    pub delivery: i64,
    /// Where it stands.
    pub state: DeliveryState,
    /// Whether the target has been told.
    pub sent: Sent,
    /// What the event it carries does; after a join, what [`Admission::Join`] said.
    pub effect: Effect,
    /// [`Stamp::at`] of the event it carries; after a join, of the one it carries now.
    pub at: i64,
    /// The identity of its entity.
    pub entity: String,
}

impl Open {
    /// True when the target surely knows nothing of it, so that it can still be changed or taken back.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        use DeliveryState::{Exception, Queued, Ready, Waiting};
        self.sent == Sent::No && matches!(self.state, Queued | Ready | Waiting | Exception)
    }
}

/// What becomes of the incoming event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It gets a delivery at the end of its lane: ready when nothing holds the lane, else queued.
    Enqueue,
    /// It gets a delivery outside of the lane that waits until this entity is there.
    Wait {
        /// The identity of the entity.
        referent: String,
    },
    /// It is settled as stale and never sent.
    Stale {
        /// Why, for a person.
        reason: String,
    },
    /// The unsent delivery carries this event from now on, in its old place and under its old key. The
    /// event's own delivery is settled as joined to it.
    Join {
        /// The delivery that carries the event.
        delivery: i64,
        /// What the delivery's event does from now on.
        effect: Effect,
        /// Differences that the event contains: settled as joined too.
        superseded: Vec<i64>,
        /// Whether an exception becomes ready again: the event may have put right what was wrong with it.
        retries: bool,
    },
    /// It is settled as annulled, and these unsent deliveries with it; the root counts as annulled.
    Annul {
        /// The deliveries, in the order of the lane. Empty when the root was annulled before.
        deliveries: Vec<i64>,
    },
    /// It is settled so at once and never sent.
    End {
        /// How.
        ending: Ending,
        /// Why, for a person.
        reason: String,
    },
}

impl Admission {
    /// What becomes of the event when what it tells is taken into account too. An echo that can go out with
    /// what has yet to be sent does so: that is then the newest state. What waits for a person goes on
    /// waiting: an echo puts nothing right, and may be of a write that says what is wrong. A conflict goes
    /// nowhere.
    #[must_use]
    pub fn judged(self, verdict: &Verdict) -> Self {
        let end = |ending, reason: String| Self::End { ending, reason };
        match (verdict, self) {
            (_, stale @ Self::Stale { .. }) => stale,
            (Verdict::Echo, Self::Enqueue | Self::Wait { .. }) => {
                end(Ending::Echo, "it only tells what was written there".to_owned())
            }
            (Verdict::Repeated, Self::Enqueue | Self::Wait { .. }) => {
                end(Ending::Echo, "it tells nothing new".to_owned())
            }
            (Verdict::Echo | Verdict::Repeated, Self::Join { delivery, effect, superseded, .. }) => {
                Self::Join { delivery, effect, superseded, retries: false }
            }
            (Verdict::Conflict { attributes }, _) => {
                let names: Vec<&str> = attributes.iter().map(|attribute| attribute.as_str()).collect();
                end(Ending::Conflict, format!("{} told by a system that does not own it", names.join(", ")))
            }
            (_, decided) => decided,
        }
    }

    /// What becomes of an event of a sale that another system told first.
    #[must_use]
    pub fn same_sale(first: &str) -> Self {
        Self::End { ending: Ending::SameSale, reason: format!("the same sale as {first}") }
    }

    /// What becomes of a refund that another system told too, of a sale that both tell.
    #[must_use]
    pub fn same_refund(twin: &str) -> Self {
        Self::End { ending: Ending::SameSale, reason: format!("the same refund as {twin}") }
    }
}

/// Decides what becomes of an event that is owed to a connector.
///
/// `entity` is what is known of the event's own entity, `parent` of the entity it depends on (absent is
/// taken for "nothing"), `lane` every unsettled delivery of its lane, by number.
#[must_use]
pub fn admit(
    incoming: &Incoming,
    entity: &Known,
    parent: Option<&Known>,
    lane: &[Open],
    safeguards: Safeguards,
) -> Admission {
    if let Some(reason) = stale(incoming, entity, safeguards) {
        return Admission::Stale { reason };
    }
    if let Some(referent) = &incoming.parent {
        if parent.is_some_and(|parent| parent.annulled) {
            return Admission::Annul { deliveries: Vec::new() };
        }
        let admitted = parent.is_some_and(|parent| parent.exists || parent.newest.is_some());
        let queued = lane.iter().any(|open| open.effect.is_snapshot() && &open.entity == referent);
        if !admitted && !queued {
            return joined(incoming, lane).unwrap_or_else(|| Admission::Wait { referent: referent.clone() });
        }
    }
    if incoming.effect == Effect::Cancel {
        if entity.annulled {
            return Admission::Annul { deliveries: Vec::new() };
        }
        let created = lane.iter().any(|open| open.effect == Effect::Create && open.entity == incoming.entity);
        if created && !entity.exists && lane.iter().all(Open::is_unsent) {
            return Admission::Annul { deliveries: lane.iter().map(|open| open.delivery).collect() };
        }
    }
    joined(incoming, lane).unwrap_or(Admission::Enqueue)
}

/// Why the event is not to be sent, when something admitted makes it needless.
fn stale(incoming: &Incoming, entity: &Known, safeguards: Safeguards) -> Option<String> {
    let (newest, digest) = entity.newest.as_ref()?;
    match incoming.effect {
        Effect::Once => safeguards.dedupe().then(|| "it has been told already".to_owned()),
        Effect::Difference => (safeguards.version_gate()
            && overtaken(incoming.effect, incoming.stamp.at, newest))
        .then(|| "a state admitted before contains it".to_owned()),
        Effect::Create | Effect::Change | Effect::Cancel => {
            match gate(Some((newest, digest)), &incoming.stamp, &incoming.digest) {
                Gate::Newer => None,
                Gate::Same => safeguards.dedupe().then(|| "this very state was admitted before".to_owned()),
                Gate::Older => {
                    safeguards.version_gate().then(|| "a newer state was admitted before".to_owned())
                }
            }
        }
    }
}

/// The unsent delivery that can carry a newer state in its place.
fn joined(incoming: &Incoming, lane: &[Open]) -> Option<Admission> {
    if !incoming.effect.is_snapshot() {
        return None;
    }
    let own = |open: &&Open| open.entity == incoming.entity;
    let last = lane.iter().filter(own).rfind(|open| open.effect.is_snapshot())?;
    last.is_unsent().then(|| Admission::Join {
        delivery: last.delivery,
        // Once the order's birth has been seen, a change on top of it leaves the delivery a creation.
        effect: match (last.effect, incoming.effect) {
            (Effect::Create, Effect::Change) => Effect::Create,
            (_, effect) => effect,
        },
        superseded: lane
            .iter()
            .filter(own)
            .filter(|open| open.is_unsent() && overtaken(open.effect, open.at, &incoming.stamp))
            .map(|open| open.delivery)
            .collect(),
        retries: true,
    })
}

/// True for a difference that a state contains: telling it after that state would apply it twice. To be
/// asked again when a difference that waited for its order goes back into the lane.
#[must_use]
pub fn overtaken(effect: Effect, at: i64, state: &Stamp) -> bool {
    effect == Effect::Difference && at <= state.at
}

/// The digest of what a fact holds.
fn digest(fact: &Fact) -> Result<String, serde_json::Error> {
    let mut hash = Hash::default();
    match fact {
        Fact::Order(change) => serde_json::to_writer(&mut hash, &change.order),
        Fact::OrderEdited(edit) => serde_json::to_writer(&mut hash, edit),
        Fact::RefundIssued(refund) => serde_json::to_writer(&mut hash, refund),
        Fact::ShipmentUpdated(shipment) => serde_json::to_writer(&mut hash, shipment),
        Fact::InventoryCounted(level) => serde_json::to_writer(&mut hash, level),
        Fact::InventoryAdjusted(adjustment) => serde_json::to_writer(&mut hash, adjustment),
        Fact::DocumentUpdated(document) => serde_json::to_writer(&mut hash, document),
        Fact::CustomerUpdated(customer) => serde_json::to_writer(&mut hash, customer),
        Fact::ProductUpdated(product) => serde_json::to_writer(&mut hash, product),
        Fact::PriceUpdated(price) => serde_json::to_writer(&mut hash, price),
        Fact::DayClosed(day) => serde_json::to_writer(&mut hash, day),
    }?;
    Ok(hash.hex())
}

/// Takes JSON into a digest as it is written, without a copy of it in memory.
#[derive(Default)]
pub(crate) struct Hash(Sha256);

impl Hash {
    pub(crate) fn hex(self) -> String {
        hex::encode(self.0.finalize())
    }
}

impl io::Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
