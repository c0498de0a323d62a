//! The ERP's stock: pieces of an article in a warehouse, moved by what is ordered, returned and shipped.
//!
//! `available` is the stock on hand less the reservations. An order reserves its goods when it is accepted; goods
//! that are shipped, or given out over the counter, reduce both together. So `available` does not depend on when
//! something is shipped, and is right as soon as the document is.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::document::{Order, Refund, State};

/// An ERP's stock at the start.
#[derive(Debug, Clone, Default)]
pub struct Shelves {
    /// Warehouses; the first ships orders that name none.
    pub warehouses: Vec<String>,
    /// Articles, and how many of each every warehouse has.
    pub articles: Vec<Article>,
}

/// An article of the ERP.
#[derive(Debug, Clone)]
pub struct Article {
    /// The ERP's number of it.
    pub number: String,
    /// Its title.
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
    /// Of these, reserved.
    pub reserved: Decimal,
}

impl Pieces {
    /// Pieces that can be sold.
    pub fn available(&self) -> Decimal {
        self.on_hand - self.reserved
    }
}

/// Article and warehouse.
pub type StockKey = (String, String);

/// The shelves as they are now.
#[derive(Debug, Default)]
pub(crate) struct Stock {
    first: String,
    pieces: BTreeMap<StockKey, Pieces>,
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

    /// Reserves or releases (negative) pieces; false when the warehouse does not stock the article.
    pub(crate) fn reserve(&mut self, place: &StockKey, by: Decimal) -> bool {
        self.change(place, |pieces| pieces.reserved += by)
    }

    /// Ships reserved pieces.
    pub(crate) fn ship(&mut self, place: &StockKey, by: Decimal) -> bool {
        self.change(place, |pieces| {
            pieces.reserved -= by;
            pieces.on_hand -= by;
        })
    }

    /// Puts pieces back on the shelf.
    pub(crate) fn take_back(&mut self, place: &StockKey, by: Decimal) -> bool {
        self.change(place, |pieces| pieces.on_hand += by)
    }

    fn change(&mut self, place: &StockKey, change: impl FnOnce(&mut Pieces)) -> bool {
        self.pieces.get_mut(place).map(change).is_some()
    }

    /// Whether a document may name this warehouse: where nothing is counted, any.
    pub(crate) fn knows(&self, named: Option<&str>) -> bool {
        let known =
            |named| self.pieces.is_empty() || self.pieces.keys().any(|(_, warehouse)| warehouse == named);
        named.is_none_or(known)
    }

    pub(crate) fn at(&self, place: &StockKey) -> Option<Pieces> {
        self.pieces.get(place).copied()
    }

    pub(crate) fn all(&self) -> &BTreeMap<StockKey, Pieces> {
        &self.pieces
    }
}

/// Pieces of each article that an order reserves or ships: none when it is cancelled.
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

/// Pieces of each article that a refund puts back on the shelf.
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
    fn shipping_reserved_pieces_leaves_available_stock_unchanged() {
        let article = Article { number: "MUG".into(), title: "Mug".into(), price: Decimal::TEN, pieces: 100 };
        let mut stock = Stock::new(&Shelves { warehouses: vec!["C1".into()], articles: vec![article] });
        let place = ("MUG".to_owned(), stock.warehouse(None));
        assert!(stock.reserve(&place, Decimal::from(3)));
        let reserved = stock.at(&place).unwrap();
        assert_eq!((reserved.on_hand, reserved.available()), (Decimal::from(100), Decimal::from(97)));
        assert!(stock.ship(&place, Decimal::from(3)));
        let shipped = stock.at(&place).unwrap();
        assert_eq!(
            (shipped.on_hand, shipped.reserved, shipped.available()),
            (97.into(), 0.into(), 97.into())
        );
        assert!(stock.take_back(&place, Decimal::ONE));
        assert_eq!(stock.at(&place).unwrap().available(), Decimal::from(98));
        assert!(!stock.reserve(&("GIFT".to_owned(), "C1".to_owned()), Decimal::ONE));
    }
}
