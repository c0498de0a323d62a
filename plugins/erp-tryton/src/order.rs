//! An order as a sale.

use crossdock_sdk::prelude::*;
use serde_json::{Map, Value, json};

use crate::lines::{self, Wanted};
use crate::steps::Deed;
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
        Ok(money::decimal(&self.order.totals.total.shop.amount)?)
    }

    fn header(&self, erp: &Erp) -> Result<(Map<String, Value>, bool), Outcome> {
        let order = self.order;
        let customer = customer::ensure(order, erp)?;
        let mut header = Map::new();
        let mut set = |field: &str, value: Value| header.insert(field.into(), value);
        set("company", json!(erp.settings.company));
        set("currency", json!(erp.settings.currency(&order.currency)?));
        set("party", json!(customer.party));
        set("invoice_address", json!(customer.invoice_address));
        set("shipment_address", json!(customer.shipment_address));
        set("payment_term", json!(erp.settings.payment_term));
        set("warehouse", json!(erp.settings.warehouse(order.store.as_deref())));
        set("reference", json!(order.number));
        set("sale_date", json!(value::day(order.business_date.as_ref().unwrap_or(&order.placed_at))));
        if let Some(note) = order.personal.as_ref().and_then(|personal| personal.note.as_ref()) {
            set("comment", json!(note));
        }
        // Somebody whose data was erased did not move.
        Ok((header, order.personal.is_some()))
    }

    fn handed_over(&self) -> bool {
        // Taken in a store, and nothing of it travels.
        self.order.store.is_some()
            && self.order.shipping.is_empty()
            && !self.order.lines.iter().any(|line| line.ships)
    }

    fn lines(&self, erp: &Erp) -> Result<Vec<Wanted>, Outcome> {
        Ok(lines::of_order(self.order, &erp.settings)?)
    }
}
