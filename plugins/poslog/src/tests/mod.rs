//! POSLog files, and the resulting events.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod day_ends;
mod files;
mod interpretations;
mod returns;
mod sales;
mod voids;

use crossdock_sdk::prelude::*;
use crossdock_sdk::stores::Store;
use crossdock_sdk::testing;

use crate::Poslog;

/// A host with store 9 in New York, and no zone for other stores.
fn host() -> testing::Host {
    let store = Store {
        id: "9".into(),
        name: "Nine".into(),
        zone: "America/New_York".into(),
        country: Some("US".into()),
        region: None,
        legal_entity: None,
        warehouse: None,
        currency: Some("USD".into()),
    };
    testing::Host::new().setting("retailer", "acme").store(store, &[])
}

fn read_with(host: testing::Host, xml: impl Into<Vec<u8>>) -> Result<Vec<Event>, Problem> {
    let _host = host.install();
    match Poslog::receive(testing::file("day.xml", xml.into())) {
        Ok(events) => Ok(events),
        Err(Failure::Rejected(problem)) => Err(problem),
        Err(other) => panic!("neither read nor rejected: {other:?}"),
    }
}

fn read(xml: impl Into<Vec<u8>>) -> Result<Vec<Event>, Problem> {
    read_with(host(), xml)
}

/// A file of these transactions.
fn poslog(transactions: &[String]) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/" xmlns:v="urn:vendor">{}</POSLog>"#,
        transactions.concat()
    )
}

/// A transaction of till 34 in store 9 for the business day 30 September, made after midnight.
fn transaction(sequence: u32, content: &str) -> String {
    format!(
        "<Transaction><RetailStoreID>9</RetailStoreID><WorkstationID>34</WorkstationID>\
         <SequenceNumber>{sequence}</SequenceNumber><BusinessDayDate>2017-09-30</BusinessDayDate>\
         <EndDateTime>2017-10-01T02:02:54</EndDateTime><OperatorID OperatorName=\"FL\">94</OperatorID>\
         <CurrencyCode>USD</CurrencyCode>{content}</Transaction>"
    )
}

/// A retail transaction with these line items and this printed total.
fn retail(sequence: u32, lines: &[String], total: &str) -> String {
    let lines: String = lines
        .iter()
        .enumerate()
        .map(|(at, line)| {
            line.replacen("<LineItem", &format!("<LineItem n=\"{at}\""), 1).replacen(
                '>',
                &format!("><SequenceNumber>{}</SequenceNumber>", at + 1),
                1,
            )
        })
        .collect();
    transaction(
        sequence,
        &format!(
            "<RetailTransaction>{lines}<Total TotalType=\"TransactionGrandAmount\">{total}</Total></RetailTransaction>"
        ),
    )
}

/// A line of goods sold: article, unit price, quantity, and extended amount.
fn sale(sku: &str, price: &str, quantity: &str, amount: &str) -> String {
    goods("Sale", sku, price, quantity, amount, "")
}

fn goods(element: &str, sku: &str, price: &str, quantity: &str, amount: &str, more: &str) -> String {
    format!(
        "<LineItem><{element} ItemType=\"Stock\"><ItemID>{sku}</ItemID><Description>Thing {sku}</Description>\
         <RegularSalesUnitPrice>{price}</RegularSalesUnitPrice><ExtendedAmount>{amount}</ExtendedAmount>\
         <Quantity>{quantity}</Quantity>{more}</{element}></LineItem>"
    )
}

fn tender(kind: &str, amount: &str) -> String {
    format!(
        "<LineItem><Tender TenderType=\"{kind}\" TypeCode=\"Sale\"><Amount>{amount}</Amount></Tender></LineItem>"
    )
}

fn number(text: &str) -> Decimal {
    money::decimal(text).unwrap()
}

/// The order of an event, after checking its totals as the host does.
fn checked_order(event: &Event) -> &Order {
    let order = event.fact.order().unwrap_or_else(|| panic!("{} has no order", event.fact.kind()));
    let mut sum = Decimal::ZERO;
    for line in &order.lines {
        sum += number(&line.unit_price.shop.amount) * number(&line.quantity);
        sum -= money::shop_total(line.discounts.iter().map(|discount| &discount.amount)).unwrap();
    }
    let tax = money::shop_total([&order.totals.tax]).unwrap();
    let taxes =
        money::shop_total(order.lines.iter().flat_map(|line| &line.taxes).map(|tax| &tax.amount)).unwrap();
    assert_eq!(taxes, tax, "the lines' taxes of {}", event.entity);
    if !order.prices_include_tax {
        sum += tax;
    }
    assert_eq!(sum, money::shop_total([&order.totals.total]).unwrap(), "the total of {}", event.entity);
    let discounts = order.lines.iter().flat_map(|line| &line.discounts);
    assert_eq!(
        money::shop_total(discounts.map(|d| &d.amount)).unwrap(),
        money::shop_total([&order.totals.discounts]).unwrap()
    );
    order
}

/// The refund of an event, after comparing its lines and adjustments with its payments.
fn checked_refund(event: &Event) -> &Refund {
    let Fact::RefundIssued(refund) = &event.fact else { panic!("{} is not a refund", event.fact.kind()) };
    let paid = money::shop_total(refund.payments.iter().map(|payment| &payment.amount)).unwrap();
    let net = money::shop_total(refund.lines.iter().map(|line| &line.subtotal)).unwrap()
        - money::shop_total(refund.adjustments.iter().map(|one| &one.amount)).unwrap();
    let tax = money::shop_total(refund.lines.iter().map(|line| &line.tax)).unwrap()
        - money::shop_total(refund.adjustments.iter().map(|one| &one.tax)).unwrap();
    assert!(
        paid == net || paid == net + tax,
        "payments are {paid}, lines and adjustments {net} and {tax} tax"
    );
    refund
}
