//! Compares what the shop sent with what the ERP holds; never with what the host reports.
//!
//! # What an order must look like in the ERP
//!
//! | ERP document | from the Shopify order, in **shop money** |
//! |---|---|
//! | `reference` | `shopify/{shop domain}/order/{id}` |
//! | `currency` | `currency` |
//! | `lines[].line` | the line item's `id` as a string |
//! | `lines[].sku` | `sku`; absent, `null` or empty for a custom line |
//! | `lines[].quantity`, `unitPrice` | `quantity`, `price` |
//! | `lines[].discount` | Σ `discount_allocations[].amount` of the line |
//! | `lines[].tax` | Σ `tax_lines[].price` of the line |
//! | `shipping` | Σ `shipping_lines[].discounted_price` |
//! | `shippingTax` | Σ `tax_lines[].price` of the shipping lines |
//! | `tips` | `total_tip_received` |
//! | `duties`, `rounding` | 0 (the shop has neither) |
//! | `taxIncluded` | `taxes_included` |
//! | `total`, `tax` | `total_price`, `total_tax` |
//! | `shipTo` | `shipping_address`: `city`, `zip` as `postcode`, `country_code` as `country` are compared |
//! | `state` | `cancelled` if `cancelled_at`, else `paid` if `financial_status` is `paid`, `partially_refunded` or `refunded`, else `open` |
//!
//! `orderedAt`, `customer`, `title`, `sourceVersion` and the rest of the address are not compared; `warehouse`,
//! `businessDate` and `payments` are compared where they are expected and the order is not cancelled.
//!
//! | ERP refund | from `refunds/create` |
//! |---|---|
//! | path | the ERP's id of the order |
//! | `reference` | `shopify/{shop domain}/refund/{id}` |
//! | `amount` | Σ `amount` of `transactions` with `kind` refund and `status` success |
//! | `lines[].line`, `quantity` | `refund_line_items[].line_item_id` as a string, `quantity` |
//! | `lines[].restockType` | `restock_type`; `-`, `_` and capitals make no difference |
//! | `lines[].subtotal`, `tax` | `subtotal_set`, `total_tax_set`, if given |
//!
//! # The terms of the verdict
//!
//! *Lost*: a good order or refund that the ERP does not hold. *Duplicated*: it holds more than one document of
//! a reference (each one more counts). *Mismatched*: it holds one, and it is not the final state; also a
//! document that nobody sent, as a forged or unbalanced one. An order whose final state is cancelled may be
//! absent if it was never booked, since a cancellation removes an order that was not yet sent; these are counted
//! apart. The ERP removes nothing, so that what is absent was never booked.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use crate::erp::document::{Order, Refund, State};
use crate::erp::{Documents, StoredOrder, StoredRefund};
use crate::shop::Ledger;
use crate::shop::life::Plant;

/// One difference from what must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its subject: `shopify/…/order/…` or `…/refund/…`.
    pub reference: String,
    /// The difference, as a sentence.
    pub reason: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reference, self.reason)
    }
}

/// The comparison's result.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Good orders and refunds that the ERP does not hold.
    pub lost: Vec<Finding>,
    /// One finding for each additional document.
    pub duplicated: Vec<Finding>,
    /// Documents that are not in their final state, or that nobody sent.
    pub mismatched: Vec<Finding>,
    /// Good orders that were cancelled before they were sent to the ERP.
    pub cancelled_unsent: usize,
    /// Stock levels that differ from the expected ones.
    pub stock: Vec<Finding>,
    /// Orders whose status did not come back.
    pub status: Vec<Finding>,
}

impl Verdict {
    /// Whether everything is held once and as it must be.
    pub fn is_clean(&self) -> bool {
        self.findings().next().is_none()
    }

    /// Every finding with its kind.
    pub fn findings(&self) -> impl Iterator<Item = (&'static str, &Finding)> {
        let lost = self.lost.iter().map(|finding| ("lost", finding));
        let duplicated = self.duplicated.iter().map(|finding| ("duplicated", finding));
        let mismatched = self.mismatched.iter().map(|finding| ("mismatched", finding));
        let stock = self.stock.iter().map(|finding| ("stock", finding));
        let status = self.status.iter().map(|finding| ("status", finding));
        lost.chain(duplicated).chain(mismatched).chain(stock).chain(status)
    }

