//! What tills write, and what becomes of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod days;
mod dialects;
mod files;
mod returns;
mod sales;
mod voids;

use crossdock_sdk::prelude::*;
use crossdock_sdk::stores::Store;
use crossdock_sdk::testing;

use crate::Poslog;

/// A host that knows store 9 in New York and has no other zone.
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
        Err(other) => panic!("a file is read or refused, and not {other:?}"),
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

/// A transaction of till 34 in store 9 on 30 September, just after midnight of the next day.
fn transaction(sequence: u32, content: &str) -> String {
    format!(
        "<Transaction><RetailStoreID>9</RetailStoreID><WorkstationID>34</WorkstationID>\
         <SequenceNumber>{sequence}</SequenceNumber><BusinessDayDate>2017-09-30</BusinessDayDate>\
         <EndDateTime>2017-10-01T02:02:54</EndDateTime><OperatorID OperatorName=\"FL\">94</OperatorID>\
         <CurrencyCode>USD</CurrencyCode>{content}</Transaction>"
    )
}

/// A retail transaction of these line items, and its printed total.
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

/// A line of goods sold: article, price of one, quantity, and the amount the till made of them.
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

/// The order that an event is about, after its sums were checked as the host checks them.
fn order(event: &Event) -> &Order {
    let order = event.fact.order().unwrap_or_else(|| panic!("{} is no order", event.fact.kind()));
    let mut sum = Decimal::ZERO;
    for line in &order.lines {
        sum += number(&line.unit_price.shop.amount) * number(&line.quantity);
        sum -= money::booked(line.discounts.iter().map(|discount| &discount.amount)).unwrap();
    }
    let tax = money::booked([&order.totals.tax]).unwrap();
    let taxes =
        money::booked(order.lines.iter().flat_map(|line| &line.taxes).map(|tax| &tax.amount)).unwrap();
    assert_eq!(taxes, tax, "the lines' taxes of {}", event.entity);
    if !order.prices_include_tax {
        sum += tax;
    }
    assert_eq!(sum, money::booked([&order.totals.total]).unwrap(), "the total of {}", event.entity);
    let discounts = order.lines.iter().flat_map(|line| &line.discounts);
    assert_eq!(
        money::booked(discounts.map(|d| &d.amount)).unwrap(),
        money::booked([&order.totals.discounts]).unwrap()
    );
    order
}

/// The refund that an event is about, after what it explains was compared with what was paid back.
fn refund(event: &Event) -> &Refund {
    let Fact::RefundIssued(refund) = &event.fact else { panic!("{} is no refund", event.fact.kind()) };
    let paid = money::booked(refund.payments.iter().map(|payment| &payment.amount)).unwrap();
    let net = money::booked(refund.lines.iter().map(|line| &line.subtotal)).unwrap()
        - money::booked(refund.adjustments.iter().map(|one| &one.amount)).unwrap();
    let tax = money::booked(refund.lines.iter().map(|line| &line.tax)).unwrap()
        - money::booked(refund.adjustments.iter().map(|one| &one.tax)).unwrap();
    assert!(paid == net || paid == net + tax, "{paid} paid back, {net} and {tax} of tax explained");
    refund
}
