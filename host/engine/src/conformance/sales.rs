//! Sales that two systems report, closed days, orders older than Crossdock, and deliveries with a due time.

use crossdock_model::event::{Event, Fact};
use crossdock_model::order::Order;
use crossdock_rules::lane::Sent;
use crossdock_rules::outcome::Next;
use crossdock_rules::ownership::Class;
use serde_json::json;

use super::samples::*;
use crate::{Command, NewEvent, Store, Target};

/// A sale as a system reports it.
fn sale(system: &str, number: u32, at: i64, change: impl FnOnce(&mut Order)) -> Event {
    let mut event = order("order.placed", number, at);
    event.entity.system = system.into();
    if let Fact::Order(fact) = &mut event.fact {
        change(&mut fact.order);
    }
    event
}

fn named(key: &str) -> impl FnOnce(&mut Order) {
    let key = key.to_owned();
    move |order| order.natural_key = Some(key)
}

fn refund_of(event: &Event, number: u32) -> Event {
    let mut refund = refund(number, 1);
    refund.entity.system.clone_from(&event.entity.system);
    refund.parent = Some(event.entity.clone());
    refund
}

fn routed_to_erp(event: Event) -> Vec<NewEvent> {
    vec![new(event, vec![Target { pin: true, ..to(ERP) }])]
}

pub async fn two_orders_of_one_natural_key_are_one_sale(store: Store) {
    let store = Driver(store);
    let till = sale("poslog", 1, 0, named("31/2/2026-11-23/77"));
    let shop = sale("shopify", 900, 1, named("31/2/2026-11-23/77"));
    let first = store.admit(routed_to_erp(till.clone()), t(1)).await;
    assert_eq!(first.deliveries[0].state, "ready");
    let second = store.admit(routed_to_erp(shop.clone()), t(2)).await;
    assert_eq!(second.deliveries[0].state, "same-sale");
    let shown = store.0.delivery(second.deliveries[0].delivery).await.unwrap().unwrap().row;
    assert_eq!(shown.ending.as_deref(), Some("same-sale"));
    let reason = shown.reason.unwrap();
    assert_eq!(reason.message, format!("the same sale as {}", till.entity));
    // What the second system reports later, with or without the key, belongs to the same sale.
    let mut later = order("order.updated", 900, 5);
    later.entity = shop.entity.clone();
    assert_eq!(store.admit(routed_to_erp(later), t(5)).await.deliveries[0].state, "same-sale");
    // A later state that the first system reports is admitted as usual.
    let mut more = order("order.updated", 1, 6);
    more.entity = till.entity.clone();
    assert_eq!(store.admit(routed_to_erp(more), t(6)).await.deliveries[0].state, "joined");
    let other = sale("shopify", 901, 7, named("31/2/2026-11-23/78"));
    assert_eq!(store.admit(routed_to_erp(other), t(7)).await.deliveries[0].state, "ready");
}

pub async fn a_refund_of_the_same_sale_follows_the_first(store: Store) {
    let store = Driver(store);
    let till = sale("poslog", 1, 0, named("k"));
    let shop = sale("shopify", 900, 1, named("k"));
    let both = [till.clone(), shop.clone()].into_iter().flat_map(routed_to_erp).collect();
    let placed = store.admit(both, t(1)).await.deliveries[0].delivery;
    let back = store.admit(routed_to_erp(refund_of(&shop, 5)), t(2)).await;
    assert_eq!(back.deliveries[0].state, "queued");
    let claimed = store.claim_only(placed, t(2)).await;
    assert_eq!(store.settle(&claimed, posted(&["SO-1"]), t(3)).await.released, [back.deliveries[0].delivery]);
    let claimed = store.claim_only(back.deliveries[0].delivery, t(3)).await;
    assert_eq!(claimed.lane, till.entity.to_string());
    assert_eq!(claimed.parent_references, [reference("SO-1")]);
    // The pin of the first is that of both.
    store.settle(&claimed, posted(&[]), t(4)).await;
    let cloud = vec![Target { pin: true, ..to("erp-cloud") }];
    let elsewhere = store.admit(vec![new(refund_of(&shop, 6), cloud)], t(5)).await;
    assert_eq!((elsewhere.deliveries[0].connector.as_str(), elsewhere.deliveries[0].state), (ERP, "ready"));
}

