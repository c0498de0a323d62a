//! Books a sale in steps: it is created as a draft, quoted and confirmed; where the goods have changed hands already,
//! its shipments are completed.
//!
//! Each step is visible in the sale's state, so a repeated step reads the state and continues from there.

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde_json::{Map, Value, json};

use crate::completion;
use crate::erp::Erp;
use crate::lines;
use crate::products;
use crate::progress::{self, Step};
use crate::sale::{FIELDS, MODEL, Sale, State, comparison_fields, lookup};
use crate::sale_line::SaleLine;
use crate::sale_source::{Header, SaleSource};

/// Does the next step of a booking.
///
/// # Errors
/// The outcome that ends it early.
pub fn book(work: &Work, source: &dyn SaleSource, erp: &Erp) -> Result<Outcome, Outcome> {
    match work.resume.as_deref().and_then(Step::parse) {
        Some(Step::Check(id)) => check_total(id, source, erp),
        Some(Step::Quote(id)) => quote(id, source, erp),
        Some(Step::Confirm(id)) => confirm(id, source, erp),
        Some(Step::CompleteShipments(id)) => completion::complete_sale(id, source, erp),
        None => match work.reference("sale").and_then(|reference| reference.id.parse().ok()) {
            Some(id) => continue_existing(id, source, erp),
            None => create(source, erp),
        },
    }
}

/// Whether a sale that is past the draft has the lines and the header of its source.
///
/// # Errors
/// The outcome that a delivery would have ended with.
pub fn is_up_to_date(sale: &Sale, source: &dyn SaleSource, erp: &Erp) -> Result<bool, Outcome> {
    if matches!(sale.state, State::Draft | State::Quotation | State::Cancelled) {
        return Ok(false);
    }
    let sale = Sale::read(sale.id, &comparison_fields(), erp)?;
    let required = Required::prepare(source, erp)?;
    Ok(required.difference(&sale, erp).is_none())
}

/// The lines and the header that a sale must have.
struct Required {
    lines: Vec<SaleLine>,
    header: Header,
}

impl Required {
    /// Resolves the lines, then the header. All unmapped values of either are reported at once.
    fn prepare(source: &dyn SaleSource, erp: &Erp) -> Result<Self, Outcome> {
        let lines = products::resolve(&source.lines(erp)?, erp)?;
        let header = source.header(erp)?;
        Ok(Self { lines, header })
    }

    fn difference(&self, sale: &Sale, erp: &Erp) -> Option<&'static str> {
        let addresses = self.header.compare_addresses.then_some(&self.header.fields);
        sale.difference(&self.lines, addresses, erp)
    }
}

fn create(source: &dyn SaleSource, erp: &Erp) -> Result<Outcome, Outcome> {
    let required = Required::prepare(source, erp)?;
    let web_id = source.web_id();
    let mut record = required.header.fields;
    record.insert("web_shop".into(), json!(erp.settings.web_shop));
    record.insert("web_id".into(), json!(web_id));
    record.insert("lines".into(), json!([SaleLine::create_command(&required.lines)]));
    match erp.rest.create(MODEL, &Value::Object(record), &FIELDS) {
        Ok(created) => after_write(&Sale::from_record(created)?, source, erp),
        // Most likely an earlier attempt succeeded, and the web id is taken. Tryton's message depends on the user's
        // language, so the sale itself is looked up.
        Err(Error::Rejected(problem)) => match lookup(&web_id, erp)?.first() {
            Some(sale) => continue_existing(sale.id, source, erp),
            None => Err(Outcome::Rejected(problem)),
        },
        Err(error) => Err(error.into()),
    }
}

/// Continues with an existing sale, in whatever state it is.
fn continue_existing(id: i64, source: &dyn SaleSource, erp: &Erp) -> Result<Outcome, Outcome> {
    let sale = Sale::read(id, &comparison_fields(), erp)?;
    if sale.state == State::Cancelled {
        let message =
            format!("sale {} was cancelled in Tryton, and the shop's order is still open", sale.name());
        return Err(Problem::new("cancelled-in-tryton", message).into());
    }
    let required = Required::prepare(source, erp)?;
    match (sale.state, required.difference(&sale, erp)) {
        (State::Draft, None) => Ok(progress::partial(&sale, Step::Check(id), source)),
        (State::Quotation, None) => Ok(progress::partial(&sale, Step::Confirm(id), source)),
        (State::Draft | State::Quotation, Some(_)) => rewrite(&sale, &required, source, erp),
        (_, None) if source.goods_changed_hands() && completion::has_open_shipments(id, erp)? => {
            Ok(progress::partial(&sale, Step::CompleteShipments(id), source))
        }
        (_, None) => Ok(Outcome::AlreadyThere(progress::receipt(&sale, source))),
        (_, Some(path)) => {
            let message = format!(
                "{} changed in the shop after sale {} was confirmed: change the sale in Tryton by hand",
                if path == "lines" { "the lines" } else { "the customer or an address" },
                sale.name()
            );
            Err(Problem::new("changed-too-late", message).at(path).into())
        }
    }
}

