//! The store registry.

use crossdock_rules::lane::Sent;
use crossdock_rules::outcome::{Next, mapping_key};

use super::samples::*;
use crate::view::Page;
use crate::{Applied, Command, Error, PutStores, Store, StoreRecord, StoreRow, Stored, Unlisted, Weekday};

fn shop(id: &str, code: &str) -> StoreRecord {
    StoreRecord {
        id: id.into(),
        name: format!("Store {id}"),
        zone: "America/New_York".into(),
        warehouse: Some("WH-1".into()),
        hours: [(Weekday::Monday, "10:00-20:00".to_owned())].into(),
        codes: [("shopify".to_owned(), code.to_owned())].into(),
        ..StoreRecord::default()
    }
}

fn put(stores: Vec<StoreRecord>, now: i64) -> PutStores {
    PutStores { stores, by: "me".into(), now: t(now), ..PutStores::default() }
}

async fn kept(store: &Driver, put: PutStores) -> Stored {
    match store.one(Command::PutStores(put)).await.unwrap() {
        Applied::Stored(kept) => kept,
        other => panic!("{other:?}"),
    }
}

pub async fn a_store_is_found_by_its_id_and_by_its_codes(store: Store) {
    let store = Driver(store);
    let answer = kept(&store, put(vec![shop("S1", "655"), shop("S2", "656")], 1)).await;
    assert_eq!((answer.changed, answer.unchanged), (2, 0));
    let expected = StoreRow { record: shop("S1", "655"), version: 1, at: t(1), by: "me".into() };
    assert_eq!(store.0.store_of_id("S1").await.unwrap(), Some(expected.clone()));
    assert_eq!(store.0.store_of_code("shopify", "655").await.unwrap(), Some(expected));
    assert_eq!(store.0.store_of_code("square", "655").await.unwrap(), None);
    assert_eq!(store.0.store_of_id("655").await.unwrap(), None);
    let rows = store.0.stores(None, 1).await.unwrap();
    let rest = store.0.stores(Some(&rows[0].record.id), 10).await.unwrap();
    assert_eq!((rows[0].record.id.as_str(), rest.len(), rest[0].record.id.as_str()), ("S1", 1, "S2"));
}

pub async fn every_change_of_a_store_is_a_version_of_it(store: Store) {
    let store = Driver(store);
    kept(&store, put(vec![shop("S1", "655")], 1)).await;
    let moved = StoreRecord { warehouse: Some("WH-2".into()), ..shop("S1", "700") };
    assert_eq!(kept(&store, put(vec![moved.clone()], 2)).await.changed, 1);
    assert_eq!(kept(&store, put(vec![moved.clone()], 3)).await.unchanged, 1);
    assert_eq!(store.0.store_of_code("shopify", "655").await.unwrap(), None);
    assert_eq!(store.0.store_of_code("shopify", "700").await.unwrap().unwrap().version, 2);
    let gone = PutStores { remove: vec!["S1".into()], ..put(Vec::new(), 4) };
    assert_eq!(kept(&store, gone.clone()).await.removed, 1);
    assert!(matches!(store.one(Command::PutStores(gone)).await, Err(Error::Unknown { .. })));
    assert_eq!(store.0.store_of_id("S1").await.unwrap(), None);
    assert_eq!(store.0.store_of_code("shopify", "700").await.unwrap(), None);
    kept(&store, put(vec![shop("S1", "655")], 5)).await;
    let history = store.0.store_history("S1").await.unwrap();
    let changes: Vec<_> = history.iter().map(|it| (it.version, it.at, it.record.clone())).collect();
    let first = || Some(shop("S1", "655"));
    assert_eq!(changes, [(4, t(5), first()), (3, t(4), None), (2, t(2), Some(moved)), (1, t(1), first())]);
    let audit = store.0.audit(Page::default()).await.unwrap();
    let audited: Vec<_> = audit.iter().map(|row| (row.action.as_str(), row.detail.as_str())).collect();
    assert_eq!(audited[..2], [("store.put", "version 4"), ("store.remove", "version 3")]);
    assert_eq!(audited.len(), 4);
}

