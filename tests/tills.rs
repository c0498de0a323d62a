//! A store that was offline uploads its sales late, doubled and out of order: a real Tryton ends with the right
//! stock, the sales keep their business date, and a sale that arrives after the day was closed is an exception for a
//! person. Returned goods are in the stock of the store that took them back, whichever store sold them, with or
//! without a receipt.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use crossdock_tests::tryton::Tryton;
use crossdock_tests::{Host, eventually};
use serde_json::{Value, json};

const DAY: &str = "2026-11-20";

/// A transaction of a store: its number, its line, and what was paid (below zero: given back). Ten percent tax on top.
fn transaction(store: u32, sequence: u32, lines: &str, paid: i64) -> String {
    let tender = if paid < 0 { "Refund" } else { "Sale" };
    let amount = format!("{}.{:02}", paid.abs() / 100, paid.abs() % 100);
    format!(
        r#"<Transaction><RetailStoreID>{store}</RetailStoreID><WorkstationID>34</WorkstationID>
        <SequenceNumber>{sequence}</SequenceNumber><BusinessDayDate>{DAY}</BusinessDayDate>
        <EndDateTime>{DAY}T18:00:{:02}</EndDateTime><CurrencyCode>USD</CurrencyCode><RetailTransaction>{lines}
        <LineItem><SequenceNumber>9</SequenceNumber><Tender TenderType="Cash" TypeCode="{tender}">
        <Amount>{amount}</Amount></Tender></LineItem>
        <Total TotalType="TransactionGrandAmount">{}{amount}</Total></RetailTransaction></Transaction>"#,
        sequence % 60,
        if paid < 0 { "-" } else { "" },
    )
}

fn line(kind: &str, pieces: i64, link: &str) -> String {
    let (net, tax) = (1000 * pieces, 100 * pieces);
    let money = |cents: i64| format!("{}.{:02}", cents / 100, cents % 100);
    format!(
        r#"<LineItem><SequenceNumber>1</SequenceNumber><{kind} ItemType="Stock"><ItemID>SKU-1</ItemID>
        <Description>Product 1</Description><RegularSalesUnitPrice>10.00</RegularSalesUnitPrice>
        <ExtendedAmount>{}</ExtendedAmount><Quantity>{pieces}</Quantity>
        <Tax TaxType="VAT"><Amount>{}</Amount><Percent>10</Percent></Tax>{link}</{kind}></LineItem>"#,
        money(net),
        money(tax),
    )
}

fn sale(sequence: u32, pieces: i64) -> String {
    transaction(9, sequence, &line("Sale", pieces, ""), 1100 * pieces)
}

