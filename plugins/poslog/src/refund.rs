//! Returns as refunds, with stock adjustments where the refund has no line for the goods.
//!
//! A return that names its sale and the line of it is a refund of that order. Where the till names no line, or no sale
//! at all, the refunded line is unknown: then the amount is an adjustment of the refund, and the restocked goods are
//! `inventory.adjusted` events caused by it. A refund without a sale has no parent: it belongs to the books of the store
//! that issued it.

use crossdock_sdk::prelude::*;

use crate::allocation::allocate;
use crate::amount::price;
use crate::basket::Basket;
use crate::header::Header;
use crate::interpretation::Interpretation;
use crate::line_item::LineItem;
use crate::payments::Payments;

/// The returned lines of one sale, or those without a sale.
struct SaleReturn<'b, 'a> {
    sale: Option<&'b str>,
    items: Vec<&'b LineItem<'a>>,
    /// Their total.
    total: Decimal,
}

/// The content of one refund that does not come from its lines.
struct RefundParts {
    id: String,
    payments: Vec<Payment>,
    /// Amounts that apply to the whole refund, by reason.
    adjustments: [(&'static str, Decimal); 2],
}

/// `refund.issued` for each sale with returned goods, and `inventory.adjusted` for restocked goods without a refund line.
pub(crate) fn events(
    header: &Header<'_>,
    basket: &Basket<'_>,
    interpretation: &Interpretation,
    mut payments: Payments,
) -> Result<Vec<Event>, Problem> {
    let returns = returns_by_sale(basket, interpretation);
    let totals: Vec<Decimal> = returns.iter().map(|returned| returned.total).collect();
    // Discounts and taxes of the whole transaction belong to the returns when it has no sales.
    let transaction_part = interpretation.return_total - totals.iter().sum::<Decimal>();
    let shares = allocate(transaction_part, &totals, money::exponent(&basket.currency));
    let repaid = payments.repaid();
    let (is_single, last) = (returns.len() == 1, returns.len().saturating_sub(1));
    let difference = interpretation.return_total - repaid;
    let is_rounded = is_single && !basket.rounding.is_zero() && difference.abs() == basket.rounding.abs();
    let rounding = if is_rounded { difference } else { Decimal::ZERO };
    let mut events = Vec::new();
    for (at, (returned, share)) in returns.iter().zip(shares).enumerate() {
        let id = if is_single { header.key.clone() } else { format!("{}/{}", header.key, at + 1) };
        let due = (at < last).then_some(returned.total + share - rounding);
        let payments = payments.take_repayments(due, &basket.currency)?;
        let adjustments = [("WHOLE_RECEIPT", -share), ("CASH_ROUNDING", rounding)];
        let parts = RefundParts { id, payments, adjustments };
        returned.append_events(header, &basket.currency, interpretation, parts, &mut events)?;
    }
    Ok(events)
}

fn returns_by_sale<'b, 'a>(
    basket: &'b Basket<'a>,
    interpretation: &Interpretation,
) -> Vec<SaleReturn<'b, 'a>> {
    let mut returns: Vec<SaleReturn<'_, '_>> = Vec::new();
    for item in basket.returned() {
        let sale = item.link.as_ref().map(|link| link.sale.as_str());
        let total = interpretation.gross(item);
        match returns.iter_mut().find(|returned| returned.sale == sale) {
            Some(returned) => {
                returned.items.push(item);
                returned.total += total;
            }
            None => returns.push(SaleReturn { sale, items: vec![item], total }),
        }
    }
    returns
}

impl SaleReturn<'_, '_> {
    fn append_events(
        &self,
        header: &Header<'_>,
        currency: &str,
        interpretation: &Interpretation,
        parts: RefundParts,
        events: &mut Vec<Event>,
    ) -> Result<(), Problem> {
        let money = |amount: Decimal| price(amount, currency);
        let (mut lines, mut adjustments) = (Vec::new(), Vec::new());
        let mut restocked: Vec<(&str, Decimal)> = Vec::new();
        for item in &self.items {
            let line = item.link.as_ref().and_then(|link| link.line.clone());
            let (net, tax) = (interpretation.discounted(item), item.tax());
            let Some(line) = line else {
                let reason = if self.sale.is_some() { "RETURN_WITHOUT_LINE" } else { "RETURN_WITHOUT_SALE" };
                adjustments.push(RefundAdjustment {
                    id: item.id.clone(),
                    reason: reason.into(),
                    amount: money(-net),
                    tax: money(-tax),
                });
                if let Some(sku) = item.sku.filter(|_| item.restocked) {
                    match restocked.iter_mut().find(|(other, _)| *other == sku) {
                        Some((_, quantity)) => *quantity += item.quantity,
                        None => restocked.push((sku, item.quantity)),
                    }
                }
                continue;
            };
            lines.push(RefundLine {
                id: item.id.clone(),
                line,
                quantity: item.quantity.normalize().to_string(),
                restock: if item.restocked { RestockKind::Return } else { RestockKind::NoRestock },
                location: item.restocked.then(|| header.store.to_owned()),
                subtotal: money(net),
                tax: money(tax),
            });
        }
        for (reason, amount) in parts.adjustments.into_iter().filter(|(_, amount)| !amount.is_zero()) {
            adjustments.push(RefundAdjustment {
                id: reason.to_ascii_lowercase(),
                reason: reason.into(),
                amount: money(amount),
                tax: money(Decimal::ZERO),
            });
        }
        let at = header.time()?;
        let refund = header.settings.entity(EntityKind::Refund, parts.id);
        events.push(Event {
            entity: refund.clone(),
            parent: self.sale.map(|sale| header.order(sale)),
            version: None,
            occurred_at: at.clone(),
            fact: Fact::RefundIssued(Refund {
                at: at.clone(),
                processed_at: None,
                business_date: Some(header.date.clone()),
                store: Some(header.store.to_owned()),
                currency: currency.to_owned(),
                lines,
                adjustments,
                shipping: vec![],
                duties: vec![],
                taxes: vec![],
                payments: parts.payments,
                return_id: None,
                personal: None,
                extensions: None,
            }),
        });
        events.extend(
            restocked.into_iter().map(|(sku, quantity)| restock_event(header, sku, quantity, &refund, &at)),
        );
        Ok(())
    }
}

fn restock_event(header: &Header<'_>, sku: &str, quantity: Decimal, refund: &Entity, at: &str) -> Event {
    Event {
        entity: header.settings.entity(EntityKind::Stock, format!("{}/{sku}", header.store)),
        parent: None,
        version: None,
        occurred_at: at.to_owned(),
        fact: Fact::InventoryAdjusted(Adjustment {
            sku: sku.to_owned(),
            location: header.store.to_owned(),
            delta: quantity.normalize().to_string(),
            reason: AdjustmentReason::Return,
            cause: Some(refund.clone()),
            at: at.to_owned(),
            note: None,
        }),
    }
}
