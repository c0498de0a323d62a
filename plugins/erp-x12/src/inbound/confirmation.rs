//! Confirmations, line by line: the 855 of an order, the 865 of a change.

use crossdock_sdk::prelude::*;
use serde_json::json;

use super::context::Context;
use super::sent_order::{SentOrder, warn_unknown_order};
use super::{article, codes, number};
use crate::interchange::change_id;
use crate::time;
use crate::x12::{Segment, Set};

/// The positions of the values in an 855 and an 865.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    header: &'static str,
    /// The number of the confirmed change. Absent in an 855.
    change: Option<usize>,
    /// The number of the partner's own order.
    partner_order: usize,
    /// The date of the confirmation.
    date: usize,
    line: &'static str,
    unit_price: usize,
    articles: usize,
}

impl Layout {
    pub(crate) const ORDER: Self = Self {
        header: "BAK",
        change: None,
        partner_order: 8,
        date: 9,
        line: "PO1",
        unit_price: 4,
        articles: 6,
    };
    pub(crate) const CHANGE: Self = Self {
        header: "BCA",
        change: Some(5),
        partner_order: 9,
        date: 10,
        line: "POC",
        unit_price: 6,
        articles: 8,
    };

    /// The ordered quantity: PO102 and POC03.
    fn quantity(self) -> usize {
        if self.change.is_some() { 3 } else { 2 }
    }
}

/// Reads an 855 or an 865.
pub(crate) fn read(set: &Set<'_>, context: &Context<'_>, layout: Layout) -> Result<Vec<Event>, Problem> {
    let header = set.require(layout.header)?;
    let verdict = header.require(2, "the acknowledgement type of the order")?;
    let po = header.require(3, "the order number")?;
    let order = SentOrder::find(po);
    if order.is_none() {
        warn_unknown_order(set.kind(), po, header.number);
    }
    let (mut state, refusal) = codes::order(verdict);
    let (heading, line_loops) = loops(set, layout.line);
    let mut reason = refusal.map(|refusal| with_notes(refusal, &notes(heading)));
    let mut lines = Vec::new();
    for (at, body) in line_loops.iter().enumerate() {
        lines.extend(line(body, at, order.as_ref(), layout, context)?);
    }
    // A rejection of an order whose cancellation was sent confirms the cancellation.
    if order.as_ref().is_some_and(|order| order.is_cancelled) && layout.change.is_none() {
        lines.iter_mut().for_each(|line| line.state = None);
        if state == DocumentState::Refused {
            (state, reason) = (DocumentState::Done, None);
        }
    }
    let partner_order = header.get(layout.partner_order).or_else(|| partner_order_reference(heading));
    let date =
        (!header.value(layout.date).is_empty()).then(|| time::date(header, layout.date)).transpose()?;
    let order = order.map(|order| order.entity);
    let document = Document {
        kind: DocumentKind::SalesOrder,
        number: Some(partner_order.unwrap_or(po).to_owned()),
        order: order.clone(),
        state,
        date: date.map(|date| date.to_string()),
        reason,
        answers: layout.change.and_then(|at| header.get(at)).map(change_id),
        untaxed: None,
        tax: None,
        total: None,
        lines,
        at: context.at.clone(),
        extensions: Some(json!({ "purchaseOrder": po, "verdict": verdict }).to_string()),
    };
    let id = match partner_order {
        Some(number) => format!("order-{po}-{number}"),
        None => format!("order-{po}"),
    };
    Ok(vec![context.event(EntityKind::Document, id, order, Fact::DocumentUpdated(document))])
}

/// The segments before the lines, and the segments of each line.
fn loops<'s, 'a>(set: &'s Set<'a>, line: &str) -> (&'s [Segment<'a>], Vec<&'s [Segment<'a>]>) {
    let starts: Vec<usize> =
        set.body.iter().enumerate().filter(|(_, segment)| segment.id == line).map(|(at, _)| at).collect();
    let first = starts.first().copied().unwrap_or(set.body.len());
    let end = set.body.iter().position(|segment| segment.id == "CTT").unwrap_or(set.body.len());
    let ends = starts.iter().skip(1).copied().chain([end]);
    let lines = starts.iter().zip(ends).filter_map(|(from, to)| set.body.get(*from..to)).collect();
    (set.body.get(..first).unwrap_or_default(), lines)
}

