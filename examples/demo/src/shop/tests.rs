use std::collections::{HashMap, HashSet};
use std::str::FromStr;

use rust_decimal::Decimal;
use serde_json::Value;

use super::life::{Life, Profile, Topic};
use super::plan::{Plan, Purpose, Shares, Try};
use super::*;

const SHOP: &str = "s.myshopify.com";

fn money(value: &Value) -> Decimal {
    Decimal::from_str(value.as_str().expect("money is a string")).unwrap()
}

fn sum(values: &Value, field: &str) -> Decimal {
    values.as_array().unwrap().iter().map(|value| money(&value[field])).sum()
}

/// The invariant of the domain facts, from nothing but the payload.
fn balance(order: &Value) -> Decimal {
    let lines = order["line_items"].as_array().unwrap().iter();
    let lines: Decimal = lines
        .map(|line| {
            let quantity = Decimal::from(line["quantity"].as_u64().unwrap());
            money(&line["price"]) * quantity - sum(&line["discount_allocations"], "amount")
        })
        .sum();
    let tax = if order["taxes_included"] == true { Decimal::ZERO } else { money(&order["total_tax"]) };
    let sum =
        lines + sum(&order["shipping_lines"], "discounted_price") + tax + money(&order["total_tip_received"]);
    money(&order["total_price"]) - sum
}

fn life(serial: u32, plant: Plant) -> Life {
    Life::new(SHOP, 1, serial, plant, Profile::Varied)
}

fn lives(plant: Plant) -> impl Iterator<Item = Life> {
    (100_000_000..100_000_600).map(move |serial| life(serial, plant))
}

fn orders(life: &Life) -> impl Iterator<Item = Value> {
    let facts = life.facts.iter().filter(|fact| fact.topic != Topic::Refunded);
    facts.map(|fact| serde_json::from_slice(&fact.body).unwrap())
}

