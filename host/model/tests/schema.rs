//! The published schema is the schema of the types, and accepts what the host writes.
//!
//! After a change of the vocabulary: `UPDATE=1 cargo test -p crossdock-model --test schema`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::path::PathBuf;

use crossdock_model::envelope::Envelope;
use crossdock_model::schema;
use serde_json::{Value, json};

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../wit/0.1.0/json-schema/event.json")
}

#[test]
fn the_published_schema_is_current() {
    let text = serde_json::to_string_pretty(&schema::envelope()).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(file().parent().unwrap()).unwrap();
        std::fs::write(file(), &text).unwrap();
    }
    let published = std::fs::read_to_string(file()).unwrap();
    assert!(published == text, "the schema changed: run this test with UPDATE=1 and look at the difference");
}

/// An order with this amount, in its envelope.
fn envelope(amount: Value) -> Value {
    let price = json!({ "shop": { "amount": amount, "currency": "USD" } });
    let event = json!({
        "entity": { "system": "shopify", "tenant": "acme", "kind": "order", "id": "9007199254740993" },
        "version": { "at": "2026-11-23T08:30:00Z", "sequence": "18446744073709551615" },
        "occurredAt": "2026-11-23T09:30:00+01:00",
        "fact": { "kind": "order", "value": { "operation": "placed", "order": {
            "number": "#1001", "channel": "web", "placedAt": "2026-11-23T09:30:00+01:00", "currency": "USD",
            "pricesIncludeTax": false, "dutiesIncluded": false,
            "payment": "paid", "fulfilment": "unfulfilled", "test": false,
            "lines": [{
                "id": "11", "kind": "item", "title": "Socks", "quantity": "2", "unitPrice": price,
                "taxable": true, "ships": true
            }],
            "totals": { "lines": price, "discounts": price, "shipping": price, "tax": price, "total": price }
        } } }
    });
    json!({
        "specversion": "1.0", "id": "shopify/acme/order/9007199254740993/placed", "source": "/shopify/acme",
        "type": "order.placed", "subject": "shopify/acme/order/9007199254740993",
        "time": "2026-11-23T09:30:00+01:00", "datacontenttype": "application/json", "data": event
    })
}

#[test]
fn the_schema_accepts_exactly_what_the_host_reads_and_writes() {
    let schema = jsonschema::validator_for(&schema::envelope()).unwrap();
    let good = envelope(json!("12.50"));
    let read: Envelope = serde_json::from_value(good.clone()).unwrap();
    assert_eq!(read.data.version.as_ref().unwrap().sequence, Some(u64::MAX));
    let written = serde_json::to_value(&read).unwrap();
    assert_eq!(written, good);
    let problems: Vec<String> = schema.iter_errors(&written).map(|error| error.to_string()).collect();
    assert_eq!(problems, Vec::<String>::new());

    // Money is never a number in JSON.
    let float = envelope(json!(12.5));
    assert!(serde_json::from_value::<Envelope>(float.clone()).is_err());
    assert!(!schema.is_valid(&float));
    let mut kind = good;
    kind["data"]["fact"]["kind"] = json!("order.lost");
    assert!(serde_json::from_value::<Envelope>(kind.clone()).is_err());
    assert!(!schema.is_valid(&kind));
}
