//! A link to an earlier transaction: the sale that a return or a void refers to.

use crossdock_sdk::prelude::*;

use crate::header::{self, Header};
use crate::xml::{self, Node};

/// The sale that a return or a void refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SaleLink {
    /// The sale's key.
    pub sale: String,
    /// The id of its line. Absent when the till does not name one.
    pub line: Option<String>,
}

impl SaleLink {
    /// Reads a `TransactionLink`. Absent when it does not identify a sale: a receipt number alone does not.
    ///
    /// # Errors
    /// As [`header::date`] and [`header::key`].
    pub(crate) fn read(header: &Header<'_>, link: Node<'_>) -> Result<Option<Self>, Problem> {
        let sequence =
            xml::text(link, "SequenceNumber").or_else(|| xml::text(link, "TransactionSequenceNumber"));
        let (Some(sequence), Some(date)) = (sequence, header::date(link)?) else { return Ok(None) };
        let store = header::store(link).unwrap_or(header.store);
        let register = xml::text(link, "WorkstationID").unwrap_or(header.register);
        let sale =
            header::key(store, register, &date, sequence).map_err(|problem| problem.at(xml::path(link)))?;
        let line = xml::text(link, "LineItemSequenceNumber").filter(|line| *line != "0").map(str::to_owned);
        Ok(Some(Self { sale, line }))
    }
}

/// The reason of a link, in lower case; empty when it has none.
pub(crate) fn reason(link: Node<'_>) -> String {
    xml::attribute(link, "ReasonCode").unwrap_or_default().to_ascii_lowercase()
}
