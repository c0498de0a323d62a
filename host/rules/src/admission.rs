//! Admission: what becomes of an event that a route sends to a connector. Decided inside the storage transaction that
//! records the event; and again for a delivery that moves to another connector or lane.
//!
//! Events arrive in any order and more than once. Admission ensures that a sink receives the states of an entity
//! in order and the newest state last, and receives nothing that it does not need.

use std::sync::Arc;

use crossdock_model::event::{Event, Fact};
use crossdock_model::time::Millis;

use crate::attributes::{AttributeValue, attribute_values};
use crate::confirmation::Confirmation;
use crate::day::BusinessDay;
use crate::digest::DigestWriter;
use crate::effect::Effect;
use crate::entity_state::EntityState;
use crate::error::Error;
use crate::key;
use crate::lane::{DeliveryState, Ending, Sent};
use crate::ownership::Verdict;
use crate::safeguards::Safeguards;
use crate::stock::CountedLevel;
use crate::version::{Freshness, Moment, Stamp, freshness};

/// What admission needs of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    /// Its idempotency key, before any collision; see [`key::collide`].
    pub key: String,
    /// Its lane: the identity of its root entity.
    pub lane: String,
    /// The identity of its entity.
    pub entity: String,
    /// The identity of the entity that must exist in the target first. Absent when it depends on none.
    pub parent: Option<String>,
    /// Which state it describes, or when it happened.
    pub stamp: Stamp,
    /// What it does to its entity.
    pub effect: Effect,
    /// SHA-256, in hex, of the JSON of the fact's content, without its kind: the same snapshot reported as placed
    /// and as paid has one digest.
    pub digest: String,
    /// The attribute values it reports, without personal ones.
    pub reported: Arc<[AttributeValue]>,
    /// What names the sale in every system that reports it. Absent where it is not a sale or has no such name.
    pub natural_key: Option<String>,
    /// The store's business day that it belongs to, or closes.
    pub business_day: Option<BusinessDay>,
    /// What it says about a message that its source had received.
    pub confirmation: Option<Confirmation>,
    /// The stock level it reports, where that can be added to others.
    pub level: Option<CountedLevel>,
}

impl Incoming {
    /// Computes it from an event without its personal data, and from when the event arrived. For a request that is
    /// read again, that is when the request arrived.
    ///
    /// # Errors
    /// When the instant that orders the event cannot be read, or its fact cannot be written as JSON.
    pub fn of(event: &Event, arrived: Millis) -> Result<Self, Error> {
        let stamp = Stamp::of(event)?;
        let entity = event.entity.to_string();
        let lane = key::lane(event);
        let parent = match (&event.parent, &event.fact) {
            (Some(_), _) | (None, Fact::OrderEdited(_)) => Some(lane.clone()),
            (None, _) => None,
        };
        let digest =
            digest(&event.fact).map_err(|source| Error::Digest { entity: entity.clone(), source })?;
        Ok(Self {
            // From the source's own stamp, so that the key is the same whenever the event arrives.
            key: key::key_at(event, &stamp),
            lane,
            entity,
            parent,
            stamp: stamp.arrived(arrived),
            effect: Effect::of(&event.fact),
            digest,
            reported: attribute_values(event)?.into(),
            natural_key: event.fact.order().and_then(|order| order.natural_key.clone()),
            business_day: BusinessDay::of(event, arrived),
            confirmation: Confirmation::of(event),
            level: CountedLevel::of(event),
        })
    }
}

/// One unsettled delivery of the incoming event's lane and connector, including those that await their parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenDelivery {
    /// Its number; rises in the order of the lane.
    pub delivery: i64,
    /// Where it stands.
    pub state: DeliveryState,
    /// Whether it was sent to the target.
    pub sent: Sent,
    /// The effect of the event it carries; after a join, the one in [`Admission::Join`].
    pub effect: Effect,
    /// When the event that it carries is dated; after a join, the event that it carries now.
    pub moment: Moment,
    /// The identity of its entity.
    pub entity: String,
}

