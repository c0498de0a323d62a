//! The article of a line in the partner's documents.

use crate::mapping::InboundMapping;
use crate::x12::Segment;

/// The qualifiers of the partner's article numbers, in order of preference.
const QUALIFIERS: [&str; 9] = ["VP", "VN", "VA", "BP", "IN", "SA", "MG", "UP", "EN"];

/// The merchant's SKU of a segment whose pairs of qualifier and number begin at an element: its `SK`, else the mapped
/// SKU of the partner's number.
pub(crate) fn sku(segment: Segment<'_>, from: usize, mapping: &InboundMapping) -> Option<String> {
    let pairs = pairs(segment, from);
    let number = |qualifier: &str| pairs.iter().find(|(it, _)| *it == qualifier).map(|(_, number)| *number);
    match number("SK") {
        Some(sku) => Some(sku.to_owned()),
        None => {
            let article = QUALIFIERS.iter().find_map(|qualifier| number(qualifier));
            let article = article.or_else(|| pairs.first().map(|(_, number)| *number));
            article.map(|article| mapping.sku(article))
        }
    }
}

/// The complete pairs of qualifier and number.
pub(crate) fn pairs<'a>(segment: Segment<'a>, from: usize) -> Vec<(&'a str, &'a str)> {
    let elements: Vec<&str> = segment.elements().skip(from.saturating_sub(1)).map(str::trim).collect();
    let complete = |pair: &[&'a str]| match pair {
        [qualifier, number] if !qualifier.is_empty() && !number.is_empty() => Some((*qualifier, *number)),
        _ => None,
    };
    elements.chunks(2).filter_map(complete).collect()
}
