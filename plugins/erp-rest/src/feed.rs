//! The records of the ERP's feed of changes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A page of the feed.
#[derive(Deserialize)]
pub(crate) struct Feed {
    pub(crate) changes: Vec<Change>,
    pub(crate) next: u64,
    #[serde(default)]
    pub(crate) more: bool,
}

/// One change. Its number is unique and rises.
#[derive(Deserialize)]
pub(crate) struct Change {
    pub(crate) sequence: u64,
    pub(crate) at: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The changed record, under the name of its type.
    #[serde(flatten)]
    pub(crate) records: BTreeMap<String, Value>,
}

/// An order. Its `reference` is the one that the sink wrote.
#[derive(Deserialize)]
pub(crate) struct SalesOrder {
    pub(crate) id: String,
    pub(crate) reference: String,
    pub(crate) state: String,
    pub(crate) lines: Vec<FeedLine>,
    pub(crate) total: String,
    pub(crate) tax: String,
    pub(crate) currency: String,
}

/// A line of an order or a parcel.
#[derive(Deserialize)]
pub(crate) struct FeedLine {
    pub(crate) id: Option<String>,
    pub(crate) line: Option<String>,
    pub(crate) article: Option<String>,
    pub(crate) quantity: String,
}

/// A parcel.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Parcel {
    pub(crate) id: String,
    pub(crate) reference: String,
    pub(crate) state: String,
    pub(crate) warehouse: Option<String>,
    pub(crate) shipped_at: Option<String>,
    pub(crate) lines: Vec<FeedLine>,
    pub(crate) carrier: Option<String>,
    pub(crate) tracking: Option<String>,
    pub(crate) tracking_url: Option<String>,
}

/// An invoice.
#[derive(Deserialize)]
pub(crate) struct Invoice {
    pub(crate) id: String,
    pub(crate) reference: String,
    pub(crate) state: String,
    pub(crate) date: Option<String>,
    pub(crate) untaxed: String,
    pub(crate) tax: String,
    pub(crate) total: String,
    pub(crate) currency: String,
}

/// The stock of one article in one warehouse.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StockLevel {
    pub(crate) article: String,
    pub(crate) warehouse: String,
    pub(crate) available: String,
    pub(crate) on_hand: Option<String>,
    pub(crate) reserved: Option<String>,
}

/// An article.
#[derive(Deserialize)]
pub(crate) struct Article {
    pub(crate) article: String,
    pub(crate) title: String,
    pub(crate) active: bool,
}

/// The price of one article.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListedPrice {
    pub(crate) article: String,
    pub(crate) amount: String,
    pub(crate) currency: String,
    pub(crate) includes_tax: bool,
}
