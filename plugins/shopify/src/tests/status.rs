//! The status of an order as tags and metafields.

use serde_json::{Value, json};

use super::shop::{Shop, erp, order, posted, rejected, shop, written};
use super::*;
use crate::admin::operations::{CANCEL_ORDER, ORDER_CANCELLED, ORDER_STATUS, UPDATE_STATUS};

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

fn document_work(kind: DocumentKind, state: DocumentState) -> Work {
    work(document(kind, state))
}

/// A shop whose order has these tags and this metafield.
fn shop_with(tags: &[&str], metafield: Value) -> Shop {
    shop().responds(
        &ORDER_STATUS,
        json!({ "id": ORDER, "namespace": "crossdock" }),
        json!({ "order": { "cancelledAt": null, "tags": tags, "metafield": metafield } }),
    )
}

fn tags_payload(tags: &[&str]) -> Value {
    json!({ "node": { "tags": tags }, "userErrors": [] })
}

#[test]
fn the_state_of_a_sales_order_replaces_the_previous_tag() {
    let call = shop_with(&["autumn", "erp:accepted"], Value::Null)
        .responds(
            &UPDATE_STATUS,
            json!({
                "id": ORDER, "adds": true, "add": ["erp:processing"], "removes": true,
                "remove": ["erp:accepted"], "numbers": false, "metafields": [],
            }),
            json!({ "tagsRemove": tags_payload(&["autumn"]), "tagsAdd": tags_payload(&["erp:processing", "autumn"]) }),
        )
        .delivers(document_work(DocumentKind::SalesOrder, DocumentState::Processing));
    assert_eq!(
        written(&posted(call.result)),
        ["order/1001 order.tags=autumn", "order/1001 order.tags=autumn, erp:processing"]
    );
    let call = shop_with(&["erp:processing", "autumn"], Value::Null)
        .delivers(document_work(DocumentKind::SalesOrder, DocumentState::Processing));
    let Outcome::AlreadyThere(receipt) = call.result else { panic!() };
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
        let call = shop_with(&[tag], metafield).delivers(document_work(kind, state));
        assert!(matches!(call.result, Outcome::AlreadyThere(_)), "{tag}: {:?}", call.result);
    }
    use DocumentState::{Draft, Quoted};
    for (kind, state) in [
        (SalesOrder, Draft),
        (SalesOrder, Quoted),
        (Invoice, Accepted),
        (DocumentKind::Acknowledgement, Accepted),
    ] {
        assert!(matches!(shop().delivers(document_work(kind, state)).result, Outcome::Ignored(_)));
    }
}

#[test]
fn the_number_of_an_invoice_is_written_to_a_metafield() {
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
    let done =
        || json!({ "metafieldsSet": { "userErrors": [] }, "tagsAdd": tags_payload(&["erp:invoiced"]) });
    let invoice = || document_work(DocumentKind::Invoice, DocumentState::Posted);
    let call = shop_with(&[], Value::Null)
        .responds(&UPDATE_STATUS, field("[\"R-17\"]", None), done())
        .delivers(invoice());
    assert_eq!(written(&posted(call.result)), ["order/1001 order.tags=erp:invoiced"]);
    // A second invoice is added to the first.
    let call = shop_with(&[], json!({ "value": "[\"R-16\"]", "compareDigest": "d" }))
        .responds(&UPDATE_STATUS, field("[\"R-16\",\"R-17\"]", Some("d")), done())
        .delivers(invoice());
    posted(call.result);
    // The metafield was changed concurrently.
    let stale = json!({
        "metafieldsSet": { "userErrors": [{ "code": "STALE_OBJECT", "field": ["metafields", "0"], "message": "stale" }] },
        "tagsAdd": tags_payload(&["erp:invoiced"]),
    });
    let call = shop_with(&[], Value::Null).responds(&UPDATE_STATUS, json!({}), stale).delivers(invoice());
    assert!(matches!(call.result, Outcome::Unavailable(_)));
    let call = shop_with(&[], json!({ "value": "R-16", "compareDigest": "d" })).delivers(invoice());
    assert_eq!(rejected(call.result).code, "metafield-taken");
}

