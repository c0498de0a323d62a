//! Booking in steps: a sale is made as a draft, quoted and confirmed; where the goods have changed hands
//! already, its shipments are done too.
//!
//! Every act leaves a trace in the sale's state, so a step that is repeated looks where the sale is and goes on
//! from there. What is to be in the sale comes from a [`Deed`]: an order, or a refund.

use std::fmt;

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde_json::{Map, Value, json};

use crate::Erp;
use crate::handover;
use crate::lines::{self, SaleLine, Wanted};
use crate::sale::{FIELDS, MODEL, Sale, State, full, lookup};

/// The step that comes next: what the resume token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Compare the draft's total with the shop's, then quote.
    Check(i64),
    Quote(i64),
    Confirm(i64),
    /// Bring its shipments to their end: the goods have changed hands.
    HandOver(i64),
}

/// The fields of a sale but its lines, and whether its addresses are known for sure.
pub type Header = (Map<String, Value>, bool);

/// What a sale is made for.
pub trait Deed {
    /// The key under which Tryton keeps the sale unique within the web shop.
    fn web_id(&self) -> String;
    /// The ids in the shop of the sale's first lines, in their order.
    fn sources(&self) -> Vec<&str>;
    /// What the sale has to come to.
    ///
    /// # Errors
    /// What stands in the way.
    fn total(&self, erp: &Erp) -> Result<Decimal, Outcome>;
    /// The fields of the sale but its lines, and whether its addresses are known for sure.
    ///
    /// # Errors
    /// What stands in the way; or the tables lack something of it, or of the lines that were asked for before.
    fn header(&self, erp: &Erp) -> Result<Header, Outcome>;
    /// The lines.
    ///
    /// # Errors
    /// What stands in the way.
    fn lines(&self, erp: &Erp) -> Result<Vec<Wanted>, Outcome>;
    /// Whether the goods have changed hands already.
    fn handed_over(&self) -> bool;
}

/// Does the next step of a deed.
///
/// # Errors
/// The outcome that ends it early.
pub fn book(work: &Work, deed: &dyn Deed, erp: &Erp) -> Result<Outcome, Outcome> {
    match work.resume.as_deref().and_then(Step::read) {
        Some(Step::Check(id)) => check(id, deed, erp),
        Some(Step::Quote(id)) => quote(id, deed, erp),
        Some(Step::Confirm(id)) => confirm(id, deed, erp),
        Some(Step::HandOver(id)) => handover::finish(id, deed, erp),
        None => match work.reference("sale").and_then(|reference| reference.id.parse().ok()) {
            Some(id) => agree(id, deed, erp),
            None => create(deed, erp),
        },
    }
}

/// What the sale has to be: its lines, then its other fields. All that the tables lack of either is told at once.
fn prepare(deed: &dyn Deed, erp: &Erp) -> Result<(Vec<SaleLine>, Header), Outcome> {
    let lines = lines::resolve(&deed.lines(erp)?, erp)?;
    let header = deed.header(erp)?;
    Ok((lines, header))
}

fn create(deed: &dyn Deed, erp: &Erp) -> Result<Outcome, Outcome> {
    let (lines, (mut record, _)) = prepare(deed, erp)?;
    let web_id = deed.web_id();
    record.insert("web_shop".into(), json!(erp.settings.web_shop));
    record.insert("web_id".into(), json!(web_id));
    record.insert("lines".into(), json!([["create", lines.iter().map(SaleLine::write).collect::<Vec<_>>()]]));
    match erp.rest.create(MODEL, &Value::Object(record), &FIELDS) {
        Ok(made) => Sale::of(made)?.made(deed, erp),
        // Most likely an earlier try got through: the web id is taken. Tryton's sentence depends on the
        // user's language, so the sale itself is asked for.
        Err(Error::Rejected(problem)) => match lookup(&web_id, erp)?.first() {
            Some(sale) => agree(sale.id, deed, erp),
            None => Err(Outcome::Rejected(problem)),
        },
        Err(error) => Err(error.into()),
    }
}

