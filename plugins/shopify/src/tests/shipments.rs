//! Shipments, written as fulfilments.

use serde_json::{Value, json};

use super::shop::{Shop, erp, order, posted, rejected, request_of, shop, written};
use super::*;
use crate::admin::operations::{
    CANCEL_FULFILMENT, CREATE_FULFILMENT, FULFILMENT, MORE_FULFILMENT_ORDER_LINES, ORDER_FULFILMENTS,
    UPDATE_TRACKING,
};

const ORDER: &str = "gid://shopify/Order/1001";
const HERE: &str = "gid://shopify/Location/655441491";

fn shipment(lines: &[(&str, &str)], parcels: &[&str]) -> Shipment {
    Shipment {
        number: Some("CUST-7".into()),
        order: order(),
        state: ShipmentState::Shipped,
        location: Some("WH".into()),
        shipped_at: None,
        lines: lines
            .iter()
            .map(|(line, quantity)| ShipmentLine {
                line: Some((*line).into()),
                sku: None,
                quantity: (*quantity).into(),
            })
            .collect(),
        tracking: parcels
            .iter()
            .map(|number| Tracking { carrier: Some("dhl_de".into()), number: (*number).into(), url: None })
            .collect(),
        personal: None,
        extensions: None,
    }
}

fn work(shipment: Shipment) -> Work {
    let entity = erp(EntityKind::Shipment, "shipment-7");
    testing::work(testing::event(entity, Some(order()), Fact::ShipmentUpdated(shipment)))
}

fn work_with_references(shipment: Shipment, fulfilments: &[&str]) -> Work {
    let references = fulfilments.iter().map(|id| Reference::new("fulfillment", *id)).collect();
    Work { references, ..work(shipment) }
}

fn line(id: &str) -> Value {
    json!({
        "id": format!("gid://shopify/LineItem/{id}"),
        "sku": format!("SKU-{id}"),
        "variant": { "id": format!("gid://shopify/ProductVariant/7{id}") },
    })
}

/// A fulfilment order with the remaining quantity of each line.
fn fulfilment_order(id: &str, location: &str, lines: &[(&str, i64)]) -> Value {
    let nodes: Vec<Value> = lines
        .iter()
        .map(|(line_id, left)| {
            let id = format!("gid://shopify/FulfillmentOrderLineItem/{id}{line_id}");
            json!({ "id": id, "remainingQuantity": left, "lineItem": line(line_id) })
        })
        .collect();
    json!({
        "id": format!("gid://shopify/FulfillmentOrder/{id}"),
        "status": "OPEN",
        "supportedActions": [{ "action": "CREATE_FULFILLMENT" }, { "action": "HOLD" }],
        "assignedLocation": { "location": { "id": location } },
        "lineItems": { "nodes": nodes, "pageInfo": { "hasNextPage": false } },
    })
}

fn order_fulfilments(fulfilment_orders: &[Value], fulfilments: &[Value]) -> Value {
    json!({ "order": {
        "cancelledAt": null,
        "tags": ["autumn", "erp:packed"],
        "fulfillments": fulfilments,
        "fulfillmentOrders": { "nodes": fulfilment_orders, "pageInfo": { "hasNextPage": false } },
    } })
}

/// A fulfilment in the list of an order's fulfilments.
fn summary(id: &str, parcels: &[&str]) -> Value {
    let parcels: Vec<Value> = parcels.iter().map(|number| json!({ "number": number })).collect();
    json!({ "id": format!("gid://shopify/Fulfillment/{id}"), "status": "SUCCESS", "trackingInfo": parcels })
}

/// A fulfilment in the payload of a mutation.
fn payload(id: &str, parcels: &[&str], status: &str, whole: &str) -> Value {
    let parcels: Vec<Value> = parcels.iter().map(|number| json!({ "number": number })).collect();
    json!({
        "id": format!("gid://shopify/Fulfillment/{id}"),
        "name": format!("#1001-F{id}"),
        "status": status,
        "trackingInfo": parcels,
        "order": { "displayFulfillmentStatus": whole },
    })
}

