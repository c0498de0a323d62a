//! Checks a refund: its shape, and whether the refunded amount matches its parts.
//!
//! Only complete refunds are compared. Legal and not compared are: no lines (goodwill), no payment yet, a pending
//! or failed payment, cash (rounded at the till), and a refund that settles a return, whose exchanged goods are
//! reported elsewhere.

use super::exact::Exact;
use super::finding::code;
use super::inspector::{Currencies, Inspector, Path};
use super::order::{payment, sum};
use crate::order::{PaymentResult, TenderKind};
use crate::refund::Refund;

pub(super) fn check(inspector: &mut Inspector, refund: &Refund, path: &Path<'_>) {
    inspector.instant(&refund.at, &path.field("at"));
    inspector.instants([(&refund.processed_at, "processedAt")], path);
    inspector.date(refund.business_date.as_deref(), &path.field("businessDate"));
    inspector.currency(&refund.currency, &path.field("currency"));
    inspector.object(refund.extensions.as_deref(), path);
    inspector.distinct(refund.lines.iter().map(|line| line.id.as_str()), &path.field("lines"));
    let currencies = Currencies { shop: &refund.currency, presentment: None };
    for (at, one) in refund.payments.iter().enumerate() {
        payment(inspector, one, currencies, &path.item("payments", at));
    }
    for (at, tax) in refund.taxes.iter().enumerate() {
        inspector.optional(tax.rate.as_deref(), &path.item("taxes", at).field("rate"));
        inspector.price(&tax.amount, currencies, &path.item("taxes", at).field("amount"));
    }

    // Amounts without tax, and their taxes.
    let (mut goods, mut goods_tax) = (Some(Exact::ZERO), Some(Exact::ZERO));
    for (at, line) in refund.lines.iter().enumerate() {
        let path = path.item("lines", at);
        inspector.id(&line.id, &path.field("id"));
        inspector.id(&line.line, &path.field("line"));
        inspector.positive(&line.quantity, &path.field("quantity"));
        goods = sum(goods, inspector.not_negative(&line.subtotal, currencies, &path.field("subtotal")));
        goods_tax = sum(goods_tax, inspector.not_negative(&line.tax, currencies, &path.field("tax")));
    }
    for (at, line) in refund.shipping.iter().enumerate() {
        let path = path.item("shipping", at);
        goods = sum(goods, inspector.not_negative(&line.subtotal, currencies, &path.field("subtotal")));
        goods_tax = sum(goods_tax, inspector.not_negative(&line.tax, currencies, &path.field("tax")));
    }
    let (mut gap, mut gap_tax) = (Some(Exact::ZERO), Some(Exact::ZERO));
    for (at, one) in refund.adjustments.iter().enumerate() {
        let path = path.item("adjustments", at);
        let amount = inspector.price(&one.amount, currencies, &path.field("amount"));
        let tax = inspector.price(&one.tax, currencies, &path.field("tax"));
        // Some sources report refunded shipping twice: as shipping and as an adjustment.
        if refund.shipping.is_empty() || !one.reason.to_ascii_lowercase().contains("shipping") {
            gap = sum(gap, amount);
            gap_tax = sum(gap_tax, tax);
        }
    }
    let mut duties = Some(Exact::ZERO);
    for (at, duty) in refund.duties.iter().enumerate() {
        duties = sum(duties, inspector.price(duty, currencies, &path.item("duties", at)));
    }
    if !complete(refund) {
        return;
    }
    let paid = refund
        .payments
        .iter()
        .try_fold(Exact::ZERO, |all, one| all.plus(Exact::parse(&one.amount.shop.amount)?));
    let (Some(goods), Some(goods_tax), Some(gap), Some(gap_tax), Some(duties), Some(paid)) =
        (goods, goods_tax, gap, gap_tax, duties, paid)
    else {
        return;
    };
    // A refund does not say whether its prices contain the tax: either reading may match. Adjustments have the
    // sign of what they deduct.
    let readings = |amount: Exact, tax: Exact| [Some(amount), amount.plus(tax)];
    let explained = readings(goods, goods_tax).into_iter().flatten().any(|goods| {
        readings(gap, gap_tax).into_iter().flatten().any(|gap| {
            let without = goods.minus(gap);
            let with = without.and_then(|sum| sum.plus(duties));
            without.is_some_and(|sum| sum == paid) || with.is_some_and(|sum| sum == paid)
        })
    });
    if !explained {
        inspector.report(code::REFUND_DOES_NOT_BALANCE, &path.field("payments"), || {
            let currency = &refund.currency;
            format!(
                "{paid} {currency} were refunded, but lines and shipping make {goods} and {goods_tax} of tax, and \
                 adjustments deduct {gap}"
            )
        });
    }
}

/// True when the refund has everything that is compared.
fn complete(refund: &Refund) -> bool {
    let explains = !(refund.lines.is_empty() && refund.shipping.is_empty() && refund.adjustments.is_empty());
    explains
        && refund.return_id.is_none()
        && !refund.payments.is_empty()
        && refund
            .payments
            .iter()
            .all(|one| one.outcome == PaymentResult::Success && one.tender != TenderKind::Cash)
}
