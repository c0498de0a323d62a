//! Every order has one owning ERP: the order is pinned to one connector when it is first routed, and its later events
//! follow the pin, whatever the routes say by then. Only a state of the order itself, or an event after one, pins: a
//! refund that arrives first says too little about its order to choose its ERP.

use crossdock_model::event::{Event, Fact, OrderOperation};
use crossdock_model::time::micros;

use crate::ownership::Class;

/// True for facts that belong to an order's books: sales, edits and refunds. Shipments, documents, stock, articles
/// and business days follow the routes, whichever ERP owns the order.
#[must_use]
pub fn belongs_to_books(fact: &Fact) -> bool {
    matches!(fact, Fact::Order(_) | Fact::OrderEdited(_) | Fact::RefundIssued(_))
}

/// True when a connector of this class may own an order's books. One whose class the operator did not configure may.
#[must_use]
pub fn can_own_books(class: Option<Class>) -> bool {
    class.is_none_or(|class| class == Class::Erp)
}

/// The connector that an event is delivered to, and whether its order is pinned to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination<'a> {
    /// The connector that receives the delivery.
    pub connector: &'a str,
    /// True when the order may be pinned to the connector by this delivery: the pin is recorded with it if the event
    /// is a state of the order, or the connector has the order.
    pub record: bool,
}

/// Decides which connector receives an event that a route sends to `target`. `pin` is the connector that the event's
/// root is pinned to, if any; `pins` whether the route pins; `older` the route's connector for orders that predate
/// Crossdock, given when the event's order [is one](is_older).
#[must_use]
pub fn owning_erp<'a>(
    pin: Option<&'a str>,
    target: &'a str,
    pins: bool,
    older: Option<&'a str>,
) -> Destination<'a> {
    match (pin, older) {
        (Some(connector), _) if pins => Destination { connector, record: false },
        (None, Some(connector)) if pins => Destination { connector, record: true },
        _ => Destination { connector: target, record: pins },
    }
}

/// True when an event is about an order that was surely placed before `since` (microseconds since 1970), and is not
/// its placement. A snapshot says when the order was placed; other facts prove it by having happened before `since`
/// themselves. False when the instant cannot be read.
#[must_use]
pub fn is_older(event: &Event, since: i64) -> bool {
    let at = match &event.fact {
        Fact::Order(change) if change.operation == OrderOperation::Placed => return false,
        Fact::Order(change) => &change.order.placed_at,
        _ => &event.occurred_at,
    };
    micros(at).is_ok_and(|at| at < since)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_order_is_pinned_when_it_is_first_routed() {
        assert_eq!(
            owning_erp(None, "erp-legacy", true, None),
            Destination { connector: "erp-legacy", record: true }
        );
    }

    #[test]
    fn later_events_follow_the_pin() {
        let later = owning_erp(Some("erp-legacy"), "erp-cloud", true, None);
        assert_eq!(later, Destination { connector: "erp-legacy", record: false });
    }

    #[test]
    fn a_route_that_does_not_pin_neither_makes_nor_follows_one() {
        let stock = owning_erp(Some("erp-legacy"), "warehouse", false, None);
        assert_eq!(stock, Destination { connector: "warehouse", record: false });
        assert_eq!(
            owning_erp(None, "warehouse", false, None),
            Destination { connector: "warehouse", record: false }
        );
        let older = owning_erp(None, "warehouse", false, Some("erp-legacy"));
        assert_eq!(older, Destination { connector: "warehouse", record: false });
    }

    #[test]
    fn an_order_older_than_crossdock_is_pinned_to_the_default_erp_and_stays_there() {
        let first = owning_erp(None, "erp-cloud", true, Some("erp-legacy"));
        assert_eq!(first, Destination { connector: "erp-legacy", record: true });
        // A pin is stronger than any default.
        let later = owning_erp(Some("erp-cloud"), "erp-cloud", true, Some("erp-legacy"));
        assert_eq!(later, Destination { connector: "erp-cloud", record: false });
    }

    fn event(kind: &str, operation: &str, placed: &str) -> Event {
        let usd = json!({ "shop": { "amount": "0", "currency": "USD" } });
        let order = json!({
            "number": "#1", "channel": "web", "placedAt": placed, "currency": "USD",
            "pricesIncludeTax": false, "dutiesIncluded": false,
            "payment": "paid", "fulfilment": "unfulfilled", "test": false,
            "totals": { "lines": usd, "discounts": usd, "shipping": usd, "tax": usd, "total": usd }
        });
        let value = match kind {
            "order" => json!({ "operation": operation, "order": order }),
            _ => json!({ "at": placed, "currency": "USD" }),
        };
        serde_json::from_value(json!({
            "entity": { "system": "shopify", "tenant": "acme", "kind": "order", "id": "1" },
            "occurredAt": placed, "fact": { "kind": kind, "value": value }
        }))
        .unwrap()
    }

    #[test]
    fn only_sales_and_refunds_belong_to_books() {
        let day = json!({ "store": "31", "date": "2026-11-23", "closedAt": "2026-11-23T23:00:00Z" });
        let mut closing = serde_json::to_value(event("refund.issued", "", "2026-11-23T23:00:00Z")).unwrap();
        closing["fact"] = json!({ "kind": "day.closed", "value": day });
        let closing: Event = serde_json::from_value(closing).unwrap();
        assert!(!belongs_to_books(&closing.fact));
        for kind in ["order", "refund.issued"] {
            assert!(belongs_to_books(&event(kind, "placed", "2026-11-23T23:00:00Z").fact), "{kind}");
        }
    }

    #[test]
    fn an_erp_can_own_books_and_so_can_a_connector_without_a_class() {
        assert!(can_own_books(Some(Class::Erp)) && can_own_books(None));
        assert!(!can_own_books(Some(Class::Warehouse)) && !can_own_books(Some(Class::Channel)));
    }

    #[test]
    fn an_order_is_older_when_it_was_placed_before_or_its_refund_was_made_before() {
        let since = micros("2026-11-01T00:00:00Z").unwrap();
        for (kind, operation, placed, older) in [
            ("order", "updated", "2026-10-31T23:59:59Z", true),
            ("order", "cancelled", "2026-10-31T23:59:59Z", true),
            ("order", "updated", "2026-11-01T00:00:00Z", false),
            // Reported late, but complete: it is routed like a new order.
            ("order", "placed", "2026-10-31T23:59:59Z", false),
            ("refund.issued", "", "2026-10-31T23:59:59Z", true),
            ("refund.issued", "", "2026-11-02T00:00:00Z", false),
            ("refund.issued", "", "yesterday", false),
        ] {
            assert_eq!(
                is_older(&event(kind, operation, placed), since),
                older,
                "{kind} {operation} {placed}"
            );
        }
    }
}
