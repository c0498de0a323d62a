//! How far an order has come.

use serde_json::{Value, json};

use super::shop::{Shop, erp, order, posted, rejected, shop, written};
use super::*;
use crate::admin::operations::{CANCEL_ORDER, ORDER_CANCELLED, ORDER_STATUS, TELL_STATUS};

const ORDER: &str = "gid://shopify/Order/1001";

fn document(kind: DocumentKind, state: DocumentState) -> Document {
    Document {
        kind,
        number: Some("R-17".into()),
        order: Some(order()),
        state,
        date: None,
        reason: Some("no credit".into()),
        answers: None,
        untaxed: None,
        tax: None,
        total: None,
        lines: vec![],
        at: "2026-11-23T09:30:00Z".into(),
        extensions: None,
    }
}

fn work(document: Document) -> Work {
    let entity = erp(EntityKind::Document, "sale-1");
    testing::work(testing::event(entity, Some(order()), Fact::DocumentUpdated(document)))
}

fn tell(kind: DocumentKind, state: DocumentState) -> Work {
    work(document(kind, state))
}

/// A shop whose order has these tags and this metafield.
fn tagged(tags: &[&str], metafield: Value) -> Shop {
    shop().answers(
        &ORDER_STATUS,
        json!({ "id": ORDER, "namespace": "crossdock" }),
        json!({ "order": { "cancelledAt": null, "tags": tags, "metafield": metafield } }),
    )
}

fn labelled(tags: &[&str]) -> Value {
    json!({ "node": { "tags": tags }, "userErrors": [] })
}

#[test]
fn an_erps_word_replaces_the_one_before() {
    let came = tagged(&["autumn", "erp:accepted"], Value::Null)
        .answers(
            &TELL_STATUS,
            json!({
                "id": ORDER, "adds": true, "add": ["erp:processing"], "removes": true,
                "remove": ["erp:accepted"], "numbers": false, "metafields": [],
            }),
            json!({ "tagsRemove": labelled(&["autumn"]), "tagsAdd": labelled(&["erp:processing", "autumn"]) }),
        )
        .delivers(tell(DocumentKind::SalesOrder, DocumentState::Processing));
    assert_eq!(
        written(&posted(came.of)),
        ["order/1001 order.tags=autumn", "order/1001 order.tags=autumn, erp:processing"]
    );
    let came = tagged(&["erp:processing", "autumn"], Value::Null)
        .delivers(tell(DocumentKind::SalesOrder, DocumentState::Processing));
    let Outcome::AlreadyThere(receipt) = came.of else { panic!() };
    assert_eq!(written(&receipt), ["order/1001 order.tags=autumn, erp:processing"]);
}

#[test]
fn each_state_has_its_tag() {
    use DocumentKind::{CreditMemo, Invoice, SalesOrder};
    use DocumentState::{Accepted, Cancelled, Done, Paid, Posted, Processing, Refused};
    let cases = [
        (SalesOrder, Accepted, "erp:accepted"),
        (SalesOrder, Processing, "erp:processing"),
        (SalesOrder, Done, "erp:done"),
        (SalesOrder, Cancelled, "erp:cancelled"),
        (SalesOrder, Refused, "erp:refused"),
        (Invoice, Posted, "erp:invoiced"),
        (Invoice, Paid, "erp:invoiced"),
        (CreditMemo, Posted, "erp:credited"),
    ];
    for (kind, state, tag) in cases {
        let metafield = json!({ "value": "[\"R-17\"]", "compareDigest": "d" });
        let came = tagged(&[tag], metafield).delivers(tell(kind, state));
        assert!(matches!(came.of, Outcome::AlreadyThere(_)), "{tag}: {:?}", came.of);
    }
    use DocumentState::{Draft, Quoted};
    for (kind, state) in [
        (SalesOrder, Draft),
        (SalesOrder, Quoted),
        (Invoice, Accepted),
        (DocumentKind::Acknowledgement, Accepted),
    ] {
        assert!(matches!(shop().delivers(tell(kind, state)).of, Outcome::Ignored(_)));
    }
}