/// A refund that gave money back.
fn gave_back(mut refund: Event, amount: &str) -> Event {
    if let Fact::RefundIssued(fact) = &mut refund.fact {
        let price = json!({ "shop": { "amount": amount, "currency": "USD" } });
        let payment = json!({
            "id": "1", "kind": "refund", "outcome": "success", "tender": "card", "gateway": "g",
            "amount": price, "at": t(0).to_string(), "test": false
        });
        fact.payments = vec![serde_json::from_value(payment).unwrap()];
    }
    refund
}

pub async fn a_refund_that_both_report_is_one(store: Store) {
    let store = Driver(store);
    let (till, shop) = (sale("poslog", 1, 0, named("k")), sale("shopify", 900, 1, named("k")));
    // The till reports its refund before the shop has reported the sale.
    store.admit(routed_to_erp(till.clone()), t(1)).await;
    let first = store.admit(routed_to_erp(gave_back(refund_of(&till, 5), "10.00")), t(2)).await;
    assert_eq!(first.deliveries[0].state, "queued");
    store.admit(routed_to_erp(shop.clone()), t(3)).await;
    let report =
        |number, amount| store.admit(routed_to_erp(gave_back(refund_of(&shop, number), amount)), t(4));
    let again = report(6, "10").await;
    assert_eq!(again.deliveries[0].state, "same-sale");
    let reason = store.0.delivery(again.deliveries[0].delivery).await.unwrap().unwrap().row.reason.unwrap();
    assert_eq!(reason.message, "the same refund as poslog/acme/refund/5");
    // Another of that amount, and one of another, are refunds of their own.
    assert_eq!(report(7, "10").await.deliveries[0].state, "queued");
    assert_eq!(report(8, "3").await.deliveries[0].state, "queued");
    // The till's own report of one of them then is the same refund again.
    let back = store.admit(routed_to_erp(gave_back(refund_of(&till, 9), "3.00")), t(5)).await;
    assert_eq!(back.deliveries[0].state, "same-sale");
}

pub async fn waiting_refunds_continue_with_the_order_that_was_reported_first(store: Store) {
    let store = Driver(store);
    let (shop, till) = (sale("shopify", 900, 1, named("k")), sale("poslog", 1, 0, named("k")));
    // A till's refunds come before its sale; the shop reported the sale, and one of the refunds, first.
    let placed = store.admit(routed_to_erp(shop.clone()), t(1)).await.deliveries[0].delivery;
    store.admit(routed_to_erp(gave_back(refund_of(&shop, 5), "3")), t(2)).await;
    let early =
        |number, amount| store.admit(routed_to_erp(gave_back(refund_of(&till, number), amount)), t(2));
    let (same, other) =
        (early(6, "3.00").await.deliveries.remove(0), early(7, "10").await.deliveries.remove(0));
    assert_eq!((same.state, other.state), ("waiting", "waiting"));
    assert_eq!(store.admit(routed_to_erp(till), t(3)).await.deliveries[0].state, "same-sale");
    assert_eq!(store.state(same.delivery).await, "same-sale");
    assert_eq!(store.state(other.delivery).await, "queued");
    let claimed = store.claim_only(placed, t(4)).await;
    store.settle(&claimed, posted(&["SO-1"]), t(4)).await;
    let refund = store.claim(t(5)).await.pop().unwrap();
    store.settle(&refund, posted(&[]), t(5)).await;
    let claimed = store.claim_only(other.delivery, t(6)).await;
    assert_eq!(claimed.lane, shop.entity.to_string());
    assert_eq!(claimed.parent_references, [reference("SO-1")]);
}

