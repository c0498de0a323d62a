//! Small events and a driver that reads well in tests.

use std::time::Duration;

use crossdock_model::common::{LineReference, Personal, Reference};
use crossdock_model::connector::Problem;
use crossdock_model::event::Event;
use crossdock_model::time::Millis;
use crossdock_rules::lane::{Ending, Sent};
use crossdock_rules::lookup::Keys;
use crossdock_rules::outcome::{Next, Settlement, Signal};
use serde_json::json;

use crate::view::{Inbound, StuckPage};
use crate::{
    Accept, Accepted, Admit, Admitted, Applied, Attempt, AttemptKind, Claim, ClaimInbounds, Claimed, Command,
    NewEvent, Request, Result, Retention, Settle, Settled, Store, Tally, Target,
};

/// The moment that tests begin at.
pub const T0: Millis = Millis(1_795_000_000_000);
/// The sink of most tests.
pub const ERP: &str = "erp";

/// A moment so many seconds after the beginning.
pub fn t(seconds: i64) -> Millis {
    Millis(T0.0 + seconds * 1000)
}

/// The identity of an order.
pub fn order_id(order: u32) -> String {
    format!("shopify/acme/order/{order}")
}

/// A snapshot of an order as it was at a second, as an event of that kind.
pub fn order(kind: &str, order: u32, at: i64) -> Event {
    let usd = json!({ "shop": { "amount": "12.50", "currency": "USD" } });
    let mut value = json!({
        "number": format!("#{order}"), "channel": "web", "placedAt": t(0).to_string(), "currency": "USD",
        "pricesIncludeTax": false, "dutiesIncluded": false,
        "payment": "paid", "fulfilment": "unfulfilled", "test": false,
        "customer": { "system": "shopify", "tenant": "acme", "kind": "customer", "id": "77" },
        "totals": { "lines": usd, "discounts": usd, "shipping": usd, "tax": usd, "total": usd },
        "tags": [format!("as of {at}")],
    });
    if kind == "order.cancelled" {
        value["cancelledAt"] = json!(t(at).to_string());
    }
    event("order", order, None, Some(at), kind, value)
}

/// A refund of an order.
pub fn refund(refund: u32, order: u32) -> Event {
    let value = json!({ "at": t(0).to_string(), "currency": "USD" });
    event("refund", refund, Some(order), None, "refund.issued", value)
}

/// An edit of an order that was committed at a second.
pub fn edit(id: &str, order: u32, at: i64) -> Event {
    let value = json!({
        "id": id, "at": t(at).to_string(), "discountsChanged": false, "shippingChanged": false
    });
    event("order", order, None, Some(at), "order.edited", value)
}

/// A document that the ERP made of order 1, as it was at a second.
pub fn document(id: &str, at: i64, mut value: serde_json::Value) -> Event {
    value["at"] = json!(t(at).to_string());
    let mut event = event("document", 1, Some(1), Some(at), "document.updated", value);
    event.entity.system = "erp".into();
    event.entity.id = id.into();
    event
}

/// How much there is of an article at a location of a system, as it was counted at a second.
pub fn level(system: &str, sku: &str, location: &str, available: Option<&str>, at: i64) -> Event {
    let value = json!({
        "sku": sku, "location": location, "available": available, "reserved": "1", "at": t(at).to_string()
    });
    let mut event = event("stock", 1, None, Some(at), "inventory.counted", value);
    event.entity.system = system.into();
    event.entity.id = format!("{sku}-{location}");
    event
}

/// A store of a system closed its day at a second.
pub fn day_closed(system: &str, store: &str, date: &str, at: i64) -> Event {
    let value = json!({ "store": store, "date": date, "closedAt": t(at).to_string() });
    let mut event = event("business-day", 1, None, None, "day.closed", value);
    event.entity.system = system.into();
    event.entity.id = format!("{store}/{date}");
    event
}

