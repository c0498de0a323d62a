//! Listings of events: the same events are found as in a database that looks at every one of them.

use crossdock_engine::conformance::samples::*;
use crossdock_engine::memory::Memory;
use crossdock_engine::view::{EventFilter, Page};
use crossdock_engine::{Command, Filter};

use super::*;

/// Orders with and without persons, refunds, deliveries in several states.
async fn fill(driver: &Driver) {
    for number in 0..12 {
        let mut placed = order("order.placed", number, 0);
        if number % 3 == 0 {
            placed = with_person(placed, if number == 6 { "Grace Hopper" } else { "Ada Lovelace" });
        }
        let targets = if number % 4 == 0 { vec![to("wms"), to(ERP)] } else { vec![to(ERP)] };
        driver.admit(vec![new(placed, targets)], t(i64::from(number))).await;
        if number % 5 == 0 {
            driver.admit(vec![new(refund(number, number), vec![to(ERP)])], t(i64::from(number))).await;
        }
    }
    for claimed in driver.claim_of(ERP, 6, t(20)).await {
        let reference = format!("SO-{}", claimed.delivery);
        driver.settle(&claimed, posted(&[&reference]), t(20)).await;
    }
    driver.claim_of("wms", 1, t(21)).await;
}

fn filters() -> Vec<EventFilter> {
    let mut filters = vec![EventFilter::default()];
    let also = |filters: &mut Vec<EventFilter>, change: &dyn Fn(&mut EventFilter)| {
        let changed: Vec<_> = filters
            .iter()
            .cloned()
            .map(|mut filter| {
                change(&mut filter);
                filter
            })
            .collect();
        filters.extend(changed);
    };
    let some = |text: &str| Some(text.to_owned());
    also(&mut filters, &|filter| filter.filter.connector = some("wms"));
    also(&mut filters, &|filter| filter.filter.kind = some("order.placed"));
    also(&mut filters, &|filter| filter.filter.root = Some(order_id(5)));
    also(&mut filters, &|filter| filter.filter.entity = some("shopify/acme/refund/5"));
    also(&mut filters, &|filter| filter.filter.from = Some(t(5)));
    also(&mut filters, &|filter| filter.filter.until = Some(t(8)));
    also(&mut filters, &|filter| filter.filter.state = some("settled"));
    let mut more = Vec::new();
    for filter in &filters {
        for change in [
            EventFilter { id: some("5"), ..filter.clone() },
            EventFilter { term: some("#5"), ..filter.clone() },
            EventFilter { term: some("so-3"), ..filter.clone() },
            EventFilter { term: some("12.50"), ..filter.clone() },
            EventFilter { customer: some("ada LOVELACE"), ..filter.clone() },
            EventFilter {
                filter: Filter { state: some("ready"), ..filter.filter.clone() },
                ..filter.clone()
            },
            EventFilter { filter: Filter { event: Some(4), ..filter.filter.clone() }, ..filter.clone() },
            EventFilter { filter: Filter { delivery: Some(4), ..filter.filter.clone() }, ..filter.clone() },
        ] {
            more.push(change);
        }
    }
    filters.extend(more);
    filters
}

#[tokio::test]
async fn every_filter_finds_what_a_look_at_every_event_finds() {
    let scratch = scratch().await;
    let memory = Arc::new(Memory::default());
    let other = Driver(Store::new(Arc::clone(&memory), memory, Safeguards::default()));
    fill(&scratch.driver).await;
    fill(&other).await;
    for filter in filters() {
        let mut page = Page { before: None, limit: 3 };
        for _ in 0..10 {
            let found = scratch.driver.0.events(&filter, page).await.unwrap();
            let expected = other.0.events(&filter, page).await.unwrap();
            let text = |rows: &_| serde_json::to_string(rows).unwrap();
            assert_eq!(text(&found), text(&expected), "{filter:?} {page:?}");
            let Some(last) = found.last() else { break };
            page.before = Some(last.id);
        }
    }
}

#[tokio::test]
async fn every_replay_means_what_a_look_at_every_delivery_means() {
    let scratch = scratch().await;
    let memory = Arc::new(Memory::default());
    let other = Driver(Store::new(Arc::clone(&memory), memory, Safeguards::default()));
    for driver in [&scratch.driver, &other] {
        fill(driver).await;
        let replay = crossdock_engine::Replay {
            filter: Filter::default(),
            generation: Some(1),
            after: None,
            page: 100,
            by: "me".into(),
            now: t(30),
        };
        driver.tally(Command::Replay(replay)).await;
    }
    for filter in filters() {
        for generation in [None, Some(1), Some(2)] {
            let found = scratch.driver.0.preview(&filter.filter, generation).await.unwrap();
            let expected = other.0.preview(&filter.filter, generation).await.unwrap();
            assert_eq!(found, expected, "{:?} {generation:?}", filter.filter);
        }
    }
}

#[tokio::test]
async fn an_erased_person_is_not_found() {
    let scratch = scratch().await;
    fill(&scratch.driver).await;
    let filter = EventFilter { customer: Some("Ada Lovelace".into()), ..EventFilter::default() };
    assert!(!scratch.driver.0.events(&filter, Page::default()).await.unwrap().is_empty());
    let subject = "shopify/acme/customer/77".to_owned();
    scratch.driver.tally(Command::ErasePerson { subject, by: "me".into(), now: t(40) }).await;
    assert!(scratch.driver.0.events(&filter, Page::default()).await.unwrap().is_empty());
}
