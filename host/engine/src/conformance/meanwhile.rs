//! What happens between two things that belong together: a clock is put right while a call runs, an order comes while its
//! refund is being tried.

use std::collections::BTreeMap;

use crossdock_model::event::Event;
use crossdock_rules::admission::Incoming;
use crossdock_rules::lane::{Ending, Sent};
use crossdock_rules::outcome::{Next, Settlement, mapping_key};

use super::echoes::{status, tagged, written};
use super::samples::*;
use crate::registry::StoreRecord;
use crate::{Applied, Claimed, Command, NewEvent, PutStores, Store, Target};

const SHOP: &str = "shop";
const DAY: i64 = 86_400;

/// The event, which arrived at a second, whatever its source's clock says.
fn arrived(event: Event, at: i64, target: Target) -> Vec<NewEvent> {
    let mut new = new(event, vec![target]);
    new.incoming = Incoming::of(&new.event, t(at)).expect("it can be read");
    vec![new]
}

/// Registers the store that the ERP calls 655.
fn put_store() -> Command {
    let record = StoreRecord {
        id: "S1".into(),
        name: "Hamburg".into(),
        zone: "Europe/Berlin".into(),
        codes: BTreeMap::from([(ERP.to_owned(), "655".to_owned())]),
        ..StoreRecord::default()
    };
    Command::PutStores(PutStores { stores: vec![record], by: "me".into(), now: t(2), ..PutStores::default() })
}

impl Driver {
    async fn arrives(&self, event: Event, at: i64) -> (i64, &'static str) {
        let delivery = self.admit(arrived(event, at, to(ERP)), t(at)).await.deliveries.remove(0);
        (delivery.delivery, delivery.state)
    }

    pub(super) async fn posts(&self, claimed: &Claimed, now: i64) {
        self.settle(claimed, posted(&["SO-1"]), t(now)).await;
    }

    async fn not_yet(&self, claimed: &Claimed, now: i64) {
        let next = Next::Wait { parent: order_id(1), retry_at: t(now + 600) };
        self.settle(claimed, answer(next, Sent::No), t(now)).await;
    }

    pub(super) async fn receives(&self, claimed: &Claimed, now: i64) -> crate::Settled {
        let next = Next::Received { overdue_at: t(now + 100), releases: true };
        self.settle(claimed, answer(next, Sent::Yes), t(now)).await
    }
}

pub async fn a_level_dated_by_another_systems_clock_is_sent_behind_the_one_in_flight(store: Store) {
    let store = Driver(store);
    let counted = |system: &str, location: &str, available: &str, at| {
        let target = Target { sum: Some("hamburg".into()), ..to(SHOP) };
        vec![from(system, new(level(system, "A/1", location, Some(available), at), vec![target]))]
    };
    store.admit(counted("legacy", "10", "4", 100), t(100)).await;
    let claimed = store.claim_of(SHOP, 9, t(100)).await.pop().unwrap();
    // The other system's clock is slow.
    let second = store.admit(counted("cloud", "7", "5", 90), t(101)).await.deliveries.remove(0);
    assert_eq!(second.state, "queued");
    store.posts(&claimed, 102).await;
    assert_eq!(store.claim_of(SHOP, 9, t(102)).await[0].delivery, second.delivery);
}

pub async fn a_newer_state_is_sent_after_its_sources_clock_was_put_right(store: Store) {
    let store = Driver(store);
    store.arrives(order("order.placed", 1, DAY), 10).await;
    let claimed = store.claim(t(11)).await.pop().unwrap();
    let (newer, what) = store.arrives(order("order.updated", 1, 20), 21).await;
    assert_eq!(what, "queued");
    store.posts(&claimed, 22).await;
    store.claim_only(newer, t(22)).await;
}

pub async fn an_edit_is_sent_after_its_sources_clock_was_put_right(store: Store) {
    let store = Driver(store);
    store.arrives(order("order.placed", 1, DAY), 10).await;
    let claimed = store.claim(t(11)).await.pop().unwrap();
    // One comes while the call runs, one after it.
    let (first, what) = store.arrives(edit("e1", 1, 20), 21).await;
    assert_eq!(what, "queued");
    store.posts(&claimed, 22).await;
    let claimed = store.claim_only(first, t(22)).await;
    store.posts(&claimed, 23).await;
    let (second, what) = store.arrives(edit("e2", 1, 30), 31).await;
    assert_eq!(what, "ready");
    store.claim_only(second, t(31)).await;
}

pub async fn an_older_state_of_a_fast_clock_is_not_sent_after_a_newer_one(store: Store) {
    let store = Driver(store);
    let (older, _) = store.arrives(order("order.placed", 1, DAY), 10).await;
    let claimed = store.claim_only(older, t(10)).await;
    store.receives(&claimed, 11).await;
    let (newer, _) = store.arrives(order("order.updated", 1, 20), 21).await;
    let claimed = store.claim_only(newer, t(21)).await;
    store.posts(&claimed, 22).await;
    let wait_limit = std::time::Duration::from_secs(3600);
    store.tally(Command::Overdue { connector: ERP.into(), now: t(200), wait_limit, limit: 1000 }).await;
    store.tally(Command::Retry { delivery: older, by: "me".into(), now: t(201) }).await;
    assert_eq!(store.state(older).await, "stale");
}

