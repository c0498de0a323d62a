//! An order as the legacy partner must have it, and how what it has differs.

use rust_decimal::Decimal;

use super::articles::article;
use super::stores::Home;
use crate::erp::document::{Order, Refund, State};
use crate::partner::books::Held as PartnerOrder;
use crate::shop::life::Life;
use crate::till::Sold;

/// Article, pieces, price of one.
type Line = (String, Decimal, Decimal);

/// An order as the partner must have it.
pub(super) struct Wanted {
    pub(super) reference: String,
    pub(super) po: String,
    /// Article, pieces, price; sorted. What came back is not ordered any more.
    lines: Vec<Line>,
    /// The same as it was first: for what came back after the goods had left.
    first: Vec<Line>,
    ship_to: Option<(String, String, String)>,
    pub(super) warehouse: String,
    pub(super) cancelled: bool,
}

impl Wanted {
    pub(super) fn of_shop(life: &Life, last: &Order) -> Option<Self> {
        let back = |refunds: &[Refund], line: &str| -> Decimal {
            let lines = refunds.iter().flat_map(|refund| &refund.lines);
            lines.filter(|one| one.line == line).map(|one| one.quantity).sum()
        };
        let place = last.ship_to.as_ref().map(|place| {
            let text = |part: &Option<String>| part.clone().unwrap_or_default();
            (text(&place.city), text(&place.postcode), text(&place.country))
        });
        let lines = |refunds: &[Refund]| {
            sorted(last.lines.iter().filter_map(|line| {
                let left = line.quantity - back(refunds, &line.line);
                let number = article(Home::Legacy, line.sku.as_deref()?);
                (left > Decimal::ZERO).then(|| (number, left, line.unit_price.normalize()))
            }))
        };
        Some(Self {
            reference: life.reference.clone(),
            po: life.number.to_string(),
            lines: lines(&life.refunds),
            first: lines(&[]),
            ship_to: place,
            warehouse: Home::Legacy.warehouse(0).to_owned(),
            cancelled: last.state == State::Cancelled,
        })
    }

    pub(super) fn of_till(sold: &Sold) -> Self {
        let lines = sorted(sold.order.lines.iter().filter_map(|line| {
            Some((article(Home::Legacy, line.sku.as_deref()?), line.quantity, line.unit_price.normalize()))
        }));
        Self {
            reference: sold.order.reference.clone(),
            po: sold.number.clone(),
            first: lines.clone(),
            lines,
            ship_to: None,
            warehouse: sold.store.warehouse().to_owned(),
            cancelled: sold.order.state == State::Cancelled,
        }
    }

    /// Cancelled, or all of it brought back, before the partner heard of it.
    pub(super) fn may_be_absent(&self) -> bool {
        self.cancelled || self.lines.is_empty()
    }

    /// The lines that the stock must have moved by: what came back after the goods had left stays ordered.
    pub(super) fn lines_as_held(&self, partner: &[PartnerOrder]) -> Vec<Line> {
        let held = partner.iter().find(|held| held.po == self.po);
        match held.filter(|held| held.answered.invoiced > 0 && lines_of(held) == self.first) {
            Some(_) => self.first.clone(),
            None => self.lines.clone(),
        }
    }

    pub(super) fn differences(&self, held: &PartnerOrder) -> Vec<String> {
        let mut all = vec![];
        let mut compare = |what: &str, held: String, wanted: String| {
            if held != wanted {
                all.push(format!("{what} is {held}, must be {wanted}"));
            }
        };
        compare("cancelled", held.cancelled.to_string(), self.cancelled.to_string());
        if !self.cancelled {
            let (lines, gone) = (lines_of(held), held.answered.invoiced > 0);
            if !(gone && lines == self.first) {
                compare("what is ordered", format!("{lines:?}"), format!("{:?}", self.lines));
            }
            compare("where it goes", format!("{:?}", held.ship_to), format!("{:?}", self.ship_to));
            compare("the warehouse", held.warehouse.clone(), self.warehouse.clone());
        }
        all
    }
}

fn lines_of(held: &PartnerOrder) -> Vec<Line> {
    let line = |line: &crate::partner::books::Line| {
        (line.article.clone().unwrap_or_default(), line.pieces, line.price.normalize())
    };
    sorted(held.lines.iter().filter(|line| line.pieces > Decimal::ZERO).map(line))
}

fn sorted(lines: impl Iterator<Item = Line>) -> Vec<Line> {
    let mut lines: Vec<_> =
        lines.map(|(number, pieces, price)| (number, pieces.normalize(), price)).collect();
    lines.sort();
    lines
}
