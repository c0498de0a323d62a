//! A sale as Tryton stores it.

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde_json::{Map, Value, json};

use crate::erp::Erp;
use crate::sale_line::{self, SaleLine};
use crate::value;

/// Tryton's model of a sale.
pub const MODEL: &str = "sale.sale";
/// The fields that are read of a sale by default.
pub const FIELDS: [&str; 4] = ["number", "state", "total_amount", "lines"];
const ADDRESSES: [&str; 3] = ["party", "invoice_address", "shipment_address"];

/// The shipments, returns and invoices that Tryton creates for a sale, by the sale's field, and the model of each.
pub const FULFILMENT_MODELS: [(&str, &str); 3] = [
    ("shipments", "stock.shipment.out"),
    ("shipment_returns", "stock.shipment.out.return"),
    ("invoices", "account.invoice"),
];

/// The fields that are needed to reverse a sale, and to see whether it was reversed.
pub const REVERSAL_FIELDS: [&str; 13] = [
    "number",
    "state",
    "shipment_state",
    "invoice_state",
    "shipments.number",
    "shipments.state",
    "shipment_returns.number",
    "shipment_returns.state",
    "invoices.number",
    "invoices.state",
    "invoices_ignored",
    "lines.moves.state",
    "lines.moves_ignored",
];

/// The state of a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Draft,
    Quotation,
    Confirmed,
    Processing,
    Done,
    Cancelled,
}

/// A sale with the fields that were read.
#[derive(Debug, Clone)]
pub struct Sale {
    pub id: i64,
    pub number: Option<String>,
    pub state: State,
    pub total: Decimal,
    /// Ascending: in the order of creation.
    pub lines: Vec<i64>,
    /// Tryton's record.
    pub record: Value,
}

/// The sales with this web id: at most one, as long as nothing else writes to the web shop.
///
/// # Errors
/// The request failed.
pub fn lookup(web_id: &str, erp: &Erp) -> Result<Vec<Sale>, Error> {
    let domain = json!([["web_shop", "=", erp.settings.web_shop], ["web_id", "=", web_id]]);
    erp.rest.search(MODEL, &domain, &FIELDS)?.into_iter().map(Sale::from_record).collect()
}

/// The fields that are needed to compare a sale with the lines and header that it must have.
#[must_use]
pub fn comparison_fields() -> Vec<&'static str> {
    FIELDS.into_iter().filter(|field| *field != "lines").chain(sale_line::FIELDS).chain(ADDRESSES).collect()
}

impl Sale {
    /// Reads a sale from Tryton.
    ///
    /// # Errors
    /// `deleted-in-tryton`; or the request failed.
    pub fn read(id: i64, fields: &[&str], erp: &Erp) -> Result<Self, Error> {
        let record = erp.rest.read(MODEL, id, fields).map_err(|error| match error {
            Error::NotFound(_) => {
                Error::Rejected(Problem::new("deleted-in-tryton", format!("sale {id} was deleted in Tryton")))
            }
            error => error,
        })?;
        Self::from_record(record)
    }

    /// Reads a record in a response.
    ///
    /// # Errors
    /// `answer-unreadable`: an unknown outcome when the request was a write.
    pub fn from_record(record: Value) -> Result<Self, Error> {
        let state = value::text(&record, "state").and_then(State::parse);
        let state = state.ok_or_else(|| {
            Error::Unknown(Problem::new(
                "answer-unreadable",
                "Tryton's response has a sale with an unknown state",
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

    /// The number, or the id of a draft, for messages.
    #[must_use]
    pub fn name(&self) -> String {
        self.number.clone().unwrap_or_else(|| format!("(draft {})", self.id))
    }

    /// The reference that the host stores, with the sale's lines by the ids of the shop's lines.
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

    /// Whether the sale was reversed after its confirmation: it is done, and nothing was shipped or invoiced. Needs
    /// [`REVERSAL_FIELDS`].
    #[must_use]
    pub fn is_reversed(&self) -> bool {
        let none = |field| value::text(&self.record, field) == Some("none");
        let cancelled = |record: &Value| value::text(record, "state") == Some("cancelled");
        let has_cancelled = |field| value::records(&self.record, field).any(cancelled);
        self.state == State::Done
            && none("shipment_state")
            && none("invoice_state")
            && FULFILMENT_MODELS.iter().any(|(field, _)| has_cancelled(field))
    }

    /// The path of the first difference to the lines and the header that the sale must have. The line that settles a
    /// rounding difference is ignored.
    #[must_use]
    pub fn difference(
        &self,
        required: &[SaleLine],
        header: Option<&Map<String, Value>>,
        erp: &Erp,
    ) -> Option<&'static str> {
        let mut records: Vec<&Value> = value::records(&self.record, "lines").collect();
        records.sort_by_key(|line| value::id(line));
        let mut lines: Vec<SaleLine> = records.into_iter().filter_map(SaleLine::read).collect();
        if lines.len() == required.len() + 1
            && lines
                .last()
                .is_some_and(|last| last.taxes.is_empty() && last.unit_price.abs() <= erp.settings.tolerance)
        {
            lines.pop();
        }
        if lines != required {
            return Some("lines");
        }
        let differs =
            |field: &&str| header.is_some_and(|header| header.get(*field) != self.record.get(*field));
        ADDRESSES.iter().any(differs).then_some("personal")
    }
}

impl State {
    /// Parses Tryton's value.
    #[must_use]
    pub fn parse(state: &str) -> Option<Self> {
        Some(match state {
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
