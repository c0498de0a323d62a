//! What the host adds to the generated types: names, identities as text, personal data, roots.

use crate::common::{Entity, EntityKind, Personal};
use crate::event::{Event, Fact, OrderChange, OrderOperation};
use crate::order::Order;

/// The identity as one text: `shopify/acme.myshopify.com/order/1001`.
impl std::fmt::Display for Entity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}/{}", self.system, self.tenant, self.kind.name(), self.id)
    }
}

/// A text that is not an identity.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is not an identity; write `system/tenant/kind/id`, as in `shopify/acme.myshopify.com/order/1001`"
)]
pub struct NoIdentity(String);

/// Parses an identity.
impl std::str::FromStr for Entity {
    type Err = NoIdentity;

    fn from_str(text: &str) -> Result<Self, NoIdentity> {
        let invalid = || NoIdentity(text.to_owned());
        let mut parts = text.splitn(4, '/');
        let mut next = || parts.next().filter(|part| !part.is_empty()).ok_or_else(invalid);
        let (system, tenant, kind, id) = (next()?, next()?, next()?, next()?);
        let kind = EntityKind::ALL.iter().find(|known| known.name() == kind).ok_or_else(invalid)?;
        Ok(Self { system: system.to_owned(), tenant: tenant.to_owned(), kind: *kind, id: id.to_owned() })
    }
}

impl Fact {
    /// The kind of event, in the notation of routes and listings (`order.placed`).
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

    /// The order's snapshot, if the fact has one.
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

    /// The fact that an order changed.
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

    /// The one field of the fact that may have personal data.
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
    /// True when the order is cancelled, by the operation or by its snapshot.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.operation == OrderOperation::Cancelled || self.order.cancelled_at.is_some()
    }
}

impl Event {
    /// Takes the personal data out of the event, to be stored separately.
    pub fn take_personal(&mut self) -> Option<Personal> {
        self.fact.personal_mut().and_then(Option::take)
    }

    /// Puts personal data back. Does nothing for facts without a field for it.
    pub fn put_personal(&mut self, personal: Personal) {
        if let Some(field) = self.fact.personal_mut() {
            *field = Some(personal);
        }
    }

    /// The entity under which the event's personal data is stored and erased: the customer if known, else the
    /// order that the event belongs to, so that a guest can be erased too.
    #[must_use]
    pub fn subject(&self) -> &Entity {
        match self.fact.order().and_then(|order| order.customer.as_ref()) {
            Some(customer) => customer,
            None => self.root(),
        }
    }

    /// The entity whose events are ordered with this one: the parent if there is one.
    #[must_use]
    pub fn root(&self) -> &Entity {
        self.parent.as_ref().unwrap_or(&self.entity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_survives_as_text() {
        for kind in EntityKind::ALL {
            let text = format!("shopify/acme.myshopify.com/{}/gid://shopify/1001", kind.name());
            assert_eq!(text.parse::<Entity>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_text_that_is_not_an_identity_is_refused() {
        for text in ["", "shopify", "shopify/acme/order", "shopify/acme/basket/1", "/acme/order/1"] {
            assert!(text.parse::<Entity>().is_err(), "{text}");
        }
    }
}
