//! Which of two states of an entity is the newer one.
//!
//! Sources deliver unordered, and some have clocks of whole seconds: so states are compared by when the source changed
//! the entity, then by the source's own sequence, then by the progress of the business (placed, paid, shipped).

use std::cmp::Ordering;

use crossdock_model::document::DocumentState;
use crossdock_model::event::{Event, Fact};
use crossdock_model::fulfilment::ShipmentState;
use crossdock_model::order::{FulfilmentState, Order, PaymentState};
use crossdock_model::time::{Millis, micros};

use crate::error::Error;

/// How much further ahead of its arrival one of two states may be than the other, in microseconds, to count as dated
/// by the same clock: sources retry a failed report for about that long.
const MAX_SAME_CLOCK_DRIFT_MICROS: i64 = 4 * 3_600_000_000;

/// When a source dates a state, and how far that is believed.
///
/// A source's own clock orders its states, be it fast or slow: a state that is reported late is still the older one.
/// Where one of two moments is much further ahead of its arrival than the other, the clock was corrected between them,
/// or it is another clock: then each counts by the latest moment at which it can have been. Otherwise nothing could
/// supersede a state dated by a fast clock until the right time had caught up with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Moment {
    /// As the source says, in microseconds since 1970.
    pub at: i64,
    /// By the host's clock, in microseconds since 1970: `at`, or the arrival where that is earlier.
    pub believed: i64,
}

impl Moment {
    /// A moment that is believed as it is.
    #[must_use]
    pub const fn certain(at: i64) -> Self {
        Self { at, believed: at }
    }

    /// Compares two moments of one entity: `Greater` when this one is later.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        if self.is_of_same_clock(other) { self.at.cmp(&other.at) } else { self.believed.cmp(&other.believed) }
    }

    fn is_of_same_clock(&self, other: &Self) -> bool {
        self.ahead().abs_diff(other.ahead()) <= MAX_SAME_CLOCK_DRIFT_MICROS.unsigned_abs()
    }

    /// How far the source's clock was ahead of the arrival, in microseconds.
    const fn ahead(&self) -> i64 {
        self.at.saturating_sub(self.believed)
    }
}

/// The position of a state in its entity's history; see [`Stamp::compare`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// When the source changed the entity, as the source says, in microseconds since 1970.
    pub at: i64,
    /// The latest moment at which it can have done so, by the host's clock, in microseconds since 1970: `at`, or the
    /// arrival where that is earlier.
    pub believed: i64,
    /// The source's own number of the change. Absent when it has none.
    pub sequence: Option<u64>,
    /// The progress of the business: orders states that the source dates within one tick of its clock.
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

    /// The stamp of an event that arrived at this moment: it cannot have happened later, whatever the source's clock
    /// says.
    #[must_use]
    pub fn arrived(self, at: Millis) -> Self {
        Self { believed: self.at.min(at.0.saturating_mul(1000)), ..self }
    }

    /// When the source dates the state, and how far that is believed.
    #[must_use]
    pub const fn moment(&self) -> Moment {
        Moment { at: self.at, believed: self.believed }
    }

    /// Compares a state with another one of the same entity: `Greater` when this one is newer.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        let rest = |stamp: &Self| (stamp.sequence, stamp.progress);
        self.moment().compare(&other.moment()).then_with(|| rest(self).cmp(&rest(other)))
    }
}

/// How a state relates to the newest one that was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It is newer, or the first.
    Newer,
    /// It is that very state.
    Same,
    /// It is older.
    Older,
}

/// Compares a state with the newest one admitted. Two different contents with equal stamps cannot be ordered by what
/// the source reports; the one that arrives later then counts as newer.
#[must_use]
pub fn freshness(newest: Option<(&Stamp, &str)>, stamp: &Stamp, digest: &str) -> Freshness {
    match newest {
        None => Freshness::Newer,
        Some((newest, known)) => match stamp.compare(newest) {
            Ordering::Less => Freshness::Older,
            Ordering::Equal if known == digest => Freshness::Same,
            _ => Freshness::Newer,
        },
    }
}

/// The progress of the business, comparable between two states of one entity.
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

    /// A state dated `at` by its source's clock, and when it arrived, both in seconds.
    fn reported(at: i64, arrived: i64) -> Stamp {
        Stamp { at: at * SECOND, believed: at * SECOND, sequence: None, progress: 0 }
            .arrived(Millis(arrived * 1000))
    }

    #[test]
    fn a_state_that_a_fast_clock_reports_late_is_still_the_older_one() {
        // The clock is five minutes fast; the first state arrives with a retry, after the second.
        let (first, second) = (reported(300, 330), reported(360, 61));
        assert_eq!(first.compare(&second), Ordering::Less);
        assert_eq!(second.compare(&first), Ordering::Greater);
    }

    #[test]
    fn states_dated_by_a_corrected_clock_are_newer() {
        let day = 86_400;
        let (wrong, right) = (reported(day, 10), reported(20, 21));
        assert_eq!(right.compare(&wrong), Ordering::Greater);
        // Of two states of the wrong clock the later one is newer, however they arrive.
        assert_eq!(reported(day + 5, 40).compare(&reported(day + 9, 30)), Ordering::Less);
    }

    proptest! {
        /// However wrong a source's clock is, and in whatever order its states arrive, the last one ends up newest, as
        /// long as the source does not retry for longer than sources do.
        #[test]
        fn a_wrong_clock_still_orders_the_states_of_its_source(
            ahead in -100_000i64..100_000,
            states in prop::collection::vec((0i64..100_000, 0i64..14_000), 1..12),
        ) {
            let mut arrivals: Vec<_> = states
                .iter()
                .map(|(happened, delay)| (happened + delay, reported(happened + ahead, happened + delay)))
                .collect();
            arrivals.sort_by_key(|(arrived, _)| *arrived);
            let mut newest: Option<Stamp> = None;
            for (_, stamp) in arrivals {
                let is_newer = newest.is_none_or(|newest| stamp.at > newest.at);
                let gated = freshness(newest.as_ref().map(|newest| (newest, "digest")), &stamp, "digest");
                prop_assert_eq!(gated == Freshness::Newer, is_newer);
                if is_newer {
                    newest = Some(stamp);
                }
            }
            let last = states.iter().map(|(happened, _)| (happened + ahead) * SECOND).max();
            prop_assert_eq!(newest.map(|newest| newest.at), last);
        }
    }
}
