//! Deliveries to the ERP, against responses that each test defines.

mod feed;
mod finding;
mod refunds;

use crossdock_sdk::prelude::*;
use crossdock_sdk::testing::{self, Host};
use serde_json::{Value, json};

use super::SmallErp;

/// The identity of [`testing::order`], and of [`testing::refund`].
const ORDER: &str = "shopify/acme.myshopify.com/order/1001";
const REFUND: &str = "shopify/acme.myshopify.com/refund/901";

fn erp() -> Host {
    Host::new().setting("url", "https://erp.test/")
}

fn deliver(erp: Host, work: Work) -> Outcome {
    let _erp = erp.install();
    SmallErp::deliver(vec![work]).remove(0)
}

fn find(erp: Host, work: Work) -> Found {
    let _erp = erp.install();
    SmallErp::find(vec![work]).remove(0)
}

fn placed() -> Work {
    testing::work(testing::placed(testing::order()))
}

/// A change of the order after the ERP has booked it as SO-17.
fn changed(change: impl FnOnce(&mut Order)) -> Work {
    let mut order = testing::order();
    change(&mut order);
    let entity = testing::entity(EntityKind::Order, "1001");
    let mut work = testing::work(testing::event(entity, None, Fact::updated(order)));
    work.references = vec![Reference::new("order", "SO-17")];
    work
}

fn cancelled() -> Work {
    let mut work = changed(|order| order.cancelled_at = Some("2026-11-24T08:00:00+01:00".into()));
    work.references.clear();
    work
}

fn refunded() -> Work {
    let mut work = testing::work(testing::refunded(testing::refund()));
    work.parent_references = vec![Reference::new("order", "SO-17")];
    work
}

/// The order as the ERP returns it: with its own ids, without absent members, with amounts in its own format.
fn stored_order(state: &str) -> Value {
    json!({
        "id": "SO-17", "reference": ORDER, "sourceVersion": "2026-11-23T09:30:00+01:00", "orderedAt": "2026-11-23T09:30:00+01:00", "currency": "EUR",
        "customer": { "name": "Ada Example", "email": "ada@example.com" },
        "shipTo": { "name": "Ada Example", "line1": "Hauptstr. 1", "city": "Berlin", "postcode": "10115", "country": "DE" },
        "lines": [{ "id": "SO-17-1", "line": "11", "sku": "TEA-250", "title": "Green tea", "quantity": "2",
            "unitPrice": "10.0", "discount": "0", "tax": "2.00", "ships": true }],
        "shipping": "5.00", "shippingTax": "0", "tips": "0", "duties": "0", "rounding": "0", "taxIncluded": false,
        "total": "27", "tax": "2.00", "state": state,
    })
}

#[test]
fn a_placed_order_is_created_with_its_lines() {
    let expected = json!({
        "reference": ORDER, "sourceVersion": "2026-11-23T09:30:00+01:00", "orderedAt": "2026-11-23T09:30:00+01:00",
        "currency": "EUR", "customer": { "name": "Ada Example", "email": "ada@example.com" },
        "shipTo": { "name": "Ada Example", "line1": "Hauptstr. 1", "line2": null, "city": "Berlin",
            "postcode": "10115", "region": null, "country": "DE" },
        "warehouse": null, "businessDate": null, "payments": [],
        "lines": [{ "line": "11", "sku": "TEA-250", "title": "Green tea", "quantity": "2", "unitPrice": "10.00",
            "discount": "0", "tax": "2.00", "ships": true }],
        "shipping": "5.00", "shippingTax": "0", "tips": "0", "duties": "0", "rounding": "0", "taxIncluded": false,
        "total": "27.00", "tax": "2.00", "state": "paid",
    });
    let response = json!({ "id": "SO-17", "lines": [{ "line": "11", "id": "SO-17-1" }] });
    let Outcome::Posted(receipt) =
        deliver(erp().expect(testing::post("/orders").body(expected).respond(201, response)), placed())
    else {
        panic!()
    };
    let line = LineReference { line: "11".into(), id: "SO-17-1".into() };
    assert_eq!(receipt.references, [Reference { lines: vec![line], ..Reference::new("order", "SO-17") }]);
}

