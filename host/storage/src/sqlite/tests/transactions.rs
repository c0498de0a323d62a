//! Transactions: what the database refuses, and what is dropped midway.

use std::time::Duration;

use crossdock_engine::conformance::samples::*;
use crossdock_engine::database::{Append, ChangeSet, Database as _, IdCounts, ReadSet};
use crossdock_engine::{Accept, Command, Error, Result};

use super::super::statement::{Args, assembled, rows, run};
use super::*;
use crate::{Writer, WriterOptions};

#[tokio::test]
async fn a_command_that_the_database_refuses_for_its_content_is_refused_alone() {
    let scratch = scratch().await;
    let first = scratch.driver.accept(accept("1", b"x")).await.inbound;
    // The row of a later inbound's bytes is taken behind the engine's back.
    let mut writing = scratch.database.writing.lock().await;
    let text = "INSERT INTO inbound_body (inbound, day, sealed) VALUES (?, 0, x'00')";
    let mut args = Args::default();
    args.add(first + 2);
    run(&mut writing.connection, "test", text, args).await.unwrap();
    drop(writing);
    let group = ["2", "3", "4"].map(|dedupe| Command::Accept(accept(dedupe, b"y")));
    let answers = scratch.driver.0.apply(group.into()).await.unwrap();
    let stored: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(stored, [true, false, false]);
    assert!(matches!(answers[1], Err(Error::Content { .. })), "{:?}", answers[1]);
    assert!(!answers[1].as_ref().unwrap_err().is_fault());
}

#[tokio::test]
async fn a_value_that_a_column_cannot_hold_is_refused_for_its_content() {
    let scratch = scratch().await;
    let mut writing = scratch.database.writing.lock().await;
    for text in [
        "INSERT INTO pin (root, connector) VALUES ('a', NULL)",
        "INSERT INTO pin (root, connector) VALUES ('a', x'00')",
    ] {
        let refused = run(&mut writing.connection, "test", text, Args::default()).await;
        assert!(matches!(refused, Err(Error::Content { .. })), "{refused:?}");
    }
    let broken =
        run(&mut writing.connection, "test", "INSERT INTO nothing VALUES (1)", Args::default()).await;
    assert!(matches!(broken, Err(Error::Database { .. })));
}

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_nothing_and_the_database_usable() {
    let scratch = scratch().await;
    for wait in 0..20 {
        let task = {
            let handle = scratch.driver.0.clone();
            let accept = accept(&format!("gone {wait}"), &[b'x'; 5000]);
            tokio::spawn(async move { handle.apply(vec![Command::Accept(accept)]).await })
        };
        tokio::time::sleep(Duration::from_micros(wait * 50)).await;
        task.abort();
        let accept = accept(&format!("stays {wait}"), b"y");
        assert!(scratch.driver.0.apply(vec![Command::Accept(accept)]).await.unwrap()[0].is_ok());
    }
    let pending = scratch.driver.0.pending_inbounds().await.unwrap();
    assert!(pending[0].fresh >= 20, "{pending:?}");
}

#[tokio::test]
async fn a_number_is_never_used_again_though_its_row_has_left() {
    let scratch = scratch().await;
    let (delivery, _) = scratch.driver.enqueue(order("order.placed", 1, 0), t(1)).await;
    let event = scratch.driver.0.delivery(delivery).await.unwrap().unwrap().row.event;
    let transaction = scratch.database.begin().await.unwrap();
    let mut changes = ChangeSet::default();
    let (events, deliveries) = (vec![event], vec![delivery]);
    changes.appended.push(Append::Prune { events, deliveries, roots: vec![order_id(1).into()] });
    transaction.commit(&changes).await.unwrap();
    assert!(scratch.driver.0.event(event).await.unwrap().is_none());
    assert!(scratch.driver.0.is_pruned_event(event).await.unwrap());
    assert!(!scratch.driver.0.is_pruned_event(event + 100).await.unwrap());
    let scratch = scratch_in(scratch.close().await).await;
    let mut transaction = scratch.database.begin().await.unwrap();
    let ids = IdCounts { events: 1, deliveries: 1, ..IdCounts::default() };
    let rows = transaction.load(&ReadSet { ids, ..ReadSet::default() }).await.unwrap();
    transaction.roll_back().await.unwrap();
    assert_eq!((rows.ids.event, rows.ids.delivery), (event + 1, delivery + 1));
}

