//! What the partner makes of an order, line by line: the 855 to an order, the 865 to a change of one.

use crossdock_sdk::prelude::*;
use serde_json::json;

use super::order::{Known, stranger};
use super::{Told, article, codes};
use crate::interchange::change_id;
use crate::time;
use crate::x12::{Segment, Set};

/// Where an 855 and an 865 have what.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    head: &'static str,
    /// The change that is answered.
    change: Option<usize>,
    /// The number of the partner's own order.
    own: usize,
    /// The day of the answer.
    day: usize,
    line: &'static str,
    unit_price: usize,
    articles: usize,
}

impl Form {
    pub(crate) const ORDER: Self =
        Self { head: "BAK", change: None, own: 8, day: 9, line: "PO1", unit_price: 4, articles: 6 };
    pub(crate) const CHANGE: Self =
        Self { head: "BCA", change: Some(5), own: 9, day: 10, line: "POC", unit_price: 6, articles: 8 };

    /// How many were ordered: PO102 and POC03.
    fn quantity(self) -> usize {
        if self.change.is_some() { 3 } else { 2 }
    }
}

/// Reads an 855 or an 865.
pub(crate) fn read(set: &Set<'_>, told: &Told<'_>, form: Form) -> Result<Vec<Event>, Problem> {
    let head = set.need(form.head)?;
    let verdict = head.need(2, "what the partner makes of the order")?;
    let po = head.need(3, "the number of the order")?;
    let known = Known::find(po);
    if known.is_none() {
        stranger(set.kind(), po, head.number);
    }
    let (mut state, words) = codes::order(verdict);
    let loops = loops(set, form.line);
    let mut reason = words.map(|words| with_words(words, &said(loops.0)));
    let mut lines = Vec::new();
    for (at, body) in loops.1.iter().enumerate() {
        lines.extend(line(body, at, known.as_ref(), form, told)?);
    }
    // Who was told that the order is cancelled, and answers that it is rejected, agrees.
    if known.as_ref().is_some_and(|known| known.cancelled) && form.change.is_none() {
        lines.iter_mut().for_each(|line| line.state = None);
        if state == DocumentState::Refused {
            (state, reason) = (DocumentState::Done, None);
        }
    }
    let own = head.get(form.own).or_else(|| own_number(loops.0));
    let day = (!head.value(form.day).is_empty()).then(|| time::date(head, form.day)).transpose()?;
    let order = known.map(|known| known.entity);
    let document = Document {
        kind: DocumentKind::SalesOrder,
        number: Some(own.unwrap_or(po).to_owned()),
        order: order.clone(),
        state,
        date: day.map(|day| day.to_string()),
        reason,
        answers: form.change.and_then(|at| head.get(at)).map(change_id),
        untaxed: None,
        tax: None,
        total: None,
        lines,
        at: told.at.clone(),
        extensions: Some(json!({ "purchaseOrder": po, "verdict": verdict }).to_string()),
    };
    let id = own.map_or_else(|| format!("order-{po}"), |own| format!("order-{po}-{own}"));
    Ok(vec![told.event(EntityKind::Document, id, order, Fact::DocumentUpdated(document))])
}

/// What is before the lines, and each line with what belongs to it.
fn loops<'s, 'a>(set: &'s Set<'a>, line: &str) -> (&'s [Segment<'a>], Vec<&'s [Segment<'a>]>) {
    let starts: Vec<usize> =
        set.body.iter().enumerate().filter(|(_, segment)| segment.id == line).map(|(at, _)| at).collect();
    let first = starts.first().copied().unwrap_or(set.body.len());
    let end = set.body.iter().position(|segment| segment.id == "CTT").unwrap_or(set.body.len());
    let ends = starts.iter().skip(1).copied().chain([end]);
    let lines = starts.iter().zip(ends).filter_map(|(from, to)| set.body.get(*from..to)).collect();
    (set.body.get(..first).unwrap_or_default(), lines)
}

