//! What operators and time do, and what can be asked.

use crossdock_rules::lane::Sent;
use crossdock_rules::outcome::Next;

use super::samples::*;
use crate::view::{EventFilter, Page};
use crate::{Applied, Command, Filter, Replay, Store};

async fn post(store: &Driver, number: u32, reference: &str) -> i64 {
    let (placed, _) =
        store.enqueue(with_person(order("order.placed", number, 0), "Ada Lovelace"), t(1)).await;
    let claimed = store.claim_only(placed, t(1)).await;
    let mut settle = store.settling(&claimed, posted(&[reference]), t(2));
    settle.attempt.exchange = Some("POST /orders Ada Lovelace".into());
    store.one(Command::Settle(Box::new(settle))).await.unwrap();
    placed
}

fn replay(filter: Filter, generation: Option<u32>, now: i64) -> Command {
    Command::Replay(Replay { filter, generation, after: None, page: 1000, by: "me".into(), now: t(now) })
}

pub async fn a_replay_keeps_the_key_and_looks_first(store: Store) {
    let store = Driver(store);
    let placed = post(&store, 1, "SO-1").await;
    let tally = store.tally(replay(Filter { delivery: Some(placed), ..Filter::default() }, None, 3)).await;
    assert_eq!((tally.count, tally.ready), (1, vec![ERP.to_owned()]));
    let claimed = store.claim_only(placed, t(3)).await;
    assert_eq!(claimed.key, format!("{}/placed", order_id(1)));
    assert_eq!((claimed.look_up, claimed.sent, claimed.serial), (true, Sent::Yes, 1));
    // It is open now: nothing is left to be replayed.
    assert_eq!(store.tally(replay(Filter::default(), None, 4)).await.count, 0);
}

pub async fn a_generation_posts_again_under_its_own_key(store: Store) {
    let store = Driver(store);
    let placed = post(&store, 1, "SO-1").await;
    let filter = || Filter { root: Some(order_id(1)), connector: Some(ERP.into()), ..Filter::default() };
    assert_eq!(store.tally(replay(filter(), Some(1), 3)).await.count, 1);
    let claimed = store.claim(t(3)).await;
    assert_ne!(claimed[0].delivery, placed);
    assert_eq!(claimed[0].key, format!("{}/placed+1", order_id(1)));
    assert_eq!((claimed[0].look_up, claimed[0].sent, claimed[0].serial), (false, Sent::No, 2));
    let again = store.tally(replay(filter(), Some(1), 4)).await;
    assert_eq!((again.count, again.skipped), (0, 1));
    assert_eq!(store.state(placed).await, "posted");
}

pub async fn a_preview_counts_what_a_replay_does(store: Store) {
    let store = Driver(store);
    post(&store, 1, "SO-1").await;
    post(&store, 2, "SO-2").await;
    // A newer state of order 2, and a stale one: neither that nor what it superseded is sent again.
    let (updated, _) = store.enqueue(order("order.updated", 2, 5), t(5)).await;
    let claimed = store.claim_only(updated, t(5)).await;
    store.settle(&claimed, posted(&[]), t(5)).await;
    store.enqueue(order("order.paid", 2, 3), t(6)).await;
    for (filter, generation, expected) in [
        (Filter::default(), None, (2, 2)),
        (Filter { entity: Some(order_id(1)), ..Filter::default() }, None, (1, 0)),
        (Filter { kind: Some("order.updated".into()), ..Filter::default() }, Some(4), (1, 0)),
        (Filter { from: Some(t(2)), until: Some(t(6)), ..Filter::default() }, None, (1, 0)),
        (Filter { connector: Some("wms".into()), ..Filter::default() }, None, (0, 0)),
        (Filter { event: Some(99), ..Filter::default() }, None, (0, 0)),
    ] {
        let preview = store.0.preview(&filter, generation).await.unwrap();
        assert_eq!((preview.count, preview.skipped), expected, "{filter:?}");
    }
    let tally = store.tally(replay(Filter::default(), None, 7)).await;
    assert_eq!((tally.count, tally.skipped), (2, 2));
    let audit = store.0.audit(Page::default()).await.unwrap();
    assert_eq!((audit[0].action.as_str(), audit[0].by.as_str()), ("events.replay", "me"));
}