#[test]
fn discounts_taxes_and_shipping_are_summed_in_the_shops_currency() {
    let mut order = testing::order();
    let eur =
        |amount: &str| Price { presentment: Some(Money::new("99", "USD")), ..Price::shop(amount, "EUR") };
    let discount = |amount: &str| DiscountAllocation { title: None, amount: eur(amount) };
    order.lines[0].discounts = vec![discount("1.10"), discount("0.20")];
    order.shipping[0].discounts = vec![discount("2.50")];
    order.totals.cash_rounding = Some(eur("-0.02"));
    order.payment = PaymentState::Authorized;
    order.personal = None;
    let expected = json!({ "lines": [{ "discount": "1.30" }], "shipping": "2.50", "rounding": "-0.02",
        "customer": null, "shipTo": null, "state": "open" });
    let posts = testing::post("/orders").body_including(expected).respond(201, json!({ "id": "SO-1" }));
    assert!(matches!(
        deliver(erp().expect(posts), testing::work(testing::placed(order))),
        Outcome::Posted(_)
    ));
}

#[test]
fn duties_are_added_unless_prices_include_them() {
    for (included, expected) in [(false, "4.00"), (true, "0")] {
        let mut order = testing::order();
        order.lines[0].duties = vec![Price::shop("4.00", "EUR")];
        order.duties_included = included;
        let posts = testing::post("/orders").body_including(json!({ "duties": expected }));
        let erp_ = erp().expect(posts.respond(201, json!({ "id": "SO-1" })));
        assert!(matches!(deliver(erp_, testing::work(testing::placed(order))), Outcome::Posted(_)));
    }
}

#[test]
fn an_order_with_a_reference_is_replaced() {
    let puts = || testing::put("/orders/SO-17");
    let open = changed(|order| order.payment = PaymentState::Pending);
    let erp_ = erp()
        .expect(puts().body_including(json!({ "state": "open" })).respond(200, json!({ "id": "SO-17" })));
    assert!(matches!(deliver(erp_, open), Outcome::Posted(_)));
    let cancelled = changed(|order| order.cancelled_at = Some("2026-11-24T08:00:00+01:00".into()));
    let erp_ = erp().expect(
        puts().body_including(json!({ "state": "cancelled" })).respond(200, json!({ "id": "SO-17" })),
    );
    assert!(matches!(deliver(erp_, cancelled), Outcome::Posted(_)));
}

fn store(warehouse: &str) -> stores::Store {
    stores::Store {
        id: "S01".into(),
        name: "Harbour".into(),
        zone: "Europe/Berlin".into(),
        country: None,
        region: None,
        legal_entity: None,
        warehouse: Some(warehouse.into()),
        currency: None,
    }
}

fn till_order() -> Work {
    let mut order = testing::order();
    order.store = Some("655".into());
    order.business_date = Some("2026-11-22".into());
    let mut paid = testing::refund().payments.remove(0);
    paid.kind = PaymentKind::Sale;
    let mut cash = paid.clone();
    (cash.tender, cash.amount) = (TenderKind::Cash, Price::shop("20.00", "EUR"));
    let mut change = cash.clone();
    (change.kind, change.amount) = (PaymentKind::Change, Price::shop("4.00", "EUR"));
    let mut declined = paid.clone();
    declined.outcome = PaymentResult::Failure;
    order.payments = vec![paid, cash, change, declined];
    testing::work(testing::placed(order))
}

#[test]
fn articles_accounts_and_warehouses_are_mapped() {
    let expected = json!({ "warehouse": "C2", "businessDate": "2026-11-22", "lines": [{ "sku": "4711" }],
        "payments": [{ "account": "1000", "amount": "16.00" }, { "account": "card", "amount": "11.00" }] });
    let erp_ = erp()
        .mapping("sku", "TEA-250", "4711")
        .mapping("tender", "cash", "1000")
        .store(store("C2"), &[("shopify", "655")])
        .expect(testing::post("/orders").body_including(expected).respond(201, json!({ "id": "SO-1" })));
    assert!(matches!(deliver(erp_, till_order()), Outcome::Posted(_)));
    let online = erp().setting("warehouse", "C1").expect(
        testing::post("/orders")
            .body_including(json!({ "warehouse": "C1" }))
            .respond(201, json!({ "id": "SO-1" })),
    );
    assert!(matches!(deliver(online, placed()), Outcome::Posted(_)));
    let mut refund = testing::refund();
    refund.lines[0].location = Some("655".into());
    let mut work = testing::work(testing::refunded(refund));
    work.parent_references = refunded().parent_references;
    let posts = testing::post("/orders/SO-17/refunds").body_including(json!({ "warehouse": "C2" }));
    let erp_ =
        erp().store(store("C2"), &[("shopify", "655")]).expect(posts.respond(201, json!({ "id": "CR-5" })));
    assert!(matches!(deliver(erp_, work), Outcome::Posted(_)));
}

