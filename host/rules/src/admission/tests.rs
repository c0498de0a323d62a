mod permutations;

use serde_json::{Value, json};

use crossdock_model::event::OrderChange;

use super::*;
use crate::key::{Collision, collide, short};

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
        told: Arc::from([]),
        natural_key: None,
        day: None,
        confirms: None,
        stock: None,
    }
}

fn refund(at: i64) -> Incoming {
    let (key, entity) = (format!("{REFUND}/issued"), REFUND.into());
    Incoming { key, entity, parent: Some(ORDER.into()), ..incoming(Effect::Once, at) }
}

fn known(at: i64) -> Known {
    Known { newest: Some((stamp(at), format!("digest of {at}"))), ..Known::default() }
}

fn open(delivery: i64, effect: Effect, at: i64) -> Open {
    let entity = if effect == Effect::Once { REFUND } else { ORDER };
    Open { delivery, state: DeliveryState::Queued, sent: Sent::No, effect, at, entity: entity.into() }
}

fn admitted(incoming: &Incoming, entity: &Known, parent: Option<&Known>, lane: &[Open]) -> Admission {
    admit(incoming, entity, parent, lane, Safeguards::default())
}

fn join(delivery: i64, effect: Effect) -> Admission {
    Admission::Join { delivery, effect, superseded: vec![], retries: true }
}

#[test]
fn what_is_older_than_what_was_admitted_is_stale() {
    let decided = admitted(&incoming(Effect::Change, 4), &known(5), None, &[]);
    assert_eq!(decided, Admission::Stale { reason: "a newer state was admitted before".into() });
    assert_eq!(admitted(&incoming(Effect::Change, 6), &known(5), None, &[]), Admission::Enqueue);
}

#[test]
fn the_same_state_told_twice_is_stale() {
    let decided = admitted(&incoming(Effect::Change, 5), &known(5), None, &[]);
    assert_eq!(decided, Admission::Stale { reason: "this very state was admitted before".into() });
}

#[test]
fn another_state_within_the_same_second_counts_as_newer() {
    let other = Incoming { digest: "another".into(), ..incoming(Effect::Change, 5) };
    assert_eq!(admitted(&other, &known(5), None, &[]), Admission::Enqueue);
}

#[test]
fn paid_before_placed_creates_and_placed_is_then_stale() {
    let paid = incoming(Effect::Change, 9);
    assert_eq!(admitted(&paid, &Known::default(), None, &[]), Admission::Enqueue);
    let placed = admitted(&incoming(Effect::Create, 1), &known(9), None, &[open(1, Effect::Change, 9)]);
    assert!(matches!(placed, Admission::Stale { .. }));
}

#[test]
fn an_edit_joins_an_unsent_create() {
    let lane = [open(1, Effect::Create, 1)];
    assert_eq!(admitted(&incoming(Effect::Change, 2), &known(1), None, &lane), join(1, Effect::Create));
}

#[test]
fn an_edit_joins_what_a_person_has_to_decide() {
    let lane = [Open { state: DeliveryState::Exception, ..open(1, Effect::Create, 1) }];
    assert_eq!(admitted(&incoming(Effect::Change, 2), &known(1), None, &lane), join(1, Effect::Create));
}

#[test]
fn nothing_joins_what_may_have_been_sent() {
    use DeliveryState::{Exception, Ready, Received, Sending};
    for (state, sent) in [
        (Sending, Sent::Maybe),
        (Ready, Sent::Maybe),
        (Exception, Sent::Maybe),
        (Ready, Sent::Yes),
        (Received, Sent::Yes),
    ] {
        let lane = [Open { state, sent, ..open(1, Effect::Create, 1) }];
        for effect in [Effect::Change, Effect::Cancel] {
            assert_eq!(
                admitted(&incoming(effect, 2), &known(1), None, &lane),
                Admission::Enqueue,
                "{state} {sent}"
            );
        }
    }
}

#[test]
fn a_state_takes_the_differences_it_contains_along() {
    let lane = [open(1, Effect::Create, 1), open(2, Effect::Difference, 2), open(3, Effect::Difference, 9)];
    let decided = admitted(&incoming(Effect::Change, 3), &known(1), None, &lane);
    let wanted = Admission::Join { delivery: 1, effect: Effect::Create, superseded: vec![2], retries: true };
    assert_eq!(decided, wanted);
}