pub async fn very_many_orders_are_replayed_as_previewed(store: Store) {
    let store = Driver(store);
    let orders = 700;
    let placed = (1..=orders).map(|number| new(order("order.placed", number, 0), vec![to(ERP)])).collect();
    store.admit(placed, t(1)).await;
    for claimed in store.claim_of(ERP, orders, t(1)).await {
        store.settle(&claimed, posted(&[]), t(1)).await;
    }
    let preview = store.0.preview(&Filter::default(), None).await.unwrap();
    assert_eq!((preview.count, preview.skipped), (orders.into(), 0));
    let tally = store.tally(replay(Filter::default(), Some(7), 2)).await;
    assert_eq!((tally.count, tally.skipped), (orders.into(), 0));
}

pub async fn a_replay_leaves_alone_what_a_person_discarded(store: Store) {
    let store = Driver(store);
    post(&store, 1, "SO-1").await;
    // Booked by hand, and given up here.
    let (discarded, _) = store.enqueue(order("order.placed", 5, 0), t(1)).await;
    let claimed = store.claim_only(discarded, t(1)).await;
    store.settle(&claimed, rejected(Sent::No), t(2)).await;
    let (why, by) = ("booked by hand".into(), "me".into());
    store.tally(Command::Discard { delivery: discarded, why, by, now: t(3) }).await;
    let event = store.0.delivery(discarded).await.unwrap().unwrap().row.event;
    let placed = Filter { kind: Some("order.placed".into()), ..Filter::default() };
    for generation in [None, Some(1)] {
        let preview = store.0.preview(&placed, generation).await.unwrap();
        assert_eq!((preview.count, preview.skipped), (1, 1));
        let tally = store.tally(replay(placed.clone(), generation, 4)).await;
        assert_eq!((tally.count, tally.skipped), (1, 1));
        for claimed in store.claim(t(4)).await {
            store.settle(&claimed, posted(&[]), t(4)).await;
        }
    }
    assert_eq!(store.state(discarded).await, "discarded");
    // Who names it by its number means it.
    let named = Filter { event: Some(event), ..Filter::default() };
    assert_eq!(store.0.preview(&named, None).await.unwrap().count, 1);
    assert_eq!(store.tally(replay(named, None, 5)).await.count, 1);
    assert_eq!(store.state(discarded).await, "ready");
}

pub async fn a_replay_of_exceptions_tries_them_again(store: Store) {
    let store = Driver(store);
    let done = post(&store, 9, "SO-9").await;
    for number in 1..=3 {
        store.enqueue(order("order.placed", number, 0), t(1)).await;
    }
    let claimed = store.claim(t(1)).await;
    for one in &claimed[..2] {
        store.settle(one, rejected(Sent::No), t(2)).await;
    }
    // Nobody knows what became of the third: it is not sent without a look.
    let next = Next::Exception { code: "outcome-unknown".into(), awaits: None };
    store.settle(&claimed[2], answer(next, Sent::Maybe), t(2)).await;
    let filter = |limit| Filter { state: Some("exception".into()), limit, ..Filter::default() };
    for (limit, expected) in [(Some(1), (1, 0)), (None, (1, 1))] {
        let preview = store.0.preview(&filter(limit), None).await.unwrap();
        let tally = store.tally(replay(filter(limit), None, 3)).await;
        assert_eq!((tally.count, tally.skipped), expected, "{limit:?}");
        if limit.is_some() {
            assert_eq!((preview.count, preview.skipped), expected);
        }
    }
    let again: Vec<_> = store.claim(t(3)).await.iter().map(|claimed| claimed.delivery).collect();
    assert_eq!(again, [claimed[0].delivery, claimed[1].delivery]);
    let left = (store.state(claimed[2].delivery).await, store.state(done).await);
    assert_eq!(left, ("exception".to_owned(), "posted".to_owned()));
    let named = Filter { delivery: Some(claimed[2].delivery), ..filter(None) };
    assert_eq!(store.tally(replay(named, None, 4)).await.count, 1);
    let wrong = Filter { state: Some("lost".into()), ..Filter::default() };
    assert!(store.0.preview(&wrong, None).await.is_err());
}

