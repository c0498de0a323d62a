//! What makes the contract's records short to write and to read.

use std::fmt;

use crate::common::{Attribute, Entity, EntityKind, Personal, Price, Reference, Version};
use crate::connector::{Failure, Found, Outcome, Page, Problem, Receipt, Work};
use crate::event::{Event, Fact, OrderChange, OrderOperation};
use crate::inventory::{Adjustment, AdjustmentReason};
use crate::order::{Order, Payment, TenderKind};

impl EntityKind {
    /// The kind as the vocabulary writes it (`order`).
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

/// Nothing is known of anybody: what a source starts from, and compares with.
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
    /// What the customer chose or wrote on the line with this id.
    #[must_use]
    pub fn attributes_of(&self, line: &str) -> &[Attribute] {
        let found = self.line_attributes.iter().find(|of| of.line == line);
        found.map(|of| of.attributes.as_slice()).unwrap_or_default()
    }
}

impl Order {
    /// The duties that are charged on top of the prices: each line's, or the printed sum where no line has any.
    /// None where the prices contain them.
    pub fn added_duties(&self) -> impl Iterator<Item = &Price> {
        let lines = self.lines.iter().flat_map(|line| &line.duties);
        let printed = self.totals.duties.as_ref().filter(|_| lines.clone().next().is_none());
        lines.chain(printed).filter(|_| !self.duties_included)
    }
}

impl Payment {
    /// The tender as the vocabulary writes it (`gift-card`), which is what the table `tender` is kept by; the
    /// source's own word for any other.
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

/// `shopify/acme.myshopify.com/order/1001`: the identity as one text, good as a reference in a target.
impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.system, self.tenant, self.kind.name(), self.id)
    }
}

impl Fact {
    /// The kind of event as routes write it (`order.placed`).
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

    /// The order's snapshot, where the fact carries one: placed, updated, paid and cancelled do.
    #[must_use]
    pub fn order(&self) -> Option<&Order> {
        match self {
            Self::Order(change) => Some(&change.order),
            _ => None,
        }
    }

    /// An order was placed.
    #[must_use]
    pub fn placed(order: Order) -> Self {
        Self::Order(OrderChange { operation: OrderOperation::Placed, order })
    }

    /// Something about an order changed.
    #[must_use]
    pub fn updated(order: Order) -> Self {
        Self::Order(OrderChange { operation: OrderOperation::Updated, order })
    }

    /// An order is paid in full.
    #[must_use]
    pub fn paid(order: Order) -> Self {
        Self::Order(OrderChange { operation: OrderOperation::Paid, order })
    }

    /// An order was cancelled.
    #[must_use]
    pub fn cancelled(order: Order) -> Self {
        Self::Order(OrderChange { operation: OrderOperation::Cancelled, order })
    }
}

impl Adjustment {
    /// What moves the goods by itself, where something does: a sink that books documents leaves this change to it.
    /// What a refund caused is no such thing: it is told of goods that no line of the refund names.
    #[must_use]
    pub fn booked_with(&self) -> Option<&'static str> {
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
    /// True when the order is cancelled, by what happened or by its snapshot.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.operation == OrderOperation::Cancelled || self.order.cancelled_at.is_some()
    }
}

impl Event {
    /// The entity whose events are kept in order with this one: the parent where there is one.
    #[must_use]
    pub fn root(&self) -> &Entity {
        self.parent.as_ref().unwrap_or(&self.entity)
    }
}

impl Version {
    /// The version a source dates and does not number.
    pub fn at(at: impl Into<String>) -> Self {
        Self { at: at.into(), sequence: None }
    }
}

impl Reference {
    /// An id without a number and without lines.
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.into(), number: None, lines: Vec::new() }
    }
}

impl Receipt {
    /// The target calls it this.
    #[must_use]
    pub fn of(reference: Reference) -> Self {
        Self { references: vec![reference], written: Vec::new(), note: None }
    }
}

impl Work {
    /// What the connector's system calls the event's entity, where it is of this kind there.
    #[must_use]
    pub fn reference(&self, kind: &str) -> Option<&Reference> {
        self.references.iter().find(|reference| reference.kind == kind)
    }

    /// What the connector's system calls the event's parent, where it is of this kind there.
    #[must_use]
    pub fn parent_reference(&self, kind: &str) -> Option<&Reference> {
        self.parent_references.iter().find(|reference| reference.kind == kind)
    }
}

impl Page {
    /// Nothing new: the cursor stays where it is.
    #[must_use]
    pub fn empty(cursor: Option<String>) -> Self {
        Self { events: Vec::new(), cursor: cursor.unwrap_or_default(), more: false }
    }
}

impl Problem {
    /// A problem with the whole: a code in lower-case words with hyphens, and a sentence for a person.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), field: None }
    }

    /// The same, concerning one field (`lines[2].sku`).
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

/// `code: message (field)`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        match &self.field {
            Some(field) => write!(f, " ({field})"),
            None => Ok(()),
        }
    }
}

/// A problem that stops the work is a refusal: a person must decide.
impl From<Problem> for Outcome {
    fn from(problem: Problem) -> Self {
        Self::Rejected(problem)
    }
}

/// As for an outcome.
impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Rejected(problem)
    }
}

/// The question could not be answered.
impl From<Failure> for Found {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The question could not even be asked.
impl From<Problem> for Found {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem.into())
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

    fn added(order: &Order) -> Vec<Price> {
        order.added_duties().cloned().collect()
    }

    #[test]
    fn duties_are_charged_once_and_never_twice() {
        let mut order = testing::order();
        assert_eq!(added(&order), eur(&[]));
        order.totals.duties = Some(Price::shop("4.00", "EUR"));
        assert_eq!(added(&order), eur(&["4.00"]));
        order.lines[0].duties = eur(&["1.00", "3.00"]);
        assert_eq!(added(&order), eur(&["1.00", "3.00"]), "the sum is theirs");
        order.duties_included = true;
        assert_eq!(added(&order), eur(&[]), "the prices hold them");
    }

    #[test]
    fn what_was_written_on_a_line_is_found_by_its_id() {
        let attributes = vec![Attribute { name: "Engraving".into(), value: "For Ada".into() }];
        let of = LineAttributes { line: "11".into(), attributes: attributes.clone() };
        let personal = Personal { line_attributes: vec![of], ..Personal::default() };
        assert_eq!(personal.attributes_of("11"), attributes);
        assert!(personal.attributes_of("12").is_empty());
    }
}
