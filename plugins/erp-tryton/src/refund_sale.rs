//! The sale of a refund: one with negative quantities, as Tryton's own "return sale" creates it. Returned goods become
//! a return shipment, and the money becomes a credit.
//!
//! The money belongs to the order's sale, wherever it was refunded; the goods belong to the warehouse of the location
//! that they were returned to.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;
use serde_json::{Map, Value, json};

use crate::erp::Erp;
use crate::lines::{self, Article, RequiredLine};
use crate::sale::{self, REVERSAL_FIELDS, Sale};
use crate::sale_line::{self, SaleLine};
use crate::sale_source::{Header, SaleSource};
use crate::value;

/// The fields that the refund's sale takes from the order's sale.
const COPIED_FIELDS: [&str; 7] =
    ["reference", "party", "invoice_address", "shipment_address", "payment_term", "warehouse", "company"];

/// A refund as the source of a sale.
pub struct RefundSale<'a> {
    entity: &'a Entity,
    pub refund: &'a Refund,
    /// The sale of the order.
    pub order_sale: Sale,
    /// The lines of the order's sale by the ids of the order's lines in the shop.
    sold_lines: BTreeMap<&'a str, SaleLine>,
}

impl<'a> RefundSale<'a> {
    /// Reads the sale of the refund's order. `None` when Tryton has no such sale.
    ///
    /// # Errors
    /// A request failed.
    pub fn read(work: &'a Work, refund: &'a Refund, erp: &Erp) -> Result<Option<Self>, http::Error> {
        let reference = work.parent_reference("sale");
        let stored_id = reference.and_then(|reference| reference.id.parse().ok());
        let id = match (stored_id, &work.event.parent) {
            (Some(id), _) => Some(id),
            (None, Some(order)) => sale::lookup(&order.to_string(), erp)?.first().map(|sale| sale.id),
            (None, None) => None,
        };
        let Some(id) = id else { return Ok(None) };
        let fields: Vec<&str> = REVERSAL_FIELDS
            .into_iter()
            .chain(COPIED_FIELDS)
            .chain(sale_line::FIELDS)
            .chain(["total_amount"])
            .collect();
        let order_sale = Sale::read(id, &fields, erp)?;
        let sold_line = |id: &str| {
            value::records(&order_sale.record, "lines")
                .find(|line| value::id(line).to_string() == id)
                .and_then(SaleLine::read)
        };
        let sold_lines = reference
            .iter()
            .flat_map(|reference| &reference.lines)
            .filter_map(|line| Some((line.line.as_str(), sold_line(&line.id)?)))
            .collect();
        Ok(Some(Self { entity: &work.event.entity, refund, order_sale, sold_lines }))
    }

    fn sold_line(&self, order_line: &str) -> Option<&SaleLine> {
        self.sold_lines.get(order_line)
    }

    /// The warehouse that the goods are returned to: of their location, else of the refund's store, else the one that
    /// they had left.
    fn warehouse(&self, erp: &Erp) -> Result<Value, Problem> {
        let default = self.order_sale.record.get("warehouse").cloned().unwrap_or_default();
        let has_goods = |line: &&RefundLine| {
            is_restocked(line) && self.sold_line(&line.line).is_some_and(|sold| sold.product.is_some())
        };
        let mut warehouse: Option<Value> = None;
        for line in self.refund.lines.iter().filter(has_goods) {
            let of_line = match line.location.as_deref().or(self.refund.store.as_deref()) {
                Some(location) => match erp.tables.warehouse(&self.entity.system, location, &erp.settings)? {
                    Some(id) => json!(id),
                    // Unmapped, and reported with the other unmapped values.
                    None => continue,
                },
                None => default.clone(),
            };
            match &warehouse {
                Some(other) if *other != of_line => {
                    let message = "the goods were returned to several warehouses, and Tryton's sale has one: \
                                   book it by hand";
                    return Err(Problem::new("several-warehouses", message).at("lines[].location"));
                }
                _ => warehouse = Some(of_line),
            }
        }
        Ok(warehouse.unwrap_or(default))
    }

    /// The difference between the refunded lines and the refunded money, tax included; negative refunds more money. A
    /// refund without lines, shipping, duties and adjustments has only its payments.
    fn adjustment(&self) -> Result<Decimal, Problem> {
        let refund = self.refund;
        if refund.lines.is_empty()
            && refund.shipping.is_empty()
            && refund.duties.is_empty()
            && refund.adjustments.is_empty()
        {
            let is_refunded = |payment: &&Payment| {
                payment.kind == PaymentKind::Refund && payment.outcome == PaymentResult::Success
            };
            let payments = refund.payments.iter().filter(is_refunded);
            return Ok(-money::shop_total(payments.map(|payment| &payment.amount))?);
        }
        money::shop_total(
            refund.adjustments.iter().flat_map(|adjustment| [&adjustment.amount, &adjustment.tax]),
        )
    }