#[test]
fn a_difference_that_a_state_contains_is_stale() {
    let order = known(5);
    for (at, contained) in [(4, true), (5, true), (6, false)] {
        let decided = admitted(&incoming(Effect::Difference, at), &order, Some(&order), &[]);
        assert_eq!(matches!(decided, Admission::Stale { .. }), contained, "{at}");
    }
}

#[test]
fn a_cancel_removes_an_unsent_create() {
    let lane = [open(1, Effect::Create, 1)];
    let decided = admitted(&incoming(Effect::Cancel, 2), &known(1), None, &lane);
    assert_eq!(decided, Admission::Annul { deliveries: vec![1] });
}

#[test]
fn a_cancel_removes_the_refunds_of_an_unsent_create_too() {
    let waiting = Open { state: DeliveryState::Waiting, ..open(1, Effect::Once, 3) };
    let lane = [waiting, open(2, Effect::Create, 1), open(3, Effect::Once, 4)];
    let decided = admitted(&incoming(Effect::Cancel, 5), &known(1), None, &lane);
    assert_eq!(decided, Admission::Annul { deliveries: vec![1, 2, 3] });
}

#[test]
fn a_cancel_after_an_unknown_outcome_waits_behind_it() {
    let lane = [Open { state: DeliveryState::Ready, sent: Sent::Maybe, ..open(1, Effect::Create, 1) }];
    assert_eq!(admitted(&incoming(Effect::Cancel, 2), &known(1), None, &lane), Admission::Enqueue);
}

#[test]
fn a_cancel_of_an_order_that_is_there_is_told() {
    let there = Known { exists: true, ..known(1) };
    assert_eq!(admitted(&incoming(Effect::Cancel, 2), &there, None, &[]), Admission::Enqueue);
    let lane = [open(4, Effect::Change, 2)];
    assert_eq!(admitted(&incoming(Effect::Cancel, 3), &there, None, &lane), join(4, Effect::Cancel));
}

#[test]
fn a_cancel_of_an_order_whose_birth_was_not_seen_is_told() {
    assert_eq!(admitted(&incoming(Effect::Cancel, 2), &Known::default(), None, &[]), Admission::Enqueue);
    // The target may have it from before Crossdock: only the target can tell.
    let lane = [open(1, Effect::Change, 1)];
    assert_eq!(admitted(&incoming(Effect::Cancel, 2), &known(1), None, &lane), join(1, Effect::Cancel));
    // A cancel told twice does not annul itself.
    let lane = [open(1, Effect::Cancel, 1)];
    assert_eq!(admitted(&incoming(Effect::Cancel, 2), &known(1), None, &lane), join(1, Effect::Cancel));
}

#[test]
fn what_follows_an_annulled_order_is_annulled_until_it_stands_again() {
    let annulled = Known { annulled: true, ..known(2) };
    let nothing = Admission::Annul { deliveries: vec![] };
    assert_eq!(admitted(&incoming(Effect::Cancel, 3), &annulled, None, &[]), nothing);
    assert_eq!(admitted(&refund(3), &Known::default(), Some(&annulled), &[]), nothing);
    assert_eq!(admitted(&incoming(Effect::Difference, 3), &annulled, Some(&annulled), &[]), nothing);
    assert_eq!(admitted(&incoming(Effect::Change, 3), &annulled, None, &[]), Admission::Enqueue);
    let placed = admitted(&incoming(Effect::Create, 1), &annulled, None, &[]);
    assert!(matches!(placed, Admission::Stale { .. }));
}

#[test]
fn a_refund_whose_order_is_not_there_waits_for_it() {
    let wait = Admission::Wait { referent: ORDER.into() };
    assert_eq!(admitted(&refund(3), &Known::default(), None, &[]), wait);
    assert_eq!(admitted(&refund(3), &Known::default(), Some(&Known::default()), &[]), wait);
}

