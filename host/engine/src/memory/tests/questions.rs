//! Questions: what they find, in which order, and how much of it.

use crossdock_model::time::Millis;
use crossdock_rules::lane::{DeliveryState, Sent};

use super::samples::*;
use crate::changes::Append;
use crate::command::{Filter, Request};
use crate::database::{Answer, Changed, Question};
use crate::delivery::Delivery;
use crate::keys::{LaneKey, MappingKey};
use crate::memory::Memory;
use crate::rows::{InboundState, MappingEntry};

/// A delivery of an event of its own, due at a moment.
fn due(id: i64, state: DeliveryState, due_at: i64) -> Delivery {
    Delivery { due_at: Millis(due_at), ..delivery(id, id, state) }
}

async fn of(rows: Vec<Delivery>) -> Memory {
    let memory = Memory::default();
    deliveries(&memory, rows).await;
    memory
}

#[tokio::test]
async fn a_lane_is_its_open_deliveries_by_number() {
    use DeliveryState::{Queued, Received, Settled};
    let other = Delivery { lane: "other".into(), ..due(4, Queued, 1) };
    let memory = of(vec![due(3, Queued, 1), due(1, Received, 1), due(2, Settled, 1), other]).await;
    let lane = || Question::Lane(LaneKey::new(ERP, ORDER));
    assert_eq!(numbers(&memory, lane()).await, [1, 3]);
    deliveries(&memory, vec![due(1, Settled, 1)]).await;
    assert_eq!(numbers(&memory, lane()).await, [3]);
    let before = memory.clone();
    change(&memory, Changed { deliveries: vec![(3, None)], ..Changed::default() }).await;
    assert!(numbers(&memory, lane()).await.is_empty());
    assert_eq!(numbers(&before, lane()).await, [3]);
}

#[tokio::test]
async fn what_is_due_is_found_the_longest_due_first() {
    use DeliveryState::{Ready, Received, Sending, Waiting};
    let memory = of(vec![
        due(1, Ready, 30),
        due(2, Ready, 20),
        due(3, Ready, 20),
        due(4, Ready, 31),
        Delivery { connector: "wms".into(), ..due(5, Ready, 1) },
        due(6, Waiting, 25),
        Delivery { lease_until: Millis(29), ..due(7, Sending, 1) },
        due(8, Sending, 1),
        due(9, Received, 30),
    ])
    .await;
    let (now, connector) = (Millis(30), || ERP.into());
    let heads = |limit| Question::Heads { connector: connector(), now, limit };
    assert_eq!(numbers(&memory, heads(9)).await, [2, 3, 1]);
    assert_eq!(numbers(&memory, heads(1)).await, [2]);
    assert_eq!(numbers(&memory, Question::ExpiredLeases { now, limit: 9 }).await, [7]);
    assert_eq!(numbers(&memory, Question::Claimed { limit: 9 }).await, [7, 8]);
    assert_eq!(numbers(&memory, Question::DueWaiting { now, limit: 9 }).await, [6]);
    let unconfirmed = |now| Question::Unconfirmed { connector: connector(), now, limit: 9 };
    assert_eq!(numbers(&memory, unconfirmed(now)).await, [9]);
    assert!(numbers(&memory, unconfirmed(Millis(29))).await.is_empty());
    let since = |before| Question::WaitingSince { connector: connector(), before: Millis(before), limit: 9 };
    assert_eq!(numbers(&memory, since(6)).await, [6]);
    assert!(numbers(&memory, since(5)).await.is_empty());
}

#[tokio::test]
async fn what_awaits_a_key_is_found_in_every_connector() {
    use DeliveryState::{Exception, Ready, Waiting};
    let mapping = |id, state| Delivery { awaits: Some("mapping/tax/7".into()), ..delivery(id, id, state) };
    let memory = of(vec![
        mapping(3, Exception),
        Delivery { connector: "wms".into(), ..mapping(2, Exception) },
        // It is tried again, and awaits nothing meanwhile.
        mapping(4, Ready),
        delivery(5, 5, Waiting),
    ])
    .await;
    let key = || "mapping/tax/7".into();
    let awaiting = |limit| Question::Awaiting { key: key(), connector: None, limit };
    let of_wms = Question::Awaiting { key: key(), connector: Some("wms".into()), limit: 9 };
    assert_eq!(numbers(&memory, of_wms).await, [2]);
    assert_eq!(numbers(&memory, awaiting(9)).await, [2, 3]);
    assert_eq!(numbers(&memory, awaiting(1)).await, [2]);
    assert_eq!(names(&memory, Question::AwaitedMappings).await, ["mapping/tax/7"]);
    deliveries(&memory, vec![mapping(2, Ready), mapping(3, Ready)]).await;
    assert!(names(&memory, Question::AwaitedMappings).await.is_empty());
}

