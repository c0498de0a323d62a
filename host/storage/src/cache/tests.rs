//! Tests of the cache on its own; that it changes no answer is shown by the conformance suite.

use std::sync::Arc;
use std::time::Duration;

use crossdock_engine::conformance::samples::{ERP, new, order, refund, t, to};
use crossdock_engine::database::{Answer, ChangeSet, Question, ReadSet, Rows};
use crossdock_engine::delivery::{Delivery, Purpose};
use crossdock_engine::keys::LaneKey;
use crossdock_engine::memory::{CommitFault, Memory};
use crossdock_engine::{Admit, Claim, Command, Store};
use crossdock_model::time::Millis;
use crossdock_rules::effect::Effect;
use crossdock_rules::lane::DeliveryState;
use crossdock_rules::lookup::Keys;
use crossdock_rules::safeguards::Safeguards;
use crossdock_rules::version::Moment;

use super::rows::CachedRows;
use super::{CacheOptions, Cached};

fn delivery(id: i64) -> Delivery {
    let lane = LaneKey::new("erp", "order/1");
    let purpose = Purpose {
        id,
        event: id,
        generation: 0,
        entity: Arc::clone(&lane.lane),
        lane,
        effect: Effect::Create,
        moment: Moment::certain(0),
    };
    Delivery::new(purpose, Millis(0), Millis(0))
}

fn lane() -> ReadSet {
    let questions = [Question::Lane(LaneKey::new("erp", "order/1"))].into();
    ReadSet { questions, ..ReadSet::default() }
}

fn changed(rows: Vec<Delivery>) -> ChangeSet {
    let mut changes = ChangeSet::default();
    changes.changed.deliveries = rows.into_iter().map(|row| (row.id, Some(row))).collect();
    changes
}

fn numbers(rows: &Rows) -> Vec<i64> {
    let Answer::Deliveries(deliveries) = &rows.answers[0].1 else { panic!() };
    deliveries.iter().map(|row| row.id).collect()
}

#[test]
fn a_lane_that_was_read_follows_what_is_written() {
    let mut cache = CachedRows::new(10, 10);
    let (_, missing) = cache.split(&lane());
    assert_eq!(missing, lane());
    let mut read = Rows::default();
    let question = Question::Lane(LaneKey::new("erp", "order/1"));
    read.answers.push((question, Answer::Deliveries(vec![delivery(1)])));
    cache.add(&missing, &read);
    let settled = Delivery { state: DeliveryState::Settled, ..delivery(1) };
    cache.apply(&changed(vec![settled, delivery(2)]));
    let (found, missing) = cache.split(&lane());
    assert!(missing.is_empty());
    assert_eq!(numbers(&found), [2]);
}

#[test]
fn a_lane_that_was_not_read_is_not_known_by_its_newest_delivery() {
    let mut cache = CachedRows::new(10, 10);
    cache.apply(&changed(vec![delivery(2)]));
    assert_eq!(cache.split(&lane()).1, lane());
    let wanted = ReadSet { deliveries: [2].into(), ..ReadSet::default() };
    assert_eq!(cache.split(&wanted).0.deliveries, [(2, delivery(2))]);
}

#[test]
fn without_room_nothing_is_cached() {
    let mut cache = CachedRows::new(0, 0);
    cache.apply(&changed(vec![delivery(2)]));
    let wanted = ReadSet { deliveries: [2].into(), ..lane() };
    assert_eq!(cache.split(&wanted).1, wanted);
}

#[test]
fn a_delivery_that_moves_to_another_lane_leaves_its_own() {
    let mut cache = CachedRows::new(10, 10);
    let other = LaneKey::new("other", "order/1");
    let questions: std::collections::BTreeSet<_> =
        [Question::Lane(LaneKey::new("erp", "order/1")), Question::Lane(other)].into();
    let wanted = ReadSet { questions: questions.clone(), ..ReadSet::default() };
    let answers = [vec![delivery(1)], Vec::new()].map(Answer::Deliveries);
    let read = Rows { answers: questions.into_iter().zip(answers).collect(), ..Rows::default() };
    cache.add(&wanted, &read);
    cache.apply(&changed(vec![Delivery { connector: "other".into(), ..delivery(1) }]));
    let (found, missing) = cache.split(&wanted);
    assert!(missing.is_empty());
    let lanes: Vec<usize> = found
        .answers
        .iter()
        .map(|(_, answer)| match answer {
            Answer::Deliveries(lane) => lane.len(),
            _ => panic!(),
        })
        .collect();
    assert_eq!(lanes, [0, 1]);
}

/// What a store answers to commands whose commits fail on the way.
async fn answers(store: Store) -> Vec<String> {
    let mut answers = Vec::new();
    let admit = |event, second| {
        Command::Admit(Admit { events: vec![new(event, vec![to(ERP)])], now: t(second), ..Admit::default() })
    };
    let claim = |second| {
        Command::Claim(Claim {
            connector: ERP.into(),
            limit: 10,
            now: t(second),
            lease: Duration::from_secs(5),
            keys: Keys::Find,
        })
    };
    for round in 0..3_u32 {
        let second = i64::from(round) * 100;
        for group in [
            vec![admit(order("order.placed", round, second), second), admit(refund(round, round), second)],
            vec![admit(order("order.updated", round, second + 1), second + 1)],
            vec![claim(second + 2), admit(order("order.updated", round, second + 3), second + 3)],
            vec![Command::Expire { now: t(second + 50), limit: 10 }],
            vec![claim(second + 51)],
            vec![Command::RecoverClaims { now: t(second + 52), limit: 10 }, claim(second + 53)],
            vec![admit(order("order.cancelled", round, second + 54), second + 54)],
        ] {
            answers.push(format!("{:?}", store.apply(group).await));
        }
    }
    answers
}

#[tokio::test]
async fn a_commit_that_failed_leaves_no_wrong_answer_behind() {
    for fault in [CommitFault::NotWritten, CommitFault::AnswerLost] {
        for n in 0..20 {
            let plain = Arc::new(Memory::default().failing_commit(n, fault));
            let behind = Arc::new(Memory::default().failing_commit(n, fault));
            let cached = Arc::new(Cached::new(Arc::clone(&behind), CacheOptions::default()));
            let expected = answers(Store::new(Arc::clone(&plain), plain, Safeguards::default())).await;
            let found = answers(Store::new(cached, behind, Safeguards::default())).await;
            assert_eq!(found, expected, "{fault:?} {n}");
        }
    }
}