/// A fulfilment with its lines.
fn fulfilment(id: &str, parcels: &[&str], lines: &[(&str, i64)]) -> Value {
    let mut whole = payload(id, parcels, "SUCCESS", "PARTIALLY_FULFILLED");
    let nodes: Vec<Value> =
        lines.iter().map(|(id, quantity)| json!({ "quantity": quantity, "lineItem": line(id) })).collect();
    whole["fulfillmentLineItems"] = json!({ "nodes": nodes, "pageInfo": { "hasNextPage": false } });
    json!({ "fulfillment": whole })
}

fn created(id: &str, parcels: &[&str]) -> Value {
    json!({
        "fulfillmentCreate": { "fulfillment": payload(id, parcels, "SUCCESS", "FULFILLED"), "userErrors": [] },
        "tagsRemove": { "node": { "tags": ["autumn"] }, "userErrors": [] },
    })
}

/// A shop whose order has two of line 11 and one of line 12 to be shipped from one location.
fn shop_with_order() -> Shop {
    shop().mapping("location", "WH", "655441491").responds(
        &ORDER_FULFILMENTS,
        json!({ "id": ORDER, "after": null }),
        order_fulfilments(&[fulfilment_order("5", HERE, &[("11", 2), ("12", 1)])], &[]),
    )
}

#[test]
fn a_partial_shipment_is_a_fulfilment_with_tracking() {
    let part = json!({ "fulfillment": {
        "notifyCustomer": false,
        "lineItemsByFulfillmentOrder": [{
            "fulfillmentOrderId": "gid://shopify/FulfillmentOrder/5",
            "fulfillmentOrderLineItems": [
                { "id": "gid://shopify/FulfillmentOrderLineItem/511", "quantity": 1 },
            ],
        }],
        "trackingInfo": { "number": "00340", "company": "DHL" },
    } });
    let call = shop_with_order()
        .mapping("carrier", "dhl_de", "DHL")
        .responds(&CREATE_FULFILMENT, part, created("8", &["00340"]))
        .delivers(work(shipment(&[("11", "1.0")], &["00340"])));
    let receipt = posted(call.result);
    let reference = Reference { number: Some("#1001-F8".into()), ..Reference::new("fulfillment", "8") };
    assert_eq!(receipt.references, [reference]);
    assert_eq!(
        written(&receipt),
        [
            "shipment/8 shipment.state=shipped",
            "shipment/8 shipment.tracking=00340",
            "order/1001 order.fulfilment=fulfilled",
            "order/1001 order.tags=autumn",
        ]
    );
    assert_eq!(call.variables[1]["tags"], json!(["erp:packed"]), "it is packed no longer");
}

#[test]
fn several_parcels_are_written_with_their_urls() {
    let mut two = shipment(&[("11", "2")], &["1", "2"]);
    for parcel in &mut two.tracking {
        parcel.url = Some(format!("https://dhl.test/{}", parcel.number));
    }
    let tracking = json!({
        "numbers": ["1", "2"], "urls": ["https://dhl.test/1", "https://dhl.test/2"], "company": "dhl_de",
    });
    let call = shop_with_order()
        .setting("notify-customer", true)
        .responds(
            &CREATE_FULFILMENT,
            json!({ "fulfillment": { "trackingInfo": tracking, "notifyCustomer": true } }),
            created("8", &["2", "1"]),
        )
        .delivers(work(two));
    assert!(written(&posted(call.result)).contains(&"shipment/8 shipment.tracking=1, 2".to_owned()));
}

