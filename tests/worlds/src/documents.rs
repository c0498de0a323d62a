//! The documents by which a target answers messages.

use std::time::Duration;

use crossdock_engine::NewEvent;
use crossdock_engine::conformance::samples::t;
use crossdock_model::event::Event;
use serde_json::json;

use crate::world::Letter;

/// The document that says that a message is booked, or refused.
pub(crate) fn document(source: &str, letter: &Letter) -> NewEvent {
    let (key, booked) = (&letter.request.key, letter.booked);
    let order: Vec<&str> = letter.request.order.split('/').collect();
    let order = json!({ "system": order[0], "tenant": order[1], "kind": order[2], "id": order[3] });
    let (state, at) = (if booked { "accepted" } else { "refused" }, t(1).to_string());
    let id = format!("{}-{state}-{}", key.replace('/', "-"), letter.number);
    let event: Event = serde_json::from_value(json!({
        "entity": { "system": source, "tenant": "main", "kind": "document", "id": id },
        "parent": order, "occurredAt": at,
        "fact": { "kind": "document.updated", "value": {
            "kind": "sales-order", "state": state, "at": at, "order": order, "answers": key,
        } },
    }))
    .expect("it is an event");
    NewEvent {
        source: source.to_owned(),
        confirmation_limit: Duration::from_secs(20),
        ..NewEvent::new(event, t(1)).expect("it is dated by an instant")
    }
}