pub async fn a_person_that_was_erased_is_nowhere(store: Store) {
    let store = Driver(store);
    let ada = "shopify/acme/customer/77";
    let placed = post(&store, 1, "SO-1").await;
    // A refund names no customer: its person is found through the order.
    let refunded = store.admit(vec![new(refund_of_ada(), vec![to(ERP), to("wms")])], t(3)).await;
    let shown = store.0.event(refunded.events[0]).await.unwrap().unwrap();
    assert_eq!((shown.erased, shown.subject.as_deref()), (false, Some(order_id(1).as_str())));
    let seen = store.0.delivery(placed).await.unwrap().unwrap();
    assert_eq!(seen.attempts_made[0].exchange.as_deref(), Some("POST /orders Ada Lovelace"));
    let erase = || Command::ErasePerson { subject: ada.into(), by: "me".into(), now: t(4) };
    assert_eq!(store.tally(erase()).await.count, 2);
    assert_eq!(store.tally(erase()).await.count, 0);
    let mut read = String::new();
    for event in store.0.events(&EventFilter::default(), Page::default()).await.unwrap() {
        let detail = store.0.event(event.id).await.unwrap().unwrap();
        assert!(detail.erased);
        read += &serde_json::to_string(&detail).unwrap();
    }
    read += &serde_json::to_string(&store.0.delivery(placed).await.unwrap().unwrap()).unwrap();
    read += &serde_json::to_string(&store.0.stuck(None, t(9), stuck_page(10)).await.unwrap()).unwrap();
    // Nor does a plugin get to see the person any more, and what it exchanges is not written down.
    store.tally(replay(Filter::default(), None, 5)).await;
    loop {
        let claimed = [store.claim(t(6)).await, store.claim_of("wms", 5, t(6)).await].concat();
        if claimed.is_empty() {
            break;
        }
        for claimed in claimed {
            read += &serde_json::to_string(&claimed.event).unwrap();
            let mut settle = store.settling(&claimed, posted(&[]), t(6));
            settle.attempt.exchange = Some("POST Ada Lovelace".into());
            store.one(Command::Settle(Box::new(settle))).await.unwrap();
            read += &serde_json::to_string(&store.0.delivery(claimed.delivery).await.unwrap()).unwrap();
        }
    }
    assert!(!read.contains("Ada"), "{read}");
    // Who comes back is a person again, under a new key; what was erased stays so.
    let (back, _) = store.enqueue(with_person(order("order.updated", 1, 9), "Ada"), t(9)).await;
    let claimed = store.claim(t(9)).await.into_iter().find(|claimed| claimed.delivery == back).unwrap();
    assert_eq!(claimed.event, with_person(order("order.updated", 1, 9), "Ada"));
    assert!(store.0.event(refunded.events[0]).await.unwrap().unwrap().erased);
}

fn refund_of_ada() -> crossdock_model::event::Event {
    with_person(refund(5, 1), "Ada Lovelace")
}

pub async fn a_body_goes_with_its_retention(store: Store) {
    let store = Driver(store);
    let day = 86_400;
    let read = store.accept(accept("1", b"old")).await.inbound;
    let admit =
        crate::Admit { inbound: Some(read), cursor: None, outbox: None, events: Vec::new(), now: t(1) };
    store.one(Command::Admit(admit)).await.unwrap();
    let unread = store.accept(accept("2", b"old, and nobody could read it")).await.inbound;
    let young =
        store.accept(crate::Accept { received_at: t(2 * day), ..accept("3", b"young") }).await.inbound;
    let retain = || Command::ApplyRetention(retention(t(2 * day), t(0)));
    assert_eq!(store.tally(retain()).await.count, 1);
    assert_eq!(store.0.inbound(read).await.unwrap().unwrap().request, None);
    for kept in [unread, young] {
        assert!(store.0.inbound(kept).await.unwrap().unwrap().request.is_some());
    }
    // What has been seen is remembered longer than its body.
    assert!(store.accept(accept("1", b"old")).await.duplicate);
    // The day is over only when the last of it is read; a new request of that day finds a key all the same.
    store
        .one(Command::Admit(crate::Admit {
            inbound: Some(unread),
            cursor: None,
            outbox: None,
            events: Vec::new(),
            now: t(1),
        }))
        .await
        .unwrap();
    assert_eq!(store.tally(retain()).await.count, 1);
    let late = store.accept(accept("4", b"late")).await.inbound;
    assert_eq!(store.0.inbound(late).await.unwrap().unwrap().request.unwrap().body, b"late");
}

