//! Commands about events.

use std::sync::Arc;
use std::time::Duration;

use crossdock_model::common::Personal;
use crossdock_model::event::Event;
use crossdock_model::time::Millis;
use crossdock_rules::admission::Incoming;
use crossdock_rules::attributes::Attribute;
use crossdock_rules::ownership::Class;
use crossdock_rules::pin;

use crate::outbox::OutboxEntries;

/// Store events and enqueue their deliveries.
#[derive(Debug, Default)]
pub struct Admit {
    /// The inbound that the events were read from; it counts as read from here on.
    pub inbound: Option<i64>,
    /// The cursor that the events were polled behind, moved in the same transaction.
    pub cursor: Option<CursorMove>,
    /// The events. Empty: understood, and of no interest.
    pub events: Vec<NewEvent>,
    /// What the plugin put into the outbox while it read: stored with the events, or not at all.
    pub outbox: Option<OutboxEntries>,
    /// Now.
    pub now: Millis,
}

/// A cursor and where it was: it moves only when it is still there.
#[derive(Clone, Debug)]
pub struct CursorMove {
    /// The polling connector.
    pub connector: String,
    /// Where the caller expects it to be; none when there was none.
    pub from: Option<String>,
    /// Where it goes.
    pub to: String,
}

/// One event, ready to be stored.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The event, without personal data.
    pub event: Arc<Event>,
    /// The personal data that was taken out of it; it is stored apart, under the key of the event's subject.
    pub personal: Option<Arc<Personal>>,
    /// What the rules need to know of it: its key, its lane, its state.
    pub incoming: Incoming,
    /// The connector it came from.
    pub source: String,
    /// The attributes it can report that its source does not own (`Ownership::foreign`).
    pub foreign: Vec<Attribute>,
    /// How long its source may take to confirm a delivery that it acknowledges with this event.
    pub confirmation_limit: Duration,
    /// Where it goes.
    pub targets: Vec<Target>,
    /// The trace it belongs to.
    pub trace: String,
}

impl NewEvent {
    /// Takes the personal data out of an event and computes what the rules need to know of it. It arrived at
    /// this moment: for a request that is read again, when the request arrived.
    ///
    /// # Errors
    /// When the instant that orders the event cannot be read.
    pub fn new(mut event: Event, arrived: Millis) -> Result<Self, crossdock_rules::error::Error> {
        let personal = event.take_personal().map(Arc::new);
        let incoming = Incoming::of(&event, arrived)?;
        Ok(Self {
            event: Arc::new(event),
            personal,
            incoming,
            source: String::new(),
            foreign: Vec::new(),
            confirmation_limit: Duration::ZERO,
            targets: Vec::new(),
            trace: String::new(),
        })
    }
}

/// A connector that an event is routed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The connector.
    pub connector: String,
    /// True when the order is pinned to the first connector that can own books it is routed to by such a route.
    pub pin: bool,
    /// What sort of system the connector speaks to: only an ERP can own books, or one whose class is not stated.
    pub class: Option<Class>,
    /// True when only `posted`, not `received`, lets the next of the lane go.
    pub posted: bool,
    /// The system the connector speaks to (`shopify`): entities that come from it exist there without
    /// having been delivered.
    pub system: Option<String>,
    /// The connector that owns the books of the event's order, should the order have no pin yet: given when the
    /// order is older than Crossdock (`rules::pin::is_older`) and the route says where such orders are booked.
    pub older_orders: Option<String>,
    /// Before this moment the delivery is not claimed: the next opening of the route's window.
    pub due_at: Option<Millis>,
    /// The place whose stock the event's level is a part of, where the connector receives the sum of all its
    /// levels. Without effect on events that report no level of an article number.
    pub sum: Option<String>,
}

impl Target {
    /// True when the connector may own an order's books.
    #[must_use]
    pub fn can_own_books(&self) -> bool {
        self.pin && pin::can_own_books(self.class)
    }
}
