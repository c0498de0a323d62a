//! Invented orders that balance, each in a shape that real orders have and that is easily misread.

use serde_json::{Value, json};

/// An amount as Shopify reports it: in the shop's and in the customer's currency.
fn set(amount: &str) -> Value {
    seen(amount, amount, "USD")
}

fn seen(amount: &str, shown: &str, currency: &str) -> Value {
    json!({
        "shop_money": { "amount": amount, "currency_code": "USD" },
        "presentment_money": { "amount": shown, "currency_code": currency },
    })
}

fn merge(mut into: Value, more: Value) -> Value {
    if let (Value::Object(fields), Value::Object(more)) = (&mut into, more) {
        fields.extend(more);
    }
    into
}

fn line(id: u64, price: &str, quantity: u64, more: Value) -> Value {
    let line = json!({
        "id": id, "admin_graphql_api_id": format!("gid://shopify/LineItem/{id}"), "current_quantity": quantity,
        "fulfillable_quantity": quantity, "fulfillment_service": "manual", "fulfillment_status": null,
        "gift_card": false, "grams": 250, "name": "Stoneware mug - Slate", "price": price, "price_set": set(price),
        "product_exists": true, "product_id": 7_880_321_196_742_u64, "properties": [], "quantity": quantity,
        "requires_shipping": true, "sku": "MUG-STONE-01", "taxable": true, "title": "Stoneware mug",
        "total_discount": "0.00", "total_discount_set": set("0.00"), "variant_id": 4_486_012_331_000_u64,
        "variant_title": "Slate", "vendor": "Crossdock Goods", "tax_lines": [], "duties": [],
        "discount_allocations": [],
    });
    merge(line, more)
}

fn tax(title: &str, rate: f64, price: &str) -> Value {
    json!({ "title": title, "rate": rate, "price": price, "price_set": set(price), "channel_liable": false })
}

fn shipping(price: &str, more: Value) -> Value {
    let line = json!({
        "id": 271_878_346_596_884_015_u64, "title": "Standard", "code": "Standard", "price": price,
        "price_set": set(price), "discounted_price": price, "discounted_price_set": set(price), "tax_lines": [],
        "discount_allocations": [], "source": "shopify",
    });
    merge(line, more)
}

fn order(id: u64, lines: &[Value], total: &str, total_tax: &str, more: Value) -> Value {
    let order = json!({
        "id": id, "admin_graphql_api_id": format!("gid://shopify/Order/{id}"), "name": format!("#{}", id % 100_000),
        "number": id % 100_000, "order_number": id % 100_000, "app_id": 580_111, "cancelled_at": null,
        "created_at": "2026-07-15T10:00:00-04:00", "updated_at": "2026-07-15T10:00:01-04:00",
        "processed_at": "2026-07-15T10:00:00-04:00", "currency": "USD", "presentment_currency": "USD",
        "financial_status": "paid", "fulfillment_status": null, "source_name": "web", "tags": "", "test": false,
        "taxes_included": false, "duties_included": false, "email": "ada@example.com", "phone": null,
        "customer": { "id": 115_310_627_314_723_954_u64, "email": "ada@example.com", "first_name": "Ada",
            "last_name": "Example" },
        "shipping_address": { "first_name": "Ada", "last_name": "Example", "address1": "Elm St 1", "address2": null,
            "city": "Denver", "zip": "80202", "province_code": "CO", "country_code": "US", "phone": null },
    });
    let rest = json!({
        "billing_address": null, "discount_applications": [], "discount_codes": [], "line_items": lines,
        "shipping_lines": [], "refunds": [], "fulfillments": [], "payment_gateway_names": ["shopify_payments"],
        "note": null, "note_attributes": [], "location_id": null, "user_id": null, "device_id": null,
        "total_tip_received": "0.00", "total_outstanding": "0.00", "total_line_items_price": "0.00",
        "total_discounts": "0.00", "total_tax": total_tax, "total_tax_set": set(total_tax), "total_price": total,
        "total_price_set": set(total), "total_cash_rounding_payment_adjustment_set": set("0.00"),
        "original_total_duties_set": null,
    });
    merge(merge(order, rest), more)
}