pub async fn a_restored_database_looks_before_it_sends(store: Store) {
    let store = Driver(store);
    let done = post(&store, 3, "SO-3").await;
    store.enqueue(order("order.placed", 1, 0), t(1)).await;
    store.enqueue(order("order.placed", 2, 0), t(1)).await;
    let old = store.claim_of(ERP, 1, t(1)).await;
    let before = store.0.meta().await.unwrap().incarnation;
    let incarnation = uuid::Uuid::from_u128(7);
    store.tally(Command::StartIncarnation { incarnation, skip: 1000, now: t(5) }).await;
    assert_eq!(store.0.meta().await.unwrap().incarnation, incarnation);
    assert_ne!(before, incarnation);
    let settle = store.settling(&old[0], posted(&[]), t(6));
    assert!(store.one(Command::Settle(Box::new(settle))).await.is_err());
    let claimed = store.claim(t(6)).await;
    assert_eq!(claimed.len(), 2);
    for claimed in &claimed {
        assert_eq!((claimed.look_up, claimed.sent, claimed.sent_at), (true, Sent::Maybe, t(5)));
    }
    assert_eq!(store.state(done).await, "posted");
    store.enqueue(order("order.placed", 4, 0), t(7)).await;
    assert!(store.claim(t(7)).await[0].serial > 1000);
}

pub async fn tokens_are_kept_by_their_hash(store: Store) {
    let store = Driver(store);
    let put = Command::PutToken { name: "ops".into(), hash: [7; 32], by: "me".into(), now: t(1) };
    store.one(put).await.unwrap();
    assert_eq!(store.0.token(&[7; 32]).await.unwrap().unwrap().name, "ops");
    assert!(store.0.token(&[8; 32]).await.unwrap().is_none());
    assert_eq!(store.0.tokens().await.unwrap().len(), 1);
    let revoke = || Command::RevokeToken { name: "ops".into(), by: "me".into(), now: t(2) };
    store.one(revoke()).await.unwrap();
    assert!(store.0.token(&[7; 32]).await.unwrap().is_none());
    assert!(store.one(revoke()).await.is_err());
    let audit = store.0.audit(Page::default()).await.unwrap();
    let acts: Vec<_> =
        audit.iter().map(|row| (row.action.as_str(), row.subject.as_str(), row.by.as_str())).collect();
    assert_eq!(acts, [("token.revoke", "ops", "me"), ("token.put", "ops", "me")]);
}

pub async fn what_operators_do_is_written_down(store: Store) {
    let store = Driver(store);
    for number in 0..3 {
        let audit = Command::Audit {
            by: "me".into(),
            action: "plugin.swap".into(),
            subject: "erp-rest".into(),
            detail: format!("step {number}"),
            now: t(number),
        };
        assert!(matches!(store.one(audit).await, Ok(Applied::Done)));
    }
    let first = store.0.audit(Page { before: None, limit: 2 }).await.unwrap();
    assert_eq!(first.iter().map(|row| row.detail.as_str()).collect::<Vec<_>>(), ["step 2", "step 1"]);
    let rest = store.0.audit(Page { before: Some(first[1].id), limit: 2 }).await.unwrap();
    assert_eq!((rest.len(), rest[0].detail.as_str(), rest[0].at), (1, "step 0", t(0)));
}

