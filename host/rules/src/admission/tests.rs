mod permutations;

use serde_json::{Value, json};

use crossdock_model::event::OrderChange;

use super::*;
use crate::key::{Collision, collide, short};
#[cfg(feature = "faults")]
use crate::safeguards::Safeguard;

const ORDER: &str = "shopify/acme/order/1001";
const REFUND: &str = "shopify/acme/refund/7";

fn stamp(at: i64) -> Stamp {
    Stamp { at, believed: at, sequence: None, progress: 0 }
}

fn incoming(effect: Effect, at: i64) -> Incoming {
    Incoming {
        key: format!("{ORDER}/{effect}@{at}"),
        lane: ORDER.into(),
        entity: ORDER.into(),
        parent: (effect == Effect::Difference).then(|| ORDER.into()),
        stamp: stamp(at),
        effect,
        digest: format!("digest of {at}"),
        reported: Arc::from([]),
        natural_key: None,
        business_day: None,
        confirmation: None,
        level: None,
    }
}

fn refund(at: i64) -> Incoming {
    let (key, entity) = (format!("{REFUND}/issued"), REFUND.into());
    Incoming { key, entity, parent: Some(ORDER.into()), ..incoming(Effect::Once, at) }
}

fn admitted_at(at: i64) -> EntityState {
    EntityState { newest: Some((stamp(at), format!("digest of {at}"))), ..EntityState::default() }
}

fn open(delivery: i64, effect: Effect, at: i64) -> OpenDelivery {
    let entity = if effect == Effect::Once { REFUND } else { ORDER };
    OpenDelivery {
        delivery,
        state: DeliveryState::Queued,
        sent: Sent::No,
        effect,
        moment: Moment::certain(at),
        entity: entity.into(),
    }
}

fn admitted(
    incoming: &Incoming,
    entity: &EntityState,
    parent: Option<&EntityState>,
    lane: &[OpenDelivery],
) -> Admission {
    admit(incoming, entity, parent, lane, Safeguards::default())
}

fn join(delivery: i64, effect: Effect) -> Admission {
    Admission::Join { delivery, effect, superseded: vec![], retries: true }
}

#[test]
fn a_state_older_than_the_newest_admitted_is_stale() {
    let decided = admitted(&incoming(Effect::Change, 4), &admitted_at(5), None, &[]);
    assert_eq!(decided, Admission::Stale { reason: "a newer state was admitted before".into() });
    assert_eq!(admitted(&incoming(Effect::Change, 6), &admitted_at(5), None, &[]), Admission::Enqueue);
}

#[test]
fn the_same_state_reported_twice_is_stale() {
    let decided = admitted(&incoming(Effect::Change, 5), &admitted_at(5), None, &[]);
    assert_eq!(decided, Admission::Stale { reason: "this very state was admitted before".into() });
}

#[test]
fn another_state_within_the_same_second_counts_as_newer() {
    let other = Incoming { digest: "another".into(), ..incoming(Effect::Change, 5) };
    assert_eq!(admitted(&other, &admitted_at(5), None, &[]), Admission::Enqueue);
}

#[test]
fn paid_before_placed_creates_and_placed_is_then_stale() {
    let paid = incoming(Effect::Change, 9);
    assert_eq!(admitted(&paid, &EntityState::default(), None, &[]), Admission::Enqueue);
    let placed = admitted(&incoming(Effect::Create, 1), &admitted_at(9), None, &[open(1, Effect::Change, 9)]);
    assert!(matches!(placed, Admission::Stale { .. }));
}

#[test]
fn an_edit_joins_an_unsent_create() {
    let lane = [open(1, Effect::Create, 1)];
    assert_eq!(admitted(&incoming(Effect::Change, 2), &admitted_at(1), None, &lane), join(1, Effect::Create));
}

#[test]
fn an_edit_joins_an_unsent_exception() {
    let lane = [OpenDelivery { state: DeliveryState::Exception, ..open(1, Effect::Create, 1) }];
    assert_eq!(admitted(&incoming(Effect::Change, 2), &admitted_at(1), None, &lane), join(1, Effect::Create));
}

