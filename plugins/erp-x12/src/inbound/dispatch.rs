//! What has left: the 856, a tree of shipment, order, pack and item.

use crossdock_sdk::prelude::*;

use super::order::{Known, stranger};
use super::{Told, article};
use crate::time;
use crate::x12::{Segment, Set};

/// One level of the tree.
struct Level<'s, 'a> {
    head: Segment<'a>,
    /// The place of the level above in the list. Absent at the top.
    above: Option<usize>,
    /// `S`, `O`, `T`, `P`, `I`.
    kind: &'a str,
    body: &'s [Segment<'a>],
}

/// Reads an 856: a shipment of each order in it.
pub(crate) fn read(set: &Set<'_>, told: &Told<'_>) -> Result<Vec<Event>, Problem> {
    let head = set.need("BSN")?;
    let shipment = head.need(2, "the number of the shipment")?;
    let levels = levels(set)?;
    let mut events = Vec::new();
    for (at, level) in levels.iter().enumerate().filter(|(_, level)| level.kind == "O") {
        let Some(prf) = level.body.iter().find(|segment| segment.id == "PRF") else {
            let number = level.head.number;
            let message = format!("the order at HL (segment {number}) has no PRF, and so no number");
            return Err(level.head.problem(0, "segment-missing", message));
        };
        let po = prf.need(1, "the number of the order")?;
        let Some(known) = Known::find(po) else {
            stranger("856", po, prf.number);
            continue;
        };
        let content = content(&levels, at, head, shipment, known, told)?;
        let (id, parent) = (format!("{shipment}/{po}"), Some(content.order.clone()));
        events.push(told.event(EntityKind::Shipment, id, parent, Fact::ShipmentUpdated(content)));
    }
    Ok(events)
}

/// The levels, each with the place of the one above it. A level stands below one that was there before.
fn levels<'s, 'a>(set: &'s Set<'a>) -> Result<Vec<Level<'s, 'a>>, Problem> {
    let starts: Vec<usize> =
        set.body.iter().enumerate().filter(|(_, segment)| segment.id == "HL").map(|(at, _)| at).collect();
    let end = set.body.iter().position(|segment| segment.id == "CTT").unwrap_or(set.body.len());
    let ends = starts.iter().skip(1).copied().chain([end]);
    let mut levels: Vec<Level<'s, 'a>> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for (from, to) in starts.iter().zip(ends) {
        let Some([head, body @ ..]) = set.body.get(*from..to) else { continue };
        let above = match head.get(2) {
            None => None,
            Some(id) => Some(places.get(id).copied().ok_or_else(|| {
                let number = head.number;
                let message =
                    format!("HL02 (segment {number}) names the level {id:?}, which is not above it");
                head.problem(2, "hierarchy-broken", message)
            })?),
        };
        places.insert(head.need(1, "the number of the level")?, levels.len());
        levels.push(Level { head: *head, above, kind: head.need(3, "the kind of the level")?, body });
    }
    if levels.is_empty() {
        set.need("HL")?;
    }
    Ok(levels)
}

fn content(
    levels: &[Level<'_, '_>],
    order: usize,
    head: Segment<'_>,
    number: &str,
    known: Known,
    told: &Told<'_>,
) -> Result<Shipment, Problem> {
    let above = |mut at: usize| {
        let mut path = vec![at];
        while let Some(next) = levels.get(at).and_then(|level| level.above) {
            path.push(next);
            at = next;
        }
        path
    };
    let path = above(order);
    // The order, what is above it, and what is below it: what belongs to this shipment of this order.
    let mine: Vec<&Level<'_, '_>> = levels
        .iter()
        .enumerate()
        .filter(|(at, _)| path.contains(at) || above(*at).contains(&order))
        .map(|(_, level)| level)
        .collect();
    let segments = || mine.iter().flat_map(|level| level.body.iter().copied());

    let left = segments().find(|segment| segment.id == "DTM" && segment.value(1) == "011");
    let shipped_at = match left {
        Some(left) => time::moment(left, 2, 3, &told.settings.zone)?,
        None => time::moment(head, 3, 4, &told.settings.zone)?,
    };
    let cancelled = head.value(1) == "01";
    let from = segments().find(|segment| segment.id == "N1" && segment.value(1) == "SF");
    let carrier = segments().find(|segment| segment.id == "TD5").and_then(|td5| {
        let code = td5.get(3);
        code.and_then(|code| told.words.carrier(code)).or_else(|| td5.get(5).or(code).map(str::to_owned))
    });
    Ok(Shipment {
        number: Some(number.to_owned()),
        state: if cancelled { ShipmentState::Cancelled } else { ShipmentState::Shipped },
        location: from.and_then(|from| from.get(4).or(from.get(2))).map(str::to_owned),
        shipped_at: (!cancelled).then_some(shipped_at),
        lines: lines(&mine, &known, told)?,
        tracking: numbers(segments())
            .into_iter()
            .map(|number| Tracking { carrier: carrier.clone(), number, url: None })
            .collect(),
        order: known.entity,
        personal: None,
        extensions: None,
    })
}

/// The goods, by line and article; what is in several packs is added up.
fn lines(levels: &[&Level<'_, '_>], known: &Known, told: &Told<'_>) -> Result<Vec<ShipmentLine>, Problem> {
    let mut goods: Vec<(Option<String>, Option<String>, Decimal)> = Vec::new();
    for level in levels.iter().filter(|level| level.kind == "I") {
        let Some(shipped) = level.body.iter().find(|segment| segment.id == "SN1") else { continue };
        let quantity = article::number(*shipped, 2)?;
        if quantity <= Decimal::ZERO {
            continue;
        }
        let lin = level.body.iter().find(|segment| segment.id == "LIN");
        let number = shipped.get(1).or_else(|| lin.and_then(|lin| lin.get(1)));
        let line = number.and_then(|number| known.line(number));
        let sku = lin.and_then(|lin| article::sku(*lin, 2, told.words));
        match goods.iter_mut().find(|(other, article, _)| *other == line && *article == sku) {
            Some((_, _, sum)) => *sum = sum.checked_add(quantity).unwrap_or(*sum),
            None => goods.push((line, sku, quantity)),
        }
    }
    let line = |(line, sku, quantity)| ShipmentLine { line, sku, quantity: article::plain(quantity) };
    Ok(goods.into_iter().map(line).collect())
}

/// The parcels' numbers, each once: carriers' references, and what is marked on small packages.
fn numbers<'a>(segments: impl Iterator<Item = Segment<'a>>) -> Vec<String> {
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
