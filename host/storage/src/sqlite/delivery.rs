//! The hot row: a delivery as the database has it.

use std::sync::Arc;

use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;
use crossdock_rules::admission::{Effect, Open};
use crossdock_rules::lane::{DeliveryState, Ending, Sent};
use crossdock_rules::outcome::code;
use sqlx::sqlite::SqliteRow;

use super::sql::{Args, Cells, Template};
use crate::{Error, Result};

/// A delivery. Times are milliseconds since 1970.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub id: i64,
    pub event: i64,
    pub payload_event: i64,
    pub connector: Arc<str>,
    pub generation: i64,
    pub lane: Arc<str>,
    /// Absent when the entity is its own lane.
    pub entity: Option<Arc<str>>,
    pub effect: Effect,
    pub at: i64,
    /// True when only `posted` lets the next of the lane go.
    pub holds: bool,
    pub state: DeliveryState,
    pub ending: Option<Ending>,
    pub sent: Sent,
    pub find: bool,
    pub attempt: u32,
    pub failures: u32,
    pub finds: u32,
    pub due_at: i64,
    pub lease_until: i64,
    pub sent_at: i64,
    pub fence: i64,
    pub serial: Option<i64>,
    pub resume: Option<Arc<str>>,
    pub joined_to: Option<i64>,
    pub waits_for: Option<Arc<str>>,
    pub waiting_since: Option<i64>,
    pub reason: Option<Problem>,
    pub since: i64,
}

/// The columns in the order they are written and read in.
macro_rules! columns {
    () => {
        "id, event, payload_event, connector, generation, lane, entity, effect, at, holds, state, ending, sent, \
         find, attempt, failures, finds, due_at, lease_until, sent_at, fence, serial, resume, joined_to, \
         waits_for, waiting_since, reason_code, reason_message, reason_field, since"
    };
}
pub(super) use columns;

/// Writes deliveries, new or changed. What identifies a delivery never changes.
pub(super) static WRITE: Template = Template {
    doing: "writing deliveries",
    width: 30,
    text: concat!(
        "INSERT INTO delivery (",
        columns!(),
        ") SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL ON CONFLICT (id) DO UPDATE SET \
         payload_event = excluded.payload_event, effect = excluded.effect, at = excluded.at, \
         holds = excluded.holds, state = excluded.state, ending = excluded.ending, sent = excluded.sent, \
         find = excluded.find, attempt = excluded.attempt, failures = excluded.failures, \
         finds = excluded.finds, due_at = excluded.due_at, lease_until = excluded.lease_until, \
         sent_at = excluded.sent_at, fence = excluded.fence, serial = excluded.serial, \
         resume = excluded.resume, joined_to = excluded.joined_to, waits_for = excluded.waits_for, \
         waiting_since = excluded.waiting_since, reason_code = excluded.reason_code, \
         reason_message = excluded.reason_message, reason_field = excluded.reason_field, \
         since = excluded.since"
    ),
};

/// Every open delivery of lanes, given as connector and lane.
pub(super) static OF_LANES: Template = Template {
    doing: "reading lanes",
    width: 2,
    text: concat!(
        "WITH wanted (c, l) AS (VALUES {rows}) SELECT ",
        columns!(),
        " FROM wanted CROSS JOIN delivery ON connector = c AND lane = l AND state <> 5"
    ),
};

/// Deliveries by id.
pub(super) static BY_ID: Template = Template {
    doing: "reading deliveries",
    width: 1,
    text: concat!("SELECT ", columns!(), " FROM delivery WHERE id IN ({rows})"),
};

/// The number a state is stored as.
pub(super) fn number(state: DeliveryState) -> i64 {
    match state {
        DeliveryState::Queued => 0,
        DeliveryState::Ready => 1,
        DeliveryState::Sending => 2,
        DeliveryState::Waiting => 3,
        DeliveryState::Received => 4,
        DeliveryState::Settled => 5,
        DeliveryState::Exception => 6,
    }
}

/// The state of a stored number.
pub(super) fn state(number: i64) -> Result<DeliveryState> {
    DeliveryState::ALL.iter().copied().find(|state| self::number(*state) == number).ok_or_else(|| {
        Error::Unreadable { what: "the state of a delivery".into(), why: format!("{number} is none") }
    })
}

/// The number that says whether something was sent.
pub(super) fn sent_number(sent: Sent) -> i64 {
    match sent {
        Sent::No => 0,
        Sent::Maybe => 1,
        Sent::Yes => 2,
    }
}

/// Whether something was sent, of a stored number.
pub(super) fn sent(number: i64) -> Sent {
    match number {
        0 => Sent::No,
        2 => Sent::Yes,
        _ => Sent::Maybe,
    }
}

/// What a delivery is for, which never changes.
pub(super) struct Purpose {
    pub id: i64,
    pub event: i64,
    pub generation: i64,
    /// Connector and lane.
    pub place: super::memory::Place,
    /// The entity's identity.
    pub entity: Arc<str>,
}