#[test]
fn nothing_joins_a_delivery_that_may_have_been_sent() {
    use DeliveryState::{Exception, Ready, Received, Sending};
    for (state, sent) in [
        (Sending, Sent::Maybe),
        (Ready, Sent::Maybe),
        (Exception, Sent::Maybe),
        (Ready, Sent::Yes),
        (Received, Sent::Yes),
    ] {
        let lane = [OpenDelivery { state, sent, ..open(1, Effect::Create, 1) }];
        for effect in [Effect::Change, Effect::Cancel] {
            assert_eq!(
                admitted(&incoming(effect, 2), &admitted_at(1), None, &lane),
                Admission::Enqueue,
                "{state} {sent}"
            );
        }
    }
}

#[test]
fn a_state_supersedes_the_differences_it_contains() {
    let lane = [open(1, Effect::Create, 1), open(2, Effect::Difference, 2), open(3, Effect::Difference, 9)];
    let decided = admitted(&incoming(Effect::Change, 3), &admitted_at(1), None, &lane);
    let expected =
        Admission::Join { delivery: 1, effect: Effect::Create, superseded: vec![2], retries: true };
    assert_eq!(decided, expected);
}

#[test]
fn a_difference_that_a_state_contains_is_stale() {
    let order = admitted_at(5);
    for (at, contained) in [(4, true), (5, true), (6, false)] {
        let decided = admitted(&incoming(Effect::Difference, at), &order, Some(&order), &[]);
        assert_eq!(matches!(decided, Admission::Stale { .. }), contained, "{at}");
    }
}

#[test]
fn a_cancel_removes_an_unsent_create() {
    let lane = [open(1, Effect::Create, 1)];
    let decided = admitted(&incoming(Effect::Cancel, 2), &admitted_at(1), None, &lane);
    assert_eq!(decided, Admission::Annul { deliveries: vec![1] });
}

#[test]
fn a_cancel_removes_the_refunds_of_an_unsent_create_too() {
    let waiting = OpenDelivery { state: DeliveryState::Waiting, ..open(1, Effect::Once, 3) };
    let lane = [waiting, open(2, Effect::Create, 1), open(3, Effect::Once, 4)];
    let decided = admitted(&incoming(Effect::Cancel, 5), &admitted_at(1), None, &lane);
    assert_eq!(decided, Admission::Annul { deliveries: vec![1, 2, 3] });
}

#[test]
fn a_cancel_after_an_unknown_outcome_waits_behind_it() {
    let lane =
        [OpenDelivery { state: DeliveryState::Ready, sent: Sent::Maybe, ..open(1, Effect::Create, 1) }];
    assert_eq!(admitted(&incoming(Effect::Cancel, 2), &admitted_at(1), None, &lane), Admission::Enqueue);
}

#[test]
fn a_cancel_of_an_order_that_exists_is_sent() {
    let existing = EntityState { exists: true, ..admitted_at(1) };
    assert_eq!(admitted(&incoming(Effect::Cancel, 2), &existing, None, &[]), Admission::Enqueue);
    let lane = [open(4, Effect::Change, 2)];
    assert_eq!(admitted(&incoming(Effect::Cancel, 3), &existing, None, &lane), join(4, Effect::Cancel));
}

#[test]
fn a_cancel_of_an_order_whose_creation_was_not_seen_is_sent() {
    assert_eq!(
        admitted(&incoming(Effect::Cancel, 2), &EntityState::default(), None, &[]),
        Admission::Enqueue
    );
    // The target may have it from before Crossdock: only the target knows.
    let lane = [open(1, Effect::Change, 1)];
    assert_eq!(admitted(&incoming(Effect::Cancel, 2), &admitted_at(1), None, &lane), join(1, Effect::Cancel));
    // A cancel reported twice does not annul itself.
    let lane = [open(1, Effect::Cancel, 1)];
    assert_eq!(admitted(&incoming(Effect::Cancel, 2), &admitted_at(1), None, &lane), join(1, Effect::Cancel));
}