/// A line of the partner's answer: one for each thing that becomes of it.
fn line(
    body: &[Segment<'_>],
    at: usize,
    known: Option<&Known>,
    form: Form,
    told: &Told<'_>,
) -> Result<Vec<DocumentLine>, Problem> {
    let Some(head) = body.first().copied() else { return Ok(Vec::new()) };
    let number = head.get(1).map_or_else(|| (at + 1).to_string(), str::to_owned);
    let ordered = match head.get(form.quantity()) {
        Some(_) => article::number(head, form.quantity())?,
        None => Decimal::ZERO,
    };
    let of = |id: String, quantity: Decimal| DocumentLine {
        id,
        line: known.and_then(|known| known.line(&number)),
        sku: article::sku(head, form.articles, told.words),
        quantity: article::plain(quantity),
        amount: None,
        state: None,
        reason: None,
    };
    let words = said(body);
    let mut lines = Vec::new();
    for ack in body.iter().filter(|segment| segment.id == "ACK") {
        let code = ack.need(1, "what becomes of the line")?;
        let confirmed = match ack.get(2) {
            Some(_) => Some(article::number(*ack, 2)?),
            None => None,
        };
        let (state, meaning) = codes::line(code).unwrap_or((LineState::Changed, "changed in another way"));
        // What is rejected is rejected as it was ordered: partners write how many they confirm, which is none.
        let quantity = match confirmed.filter(|confirmed| !confirmed.is_zero()) {
            Some(confirmed) => confirmed,
            None if state == LineState::Rejected => ordered,
            None => confirmed.unwrap_or(ordered),
        };
        let id = if lines.is_empty() { number.clone() } else { format!("{number}/{}", lines.len() + 1) };
        let mut line = of(id, quantity);
        line.state = Some(state);
        if state != LineState::Accepted {
            let detail = detail(code, *ack, head, (quantity, ordered), form)?;
            line.reason = Some(with_words(&format!("{meaning}{detail} ({code})"), &words));
        }
        lines.push(line);
    }
    if lines.is_empty() {
        lines.push(of(number.clone(), ordered));
    }
    Ok(lines)
}

/// What is different: how many, when, at what price, which article instead.
fn detail(
    code: &str,
    ack: Segment<'_>,
    head: Segment<'_>,
    (quantity, ordered): (Decimal, Decimal),
    form: Form,
) -> Result<String, Problem> {
    let mut detail = String::new();
    if matches!(code, "IQ" | "IC" | "BP") && quantity != ordered {
        detail = format!(": {} of {}", article::plain(quantity), article::plain(ordered));
    }
    if matches!(code, "IP" | "IC")
        && let Some(price) = head.get(form.unit_price)
    {
        detail = format!("{detail}: at {price} each");
    }
    if matches!(code, "DR" | "IB" | "IC") && !ack.value(5).is_empty() {
        detail = format!("{detail}: on {}", time::date(ack, 5)?);
    }
    if code == "IS" {
        let pairs = article::pairs(ack, 7);
        let instead = pairs.first().map(|(_, number)| format!(": by {number}"));
        detail.push_str(&instead.unwrap_or_default());
    }
    Ok(detail)
}

/// The partner's own words: free descriptions of references, notes and messages. Where there are none, what stands
/// as a description behind the verdict: some partners have no other place for words.
fn said(body: &[Segment<'_>]) -> Vec<String> {
    fn note<'a>(segment: &Segment<'a>) -> Option<&'a str> {
        match segment.id {
            "REF" if segment.value(1) == "ZZ" => segment.get(3).or(segment.get(2)),
            "N9" => segment.get(3),
            "MSG" => segment.get(1),
            "MTX" | "NTE" => segment.get(2),
            _ => None,
        }
    }
    let mut said: Vec<&str> = body.iter().filter_map(note).collect();
    if said.is_empty() {
        let behind = body.iter().skip_while(|segment| segment.id != "ACK");
        said.extend(behind.filter(|segment| segment.id == "PID").filter_map(|segment| segment.get(5)));
    }
    said.dedup();
    said.into_iter().map(str::to_owned).collect()
}

fn with_words(meaning: &str, words: &[String]) -> String {
    if words.is_empty() { meaning.to_owned() } else { format!("{meaning}: {}", words.join("; ")) }
}

/// The number of the partner's own order, where the head has none.
fn own_number<'a>(head: &[Segment<'a>]) -> Option<&'a str> {
    let order = |segment: &&Segment<'a>| segment.id == "REF" && segment.value(1) == "VN";
    head.iter().find(order).and_then(|segment| segment.get(2))
}