pub async fn a_refund_that_comes_first_does_not_choose_the_owning_erp(store: Store) {
    let store = Driver(store);
    let pinning = |connector: &str| vec![Target { pin: true, ..to(connector) }, to("wms")];
    // A refund has neither channel nor tags, so the route sends it to the cloud ERP.
    let early = store.admit(vec![new(refund(5, 1), pinning("erp-cloud"))], t(1)).await;
    let states: Vec<_> = early.deliveries.iter().map(|it| (it.connector.as_str(), it.state)).collect();
    assert_eq!(states, [("erp-cloud", "waiting"), ("wms", "waiting")]);
    assert_eq!(store.0.pin(&order_id(1)).await.unwrap(), None);
    let edited =
        store.admit(vec![new(edit("e1", 1, 9), pinning("erp-cloud"))], t(1)).await.deliveries.remove(0);
    // A refund whose wait has run out is moved too.
    let given_up =
        store.admit(vec![new(refund(6, 1), pinning("erp-cloud"))], t(1)).await.deliveries.remove(0);
    let waiting = std::time::Duration::ZERO;
    store
        .tally(Command::Overdue {
            connector: "erp-cloud".into(),
            now: t(1),
            wait_limit: waiting,
            limit: 1000,
        })
        .await;
    let placed = store.admit(vec![new(order("order.placed", 1, 0), pinning("erp-legacy"))], t(2)).await;
    assert_eq!(store.0.pin(&order_id(1)).await.unwrap().as_deref(), Some("erp-legacy"));
    // The owning ERP receives the refund once and after its order; another connector keeps its own delivery.
    let claimed = store.claim_of("erp-legacy", 10, t(2)).await;
    assert_eq!(claimed.iter().map(|it| it.delivery).collect::<Vec<_>>(), [placed.deliveries[0].delivery]);
    store.settle(&claimed[0], posted(&["SO-1"]), t(3)).await;
    for expected in [&early.deliveries[0], &edited, &given_up] {
        let claimed = store.claim_of("erp-legacy", 10, t(4)).await;
        assert_eq!(claimed.iter().map(|it| it.delivery).collect::<Vec<_>>(), [expected.delivery]);
        store.settle(&claimed[0], posted(&[]), t(4)).await;
    }
    let moved = store.0.delivery(early.deliveries[0].delivery).await.unwrap().unwrap().row;
    assert_eq!((moved.connector.as_str(), moved.lane.as_str()), ("erp-legacy", order_id(1).as_str()));
    assert!(store.claim_of("erp-cloud", 10, t(5)).await.is_empty());
    assert_eq!(store.state(early.deliveries[1].delivery).await, "waiting");
    assert_eq!(store.claim_of("wms", 10, t(5)).await[0].delivery, placed.deliveries[1].delivery);
}

pub async fn a_refund_already_enqueued_for_the_owning_erp_is_sent_once(store: Store) {
    let store = Driver(store);
    let class = Some(Class::Erp);
    let erp = |connector: &str| Target { pin: true, class, ..to(connector) };
    let both = vec![Target { pin: true, ..to("a") }, Target { pin: true, ..to("b") }];
    let early = store.admit(vec![new(refund(5, 1), both)], t(1)).await;
    store.admit(vec![new(order("order.placed", 1, 0), vec![erp("b")])], t(2)).await;
    assert_eq!(store.state(early.deliveries[0].delivery).await, "joined");
    assert_eq!(store.state(early.deliveries[1].delivery).await, "waiting");
    // Cancelling the order before it was sent annuls the refund that was moved to it.
    let early = store.admit(vec![new(refund(6, 2), vec![erp("a")])], t(3)).await;
    store.admit(vec![new(order("order.placed", 2, 0), vec![erp("b")])], t(4)).await;
    store.admit(vec![new(order("order.cancelled", 2, 5), vec![erp("a")])], t(5)).await;
    assert_eq!(store.state(early.deliveries[0].delivery).await, "annulled");
}

pub async fn one_erp_owns_the_books_and_others_receive_what_their_routes_say(store: Store) {
    let store = Driver(store);
    let of = |connector: &str, class| Target { pin: true, class, ..to(connector) };
    let erp = |name: &str| of(name, Some(Class::Erp));
    let connectors = |admitted: crate::Admitted| -> Vec<String> {
        admitted.deliveries.into_iter().map(|delivery| delivery.connector).collect()
    };
    // A warehouse receives it too, at any place in the list; a second ERP does not.
    let warehouse = || of("wms", Some(Class::Warehouse));
    let placed = vec![warehouse(), erp("erp"), erp("other")];
    let placed = store.admit(vec![new(order("order.placed", 1, 0), placed)], t(1)).await;
    assert_eq!(connectors(placed), ["wms", "erp"]);
    let refunded = store.admit(vec![new(refund(5, 1), vec![erp("other"), warehouse()])], t(2)).await;
    assert_eq!(connectors(refunded), ["erp", "wms"]);
    // Without a class in the configuration the first one owns the books; the second receives what it received before.
    let unsaid = |names: [&str; 2]| names.map(|name| of(name, None)).to_vec();
    let placed = store.admit(vec![new(order("order.placed", 2, 0), unsaid(["a", "b"]))], t(3)).await;
    assert_eq!(connectors(placed), ["a", "b"]);
    let refunded = store.admit(vec![new(refund(6, 2), unsaid(["a", "b"]))], t(4)).await;
    assert_eq!(connectors(refunded), ["a", "b"]);
    let refunded = store.admit(vec![new(refund(7, 2), unsaid(["c", "a"]))], t(5)).await;
    assert_eq!(connectors(refunded), ["a"]);
    // A connector of class ERP comes before one without a class.
    let placed = vec![of("wms", None), erp("erp")];
    store.admit(vec![new(order("order.placed", 3, 0), placed)], t(6)).await;
    assert_eq!(store.0.pin(&order_id(3)).await.unwrap().as_deref(), Some("erp"));
    // No system receives what it reported itself, whichever ERP owns the books.
    let own = from("erp", new(refund(8, 3), vec![erp("other")]));
    assert_eq!(connectors(store.admit(vec![own], t(7)).await), [""; 0]);
}

