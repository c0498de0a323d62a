//! What arrives is kept, once, and where it belongs.

use super::samples::*;
use crate::view::{Page, PendingCount};
use crate::{Accept, Admit, Applied, Command, CursorMove, Error, Store, Target};

pub async fn a_request_comes_back_byte_for_byte(store: Store) {
    let store = Driver(store);
    let kept = accept("1", &[0, 255, b'{', 10]);
    let id = store.accept(kept.clone()).await.inbound;
    let pending = |fresh, postponed| [PendingCount { connector: "shop".to_owned(), fresh, postponed }];
    assert_eq!(store.0.pending_inbounds().await.unwrap(), pending(1, 0));
    assert_eq!(store.0.next_inbound_due().await.unwrap(), [("shop".to_owned(), t(0))]);
    let claimed = store.claim_inbounds(10, t(1)).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!((claimed[0].id, &claimed[0].connector, claimed[0].received_at), (id, &kept.connector, t(0)));
    assert_eq!(claimed[0].request.as_ref(), Some(&kept.request));
    // It is leased: nobody else gets it before the lease ends.
    assert!(store.claim_inbounds(10, t(2)).await.is_empty());
    assert_eq!(store.claim_inbounds(10, t(1 + 60)).await.len(), 1);
    assert_eq!(store.0.inbound(id).await.unwrap().unwrap().request, Some(kept.request));
    assert!(store.0.inbound(id + 1).await.unwrap().is_none());
}

pub async fn a_request_that_arrives_twice_is_kept_once(store: Store) {
    let store = Driver(store);
    let first = store.accept(accept("1", b"x")).await;
    assert!(!first.duplicate);
    let again = store.accept(accept("1", b"x")).await;
    assert_eq!((again.inbound, again.duplicate), (first.inbound, true));
    // Also within one transaction, and only within its connector.
    let mut other = accept("2", b"x");
    other.connector = "shop-two".into();
    let group = vec![accept("2", b"x"), accept("2", b"x"), other];
    let answers = store.0.apply(group.into_iter().map(Command::Accept).collect()).await.unwrap();
    let duplicate: Vec<bool> = answers
        .into_iter()
        .map(|answer| matches!(answer.unwrap(), Applied::Accepted(accepted) if accepted.duplicate))
        .collect();
    assert_eq!(duplicate, [false, true, false]);
    assert_eq!(store.pending().await, 3);
}

pub async fn a_refused_command_leaves_the_others_alone(store: Store) {
    let store = Driver(store);
    let admit = Admit {
        inbound: Some(99),
        cursor: None,
        outbox: None,
        events: vec![new(order("order.placed", 1, 0), vec![to(ERP)])],
        now: t(1),
    };
    let unknown = Command::Retry { delivery: 5, by: "me".into(), now: t(1) };
    let group = vec![
        Command::Accept(accept("1", b"x")),
        Command::Admit(admit),
        unknown,
        Command::Accept(accept("2", b"y")),
    ];
    let answers = store.0.apply(group).await.unwrap();
    assert!(answers[0].is_ok() && answers[3].is_ok());
    assert!(matches!(answers[1], Err(Error::Unknown { what: "inbound", .. })));
    assert!(matches!(answers[2], Err(Error::Unknown { what: "delivery", .. })));
    assert_eq!(store.pending().await, 2);
    assert!(store.0.events(&Default::default(), Page::default()).await.unwrap().is_empty());
    assert!(store.0.audit(Page::default()).await.unwrap().is_empty());
}

pub async fn a_quarantined_inbound_can_be_read_again(store: Store) {
    let store = Driver(store);
    let inbound = store.accept(accept("1", b"{")).await.inbound;
    let problem = problem("not-json", "it ends too early");
    store.one(Command::Quarantine { inbound, problem: problem.clone() }).await.unwrap();
    assert_eq!(store.pending().await, 0);
    let aside = store.0.quarantined(None, Page::default()).await.unwrap();
    assert_eq!((aside[0].id, &aside[0].problem), (inbound, &problem));
    assert!(store.0.quarantined(Some("other"), Page::default()).await.unwrap().is_empty());
    let refused = store.one(Command::Quarantine { inbound, problem }).await;
    assert!(matches!(refused, Err(Error::WrongState { what: "inbound", .. })));
    store.one(Command::Reread { inbound, by: "me".into(), now: t(1) }).await.unwrap();
    assert!(store.0.quarantined(None, Page::default()).await.unwrap().is_empty());
    assert_eq!(store.pending().await, 1);
    let admit = Admit { inbound: Some(inbound), cursor: None, outbox: None, events: Vec::new(), now: t(2) };
    store.one(Command::Admit(admit)).await.unwrap();
    assert_eq!(store.pending().await, 0);
}