#[test]
fn tags_and_metafields_are_configurable() {
    let call = shop()
        .setting("tag-prefix", "")
        .responds(
            &ORDER_STATUS,
            json!({}),
            json!({ "order": { "cancelledAt": null, "tags": ["accepted"], "metafield": null } }),
        )
        .responds(
            &UPDATE_STATUS,
            json!({ "adds": false, "removes": false, "numbers": true }),
            json!({ "metafieldsSet": { "userErrors": [] } }),
        )
        .delivers(document_work(DocumentKind::Invoice, DocumentState::Posted));
    assert_eq!(posted(call.result).written, [], "metafields are not reported back");
    let call = shop()
        .setting("tag-prefix", "")
        .delivers(document_work(DocumentKind::SalesOrder, DocumentState::Accepted));
    assert!(matches!(call.result, Outcome::Ignored(_)));
    let call = shop()
        .setting("metafield-namespace", "")
        .setting("tag-prefix", "books/")
        .responds(
            &ORDER_STATUS,
            json!({}),
            json!({ "order": { "cancelledAt": null, "tags": ["books/invoiced"], "metafield": null } }),
        )
        .delivers(document_work(DocumentKind::Invoice, DocumentState::Posted));
    assert!(matches!(call.result, Outcome::AlreadyThere(_)));
}

#[test]
fn a_refusal_names_its_argument() {
    let refusal =
        json!({ "tagsAdd": { "userErrors": [{ "field": ["tags"], "message": "Tag exceeds 40" }] } });
    let call = shop_with(&[], Value::Null)
        .responds(&UPDATE_STATUS, json!({}), refusal)
        .delivers(document_work(DocumentKind::SalesOrder, DocumentState::Accepted));
    let problem = rejected(call.result);
    assert_eq!((problem.message.as_str(), problem.field.as_deref()), ("Tag exceeds 40", Some("tags")));
    let call = shop()
        .responds(&ORDER_STATUS, json!({}), json!({ "order": null }))
        .delivers(document_work(DocumentKind::SalesOrder, DocumentState::Accepted));
    assert_eq!(rejected(call.result).code, "order-unknown");
}

#[test]
fn the_preparation_of_a_shipment_is_a_tag() {
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
    let call = shop_with(&["erp:allocated", "erp:accepted"], Value::Null)
        .responds(
            &UPDATE_STATUS,
            json!({ "add": ["erp:packed"], "remove": ["erp:allocated"] }),
            json!({ "tagsRemove": tags_payload(&["erp:accepted"]), "tagsAdd": tags_payload(&["erp:accepted", "erp:packed"]) }),
        )
        .delivers(packed.clone());
    // The shop reports both changes: the removed tag, and the added one.
    assert_eq!(
        written(&posted(call.result)),
        ["order/1001 order.tags=erp:accepted", "order/1001 order.tags=erp:accepted, erp:packed"]
    );
    assert!(matches!(
        shop_with(&["erp:packed"], Value::Null).finds(packed.clone()).result,
        Found::Present(_)
    ));
    if let Fact::ShipmentUpdated(shipment) = &mut packed.event.fact {
        shipment.state = ShipmentState::Allocated;
    }
    assert_eq!(shop_with(&["erp:packed"], Value::Null).finds(packed).result, Found::Absent);
}

#[test]
fn a_written_status_is_found_at_the_order() {
    let found = |tags: &[&str]| {
        shop_with(tags, Value::Null)
            .finds(document_work(DocumentKind::SalesOrder, DocumentState::Accepted))
            .result
    };
    assert!(matches!(found(&["erp:accepted"]), Found::Present(receipt) if !receipt.written.is_empty()));
    assert_eq!(found(&["erp:accepted", "erp:refused"]), Found::Absent);
    assert_eq!(found(&[]), Found::Absent);
}

#[test]
fn a_refused_sales_order_cancels_the_order_where_configured() {
    let refused = || document_work(DocumentKind::SalesOrder, DocumentState::Refused);
    let call = shop()
        .setting("cancel-on", ["refused"])
        .setting("cancel", json!({ "refund": true, "notify": true }))
        .responds(&ORDER_CANCELLED, json!({ "id": ORDER }), json!({ "order": { "cancelledAt": null } }))
        .responds(
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
    assert_eq!(written(&posted(call.result)), ["order/1001 order.cancelled=true"]);
    let there = json!({ "order": { "cancelledAt": "2026-11-23T10:00:00Z" } });
    let call = shop()
        .setting("cancel-on", ["refused"])
        .responds(&ORDER_CANCELLED, json!({}), there)
        .finds(refused());
    assert!(matches!(call.result, Found::Present(_)));
    // A state that is not configured to cancel is written as a tag.
    let call = shop_with(&["erp:cancelled"], Value::Null)
        .setting("cancel-on", ["refused"])
        .delivers(document_work(DocumentKind::SalesOrder, DocumentState::Cancelled));
    assert!(matches!(call.result, Outcome::AlreadyThere(_)));
}
