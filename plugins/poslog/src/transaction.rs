//! A transaction's head, and which kind it is. Whatever goes wrong below is told with the transaction's name.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;
use roxmltree::Document;

use crate::basket::Basket;
use crate::settings::Settings;
use crate::xml::{self, Node};
use crate::zone::{self, Place, Places};
use crate::{day, returned, sale, void};

/// Who, where and when: what every kind of transaction has.
#[derive(Clone)]
pub(crate) struct Head<'a> {
    pub node: Node<'a>,
    pub settings: &'a Settings,
    pub store: &'a str,
    pub register: &'a str,
    pub sequence: &'a str,
    /// The business date.
    pub date: String,
    /// `store/register/date/sequence`: the natural key of a sale, and the id of everything that is made of
    /// the transaction.
    pub key: String,
    pub place: Place,
}

/// The events of a file, in its order.
///
/// # Errors
/// `not-poslog`; or what is wrong with one of the transactions, named.
pub(crate) fn all(tree: &Document<'_>, settings: &Settings) -> Result<Vec<Event>, Problem> {
    let root = tree.root_element();
    let name = root.tag_name().name();
    if !name.eq_ignore_ascii_case("POSLog") {
        let name: String = name.chars().take(60).collect();
        return Err(Problem::new("not-poslog", format!("the file is a <{name}>, and no <POSLog>")));
    }
    let places = Places::new(settings);
    let batches = root.children().filter(|child| xml::is(*child, "Batch") || xml::is(*child, "Transactions"));
    let nodes = std::iter::once(root).chain(batches).flat_map(|above| xml::children(above, "Transaction"));
    let mut file = File::default();
    for (at, node) in nodes.enumerate() {
        let mut name = format!("transaction {} of the file", at + 1);
        let read = Head::read(node, settings, &places).and_then(|head| {
            name = format!("transaction {} ({} of the file)", head.key, at + 1);
            file.transaction(head)
        });
        read.map_err(|problem| named(problem, &name, at))?;
    }
    Ok(file.events)
}

/// The same problem, saying whose it is.
fn named(problem: Problem, name: &str, at: usize) -> Problem {
    let field = match &problem.field {
        Some(field) => format!("Transaction[{}]/{field}", at + 1),
        None => format!("Transaction[{}]", at + 1),
    };
    Problem { code: problem.code, message: format!("{name}: {}", problem.message), field: Some(field) }
}

/// What has been read of a file.
#[derive(Default)]
struct File<'a> {
    events: Vec<Event>,
    /// The retail transactions that came about, by their keys.
    seen: BTreeMap<String, (Head<'a>, Node<'a>)>,
}

impl<'a> File<'a> {
    fn transaction(&mut self, head: Head<'a>) -> Result<(), Problem> {
        // It was abandoned before it was a sale, or nobody meant it.
        if xml::flag(head.node, "CancelFlag") || xml::flag(head.node, "TrainingModeFlag") {
            return Ok(());
        }
        let mut kinds = head
            .node
            .children()
            .filter(|child| child.is_element() && child.tag_name().name().ends_with("Transaction"));
        let Some(first) = kinds.next() else {
            return Err(Problem::new("transaction-empty", "it is of no kind: no …Transaction stands in it"));
        };
        for kind in std::iter::once(first).chain(kinds) {
            match kind.tag_name().name() {
                "RetailTransaction" => self.retail(&head, kind)?,
                "ControlTransaction" => self.events.extend(day::closed(&head, kind)?),
                // Cash moved within the store, counted stock, orders for later: not read, as the README says.
                _ => {}
            }
        }
        Ok(())
    }

    fn retail(&mut self, head: &Head<'a>, retail: Node<'a>) -> Result<(), Problem> {
        // A void may be the sale told again, and what was put aside may have the number of what came about: neither
        // is a sale that the file has twice.
        if let Some(voided) = void::of(head, retail)? {
            let event = void::event(head, retail, &voided, self.seen.get(&voided.key))?;
            if !self.events.contains(&event) {
                self.events.push(event);
            }
            return Ok(());
        }
        if unfinished(retail) {
            return Ok(());
        }
        if let Some((_, before)) = self.seen.get(&head.key) {
            let text = |node: Node<'a>| node.document().input_text().get(node.range());
            if text(*before) == text(retail) {
                return Ok(());
            }
            let message = "the file has it twice, with different content".to_owned();
            return Err(Problem::new("transaction-twice", message).at("SequenceNumber"));
        }
        self.seen.insert(head.key.clone(), (head.clone(), retail));
        let basket = Basket::read(head, retail)?;
        let reading = crate::reading::choose(&basket, head.settings)?;
        let moved = crate::tender::settle(head, &basket, &reading)?;
        if basket.sold().next().is_some() {
            self.events.push(sale::event(head, &basket, &reading, &moved)?);
        }
        self.events.extend(returned::events(head, &basket, &reading, moved)?);
        Ok(())
    }
}

