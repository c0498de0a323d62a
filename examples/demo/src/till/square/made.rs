//! A sale as Square stores it: an order, a payment, articles.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::landscape::stores::Store;
use crate::shop::catalogue::PRODUCTS;
use crate::till::sale::{Sale, Tender};

pub(super) fn money(cents: i64) -> Value {
    json!({ "amount": cents, "currency": "USD" })
}

pub(super) fn order(store: &Store, sale: &Sale, created: Timestamp, payment_id: &str) -> Value {
    let lines: Vec<Value> = sale
        .lines
        .iter()
        .map(|line| {
            json!({
                "uid": sale.line_id(line.number), "name": line.title, "quantity": line.pieces.to_string(),
                "item_type": "ITEM", "catalog_object_id": format!("VAR-{}", line.sku),
                "base_price_money": money(line.cents), "gross_sales_money": money(line.net()),
                "applied_taxes": [{ "uid": format!("at-{}", line.number), "tax_uid": "tax", "applied_money": money(line.tax()) }],
                "total_tax_money": money(line.tax()), "total_discount_money": money(0),
                "total_money": money(line.net() + line.tax()),
            })
        })
        .collect();
    let total = sale.total();
    let mut tender = json!({
        "id": payment_id, "payment_id": payment_id, "location_id": store.code, "created_at": created.to_string(),
        "amount_money": money(total),
        "type": match sale.tender {
            Tender::Card => "CARD",
            Tender::Cash => "CASH",
            Tender::GiftCard => "SQUARE_GIFT_CARD",
        },
    });
    let more = match sale.tender {
        Tender::Card => Some(("card_details", json!({ "status": "CAPTURED" }))),
        Tender::Cash => {
            let given = (total / 1000 + 1) * 1000;
            let cash =
                json!({ "buyer_tendered_money": money(given), "change_back_money": money(given - total) });
            Some(("cash_details", cash))
        }
        Tender::GiftCard => None,
    };
    if let (Some((name, value)), Some(tender)) = (more, tender.as_object_mut()) {
        tender.insert(name.to_owned(), value);
    }
    json!({
        "id": sale.order_id(), "location_id": store.code, "reference_id": sale.key(), "state": "OPEN", "version": 1,
        "source": { "name": "Square Point of Sale" }, "created_at": created.to_string(), "updated_at": created.to_string(),
        "line_items": lines,
        "taxes": [{ "uid": "tax", "name": "Sales tax", "type": "ADDITIVE", "percentage": "8.5", "scope": "LINE_ITEM" }],
        "total_money": money(total), "total_tax_money": money(sale.tax()), "total_discount_money": money(0),
        "total_tip_money": money(0), "net_amount_due_money": money(total), "@tenders": [tender],
    })
}

pub(super) fn payment(
    store: &Store,
    sale: &Sale,
    created: Timestamp,
    order: &str,
    id: &str,
    late: bool,
) -> Value {
    let mut payment = json!({
        "id": id, "order_id": order, "location_id": store.code, "status": "COMPLETED", "version": 2,
        "source_type": if sale.tender == Tender::Card { "CARD" } else { "CASH" }, "amount_money": money(sale.total()),
        "total_money": money(sale.total()), "created_at": created.to_string(), "updated_at": created.to_string(),
        "application_details": { "square_product": "SQUARE_POS" }, "device_details": { "device_id": "1" },
        "is_offline_payment": late,
    });
    if let Some(payment) = payment.as_object_mut().filter(|_| late) {
        let details = json!({ "client_created_at": sale.clock.to_string() });
        payment.insert("offline_payment_details".to_owned(), details);
    }
    payment
}

pub(super) fn articles(body: &[u8]) -> Value {
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    let ids = asked.get("object_ids").and_then(Value::as_array).cloned().unwrap_or_default();
    let found: Vec<Value> = ids
        .iter()
        .filter_map(|id| {
            let sku = id.as_str()?.strip_prefix("VAR-")?;
            PRODUCTS.iter().find(|product| product.sku == sku)?;
            Some(json!({ "type": "ITEM_VARIATION", "id": id, "item_variation_data": { "sku": sku } }))
        })
        .collect();
    json!({ "objects": found })
}