impl OpenDelivery {
    /// True when it surely was not sent, so that it can still be changed or withdrawn.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        use DeliveryState::{Exception, Queued, Ready, Waiting};
        self.sent == Sent::No && matches!(self.state, Queued | Ready | Waiting | Exception)
    }

    /// True for a difference that this state contains and that need not be sent any more. One that may have been sent
    /// goes too where nothing is on its way: were it sent behind the state, it would be applied twice.
    fn is_given_up_for(&self, state: &Stamp) -> bool {
        let is_idle = matches!(self.state, DeliveryState::Queued | DeliveryState::Waiting);
        (self.is_unsent() || is_idle) && is_contained_in(self.effect, self.moment, state.moment())
    }
}

/// What becomes of the incoming event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It gets a delivery at the end of its lane: ready when the lane is free, else queued.
    Enqueue,
    /// It gets a delivery that waits, without occupying its lane, until this entity is in the target or never will be.
    AwaitParent {
        /// The identity of the entity.
        parent: String,
    },
    /// It is settled as stale and never sent.
    Stale {
        /// Why, for a person.
        reason: String,
    },
    /// The unsent delivery carries this event from now on, in its old position and under its old key. The event's
    /// own delivery is settled as joined to it.
    Join {
        /// The delivery that carries the event.
        delivery: i64,
        /// The effect of that delivery from now on.
        effect: Effect,
        /// Deliveries of differences that the event contains: settled as joined too.
        superseded: Vec<i64>,
        /// Whether an exception becomes ready again: the event may have corrected its cause.
        retries: bool,
    },
    /// It is settled as annulled, and these unsent deliveries with it; the root entity counts as annulled.
    Annul {
        /// The deliveries, in the order of the lane. Empty when the root entity was annulled before.
        deliveries: Vec<i64>,
    },
    /// It is settled with this ending at once and never sent.
    End {
        /// The ending.
        ending: Ending,
        /// Why, for a person.
        reason: String,
    },
}

impl Admission {
    /// The admission once the verdict about the reported attribute values is taken into account.
    ///
    /// An echo joins an unsent delivery all the same, because that delivery then carries the newest state; but it
    /// does not retry an exception: it corrects nothing, and may echo the very write that reports the cause. A
    /// conflict is never sent.
    #[must_use]
    pub fn with_verdict(self, verdict: &Verdict) -> Self {
        let end = |ending, reason: String| Self::End { ending, reason };
        match (verdict, self) {
            (_, stale @ Self::Stale { .. }) => stale,
            (Verdict::Echo, Self::Enqueue | Self::AwaitParent { .. }) => {
                end(Ending::Echo, "it only reports what was written there".to_owned())
            }
            (Verdict::Repeated, Self::Enqueue | Self::AwaitParent { .. }) => {
                end(Ending::Echo, "it reports nothing new".to_owned())
            }
            (Verdict::Echo | Verdict::Repeated, Self::Join { delivery, effect, superseded, .. }) => {
                Self::Join { delivery, effect, superseded, retries: false }
            }
            (Verdict::Conflict { attributes }, _) => {
                let names: Vec<&str> = attributes.iter().map(|attribute| attribute.as_str()).collect();
                end(
                    Ending::Conflict,
                    format!("{} reported by a system that does not own it", names.join(", ")),
                )
            }
            (_, decided) => decided,
        }
    }

    /// The admission of an event of a sale that another system reported first, under the identity `first`.
    #[must_use]
    pub fn same_sale(first: &str) -> Self {
        Self::End { ending: Ending::SameSale, reason: format!("the same sale as {first}") }
    }

    /// The admission of a refund that another system reported too, under the identity `matching`.
    #[must_use]
    pub fn same_refund(matching: &str) -> Self {
        Self::End { ending: Ending::SameSale, reason: format!("the same refund as {matching}") }
    }
}

