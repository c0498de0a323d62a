//! Listings: their order, their pages, and what is found.

use crossdock_model::time::Millis;
use crossdock_rules::lane::DeliveryState;

use super::samples::*;
use crate::changes::{Append, ChangeSet};
use crate::command::Filter;
use crate::database::Changed;
use crate::delivery::Delivery;
use crate::keys::EntityKey;
use crate::memory::Memory;
use crate::outbox::OutFile;
use crate::queries::Queries as _;
use crate::rows::{FileRow, InboundState};
use crate::secret::SecretText;
use crate::view::{EventFilter, Page, Pause, PendingCount, StuckPage};

/// Two events of one order: the first is posted, the second of Ada and an exception.
async fn two() -> Memory {
    let memory = Memory::default();
    append(&memory, vec![Append::Event(event(1, None)), Append::Event(event(2, Some("Ada Lovelace")))]).await;
    let rows = vec![delivery(1, 1, DeliveryState::Settled), delivery(2, 2, DeliveryState::Exception)];
    deliveries(&memory, rows).await;
    let references = vec![(EntityKey::new(ERP, ORDER), Some(vec![reference("SO-1")]))];
    change(&memory, Changed { references, ..Changed::default() }).await;
    memory
}

#[tokio::test]
async fn events_are_found_by_what_they_are_newest_first() {
    let memory = two().await;
    let found = async |filter: EventFilter| {
        let events = memory.events(&filter, Page::default()).await.unwrap();
        events.into_iter().map(|event| event.id).collect::<Vec<_>>()
    };
    let none = EventFilter::default;
    assert_eq!(found(none()).await, [2, 1]);
    let of = |filter: Filter| EventFilter { filter, ..none() };
    assert_eq!(found(of(Filter { state: Some("exception".into()), ..Filter::default() })).await, [2]);
    assert_eq!(found(of(Filter { delivery: Some(1), ..Filter::default() })).await, [1]);
    assert_eq!(found(of(Filter { until: Some(Millis(2)), ..Filter::default() })).await, [1]);
    for term in ["#A-17", "a-17", "31", "AB-7", "1001", "SO-1", "No. SO-1"] {
        assert_eq!(found(EventFilter { term: Some(term.into()), ..none() }).await, [2, 1], "{term}");
    }
    for id in ["1001", "31"] {
        assert_eq!(found(EventFilter { id: Some(id.into()), ..none() }).await.is_empty(), id == "31");
    }
    for customer in ["ADA@example.com", "ada lovelace"] {
        assert_eq!(found(EventFilter { customer: Some(customer.into()), ..none() }).await, [2]);
    }
    for nothing in [
        EventFilter { term: Some("#".into()), ..none() },
        EventFilter { customer: Some("1".into()), ..none() },
    ] {
        assert!(found(nothing).await.is_empty());
    }
    let page = Page { before: Some(2), limit: 1 };
    assert_eq!(memory.events(&none(), page).await.unwrap()[0].id, 1);
    let unknown = of(Filter { state: Some("lost".into()), ..Filter::default() });
    assert!(memory.events(&unknown, Page::default()).await.is_err());
}

#[tokio::test]
async fn an_event_and_a_delivery_show_everything_known_about_them() {
    let memory = two().await;
    append(&memory, vec![attempt(2, 2, 5)]).await;
    let shown = memory.event(2).await.unwrap().unwrap();
    assert_eq!((shown.subject.as_deref(), shown.erased), (Some("shopify/acme/customer/77"), false));
    assert_eq!((shown.attempts.len(), shown.references.len()), (1, 1));
    assert_eq!(memory.event(1).await.unwrap().unwrap().subject, None);
    let shown = memory.delivery(2).await.unwrap().unwrap();
    assert_eq!(shown.attempts_made[0].exchange.as_deref(), Some("POST Ada"));
    assert_eq!((shown.key, shown.references), (format!("{ORDER}/2"), vec![reference("SO-1")]));
    assert_eq!(memory.exceptions(Some(ERP), Page::default()).await.unwrap().len(), 1);
    assert_eq!(memory.posted(ERP, "order.placed", Millis(9), 5).await.unwrap(), [1]);
    assert_eq!(memory.resolve(ERP, "sales-order", "SO-1").await.unwrap(), [ORDER]);
}

