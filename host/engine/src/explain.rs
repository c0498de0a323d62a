//! Why a delivery is not done: why, since when, and what happens next, in sentences for a person.

use crossdock_model::time::Millis;
use crossdock_rules::code;
use crossdock_rules::lane::{DeliveryState, Ending};

use crate::delivery::{Delivery, NEVER};
use crate::view::{DeliveryRow, Stuck};

/// What an explanation needs beside the delivery itself.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The kind of event.
    pub kind: String,
    /// The message of the connector's pause. Absent when it is not paused.
    pub paused: Option<String>,
    /// The open delivery that the lane is blocked by, and its state
    /// ([`crossdock_rules::lane::blocked_by`]).
    pub blocked_by: Option<(i64, DeliveryState)>,
}

/// Explains an open delivery.
#[must_use]
pub fn stuck(delivery: Delivery, context: Context, now: Millis) -> Stuck {
    let since = stuck_since(&delivery);
    let (why, next, next_at) = reasons(&delivery, &context, now);
    let behind = context.blocked_by.map(|(id, _)| id);
    let entity = delivery.entity.to_string();
    Stuck { kind: context.kind, entity, why, since, next, next_at, behind, delivery: row(delivery) }
}

/// Since when an open delivery is stuck: listings of them are ordered by it, and by number.
#[must_use]
pub fn stuck_since(delivery: &Delivery) -> Millis {
    delivery.waiting_since.unwrap_or(delivery.since)
}

/// A delivery as it is shown.
#[must_use]
pub fn row(delivery: Delivery) -> DeliveryRow {
    use DeliveryState::{Ready, Received, Sending, Waiting};
    let due_at = match delivery.state {
        Ready | Received | Waiting => Some(delivery.due_at).filter(|at| *at != NEVER),
        Sending => Some(delivery.lease_until),
        _ => None,
    };
    DeliveryRow {
        id: delivery.id,
        event: delivery.event,
        carries: delivery.carries,
        connector: delivery.connector.to_string(),
        lane: delivery.lane.to_string(),
        state: delivery.state.to_string(),
        ending: delivery.ending.map(|ending: Ending| ending.to_string()),
        sent: delivery.sent.to_string(),
        attempts: delivery.attempts,
        reason: delivery.reason,
        since: delivery.since,
        due_at,
        joined_to: delivery.joined_to,
        waits_for: delivery.awaits.as_deref().map(str::to_owned),
        serial: delivery.serial,
        generation: delivery.generation,
    }
}

type Reasons = (String, String, Option<Millis>);

fn reasons(delivery: &Delivery, context: &Context, now: Millis) -> Reasons {
    let message = delivery.reason.as_ref().map(|reason| reason.message.clone());
    let message = message.filter(|message| !message.is_empty());
    match delivery.state {
        DeliveryState::Queued => queued(context),
        DeliveryState::Ready => ready(delivery, message, context, now),
        DeliveryState::Sending => (
            "is being sent".into(),
            "settled with the answer, or looked up when its claim ends".into(),
            Some(delivery.lease_until),
        ),
        DeliveryState::Waiting => {
            let awaited = delivery.awaits.as_deref().unwrap_or("the in-flight write");
            let why = message.unwrap_or_else(|| format!("not yet: {awaited}"));
            let next = match &delivery.awaits {
                Some(awaited) => format!("goes on when {awaited} is there"),
                None => "is decided when the in-flight write is resolved".into(),
            };
            (why, next, Some(delivery.due_at).filter(|at| *at != NEVER))
        }
        DeliveryState::Received if delivery.due_at == NEVER => (
            "its file has yet to be written to the exchange folder".into(),
            "its confirmation is awaited once the file is in the exchange folder".into(),
            None,
        ),
        DeliveryState::Received => (
            message.unwrap_or_else(|| "the target has it and has not confirmed it".into()),
            "becomes an exception when it is not confirmed in time".into(),
            Some(delivery.due_at),
        ),
        DeliveryState::Exception => {
            let next = if delivery.parent_is_missing() {
                "goes on when what it refers to comes, or a person retries or discards it"
            } else if delivery.is_released_by_arrival() {
                "goes on when the value is mapped, or a person retries or discards it"
            } else if delivery.reason_is(code::OVERDUE) {
                "goes on when it is confirmed, or a person retries or discards it"
            } else {
                "a person retries or discards it"
            };
            (message.unwrap_or_else(|| "a person must decide".into()), next.into(), None)
        }
        DeliveryState::Settled => ("is done".into(), "nothing".into(), None),
    }
}

fn queued(context: &Context) -> Reasons {
    match context.blocked_by {
        Some((id, DeliveryState::Exception)) => {
            (format!("waits for exception #{id}"), format!("goes on when exception #{id} is resolved"), None)
        }
        Some((id, state)) => (
            format!("waits for delivery #{id} of its lane, which is {state}"),
            format!("goes on when delivery #{id} is done"),
            None,
        ),
        None => {
            ("waits for its lane".into(), "becomes ready when the deliveries before it are done".into(), None)
        }
    }
}

fn ready(delivery: &Delivery, message: Option<String>, context: &Context, now: Millis) -> Reasons {
    let then = if delivery.look_up { "the target is asked whether it has it" } else { "it is sent" };
    if let Some(paused) = &context.paused {
        return (format!("the connector is paused: {paused}"), format!("{then} once it is resumed"), None);
    }
    let why = match message {
        Some(message) if delivery.attempts > 0 => format!("{message} (tried {} times)", delivery.attempts),
        Some(message) => message,
        None if delivery.due_at > now => "waits until it is due".into(),
        None => "is due and waits for room within the connector's limits".into(),
    };
    (why, then.into(), Some(delivery.due_at.max(now)))
}