/// Decides what becomes of an event that a route sends to a connector.
///
/// `entity` is the state of the event's own entity, `parent` of the entity it depends on (absent counts as nothing
/// admitted), `lane` every unsettled delivery of its lane, by number.
#[must_use]
pub fn admit(
    incoming: &Incoming,
    entity: &EntityState,
    parent: Option<&EntityState>,
    lane: &[OpenDelivery],
    safeguards: Safeguards,
) -> Admission {
    if let Some(reason) = stale(incoming, entity, safeguards) {
        return Admission::Stale { reason };
    }
    if let Some(identity) = &incoming.parent {
        if parent.is_some_and(|parent| parent.annulled) {
            return Admission::Annul { deliveries: Vec::new() };
        }
        let admitted = parent.is_some_and(|parent| parent.exists || parent.newest.is_some());
        let queued = lane.iter().any(|open| open.effect.is_snapshot() && &open.entity == identity);
        if !admitted && !queued && safeguards.await_parent() {
            return joined(incoming, lane, safeguards)
                .unwrap_or_else(|| Admission::AwaitParent { parent: identity.clone() });
        }
    }
    if incoming.effect == Effect::Cancel {
        if entity.annulled {
            return Admission::Annul { deliveries: Vec::new() };
        }
        let created = lane.iter().any(|open| open.effect == Effect::Create && open.entity == incoming.entity);
        let unsent = lane.iter().all(OpenDelivery::is_unsent) || !safeguards.annul_unsent();
        if created && !entity.exists && unsent {
            return Admission::Annul { deliveries: lane.iter().map(|open| open.delivery).collect() };
        }
    }
    joined(incoming, lane, safeguards).unwrap_or(Admission::Enqueue)
}

/// Why the event is not to be sent, when an admitted state makes it needless.
fn stale(incoming: &Incoming, entity: &EntityState, safeguards: Safeguards) -> Option<String> {
    let (newest, digest) = entity.newest.as_ref()?;
    match incoming.effect {
        Effect::Once => safeguards.dedupe().then(|| "it was admitted before".to_owned()),
        Effect::Difference => (safeguards.version_gate()
            && is_contained_in(incoming.effect, incoming.stamp.moment(), newest.moment()))
        .then(|| "a state admitted before contains it".to_owned()),
        Effect::Create | Effect::Change | Effect::Cancel => {
            match freshness(Some((newest, digest)), &incoming.stamp, &incoming.digest) {
                Freshness::Newer => None,
                Freshness::Same => {
                    safeguards.dedupe().then(|| "this very state was admitted before".to_owned())
                }
                Freshness::Older => {
                    safeguards.version_gate().then(|| "a newer state was admitted before".to_owned())
                }
            }
        }
    }
}

/// The join to the unsent delivery that can carry a newer state in its position, if there is one.
fn joined(incoming: &Incoming, lane: &[OpenDelivery], safeguards: Safeguards) -> Option<Admission> {
    if !incoming.effect.is_snapshot() {
        return None;
    }
    let own = |open: &&OpenDelivery| open.entity == incoming.entity;
    let last = lane.iter().filter(own).rfind(|open| open.effect.is_snapshot())?;
    (last.is_unsent() || !safeguards.join_unsent()).then(|| Admission::Join {
        delivery: last.delivery,
        // A change on top of an unsent creation leaves the delivery a creation.
        effect: match (last.effect, incoming.effect) {
            (Effect::Create, Effect::Change) => Effect::Create,
            (_, effect) => effect,
        },
        superseded: lane
            .iter()
            .filter(own)
            .filter(|open| open.is_given_up_for(&incoming.stamp))
            .map(|open| open.delivery)
            .collect(),
        retries: true,
    })
}

/// True for a difference that a state contains: sending it after that state would apply it twice. Ask again when a
/// difference that awaited its parent returns to the lane.
#[must_use]
pub fn is_contained_in(effect: Effect, moment: Moment, state: Moment) -> bool {
    effect == Effect::Difference && moment.compare(&state).is_le()
}

/// The digest of a fact's content.
fn digest(fact: &Fact) -> Result<String, serde_json::Error> {
    let mut hash = DigestWriter::default();
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

#[cfg(test)]
mod tests;
