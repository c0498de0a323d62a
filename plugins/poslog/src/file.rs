//! The transactions of a file. Every problem names its transaction.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;
use roxmltree::Document;

use crate::basket::Basket;
use crate::header::Header;
use crate::interpretation::interpret;
use crate::payments::Payments;
use crate::settings::Settings;
use crate::stores::StoreCache;
use crate::xml::{self, Node};
use crate::{day_end, refund, sale, void};

/// The events of a file, in the order of its transactions.
///
/// # Errors
/// `not-poslog`, or the problem of the first invalid transaction.
pub(crate) fn events(tree: &Document<'_>, settings: &Settings) -> Result<Vec<Event>, Problem> {
    let root = tree.root_element();
    let name = root.tag_name().name();
    if !name.eq_ignore_ascii_case("POSLog") {
        let name: String = name.chars().take(60).collect();
        return Err(Problem::new("not-poslog", format!("the root element is <{name}>, not <POSLog>")));
    }
    let stores = StoreCache::new(settings);
    let batches = root.children().filter(|child| xml::is(*child, "Batch") || xml::is(*child, "Transactions"));
    let nodes = std::iter::once(root).chain(batches).flat_map(|parent| xml::children(parent, "Transaction"));
    let mut file = File::default();
    for (at, node) in nodes.enumerate() {
        let mut name = format!("transaction {} of the file", at + 1);
        let result = Header::read(node, settings, &stores).and_then(|header| {
            name = format!("transaction {} ({} of the file)", header.key, at + 1);
            file.add_transaction(header)
        });
        result.map_err(|problem| in_transaction(problem, &name, at))?;
    }
    Ok(file.events)
}

/// The problem with the transaction's name in its message and its field.
fn in_transaction(problem: Problem, name: &str, at: usize) -> Problem {
    let field = match &problem.field {
        Some(field) => format!("Transaction[{}]/{field}", at + 1),
        None => format!("Transaction[{}]", at + 1),
    };
    Problem { code: problem.code, message: format!("{name}: {}", problem.message), field: Some(field) }
}

/// The part of a file that has been read.
#[derive(Default)]
struct File<'a> {
    events: Vec<Event>,
    /// The completed retail transactions, by key.
    completed: BTreeMap<String, (Header<'a>, Node<'a>)>,
}

impl<'a> File<'a> {
    fn add_transaction(&mut self, header: Header<'a>) -> Result<(), Problem> {
        // Cancelled before completion, or made for training.
        if xml::flag(header.node, "CancelFlag") || xml::flag(header.node, "TrainingModeFlag") {
            return Ok(());
        }
        let mut contents = header
            .node
            .children()
            .filter(|child| child.is_element() && child.tag_name().name().ends_with("Transaction"));
        let Some(first) = contents.next() else {
            return Err(Problem::new("transaction-empty", "it contains no element of a type …Transaction"));
        };
        for content in std::iter::once(first).chain(contents) {
            match content.tag_name().name() {
                "RetailTransaction" => self.add_retail(&header, content)?,
                "ControlTransaction" => self.events.extend(day_end::event(&header, content)?),
                // Cash movements, stock counts and customer orders are not supported; see the README.
                _ => {}
            }
        }
        Ok(())
    }

    fn add_retail(&mut self, header: &Header<'a>, retail: Node<'a>) -> Result<(), Problem> {
        // A void may repeat the sale under its number, and a suspended transaction may share its number with the
        // completed one: neither is a duplicate of the sale.
        if let Some(voided) = void::voided_sale(header, retail)? {
            let event = void::event(header, retail, &voided, self.completed.get(&voided.key))?;
            if !self.events.contains(&event) {
                self.events.push(event);
            }
            return Ok(());
        }
        if !is_completed(retail) {
            return Ok(());
        }
        if let Some((_, earlier)) = self.completed.get(&header.key) {
            let text = |node: Node<'a>| node.document().input_text().get(node.range());
            if text(*earlier) == text(retail) {
                return Ok(());
            }
            let message = "the file contains it twice, with different content".to_owned();
            return Err(Problem::new("transaction-twice", message).at("SequenceNumber"));
        }
        self.completed.insert(header.key.clone(), (header.clone(), retail));
        let basket = Basket::read(header, retail)?;
        let interpretation = interpret(&basket, header.settings)?;
        let payments = Payments::of(header, &basket, &interpretation)?;
        if basket.sold().next().is_some() {
            self.events.push(sale::event(header, &basket, &interpretation, &payments)?);
        }
        self.events.extend(refund::events(header, &basket, &interpretation, payments)?);
        Ok(())
    }
}

/// False for a suspended, failed or cancelled transaction: a later transaction reports its result.
fn is_completed(retail: Node<'_>) -> bool {
    let status = xml::attribute(retail, "TransactionStatus").unwrap_or_default();
    !(status.starts_with("Suspended") || matches!(status, "Failed" | "InProcess" | "Cancelled" | "Canceled"))
}