    /// Adds the findings of another comparison.
    pub fn extend(&mut self, other: Self) {
        self.lost.extend(other.lost);
        self.duplicated.extend(other.duplicated);
        self.mismatched.extend(other.mismatched);
        self.cancelled_unsent += other.cancelled_unsent;
        self.stock.extend(other.stock);
        self.status.extend(other.status);
    }
}

/// An order that the ERP must hold in the end, with its refunds.
#[derive(Debug, Clone)]
pub struct Expected<'a> {
    /// The order as it must be.
    pub order: Cow<'a, Order>,
    /// Its refunds.
    pub refunds: Cow<'a, [Refund]>,
}

/// Compares everything the shop has begun to send with everything the ERP holds.
pub fn verify(ledger: &Ledger, stored: &Documents) -> Verdict {
    let good = ledger.orders.iter().filter(|sent| sent.life.plant == Plant::Good);
    let expected = good.filter_map(|sent| {
        let order = Cow::Borrowed(sent.life.last()?);
        Some(Expected { order, refunds: Cow::Borrowed(&sent.life.refunds) })
    });
    verify_all(expected, stored)
}

/// Compares the documents that an ERP must hold with those that it holds.
pub fn verify_all<'a>(all: impl Iterator<Item = Expected<'a>>, stored: &Documents) -> Verdict {
    let mut verdict = Verdict::default();
    let mut orders =
        by_reference(&stored.orders, |stored| stored.document.as_ref().map(|d| d.reference.as_str()));
    let mut refunds = by_reference(&stored.refunds, |stored| Some(stored.document.reference.as_str()));
    for Expected { order: expected, refunds: given } in all {
        let found = orders.remove(expected.reference.as_str()).unwrap_or_default();
        verdict.order(&expected, &found);
        for expected in given.iter() {
            let refunds = refunds.remove(expected.reference.as_str()).unwrap_or_default();
            verdict.refund(expected, &refunds, &found);
        }
    }
    for (reference, stored) in orders {
        for stored in stored {
            verdict.mismatched.push(finding(reference, format!("{} must not be in the ERP", stored.id)));
        }
    }
    for (reference, stored) in refunds {
        for stored in stored {
            verdict.mismatched.push(finding(reference, format!("{} must not be in the ERP", stored.id)));
        }
    }
    verdict.mismatched.sort_by(|a, b| a.reference.cmp(&b.reference));
    verdict
}

fn by_reference<T>(stored: &[T], reference: impl Fn(&T) -> Option<&str>) -> HashMap<&str, Vec<&T>> {
    let mut found: HashMap<&str, Vec<&T>> = HashMap::new();
    for one in stored {
        if let Some(reference) = reference(one) {
            found.entry(reference).or_default().push(one);
        }
    }
    found
}

pub(crate) fn finding(reference: &str, reason: String) -> Finding {
    Finding { reference: reference.to_owned(), reason }
}

impl Verdict {
    fn order(&mut self, expected: &Order, found: &[&StoredOrder]) {
        let reference = expected.reference.as_str();
        match found {
            [] if expected.state == State::Cancelled => self.cancelled_unsent += 1,
            [] => self.lost.push(finding(reference, "the ERP does not hold it".to_owned())),
            [first, more @ ..] => {
                let extra = more.iter().map(|stored| format!("{} beside {}", stored.id, first.id));
                self.duplicated.extend(extra.map(|reason| finding(reference, reason)));
                let documents =
                    found.iter().filter_map(|stored| Some((&stored.id, stored.document.as_ref()?)));
                for (id, document) in documents {
                    let differences = order_differences(expected, document);
                    if !differences.is_empty() {
                        let reason = format!("{id}: {}", differences.join("; "));
                        self.mismatched.push(finding(reference, reason));
                    }
                }
            }
        }
    }