/// The lines of the document for a line of the confirmation: one for each of its `ACK` segments.
fn line(
    body: &[Segment<'_>],
    at: usize,
    order: Option<&SentOrder>,
    layout: Layout,
    context: &Context<'_>,
) -> Result<Vec<DocumentLine>, Problem> {
    let Some(header) = body.first().copied() else { return Ok(Vec::new()) };
    let line_number = header.get(1).map_or_else(|| (at + 1).to_string(), str::to_owned);
    let ordered = match header.get(layout.quantity()) {
        Some(_) => number::decimal(header, layout.quantity())?,
        None => Decimal::ZERO,
    };
    let document_line = |id: String, quantity: Decimal| DocumentLine {
        id,
        line: order.and_then(|order| order.line(&line_number)),
        sku: article::sku(header, layout.articles, context.mapping),
        quantity: number::to_text(quantity),
        amount: None,
        state: None,
        reason: None,
    };
    let notes = notes(body);
    let mut lines = Vec::new();
    for ack in body.iter().filter(|segment| segment.id == "ACK") {
        let code = ack.require(1, "the status of the line")?;
        let confirmed = match ack.get(2) {
            Some(_) => Some(number::decimal(*ack, 2)?),
            None => None,
        };
        let (state, description) =
            codes::line(code).unwrap_or((LineState::Changed, "changed in another way"));
        // The quantity of a rejected line is the ordered one: partners write the confirmed quantity, which is zero.
        let quantity = match confirmed.filter(|confirmed| !confirmed.is_zero()) {
            Some(confirmed) => confirmed,
            None if state == LineState::Rejected => ordered,
            None => confirmed.unwrap_or(ordered),
        };
        let id =
            if lines.is_empty() { line_number.clone() } else { format!("{line_number}/{}", lines.len() + 1) };
        let mut line = document_line(id, quantity);
        line.state = Some(state);
        if state != LineState::Accepted {
            let detail = detail(code, *ack, header, (quantity, ordered), layout)?;
            line.reason = Some(with_notes(&format!("{description}{detail} ({code})"), &notes));
        }
        lines.push(line);
    }
    if lines.is_empty() {
        lines.push(document_line(line_number.clone(), ordered));
    }
    Ok(lines)
}

/// The changed values: quantity, price, date, substitute.
fn detail(
    code: &str,
    ack: Segment<'_>,
    header: Segment<'_>,
    (quantity, ordered): (Decimal, Decimal),
    layout: Layout,
) -> Result<String, Problem> {
    let mut detail = String::new();
    if matches!(code, "IQ" | "IC" | "BP") && quantity != ordered {
        detail = format!(": {} of {}", number::to_text(quantity), number::to_text(ordered));
    }
    if matches!(code, "IP" | "IC")
        && let Some(price) = header.get(layout.unit_price)
    {
        detail = format!("{detail}: at {price} each");
    }
    if matches!(code, "DR" | "IB" | "IC") && !ack.value(5).is_empty() {
        detail = format!("{detail}: on {}", time::date(ack, 5)?);
    }
    if code == "IS" {
        let pairs = article::pairs(ack, 7);
        let substitute = pairs.first().map(|(_, number)| format!(": by {number}"));
        detail.push_str(&substitute.unwrap_or_default());
    }
    Ok(detail)
}

/// The partner's notes: descriptions of references, notes and messages. Without any, the item descriptions after the
/// `ACK`, which some partners use for notes.
fn notes(body: &[Segment<'_>]) -> Vec<String> {
    fn note<'a>(segment: &Segment<'a>) -> Option<&'a str> {
        match segment.id {
            "REF" if segment.value(1) == "ZZ" => segment.get(3).or(segment.get(2)),
            "N9" => segment.get(3),
            "MSG" => segment.get(1),
            "MTX" | "NTE" => segment.get(2),
            _ => None,
        }
    }
    let mut notes: Vec<&str> = body.iter().filter_map(note).collect();
    if notes.is_empty() {
        let after_ack = body.iter().skip_while(|segment| segment.id != "ACK");
        notes.extend(after_ack.filter(|segment| segment.id == "PID").filter_map(|segment| segment.get(5)));
    }
    notes.dedup();
    notes.into_iter().map(str::to_owned).collect()
}

fn with_notes(description: &str, notes: &[String]) -> String {
    if notes.is_empty() { description.to_owned() } else { format!("{description}: {}", notes.join("; ")) }
}

/// The number of the partner's own order as a reference, for a confirmation without one in its first segment.
fn partner_order_reference<'a>(heading: &[Segment<'a>]) -> Option<&'a str> {
    let is_order = |segment: &&Segment<'a>| segment.id == "REF" && segment.value(1) == "VN";
    heading.iter().find(is_order).and_then(|segment| segment.get(2))
}
