//! The states of a delivery and the order within a lane.
//!
//! Within one connector the deliveries of a lane (about an order, or an article at a location) are sent one after the other:
//! only the head of the lane may be sent. Lanes do not wait for each other.
//!
//! [`next_ready`] decides which delivery becomes head, [`blocked_by`] which one a queued delivery is stuck behind.
//! Both look at the whole lane and at nothing else.

use strum::VariantArray;

use crate::code;
use crate::name::UnknownName;

/// Where a delivery stands.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "kebab-case", parse_err_ty = UnknownName, parse_err_fn = unknown_state)]
pub enum DeliveryState {
    /// In its lane, behind another.
    Queued,
    /// Head of its lane: may be claimed when it is due.
    Ready,
    /// Claimed: a call may be in flight.
    Sending,
    /// Awaiting another entity, or an in-flight write that it may be the echo of. It does not occupy its lane.
    Waiting,
    /// The target has it and will confirm later.
    Received,
    /// Done; see [`Ending`].
    Settled,
    /// A person must decide, or what it lacks must come: the entity or the mapping that it awaits.
    Exception,
}

fn unknown_state(text: &str) -> UnknownName {
    UnknownName::new("delivery state", text)
}

impl DeliveryState {
    /// Every value.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name it is stored and shown by.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// True until the delivery is done.
    #[must_use]
    pub fn is_open(self) -> bool {
        self != Self::Settled
    }
}

/// Whether a delivery was sent to its target.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "kebab-case", parse_err_ty = UnknownName, parse_err_fn = unknown_sent)]
pub enum Sent {
    /// Surely not: it was never claimed, the target was searched and has nothing, or a person who looked says so.
    #[default]
    No,
    /// The outcome of the last call is unknown.
    Maybe,
    /// Surely: all of it, or the part that the resume token stands for.
    Yes,
}

fn unknown_sent(text: &str) -> UnknownName {
    UnknownName::new("send status", text)
}

impl Sent {
    /// Every value.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name it is stored and shown by.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The status once the delivery is claimed, recorded durably before anything leaves the host.
    #[must_use]
    pub fn claimed(self) -> Self {
        self.max(Self::Maybe)
    }
}

/// Why a delivery is done.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "kebab-case", parse_err_ty = UnknownName, parse_err_fn = unknown_ending)]
pub enum Ending {
    /// The target booked it.
    Posted,
    /// The target had it already.
    AlreadyThere,
    /// The target has no use for it.
    Ignored,
    /// A newer state was admitted, or this very one, or the target knows a newer one.
    Stale,
    /// Another delivery carries its content, or a state that contains it; or its connector has another delivery of the event.
    Joined,
    /// It and the unsent deliveries that it would have undone cancel each other out.
    Annulled,
    /// A person discarded it.
    Discarded,
    /// It only reported what Crossdock itself had written, or nothing new.
    Echo,
    /// It reported attributes that its source does not own.
    Conflict,
    /// Another report of the same sale, or of the same refund, came first.
    SameSale,
}

fn unknown_ending(text: &str) -> UnknownName {
    UnknownName::new("ending of a delivery", text)
}

impl Ending {
    /// Every value.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name it is stored and shown by.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// True when the target has the entity after a delivery of it ended so.
    #[must_use]
    pub fn exists(self) -> bool {
        matches!(self, Self::Posted | Self::AlreadyThere | Self::Stale)
    }

    /// True when deliveries that await the entity return to their lanes after its delivery ended so. After `ignored`
    /// and `discarded` too: the target then decides itself about the dependent ones.
    #[must_use]
    pub fn releases_waiting(self) -> bool {
        self.exists() || matches!(self, Self::Ignored | Self::Discarded)
    }
}