#[test]
fn an_invoice_leaves_its_number_where_no_webhook_tells_it() {
    let field = |value: &str, digest: Option<&str>| {
        let mut field = json!({
            "ownerId": ORDER, "namespace": "crossdock", "key": "invoices",
            "type": "list.single_line_text_field", "value": value,
        });
        if let Some(digest) = digest {
            field["compareDigest"] = json!(digest);
        }
        json!({ "numbers": true, "metafields": [field], "add": ["erp:invoiced"] })
    };
    let done = || json!({ "metafieldsSet": { "userErrors": [] }, "tagsAdd": labelled(&["erp:invoiced"]) });
    let invoice = || tell(DocumentKind::Invoice, DocumentState::Posted);
    let came =
        tagged(&[], Value::Null).answers(&TELL_STATUS, field("[\"R-17\"]", None), done()).delivers(invoice());
    assert_eq!(written(&posted(came.of)), ["order/1001 order.tags=erp:invoiced"]);
    // A second invoice stands beside the first.
    let came = tagged(&[], json!({ "value": "[\"R-16\"]", "compareDigest": "d" }))
        .answers(&TELL_STATUS, field("[\"R-16\",\"R-17\"]", Some("d")), done())
        .delivers(invoice());
    posted(came.of);
    // Somebody else wrote one in between.
    let stale = json!({
        "metafieldsSet": { "userErrors": [{ "code": "STALE_OBJECT", "field": ["metafields", "0"], "message": "stale" }] },
        "tagsAdd": labelled(&["erp:invoiced"]),
    });
    let came = tagged(&[], Value::Null).answers(&TELL_STATUS, json!({}), stale).delivers(invoice());
    assert!(matches!(came.of, Outcome::Unavailable(_)));
    let came = tagged(&[], json!({ "value": "R-16", "compareDigest": "d" })).delivers(invoice());
    assert_eq!(rejected(came.of).code, "metafield-taken");
}

#[test]
fn the_operator_says_what_is_told() {
    let came = shop()
        .setting("tag-prefix", "")
        .answers(
            &ORDER_STATUS,
            json!({}),
            json!({ "order": { "cancelledAt": null, "tags": ["accepted"], "metafield": null } }),
        )
        .answers(
            &TELL_STATUS,
            json!({ "adds": false, "removes": false, "numbers": true }),
            json!({ "metafieldsSet": { "userErrors": [] } }),
        )
        .delivers(tell(DocumentKind::Invoice, DocumentState::Posted));
    assert_eq!(posted(came.of).written, [], "nothing that was told comes back");
    let came =
        shop().setting("tag-prefix", "").delivers(tell(DocumentKind::SalesOrder, DocumentState::Accepted));
    assert!(matches!(came.of, Outcome::Ignored(_)));
    let came = shop()
        .setting("metafield-namespace", "")
        .setting("tag-prefix", "books/")
        .answers(
            &ORDER_STATUS,
            json!({}),
            json!({ "order": { "cancelledAt": null, "tags": ["books/invoiced"], "metafield": null } }),
        )
        .delivers(tell(DocumentKind::Invoice, DocumentState::Posted));
    assert!(matches!(came.of, Outcome::AlreadyThere(_)));
}

#[test]
fn a_refusal_names_its_argument() {
    let refusal =
        json!({ "tagsAdd": { "userErrors": [{ "field": ["tags"], "message": "Tag exceeds 40" }] } });
    let came = tagged(&[], Value::Null)
        .answers(&TELL_STATUS, json!({}), refusal)
        .delivers(tell(DocumentKind::SalesOrder, DocumentState::Accepted));
    let problem = rejected(came.of);
    assert_eq!((problem.message.as_str(), problem.field.as_deref()), ("Tag exceeds 40", Some("tags")));
    let came = shop()
        .answers(&ORDER_STATUS, json!({}), json!({ "order": null }))
        .delivers(tell(DocumentKind::SalesOrder, DocumentState::Accepted));
    assert_eq!(rejected(came.of).code, "order-unknown");
}

