//! Fulfilments of an order.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::order;
use super::shipment_lines::OrderLine;
use crate::admin::page::PageInfo;
use crate::admin::{Admin, id, operations};

/// A fulfilment without its lines.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FulfilmentSummary {
    pub id: String,
    pub status: String,
    tracking_info: Vec<TrackingInfo>,
}

#[derive(Debug, Deserialize)]
struct TrackingInfo {
    number: Option<String>,
}

/// A fulfilment with its lines.
#[derive(Clone, Debug)]
pub struct Fulfilment {
    pub id: String,
    pub name: String,
    pub status: String,
    pub tracking_numbers: Vec<String>,
    /// The lines, each with its quantity. Empty after a mutation, which does not return them.
    pub lines: Vec<(OrderLine, i64)>,
    /// The fulfilment status of the whole order.
    pub order_status: String,
}

/// A fulfilment in the payload of a mutation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FulfilmentPayload {
    id: String,
    name: String,
    status: String,
    tracking_info: Vec<TrackingInfo>,
    order: OrderStatus,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrderStatus {
    display_fulfillment_status: String,
}

impl From<FulfilmentPayload> for Fulfilment {
    fn from(payload: FulfilmentPayload) -> Self {
        Self {
            id: payload.id,
            name: payload.name,
            status: payload.status,
            tracking_numbers: payload.tracking_info.into_iter().filter_map(|info| info.number).collect(),
            lines: vec![],
            order_status: payload.order.display_fulfillment_status,
        }
    }
}

impl FulfilmentSummary {
    /// Whether it is not cancelled and has one of these tracking numbers.
    #[must_use]
    pub fn has_tracking(&self, tracking: &[Tracking]) -> bool {
        let mut numbers = self.tracking_info.iter().filter_map(|info| info.number.as_deref());
        self.status != "CANCELLED"
            && numbers.any(|number| tracking.iter().any(|parcel| parcel.number == number))
    }
}

impl Fulfilment {
    /// Reads a fulfilment. None when the shop does not have it.
    ///
    /// # Errors
    /// A request failed.
    pub fn read(fulfilment: &str, admin: &Admin) -> Result<Option<Self>, Outcome> {
        #[derive(Deserialize)]
        struct Data {
            fulfillment: Option<FulfilmentWithLines>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct FulfilmentWithLines {
            #[serde(flatten)]
            fulfilment: FulfilmentPayload,
            fulfillment_line_items: Page,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Page {
            nodes: Vec<FulfilmentLine>,
            page_info: PageInfo,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct FulfilmentLine {
            quantity: Option<i64>,
            line_item: OrderLine,
        }
        let mut lines = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let variables = json!({ "id": id::global("Fulfillment", fulfilment), "after": after });
            let data: Data = admin.run(&operations::FULFILMENT, variables)?;
            let Some(FulfilmentWithLines { fulfilment, fulfillment_line_items: page }) = data.fulfillment
            else {
                return Ok(None);
            };
            lines.extend(page.nodes.into_iter().map(|line| (line.line_item, line.quantity.unwrap_or(0))));
            after = page.page_info.next();
            if after.is_none() {
                return Ok(Some(Self { lines, ..Self::from(fulfilment) }));
            }
        }
    }

    /// Whether it is not cancelled.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status != "CANCELLED"
    }

    /// Its reference.
    #[must_use]
    pub fn reference(&self) -> Reference {
        let number = Some(self.name.clone()).filter(|name| !name.is_empty());
        Reference { number, ..Reference::new("fulfillment", id::local(&self.id)) }
    }

    /// The attribute values of it and its order that the shop will report.
    #[must_use]
    pub fn written(&self, order: &str, admin: &Admin) -> Vec<Written> {
        let entity = admin.entity(EntityKind::Shipment, id::local(&self.id));
        let state = if self.is_active() { "shipped" } else { "cancelled" };
        let mut written: Vec<Written> = [
            ("shipment.state", state.to_owned()),
            ("shipment.tracking", order::joined_labels(&self.tracking_numbers)),
        ]
        .into_iter()
        .map(|(attribute, value)| Written { entity: entity.clone(), attribute: attribute.into(), value })
        .collect();
        let states = BTreeMap::from([
            ("FULFILLED", "fulfilled"),
            ("PARTIALLY_FULFILLED", "partial"),
            ("RESTOCKED", "restocked"),
        ]);
        let order_state = states.get(self.order_status.as_str()).copied().unwrap_or("unfulfilled");
        written.push(order::written(order, "order.fulfilment", order_state, admin));
        written
    }
}
