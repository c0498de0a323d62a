//! What leaves together when it is older than its retention.

use std::str::FromStr as _;

use crossdock_model::common::{Entity, EntityKind};

/// True for a root whose events leave one by one: stock, articles and prices go on moving for ever, so that their
/// histories would never leave as a whole. Every other root leaves with all its events when nothing of it is open.
#[must_use]
pub fn leaves_by_event(root: &str) -> bool {
    let kind = Entity::from_str(root).map(|entity| entity.kind);
    matches!(kind, Ok(EntityKind::Stock | EntityKind::Product | EntityKind::ListPrice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_leaves_as_a_whole_and_stock_event_by_event() {
        assert!(!leaves_by_event("shopify/acme/order/1001"));
        assert!(!leaves_by_event("shopify/acme/customer/77"));
        assert!(leaves_by_event("shopify/acme/stock/7-1"));
        assert!(leaves_by_event("erp/main/list-price/7"));
    }
}
