//! A target's statement about a call that comes before the answer to the call is recorded.

use crossdock_rules::lane::Sent;
use crossdock_rules::outcome::Next;
use serde_json::json;

use super::samples::*;
use crate::Store;

pub async fn an_answer_that_comes_before_the_call_is_recorded_counts(store: Store) {
    let store = Driver(store);
    let says = |id: &str, at, state: &str| {
        let said = json!({ "kind": "sales-order", "state": state, "number": id, "reason": "no credit" });
        vec![from(ERP, new(document(id, at, said), vec![]))]
    };
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let claimed = store.claim_only(placed, t(1)).await;
    store.admit(says("S-1", 2, "accepted"), t(2)).await;
    assert_eq!(store.receives(&claimed, 3).await.raised, None);
    assert_eq!(store.state(placed).await, "posted");
    // A refusal too.
    let (changed, _) = store.enqueue(order("order.updated", 1, 4), t(4)).await;
    let claimed = store.claim_only(changed, t(4)).await;
    store.admit(says("S-2", 5, "refused"), t(5)).await;
    let raised = store.receives(&claimed, 6).await.raised.unwrap();
    assert_eq!((raised.delivery, raised.problem.message.as_str()), (changed, "no credit"));
    assert_eq!(store.state(changed).await, "exception");
}

pub async fn an_early_answer_to_another_try_does_not_count(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let claimed = store.claim_only(placed, t(1)).await;
    let said = json!({ "kind": "sales-order", "state": "refused", "reason": "no credit" });
    store.admit(vec![from(ERP, new(document("S-1", 2, said), vec![]))], t(2)).await;
    // Nothing was done after all, and the next try is received.
    store.settle(&claimed, answer(Next::Retry { at: t(3), find: false }, Sent::No), t(3)).await;
    let claimed = store.claim_only(placed, t(3)).await;
    assert_eq!(store.receives(&claimed, 4).await.raised, None);
    assert_eq!(store.state(placed).await, "received");
}

pub async fn an_early_acknowledgement_takes_nothing_from_an_early_refusal(store: Store) {
    let store = Driver(store);
    let says = |id: &str, value: serde_json::Value| vec![from(ERP, new(document(id, 2, value), vec![]))];
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let claimed = store.claim_only(placed, t(1)).await;
    let refused = json!({ "kind": "sales-order", "state": "refused", "reason": "no credit" });
    store.admit(says("S-1", refused), t(2)).await;
    store.admit(says("997-1", json!({ "kind": "acknowledgement", "state": "accepted" })), t(2)).await;
    assert!(store.receives(&claimed, 3).await.raised.is_some());
    assert_eq!(store.state(placed).await, "exception");
}

pub async fn a_document_that_is_known_answers_no_later_call(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let claimed = store.claim_only(placed, t(1)).await;
    store.posts(&claimed, 2).await;
    let (changed, _) = store.enqueue(order("order.updated", 1, 3), t(3)).await;
    let claimed = store.claim_only(changed, t(3)).await;
    let again = json!({ "kind": "sales-order", "state": "accepted", "number": "S-1" });
    store.admit(vec![from(ERP, new(document("SO-1", 4, again), vec![]))], t(4)).await;
    store.receives(&claimed, 5).await;
    assert_eq!(store.state(changed).await, "received");
}
