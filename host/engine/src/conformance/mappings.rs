//! Tables of mappings, and what waits for what they lack.

use crossdock_rules::lane::Sent;
use crossdock_rules::outcome::{Next, mapping_key};

use super::samples::*;
use crate::view::Page;
use crate::{
    Applied, Command, Error, ImportedFile, MappingChange, MappingFilter, PutMappings, Store, Stored, Unlisted,
};

/// Changes written as `connector/table/value` and target.
pub fn changes(of: &[(&str, Option<&str>)]) -> Vec<MappingChange> {
    of.iter()
        .map(|(name, target)| {
            let mut parts = name.splitn(3, '/').map(str::to_owned);
            let mut next = || parts.next().unwrap();
            MappingChange {
                connector: next(),
                table: next(),
                value: next(),
                target: target.map(str::to_owned),
            }
        })
        .collect()
}

fn put(of: &[(&str, Option<&str>)], now: i64) -> PutMappings {
    PutMappings { changes: changes(of), by: "me".into(), now: t(now), ..PutMappings::default() }
}

async fn kept(store: &Driver, put: PutMappings) -> Stored {
    match store.one(Command::PutMappings(put)).await.unwrap() {
        Applied::Stored(kept) => kept,
        other => panic!("{other:?}"),
    }
}

async fn all(store: &Driver) -> Vec<String> {
    let filter = MappingFilter { limit: 100, ..MappingFilter::default() };
    let rows = store.0.mappings(&filter).await.unwrap();
    rows.iter().map(|it| format!("{}/{}/{}={}", it.connector, it.table, it.value, it.target)).collect()
}

pub async fn a_connectors_own_mapping_comes_before_everybodys(store: Store) {
    let store = Driver(store);
    kept(&store, put(&[("*/tax/US", Some("01")), ("erp/tax/US", Some("US-TAX"))], 1)).await;
    for (connector, table, value, expected) in [
        (ERP, "tax", "US", Some("US-TAX")),
        ("wms", "tax", "US", Some("01")),
        (ERP, "tax", "us", None),
        (ERP, "tender", "US", None),
    ] {
        let found = store.0.mapping(connector, table, value).await.unwrap();
        assert_eq!(found.as_deref(), expected, "{connector}/{table}/{value}");
    }
    kept(&store, put(&[("erp/tax/US", None)], 2)).await;
    assert_eq!(store.0.mapping(ERP, "tax", "US").await.unwrap().as_deref(), Some("01"));
}

pub async fn every_change_of_a_table_is_a_version_of_it(store: Store) {
    let store = Driver(store);
    let first = [("erp/tax/US", Some("01")), ("erp/tax/CA", Some("02")), ("erp/tender/visa", Some("1410"))];
    assert_eq!(kept(&store, put(&first, 1)).await.changed, 3);
    let second = [
        ("erp/tax/US", Some("01")),
        ("erp/tax/CA", Some("03")),
        ("erp/tender/visa", None),
        ("erp/a/b", None),
    ];
    let answer = kept(&store, put(&second, 2)).await;
    assert_eq!((answer.changed, answer.unchanged, answer.removed), (1, 2, 1));
    let history = store.0.mapping_history(Some(ERP), None, Page::default()).await.unwrap();
    let changes: Vec<_> = history
        .iter()
        .map(|it| (it.table.as_str(), it.value.as_str(), it.version, it.old.as_deref(), it.new.as_deref()))
        .collect();
    assert_eq!(
        changes,
        [
            ("tender", "visa", 2, Some("1410"), None),
            ("tax", "CA", 2, Some("02"), Some("03")),
            ("tender", "visa", 1, None, Some("1410")),
            ("tax", "US", 1, None, Some("01")),
            ("tax", "CA", 1, None, Some("02")),
        ]
    );
    assert_eq!((history[0].at, history[0].by.as_str()), (t(2), "me"));
    let page = Page { before: Some(history[1].id), limit: 1 };
    let page = store.0.mapping_history(None, Some("tax"), page).await.unwrap();
    assert_eq!(page.iter().map(|it| it.value.as_str()).collect::<Vec<_>>(), ["US"]);
    // It is in the audit, one line a table; what changed nothing is not.
    let audit = store.0.audit(Page::default()).await.unwrap();
    let lines: Vec<_> = audit.iter().map(|row| (row.subject.as_str(), row.detail.as_str())).collect();
    assert_eq!(lines[0], ("erp/tender", "version 2: visa: `1410` → nothing"));
    assert_eq!(lines[1], ("erp/tax", "version 2: CA: `02` → `03`"));
    assert_eq!(lines.len(), 4);
    assert_eq!(
        kept(&store, put(&[("erp/tax/US", Some("01"))], 3)).await,
        Stored { unchanged: 1, ..Stored::default() }
    );
    assert_eq!(store.0.audit(Page::default()).await.unwrap().len(), 4);
}

