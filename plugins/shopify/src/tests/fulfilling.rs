//! Shipments become fulfilments.

use serde_json::{Value, json};

use super::shop::{Shop, asks, erp, order, posted, rejected, shop, written};
use super::*;
use crate::admin::operations::{FULFIL, FULFILMENT, MORE_GOODS, ORDER_GOODS, TRACK, UNFULFIL};

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

fn known(shipment: Shipment, fulfilments: &[&str]) -> Work {
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

/// A fulfilment order with what remains of each line.
fn pending(id: &str, location: &str, lines: &[(&str, i64)]) -> Value {
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

fn goods(pending: &[Value], fulfilments: &[Value]) -> Value {
    json!({ "order": {
        "cancelledAt": null,
        "tags": ["autumn", "erp:packed"],
        "fulfillments": fulfilments,
        "fulfillmentOrders": { "nodes": pending, "pageInfo": { "hasNextPage": false } },
    } })
}

/// A fulfilment as it stands in a list.
fn brief(id: &str, parcels: &[&str]) -> Value {
    let parcels: Vec<Value> = parcels.iter().map(|number| json!({ "number": number })).collect();
    json!({ "id": format!("gid://shopify/Fulfillment/{id}"), "status": "SUCCESS", "trackingInfo": parcels })
}

/// A fulfilment as a mutation answers it.
fn told(id: &str, parcels: &[&str], status: &str, whole: &str) -> Value {
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
    let mut whole = told(id, parcels, "SUCCESS", "PARTIALLY_FULFILLED");
    let nodes: Vec<Value> =
        lines.iter().map(|(id, quantity)| json!({ "quantity": quantity, "lineItem": line(id) })).collect();
    whole["fulfillmentLineItems"] = json!({ "nodes": nodes, "pageInfo": { "hasNextPage": false } });
    json!({ "fulfillment": whole })
}

fn made(id: &str, parcels: &[&str]) -> Value {
    json!({
        "fulfillmentCreate": { "fulfillment": told(id, parcels, "SUCCESS", "FULFILLED"), "userErrors": [] },
        "tagsRemove": { "node": { "tags": ["autumn"] }, "userErrors": [] },
    })
}

/// A shop whose order has two of line 11 and one of line 12 to leave from one location.
fn stocked() -> Shop {
    shop().mapping("location", "WH", "655441491").answers(
        &ORDER_GOODS,
        json!({ "id": ORDER, "after": null }),
        goods(&[pending("5", HERE, &[("11", 2), ("12", 1)])], &[]),
    )
}

#[test]
fn a_part_of_an_order_leaves_with_its_parcel() {
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
    let came = stocked()
        .mapping("carrier", "dhl_de", "DHL")
        .answers(&FULFIL, part, made("8", &["00340"]))
        .delivers(work(shipment(&[("11", "1.0")], &["00340"])));
    let receipt = posted(came.of);
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
    assert_eq!(came.variables[1]["tags"], json!(["erp:packed"]), "it is packed no longer");
}

#[test]
fn several_parcels_are_told_with_their_pages() {
    let mut two = shipment(&[("11", "2")], &["1", "2"]);
    for parcel in &mut two.tracking {
        parcel.url = Some(format!("https://dhl.test/{}", parcel.number));
    }
    let tracking = json!({
        "numbers": ["1", "2"], "urls": ["https://dhl.test/1", "https://dhl.test/2"], "company": "dhl_de",
    });
    let came = stocked()
        .setting("notify-customer", true)
        .answers(
            &FULFIL,
            json!({ "fulfillment": { "trackingInfo": tracking, "notifyCustomer": true } }),
            made("8", &["2", "1"]),
        )
        .delivers(work(two));
    assert!(written(&posted(came.of)).contains(&"shipment/8 shipment.tracking=1, 2".to_owned()));
}

#[test]
fn goods_leave_by_the_shops_locations_one_fulfilment_each() {
    let there = "gid://shopify/Location/24826418";
    let asked = json!({ "id": ORDER, "after": null });
    let nodes = [pending("5", there, &[("11", 2)]), pending("6", HERE, &[("11", 1), ("12", 1)])];
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
            .answers(&ORDER_GOODS, asked.clone(), goods(&nodes, &[]))
            .answers(&FULFIL, load("6", &[("11", 1), ("12", 1)]), made("8", &[]))
    };
    let all = || work(shipment(&[("11", "3"), ("12", "1")], &[]));
    let came = script().answers(&FULFIL, load("5", &[("11", 2)]), made("9", &[])).delivers(all());
    let ids: Vec<String> = posted(came.of).references.into_iter().map(|one| one.id).collect();
    assert_eq!(ids, ["8", "9"], "the location it left from comes first");

    // The second one fails: the first one has left all the same.
    let refused = json!({ "fulfillmentCreate": { "userErrors": [{ "message": "no" }] } });
    let came = script().answers(&FULFIL, json!({}), refused).delivers(all());
    let Outcome::Partial(Progress { resume, references }) = came.of else { panic!() };
    assert_eq!((resume.as_str(), references[0].id.as_str()), ("made-1", "8"));

    // And what is known to have left is not told again.
    let came = shop()
        .mapping("location", "WH", "655441491")
        .answers(
            &FULFILMENT,
            json!({ "id": "gid://shopify/Fulfillment/8" }),
            fulfilment("8", &[], &[("11", 1), ("12", 1)]),
        )
        .answers(&ORDER_GOODS, asked, goods(&nodes[..1], &[brief("8", &[])]))
        .answers(&FULFIL, load("5", &[("11", 2)]), made("9", &[]))
        .delivers(Work { resume: Some(resume), references, ..all() });
    let ids: Vec<String> = posted(came.of).references.into_iter().map(|one| one.id).collect();
    assert_eq!(ids, ["8", "9"]);
}

#[test]
fn long_orders_are_read_to_their_end() {
    let mut first = pending("5", HERE, &[("11", 0)]);
    first["lineItems"]["pageInfo"] = json!({ "hasNextPage": true, "endCursor": "L" });
    let mut page = goods(&[first], &[]);
    page["order"]["fulfillmentOrders"]["pageInfo"] = json!({ "hasNextPage": true, "endCursor": "O" });
    let mut more = pending("5", HERE, &[("12", 1)]);
    let came = shop()
        .answers(&ORDER_GOODS, json!({ "id": ORDER, "after": null }), page)
        .answers(&ORDER_GOODS, json!({ "after": "O" }), goods(&[pending("6", HERE, &[("13", 1)])], &[]))
        .answers(
            &MORE_GOODS,
            json!({ "id": "gid://shopify/FulfillmentOrder/5", "after": "L" }),
            json!({ "fulfillmentOrder": { "lineItems": more["lineItems"].take() } }),
        )
        .answers(&FULFIL, json!({}), made("8", &[]))
        .delivers(work(shipment(&[("12", "1"), ("13", "1")], &[])));
    posted(came.of);
    let told = &came.variables[3]["fulfillment"]["lineItemsByFulfillmentOrder"];
    assert_eq!(told.as_array().unwrap().len(), 2, "one location, one fulfilment");
}

#[test]
fn what_the_shop_was_told_by_somebody_else_is_there() {
    // By its parcel: somebody typed the number in.
    let came = shop()
        .answers(
            &ORDER_GOODS,
            json!({}),
            goods(&[pending("5", HERE, &[("11", 1)])], &[brief("8", &["00340"])]),
        )
        .answers(&FULFILMENT, json!({}), fulfilment("8", &["00340"], &[("11", 1)]))
        .delivers(work(shipment(&[("11", "1")], &["00340"])));
    let Outcome::AlreadyThere(receipt) = came.of else { panic!("{:?}", came.of) };
    assert_eq!(receipt.references[0].id, "8");

    // Somebody put more into that parcel: what is in it has left all the same.
    let came = shop()
        .answers(
            &ORDER_GOODS,
            json!({}),
            goods(&[pending("5", HERE, &[("11", 1)])], &[brief("8", &["00340"])]),
        )
        .answers(&FULFILMENT, json!({}), fulfilment("8", &["00340"], &[("11", 1), ("12", 1)]))
        .delivers(work(shipment(&[("11", "1")], &["00340"])));
    assert!(matches!(came.of, Outcome::AlreadyThere(_)), "{:?}", came.of);

    // By its goods, as nothing is left of them; the number is told then.
    let came = shop()
        .with(|host| {
            host.reference(erp(EntityKind::Shipment, "shipment-6"), Reference::new("fulfillment", "7"))
        })
        .answers(
            &ORDER_GOODS,
            json!({}),
            goods(&[pending("5", HERE, &[("11", 0)])], &[brief("7", &[]), brief("8", &[])]),
        )
        .answers(&FULFILMENT, json!({ "id": "gid://shopify/Fulfillment/8" }), fulfilment("8", &[], &[("11", 1)]))
        .answers(
            &TRACK,
            json!({ "id": "gid://shopify/Fulfillment/8", "tracking": { "number": "00340" }, "notify": false }),
            json!({ "fulfillmentTrackingInfoUpdate": {
                "fulfillment": told("8", &["00340"], "SUCCESS", "FULFILLED"), "userErrors": [],
            } }),
        )
        .delivers(work(shipment(&[("11", "1")], &["00340"])));
    assert_eq!(posted(came.of).references[0].id, "8", "another shipment's fulfilment is not this one's");
}

#[test]
fn what_cannot_leave_is_for_a_person() {
    let refused = |goods: Value| {
        let came =
            shop().answers(&ORDER_GOODS, json!({}), goods).delivers(work(shipment(&[("11", "2")], &[])));
        let problem = rejected(came.of);
        (problem.code, problem.message)
    };
    let nothing = goods(&[pending("5", HERE, &[("11", 1)])], &[]);
    assert_eq!(
        refused(nothing.clone()),
        ("nothing-left".into(), "1 × 11 left, and the shop has nothing more of it to fulfil".into())
    );
    let mut cancelled = nothing.clone();
    cancelled["order"]["cancelledAt"] = json!("2026-11-23T10:00:00Z");
    assert_eq!(refused(cancelled).0, "order-cancelled");
    let mut held = goods(&[pending("5", HERE, &[("11", 2)])], &[]);
    held["order"]["fulfillmentOrders"]["nodes"][0]["status"] = json!("ON_HOLD");
    held["order"]["fulfillmentOrders"]["nodes"][0]["supportedActions"] =
        json!([{ "action": "RELEASE_HOLD" }]);
    assert_eq!(
        refused(held),
        ("fulfilment-held".into(), "2 × 11 cannot leave: the shop has it as on hold".into())
    );
    assert_eq!(refused(json!({ "order": null })).0, "order-unknown");
    let refusal = json!({ "fulfillmentCreate": { "userErrors": [
        { "field": ["fulfillment", "trackingInfo"], "message": "is invalid" },
    ] }, "tagsRemove": { "userErrors": [] } });
    let came = stocked().answers(&FULFIL, json!({}), refusal).delivers(work(shipment(&[("11", "1")], &[])));
    let problem = rejected(came.of);
    assert_eq!(
        (problem.message.as_str(), problem.field.as_deref()),
        ("is invalid", Some("fulfillment.trackingInfo"))
    );
}

#[test]
fn an_article_that_the_order_does_not_have_is_missing_in_the_table() {
    let mut by_sku = shipment(&[("11", "1")], &[]);
    by_sku.lines[0].line = None;
    by_sku.lines[0].sku = Some("100-A".into());
    let came = stocked().delivers(work(by_sku.clone()));
    assert_eq!(came.of, Outcome::Unmapped(vec![Unmapped { table: "sku".into(), value: "100-A".into() }]));
    let came = stocked()
        .mapping("sku", "100-A", "SKU-12")
        .answers(&FULFIL, json!({}), made("8", &[]))
        .delivers(work(by_sku));
    posted(came.of);
    let told = &came.variables[1]["fulfillment"]["lineItemsByFulfillmentOrder"][0];
    assert_eq!(told["fulfillmentOrderLineItems"][0]["id"], "gid://shopify/FulfillmentOrderLineItem/512");
}

#[test]
fn a_later_parcel_is_told_once() {
    let parcels = |there: &[&str], wanted: &[&str]| {
        shop()
            .answers(
                &FULFILMENT,
                json!({ "id": "gid://shopify/Fulfillment/8" }),
                fulfilment("8", there, &[("11", 1)]),
            )
            .delivers(known(shipment(&[("11", "1")], wanted), &["8"]))
            .of
    };
    assert!(matches!(parcels(&["1"], &["1"]), Outcome::AlreadyThere(_)));
    assert!(matches!(parcels(&["1"], &[]), Outcome::AlreadyThere(_)), "nothing said takes nothing away");
    let came = shop()
        .answers(&FULFILMENT, json!({}), fulfilment("8", &["1"], &[("11", 1)]))
        .answers(
            &TRACK,
            json!({ "tracking": { "numbers": ["1", "2"] } }),
            json!({ "fulfillmentTrackingInfoUpdate": {
                "fulfillment": told("8", &["1", "2"], "SUCCESS", "FULFILLED"), "userErrors": [],
            } }),
        )
        .delivers(known(shipment(&[("11", "1")], &["1", "2"]), &["8"]));
    assert!(written(&posted(came.of)).contains(&"shipment/8 shipment.tracking=1, 2".to_owned()));
}

#[test]
fn a_shipment_that_does_not_leave_is_taken_back() {
    let mut off = shipment(&[("11", "1")], &[]);
    off.state = ShipmentState::Cancelled;
    let came = shop()
        .answers(&FULFILMENT, json!({}), fulfilment("8", &[], &[("11", 1)]))
        .answers(
            &UNFULFIL,
            json!({ "id": "gid://shopify/Fulfillment/8" }),
            json!({ "fulfillmentCancel": {
                "fulfillment": told("8", &[], "CANCELLED", "UNFULFILLED"), "userErrors": [],
            } }),
        )
        .delivers(known(off.clone(), &["8"]));
    let receipt = posted(came.of);
    assert_eq!(written(&receipt)[0], "shipment/8 shipment.state=cancelled");
    assert_eq!(written(&receipt)[2], "order/1001 order.fulfilment=unfulfilled");
    let mut gone = fulfilment("8", &[], &[("11", 1)]);
    gone["fulfillment"]["status"] = json!("CANCELLED");
    let came = shop().answers(&FULFILMENT, json!({}), gone.clone()).delivers(known(off.clone(), &["8"]));
    assert!(matches!(came.of, Outcome::AlreadyThere(_)));
    let came = shop().answers(&FULFILMENT, json!({}), gone).finds(known(off.clone(), &["8"]));
    assert!(matches!(came.of, Found::Present(_)));
    assert!(matches!(shop().delivers(work(off)).of, Outcome::Ignored(_)), "the shop never knew");
}

#[test]
fn what_may_have_left_is_looked_for() {
    // The answer is lost: nobody knows.
    let came = stocked()
        .meets(asks(&FULFIL, json!({})).lose_connection())
        .delivers(work(shipment(&[("11", "1")], &[])));
    assert!(matches!(came.of, Outcome::Unknown(_)));

    let find = |fulfilments: &[Value], details: &[(&str, Value)]| {
        let mut script =
            shop().answers(&ORDER_GOODS, json!({}), goods(&[pending("5", HERE, &[("11", 1)])], fulfilments));
        for (id, detail) in details {
            let id = format!("gid://shopify/Fulfillment/{id}");
            script = script.answers(&FULFILMENT, json!({ "id": id }), detail.clone());
        }
        script.finds(work(shipment(&[("11", "1"), ("12", "1")], &["00340"]))).of
    };
    assert_eq!(find(&[], &[]), Found::Absent);
    let cancelled = json!({ "id": "gid://shopify/Fulfillment/8", "status": "CANCELLED", "trackingInfo": [] });
    assert_eq!(find(&[cancelled], &[]), Found::Absent);
    // Another parcel with the same goods is another shipment.
    let other = find(&[brief("8", &["9"])], &[("8", fulfilment("8", &["9"], &[("11", 1)]))]);
    assert_eq!(other, Found::Absent);
    let there =
        find(&[brief("8", &["00340"])], &[("8", fulfilment("8", &["00340"], &[("11", 1), ("12", 1)]))]);
    let Found::Present(receipt) = there else { panic!("{there:?}") };
    assert_eq!(receipt.references[0].id, "8");
    let part = find(&[brief("8", &["00340"])], &[("8", fulfilment("8", &["00340"], &[("11", 1)]))]);
    let Found::Partial(progress) = part else { panic!("{part:?}") };
    assert_eq!(progress.references[0].id, "8");
    // Its parcel is still to be told: the way to that goes by the reference.
    let bare = find(&[brief("8", &[])], &[("8", fulfilment("8", &[], &[("11", 1), ("12", 1)]))]);
    assert!(matches!(bare, Found::Partial(_)), "{bare:?}");
}

#[test]
fn what_is_none_of_the_shops_business_is_left_out() {
    let mut elsewhere = shipment(&[("11", "1")], &[]);
    elsewhere.order.tenant = "other.myshopify.com".into();
    let mut foreign = work(elsewhere);
    foreign.event.parent = None;
    assert!(matches!(shop().delivers(foreign).of, Outcome::Ignored(_)));
    let mut own = work(shipment(&[("11", "1")], &[]));
    own.event.entity = testing::entity(EntityKind::Shipment, "8");
    assert!(matches!(shop().delivers(own).of, Outcome::Ignored(_)), "the shop told it");
    for state in [ShipmentState::Planned, ShipmentState::Returned] {
        let mut other = shipment(&[("11", "1")], &[]);
        other.state = state;
        assert!(matches!(shop().delivers(work(other)).of, Outcome::Ignored(_)));
    }
}
