//! The header of a transaction: store, till, business date, sequence number, time and currency.

use crossdock_sdk::prelude::*;

use crate::settings::Settings;
use crate::stores::{StoreCache, StoreInfo};
use crate::time;
use crate::xml::{self, Node};

/// The header that every type of transaction has.
#[derive(Clone)]
pub(crate) struct Header<'a> {
    pub node: Node<'a>,
    pub settings: &'a Settings,
    pub store: &'a str,
    pub register: &'a str,
    pub sequence: &'a str,
    /// The business date.
    pub date: String,
    /// `store/register/date/sequence`: the natural key of a sale, and the id of every entity of the transaction.
    pub key: String,
    store_info: StoreInfo,
}

impl<'a> Header<'a> {
    /// Reads the header of a `Transaction`.
    ///
    /// # Errors
    /// `key-missing`, or as [`date`], [`key`] and [`StoreCache::get`].
    pub(crate) fn read(
        node: Node<'a>,
        settings: &'a Settings,
        stores: &StoreCache<'_>,
    ) -> Result<Self, Problem> {
        let store = store(node).ok_or_else(|| missing("RetailStoreID"))?;
        let register = xml::text(node, "WorkstationID").ok_or_else(|| missing("WorkstationID"))?;
        let sequence = xml::text(node, "SequenceNumber").ok_or_else(|| missing("SequenceNumber"))?;
        let date = date(node)?.ok_or_else(|| missing("BusinessDayDate"))?;
        let key = key(store, register, &date, sequence)?;
        Ok(Self { node, settings, store, register, sequence, date, key, store_info: stores.get(store)? })
    }

    /// The time of the transaction, with its offset.
    ///
    /// # Errors
    /// `time-missing`, or as [`time::instant`].
    pub(crate) fn time(&self) -> Result<String, Problem> {
        let names = ["EndDateTime", "BeginDateTime", "POSLogDateTime", "ReceiptDateTime"];
        let found = names.into_iter().find_map(|name| Some((name, xml::text(self.node, name)?)));
        let receipt = || {
            Some((
                "ReceiptDateTime",
                xml::text(xml::child(self.node, "RetailTransaction")?, "ReceiptDateTime")?,
            ))
        };
        let (name, text) = found
            .or_else(receipt)
            .ok_or_else(|| Problem::new("time-missing", "it has no time").at("EndDateTime"))?;
        self.instant(text).map_err(|problem| problem.at(name))
    }

    /// The instant of a time that this till wrote.
    ///
    /// # Errors
    /// As [`time::instant`].
    pub(crate) fn instant(&self, text: &str) -> Result<String, Problem> {
        time::instant(text, self.store_info.zone.as_ref(), self.store)
    }

    /// The currency of the transaction.
    ///
    /// # Errors
    /// `currency-missing` when neither the file nor the store nor the settings have one, `invalid-currency` when it is
    /// not a currency code.
    pub(crate) fn currency(&self, retail: Node<'a>) -> Result<String, Problem> {
        let total = || xml::children(retail, "Total").find_map(|total| xml::attribute(total, "CurrencyCode"));
        let amount = || {
            let mut amounts = retail.descendants();
            amounts.find_map(|node| xml::attribute(node, "Currency").filter(|text| text.len() == 3))
        };
        let in_file = xml::text(self.node, "CurrencyCode").or_else(total).or_else(amount);
        let currency =
            in_file.map(str::to_owned).or_else(|| self.store_info.currency.clone()).ok_or_else(|| {
                Problem::new(
                    "currency-missing",
                    "neither the file nor the store registry nor the settings define the currency",
                )
            })?;
        if currency.len() == 3 && currency.bytes().all(|letter| letter.is_ascii_uppercase()) {
            return Ok(currency);
        }
        Err(Problem::new("invalid-currency", "the currency is not three capital letters").at("CurrencyCode"))
    }

    /// The order entity of a sale.
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
///
/// # Errors
/// `invalid-date` when it is not a calendar day.
pub(crate) fn date(node: Node<'_>) -> Result<Option<String>, Problem> {
    let Some(date) = xml::child(node, "BusinessDayDate") else { return Ok(None) };
    let Some(text) = xml::content(date).or_else(|| xml::text(date, "Date")) else { return Ok(None) };
    let invalid =
        || Problem::new("invalid-date", "the business date is not a calendar day").at(xml::path(date));
    time::date(text).map(Some).ok_or_else(invalid)
}

/// The key of a transaction: `store/register/date/sequence`.
///
/// # Errors
/// `invalid-key` when a part would make the key ambiguous.
pub(crate) fn key(store: &str, register: &str, date: &str, sequence: &str) -> Result<String, Problem> {
    for (part, name) in [(store, "RetailStoreID"), (register, "WorkstationID"), (sequence, "SequenceNumber")]
    {
        if part.len() > 64
            || part.chars().any(|letter| letter == '/' || letter.is_control() || letter.is_whitespace())
        {
            let message = "a part of a sale's key contains a slash or a blank, or is longer than 64 bytes";
            return Err(Problem::new("invalid-key", message).at(name));
        }
    }
    Ok(format!("{store}/{register}/{date}/{sequence}"))
}

fn missing(name: &str) -> Problem {
    Problem::new("key-missing", format!("it has no {name}")).at(name)
}