pub async fn everything_open_says_why(store: Store) {
    let store = Driver(store);
    // One of each: an exception and what is behind it, one on its way, one due later, one waiting, one received.
    let (exception, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let claimed = store.claim_only(exception, t(1)).await;
    store.settle(&claimed, rejected(Sent::No), t(2)).await;
    let (behind, _) = store.enqueue(refund(5, 1), t(2)).await;
    let (received, _) = store.enqueue(order("order.placed", 2, 0), t(3)).await;
    let claimed = store.claim_only(received, t(3)).await;
    let next = Next::Received { overdue_at: t(900), releases: true };
    store.settle(&claimed, answer(next, Sent::Yes), t(4)).await;
    let (later, _) = store.enqueue(order("order.placed", 3, 0), t(5)).await;
    let claimed = store.claim_only(later, t(5)).await;
    let mut down = answer(Next::Retry { at: t(500), find: true }, Sent::Maybe);
    down.reason = Some(problem("timeout", "it did not answer"));
    store.settle(&claimed, down, t(6)).await;
    let (waiting, _) = store.enqueue(refund(6, 9), t(7)).await;
    let (sending, _) = store.enqueue(order("order.placed", 4, 0), t(8)).await;
    store.claim_only(sending, t(8)).await;
    let stuck = store.0.stuck(Some(ERP), t(10), stuck_page(100)).await.unwrap();
    let of = |id: i64| stuck.iter().find(|stuck| stuck.delivery.id == id).unwrap();
    assert_eq!(stuck.len(), 6);
    assert_eq!(
        (of(exception).why.as_str(), of(exception).since, of(exception).next_at),
        ("SKU 7 is unknown", t(2), None)
    );
    assert_eq!(of(behind).why, format!("waits for exception #{exception}"));
    assert_eq!(of(behind).behind, Some(exception));
    assert_eq!((of(received).next_at, of(received).since), (Some(t(900)), t(4)));
    assert_eq!((of(later).why.as_str(), of(later).next_at), ("it did not answer", Some(t(500))));
    assert!(of(later).next.contains("asked"), "{}", of(later).next);
    assert_eq!((of(waiting).why.clone(), of(waiting).since), (format!("not yet: {}", order_id(9)), t(7)));
    assert_eq!(of(sending).next_at, Some(t(68)));
    assert!(store.0.stuck(Some("wms"), t(10), stuck_page(100)).await.unwrap().is_empty());
}

pub async fn counts_are_of_what_is_there(store: Store) {
    let store = Driver(store);
    let done = post(&store, 1, "SO-1").await;
    store.enqueue(order("order.placed", 2, 0), t(5)).await;
    store.enqueue(refund(5, 2), t(6)).await;
    store.enqueue(refund(6, 9), t(6)).await;
    store.enqueue(order("order.placed", 3, 0), t(7)).await;
    store.claim_of(ERP, 1, t(9)).await;
    let counts = &store.0.counts().await.unwrap()[0];
    assert_eq!((counts.ready, counts.queued, counts.sending, counts.waiting), (1, 1, 1, 1));
    assert_eq!((counts.received, counts.exception, counts.settled), (0, 0, 1));
    assert_eq!((counts.oldest_due, counts.connector.as_str()), (Some(t(7)), ERP));
    store.tally(replay(Filter { delivery: Some(done), ..Filter::default() }, None, 9)).await;
    assert_eq!(store.0.counts().await.unwrap()[0].settled, 0);
}

pub async fn what_took_a_later_state_along_is_no_receipt(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    assert_eq!(store.enqueue(order("order.updated", 1, 1), t(2)).await.1, "joined");
    let claimed = store.claim_only(placed, t(3)).await;
    store.settle(&claimed, posted(&["SO-1"]), t(3)).await;
    assert!(store.0.posted(ERP, "order.placed", t(9), 5).await.unwrap().is_empty());
}

pub async fn events_are_found_by_what_they_are(store: Store) {
    let store = Driver(store);
    let posted = post(&store, 1, "SO-1").await;
    store.enqueue(order("order.placed", 2, 0), t(5)).await;
    store.enqueue(refund(5, 1), t(6)).await;
    let found = async |filter: EventFilter| {
        let events = store.0.events(&filter, Page::default()).await.unwrap();
        events.into_iter().map(|event| (event.kind, event.entity)).collect::<Vec<_>>()
    };
    let placed = |number| ("order.placed".to_owned(), order_id(number));
    let refunded = ("refund.issued".to_owned(), "shopify/acme/refund/5".to_owned());
    let by = |filter: Filter| EventFilter { filter, ..EventFilter::default() };
    assert_eq!(found(EventFilter::default()).await, [refunded.clone(), placed(2), placed(1)]);
    let root = by(Filter { root: Some(order_id(1)), ..Filter::default() });
    assert_eq!(found(root).await, [refunded.clone(), placed(1)]);
    assert_eq!(found(by(Filter { entity: Some(order_id(1)), ..Filter::default() })).await, [placed(1)]);
    assert_eq!(found(by(Filter { delivery: Some(posted), ..Filter::default() })).await, [placed(1)]);
    let booked = async |before| store.0.posted(ERP, "order.placed", before, 5).await.unwrap();
    assert_eq!((booked(t(0)).await, booked(t(5)).await), (vec![], vec![posted]));
    assert!(store.0.posted(ERP, "refund.issued", t(9), 5).await.unwrap().is_empty());
    let ready = by(Filter { state: Some("ready".into()), ..Filter::default() });
    assert_eq!(found(ready).await, [refunded.clone(), placed(2)]);
    let typed = EventFilter { id: Some("1".into()), ..EventFilter::default() };
    assert_eq!(found(typed).await, [refunded, placed(1)]);
    let page = store.0.events(&EventFilter::default(), Page { before: None, limit: 1 }).await.unwrap();
    let next = Page { before: Some(page[0].id), limit: 1 };
    assert_eq!(store.0.events(&EventFilter::default(), next).await.unwrap()[0].entity, order_id(2));
    let detail = store.0.event(page[0].id).await.unwrap().unwrap();
    assert_eq!(detail.event, Some(refund(5, 1)));
    assert!(store.0.event(99).await.unwrap().is_none());
}
