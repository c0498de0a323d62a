//! Lanes keep what is sent in order.

use std::time::Duration;

use crossdock_rules::code;
use crossdock_rules::lane::{Ending, Sent};
use crossdock_rules::outcome::Next;

use super::samples::*;
use crate::{Command, Store, Target};

pub async fn only_the_head_of_a_lane_is_claimed(store: Store) {
    let store = Driver(store);
    let (first, what) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    assert_eq!(what, "ready");
    let claimed = store.claim_only(first, t(1)).await;
    let (second, what) = store.enqueue(order("order.updated", 1, 2), t(2)).await;
    assert_eq!(what, "queued");
    let (third, _) = store.enqueue(refund(5, 1), t(2)).await;
    assert!(store.claim(t(3)).await.is_empty());
    let settled = store.settle(&claimed, posted(&["SO-1"]), t(4)).await;
    assert_eq!((settled.released, settled.ready), (vec![second], vec![ERP.to_owned()]));
    let claimed = store.claim_only(second, t(4)).await;
    store.settle(&claimed, posted(&["SO-1"]), t(5)).await;
    store.claim_only(third, t(5)).await;
}

pub async fn lanes_do_not_wait_for_each_other(store: Store) {
    let store = Driver(store);
    let (first, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    store.claim_only(first, t(1)).await;
    let (second, _) = store.enqueue(order("order.placed", 2, 0), t(1)).await;
    store.claim_only(second, t(1)).await;
    // Nor do the lanes of another connector.
    let other = store.admit(vec![new(order("order.updated", 1, 3), vec![to("wms")])], t(3)).await;
    assert_eq!(other.deliveries[0].state, "ready");
    assert_eq!(store.claim_of("wms", 5, t(3)).await.len(), 1);
}

pub async fn an_exception_blocks_its_lane_until_a_person_decides(store: Store) {
    let store = Driver(store);
    let (first, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let claimed = store.claim_only(first, t(1)).await;
    let (second, _) = store.enqueue(refund(5, 1), t(2)).await;
    let settled = store.settle(&claimed, rejected(Sent::No), t(2)).await;
    assert!(settled.released.is_empty());
    assert!(store.claim(t(3)).await.is_empty());
    let shown = store.0.exceptions(None, Default::default()).await.unwrap();
    assert_eq!((shown.len(), shown[0].row.id), (1, first));
    assert_eq!(shown[0].row.reason.as_ref().unwrap().code, "unknown-sku");
    let retry = || Command::Retry { delivery: first, by: "me".into(), now: t(4) };
    assert_eq!(store.tally(retry()).await.ready, [ERP]);
    assert!(store.one(retry()).await.is_err());
    let claimed = store.claim_only(first, t(4)).await;
    assert_eq!((claimed.attempts, claimed.look_up), (0, false));
    store.settle(&claimed, rejected(Sent::No), t(5)).await;
    let discard = Command::Discard { delivery: first, why: "a test".into(), by: "me".into(), now: t(6) };
    store.tally(discard).await;
    assert_eq!(store.state(first).await, "discarded");
    store.claim_only(second, t(6)).await;
}

pub async fn a_refund_waits_for_its_order_and_follows_it(store: Store) {
    let store = Driver(store);
    let (waiting, what) = store.enqueue(refund(5, 1), t(1)).await;
    assert_eq!(what, "waiting");
    assert!(store.claim(t(2)).await.is_empty());
    let (placed, what) = store.enqueue(order("order.placed", 1, 0), t(2)).await;
    assert_eq!(what, "ready");
    let claimed = store.claim_only(placed, t(2)).await;
    let settled = store.settle(&claimed, posted(&["SO-1"]), t(3)).await;
    assert_eq!(settled.released, [waiting]);
    let claimed = store.claim_only(waiting, t(3)).await;
    assert_eq!(claimed.references, []);
    assert_eq!(claimed.parent_references, [reference("SO-1")]);
    assert_eq!(claimed.lane, order_id(1));
    // From now on the order is there: the next refund need not wait.
    store.settle(&claimed, posted(&[]), t(4)).await;
    assert_eq!(store.enqueue(refund(6, 1), t(5)).await.1, "ready");
}

pub async fn a_refund_behind_its_open_order_queues(store: Store) {
    let store = Driver(store);
    store.enqueue(order("order.placed", 1, 0), t(1)).await;
    assert_eq!(store.enqueue(refund(5, 1), t(1)).await.1, "queued");
}

const DAY: Duration = Duration::from_secs(86_400);

pub async fn a_referent_that_does_not_come_makes_an_exception_and_blocks_nothing(store: Store) {
    let store = Driver(store);
    let (waiting, _) = store.enqueue(refund(5, 1), t(0)).await;
    assert_eq!(
        store
            .tally(Command::Overdue { connector: ERP.into(), now: t(86_399), wait_limit: DAY, limit: 1000 })
            .await
            .count,
        0
    );
    assert_eq!(
        store
            .tally(Command::Overdue { connector: ERP.into(), now: t(86_400), wait_limit: DAY, limit: 1000 })
            .await
            .count,
        1
    );
    let shown = store.0.exceptions(Some(ERP), Default::default()).await.unwrap();
    let reason = shown[0].row.reason.as_ref().unwrap();
    assert_eq!((shown[0].row.id, reason.code.as_str()), (waiting, "referent-missing"));
    assert!(reason.message.contains(&order_id(1)), "{reason:?}");
    let (placed, what) = store.enqueue(order("order.placed", 1, 0), t(90_000)).await;
    assert_eq!(what, "ready");
    store.claim_only(placed, t(90_000)).await;
}

pub async fn what_waited_in_vain_goes_on_when_its_referent_comes(store: Store) {
    let store = Driver(store);
    let (waiting, _) = store.enqueue(refund(5, 1), t(0)).await;
    store
        .tally(Command::Overdue { connector: ERP.into(), now: t(86_400), wait_limit: DAY, limit: 1000 })
        .await;
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(90_000)).await;
    let claimed = store.claim_only(placed, t(90_000)).await;
    assert_eq!(store.settle(&claimed, posted(&["SO-1"]), t(90_001)).await.released, [waiting]);
    store.claim_only(waiting, t(90_001)).await;
}

pub async fn a_newer_state_joins_an_unsent_one(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let (joined, what) = store.enqueue(order("order.updated", 1, 2), t(2)).await;
    assert_eq!((what.as_str(), store.state(joined).await.as_str()), ("joined", "joined"));
    assert_eq!(store.0.delivery(joined).await.unwrap().unwrap().row.joined_to, Some(placed));
    let claimed = store.claim_only(placed, t(3)).await;
    assert_eq!(claimed.key, format!("{}/placed", order_id(1)));
    assert_eq!(claimed.event, order("order.updated", 1, 2));
    // What is on its way is not changed any more.
    assert_eq!(store.enqueue(order("order.updated", 1, 4), t(4)).await.1, "queued");
}

pub async fn a_joined_exception_becomes_ready_again(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let claimed = store.claim_only(placed, t(1)).await;
    store.settle(&claimed, rejected(Sent::No), t(2)).await;
    assert_eq!(store.enqueue(order("order.updated", 1, 3), t(3)).await.1, "joined");
    let claimed = store.claim_only(placed, t(3)).await;
    assert_eq!((claimed.event, claimed.attempts), (order("order.updated", 1, 3), 0));
}

pub async fn a_cancel_removes_what_was_not_sent(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let (refunded, _) = store.enqueue(refund(5, 1), t(2)).await;
    let (cancelled, what) = store.enqueue(order("order.cancelled", 1, 3), t(3)).await;
    assert_eq!(what, "annulled");
    for delivery in [placed, refunded, cancelled] {
        assert_eq!(store.state(delivery).await, "annulled");
    }
    assert!(store.claim(t(4)).await.is_empty());
    // What belongs to the order and comes later is annulled too.
    assert_eq!(store.enqueue(refund(6, 1), t(5)).await.1, "annulled");
    // A newer state that is not cancelled creates the order after all.
    let (revived, what) = store.enqueue(order("order.updated", 1, 6), t(6)).await;
    assert_eq!(what, "ready");
    store.claim_only(revived, t(6)).await;
}

pub async fn a_cancel_queues_behind_what_may_have_been_sent(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let claimed = store.claim_only(placed, t(1)).await;
    let (cancelled, what) = store.enqueue(order("order.cancelled", 1, 3), t(3)).await;
    assert_eq!(what, "queued");
    store.settle(&claimed, posted(&["SO-1"]), t(4)).await;
    assert_eq!(store.claim_only(cancelled, t(4)).await.references, [reference("SO-1")]);
}

pub async fn an_older_state_is_settled_as_stale(store: Store) {
    let store = Driver(store);
    store.enqueue(order("order.updated", 1, 5), t(5)).await;
    let (late, what) = store.enqueue(order("order.placed", 1, 0), t(6)).await;
    assert_eq!((what.as_str(), store.state(late).await.as_str()), ("stale", "stale"));
    let reason = store.0.delivery(late).await.unwrap().unwrap().row.reason.unwrap();
    assert!(reason.message.contains("newer"), "{reason:?}");
    assert_eq!(store.claim(t(7)).await.len(), 1);
    // The version counts per connector: another one has not heard of it.
    let other = store.admit(vec![new(order("order.paid", 1, 2), vec![to("wms"), to(ERP)])], t(8)).await;
    let what: Vec<_> = other.deliveries.iter().map(|delivery| delivery.state).collect();
    assert_eq!(what, ["ready", "stale"]);
}

pub async fn a_received_delivery_releases_its_lane(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let claimed = store.claim_only(placed, t(1)).await;
    let (next, _) = store.enqueue(refund(5, 1), t(2)).await;
    let received = answer(Next::Received { overdue_at: t(100), releases: true }, Sent::Yes);
    assert_eq!(store.settle(&claimed, received, t(3)).await.released, [next]);
    assert_eq!(store.state(placed).await, "received");
    assert_eq!(
        store
            .tally(Command::Overdue { connector: ERP.into(), now: t(99), wait_limit: DAY, limit: 1000 })
            .await
            .count,
        0
    );
    assert_eq!(
        store
            .tally(Command::Overdue { connector: ERP.into(), now: t(100), wait_limit: DAY, limit: 1000 })
            .await
            .count,
        1
    );
    assert_eq!(store.state(placed).await, "exception");
    let claimed = store.claim_only(next, t(101)).await;
    store.settle(&claimed, posted(&[]), t(101)).await;
    // Overdue as it is, it holds nothing up.
    let (after, what) = store.enqueue(refund(6, 1), t(102)).await;
    assert_eq!(what, "ready");
    let confirm = Command::Confirm { delivery: placed, references: vec![reference("SO-9")], now: t(103) };
    store.one(confirm).await.unwrap();
    assert_eq!(store.state(placed).await, "posted");
    assert_eq!(store.claim_only(after, t(103)).await.parent_references, [reference("SO-9")]);
}

pub async fn a_received_delivery_can_hold_its_lane(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let claimed = store.claim_only(placed, t(1)).await;
    let (next, _) = store.enqueue(refund(5, 1), t(2)).await;
    let received = answer(Next::Received { overdue_at: t(100), releases: false }, Sent::Yes);
    assert!(store.settle(&claimed, received, t(3)).await.released.is_empty());
    assert!(store.claim(t(4)).await.is_empty());
    store.one(Command::Confirm { delivery: placed, references: Vec::new(), now: t(5) }).await.unwrap();
    store.claim_only(next, t(5)).await;
}

pub async fn what_a_connectors_own_system_has_need_not_be_delivered(store: Store) {
    let store = Driver(store);
    let home = Target { system: Some("shopify".into()), ..to("shop") };
    let strange = Target { system: Some("shop".into()), ..to(ERP) };
    let admitted = store.admit(vec![new(refund(5, 1), vec![home, strange])], t(1)).await;
    let what: Vec<_> = admitted.deliveries.iter().map(|delivery| delivery.state).collect();
    assert_eq!(what, ["ready", "waiting"]);
}

pub async fn a_route_can_demand_that_the_lane_is_held(store: Store) {
    let store = Driver(store);
    let demanding = || vec![Target { posted: true, ..to(ERP) }];
    let (placed, plain) = (order("order.placed", 1, 0), order("order.placed", 2, 0));
    let held = store.admit(vec![new(placed, demanding())], t(1)).await.deliveries[0].delivery;
    let claimed = store.claim_only(held, t(1)).await;
    assert!(claimed.until_posted && claimed.call_context(false, false).until_posted);
    // It is still so after a person has tried it again.
    store.settle(&claimed, rejected(Sent::No), t(2)).await;
    store.tally(Command::Retry { delivery: held, by: "me".into(), now: t(3) }).await;
    assert!(store.claim_only(held, t(3)).await.until_posted);
    let free = store.admit(vec![new(plain, vec![to(ERP)])], t(4)).await.deliveries[0].delivery;
    assert!(!store.claim_only(free, t(4)).await.until_posted);
}

pub async fn each_connector_has_its_own_wait_limit(store: Store) {
    let store = Driver(store);
    let deliveries = store.admit(vec![new(refund(5, 1), vec![to(ERP), to("wms")])], t(0)).await.deliveries;
    let overdue = |connector: &str, hours: u64| Command::Overdue {
        connector: connector.into(),
        limit: 1000,
        now: t(7200),
        wait_limit: Duration::from_secs(hours * 3600),
    };
    assert_eq!(store.tally(overdue(ERP, 24)).await.count, 0);
    assert_eq!(store.tally(overdue("wms", 1)).await.count, 1);
    assert_eq!(store.state(deliveries[0].delivery).await, "waiting");
    assert_eq!(store.state(deliveries[1].delivery).await, "exception");
}

pub async fn what_waited_goes_on_when_its_order_is_discarded_or_ignored(store: Store) {
    let store = Driver(store);
    for (number, ignored) in [(1, true), (2, false)] {
        let (waiting, what) = store.enqueue(refund(number, number), t(1)).await;
        assert_eq!(what, "waiting");
        let (placed, _) = store.enqueue(order("order.placed", number, 0), t(1)).await;
        let claimed = store.claim_only(placed, t(2)).await;
        if ignored {
            let settled = answer(Next::Settle(Ending::Ignored), Sent::No);
            assert_eq!(store.settle(&claimed, settled, t(2)).await.released, [waiting]);
        } else {
            store.settle(&claimed, rejected(Sent::No), t(2)).await;
            let (delivery, by) = (placed, "me".into());
            store.tally(Command::Discard { delivery, why: "a test".into(), by, now: t(3) }).await;
        }
        let claimed = store.claim_only(waiting, t(3)).await;
        store.settle(&claimed, posted(&[]), t(3)).await;
    }
    // While another state of the order has yet to be sent, that is waited for.
    let (waiting, _) = store.enqueue(refund(3, 3), t(4)).await;
    let (placed, _) = store.enqueue(order("order.placed", 3, 0), t(4)).await;
    let claimed = store.claim_only(placed, t(4)).await;
    let (updated, _) = store.enqueue(order("order.updated", 3, 5), t(5)).await;
    store.settle(&claimed, answer(Next::Settle(Ending::Ignored), Sent::No), t(6)).await;
    assert_eq!(store.state(waiting).await, "waiting");
    let claimed = store.claim_only(updated, t(6)).await;
    assert_eq!(store.settle(&claimed, posted(&["SO-3"]), t(7)).await.released, [waiting]);
}

pub async fn a_state_that_was_received_is_not_sent_again_after_a_newer_one(store: Store) {
    let store = Driver(store);
    let (older, _) = store.enqueue(order("order.placed", 1, 1), t(1)).await;
    let claimed = store.claim_only(older, t(1)).await;
    let received = Next::Received { overdue_at: t(10), releases: true };
    store.settle(&claimed, answer(received, Sent::Yes), t(2)).await;
    store.tally(Command::Overdue { connector: ERP.into(), now: t(11), wait_limit: DAY, limit: 1000 }).await;
    let (newer, _) = store.enqueue(order("order.updated", 1, 2), t(12)).await;
    let claimed = store.claim_only(newer, t(12)).await;
    store.settle(&claimed, posted(&["SO-1"]), t(13)).await;
    store.tally(Command::Retry { delivery: older, by: "me".into(), now: t(14) }).await;
    assert_eq!(store.state(older).await, "stale");
    assert!(store.claim(t(15)).await.is_empty());
}

pub async fn a_state_that_arrives_ends_the_differences_it_contains(store: Store) {
    let store = Driver(store);
    let (edited, what) = store.enqueue(edit("e1", 1, 3), t(0)).await;
    assert_eq!(what, "waiting");
    store
        .tally(Command::Overdue { connector: ERP.into(), now: t(86_400), wait_limit: DAY, limit: 1000 })
        .await;
    store.tally(Command::Retry { delivery: edited, by: "me".into(), now: t(86_401) }).await;
    let claimed = store.claim_only(edited, t(86_401)).await;
    // Nobody knows whether it arrived, and then a state overtakes it that contains it.
    let outside = Next::Wait { parent: order_id(1), retry_at: t(86_500) };
    store.settle(&claimed, answer(outside, Sent::Maybe), t(86_402)).await;
    let (placed, _) = store.enqueue(order("order.placed", 1, 4), t(86_403)).await;
    let claimed = store.claim_only(placed, t(86_403)).await;
    store.settle(&claimed, posted(&["SO-1"]), t(86_404)).await;
    assert_eq!(store.state(edited).await, "joined");
    assert!(store.claim(t(90_000)).await.is_empty());
}

pub async fn what_a_person_found_not_to_be_there_is_sent_before_newer_states(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 1), t(1)).await;
    let claimed = store.claim_only(placed, t(1)).await;
    let (cancelled, what) = store.enqueue(order("order.cancelled", 1, 2), t(2)).await;
    assert_eq!(what, "queued");
    let unknown = Next::Exception { code: code::OUTCOME_UNKNOWN.to_owned(), awaits: None };
    store.settle(&claimed, answer(unknown, Sent::Maybe), t(3)).await;
    store.tally(Command::Retry { delivery: placed, by: "me".into(), now: t(4) }).await;
    let claimed = store.claim_only(placed, t(4)).await;
    assert!(!claimed.look_up);
    store.settle(&claimed, posted(&["SO-1"]), t(5)).await;
    store.claim_only(cancelled, t(5)).await;
}

