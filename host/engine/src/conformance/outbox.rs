//! Files and numbers that plugins hand over.

use std::time::Duration;

use crossdock_rules::lane::Sent;
use crossdock_rules::outcome::Next;

use super::samples::*;
use crate::{
    Admit, Applied, Claimed, Command, CursorMove, Error, OutFile, OutboxEntries, SettleBatch, Settled, Store,
};

fn file(name: &str) -> OutFile {
    OutFile { name: name.into(), content: format!("ISA*{name}").into_bytes() }
}

fn handed(files: &[&str], numbers: &[(&str, u64)], now: i64) -> OutboxEntries {
    OutboxEntries {
        connector: ERP.into(),
        files: files.iter().map(|name| file(name)).collect(),
        numbers: numbers.iter().map(|(name, last)| ((*name).to_owned(), *last)).collect(),
        now: t(now),
    }
}

fn settle_all(store: &Driver, claimed: &[Claimed], handed: OutboxEntries) -> Command {
    let now = handed.now;
    let settles = claimed.iter().map(|one| store.settling(one, posted(&["SO"]), now)).collect();
    Command::SettleBatch(Box::new(SettleBatch { settles, outbox: handed }))
}

async fn settled_all(store: &Driver, command: Command) -> Vec<Settled> {
    match store.one(command).await.unwrap() {
        Applied::SettledBatch(all) => all,
        other => panic!("{other:?}"),
    }
}

async fn waiting(store: &Driver) -> Vec<String> {
    store.0.outbox(ERP, 10).await.unwrap().into_iter().map(|file| file.name).collect()
}

pub async fn a_call_settles_as_a_whole_with_its_files_and_numbers(store: Store) {
    let store = Driver(store);
    for number in 1..=3 {
        store.enqueue(order("order.placed", number, 0), t(1)).await;
    }
    let (refunded, _) = store.enqueue(refund(5, 1), t(1)).await;
    let claimed = store.claim(t(1)).await;
    assert_eq!(claimed.len(), 3);
    let command = settle_all(&store, &claimed, handed(&["850-1.x12", "850-2.x12"], &[("isa", 7)], 2));
    let all = settled_all(&store, command).await;
    assert_eq!(
        all.iter().map(|one| one.released.as_slice()).collect::<Vec<_>>(),
        [&[refunded][..], &[], &[]]
    );
    for one in &claimed {
        assert_eq!(store.state(one.delivery).await, "posted");
    }
    let files = store.0.outbox(ERP, 10).await.unwrap();
    assert_eq!(files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["850-1.x12", "850-2.x12"]);
    assert_eq!((files[0].content.as_slice(), files[0].at), (&b"ISA*850-1.x12"[..], t(2)));
    assert_eq!(store.0.outbox(ERP, 1).await.unwrap().len(), 1);
    assert!(store.0.outbox("wms", 10).await.unwrap().is_empty());
    assert_eq!(store.0.sequence(ERP, "isa").await.unwrap(), 7);
    for _ in 0..2 {
        let done = store.one(Command::FileWritten { file: files[0].id, now: t(3) }).await;
        assert!(matches!(done, Ok(Applied::Done)));
    }
    assert_eq!(waiting(&store).await, ["850-2.x12"]);
    let rows = store.0.out_files(None, crate::view::Page::default()).await.unwrap();
    assert_eq!((rows[1].name.as_str(), rows[1].size, rows[1].written_at), ("850-1.x12", 13, Some(t(3))));
    assert_eq!(rows[0].written_at, None);
    let unknown = store.one(Command::FileWritten { file: 99, now: t(3) }).await;
    assert!(matches!(unknown, Err(Error::Unknown { .. })));
}