#[test]
fn a_refund_queues_behind_its_order() {
    let order = known(1);
    let lane = [open(1, Effect::Create, 1)];
    assert_eq!(admitted(&refund(3), &Known::default(), Some(&order), &lane), Admission::Enqueue);
    assert_eq!(admitted(&refund(3), &Known::default(), None, &lane), Admission::Enqueue);
    let there = Known { exists: true, ..Known::default() };
    assert_eq!(admitted(&refund(3), &Known::default(), Some(&there), &[]), Admission::Enqueue);
}

#[test]
fn a_refund_is_told_once_however_its_content_is_written() {
    let decided =
        admitted(&Incoming { digest: "later".into(), ..refund(9) }, &known(3), Some(&known(1)), &[]);
    assert_eq!(decided, Admission::Stale { reason: "it has been told already".into() });
    assert_eq!(collide(Effect::Once, "k", "digest", "later"), Collision::Duplicate);
}

#[test]
fn a_newer_shipment_joins_the_one_that_waits() {
    let shipment = |at| Incoming {
        entity: "erp/main/shipment/5".into(),
        parent: Some(ORDER.into()),
        ..incoming(Effect::Change, at)
    };
    let waiting =
        Open { state: DeliveryState::Waiting, entity: shipment(1).entity, ..open(8, Effect::Change, 1) };
    assert_eq!(admitted(&shipment(2), &known(1), None, &[waiting]), join(8, Effect::Change));
}

#[cfg(feature = "faults")]
#[test]
fn without_the_version_gate_an_older_state_is_told() {
    let off = Safeguards::default().without_version_gate();
    assert_eq!(admit(&incoming(Effect::Change, 4), &known(5), None, &[], off), Admission::Enqueue);
    let off = Safeguards::default().without_dedupe();
    assert_eq!(admit(&incoming(Effect::Change, 5), &known(5), None, &[], off), Admission::Enqueue);
    assert_eq!(admit(&refund(3), &known(3), Some(&known(1)), &[], off), Admission::Enqueue);
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
    of(kind, at, order)
}

