//! The orders and order lines of the shop that records of Tryton belong to.

use std::collections::BTreeMap;

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

use crate::erp::Erp;
use crate::value;

/// The order of each sale, and the order line of each line of a sale.
pub struct Owners {
    /// The order of a sale, by the sale's id.
    orders: BTreeMap<i64, Entity>,
    /// The id of a sale, by the id of its line.
    sales: BTreeMap<i64, i64>,
    /// The id of an order line, by the id of the sale's line.
    lines: BTreeMap<String, String>,
}

impl Owners {
    /// The orders of sales.
    ///
    /// # Errors
    /// The request failed.
    pub fn of_sales(sales: &[Value], erp: &Erp) -> Result<Self, Error> {
        let records = sales.iter().map(|sale| (value::id(sale), sale.clone())).collect();
        Self::new(&records, BTreeMap::new(), erp)
    }

    /// The orders of records whose origin is a line of a sale.
    ///
    /// # Errors
    /// A request failed.
    pub fn of_lines<'a>(records: impl Iterator<Item = &'a Value>, erp: &Erp) -> Result<Self, Error> {
        let mut lines: Vec<i64> =
            records.filter_map(|record| value::reference(record, "origin", "sale.line")).collect();
        lines.sort_unstable();
        lines.dedup();
        if lines.is_empty() {
            return Self::new(&BTreeMap::new(), BTreeMap::new(), erp);
        }
        let found =
            erp.rest.search("sale.line", &json!([["id", "in", lines]]), &["sale.web_id", "sale.origin"])?;
        let sale = |line: &Value| line.get("sale").cloned();
        let sales =
            found.iter().filter_map(|line| Some((value::id(line), value::id(&sale(line)?)))).collect();
        let records = found.iter().filter_map(sale).map(|sale| (value::id(&sale), sale)).collect();
        Self::new(&records, sales, erp)
    }

    fn new(records: &BTreeMap<i64, Value>, sales: BTreeMap<i64, i64>, erp: &Erp) -> Result<Self, Error> {
        // The origin of a refund's sale is the order's sale.
        let origin = |record: &Value| value::reference(record, "origin", "sale.sale");
        let origins: Vec<i64> =
            records.values().filter(|sale| order_of(sale).is_none()).filter_map(origin).collect();
        let mut orders_of_origins = BTreeMap::new();
        if !origins.is_empty() {
            for sale in erp.rest.search("sale.sale", &json!([["id", "in", origins]]), &["web_id"])? {
                orders_of_origins.extend(order_of(&sale).map(|order| (value::id(&sale), order)));
            }
        }
        let order_by_sale = |(id, record): (&i64, &Value)| {
            Some((*id, order_of(record).or_else(|| orders_of_origins.get(&origin(record)?).cloned())?))
        };
        let orders: BTreeMap<i64, Entity> = records.iter().filter_map(order_by_sale).collect();
        let mut lines = BTreeMap::new();
        for order in orders.values() {
            for reference in references::find(order).into_iter().filter(|reference| reference.kind == "sale")
            {
                lines.extend(reference.lines.into_iter().map(|line| (line.id, line.line)));
            }
        }
        Ok(Self { orders, sales, lines })
    }

    /// The order of a record whose origin is a line of a sale.
    #[must_use]
    pub fn order_of_line(&self, record: &Value) -> Option<&Entity> {
        self.orders.get(self.sales.get(&value::reference(record, "origin", "sale.line")?)?)
    }

    /// The order of a sale.
    #[must_use]
    pub fn order(&self, sale: i64) -> Option<&Entity> {
        self.orders.get(&sale)
    }

    /// The id of the order line that a line of a sale stands for.
    #[must_use]
    pub fn order_line(&self, sale_line: Option<i64>) -> Option<String> {
        self.lines.get(&sale_line?.to_string()).cloned()
    }
}

/// The order in a sale's web id. Absent when the web id is not an order's.
fn order_of(sale: &Value) -> Option<Entity> {
    let mut parts = value::text(sale, "web_id")?.splitn(4, '/');
    let (system, tenant, kind, id) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    (kind == "order").then(|| Entity {
        system: system.into(),
        tenant: tenant.into(),
        kind: EntityKind::Order,
        id: id.into(),
    })
}
