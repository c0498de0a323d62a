#![recursion_limit = "256"]

//! The whole way into a real Tryton 8.2 and back: signed webhooks in, confirmed sales there, documents out.
//!
//! Tryton is installed and seeded by `tests/tryton/up.sh`, once; each case has a Tryton of its own, which
//! ends with the test however that ends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use crossdock_tests::tryton::Tryton;
use crossdock_tests::{Host, SHOP, eventually};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// A host between the shop and Tryton.
async fn host(tryton: &Tryton) -> Result<Host> {
    let connectors = format!(
        r#"
[[connector]]
name = "shopify"
plugin = "shopify"
settings = {{ shop = "{SHOP}" }}
secrets = {{ webhook = "env:TEST_WEBHOOK_SECRET", token = "env:TEST_WEBHOOK_SECRET" }}
{}
[[route]]
name = "orders"
when = 'event.system == "shopify"'
to = ["tryton"]
"#,
        tryton.connector("")
    );
    tryton.host(&connectors).await
}

/// The sales of an order, with state and total.
async fn sales(tryton: &Tryton, reference: &str) -> Result<Vec<Value>> {
    let fields = ["state", "total_amount", "tax_amount", "lines.quantity"];
    tryton.ask("sale.sale", &json!([["web_id", "=", reference]]), &fields, &json!({})).await
}

fn amount(value: &Value) -> Option<Decimal> {
    Decimal::from_str(value["decimal"].as_str().or(value.as_str())?).ok()
}

/// An order that balances: quantities of two articles, tax added at 10 %, one shipping line.
struct Order {
    id: u64,
    quantity: u32,
    sku: &'static str,
    updated: u32,
    cancelled: bool,
}

impl Order {
    fn new(id: u64) -> Self {
        Self { id, quantity: 3, sku: "SKU-1", updated: 0, cancelled: false }
    }

    fn reference(&self) -> String {
        format!("shopify/{SHOP}/order/{}", self.id)
    }

    fn total(&self) -> Decimal {
        let lines = Decimal::new(1050, 2) * Decimal::from(self.quantity) + Decimal::new(2000, 2);
        let shipping = Decimal::new(500, 2);
        (lines + shipping) + self.tax()
    }

    fn tax(&self) -> Decimal {
        (self.line_tax() + Decimal::new(200, 2) + Decimal::new(50, 2)).round_dp(2)
    }

    fn line_tax(&self) -> Decimal {
        (Decimal::new(1050, 2) * Decimal::from(self.quantity) / Decimal::TEN).round_dp(2)
    }

