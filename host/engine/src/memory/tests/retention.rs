//! What leaves with its retention or with a person, and what a restored backup changes.

use crossdock_model::time::Millis;
use crossdock_rules::lane::{DeliveryState, Sent};

use super::samples::*;
use crate::Retention;
use crate::changes::{Append, ChangeSet, LastIds};
use crate::command::Request;
use crate::database::{Answer, Changed, Pass, Question};
use crate::memory::Memory;
use crate::queries::Queries as _;
use crate::rows::{AuditRecord, History, InboundState};
use crate::view::Page;

const CUSTOMER: &str = "shopify/acme/customer/77";
const DAY: i64 = 86_400_000;

/// Two events of Ada, both posted, with attempts.
async fn of_ada() -> Memory {
    let memory = Memory::default();
    let appended = vec![
        Append::Event(event(1, Some("Ada"))),
        Append::Event(event(2, Some("Ada"))),
        attempt(1, 1, 5),
        attempt(2, 2, 6),
    ];
    let rows = [delivery(1, 1, DeliveryState::Settled), delivery(2, 2, DeliveryState::Settled)];
    let deliveries = rows.into_iter().map(|row| (row.id, Some(row))).collect();
    let last_ids = LastIds { event: Some(2), delivery: Some(2), ..LastIds::default() };
    let changed = Changed { deliveries, ..Changed::default() };
    write(&memory, ChangeSet { changed, appended, last_ids, ..ChangeSet::default() }).await;
    memory
}

#[tokio::test]
async fn a_person_that_is_erased_is_nowhere() {
    let memory = of_ada().await;
    let subjects = || Question::SubjectsOf { subject: CUSTOMER.into(), limit: 9 };
    assert_eq!(names(&memory, subjects()).await, [CUSTOMER]);
    let erase = Append::EraseSubjects { subjects: vec![CUSTOMER.into()], at: Millis(9) };
    append(&memory, vec![erase]).await;
    assert!(names(&memory, subjects()).await.is_empty());
    for id in [1, 2] {
        let shown = memory.event(id).await.unwrap().unwrap();
        assert_eq!((shown.erased, shown.subject.as_deref()), (true, Some(CUSTOMER)));
        assert_eq!(shown.attempts[0].exchange, None);
    }
    // What is exchanged about an erased person is not stored, and who comes back has a new key.
    append(&memory, vec![attempt(2, 2, 9), Append::Event(event(3, Some("Ada")))]).await;
    assert_eq!(memory.delivery(2).await.unwrap().unwrap().attempts_made[0].exchange, None);
    assert_eq!(names(&memory, subjects()).await, [CUSTOMER]);
    assert!(memory.event(2).await.unwrap().unwrap().erased);
}

#[tokio::test]
async fn an_order_leaves_as_a_whole() {
    let memory = of_ada().await;
    let histories =
        |pass, from, before: i64, limit| Question::Histories { pass, from, before: Millis(before), limit };
    let order = History {
        root: ORDER.into(),
        events: vec![(1, Millis(1)), (2, Millis(2))],
        deliveries: vec![(1, true, Millis(1)), (2, true, Millis(2))],
    };
    for pass in [Pass::Settled, Pass::Events] {
        let Answer::Histories(found, next) = ask(&memory, histories(pass, (0, 0), 2, 1)).await else {
            panic!()
        };
        assert_eq!((found, next), (vec![order.clone()], Some((1, 1))));
        let Answer::Histories(found, next) = ask(&memory, histories(pass, (1, 1), 2, 1)).await else {
            panic!()
        };
        assert!(found.is_empty() && next.is_none());
    }
    let prune = Append::Prune { events: vec![1, 2], deliveries: vec![1, 2], roots: vec![ORDER.into()] };
    append(&memory, vec![prune]).await;
    assert!(memory.event(1).await.unwrap().is_none() && memory.deliveries().is_empty());
    assert!(memory.is_pruned_event(2).await.unwrap());
    assert!(!memory.is_pruned_event(3).await.unwrap());
}

#[tokio::test]
async fn what_is_older_than_its_retention_leaves_in_bounded_parts() {
    let memory = of_ada().await;
    let (read, unread) = (inbound(1, InboundState::Read), inbound(1, InboundState::Pending));
    let inbounds = vec![(1, Some(read.clone())), (2, Some(read)), (3, Some(unread))];
    change(&memory, Changed { inbounds, ..Changed::default() }).await;
    let body = |inbound| Append::Body { inbound, day: 0, request: Request::default().into() };
    let record = AuditRecord {
        at: Millis(5),
        by: "me".into(),
        action: "exception.retry".into(),
        subject: "1".into(),
        detail: "".into(),
    };
    append(&memory, vec![body(1), body(2), body(3), Append::Audit(record)]).await;
    let epoch = Millis(0);
    let none = Retention {
        bodies_before: epoch,
        exchanges_before: epoch,
        orders_before: epoch,
        records_before: epoch,
        limit: 1,
    };
    let expire = async |retention| append(&memory, vec![Append::Expire { retention }]).await;
    assert_eq!(expire(none.clone()).await, 0);
    let bodies = || Retention { bodies_before: Millis(DAY), ..none.clone() };
    assert_eq!((expire(bodies()).await, expire(bodies()).await, expire(bodies()).await), (1, 1, 0));
    assert!(memory.inbound(1).await.unwrap().unwrap().request.is_none());
    assert!(memory.inbound(3).await.unwrap().unwrap().request.is_some());
    assert_eq!(expire(Retention { orders_before: Millis(DAY), ..none.clone() }).await, 1);
    assert!(memory.inbound(1).await.unwrap().is_none());
    assert_eq!(expire(Retention { exchanges_before: Millis(6), ..none.clone() }).await, 1);
    assert_eq!(expire(Retention { records_before: Millis(6), ..none }).await, 1);
    assert!(memory.audit(Page::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_restored_database_looks_before_it_sends() {
    let memory = Memory::default();
    let rows = vec![delivery(1, 1, DeliveryState::Sending), delivery(2, 2, DeliveryState::Settled)];
    deliveries(&memory, rows).await;
    let serials = vec![(ERP.into(), Some(7))];
    change(&memory, Changed { serials, ..Changed::default() }).await;
    let start = Append::StartIncarnation { incarnation: uuid::Uuid::max(), skip: 100, at: Millis(9) };
    assert_eq!(append(&memory, vec![start]).await, 1);
    let row = memory.deliveries().remove(0);
    assert_eq!((row.state, row.sent, row.look_up, row.fence), (DeliveryState::Ready, Sent::Maybe, true, 2));
    assert_eq!(memory.meta().await.unwrap().incarnation, uuid::Uuid::max());
    let wanted = crate::database::ReadSet { serials: [ERP.into()].into(), ..Default::default() };
    assert_eq!(read(&memory, wanted).await.serials[0].1, 107);
}