pub async fn an_inbound_is_admitted_once(store: Store) {
    let store = Driver(store);
    let inbound = store.accept(accept("1", b"x")).await.inbound;
    let admit = |order_number| {
        let events = vec![new(order("order.placed", order_number, 0), vec![to(ERP)])];
        Command::Admit(Admit { inbound: Some(inbound), cursor: None, outbox: None, events, now: t(1) })
    };
    store.one(admit(1)).await.unwrap();
    let again = store.one(admit(2)).await;
    assert!(matches!(again, Err(Error::WrongState { what: "inbound", .. })), "{again:?}");
    assert_eq!(store.claim(t(1)).await.len(), 1);
}

pub async fn a_cursor_moves_with_its_events_or_not_at_all(store: Store) {
    let store = Driver(store);
    let poll = |from: Option<&str>, to_: &str, number| {
        let cursor = Some(CursorMove { connector: "pos".into(), from: from.map(Into::into), to: to_.into() });
        let events = vec![new(order("order.placed", number, 0), vec![to(ERP)])];
        Command::Admit(Admit { inbound: None, cursor, outbox: None, events, now: t(1) })
    };
    assert!(store.0.cursor("pos").await.unwrap().is_none());
    store.one(poll(None, "a", 1)).await.unwrap();
    assert_eq!(store.0.cursor("pos").await.unwrap().unwrap().cursor, "a");
    for wrong in [None, Some("b")] {
        let refused = store.one(poll(wrong, "c", 2)).await;
        assert!(matches!(refused, Err(Error::CursorMoved { .. })), "{refused:?}");
    }
    assert_eq!(store.0.cursor("pos").await.unwrap().unwrap().cursor, "a");
    assert_eq!(store.claim(t(1)).await.len(), 1);
    store.one(poll(Some("a"), "b", 3)).await.unwrap();
    assert_eq!(store.0.cursor("pos").await.unwrap().unwrap().cursor, "b");
    assert_eq!(store.claim(t(1)).await.len(), 1);
}

pub async fn the_same_event_is_kept_once(store: Store) {
    let store = Driver(store);
    let placed = || new(order("order.placed", 1, 0), vec![to(ERP)]);
    let first = store.admit(vec![placed(), placed()], t(1)).await;
    assert_eq!((first.duplicates, first.deliveries.len()), (1, 1));
    assert_eq!(first.events[0], first.events[1]);
    assert_eq!(first.ready, [ERP]);
    let again = store.admit(vec![placed()], t(2)).await;
    assert_eq!((again.duplicates, again.events, again.deliveries.len()), (1, vec![first.events[0]], 0));
    assert_eq!(store.0.event_of_key(&placed().incoming.key).await.unwrap(), Some(first.events[0]));
}

pub async fn the_same_key_with_other_content_is_another_event(store: Store) {
    let store = Driver(store);
    let mut other = order("order.updated", 1, 5);
    if let crossdock_model::event::Fact::Order(change) = &mut other.fact {
        change.order.tags = vec!["changed within the same second".into()];
    }
    let first = store.admit(vec![new(order("order.updated", 1, 5), vec![to(ERP)])], t(6)).await;
    let second = store.admit(vec![new(other.clone(), vec![to(ERP)])], t(6)).await;
    assert_ne!(first.events, second.events);
    assert_eq!(second.duplicates, 0);
    assert_eq!(second.deliveries[0].state, "joined");
    let again = store.admit(vec![new(other, vec![to(ERP)])], t(7)).await;
    assert_eq!((again.duplicates, again.events), (1, second.events));
}

