//! The purchase order that the legacy partner must have of an order: after each change in the shop, and in the end.

use rust_decimal::Decimal;

use super::articles::article;
use super::stores::OwningErp;
use crate::erp::document::{self, Order, Refund, State};
use crate::partner::purchase_order::{Line as PartnerLine, PurchaseOrder, Revision};
use crate::partner::reading::Charges;
use crate::shop::life::{Effect, Life};
use crate::till::SaleRecord;

/// Article, pieces, price of one.
type Line = (String, Decimal, Decimal);
/// City, postal code, country.
type Address = (String, String, String);

/// The goods of an order, with their charges.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Goods {
    /// Sorted.
    lines: Vec<Line>,
    charges: Charges,
    /// How far the charges may be off: of a line of which a part was returned, the partner is sent a part of each
    /// charge, to the cent.
    slack: Decimal,
}

impl Goods {
    /// Of this order, less its refunded pieces.
    fn of(order: &Order, refunds: &[Refund]) -> Self {
        let mut goods = Self { lines: vec![], charges: order_charges(order), slack: Decimal::ZERO };
        for line in &order.lines {
            let left = line.quantity - refunded(refunds, &line.line);
            let Some(sku) = line.sku.as_deref().filter(|_| left > Decimal::ZERO) else { continue };
            let number = article(OwningErp::Legacy, sku);
            goods.lines.push((number, left.normalize(), line.unit_price.normalize()));
            let part = |amount: Decimal| amount * left / line.quantity;
            let charges =
                Charges { discount: part(line.discount), tax: part(line.tax), ..Charges::default() };
            goods.charges = goods.charges.and(charges);
            if left != line.quantity {
                // A discount and two taxes, each rounded once.
                goods.slack += Decimal::new(15, 3);
            }
        }
        goods.lines.sort();
        goods
    }

    /// As the partner has them.
    fn stored(lines: &[PartnerLine], charges: Charges) -> Self {
        let lines = lines.iter().filter(|line| line.pieces > Decimal::ZERO);
        let charges = lines.clone().fold(charges, |sum, line| sum.and(line.charges));
        Self { lines: line_list(lines), charges, slack: Decimal::ZERO }
    }

    fn total(&self) -> Decimal {
        self.lines.iter().map(|(_, pieces, price)| pieces * price).sum::<Decimal>() + self.charges.sum()
    }

    /// The figures that are compared, by name.
    fn figures(&self) -> [(&'static str, Decimal); 5] {
        [
            ("the discount", self.charges.discount),
            ("the tax", self.charges.tax),
            ("the freight", self.charges.freight),
            ("the other charges", self.charges.other),
            ("the total", self.total()),
        ]
    }
}

fn line_list<'a>(lines: impl Iterator<Item = &'a PartnerLine>) -> Vec<Line> {
    let line = |line: &PartnerLine| {
        let number = line.article.clone().unwrap_or_default();
        (number, line.pieces.normalize(), line.price.normalize())
    };
    let mut lines: Vec<Line> = lines.map(line).collect();
    lines.sort();
    lines
}

/// Charges of an order beside its lines.
fn order_charges(order: &Order) -> Charges {
    Charges {
        discount: Decimal::ZERO,
        tax: order.shipping_tax,
        freight: order.shipping,
        other: order.tips + order.duties + order.rounding,
    }
}

fn refunded(refunds: &[Refund], line: &str) -> Decimal {
    let lines = refunds.iter().flat_map(|refund| &refund.lines);
    lines.filter(|one: &&document::RefundLine| one.line == line).map(|one| one.quantity).sum()
}

/// The content of an order after one change in the shop.
#[derive(Debug, Clone)]
struct Content {
    goods: Goods,
    ship_to: Option<Address>,
    /// The shop's lines: id, article, pieces that are not returned.
    lines: Vec<(String, String, Decimal)>,
}