#[tokio::test]
async fn in_flight_is_what_may_be_changing_the_target() {
    use DeliveryState::{Ready, Sending, Waiting};
    let maybe = |id, state| Delivery { sent: Sent::Maybe, ..delivery(id, id, state) };
    let memory =
        of(vec![delivery(1, 1, Ready), maybe(2, Ready), maybe(3, Waiting), delivery(4, 4, Sending)]).await;
    assert_eq!(numbers(&memory, Question::InFlight(ERP.into())).await, [2, 3, 4]);
    let of_event = Question::DeliveriesOf { event: 2, connector: ERP.into() };
    assert_eq!(numbers(&memory, of_event).await, [2]);
    assert!(numbers(&memory, Question::WaitsOn(2)).await.is_empty());
}

#[tokio::test]
async fn a_replay_is_paged_by_number() {
    use DeliveryState::{Ready, Settled};
    let memory = Memory::default();
    append(&memory, vec![Append::Event(event(1, None)), Append::Event(event(2, None))]).await;
    let again = Delivery { generation: 1, ..delivery(3, 1, Settled) };
    deliveries(&memory, vec![delivery(1, 1, Settled), delivery(2, 2, Ready), again]).await;
    let page = async |filter: &Filter, generation, after| {
        let filter = serde_json::to_string(filter).unwrap().into();
        match ask(&memory, Question::Replay { filter, generation, after, limit: 1 }).await {
            Answer::Replay(rows) => rows.into_iter().map(|row| row.1).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        }
    };
    let all = Filter::default();
    let first = page(&all, Some(1), 0).await;
    assert_eq!((first[0].delivery, first[0].has_content, first[0].repeated), (1, true, true));
    let second = page(&all, Some(1), 1).await;
    assert_eq!((second[0].delivery, second[0].repeated), (2, false));
    // One that was posted again on purpose is meant only where it is an exception.
    assert!(page(&all, None, 2).await.is_empty());
    let settled = Filter { state: Some("settled".into()), ..Filter::default() };
    assert_eq!(page(&settled, None, 0).await[0].delivery, 1);
    assert!(page(&settled, None, 1).await.is_empty());
}

#[tokio::test]
async fn inbounds_that_are_due_come_with_their_bytes() {
    let memory = Memory::default();
    let inbounds = vec![
        (1, Some(inbound(20, InboundState::Pending))),
        (2, Some(inbound(10, InboundState::Pending))),
        (3, Some(inbound(10, InboundState::Read))),
        (4, Some(inbound(31, InboundState::Pending))),
    ];
    change(&memory, Changed { inbounds, ..Changed::default() }).await;
    let request = Request { body: b"x".to_vec(), ..Request::default() };
    append(&memory, vec![Append::Body { inbound: 2, day: 0, request: request.clone().into() }]).await;
    let question = Question::DueInbounds { connector: "shop".into(), now: Millis(30), limit: 9 };
    let Answer::Inbounds(due) = ask(&memory, question).await else { panic!() };
    assert_eq!(due.iter().map(|inbound| inbound.id).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(due[0].request, Some(request));
}

#[tokio::test]
async fn versions_and_names_of_tables_are_answered() {
    let memory = Memory::default();
    let key = |value: &str| MappingKey { connector: ERP.into(), table: "tax".into(), value: value.into() };
    let entry = |by: &str| Some(MappingEntry { target: "V1".into(), at: Millis(1), by: by.into() });
    let mappings = vec![(key("19"), entry("me")), (key("7"), entry("host"))];
    let releases = ["b", "a"].map(|key| ((ERP.into(), key.into()), Some(()))).into();
    let aliases = vec![("till/1".into(), Some(ORDER.into()))];
    change(&memory, Changed { mappings, releases, aliases, ..Changed::default() }).await;
    let (at, by) = (Millis(1), || "me".into());
    append(
        &memory,
        vec![
            Append::MappingChange { key: key("19"), version: 4, old: None, new: None, at, by: by() },
            Append::StoreChange { id: "31".into(), version: 2, record: None, at, by: by() },
        ],
    )
    .await;
    let (connector, table) = (|| ERP.into(), || "tax".into());
    let version = Question::MappingVersion { connector: connector(), table: table() };
    assert_eq!(numbers(&memory, version).await, [4]);
    let none = Question::MappingVersion { connector: connector(), table: "other".into() };
    assert_eq!(numbers(&memory, none).await, [0]);
    assert_eq!(numbers(&memory, Question::StoreVersion("31".into())).await, [2]);
    assert_eq!(numbers(&memory, Question::StoreChangedAt("31".into())).await, [0]);
    for (question, count) in [
        (Question::MappingTable { connector: connector(), table: table() }, 2),
        (Question::MappingsBy("me".into()), 1),
    ] {
        let Answer::Mappings(found) = ask(&memory, question).await else { panic!() };
        assert_eq!(found.len(), count);
    }
    let pending = ask(&memory, Question::PendingReleases { limit: 1 }).await;
    let Answer::Pairs(pending) = pending else { panic!() };
    assert_eq!(pending, [(ERP.into(), "a".into())]);
    assert_eq!(names(&memory, Question::AliasGroup(ORDER.into())).await, ["till/1"]);
}
