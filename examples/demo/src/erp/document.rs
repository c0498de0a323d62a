//! What the ERP accepts and stores: order and refund documents, as JSON.
//!
//! Money is a decimal string in the shop's currency, keys are camelCase. Fields that a document does not know
//! are ignored. The same types describe what the ERP is *expected* to store, see [`crate::verify`].

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};

/// Where an order stands in the ERP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Accepted, not paid.
    Open,
    /// Paid, also if some of it was refunded since.
    Paid,
    /// Cancelled; nothing is due.
    Cancelled,
}

/// Who bought. Absent for a sale to nobody in particular (a till).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Full name. Personal data.
    pub name: String,
    /// Address for mail, if known. Personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// Where the goods go. Absent for a sale over the counter. Personal data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Address {
    /// Person or company.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Street and number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line1: Option<String>,
    /// Flat, floor, care of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    /// Town.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Postal code as written in its country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postcode: Option<String>,
    /// State or province.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The sender's id of the line; unique within the order.
    pub line: String,
    /// The article; absent for a line that is none (a custom line).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Its title; not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Pieces; a decimal string or a JSON integer.
    #[serde(deserialize_with = "quantity")]
    pub quantity: Decimal,
    /// Price of one piece before discounts.
    pub unit_price: Decimal,
    /// The discount of the whole line, as a positive amount.
    #[serde(default)]
    pub discount: Decimal,
    /// Tax of the whole line.
    #[serde(default)]
    pub tax: Decimal,
    /// Whether goods have to leave for it.
    #[serde(default)]
    pub ships: bool,
}

/// A payment into one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The account in the ERP's books.
    pub account: String,
    /// How much; negative when it was given back.
    pub amount: Decimal,
}

/// An order as the sender wants it stored; a `PUT` replaces all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The sender's name for the order. **Not unique**: posting twice makes two orders.
    pub reference: String,
    /// The sender's version of the order. Stored and answered, never interpreted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_version: Option<String>,
    /// When it was ordered: an instant with its offset.
    pub ordered_at: String,
    /// ISO 4217.
    pub currency: String,
    /// Who bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Customer>,
    /// Where the goods go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_to: Option<Address>,
    /// The warehouse the goods leave from. Absent: the ERP's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warehouse: Option<String>,
    /// The day of a store's books. Absent for a sale that was not at a till.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_date: Option<String>,
    /// How it was paid, as far as the sender knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payments: Vec<Payment>,
    /// The lines.
    pub lines: Vec<Line>,
    /// Shipping after its discounts, before tax unless `tax_included`.
    #[serde(default)]
    pub shipping: Decimal,
    /// Tax on shipping.
    #[serde(default)]
    pub shipping_tax: Decimal,
    /// Tips.
    #[serde(default)]
    pub tips: Decimal,
    /// Duties.
    #[serde(default)]
    pub duties: Decimal,
    /// Cash rounding; may be negative.
    #[serde(default)]
    pub rounding: Decimal,
    /// Whether prices include their tax.
    pub tax_included: bool,
    /// The amount due.
    pub total: Decimal,
    /// All tax of the order, that of shipping included.
    pub tax: Decimal,
    /// Where it stands.
    pub state: State,
}

/// One line of a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefundLine {
    /// The sender's id of the order's line.
    pub line: String,
    /// Pieces returned; a decimal string or a JSON integer.
    #[serde(deserialize_with = "quantity")]
    pub quantity: Decimal,
    /// How the goods are restocked: `no-restock`, `cancel`, `return` or `legacy-restock` (`_` and capitals are
    /// accepted too).
    pub restock_type: String,
    /// The price of the pieces, without tax unless included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtotal: Option<Decimal>,
    /// The tax of the pieces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<Decimal>,
}

impl RefundLine {
    /// Whether the pieces go back on the shelf.
    pub fn is_restocked(&self) -> bool {
        let kind = self.restock_type.replace(['-', '_'], "").to_lowercase();
        matches!(kind.as_str(), "return" | "cancel" | "legacyrestock")
    }
}

/// Money given back for an order (a credit note).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refund {
    /// The sender's name for the refund. **Not unique**.
    pub reference: String,
    /// When: an instant with its offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded_at: Option<String>,
    /// ISO 4217.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The warehouse that the goods were returned to. Absent: that of the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warehouse: Option<String>,
    /// The day of a store's books. Absent when it was not at a till.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_date: Option<String>,
    /// Money that was really paid back.
    pub amount: Decimal,
    /// The returned pieces; may be empty.
    #[serde(default)]
    pub lines: Vec<RefundLine>,
}

/// A change of stock that comes from no order or refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Adjustment {
    /// The sender's name for the change. **Not unique**.
    pub reference: String,
    /// The article.
    pub article: String,
    /// The warehouse. Absent: the ERP's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warehouse: Option<String>,
    /// How many more; negative when there are fewer.
    pub delta: Decimal,
    /// Why; stored and answered, never interpreted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

fn quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Quantity {
        Pieces(u64),
        Text(String),
    }
    match Quantity::deserialize(deserializer)? {
        Quantity::Pieces(pieces) => Ok(Decimal::from(pieces)),
        Quantity::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_a_string_and_a_quantity_may_be_a_number() {
        let text = r#"{"line":"1","sku":null,"quantity":3,"unitPrice":"9.90","tax":"0.10","colour":"red"}"#;
        let line: Line = serde_json::from_str(text).unwrap();
        assert_eq!(line.quantity, Decimal::from(3));
        assert_eq!(line.unit_price, Decimal::new(990, 2));
        assert_eq!(line.discount, Decimal::ZERO);
        assert!(serde_json::from_str::<Line>(&text.replace("\"9.90\"", "9.90")).is_err());
        assert!(serde_json::from_str::<Line>(&text.replace(":3,", ":\"3.0\",")).is_ok());
    }
}