pub async fn a_wrong_mapping_refuses_the_whole_list(store: Store) {
    let store = Driver(store);
    for wrong in [
        ("erp/tax/US", Some("02")),
        ("erp//US", Some("02")),
        ("/tax/US", Some("02")),
        ("erp/tax/", Some("02")),
        ("erp/tax/CA", Some("")),
    ] {
        let refused = store.one(Command::PutMappings(put(&[("erp/tax/US", Some("01")), wrong], 1))).await;
        assert!(matches!(refused, Err(Error::Invalid { what: "mapping", .. })), "{wrong:?}");
    }
    assert!(all(&store).await.is_empty());
}

pub async fn a_list_can_take_the_place_of_what_there_is(store: Store) {
    let store = Driver(store);
    kept(&store, put(&[("erp/tax/US", Some("01")), ("erp/tender/visa", Some("1410"))], 1)).await;
    let file = |of: &[(&str, Option<&str>)], hash: &str, now| PutMappings {
        by: "config".into(),
        unlisted: Unlisted::RemoveOwn,
        imported: Some(ImportedFile { name: "mappings".into(), hash: hash.into() }),
        ..put(of, now)
    };
    assert_eq!(store.0.imported("mappings").await.unwrap(), None);
    kept(&store, file(&[("erp/tax/CA", Some("02")), ("*/sku/A", Some("a"))], "h1", 2)).await;
    assert_eq!(store.0.imported("mappings").await.unwrap().as_deref(), Some("h1"));
    // What the file has no longer goes; what a person put stays.
    let answer = kept(&store, file(&[("*/sku/A", Some("a"))], "h2", 3)).await;
    assert_eq!((answer.unchanged, answer.removed), (1, 1));
    assert_eq!(all(&store).await, ["*/sku/A=a", "erp/tax/US=01", "erp/tender/visa=1410"]);
    // A list that stands for its whole tables leaves other tables alone.
    let whole = PutMappings { unlisted: Unlisted::Remove, ..put(&[("erp/tax/DE", Some("04"))], 4) };
    kept(&store, whole).await;
    assert_eq!(all(&store).await, ["*/sku/A=a", "erp/tax/DE=04", "erp/tender/visa=1410"]);
}

pub async fn mappings_are_listed_page_by_page(store: Store) {
    let store = Driver(store);
    let many: Vec<String> = (0..150).map(|it| format!("erp/sku/{it:03}")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), Some("x"))).collect();
    kept(&store, put(&many, 1)).await;
    kept(&store, put(&[("wms/sku/000", Some("y"))], 1)).await;
    let mut filter = MappingFilter { connector: Some(ERP.into()), limit: 100, ..MappingFilter::default() };
    let first = store.0.mappings(&filter).await.unwrap();
    let last = first.last().unwrap();
    filter.after = Some((last.connector.clone(), last.table.clone(), last.value.clone()));
    let second = store.0.mappings(&filter).await.unwrap();
    assert_eq!((first.len(), second.len(), second[0].value.as_str()), (100, 50, "100"));
    let one = MappingFilter { value: Some("000".into()), limit: 10, ..MappingFilter::default() };
    assert_eq!(store.0.mappings(&one).await.unwrap().len(), 2);
}

