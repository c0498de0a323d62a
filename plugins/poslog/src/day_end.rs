//! The end of a store's business day. Sign-ons, openings and the end of a single till are ignored.

use crossdock_sdk::prelude::*;

use crate::amount::price;
use crate::header::Header;
use crate::tender;
use crate::time;
use crate::xml::{self, Node};

/// The elements, or type codes, that close a store's day.
const DAY_END_TYPES: [&str; 3] = ["BusinessEOD", "EndOfDay", "StoreEOD"];

/// The `day.closed` event of a control transaction. Absent when it does not close a store's day.
pub(crate) fn event(header: &Header<'_>, control: Node<'_>) -> Result<Option<Event>, Problem> {
    let element = DAY_END_TYPES.iter().find_map(|name| xml::child(control, name));
    let type_code = xml::attribute(control, "TypeCode").or_else(|| xml::text(control, "TypeCode"));
    let Some(end) = element.or(type_code.filter(|code| DAY_END_TYPES.contains(code)).map(|_| control)) else {
        return Ok(None);
    };
    let date =
        xml::text(end, "CloseBusinessDayDate").and_then(time::date).unwrap_or_else(|| header.date.clone());
    let at = match xml::text(end, "EndDateTimestamp") {
        Some(text) => header.instant(text).map_err(|problem| problem.at(xml::path(end)))?,
        None => header.time()?,
    };
    let mut totals = Vec::new();
    let summaries = end.descendants().filter(|node| xml::is(*node, "TenderSummary"));
    for summary in summaries {
        add(summary, &header.currency(control)?, &mut totals)?;
    }
    Ok(Some(Event {
        entity: header.settings.entity(EntityKind::BusinessDay, format!("{}/{date}", header.store)),
        parent: None,
        version: None,
        occurred_at: at.clone(),
        fact: Fact::DayClosed(BusinessDay {
            store: header.store.to_owned(),
            date,
            closed_at: at,
            totals: totals.into_iter().map(Total::into_tender_total).collect(),
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
    fn into_tender_total(self) -> TenderTotal {
        TenderTotal {
            tender: self.tender,
            amount: price(self.amount, &self.currency).shop,
            count: self.count,
        }
    }
}

/// Adds one tender's summary: sales less refunds, or the summary's own amount where it has neither. Two names of the
/// same tender are added up.
fn add(summary: Node<'_>, currency: &str, totals: &mut Vec<Total>) -> Result<(), Problem> {
    let parts = [("Sales", Decimal::ONE), ("Refunds", Decimal::NEGATIVE_ONE)];
    let (mut amount, mut count) = (Decimal::ZERO, None);
    let mut name = xml::attribute(summary, "TenderType").or_else(|| xml::text(summary, "TenderID"));
    let mut has_parts = false;
    for (part, sign) in parts {
        for node in xml::children(summary, part) {
            has_parts = true;
            name = name.or(xml::attribute(node, "TenderType"));
            amount += sign * xml::number(node, "Amount")?.unwrap_or_default().abs();
            let part_count = xml::number(node, "Count")?.and_then(|count| u32::try_from(count).ok());
            count = part_count.map(|part| part.saturating_add(count.unwrap_or_default())).or(count);
        }
    }
    if !has_parts {
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
