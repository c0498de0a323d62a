//! Books refunds: as a sale with negative quantities, or, when nothing had left yet, as the cancellation of the
//! order's sale.

use crossdock_sdk::prelude::*;

use crate::booking;
use crate::cancel;
use crate::erp::Erp;
use crate::progress;
use crate::refund_sale::RefundSale;
use crate::sale::{self, State};
use crate::sale_source::SaleSource;
use crate::value;

/// Books a refund, or does the next step.
///
/// # Errors
/// The outcome that ends it early.
pub fn book(work: &Work, refund: &Refund, erp: &Erp) -> Result<Outcome, Outcome> {
    let Some(source) = RefundSale::read(work, refund, erp)? else {
        return match &work.event.parent {
            Some(order) => Ok(Outcome::NotYet(order.clone())),
            None => Err(Problem::new("no-order", "the refund has no order").at("parent").into()),
        };
    };
    if work.resume.is_none() && work.references.is_empty() {
        let sale = &source.order_sale;
        if sale.state == State::Cancelled || sale.is_reversed() {
            return Ok(Outcome::Ignored(format!(
                "sale {} was cancelled before anything was invoiced: there is nothing to refund in the books",
                sale.name()
            )));
        }
        if let Some(outcome) = cancel_order_sale(&source, erp)? {
            return Ok(outcome);
        }
        if source.lines(erp)?.is_empty() {
            return Ok(Outcome::Ignored("the refund has no lines and no amounts".into()));
        }
    }
    booking::book(work, &source, erp)
}

/// Searches for a refund whose delivery has an unknown outcome.
///
/// # Errors
/// A request failed.
pub fn find(work: &Work, refund: &Refund, erp: &Erp) -> Result<Found, Found> {
    let mut sales = sale::lookup(&work.event.entity.to_string(), erp)?;
    let Some(source) = RefundSale::read(work, refund, erp)? else { return Ok(Found::Absent) };
    match (sales.pop(), sales.is_empty()) {
        (Some(sale), true) => Ok(progress::found(&sale, &source)),
        (Some(sale), false) => {
            sales.push(sale);
            Ok(Found::Duplicated(sales.iter().map(|sale| sale.reference(&[])).collect()))
        }
        // The refund of a whole order that had not left was booked as the cancellation of its sale.
        (None, _) if source.order_sale.is_reversed() => Ok(Found::Present(cancellation_receipt(&source))),
        (None, _) => Ok(Found::Absent),
    }
}

/// Cancels the order's sale when the refund is of goods that never left: they are not returned. A refund of a part of
/// the order is for a person. `None` when the goods have left, or the refund is not of such goods.
fn cancel_order_sale(source: &RefundSale, erp: &Erp) -> Result<Option<Outcome>, Outcome> {
    let sale = &source.order_sale;
    let never_left = source.refund.lines.iter().any(|line| line.restock == RestockKind::Cancel);
    if !never_left || value::text(&sale.record, "shipment_state") == Some("sent") {
        return Ok(None);
    }
    if source.total(erp)? + sale.total == Decimal::ZERO {
        return match cancel::cancel_sale(sale.id, erp)? {
            Outcome::Posted(_) | Outcome::AlreadyThere(_) => {
                Ok(Some(Outcome::Posted(cancellation_receipt(source))))
            }
            other => Ok(Some(other)),
        };
    }
    let message = format!(
        "a part of sale {} was cancelled before it left: reduce the shipment and credit the part in Tryton by hand",
        sale.name()
    );
    Err(Problem::new("partly-cancelled", message).at("lines[].restock").into())
}

fn cancellation_receipt(source: &RefundSale) -> Receipt {
    let note = Some("nothing had left, so the whole sale was cancelled".into());
    Receipt { note, ..Receipt::of(source.order_sale.reference(&[])) }
}
