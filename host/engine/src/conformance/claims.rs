//! A claim is a promise on paper: durable, fenced, and never forgotten.

use crossdock_rules::lane::Sent;
use crossdock_rules::lookup::Keys;
use crossdock_rules::outcome::{Next, Settlement};

use super::samples::*;
use crate::{Admit, Applied, AttemptKind, Claim, Command, Error, Store};

pub async fn a_claim_says_durably_that_it_may_have_been_sent(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(with_person(order("order.placed", 1, 0), "Ada"), t(1)).await;
    let claimed = store.claim_only(placed, t(2)).await;
    assert_eq!((claimed.sent, claimed.look_up, claimed.serial), (Sent::No, false, 1));
    assert_eq!(claimed.event, with_person(order("order.placed", 1, 0), "Ada"));
    assert_eq!((claimed.lease_until, claimed.recorded_at), (t(62), t(1)));
    let row = store.0.delivery(placed).await.unwrap().unwrap().row;
    assert_eq!((row.state.as_str(), row.sent.as_str()), ("sending", "maybe"));
    assert_eq!(store.0.next_expiry().await.unwrap(), Some(t(62)));
    assert!(store.claim(t(3)).await.is_empty());
}

pub async fn a_claim_in_the_group_of_its_event_gets_it(store: Store) {
    let store = Driver(store);
    let events = vec![
        new(with_person(order("order.placed", 1, 0), "Ada"), vec![to(ERP), to("wms")]),
        new(order("order.updated", 1, 3), vec![to(ERP)]),
    ];
    let lease = std::time::Duration::from_secs(60);
    let claim = |connector: &str| {
        let (connector, keys) = (connector.to_owned(), Keys::Find);
        Command::Claim(Claim { connector, limit: 5, now: t(1), lease, keys })
    };
    let admit = Command::Admit(Admit { inbound: None, cursor: None, outbox: None, events, now: t(1) });
    let answers = store.0.apply(vec![claim(ERP), admit, claim(ERP), claim("wms"), claim(ERP)]).await.unwrap();
    let claimed: Vec<Vec<_>> = answers
        .into_iter()
        .map(|answer| match answer.unwrap() {
            Applied::Claimed(claimed) => claimed.into_iter().map(|claimed| claimed.event).collect(),
            _ => Vec::new(),
        })
        .collect();
    // The update joined the order before anything claimed it.
    let erp = vec![order("order.updated", 1, 3)];
    let wms = vec![with_person(order("order.placed", 1, 0), "Ada")];
    assert_eq!(claimed, [vec![], vec![], erp, wms, vec![]]);
}

pub async fn an_old_claim_cannot_settle(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let old = store.claim_only(placed, t(1)).await;
    store.tally(Command::Expire { now: t(61), limit: 1000 }).await;
    let settle = || Command::Settle(Box::new(store.settling(&old, posted(&["SO-1"]), t(62))));
    assert!(matches!(store.one(settle()).await, Err(Error::Fenced { .. })));
    let newer = store.claim_only(placed, t(62)).await;
    assert!(newer.fence > old.fence);
    assert!(matches!(store.one(settle()).await, Err(Error::Fenced { .. })));
    assert_eq!(store.0.references(ERP, &order_id(1)).await.unwrap(), []);
    store.settle(&newer, posted(&["SO-1"]), t(63)).await;
    let again = store.settling(&newer, posted(&["SO-1"]), t(63));
    assert!(matches!(store.one(Command::Settle(Box::new(again))).await, Err(Error::Fenced { .. })));
}

pub async fn a_lost_lease_leads_to_a_find(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    store.claim_only(placed, t(1)).await;
    assert_eq!(store.tally(Command::Expire { now: t(60), limit: 1000 }).await.count, 0);
    let tally = store.tally(Command::Expire { now: t(61), limit: 1000 }).await;
    assert_eq!((tally.count, tally.ready), (1, vec![ERP.to_owned()]));
    let claimed = store.claim_only(placed, t(62)).await;
    assert_eq!((claimed.sent, claimed.look_up, claimed.sent_at), (Sent::Maybe, true, t(61)));
    let attempts = store.0.delivery(placed).await.unwrap().unwrap().attempts_made;
    assert_eq!(attempts[0].outcome, "lost");
}

pub async fn a_find_that_is_lost_sent_nothing(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let claimed = store.claim_only(placed, t(1)).await;
    let doubt =
        Settlement { sent_at: Some(t(2)), ..answer(Next::Retry { at: t(3), find: true }, Sent::Maybe) };
    store.settle(&claimed, doubt, t(2)).await;
    let asking = store.claim_only(placed, t(3)).await;
    assert_eq!((asking.sent, asking.look_up, asking.sent_at), (Sent::Maybe, true, t(2)));
    store.tally(Command::Expire { now: t(100), limit: 1000 }).await;
    let asking = store.claim_only(placed, t(100)).await;
    assert_eq!((asking.look_up, asking.sent_at), (true, t(2)));
}

