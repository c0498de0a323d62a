//! A line of a sale as Tryton stores it.

use crossdock_sdk::prelude::*;
use serde_json::{Map, Value, json};

use crate::value;

/// The fields of a sale that [`SaleLine::read`] needs.
pub const FIELDS: [&str; 6] =
    ["lines.product", "lines.unit", "lines.quantity", "lines.unit_price", "lines.taxes", "lines.description"];

/// A line of a sale.
#[derive(Debug, Clone, PartialEq)]
pub struct SaleLine {
    pub product: Option<i64>,
    pub unit: Option<i64>,
    pub quantity: Decimal,
    pub unit_price: Decimal,
    /// Ascending.
    pub taxes: Vec<i64>,
    /// The text of a line without a product. Absent for a line with a product, whose description a user may change
    /// without a difference to the shop's order.
    pub description: Option<String>,
}

impl SaleLine {
    /// Reads a line. Absent for titles, subtotals and comments, which have no quantity.
    #[must_use]
    pub fn read(line: &Value) -> Option<Self> {
        let id = |name| line.get(name).and_then(|field| field.as_i64().or_else(|| field.get("id")?.as_i64()));
        let mut taxes = value::ids(line.get("taxes")?);
        taxes.sort_unstable();
        let product = id("product");
        Some(Self {
            product,
            unit: id("unit"),
            quantity: value::read_number(line.get("quantity")?)?,
            unit_price: value::read_number(line.get("unit_price")?)?,
            taxes,
            description: value::text(line, "description").filter(|_| product.is_none()).map(Into::into),
        })
    }

    /// The record to create the line with.
    #[must_use]
    pub fn to_record(&self) -> Value {
        let field = |name: &str, id: Option<i64>| id.map(|id| (name.to_owned(), json!(id)));
        let mut line =
            Map::from_iter(field("product", self.product).into_iter().chain(field("unit", self.unit)));
        line.extend(self.description.as_ref().map(|text| ("description".to_owned(), json!(text))));
        line.insert("type".into(), json!("line"));
        line.insert("quantity".into(), value::quantity(self.quantity));
        line.insert("unit_price".into(), value::number(self.unit_price));
        line.insert("taxes".into(), json!([["add", self.taxes]]));
        Value::Object(line)
    }

    /// The command that creates lines in the field `lines` of a sale.
    #[must_use]
    pub fn create_command(lines: &[Self]) -> Value {
        json!(["create", lines.iter().map(Self::to_record).collect::<Vec<_>>()])
    }
}
