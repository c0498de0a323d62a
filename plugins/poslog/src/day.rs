//! The end of a store's business day. Sign-ons, openings and a single till's own end say nothing about the books.

use crossdock_sdk::prelude::*;

use crate::sale::price;
use crate::tender;
use crate::transaction::Head;
use crate::xml::{self, Node};
use crate::zone;

/// What closes a store's day.
const ENDS: [&str; 3] = ["BusinessEOD", "EndOfDay", "StoreEOD"];

/// `day.closed`, where the control transaction says so.
pub(crate) fn closed(head: &Head<'_>, control: Node<'_>) -> Result<Option<Event>, Problem> {
    let element = ENDS.iter().find_map(|name| xml::child(control, name));
    let word = xml::attribute(control, "TypeCode").or_else(|| xml::text(control, "TypeCode"));
    let Some(end) = element.or(word.filter(|word| ENDS.contains(word)).map(|_| control)) else {
        return Ok(None);
    };
    let date =
        xml::text(end, "CloseBusinessDayDate").and_then(zone::day).unwrap_or_else(|| head.date.clone());
    let at = match xml::text(end, "EndDateTimestamp") {
        Some(text) => head.instant(text).map_err(|problem| problem.at(xml::place(end)))?,
        None => head.at()?,
    };
    let mut totals = Vec::new();
    let summaries = end.descendants().filter(|node| xml::is(*node, "TenderSummary"));
    for summary in summaries {
        add(summary, &head.currency(control)?, &mut totals)?;
    }
    Ok(Some(Event {
        entity: head.settings.entity(EntityKind::BusinessDay, format!("{}/{date}", head.store)),
        parent: None,
        version: None,
        occurred_at: at.clone(),
        fact: Fact::DayClosed(BusinessDay {
            store: head.store.to_owned(),
            date,
            closed_at: at,
            totals: totals.into_iter().map(|total| total.tell()).collect(),
        }),
    }))
}

struct Total {
    tender: TenderKind,
    currency: String,
    amount: Decimal,
    count: Option<u32>,
}

impl Total {
    fn tell(self) -> TenderTotal {
        TenderTotal {
            tender: self.tender,
            amount: price(self.amount, &self.currency).shop,
            count: self.count,
        }
    }
}

/// Adds one tender's summary: sales less refunds, or what the summary says in one sum. Two words for one kind of
/// tender are one total.
fn add(summary: Node<'_>, currency: &str, totals: &mut Vec<Total>) -> Result<(), Problem> {
    let parts = [("Sales", Decimal::ONE), ("Refunds", Decimal::NEGATIVE_ONE)];
    let (mut amount, mut count) = (Decimal::ZERO, None);
    let mut name = xml::attribute(summary, "TenderType").or_else(|| xml::text(summary, "TenderID"));
    let mut told = false;
    for (part, sign) in parts {
        for node in xml::children(summary, part) {
            told = true;
            name = name.or(xml::attribute(node, "TenderType"));
            amount += sign * xml::number(node, "Amount")?.unwrap_or_default().abs();
            let some = xml::number(node, "Count")?.and_then(|count| u32::try_from(count).ok());
            count = some.map(|some| some.saturating_add(count.unwrap_or_default())).or(count);
        }
    }
    if !told {
        amount = xml::number(summary, "Amount")?.unwrap_or_default();
        count = xml::number(summary, "Count")?.and_then(|count| u32::try_from(count).ok());
    }
    let kind = tender::kind(name.unwrap_or_default(), summary);
    match totals.iter_mut().find(|total| total.tender == kind) {
        Some(total) => {
            total.amount += amount;
            total.count = total.count.zip(count).map(|(one, other)| one.saturating_add(other));
        }
        None => totals.push(Total { tender: kind, currency: currency.to_owned(), amount, count }),
    }
    Ok(())
}
