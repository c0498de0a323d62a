//! Sales that two systems tell, days that are closed, orders older than Crossdock, and deliveries that have
//! to wait for their hour.

use crossdock_model::event::{Event, Fact};
use crossdock_model::order::Order;
use crossdock_rules::lane::Sent;
use crossdock_rules::outcome::Next;
use crossdock_rules::ownership::Class;
use serde_json::json;

use super::samples::*;
use crate::{Command, NewEvent, Store, Target};

/// A sale as a system tells it.
fn sale(system: &str, number: u32, at: i64, change: impl FnOnce(&mut Order)) -> Event {
    let mut event = order("order.placed", number, at);
    event.entity.system = system.into();
    if let Fact::Order(told) = &mut event.fact {
        change(&mut told.order);
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

fn owed_to_erp(event: Event) -> Vec<NewEvent> {
    vec![new(event, vec![Target { pin: true, ..to(ERP) }])]
}

pub async fn two_orders_of_one_natural_key_are_one_sale(store: Store) {
    let store = Driver(store);
    let till = sale("poslog", 1, 0, named("31/2/2026-11-23/77"));
    let shop = sale("shopify", 900, 1, named("31/2/2026-11-23/77"));
    let first = store.admit(owed_to_erp(till.clone()), t(1)).await;
    assert_eq!(first.deliveries[0].state, "ready");
    let second = store.admit(owed_to_erp(shop.clone()), t(2)).await;
    assert_eq!(second.deliveries[0].state, "same-sale");
    let shown = store.0.delivery(second.deliveries[0].delivery).await.unwrap().unwrap().row;
    assert_eq!(shown.ending.as_deref(), Some("same-sale"));
    let reason = shown.reason.unwrap();
    assert_eq!(reason.message, format!("the same sale as {}", till.entity));
    // Whatever the second tells later, with or without the key, is of the same sale.
    let mut later = order("order.updated", 900, 5);
    later.entity = shop.entity.clone();
    assert_eq!(store.admit(owed_to_erp(later), t(5)).await.deliveries[0].state, "same-sale");
    // What the first tells is not.
    let mut more = order("order.updated", 1, 6);
    more.entity = till.entity.clone();
    assert_eq!(store.admit(owed_to_erp(more), t(6)).await.deliveries[0].state, "joined");
    let other = sale("shopify", 901, 7, named("31/2/2026-11-23/78"));
    assert_eq!(store.admit(owed_to_erp(other), t(7)).await.deliveries[0].state, "ready");
}

pub async fn a_refund_of_the_same_sale_follows_the_first(store: Store) {
    let store = Driver(store);
    let till = sale("poslog", 1, 0, named("k"));
    let shop = sale("shopify", 900, 1, named("k"));
    let both = [till.clone(), shop.clone()].into_iter().flat_map(owed_to_erp).collect();
    let placed = store.admit(both, t(1)).await.deliveries[0].delivery;
    let back = store.admit(owed_to_erp(refund_of(&shop, 5)), t(2)).await;
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
    if let Fact::RefundIssued(told) = &mut refund.fact {
        let price = json!({ "shop": { "amount": amount, "currency": "USD" } });
        let payment = json!({
            "id": "1", "kind": "refund", "outcome": "success", "tender": "card", "gateway": "g",
            "amount": price, "at": t(0).to_string(), "test": false
        });
        told.payments = vec![serde_json::from_value(payment).unwrap()];
    }
    refund
}

pub async fn a_refund_that_both_tell_is_one(store: Store) {
    let store = Driver(store);
    let (till, shop) = (sale("poslog", 1, 0, named("k")), sale("shopify", 900, 1, named("k")));
    // One tells its refund before anything is known of the other.
    store.admit(owed_to_erp(till.clone()), t(1)).await;
    let first = store.admit(owed_to_erp(gave_back(refund_of(&till, 5), "10.00")), t(2)).await;
    assert_eq!(first.deliveries[0].state, "queued");
    store.admit(owed_to_erp(shop.clone()), t(3)).await;
    let told = |number, amount| store.admit(owed_to_erp(gave_back(refund_of(&shop, number), amount)), t(4));
    let again = told(6, "10").await;
    assert_eq!(again.deliveries[0].state, "same-sale");
    let reason = store.0.delivery(again.deliveries[0].delivery).await.unwrap().unwrap().row.reason.unwrap();
    assert_eq!(reason.message, "the same refund as poslog/acme/refund/5");
    // Another of that amount, and one of another, are refunds of their own.
    assert_eq!(told(7, "10").await.deliveries[0].state, "queued");
    assert_eq!(told(8, "3").await.deliveries[0].state, "queued");
    // What the till tells of them then is not.
    let back = store.admit(owed_to_erp(gave_back(refund_of(&till, 9), "3.00")), t(5)).await;
    assert_eq!(back.deliveries[0].state, "same-sale");
}

pub async fn what_waits_for_a_sale_that_another_told_first_goes_on_with_that(store: Store) {
    let store = Driver(store);
    let (shop, till) = (sale("shopify", 900, 1, named("k")), sale("poslog", 1, 0, named("k")));
    // A till's refunds come before its sale; the shop told the sale, and one of the refunds, first.
    let placed = store.admit(owed_to_erp(shop.clone()), t(1)).await.deliveries[0].delivery;
    store.admit(owed_to_erp(gave_back(refund_of(&shop, 5), "3")), t(2)).await;
    let early = |number, amount| store.admit(owed_to_erp(gave_back(refund_of(&till, number), amount)), t(2));
    let (same, other) =
        (early(6, "3.00").await.deliveries.remove(0), early(7, "10").await.deliveries.remove(0));
    assert_eq!((same.state, other.state), ("waiting", "waiting"));
    assert_eq!(store.admit(owed_to_erp(till), t(3)).await.deliveries[0].state, "same-sale");
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

pub async fn a_refund_that_comes_first_does_not_choose_the_home(store: Store) {
    let store = Driver(store);
    let pinning = |connector: &str| vec![Target { pin: true, ..to(connector) }, to("wms")];
    // A refund says neither channel nor tags: the route takes it for the cloud's.
    let early = store.admit(vec![new(refund(5, 1), pinning("erp-cloud"))], t(1)).await;
    let told: Vec<_> = early.deliveries.iter().map(|it| (it.connector.as_str(), it.state)).collect();
    assert_eq!(told, [("erp-cloud", "waiting"), ("wms", "waiting")]);
    assert_eq!(store.0.pin(&order_id(1)).await.unwrap(), None);
    let edited =
        store.admit(vec![new(edit("e1", 1, 9), pinning("erp-cloud"))], t(1)).await.deliveries.remove(0);
    // What waited in vain is moved too.
    let given_up =
        store.admit(vec![new(refund(6, 1), pinning("erp-cloud"))], t(1)).await.deliveries.remove(0);
    let waiting = std::time::Duration::ZERO;
    store
        .moved(Command::Overdue {
            connector: "erp-cloud".into(),
            now: t(1),
            wait_limit: waiting,
            limit: 1000,
        })
        .await;
    let placed = store.admit(vec![new(order("order.placed", 1, 0), pinning("erp-legacy"))], t(2)).await;
    assert_eq!(store.0.pin(&order_id(1)).await.unwrap().as_deref(), Some("erp-legacy"));
    // Its home is told of the refund, once and after its order; whoever is told of the order anyway keeps his.
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

pub async fn a_refund_that_was_owed_to_the_home_too_is_told_once(store: Store) {
    let store = Driver(store);
    let class = Some(Class::Erp);
    let erp = |connector: &str| Target { pin: true, class, ..to(connector) };
    let both = vec![Target { pin: true, ..to("a") }, Target { pin: true, ..to("b") }];
    let early = store.admit(vec![new(refund(5, 1), both)], t(1)).await;
    store.admit(vec![new(order("order.placed", 1, 0), vec![erp("b")])], t(2)).await;
    assert_eq!(store.state(early.deliveries[0].delivery).await, "joined");
    assert_eq!(store.state(early.deliveries[1].delivery).await, "waiting");
    // A cancelled order takes what was moved to it along.
    let early = store.admit(vec![new(refund(6, 2), vec![erp("a")])], t(3)).await;
    store.admit(vec![new(order("order.placed", 2, 0), vec![erp("b")])], t(4)).await;
    store.admit(vec![new(order("order.cancelled", 2, 5), vec![erp("a")])], t(5)).await;
    assert_eq!(store.state(early.deliveries[0].delivery).await, "annulled");
}

pub async fn one_erp_keeps_the_books_and_others_are_told_what_their_routes_say(store: Store) {
    let store = Driver(store);
    let of = |connector: &str, class| Target { pin: true, class, ..to(connector) };
    let erp = |name: &str| of(name, Some(Class::Erp));
    let told = |admitted: crate::Admitted| -> Vec<String> {
        admitted.deliveries.into_iter().map(|owed| owed.connector).collect()
    };
    // A warehouse is told too, wherever it stands; a second ERP is not.
    let warehouse = || of("wms", Some(Class::Warehouse));
    let placed = vec![warehouse(), erp("erp"), erp("other")];
    let placed = store.admit(vec![new(order("order.placed", 1, 0), placed)], t(1)).await;
    assert_eq!(told(placed), ["wms", "erp"]);
    let refunded = store.admit(vec![new(refund(5, 1), vec![erp("other"), warehouse()])], t(2)).await;
    assert_eq!(told(refunded), ["erp", "wms"]);
    // Where nobody said what they are, the first keeps the books; the second is told what it was told before.
    let unsaid = |names: [&str; 2]| names.map(|name| of(name, None)).to_vec();
    let placed = store.admit(vec![new(order("order.placed", 2, 0), unsaid(["a", "b"]))], t(3)).await;
    assert_eq!(told(placed), ["a", "b"]);
    let refunded = store.admit(vec![new(refund(6, 2), unsaid(["a", "b"]))], t(4)).await;
    assert_eq!(told(refunded), ["a", "b"]);
    let refunded = store.admit(vec![new(refund(7, 2), unsaid(["c", "a"]))], t(5)).await;
    assert_eq!(told(refunded), ["a"]);
    // One that is an ERP comes before one of which nobody said.
    let placed = vec![of("wms", None), erp("erp")];
    store.admit(vec![new(order("order.placed", 3, 0), placed)], t(6)).await;
    assert_eq!(store.0.pin(&order_id(3)).await.unwrap().as_deref(), Some("erp"));
    // Nobody is told what they said themselves, wherever the books are.
    let own = from("erp", new(refund(8, 3), vec![erp("other")]));
    assert_eq!(told(store.admit(vec![own], t(7)).await), [""; 0]);
}

pub async fn an_order_that_is_booked_on_its_own_stays_so(store: Store) {
    let store = Driver(store);
    let shop = sale("shopify", 900, 0, |_| ());
    store.admit(owed_to_erp(shop), t(1)).await;
    store.admit(owed_to_erp(sale("poslog", 1, 0, named("k"))), t(2)).await;
    // Only later it learns what the till calls it: the ERP has it by then.
    let mut named = sale("shopify", 900, 3, named("k"));
    if let Fact::Order(told) = &mut named.fact {
        told.operation = crossdock_model::event::OrderOperation::Updated;
    }
    assert_eq!(store.admit(owed_to_erp(named), t(3)).await.deliveries[0].state, "joined");
}

/// The event as it arrived at a second.
fn arrived(event: Event, at: i64) -> Vec<NewEvent> {
    let mut owed = owed_to_erp(event);
    owed.iter_mut().filter_map(|new| new.incoming.business_day.as_mut()).for_each(|day| day.arrived = t(at));
    owed
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
    // A newer state of it is as late.
    let mut more = sale("till", 2, 4, of_day("2026-11-23"));
    if let Fact::Order(told) = &mut more.fact {
        told.operation = crossdock_model::event::OrderOperation::Updated;
    }
    assert_eq!(store.admit(arrived(more.clone(), 4), t(4)).await.deliveries[0].state, "joined");
    assert_eq!(store.state(late.deliveries[0].delivery).await, "exception");
    // Other days, other stores, and what the ERP knows already go on.
    for sale in [sale("till", 3, 0, of_day("2026-11-24")), sale("other", 4, 0, of_day("2026-11-23"))] {
        assert_eq!(store.admit(arrived(sale, 5), t(5)).await.deliveries[0].state, "ready");
    }
    let mut known = sale("till", 1, 6, of_day("2026-11-23"));
    if let Fact::Order(told) = &mut known.fact {
        told.operation = crossdock_model::event::OrderOperation::Updated;
    }
    assert_eq!(store.admit(arrived(known, 6), t(6)).await.deliveries[0].state, "joined");
    // A refund that is late too is decided with its sale.
    let mut refund = refund_of(&more, 9);
    if let Fact::RefundIssued(told) = &mut refund.fact {
        (told.store, told.business_date) = (Some("31".into()), Some("2026-11-23".into()));
    }
    assert_eq!(store.admit(arrived(refund, 6), t(6)).await.deliveries[0].state, "exception");
    store.claim(t(7)).await;
    let delivery = late.deliveries[0].delivery;
    store.moved(Command::Retry { delivery, by: "me".into(), now: t(8) }).await;
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

pub async fn a_day_that_is_told_closed_twice_was_closed_the_first_time(store: Store) {
    let store = Driver(store);
    let mut again = day_closed("till", "31", "2026-11-23", 9);
    again.entity.id = "another".into();
    let closings = [day_closed("till", "31", "2026-11-23", 2), again];
    store.admit(closings.into_iter().flat_map(|event| arrived(event, 3)).collect(), t(3)).await;
    let late = store.admit(arrived(sale("till", 2, 0, of_day("2026-11-23")), 4), t(4)).await;
    assert!(late.raised[0].problem.message.ends_with(&t(2).to_string()), "{:?}", late.raised);
}

pub async fn an_older_order_goes_to_its_default_home_and_stays_there(store: Store) {
    let store = Driver(store);
    let target = || Target { pin: true, older_orders: Some("erp-legacy".into()), ..to("erp-cloud") };
    let update = store.admit(vec![new(order("order.updated", 1, 1), vec![target()])], t(1)).await;
    assert_eq!(update.deliveries[0].connector, "erp-legacy");
    // From then on it is pinned, whatever the routes say.
    let cloud = Target { pin: true, ..to("erp-cloud") };
    let back = store.admit(vec![new(refund(5, 1), vec![cloud.clone()])], t(2)).await;
    assert_eq!(back.deliveries[0].connector, "erp-legacy");
    assert_eq!(store.0.pin(&order_id(1)).await.unwrap().as_deref(), Some("erp-legacy"));
    // An order that has a home keeps it.
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
    // A newer state goes out in the hour of the one it joins.
    let newer = new(order("order.updated", 1, 2), vec![windowed(90_000)]);
    assert_eq!(store.admit(vec![newer], t(2)).await.deliveries[0].state, "joined");
    let claimed = store.claim_only(first.deliveries[0].delivery, t(3600)).await;
    assert_eq!(claimed.event, order("order.updated", 1, 2));
    // One that was refused and is corrected waits for the next.
    store.settle(&claimed, rejected(Sent::No), t(3601)).await;
    store.admit(vec![new(order("order.updated", 1, 3700), vec![windowed(90_000)])], t(3700)).await;
    assert!(store.claim(t(89_999)).await.is_empty());
    store.claim_only(first.deliveries[0].delivery, t(90_000)).await;
}

pub async fn an_edit_that_waited_is_not_told_after_the_state_that_contains_it(store: Store) {
    let store = Driver(store);
    let (contained, what) = store.owe(edit("e1", 1, 5), t(5)).await;
    assert_eq!(what, "waiting");
    let (after, _) = store.owe(edit("e2", 1, 9), t(9)).await;
    let (placed, _) = store.owe(order("order.placed", 1, 7), t(10)).await;
    let claimed = store.claim_only(placed, t(10)).await;
    let settled = store.settle(&claimed, posted(&["SO-1"]), t(11)).await;
    assert_eq!(settled.released, [after]);
    assert_eq!(store.state(contained).await, "joined");
    let reason = store.0.delivery(contained).await.unwrap().unwrap().row.reason.unwrap();
    assert_eq!(reason.code, "overtaken");
    store.claim_only(after, t(11)).await;
}

pub async fn what_a_fast_clock_tells_late_is_still_the_older_state(store: Store) {
    let store = Driver(store);
    // Five minutes fast: the first state comes with a retry, long after the second.
    let told = |at: i64, arrived: i64| {
        let mut new = new(order("order.updated", 1, at), vec![to(ERP)]);
        new.incoming =
            crossdock_rules::admission::Incoming::of(&new.event, t(arrived)).expect("it can be read");
        new
    };
    store.admit(vec![told(360, 61)], t(61)).await;
    let late = store.admit(vec![told(300, 330)], t(330)).await;
    assert_eq!(late.deliveries[0].state, "stale");
    let claimed = store.claim(t(331)).await.pop().unwrap();
    assert_eq!(claimed.event, order("order.updated", 1, 360));
    // What is a little ahead is newer than what is further ahead, if it says so.
    assert_eq!(store.admit(vec![told(400, 399)], t(399)).await.deliveries[0].state, "queued");
}

pub async fn a_clock_that_is_ahead_does_not_win(store: Store) {
    let store = Driver(store);
    let day = 86_400;
    let told = |at: i64, arrived: i64| {
        let mut new = new(order("order.updated", 1, at), vec![to(ERP)]);
        new.incoming =
            crossdock_rules::admission::Incoming::of(&new.event, t(arrived)).expect("it can be read");
        new
    };
    store.admit(vec![told(day, 10)], t(10)).await;
    // Read again later it is the same event.
    let again = store.admit(vec![told(day, 500)], t(500)).await;
    assert_eq!((again.duplicates, again.deliveries.len()), (1, 0));
    let right = store.admit(vec![told(20, 21)], t(21)).await;
    assert_eq!(right.deliveries[0].state, "joined");
    let claimed = store.claim(t(22)).await.pop().unwrap();
    assert_eq!(claimed.event, order("order.updated", 1, 20));
    store
        .settle(&claimed, answer(Next::Settle(crossdock_rules::lane::Ending::Posted), Sent::Yes), t(23))
        .await;
}