/// Goes on with a sale that is there, whoever made it so.
fn agree(id: i64, deed: &dyn Deed, erp: &Erp) -> Result<Outcome, Outcome> {
    let sale = Sale::ask(id, &full(), erp)?;
    if sale.state == State::Cancelled {
        let message =
            format!("sale {} was cancelled in Tryton, and the shop's order still stands", sale.name());
        return Err(Problem::new("cancelled-in-tryton", message).into());
    }
    let (wanted, (header, certain)) = prepare(deed, erp)?;
    let differs = sale.differs(&wanted, certain.then_some(&header), erp);
    match (sale.state, differs) {
        (State::Draft, None) => Ok(sale.go_on(Step::Check(id), deed)),
        (State::Quotation, None) => Ok(sale.go_on(Step::Confirm(id), deed)),
        (State::Draft | State::Quotation, Some(_)) => rewrite(&sale, &wanted, &header, deed, erp),
        (_, None) if deed.handed_over() && handover::is_open(id, erp)? => {
            Ok(sale.go_on(Step::HandOver(id), deed))
        }
        (_, None) => Ok(Outcome::AlreadyThere(sale.receipt(deed))),
        (_, Some(what)) => {
            let message = format!(
                "{} changed in the shop after Tryton began to work on sale {}: it has to be changed there by hand",
                if what == "lines" { "what was bought" } else { "the customer or an address" },
                sale.name()
            );
            Err(Problem::new("changed-too-late", message).at(what).into())
        }
    }
}

/// Whether a sale that is past the draft says what the deed says.
///
/// # Errors
/// The outcome that a delivery would have ended with.
pub fn agrees(sale: &Sale, deed: &dyn Deed, erp: &Erp) -> Result<bool, Outcome> {
    if matches!(sale.state, State::Draft | State::Quotation | State::Cancelled) {
        return Ok(false);
    }
    let sale = Sale::ask(sale.id, &full(), erp)?;
    let (wanted, (header, certain)) = prepare(deed, erp)?;
    Ok(sale.differs(&wanted, certain.then_some(&header), erp).is_none())
}

fn rewrite(
    sale: &Sale,
    wanted: &[SaleLine],
    header: &Map<String, Value>,
    deed: &dyn Deed,
    erp: &Erp,
) -> Result<Outcome, Outcome> {
    if sale.state == State::Quotation {
        erp.rest.press(MODEL, sale.id, "draft", &FIELDS)?;
    }
    let mut change = header.clone();
    let lines: Vec<Value> = wanted.iter().map(SaleLine::write).collect();
    change.insert("lines".into(), json!([["delete", sale.lines], ["create", lines]]));
    Sale::of(erp.rest.write(MODEL, sale.id, &Value::Object(change), &FIELDS)?)?.made(deed, erp)
}

/// Tryton calculates taxes by its own rates. What it comes to must be what the customer paid: cents are
/// settled by a line of their own, more is for a person.
fn check(id: i64, deed: &dyn Deed, erp: &Erp) -> Result<Outcome, Outcome> {
    let sale = Sale::ask(id, &full(), erp)?;
    if sale.state != State::Draft {
        return agree(id, deed, erp);
    }
    let total = deed.total(erp)?;
    let gap = total - sale.total;
    if gap.abs() > erp.settings.tolerance {
        let (wanted, (header, _)) = prepare(deed, erp)?;
        if sale.differs(&wanted, None, erp).is_some() {
            // The order or the settings have changed since the draft was made.
            return rewrite(&sale, &wanted, &header, deed, erp);
        }
        let message = format!(
            "the shop charged {total} and Tryton comes to {} for draft {id}: do the taxes set for this order fit?",
            sale.total
        );
        return Err(Problem::new("total-differs", message).at("totals.total").into());
    }
    if !gap.is_zero() {
        let cents = Wanted {
            source: None,
            article: lines::code(&erp.settings.services.adjustment),
            quantity: Decimal::ONE,
            unit_price: gap,
            taxes: vec![],
            field: "totals.total".into(),
        };
        let lines: Vec<Value> = lines::resolve(&[cents], erp)?.iter().map(SaleLine::write).collect();
        erp.rest.write(MODEL, id, &json!({ "lines": [["create", lines]] }), &FIELDS)?;
    }
    quote(id, deed, erp)
}

