//! A delivery: one event for one connector, as the queue has it.

use std::sync::Arc;

use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;
use crossdock_rules::admission::OpenDelivery;
use crossdock_rules::code;
use crossdock_rules::effect::Effect;
use crossdock_rules::lane::{
    DeliveryState, Ending, LaneEntry, Sent, is_parent_missing, is_released_by_arrival, occupies,
};
use crossdock_rules::version::Moment;

use crate::keys::{EntityKey, LaneKey};

/// A due time that never comes by itself: only an event, a confirmation or a person moves the delivery.
pub const NEVER: Millis = Millis(i64::MAX);

/// The code of the reason why a delivery waits until an in-flight write to its source is resolved.
pub const AWAITS_IN_FLIGHT_WRITE: &str = "awaits-in-flight-write";

/// Whether a reason of this code decides what becomes of a delivery. The others are for people.
pub(crate) fn decides(code: &str) -> bool {
    code == AWAITS_IN_FLIGHT_WRITE || code::DECIDE.contains(&code)
}

/// A delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Its number: rises in the order of the lane.
    pub id: i64,
    /// The event that it was enqueued for.
    pub event: i64,
    /// The event whose content it carries: a newer one where that joined.
    pub carries: i64,
    /// The connector.
    pub connector: Arc<str>,
    /// Which posting on purpose it is; 0 is the first, unforced one.
    pub generation: u32,
    /// The lane.
    pub lane: Arc<str>,
    /// The identity of the entity.
    pub entity: Arc<str>,
    /// What the event it carries does to the entity.
    pub effect: Effect,
    /// When the event that it carries is dated.
    pub moment: Moment,
    /// True when it goes to whichever ERP owns the books of its order.
    pub follows_books: bool,
    /// True when only `posted`, not `received`, frees the lane.
    pub until_posted: bool,
    /// Where it stands.
    pub state: DeliveryState,
    /// How it was settled. Absent while it is open.
    pub ending: Option<Ending>,
    /// Whether the target may have it.
    pub sent: Sent,
    /// True when the target is asked with `find` before anything is sent.
    pub look_up: bool,
    /// The attempts used up.
    pub attempts: u32,
    /// How often the plugin itself failed at it.
    pub failures: u32,
    /// How often the target was asked with `find` since something was last sent.
    pub finds: u32,
    /// When it is next due: to be sent, to be tried again, or to be confirmed; [`NEVER`] where nothing is.
    pub due_at: Millis,
    /// Before this moment it is not sent, whatever it waited for: its route's window opens then. The epoch where the route
    /// has none.
    pub not_before: Millis,
    /// When the claim ends; the epoch when it is not claimed.
    pub lease_until: Millis,
    /// The last moment at which a request may have left; the epoch when none has.
    pub sent_at: Millis,
    /// The newest claim.
    pub fence: i64,
    /// The serial number within the connector. Absent before the first claim.
    pub serial: Option<u64>,
    /// The plugin's resume token.
    pub resume: Option<Arc<str>>,
    /// The delivery that carries its content. Absent unless it joined one.
    pub joined_to: Option<i64>,
    /// The entity or mapping that it awaits.
    pub awaits: Option<Arc<str>>,
    /// True when other deliveries wait until this one is resolved, since they may be echoes of it.
    pub awaited: bool,
    /// Since when it waits for another entity, if it has waited.
    pub waiting_since: Option<Millis>,
    /// Why it is as it is. Absent when there is nothing to say.
    pub reason: Option<Problem>,
    /// The event by which the target answered before the answer to the call was recorded. Absent unless it did.
    pub early_answer: Option<i64>,
    /// Since when it is as it is.
    pub since: Millis,
}

/// What a delivery is for.
#[derive(Clone, Debug)]
pub struct Purpose {
    /// Its number.
    pub id: i64,
    /// The event.
    pub event: i64,
    /// Which posting on purpose it is.
    pub generation: u32,
    /// Connector and lane.
    pub lane: LaneKey,
    /// The identity of the entity.
    pub entity: Arc<str>,
    /// What the event does.
    pub effect: Effect,
    /// When the event is dated.
    pub moment: Moment,
}

