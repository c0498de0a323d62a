//! Sales that two systems tell, days that are closed, orders older than Crossdock, and deliveries that have
//! to wait for their hour.

use crossdock_model::event::{Event, Fact};
use crossdock_model::order::Order;
use crossdock_rules::lane::Sent;
use crossdock_rules::outcome::Next;

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

pub async fn two_orders_of_one_natural_key_are_one_sale(store: impl Store) {
    let store = Driver(store);
    let till = sale("poslog", 1, 0, named("31/2/2026-11-23/77"));
    let shop = sale("shopify", 900, 1, named("31/2/2026-11-23/77"));
    let first = store.admit(owed_to_erp(till.clone()), t(1)).await;
    assert_eq!(first.owed[0].what, "ready");
    let second = store.admit(owed_to_erp(shop.clone()), t(2)).await;
    assert_eq!(second.owed[0].what, "same-sale");
    let shown = store.0.delivery(second.owed[0].delivery).await.unwrap().unwrap().row;
    assert_eq!(shown.ending.as_deref(), Some("same-sale"));
    let reason = shown.reason.unwrap();
    assert_eq!(reason.message, format!("the same sale as {}", till.entity));
    // Whatever the second tells later, with or without the key, is of the same sale.
    let mut later = order("order.updated", 900, 5);
    later.entity = shop.entity.clone();
    assert_eq!(store.admit(owed_to_erp(later), t(5)).await.owed[0].what, "same-sale");
    // What the first tells is not.
    let mut more = order("order.updated", 1, 6);
    more.entity = till.entity.clone();
    assert_eq!(store.admit(owed_to_erp(more), t(6)).await.owed[0].what, "joined");
    let other = sale("shopify", 901, 7, named("31/2/2026-11-23/78"));
    assert_eq!(store.admit(owed_to_erp(other), t(7)).await.owed[0].what, "ready");
}

pub async fn a_refund_of_the_same_sale_follows_the_first(store: impl Store) {
    let store = Driver(store);
    let till = sale("poslog", 1, 0, named("k"));
    let shop = sale("shopify", 900, 1, named("k"));
    let both = [till.clone(), shop.clone()].into_iter().flat_map(owed_to_erp).collect();
    let placed = store.admit(both, t(1)).await.owed[0].delivery;
    let back = store.admit(owed_to_erp(refund_of(&shop, 5)), t(2)).await;
    assert_eq!(back.owed[0].what, "queued");
    let claimed = store.claim_only(placed, t(2)).await;
    assert_eq!(store.settle(&claimed, posted(&["SO-1"]), t(3)).await.released, [back.owed[0].delivery]);
    let claimed = store.claim_only(back.owed[0].delivery, t(3)).await;
    assert_eq!(claimed.lane, till.entity.to_string());
    assert_eq!(claimed.parent_references, [reference("SO-1")]);
    // The pin of the first is that of both.
    store.settle(&claimed, posted(&[]), t(4)).await;
    let cloud = vec![Target { pin: true, ..to("erp-cloud") }];
    let elsewhere = store.admit(vec![new(refund_of(&shop, 6), cloud)], t(5)).await;
    assert_eq!((elsewhere.owed[0].connector.as_str(), elsewhere.owed[0].what.as_str()), (ERP, "ready"));
}

pub async fn an_order_that_is_booked_on_its_own_stays_so(store: impl Store) {
    let store = Driver(store);
    let shop = sale("shopify", 900, 0, |_| ());
    store.admit(owed_to_erp(shop), t(1)).await;
    store.admit(owed_to_erp(sale("poslog", 1, 0, named("k"))), t(2)).await;
    // Only later it learns what the till calls it: the ERP has it by then.
    let mut named = sale("shopify", 900, 3, named("k"));
    if let Fact::Order(told) = &mut named.fact {
        told.operation = crossdock_model::event::OrderOperation::Updated;
    }
    assert_eq!(store.admit(owed_to_erp(named), t(3)).await.owed[0].what, "joined");
}

fn of_day(date: &str) -> impl FnOnce(&mut Order) {
    let date = date.to_owned();
    move |order| (order.store, order.business_date) = (Some("31".into()), Some(date))
}