pub async fn adding_a_value_releases_all_that_waits_for_it(store: Store) {
    let store = Driver(store);
    for (number, value) in [(1, "US"), (2, "US"), (3, "CA")] {
        store.enqueue(order("order.placed", number, 0), t(1)).await;
        let claimed = store.claim(t(1)).await.pop().unwrap();
        let next = Next::Wait { parent: mapping_key("tax", value), retry_at: t(1_000_000) };
        store.settle(&claimed, answer(next, Sent::No), t(i64::from(number))).await;
    }
    // A slash in a value belongs to the value.
    store.admit(vec![new(order("order.placed", 4, 0), vec![to("wms")])], t(1)).await;
    let claimed = store.claim_of("wms", 1, t(1)).await;
    let next = Next::Wait { parent: mapping_key("carrier", "DHL/EU"), retry_at: t(1_000_000) };
    store.settle(&claimed[0], answer(next, Sent::No), t(1)).await;
    let missing = store.0.unmapped().await.unwrap();
    let listed: Vec<_> = missing
        .iter()
        .map(|it| (it.connector.as_str(), it.table.as_str(), it.value.as_str(), it.waiting))
        .collect();
    assert_eq!(listed, [(ERP, "tax", "CA", 1), (ERP, "tax", "US", 2), ("wms", "carrier", "DHL/EU", 1)]);
    assert_eq!((missing[1].deliveries.len(), missing[1].since), (2, t(1)));
    // Another connector's value helps nobody here.
    assert_eq!(kept(&store, put(&[("wms/tax/US", Some("01"))], 5)).await.released, 0);
    let answer = kept(&store, put(&[("erp/tax/US", Some("01"))], 6)).await;
    assert_eq!((answer.released, answer.ready), (2, vec![ERP.to_owned()]));
    assert_eq!(store.claim(t(6)).await.len(), 2);
    let answer = kept(&store, put(&[("*/carrier/DHL/EU", Some("DHL")), ("*/tax/CA", Some("02"))], 7)).await;
    assert_eq!((answer.released, answer.ready), (2, vec![ERP.to_owned(), "wms".to_owned()]));
    assert!(store.0.unmapped().await.unwrap().is_empty());
}

pub async fn one_list_releases_what_waits_for_very_many_values(store: Store) {
    let store = Driver(store);
    // More than are released at once, and than a unit of work may ask for one after the other.
    let many = 1300;
    let orders = (0..many).map(|number| new(order("order.placed", number, 0), vec![to(ERP)]));
    store.admit(orders.collect(), t(1)).await;
    let claimed = store.claim_of(ERP, many, t(1)).await;
    let waits = claimed.iter().map(|claimed| {
        let parent = mapping_key("sku", &claimed.delivery.to_string());
        let next = Next::Wait { parent, retry_at: t(1_000_000) };
        Command::Settle(Box::new(store.settling(claimed, answer(next, Sent::No), t(2))))
    });
    assert!(store.0.apply(waits.collect()).await.unwrap().iter().all(Result::is_ok));
    let names: Vec<_> = claimed.iter().map(|claimed| format!("*/sku/{}", claimed.delivery)).collect();
    let list: Vec<_> = names.iter().map(|name| (name.as_str(), Some("item"))).collect();
    let mut released = kept(&store, put(&list, 3)).await.released;
    while released < u64::from(many) {
        let more = store.tally(Command::ReleaseAwaiting { now: t(4), limit: 256 }).await;
        assert!(more.count > 0, "only {released} were released");
        released += more.count;
    }
    assert_eq!(store.claim_of(ERP, many, t(4)).await.len(), claimed.len());
}

pub async fn thousands_of_mappings_are_stored_at_once(store: Store) {
    let store = Driver(store);
    let names: Vec<String> = (0..2500).map(|number| format!("erp/sku/{number:04}")).collect();
    let listed: Vec<_> = names.iter().map(|name| (name.as_str(), Some("item"))).collect();
    assert_eq!(kept(&store, put(&listed, 1)).await.changed, 2500);
    let none = PutMappings { unlisted: Unlisted::Remove, ..put(&listed[..1], 2) };
    assert_eq!(kept(&store, none).await.removed, 2499);
}

pub async fn a_list_takes_the_place_of_what_its_own_unit_has_changed(store: Store) {
    let store = Driver(store);
    let of = |by: &str, changes_of, unlisted| {
        let changes = changes(changes_of);
        Command::PutMappings(PutMappings {
            changes,
            by: by.into(),
            now: t(1),
            unlisted,
            ..PutMappings::default()
        })
    };
    let whole = of("me", &[("erp/tax/DE", Some("02"))], Unlisted::Remove);
    store.0.apply(vec![of("me", &[("erp/tax/US", Some("01"))], Unlisted::Keep), whole]).await.unwrap();
    assert_eq!(all(&store).await, ["erp/tax/DE=02"]);
    // What somebody else has changed is no longer the file's own.
    let file = |changes| of("file", changes, Unlisted::RemoveOwn);
    store.one(file(&[("erp/tax/US", Some("01"))])).await.unwrap();
    let ada = of("ada", &[("erp/tax/US", Some("03"))], Unlisted::Keep);
    store.0.apply(vec![ada, file(&[("erp/tax/FR", Some("04"))])]).await.unwrap();
    assert_eq!(all(&store).await, ["erp/tax/DE=02", "erp/tax/FR=04", "erp/tax/US=03"]);
}
