//! Which of two states of an entity is the newer one.
//!
//! Sources deliver unordered, and some have clocks of whole seconds: so a state is placed by when the
//! source changed it, then by the source's own sequence, then by how far the business has come.

use std::cmp::Ordering;

use crossdock_model::document::DocumentState;
use crossdock_model::event::{Event, Fact};
use crossdock_model::fulfilment::ShipmentState;
use crossdock_model::order::{FulfilmentState, Order, PaymentState};
use crossdock_model::time::{Millis, micros};

use crate::Error;

/// How much further ahead of its arrival one of two states may be than the other, in microseconds, and both be
/// told by one clock: so long do sources try again to tell what they could not.
const ONE_CLOCK: i64 = 4 * 3_600_000_000;

/// The place of a state in its entity's history; see [`Stamp::place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// When the source changed the entity, as the source says, in microseconds since 1970.
    pub at: i64,
    /// When it did so at the latest, by the host's clock: `at`, or when it arrived where that is earlier.
    pub believed: i64,
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
        Ok(Self { at, believed: at, sequence, progress: progress(&event.fact) })
    }

    /// The stamp of what arrived then: nothing happened after it had arrived, whatever a clock says.
    #[must_use]
    pub fn arrived(self, at: Millis) -> Self {
        Self { believed: self.at.min(at.0.saturating_mul(1000)), ..self }
    }

    /// Places a state against another one of its entity.
    ///
    /// A source's own clock orders what it tells, be it fast or slow: a state that is told late is still
    /// the older one. Where one of the two is much further ahead of its arrival than the other, the clock
    /// was put right between them, or it is not the same: then each counts by when it happened at the latest,
    /// since nothing could supersede what a wrong clock told until that clock is caught up with.
    #[must_use]
    pub fn place(&self, other: &Self) -> Ordering {
        let one_clock = self.ahead().abs_diff(other.ahead()) <= ONE_CLOCK.unsigned_abs();
        let moment = |stamp: &Self| if one_clock { stamp.at } else { stamp.believed };
        (moment(self), self.sequence, self.progress).cmp(&(moment(other), other.sequence, other.progress))
    }

    /// How far the source's clock was ahead of the arrival.
    fn ahead(&self) -> i64 {
        self.at.saturating_sub(self.believed)
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
        Some((newest, known)) => match stamp.place(newest) {
            Ordering::Less => Gate::Older,
            Ordering::Equal if known == digest => Gate::Same,
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000;

    /// What a source says at a moment of its clock, and when that arrives, both in seconds.
    fn told(at: i64, arrived: i64) -> Stamp {
        Stamp { at: at * SECOND, believed: at * SECOND, sequence: None, progress: 0 }
            .arrived(Millis(arrived * 1000))
    }

    #[test]
    fn what_a_fast_clock_tells_late_is_still_the_older_state() {
        // The clock is five minutes fast; the first state comes with a retry, after the second.
        let (first, second) = (told(300, 330), told(360, 61));
        assert_eq!(first.place(&second), Ordering::Less);
        assert_eq!(second.place(&first), Ordering::Greater);
    }

    #[test]
    fn a_clock_that_was_put_right_is_believed_again() {
        let day = 86_400;
        let (wrong, right) = (told(day, 10), told(20, 21));
        assert_eq!(right.place(&wrong), Ordering::Greater);
        // Of two states of the wrong clock the later one is newer, however they arrive.
        assert_eq!(told(day + 5, 40).place(&told(day + 9, 30)), Ordering::Less);
    }

    proptest! {
        /// Whatever a source's clock is wrong by, what it tells ends with its last state, in whatever order it
        /// arrives, as long as it is not tried longer than sources try.
        #[test]
        fn a_clock_that_is_wrong_tells_its_states_in_order(
            ahead in -100_000i64..100_000,
            states in prop::collection::vec((0i64..100_000, 0i64..14_000), 1..12),
        ) {
            let mut arrivals: Vec<_> = states
                .iter()
                .map(|(happened, delay)| (happened + delay, told(happened + ahead, happened + delay)))
                .collect();
            arrivals.sort_by_key(|(arrived, _)| *arrived);
            let mut newest: Option<Stamp> = None;
            for (_, stamp) in arrivals {
                let is_newer = newest.is_none_or(|newest| stamp.at > newest.at);
                let gated = gate(newest.as_ref().map(|newest| (newest, "digest")), &stamp, "digest");
                prop_assert_eq!(gated == Gate::Newer, is_newer);
                if is_newer {
                    newest = Some(stamp);
                }
            }
            let last = states.iter().map(|(happened, _)| (happened + ahead) * SECOND).max();
            prop_assert_eq!(newest.map(|newest| newest.at), last);
        }
    }
}