    fn body(&self) -> Vec<u8> {
        let money = |amount: Decimal| {
            let money = json!({ "amount": format!("{amount:.2}"), "currency_code": "USD" });
            json!({ "shop_money": money, "presentment_money": money })
        };
        let tax = |amount: Decimal| json!([{ "title": "VAT", "rate": 0.1, "price": format!("{amount:.2}"), "price_set": money(amount), "channel_liable": false }]);
        let line = |id: u64, sku: &str, quantity: u32, price: Decimal, tax_amount: Decimal| {
            json!({
                "id": id, "sku": sku, "title": sku, "name": sku, "quantity": quantity, "current_quantity": quantity,
                "price": format!("{price:.2}"), "price_set": money(price), "total_discount": "0.00",
                "discount_allocations": [], "tax_lines": tax(tax_amount), "taxable": true, "requires_shipping": true,
                "gift_card": false, "product_id": 1, "variant_id": 1, "grams": 100, "properties": [], "duties": [],
            })
        };
        let lines_sum = Decimal::new(1050, 2) * Decimal::from(self.quantity) + Decimal::new(2000, 2);
        let shipping = Decimal::new(500, 2);
        let address = json!({
            "first_name": "Ada", "last_name": "Lovelace", "name": "Ada Lovelace", "address1": "12 Example Row",
            "address2": null, "city": "Oakland", "province": "California", "province_code": "CA", "zip": "94601",
            "country": "United States", "country_code": "US", "phone": null, "company": null,
        });
        let at = |second: u32| format!("2026-11-20T10:00:{second:02}-05:00");
        let order = json!({
            "id": self.id, "name": format!("#{}", self.id), "order_number": self.id, "test": false,
            "created_at": at(0), "processed_at": at(0), "updated_at": at(self.updated),
            "cancelled_at": self.cancelled.then(|| at(self.updated)), "cancel_reason": self.cancelled.then_some("customer"),
            "currency": "USD", "presentment_currency": "USD", "taxes_included": false, "source_name": "web",
            "financial_status": "paid", "fulfillment_status": null, "email": "ada@example.com",
            "customer": { "id": 77, "email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace" },
            "billing_address": address, "shipping_address": address, "tags": "", "note": null, "note_attributes": [],
            "line_items": [
                line(self.id * 10 + 1, self.sku, self.quantity, Decimal::new(1050, 2), self.line_tax()),
                line(self.id * 10 + 2, "SKU-2", 1, Decimal::new(2000, 2), Decimal::new(200, 2)),
            ],
            "shipping_lines": [{
                "id": self.id * 10 + 3, "title": "Standard", "code": "STD", "price": "5.00", "price_set": money(shipping),
                "discounted_price": "5.00", "discounted_price_set": money(shipping), "discount_allocations": [],
                "tax_lines": tax(Decimal::new(50, 2)),
            }],
            "discount_codes": [], "discount_applications": [], "payment_gateway_names": ["shopify_payments"],
            "total_line_items_price": format!("{lines_sum:.2}"), "total_line_items_price_set": money(lines_sum),
            "total_discounts": "0.00", "total_discounts_set": money(Decimal::ZERO),
            "total_shipping_price_set": money(shipping), "subtotal_price": format!("{lines_sum:.2}"),
            "subtotal_price_set": money(lines_sum), "total_tax": format!("{:.2}", self.tax()),
            "total_tax_set": money(self.tax()), "tax_lines": tax(self.tax()), "total_tip_received": "0.00",
            "total_price": format!("{:.2}", self.total()), "total_price_set": money(self.total()),
            "total_outstanding": "0.00", "refunds": [], "fulfillments": [],
        });
        serde_json::to_vec(&order).unwrap_or_default()
    }
}

async fn send(host: &Host, topic: &str, order: &Order) -> Result<()> {
    let id = format!("{topic}-{}-{}", order.id, order.updated);
    eventually(Duration::from_secs(30), async || {
        let (status, answer) = host.webhook(topic, &id, &order.body()).await?;
        ensure!(status.is_success(), "{status} {answer}");
        Ok(())
    })
    .await
}