/// Pieces returned at a store, of a sale of store 9 or of an unknown sale.
fn returned(store: u32, sequence: u32, of: Option<u32>, pieces: i64) -> String {
    let link = of.map_or_else(String::new, |of| {
        format!(
            r#"<TransactionLink ReasonCode="Return"><RetailStoreID>9</RetailStoreID><WorkstationID>34</WorkstationID>
            <BusinessDayDate>{DAY}</BusinessDayDate><SequenceNumber>{of}</SequenceNumber>
            <LineItemSequenceNumber>1</LineItemSequenceNumber></TransactionLink>"#
        )
    });
    let link = format!(r#"{link}<Disposal Method="ReturnToStock"/>"#);
    transaction(store, sequence, &line("Return", pieces, &link), -1100 * pieces)
}

fn closed(sequence: u32) -> String {
    format!(
        r#"<Transaction><RetailStoreID>9</RetailStoreID><WorkstationID>34</WorkstationID>
        <SequenceNumber>{sequence}</SequenceNumber><BusinessDayDate>{DAY}</BusinessDayDate>
        <EndDateTime>{DAY}T20:00:00</EndDateTime><ControlTransaction><BusinessEOD></BusinessEOD></ControlTransaction>
        </Transaction>"#
    )
}

/// Writes a file as a till does: atomically, by renaming it.
fn upload(host: &Host, name: &str, transactions: &[String]) -> Result<()> {
    let folder = host.dir().join("tills/in");
    std::fs::create_dir_all(&folder)?;
    let mut text = String::from("<POSLog xmlns=\"http://www.nrf-arts.org/IXRetail/namespace/\">");
    for transaction in transactions {
        write!(text, "{transaction}")?;
    }
    text.push_str("</POSLog>");
    std::fs::write(folder.join(format!("{name}.tmp")), text)?;
    std::fs::rename(folder.join(format!("{name}.tmp")), folder.join(name))?;
    Ok(())
}

/// The stock of SKU-1 in a seeded warehouse.
async fn stock(tryton: &Tryton, warehouse: &str) -> Result<i64> {
    let context = json!({ "locations": [tryton.seed[warehouse]], "with_childs": true });
    let found =
        tryton.ask("product.product", &json!([["code", "=", "SKU-1"]]), &["quantity"], &context).await?;
    Ok(found[0]["quantity"].as_f64().context("a quantity")? as i64)
}

async fn reaches(tryton: &Tryton, host: &Host, warehouse: &str, wanted: i64) -> Result<()> {
    let reached = eventually(Duration::from_secs(120), async || {
        let held = stock(tryton, warehouse).await?;
        ensure!(held == wanted, "Tryton holds {held} of SKU-1 in its {warehouse}, not {wanted}");
        Ok(())
    });
    if let Err(error) = reached.await {
        let (_, exceptions) = host.get("/api/v1/exceptions").await?;
        return Err(error.context(format!("{exceptions}\n{}", host.log())));
    }
    Ok(())
}

/// The level of a warehouse that was last reported to the host.
async fn reported_level(host: &Host, warehouse: &Value) -> Result<Value> {
    let (_, listed) = host.get("/api/v1/events?kind=inventory.counted&limit=100").await?;
    for event in listed["events"].as_array().context("events")? {
        let (_, shown) = host.get(&format!("/api/v1/events/{}", event["id"])).await?;
        let level = &shown["event"]["fact"]["value"];
        if level["sku"] == "SKU-1" && level["location"].as_str() == Some(&warehouse.to_string()) {
            return Ok(level["onHand"].clone());
        }
    }
    anyhow::bail!("no level of SKU-1 was reported yet")
}

/// A host between the tills and Tryton.
async fn between(tryton: &Tryton) -> Result<Host> {
    let connectors = format!(
        r#"
[[connector]]
name = "tills"
plugin = "poslog"
class = "channel"
settings = {{ retailer = "acme", zone = "America/Los_Angeles", currency = "USD" }}
folder = {{ path = "tills", every = "200ms", settle = "200ms" }}
{}
[[route]]
name = "sales"
when = 'event.kind.startsWith("order.") || event.kind.startsWith("refund.") || event.kind == "inventory.adjusted"'
to = ["tryton"]
"#,
        tryton.connector(r#"reports = ["sales", "stock"]"#)
    );
    tryton.host(&connectors).await
}

#[tokio::test]
async fn an_offline_store_uploads_late_doubled_and_out_of_order() -> Result<()> {
    let tryton = Tryton::start().await?;
    let host = between(&tryton).await?;
    let full = stock(&tryton, "warehouse").await?;

    // The return arrives before its sale, and the sale arrives three times, once together with others.
    upload(&host, "3.xml", &[returned(9, 103, Some(101), 1)])?;
    eventually(Duration::from_secs(20), async || {
        let (_, listed) = host.get("/api/v1/events?kind=refund.issued").await?;
        ensure!(listed["events"][0]["deliveries"][0]["state"] == "waiting", "{listed}");
        Ok(())
    })
    .await?;
    upload(&host, "1.xml", &[sale(101, 3)])?;
    upload(&host, "1-again.xml", &[sale(101, 3)])?;
    upload(&host, "2.xml", &[sale(102, 2), sale(101, 3)])?;
    reaches(&tryton, &host, "warehouse", full - 3 - 2 + 1).await?;

    // The day is closed; a sale of that day that arrives now is not booked silently.
    upload(&host, "4.xml", &[closed(104)])?;
    eventually(Duration::from_secs(20), async || {
        let (_, listed) = host.get("/api/v1/events?kind=day.closed").await?;
        ensure!(listed["events"][0]["id"].is_number(), "{listed}");
        Ok(())
    })
    .await?;
    upload(&host, "5.xml", &[sale(99, 4)])?;
    let exception = eventually(Duration::from_secs(20), async || {
        let (_, listed) = host.get("/api/v1/exceptions").await?;
        listed["exceptions"].get(0).cloned().context("no exception yet")
    })
    .await?;
    ensure!(exception["code"] == "day-closed", "{exception}");
    ensure!(stock(&tryton, "warehouse").await? == full - 4, "it was booked");
    host.cli(&["exceptions", "retry", &exception["delivery"].to_string()]).await?;
    reaches(&tryton, &host, "warehouse", full - 4 - 4).await?;

    // Every sale is booked once, on its business date, whenever it arrived.
    let domain = json!([["web_id", "like", "poslog/acme/order/%"]]);
    let sales = tryton.ask("sale.sale", &domain, &["web_id", "sale_date"], &json!({})).await?;
    ensure!(sales.len() == 3, "{sales:?}");
    for sale in &sales {
        let date = &sale["sale_date"];
        let date = format!("{}-{}-{}", date["year"], date["month"], date["day"]);
        ensure!(date == DAY, "{sale}");
    }
    // Tryton's stock is reported back as a level.
    eventually(Duration::from_secs(60), async || {
        let level = reported_level(&host, &tryton.seed["warehouse"]).await?;
        ensure!(level.as_str() == Some(&(full - 8).to_string()), "the reported level is {level}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_is_brought_back_is_in_the_stock_of_the_store_that_it_was_brought_to() -> Result<()> {
    let tryton = Tryton::start().await?;
    let host = between(&tryton).await?;
    let (sold, brought) = (stock(&tryton, "warehouse").await?, stock(&tryton, "store_warehouse").await?);
    upload(&host, "1.xml", &[sale(101, 3)])?;
    reaches(&tryton, &host, "warehouse", sold - 3).await?;

    // One piece of that sale is returned at store 12, and two of an unknown sale; both are reported twice. Store 12 has
    // no warehouse in the registry: that is an exception, and does not change the other store's stock.
    let day = [returned(12, 201, Some(101), 1), returned(12, 202, None, 2)];
    upload(&host, "2.xml", &day)?;
    upload(&host, "2-again.xml", &day)?;
    eventually(Duration::from_secs(30), async || {
        let (_, listed) = host.get("/api/v1/exceptions").await?;
        let waiting = listed["exceptions"].as_array().context("exceptions")?.iter();
        let waiting =
            waiting.filter(|one| one["code"] == "unmapped" && one.to_string().contains("warehouse: 12"));
        ensure!(waiting.count() == 2, "{listed}");
        Ok(())
    })
    .await?;
    ensure!(stock(&tryton, "warehouse").await? == sold - 3, "the goods are in the warehouse that sold them");

    // One repair releases both.
    let store = json!({
        "id": "12", "name": "Twelve", "zone": "America/Los_Angeles",
        "warehouse": tryton.seed["store_warehouse"].to_string(),
    });
    let (status, said) = host.post("/api/v1/stores", &json!({ "stores": [store] })).await?;
    ensure!(status.is_success(), "{status} {said}");
    reaches(&tryton, &host, "store_warehouse", brought + 1 + 2).await?;
    ensure!(stock(&tryton, "warehouse").await? == sold - 3, "it came back twice");

    // Tryton has each return once, and reports the levels of both stores by the ids of their warehouses.
    let domain = json!([["reference", "like", "poslog/acme/stock/%"]]);
    let moved = tryton.ask("stock.shipment.internal", &domain, &["state"], &json!({})).await?;
    ensure!(moved.len() == 1 && moved[0]["state"] == "done", "{moved:?}");
    let domain = json!([["web_id", "like", "poslog/acme/refund/%"]]);
    let refunds = tryton.ask("sale.sale", &domain, &["origin", "warehouse"], &json!({})).await?;
    ensure!(refunds.len() == 1 && refunds[0]["warehouse"] == tryton.seed["store_warehouse"], "{refunds:?}");
    // The refund of the return without a sale is an exception for a person.
    let (_, listed) = host.get("/api/v1/exceptions").await?;
    ensure!(listed["total"] == 1 && listed["exceptions"][0]["code"] == "no-order", "{listed}");
    eventually(Duration::from_secs(60), async || {
        let level = reported_level(&host, &tryton.seed["store_warehouse"]).await?;
        ensure!(level.as_str() == Some(&(brought + 3).to_string()), "the reported level is {level}");
        Ok(())
    })
    .await
}
