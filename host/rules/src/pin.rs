//! Books have one home: an order is pinned to one connector when it is first routed, and what happens to
//! it later follows the pin, whatever the routes say by then. Only a state of the order itself, or what comes
//! after one, pins: a refund that comes first says too little of its order to choose a home for it.

use crossdock_model::event::{Event, Fact, OrderOperation};
use crossdock_model::time::micros;

use crate::ownership::Class;

/// True for facts that belong into an order's books: what was sold, and what was given back. Shipments,
/// documents, stock, articles and days go where the routes say, wherever the books are kept.
#[must_use]
pub fn has_books(fact: &Fact) -> bool {
    matches!(fact, Fact::Order(_) | Fact::OrderEdited(_) | Fact::RefundIssued(_))
}

/// True when a connector that a pinning route names may be the home of an order's books. Where nobody said
/// what sort of system it is, it may.
#[must_use]
pub fn keeps_books(class: Option<Class>) -> bool {
    class.is_none_or(|class| class == Class::Erp)
}

/// Where an event goes, and whether that is to be remembered for its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned<'a> {
    /// The connector that gets the delivery.
    pub connector: &'a str,
    /// True when the order's books may get their home by this: the pin is recorded with the delivery, if the
    /// event is a state of the order, or the connector knows the order.
    pub record: bool,
}

/// Decides where an event goes that a route sends to `target`. `pin` is the home of the event's root, if it
/// has one; `pins` whether the route pins; `older` the route's home for orders that are older than Crossdock,
/// given when the event's order [is one](is_older).
#[must_use]
pub fn home<'a>(pin: Option<&'a str>, target: &'a str, pins: bool, older: Option<&'a str>) -> Pinned<'a> {
    match (pin, older) {
        (Some(connector), _) if pins => Pinned { connector, record: false },
        (None, Some(connector)) if pins => Pinned { connector, record: true },
        _ => Pinned { connector: target, record: pins },
    }
}

/// True when an event tells of an order that is surely older than `since` (microseconds since 1970) and is
/// not its birth. A snapshot says when the order was placed; of the others it is known when they themselves
/// happened before. Nothing is said of what cannot be read.
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
        assert_eq!(home(None, "erp-legacy", true, None), Pinned { connector: "erp-legacy", record: true });
    }

    #[test]
    fn what_happens_later_follows_the_pin() {
        let later = home(Some("erp-legacy"), "erp-cloud", true, None);
        assert_eq!(later, Pinned { connector: "erp-legacy", record: false });
    }

    #[test]
    fn a_route_that_does_not_pin_neither_makes_nor_follows_one() {
        let stock = home(Some("erp-legacy"), "warehouse", false, None);
        assert_eq!(stock, Pinned { connector: "warehouse", record: false });
        assert_eq!(home(None, "warehouse", false, None), Pinned { connector: "warehouse", record: false });
        let older = home(None, "warehouse", false, Some("erp-legacy"));
        assert_eq!(older, Pinned { connector: "warehouse", record: false });
    }

    #[test]
    fn an_order_older_than_crossdock_has_a_home_by_default_and_keeps_it() {
        let first = home(None, "erp-cloud", true, Some("erp-legacy"));
        assert_eq!(first, Pinned { connector: "erp-legacy", record: true });
        // A pin is stronger than any default.
        let later = home(Some("erp-cloud"), "erp-cloud", true, Some("erp-legacy"));
        assert_eq!(later, Pinned { connector: "erp-cloud", record: false });
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
    fn only_what_was_sold_and_given_back_has_books() {
        let day = json!({ "store": "31", "date": "2026-11-23", "closedAt": "2026-11-23T23:00:00Z" });
        let mut closing = serde_json::to_value(event("refund.issued", "", "2026-11-23T23:00:00Z")).unwrap();
        closing["fact"] = json!({ "kind": "day.closed", "value": day });
        let closing: Event = serde_json::from_value(closing).unwrap();
        assert!(!has_books(&closing.fact));
        for kind in ["order", "refund.issued"] {
            assert!(has_books(&event(kind, "placed", "2026-11-23T23:00:00Z").fact), "{kind}");
        }
    }

    #[test]
    fn an_erp_keeps_books_and_who_did_not_say_may() {
        assert!(keeps_books(Some(Class::Erp)) && keeps_books(None));
        assert!(!keeps_books(Some(Class::Warehouse)) && !keeps_books(Some(Class::Channel)));
    }

    #[test]
    fn an_order_is_older_when_it_was_placed_before_or_its_refund_was_made_before() {
        let since = micros("2026-11-01T00:00:00Z").unwrap();
        for (kind, operation, placed, older) in [
            ("order", "updated", "2026-10-31T23:59:59Z", true),
            ("order", "cancelled", "2026-10-31T23:59:59Z", true),
            ("order", "updated", "2026-11-01T00:00:00Z", false),
            // Told late, but told whole: it goes where new orders go.
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