#[test]
fn all_unmapped_values_of_strict_tables_are_returned_and_nothing_is_sent() {
    let strict = || erp().setting("strict", ["sku", "tender", "warehouse"]);
    let Outcome::Unmapped(missing) = deliver(strict().mapping("tender", "card", "1200"), till_order()) else {
        panic!()
    };
    let missing: Vec<_> = missing.iter().map(|one| (one.table.as_str(), one.value.as_str())).collect();
    assert_eq!(missing, [("warehouse", "655"), ("tender", "cash"), ("sku", "TEA-250")]);
    let complete = strict()
        .mapping("sku", "TEA-250", "4711")
        .mapping("tender", "card", "1200")
        .mapping("tender", "cash", "1000")
        .mapping("warehouse", "655", "C2")
        .expect(testing::post("/orders").respond(201, json!({ "id": "SO-1" })));
    assert!(matches!(deliver(complete, till_order()), Outcome::Posted(_)));
}

#[test]
fn a_cancelled_order_is_not_created() {
    let search = |orders: Value| {
        erp().expect(
            testing::get("/orders").query("reference", ORDER).respond(200, json!({ "orders": orders })),
        )
    };
    assert!(matches!(deliver(search(json!([])), cancelled()), Outcome::Ignored(_)));
    let one = search(json!([stored_order("paid")])).expect(
        testing::put("/orders/SO-17")
            .body_including(json!({ "state": "cancelled" }))
            .respond(200, json!({ "id": "SO-17" })),
    );
    assert!(matches!(deliver(one, cancelled()), Outcome::Posted(_)));
    let Outcome::Rejected(problem) =
        deliver(search(json!([stored_order("paid"), stored_order("paid")])), cancelled())
    else {
        panic!()
    };
    assert_eq!(problem.code, "duplicated");
}

#[test]
fn unsupported_events_are_ignored() {
    let entity = testing::entity(EntityKind::Order, "1001");
    let edit = OrderEdit {
        id: "5".into(),
        at: "2026-11-23T09:30:00+01:00".into(),
        lines: vec![],
        discounts_changed: false,
        shipping_changed: false,
    };
    let edited = testing::work(testing::event(entity.clone(), None, Fact::OrderEdited(edit)));
    assert!(matches!(deliver(erp(), edited), Outcome::Ignored(_)));
    let customer = Customer { personal: None, accepts_marketing: false };
    let other = testing::work(testing::event(entity, None, Fact::CustomerUpdated(customer)));
    let ignored = Outcome::Ignored("this ERP does not take customer.updated".into());
    assert_eq!(deliver(erp(), other.clone()), ignored);
    assert_eq!(find(erp(), other), Found::Absent);
}

#[test]
fn one_failed_piece_does_not_affect_the_others() {
    let refusal = json!({ "code": "unknown-sku", "message": "there is no article with SKU TEA-250", "field": "lines[0].sku" });
    let _erp = erp()
        .expect(testing::post("/orders").respond(422, refusal))
        .expect(testing::post("/orders").lose_connection())
        .expect(testing::post("/orders").respond(429, json!({})).response_header("retry-after", "3"))
        .expect(testing::post("/orders").respond(201, json!({ "id": "SO-18" })))
        .install();
    let outcomes = SmallErp::deliver(vec![placed(), placed(), placed(), placed()]);
    let Outcome::Rejected(problem) = &outcomes[0] else { panic!() };
    assert_eq!((problem.code.as_str(), problem.field.as_deref()), ("unknown-sku", Some("lines[0].sku")));
    assert!(matches!(outcomes[1], Outcome::Unknown(_)));
    assert!(matches!(&outcomes[2], Outcome::Throttled(throttle) if throttle.after_ms == Some(3000)));
    assert_eq!(outcomes[3], Outcome::Posted(Receipt::of(Reference::new("order", "SO-18"))));
}