impl Delivery {
    /// A delivery that has not been tried: at the end of its lane, and not due before a moment.
    #[must_use]
    pub fn new(purpose: Purpose, not_before: Millis, now: Millis) -> Self {
        let Purpose { id, event, generation, lane, entity, effect, moment } = purpose;
        Self {
            id,
            event,
            carries: event,
            connector: lane.connector,
            generation,
            lane: lane.lane,
            entity,
            effect,
            moment,
            follows_books: false,
            until_posted: false,
            state: DeliveryState::Queued,
            ending: None,
            sent: Sent::No,
            look_up: false,
            attempts: 0,
            failures: 0,
            finds: 0,
            due_at: not_before.max(now),
            not_before,
            lease_until: Millis(0),
            sent_at: Millis(0),
            fence: 0,
            serial: None,
            resume: None,
            joined_to: None,
            awaits: None,
            awaited: false,
            waiting_since: None,
            reason: None,
            early_answer: None,
            since: now,
        }
    }

    /// Connector and lane.
    #[must_use]
    pub fn lane_key(&self) -> LaneKey {
        LaneKey { connector: Arc::clone(&self.connector), lane: Arc::clone(&self.lane) }
    }

    /// Connector and entity.
    #[must_use]
    pub fn entity_key(&self) -> EntityKey {
        EntityKey { connector: Arc::clone(&self.connector), entity: Arc::clone(&self.entity) }
    }

    /// As admission compares it with a new event.
    #[must_use]
    pub fn as_open(&self) -> OpenDelivery {
        OpenDelivery {
            delivery: self.id,
            state: self.state,
            sent: self.sent,
            effect: self.effect,
            moment: self.moment,
            entity: self.entity.to_string(),
        }
    }

    /// As the rules of lanes see it.
    #[must_use]
    pub fn as_entry(&self) -> LaneEntry<'_> {
        LaneEntry {
            delivery: self.id,
            state: self.state,
            until_posted: self.until_posted,
            reason_code: self.reason.as_ref().map(|reason| reason.code.as_str()),
            awaits: self.awaits.is_some(),
        }
    }

    /// True when nothing behind it in its lane may be sent.
    #[must_use]
    pub fn occupies_lane(&self) -> bool {
        occupies(&self.as_entry())
    }

    /// True when the reason for its state has this code.
    #[must_use]
    pub fn reason_is(&self, code: &str) -> bool {
        debug_assert!(decides(code), "{code} decides something and is not listed");
        self.reason.as_ref().is_some_and(|reason| reason.code == code)
    }

    /// True when it is an exception only because the entity that it awaits did not come in time.
    #[must_use]
    pub fn parent_is_missing(&self) -> bool {
        is_parent_missing(&self.as_entry())
    }

    /// True when it goes back into its lane as soon as what it awaits is there.
    #[must_use]
    pub fn is_released_by_arrival(&self) -> bool {
        is_released_by_arrival(&self.as_entry())
    }

    /// True when it is listed among those that await something.
    #[must_use]
    pub fn is_awaiting(&self) -> bool {
        self.awaits.is_some() && matches!(self.state, DeliveryState::Waiting | DeliveryState::Exception)
    }

    /// True while a call may be changing the target, or may have changed it and will be looked up: its echo can come at
    /// any moment. What a person has to look up is not waited for.
    #[must_use]
    pub fn is_in_flight(&self) -> bool {
        match self.state {
            DeliveryState::Sending => true,
            DeliveryState::Ready | DeliveryState::Waiting => self.sent == Sent::Maybe,
            _ => false,
        }
    }
}

/// A delivery that is in flight, as far as deliveries that may be its echo need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InFlight {
    /// The delivery.
    pub delivery: i64,
    /// Its lane.
    pub lane: Arc<str>,
    /// When its claim ends.
    pub lease_until: Millis,
}
