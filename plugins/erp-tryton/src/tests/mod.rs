//! The connector against scripted answers, in Tryton's own words as they were recorded from 8.2.

mod adjusting;
mod booking;
mod changing;
mod polling;
mod telling;
mod words;

use crossdock_sdk::prelude::*;
use crossdock_sdk::testing::{self, Exchange, Host};
use serde_json::{Value, json};

use crate::value::question;

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

/// What happened to order 1001 later, when Tryton knows it as sale 12.
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

pub fn search(model: &str, domain: Value, fields: &[&str]) -> Exchange {
    testing::get(&path(model, fields)).query("d", &question(&domain))
}

/// The products with these codes are asked for.
pub fn codes(codes: &[&str]) -> Exchange {
    let fields = ["code", "sale_uom", "default_uom", "salable"];
    search("product.product", json!([["code", "in", codes]]), &fields)
}

/// The products of [`order`] are asked for.
pub fn products() -> Exchange {
    codes(&["SHIPPING", "TEA-250"]).answer(
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

/// Sale 12 as Tryton answers it.
pub fn answer(state: &str, total: &str) -> Value {
    let number = if state == "draft" { Value::Null } else { json!("S-77") };
    json!({
        "id": 12, "__name__": "sale.sale", "number": number, "state": state,
        "total_amount": self::number(total), "lines": [501, 502],
    })
}

/// Sale 12 with its lines and addresses.
pub fn full(state: &str, quantity: f64) -> Value {
    let line = |id: i64, product: i64, quantity: f64, price: &str, taxes: Value| {
        json!({
            "id": id, "__name__": "sale.line", "product": product, "unit": 1, "quantity": quantity,
            "unit_price": number(price), "taxes": taxes, "description": null,
        })
    };
    let mut sale = answer(state, "27.00");
    sale["party"] = json!(3);
    sale["invoice_address"] = json!(33);
    sale["shipment_address"] = json!(33);
    sale["lines"] =
        json!([line(501, 81, quantity, "10.0000", json!([71])), line(502, 82, 1.0, "5.0000", json!([])),]);
    sale
}

/// [`full`] is asked for.
pub fn read_full() -> Exchange {
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

/// The sale of order 1001 is looked up.
pub fn lookup() -> Exchange {
    let web_id = "shopify/acme.myshopify.com/order/1001";
    search("sale.sale", json!([["web_shop", "=", 4], ["web_id", "=", web_id]]), &FIELDS)
}

pub fn create() -> Exchange {
    testing::post(&path("sale.sale", &FIELDS))
}

pub fn press(button: &str) -> Exchange {
    testing::post(&path(&format!("sale.sale/12/{button}"), &FIELDS))
}

pub fn refusal(message: &str) -> Value {
    json!({ "status": 400, "message": message, "description": "" })
}

pub fn taken() -> Value {
    refusal("The web ID on the sale must be unique per shop.")
}

pub fn rejected(outcome: Outcome) -> Problem {
    let Outcome::Rejected(problem) = outcome else { panic!("not rejected: {outcome:?}") };
    problem
}

pub fn partial(resume: &str, number: Option<&str>) -> Outcome {
    Outcome::Partial(Progress { resume: resume.into(), references: vec![sale(number)] })
}

/// What was missed in the tables: table and value.
pub fn unmapped(outcome: Outcome) -> Vec<(String, String)> {
    let Outcome::Unmapped(missing) = outcome else { panic!("nothing is missed: {outcome:?}") };
    missing.into_iter().map(|one| (one.table, one.value)).collect()
}

/// The store that Shopify calls 655, with this warehouse in the registry.
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
