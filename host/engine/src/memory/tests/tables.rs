//! Every table is read back as it was written, is deleted, and is as before when the transaction is undone.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossdock_model::time::Millis;
use crossdock_rules::attributes::{Attribute, Fingerprints};
use crossdock_rules::day::DayClosing;
use crossdock_rules::entity_state::EntityState;
use crossdock_rules::lane::DeliveryState;
use crossdock_rules::refund::ReportedRefund;

use super::samples::*;
use crate::database::{Changed, Database as _, IdCounts, Pass, ReadSet, Rows};
use crate::keys::{EntityKey, MappingKey};
use crate::memory::Memory;
use crate::outbox::CarriedDelivery;
use crate::registry::{StoreRecord, StoreRow};
use crate::rows::*;
use crate::view::{Cursor, Pause};

/// Writes a row of a table, reads it, undoes a change of it, and deletes it.
macro_rules! round_trip {
    ($table:ident, $key:expr, $row:expr, $other:expr) => {{
        let memory = Memory::default();
        let (key, row) = ($key, $row);
        let with = |row| Changed { $table: vec![(key.clone(), row)], ..Changed::default() };
        let wanted = || ReadSet { $table: [key.clone()].into(), ..ReadSet::default() };
        let before = memory.clone();
        change(&memory, with(Some(row.clone()))).await;
        assert_eq!(read(&memory, wanted()).await.$table, [(key.clone(), row.clone())]);
        assert!(read(&before, wanted()).await.$table.is_empty(), "a clone shares nothing");
        let absent = ReadSet { $table: [$other].into(), ..ReadSet::default() };
        assert!(read(&memory, absent).await.$table.is_empty());
        let mut undone = memory.begin().await.unwrap();
        undone.load(&wanted()).await.unwrap();
        undone.roll_back().await.unwrap();
        let refused = memory.clone().failing_commit(1, crate::memory::CommitFault::NotWritten);
        let changes = crate::changes::ChangeSet { changed: with(None), ..Default::default() };
        refused.begin().await.unwrap().commit(&changes).await.unwrap_err();
        for known in [&memory, &refused] {
            assert_eq!(read(known, wanted()).await.$table.len(), 1);
        }
        change(&memory, with(None)).await;
        assert!(read(&memory, wanted()).await.$table.is_empty());
    }};
}

fn text(text: &str) -> Arc<str> {
    text.into()
}

fn key(entity: &str) -> EntityKey {
    EntityKey::new(ERP, entity)
}

#[tokio::test]
async fn rows_of_the_intake_are_read_as_they_were_written() {
    round_trip!(inbound_keys, [1; 16], 5, [2; 16]);
    round_trip!(inbounds, 5, inbound(1, InboundState::Quarantined(problem("no-json"))), 6);
    let row = KeyRow { event: 7, digest: text("digest") };
    round_trip!(event_keys, text("key"), row, text("other"));
    round_trip!(events, 7, event(7, Some("Ada")), 8);
    let row = Cursor { cursor: "c1".into(), at: Millis(1) };
    round_trip!(cursors, text("shop"), row, text("till"));
}

#[tokio::test]
async fn rows_of_the_queue_are_read_as_they_were_written() {
    round_trip!(deliveries, 3, delivery(3, 7, DeliveryState::Exception), 4);
    round_trip!(messages, (text(ERP), text("m1")), 3, (text(ERP), text("m2")));
    round_trip!(serials, text(ERP), 9, text("wms"));
    let row = Pause { code: "unauthorized".into(), message: "no".into(), since: Millis(1) };
    round_trip!(pauses, text(ERP), row, text("wms"));
    round_trip!(releases, (text(ERP), text("mapping/tax/7")), (), (text("*"), text("mapping/tax/7")));
    round_trip!(positions, Pass::Events, (4, 5), Pass::Settled);
}

