//! Stock that changed without a document.

use super::*;

const MODEL: &str = "stock.shipment.internal";
const KEY: &str = "poslog/acme/stock/655/TEA-250/adjusted@2026-11-23T08:30:00Z";

fn adjusted(delta: &str, change: impl Fn(&mut Adjustment)) -> Work {
    let mut adjustment = Adjustment {
        sku: "TEA-250".into(),
        location: "655".into(),
        delta: delta.into(),
        reason: AdjustmentReason::Return,
        cause: Some(testing::entity(EntityKind::Refund, "901")),
        at: "2026-11-23T09:30:00+01:00".into(),
        note: None,
    };
    change(&mut adjustment);
    let entity = testing::entity(EntityKind::Stock, "655/TEA-250");
    let event = testing::event(entity, None, Fact::InventoryAdjusted(adjustment));
    Work { key: KEY.into(), ..testing::work(event) }
}

fn held(state: &str) -> Value {
    json!({ "id": 61, "number": "4", "state": state })
}

fn progress() -> Progress {
    let reference = Reference { number: Some("4".into()), ..Reference::new("internal-shipment", "61") };
    Progress { resume: "do/61".into(), references: vec![reference] }
}

/// The shipment is made between these places.
fn makes(from: i64, to: i64, quantity: i64) -> Host {
    let goods = json!({
        "product": 81, "unit": 1, "quantity": quantity, "from_location": from, "to_location": to, "company": 1,
    });
    host()
        .mapping("warehouse", "655", "5")
        .expect(codes(&["TEA-250"]).answer(200, json!([{ "id": 81, "code": "TEA-250", "default_uom": 1 }])))
        .expect(
            testing::get(&path("stock.location/5", &["storage_location", "lost_found_location"]))
                .answer(200, json!({ "id": 5, "storage_location": 3, "lost_found_location": 4 })),
        )
        .expect(
            testing::post(&path(MODEL, &["number", "state"]))
                .body(json!({
                    "company": 1, "reference": KEY, "from_location": from, "to_location": to,
                    "moves": [["create", [goods]]],
                }))
                .answer(200, held("draft")),
        )
}

#[test]
fn goods_that_no_document_moves_come_from_what_is_lost_and_found() {
    let more = makes(4, 3, 2).install();
    assert_eq!(deliver(adjusted("2", |_| ())), Outcome::Partial(progress()));
    drop(more);
    let _less = makes(3, 4, 2).install();
    assert_eq!(deliver(adjusted("-2.0", |_| ())), Outcome::Partial(progress()));
}

#[test]
fn the_move_is_brought_to_its_end_from_wherever_it_is() {
    let read = || testing::get(&path("stock.shipment.internal/61", &["number", "state"]));
    let press = |button: &str, state: &str| {
        testing::post(&path(&format!("stock.shipment.internal/61/{button}"), &["state"]))
            .answer(200, json!({ "state": state }))
    };
    let _host = host()
        .expect(read().answer(200, held("waiting")))
        .expect(press("assign_force", "assigned"))
        .expect(press("do", "done"))
        .expect(read().answer(200, held("done")))
        .install();
    let work = Work { resume: Some("do/61".into()), ..adjusted("2", |_| ()) };
    let receipt = Receipt::of(progress().references.remove(0));
    assert_eq!(deliver(work), Outcome::Posted(receipt));
}

#[test]
fn a_change_is_found_by_its_key_though_its_article_changes_again() {
    let domain = json!([["company", "=", 1], ["reference", "=", KEY]]);
    let asked = |found: Value| search(MODEL, domain.clone(), &["number", "state"]).answer(200, found);
    let _host = host()
        .expect(asked(json!([])))
        .expect(asked(json!([held("waiting")])))
        .expect(asked(json!([held("done")])))
        .expect(asked(json!([held("done"), held("done")])))
        .install();
    // Of the same article there was a change before.
    let work = Work { references: progress().references, ..adjusted("2", |_| ()) };
    assert_eq!(find(work.clone()), Found::Absent);
    assert_eq!(find(work.clone()), Found::Partial(progress()));
    assert_eq!(find(work.clone()), Found::Present(Receipt::of(progress().references.remove(0))));
    assert!(matches!(find(work), Found::Duplicated(several) if several.len() == 2));
}

#[test]
fn a_change_waits_for_what_the_tables_lack() {
    let _host = host().expect(codes(&["TEA-250"]).answer(200, json!([]))).install();
    let missed = unmapped(deliver(adjusted("2", |_| ())));
    assert_eq!(missed, [("sku".into(), "TEA-250".into()), ("warehouse".into(), "655".into())]);
}

#[test]
fn what_a_document_moves_is_not_moved_twice() {
    let _host = host().install();
    let sold = adjusted("-1", |change| change.reason = AdjustmentReason::Sale);
    let shipped = adjusted("-1", |change| {
        change.reason = AdjustmentReason::Other;
        change.cause = Some(testing::entity(EntityKind::Shipment, "7"));
    });
    for work in [sold, shipped, adjusted("0", |_| ())] {
        assert!(matches!(deliver(work), Outcome::Ignored(_)));
    }
}