pub async fn a_refund_being_tried_when_its_order_came_goes_to_the_erp_that_owns_it(store: Store) {
    let store = Driver(store);
    let pinning = |connector: &str| vec![Target { pin: true, ..to(connector) }];
    let refund = store.admit(vec![new(refund(5, 1), pinning("a"))], t(1)).await.deliveries[0].delivery;
    let wait_limit = std::time::Duration::ZERO;
    store.tally(Command::Overdue { connector: "a".into(), now: t(2), wait_limit, limit: 1000 }).await;
    store.tally(Command::Retry { delivery: refund, by: "me".into(), now: t(3) }).await;
    let trying = store.claim_of("a", 9, t(3)).await.pop().unwrap();
    let placed = store.admit(vec![new(order("order.placed", 1, 0), pinning("b"))], t(4)).await.deliveries;
    store.not_yet(&trying, 5).await;
    let claimed = store.claim_of("b", 9, t(5)).await.pop().unwrap();
    assert_eq!(claimed.delivery, placed[0].delivery);
    store.posts(&claimed, 6).await;
    assert_eq!(store.claim_of("b", 9, t(6)).await[0].delivery, refund);
}

pub async fn more_refunds_than_move_at_once_follow_their_order(store: Store) {
    let store = Driver(store);
    let pinning = |connector: &str| vec![Target { pin: true, ..to(connector) }];
    let refunds = (1..=600).map(|number| new(refund(number, 1), pinning("a"))).collect();
    store.admit(refunds, t(1)).await;
    store.admit(vec![new(order("order.placed", 1, 0), pinning("b"))], t(2)).await;
    let claimed = store.claim_of("b", 9, t(2)).await.pop().unwrap();
    store.posts(&claimed, 3).await;
    let wait_limit = std::time::Duration::from_secs(60);
    let overdue = || Command::Overdue { connector: "a".into(), now: t(100), wait_limit, limit: 1000 };
    let mut moved = 0;
    loop {
        let tally = store.tally(overdue()).await;
        assert_eq!(tally.raised, []);
        moved += tally.count;
        if !tally.more {
            break;
        }
    }
    assert_eq!(moved, 600 - 256);
    let mut sent = 0;
    while let Some(claimed) = store.claim_of("b", 9, t(101)).await.pop() {
        store.posts(&claimed, 101).await;
        sent += 1;
    }
    assert_eq!(sent, 600);
}

pub async fn what_waited_still_waits_for_its_hour(store: Store) {
    let store = Driver(store);
    let windowed = Target { due_at: Some(t(3600)), ..to(ERP) };
    let refund = store.admit(vec![new(refund(5, 1), vec![windowed])], t(1)).await.deliveries[0].delivery;
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(2)).await;
    let claimed = store.claim_only(placed, t(2)).await;
    store.posts(&claimed, 3).await;
    assert!(store.claim(t(3599)).await.is_empty());
    let claimed = store.claim_only(refund, t(3600)).await;
    // A person who tries it again wants it sent now.
    store.settle(&claimed, rejected(Sent::No), t(3600)).await;
    store.tally(Command::Retry { delivery: refund, by: "me".into(), now: t(3601) }).await;
    store.claim_only(refund, t(3601)).await;
}

pub async fn what_waited_goes_on_when_the_last_state_turns_out_to_be_an_echo(store: Store) {
    let store = Driver(store);
    let (refund, what) = store.enqueue(refund(5, 1), t(1)).await;
    assert_eq!(what, "waiting");
    let placed = tagged(0, &[], |_| ());
    store.admit_from(SHOP, placed.clone(), &[ERP], 2).await;
    store.admit_from(ERP, status(3, "accepted"), &[SHOP], 3).await;
    let writing = store.claim_of(SHOP, 1, t(3)).await.pop().unwrap();
    let creating = store.claim(t(3)).await.pop().unwrap();
    let back = store.admit_from(SHOP, tagged(4, &["SO-1"], |_| ()), &[ERP], 4).await;
    assert_eq!(back.deliveries[0].state, "waiting");
    store.settle(&creating, answer(Next::Settle(Ending::Ignored), Sent::No), t(5)).await;
    assert_eq!(store.state(refund).await, "waiting");
    let ours = vec![written(&placed, "order.tags", "SO-1")];
    store.settle(&writing, Settlement { outbound_writes: ours, ..posted(&[]) }, t(6)).await;
    assert_eq!(store.state(back.deliveries[0].delivery).await, "echo");
    store.claim_only(refund, t(6)).await;
}