pub async fn an_order_that_is_booked_on_its_own_stays_so(store: Store) {
    let store = Driver(store);
    let shop = sale("shopify", 900, 0, |_| ());
    store.admit(routed_to_erp(shop), t(1)).await;
    store.admit(routed_to_erp(sale("poslog", 1, 0, named("k"))), t(2)).await;
    // The shop reports the natural key only later: the ERP has the order by then.
    let mut named = sale("shopify", 900, 3, named("k"));
    if let Fact::Order(fact) = &mut named.fact {
        fact.operation = crossdock_model::event::OrderOperation::Updated;
    }
    assert_eq!(store.admit(routed_to_erp(named), t(3)).await.deliveries[0].state, "joined");
}

/// The event as it arrived at a second.
fn arrived(event: Event, at: i64) -> Vec<NewEvent> {
    let mut events = routed_to_erp(event);
    events
        .iter_mut()
        .filter_map(|new| new.incoming.business_day.as_mut())
        .for_each(|day| day.arrived = t(at));
    events
}

fn of_day(date: &str) -> impl FnOnce(&mut Order) {
    let date = date.to_owned();
    move |order| (order.store, order.business_date) = (Some("31".into()), Some(date))
}

pub async fn a_late_sale_of_a_closed_day_is_for_a_person(store: Store) {
    let store = Driver(store);
    let early = store.admit(arrived(sale("till", 1, 0, of_day("2026-11-23")), 1), t(1)).await;
    assert_eq!(early.deliveries[0].state, "ready");
    let closing = day_closed("till", "31", "2026-11-23", 2);
    assert_eq!(store.admit(arrived(closing, 2), t(2)).await.deliveries[0].state, "ready");
    let late = store.admit(arrived(sale("till", 2, 0, of_day("2026-11-23")), 3), t(3)).await;
    assert_eq!(late.deliveries[0].state, "exception");
    let raised = &late.raised[0];
    assert_eq!((raised.delivery, raised.problem.code.as_str()), (late.deliveries[0].delivery, "day-closed"));
    for part in ["till/acme/31", "2026-11-23", &t(2).to_string()] {
        assert!(raised.problem.message.contains(part), "{raised:?}");
    }
    // A newer state of the late sale is late too.
    let mut more = sale("till", 2, 4, of_day("2026-11-23"));
    if let Fact::Order(fact) = &mut more.fact {
        fact.operation = crossdock_model::event::OrderOperation::Updated;
    }
    assert_eq!(store.admit(arrived(more.clone(), 4), t(4)).await.deliveries[0].state, "joined");
    assert_eq!(store.state(late.deliveries[0].delivery).await, "exception");
    // Other days, other stores, and an order that the ERP has already are admitted as usual.
    for sale in [sale("till", 3, 0, of_day("2026-11-24")), sale("other", 4, 0, of_day("2026-11-23"))] {
        assert_eq!(store.admit(arrived(sale, 5), t(5)).await.deliveries[0].state, "ready");
    }
    let mut known = sale("till", 1, 6, of_day("2026-11-23"));
    if let Fact::Order(fact) = &mut known.fact {
        fact.operation = crossdock_model::event::OrderOperation::Updated;
    }
    assert_eq!(store.admit(arrived(known, 6), t(6)).await.deliveries[0].state, "joined");
    // A refund that is late too is decided with its sale.
    let mut refund = refund_of(&more, 9);
    if let Fact::RefundIssued(fact) = &mut refund.fact {
        (fact.store, fact.business_date) = (Some("31".into()), Some("2026-11-23".into()));
    }
    assert_eq!(store.admit(arrived(refund, 6), t(6)).await.deliveries[0].state, "exception");
    store.claim(t(7)).await;
    let delivery = late.deliveries[0].delivery;
    store.tally(Command::Retry { delivery, by: "me".into(), now: t(8) }).await;
    let claimed = store.claim_only(delivery, t(8)).await;
    assert_eq!(claimed.event, more);
    store.settle(&claimed, posted(&[]), t(8)).await;
    assert_eq!(store.claim(t(9)).await.len(), 0);
}

