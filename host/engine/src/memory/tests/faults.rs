//! Commits that fail, transactions that wait, and the digest.

use crossdock_model::time::Millis;
use crossdock_rules::lane::DeliveryState;

use super::samples::*;
use crate::changes::{Append, ChangeSet};
use crate::database::{Changed, Database as _};
use crate::error::Error;
use crate::memory::{CommitFault, Memory};

fn one(id: i64) -> ChangeSet {
    let deliveries = vec![(id, Some(delivery(id, id, DeliveryState::Ready)))];
    ChangeSet { changed: Changed { deliveries, ..Changed::default() }, ..ChangeSet::default() }
}

async fn commit(memory: &Memory, changes: &ChangeSet) -> Result<u64, Error> {
    memory.begin().await.unwrap().commit(changes).await
}

#[tokio::test]
async fn the_nth_commit_fails_and_none_but_that() {
    for (fault, stored) in [(CommitFault::NotWritten, vec![1, 3]), (CommitFault::AnswerLost, vec![1, 2, 3])] {
        let memory = Memory::default().failing_commit(2, fault);
        commit(&memory, &one(1)).await.unwrap();
        assert!(commit(&memory, &one(2)).await.unwrap_err().is_fault());
        commit(&memory, &one(3)).await.unwrap();
        assert_eq!(memory.deliveries().iter().map(|row| row.id).collect::<Vec<_>>(), stored);
    }
}

#[tokio::test]
async fn a_second_transaction_waits_for_the_first() {
    let memory = std::sync::Arc::new(Memory::default());
    let mut first = memory.begin().await.unwrap();
    let second = tokio::spawn({
        let memory = std::sync::Arc::clone(&memory);
        async move { commit(&memory, &one(2)).await }
    });
    tokio::task::yield_now().await;
    assert!(memory.deliveries().is_empty());
    let wanted = crate::database::ReadSet { deliveries: [1, 2].into(), ..Default::default() };
    assert!(first.load(&wanted).await.unwrap().deliveries.is_empty());
    first.commit(&one(1)).await.unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(memory.deliveries().len(), 2);
}

#[tokio::test]
async fn a_transaction_that_is_dropped_changes_nothing_and_lets_the_next_begin() {
    let memory = Memory::default();
    drop(memory.begin().await.unwrap());
    commit(&memory, &one(1)).await.unwrap();
    assert_eq!(memory.deliveries().len(), 1);
}

#[tokio::test]
async fn what_a_unique_index_refuses_is_refused() {
    let memory = Memory::default();
    append(&memory, vec![Append::Event(event(1, None))]).await;
    let again = ChangeSet { appended: vec![Append::Event(event(1, None))], ..ChangeSet::default() };
    assert!(matches!(commit(&memory, &again).await, Err(Error::Content { .. })));
    commit(&memory, &one(1)).await.unwrap();
    commit(&memory, &one(1)).await.unwrap();
    let deliveries = vec![(2, Some(delivery(2, 1, DeliveryState::Ready)))];
    let twice = ChangeSet { changed: Changed { deliveries, ..Changed::default() }, ..ChangeSet::default() };
    assert!(matches!(commit(&memory, &twice).await, Err(Error::Content { .. })));
}

#[tokio::test]
async fn the_digest_is_of_what_decides() {
    let memory = Memory::default();
    deliveries(&memory, vec![delivery(1, 1, DeliveryState::Ready)]).await;
    let digest = memory.digest(Millis(100));
    assert_eq!(memory.clone().digest(Millis(100)), digest);
    // What is due is due, however long.
    assert_eq!(memory.digest(Millis(5000)), digest);
    assert_ne!(memory.digest(Millis(0)), digest);
    let mut row = delivery(1, 1, DeliveryState::Ready);
    (row.fence, row.serial, row.since) = (7, Some(9), Millis(99));
    deliveries(&memory, vec![row.clone()]).await;
    append(&memory, vec![attempt(1, 1, 50)]).await;
    assert_eq!(memory.digest(Millis(100)), digest);
    row.attempts = 1;
    deliveries(&memory, vec![row]).await;
    assert_ne!(memory.digest(Millis(100)), digest);
}

#[test]
fn fingerprints_tell_texts_apart_and_are_the_same_each_time() {
    let fingerprint = |text: &str| Memory::default().fingerprint(text.as_bytes());
    assert_eq!(fingerprint("Ada"), fingerprint("Ada"));
    assert_ne!(fingerprint("Ada"), fingerprint("Eve"));
}
