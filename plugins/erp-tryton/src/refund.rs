//! A refund as a sale with negative quantities: what Tryton's own "return sale" makes. Goods that come back
//! become a return shipment for the warehouse to receive, and the money becomes a credit. The money belongs to the
//! order's sale, wherever it was given back; the goods belong to where they are now.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;
use serde_json::{Map, Value, json};

use crate::Erp;
use crate::cancel;
use crate::lines::{self, Article, SaleLine, Wanted};
use crate::sale::{self, Sale, State};
use crate::steps::{self, Deed, Header};
use crate::value;

const HEADER: [&str; 7] =
    ["reference", "party", "invoice_address", "shipment_address", "payment_term", "warehouse", "company"];

/// A refund, and the sale of the order it belongs to.
pub struct Return<'a> {
    entity: &'a Entity,
    refund: &'a Refund,
    sale: Sale,
    /// The sale's lines by the ids that the order's lines have in the shop.
    bought: BTreeMap<&'a str, SaleLine>,
}

/// Books a refund, or does its next step.
///
/// # Errors
/// The outcome that ends it early.
pub fn book(work: &Work, refund: &Refund, erp: &Erp) -> Result<Outcome, Outcome> {
    let Some(deed) = Return::new(work, refund, erp)? else {
        return match &work.event.parent {
            Some(order) => Ok(Outcome::NotYet(order.clone())),
            None => Err(Problem::new("no-order", "the refund names no order").at("parent").into()),
        };
    };
    if work.resume.is_none() && work.references.is_empty() {
        if deed.sale.state == State::Cancelled || cancel::taken_back(&deed.sale) {
            return Ok(Outcome::Ignored(format!(
                "sale {} was cancelled before anything was invoiced: there is nothing to give back in the books",
                deed.sale.name()
            )));
        }
        if let Some(outcome) = deed.cancels(erp)? {
            return Ok(outcome);
        }
        if deed.lines(erp)?.is_empty() {
            return Ok(Outcome::Ignored("the refund gives nothing back".into()));
        }
    }
    steps::book(work, &deed, erp)
}

/// What a search says about a refund whose outcome is unknown.
///
/// # Errors
/// Tryton could not be asked.
pub fn find(work: &Work, refund: &Refund, erp: &Erp) -> Result<Found, Found> {
    let mut sales = sale::lookup(&work.event.entity.to_string(), erp)?;
    let Some(deed) = Return::new(work, refund, erp)? else { return Ok(Found::Absent) };
    match (sales.pop(), sales.is_empty()) {
        (Some(sale), true) => Ok(sale.found(&deed)),
        (Some(sale), false) => {
            sales.push(sale);
            Ok(Found::Duplicated(sales.iter().map(|sale| sale.reference(&[])).collect()))
        }
        // The refund of a whole order that had not left was the end of its sale.
        (None, _) if cancel::taken_back(&deed.sale) => Ok(Found::Present(deed.ended())),
        (None, _) => Ok(Found::Absent),
    }
}

impl<'a> Return<'a> {
    /// `None` when Tryton has no sale for the order.
    fn new(work: &'a Work, refund: &'a Refund, erp: &Erp) -> Result<Option<Self>, http::Error> {
        let reference = work.parent_reference("sale");
        let known = reference.and_then(|reference| reference.id.parse().ok());
        let id = match (known, &work.event.parent) {
            (Some(id), _) => Some(id),
            (None, Some(order)) => sale::lookup(&order.to_string(), erp)?.first().map(|sale| sale.id),
            (None, None) => None,
        };
        let Some(id) = id else { return Ok(None) };
        let fields: Vec<&str> =
            cancel::FIELDS.into_iter().chain(HEADER).chain(lines::FIELDS).chain(["total_amount"]).collect();
        let sale = Sale::ask(id, &fields, erp)?;
        let in_tryton = |id: &str| {
            value::records(&sale.record, "lines")
                .find(|line| value::id(line).to_string() == id)
                .and_then(SaleLine::read)
        };
        let bought = reference.iter().flat_map(|reference| &reference.lines);
        let bought = bought.filter_map(|line| Some((line.line.as_str(), in_tryton(&line.id)?))).collect();
        Ok(Some(Self { entity: &work.event.entity, refund, sale, bought }))
    }

