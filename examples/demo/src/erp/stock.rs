//! The ERP's stock: pieces of an article in a warehouse, moved by what is ordered, given back and sent.
//!
//! `available` is what the shelf has less what is promised. An order promises its goods when it is taken;
//! goods that are sent, or handed over the counter, leave the shelf and the promise together. So `available`
//! does not care when something is sent, and is right as soon as the document is.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::document::{Order, Refund, State};

/// What an ERP has on its shelves when it opens.
#[derive(Debug, Clone, Default)]
pub struct Shelves {
    /// Warehouses; the first is where orders that name none are sent from.
    pub warehouses: Vec<String>,
    /// Articles, and how many of each every warehouse has.
    pub articles: Vec<Article>,
}

/// An article the ERP knows.
#[derive(Debug, Clone)]
pub struct Article {
    /// The ERP's number of it.
    pub number: String,
    /// What it is called.
    pub title: String,
    /// Its base price, before tax.
    pub price: Decimal,
    /// Pieces in each warehouse.
    pub pieces: i64,
}

/// Pieces of one article in one warehouse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pieces {
    /// On the shelf.
    pub on_hand: Decimal,
    /// Of these, promised.
    pub reserved: Decimal,
}

impl Pieces {
    /// What can be sold.
    pub fn available(&self) -> Decimal {
        self.on_hand - self.reserved
    }
}

/// Article and warehouse.
pub type Place = (String, String);

/// The shelves as they are now.
#[derive(Debug, Default)]
pub(crate) struct Stock {
    first: String,
    pieces: BTreeMap<Place, Pieces>,
}

impl Stock {
    pub(crate) fn new(shelves: &Shelves) -> Self {
        let mut pieces = BTreeMap::new();
        for warehouse in &shelves.warehouses {
            for article in &shelves.articles {
                let full = Pieces { on_hand: Decimal::from(article.pieces), reserved: Decimal::ZERO };
                pieces.insert((article.number.clone(), warehouse.clone()), full);
            }
        }
        Self { first: shelves.warehouses.first().cloned().unwrap_or_default(), pieces }
    }

    /// The warehouse of a document that names one, or none.
    pub(crate) fn warehouse(&self, named: Option<&str>) -> String {
        named.map_or_else(|| self.first.clone(), str::to_owned)
    }

    /// Promises or releases (negative) pieces; false when the article is not kept there.
    pub(crate) fn promise(&mut self, place: &Place, by: Decimal) -> bool {
        self.change(place, |pieces| pieces.reserved += by)
    }

    /// Takes promised pieces from the shelf.
    pub(crate) fn send(&mut self, place: &Place, by: Decimal) -> bool {
        self.change(place, |pieces| {
            pieces.reserved -= by;
            pieces.on_hand -= by;
        })
    }

    /// Puts pieces back on the shelf.
    pub(crate) fn take_back(&mut self, place: &Place, by: Decimal) -> bool {
        self.change(place, |pieces| pieces.on_hand += by)
    }

    fn change(&mut self, place: &Place, change: impl FnOnce(&mut Pieces)) -> bool {
        self.pieces.get_mut(place).map(change).is_some()
    }

    /// Whether a document may name this warehouse: where nothing is counted, any.
    pub(crate) fn knows(&self, named: Option<&str>) -> bool {
        let known =
            |named| self.pieces.is_empty() || self.pieces.keys().any(|(_, warehouse)| warehouse == named);
        named.is_none_or(known)
    }

    pub(crate) fn at(&self, place: &Place) -> Option<Pieces> {
        self.pieces.get(place).copied()
    }

    pub(crate) fn all(&self) -> &BTreeMap<Place, Pieces> {
        &self.pieces
    }
}

/// What an order as it stands takes of each article: nothing when it is cancelled.
pub(crate) fn taken(order: &Order) -> BTreeMap<String, Decimal> {
    let mut taken = BTreeMap::new();
    if order.state != State::Cancelled {
        for line in &order.lines {
            if let Some(sku) = &line.sku {
                *taken.entry(sku.clone()).or_default() += line.quantity;
            }
        }
    }
    taken
}

/// What a refund brings back to the shelf of each article of its order.
pub(crate) fn brought_back(order: &Order, refund: &Refund) -> BTreeMap<String, Decimal> {
    let mut back = BTreeMap::new();
    for line in refund.lines.iter().filter(|line| line.is_restocked()) {
        let of = order.lines.iter().find(|other| other.line == line.line);
        if let Some(sku) = of.and_then(|of| of.sku.clone()) {
            *back.entry(sku).or_default() += line.quantity;
        }
    }
    back
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_was_promised_and_changes_nothing_that_can_be_sold() {
        let article = Article { number: "MUG".into(), title: "Mug".into(), price: Decimal::TEN, pieces: 100 };
        let mut stock = Stock::new(&Shelves { warehouses: vec!["C1".into()], articles: vec![article] });
        let place = ("MUG".to_owned(), stock.warehouse(None));
        assert!(stock.promise(&place, Decimal::from(3)));
        let promised = stock.at(&place).unwrap();
        assert_eq!((promised.on_hand, promised.available()), (Decimal::from(100), Decimal::from(97)));
        assert!(stock.send(&place, Decimal::from(3)));
        let sent = stock.at(&place).unwrap();
        assert_eq!((sent.on_hand, sent.reserved, sent.available()), (97.into(), 0.into(), 97.into()));
        assert!(stock.take_back(&place, Decimal::ONE));
        assert_eq!(stock.at(&place).unwrap().available(), Decimal::from(98));
        assert!(!stock.promise(&("GIFT".to_owned(), "C1".to_owned()), Decimal::ONE));
    }
}