impl Delivery {
    /// A delivery that has not been tried: behind the others of its lane, and due at a moment. What its event
    /// does, and [`Stamp::at`](crossdock_rules::version::Stamp) of it, are given too.
    pub(super) fn new(purpose: Purpose, effect: Effect, at: i64, due_at: i64, now: Millis) -> Self {
        let Purpose { id, event, generation, place: (connector, lane), entity } = purpose;
        Self {
            id,
            event,
            payload_event: event,
            connector,
            generation,
            entity: (entity != lane).then_some(entity),
            lane,
            effect,
            at,
            holds: false,
            state: DeliveryState::Queued,
            ending: None,
            sent: Sent::No,
            find: false,
            attempt: 0,
            failures: 0,
            finds: 0,
            due_at: due_at.max(now.0),
            lease_until: 0,
            sent_at: 0,
            fence: 0,
            serial: None,
            resume: None,
            joined_to: None,
            waits_for: None,
            waiting_since: None,
            reason: None,
            since: now.0,
        }
    }

    pub(super) fn of(row: &SqliteRow) -> Result<Self> {
        Self::take(&mut Cells::of(row))
    }

    pub(super) fn take(cells: &mut Cells<'_>) -> Result<Self> {
        let text = |text: Option<&str>| text.map(Arc::from);
        Ok(Self {
            id: cells.next()?,
            event: cells.next()?,
            payload_event: cells.next()?,
            connector: cells.next::<&str>()?.into(),
            generation: cells.next()?,
            lane: cells.next::<&str>()?.into(),
            entity: text(cells.next()?),
            effect: cells.name()?,
            at: cells.next()?,
            holds: cells.next()?,
            state: state(cells.next()?)?,
            ending: match cells.next::<Option<&str>>()? {
                None => None,
                Some(name) => Some(name.parse().map_err(|error: crossdock_rules::Error| {
                    Error::Unreadable { what: name.to_owned(), why: error.to_string() }
                })?),
            },
            sent: sent(cells.next()?),
            find: cells.next()?,
            attempt: cells.next()?,
            failures: cells.next()?,
            finds: cells.next()?,
            due_at: cells.next()?,
            lease_until: cells.next()?,
            sent_at: cells.next()?,
            fence: cells.next()?,
            serial: cells.next()?,
            resume: text(cells.next()?),
            joined_to: cells.next()?,
            waits_for: text(cells.next()?),
            waiting_since: cells.next()?,
            reason: {
                let (code, message, field) = (cells.next::<Option<String>>()?, cells.next()?, cells.next()?);
                code.map(|code| Problem { code, message: Option::unwrap_or_default(message), field })
            },
            since: cells.next()?,
        })
    }

    pub(super) fn write(&self, args: &mut Args) {
        let reason = self.reason.as_ref();
        args.add(self.id)
            .add(self.event)
            .add(self.payload_event)
            .add(Arc::clone(&self.connector))
            .add(self.generation)
            .add(Arc::clone(&self.lane))
            .add(self.entity.clone())
            .add(self.effect.as_str())
            .add(self.at)
            .add(self.holds)
            .add(number(self.state))
            .add(self.ending.map(Ending::as_str))
            .add(sent_number(self.sent))
            .add(self.find)
            .add(self.attempt)
            .add(self.failures)
            .add(self.finds)
            .add(self.due_at)
            .add(self.lease_until)
            .add(self.sent_at)
            .add(self.fence)
            .add(self.serial)
            .add(self.resume.clone())
            .add(self.joined_to)
            .add(self.waits_for.clone())
            .add(self.waiting_since)
            .add(reason.map(|reason| reason.code.as_str()))
            .add(reason.map(|reason| reason.message.as_str()))
            .add(reason.and_then(|reason| reason.field.as_deref()))
            .add(self.since);
    }

    /// Connector and lane.
    pub(super) fn place(&self) -> super::memory::Place {
        (Arc::clone(&self.connector), Arc::clone(&self.lane))
    }

    /// What happened to what: the entity's identity.
    pub(super) fn entity(&self) -> &Arc<str> {
        self.entity.as_ref().unwrap_or(&self.lane)
    }

    /// As admission wants to know it.
    pub(super) fn open(&self) -> Open {
        Open {
            delivery: self.id,
            state: self.state,
            sent: self.sent,
            effect: self.effect,
            at: self.at,
            entity: self.entity().to_string(),
        }
    }

    /// True when it has a place in its lane. What waits for a referent has none, nor has what waited in
    /// vain: the referent's own delivery must not be blocked by it.
    pub(super) fn in_lane(&self) -> bool {
        match self.state {
            DeliveryState::Received => self.holds,
            DeliveryState::Exception if self.reason_is(code::OVERDUE) => self.holds,
            DeliveryState::Exception => !self.waited_in_vain(),
            state => state.holds_lane(),
        }
    }

    /// True when it is an exception only because its referent did not come.
    pub(super) fn waited_in_vain(&self) -> bool {
        self.state == DeliveryState::Exception
            && self.waits_for.is_some()
            && self.reason_is(code::REFERENT_MISSING)
    }

    /// True when it is an exception that what it waits for puts back into its line.
    pub(super) fn can_be_released(&self) -> bool {
        self.waited_in_vain()
            || (self.state == DeliveryState::Exception
                && self.waits_for.is_some()
                && self.reason_is(code::UNMAPPED))
    }

    /// True when that is why it is as it is.
    pub(super) fn reason_is(&self, code: &str) -> bool {
        self.reason.as_ref().is_some_and(|reason| reason.code == code)
    }
}
