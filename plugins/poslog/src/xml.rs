//! The tree of a file, and how to ask it.
//!
//! Vendors put their own elements beside the standard's, in namespaces of their own and sometimes in the
//! standard's own: so elements are known by their local names alone.

use crossdock_sdk::prelude::*;
use roxmltree::{Document, Error, ParsingOptions};

/// The most elements and texts of one file: a bound on memory, a hundred times a busy store's day.
const MOST: u32 = 4_000_000;

/// The largest amount or quantity that is believed.
const LARGEST: i64 = 10_000_000_000;

/// The most decimal places of an amount or a quantity.
const PLACES: u32 = 8;

/// An element.
pub(crate) type Node<'a> = roxmltree::Node<'a, 'a>;

/// Reads the tree. A document type is refused, and with it every entity but XML's own five.
///
/// # Errors
/// `dtd-refused`, `too-large`, or `not-xml` with the place.
pub(crate) fn parse(text: &str) -> Result<Document<'_>, Problem> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST, entity_resolver: None };
    Document::parse_with_options(text, options).map_err(|error| {
        let at = error.pos();
        match error {
            Error::DtdDetected => {
                Problem::new("dtd-refused", "the file has a document type (DTD), and none is taken")
            }
            Error::NodesLimitReached => {
                Problem::new("too-large", format!("the file has more than {MOST} elements and texts"))
            }
            _ => Problem::new("not-xml", format!("the file is no XML at line {}, column {}", at.row, at.col)),
        }
    })
}

/// The elements of this name right below.
pub(crate) fn children<'a>(node: Node<'a>, name: &'static str) -> impl Iterator<Item = Node<'a>> + Clone {
    node.children().filter(move |child| is(*child, name))
}

/// The first element of this name right below.
pub(crate) fn child<'a>(node: Node<'a>, name: &'static str) -> Option<Node<'a>> {
    children(node, name).next()
}

/// The first element of this name anywhere below.
pub(crate) fn below<'a>(node: Node<'a>, name: &'static str) -> Option<Node<'a>> {
    node.descendants().skip(1).find(|inner| is(*inner, name))
}

/// True for an element of this name.
pub(crate) fn is(node: Node<'_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

/// What stands in an element. Absent when there is nothing in it.
pub(crate) fn content<'a>(node: Node<'a>) -> Option<&'a str> {
    node.children().filter_map(|child| child.text()).map(str::trim).find(|text| !text.is_empty())
}

/// What stands in the element of this name right below.
pub(crate) fn text<'a>(node: Node<'a>, name: &'static str) -> Option<&'a str> {
    children(node, name).find_map(content)
}

/// The attribute of this local name.
pub(crate) fn attribute<'a>(node: Node<'a>, name: &str) -> Option<&'a str> {
    let found = node.attributes().find(|attribute| attribute.name() == name);
    found.map(|attribute| attribute.value().trim()).filter(|value| !value.is_empty())
}

/// True when the attribute says so.
pub(crate) fn flag(node: Node<'_>, name: &str) -> bool {
    said(node, name) == Some(true)
}

/// What a yes-or-no attribute says. Absent when it is not there, or says something else.
pub(crate) fn said(node: Node<'_>, name: &str) -> Option<bool> {
    match attribute(node, name)? {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// The number in the element of this name right below.
///
/// # Errors
/// `invalid-number` with its place when it is none.
pub(crate) fn number(node: Node<'_>, name: &'static str) -> Result<Option<Decimal>, Problem> {
    let found = children(node, name).find_map(|child| content(child).map(|text| (child, text)));
    found.map(|(child, text)| decimal(text).ok_or_else(|| no_number(child))).transpose()
}

/// The number that stands in an element.
///
/// # Errors
/// As [`number`].
pub(crate) fn number_in(node: Node<'_>) -> Result<Option<Decimal>, Problem> {
    content(node).map(|text| decimal(text).ok_or_else(|| no_number(node))).transpose()
}

/// A number as tills write it: a sign, digits, a point. Within bounds that keep every sum exact.
pub(crate) fn decimal(text: &str) -> Option<Decimal> {
    let number = money::decimal(text.strip_prefix('+').unwrap_or(text)).ok()?.normalize();
    let bound = Decimal::from(LARGEST);
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
    (plain && number.scale() <= PLACES && number < bound && number > -bound).then_some(number)
}

fn no_number(node: Node<'_>) -> Problem {
    let message = format!("what stands in {} is no number that a till writes", node.tag_name().name());
    Problem::new("invalid-number", message).at(place(node))
}

/// Where an element is, below its transaction (`RetailTransaction/LineItem[3]/Sale/Quantity`).
pub(crate) fn place(node: Node<'_>) -> String {
    let mut steps: Vec<String> = Vec::new();
    for inner in node.ancestors().take_while(|inner| inner.is_element() && !is(*inner, "Transaction")) {
        let name = inner.tag_name().name();
        let same = |other: &Node<'_>| is(*other, name);
        let before = inner.prev_siblings().skip(1).filter(same).count();
        let alone = before == 0 && !inner.next_siblings().skip(1).any(|other| is(other, name));
        steps.push(if alone { name.to_owned() } else { format!("{name}[{}]", before + 1) });
    }
    steps.reverse();
    steps.join("/")
}