pub async fn two_stores_never_have_one_code(store: Store) {
    let store = Driver(store);
    kept(&store, put(vec![shop("S1", "655"), shop("S2", "656")], 1)).await;
    let refused = store.one(Command::PutStores(put(vec![shop("S4", "9"), shop("S3", "655")], 2))).await;
    assert!(matches!(refused, Err(Error::Taken { what: "store code", .. })), "{refused:?}");
    assert_eq!(store.0.store_of_id("S4").await.unwrap(), None);
    // They can change them for each other's, in one list.
    kept(&store, put(vec![shop("S1", "656"), shop("S2", "655")], 3)).await;
    assert_eq!(store.0.store_of_code("shopify", "655").await.unwrap().unwrap().record.id, "S2");
    for wrong in [StoreRecord { zone: String::new(), ..shop("S5", "5") }, shop("S5", ""), shop("", "5")] {
        let refused = store.one(Command::PutStores(put(vec![wrong], 4))).await;
        assert!(matches!(refused, Err(Error::Invalid { what: "store", .. })));
    }
}

pub async fn a_whole_file_takes_the_place_of_the_registry(store: Store) {
    let store = Driver(store);
    kept(&store, put(vec![shop("S1", "655"), shop("S2", "656")], 1)).await;
    // A file of the configuration removes only what it put itself.
    let own =
        |stores, now| PutStores { by: "config".into(), unlisted: Unlisted::RemoveOwn, ..put(stores, now) };
    kept(&store, own(vec![shop("S3", "657")], 2)).await;
    let answer = kept(&store, own(vec![shop("S4", "657")], 3)).await;
    assert_eq!((answer.changed, answer.removed), (1, 1));
    let whole = PutStores { unlisted: Unlisted::Remove, ..put(vec![shop("S2", "656")], 4) };
    let answer = kept(&store, whole).await;
    assert_eq!((answer.changed, answer.unchanged, answer.removed), (0, 1, 2));
    let left: Vec<_> = store.0.stores(None, 10).await.unwrap().into_iter().map(|it| it.record.id).collect();
    assert_eq!(left, ["S2"]);
}

pub async fn adding_a_store_releases_what_waits_for_it(store: Store) {
    let store = Driver(store);
    for (number, value) in [(1, "655"), (2, "S1"), (3, "656")] {
        store.enqueue(order("order.placed", number, 0), t(1)).await;
        let claimed = store.claim(t(1)).await.pop().unwrap();
        let next = Next::Wait { parent: mapping_key("store", value), retry_at: t(1_000_000) };
        store.settle(&claimed, answer(next, Sent::No), t(1)).await;
    }
    let answer = kept(&store, put(vec![shop("S1", "655")], 2)).await;
    assert_eq!((answer.released, answer.ready), (2, vec![ERP.to_owned()]));
    assert_eq!(store.0.unmapped().await.unwrap().len(), 1);
}

pub async fn a_store_that_came_during_the_call_is_not_waited_for(store: Store) {
    let store = Driver(store);
    for (number, value, released) in [(1, "655", true), (2, "S1", true), (3, "656", false)] {
        let (delivery, _) = store.enqueue(order("order.placed", number, 0), t(1)).await;
        let second = i64::from(number) * 10;
        let began = t(second);
        let claimed = store.claim_only(delivery, began).await;
        kept(&store, put(vec![StoreRecord { name: began.to_string(), ..shop("S1", "655") }], second)).await;
        let next = Next::Exception { code: "unmapped".into(), awaits: Some(mapping_key("store", value)) };
        let mut settle = store.settling(&claimed, answer(next, Sent::No), began);
        settle.attempt.started = began;
        store.one(Command::Settle(Box::new(settle))).await.unwrap();
        assert_eq!(store.state(delivery).await, if released { "ready" } else { "exception" }, "{value}");
        if released {
            let claimed = store.claim_only(delivery, began).await;
            store.settle(&claimed, posted(&[]), began).await;
        }
    }
}
