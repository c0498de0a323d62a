//! What the partner reads in a message about an order.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::x12::{Segment, Set};

/// What a message says beside what it is and its lines.
pub(super) fn terms(set: &Set) -> Vec<Segment> {
    let own = ["BEG", "BCH", "CTT"];
    let head = set.body.iter().take_while(|segment| !matches!(segment.id.as_str(), "PO1" | "POC"));
    head.filter(|segment| !own.contains(&segment.id.as_str())).cloned().collect()
}

pub(super) fn decimal(text: &str) -> Result<Decimal, String> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}

/// The article of a `PO1`, `POC` or `LIN`: the partner's own number first.
pub(super) fn article(segment: &Segment) -> Option<String> {
    let from = match segment.id.as_str() {
        "PO1" => 6,
        "POC" => 8,
        _ => 2,
    };
    ["VP", "VN", "BP", "IN", "SK"]
        .iter()
        .find_map(|kind| segment.behind(kind, from))
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// The warehouse that a party segment names.
pub(super) fn warehouse(body: &[Segment]) -> Option<String> {
    let wanted = ["SF", "WH"];
    let party = body.iter().find(|segment| segment.id == "N1" && wanted.contains(&segment.get(1)))?;
    Some(party.get(4).to_owned()).filter(|code| !code.is_empty())
}

/// City, postal code and country of the party that goods go to, if it has an address.
pub(super) fn ship_to(body: &[Segment]) -> Option<(String, String, String)> {
    let at = body.iter().position(|segment| segment.id == "N1" && segment.get(1) == "ST")?;
    let rest = body.iter().skip(at + 1);
    let address =
        rest.take_while(|segment| matches!(segment.id.as_str(), "N2" | "N3" | "N4" | "PER" | "REF"));
    let n4 = address.into_iter().find(|segment| segment.id == "N4")?;
    Some((n4.get(1).to_owned(), n4.get(3).to_owned(), n4.get(4).to_owned()))
}

pub(super) fn names(po: &str, set: &Set) -> BTreeSet<String> {
    let said = set.body.iter().filter(|segment| matches!(segment.id.as_str(), "REF" | "N9"));
    let values = said.flat_map(|segment| [segment.get(2).to_owned(), segment.get(3).to_owned()]);
    values.chain([po.to_owned()]).filter(|name| !name.is_empty()).collect()
}