#[test]
fn how_goods_are_prepared_is_a_tag_too() {
    let mut packed = testing::work(testing::event(
        erp(EntityKind::Shipment, "shipment-7"),
        Some(order()),
        Fact::ShipmentUpdated(Shipment {
            number: None,
            order: order(),
            state: ShipmentState::Packed,
            location: None,
            shipped_at: None,
            lines: vec![],
            tracking: vec![],
            personal: None,
            extensions: None,
        }),
    ));
    let came = tagged(&["erp:allocated", "erp:accepted"], Value::Null)
        .answers(
            &TELL_STATUS,
            json!({ "add": ["erp:packed"], "remove": ["erp:allocated"] }),
            json!({ "tagsRemove": labelled(&["erp:accepted"]), "tagsAdd": labelled(&["erp:accepted", "erp:packed"]) }),
        )
        .delivers(packed.clone());
    // The shop tells of both: the tag that went, and the one that came.
    assert_eq!(
        written(&posted(came.of)),
        ["order/1001 order.tags=erp:accepted", "order/1001 order.tags=erp:accepted, erp:packed"]
    );
    assert!(matches!(tagged(&["erp:packed"], Value::Null).finds(packed.clone()).of, Found::Present(_)));
    if let Fact::ShipmentUpdated(shipment) = &mut packed.event.fact {
        shipment.state = ShipmentState::Allocated;
    }
    assert_eq!(tagged(&["erp:packed"], Value::Null).finds(packed).of, Found::Absent);
}

#[test]
fn what_was_said_is_found_at_the_order() {
    let found = |tags: &[&str]| {
        tagged(tags, Value::Null).finds(tell(DocumentKind::SalesOrder, DocumentState::Accepted)).of
    };
    assert!(matches!(found(&["erp:accepted"]), Found::Present(receipt) if !receipt.written.is_empty()));
    assert_eq!(found(&["erp:accepted", "erp:refused"]), Found::Absent);
    assert_eq!(found(&[]), Found::Absent);
}

#[test]
fn an_erps_refusal_cancels_where_the_operator_wants_it() {
    let refused = || tell(DocumentKind::SalesOrder, DocumentState::Refused);
    let came = shop()
        .setting("cancel-on", ["refused"])
        .setting("cancel", json!({ "refund": true, "notify": true }))
        .answers(&ORDER_CANCELLED, json!({ "id": ORDER }), json!({ "order": { "cancelledAt": null } }))
        .answers(
            &CANCEL_ORDER,
            json!({
                "id": ORDER, "reason": "OTHER", "restock": false, "notify": true,
                "refund": { "originalPaymentMethodsRefund": true },
                "note": "R-17 was refused in the ERP: no credit",
            }),
            json!({ "orderCancel": {
                "job": { "id": "gid://shopify/Job/1", "done": true }, "orderCancelUserErrors": [],
            } }),
        )
        .delivers(refused());
    assert_eq!(written(&posted(came.of)), ["order/1001 order.cancelled=true"]);
    let there = json!({ "order": { "cancelledAt": "2026-11-23T10:00:00Z" } });
    let came =
        shop().setting("cancel-on", ["refused"]).answers(&ORDER_CANCELLED, json!({}), there).finds(refused());
    assert!(matches!(came.of, Found::Present(_)));
    // Another state than the one that cancels is a tag.
    let came = tagged(&["erp:cancelled"], Value::Null)
        .setting("cancel-on", ["refused"])
        .delivers(tell(DocumentKind::SalesOrder, DocumentState::Cancelled));
    assert!(matches!(came.of, Outcome::AlreadyThere(_)));
}