#[test]
fn a_shipment_is_one_fulfilment_per_location() {
    let there = "gid://shopify/Location/24826418";
    let variables = json!({ "id": ORDER, "after": null });
    let nodes =
        [fulfilment_order("5", there, &[("11", 2)]), fulfilment_order("6", HERE, &[("11", 1), ("12", 1)])];
    let load = |id: &str, lines: &[(&str, i64)]| {
        let lines: Vec<Value> = lines
            .iter()
            .map(|(line, quantity)| {
                json!({ "id": format!("gid://shopify/FulfillmentOrderLineItem/{id}{line}"), "quantity": quantity })
            })
            .collect();
        let id = format!("gid://shopify/FulfillmentOrder/{id}");
        json!({ "fulfillment": { "lineItemsByFulfillmentOrder": [
            { "fulfillmentOrderId": id, "fulfillmentOrderLineItems": lines },
        ] } })
    };
    let script = || {
        shop()
            .mapping("location", "WH", "655441491")
            .responds(&ORDER_FULFILMENTS, variables.clone(), order_fulfilments(&nodes, &[]))
            .responds(&CREATE_FULFILMENT, load("6", &[("11", 1), ("12", 1)]), created("8", &[]))
    };
    let all = || work(shipment(&[("11", "3"), ("12", "1")], &[]));
    let call =
        script().responds(&CREATE_FULFILMENT, load("5", &[("11", 2)]), created("9", &[])).delivers(all());
    let ids: Vec<String> = posted(call.result).references.into_iter().map(|one| one.id).collect();
    assert_eq!(ids, ["8", "9"], "the location it left from comes first");

    // The second fulfilment fails, after the first was created.
    let refused = json!({ "fulfillmentCreate": { "userErrors": [{ "message": "no" }] } });
    let call = script().responds(&CREATE_FULFILMENT, json!({}), refused).delivers(all());
    let Outcome::Partial(Progress { resume, references }) = call.result else { panic!() };
    assert_eq!((resume.as_str(), references[0].id.as_str()), ("made-1", "8"));

    // A fulfilment with a reference is not created again.
    let call = shop()
        .mapping("location", "WH", "655441491")
        .responds(
            &FULFILMENT,
            json!({ "id": "gid://shopify/Fulfillment/8" }),
            fulfilment("8", &[], &[("11", 1), ("12", 1)]),
        )
        .responds(&ORDER_FULFILMENTS, variables, order_fulfilments(&nodes[..1], &[summary("8", &[])]))
        .responds(&CREATE_FULFILMENT, load("5", &[("11", 2)]), created("9", &[]))
        .delivers(Work { resume: Some(resume), references, ..all() });
    let ids: Vec<String> = posted(call.result).references.into_iter().map(|one| one.id).collect();
    assert_eq!(ids, ["8", "9"]);
}

#[test]
fn all_pages_of_a_long_order_are_read() {
    let mut first = fulfilment_order("5", HERE, &[("11", 0)]);
    first["lineItems"]["pageInfo"] = json!({ "hasNextPage": true, "endCursor": "L" });
    let mut page = order_fulfilments(&[first], &[]);
    page["order"]["fulfillmentOrders"]["pageInfo"] = json!({ "hasNextPage": true, "endCursor": "O" });
    let mut more = fulfilment_order("5", HERE, &[("12", 1)]);
    let call = shop()
        .responds(&ORDER_FULFILMENTS, json!({ "id": ORDER, "after": null }), page)
        .responds(
            &ORDER_FULFILMENTS,
            json!({ "after": "O" }),
            order_fulfilments(&[fulfilment_order("6", HERE, &[("13", 1)])], &[]),
        )
        .responds(
            &MORE_FULFILMENT_ORDER_LINES,
            json!({ "id": "gid://shopify/FulfillmentOrder/5", "after": "L" }),
            json!({ "fulfillmentOrder": { "lineItems": more["lineItems"].take() } }),
        )
        .responds(&CREATE_FULFILMENT, json!({}), created("8", &[]))
        .delivers(work(shipment(&[("12", "1"), ("13", "1")], &[])));
    posted(call.result);
    let planned = &call.variables[3]["fulfillment"]["lineItemsByFulfillmentOrder"];
    assert_eq!(planned.as_array().unwrap().len(), 2, "one location, one fulfilment");
}

