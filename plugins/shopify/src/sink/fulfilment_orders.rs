//! The fulfilment orders of an order: the goods that can still be shipped, by location.

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::fulfilment::FulfilmentSummary;
use super::shipment_lines::{OrderLine, ShipmentLines};
use super::{article, order};
use crate::admin::page::PageInfo;
use crate::admin::{Admin, operations};

/// An order's fulfilment orders and fulfilments.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderFulfilments {
    pub cancelled_at: Option<String>,
    pub tags: Vec<String>,
    #[serde(rename = "fulfillments")]
    pub fulfilments: Vec<FulfilmentSummary>,
    #[serde(rename = "fulfillmentOrders")]
    fulfilment_orders: Page<FulfilmentOrder>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<T> {
    nodes: Vec<T>,
    page_info: PageInfo,
}

/// Goods that are to be shipped from one location.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FulfilmentOrder {
    id: String,
    status: String,
    supported_actions: Vec<SupportedAction>,
    assigned_location: AssignedLocation,
    line_items: Page<FulfilmentOrderLine>,
}

#[derive(Debug, Deserialize)]
struct SupportedAction {
    action: String,
}

#[derive(Debug, Deserialize)]
struct AssignedLocation {
    location: Option<LocationId>,
}

#[derive(Debug, Deserialize)]
struct LocationId {
    id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FulfilmentOrderLine {
    id: String,
    remaining_quantity: i64,
    line_item: OrderLine,
}

/// The lines of one fulfilment, by fulfilment order: Shopify's `lineItemsByFulfillmentOrder`.
pub type FulfilmentLines = Vec<Value>;

impl OrderFulfilments {
    /// Reads them.
    ///
    /// # Errors
    /// `order-unknown`, or a request failed.
    pub fn read(order: &str, admin: &Admin) -> Result<Self, Outcome> {
        #[derive(Deserialize)]
        struct Data {
            order: Option<OrderFulfilments>,
        }
        let read_page = |after: Option<String>| {
            let variables = json!({ "id": order, "after": after });
            let data: Data = admin.run(&operations::ORDER_FULFILMENTS, variables)?;
            data.order.ok_or_else(order::not_found)
        };
        let mut order = read_page(None)?;
        while let Some(after) = std::mem::take(&mut order.fulfilment_orders.page_info).next() {
            let page = read_page(Some(after))?.fulfilment_orders;
            order.fulfilment_orders.nodes.extend(page.nodes);
            order.fulfilment_orders.page_info = page.page_info;
        }
        for fulfilment_order in &mut order.fulfilment_orders.nodes {
            fulfilment_order.read_remaining_lines(admin)?;
        }
        Ok(order)
    }

    /// The fulfilments to create for all lines, one per location, those of the preferred location first.
    ///
    /// # Errors
    /// `rejected` or `unmapped` when not all lines can be shipped.
    pub fn plan(
        &self,
        lines: &mut ShipmentLines,
        preferred_location: Option<&str>,
    ) -> Result<Vec<FulfilmentLines>, Outcome> {
        let mut fulfilment_orders: Vec<&FulfilmentOrder> = self.fulfilment_orders.nodes.iter().collect();
        fulfilment_orders
            .sort_by_key(|one| preferred_location.is_none() || one.location() != preferred_location);
        let mut blocked = Vec::new();
        let mut planned: Vec<(Option<&str>, FulfilmentLines)> = Vec::new();
        for one in fulfilment_orders {
            let can_ship = one.supported_actions.iter().any(|action| action.action == "CREATE_FULFILLMENT");
            if !can_ship {
                if one.line_items.nodes.iter().any(|line| line.remaining_quantity > 0) {
                    blocked.push(one.status.as_str());
                }
                continue;
            }
            let allocated = one.line_items.nodes.iter().filter_map(|line| {
                let quantity = lines.allocate(&line.line_item, line.remaining_quantity);
                (quantity > 0).then(|| json!({ "id": line.id, "quantity": quantity }))
            });
            let allocated: Vec<Value> = allocated.collect();
            if allocated.is_empty() {
                continue;
            }
            let part = json!({ "fulfillmentOrderId": one.id, "fulfillmentOrderLineItems": allocated });
            match planned.iter_mut().find(|(location, _)| *location == one.location()) {
                Some((_, parts)) => parts.push(part),
                None => planned.push((one.location(), vec![part])),
            }
        }
        if lines.is_empty() {
            return Ok(planned.into_iter().map(|(_, parts)| parts).collect());
        }
        Err(self.shortage(lines, &blocked))
    }

    fn shortage(&self, lines: &ShipmentLines, blocked: &[&str]) -> Outcome {
        let order_lines = self.fulfilment_orders.nodes.iter().flat_map(|one| &one.line_items.nodes);
        let unknown = lines.unknown_skus(order_lines.map(|line| &line.line_item));
        let unmapped: Vec<Unmapped> = unknown
            .into_iter()
            .filter(|sku| mappings::get(article::TABLE, sku).is_none())
            .map(|sku| Unmapped { table: article::TABLE.into(), value: sku.into() })
            .collect();
        if !unmapped.is_empty() {
            return Outcome::Unmapped(unmapped);
        }
        let remaining = lines.remaining();
        let problem = if self.cancelled_at.is_some() {
            Problem::new(
                "order-cancelled",
                format!("the order is cancelled in the shop, and {remaining} were shipped for it"),
            )
        } else if let Some(status) = blocked.first() {
            let status = status.to_ascii_lowercase().replace('_', " ");
            Problem::new(
                "fulfilment-held",
                format!("{remaining} cannot be fulfilled: the fulfilment order is {status}"),
            )
        } else {
            Problem::new(
                "nothing-left",
                format!("{remaining} were shipped, but the shop has no more of it to fulfil"),
            )
        };
        problem.at("lines").into()
    }
}

impl FulfilmentOrder {
    fn location(&self) -> Option<&str> {
        self.assigned_location.location.as_ref().map(|location| location.id.as_str())
    }

    /// Reads the lines that the first response does not contain.
    fn read_remaining_lines(&mut self, admin: &Admin) -> Result<(), Outcome> {
        #[derive(Deserialize)]
        struct Data {
            #[serde(rename = "fulfillmentOrder")]
            fulfilment_order: Option<Lines>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Lines {
            line_items: Page<FulfilmentOrderLine>,
        }
        while let Some(after) = std::mem::take(&mut self.line_items.page_info).next() {
            let variables = json!({ "id": self.id, "after": after });
            let data: Data = admin.run(&operations::MORE_FULFILMENT_ORDER_LINES, variables)?;
            let Some(Lines { line_items }) = data.fulfilment_order else { break };
            self.line_items.nodes.extend(line_items.nodes);
            self.line_items.page_info = line_items.page_info;
        }
        Ok(())
    }
}