#[tokio::test]
async fn nothing_of_an_order_that_left_is_in_any_table() {
    let scratch = scratch().await;
    let driver = &scratch.driver;
    let (delivery, _) = driver.enqueue(with_person(order("order.placed", 1, 0), "Ada Lovelace"), t(1)).await;
    let claimed = driver.claim_only(delivery, t(1)).await;
    let mut settle = driver.settling(&claimed, posted(&["SO-1"]), t(2));
    settle.attempt.exchange = Some("POST".into());
    driver.one(Command::Settle(Box::new(settle))).await.unwrap();
    let mut changes = ChangeSet::default();
    let (events, deliveries) = (vec![claimed.event_id], vec![delivery]);
    changes.appended.push(Append::Prune { events, deliveries, roots: vec![order_id(1).into()] });
    scratch.database.begin().await.unwrap().commit(&changes).await.unwrap();
    let mut reader = scratch.database.reader().await.unwrap();
    for table in [
        "event",
        "event_body",
        "personal",
        "subject",
        "delivery",
        "attempt",
        "exchange",
        "conflict",
        "message",
    ] {
        let text = assembled(format!("SELECT count(*) FROM {table}"));
        let rows = rows(&mut reader, "test", text, Args::default()).await.unwrap();
        let count: i64 = super::super::statement::Cells::of(&rows[0]).next().unwrap();
        assert_eq!(count, 0, "{table}");
    }
    drop(reader);
    let mut writing = scratch.database.writing.lock().await;
    for index in ["event_term", "customer_term", "subject_event"] {
        let text =
            format!("CREATE VIRTUAL TABLE temp.words_of_{index} USING fts5vocab ('main', '{index}', 'row')");
        run(&mut writing.connection, "test", assembled(text), Args::default()).await.unwrap();
        let text = assembled(format!("SELECT term FROM words_of_{index}"));
        let words = rows(&mut writing.connection, "test", text, Args::default()).await.unwrap();
        assert!(words.is_empty(), "{index}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_answers_each_its_own_after_the_commit() {
    let scratch = scratch().await;
    let store = scratch.driver.0.clone();
    let (writer, task) = Writer::start(store.clone(), WriterOptions { queue: 1000, group: 64 });
    let wake = writer.wake(ERP);
    let callers: Vec<_> = (0..300u32)
        .map(|number| {
            let (writer, store) = (writer.clone(), store.clone());
            tokio::spawn(async move {
                let stored = writer.accept(accept(&number.to_string(), &number.to_be_bytes())).await.unwrap();
                let read = store.inbound(stored.inbound).await.unwrap().unwrap();
                assert_eq!(read.request.unwrap().body, number.to_be_bytes());
                let events = vec![new(order("order.placed", number, 0), vec![to(ERP)])];
                let inbound = Some(stored.inbound);
                let admit = crossdock_engine::Admit { inbound, events, now: t(1), ..Default::default() };
                let admitted = writer.admit(admit).await.unwrap();
                let event = store.event(admitted.events[0]).await.unwrap().unwrap();
                assert_eq!(event.row.entity, order_id(number));
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    wake.notified().await;
    drop(writer);
    task.await.unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn a_full_queue_refuses_callers_that_can_come_back_and_lets_others_wait() {
    let scratch = scratch().await;
    let store = scratch.driver.0.clone();
    let (writer, _task) = Writer::start(store, WriterOptions { queue: 2, group: 1 });
    let accept = |number: u32| Accept { ..accept(&number.to_string(), b"x") };
    let mut answers = Vec::new();
    for number in 0..50 {
        let writer = writer.clone();
        answers.push(tokio::spawn(async move { writer.accept(accept(number)).await }));
    }
    let waiting = writer.submit(Command::Accept(accept(99)));
    let (mut stored, mut busy) = (0, 0);
    for answer in answers {
        match answer.await.unwrap() {
            Ok(_) => stored += 1,
            Err(Error::Busy) => busy += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(stored >= 2 && busy > 0, "{stored} stored, {busy} refused");
    waiting.await.unwrap();
}
