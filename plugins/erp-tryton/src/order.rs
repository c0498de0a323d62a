//! An order as a sale.

use crossdock_sdk::prelude::*;
use serde_json::{Map, Value, json};

use crate::lines::{self, Wanted};
use crate::steps::{Deed, Header};
use crate::{Erp, customer, value};

/// The order of a piece of work.
pub struct Booking<'a> {
    pub entity: &'a Entity,
    pub order: &'a Order,
}

impl Deed for Booking<'_> {
    fn web_id(&self) -> String {
        self.entity.to_string()
    }

    fn sources(&self) -> Vec<&str> {
        let lines = self.order.lines.iter().map(|line| line.id.as_str());
        lines.chain(self.order.shipping.iter().map(|line| line.id.as_str())).collect()
    }

    fn total(&self, _: &Erp) -> Result<Decimal, Outcome> {
        Ok(owed(self.order)?)
    }

    fn header(&self, erp: &Erp) -> Result<Header, Outcome> {
        let order = self.order;
        let currency = erp.tables.currency(&order.currency, &erp.settings)?;
        let warehouse = match &order.store {
            Some(store) => erp.tables.warehouse(&self.entity.system, store, &erp.settings)?,
            None => erp.settings.warehouse,
        };
        // Nothing is made in Tryton for an order that has to wait.
        erp.tables.complete()?;
        let customer = customer::ensure(order, erp)?;
        let mut header = Map::new();
        let mut set = |field: &str, value: Value| header.insert(field.into(), value);
        set("company", json!(erp.settings.company));
        set("currency", json!(currency));
        set("party", json!(customer.party));
        set("invoice_address", json!(customer.invoice_address));
        set("shipment_address", json!(customer.shipment_address));
        set("payment_term", json!(erp.settings.payment_term));
        set("warehouse", json!(warehouse));
        set("reference", json!(order.number));
        set("sale_date", json!(value::day(order.business_date.as_ref().unwrap_or(&order.placed_at))));
        if let Some(note) = order.personal.as_ref().and_then(|personal| personal.note.as_ref()) {
            set("comment", json!(note));
        }
        // Somebody whose data was erased did not move.
        Ok((header, order.personal.is_some()))
    }

    fn handed_over(&self) -> bool {
        // Taken in a store, and nothing of it travels: because it cannot, or because it is out of the shop already.
        // A till that books into a shop (Shopify's) says of the article that it can be sent, not that it was.
        let order = self.order;
        let sent = order.lines.iter().any(|line| line.ships);
        order.store.is_some()
            && order.shipping.is_empty()
            && (!sent || order.fulfilment == FulfilmentState::Fulfilled)
    }

    fn lines(&self, erp: &Erp) -> Result<Vec<Wanted>, Outcome> {
        Ok(lines::of_order(self.order, erp)?)
    }
}

/// What the order comes to with everything that is booked of it. Sources differ in whether the rounding of cash is
/// in their total or beside it, and the parts tell which: booked it is, so that the sale is what was paid.
fn owed(order: &Order) -> Result<Decimal, Problem> {
    let total = money::decimal(&order.totals.total.shop.amount)?;
    let rounding = money::booked(&order.totals.cash_rounding)?;
    if rounding.is_zero() {
        return Ok(total);
    }
    let off = |discounts: &[DiscountAllocation]| money::booked(discounts.iter().map(|one| &one.amount));
    let (mut parts, mut tips) = (money::booked(order.added_duties())?, Decimal::ZERO);
    for line in &order.lines {
        let gross = money::booked([&line.unit_price])?.saturating_mul(money::decimal(&line.quantity)?);
        let net = gross - off(&line.discounts)?;
        parts += net;
        if line.kind == LineKind::Tip {
            tips += net;
        }
    }
    for line in &order.shipping {
        parts += money::booked([&line.price])? - off(&line.discounts)?;
    }
    if !order.prices_include_tax {
        parts += money::booked([&order.totals.tax])?;
    }
    // A tip that is a line is among the lines already.
    if let Some(all) = &order.totals.tips {
        parts += money::booked([all])? - tips;
    }
    Ok(if parts == total { total + rounding } else { total })
}