impl Content {
    fn of(order: &Order, refunds: &[Refund]) -> Self {
        let ship_to = order.ship_to.as_ref().map(|place| {
            let text = |part: &Option<String>| part.clone().unwrap_or_default();
            (text(&place.city), text(&place.postcode), text(&place.country))
        });
        let lines = order.lines.iter().map(|line| {
            let number = article(OwningErp::Legacy, line.sku.as_deref().unwrap_or_default());
            (line.line.clone(), number, line.quantity - refunded(refunds, &line.line))
        });
        Self { goods: Goods::of(order, refunds), ship_to, lines: lines.collect() }
    }

    fn differences(&self, goods: &Goods, ship_to: &Option<Address>) -> Vec<String> {
        let mut all = vec![];
        let mut compare = |what: &str, stored: String, expected: String| {
            if stored != expected {
                all.push(format!("{what} is {stored}, must be {expected}"));
            }
        };
        compare("what is ordered", format!("{:?}", goods.lines), format!("{:?}", self.goods.lines));
        for ((what, stored), (_, expected)) in goods.figures().into_iter().zip(self.goods.figures()) {
            let expected = if (stored - expected).abs() <= self.goods.slack { stored } else { expected };
            compare(what, stored.normalize().to_string(), expected.normalize().to_string());
        }
        compare("where it goes", format!("{ship_to:?}"), format!("{:?}", self.ship_to));
        all
    }

    fn is_revision(&self, revision: &Revision) -> bool {
        let goods = Goods::stored(&revision.lines, revision.charges);
        self.differences(&goods, &revision.ship_to).is_empty()
    }
}

/// An order as the partner must have it.
pub(super) struct ExpectedPurchase {
    pub(super) reference: String,
    pub(super) po: String,
    /// After each change in the shop, without returned pieces.
    contents: Vec<Content>,
    /// In the end. Also the last of `contents`.
    last: Content,
    /// Pieces of each of the shop's lines in the end, those that were returned included: the shop can ship them.
    shippable: Vec<(String, Decimal)>,
    /// The day it belongs to, `YYYYMMDD`.
    date: String,
    pub(super) warehouse: String,
    pub(super) cancelled: bool,
}

impl ExpectedPurchase {
    pub(super) fn of_shop(life: &Life) -> Option<Self> {
        let last = life.last()?;
        let (mut contents, mut refunds) = (vec![], 0);
        for fact in &life.facts {
            match fact.effect {
                Effect::Refund(_) => refunds += 1,
                Effect::Order(snapshot) if snapshot == contents.len() => {
                    let order = life.snapshots.get(snapshot)?;
                    contents.push(Content::of(order, life.refunds.get(..refunds)?));
                }
                Effect::Order(_) => {}
            }
        }
        Some(Self {
            reference: life.reference.clone(),
            po: life.number.to_string(),
            contents,
            last: Content::of(last, &life.refunds),
            shippable: last.lines.iter().map(|line| (line.line.clone(), line.quantity)).collect(),
            date: day(&last.ordered_at),
            warehouse: OwningErp::Legacy.warehouse(0).to_owned(),
            cancelled: last.state == State::Cancelled,
        })
    }

    pub(super) fn of_till(sale: &SaleRecord) -> Self {
        let last = Content { ship_to: None, ..Content::of(&sale.order, &[]) };
        Self {
            reference: sale.order.reference.clone(),
            po: sale.number.clone(),
            contents: vec![last.clone()],
            last,
            shippable: vec![],
            date: day(sale.order.business_date.as_deref().unwrap_or_default()),
            warehouse: sale.store.warehouse().to_owned(),
            cancelled: sale.order.state == State::Cancelled,
        }
    }

    /// Whether the partner need not have it if its ledger shows that it never had it: it was cancelled, or all of it
    /// was returned, before the partner was sent it.
    pub(super) fn may_be_absent(&self) -> bool {
        self.cancelled || self.last.goods.lines.is_empty()
    }

    /// Which of its contents the partner has at last, counted from 0: the newest that fits.
    fn content_of(&self, revision: &Revision) -> Option<usize> {
        self.contents.iter().rposition(|content| content.is_revision(revision))
    }