#[test]
fn a_fulfilment_created_manually_is_found() {
    // By its tracking number.
    let call = shop()
        .responds(
            &ORDER_FULFILMENTS,
            json!({}),
            order_fulfilments(&[fulfilment_order("5", HERE, &[("11", 1)])], &[summary("8", &["00340"])]),
        )
        .responds(&FULFILMENT, json!({}), fulfilment("8", &["00340"], &[("11", 1)]))
        .delivers(work(shipment(&[("11", "1")], &["00340"])));
    let Outcome::AlreadyThere(receipt) = call.result else { panic!("{:?}", call.result) };
    assert_eq!(receipt.references[0].id, "8");

    // The fulfilment with that tracking number contains more goods.
    let call = shop()
        .responds(
            &ORDER_FULFILMENTS,
            json!({}),
            order_fulfilments(&[fulfilment_order("5", HERE, &[("11", 1)])], &[summary("8", &["00340"])]),
        )
        .responds(&FULFILMENT, json!({}), fulfilment("8", &["00340"], &[("11", 1), ("12", 1)]))
        .delivers(work(shipment(&[("11", "1")], &["00340"])));
    assert!(matches!(call.result, Outcome::AlreadyThere(_)), "{:?}", call.result);

    // By its goods, of which nothing remains to be fulfilled; the tracking number is added.
    let call = shop()
        .with(|host| {
            host.reference(erp(EntityKind::Shipment, "shipment-6"), Reference::new("fulfillment", "7"))
        })
        .responds(
            &ORDER_FULFILMENTS,
            json!({}),
            order_fulfilments(&[fulfilment_order("5", HERE, &[("11", 0)])], &[summary("7", &[]), summary("8", &[])]),
        )
        .responds(&FULFILMENT, json!({ "id": "gid://shopify/Fulfillment/8" }), fulfilment("8", &[], &[("11", 1)]))
        .responds(
            &UPDATE_TRACKING,
            json!({ "id": "gid://shopify/Fulfillment/8", "tracking": { "number": "00340" }, "notify": false }),
            json!({ "fulfillmentTrackingInfoUpdate": {
                "fulfillment": payload("8", &["00340"], "SUCCESS", "FULFILLED"), "userErrors": [],
            } }),
        )
        .delivers(work(shipment(&[("11", "1")], &["00340"])));
    assert_eq!(posted(call.result).references[0].id, "8", "fulfilments of other shipments are not changed");
}

#[test]
fn a_shipment_that_cannot_be_fulfilled_is_rejected() {
    let refused = |goods: Value| {
        let call = shop()
            .responds(&ORDER_FULFILMENTS, json!({}), goods)
            .delivers(work(shipment(&[("11", "2")], &[])));
        let problem = rejected(call.result);
        (problem.code, problem.message)
    };
    let nothing = order_fulfilments(&[fulfilment_order("5", HERE, &[("11", 1)])], &[]);
    assert_eq!(
        refused(nothing.clone()),
        ("nothing-left".into(), "1 × 11 were shipped, but the shop has no more of it to fulfil".into())
    );
    let mut cancelled = nothing.clone();
    cancelled["order"]["cancelledAt"] = json!("2026-11-23T10:00:00Z");
    assert_eq!(refused(cancelled).0, "order-cancelled");
    let mut on_hold = order_fulfilments(&[fulfilment_order("5", HERE, &[("11", 2)])], &[]);
    on_hold["order"]["fulfillmentOrders"]["nodes"][0]["status"] = json!("ON_HOLD");
    on_hold["order"]["fulfillmentOrders"]["nodes"][0]["supportedActions"] =
        json!([{ "action": "RELEASE_HOLD" }]);
    assert_eq!(
        refused(on_hold),
        ("fulfilment-held".into(), "2 × 11 cannot be fulfilled: the fulfilment order is on hold".into())
    );
    assert_eq!(refused(json!({ "order": null })).0, "order-unknown");
    let refusal = json!({ "fulfillmentCreate": { "userErrors": [
        { "field": ["fulfillment", "trackingInfo"], "message": "is invalid" },
    ] }, "tagsRemove": { "userErrors": [] } });
    let call = shop_with_order()
        .responds(&CREATE_FULFILMENT, json!({}), refusal)
        .delivers(work(shipment(&[("11", "1")], &[])));
    let problem = rejected(call.result);
    assert_eq!(
        (problem.message.as_str(), problem.field.as_deref()),
        ("is invalid", Some("fulfillment.trackingInfo"))
    );
}