pub async fn what_a_file_carries_is_overdue_only_after_it_was_handed_over(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let claimed = store.claim_only(placed, t(1)).await;
    // It may take an hour to be confirmed; the folder can not be reached for two.
    let next = Next::Received { overdue_at: t(3602), releases: true };
    let settles = vec![store.settling(&claimed, answer(next, Sent::Yes), t(2))];
    let handed = handed(&["850-1.x12", "850-2.x12"], &[], 2);
    store.one(Command::SettleBatch(Box::new(SettleBatch { settles, outbox: handed }))).await.unwrap();
    let overdue = async |now: i64| {
        let waiting = Duration::from_secs(86_400);
        store
            .tally(Command::Overdue { connector: ERP.into(), now: t(now), wait_limit: waiting, limit: 1000 })
            .await
            .count
    };
    assert_eq!(overdue(7200).await, 0);
    let stuck = store.0.stuck(Some(ERP), t(7200), stuck_page(5)).await.unwrap();
    assert!(stuck[0].why.contains("exchange folder") && stuck[0].next_at.is_none(), "{stuck:?}");
    let files = store.0.outbox(ERP, 10).await.unwrap();
    for (file, now) in [(&files[0], 7200), (&files[1], 7300), (&files[1], 9000)] {
        assert_eq!(overdue(now).await, 0);
        store.one(Command::FileWritten { file: file.id, now: t(now) }).await.unwrap();
    }
    assert_eq!(overdue(10_899).await, 0);
    assert_eq!(overdue(10_900).await, 1);
    assert_eq!(store.state(placed).await, "exception");
}

pub async fn a_fenced_settlement_refuses_the_whole_call(store: Store) {
    let store = Driver(store);
    for number in 1..=2 {
        store.enqueue(order("order.placed", number, 0), t(1)).await;
    }
    let claimed = store.claim(t(1)).await;
    let mut late = claimed.clone();
    late[1].fence += 1;
    let twice = [claimed[0].clone(), claimed[0].clone()];
    for wrong in [&late[..], &twice] {
        let command = settle_all(&store, wrong, handed(&["a.x12"], &[("isa", 1)], 2));
        // In a group with others, and the others are kept.
        let group = vec![command, Command::Accept(accept(&format!("{}", wrong[1].fence), b"x"))];
        let answers = store.0.apply(group).await.unwrap();
        assert!(matches!(answers[0], Err(Error::Fenced { .. })), "{answers:?}");
        assert!(answers[1].is_ok());
    }
    // So does a delivery of another connector.
    store.admit(vec![new(order("order.placed", 3, 0), vec![to("wms")])], t(1)).await;
    let other = store.claim_of("wms", 1, t(1)).await;
    let mixed = [claimed[0].clone(), other[0].clone()];
    let command = settle_all(&store, &mixed, handed(&["a.x12"], &[("isa", 1)], 2));
    assert!(matches!(store.one(command).await, Err(Error::Unknown { .. })));
    for one in &claimed {
        assert_eq!(store.state(one.delivery).await, "sending");
    }
    assert!(waiting(&store).await.is_empty());
    assert_eq!(store.0.sequence(ERP, "isa").await.unwrap(), 0);
    let command = settle_all(&store, &claimed, handed(&["a.x12"], &[("isa", 1)], 2));
    assert_eq!(settled_all(&store, command).await.len(), 2);
    assert_eq!(waiting(&store).await, ["a.x12"]);
}

pub async fn a_file_name_is_used_once(store: Store) {
    let store = Driver(store);
    store.enqueue(order("order.placed", 1, 0), t(1)).await;
    let claimed = store.claim(t(1)).await;
    let first = Command::PutOutbox(handed(&["a.x12"], &[], 1));
    let again = settle_all(&store, &claimed, handed(&["b.x12", "a.x12"], &[("isa", 9)], 2));
    let elsewhere =
        Command::PutOutbox(OutboxEntries { connector: "wms".into(), ..handed(&["a.x12"], &[], 2) });
    let answers = store.0.apply(vec![first, again, elsewhere]).await.unwrap();
    assert!(
        matches!(&answers[1], Err(Error::Taken { what: "file", id }) if id == "erp/a.x12"),
        "{answers:?}"
    );
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert_eq!(store.state(claimed[0].delivery).await, "sending");
    assert_eq!(store.0.sequence(ERP, "isa").await.unwrap(), 0);
    // Nor in a later group, nor twice in one call, nor when it has long been handed over.
    let id = store.0.outbox(ERP, 1).await.unwrap()[0].id;
    store.one(Command::FileWritten { file: id, now: t(3) }).await.unwrap();
    for files in [&["a.x12"][..], &["c.x12", "c.x12"]] {
        let refused = store.one(Command::PutOutbox(handed(files, &[], 4))).await;
        assert!(matches!(refused, Err(Error::Taken { .. })));
    }
    let command = settle_all(&store, &claimed, handed(&["b.x12"], &[], 5));
    assert_eq!(settled_all(&store, command).await.len(), 1);
    assert_eq!(waiting(&store).await, ["b.x12"]);
}