fn event(
    entity: &str,
    id: u32,
    parent: Option<u32>,
    at: Option<i64>,
    kind: &str,
    value: serde_json::Value,
) -> Event {
    let fact = match kind.strip_prefix("order.").filter(|operation| *operation != "edited") {
        Some(operation) => {
            json!({ "kind": "order", "value": { "operation": operation, "order": value } })
        }
        None => json!({ "kind": kind, "value": value }),
    };
    let mut event = json!({
        "entity": { "system": "shopify", "tenant": "acme", "kind": entity, "id": id.to_string() },
        "occurredAt": t(at.unwrap_or(0)).to_string(), "fact": fact
    });
    if let Some(parent) = parent {
        event["parent"] =
            json!({ "system": "shopify", "tenant": "acme", "kind": "order", "id": parent.to_string() });
    }
    if let Some(at) = at {
        event["version"] = json!({ "at": t(at).to_string() });
    }
    serde_json::from_value(event).unwrap()
}

/// The event with a person in it.
pub fn with_person(mut event: Event, name: &str) -> Event {
    let message = json!([{ "name": "Gift message", "value": format!("For {name}") }]);
    let personal = json!({
        "name": name, "email": "a@b.example", "attributes": message,
        "lineAttributes": [{ "line": "11", "attributes": message }]
    });
    event.put_personal(serde_json::from_value::<Personal>(personal).unwrap());
    event
}

/// A route's target.
pub fn to(connector: &str) -> Target {
    Target { connector: connector.into(), ..Target::default() }
}

/// An event ready to be admitted, routed to these targets.
pub fn new(event: Event, targets: Vec<Target>) -> NewEvent {
    NewEvent {
        source: "shop".into(),
        foreign: Vec::new(),
        confirmation_limit: Duration::from_secs(3600),
        targets,
        trace: "trace-1".into(),
        ..NewEvent::new(event, t(1_000_000)).unwrap()
    }
}

/// The event as another connector reports it.
pub fn from(source: &str, new: NewEvent) -> NewEvent {
    NewEvent { source: source.into(), ..new }
}

/// A request with a body.
pub fn accept(dedupe: &str, body: &[u8]) -> Accept {
    Accept {
        connector: "shop".into(),
        dedupe: dedupe.into(),
        request: Request {
            method: "POST".into(),
            query: "a=1".into(),
            headers: vec![("x-topic".into(), "orders/create".into())],
            body: body.to_vec(),
            file: None,
        },
        received_at: t(0),
        trace: "trace-1".into(),
        lease: None,
    }
}

/// An answer that leads to this, with nothing else to say.
pub fn answer(next: Next, sent: Sent) -> Settlement {
    Settlement {
        next,
        sent,
        sent_at: None,
        uses_attempt: false,
        plugin_failed: false,
        reason: None,
        references: Vec::new(),
        outbound_writes: Vec::new(),
        resume: None,
        breaker: Signal::Up,
        pause: false,
        slow: None,
    }
}

/// The target booked it, under these numbers.
pub fn posted(references: &[&str]) -> Settlement {
    let references = references.iter().map(|id| reference(id)).collect();
    Settlement { references, ..answer(Next::Settle(Ending::Posted), Sent::Yes) }
}

/// The target refused.
pub fn rejected(sent: Sent) -> Settlement {
    let reason = Some(problem("unknown-sku", "SKU 7 is unknown"));
    Settlement {
        reason,
        uses_attempt: true,
        ..answer(Next::Exception { code: "unknown-sku".into(), awaits: None }, sent)
    }
}

/// What an order is called in an ERP.
pub fn reference(id: &str) -> Reference {
    Reference {
        kind: "sales-order".into(),
        id: id.into(),
        number: Some(format!("No. {id}")),
        lines: vec![LineReference { line: "1".into(), id: format!("{id}-1") }],
    }
}

/// A problem.
pub fn problem(code: &str, message: &str) -> Problem {
    Problem { code: code.into(), message: message.into(), field: None }
}

/// What drops bodies and exchanges from before a moment, and orders that settled before another.
pub fn retention(bodies: Millis, orders: Millis) -> Retention {
    Retention {
        bodies_before: bodies,
        exchanges_before: bodies,
        orders_before: orders,
        records_before: orders,
        limit: 1000,
    }
}

/// The first page of what is stuck.
pub fn stuck_page(limit: u32) -> StuckPage {
    StuckPage { after: None, limit }
}

