//! A purchase order as the partner stores it: its lines, its revisions, and what has left and was answered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use rust_decimal::Decimal;

use super::reading::Charges;
use super::x12::Segment;
use crate::erp::stock::StockKey;

/// A line as the partner has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// PO101: the line's number.
    pub number: String,
    /// The article, if it is one.
    pub article: Option<String>,
    /// Pieces.
    pub pieces: Decimal,
    /// Price of one.
    pub price: Decimal,
    /// Charges and allowances of the line.
    pub charges: Charges,
    /// Whether it lies on a shelf, and so has to leave.
    pub shelved: bool,
    /// Why it is rejected, in the partner's words.
    pub rejected: Option<&'static str>,
}

/// An order as the partner has it.
#[derive(Debug, Clone)]
pub struct PurchaseOrder {
    /// BEG03.
    pub po: String,
    /// Every name of the order: BEG03, and the values of its `REF` and `N9` segments.
    pub names: BTreeSet<String>,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Where the goods go: city, postal code, country. Absent for what is given out over the counter.
    pub ship_to: Option<(String, String, String)>,
    /// Where they leave from.
    pub warehouse: String,
    /// Whether it was cancelled.
    pub cancelled: bool,
    /// When it was booked.
    pub created: Instant,
    /// Messages about it that changed nothing.
    pub unchanged: usize,
    /// The documents that were sent about it.
    pub answered: Answered,
    /// The segments of the last message before its lines.
    pub terms: Vec<Segment>,
    /// Charges beside the lines: a part of the terms.
    pub charges: Charges,
    /// The carrier's number of the parcel.
    pub tracking: Option<String>,
    /// BEG05, `YYYYMMDD`: when it was ordered.
    pub date: String,
    /// Its content after each message about it, oldest first.
    pub revisions: Vec<Revision>,
    /// The goods that left when it was invoiced; later changes do not call them back. Absent before.
    pub departure: Option<Departure>,
    pub(super) changed: Instant,
    /// Messages that are not answered yet: the order itself, or a change by its number.
    pub(super) unanswered: Vec<Option<String>>,
    pub(super) reserved: BTreeMap<StockKey, Decimal>,
}

/// The content of an order after a message about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    /// When the message was read.
    pub at: Instant,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Charges beside the lines.
    pub charges: Charges,
    /// Where the goods go: city, postal code, country.
    pub ship_to: Option<(String, String, String)>,
    /// Whether it was cancelled.
    pub cancelled: bool,
}

/// The moment at which an order was invoiced, and its goods left.
#[derive(Debug, Clone, PartialEq)]
pub struct Departure {
    /// When.
    pub at: Instant,
    /// Whether goods had to leave; what is given out over the counter is invoiced only.
    pub shipped: bool,
    /// The lines as they were then.
    pub lines: Vec<Line>,
}

/// How often each document about an order was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answered {
    /// 997 of its 850.
    pub acknowledged: usize,
    /// 855.
    pub confirmed: usize,
    /// 856.
    pub shipped: usize,
    /// 810.
    pub invoiced: usize,
}

impl PurchaseOrder {
    /// Records the content after a message that was read now.
    pub(super) fn record(&mut self, at: Instant) {
        self.revisions.push(Revision {
            at,
            lines: self.lines.clone(),
            charges: self.charges,
            ship_to: self.ship_to.clone(),
            cancelled: self.cancelled,
        });
    }

    /// The lines that are invoiced.
    pub(crate) fn goods(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.rejected.is_none())
    }

    /// The lines that have to be shipped.
    pub(crate) fn parcel(&self) -> impl Iterator<Item = &Line> {
        self.goods().filter(|line| line.shelved && self.ship_to.is_some())
    }

    /// Whether goods have left for somebody.
    pub(crate) fn has_left(&self) -> bool {
        self.departure.as_ref().is_some_and(|departure| departure.shipped)
    }

    /// How often each document must have been sent by now: 856 and 810.
    pub(crate) fn must_answer(&self) -> (usize, usize) {
        match &self.departure {
            Some(departure) => (usize::from(departure.shipped), 1),
            None => (usize::from(self.parcel().next().is_some()), usize::from(self.goods().next().is_some())),
        }
    }
}

#[cfg(test)]
impl PurchaseOrder {
    /// An order of these lines.
    pub(crate) fn example(po: &str, lines: Vec<Line>) -> Self {
        let now = Instant::now();
        Self {
            po: po.to_owned(),
            names: BTreeSet::new(),
            lines,
            ship_to: None,
            warehouse: String::new(),
            cancelled: false,
            created: now,
            unchanged: 0,
            answered: Answered::default(),
            terms: vec![],
            charges: Charges::default(),
            tracking: None,
            date: String::new(),
            revisions: vec![],
            departure: None,
            changed: now,
            unanswered: vec![],
            reserved: BTreeMap::new(),
        }
    }
}
