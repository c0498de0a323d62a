//! The sale of an order.

use crossdock_sdk::prelude::*;
use serde_json::{Map, Value, json};

use crate::erp::Erp;
use crate::lines::{self, RequiredLine};
use crate::sale_source::{Header, SaleSource};
use crate::{booking, completion, customer, progress, sale, value};

/// Books an order, or does the next step.
///
/// # Errors
/// The outcome that ends it early.
pub fn book(work: &Work, order: &Order, erp: &Erp) -> Result<Outcome, Outcome> {
    if order.test {
        return Ok(Outcome::Ignored("a test order is not booked".into()));
    }
    booking::book(work, &OrderSale { entity: &work.event.entity, order }, erp)
}

/// Searches for an order whose delivery has an unknown outcome. A new order is present when its sale exists. A change
/// is present when the sale matches the order; delivering a change again is safe, so everything else is `absent`.
///
/// # Errors
/// A request failed.
pub fn find(work: &Work, change: &OrderChange, erp: &Erp) -> Result<Found, Found> {
    let source = OrderSale { entity: &work.event.entity, order: &change.order };
    let sales = sale::lookup(&source.web_id(), erp)?;
    match sales.as_slice() {
        [] => Ok(Found::Absent),
        [sale] if change.operation == OrderOperation::Placed => Ok(progress::found(sale, &source)),
        [sale] => match booking::is_up_to_date(sale, &source, erp) {
            Ok(true) if source.goods_changed_hands() && completion::has_open_shipments(sale.id, erp)? => {
                Ok(progress::found(sale, &source))
            }
            Ok(true) => Ok(Found::Present(progress::receipt(sale, &source))),
            // An error prevents the repeated delivery as well, which then reports it.
            Ok(false) | Err(_) => Ok(Found::Absent),
        },
        several => Ok(Found::Duplicated(several.iter().map(|sale| sale.reference(&[])).collect())),
    }
}

/// An order as the source of a sale.
pub struct OrderSale<'a> {
    pub entity: &'a Entity,
    pub order: &'a Order,
}

impl SaleSource for OrderSale<'_> {
    fn web_id(&self) -> String {
        self.entity.to_string()
    }

    fn line_ids(&self) -> Vec<&str> {
        let lines = self.order.lines.iter().map(|line| line.id.as_str());
        lines.chain(self.order.shipping.iter().map(|line| line.id.as_str())).collect()
    }

    fn total(&self, _: &Erp) -> Result<Decimal, Outcome> {
        Ok(total_with_rounding(self.order)?)
    }

    fn header(&self, erp: &Erp) -> Result<Header, Outcome> {
        let order = self.order;
        let currency = erp.tables.currency(&order.currency, &erp.settings)?;
        let warehouse = match &order.store {
            Some(store) => erp.tables.warehouse(&self.entity.system, store, &erp.settings)?,
            None => erp.settings.warehouse,
        };
        // No party or address is created for an order that has unmapped values.
        erp.tables.require_all_mapped()?;
        let customer = customer::find_or_create(order, erp)?;
        let mut fields = Map::new();
        let mut set = |field: &str, value: Value| fields.insert(field.into(), value);
        set("company", json!(erp.settings.company));
        set("currency", json!(currency));
        set("party", json!(customer.party));
        set("invoice_address", json!(customer.invoice_address));
        set("shipment_address", json!(customer.shipment_address));
        set("payment_term", json!(erp.settings.payment_term));
        set("warehouse", json!(warehouse));
        set("reference", json!(order.number));
        set("sale_date", json!(value::date(order.business_date.as_ref().unwrap_or(&order.placed_at))));
        if let Some(note) = order.personal.as_ref().and_then(|personal| personal.note.as_ref()) {
            set("comment", json!(note));
        }
        // An order whose personal data was erased has no addresses to compare.
        Ok(Header { fields, compare_addresses: order.personal.is_some() })
    }

    fn lines(&self, erp: &Erp) -> Result<Vec<RequiredLine>, Outcome> {
        Ok(lines::of_order(self.order, erp)?)
    }

    fn goods_changed_hands(&self) -> bool {
        // An order of a store without shipping, of which no line is shippable or all of it is fulfilled. A till that
        // books into a shop (Shopify's) reports `ships` of an article that can be shipped, whether or not it was.
        let order = self.order;
        let is_shippable = order.lines.iter().any(|line| line.ships);
        order.store.is_some()
            && order.shipping.is_empty()
            && (!is_shippable || order.fulfilment == FulfilmentState::Fulfilled)
    }
}

/// The order's total, cash rounding included. Sources report the total with or without the rounding; the sum of the
/// parts shows which. The sale includes the rounding either way, so that its total is what was paid.
fn total_with_rounding(order: &Order) -> Result<Decimal, Problem> {
    let total = money::decimal(&order.totals.total.shop.amount)?;
    let rounding = money::shop_total(&order.totals.cash_rounding)?;
    if rounding.is_zero() {
        return Ok(total);
    }
    let discount = |discounts: &[DiscountAllocation]| {
        money::shop_total(discounts.iter().map(|discount| &discount.amount))
    };
    let (mut parts, mut tips) = (money::shop_total(order.added_duties())?, Decimal::ZERO);
    for line in &order.lines {
        let gross = money::shop_total([&line.unit_price])?.saturating_mul(money::decimal(&line.quantity)?);
        let net = gross - discount(&line.discounts)?;
        parts += net;
        if line.kind == LineKind::Tip {
            tips += net;
        }
    }
    for line in &order.shipping {
        parts += money::shop_total([&line.price])? - discount(&line.discounts)?;
    }
    if !order.prices_include_tax {
        parts += money::shop_total([&order.totals.tax])?;
    }
    // Tips that are lines were added with the lines.
    if let Some(all) = &order.totals.tips {
        parts += money::shop_total([all])? - tips;
    }
    Ok(if parts == total { total + rounding } else { total })
}
