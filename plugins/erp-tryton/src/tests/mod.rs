//! The connector against scripted responses, as recorded from Tryton 8.2.

mod adjustments;
mod booking;
mod changes_and_refunds;
mod mapping_tables;
mod polling;
mod stock_and_catalogue;

use crossdock_sdk::prelude::*;
use crossdock_sdk::testing::{self, ExpectedRequest, Host};
use serde_json::{Value, json};

use crate::value::encode_query;

pub const FIELDS: [&str; 4] = ["number", "state", "total_amount", "lines"];

/// A host with the connector's settings.
pub fn host() -> Host {
    Host::new()
        .setting("url", "https://tryton.test")
        .setting("database", "shop")
        .setting("company", 1)
        .setting("web-shop", 4)
        .setting("party", 3)
        .setting("address", 33)
        .setting("warehouse", 5)
        .setting("currencies", json!({ "EUR": 2 }))
        .setting("taxes", json!({ "VAT": 71, "0.0725": 72 }))
        .setting("units", json!({ "KGM": 9 }))
        .setting(
            "services",
            json!({ "shipping": "SHIPPING", "adjustment": "ADJUSTMENT", "refund": "REFUND" }),
        )
}

/// An order without a customer: 2 × TEA-250 at 10.00 and 5.00 of shipping, 10 % tax on the tea, 27.00 EUR.
pub fn order() -> Order {
    Order { customer: None, personal: None, ..testing::order() }
}

pub fn placed(order: Order) -> Work {
    testing::work(testing::placed(order))
}

/// A later event of order 1001, which is sale 12 in Tryton.
pub fn later(fact: Fact) -> Work {
    let entity = testing::entity(EntityKind::Order, "1001");
    Work { references: vec![sale(None)], ..testing::work(testing::event(entity, None, fact)) }
}

/// Sale 12 as a reference.
pub fn sale(number: Option<&str>) -> Reference {
    let line = |line: &str, id: &str| LineReference { line: line.into(), id: id.into() };
    let lines = vec![line("11", "501"), line("21", "502")];
    Reference { kind: "sale".into(), id: "12".into(), number: number.map(Into::into), lines }
}

pub fn deliver(work: Work) -> Outcome {
    crate::Tryton::deliver(vec![work]).pop().unwrap()
}

pub fn find(work: Work) -> Found {
    crate::Tryton::find(vec![work]).pop().unwrap()
}

pub fn path(path: &str, fields: &[&str]) -> String {
    let fields: Vec<String> = fields.iter().map(|field| format!("f={field}")).collect();
    format!("/shop/rest/model/{path}?{}", fields.join("&"))
}

pub fn search(model: &str, domain: Value, fields: &[&str]) -> ExpectedRequest {
    testing::get(&path(model, fields)).query("d", &encode_query(&domain))
}

/// The request for the products with these codes.
pub fn codes(codes: &[&str]) -> ExpectedRequest {
    let fields = ["code", "sale_uom", "default_uom", "salable"];
    search("product.product", json!([["code", "in", codes]]), &fields)
}

/// The request for the products of [`order`], with its response.
pub fn products() -> ExpectedRequest {
    codes(&["SHIPPING", "TEA-250"]).respond(
        200,
        json!([
            { "id": 81, "code": "TEA-250", "sale_uom": 1, "default_uom": 1, "salable": true },
            { "id": 82, "code": "SHIPPING", "sale_uom": 1, "default_uom": 1, "salable": true },
        ]),
    )
}

pub fn number(text: &str) -> Value {
    json!({ "__class__": "Decimal", "decimal": text })
}

/// Sale 12 in a response.
pub fn sale_record(state: &str, total: &str) -> Value {
    let number = if state == "draft" { Value::Null } else { json!("S-77") };
    json!({
        "id": 12, "__name__": "sale.sale", "number": number, "state": state,
        "total_amount": self::number(total), "lines": [501, 502],
    })
}

/// Sale 12 in a response, with its lines and addresses.
pub fn sale_with_lines(state: &str, quantity: f64) -> Value {
    let line = |id: i64, product: i64, quantity: f64, price: &str, taxes: Value| {
        json!({
            "id": id, "__name__": "sale.line", "product": product, "unit": 1, "quantity": quantity,
            "unit_price": number(price), "taxes": taxes, "description": null,
        })
    };
    let mut sale = sale_record(state, "27.00");
    sale["party"] = json!(3);
    sale["invoice_address"] = json!(33);
    sale["shipment_address"] = json!(33);
    sale["lines"] =
        json!([line(501, 81, quantity, "10.0000", json!([71])), line(502, 82, 1.0, "5.0000", json!([])),]);
    sale
}

/// The request for [`sale_with_lines`].
pub fn read_with_lines() -> ExpectedRequest {
    let fields = [
        "number",
        "state",
        "total_amount",
        "lines.product",
        "lines.unit",
        "lines.quantity",
        "lines.unit_price",
        "lines.taxes",
        "lines.description",
        "party",
        "invoice_address",
        "shipment_address",
    ];
    testing::get(&path("sale.sale/12", &fields))
}

/// The request that looks up the sale of order 1001.
pub fn lookup() -> ExpectedRequest {
    let web_id = "shopify/acme.myshopify.com/order/1001";
    search("sale.sale", json!([["web_shop", "=", 4], ["web_id", "=", web_id]]), &FIELDS)
}

pub fn create() -> ExpectedRequest {
    testing::post(&path("sale.sale", &FIELDS))
}

pub fn call_button(button: &str) -> ExpectedRequest {
    testing::post(&path(&format!("sale.sale/12/{button}"), &FIELDS))
}

pub fn refusal(message: &str) -> Value {
    json!({ "status": 400, "message": message, "description": "" })
}

pub fn web_id_taken() -> Value {
    refusal("The web ID on the sale must be unique per shop.")
}

pub fn rejected(outcome: Outcome) -> Problem {
    let Outcome::Rejected(problem) = outcome else { panic!("not rejected: {outcome:?}") };
    problem
}

pub fn partial(resume: &str, number: Option<&str>) -> Outcome {
    Outcome::Partial(Progress { resume: resume.into(), references: vec![sale(number)] })
}

/// The unmapped values: table and value.
pub fn unmapped(outcome: Outcome) -> Vec<(String, String)> {
    let Outcome::Unmapped(values) = outcome else { panic!("not unmapped: {outcome:?}") };
    values.into_iter().map(|value| (value.table, value.value)).collect()
}

/// The store with the code 655 in Shopify, with this warehouse in the store registry.
pub fn store(warehouse: Option<&str>) -> stores::Store {
    stores::Store {
        id: "12".into(),
        name: "Twelve".into(),
        zone: "Europe/Berlin".into(),
        country: None,
        region: None,
        legal_entity: None,
        warehouse: warehouse.map(Into::into),
        currency: None,
    }
}