    fn refunded_line(&self, line: &RefundLine, field: String, erp: &Erp) -> Result<RequiredLine, Problem> {
        let sold = self.sold_line(&line.line).ok_or_else(|| {
            let message = format!("sale {} has no line for the refunded order line", self.order_sale.name());
            Problem::new("unknown-line", message).at(format!("{field}.line"))
        })?;
        let quantity = money::decimal(&line.quantity)?;
        let (subtotal, tax) = (money::shop_total([&line.subtotal])?, money::shop_total([&line.tax])?);
        let net = net(subtotal, tax, quantity, Some(sold));
        let taxes = if tax.is_zero() { vec![] } else { sold.taxes.clone() };
        let source = Some(line.id.clone());
        match (is_restocked(line), sold.product, sold.unit) {
            (true, Some(product), Some(unit)) => Ok(RequiredLine {
                source,
                article: Article::Known { product, unit },
                quantity: -quantity,
                unit_price: net.checked_div(quantity).unwrap_or_default().round_dp(erp.settings.price_digits),
                taxes,
                field,
            }),
            // With the article on the line, Tryton would expect a return shipment.
            _ => {
                let service = erp.settings.services.refund.as_ref().ok_or_else(|| {
                    let name = "refunds of goods that are not returned";
                    lines::no_service_product(name, &format!("{field}.restock"))
                })?;
                let article = Article::service(service);
                Ok(RequiredLine { source, article, quantity: -Decimal::ONE, unit_price: net, taxes, field })
            }
        }
    }
}

impl SaleSource for RefundSale<'_> {
    fn web_id(&self) -> String {
        self.entity.to_string()
    }

    fn line_ids(&self) -> Vec<&str> {
        self.refund.lines.iter().map(|line| line.id.as_str()).collect()
    }

    fn total(&self, _: &Erp) -> Result<Decimal, Outcome> {
        let mut refunded = Decimal::ZERO;
        for line in &self.refund.lines {
            let (subtotal, tax) = (money::shop_total([&line.subtotal])?, money::shop_total([&line.tax])?);
            // `net` removes the tax from a subtotal that includes it.
            let quantity = money::decimal(&line.quantity)?;
            refunded += net(subtotal, tax, quantity, self.sold_line(&line.line)) + tax;
        }
        for line in &self.refund.shipping {
            let (subtotal, tax) = (money::shop_total([&line.subtotal])?, money::shop_total([&line.tax])?);
            refunded += net(subtotal, tax, Decimal::ONE, self.sold_line(&line.line)) + tax;
        }
        refunded += money::shop_total(&self.refund.duties)?;
        Ok(self.adjustment()? - refunded)
    }

    fn header(&self, erp: &Erp) -> Result<Header, Outcome> {
        let refund = self.refund;
        let mut fields: Map<String, Value> = COPIED_FIELDS
            .iter()
            .map(|field| ((*field).into(), self.order_sale.record.get(*field).cloned().into()))
            .collect();
        fields.insert("currency".into(), json!(erp.tables.currency(&refund.currency, &erp.settings)?));
        fields.insert("warehouse".into(), self.warehouse(erp)?);
        erp.tables.require_all_mapped()?;
        fields.insert("origin".into(), json!(format!("sale.sale,{}", self.order_sale.id)));
        fields.insert(
            "sale_date".into(),
            json!(value::date(refund.business_date.as_ref().unwrap_or(&refund.at))),
        );
        Ok(Header { fields, compare_addresses: false })
    }

    fn lines(&self, erp: &Erp) -> Result<Vec<RequiredLine>, Outcome> {
        let services = &erp.settings.services;
        let mut required = Vec::new();
        for (at, line) in self.refund.lines.iter().enumerate() {
            required.push(self.refunded_line(line, format!("lines[{at}]"), erp)?);
        }
        for (at, line) in self.refund.shipping.iter().enumerate() {
            let (subtotal, tax) = (money::shop_total([&line.subtotal])?, money::shop_total([&line.tax])?);
            let sold = self.sold_line(&line.line);
            required.push(RequiredLine {
                source: None,
                article: Article::service(&services.shipping),
                quantity: -Decimal::ONE,
                unit_price: net(subtotal, tax, Decimal::ONE, sold),
                taxes: sold.filter(|_| !tax.is_zero()).map(|line| line.taxes.clone()).unwrap_or_default(),
                field: format!("shipping[{at}]"),
            });
        }
        let duties = money::shop_total(&self.refund.duties)?;
        if !duties.is_zero() {
            let service =
                services.duty.as_ref().ok_or_else(|| lines::no_service_product("duties", "duties"))?;
            required.push(lines::service_line(service, -duties, "duties"));
        }
        let adjustment = self.adjustment()?;
        if !adjustment.is_zero() {
            required.push(lines::service_line(&services.adjustment, adjustment, "adjustments"));
        }
        Ok(required)
    }

    fn goods_changed_hands(&self) -> bool {
        // Returned in a store. Goods that are sent back are received by the warehouse.
        self.refund.store.is_some()
    }
}

/// Whether the goods of the line go back into stock.
fn is_restocked(line: &RefundLine) -> bool {
    matches!(line.restock, RestockKind::Return | RestockKind::Legacy)
}

/// The subtotal without tax. Sources report it with or without the tax that its price includes; the price at which
/// Tryton sold the line shows which.
fn net(subtotal: Decimal, tax: Decimal, quantity: Decimal, sold: Option<&SaleLine>) -> Decimal {
    let Some(sold) = sold else { return subtotal };
    let sold_for = sold.unit_price.saturating_mul(quantity);
    if (sold_for - subtotal).abs() <= (sold_for - (subtotal - tax)).abs() { subtotal } else { subtotal - tax }
}
