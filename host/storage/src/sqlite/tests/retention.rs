//! Retention: what leaves, compared with a database that looks at every row.

use crossdock_engine::conformance::samples::*;
use crossdock_engine::memory::Memory;
use crossdock_engine::view::{EventFilter, Page};
use crossdock_engine::{Command, Retention};

use super::*;

const DAY: i64 = 86_400;

/// Orders that are over, orders that are open, stock that goes on moving, and an order that moved again later.
async fn fill(driver: &Driver) {
    for number in 0..9 {
        let second = i64::from(number) * DAY;
        driver
            .accept(crossdock_engine::Accept { received_at: t(second), ..accept(&number.to_string(), b"x") })
            .await;
        let inbound = Some(i64::from(number) + 1);
        let placed = with_person(order("order.placed", number, second), "Ada");
        let events = vec![new(placed, vec![to(ERP)])];
        let admit = crossdock_engine::Admit { inbound, events, now: t(second), ..Default::default() };
        driver.one(Command::Admit(admit)).await.unwrap();
        let counted = level("till", "sku", "a", Some(&number.to_string()), second);
        driver.admit(vec![new(counted, vec![to(ERP)])], t(second)).await;
        // The second order is never sent.
        for claimed in driver.claim_of(ERP, 10, t(second)).await {
            if claimed.lane != order_id(1) {
                let mut settle = driver.settling(&claimed, posted(&["SO"]), t(second));
                settle.attempt.exchange = Some("POST".into());
                driver.one(Command::Settle(Box::new(settle))).await.unwrap();
            }
        }
    }
    driver.admit(vec![new(refund(2, 2), vec![to(ERP)])], t(9 * DAY)).await;
}

async fn shown(driver: &Driver) -> String {
    let page = Page { before: None, limit: 100 };
    let events = driver.0.events(&EventFilter::default(), page).await.unwrap();
    let counts = driver.0.counts().await.unwrap();
    let mut shown = serde_json::to_string(&(events, counts)).unwrap();
    for id in 1..25 {
        let pruned = driver.0.is_pruned_event(id).await.unwrap();
        let has_body = driver.0.inbound(id).await.unwrap().map(|inbound| inbound.request.is_some());
        let delivery = driver.0.delivery(id).await.unwrap();
        shown += &format!("\n{id} {pruned} {has_body:?} {}", serde_json::to_string(&delivery).unwrap());
    }
    shown
}

#[tokio::test]
async fn what_leaves_is_what_a_look_at_every_row_would_have_leave() {
    let scratch = scratch().await;
    let memory = Arc::new(Memory::default());
    let other = Driver(Store::new(Arc::clone(&memory), memory, Safeguards::default()));
    fill(&scratch.driver).await;
    fill(&other).await;
    assert_eq!(shown(&scratch.driver).await, shown(&other).await);
    for (day, limit) in [(2, 3), (5, 2), (5, 100), (20, 100)] {
        for _ in 0..20 {
            let retention = Retention {
                bodies_before: t(day * DAY),
                exchanges_before: t(day * DAY),
                orders_before: t(day * DAY),
                records_before: t(day * DAY),
                limit,
            };
            let found = scratch.driver.tally(Command::ApplyRetention(retention.clone())).await;
            let expected = other.tally(Command::ApplyRetention(retention)).await;
            assert_eq!((found.count, found.more), (expected.count, expected.more), "day {day}");
            assert_eq!(shown(&scratch.driver).await, shown(&other).await, "day {day}");
            if !found.more {
                break;
            }
        }
    }
    // An order of which nothing is open has left; a late report of it is known.
    assert_eq!(scratch.driver.0.event_of_key(&format!("{}/placed", order_id(0))).await.unwrap(), Some(1));
    assert!(scratch.driver.0.event(1).await.unwrap().is_none());
    let again =
        scratch.driver.admit(vec![new(order("order.placed", 0, 0), vec![to(ERP)])], t(30 * DAY)).await;
    assert_eq!((again.duplicates, again.events), (1, vec![1]));
}