pub async fn an_order_goes_where_it_is_pinned(store: Store) {
    let store = Driver(store);
    let pinning = |connector: &str| Target { pin: true, ..to(connector) };
    store.admit(vec![new(order("order.placed", 1, 0), vec![pinning("legacy")])], t(1)).await;
    assert_eq!(store.0.pin(&order_id(1)).await.unwrap().as_deref(), Some("legacy"));
    // The route sends to another by now. The pin counts, once, and only for routes that pin.
    let targets = vec![pinning("cloud"), pinning("legacy"), to("archive")];
    let refunded = store.admit(vec![new(refund(5, 1), targets)], t(2)).await;
    let connectors: Vec<_> = refunded.deliveries.iter().map(|delivery| delivery.connector.as_str()).collect();
    assert_eq!(connectors, ["legacy", "archive"]);
    let other = store.admit(vec![new(order("order.placed", 2, 0), vec![pinning("cloud")])], t(3)).await;
    assert_eq!(other.deliveries[0].connector, "cloud");
    assert_eq!(store.0.pin(&order_id(3)).await.unwrap(), None);
}

pub async fn a_postponed_request_is_due_later_and_counts_its_attempts(store: Store) {
    let store = Driver(store);
    let id = store.accept(accept("1", b"{}")).await.inbound;
    let later = store.accept(accept("2", b"{}")).await.inbound;
    assert_eq!(store.claim_inbounds(1, t(1)).await[0].id, id);
    let why = problem("unavailable", "the shop does not answer");
    store.one(Command::PostponeInbound { inbound: id, due_at: t(300), why, now: t(2) }).await.unwrap();
    let claimed = store.claim_inbounds(10, t(3)).await;
    assert_eq!(claimed.iter().map(|one| one.id).collect::<Vec<_>>(), [later]);
    assert_eq!(store.0.next_inbound_due().await.unwrap(), [("shop".to_owned(), t(3 + 60))]);
    let claimed = store.claim_inbounds(10, t(300)).await;
    assert_eq!(claimed.iter().map(|one| (one.id, one.attempts)).collect::<Vec<_>>(), [(later, 0), (id, 1)]);
    let admit = Admit { inbound: Some(id), now: t(301), ..Admit::default() };
    store.one(Command::Admit(admit)).await.unwrap();
    let why = problem("unavailable", "too late");
    let postponed =
        store.one(Command::PostponeInbound { inbound: id, due_at: t(900), why, now: t(302) }).await;
    assert!(matches!(postponed, Err(Error::WrongState { .. })), "{postponed:?}");
}

pub async fn a_request_that_its_host_reads_itself_is_leased_from_the_start(store: Store) {
    let store = Driver(store);
    let lease = Some(std::time::Duration::from_secs(60));
    store.accept(crate::Accept { lease, ..accept("1", b"{}") }).await;
    assert!(store.claim_inbounds(10, t(59)).await.is_empty());
    assert_eq!(store.claim_inbounds(10, t(60)).await.len(), 1);
}

pub async fn what_a_killed_host_was_reading_is_due_at_once(store: Store) {
    let store = Driver(store);
    let read_directly = Accept { lease: Some(std::time::Duration::from_secs(600)), ..accept("1", b"{}") };
    store.accept(read_directly).await;
    store.accept(accept("2", b"{}")).await;
    assert_eq!(store.claim_inbounds(10, t(1)).await.len(), 1);
    assert!(store.claim_inbounds(10, t(2)).await.is_empty());
    let recovered = store.tally(Command::RecoverClaims { now: t(3), limit: 1 }).await;
    assert_eq!((recovered.count, recovered.more), (1, true));
    let recovered = store.tally(Command::RecoverClaims { now: t(3), limit: 10 }).await;
    assert_eq!((recovered.count, recovered.more), (1, false));
    assert_eq!(store.claim_inbounds(10, t(3)).await.len(), 2);
}

pub async fn what_was_postponed_is_due_when_its_connector_is_resumed(store: Store) {
    let store = Driver(store);
    let id = store.accept(accept("1", b"{}")).await.inbound;
    store.claim_inbounds(10, t(1)).await;
    let why = problem("unauthorized", "the credentials are refused");
    store.one(Command::PostponeInbound { inbound: id, due_at: t(300), why, now: t(2) }).await.unwrap();
    assert!(store.claim_inbounds(10, t(3)).await.is_empty());
    let resume = Command::Resume { connector: "shop".into(), by: "me".into(), now: t(4) };
    assert!(!store.tally(resume).await.more);
    assert_eq!(store.claim_inbounds(10, t(4)).await.len(), 1);
}