    fn refund(&mut self, expected: &Refund, found: &[&StoredRefund], orders: &[&StoredOrder]) {
        let reference = expected.reference.as_str();
        let Some((first, more)) = found.split_first() else {
            self.lost.push(finding(reference, "the ERP does not hold it".to_owned()));
            return;
        };
        let extra = more.iter().map(|stored| format!("{} beside {}", stored.id, first.id));
        self.duplicated.extend(extra.map(|reason| finding(reference, reason)));
        for stored in found {
            let mut differences = refund_differences(expected, &stored.document);
            if !orders.iter().any(|order| order.id == stored.order) {
                differences.push(format!("it is booked on {}, another order's document", stored.order));
            }
            if !differences.is_empty() {
                let reason = format!("{}: {}", stored.id, differences.join("; "));
                self.mismatched.push(finding(reference, reason));
            }
        }
    }
}

/// Collects `what is X, must be Y`.
struct Differences(Vec<String>);

impl Differences {
    fn compare<T: PartialEq + fmt::Debug>(&mut self, what: &str, stored: T, expected: T) {
        if stored != expected {
            self.0.push(format!("{what} is {stored:?}, must be {expected:?}"));
        }
    }
}

/// The differences of an order's document; empty if it is as expected.
pub fn order_differences(expected: &Order, stored: &Order) -> Vec<String> {
    let mut all = Differences(vec![]);
    all.compare("state", stored.state, expected.state);
    all.compare("currency", &stored.currency, &expected.currency);
    all.compare("total", stored.total, expected.total);
    all.compare("tax", stored.tax, expected.tax);
    all.compare("taxIncluded", stored.tax_included, expected.tax_included);
    all.compare("shipping", stored.shipping, expected.shipping);
    all.compare("shippingTax", stored.shipping_tax, expected.shipping_tax);
    all.compare("tips", stored.tips, expected.tips);
    all.compare("duties", stored.duties, expected.duties);
    all.compare("rounding", stored.rounding, expected.rounding);
    all.compare("the number of lines", stored.lines.len(), expected.lines.len());
    for line in &expected.lines {
        let Some(found) = stored.lines.iter().find(|found| found.line == line.line) else {
            all.0.push(format!("line {} is missing", line.line));
            continue;
        };
        let name = |field: &str| format!("{field} of line {}", line.line);
        let sku = |sku: &Option<String>| sku.clone().filter(|sku| !sku.is_empty());
        all.compare(&name("sku"), sku(&found.sku), sku(&line.sku));
        all.compare(&name("quantity"), found.quantity, line.quantity);
        all.compare(&name("unitPrice"), found.unit_price, line.unit_price);
        all.compare(&name("discount"), found.discount, line.discount);
        all.compare(&name("tax"), found.tax, line.tax);
    }
    if expected.state != State::Cancelled {
        if expected.warehouse.is_some() {
            all.compare("warehouse", &stored.warehouse, &expected.warehouse);
        }
        if expected.business_date.is_some() {
            all.compare("businessDate", &stored.business_date, &expected.business_date);
        }
        if !expected.payments.is_empty() {
            all.compare("payments", &stored.payments, &expected.payments);
        }
    }
    let place = |order: &Order| {
        order.ship_to.clone().map(|place| (place.city, place.postcode, place.country)).unwrap_or_default()
    };
    all.compare("shipTo (city, postcode, country)", place(stored), place(expected));
    all.0
}

fn refund_differences(expected: &Refund, stored: &Refund) -> Vec<String> {
    let mut all = Differences(vec![]);
    all.compare("amount", stored.amount, expected.amount);
    if expected.warehouse.is_some() {
        all.compare("warehouse", &stored.warehouse, &expected.warehouse);
    }
    if stored.currency.is_some() {
        all.compare("currency", &stored.currency, &expected.currency);
    }
    all.compare("the number of lines", stored.lines.len(), expected.lines.len());
    for line in &expected.lines {
        let Some(found) = stored.lines.iter().find(|found| found.line == line.line) else {
            all.0.push(format!("line {} is missing", line.line));
            continue;
        };
        let name = |field: &str| format!("{field} of line {}", line.line);
        all.compare(&name("quantity"), found.quantity, line.quantity);
        let plain = |text: &str| text.replace(['-', '_'], "").to_lowercase();
        all.compare(&name("restockType"), plain(&found.restock_type), plain(&line.restock_type));
        all.compare(&name("subtotal"), found.subtotal.or(line.subtotal), line.subtotal);
        all.compare(&name("tax"), found.tax.or(line.tax), line.tax);
    }
    all.0
}

#[cfg(test)]
mod tests;
