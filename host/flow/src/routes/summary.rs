//! The variables that a route's condition reads.

use std::collections::HashMap;
use std::sync::Arc;

use cel::Value;
use crossdock_engine::StoreRecord;
use crossdock_model::event::{Event, Fact};

/// The source's code of the store or location that an event belongs to.
pub(crate) fn store_code(event: &Event) -> Option<&str> {
    match &event.fact {
        Fact::Order(change) => change.order.store.as_deref(),
        Fact::RefundIssued(refund) => refund.store.as_deref(),
        Fact::ShipmentUpdated(shipment) => shipment.location.as_deref(),
        Fact::InventoryCounted(level) => Some(&level.location),
        Fact::InventoryAdjusted(change) => Some(&change.location),
        Fact::DayClosed(day) => Some(&day.store),
        _ => None,
    }
}

/// `event`: the small summary.
pub(super) fn event(event: &Event) -> Value {
    let (channel, currency, test) = match &event.fact {
        Fact::Order(change) => {
            (change.order.channel.as_str(), change.order.currency.as_str(), change.order.test)
        }
        Fact::RefundIssued(refund) => ("", refund.currency.as_str(), false),
        Fact::PriceUpdated(price) => ("", price.amount.currency.as_str(), false),
        _ => ("", "", false),
    };
    let entity = map([("kind", text(event.entity.kind.name())), ("id", text(&event.entity.id))]);
    map([
        ("kind", text(event.fact.kind())),
        ("system", text(&event.entity.system)),
        ("tenant", text(&event.entity.tenant)),
        ("entity", entity),
        ("origin", text(&event.root().system)),
        ("channel", text(channel)),
        ("store", text(store_code(event).unwrap_or_default())),
        ("currency", text(currency)),
        ("test", Value::Bool(test)),
    ])
}

/// `store`: the registry's record of the event's store; every field empty where there is none.
pub(super) fn store(record: Option<&StoreRecord>) -> Value {
    let of =
        |field: fn(&StoreRecord) -> Option<&String>| text(record.and_then(field).map_or("", String::as_str));
    map([
        ("id", of(|store| Some(&store.id))),
        ("name", of(|store| Some(&store.name))),
        ("zone", of(|store| Some(&store.zone))),
        ("country", of(|store| store.country.as_ref())),
        ("region", of(|store| store.region.as_ref())),
        ("legalEntity", of(|store| store.legal_entity.as_ref())),
        ("warehouse", of(|store| store.warehouse.as_ref())),
        ("currency", of(|store| store.currency.as_ref())),
    ])
}

/// `data`: the fact in its JSON form; of an order the snapshot.
pub(super) fn data(event: &Event) -> Value {
    let json = match &event.fact {
        Fact::Order(change) => serde_json::to_value(&change.order).ok(),
        fact => serde_json::to_value(fact)
            .ok()
            .and_then(|mut fact| fact.get_mut("value").map(serde_json::Value::take)),
    };
    json.and_then(|data| cel::to_value(data).ok()).unwrap_or(Value::Null)
}

fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::from(HashMap::from(fields.map(|(name, value)| (name.to_owned(), value))))
}

fn text(text: &str) -> Value {
    Value::String(Arc::new(text.to_owned()))
}