#[tokio::test]
async fn what_is_stuck_is_explained_longest_first() {
    let memory = two().await;
    let queued = Delivery { waiting_since: Some(Millis(1)), ..delivery(3, 3, DeliveryState::Queued) };
    deliveries(&memory, vec![queued]).await;
    let page = StuckPage { after: None, limit: 1 };
    let first = memory.stuck(None, Millis(9), page).await.unwrap().remove(0);
    assert_eq!((first.delivery.id, first.behind, first.why.as_str()), (3, Some(2), "waits for exception #2"));
    let page = StuckPage { after: Some((first.since, first.delivery.id)), limit: 9 };
    let next = memory.stuck(Some(ERP), Millis(9), page).await.unwrap();
    assert_eq!(next.iter().map(|stuck| stuck.delivery.id).collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn counts_and_due_times_are_of_each_connector() {
    let memory = Memory::default();
    let wms = Delivery { connector: "wms".into(), ..delivery(4, 4, DeliveryState::Ready) };
    let rows = vec![delivery(2, 2, DeliveryState::Ready), delivery(3, 3, DeliveryState::Sending), wms];
    deliveries(&memory, rows).await;
    let pause = Pause { code: "operator".into(), message: "maintenance".into(), since: Millis(1) };
    let pauses = vec![("wms".into(), Some(pause))];
    let settled = [(ERP.into(), 2)].into();
    let changed = Changed { pauses, ..Changed::default() };
    write(&memory, ChangeSet { changed, settled, ..ChangeSet::default() }).await;
    let counts = memory.counts().await.unwrap();
    let erp = &counts[0];
    assert_eq!((erp.ready, erp.sending, erp.settled, erp.oldest_due), (1, 1, 2, Some(Millis(2))));
    assert!(counts[1].paused.is_some());
    assert_eq!(memory.next_due().await.unwrap(), [(ERP.to_owned(), Millis(2))]);
    assert_eq!(memory.next_expiry().await.unwrap(), Some(Millis(60)));
}

#[tokio::test]
async fn inbounds_that_wait_are_counted_and_those_set_aside_listed() {
    let memory = Memory::default();
    let inbounds = vec![
        (1, Some(inbound(20, InboundState::Pending))),
        (2, Some(inbound(10, InboundState::Pending))),
        (3, Some(inbound(10, InboundState::Quarantined(problem("no-json"))))),
    ];
    change(&memory, Changed { inbounds, ..Changed::default() }).await;
    assert_eq!(memory.next_inbound_due().await.unwrap(), [("shop".to_owned(), Millis(10))]);
    let pending = PendingCount { connector: "shop".to_owned(), fresh: 2, postponed: 0 };
    assert_eq!(memory.pending_inbounds().await.unwrap(), [pending]);
    let quarantined = memory.quarantined(Some("shop"), Page::default()).await.unwrap();
    assert_eq!((quarantined[0].id, quarantined[0].problem.code.as_str()), (3, "no-json"));
    assert!(memory.quarantined(Some("till"), Page::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_value_that_is_missing_names_the_deliveries_that_await_it() {
    let memory = Memory::default();
    let missing = |id| Delivery {
        awaits: Some("mapping/sku/A/7".into()),
        ..delivery(id, id, DeliveryState::Exception)
    };
    deliveries(&memory, vec![missing(2), missing(1), delivery(3, 3, DeliveryState::Waiting)]).await;
    let found = memory.unmapped().await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].table.as_str(), found[0].value.as_str(), found[0].waiting), ("sku", "A/7", 2));
    assert_eq!((found[0].since, &found[0].deliveries), (Millis(1), &vec![1, 2]));
}

#[tokio::test]
async fn files_wait_in_order_until_they_are_written() {
    let memory = Memory::default();
    let file = |id, name: &str| {
        let file = OutFile { name: name.into(), content: b"<a/>".to_vec() }.into();
        Append::File { id, connector: ERP.into(), file, at: Millis(1) }
    };
    append(&memory, vec![file(1, "a.xml"), file(2, "b.xml")]).await;
    let written = FileRow { written_at: Some(Millis(5)), carries: Vec::new() };
    change(&memory, Changed { files: vec![(1, Some(written))], ..Changed::default() }).await;
    let waiting = memory.outbox(ERP, 9).await.unwrap();
    assert_eq!(waiting.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["b.xml"]);
    let all = memory.out_files(None, Page::default()).await.unwrap();
    assert_eq!(
        all.iter().map(|file| (file.id, file.written_at)).collect::<Vec<_>>(),
        [(2, None), (1, Some(Millis(5)))]
    );
}

#[tokio::test]
async fn a_removed_secret_leaves_its_version_behind() {
    let memory = Memory::default();
    let put = |version, text: Option<&str>| Append::Secret {
        name: "api".into(),
        version,
        value: text.map(|text| SecretText::new(text.into())),
        at: Millis(1),
        by: "me".into(),
    };
    append(&memory, vec![put(1, Some("s3cret"))]).await;
    assert_eq!(memory.secret("api").await.unwrap().unwrap().1, 1);
    append(&memory, vec![put(1, None)]).await;
    assert!(memory.secret("api").await.unwrap().is_none());
    assert!(memory.secrets().await.unwrap().is_empty());
    let wanted = crate::database::ReadSet { secrets: ["api".into()].into(), ..Default::default() };
    let row = read(&memory, wanted).await.secrets[0].1;
    assert_eq!((row.version, row.present), (1, false));
}