pub async fn files_come_with_the_events_they_were_written_for_or_not_at_all(store: Store) {
    let store = Driver(store);
    let inbound = store.accept(accept("1", b"ISA")).await.inbound;
    let admit = |files: &[&str]| {
        Command::Admit(Admit {
            inbound: Some(inbound),
            events: vec![new(order("order.placed", 1, 0), vec![to(ERP)])],
            outbox: Some(handed(files, &[("isa", 3)], 2)),
            now: t(2),
            ..Admit::default()
        })
    };
    store.one(Command::PutOutbox(handed(&["taken.x12"], &[], 1))).await.unwrap();
    assert!(matches!(store.one(admit(&["997.x12", "taken.x12"])).await, Err(Error::Taken { .. })));
    assert_eq!(store.pending().await, 1);
    assert!(store.claim(t(2)).await.is_empty());
    store.one(admit(&["997.x12"])).await.unwrap();
    assert_eq!(store.pending().await, 0);
    assert_eq!(store.claim(t(2)).await.len(), 1);
    assert_eq!(waiting(&store).await, ["taken.x12", "997.x12"]);
    // What is refused for its events or its cursor hands nothing over.
    assert!(store.one(admit(&["again.x12"])).await.is_err());
    let cursor = CursorMove { connector: ERP.into(), from: Some("elsewhere".into()), to: "5".into() };
    let polled = Command::Admit(Admit {
        cursor: Some(cursor),
        outbox: Some(handed(&["polled.x12"], &[("isa", 8)], 3)),
        now: t(3),
        ..Admit::default()
    });
    assert!(matches!(store.one(polled).await, Err(Error::CursorMoved { .. })));
    assert_eq!(waiting(&store).await.len(), 2);
    assert_eq!(store.0.sequence(ERP, "isa").await.unwrap(), 3);
}

pub async fn a_sequence_never_goes_back(store: Store) {
    let store = Driver(store);
    let put =
        |last: u64| Command::PutOutbox(handed(&[], &[("isa", last), ("gs", last.saturating_add(100))], 1));
    let answers = store.0.apply(vec![put(5), put(3)]).await.unwrap();
    assert!(answers.iter().all(Result::is_ok));
    store.one(put(4)).await.unwrap();
    assert_eq!(store.0.sequence(ERP, "isa").await.unwrap(), 5);
    assert_eq!(store.0.sequence(ERP, "gs").await.unwrap(), 105);
    assert_eq!(store.0.sequence("wms", "isa").await.unwrap(), 0);
    store.one(put(u64::MAX)).await.unwrap();
    assert!(store.0.sequence(ERP, "isa").await.unwrap() >= u64::MAX / 2);
}

pub async fn a_restored_database_skips_numbers(store: Store) {
    let store = Driver(store);
    store.one(Command::PutOutbox(handed(&[], &[("isa", 5)], 1))).await.unwrap();
    let incarnation = uuid::Uuid::from_u128(7);
    store.tally(Command::StartIncarnation { incarnation, skip: 1000, now: t(5) }).await;
    assert_eq!(store.0.sequence(ERP, "isa").await.unwrap(), 1005);
}

pub async fn a_files_content_goes_after_it_was_handed_over(store: Store) {
    let store = Driver(store);
    let day = 86_400;
    store.one(Command::PutOutbox(handed(&["old.x12", "unsent.x12"], &[], 1))).await.unwrap();
    let id = store.0.outbox(ERP, 1).await.unwrap()[0].id;
    store.one(Command::FileWritten { file: id, now: t(2) }).await.unwrap();
    let retain = retention(t(2 * day), t(0));
    store.one(Command::ApplyRetention(retain)).await.unwrap();
    // What waits keeps its content and the key of its day; what is gone keeps its name.
    let left = store.0.outbox(ERP, 10).await.unwrap();
    assert_eq!(left.iter().map(|file| file.content.as_slice()).collect::<Vec<_>>(), [b"ISA*unsent.x12"]);
    let refused = store.one(Command::PutOutbox(handed(&["old.x12"], &[], 2 * day))).await;
    assert!(matches!(refused, Err(Error::Taken { .. })));
}

pub async fn a_request_keeps_its_files_name(store: Store) {
    let store = Driver(store);
    let mut request = accept("1", b"ISA");
    request.request.file = Some("850-17.x12".into());
    let inbound = store.accept(request.clone()).await.inbound;
    assert_eq!(store.0.inbound(inbound).await.unwrap().unwrap().request, Some(request.request));
}
