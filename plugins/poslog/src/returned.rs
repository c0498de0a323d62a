//! Goods brought back: money given back, and what becomes of the goods.
//!
//! A return that names its sale and the line in it is a refund of that order. Where the till does not know the
//! line, or not even the sale, nobody can say which line of which order was refunded: then the money is an
//! adjustment of the refund, and the goods that went on the shelf are told as a change of stock, caused by it.
//! A refund without a sale has no parent: it stands alone, in the books of the store that gave it.

use std::collections::VecDeque;

use crossdock_sdk::prelude::*;

use crate::basket::Basket;
use crate::goods::Goods;
use crate::reading::Reading;
use crate::sale::price;
use crate::share::share;
use crate::tender::Moved;
use crate::transaction::Head;

/// The goods of one sale that were brought back, or of none that is known.
struct Group<'b, 'a> {
    sale: Option<&'b str>,
    goods: Vec<&'b Goods<'a>>,
    /// What they come to.
    total: Decimal,
}

/// `refund.issued` for each sale that goods were brought back of, and `inventory.adjusted` for goods that no
/// refund names by its lines.
pub(crate) fn events(
    head: &Head<'_>,
    basket: &Basket<'_>,
    reading: &Reading,
    mut moved: Moved,
) -> Result<Vec<Event>, Problem> {
    let mut groups: Vec<Group<'_, '_>> = Vec::new();
    for goods in basket.returned() {
        let sale = goods.link.as_ref().map(|link| link.sale.as_str());
        let total = reading.net(goods) + if reading.included { Decimal::ZERO } else { goods.tax() };
        match groups.iter_mut().find(|group| group.sale == sale) {
            Some(group) => {
                group.goods.push(goods);
                group.total += total;
            }
            None => groups.push(Group { sale, goods: vec![goods], total }),
        }
    }
    let totals: Vec<Decimal> = groups.iter().map(|group| group.total).collect();
    // What the receipt says of the whole is of the returns when there is nothing else on it.
    let whole = reading.back - totals.iter().sum::<Decimal>();
    let wholes = share(whole, &totals, money::exponent(&basket.currency));
    let paid: Decimal =
        moved.back.iter().filter_map(|payment| money::decimal(&payment.amount.shop.amount).ok()).sum();
    let (alone, last) = (groups.len() == 1, groups.len().saturating_sub(1));
    let rounded = alone && !basket.rounding.is_zero() && (paid - reading.back).abs() == basket.rounding.abs();
    let mut events = Vec::new();
    for (at, (group, whole)) in groups.iter().zip(wholes).enumerate() {
        let id = if alone { head.key.clone() } else { format!("{}/{}", head.key, at + 1) };
        let rounding = if rounded { reading.back - paid } else { Decimal::ZERO };
        let wanted = (at < last).then_some(group.total + whole - rounding);
        let payments = draw(&mut moved.back, wanted, &basket.currency)?;
        let gaps = [("WHOLE_RECEIPT", -whole), ("CASH_ROUNDING", rounding)];
        group.tell(head, basket, reading, id, payments, gaps, &mut events)?;
    }
    Ok(events)
}

impl Group<'_, '_> {
    #[allow(clippy::too_many_arguments)]
    fn tell(
        &self,
        head: &Head<'_>,
        basket: &Basket<'_>,
        reading: &Reading,
        id: String,
        payments: Vec<Payment>,
        gaps: [(&str, Decimal); 2],
        events: &mut Vec<Event>,
    ) -> Result<(), Problem> {
        let currency = basket.currency.as_str();
        let money = |amount: Decimal| price(amount, currency);
        let (mut lines, mut adjustments) = (Vec::new(), Vec::new());
        let mut shelved: Vec<(&str, Decimal)> = Vec::new();
        for goods in &self.goods {
            let line = goods.link.as_ref().and_then(|link| link.line.clone());
            let (net, tax) = (reading.net(goods), goods.tax());
            let Some(line) = line else {
                let reason = if self.sale.is_some() { "RETURN_WITHOUT_LINE" } else { "RETURN_WITHOUT_SALE" };
                adjustments.push(RefundAdjustment {
                    id: goods.id.clone(),
                    reason: reason.into(),
                    amount: money(-net),
                    tax: money(-tax),
                });
                if let Some(sku) = goods.sku.filter(|_| goods.restocked) {
                    match shelved.iter_mut().find(|(known, _)| *known == sku) {
                        Some((_, quantity)) => *quantity += goods.quantity,
                        None => shelved.push((sku, goods.quantity)),
                    }
                }
                continue;
            };
            lines.push(RefundLine {
                id: goods.id.clone(),
                line,
                quantity: goods.quantity.normalize().to_string(),
                restock: if goods.restocked { RestockKind::Return } else { RestockKind::NoRestock },
                location: goods.restocked.then(|| head.store.to_owned()),
                subtotal: money(net),
                tax: money(tax),
            });
        }
        for (reason, amount) in gaps.into_iter().filter(|(_, amount)| !amount.is_zero()) {
            let id = reason.to_ascii_lowercase();
            adjustments.push(RefundAdjustment {
                id,
                reason: reason.into(),
                amount: money(amount),
                tax: money(Decimal::ZERO),
            });
        }
        let at = head.at()?;
        let refund = head.settings.entity(EntityKind::Refund, id);
        events.push(Event {
            entity: refund.clone(),
            parent: self.sale.map(|sale| head.order(sale)),
            version: None,
            occurred_at: at.clone(),
            fact: Fact::RefundIssued(Refund {
                at: at.clone(),
                processed_at: None,
                business_date: Some(head.date.clone()),
                store: Some(head.store.to_owned()),
                currency: currency.to_owned(),
                lines,
                adjustments,
                shipping: vec![],
                duties: vec![],
                taxes: vec![],
                payments,
                return_id: None,
                personal: None,
                extensions: None,
            }),
        });
        events.extend(shelved.into_iter().map(|(sku, quantity)| Event {
            entity: head.settings.entity(EntityKind::Stock, format!("{}/{sku}", head.store)),
            parent: None,
            version: None,
            occurred_at: at.clone(),
            fact: Fact::InventoryAdjusted(Adjustment {
                sku: sku.to_owned(),
                location: head.store.to_owned(),
                delta: quantity.normalize().to_string(),
                reason: AdjustmentReason::Return,
                cause: Some(refund.clone()),
                at: at.clone(),
                note: None,
            }),
        }));
        Ok(())
    }
}

/// So much of what was paid back; all that is left where no amount is wanted. A payment that is too large is
/// taken in part.
fn draw(
    back: &mut VecDeque<Payment>,
    wanted: Option<Decimal>,
    currency: &str,
) -> Result<Vec<Payment>, Problem> {
    let Some(mut wanted) = wanted else { return Ok(back.drain(..).collect()) };
    let mut drawn = Vec::new();
    while wanted > Decimal::ZERO
        && let Some(mut payment) = back.pop_front()
    {
        let amount = money::decimal(&payment.amount.shop.amount)?;
        if amount > wanted {
            let rest = Payment {
                id: format!("{}/rest", payment.id),
                amount: price(amount - wanted, currency),
                ..payment.clone()
            };
            payment.amount = price(wanted, currency);
            back.push_front(rest);
        }
        wanted -= amount.min(wanted);
        drawn.push(payment);
    }
    Ok(drawn)
}