#[test]
fn every_good_order_balances_and_every_unbalanced_one_does_not() {
    for life in lives(Plant::Good) {
        for order in orders(&life) {
            assert_eq!(balance(&order), Decimal::ZERO, "{order:#}");
            let taxes: Decimal = order["line_items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|line| sum(&line["tax_lines"], "price"))
                .sum();
            let shipping = order["shipping_lines"].as_array().unwrap().iter();
            let shipping: Decimal = shipping.map(|line| sum(&line["tax_lines"], "price")).sum();
            assert_eq!(taxes + shipping, money(&order["total_tax"]));
            assert!(money(&order["current_total_price"]) >= Decimal::ZERO);
        }
    }
    for life in lives(Plant::Unbalanced) {
        assert_eq!(life.facts.len(), 1);
        assert!(orders(&life).all(|order| !balance(&order).is_zero()));
    }
}

#[test]
fn the_last_snapshot_is_the_newest_payload_and_refunds_add_up() {
    for life in lives(Plant::Good) {
        let newest =
            orders(&life).max_by_key(|order| order["updated_at"].as_str().unwrap().to_owned()).unwrap();
        let last = life.last().unwrap();
        assert_eq!(last.total, money(&newest["total_price"]));
        assert_eq!(last.lines.len(), newest["line_items"].as_array().unwrap().len());
        assert_eq!(life.reference, format!("shopify/{SHOP}/order/{}", newest["id"].as_u64().unwrap()));
        let cancelled = last.state == crate::erp::document::State::Cancelled;
        assert_eq!(cancelled, !newest["cancelled_at"].is_null());
        assert!(!cancelled || life.refunds.is_empty());
        let mut paid_back = Decimal::ZERO;
        for fact in life.facts.iter().filter(|fact| fact.topic == Topic::Refunded) {
            let refund: Value = serde_json::from_slice(&fact.body).unwrap();
            let payments = refund["transactions"].as_array().unwrap().iter();
            let cash: Decimal =
                payments.filter(|payment| payment["status"] == "success").map(|p| money(&p["amount"])).sum();
            let reference = format!("shopify/{SHOP}/refund/{}", refund["id"].as_u64().unwrap());
            let expected = life.refunds.iter().find(|refund| refund.reference == reference).unwrap();
            assert_eq!(expected.amount, cash);
            paid_back += cash;
        }
        assert!(paid_back <= last.total);
        assert_eq!(money(&newest["current_total_price"]), last.total - paid_back);
    }
}

#[test]
fn lives_are_varied_and_versions_grow() {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut bytes = 0;
    let mut count = 0;
    for life in lives(Plant::Good) {
        let versions: Vec<jiff::Timestamp> =
            orders(&life).map(|order| order["updated_at"].as_str().unwrap().parse().unwrap()).collect();
        assert!(versions.is_sorted());
        let distinct: HashSet<_> = versions.iter().collect();
        assert_eq!(distinct.len(), life.snapshots.len(), "each change has a version of its own");
        for fact in &life.facts {
            *seen.entry(fact.topic.as_str()).or_default() += 1;
        }
        for order in orders(&life) {
            let mut note = |what, seen_it| *seen.entry(what).or_default() += usize::from(seen_it);
            note("no customer", order["customer"].is_null());
            note("no address", order["shipping_address"].is_null());
            note("taxes included", order["taxes_included"] == true);
            note("foreign money", order["presentment_currency"] != order["currency"]);
            note("tip", money(&order["total_tip_received"]) > Decimal::ZERO);
            let lines = order["line_items"].as_array().unwrap();
            note("custom line", lines.iter().any(|line| line["sku"].is_null()));
            note("gift card", lines.iter().any(|line| line["gift_card"] == true));
            note(
                "two allocations",
                lines.iter().any(|l| l["discount_allocations"].as_array().unwrap().len() > 1),
            );
            assert!(order["id"].as_u64().unwrap() > 1 << 53);
            assert!(lines.iter().all(|line| line["id"].as_u64().unwrap() > 1 << 53));
            bytes += order.to_string().len();
            count += 1;
        }
    }
    for (what, times) in &seen {
        assert!(*times >= 20, "{what}: {times}");
    }
    assert_eq!(seen.len(), 13);
    let mean = bytes / count;
    assert!((6_000..10_000).contains(&mean), "{mean} bytes");
    let plain = Life::new(SHOP, 1, 100_000_001, Plant::Good, Profile::Plain);
    let size = plain.facts[0].body.len();
    assert!((5_500..6_800).contains(&size) && plain.facts.len() == 1, "{size} bytes");
}

fn options(orders: usize, shares: Shares) -> plan::Options {
    let spread = Duration::from_secs(5);
    let (shop, secret) = (SHOP.to_owned(), "secret".to_owned());
    plan::Options { seed: 7, orders, shop, secret, pace: 100.0, spread, shares }
}

fn run(options: plan::Options) -> (Planted, Vec<Try>) {
    let plan = Plan::new(options);
    (plan.planted(), plan.collect())
}

#[test]
fn a_plan_without_faults_sends_everything_once_in_order() {
    let (planted, tries) = run(options(50, Shares::none()));
    assert_eq!(planted, Planted::default());
    assert!(tries.iter().all(|one| one.purpose == Purpose::First));
    let mut next: HashMap<usize, usize> = HashMap::new();
    for one in &tries {
        let next = next.entry(one.life_index).or_default();
        assert_eq!(one.fact, *next);
        *next += 1;
    }
    assert_eq!(next.len(), 50);
    let all = tries.iter().map(|one| one.life.as_ref().unwrap().facts.len()).collect::<Vec<_>>();
    assert!(tries.iter().zip(all).all(|(one, facts)| next[&one.life_index] == facts));
}

#[test]
fn a_plan_repeats_reorders_and_plants_by_its_shares() {
    let (planted, tries) = run(options(400, Shares::default()));
    let (_, again) = run(options(400, Shares::default()));
    assert!(
        tries.iter().zip(&again).all(|(a, b)| (&a.body, &a.event_id, a.due) == (&b.body, &b.event_id, b.due))
    );
    assert!(tries.is_sorted_by_key(|one| one.due));
    let count = |purpose| tries.iter().filter(|one| one.purpose == purpose).count();
    assert_eq!((count(Purpose::Forged), count(Purpose::Malformed)), (planted.forged, planted.malformed));
    assert_eq!((planted.unknown_sku, planted.unbalanced, planted.malformed, planted.forged), (4, 4, 2, 8));
    assert!(count(Purpose::Again) > count(Purpose::First) / 10);

    let mut firsts: HashMap<(usize, usize), &Try> = HashMap::new();
    for one in tries.iter().filter(|one| one.purpose == Purpose::First) {
        assert!(firsts.insert((one.life_index, one.fact), one).is_none());
    }
    let (mut same_event, mut other_subscription, mut new_ids) = (0, 0, 0);
    for one in tries.iter().filter(|one| one.purpose == Purpose::Again) {
        let first = firsts[&(one.life_index, one.fact)];
        assert_eq!((&one.body, &one.signature), (&first.body, &first.signature));
        match (one.event_id == first.event_id, one.webhook_id == first.webhook_id) {
            (true, true) => same_event += 1,
            (true, false) => other_subscription += usize::from(one.subscription != first.subscription),
            _ => new_ids += 1,
        }
        assert!(one.event_id == first.event_id || one.life.as_ref().unwrap().plant != Plant::Unbalanced);
    }
    assert!(same_event > 10 && other_subscription > 5 && new_ids > 5);

    let stale = firsts.values().filter(|one| {
        let newer = firsts.get(&(one.life_index, one.fact + 1));
        newer.is_some_and(|newer| newer.due < one.due && newer.body != one.body)
    });
    assert!(stale.count() > 20, "old states arrive after newer ones");
    let early = firsts.values().filter(|one| one.topic == Topic::Refunded);
    assert!(early.clone().count() > 10);
    assert!(early.clone().any(|one| one.due < firsts[&(one.life_index, 0)].due), "a refund before its order");
    for one in &tries {
        match one.purpose {
            Purpose::Forged => assert_ne!(one.signature, sign::signature(b"secret", &one.body)),
            _ => assert_eq!(one.signature, sign::signature(b"secret", &one.body)),
        }
        let readable = serde_json::from_slice::<Value>(&one.body).is_ok();
        assert_eq!(readable, one.purpose != Purpose::Malformed);
    }
}