/// Waits until exactly one sale of the order is at work, with the order's total.
async fn booked(tryton: &Tryton, host: &Host, order: &Order) -> Result<()> {
    eventually(Duration::from_secs(180), async || {
        let sales = sales(tryton, &order.reference()).await?;
        let (_, exceptions) = host.get("/api/v1/exceptions").await?;
        ensure!(sales.len() == 1, "{} sales of {}; {exceptions}", sales.len(), order.reference());
        let sale = sales.first().context("a sale")?;
        let state = sale["state"].as_str().unwrap_or_default();
        ensure!(["confirmed", "processing", "done"].contains(&state), "{sale}; {exceptions}");
        ensure!(amount(&sale["total_amount"]) == Some(order.total()), "{sale}, not {}", order.total());
        ensure!(amount(&sale["tax_amount"]) == Some(order.tax()), "{sale}, not {}", order.tax());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn orders_become_confirmed_sales_once_though_the_host_is_killed() -> Result<()> {
    let tryton = Tryton::start().await?;
    let mut host = host(&tryton).await?;
    let orders: Vec<Order> =
        (1..=8).map(|n| Order { quantity: n as u32, ..Order::new(9_100_000_000_000_000 + n) }).collect();
    for order in &orders {
        send(&host, "orders/create", order).await?;
        send(&host, "orders/paid", order).await?;
    }
    host.kill().await?;
    host.start().await?;
    for order in &orders {
        send(&host, "orders/create", order).await?;
    }
    for order in &orders {
        booked(&tryton, &host, order).await?;
    }
    println!("{} orders, each one sale of the right amount", orders.len());
    Ok(())
}

#[tokio::test]
async fn the_status_of_a_sale_comes_back_as_events_of_its_order() -> Result<()> {
    let tryton = Tryton::start().await?;
    let host = host(&tryton).await?;
    let order = Order::new(9_200_000_000_000_001);
    send(&host, "orders/create", &order).await?;
    booked(&tryton, &host, &order).await?;
    let id = order.id.to_string();
    eventually(Duration::from_secs(180), async || {
        let (_, events) = host.get("/api/v1/events?kind=document.updated&limit=100").await?;
        for event in events["events"].as_array().context("events")? {
            let (_, shown) = host.get(&format!("/api/v1/events/{}", event["id"])).await?;
            let document = &shown["event"]["fact"]["value"];
            if document["order"]["id"] == id.as_str() && document["kind"] == "sales-order" {
                return Ok(());
            }
        }
        anyhow::bail!("no document of the order yet: {events}")
    })
    .await
}

#[tokio::test]
async fn an_unknown_article_is_a_persons_decision_and_a_corrected_order_goes_on() -> Result<()> {
    let tryton = Tryton::start().await?;
    let host = host(&tryton).await?;
    let wrong = Order { sku: "SKU-NOBODY-KNOWS", ..Order::new(9_300_000_000_000_001) };
    send(&host, "orders/create", &wrong).await?;
    eventually(Duration::from_secs(180), async || {
        let (_, listed) = host.get("/api/v1/exceptions").await?;
        let exception = &listed["exceptions"][0];
        ensure!(exception["code"] == "unmapped", "{listed}");
        ensure!(exception.to_string().contains("sku: SKU-NOBODY-KNOWS"), "{listed}");
        Ok(())
    })
    .await?;
    let corrected = Order { updated: 5, ..Order::new(wrong.id) };
    send(&host, "orders/updated", &corrected).await?;
    booked(&tryton, &host, &corrected).await?;
    eventually(Duration::from_secs(60), async || {
        let (_, listed) = host.get("/api/v1/exceptions").await?;
        ensure!(listed["total"] == 0, "{listed}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn one_repair_releases_every_order_that_waits_for_an_article() -> Result<()> {
    let tryton = Tryton::start().await?;
    let host = host(&tryton).await?;
    let orders: Vec<Order> =
        (1..=3).map(|n| Order { sku: "SKU-OF-OLD", ..Order::new(9_500_000_000_000_000 + n) }).collect();
    for order in &orders {
        send(&host, "orders/create", order).await?;
    }
    eventually(Duration::from_secs(180), async || {
        let (_, listed) = host.get("/api/v1/exceptions").await?;
        ensure!(listed["total"] == 3, "{listed}");
        Ok(())
    })
    .await?;
    for order in &orders {
        ensure!(
            sales(&tryton, &order.reference()).await?.is_empty(),
            "something was made for an order that waits"
        );
    }
    host.cli(&["mapping", "set", "tryton", "sku", "SKU-OF-OLD", "SKU-3"]).await?;
    for order in &orders {
        booked(&tryton, &host, order).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_cancelled_order_ends_in_tryton_too() -> Result<()> {
    let tryton = Tryton::start().await?;
    let host = host(&tryton).await?;
    let order = Order::new(9_400_000_000_000_001);
    send(&host, "orders/create", &order).await?;
    booked(&tryton, &host, &order).await?;
    let cancelled = Order { updated: 9, cancelled: true, ..Order::new(order.id) };
    send(&host, "orders/cancelled", &cancelled).await?;
    eventually(Duration::from_secs(180), async || {
        let sales = sales(&tryton, &order.reference()).await?;
        let (_, exceptions) = host.get("/api/v1/exceptions").await?;
        let state = sales.first().and_then(|sale| sale["state"].as_str()).unwrap_or_default().to_owned();
        ensure!(
            sales.len() == 1 && ["cancelled", "done"].contains(&state.as_str()),
            "{sales:?} {exceptions}"
        );
        Ok(())
    })
    .await
}
