//! The progress of a booking: the next step as a resume token, and the outcomes that report it to the host.

use std::fmt;

use crossdock_sdk::prelude::*;

use crate::sale::{Sale, State};
use crate::sale_source::SaleSource;

/// The next step of a booking, with the id of the sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Compare the draft's total with the shop's, then quote.
    Check(i64),
    Quote(i64),
    Confirm(i64),
    /// Complete the shipments of the sale: the goods have changed hands.
    CompleteShipments(i64),
}

impl Step {
    /// Parses a resume token.
    #[must_use]
    pub fn parse(token: &str) -> Option<Self> {
        let (step, id) = token.split_once('/')?;
        let id = id.parse().ok()?;
        Some(match step {
            "check" => Self::Check(id),
            "quote" => Self::Quote(id),
            "confirm" => Self::Confirm(id),
            "hand-over" => Self::CompleteShipments(id),
            _ => return None,
        })
    }
}

/// The resume token: `quote/12`.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check(id) => write!(f, "check/{id}"),
            Self::Quote(id) => write!(f, "quote/{id}"),
            Self::Confirm(id) => write!(f, "confirm/{id}"),
            Self::CompleteShipments(id) => write!(f, "hand-over/{id}"),
        }
    }
}

/// The receipt of a sale.
#[must_use]
pub fn receipt(sale: &Sale, source: &dyn SaleSource) -> Receipt {
    Receipt::of(sale.reference(&source.line_ids()))
}

/// The outcome of a step that another one follows.
#[must_use]
pub fn partial(sale: &Sale, next: Step, source: &dyn SaleSource) -> Outcome {
    Outcome::Partial(progress(sale, next, source))
}

/// The result of a search that found the sale of a source.
#[must_use]
pub fn found(sale: &Sale, source: &dyn SaleSource) -> Found {
    let partial = |next: Step| Found::Partial(progress(sale, next, source));
    match sale.state {
        State::Draft => partial(Step::Check(sale.id)),
        State::Quotation => partial(Step::Confirm(sale.id)),
        // Completing shipments that are complete has no effect.
        State::Confirmed | State::Processing if source.goods_changed_hands() => {
            partial(Step::CompleteShipments(sale.id))
        }
        _ => Found::Present(receipt(sale, source)),
    }
}

fn progress(sale: &Sale, next: Step, source: &dyn SaleSource) -> Progress {
    Progress { resume: next.to_string(), references: vec![sale.reference(&source.line_ids())] }
}