/// A delivery as the rules of its lane see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneEntry<'a> {
    /// Its number; rises in the order of the lane.
    pub delivery: i64,
    /// Where it stands.
    pub state: DeliveryState,
    /// True when a received delivery keeps its lane blocked until it is posted: its route demands so.
    pub until_posted: bool,
    /// The code of the reason why it is in this state. Absent when there is none.
    pub reason_code: Option<&'a str>,
    /// True while the arrival of an entity or a mapping would release it.
    pub awaits: bool,
}

impl LaneEntry<'_> {
    fn is_exception(&self, code: &str) -> bool {
        debug_assert!(code::DECIDE.contains(&code), "{code} decides something and is not listed");
        self.state == DeliveryState::Exception && self.reason_code == Some(code)
    }
}

/// True when the delivery occupies its lane: what stands behind it is not sent before it.
///
/// A delivery that awaits its parent does not, nor does one whose parent did not come in time, because they must not
/// block the parent's own delivery. One that was received does only if its route demands `posted`, and so it stays
/// when the confirmation is overdue.
#[must_use]
pub fn occupies(entry: &LaneEntry<'_>) -> bool {
    match entry.state {
        DeliveryState::Queued | DeliveryState::Ready | DeliveryState::Sending => true,
        DeliveryState::Received => entry.until_posted,
        DeliveryState::Exception if entry.is_exception(code::OVERDUE) => entry.until_posted,
        DeliveryState::Exception => !is_parent_missing(entry),
        DeliveryState::Waiting | DeliveryState::Settled => false,
    }
}

/// True for an exception whose only cause is that its parent did not come in time.
#[must_use]
pub fn is_parent_missing(entry: &LaneEntry<'_>) -> bool {
    entry.awaits && entry.is_exception(code::REFERENT_MISSING)
}

/// True for a delivery that returns to its lane without a person when the parent or the mapping that it awaits arrives.
#[must_use]
pub fn is_released_by_arrival(entry: &LaneEntry<'_>) -> bool {
    let is_exception = entry.is_exception(code::REFERENT_MISSING) || entry.is_exception(code::UNMAPPED);
    entry.state == DeliveryState::Waiting || (entry.awaits && is_exception)
}

/// True for the head of a lane: no other delivery of the lane may be sent before it is done.
fn is_head(entry: &LaneEntry<'_>) -> bool {
    use DeliveryState::{Ready, Received, Sending};
    occupies(entry) && matches!(entry.state, Ready | Sending | Received)
}

/// The delivery that is to become ready. None when the lane has a head already, when its first delivery is an
/// exception, or when nothing is queued.
#[must_use]
pub fn next_ready<'a>(lane: impl IntoIterator<Item = LaneEntry<'a>>) -> Option<i64> {
    let mut first: Option<LaneEntry<'a>> = None;
    for entry in lane.into_iter().filter(occupies) {
        if is_head(&entry) {
            return None;
        }
        if first.is_none_or(|first| entry.delivery < first.delivery) {
            first = Some(entry);
        }
    }
    first.filter(|first| first.state == DeliveryState::Queued).map(|first| first.delivery)
}

/// The delivery of the lane that a queued delivery is stuck behind, with its state: the head of the lane, or an
/// exception before it; of several the first. None when only queued deliveries stand before it, and for a delivery
/// that is not queued.
#[must_use]
pub fn blocked_by<'a>(
    delivery: i64,
    lane: impl IntoIterator<Item = LaneEntry<'a>>,
) -> Option<(i64, DeliveryState)> {
    let mut blocker: Option<LaneEntry<'a>> = None;
    for entry in lane.into_iter().filter(occupies) {
        if entry.delivery == delivery {
            if entry.state != DeliveryState::Queued {
                return None;
            }
            continue;
        }
        let is_exception = entry.state == DeliveryState::Exception && entry.delivery < delivery;
        if (is_exception || is_head(&entry)) && blocker.is_none_or(|known| entry.delivery < known.delivery) {
            blocker = Some(entry);
        }
    }
    blocker.map(|entry| (entry.delivery, entry.state))
}

#[cfg(test)]
mod tests;