fn of(kind: &str, at: &str, value: Value) -> Event {
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

/// Well after anything that happens here.
const LATER: Millis = Millis(1_800_000_000_000);

fn read(event: &Event) -> Incoming {
    Incoming::of(event, LATER).unwrap()
}

#[test]
fn a_key_is_derived_from_what_happened() {
    let key = |kind| read(&event(kind, "2026-11-23T09:30:00+01:00", false)).key;
    assert_eq!(key("order.placed"), "shopify/acme/order/9007199254740993/placed");
    assert_eq!(key("order.updated"), "shopify/acme/order/9007199254740993/updated@2026-11-23T08:30:00Z");
    assert_eq!(key("order.paid"), "shopify/acme/order/9007199254740993/paid@2026-11-23T08:30:00Z");
    let edit = of(
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
fn a_key_does_not_depend_on_how_the_source_writes_the_moment() {
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
fn two_states_within_one_tick_are_two_events_and_a_copy_is_none() {
    assert_eq!(collide(Effect::Change, "k", "aaaaaaaaaa", "aaaaaaaaaa"), Collision::Duplicate);
    let other = collide(Effect::Change, "k", "aaaaaaaaaa", "bbbbbbbbbb");
    assert_eq!(other, Collision::Distinct("k~bbbbbbbb".into()));
}

#[test]
fn one_snapshot_told_as_placed_and_as_paid_is_one_state() {
    let told = |kind| read(&event(kind, "2026-11-23T08:30:00Z", false));
    assert_eq!(told("order.placed").digest, told("order.paid").digest);
    assert_eq!(told("order.placed").stamp, told("order.paid").stamp);
    assert_ne!(told("order.placed").key, told("order.paid").key);
}

#[test]
fn a_cancelled_order_is_a_cancel_whatever_it_is_told_as() {
    let effect = |kind, cancelled| read(&event(kind, "2026-11-23T08:30:00Z", cancelled)).effect;
    assert_eq!(effect("order.placed", false), Effect::Create);
    assert_eq!(effect("order.updated", false), Effect::Change);
    assert_eq!(effect("order.updated", true), Effect::Cancel);
    assert_eq!(effect("order.cancelled", false), Effect::Cancel);
}

#[test]
fn progress_places_what_happened_within_one_second() {
    let stamp = |payment: &str, cancelled| {
        let mut told = event("order.updated", "2026-11-23T08:30:00Z", cancelled);
        if let Fact::Order(OrderChange { order, .. }) = &mut told.fact {
            order.payment = serde_json::from_value(json!(payment)).unwrap();
        }
        read(&told).stamp
    };
    assert!(stamp("authorized", false).place(&stamp("paid", false)).is_lt());
    assert!(stamp("paid", false).place(&stamp("partially-refunded", false)).is_lt());
    assert!(stamp("refunded", false).place(&stamp("pending", true)).is_lt());
}

#[test]
fn an_event_whose_moment_cannot_be_read_is_an_error() {
    let error = Incoming::of(&event("order.updated", "yesterday", false), LATER).unwrap_err();
    assert_eq!(error.to_string(), "reading `version.at` of an event of shopify/acme/order/9007199254740993");
}

#[test]
fn a_clock_that_is_ahead_counts_from_the_arrival() {
    let noon = Millis(crossdock_model::time::micros("2026-11-23T12:00:00Z").unwrap() / 1000);
    let at = |at: &str| Incoming::of(&event("order.updated", at, false), noon).unwrap();
    assert_eq!(at("2026-11-23T11:59:00Z").stamp.believed, (noon.0 - 60_000) * 1000);
    let ahead = at("2026-11-24T12:00:00Z");
    assert_eq!(ahead.stamp.believed, noon.0 * 1000);
    // The key stays what the source says: the same told again is the same event, whenever it arrives.
    assert!(ahead.key.ends_with("/updated@2026-11-24T12:00:00Z"), "{}", ahead.key);
    let again = Incoming::of(&event("order.updated", "2026-11-24T12:00:00Z", false), LATER).unwrap();
    assert_eq!((again.key, again.digest), (ahead.key, ahead.digest.clone()));
    // What happens half an hour later by a right clock is newer.
    let known = Known { newest: Some((ahead.stamp, ahead.digest)), ..Known::default() };
    let half_past = Millis(noon.0 + 1_800_000);
    let right = Incoming::of(&event("order.updated", "2026-11-23T12:30:00Z", false), half_past).unwrap();
    assert_eq!(admitted(&right, &known, None, &[]), Admission::Enqueue);
}

#[test]
fn an_echo_or_a_conflict_is_recorded_and_not_sent() {
    use crate::told::Attribute::OrderTags;
    let wait = || Admission::Wait { referent: ORDER.into() };
    for verdict in [Verdict::Echo, Verdict::Repeated] {
        for decided in [Admission::Enqueue, wait()] {
            let ended = decided.judged(&verdict);
            assert!(matches!(ended, Admission::End { ending: Ending::Echo, .. }), "{ended:?}");
        }
        // What has yet to be sent is sent as it is by now; what waits for a person goes on waiting.
        let joined =
            Admission::Join { delivery: 1, effect: Effect::Create, superseded: vec![], retries: false };
        assert_eq!(join(1, Effect::Create).judged(&verdict), joined);
    }
    let conflict = Verdict::Conflict { attributes: vec![OrderTags] };
    let annul = Admission::Annul { deliveries: vec![1] };
    for decided in [Admission::Enqueue, wait(), join(1, Effect::Create), annul] {
        let reason = "order.tags told by a system that does not own it".to_owned();
        assert_eq!(decided.judged(&conflict), Admission::End { ending: Ending::Conflict, reason });
    }
    let news = Verdict::News { disputed: vec![] };
    for decided in [Admission::Enqueue, wait(), join(1, Effect::Create)] {
        assert_eq!(decided.clone().judged(&news), decided);
    }
    let stale = || Admission::Stale { reason: "older".into() };
    assert_eq!(stale().judged(&conflict), stale());
}

#[test]
fn a_sale_that_was_told_before_is_named() {
    let Admission::End { ending, reason } = Admission::same_sale(ORDER) else { panic!() };
    assert_eq!((ending, reason.as_str()), (Ending::SameSale, "the same sale as shopify/acme/order/1001"));
}