/// The orders, each with what is special about it.
pub fn orders() -> Vec<(&'static str, Value)> {
    let percent = json!([{ "type": "discount_code", "code": "WELCOME", "title": "WELCOME", "value": "10.0",
        "value_type": "percentage", "allocation_method": "across", "target_selection": "all",
        "target_type": "line_item" }]);
    let off = |amount: &str| json!([{ "amount": amount, "amount_set": set(amount), "discount_application_index": 0 }]);
    vec![
        (
            "tax on top, of two kinds, and shipping with tax",
            order(
                5_001,
                &[line(
                    1,
                    "19.99",
                    3,
                    json!({ "tax_lines": [tax("State Tax", 0.04, "2.40"), tax("City Tax", 0.045, "2.70")] }),
                )],
                "71.49",
                "5.53",
                json!({ "shipping_lines": [shipping("5.99", json!({ "tax_lines": [tax("State Tax", 0.04, "0.43")] }))] }),
            ),
        ),
        (
            "tax within the prices",
            order(
                5_002,
                &[line(1, "119.00", 1, json!({ "tax_lines": [tax("VAT", 0.19, "19.00")] }))],
                "123.90",
                "19.78",
                json!({ "taxes_included": true,
                    "shipping_lines": [shipping("4.90", json!({ "tax_lines": [tax("VAT", 0.19, "0.78")] }))] }),
            ),
        ),
        (
            "another currency shown",
            order(
                5_003,
                &[line(1, "20.00", 2, json!({ "price_set": seen("20.00", "3012", "JPY") }))],
                "40.00",
                "0.00",
                json!({ "presentment_currency": "JPY", "total_price_set": seen("40.00", "6024", "JPY"),
                    "total_tax_set": seen("0.00", "0", "JPY") }),
            ),
        ),
        (
            "a tip",
            order(
                5_004,
                &[line(1, "14.50", 1, json!({}))],
                "17.40",
                "0.00",
                json!({ "total_tip_received": "2.90" }),
            ),
        ),
        (
            "duties on top",
            order(
                5_005,
                &[line(
                    1,
                    "80.00",
                    1,
                    json!({ "duties": [{ "id": "1", "harmonized_system_code": "691200",
                    "country_code_of_origin": "JP", "shop_money": { "amount": "6.40", "currency_code": "USD" },
                    "presentment_money": { "amount": "6.40", "currency_code": "USD" }, "tax_lines": [] }] }),
                )],
                "86.40",
                "0.00",
                json!({ "original_total_duties_set": set("6.40"), "current_total_duties_set": set("6.40") }),
            ),
        ),
        (
            "a gift card beside goods",
            order(
                5_006,
                &[
                    line(
                        1,
                        "50.00",
                        1,
                        json!({ "gift_card": true, "taxable": false, "requires_shipping": false,
                        "grams": 0, "sku": "GIFT-50", "title": "Gift card", "name": "Gift card" }),
                    ),
                    line(2, "14.50", 1, json!({ "tax_lines": [tax("State Tax", 0.04, "0.58")] })),
                ],
                "65.08",
                "0.58",
                json!({}),
            ),
        ),
        (
            "at a till: nobody's, nowhere, and a line that is no article",
            order(
                5_007,
                &[
                    line(1, "14.50", 2, json!({ "fulfillment_status": "fulfilled" })),
                    line(
                        2,
                        "3.00",
                        1,
                        json!({ "sku": null, "variant_id": null, "product_id": null,
                        "product_exists": false, "vendor": null, "variant_title": null, "title": "Engraving",
                        "name": "Engraving" }),
                    ),
                ],
                "32.00",
                "0.00",
                json!({ "customer": null, "email": "", "shipping_address": null, "source_name": "pos",
                    "location_id": 655_441_491, "user_id": 548_380_009, "device_id": 11,
                    "payment_gateway_names": ["cash"] }),
            ),
        ),
        (
            "discounts that only the allocations contain",
            order(
                5_008,
                &[
                    line(1, "19.99", 2, json!({ "discount_allocations": off("4.00") })),
                    line(2, "10.01", 1, json!({ "discount_allocations": off("1.00") })),
                ],
                "44.99",
                "0.00",
                json!({ "discount_applications": percent, "discount_codes": [{ "code": "WELCOME", "amount": "5.00",
                    "type": "percentage" }], "total_discounts": "5.00" }),
            ),
        ),
        (
            "ids above two to the fifty-third",
            order(
                9_007_199_254_740_995,
                &[line(9_007_199_254_740_997, "14.50", 1, json!({}))],
                "14.50",
                "0.00",
                json!({}),
            ),
        ),
        (
            "free of charge",
            order(
                5_010,
                &[line(1, "14.50", 1, json!({ "discount_allocations": off("14.50") }))],
                "0.00",
                "0.00",
                json!({ "discount_applications": percent, "total_discounts": "14.50" }),
            ),
        ),
    ]
}
