//! POSLog as tills write it: one document a file, written under another name first and then renamed; or posted with a
//! signature.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, Mac};
use http_body_util::Full;
use hyper::Request;
use jiff::Timestamp;
use sha2::Sha256;

use super::counters::Counters;
use super::options::Options;
use super::sale::{PostVoid, Return, Sale, Tender, Transaction, amount, tax};
use crate::client::Client;
use crate::landscape::stores::{Store, Style};

/// The retailer's id.
pub const RETAILER: &str = "crossdock-retail";

/// Where POSLog goes.
#[derive(Clone)]
pub(super) struct Outlet {
    folder: Arc<Path>,
    url: Arc<str>,
    secret: Arc<str>,
    client: Client,
    counters: Arc<Counters>,
}

impl Outlet {
    pub(super) fn new(options: &Options, counters: Arc<Counters>) -> Self {
        Self {
            folder: options.folder.as_path().into(),
            url: options.poslog.as_str().into(),
            secret: options.poslog_secret.as_str().into(),
            client: Client::new(Duration::from_secs(1), Duration::from_secs(10)),
            counters,
        }
    }

    /// Writes or posts one document of these transactions.
    pub(super) async fn send(&self, store: &Store, transactions: &[Transaction]) {
        let body = document(transactions);
        if store.style == Style::Post {
            self.post(&body).await;
            return;
        }
        let name = name(transactions);
        loop {
            match put(&self.folder, &name, body.as_bytes()) {
                Ok(()) => {
                    self.counters.accepted();
                    return;
                }
                Err(_) => {
                    self.counters.retried();
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }

    async fn post(&self, body: &str) {
        let mut pause = Duration::from_millis(50);
        loop {
            let request = Request::post(&*self.url)
                .header("content-type", "application/xml")
                .header("x-poslog-signature", signature(self.secret.as_bytes(), body.as_bytes()))
                .body(Full::new(Bytes::from(body.to_owned())));
            // A URL that cannot be parsed is retried like every other fault; the harness notices that nothing
            // advances.
            if let Ok(request) = request
                && self.client.send(request).await.is_ok_and(|(status, _)| status.is_success())
            {
                self.counters.accepted();
                return;
            }
            self.counters.retried();
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// Waits until the host has moved the sale's file out of the folder.
    pub(super) async fn wait_until_read(&self, sale: &Sale) {
        let path = self.folder.join(name(&[Transaction::Sale(sale.clone())]));
        while path.exists() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// HMAC-SHA256 of the body, in hexadecimal digits.
pub fn signature(secret: &[u8], body: &[u8]) -> String {
    // HMAC takes keys of any length, so the error cannot happen; an empty signature would be refused anyway.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(body);
    let mut text = String::new();
    for byte in mac.finalize().into_bytes() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Puts a file: written under a name that ends in `.tmp`, then renamed. A name that is taken gets a number.
///
/// # Errors
/// When the folder cannot be written to.
pub fn put(folder: &Path, name: &str, content: &[u8]) -> std::io::Result<()> {
    let mut path: PathBuf = folder.join(name);
    for number in 2..1000 {
        if !path.exists() {
            break;
        }
        path = folder.join(name.replacen('.', &format!("-{number}."), 1));
    }
    let writing = path.with_extension("tmp");
    std::fs::write(&writing, content)?;
    std::fs::rename(&writing, &path)
}

/// The file's name, by the first transaction of the document.
fn name(transactions: &[Transaction]) -> String {
    match transactions.first() {
        Some(Transaction::Sale(sale)) => format!("{}-1-{:05}.xml", sale.store.id, sale.sequence),
        Some(Transaction::Return(sale, back)) => format!("{}-1-{:05}.xml", sale.store.id, back.sequence),
        Some(Transaction::Void(sale, voided)) => format!("{}-2-{:05}.xml", sale.store.id, voided.sequence),
        None => "empty.xml".to_owned(),
    }
}

/// The document of these transactions.
pub(super) fn document(transactions: &[Transaction]) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<POSLog xmlns=\"http://www.nrf-arts.org/IXRetail/namespace/\">\n",
    );
    for one in transactions {
        match one {
            Transaction::Sale(sale) => sold(&mut text, sale),
            Transaction::Return(sale, back) => returned(&mut text, sale, back),
            Transaction::Void(sale, voided) => void(&mut text, sale, voided),
        }
    }
    text.push_str("</POSLog>\n");
    text
}

fn head(text: &mut String, sale: &Sale, register: u32, sequence: u32, clock: Timestamp) {
    let _ = write!(
        text,
        "<Transaction><RetailStoreID>{}</RetailStoreID><WorkstationID>{register}</WorkstationID>\
         <SequenceNumber>{sequence}</SequenceNumber><BusinessDayDate>{}</BusinessDayDate>\
         <EndDateTime>{}</EndDateTime><OperatorID>7</OperatorID><CurrencyCode>USD</CurrencyCode><RetailTransaction>",
        sale.store.code,
        sale.date,
        clock.strftime("%Y-%m-%dT%H:%M:%S%.3f"),
    );
}

fn foot(text: &mut String, total: i64) {
    let total = amount(total);
    let _ = writeln!(
        text,
        "<Total TotalType=\"TransactionGrandAmount\">{total}</Total></RetailTransaction></Transaction>"
    );
}

struct Goods<'a> {
    number: usize,
    sku: &'a str,
    title: &'a str,
    cents: i64,
    pieces: u32,
}

/// A line of goods; `more` goes into it.
fn goods(text: &mut String, element: &str, of: &Goods<'_>, more: &str) {
    let net = of.cents * i64::from(of.pieces);
    let _ = write!(
        text,
        "<LineItem><SequenceNumber>{}</SequenceNumber><{element} ItemType=\"Stock\"><ItemID>{}</ItemID>\
         <Description>{}</Description><RegularSalesUnitPrice>{}</RegularSalesUnitPrice>\
         <ExtendedAmount>{}</ExtendedAmount><Quantity>{}</Quantity><Tax><TaxAuthority>US-NY</TaxAuthority>\
         <TaxableAmount TaxIncludedInTaxableAmountFlag=\"false\">{}</TaxableAmount><Amount>{}</Amount>\
         <Percent>8.5</Percent></Tax>{more}</{element}></LineItem>",
        of.number,
        of.sku,
        escaped(of.title),
        amount(of.cents),
        amount(net),
        of.pieces,
        amount(net),
        amount(tax(net)),
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn sale_lines(text: &mut String, sale: &Sale) {
    for line in &sale.lines {
        let of = Goods {
            number: line.number,
            sku: line.sku,
            title: line.title,
            cents: line.cents,
            pieces: line.pieces,
        };
        goods(text, "Sale", &of, "");
    }
}

fn sold(text: &mut String, sale: &Sale) {
    head(text, sale, 1, sale.sequence, sale.clock);
    sale_lines(text, sale);
    let number = sale.lines.len() + 1;
    let total = sale.total();
    let (kind, given) = match sale.tender {
        Tender::Card => ("CreditDebit", total),
        Tender::GiftCard => ("GiftCard", total),
        // Paid in whole tens, with change.
        Tender::Cash => ("Cash", (total / 1000 + 1) * 1000),
    };
    let _ = write!(
        text,
        "<LineItem><SequenceNumber>{number}</SequenceNumber><Tender TenderType=\"{kind}\" TypeCode=\"Sale\"><Amount>{}</Amount>",
        amount(given)
    );
    if given > total {
        let _ = write!(text, "<TenderChange><Amount>{}</Amount></TenderChange>", amount(given - total));
    }
    text.push_str("</Tender></LineItem>");
    foot(text, total);
}

fn returned(text: &mut String, sale: &Sale, back: &Return) {
    let (net, tax) = back.worth(sale);
    head(text, sale, 1, back.sequence, back.clock);
    if let Some(line) = sale.lines.iter().find(|line| line.number == back.line) {
        let of =
            Goods { number: 1, sku: line.sku, title: line.title, cents: line.cents, pieces: back.pieces };
        let link = format!(
            "<TransactionLink ReasonCode=\"Return\"><RetailStoreID>{}</RetailStoreID><WorkstationID>1</WorkstationID>\
             <BusinessDayDate>{}</BusinessDayDate><SequenceNumber>{}</SequenceNumber>\
             <LineItemSequenceNumber>{}</LineItemSequenceNumber></TransactionLink><Disposal Method=\"ReturnToStock\"/>",
            sale.store.code, sale.date, sale.sequence, line.number
        );
        goods(text, "Return", &of, &link);
    }
    let _ = write!(
        text,
        "<LineItem><SequenceNumber>2</SequenceNumber><Tender TenderType=\"Cash\" TypeCode=\"Refund\"><Amount>{}</Amount></Tender></LineItem>",
        amount(net + tax)
    );
    foot(text, -(net + tax));
}

/// At the store's second till, whose clock is right; the lines are repeated.
fn void(text: &mut String, sale: &Sale, voided: &PostVoid) {
    head(text, sale, 2, voided.sequence, voided.clock);
    let _ = write!(
        text,
        "<TransactionLink ReasonCode=\"PostVoid\"><RetailStoreID>{}</RetailStoreID><WorkstationID>1</WorkstationID>\
         <BusinessDayDate>{}</BusinessDayDate><SequenceNumber>{}</SequenceNumber></TransactionLink>",
        sale.store.code, sale.date, sale.sequence
    );
    sale_lines(text, sale);
    foot(text, sale.total());
}
