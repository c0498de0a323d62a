//! A sale as Tryton has it.

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde_json::{Map, Value, json};

use crate::Erp;
use crate::lines::{self, SaleLine};
use crate::value;

/// Tryton's name of a sale.
pub const MODEL: &str = "sale.sale";
/// What is asked of a sale, as a rule.
pub const FIELDS: [&str; 4] = ["number", "state", "total_amount", "lines"];
const ADDRESSES: [&str; 3] = ["party", "invoice_address", "shipment_address"];

/// How far a sale has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Draft,
    Quotation,
    Confirmed,
    Processing,
    Done,
    Cancelled,
}

/// What is known of a sale.
#[derive(Debug, Clone)]
pub struct Sale {
    pub id: i64,
    pub number: Option<String>,
    pub state: State,
    pub total: Decimal,
    /// Ascending: the order in which they were made.
    pub lines: Vec<i64>,
    /// All that Tryton answered.
    pub record: Value,
}

/// The sales with this web id: one, or none.
///
/// # Errors
/// Tryton could not be asked.
pub fn lookup(web_id: &str, erp: &Erp) -> Result<Vec<Sale>, Error> {
    let domain = json!([["web_shop", "=", erp.settings.web_shop], ["web_id", "=", web_id]]);
    erp.rest.search(MODEL, &domain, &FIELDS)?.into_iter().map(Sale::of).collect()
}

/// What is asked to compare a sale with what it should be.
#[must_use]
pub fn full() -> Vec<&'static str> {
    FIELDS.into_iter().filter(|field| *field != "lines").chain(lines::FIELDS).chain(ADDRESSES).collect()
}

impl Sale {
    /// Asks for a sale.
    ///
    /// # Errors
    /// `deleted-in-tryton`; or Tryton could not be asked.
    pub fn ask(id: i64, fields: &[&str], erp: &Erp) -> Result<Self, Error> {
        let record = erp.rest.read(MODEL, id, fields).map_err(|error| match error {
            Error::NotFound(_) => {
                Error::Rejected(Problem::new("deleted-in-tryton", format!("sale {id} was deleted in Tryton")))
            }
            error => error,
        })?;
        Self::of(record)
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// `answer-unreadable`: after an act this is an unknown outcome.
    pub fn of(record: Value) -> Result<Self, Error> {
        let state = value::text(&record, "state").and_then(State::read);
        let state = state.ok_or_else(|| {
            Error::Unknown(Problem::new(
                "answer-unreadable",
                "Tryton's answer about a sale has no state known here",
            ))
        })?;
        let mut lines = record.get("lines").map(value::ids).unwrap_or_default();
        lines.sort_unstable();
        Ok(Self {
            id: value::id(&record),
            number: value::text(&record, "number").map(Into::into),
            state,
            total: record.get("total_amount").and_then(value::read_number).unwrap_or_default(),
            lines,
            record,
        })
    }

    /// What a person calls it.
    #[must_use]
    pub fn name(&self) -> String {
        self.number.clone().unwrap_or_else(|| format!("(draft {})", self.id))
    }

    /// The reference under which the host keeps it, with its lines.
    #[must_use]
    pub fn reference(&self, sources: &[&str]) -> Reference {
        let line = |(source, id): (&&str, &i64)| LineReference { line: (*source).into(), id: id.to_string() };
        Reference {
            kind: "sale".into(),
            id: self.id.to_string(),
            number: self.number.clone(),
            lines: sources.iter().zip(&self.lines).map(line).collect(),
        }
    }

    /// What differs from what it should be, as a path. The line that settles cents belongs to neither side.
    #[must_use]
    pub fn differs(
        &self,
        wanted: &[SaleLine],
        header: Option<&Map<String, Value>>,
        erp: &Erp,
    ) -> Option<&'static str> {
        let mut records: Vec<&Value> = value::records(&self.record, "lines").collect();
        records.sort_by_key(|line| value::id(line));
        let mut lines: Vec<SaleLine> = records.into_iter().filter_map(SaleLine::read).collect();
        if lines.len() == wanted.len() + 1
            && lines
                .last()
                .is_some_and(|last| last.taxes.is_empty() && last.unit_price.abs() <= erp.settings.tolerance)
        {
            lines.pop();
        }
        if lines != wanted {
            return Some("lines");
        }
        let elsewhere =
            |field: &&str| header.is_some_and(|header| header.get(*field) != self.record.get(*field));
        ADDRESSES.iter().any(elsewhere).then_some("personal")
    }
}

impl State {
    /// Reads Tryton's word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        Some(match word {
            "draft" => Self::Draft,
            "quotation" => Self::Quotation,
            "confirmed" => Self::Confirmed,
            "processing" => Self::Processing,
            "done" => Self::Done,
            "cancelled" => Self::Cancelled,
            _ => return None,
        })
    }
}