pub async fn a_late_sale_of_a_closed_day_is_for_a_person(store: impl Store) {
    let store = Driver(store);
    let early = store.admit(owed_to_erp(sale("till", 1, 0, of_day("2026-11-23"))), t(1)).await;
    assert_eq!(early.owed[0].what, "ready");
    let closing = day_closed("till", "31", "2026-11-23", 2);
    assert_eq!(store.admit(owed_to_erp(closing), t(2)).await.owed[0].what, "ready");
    let late = store.admit(owed_to_erp(sale("till", 2, 0, of_day("2026-11-23"))), t(3)).await;
    assert_eq!(late.owed[0].what, "exception");
    let raised = &late.raised[0];
    assert_eq!((raised.delivery, raised.problem.code.as_str()), (late.owed[0].delivery, "day-closed"));
    for part in ["till/acme/31", "2026-11-23", &t(2).to_string()] {
        assert!(raised.problem.message.contains(part), "{raised:?}");
    }
    // A newer state of it is as late.
    let mut more = sale("till", 2, 4, of_day("2026-11-23"));
    if let Fact::Order(told) = &mut more.fact {
        told.operation = crossdock_model::event::OrderOperation::Updated;
    }
    assert_eq!(store.admit(owed_to_erp(more.clone()), t(4)).await.owed[0].what, "joined");
    assert_eq!(store.state(late.owed[0].delivery).await, "exception");
    // Other days, other stores, and what the ERP knows already go on.
    for sale in [sale("till", 3, 0, of_day("2026-11-24")), sale("other", 4, 0, of_day("2026-11-23"))] {
        assert_eq!(store.admit(owed_to_erp(sale), t(5)).await.owed[0].what, "ready");
    }
    let mut known = sale("till", 1, 6, of_day("2026-11-23"));
    if let Fact::Order(told) = &mut known.fact {
        told.operation = crossdock_model::event::OrderOperation::Updated;
    }
    assert_eq!(store.admit(owed_to_erp(known), t(6)).await.owed[0].what, "joined");
    // A refund that is late too is decided with its sale.
    let mut refund = refund_of(&more, 9);
    if let Fact::RefundIssued(told) = &mut refund.fact {
        (told.store, told.business_date) = (Some("31".into()), Some("2026-11-23".into()));
    }
    assert_eq!(store.admit(owed_to_erp(refund), t(6)).await.owed[0].what, "exception");
    store.claim(t(7)).await;
    let delivery = late.owed[0].delivery;
    store.moved(Command::Retry { delivery, by: "me".into(), now: t(8) }).await;
    let claimed = store.claim_only(delivery, t(8)).await;
    assert_eq!(claimed.event, more);
    store.settle(&claimed, posted(&[]), t(8)).await;
    assert_eq!(store.claim(t(9)).await.len(), 0);
}

pub async fn a_day_that_is_told_closed_twice_was_closed_the_first_time(store: impl Store) {
    let store = Driver(store);
    let mut again = day_closed("till", "31", "2026-11-23", 9);
    again.entity.id = "another".into();
    let closings = [day_closed("till", "31", "2026-11-23", 2), again];
    store.admit(closings.into_iter().map(|event| new(event, vec![])).collect(), t(3)).await;
    let late = store.admit(owed_to_erp(sale("till", 2, 0, of_day("2026-11-23"))), t(4)).await;
    assert!(late.raised[0].problem.message.ends_with(&t(2).to_string()), "{:?}", late.raised);
}

pub async fn an_older_order_goes_to_its_default_home_and_stays_there(store: impl Store) {
    let store = Driver(store);
    let target = || Target { pin: true, home: Some("erp-legacy".into()), ..to("erp-cloud") };
    let update = store.admit(vec![new(order("order.updated", 1, 1), vec![target()])], t(1)).await;
    assert_eq!(update.owed[0].connector, "erp-legacy");
    // From then on it is pinned, whatever the routes say.
    let cloud = Target { pin: true, ..to("erp-cloud") };
    let back = store.admit(vec![new(refund(5, 1), vec![cloud.clone()])], t(2)).await;
    assert_eq!(back.owed[0].connector, "erp-legacy");
    assert_eq!(store.0.pin(&order_id(1)).await.unwrap().as_deref(), Some("erp-legacy"));
    // An order that has a home keeps it.
    store.admit(vec![new(order("order.placed", 2, 1), vec![cloud])], t(3)).await;
    let later = store.admit(vec![new(order("order.updated", 2, 4), vec![target()])], t(4)).await;
    assert_eq!(later.owed[0].connector, "erp-cloud");
}

pub async fn what_has_its_hour_is_claimed_then(store: impl Store) {
    let store = Driver(store);
    let windowed = |due| Target { due_at: Some(t(due)), ..to(ERP) };
    let first = store.admit(vec![new(order("order.placed", 1, 0), vec![windowed(3600)])], t(1)).await;
    assert_eq!(first.owed[0].what, "ready");
    assert!(store.claim(t(3599)).await.is_empty());
    assert_eq!(store.0.next_due().await.unwrap(), [(ERP.to_owned(), t(3600))]);
    let stuck = store.0.stuck(None, t(2), 1).await.unwrap();
    assert_eq!((stuck[0].why.as_str(), stuck[0].next_at), ("waits until it is due", Some(t(3600))));
    // A newer state goes out in the hour of the one it joins.
    let newer = new(order("order.updated", 1, 2), vec![windowed(90_000)]);
    assert_eq!(store.admit(vec![newer], t(2)).await.owed[0].what, "joined");
    let claimed = store.claim_only(first.owed[0].delivery, t(3600)).await;
    assert_eq!(claimed.event, order("order.updated", 1, 2));
    // One that was refused and is corrected waits for the next.
    store.settle(&claimed, rejected(Sent::No), t(3601)).await;
    store.admit(vec![new(order("order.updated", 1, 3700), vec![windowed(90_000)])], t(3700)).await;
    assert!(store.claim(t(89_999)).await.is_empty());
    store.claim_only(first.owed[0].delivery, t(90_000)).await;
}

pub async fn an_edit_that_waited_is_not_told_after_the_state_that_contains_it(store: impl Store) {
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

pub async fn a_clock_that_is_ahead_does_not_win(store: impl Store) {
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
    assert_eq!((again.duplicates, again.owed.len()), (1, 0));
    let right = store.admit(vec![told(20, 21)], t(21)).await;
    assert_eq!(right.owed[0].what, "joined");
    let claimed = store.claim(t(22)).await.pop().unwrap();
    assert_eq!(claimed.event, order("order.updated", 1, 20));
    store
        .settle(&claimed, answer(Next::Settle(crossdock_rules::lane::Ending::Posted), Sent::Yes), t(23))
        .await;
}