/// Replaces the lines and the header of a draft or a quotation.
fn rewrite(sale: &Sale, required: &Required, source: &dyn SaleSource, erp: &Erp) -> Result<Outcome, Outcome> {
    if sale.state == State::Quotation {
        erp.rest.call_button(MODEL, sale.id, "draft", &FIELDS)?;
    }
    let mut change: Map<String, Value> = required.header.fields.clone();
    let lines = json!([["delete", sale.lines], SaleLine::create_command(&required.lines)]);
    change.insert("lines".into(), lines);
    let written = erp.rest.write(MODEL, sale.id, &Value::Object(change), &FIELDS)?;
    after_write(&Sale::from_record(written)?, source, erp)
}

/// The step after a draft was created or rewritten.
fn after_write(sale: &Sale, source: &dyn SaleSource, erp: &Erp) -> Result<Outcome, Outcome> {
    let is_total_equal = sale.total == source.total(erp)?;
    let next = if is_total_equal { Step::Quote(sale.id) } else { Step::Check(sale.id) };
    Ok(progress::partial(sale, next, source))
}

/// Compares the totals: Tryton calculates taxes by its own rates, and its total must be what the customer paid. A
/// difference within the tolerance is settled by a line of its own; a larger one is for a person.
fn check_total(id: i64, source: &dyn SaleSource, erp: &Erp) -> Result<Outcome, Outcome> {
    let sale = Sale::read(id, &comparison_fields(), erp)?;
    if sale.state != State::Draft {
        return continue_existing(id, source, erp);
    }
    let total = source.total(erp)?;
    let gap = total - sale.total;
    if gap.abs() > erp.settings.tolerance {
        let required = Required::prepare(source, erp)?;
        if sale.difference(&required.lines, None, erp).is_some() {
            // The order or the settings changed since the draft was created.
            return rewrite(&sale, &required, source, erp);
        }
        let message = format!(
            "the shop charged {total}, and Tryton's total of draft {id} is {}: check the taxes configured for this order",
            sale.total
        );
        return Err(Problem::new("total-differs", message).at("totals.total").into());
    }
    if !gap.is_zero() {
        let adjustment = lines::service_line(&erp.settings.services.adjustment, gap, "totals.total");
        let command = SaleLine::create_command(&products::resolve(&[adjustment], erp)?);
        erp.rest.write(MODEL, id, &json!({ "lines": [command] }), &FIELDS)?;
    }
    quote(id, source, erp)
}

fn quote(id: i64, source: &dyn SaleSource, erp: &Erp) -> Result<Outcome, Outcome> {
    match erp.rest.call_button(MODEL, id, "quote", &FIELDS) {
        Ok(record) => Ok(progress::partial(&Sale::from_record(record)?, Step::Confirm(id), source)),
        Err(Error::Rejected(problem)) => match Sale::read(id, &FIELDS, erp)?.state {
            State::Draft => Err(problem.into()),
            _ => continue_existing(id, source, erp),
        },
        Err(error) => Err(error.into()),
    }
}

fn confirm(id: i64, source: &dyn SaleSource, erp: &Erp) -> Result<Outcome, Outcome> {
    match erp.rest.call_button(MODEL, id, "confirm", &FIELDS) {
        Ok(record) => {
            let sale = Sale::from_record(record)?;
            Ok(if source.goods_changed_hands() {
                progress::partial(&sale, Step::CompleteShipments(id), source)
            } else {
                Outcome::Posted(progress::receipt(&sale, source))
            })
        }
        Err(Error::Rejected(problem)) => match Sale::read(id, &FIELDS, erp)?.state {
            State::Quotation => Err(problem.into()),
            _ => continue_existing(id, source, erp),
        },
        Err(error) => Err(error.into()),
    }
}