pub async fn what_came_before_the_closing_and_is_read_after_it_is_not_late(store: Store) {
    let store = Driver(store);
    store.admit(arrived(day_closed("till", "31", "2026-11-23", 2), 5), t(6)).await;
    for (number, at, what) in [(1, 4, "ready"), (2, 5, "ready"), (3, 6, "exception")] {
        let sale = sale("till", number, 0, of_day("2026-11-23"));
        assert_eq!(store.admit(arrived(sale, at), t(7)).await.deliveries[0].state, what, "arrived at {at}");
    }
}

pub async fn a_day_that_is_reported_closed_twice_was_closed_the_first_time(store: Store) {
    let store = Driver(store);
    let mut again = day_closed("till", "31", "2026-11-23", 9);
    again.entity.id = "another".into();
    let closings = [day_closed("till", "31", "2026-11-23", 2), again];
    store.admit(closings.into_iter().flat_map(|event| arrived(event, 3)).collect(), t(3)).await;
    let late = store.admit(arrived(sale("till", 2, 0, of_day("2026-11-23")), 4), t(4)).await;
    assert!(late.raised[0].problem.message.ends_with(&t(2).to_string()), "{:?}", late.raised);
}

pub async fn an_older_order_goes_to_its_default_erp_and_stays_there(store: Store) {
    let store = Driver(store);
    let target = || Target { pin: true, older_orders: Some("erp-legacy".into()), ..to("erp-cloud") };
    let update = store.admit(vec![new(order("order.updated", 1, 1), vec![target()])], t(1)).await;
    assert_eq!(update.deliveries[0].connector, "erp-legacy");
    // From then on it is pinned, whatever the routes say.
    let cloud = Target { pin: true, ..to("erp-cloud") };
    let back = store.admit(vec![new(refund(5, 1), vec![cloud.clone()])], t(2)).await;
    assert_eq!(back.deliveries[0].connector, "erp-legacy");
    assert_eq!(store.0.pin(&order_id(1)).await.unwrap().as_deref(), Some("erp-legacy"));
    // An order that is pinned stays where it is.
    store.admit(vec![new(order("order.placed", 2, 1), vec![cloud])], t(3)).await;
    let later = store.admit(vec![new(order("order.updated", 2, 4), vec![target()])], t(4)).await;
    assert_eq!(later.deliveries[0].connector, "erp-cloud");
}

pub async fn what_has_its_hour_is_claimed_then(store: Store) {
    let store = Driver(store);
    let windowed = |due| Target { due_at: Some(t(due)), ..to(ERP) };
    let first = store.admit(vec![new(order("order.placed", 1, 0), vec![windowed(3600)])], t(1)).await;
    assert_eq!(first.deliveries[0].state, "ready");
    assert!(store.claim(t(3599)).await.is_empty());
    assert_eq!(store.0.next_due().await.unwrap(), [(ERP.to_owned(), t(3600))]);
    let stuck = store.0.stuck(None, t(2), stuck_page(1)).await.unwrap();
    assert_eq!((stuck[0].why.as_str(), stuck[0].next_at), ("waits until it is due", Some(t(3600))));
    // A newer state is sent at the due time of the delivery that it joins.
    let newer = new(order("order.updated", 1, 2), vec![windowed(90_000)]);
    assert_eq!(store.admit(vec![newer], t(2)).await.deliveries[0].state, "joined");
    let claimed = store.claim_only(first.deliveries[0].delivery, t(3600)).await;
    assert_eq!(claimed.event, order("order.updated", 1, 2));
    // One that was rejected and is corrected waits for the next due time.
    store.settle(&claimed, rejected(Sent::No), t(3601)).await;
    store.admit(vec![new(order("order.updated", 1, 3700), vec![windowed(90_000)])], t(3700)).await;
    assert!(store.claim(t(89_999)).await.is_empty());
    store.claim_only(first.deliveries[0].delivery, t(90_000)).await;
}