#[test]
fn an_article_that_the_order_does_not_have_is_unmapped() {
    let mut by_sku = shipment(&[("11", "1")], &[]);
    by_sku.lines[0].line = None;
    by_sku.lines[0].sku = Some("100-A".into());
    let call = shop_with_order().delivers(work(by_sku.clone()));
    assert_eq!(call.result, Outcome::Unmapped(vec![Unmapped { table: "sku".into(), value: "100-A".into() }]));
    let call = shop_with_order()
        .mapping("sku", "100-A", "SKU-12")
        .responds(&CREATE_FULFILMENT, json!({}), created("8", &[]))
        .delivers(work(by_sku));
    posted(call.result);
    let planned = &call.variables[1]["fulfillment"]["lineItemsByFulfillmentOrder"][0];
    assert_eq!(planned["fulfillmentOrderLineItems"][0]["id"], "gid://shopify/FulfillmentOrderLineItem/512");
}

#[test]
fn a_later_tracking_number_is_written_once() {
    let parcels = |there: &[&str], tracking: &[&str]| {
        shop()
            .responds(
                &FULFILMENT,
                json!({ "id": "gid://shopify/Fulfillment/8" }),
                fulfilment("8", there, &[("11", 1)]),
            )
            .delivers(work_with_references(shipment(&[("11", "1")], tracking), &["8"]))
            .result
    };
    assert!(matches!(parcels(&["1"], &["1"]), Outcome::AlreadyThere(_)));
    assert!(
        matches!(parcels(&["1"], &[]), Outcome::AlreadyThere(_)),
        "a shipment without tracking removes none"
    );
    let call = shop()
        .responds(&FULFILMENT, json!({}), fulfilment("8", &["1"], &[("11", 1)]))
        .responds(
            &UPDATE_TRACKING,
            json!({ "tracking": { "numbers": ["1", "2"] } }),
            json!({ "fulfillmentTrackingInfoUpdate": {
                "fulfillment": payload("8", &["1", "2"], "SUCCESS", "FULFILLED"), "userErrors": [],
            } }),
        )
        .delivers(work_with_references(shipment(&[("11", "1")], &["1", "2"]), &["8"]));
    assert!(written(&posted(call.result)).contains(&"shipment/8 shipment.tracking=1, 2".to_owned()));
}

#[test]
fn the_fulfilments_of_a_cancelled_shipment_are_cancelled() {
    let mut off = shipment(&[("11", "1")], &[]);
    off.state = ShipmentState::Cancelled;
    let call = shop()
        .responds(&FULFILMENT, json!({}), fulfilment("8", &[], &[("11", 1)]))
        .responds(
            &CANCEL_FULFILMENT,
            json!({ "id": "gid://shopify/Fulfillment/8" }),
            json!({ "fulfillmentCancel": {
                "fulfillment": payload("8", &[], "CANCELLED", "UNFULFILLED"), "userErrors": [],
            } }),
        )
        .delivers(work_with_references(off.clone(), &["8"]));
    let receipt = posted(call.result);
    assert_eq!(written(&receipt)[0], "shipment/8 shipment.state=cancelled");
    assert_eq!(written(&receipt)[2], "order/1001 order.fulfilment=unfulfilled");
    let mut gone = fulfilment("8", &[], &[("11", 1)]);
    gone["fulfillment"]["status"] = json!("CANCELLED");
    let call = shop()
        .responds(&FULFILMENT, json!({}), gone.clone())
        .delivers(work_with_references(off.clone(), &["8"]));
    assert!(matches!(call.result, Outcome::AlreadyThere(_)));
    let call = shop().responds(&FULFILMENT, json!({}), gone).finds(work_with_references(off.clone(), &["8"]));
    assert!(matches!(call.result, Found::Present(_)));
    assert!(matches!(shop().delivers(work(off)).result, Outcome::Ignored(_)), "the shop never knew");
}