pub async fn taking_over_gives_back_every_claim(store: Store) {
    let store = Driver(store);
    for number in 1..=3 {
        store.enqueue(order("order.placed", number, 0), t(1)).await;
    }
    let held = store.claim_of(ERP, 2, t(1)).await;
    assert_eq!(store.tally(Command::RecoverClaims { now: t(2), limit: 1000 }).await.count, 2);
    let claimed = store.claim(t(2)).await;
    let found: Vec<_> = claimed.iter().map(|claimed| (claimed.look_up, claimed.sent)).collect();
    assert_eq!(claimed.len(), 3);
    assert_eq!(found.iter().filter(|it| **it == (true, Sent::Maybe)).count(), 2);
    assert_eq!(found.iter().filter(|it| **it == (false, Sent::No)).count(), 1);
    let settle = store.settling(&held[0], posted(&[]), t(3));
    assert!(matches!(store.one(Command::Settle(Box::new(settle))).await, Err(Error::Fenced { .. })));
}

pub async fn a_serial_number_is_allotted_once_and_kept(store: Store) {
    let store = Driver(store);
    for number in 1..=3 {
        store.admit(vec![new(order("order.placed", number, 0), vec![to(ERP), to("wms")])], t(1)).await;
    }
    let first = store.claim_of(ERP, 2, t(1)).await;
    assert_eq!(first.iter().map(|claimed| claimed.serial).collect::<Vec<_>>(), [1, 2]);
    store.settle(&first[0], answer(Next::Retry { at: t(2), find: false }, Sent::No), t(1)).await;
    let again = store.claim(t(2)).await;
    assert_eq!(again.iter().map(|claimed| claimed.serial).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(store.claim_of("wms", 1, t(2)).await[0].serial, 1);
}

pub async fn no_more_is_claimed_than_asked_and_the_longest_due_first(store: Store) {
    let store = Driver(store);
    let mut deliveries = Vec::new();
    for (number, at) in [(1, 3), (2, 1), (3, 2)] {
        deliveries.push(store.enqueue(order("order.placed", number, 0), t(at)).await.0);
    }
    assert!(store.claim_of(ERP, 0, t(9)).await.is_empty());
    let two: Vec<_> = store.claim_of(ERP, 2, t(9)).await.iter().map(|claimed| claimed.delivery).collect();
    assert_eq!(two, [deliveries[1], deliveries[2]]);
    assert_eq!(store.0.next_due().await.unwrap(), [(ERP.to_owned(), t(3))]);
    store.claim_only(deliveries[0], t(9)).await;
    assert_eq!(store.0.next_due().await.unwrap(), []);
}

pub async fn what_is_due_later_is_claimed_later(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let claimed = store.claim_only(placed, t(1)).await;
    store.settle(&claimed, answer(Next::Retry { at: t(50), find: false }, Sent::No), t(2)).await;
    assert!(store.claim(t(49)).await.is_empty());
    assert_eq!(store.0.next_due().await.unwrap(), [(ERP.to_owned(), t(50))]);
    store.claim_only(placed, t(50)).await;
}

pub async fn a_paused_connector_claims_nothing(store: Store) {
    let store = Driver(store);
    store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let why = problem("maintenance", "the ERP is being moved");
    store.one(Command::Pause { connector: ERP.into(), why, by: "me".into(), now: t(2) }).await.unwrap();
    assert!(store.claim(t(3)).await.is_empty());
    assert_eq!(store.0.paused(ERP).await.unwrap().unwrap().code, "maintenance");
    assert_eq!(store.0.next_due().await.unwrap(), []);
    assert_eq!(store.0.counts().await.unwrap()[0].paused.as_ref().unwrap().since, t(2));
    let resumed = store.tally(Command::Resume { connector: ERP.into(), by: "me".into(), now: t(4) }).await;
    assert_eq!(resumed.ready, [ERP]);
    assert!(store.0.paused(ERP).await.unwrap().is_none());
    assert_eq!(store.claim(t(5)).await.len(), 1);
}

pub async fn what_answers_unauthorized_pauses_its_connector(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let claimed = store.claim_only(placed, t(1)).await;
    let refused = Settlement {
        pause: true,
        reason: Some(problem("unauthorized", "the token has expired")),
        ..answer(Next::Retry { at: t(2), find: false }, Sent::No)
    };
    assert!(store.settle(&claimed, refused, t(2)).await.paused);
    assert!(store.claim(t(3)).await.is_empty());
    let pause = store.0.paused(ERP).await.unwrap().unwrap();
    assert_eq!((pause.code.as_str(), pause.since), ("unauthorized", t(2)));
}

pub async fn a_partial_goes_on_where_it_was(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let claimed = store.claim_only(placed, t(1)).await;
    let partial = Settlement {
        resume: Some("created".into()),
        references: vec![reference("SO-1")],
        ..answer(Next::Retry { at: t(2), find: false }, Sent::Yes)
    };
    store.settle(&claimed, partial, t(2)).await;
    let claimed = store.claim_only(placed, t(2)).await;
    assert_eq!(claimed.resume.as_deref(), Some("created"));
    assert_eq!((claimed.references, claimed.sent, claimed.attempts), (vec![reference("SO-1")], Sent::Yes, 0));
}

pub async fn references_are_many_to_many_and_keep_their_lines(store: Store) {
    let store = Driver(store);
    for number in 1..=2 {
        store.enqueue(order("order.placed", number, 0), t(1)).await;
    }
    let claimed = store.claim(t(1)).await;
    store.settle(&claimed[0], posted(&["SO-77", "SO-78"]), t(2)).await;
    store.settle(&claimed[1], posted(&["SO-78"]), t(2)).await;
    let named = store.0.references(ERP, &order_id(1)).await.unwrap();
    assert_eq!(named, [reference("SO-77"), reference("SO-78")]);
    assert_eq!(store.0.resolve(ERP, "sales-order", "SO-78").await.unwrap(), [order_id(1), order_id(2)]);
    assert!(store.0.resolve("wms", "sales-order", "SO-78").await.unwrap().is_empty());
    // Told again with other lines: the lines are replaced, the reference stays one.
    store.enqueue(order("order.updated", 1, 5), t(5)).await;
    let claimed = store.claim(t(5)).await;
    assert_eq!(claimed[0].references, named);
    let mut changed = reference("SO-77");
    changed.lines[0].id = "moved".into();
    changed.number = Some("No. 77a".into());
    let settlement = Settlement { references: vec![changed.clone()], ..posted(&[]) };
    store.settle(&claimed[0], settlement, t(6)).await;
    assert_eq!(store.0.references(ERP, &order_id(1)).await.unwrap(), [changed, reference("SO-78")]);
    assert_eq!(store.0.references_everywhere(&order_id(2)).await.unwrap()[0].connector, ERP);
}

pub async fn a_step_knows_how_often_it_was_tried(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let again = |find| Settlement {
        uses_attempt: true,
        plugin_failed: true,
        reason: Some(problem("down", "it is down")),
        ..answer(Next::Retry { at: t(1), find }, Sent::Maybe)
    };
    let claimed = store.claim_only(placed, t(1)).await;
    store.settle(&claimed, again(true), t(1)).await;
    for finds in 0..2 {
        let claimed = store.claim_only(placed, t(2)).await;
        assert_eq!((claimed.attempts, claimed.failures, claimed.finds), (finds + 1, finds + 1, finds));
        let mut settle = store.settling(&claimed, again(true), t(2));
        settle.attempt.kind = AttemptKind::Find;
        settle.attempt.exchange = Some("GET /orders?reference=1".into());
        store.one(Command::Settle(Box::new(settle))).await.unwrap();
    }
    let made = store.0.delivery(placed).await.unwrap().unwrap().attempts_made;
    assert_eq!(made.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((made[0].kind, made[1].kind), (AttemptKind::Send, AttemptKind::Find));
    assert_eq!(made[2].exchange.as_deref(), Some("GET /orders?reference=1"));
}

pub async fn what_is_sent_again_under_its_key_counts_from_when_it_was_lost(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let mut claimed = store.claim_by(Keys::Honoured, ERP, 1, t(1)).await;
    store.settle(&claimed[0], rejected(Sent::Yes), t(2)).await;
    // A person tries again what surely was sent: a target that honours keys is not asked first.
    store.tally(Command::Retry { delivery: placed, by: "me".into(), now: t(10) }).await;
    claimed = store.claim_by(Keys::Honoured, ERP, 1, t(10)).await;
    assert!(!claimed[0].look_up);
    store.tally(Command::RecoverClaims { now: t(20), limit: 1000 }).await;
    claimed = store.claim_by(Keys::Honoured, ERP, 1, t(21)).await;
    assert_eq!((claimed[0].sent, claimed[0].sent_at), (Sent::Yes, t(20)));
}