#[tokio::test]
async fn rows_of_entities_are_read_as_they_were_written() {
    let mut fingerprints = Fingerprints::default();
    fingerprints.set(Attribute::OrderTags, [7; 8]);
    let state = EntityState { exists: true, reported: Some(fingerprints.clone()), ..EntityState::default() };
    round_trip!(entities, key(ORDER), state, key("other"));
    round_trip!(pins, text(ORDER), text(ERP), text("other"));
    round_trip!(references, key(ORDER), vec![reference("SO-1")], key("other"));
    let written = WrittenValues { values: vec!["vip".into()], at: Millis(2) };
    let writes = OutboundWrites(BTreeMap::from([(Attribute::OrderTags, written)]));
    round_trip!(outbound_writes, key(ORDER), writes, key("other"));
    let report = Report {
        event: 7,
        fingerprints,
        values: Arc::default(),
        foreign: vec![Attribute::OrderNote],
        complete: true,
    };
    let wait =
        InFlightWait { in_flight: vec![3], source: text("shop"), entity: text(ORDER), report, before: None };
    round_trip!(in_flight_waits, 4, wait, 5);
}

#[tokio::test]
async fn rows_of_sales_are_read_as_they_were_written() {
    round_trip!(natural_keys, text("31/5/17"), text(ORDER), text("other"));
    round_trip!(aliases, text("till/acme/order/5"), text(ORDER), text("other"));
    let refund = ReportedRefund {
        event: 8,
        entity: "refund".into(),
        system: "shopify".into(),
        at: 1,
        amount: Default::default(),
        currency: "USD".into(),
    };
    round_trip!(refunds, text(ORDER), vec![refund], text("other"));
    let closing = DayClosing { at: text("2026-11-23T23:00:00Z"), arrived: Millis(5) };
    let days = |date| (text("31"), text(date));
    round_trip!(closings, days("2026-11-23"), ClosingRow { closing, event: 9 }, days("2026-11-24"));
    let level = LevelRow { available: Some("5".into()), believed: 1, sequence: None };
    let levels = BTreeMap::from([((text("shop"), text("berlin")), level)]);
    round_trip!(levels, (text("AB-7"), text("web")), levels, (text("AB-8"), text("web")));
}

#[tokio::test]
async fn rows_of_operators_and_of_the_outbox_are_read_as_they_were_written() {
    let sequence = |name| (text(ERP), text(name));
    round_trip!(sequences, sequence("icn"), 12, sequence("gcn"));
    round_trip!(file_names, sequence("a.xml"), 2, sequence("b.xml"));
    let carries = vec![CarriedDelivery { delivery: 3, confirmation_limit: 60 }];
    round_trip!(files, 2, FileRow { written_at: None, carries }, 3);
    let mapping = |value| MappingKey { connector: text(ERP), table: text("tax"), value: text(value) };
    let entry = MappingEntry { target: text("V1"), at: Millis(1), by: text("me") };
    round_trip!(mappings, mapping("19"), entry, mapping("7"));
    let record = StoreRecord { id: "31".into(), ..StoreRecord::default() };
    let store = StoreRow { record, version: 1, at: Millis(1), by: "me".into() };
    round_trip!(stores, text("31"), store, text("32"));
    round_trip!(secrets, text("api"), SecretVersion { version: 2, present: true }, text("other"));
    round_trip!(tokens, text("ci"), ([7; 32], Millis(1)), text("other"));
}

#[tokio::test]
async fn numbers_rise_and_those_in_use_are_never_allotted_again() {
    let memory = Memory::default();
    let ids = IdCounts { events: 2, deliveries: 1, ..IdCounts::default() };
    let wanted = || ReadSet { ids, ..ReadSet::default() };
    let mut transaction = memory.begin().await.unwrap();
    let first = |rows: Rows| (rows.ids.event, rows.ids.delivery);
    assert_eq!(first(transaction.load(&wanted()).await.unwrap()), (1, 1));
    assert_eq!(first(transaction.load(&wanted()).await.unwrap()), (3, 2));
    let last_ids = crate::changes::LastIds { event: Some(3), ..Default::default() };
    let changes = crate::changes::ChangeSet { last_ids, ..Default::default() };
    transaction.commit(&changes).await.unwrap();
    assert_eq!(first(read(&memory, wanted()).await), (4, 1));
}
