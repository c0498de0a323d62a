//! Which of two states of an entity is the newer one.
//!
//! Sources deliver unordered, and some have clocks of whole seconds: so a state is placed by when the
//! source changed it, then by the source's own sequence, then by how far the business has come.

use crossdock_model::document::DocumentState;
use crossdock_model::event::{Event, Fact};
use crossdock_model::fulfilment::ShipmentState;
use crossdock_model::order::{FulfilmentState, Order, PaymentState};
use crossdock_model::time::{Millis, micros};

use crate::Error;

/// How far a source's clock may be ahead of the host's, in microseconds, before it is not believed.
const LEEWAY: i64 = 60_000_000;

/// The place of a state in its entity's history. Later is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// When the source changed the entity, in microseconds since 1970.
    pub at: i64,
    /// The source's own number of the change. Absent when it has none.
    pub sequence: Option<u64>,
    /// How far the business has come: tells apart what happened within one tick of the source's clock.
    pub progress: u32,
}

impl Stamp {
    /// The stamp of an event: its version, or when it happened where it has none.
    ///
    /// # Errors
    /// When the instant cannot be read.
    pub fn of(event: &Event) -> Result<Self, Error> {
        let (text, field, sequence) = match &event.version {
            Some(version) => (&version.at, "version.at", version.sequence),
            None => (&event.occurred_at, "occurredAt", None),
        };
        let at = micros(text).map_err(|source| Error::Instant {
            entity: event.entity.to_string(),
            field,
            source,
        })?;
        Ok(Self { at, sequence, progress: progress(&event.fact) })
    }

    /// The stamp as it counts: what says it happened well after it arrived, by a clock that is ahead, counts
    /// from when it arrived. Otherwise nothing could supersede it until that clock is caught up with.
    #[must_use]
    pub fn believed(self, arrived: Millis) -> Self {
        let arrived = arrived.0.saturating_mul(1000);
        if self.at > arrived.saturating_add(LEEWAY) { Self { at: arrived, ..self } } else { self }
    }
}

/// How a state relates to the newest one that was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It is newer, or the first.
    Newer,
    /// It is that very state.
    Same,
    /// It is older.
    Older,
}

/// Places a state against the newest one admitted. Two different contents with fully equal stamps cannot
/// be placed by what the source says; the one that arrives later then counts as newer.
#[must_use]
pub fn gate(newest: Option<(&Stamp, &str)>, stamp: &Stamp, digest: &str) -> Gate {
    match newest {
        None => Gate::Newer,
        Some((newest, known)) => match stamp.cmp(newest) {
            std::cmp::Ordering::Less => Gate::Older,
            std::cmp::Ordering::Equal if known == digest => Gate::Same,
            _ => Gate::Newer,
        },
    }
}

/// How far the business has come, comparable between two states of one entity.
fn progress(fact: &Fact) -> u32 {
    match fact {
        Fact::Order(change) => order_progress(&change.order, change.is_cancelled()),
        Fact::ShipmentUpdated(shipment) => match shipment.state {
            ShipmentState::Planned => 0,
            ShipmentState::Allocated => 1,
            ShipmentState::Packed => 2,
            ShipmentState::Shipped => 3,
            ShipmentState::Delivered => 4,
            ShipmentState::Cancelled => 5,
            ShipmentState::Returned => 6,
        },
        Fact::DocumentUpdated(document) => match document.state {
            DocumentState::Draft => 0,
            DocumentState::Quoted => 1,
            DocumentState::Accepted => 2,
            DocumentState::Processing => 3,
            DocumentState::Posted => 4,
            DocumentState::Paid => 5,
            DocumentState::Done => 6,
            DocumentState::Cancelled => 7,
            DocumentState::Refused => 8,
        },
        _ => 0,
    }
}

fn order_progress(order: &Order, cancelled: bool) -> u32 {
    let cancelled = u32::from(cancelled || order.cancelled_at.is_some());
    let payment = match order.payment {
        PaymentState::Pending => 0,
        PaymentState::Authorized => 1,
        PaymentState::PartiallyPaid => 2,
        PaymentState::Paid => 3,
        PaymentState::Voided => 4,
        PaymentState::PartiallyRefunded => 5,
        PaymentState::Refunded => 6,
    };
    let fulfilment = match order.fulfilment {
        FulfilmentState::Unfulfilled => 0,
        FulfilmentState::Partial => 1,
        FulfilmentState::Fulfilled => 2,
        FulfilmentState::Restocked => 3,
    };
    cancelled << 16 | payment << 8 | fulfilment
}