/// True for what was put aside, or did not come about: what becomes of it is told by a later transaction.
fn unfinished(retail: Node<'_>) -> bool {
    let status = xml::attribute(retail, "TransactionStatus").unwrap_or_default();
    status.starts_with("Suspended") || matches!(status, "Failed" | "InProcess" | "Cancelled" | "Canceled")
}

impl<'a> Head<'a> {
    fn read(node: Node<'a>, settings: &'a Settings, places: &Places<'_>) -> Result<Self, Problem> {
        let store = store(node).ok_or_else(|| missing("RetailStoreID"))?;
        let register = xml::text(node, "WorkstationID").ok_or_else(|| missing("WorkstationID"))?;
        let sequence = xml::text(node, "SequenceNumber").ok_or_else(|| missing("SequenceNumber"))?;
        let date = date(node)?.ok_or_else(|| missing("BusinessDayDate"))?;
        let key = key(store, register, &date, sequence)?;
        Ok(Self { node, settings, store, register, sequence, date, key, place: places.of(store)? })
    }

    /// When it was done, with its offset.
    ///
    /// # Errors
    /// `time-missing`, or as [`zone::instant`].
    pub(crate) fn at(&self) -> Result<String, Problem> {
        let end = ["EndDateTime", "BeginDateTime", "POSLogDateTime", "ReceiptDateTime"];
        let found = end.into_iter().find_map(|name| Some((name, xml::text(self.node, name)?)));
        let receipt = || {
            Some((
                "ReceiptDateTime",
                xml::text(xml::child(self.node, "RetailTransaction")?, "ReceiptDateTime")?,
            ))
        };
        let (name, text) = found.or_else(receipt).ok_or_else(|| {
            Problem::new("time-missing", "it does not say when it was done").at("EndDateTime")
        })?;
        self.instant(text).map_err(|problem| problem.at(name))
    }

    /// A moment that this till wrote.
    pub(crate) fn instant(&self, text: &str) -> Result<String, Problem> {
        zone::instant(text, &self.place, self.store)
    }

    /// What it is reckoned in.
    ///
    /// # Errors
    /// `currency-missing` when nobody says it, `invalid-currency` when it is none.
    pub(crate) fn currency(&self, retail: Node<'a>) -> Result<String, Problem> {
        let total = || xml::children(retail, "Total").find_map(|total| xml::attribute(total, "CurrencyCode"));
        let amount = || {
            let mut amounts = retail.descendants();
            amounts.find_map(|node| xml::attribute(node, "Currency").filter(|text| text.len() == 3))
        };
        let told = xml::text(self.node, "CurrencyCode").or_else(total).or_else(amount);
        let currency = told.map(str::to_owned).or_else(|| self.place.currency.clone()).ok_or_else(|| {
            Problem::new(
                "currency-missing",
                "neither the file nor the store registry nor the settings say the currency",
            )
        })?;
        if currency.len() == 3 && currency.bytes().all(|letter| letter.is_ascii_uppercase()) {
            return Ok(currency);
        }
        Err(Problem::new("invalid-currency", "the currency is not three capital letters").at("CurrencyCode"))
    }

    /// The order that a sale is.
    pub(crate) fn order(&self, key: &str) -> Entity {
        self.settings.entity(EntityKind::Order, key)
    }
}

/// The store of a transaction, or of a link to one.
pub(crate) fn store(node: Node<'_>) -> Option<&str> {
    let unit = || {
        let unit = xml::child(node, "BusinessUnit")?;
        xml::text(unit, "UnitID").or_else(|| xml::content(unit))
    };
    xml::text(node, "RetailStoreID").or_else(unit)
}

/// The business date of a transaction, or of a link to one.
pub(crate) fn date(node: Node<'_>) -> Result<Option<String>, Problem> {
    let Some(date) = xml::child(node, "BusinessDayDate") else { return Ok(None) };
    let Some(text) = xml::content(date).or_else(|| xml::text(date, "Date")) else { return Ok(None) };
    let wrong = || Problem::new("invalid-date", "the business date is no calendar day").at(xml::place(date));
    zone::day(text).map(Some).ok_or_else(wrong)
}

/// `store/register/date/sequence`.
///
/// # Errors
/// `invalid-key` when a part would make it mean two things.
pub(crate) fn key(store: &str, register: &str, date: &str, sequence: &str) -> Result<String, Problem> {
    for (part, name) in [(store, "RetailStoreID"), (register, "WorkstationID"), (sequence, "SequenceNumber")]
    {
        if part.len() > 64
            || part.chars().any(|letter| letter == '/' || letter.is_control() || letter.is_whitespace())
        {
            let message = "a slash, a blank, or more than 64 bytes cannot be a part of a sale's key";
            return Err(Problem::new("invalid-key", message).at(name));
        }
    }
    Ok(format!("{store}/{register}/{date}/{sequence}"))
}

fn missing(name: &str) -> Problem {
    Problem::new("key-missing", format!("it has no {name}")).at(name)
}