pub async fn an_edit_that_waited_is_not_sent_after_the_state_that_contains_it(store: Store) {
    let store = Driver(store);
    let (contained, what) = store.enqueue(edit("e1", 1, 5), t(5)).await;
    assert_eq!(what, "waiting");
    let (after, _) = store.enqueue(edit("e2", 1, 9), t(9)).await;
    let (placed, _) = store.enqueue(order("order.placed", 1, 7), t(10)).await;
    let claimed = store.claim_only(placed, t(10)).await;
    let settled = store.settle(&claimed, posted(&["SO-1"]), t(11)).await;
    assert_eq!(settled.released, [after]);
    assert_eq!(store.state(contained).await, "joined");
    let reason = store.0.delivery(contained).await.unwrap().unwrap().row.reason.unwrap();
    assert_eq!(reason.code, "overtaken");
    store.claim_only(after, t(11)).await;
}

pub async fn a_late_report_of_a_fast_clock_is_still_the_older_state(store: Store) {
    let store = Driver(store);
    // Five minutes fast: the first state comes with a retry, long after the second.
    let reported = |at: i64, arrived: i64| {
        let mut new = new(order("order.updated", 1, at), vec![to(ERP)]);
        new.incoming =
            crossdock_rules::admission::Incoming::of(&new.event, t(arrived)).expect("it can be read");
        new
    };
    store.admit(vec![reported(360, 61)], t(61)).await;
    let late = store.admit(vec![reported(300, 330)], t(330)).await;
    assert_eq!(late.deliveries[0].state, "stale");
    let claimed = store.claim(t(331)).await.pop().unwrap();
    assert_eq!(claimed.event, order("order.updated", 1, 360));
    // Its own clock still orders the states of the source: a later one by that clock is newer.
    assert_eq!(store.admit(vec![reported(400, 399)], t(399)).await.deliveries[0].state, "queued");
}

pub async fn a_clock_that_is_ahead_does_not_win(store: Store) {
    let store = Driver(store);
    let day = 86_400;
    let reported = |at: i64, arrived: i64| {
        let mut new = new(order("order.updated", 1, at), vec![to(ERP)]);
        new.incoming =
            crossdock_rules::admission::Incoming::of(&new.event, t(arrived)).expect("it can be read");
        new
    };
    store.admit(vec![reported(day, 10)], t(10)).await;
    // Read again later it is the same event.
    let again = store.admit(vec![reported(day, 500)], t(500)).await;
    assert_eq!((again.duplicates, again.deliveries.len()), (1, 0));
    let right = store.admit(vec![reported(20, 21)], t(21)).await;
    assert_eq!(right.deliveries[0].state, "joined");
    let claimed = store.claim(t(22)).await.pop().unwrap();
    assert_eq!(claimed.event, order("order.updated", 1, 20));
    store
        .settle(&claimed, answer(Next::Settle(crossdock_rules::lane::Ending::Posted), Sent::Yes), t(23))
        .await;
}

pub async fn a_refund_that_went_nowhere_is_no_report_of_it(store: Store) {
    let store = Driver(store);
    let till = sale("poslog", 1, 0, named("k"));
    let shop = sale("shopify", 900, 1, named("k"));
    store.admit(routed_to_erp(till.clone()), t(1)).await;
    store.admit(routed_to_erp(shop.clone()), t(2)).await;
    store.admit(vec![new(gave_back(refund_of(&till, 5), "10.00"), vec![])], t(3)).await;
    let routed = store.admit(routed_to_erp(gave_back(refund_of(&shop, 6), "10.00")), t(4)).await;
    assert_eq!(routed.deliveries[0].state, "queued");
}

pub async fn a_sale_that_went_elsewhere_is_not_left_out(store: Store) {
    let store = Driver(store);
    let till = sale("poslog", 1, 0, named("k"));
    let shop = sale("shopify", 900, 1, named("k"));
    store.admit(vec![new(till, vec![to("loyalty")])], t(1)).await;
    let routed = store.admit(routed_to_erp(shop), t(2)).await;
    assert_eq!(routed.deliveries[0].state, "ready");
}