/// A store with the commands as methods.
pub struct Driver(pub Store);

impl Driver {
    pub async fn one(&self, command: Command) -> Result<Applied> {
        self.0.apply(vec![command]).await.unwrap().pop().unwrap()
    }

    pub async fn accept(&self, accept: Accept) -> Accepted {
        match self.one(Command::Accept(accept)).await.unwrap() {
            Applied::Accepted(accepted) => accepted,
            other => panic!("{other:?}"),
        }
    }

    pub async fn admit(&self, events: Vec<NewEvent>, now: Millis) -> Admitted {
        let admit = Admit { inbound: None, cursor: None, outbox: None, events, now };
        match self.one(Command::Admit(admit)).await.unwrap() {
            Applied::Admitted(admitted) => admitted,
            other => panic!("{other:?}"),
        }
    }

    /// Admits one event routed to the ERP; returns its delivery and that delivery's state.
    pub async fn enqueue(&self, event: Event, now: Millis) -> (i64, String) {
        let mut admitted = self.admit(vec![new(event, vec![to(ERP)])], now).await;
        let enqueued = admitted.deliveries.pop().unwrap();
        (enqueued.delivery, enqueued.state.to_owned())
    }

    pub async fn claim_of(&self, connector: &str, limit: u32, now: Millis) -> Vec<Claimed> {
        self.claim_by(Keys::Find, connector, limit, now).await
    }

    pub async fn claim_by(&self, keys: Keys, connector: &str, limit: u32, now: Millis) -> Vec<Claimed> {
        let lease = Duration::from_secs(60);
        let claim = Claim { connector: connector.into(), limit, now, lease, keys };
        match self.one(Command::Claim(claim)).await.unwrap() {
            Applied::Claimed(claimed) => claimed,
            other => panic!("{other:?}"),
        }
    }

    /// Claims everything that is due for the ERP.
    pub async fn claim(&self, now: Millis) -> Vec<Claimed> {
        self.claim_of(ERP, 100, now).await
    }

    /// Claims what is due, which has to be this one delivery.
    pub async fn claim_only(&self, delivery: i64, now: Millis) -> Claimed {
        let mut claimed = self.claim(now).await;
        assert_eq!(claimed.iter().map(|claimed| claimed.delivery).collect::<Vec<_>>(), [delivery]);
        claimed.pop().unwrap()
    }

    pub fn settling(&self, claimed: &Claimed, settlement: Settlement, now: Millis) -> Settle {
        let outcome = "posted".into();
        let kind = AttemptKind::Send;
        let attempt =
            Attempt { kind, started: now, ended: now, outcome, message: String::new(), exchange: None };
        Settle { delivery: claimed.delivery, fence: claimed.fence, settlement, attempt, now }
    }

    pub async fn settle(&self, claimed: &Claimed, settlement: Settlement, now: Millis) -> Settled {
        let settle = self.settling(claimed, settlement, now);
        match self.one(Command::Settle(Box::new(settle))).await.unwrap() {
            Applied::Settled(settled) => settled,
            other => panic!("{other:?}"),
        }
    }

    pub async fn tally(&self, command: Command) -> Tally {
        match self.one(command).await.unwrap() {
            Applied::Tally(tally) => tally,
            other => panic!("{other:?}"),
        }
    }

    /// Leases due inbounds of the shop for a minute.
    pub async fn claim_inbounds(&self, limit: u32, now: Millis) -> Vec<Inbound> {
        let lease = Duration::from_secs(60);
        let claim = ClaimInbounds { connector: "shop".into(), limit, now, lease };
        match self.one(Command::ClaimInbounds(claim)).await.unwrap() {
            Applied::Inbounds(inbounds) => inbounds,
            other => panic!("{other:?}"),
        }
    }

    /// How many inbounds are pending.
    pub async fn pending(&self) -> u64 {
        self.0.pending_inbounds().await.unwrap().iter().map(|count| count.fresh + count.postponed).sum()
    }

    /// The state of a delivery, or how it was settled.
    pub async fn state(&self, delivery: i64) -> String {
        let row = self.0.delivery(delivery).await.unwrap().unwrap().row;
        row.ending.unwrap_or(row.state)
    }
}