#[test]
fn events_of_an_annulled_order_are_annulled_until_a_newer_state_is_admitted() {
    let annulled = EntityState { annulled: true, ..admitted_at(2) };
    let nothing = Admission::Annul { deliveries: vec![] };
    assert_eq!(admitted(&incoming(Effect::Cancel, 3), &annulled, None, &[]), nothing);
    assert_eq!(admitted(&refund(3), &EntityState::default(), Some(&annulled), &[]), nothing);
    assert_eq!(admitted(&incoming(Effect::Difference, 3), &annulled, Some(&annulled), &[]), nothing);
    assert_eq!(admitted(&incoming(Effect::Change, 3), &annulled, None, &[]), Admission::Enqueue);
    let placed = admitted(&incoming(Effect::Create, 1), &annulled, None, &[]);
    assert!(matches!(placed, Admission::Stale { .. }));
}

#[test]
fn a_refund_without_its_order_awaits_it() {
    let wait = Admission::AwaitParent { parent: ORDER.into() };
    assert_eq!(admitted(&refund(3), &EntityState::default(), None, &[]), wait);
    assert_eq!(admitted(&refund(3), &EntityState::default(), Some(&EntityState::default()), &[]), wait);
}

#[test]
fn a_refund_queues_behind_its_order() {
    let order = admitted_at(1);
    let lane = [open(1, Effect::Create, 1)];
    assert_eq!(admitted(&refund(3), &EntityState::default(), Some(&order), &lane), Admission::Enqueue);
    assert_eq!(admitted(&refund(3), &EntityState::default(), None, &lane), Admission::Enqueue);
    let existing = EntityState { exists: true, ..EntityState::default() };
    assert_eq!(admitted(&refund(3), &EntityState::default(), Some(&existing), &[]), Admission::Enqueue);
}

#[test]
fn a_refund_is_sent_once_whatever_its_content() {
    let decided = admitted(
        &Incoming { digest: "later".into(), ..refund(9) },
        &admitted_at(3),
        Some(&admitted_at(1)),
        &[],
    );
    assert_eq!(decided, Admission::Stale { reason: "it was admitted before".into() });
    assert_eq!(collide(Effect::Once, "k", "digest", "later"), Collision::Duplicate);
}

#[test]
fn a_newer_shipment_joins_one_that_awaits_its_parent() {
    let shipment = |at| Incoming {
        entity: "erp/main/shipment/5".into(),
        parent: Some(ORDER.into()),
        ..incoming(Effect::Change, at)
    };
    let waiting = OpenDelivery {
        state: DeliveryState::Waiting,
        entity: shipment(1).entity,
        ..open(8, Effect::Change, 1)
    };
    assert_eq!(admitted(&shipment(2), &admitted_at(1), None, &[waiting]), join(8, Effect::Change));
}

#[cfg(feature = "faults")]
#[test]
fn without_the_version_gate_an_older_state_is_sent() {
    let off = Safeguards::default().without(Safeguard::VersionGate);
    assert_eq!(admit(&incoming(Effect::Change, 4), &admitted_at(5), None, &[], off), Admission::Enqueue);
    let off = Safeguards::default().without(Safeguard::Dedupe);
    assert_eq!(admit(&incoming(Effect::Change, 5), &admitted_at(5), None, &[], off), Admission::Enqueue);
    assert_eq!(admit(&refund(3), &admitted_at(3), Some(&admitted_at(1)), &[], off), Admission::Enqueue);
}

fn event(kind: &str, at: &str, cancelled: bool) -> Event {
    let usd = json!({ "shop": { "amount": "0", "currency": "USD" } });
    let mut order = json!({
        "number": "#1001", "channel": "web", "placedAt": "2026-11-23T09:30:00+01:00", "currency": "USD",
        "pricesIncludeTax": false, "dutiesIncluded": false,
        "payment": "paid", "fulfilment": "unfulfilled", "test": false,
        "totals": { "lines": usd, "discounts": usd, "shipping": usd, "tax": usd, "total": usd }
    });
    if cancelled {
        order["cancelledAt"] = json!(at);
    }
    event_of(kind, at, order)
}