pub async fn a_store_registered_in_the_unit_of_the_call_that_missed_it_is_not_waited_for(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let claimed = store.claim_only(placed, t(1)).await;
    let next = Next::Exception { code: "unmapped".into(), awaits: Some(mapping_key("store", "655")) };
    let settle = store.settling(&claimed, answer(next, Sent::No), t(2));
    let unit = vec![put_store(), Command::Settle(Box::new(settle))];
    let answers = store.0.apply(unit).await.unwrap();
    assert!(matches!(answers[1], Ok(Applied::Settled(_))), "{answers:?}");
    assert_eq!(store.state(placed).await, "ready");
}

pub async fn a_store_registered_right_after_the_call_that_missed_it_releases_it(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let claimed = store.claim_only(placed, t(1)).await;
    let next = Next::Exception { code: "unmapped".into(), awaits: Some(mapping_key("store", "655")) };
    let settle = store.settling(&claimed, answer(next, Sent::No), t(2));
    store.0.apply(vec![Command::Settle(Box::new(settle)), put_store()]).await.unwrap();
    assert_eq!(store.state(placed).await, "ready");
}

pub async fn what_does_not_belong_to_the_books_stays_where_it_was_routed(store: Store) {
    let store = Driver(store);
    let pinned = Target { pin: true, ..to("a") };
    // A refund goes to the owning ERP and, by another route, to one that is not told of orders.
    store.admit(vec![new(order("order.placed", 1, 0), vec![pinned.clone()])], t(1)).await;
    let refunded =
        store.admit(vec![new(refund(5, 1), vec![pinned.clone(), to("crm")])], t(2)).await.deliveries;
    assert_eq!(refunded[1].state, "waiting");
    let wait_limit = std::time::Duration::from_secs(60);
    let overdue = Command::Overdue { connector: "crm".into(), now: t(100), wait_limit, limit: 1000 };
    let raised = store.tally(overdue).await.raised;
    assert_eq!(raised.iter().map(|it| it.delivery).collect::<Vec<_>>(), [refunded[1].delivery]);
    // So does one that came before its order.
    let early = store.admit(vec![new(refund(6, 2), vec![to("crm")])], t(3)).await.deliveries[0].delivery;
    store.admit(vec![new(order("order.placed", 2, 0), vec![pinned])], t(4)).await;
    assert_eq!(store.0.delivery(early).await.unwrap().unwrap().row.connector, "crm");
}

pub async fn an_edit_of_unknown_outcome_goes_with_the_state_that_contains_it(store: Store) {
    let store = Driver(store);
    let (edited, _) = store.enqueue(edit("e1", 1, 3), t(1)).await;
    let wait_limit = std::time::Duration::ZERO;
    store.tally(Command::Overdue { connector: ERP.into(), now: t(2), wait_limit, limit: 1000 }).await;
    store.tally(Command::Retry { delivery: edited, by: "me".into(), now: t(3) }).await;
    let claimed = store.claim_only(edited, t(3)).await;
    let next = Next::Wait { parent: order_id(1), retry_at: t(60) };
    store.settle(&claimed, answer(next, Sent::Maybe), t(4)).await;
    // Its order becomes the head of the lane before the edit is tried again.
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(5)).await;
    store.tally(Command::Expire { now: t(60), limit: 1000 }).await;
    assert_eq!(store.state(edited).await, "queued");
    let (_, what) = store.enqueue(order("order.cancelled", 1, 61), t(61)).await;
    assert_eq!((what.as_str(), store.state(edited).await.as_str()), ("joined", "joined"));
    let claimed = store.claim_only(placed, t(61)).await;
    store.settle(&claimed, rejected(Sent::Maybe), t(62)).await;
    assert!(store.claim(t(62)).await.is_empty());
}

pub async fn very_many_that_await_one_write_are_decided_about_in_parts(store: Store) {
    let store = Driver(store);
    let level_of = |article: u32, available: &str, at| {
        let sku = format!("A{article}");
        vec![from(SHOP, new(level("shopify", &sku, "7", Some(available), at), vec![to(ERP)]))]
    };
    let from_erp = from(ERP, new(level("erp", "A1", "7", Some("3"), 1), vec![to(SHOP)]));
    store.admit(vec![from_erp], t(1)).await;
    let writing = store.claim_of(SHOP, 1, t(1)).await.pop().unwrap();
    let articles = 600;
    for article in 1..=articles {
        let state = store.admit(level_of(article, "9", 2), t(2)).await.deliveries[0].state;
        assert_eq!(state, "waiting");
    }
    let echo = level("shopify", "A1", "7", Some("9"), 2);
    let ours = vec![written(&echo, "stock.available", "9")];
    store.settle(&writing, Settlement { outbound_writes: ours, ..posted(&[]) }, t(3)).await;
    while store.tally(Command::Expire { now: t(3), limit: 1000 }).await.more {}
    // One of them is the echo.
    assert_eq!(store.claim_of(ERP, 1000, t(3)).await.len(), articles as usize - 1);
}
