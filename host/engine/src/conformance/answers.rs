//! What targets say after the call: confirmations by documents, and values that are not mapped.

use std::time::Duration;

use crossdock_model::common::Reference;
use crossdock_rules::lane::Sent;
use crossdock_rules::outcome::{Next, Settlement, mapping_key};
use serde_json::json;

use super::samples::*;
use crate::{Admitted, Claimed, Command, MappingChange, PutMappings, Store};

const DAY: Duration = Duration::from_secs(86_400);

fn message(id: &str) -> Reference {
    Reference { kind: "message".into(), id: id.into(), number: None, lines: vec![] }
}

impl Driver {
    /// Sends what is due, which the target receives as that message.
    async fn received(&self, claimed: &Claimed, id: &str, now: i64) {
        let next = Next::Received { overdue_at: t(now + 100), releases: true };
        let settlement = Settlement { references: vec![message(id)], ..answer(next, Sent::Yes) };
        self.settle(claimed, settlement, t(now)).await;
    }

    /// The target says something about order 1, or about a message.
    async fn said(&self, id: &str, at: i64, value: serde_json::Value) -> Admitted {
        self.admit(vec![from(ERP, new(document(id, at, value), vec![]))], t(at)).await
    }

    async fn reason(&self, delivery: i64) -> crossdock_model::connector::Problem {
        self.0.delivery(delivery).await.unwrap().unwrap().row.reason.unwrap()
    }
}

fn accepted() -> serde_json::Value {
    json!({ "kind": "sales-order", "state": "accepted", "number": "S-1" })
}

/// Order 1 was placed and then changed, and the target received both.
async fn two_messages(store: &Driver) -> (i64, i64) {
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    store.received(&store.claim_only(placed, t(1)).await, "000001", 1).await;
    let (changed, _) = store.enqueue(order("order.updated", 1, 2), t(2)).await;
    store.received(&store.claim_only(changed, t(2)).await, "000002", 2).await;
    (placed, changed)
}

pub async fn a_document_posts_what_was_received(store: Store) {
    let store = Driver(store);
    let (placed, changed) = two_messages(&store).await;
    // It says which message it answers.
    let mut answers = accepted();
    answers["answers"] = json!("000002");
    store.said("855-2", 3, answers.clone()).await;
    assert_eq!((store.state(placed).await, store.state(changed).await), ("received".into(), "posted".into()));
    // Said twice it answers no other one.
    store.said("855-2b", 4, answers).await;
    assert_eq!(store.state(placed).await, "received");
    // Where it does not say, it answers the oldest.
    store.said("855-1", 5, accepted()).await;
    assert_eq!(store.state(placed).await, "posted");
    let named = store.0.references(ERP, &order_id(1)).await.unwrap();
    let orders: Vec<_> =
        named.iter().filter(|it| it.kind == "sales-order").map(|it| it.id.as_str()).collect();
    assert_eq!(orders, ["855-2", "855-1"]);
    // With nothing left to confirm it is news like any other.
    assert_eq!(store.said("855-9", 6, accepted()).await.raised, []);
}

pub async fn a_confirmation_releases_what_waits_for_it(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let claimed = store.claim_only(placed, t(1)).await;
    let next = Next::Received { overdue_at: t(100), releases: false };
    store.settle(&claimed, answer(next, Sent::Yes), t(1)).await;
    let (refunded, what) = store.enqueue(refund(5, 1), t(2)).await;
    assert_eq!(what, "queued");
    assert_eq!(store.said("855", 3, accepted()).await.ready, [ERP]);
    store.claim_only(refunded, t(3)).await;
}