fn event_of(kind: &str, at: &str, value: Value) -> Event {
    let fact = match kind.strip_prefix("order.").filter(|operation| *operation != "edited") {
        Some(operation) => {
            json!({ "kind": "order", "value": { "operation": operation, "order": value } })
        }
        None => json!({ "kind": kind, "value": value }),
    };
    serde_json::from_value(json!({
        "entity": { "system": "shopify", "tenant": "acme", "kind": "order", "id": "9007199254740993" },
        "version": { "at": at }, "occurredAt": at, "fact": fact
    }))
    .unwrap()
}

/// Well after all events of these tests.
const LATER: Millis = Millis(1_800_000_000_000);

fn read(event: &Event) -> Incoming {
    Incoming::of(event, LATER).unwrap()
}

#[test]
fn a_key_is_derived_from_the_event() {
    let key = |kind| read(&event(kind, "2026-11-23T09:30:00+01:00", false)).key;
    assert_eq!(key("order.placed"), "shopify/acme/order/9007199254740993/placed");
    assert_eq!(key("order.updated"), "shopify/acme/order/9007199254740993/updated@2026-11-23T08:30:00Z");
    assert_eq!(key("order.paid"), "shopify/acme/order/9007199254740993/paid@2026-11-23T08:30:00Z");
    let edit = event_of(
        "order.edited",
        "2026-11-23T08:30:00Z",
        json!({
            "id": "e5", "at": "2026-11-23T08:30:00Z", "discountsChanged": false, "shippingChanged": false
        }),
    );
    let edit = read(&edit);
    assert_eq!(edit.key, "shopify/acme/order/9007199254740993/edited/e5");
    assert_eq!((edit.effect, edit.parent.as_deref()), (Effect::Difference, Some(edit.entity.as_str())));
}

#[test]
fn a_key_does_not_depend_on_the_time_zone_of_the_source() {
    let key = |at| read(&event("order.updated", at, false)).key;
    assert_eq!(key("2026-11-23T09:30:00+01:00"), key("2026-11-23T03:30:00.000-05:00"));
    assert_ne!(key("2026-11-23T09:30:00+01:00"), key("2026-11-23T09:30:00Z"));
    let mut numbered = event("order.updated", "2026-11-23T08:30:00Z", false);
    numbered.version.as_mut().unwrap().sequence = Some(7);
    let key = read(&numbered).key;
    assert!(key.ends_with("/updated@2026-11-23T08:30:00Z#7"), "{key}");
}

#[test]
fn a_short_key_is_stable_and_short() {
    let key = "shopify/acme.myshopify.com/order/1001/placed";
    assert_eq!(short(key), short(key));
    assert_eq!(short(key).len(), 26);
    assert_ne!(short(key), short("shopify/acme.myshopify.com/order/1002/placed"));
    assert!(short(key).bytes().all(|letter| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&letter)));
    // SHA-256 of nothing is e3b0c442 98fc1c14…: 11100 01110 11000 01100 …
    assert!(short("").starts_with("WERC8GMRZGE1"), "{}", short(""));
}

#[test]
fn two_states_within_one_tick_are_two_events_and_a_copy_is_a_duplicate() {
    assert_eq!(collide(Effect::Change, "k", "aaaaaaaaaa", "aaaaaaaaaa"), Collision::Duplicate);
    let other = collide(Effect::Change, "k", "aaaaaaaaaa", "bbbbbbbbbb");
    assert_eq!(other, Collision::Distinct("k~bbbbbbbb".into()));
}

#[test]
fn a_snapshot_reported_as_placed_and_as_paid_is_one_state() {
    let reported = |kind| read(&event(kind, "2026-11-23T08:30:00Z", false));
    assert_eq!(reported("order.placed").digest, reported("order.paid").digest);
    assert_eq!(reported("order.placed").stamp, reported("order.paid").stamp);
    assert_ne!(reported("order.placed").key, reported("order.paid").key);
}

#[test]
fn a_cancelled_order_is_a_cancel_whatever_the_operation() {
    let effect = |kind, cancelled| read(&event(kind, "2026-11-23T08:30:00Z", cancelled)).effect;
    assert_eq!(effect("order.placed", false), Effect::Create);
    assert_eq!(effect("order.updated", false), Effect::Change);
    assert_eq!(effect("order.updated", true), Effect::Cancel);
    assert_eq!(effect("order.cancelled", false), Effect::Cancel);
}

