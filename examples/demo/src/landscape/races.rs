//! Races between the shop and an ERP on the same order, which have more than one right end, and how each ended by the
//! ledgers.
//!
//! The legacy partner ships on account: an order leaves once nothing has changed for a while, paid or not. Meanwhile
//! its customer may change or cancel it. Who was first is a matter of the machine's speed, so it is not planned but
//! read from the ledgers of the shop and the partner, as they are in the end and with their own times:
//!
//! | the partner's ledger | the shop's ledger | what is right |
//! |---|---|---|
//! | never booked | cancelled, or all of it returned | nothing: it was taken back before it was sent |
//! | cancelled, nothing left | cancelled | nothing |
//! | left | cancelled later, shows the parcel | the cancellation comes too late: the partner takes it, or a person decides |
//! | left, cancelled afterwards | cancelled before the parcel was reported to it, which it then refuses | a person decides, so the host has to ask |
//! | left, not cancelled | cancelled | a person decides, so the host has to ask |
//! | left | had the pieces of a line reduced below what left, shows the parcel | nothing |
//! | left | the same, and does not show the parcel, which it refuses | a person decides, so the host has to ask |
//! | left with an older content | shows that all has left | nothing: there is nothing to change any more |
//!
//! The cloud ERP ships what is paid. What is paid is neither cancelled nor are its pieces changed in this landscape,
//! and what is refunded later is a document of its own, so there is no such race with it; nor with the tills, whose
//! goods leave with the sale, and whose voids it books or, if it never had the sale, never hears of.
//!
//! The host's own report is not used here; it is compared with the result, see [`crate::exceptions`].

use std::time::Instant;

use super::purchase::ExpectedPurchase;
use crate::partner::purchase_order::PurchaseOrder;
use crate::shop::Sent;
use crate::shop::admin::order::ShopOrder;
use crate::shop::life::Topic;

/// A race that the ledgers of one order leave to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    /// The order.
    pub(super) reference: String,
    /// Whether the shop refused the parcel, so that it rightly does not show it.
    pub(super) refuses_parcel: bool,
    /// Whether the host has to ask; otherwise it may.
    pub(super) must_ask: bool,
    /// The event, for a person.
    pub(super) what: String,
}

/// The ledgers of one order.
pub(super) struct Ledgers<'a> {
    pub(super) expected: &'a ExpectedPurchase,
    pub(super) stored: &'a PurchaseOrder,
    pub(super) shop: &'a Sent,
    /// Absent when the shop's API does not know the order.
    pub(super) shown: Option<&'a ShopOrder>,
}

impl Ledgers<'_> {
    /// None when only one end is right.
    pub(super) fn decision(&self) -> Option<Decision> {
        let departure = self.stored.departure.as_ref().filter(|departure| departure.shipped)?;
        let tracking = self.stored.tracking.as_deref().unwrap_or_default();
        let is_shown = self.shown.is_some_and(|shown| shown.shows_parcel(tracking));
        let is_cancelled = self.shown.is_some_and(ShopOrder::is_cancelled);
        let what = if is_cancelled {
            let when = self.cancelled_at().map(|at| distance(departure.at, at));
            format!("cancelled in the shop{}, {tracking} left", when.unwrap_or_default())
        } else if self.expected.more_left_than_ordered(self.stored) {
            format!("pieces reduced in the shop, and more left with {tracking}")
        } else {
            return None;
        };
        Some(Decision {
            reference: self.expected.reference.clone(),
            refuses_parcel: !is_shown,
            must_ask: !is_shown || (is_cancelled && !self.stored.cancelled),
            what,
        })
    }

    /// When the shop first sent the cancellation.
    fn cancelled_at(&self) -> Option<Instant> {
        let facts = self.shop.life.facts.iter().zip(&self.shop.tried);
        facts.filter(|(fact, _)| fact.topic == Topic::Cancelled).filter_map(|(_, tried)| *tried).min()
    }
}

/// ` 1.5 s after` or ` 1.5 s before`, from one moment to another.
fn distance(from: Instant, to: Instant) -> String {
    let (later, way) =
        if to >= from { (to.duration_since(from), "after") } else { (from.duration_since(to), "before") };
    format!(" {:.1} s {way}", later.as_secs_f64())
}

#[cfg(test)]
mod tests;
