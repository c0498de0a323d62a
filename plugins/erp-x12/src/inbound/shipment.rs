//! Ship notices: the 856, a tree of shipment, order, pack and item.

use crossdock_sdk::prelude::*;

use super::context::Context;
use super::sent_order::{SentOrder, warn_unknown_order};
use super::{article, number};
use crate::time;
use crate::x12::{Segment, Set};

/// A level of the tree.
struct Level<'s, 'a> {
    header: Segment<'a>,
    /// The index of the parent level. Absent at the top.
    parent: Option<usize>,
    /// `S`, `O`, `T`, `P`, `I`.
    kind: &'a str,
    body: &'s [Segment<'a>],
}

/// Reads an 856: one shipment for each order in it.
pub(crate) fn read(set: &Set<'_>, context: &Context<'_>) -> Result<Vec<Event>, Problem> {
    let bsn = set.require("BSN")?;
    let number = bsn.require(2, "the shipment number")?;
    let levels = levels(set)?;
    let mut events = Vec::new();
    for (at, level) in levels.iter().enumerate().filter(|(_, level)| level.kind == "O") {
        let Some(prf) = level.body.iter().find(|segment| segment.id == "PRF") else {
            let segment = level.header.number;
            let message = format!("the order at HL (segment {segment}) has no PRF, and so no number");
            return Err(level.header.problem(0, "segment-missing", message));
        };
        let po = prf.require(1, "the order number")?;
        let Some(sent_order) = SentOrder::find(po) else {
            warn_unknown_order("856", po, prf.number);
            continue;
        };
        let shipment = shipment(&levels, at, bsn, number, sent_order, context)?;
        let (id, parent) = (format!("{number}/{po}"), Some(shipment.order.clone()));
        events.push(context.event(EntityKind::Shipment, id, parent, Fact::ShipmentUpdated(shipment)));
    }
    Ok(events)
}

/// The levels with the indices of their parents. A parent precedes its children.
fn levels<'s, 'a>(set: &'s Set<'a>) -> Result<Vec<Level<'s, 'a>>, Problem> {
    let starts: Vec<usize> =
        set.body.iter().enumerate().filter(|(_, segment)| segment.id == "HL").map(|(at, _)| at).collect();
    let end = set.body.iter().position(|segment| segment.id == "CTT").unwrap_or(set.body.len());
    let ends = starts.iter().skip(1).copied().chain([end]);
    let mut levels: Vec<Level<'s, 'a>> = Vec::new();
    let mut indices = std::collections::HashMap::new();
    for (from, to) in starts.iter().zip(ends) {
        let Some([header, body @ ..]) = set.body.get(*from..to) else { continue };
        let parent = match header.get(2) {
            None => None,
            Some(id) => Some(indices.get(id).copied().ok_or_else(|| {
                let number = header.number;
                let message =
                    format!("HL02 (segment {number}) refers to the parent {id:?}, which does not precede it");
                header.problem(2, "hierarchy-broken", message)
            })?),
        };
        indices.insert(header.require(1, "the number of the level")?, levels.len());
        let kind = header.require(3, "the kind of the level")?;
        levels.push(Level { header: *header, parent, kind, body });
    }
    if levels.is_empty() {
        set.require("HL")?;
    }
    Ok(levels)
}

/// The shipment of the order at an index of the levels.
fn shipment(
    levels: &[Level<'_, '_>],
    order: usize,
    bsn: Segment<'_>,
    number: &str,
    sent_order: SentOrder,
    context: &Context<'_>,
) -> Result<Shipment, Problem> {
    let path = |mut at: usize| {
        let mut path = vec![at];
        while let Some(parent) = levels.get(at).and_then(|level| level.parent) {
            path.push(parent);
            at = parent;
        }
        path
    };
    let ancestors = path(order);
    // The order's level with its ancestors and its descendants.
    let order_levels: Vec<&Level<'_, '_>> = levels
        .iter()
        .enumerate()
        .filter(|(at, _)| ancestors.contains(at) || path(*at).contains(&order))
        .map(|(_, level)| level)
        .collect();
    let segments = || order_levels.iter().flat_map(|level| level.body.iter().copied());

    let shipped = segments().find(|segment| segment.id == "DTM" && segment.value(1) == "011");
    let shipped_at = match shipped {
        Some(dtm) => time::date_time(dtm, 2, 3, &context.settings.zone)?,
        None => time::date_time(bsn, 3, 4, &context.settings.zone)?,
    };
    let is_cancelled = bsn.value(1) == "01";
    let ship_from = segments().find(|segment| segment.id == "N1" && segment.value(1) == "SF");
    let carrier = segments().find(|segment| segment.id == "TD5").and_then(|td5| {
        let code = td5.get(3);
        code.and_then(|code| context.mapping.carrier(code)).or_else(|| td5.get(5).or(code).map(str::to_owned))
    });
    Ok(Shipment {
        number: Some(number.to_owned()),
        state: if is_cancelled { ShipmentState::Cancelled } else { ShipmentState::Shipped },
        location: ship_from.and_then(|n1| n1.get(4).or(n1.get(2))).map(str::to_owned),
        shipped_at: (!is_cancelled).then_some(shipped_at),
        lines: lines(&order_levels, &sent_order, context)?,
        tracking: tracking_numbers(segments())
            .into_iter()
            .map(|number| Tracking { carrier: carrier.clone(), number, url: None })
            .collect(),
        order: sent_order.entity,
        personal: None,
        extensions: None,
    })
}

/// The quantities by line and article, added up over packs.
fn lines(
    levels: &[&Level<'_, '_>],
    order: &SentOrder,
    context: &Context<'_>,
) -> Result<Vec<ShipmentLine>, Problem> {
    let mut quantities: Vec<(Option<String>, Option<String>, Decimal)> = Vec::new();
    for level in levels.iter().filter(|level| level.kind == "I") {
        let Some(sn1) = level.body.iter().find(|segment| segment.id == "SN1") else { continue };
        let quantity = number::decimal(*sn1, 2)?;
        if quantity <= Decimal::ZERO {
            continue;
        }
        let lin = level.body.iter().find(|segment| segment.id == "LIN");
        let line_number = sn1.get(1).or_else(|| lin.and_then(|lin| lin.get(1)));
        let line = line_number.and_then(|number| order.line(number));
        let sku = lin.and_then(|lin| article::sku(*lin, 2, context.mapping));
        match quantities
            .iter_mut()
            .find(|(other_line, other_sku, _)| *other_line == line && *other_sku == sku)
        {
            Some((_, _, sum)) => *sum = sum.checked_add(quantity).unwrap_or(*sum),
            None => quantities.push((line, sku, quantity)),
        }
    }
    let line = |(line, sku, quantity)| ShipmentLine { line, sku, quantity: number::to_text(quantity) };
    Ok(quantities.into_iter().map(line).collect())
}

/// The tracking numbers, each once: the carrier's references, and the marks of small packages.
fn tracking_numbers<'a>(segments: impl Iterator<Item = Segment<'a>>) -> Vec<String> {
    let mut numbers: Vec<String> = Vec::new();
    for segment in segments {
        let number = match (segment.id, segment.value(1)) {
            ("REF", "CN" | "2I") | ("MAN", "CP") => segment.get(2),
            _ => None,
        };
        if let Some(number) = number.filter(|number| !numbers.iter().any(|other| other == number)) {
            numbers.push(number.to_owned());
        }
    }
    numbers
}