#[test]
fn progress_orders_states_within_one_second() {
    let stamp = |payment: &str, cancelled| {
        let mut event = event("order.updated", "2026-11-23T08:30:00Z", cancelled);
        if let Fact::Order(OrderChange { order, .. }) = &mut event.fact {
            order.payment = serde_json::from_value(json!(payment)).unwrap();
        }
        read(&event).stamp
    };
    assert!(stamp("authorized", false).compare(&stamp("paid", false)).is_lt());
    assert!(stamp("paid", false).compare(&stamp("partially-refunded", false)).is_lt());
    assert!(stamp("refunded", false).compare(&stamp("pending", true)).is_lt());
}

#[test]
fn an_event_with_an_unreadable_instant_is_an_error() {
    let error = Incoming::of(&event("order.updated", "yesterday", false), LATER).unwrap_err();
    assert_eq!(error.to_string(), "reading `version.at` of an event of shopify/acme/order/9007199254740993");
}

#[test]
fn a_state_dated_after_its_arrival_counts_from_the_arrival() {
    let noon = Millis(crossdock_model::time::micros("2026-11-23T12:00:00Z").unwrap() / 1000);
    let at = |at: &str| Incoming::of(&event("order.updated", at, false), noon).unwrap();
    assert_eq!(at("2026-11-23T11:59:00Z").stamp.believed, (noon.0 - 60_000) * 1000);
    let ahead = at("2026-11-24T12:00:00Z");
    assert_eq!(ahead.stamp.believed, noon.0 * 1000);
    // The key comes from the source: the same state reported again is the same event, whenever it arrives.
    assert!(ahead.key.ends_with("/updated@2026-11-24T12:00:00Z"), "{}", ahead.key);
    let again = Incoming::of(&event("order.updated", "2026-11-24T12:00:00Z", false), LATER).unwrap();
    assert_eq!((again.key, again.digest), (ahead.key, ahead.digest.clone()));
    // A state dated half an hour later by a correct clock is newer.
    let admitted_ahead = EntityState { newest: Some((ahead.stamp, ahead.digest)), ..EntityState::default() };
    let half_past = Millis(noon.0 + 1_800_000);
    let correct = Incoming::of(&event("order.updated", "2026-11-23T12:30:00Z", false), half_past).unwrap();
    assert_eq!(admitted(&correct, &admitted_ahead, None, &[]), Admission::Enqueue);
}

#[test]
fn an_echo_or_a_conflict_is_not_sent() {
    use crate::attributes::Attribute::OrderTags;
    let wait = || Admission::AwaitParent { parent: ORDER.into() };
    for verdict in [Verdict::Echo, Verdict::Repeated] {
        for decided in [Admission::Enqueue, wait()] {
            let ended = decided.with_verdict(&verdict);
            assert!(matches!(ended, Admission::End { ending: Ending::Echo, .. }), "{ended:?}");
        }
        // An unsent delivery carries the newest state; an exception is not retried.
        let joined =
            Admission::Join { delivery: 1, effect: Effect::Create, superseded: vec![], retries: false };
        assert_eq!(join(1, Effect::Create).with_verdict(&verdict), joined);
    }
    let conflict = Verdict::Conflict { attributes: vec![OrderTags] };
    let annul = Admission::Annul { deliveries: vec![1] };
    for decided in [Admission::Enqueue, wait(), join(1, Effect::Create), annul] {
        let reason = "order.tags reported by a system that does not own it".to_owned();
        assert_eq!(decided.with_verdict(&conflict), Admission::End { ending: Ending::Conflict, reason });
    }
    let news = Verdict::News { disputed: vec![] };
    for decided in [Admission::Enqueue, wait(), join(1, Effect::Create)] {
        assert_eq!(decided.clone().with_verdict(&news), decided);
    }
    let stale = || Admission::Stale { reason: "older".into() };
    assert_eq!(stale().with_verdict(&conflict), stale());
}

#[test]
fn a_sale_that_another_system_reported_first_is_named() {
    let Admission::End { ending, reason } = Admission::same_sale(ORDER) else { panic!() };
    assert_eq!((ending, reason.as_str()), (Ending::SameSale, "the same sale as shopify/acme/order/1001"));
}