pub async fn what_may_be_there_is_not_annulled_once_a_person_discards_it(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 1), t(1)).await;
    let claimed = store.claim_only(placed, t(1)).await;
    let (updated, what) = store.enqueue(order("order.updated", 1, 2), t(2)).await;
    assert_eq!(what, "queued");
    let outside = Next::Wait { parent: "shopify/acme/customer/1".to_owned(), retry_at: t(500) };
    store.settle(&claimed, answer(outside, Sent::No), t(3)).await;
    let claimed = store.claim_only(updated, t(4)).await;
    let unknown = Next::Exception { code: code::OUTCOME_UNKNOWN.to_owned(), awaits: None };
    store.settle(&claimed, answer(unknown, Sent::Maybe), t(5)).await;
    let discard =
        Command::Discard { delivery: updated, why: "it is there".into(), by: "me".into(), now: t(6) };
    store.tally(discard).await;
    // The order may be there, so that its cancellation has to be sent.
    assert_ne!(store.enqueue(order("order.cancelled", 1, 4), t(7)).await.1, "annulled");
}

pub async fn a_discarded_state_that_may_be_there_ends_the_differences_it_contains(store: Store) {
    let store = Driver(store);
    let unknown = || Next::Exception { code: code::OUTCOME_UNKNOWN.to_owned(), awaits: None };
    let (placed, _) = store.enqueue(order("order.placed", 1, 1), t(1)).await;
    let claimed = store.claim_only(placed, t(1)).await;
    let outside = Next::Wait { parent: "shopify/acme/customer/1".to_owned(), retry_at: t(5) };
    store.settle(&claimed, answer(outside, Sent::No), t(2)).await;
    let (edited, _) = store.enqueue(edit("e1", 1, 3), t(3)).await;
    store.one(Command::Expire { now: t(6), limit: 1000 }).await.unwrap();
    let claimed = store.claim(t(6)).await.remove(0);
    assert_eq!(claimed.delivery, edited);
    store.settle(&claimed, answer(unknown(), Sent::Maybe), t(7)).await;
    // A newer state, which contains the edit, stands before it once a person has found the edit not to be there.
    store.enqueue(order("order.cancelled", 1, 4), t(8)).await;
    store.tally(Command::Retry { delivery: edited, by: "me".into(), now: t(9) }).await;
    let claimed = store.claim(t(9)).await.remove(0);
    let state = claimed.delivery;
    assert_ne!(state, edited);
    store.settle(&claimed, answer(unknown(), Sent::Maybe), t(10)).await;
    store
        .tally(Command::Discard { delivery: state, why: "it is there".into(), by: "me".into(), now: t(11) })
        .await;
    assert_eq!(store.state(edited).await, "joined");
    assert!(store.claim(t(90_000)).await.is_empty());
}