    /// Goods that never left are not returned: all of them end the sale, a part of them is for a person.
    fn cancels(&self, erp: &Erp) -> Result<Option<Outcome>, Outcome> {
        let cancelled = self.refund.lines.iter().any(|line| line.restock == RestockKind::Cancel);
        if !cancelled || value::text(&self.sale.record, "shipment_state") == Some("sent") {
            return Ok(None);
        }
        if self.total(erp)? + self.sale.total == Decimal::ZERO {
            return match cancel::end(self.sale.id, erp)? {
                Outcome::Posted(_) | Outcome::AlreadyThere(_) => Ok(Some(Outcome::Posted(self.ended()))),
                other => Ok(Some(other)),
            };
        }
        let message = format!(
            "a part of sale {} was cancelled before it left: Tryton's shipment has to be reduced and credited by hand",
            self.sale.name()
        );
        Err(Problem::new("partly-cancelled", message).at("lines[].restock").into())
    }

    fn ended(&self) -> Receipt {
        let note = Some("nothing had left, so the whole sale was cancelled".into());
        Receipt { note, ..Receipt::of(self.sale.reference(&[])) }
    }
}

impl Deed for Return<'_> {
    fn web_id(&self) -> String {
        self.entity.to_string()
    }

    fn sources(&self) -> Vec<&str> {
        self.refund.lines.iter().map(|line| line.id.as_str()).collect()
    }

    fn total(&self, _: &Erp) -> Result<Decimal, Outcome> {
        let mut back = Decimal::ZERO;
        for line in &self.refund.lines {
            let (subtotal, tax) = (money::booked([&line.subtotal])?, money::booked([&line.tax])?);
            // Net and tax, whichever way the source prints it.
            back += net(subtotal, tax, money::decimal(&line.quantity)?, self.bought.get(line.line.as_str()))
                + tax;
        }
        for line in &self.refund.shipping {
            let (subtotal, tax) = (money::booked([&line.subtotal])?, money::booked([&line.tax])?);
            back += net(subtotal, tax, Decimal::ONE, self.bought.get(line.line.as_str())) + tax;
        }
        back += money::booked(&self.refund.duties)?;
        Ok(self.adjustment()? - back)
    }

    fn header(&self, erp: &Erp) -> Result<Header, Outcome> {
        let refund = self.refund;
        let mut header: Map<String, Value> = HEADER
            .iter()
            .map(|field| ((*field).into(), self.sale.record.get(*field).cloned().into()))
            .collect();
        header.insert("currency".into(), json!(erp.tables.currency(&refund.currency, &erp.settings)?));
        header.insert("warehouse".into(), self.warehouse(erp)?);
        erp.tables.complete()?;
        header.insert("origin".into(), json!(format!("sale.sale,{}", self.sale.id)));
        header.insert(
            "sale_date".into(),
            json!(value::day(refund.business_date.as_ref().unwrap_or(&refund.at))),
        );
        Ok((header, false))
    }

    fn handed_over(&self) -> bool {
        // Taken back over a counter; what is sent back is received by the warehouse.
        self.refund.store.is_some()
    }

    fn lines(&self, erp: &Erp) -> Result<Vec<Wanted>, Outcome> {
        let services = &erp.settings.services;
        let mut wanted = Vec::new();
        for (at, line) in self.refund.lines.iter().enumerate() {
            let field = format!("lines[{at}]");
            let bought = self.bought.get(line.line.as_str()).ok_or_else(|| {
                let message = format!("sale {} has no line for the refunded order line", self.sale.name());
                Problem::new("unknown-line", message).at(format!("{field}.line"))
            })?;
            let quantity = money::decimal(&line.quantity)?;
            let (subtotal, tax) = (money::booked([&line.subtotal])?, money::booked([&line.tax])?);
            let net = net(subtotal, tax, quantity, Some(bought));
            let taxes = if tax.is_zero() { vec![] } else { bought.taxes.clone() };
            let source = Some(line.id.clone());
            wanted.push(match (comes_back(line), bought.product, bought.unit) {
                (true, Some(product), Some(unit)) => Wanted {
                    source,
                    article: Article::Known { product, unit },
                    quantity: -quantity,
                    unit_price: net
                        .checked_div(quantity)
                        .unwrap_or_default()
                        .round_dp(erp.settings.price_digits),
                    taxes,
                    field,
                },
                // A product on the line would make Tryton wait for goods.
                _ => {
                    let service = services.refund.as_ref().ok_or_else(|| {
                        lines::no_service(
                            "refunds of goods that do not come back",
                            &format!("{field}.restock"),
                        )
                    })?;
                    let article = lines::code(service);
                    Wanted { source, article, quantity: -Decimal::ONE, unit_price: net, taxes, field }
                }
            });
        }
        for (at, line) in self.refund.shipping.iter().enumerate() {
            let (subtotal, tax) = (money::booked([&line.subtotal])?, money::booked([&line.tax])?);
            let bought = self.bought.get(line.line.as_str());
            let taxes = bought.filter(|_| !tax.is_zero()).map(|line| line.taxes.clone()).unwrap_or_default();
            let unit_price = net(subtotal, tax, Decimal::ONE, bought);
            wanted.push(Wanted {
                source: None,
                article: lines::code(&services.shipping),
                quantity: -Decimal::ONE,
                unit_price,
                taxes,
                field: format!("shipping[{at}]"),
            });
        }
        let duties = money::booked(&self.refund.duties)?;
        if !duties.is_zero() {
            let service = services.duty.as_ref().ok_or_else(|| lines::no_service("duties", "duties"))?;
            wanted.push(single(service, -duties, "duties"));
        }
        let adjustment = self.adjustment()?;
        if !adjustment.is_zero() {
            wanted.push(single(&services.adjustment, adjustment, "adjustments"));
        }
        Ok(wanted)
    }
}

