//! A sale at a till, its return or void, and how the books must show them: written once more and independently of any
//! plugin.
//!
//! Prices are without tax; the tax of a line is eight and a half percent, to the cent. All of a sale is paid at
//! once, by card, cash with change, or gift card.

use jiff::{Span, Timestamp};
use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::erp::document;
use crate::landscape::stores::{Store, Style};
use crate::shop::catalogue::{PRODUCTS, Product};

/// How a sale was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tender {
    /// A card.
    Card,
    /// Coins and notes, with change.
    Cash,
    /// The merchant's own gift card.
    GiftCard,
}

impl Tender {
    /// Its name in the vocabulary and in the table `tender`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Cash => "cash",
            Self::GiftCard => "gift-card",
        }
    }
}

/// One line of a sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number on the receipt, from 1.
    pub number: usize,
    /// The article.
    pub sku: &'static str,
    /// Its title on the receipt.
    pub title: &'static str,
    /// Pieces.
    pub pieces: u32,
    /// Price of one in cents.
    pub cents: i64,
}

impl Line {
    /// Without tax, in cents.
    pub fn net(&self) -> i64 {
        self.cents * i64::from(self.pieces)
    }

    /// In cents.
    pub fn tax(&self) -> i64 {
        tax(self.net())
    }
}

/// Eight and a half percent, to the cent.
pub fn tax(net: i64) -> i64 {
    let exact = Decimal::new(net, 2) * Decimal::new(85, 3);
    let cents =
        exact.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero) * Decimal::ONE_HUNDRED;
    i64::try_from(cents.trunc()).unwrap_or_default()
}

/// Cents as an amount.
pub fn amount(cents: i64) -> Decimal {
    Decimal::new(cents, 2)
}

/// A sale.
#[derive(Debug, Clone)]
pub struct Sale {
    /// Its place in the ledger.
    pub index: usize,
    /// Where.
    pub store: &'static Store,
    /// Its number at the till.
    pub sequence: u32,
    /// The day of the store's books.
    pub date: String,
    /// When it was.
    pub at: Timestamp,
    /// When it was by the till's clock.
    pub clock: Timestamp,
    /// Its lines.
    pub lines: Vec<Line>,
    /// How it was paid.
    pub tender: Tender,
    /// `square/…/order/…` or `poslog/…/order/…`
    pub reference: String,
}

/// Goods of a sale that are returned.
#[derive(Debug, Clone)]
pub struct Return {
    /// The number of the return at the till.
    pub sequence: u32,
    /// When, by the till's clock.
    pub clock: Timestamp,
    /// Which line.
    pub line: usize,
    /// Pieces.
    pub pieces: u32,
    /// `square/…/refund/…` or `poslog/…/refund/…`
    pub reference: String,
}

/// A sale is voided as a whole.
#[derive(Debug, Clone)]
pub struct PostVoid {
    /// The number of the void at the store's other till.
    pub sequence: u32,
    /// When, by that till's clock, which is right.
    pub clock: Timestamp,
}

impl Sale {
    /// With tax, in cents.
    pub fn total(&self) -> i64 {
        self.lines.iter().map(|line| line.net() + line.tax()).sum()
    }

    /// In cents.
    pub fn tax(&self) -> i64 {
        self.lines.iter().map(Line::tax).sum()
    }

    /// `store/register/date/sequence`, as the receipt says it.
    pub fn key(&self) -> String {
        format!("{}/1/{}/{}", self.store.id, self.date, self.sequence)
    }

    /// The order's id in its system.
    pub fn order_id(&self) -> String {
        match self.store.style {
            Style::Square => format!("{}O{:06}", self.store.code, self.sequence),
            Style::Folder | Style::Post => self.key(),
        }
    }

    /// The order's number in its system.
    pub fn number(&self) -> String {
        match self.store.style {
            Style::Square => self.key(),
            Style::Folder | Style::Post => format!("{}-1-{}", self.store.id, self.sequence),
        }
    }

    /// A line's id in its system.
    pub fn line_id(&self, number: usize) -> String {
        match self.store.style {
            Style::Square => format!("uid-{number}"),
            Style::Folder | Style::Post => number.to_string(),
        }
    }

    /// The order as the books must show it.
    pub fn order(&self) -> document::Order {
        let lines = self.lines.iter().map(|line| document::Line {
            line: self.line_id(line.number),
            sku: Some(line.sku.to_owned()),
            title: Some(line.title.to_owned()),
            quantity: Decimal::from(line.pieces),
            unit_price: amount(line.cents),
            discount: Decimal::ZERO,
            tax: amount(line.tax()),
            ships: false,
        });
        document::Order {
            reference: self.reference.clone(),
            source_version: None,
            ordered_at: self.at.to_string(),
            currency: "USD".to_owned(),
            customer: None,
            ship_to: None,
            warehouse: Some(self.store.warehouse().to_owned()),
            business_date: Some(self.date.clone()),
            payments: vec![document::Payment {
                account: self.tender.name().to_owned(),
                amount: amount(self.total()),
            }],
            lines: lines.collect(),
            shipping: Decimal::ZERO,
            shipping_tax: Decimal::ZERO,
            tips: Decimal::ZERO,
            duties: Decimal::ZERO,
            rounding: Decimal::ZERO,
            tax_included: false,
            total: amount(self.total()),
            tax: amount(self.tax()),
            state: document::State::Paid,
        }
    }
}

