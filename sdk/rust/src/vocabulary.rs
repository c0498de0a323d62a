//! Constructors and accessors of the retail vocabulary's records.

use std::fmt;

use crate::common::{Attribute, Entity, EntityKind, Personal, Price, Reference, Version};
use crate::event::{Event, Fact, OrderChange, OrderOperation};
use crate::inventory::{Adjustment, AdjustmentReason};
use crate::order::{Order, Payment, TenderKind};

impl EntityKind {
    /// The kind's name in the vocabulary (`order`).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Refund => "refund",
            Self::Shipment => "shipment",
            Self::Stock => "stock",
            Self::Document => "document",
            Self::Customer => "customer",
            Self::Product => "product",
            Self::ListPrice => "list-price",
            Self::BusinessDay => "business-day",
        }
    }
}

/// A record without any value: a source fills it in, or compares with it.
impl Default for Personal {
    fn default() -> Self {
        Self {
            name: None,
            email: None,
            phone: None,
            billing: None,
            shipping: None,
            locale: None,
            note: None,
            ip_address: None,
            status_url: None,
            card_last4: None,
            attributes: Vec::new(),
            line_attributes: Vec::new(),
        }
    }
}

impl Personal {
    /// The attributes that the customer chose or wrote on the line with this id.
    #[must_use]
    pub fn attributes_of(&self, line: &str) -> &[Attribute] {
        let found = self.line_attributes.iter().find(|entry| entry.line == line);
        found.map(|entry| entry.attributes.as_slice()).unwrap_or_default()
    }
}

impl Order {
    /// The duties added on top of the prices: those of the lines, or the order's total where no line has any. None
    /// where the prices include duties.
    pub fn added_duties(&self) -> impl Iterator<Item = &Price> {
        let lines = self.lines.iter().flat_map(|line| &line.duties);
        let total = self.totals.duties.as_ref().filter(|_| lines.clone().next().is_none());
        lines.chain(total).filter(|_| !self.duties_included)
    }
}

impl Payment {
    /// The tender's name in the vocabulary (`gift-card`), which is the key of the mapping table `tender`; the source's
    /// gateway for any other tender.
    #[must_use]
    pub fn tender_name(&self) -> &str {
        match self.tender {
            TenderKind::Card => "card",
            TenderKind::Cash => "cash",
            TenderKind::GiftCard => "gift-card",
            TenderKind::StoreCredit => "store-credit",
            TenderKind::Wallet => "wallet",
            TenderKind::BankTransfer => "bank-transfer",
            TenderKind::PayLater => "pay-later",
            TenderKind::Other => &self.gateway,
        }
    }
}

/// `shopify/acme.myshopify.com/order/1001`: the identity as one text, suitable as a reference in a target.
impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.system, self.tenant, self.kind.name(), self.id)
    }
}

impl Fact {
    /// The event's kind, as used in routes (`order.placed`).
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Order(OrderChange { operation, .. }) => match operation {
                OrderOperation::Placed => "order.placed",
                OrderOperation::Updated => "order.updated",
                OrderOperation::Paid => "order.paid",
                OrderOperation::Cancelled => "order.cancelled",
            },
            Self::OrderEdited(_) => "order.edited",
            Self::RefundIssued(_) => "refund.issued",
            Self::ShipmentUpdated(_) => "shipment.updated",
            Self::InventoryCounted(_) => "inventory.counted",
            Self::InventoryAdjusted(_) => "inventory.adjusted",
            Self::DocumentUpdated(_) => "document.updated",
            Self::CustomerUpdated(_) => "customer.updated",
            Self::ProductUpdated(_) => "product.updated",
            Self::PriceUpdated(_) => "price.updated",
            Self::DayClosed(_) => "day.closed",
        }
    }

    /// The order's snapshot, where the fact has one: placed, updated, paid and cancelled do.
    #[must_use]
    pub fn order(&self) -> Option<&Order> {
        match self {
            Self::Order(change) => Some(&change.order),
            _ => None,
        }
    }

    /// The fact that an order was placed.
    #[must_use]
    pub fn placed(order: Order) -> Self {
        Self::Order(OrderChange { operation: OrderOperation::Placed, order })
    }

    /// The fact that an order was updated.
    #[must_use]
    pub fn updated(order: Order) -> Self {
        Self::Order(OrderChange { operation: OrderOperation::Updated, order })
    }

    /// The fact that an order is paid in full.
    #[must_use]
    pub fn paid(order: Order) -> Self {
        Self::Order(OrderChange { operation: OrderOperation::Paid, order })
    }

    /// The fact that an order was cancelled.
    #[must_use]
    pub fn cancelled(order: Order) -> Self {
        Self::Order(OrderChange { operation: OrderOperation::Cancelled, order })
    }
}

impl Adjustment {
    /// The document whose booking moves these goods already, if any: a sink that books documents ignores the
    /// adjustment then. A refund is not such a document: the adjustments that it causes are of goods that none of its
    /// lines names.
    #[must_use]
    pub fn covered_by(&self) -> Option<&'static str> {
        let cause = self.cause.as_ref().map(|cause| cause.kind);
        match (self.reason, cause) {
            (AdjustmentReason::Sale | AdjustmentReason::Reservation, _) | (_, Some(EntityKind::Order)) => {
                Some("the order")
            }
            (_, Some(EntityKind::Shipment)) => Some("the shipment"),
            (_, Some(EntityKind::Document)) => Some("the document"),
            _ => None,
        }
    }
}

impl OrderChange {
    /// True when the order is cancelled, according to the operation or to its snapshot.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.operation == OrderOperation::Cancelled || self.order.cancelled_at.is_some()
    }
}

impl Event {
    /// The entity whose lane this event belongs to: the parent where there is one.
    #[must_use]
    pub fn root(&self) -> &Entity {
        self.parent.as_ref().unwrap_or(&self.entity)
    }
}

impl Version {
    /// The version of a source that dates changes and does not number them.
    pub fn at(at: impl Into<String>) -> Self {
        Self { at: at.into(), sequence: None }
    }
}

impl Reference {
    /// A reference without a number and without lines.
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.into(), number: None, lines: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::LineAttributes;
    use crate::testing;

    fn eur(amounts: &[&str]) -> Vec<Price> {
        amounts.iter().map(|amount| Price::shop(*amount, "EUR")).collect()
    }

    fn added_duties(order: &Order) -> Vec<Price> {
        order.added_duties().cloned().collect()
    }

    #[test]
    fn duties_are_added_once() {
        let mut order = testing::order();
        assert_eq!(added_duties(&order), eur(&[]));
        order.totals.duties = Some(Price::shop("4.00", "EUR"));
        assert_eq!(added_duties(&order), eur(&["4.00"]));
        order.lines[0].duties = eur(&["1.00", "3.00"]);
        assert_eq!(
            added_duties(&order),
            eur(&["1.00", "3.00"]),
            "the order's total is the sum of the lines'"
        );
        order.duties_included = true;
        assert_eq!(added_duties(&order), eur(&[]), "the prices include them");
    }

    #[test]
    fn the_attributes_of_a_line_are_found_by_its_id() {
        let attributes = vec![Attribute { name: "Engraving".into(), value: "For Ada".into() }];
        let entry = LineAttributes { line: "11".into(), attributes: attributes.clone() };
        let personal = Personal { line_attributes: vec![entry], ..Personal::default() };
        assert_eq!(personal.attributes_of("11"), attributes);
        assert!(personal.attributes_of("12").is_empty());
    }
}