impl Return<'_> {
    /// Where goods come back to: stock follows the location, else the store, whichever warehouse they had left.
    fn warehouse(&self, erp: &Erp) -> Result<Value, Problem> {
        let from = self.sale.record.get("warehouse").cloned().unwrap_or_default();
        let is_goods = |line: &&RefundLine| {
            let bought = self.bought.get(line.line.as_str());
            comes_back(line) && bought.is_some_and(|bought| bought.product.is_some())
        };
        let mut to: Option<Value> = None;
        for line in self.refund.lines.iter().filter(is_goods) {
            let place = match line.location.as_deref().or(self.refund.store.as_deref()) {
                Some(place) => match erp.tables.warehouse(&self.entity.system, place, &erp.settings)? {
                    Some(id) => json!(id),
                    // It is missed, and is told as such.
                    None => continue,
                },
                None => from.clone(),
            };
            match &to {
                Some(other) if *other != place => {
                    let message = "the goods come back to several warehouses, and Tryton's sale has one: \
                                   it has to be booked by hand";
                    return Err(Problem::new("several-warehouses", message).at("lines[].location"));
                }
                _ => to = Some(place),
            }
        }
        Ok(to.unwrap_or(from))
    }

    /// What explains the gap between lines and money, tax included: negative gives more money back. A refund
    /// that names nothing but its payments is all gap.
    fn adjustment(&self) -> Result<Decimal, Problem> {
        let refund = self.refund;
        if refund.lines.is_empty()
            && refund.shipping.is_empty()
            && refund.duties.is_empty()
            && refund.adjustments.is_empty()
        {
            let paid = |payment: &&Payment| {
                payment.kind == PaymentKind::Refund && payment.outcome == PaymentResult::Success
            };
            return Ok(-money::booked(refund.payments.iter().filter(paid).map(|payment| &payment.amount))?);
        }
        money::booked(refund.adjustments.iter().flat_map(|adjustment| [&adjustment.amount, &adjustment.tax]))
    }
}

/// Whether goods of the line go on a shelf.
fn comes_back(line: &RefundLine) -> bool {
    matches!(line.restock, RestockKind::Return | RestockKind::Legacy)
}

/// The amount without tax. Sources print a subtotal with or without the tax that its price includes; the price
/// at which Tryton sold the line tells which.
fn net(subtotal: Decimal, tax: Decimal, quantity: Decimal, bought: Option<&SaleLine>) -> Decimal {
    let Some(bought) = bought else { return subtotal };
    let sold = bought.unit_price.saturating_mul(quantity);
    if (sold - subtotal).abs() <= (sold - (subtotal - tax)).abs() { subtotal } else { subtotal - tax }
}

fn single(code: &str, amount: Decimal, field: &str) -> Wanted {
    let article = lines::code(code);
    Wanted {
        source: None,
        article,
        quantity: Decimal::ONE,
        unit_price: amount,
        taxes: vec![],
        field: field.into(),
    }
}