#[test]
fn an_unknown_fulfilment_is_looked_up() {
    // The response is lost.
    let call = shop_with_order()
        .expects(request_of(&CREATE_FULFILMENT, json!({})).lose_connection())
        .delivers(work(shipment(&[("11", "1")], &[])));
    assert!(matches!(call.result, Outcome::Unknown(_)));

    let find = |fulfilments: &[Value], details: &[(&str, Value)]| {
        let mut script = shop().responds(
            &ORDER_FULFILMENTS,
            json!({}),
            order_fulfilments(&[fulfilment_order("5", HERE, &[("11", 1)])], fulfilments),
        );
        for (id, detail) in details {
            let id = format!("gid://shopify/Fulfillment/{id}");
            script = script.responds(&FULFILMENT, json!({ "id": id }), detail.clone());
        }
        script.finds(work(shipment(&[("11", "1"), ("12", "1")], &["00340"]))).result
    };
    assert_eq!(find(&[], &[]), Found::Absent);
    let cancelled = json!({ "id": "gid://shopify/Fulfillment/8", "status": "CANCELLED", "trackingInfo": [] });
    assert_eq!(find(&[cancelled], &[]), Found::Absent);
    // Another tracking number with the same goods belongs to another shipment.
    let other = find(&[summary("8", &["9"])], &[("8", fulfilment("8", &["9"], &[("11", 1)]))]);
    assert_eq!(other, Found::Absent);
    let there =
        find(&[summary("8", &["00340"])], &[("8", fulfilment("8", &["00340"], &[("11", 1), ("12", 1)]))]);
    let Found::Present(receipt) = there else { panic!("{there:?}") };
    assert_eq!(receipt.references[0].id, "8");
    let part = find(&[summary("8", &["00340"])], &[("8", fulfilment("8", &["00340"], &[("11", 1)]))]);
    let Found::Partial(progress) = part else { panic!("{part:?}") };
    assert_eq!(progress.references[0].id, "8");
    // The tracking number is still to be written, by means of the reference.
    let bare = find(&[summary("8", &[])], &[("8", fulfilment("8", &[], &[("11", 1), ("12", 1)]))]);
    assert!(matches!(bare, Found::Partial(_)), "{bare:?}");
}

#[test]
fn shipments_of_other_orders_and_of_the_shop_itself_are_ignored() {
    let mut elsewhere = shipment(&[("11", "1")], &[]);
    elsewhere.order.tenant = "other.myshopify.com".into();
    let mut foreign = work(elsewhere);
    foreign.event.parent = None;
    assert!(matches!(shop().delivers(foreign).result, Outcome::Ignored(_)));
    let mut own = work(shipment(&[("11", "1")], &[]));
    own.event.entity = testing::entity(EntityKind::Shipment, "8");
    assert!(matches!(shop().delivers(own).result, Outcome::Ignored(_)), "it comes from the shop");
    for state in [ShipmentState::Planned, ShipmentState::Returned] {
        let mut other = shipment(&[("11", "1")], &[]);
        other.state = state;
        assert!(matches!(shop().delivers(work(other)).result, Outcome::Ignored(_)));
    }
}
