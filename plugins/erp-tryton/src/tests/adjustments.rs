//! Stock adjustments without a document.

use super::*;

const MODEL: &str = "stock.shipment.internal";
const KEY: &str = "poslog/acme/stock/655/TEA-250/adjusted@2026-11-23T08:30:00Z";

fn adjustment(delta: &str, edit: impl Fn(&mut Adjustment)) -> Work {
    let mut change = Adjustment {
        sku: "TEA-250".into(),
        location: "655".into(),
        delta: delta.into(),
        reason: AdjustmentReason::Return,
        cause: Some(testing::entity(EntityKind::Refund, "901")),
        at: "2026-11-23T09:30:00+01:00".into(),
        note: None,
    };
    edit(&mut change);
    let entity = testing::entity(EntityKind::Stock, "655/TEA-250");
    let event = testing::event(entity, None, Fact::InventoryAdjusted(change));
    Work { key: KEY.into(), ..testing::work(event) }
}

fn shipment(state: &str) -> Value {
    json!({ "id": 61, "number": "4", "state": state })
}

fn progress() -> Progress {
    let reference = Reference { number: Some("4".into()), ..Reference::new("internal-shipment", "61") };
    Progress { resume: "do/61".into(), references: vec![reference] }
}

/// A host that expects a shipment to be created between these locations.
fn expect_shipment(from: i64, to: i64, quantity: i64) -> Host {
    let goods_move = json!({
        "product": 81, "unit": 1, "quantity": quantity, "from_location": from, "to_location": to, "company": 1,
    });
    host()
        .mapping("warehouse", "655", "5")
        .expect(codes(&["TEA-250"]).respond(200, json!([{ "id": 81, "code": "TEA-250", "default_uom": 1 }])))
        .expect(
            testing::get(&path("stock.location/5", &["storage_location", "lost_found_location"]))
                .respond(200, json!({ "id": 5, "storage_location": 3, "lost_found_location": 4 })),
        )
        .expect(
            testing::post(&path(MODEL, &["number", "state"]))
                .body(json!({
                    "company": 1, "reference": KEY, "from_location": from, "to_location": to,
                    "moves": [["create", [goods_move]]],
                }))
                .respond(200, shipment("draft")),
        )
}

#[test]
fn an_adjustment_moves_goods_between_storage_and_lost_and_found() {
    let increase = expect_shipment(4, 3, 2).install();
    assert_eq!(deliver(adjustment("2", |_| ())), Outcome::Partial(progress()));
    drop(increase);
    let _decrease = expect_shipment(3, 4, 2).install();
    assert_eq!(deliver(adjustment("-2.0", |_| ())), Outcome::Partial(progress()));
}

#[test]
fn the_shipment_is_completed_from_any_state() {
    let read = || testing::get(&path("stock.shipment.internal/61", &["number", "state"]));
    let call = |button: &str, state: &str| {
        testing::post(&path(&format!("stock.shipment.internal/61/{button}"), &["state"]))
            .respond(200, json!({ "state": state }))
    };
    let _host = host()
        .expect(read().respond(200, shipment("waiting")))
        .expect(call("assign_force", "assigned"))
        .expect(call("do", "done"))
        .expect(read().respond(200, shipment("done")))
        .install();
    let work = Work { resume: Some("do/61".into()), ..adjustment("2", |_| ()) };
    let receipt = Receipt::of(progress().references.remove(0));
    assert_eq!(deliver(work), Outcome::Posted(receipt));
}

#[test]
fn an_adjustment_is_found_by_its_key_although_its_article_was_adjusted_before() {
    let domain = json!([["company", "=", 1], ["reference", "=", KEY]]);
    let lookup = |found: Value| search(MODEL, domain.clone(), &["number", "state"]).respond(200, found);
    let _host = host()
        .expect(lookup(json!([])))
        .expect(lookup(json!([shipment("waiting")])))
        .expect(lookup(json!([shipment("done")])))
        .expect(lookup(json!([shipment("done"), shipment("done")])))
        .install();
    // The references of an earlier adjustment of the same article.
    let work = Work { references: progress().references, ..adjustment("2", |_| ()) };
    assert_eq!(find(work.clone()), Found::Absent);
    assert_eq!(find(work.clone()), Found::Partial(progress()));
    assert_eq!(find(work.clone()), Found::Present(Receipt::of(progress().references.remove(0))));
    assert!(matches!(find(work), Found::Duplicated(several) if several.len() == 2));
}

#[test]
fn an_adjustment_waits_for_unmapped_values() {
    let _host = host().expect(codes(&["TEA-250"]).respond(200, json!([]))).install();
    let values = unmapped(deliver(adjustment("2", |_| ())));
    assert_eq!(values, [("sku".into(), "TEA-250".into()), ("warehouse".into(), "655".into())]);
}

#[test]
fn goods_that_a_document_moves_are_not_moved_twice() {
    let _host = host().install();
    let sale = adjustment("-1", |change| change.reason = AdjustmentReason::Sale);
    let shipment = adjustment("-1", |change| {
        change.reason = AdjustmentReason::Other;
        change.cause = Some(testing::entity(EntityKind::Shipment, "7"));
    });
    for work in [sale, shipment, adjustment("0", |_| ())] {
        assert!(matches!(deliver(work), Outcome::Ignored(_)));
    }
}