fn quote(id: i64, deed: &dyn Deed, erp: &Erp) -> Result<Outcome, Outcome> {
    match erp.rest.press(MODEL, id, "quote", &FIELDS) {
        Ok(sale) => Ok(Sale::of(sale)?.go_on(Step::Confirm(id), deed)),
        Err(Error::Rejected(problem)) => match Sale::ask(id, &FIELDS, erp)?.state {
            State::Draft => Err(problem.into()),
            _ => agree(id, deed, erp),
        },
        Err(error) => Err(error.into()),
    }
}

fn confirm(id: i64, deed: &dyn Deed, erp: &Erp) -> Result<Outcome, Outcome> {
    match erp.rest.press(MODEL, id, "confirm", &FIELDS) {
        Ok(sale) if deed.handed_over() => Ok(Sale::of(sale)?.go_on(Step::HandOver(id), deed)),
        Ok(sale) => Ok(Outcome::Posted(Sale::of(sale)?.receipt(deed))),
        Err(Error::Rejected(problem)) => match Sale::ask(id, &FIELDS, erp)?.state {
            State::Quotation => Err(problem.into()),
            _ => agree(id, deed, erp),
        },
        Err(error) => Err(error.into()),
    }
}

impl Sale {
    /// A receipt for a deed.
    #[must_use]
    pub fn receipt(&self, deed: &dyn Deed) -> Receipt {
        Receipt::of(self.reference(&deed.sources()))
    }

    /// What a search for a deed's sale means.
    #[must_use]
    pub fn found(&self, deed: &dyn Deed) -> Found {
        let partial = |step: Step| {
            let references = vec![self.reference(&deed.sources())];
            Found::Partial(Progress { resume: step.to_string(), references })
        };
        match self.state {
            State::Draft => partial(Step::Check(self.id)),
            State::Quotation => partial(Step::Confirm(self.id)),
            // Bringing to an end what has ended already does nothing.
            State::Confirmed | State::Processing if deed.handed_over() => partial(Step::HandOver(self.id)),
            _ => Found::Present(self.receipt(deed)),
        }
    }

    fn made(&self, deed: &dyn Deed, erp: &Erp) -> Result<Outcome, Outcome> {
        let as_charged = self.total == deed.total(erp)?;
        Ok(self.go_on(if as_charged { Step::Quote(self.id) } else { Step::Check(self.id) }, deed))
    }

    fn go_on(&self, step: Step, deed: &dyn Deed) -> Outcome {
        Outcome::Partial(Progress {
            resume: step.to_string(),
            references: vec![self.reference(&deed.sources())],
        })
    }
}

impl Step {
    fn read(token: &str) -> Option<Self> {
        let (step, id) = token.split_once('/')?;
        let id = id.parse().ok()?;
        Some(match step {
            "check" => Self::Check(id),
            "quote" => Self::Quote(id),
            "confirm" => Self::Confirm(id),
            "hand-over" => Self::HandOver(id),
            _ => return None,
        })
    }
}

/// `quote/12`.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check(id) => write!(f, "check/{id}"),
            Self::Quote(id) => write!(f, "quote/{id}"),
            Self::Confirm(id) => write!(f, "confirm/{id}"),
            Self::HandOver(id) => write!(f, "hand-over/{id}"),
        }
    }
}