impl Return {
    /// Without tax, in cents; and the tax.
    pub fn worth(&self, sale: &Sale) -> (i64, i64) {
        let line = sale.lines.iter().find(|line| line.number == self.line);
        let net = line.map_or(0, |line| line.cents * i64::from(self.pieces));
        (net, tax(net))
    }

    /// The refund as the books must show it.
    pub fn refund(&self, sale: &Sale) -> document::Refund {
        let (net, tax) = self.worth(sale);
        document::Refund {
            reference: self.reference.clone(),
            refunded_at: Some(self.clock.to_string()),
            currency: Some("USD".to_owned()),
            warehouse: Some(sale.store.warehouse().to_owned()),
            business_date: None,
            amount: amount(net + tax),
            lines: vec![document::RefundLine {
                line: sale.line_id(self.line),
                quantity: Decimal::from(self.pieces),
                restock_type: "return".to_owned(),
                subtotal: Some(amount(net)),
                tax: Some(amount(tax)),
            }],
        }
    }
}

/// Rings up one till's sales.
pub(super) struct Register {
    store: &'static Store,
    tenant: String,
    sequence: u32,
}

impl Register {
    pub(super) fn new(store: &'static Store, merchant: &str, retailer: &str) -> Self {
        let tenant = if store.style == Style::Square { merchant } else { retailer };
        Self { store, tenant: tenant.to_owned(), sequence: 0 }
    }

    fn next(&mut self) -> u32 {
        self.sequence += 1;
        self.sequence
    }

    fn clock(&self, now: Timestamp) -> Timestamp {
        let ahead = Span::new().hours(if self.store.ahead { 24 } else { 0 });
        now.checked_add(ahead).unwrap_or(now)
    }

    fn reference(&self, kind: &str, id: &str) -> String {
        let system = if self.store.style == Style::Square { "square" } else { "poslog" };
        format!("{system}/{}/{kind}/{id}", self.tenant)
    }

    /// Rings up a sale of this moment. The first of some tills has a value that the tables lack, so that there is
    /// something to repair however few sales there are.
    pub(super) fn sell(&mut self, rng: &mut SmallRng, now: Timestamp) -> Sale {
        let goods: Vec<&'static Product> = PRODUCTS.iter().filter(|product| !product.gift_card).collect();
        let count = *[1, 1, 2, 3].choose(rng).unwrap_or(&1);
        let chosen: Vec<&'static Product> = goods.choose_multiple(rng, count).copied().collect();
        let mut lines = vec![];
        for (at, product) in chosen.into_iter().enumerate() {
            let pieces = *[1, 1, 1, 2, 3].choose(rng).unwrap_or(&1);
            let Product { sku, title, cents, .. } = product;
            lines.push(Line { number: at + 1, sku, title, pieces, cents: *cents });
        }
        let tender = *[Tender::Card, Tender::Card, Tender::Cash, Tender::GiftCard]
            .choose(rng)
            .unwrap_or(&Tender::Card);
        let sequence = self.next();
        let tender = match self.store.id {
            "S06" if sequence == 1 => Tender::GiftCard,
            _ => tender,
        };
        let wanted = match self.store.id {
            "S01" if sequence == 1 => Some("SOAP-OLIVE"),
            "S05" if sequence == 1 => Some("APRON-CANVAS"),
            _ => None,
        };
        let wanted = wanted.and_then(|sku| PRODUCTS.iter().find(|product| product.sku == sku));
        if let (Some(Product { sku, title, cents, .. }), Some(line)) = (wanted, lines.first_mut()) {
            (line.sku, line.title, line.cents) = (sku, title, *cents);
        }
        // The store's controller sets the business date, whatever the till's clock shows.
        let date = now.strftime("%Y-%m-%d").to_string();
        let clock = self.clock(now);
        let mut sale = Sale {
            index: usize::MAX,
            store: self.store,
            sequence,
            date,
            at: now,
            clock,
            lines,
            tender,
            reference: String::new(),
        };
        sale.reference = self.reference("order", &sale.order_id());
        sale
    }

    pub(super) fn take_return(&mut self, sale: &Sale, rng: &mut SmallRng, now: Timestamp) -> Return {
        let sequence = self.next();
        let line = sale.lines.choose(rng);
        let id = match self.store.style {
            Style::Square => format!("{}R{sequence:06}", self.store.code),
            Style::Folder | Style::Post => format!("{}/1/{}/{sequence}", self.store.id, sale.date),
        };
        Return {
            sequence,
            clock: self.clock(now),
            line: line.map_or(1, |line| line.number),
            pieces: line.map_or(1, |line| rng.random_range(1..=line.pieces)),
            reference: self.reference("refund", &id),
        }
    }

    pub(super) fn void(&mut self, now: Timestamp) -> PostVoid {
        PostVoid { sequence: self.next(), clock: now }
    }
}

/// A transaction at a till.
#[derive(Debug, Clone)]
pub(crate) enum Transaction {
    /// A sale.
    Sale(Sale),
    /// Goods of the sale were returned.
    Return(Sale, Return),
    /// The sale was voided as a whole, at another till of the store.
    Void(Sale, PostVoid),
}
