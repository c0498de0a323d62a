//! Stock that several systems count, sent to a channel as one sum.

use crossdock_model::event::{Event, Fact};
use crossdock_rules::lane::Sent;
use crossdock_rules::lookup::Keys;
use crossdock_rules::outcome::Next;

use super::samples::*;
use crate::{NewEvent, Store, Target};

const SHOP: &str = "shop";

fn summed(source: &str, event: Event, place: &str) -> NewEvent {
    from(source, new(event, vec![Target { sum: Some(place.into()), ..to(SHOP) }]))
}

/// The article's level at a location of a system, added up at the place `hamburg`.
fn counted(system: &str, location: &str, available: Option<&str>, at: i64) -> NewEvent {
    summed(system, level(system, "A/1", location, available, at), "hamburg")
}

fn available(event: &Event) -> Option<String> {
    match &event.fact {
        Fact::InventoryCounted(level) => level.available.clone(),
        other => panic!("{other:?}"),
    }
}

pub async fn levels_of_several_sources_are_sent_as_their_sum(store: Store) {
    let store = Driver(store);
    let first = store.admit(vec![counted("legacy", "10", Some("4"), 1)], t(1)).await;
    assert_eq!(first.deliveries[0].state, "ready");
    // What another source counts joins what has yet to be sent: one lane an article and place.
    let second = store.admit(vec![counted("cloud", "7", Some("2.5"), 2)], t(2)).await;
    assert_eq!(second.deliveries[0].state, "joined");
    let claimed = store.claim_of(SHOP, 9, t(2)).await.pop().unwrap();
    assert_eq!(
        (claimed.delivery, claimed.lane.as_str()),
        (first.deliveries[0].delivery, "stock/A/1/hamburg")
    );
    assert_eq!(available(&claimed.event).as_deref(), Some("6.5"));
    // While it is in flight the next one queues behind it, and sends the sum as it is when it is claimed.
    let third = store.admit(vec![counted("legacy", "10", Some("3"), 3)], t(3)).await;
    assert_eq!(third.deliveries[0].state, "queued");
    store.admit(vec![counted("cloud", "8", Some("10"), 4)], t(4)).await;
    store.settle(&claimed, posted(&[]), t(5)).await;
    let claimed = store.claim_of(SHOP, 9, t(5)).await.pop().unwrap();
    assert_eq!(available(&claimed.event).as_deref(), Some("15.5"));
    let levels = store.0.stock_levels("A/1", "hamburg").await.unwrap();
    let shown: Vec<_> = levels
        .iter()
        .map(|it| (it.source.as_str(), it.location.as_str(), it.available.as_deref(), it.at))
        .collect();
    assert_eq!(
        shown,
        [
            ("cloud", "7", Some("2.5"), t(2)),
            ("cloud", "8", Some("10"), t(4)),
            ("legacy", "10", Some("3"), t(3)),
        ]
    );
    assert!(store.0.stock_levels("A/1", "berlin").await.unwrap().is_empty());
}

pub async fn the_latest_level_of_a_location_wins_whatever_the_others_reported(store: Store) {
    let store = Driver(store);
    store.admit(vec![counted("legacy", "10", Some("4"), 9)], t(9)).await;
    // Another source's clock has nothing to do with it.
    assert_eq!(
        store.admit(vec![counted("cloud", "7", Some("2"), 1)], t(10)).await.deliveries[0].state,
        "joined"
    );
    let stale = store.admit(vec![counted("legacy", "10", Some("99"), 8)], t(11)).await;
    assert_eq!(stale.deliveries[0].state, "stale");
    let claimed = store.claim_of(SHOP, 9, t(12)).await.pop().unwrap();
    assert_eq!(available(&claimed.event).as_deref(), Some("6"));
    // A retry sends the sum as it is by then.
    let again = answer(Next::Retry { at: t(13), find: false }, Sent::No);
    store.settle(&claimed, again, t(12)).await;
    store.admit(vec![counted("legacy", "10", None, 13)], t(13)).await;
    let claimed = store.claim_of(SHOP, 9, t(13)).await.pop().unwrap();
    assert_eq!(available(&claimed.event).as_deref(), Some("2"));
    store.settle(&claimed, posted(&[]), t(13)).await;
    store.admit(vec![counted("cloud", "7", None, 14)], t(14)).await;
    let claimed = store.claim_of(SHOP, 9, t(14)).await.pop().unwrap();
    assert_eq!(available(&claimed.event), None);
}

pub async fn a_claim_in_the_same_unit_as_a_level_sends_it(store: Store) {
    let store = Driver(store);
    store.admit(vec![counted("cloud", "7", Some("2"), 1)], t(1)).await;
    let events = vec![counted("legacy", "10", Some("5"), 2), counted("legacy", "11", Some("1"), 2)];
    let admit = crate::Command::Admit(crate::Admit { events, now: t(2), ..crate::Admit::default() });
    let lease = std::time::Duration::from_secs(60);
    let claim = crate::Command::Claim(crate::Claim {
        connector: SHOP.into(),
        limit: 5,
        now: t(2),
        lease,
        keys: Keys::Find,
    });
    let mut answers = store.0.apply(vec![admit, claim]).await.unwrap();
    match answers.pop().unwrap().unwrap() {
        crate::Applied::Claimed(claimed) => {
            assert_eq!(available(&claimed[0].event).as_deref(), Some("8"));
        }
        other => panic!("{other:?}"),
    }
}

pub async fn a_level_that_is_not_summed_is_sent_as_it_is(store: Store) {
    let store = Driver(store);
    store.admit(vec![counted("legacy", "10", Some("4"), 1)], t(1)).await;
    let alone = from("cloud", new(level("cloud", "A/1", "7", Some("2"), 2), vec![to("wms")]));
    assert_eq!(store.admit(vec![alone], t(2)).await.deliveries[0].state, "ready");
    let claimed = store.claim_of("wms", 5, t(2)).await.pop().unwrap();
    assert_eq!(available(&claimed.event).as_deref(), Some("2"));
    // A level without an article number cannot be added to any.
    let mut nameless = level("cloud", "A/1", "9", Some("7"), 3);
    if let Fact::InventoryCounted(level) = &mut nameless.fact {
        level.sku = None;
    }
    assert_eq!(
        store.admit(vec![summed("cloud", nameless, "hamburg")], t(3)).await.deliveries[0].state,
        "ready"
    );
    assert_eq!(store.0.stock_levels("A/1", "hamburg").await.unwrap().len(), 1);
}
