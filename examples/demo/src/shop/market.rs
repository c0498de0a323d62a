//! The shop's two markets.

/// The shop's markets; which one an order belongs to is in its tags, and its payments go to the market's own
/// gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Market {
    /// The country the shop began in, its own tills included.
    Home,
    /// Everywhere else; and draft orders of the staff, since the home market's ERP accepts articles only.
    Abroad,
}

impl Market {
    /// The tag of its orders.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Home => "market-home",
            Self::Abroad => "market-abroad",
        }
    }

    /// The gateway of its payments.
    pub fn gateway(self) -> &'static str {
        match self {
            Self::Home => "shopify_payments",
            Self::Abroad => "worldpay",
        }
    }
}