pub async fn an_acknowledgement_starts_the_wait_anew(store: Store) {
    let store = Driver(store);
    let (placed, changed) = two_messages(&store).await;
    let word =
        json!({ "kind": "acknowledgement", "state": "accepted", "answers": "000001", "number": "997-1" });
    store.said("997-1", 50, word).await;
    let shown = store.0.delivery(placed).await.unwrap().unwrap().row;
    assert_eq!((shown.state.as_str(), shown.due_at), ("received", Some(t(50 + 3600))));
    let why = store.0.stuck(None, t(51), stuck_page(5)).await.unwrap();
    let why = why.iter().find(|it| it.delivery.id == placed).unwrap();
    assert_eq!(why.why, "acknowledged with 997-1, not confirmed yet");
    let tally = store
        .tally(Command::Overdue { connector: ERP.into(), now: t(200), wait_limit: DAY, limit: 1000 })
        .await;
    let raised: Vec<_> = tally.raised.iter().map(|it| (it.delivery, it.problem.code.as_str())).collect();
    assert_eq!(raised, [(changed, "overdue")]);
    assert_eq!(tally.raised[0].connector, ERP);
    for part in [ERP, &t(2).to_string(), &t(102).to_string()] {
        assert!(tally.raised[0].problem.message.contains(part), "{:?}", tally.raised);
    }
    // Late as it is, it is believed, and so is what follows.
    let late = json!({ "kind": "acknowledgement", "state": "accepted", "answers": "000002" });
    store.said("997-2", 300, late).await;
    assert_eq!(store.state(changed).await, "received");
    let tally = store
        .tally(Command::Overdue { connector: ERP.into(), now: t(300 + 3600), wait_limit: DAY, limit: 1000 })
        .await;
    assert_eq!(tally.raised.len(), 2);
    assert!(tally.raised[0].problem.message.contains("997-1"), "{:?}", tally.raised);
    store.said("855", 9000, accepted()).await;
    assert_eq!(
        (store.state(placed).await, store.state(changed).await),
        ("posted".into(), "exception".into())
    );
}

pub async fn what_is_refused_later_is_an_exception_in_the_targets_words(store: Store) {
    let store = Driver(store);
    let (placed, changed) = two_messages(&store).await;
    let refused =
        json!({ "kind": "acknowledgement", "state": "refused", "answers": "000002", "reason": "AK5*R*5" });
    let admitted = store.said("997", 3, refused).await;
    assert_eq!(
        (admitted.raised[0].delivery, admitted.raised[0].problem.message.as_str()),
        (changed, "AK5*R*5")
    );
    assert_eq!(store.reason(changed).await.code, "refused");
    let (after, what) = store.enqueue(refund(5, 1), t(4)).await;
    assert_eq!(what, "queued");
    let rejected =
        json!({ "id": "1", "sku": "A", "quantity": "2", "state": "rejected", "reason": "discontinued" });
    let document =
        json!({ "kind": "sales-order", "state": "accepted", "answers": "000001", "lines": [rejected] });
    let admitted = store.said("855", 5, document).await;
    assert_eq!(admitted.raised[0].problem.code, "lines-rejected");
    assert_eq!(store.reason(placed).await.message, "the target rejects A × 2: discontinued");
    // What it booked in part is asked about before it is sent again.
    store.tally(Command::Retry { delivery: placed, by: "me".into(), now: t(6) }).await;
    let claimed = store.claim_only(placed, t(6)).await;
    assert_eq!((claimed.sent, claimed.look_up), (Sent::Yes, true));
    store.settle(&claimed, posted(&[]), t(7)).await;
    // It did nothing with what it refused: that is sent again without asking.
    store.tally(Command::Retry { delivery: changed, by: "me".into(), now: t(8) }).await;
    let claimed = store.claim_only(changed, t(8)).await;
    assert_eq!((claimed.sent, claimed.look_up), (Sent::No, false));
    let refused = claimed.references.iter().find(|it| it.kind == "refused").unwrap();
    assert!(refused.id.starts_with(&format!("{}/", claimed.serial)), "which delivery, and which try of it");
    store.settle(&claimed, posted(&[]), t(9)).await;
    store.claim_only(after, t(9)).await;
}

pub async fn only_a_connectors_own_documents_confirm(store: Store) {
    let store = Driver(store);
    let (placed, _) = two_messages(&store).await;
    let document = document("855", 3, accepted());
    store.admit(vec![from("another", new(document, vec![]))], t(3)).await;
    assert_eq!(store.state(placed).await, "received");
    // Nor does it confirm what is on its way, or what nobody received.
    let (sending, _) = store.enqueue(order("order.placed", 2, 0), t(4)).await;
    store.claim_only(sending, t(4)).await;
    let mut other = super::samples::document("856", 5, accepted());
    other.parent.as_mut().unwrap().id = "2".into();
    store.admit(vec![from(ERP, new(other, vec![]))], t(5)).await;
    assert_eq!(store.state(sending).await, "sending");
}