    /// The content that the partner must have: the last. Only an order that left, and of which the shop shows
    /// (`shop_shows_all_left`) that all has left, may have the content with which it left, since there is nothing to
    /// change any more; but never an older one than the partner had before.
    fn content_with(&self, stored: &PurchaseOrder, shop_shows_all_left: bool) -> &Content {
        let older = || {
            let departure = stored.departure.as_ref().filter(|one| one.shipped && shop_shows_all_left)?;
            let newest = stored.revisions.iter().filter_map(|revision| self.content_of(revision)).max()?;
            let last = stored.revisions.iter().rfind(|revision| !revision.cancelled)?;
            let before = last.at <= departure.at && self.content_of(last) == Some(newest);
            self.contents.get(newest).filter(|_| before)
        };
        older().unwrap_or(&self.last)
    }

    /// Whether the partner rightly has an older content than the shop's last.
    pub(super) fn is_older_rightly(&self, stored: &PurchaseOrder, shop_shows_all_left: bool) -> bool {
        let content = self.content_with(stored, shop_shows_all_left);
        !stored.cancelled
            && self.stored_differences(content, stored).is_empty()
            && !self.stored_differences(&self.last, stored).is_empty()
    }

    fn stored_differences(&self, content: &Content, stored: &PurchaseOrder) -> Vec<String> {
        content.differences(&Goods::stored(&stored.lines, stored.charges), &stored.ship_to)
    }

    /// The goods by which the partner's stock must have moved, as far as they can be known: article and pieces.
    pub(super) fn stock_moved(&self, stored: Option<&PurchaseOrder>, shop_shows_all_left: bool) -> Vec<Line> {
        match stored {
            // The goods left before the cancellation reached the partner, and it may never reach him.
            Some(stored) if self.cancelled && stored.has_left() && !stored.cancelled => {
                line_list(stored.goods())
            }
            _ if self.cancelled => vec![],
            Some(stored) => self.content_with(stored, shop_shows_all_left).goods.lines.clone(),
            None => self.last.goods.lines.clone(),
        }
    }

    /// Whether something left that the shop could not show any more, should it hear of it only now: of some line
    /// more pieces left than the shop's order has in the end.
    pub(super) fn more_left_than_ordered(&self, stored: &PurchaseOrder) -> bool {
        let Some(departure) = stored.departure.as_ref().filter(|departure| departure.shipped) else {
            return false;
        };
        let left = line_list(departure.lines.iter());
        let shelved = |number: &str| {
            departure.lines.iter().any(|line| line.shelved && line.article.as_deref() == Some(number))
        };
        let in_the_end = |line: &str| {
            let found = self.shippable.iter().find(|(id, _)| id == line);
            found.map_or(Decimal::ZERO, |(_, pieces)| *pieces)
        };
        let fitting = self.contents.iter().filter(|content| content.goods.lines == left);
        fitting
            .flat_map(|content| &content.lines)
            .any(|(line, number, pieces)| shelved(number) && *pieces > in_the_end(line))
    }

    /// The differences of the partner's order; empty if it is as it must be.
    pub(super) fn differences(&self, stored: &PurchaseOrder, shop_shows_all_left: bool) -> Vec<String> {
        let mut all = vec![];
        let mut compare = |what: &str, stored: String, expected: String| {
            if stored != expected {
                all.push(format!("{what} is {stored}, must be {expected}"));
            }
        };
        compare("the date", stored.date.clone(), self.date.clone());
        // A cancellation does not call back goods that have left: see `races`.
        let too_late = self.cancelled && stored.has_left();
        if !too_late {
            compare("cancelled", stored.cancelled.to_string(), self.cancelled.to_string());
        }
        if !self.cancelled {
            compare("the warehouse", stored.warehouse.clone(), self.warehouse.clone());
            all.extend(self.stored_differences(self.content_with(stored, shop_shows_all_left), stored));
        } else if too_late && !stored.cancelled {
            let fits = |content: &Content| self.stored_differences(content, stored).is_empty();
            if !self.contents.iter().any(fits) {
                all.extend(self.stored_differences(&self.last, stored));
            }
        }
        all
    }
}

/// The day of a moment or date, as X12 writes it.
fn day(text: &str) -> String {
    text.chars().take(10).filter(char::is_ascii_digit).collect()
}
