//! Parses and queries the XML tree of a file.
//!
//! Vendors add elements to the standard's, in namespaces of their own and sometimes in the standard's. So elements are
//! identified by their local names.

use crossdock_sdk::prelude::*;
use roxmltree::{Document, Error, ParsingOptions};

/// The most nodes of one file: limits memory; a hundred times a busy store's day.
const MAX_NODES: u32 = 4_000_000;

/// The exclusive limit of amounts and quantities.
const MAX_NUMBER: i64 = 10_000_000_000;

/// The most decimal places of an amount or a quantity.
const MAX_DECIMAL_PLACES: u32 = 8;

/// An element.
pub(crate) type Node<'a> = roxmltree::Node<'a, 'a>;

/// Parses the text. A document type is refused, and with it every entity but XML's predefined five.
///
/// # Errors
/// `dtd-refused`, `too-large`, or `not-xml` with the position.
pub(crate) fn parse(text: &str) -> Result<Document<'_>, Problem> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, entity_resolver: None };
    Document::parse_with_options(text, options).map_err(|error| {
        let at = error.pos();
        match error {
            Error::DtdDetected => Problem::new(
                "dtd-refused",
                "the file has a document type definition (DTD), which is not accepted",
            ),
            Error::NodesLimitReached => {
                Problem::new("too-large", format!("the file has more than {MAX_NODES} XML nodes"))
            }
            _ => Problem::new(
                "not-xml",
                format!("the file is not valid XML at line {}, column {}", at.row, at.col),
            ),
        }
    })
}

/// The child elements of this name.
pub(crate) fn children<'a>(node: Node<'a>, name: &'static str) -> impl Iterator<Item = Node<'a>> + Clone {
    node.children().filter(move |child| is(*child, name))
}

/// The first child element of this name.
pub(crate) fn child<'a>(node: Node<'a>, name: &'static str) -> Option<Node<'a>> {
    children(node, name).next()
}

/// The first descendant element of this name.
pub(crate) fn descendant<'a>(node: Node<'a>, name: &'static str) -> Option<Node<'a>> {
    node.descendants().skip(1).find(|inner| is(*inner, name))
}

/// True for an element of this name.
pub(crate) fn is(node: Node<'_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

/// The text of an element. Absent when it is empty.
pub(crate) fn content<'a>(node: Node<'a>) -> Option<&'a str> {
    node.children().filter_map(|child| child.text()).map(str::trim).find(|text| !text.is_empty())
}

/// The text of the first child element of this name that has one.
pub(crate) fn text<'a>(node: Node<'a>, name: &'static str) -> Option<&'a str> {
    children(node, name).find_map(content)
}

/// The value of the attribute of this local name. Absent when it is empty.
pub(crate) fn attribute<'a>(node: Node<'a>, name: &str) -> Option<&'a str> {
    let found = node.attributes().find(|attribute| attribute.name() == name);
    found.map(|attribute| attribute.value().trim()).filter(|value| !value.is_empty())
}

/// True when the attribute is true.
pub(crate) fn flag(node: Node<'_>, name: &str) -> bool {
    boolean(node, name) == Some(true)
}

/// The value of a boolean attribute. Absent when it is not set or not a boolean.
pub(crate) fn boolean(node: Node<'_>, name: &str) -> Option<bool> {
    match attribute(node, name)? {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// The number in the first child element of this name that has a text.
///
/// # Errors
/// `invalid-number` with its path when the text is not a number.
pub(crate) fn number(node: Node<'_>, name: &'static str) -> Result<Option<Decimal>, Problem> {
    let found = children(node, name).find_map(|child| content(child).map(|text| (child, text)));
    found.map(|(child, text)| decimal(text).ok_or_else(|| not_a_number(child))).transpose()
}

/// The number in an element.
///
/// # Errors
/// As [`number`].
pub(crate) fn number_in(node: Node<'_>) -> Result<Option<Decimal>, Problem> {
    content(node).map(|text| decimal(text).ok_or_else(|| not_a_number(node))).transpose()
}

/// Parses a number of a sign, digits and a point. Its limits keep every sum exact.
pub(crate) fn decimal(text: &str) -> Option<Decimal> {
    let number = money::decimal(text.strip_prefix('+').unwrap_or(text)).ok()?.normalize();
    let bound = Decimal::from(MAX_NUMBER);
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
    (plain && number.scale() <= MAX_DECIMAL_PLACES && number < bound && number > -bound).then_some(number)
}

fn not_a_number(node: Node<'_>) -> Problem {
    let message = format!("the value of {} is not a number", node.tag_name().name());
    Problem::new("invalid-number", message).at(path(node))
}

/// The path of an element below its transaction (`RetailTransaction/LineItem[3]/Sale/Quantity`).
pub(crate) fn path(node: Node<'_>) -> String {
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
