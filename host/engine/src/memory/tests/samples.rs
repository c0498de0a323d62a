//! Small rows, and a way to write them.

use std::sync::Arc;

use crossdock_model::common::Reference;
use crossdock_model::connector::Problem;
use crossdock_model::event::Event;
use crossdock_model::time::Millis;
use crossdock_rules::effect::Effect;
use crossdock_rules::lane::{DeliveryState, Ending, Sent};
use crossdock_rules::version::{Moment, Stamp};
use serde_json::json;

use crate::changes::{Append, ChangeSet};
use crate::command::AttemptKind;
use crate::database::{Answer, Changed, Database as _, Question, ReadSet, Rows};
use crate::delivery::{Delivery, NEVER, Purpose};
use crate::keys::LaneKey;
use crate::memory::Memory;
use crate::rows::{AttemptRecord, EventRow, InboundRow, InboundState};

pub const ERP: &str = "erp";
pub const ORDER: &str = "shopify/acme/order/1001";

pub fn order(personal: Option<&str>) -> Event {
    let usd = json!({ "shop": { "amount": "12.50", "currency": "USD" } });
    let price = json!({ "id": "1", "kind": "item", "sku": "AB-7", "title": "Mug", "quantity": "1",
        "unitPrice": usd, "taxable": true, "ships": true });
    serde_json::from_value(json!({
        "entity": { "system": "shopify", "tenant": "acme", "kind": "order", "id": "1001" },
        "occurredAt": "2026-11-23T09:00:00Z",
        "fact": { "kind": "order", "value": { "operation": "placed", "order": {
            "number": "#A-17", "channel": "web", "placedAt": "2026-11-23T09:00:00Z", "currency": "USD",
            "pricesIncludeTax": false, "dutiesIncluded": false, "payment": "paid", "store": "31",
            "fulfilment": "unfulfilled", "test": false, "lines": [price],
            "customer": { "system": "shopify", "tenant": "acme", "kind": "customer", "id": "77" },
            "personal": personal.map(|name| json!({ "name": name, "email": "ada@example.com" })),
            "totals": { "lines": usd, "discounts": usd, "shipping": usd, "tax": usd, "total": usd } } } }
    }))
    .unwrap()
}

/// An event of the order, stored at a second.
pub fn event(id: i64, personal: Option<&str>) -> Arc<EventRow> {
    let mut event = order(personal);
    let personal = event.take_personal().map(Arc::new);
    Arc::new(EventRow {
        id,
        key: format!("{ORDER}/{id}").into(),
        subject: event.subject().to_string().into(),
        event: Arc::new(event),
        personal,
        source: "shop".into(),
        entity: ORDER.into(),
        root: ORDER.into(),
        stamp: Stamp { at: id, believed: id, sequence: None, progress: 0 },
        effect: Effect::Change,
        digest: "digest".into(),
        inbound: None,
        trace: "trace".into(),
        recorded_at: Millis(id),
    })
}

/// A delivery of an event to the ERP, in the lane of the order.
pub fn delivery(id: i64, event: i64, state: DeliveryState) -> Delivery {
    let purpose = Purpose {
        id,
        event,
        generation: 0,
        lane: LaneKey::new(ERP, ORDER),
        entity: ORDER.into(),
        effect: Effect::Change,
        moment: Moment::certain(event),
    };
    let mut row = Delivery::new(purpose, Millis(id), Millis(id));
    row.state = state;
    match state {
        DeliveryState::Sending => {
            (row.fence, row.lease_until, row.sent) = (1, Millis(60), Sent::Maybe);
        }
        DeliveryState::Waiting => {
            (row.awaits, row.waiting_since, row.due_at) = (Some("parent".into()), Some(Millis(id)), NEVER);
        }
        DeliveryState::Settled => row.ending = Some(Ending::Posted),
        DeliveryState::Exception => row.reason = Some(problem("unknown-sku")),
        _ => {}
    }
    row
}

pub fn problem(code: &str) -> Problem {
    Problem { code: code.into(), message: format!("it is {code}"), field: None }
}

pub fn reference(id: &str) -> Reference {
    Reference {
        kind: "sales-order".into(),
        id: id.into(),
        number: Some(format!("No. {id}")),
        lines: Vec::new(),
    }
}

pub fn inbound(received_at: i64, state: InboundState) -> InboundRow {
    InboundRow {
        connector: "shop".into(),
        received_at: Millis(received_at),
        state,
        due_at: Millis(received_at),
        attempts: 0,
        trace: "trace".into(),
        leased: false,
        has_body: true,
    }
}

pub fn attempt(delivery: i64, event: i64, ended: i64) -> Append {
    Append::Attempt(AttemptRecord {
        delivery,
        fence: 1,
        number: 1,
        kind: AttemptKind::Send,
        started: Millis(ended),
        ended: Millis(ended),
        outcome: "posted".into(),
        message: "".into(),
        exchange: Some((event, "POST Ada".into())),
    })
}

/// Writes rows in a transaction of their own.
pub async fn write(memory: &Memory, changes: ChangeSet) -> u64 {
    memory.begin().await.unwrap().commit(&changes).await.unwrap()
}

pub async fn change(memory: &Memory, changed: Changed) {
    write(memory, ChangeSet { changed, ..ChangeSet::default() }).await;
}

pub async fn append(memory: &Memory, appended: Vec<Append>) -> u64 {
    write(memory, ChangeSet { appended, ..ChangeSet::default() }).await
}

pub async fn deliveries(memory: &Memory, rows: Vec<Delivery>) {
    let deliveries = rows.into_iter().map(|row| (row.id, Some(row))).collect();
    change(memory, Changed { deliveries, ..Changed::default() }).await;
}

/// Reads rows in a transaction of their own.
pub async fn read(memory: &Memory, wanted: ReadSet) -> Rows {
    let mut transaction = memory.begin().await.unwrap();
    let rows = transaction.load(&wanted).await.unwrap();
    transaction.roll_back().await.unwrap();
    rows
}

pub async fn ask(memory: &Memory, question: Question) -> Answer {
    let questions = [question].into();
    read(memory, ReadSet { questions, ..ReadSet::default() }).await.answers.pop().unwrap().1
}

/// The numbers of the deliveries that a question finds, or the numbers that it answers with.
pub async fn numbers(memory: &Memory, question: Question) -> Vec<i64> {
    match ask(memory, question).await {
        Answer::Deliveries(rows) => rows.iter().map(|row| row.id).collect(),
        Answer::InFlight(rows) => rows.iter().map(|row| row.delivery).collect(),
        Answer::Numbers(numbers) => numbers,
        other => panic!("{other:?}"),
    }
}

pub async fn names(memory: &Memory, question: Question) -> Vec<String> {
    match ask(memory, question).await {
        Answer::Names(names) => names.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}
