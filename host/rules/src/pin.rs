//! Books have one home: an order is pinned to one connector when it is first routed, and what happens to
//! it later follows the pin, whatever the routes say by then.

/// Where an event goes, and whether that is to be remembered for its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned<'a> {
    /// The connector that gets the delivery.
    pub connector: &'a str,
    /// True when the order's books get their home by this: the pin is recorded with the delivery.
    pub record: bool,
}

/// Decides where an event goes that a route sends to `target`. `pin` is the home of the event's root, if it
/// has one; `pins` whether the route pins.
#[must_use]
pub fn home<'a>(pin: Option<&'a str>, target: &'a str, pins: bool) -> Pinned<'a> {
    match pin {
        Some(connector) if pins => Pinned { connector, record: false },
        _ => Pinned { connector: target, record: pins },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_pinned_when_it_is_first_routed() {
        assert_eq!(home(None, "erp-legacy", true), Pinned { connector: "erp-legacy", record: true });
    }

    #[test]
    fn what_happens_later_follows_the_pin() {
        let later = home(Some("erp-legacy"), "erp-cloud", true);
        assert_eq!(later, Pinned { connector: "erp-legacy", record: false });
    }

    #[test]
    fn a_route_that_does_not_pin_neither_makes_nor_follows_one() {
        let stock = home(Some("erp-legacy"), "warehouse", false);
        assert_eq!(stock, Pinned { connector: "warehouse", record: false });
        assert_eq!(home(None, "warehouse", false), Pinned { connector: "warehouse", record: false });
    }
}
