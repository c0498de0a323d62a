//! An order as the legacy partner must have it, and how what it has differs.

use rust_decimal::Decimal;

use super::articles::article;
use super::stores::Home;
use crate::erp::document::{self, Order, Refund, State};
use crate::partner::books::Held as PartnerOrder;
use crate::partner::reading::Charges;
use crate::shop::life::Life;
use crate::till::Sold;

/// Article, pieces, price of one.
type Line = (String, Decimal, Decimal);

/// What is ordered, and what it comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Goods {
    /// Sorted.
    lines: Vec<Line>,
    charges: Charges,
    /// How far the charges may be off: of a line of which a part came back, the partner is told a part of each
    /// charge, to the cent.
    slack: Decimal,
}

impl Goods {
    /// Of this order, less what came back of it.
    fn of(order: &Order, refunds: &[Refund]) -> Self {
        let mut goods = Self { lines: vec![], charges: beside(order), slack: Decimal::ZERO };
        for line in &order.lines {
            let left = line.quantity - back(refunds, &line.line);
            let Some(sku) = line.sku.as_deref().filter(|_| left > Decimal::ZERO) else { continue };
            goods.lines.push((article(Home::Legacy, sku), left.normalize(), line.unit_price.normalize()));
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
    fn held(held: &PartnerOrder) -> Self {
        let lines = held.lines.iter().filter(|line| line.pieces > Decimal::ZERO);
        let mut goods = Self {
            lines: lines
                .clone()
                .map(|line| {
                    let number = line.article.clone().unwrap_or_default();
                    (number, line.pieces.normalize(), line.price.normalize())
                })
                .collect(),
            charges: lines.fold(held.charges, |sum, line| sum.and(line.charges)),
            slack: Decimal::ZERO,
        };
        goods.lines.sort();
        goods
    }

    fn total(&self) -> Decimal {
        self.lines.iter().map(|(_, pieces, price)| pieces * price).sum::<Decimal>() + self.charges.sum()
    }
}

/// What an order costs beside its lines.
fn beside(order: &Order) -> Charges {
    Charges {
        discount: Decimal::ZERO,
        tax: order.shipping_tax,
        freight: order.shipping,
        other: order.tips + order.duties + order.rounding,
    }
}

fn back(refunds: &[Refund], line: &str) -> Decimal {
    let lines = refunds.iter().flat_map(|refund| &refund.lines);
    lines.filter(|one: &&document::RefundLine| one.line == line).map(|one| one.quantity).sum()
}

/// An order as the partner must have it.
pub(super) struct Wanted {
    pub(super) reference: String,
    pub(super) po: String,
    /// What came back is not ordered any more.
    goods: Goods,
    /// The same before each of its refunds: what came back after the goods had left stays ordered.
    before: Vec<Goods>,
    ship_to: Option<(String, String, String)>,
    /// The day it belongs to, `YYYYMMDD`.
    date: String,
    pub(super) warehouse: String,
    pub(super) cancelled: bool,
}

impl Wanted {
    pub(super) fn of_shop(life: &Life, last: &Order) -> Self {
        let place = last.ship_to.as_ref().map(|place| {
            let text = |part: &Option<String>| part.clone().unwrap_or_default();
            (text(&place.city), text(&place.postcode), text(&place.country))
        });
        Self {
            reference: life.reference.clone(),
            po: life.number.to_string(),
            goods: Goods::of(last, &life.refunds),
            before: (0..life.refunds.len())
                .filter_map(|refunds| Some(Goods::of(last, life.refunds.get(..refunds)?)))
                .collect(),
            ship_to: place,
            date: day(&last.ordered_at),
            warehouse: Home::Legacy.warehouse(0).to_owned(),
            cancelled: last.state == State::Cancelled,
        }
    }

    pub(super) fn of_till(sold: &Sold) -> Self {
        Self {
            reference: sold.order.reference.clone(),
            po: sold.number.clone(),
            goods: Goods::of(&sold.order, &[]),
            before: vec![],
            ship_to: None,
            date: day(sold.order.business_date.as_deref().unwrap_or_default()),
            warehouse: sold.store.warehouse().to_owned(),
            cancelled: sold.order.state == State::Cancelled,
        }
    }

    /// Cancelled, or all of it brought back, before the partner heard of it.
    pub(super) fn may_be_absent(&self) -> bool {
        self.cancelled || self.goods.lines.is_empty()
    }

    /// What the partner must have of it: what came back after the goods had left stays ordered.
    fn goods_with(&self, held: &PartnerOrder) -> &Goods {
        let there = Goods::held(held).lines;
        let before = self.before.iter().find(|before| before.lines == there);
        before.filter(|_| held.answered.invoiced > 0 && there != self.goods.lines).unwrap_or(&self.goods)
    }

    /// The lines that the stock must have moved by.
    pub(super) fn lines_as_held(&self, partner: &[PartnerOrder]) -> Vec<Line> {
        let held = partner.iter().find(|held| held.po == self.po);
        held.map_or(&self.goods, |held| self.goods_with(held)).lines.clone()
    }

    pub(super) fn differences(&self, held: &PartnerOrder) -> Vec<String> {
        let mut all = vec![];
        let mut compare = |what: &str, held: String, wanted: String| {
            if held != wanted {
                all.push(format!("{what} is {held}, must be {wanted}"));
            }
        };
        compare("cancelled", held.cancelled.to_string(), self.cancelled.to_string());
        compare("the date", held.date.clone(), self.date.clone());
        if !self.cancelled {
            let (there, wanted) = (Goods::held(held), self.goods_with(held));
            compare("what is ordered", format!("{:?}", there.lines), format!("{:?}", wanted.lines));
            for (what, there, must) in [
                ("the discount", there.charges.discount, wanted.charges.discount),
                ("the tax", there.charges.tax, wanted.charges.tax),
                ("the freight", there.charges.freight, wanted.charges.freight),
                ("what else is charged", there.charges.other, wanted.charges.other),
                ("the total", there.total(), wanted.total()),
            ] {
                let must = if (there - must).abs() <= wanted.slack { there } else { must };
                compare(what, there.normalize().to_string(), must.normalize().to_string());
            }
            compare("where it goes", format!("{:?}", held.ship_to), format!("{:?}", self.ship_to));
            compare("the warehouse", held.warehouse.clone(), self.warehouse.clone());
        }
        all
    }
}

/// The day of a moment or date, as X12 writes it.
fn day(text: &str) -> String {
    text.chars().take(10).filter(char::is_ascii_digit).collect()
}