fn unmapped(values: &[&str]) -> Settlement {
    let waits_for = Some(mapping_key("sku", values[0]));
    let named: Vec<String> = values.iter().map(|value| format!("sku: {value}")).collect();
    let reason = Some(problem("unmapped", &format!("not mapped: {}", named.join(", "))));
    Settlement { reason, ..answer(Next::Exception { code: "unmapped".into(), awaits: waits_for }, Sent::No) }
}

async fn put(store: &Driver, connector: &str, value: &str, now: i64) -> u64 {
    let change = MappingChange {
        connector: connector.into(),
        table: "sku".into(),
        value: value.into(),
        target: Some("X".into()),
    };
    let put = PutMappings { changes: vec![change], by: "me".into(), now: t(now), ..PutMappings::default() };
    match store.one(Command::PutMappings(put)).await.unwrap() {
        crate::Applied::Stored(kept) => kept.released,
        other => panic!("{other:?}"),
    }
}

pub async fn one_mapping_releases_all_that_waits_for_it(store: Store) {
    let store = Driver(store);
    let mut held = Vec::new();
    for number in 1..=3 {
        let (delivery, _) = store.enqueue(order("order.placed", number, 0), t(1)).await;
        let claimed = store.claim_only(delivery, t(1)).await;
        let values: &[&str] = if number == 3 { &["A-1", "A-2"] } else { &["A-1"] };
        store.settle(&claimed, unmapped(values), t(1)).await;
        held.push(delivery);
    }
    let shown = store.0.delivery(held[2]).await.unwrap().unwrap().row;
    assert_eq!((shown.state.as_str(), shown.attempts, shown.sent.as_str()), ("exception", 0, "no"));
    assert_eq!(shown.reason.unwrap().message, "not mapped: sku: A-1, sku: A-2");
    assert_eq!(shown.waits_for.as_deref(), Some("mapping/sku/A-1"));
    // What belongs to the order stays behind it.
    assert_eq!(store.enqueue(refund(5, 1), t(2)).await.1, "queued");
    let stuck = store.0.stuck(None, t(2), stuck_page(10)).await.unwrap();
    assert!(stuck.iter().any(|it| it.why.contains("waits for exception")), "{stuck:#?}");
    assert!(stuck.iter().any(|it| it.next.contains("mapped")), "{stuck:#?}");
    // Another value, or another connector's, helps nobody.
    assert_eq!(put(&store, ERP, "A-9", 3).await, 0);
    assert_eq!(put(&store, "wms", "A-1", 3).await, 0);
    assert_eq!(put(&store, "*", "A-1", 4).await, 3);
    let claimed = store.claim(t(4)).await;
    assert_eq!(claimed.iter().map(|claimed| claimed.delivery).collect::<Vec<_>>(), held);
    // The third lacks another one.
    store.settle(&claimed[2], unmapped(&["A-2"]), t(5)).await;
    assert_eq!(put(&store, ERP, "A-2", 6).await, 1);
    store.claim_only(held[2], t(6)).await;
}

pub async fn a_mapping_that_came_during_the_call_is_not_waited_for(store: Store) {
    let store = Driver(store);
    let (delivery, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let claimed = store.claim_only(delivery, t(1)).await;
    put(&store, ERP, "A-1", 2).await;
    let mut settle = store.settling(&claimed, unmapped(&["A-1"]), t(3));
    settle.attempt.started = t(1);
    store.one(Command::Settle(Box::new(settle))).await.unwrap();
    let claimed = store.claim_only(delivery, t(3)).await;
    // A plugin that does not see what is there is not asked for ever.
    store.settle(&claimed, unmapped(&["A-1"]), t(4)).await;
    assert!(store.claim(t(5)).await.is_empty());
    store.tally(Command::Retry { delivery, by: "me".into(), now: t(6) }).await;
    store.claim_only(delivery, t(6)).await;
}
