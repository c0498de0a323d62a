//! What an event is, beyond its fields: its kind, its person, its place in an order of events.
//!
//! `include!` puts the generated records into modules of their own; this one carries what the host adds.

use crate::common::{Entity, EntityKind, Personal};
use crate::event::{Event, Fact, OrderChange, OrderOperation};
use crate::order::Order;

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

/// `shopify/acme.myshopify.com/order/1001`: the identity as one text, the same wherever it is written.
impl std::fmt::Display for Entity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}/{}", self.system, self.tenant, self.kind.name(), self.id)
    }
}

/// A text that names no entity.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no identity; write `system/tenant/kind/id`, as in `shopify/acme.myshopify.com/order/1001`")]
pub struct NoIdentity(String);

/// Reads an identity as it is written.
impl std::str::FromStr for Entity {
    type Err = NoIdentity;

    fn from_str(text: &str) -> Result<Self, NoIdentity> {
        let wrong = || NoIdentity(text.to_owned());
        let mut parts = text.splitn(4, '/');
        let mut next = || parts.next().filter(|part| !part.is_empty()).ok_or_else(wrong);
        let (system, tenant, kind, id) = (next()?, next()?, next()?, next()?);
        let kinds = [
            EntityKind::Order,
            EntityKind::Refund,
            EntityKind::Shipment,
            EntityKind::Stock,
            EntityKind::Document,
            EntityKind::Customer,
            EntityKind::Product,
            EntityKind::ListPrice,
            EntityKind::BusinessDay,
        ];
        let kind = kinds.into_iter().find(|known| known.name() == kind).ok_or_else(wrong)?;
        Ok(Self { system: system.to_owned(), tenant: tenant.to_owned(), kind, id: id.to_owned() })
    }
}

impl Fact {
    /// The kind of event, as routes and listings write it (`order.placed`).
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

    /// The order's snapshot, where the fact carries one.
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

    /// The one place in the fact where personal data may be.
    fn personal_mut(&mut self) -> Option<&mut Option<Personal>> {
        match self {
            Self::Order(change) => Some(&mut change.order.personal),
            Self::RefundIssued(refund) => Some(&mut refund.personal),
            Self::ShipmentUpdated(shipment) => Some(&mut shipment.personal),
            Self::CustomerUpdated(customer) => Some(&mut customer.personal),
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
    /// Takes the personal data out of the event, to be kept apart from it.
    pub fn take_personal(&mut self) -> Option<Personal> {
        self.fact.personal_mut().and_then(Option::take)
    }

    /// Puts personal data back. Does nothing for facts that have no place for it.
    pub fn put_personal(&mut self, personal: Personal) {
        if let Some(place) = self.fact.personal_mut() {
            *place = Some(personal);
        }
    }

    /// Whose personal data the event carries: the customer where one is known, else the order the event
    /// belongs to, so that a guest can be erased too.
    #[must_use]
    pub fn subject(&self) -> &Entity {
        match self.fact.order().and_then(|order| order.customer.as_ref()) {
            Some(customer) => customer,
            None => self.root(),
        }
    }

    /// The entity whose events are kept in order with this one: the parent where there is one.
    #[must_use]
    pub fn root(&self) -> &Entity {
        self.parent.as_ref().unwrap_or(&self.entity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_reads_as_it_is_written() {
        for kind in [
            "order",
            "refund",
            "shipment",
            "stock",
            "document",
            "customer",
            "product",
            "list-price",
            "business-day",
        ] {
            let text = format!("shopify/acme.myshopify.com/{kind}/gid://shopify/1001");
            assert_eq!(text.parse::<Entity>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_names_no_entity_is_refused() {
        for text in ["", "shopify", "shopify/acme/order", "shopify/acme/basket/1", "/acme/order/1"] {
            assert!(text.parse::<Entity>().is_err(), "{text}");
        }
    }
}
