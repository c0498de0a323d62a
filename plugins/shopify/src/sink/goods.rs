//! The goods of an order: what can still leave, from where, and what has left.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::place::PageInfo;
use super::want::{OrderLine, Wants};
use crate::admin::{Admin, id, operations};

/// An order's goods.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Goods {
    pub cancelled_at: Option<String>,
    pub tags: Vec<String>,
    /// What has left, or was to.
    pub fulfillments: Vec<Brief>,
    fulfillment_orders: Page<Pending>,
}

/// A fulfilment without its lines.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Brief {
    pub id: String,
    pub status: String,
    tracking_info: Vec<Parcel>,
}

#[derive(Debug, Deserialize)]
struct Parcel {
    number: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<T> {
    nodes: Vec<T>,
    page_info: PageInfo,
}

/// A fulfilment order: goods that are to leave one location.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pending {
    id: String,
    status: String,
    supported_actions: Vec<Action>,
    assigned_location: Assigned,
    line_items: Page<Remaining>,
}

#[derive(Debug, Deserialize)]
struct Action {
    action: String,
}

#[derive(Debug, Deserialize)]
struct Assigned {
    location: Option<LocationId>,
}

#[derive(Debug, Deserialize)]
struct LocationId {
    id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Remaining {
    id: String,
    remaining_quantity: i64,
    line_item: OrderLine,
}

/// A fulfilment with its lines.
#[derive(Clone, Debug)]
pub struct Fulfilment {
    pub id: String,
    pub name: String,
    pub status: String,
    /// The numbers of its parcels.
    pub numbers: Vec<String>,
    pub lines: Vec<(OrderLine, i64)>,
    /// What the shop says of the whole order.
    pub order: String,
}

/// What a mutation answers of a fulfilment.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    id: String,
    name: String,
    status: String,
    tracking_info: Vec<Parcel>,
    order: OfOrder,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfOrder {
    display_fulfillment_status: String,
}

impl From<Told> for Fulfilment {
    fn from(told: Told) -> Self {
        Self {
            id: told.id,
            name: told.name,
            status: told.status,
            numbers: numbers(told.tracking_info),
            lines: vec![],
            order: told.order.display_fulfillment_status,
        }
    }
}

impl Brief {
    /// Whether it stands, and carries one of these parcels.
    #[must_use]
    pub fn carries(&self, parcels: &[Tracking]) -> bool {
        let numbers = self.tracking_info.iter().filter_map(|parcel| parcel.number.as_deref());
        self.status != "CANCELLED"
            && numbers.into_iter().any(|number| parcels.iter().any(|own| own.number == number))
    }
}

fn numbers(parcels: Vec<Parcel>) -> Vec<String> {
    parcels.into_iter().filter_map(|parcel| parcel.number).collect()
}

/// The goods that one request takes: all fulfilment orders of one location.
pub type Load = Vec<Value>;

impl Goods {
    /// Asks for them.
    ///
    /// # Errors
    /// `order-unknown`; or the shop could not be asked.
    pub fn of(order: &str, admin: &Admin) -> Result<Self, Outcome> {
        #[derive(Deserialize)]
        struct Answer {
            order: Option<Goods>,
        }
        let ask = |after: Option<String>| {
            let variables = json!({ "id": order, "after": after });
            let answer: Answer = admin.run(&operations::ORDER_GOODS, variables)?;
            answer.order.ok_or_else(super::no_order)
        };
        let mut goods = ask(None)?;
        while let Some(after) = std::mem::take(&mut goods.fulfillment_orders.page_info).next() {
            let more = ask(Some(after))?.fulfillment_orders;
            goods.fulfillment_orders.nodes.extend(more.nodes);
            goods.fulfillment_orders.page_info = more.page_info;
        }
        for pending in &mut goods.fulfillment_orders.nodes {
            pending.complete(admin)?;
        }
        Ok(goods)
    }

    /// What to take where for all that is wanted, one load a location, the preferred location first.
    ///
    /// # Errors
    /// `rejected` or `unmapped` when not all of it can leave.
    pub fn loads(&self, wants: &mut Wants, preferred: Option<&str>) -> Result<Vec<Load>, Outcome> {
        let mut pending: Vec<&Pending> = self.fulfillment_orders.nodes.iter().collect();
        pending.sort_by_key(|one| preferred.is_none() || one.location() != preferred);
        let mut held = Vec::new();
        let mut loads: Vec<(Option<&str>, Load)> = Vec::new();
        for one in pending {
            let open = one.supported_actions.iter().any(|action| action.action == "CREATE_FULFILLMENT");
            if !open {
                if one.line_items.nodes.iter().any(|line| line.remaining_quantity > 0) {
                    held.push(one.status.as_str());
                }
                continue;
            }
            let lines = one.line_items.nodes.iter().filter_map(|line| {
                let taken = wants.take(&line.line_item, line.remaining_quantity);
                (taken > 0).then(|| json!({ "id": line.id, "quantity": taken }))
            });
            let lines: Vec<Value> = lines.collect();
            if lines.is_empty() {
                continue;
            }
            let part = json!({ "fulfillmentOrderId": one.id, "fulfillmentOrderLineItems": lines });
            match loads.iter_mut().find(|(location, _)| *location == one.location()) {
                Some((_, load)) => load.push(part),
                None => loads.push((one.location(), vec![part])),
            }
        }
        if wants.is_empty() {
            return Ok(loads.into_iter().map(|(_, load)| load).collect());
        }
        Err(self.shortage(wants, &held))
    }

    fn shortage(&self, wants: &Wants, held: &[&str]) -> Outcome {
        let lines = self.fulfillment_orders.nodes.iter().flat_map(|one| &one.line_items.nodes);
        let strangers = wants.strangers(lines.map(|line| &line.line_item));
        let strangers: Vec<Unmapped> = strangers
            .into_iter()
            .filter(|sku| mappings::get(super::article::TABLE, sku).is_none())
            .map(|sku| Unmapped { table: super::article::TABLE.into(), value: sku.into() })
            .collect();
        if !strangers.is_empty() {
            return Outcome::Unmapped(strangers);
        }
        let missing = wants.missing();
        let problem = if self.cancelled_at.is_some() {
            Problem::new(
                "order-cancelled",
                format!("the order is cancelled in the shop, and {missing} left for it"),
            )
        } else if let Some(state) = held.first() {
            let state = state.to_ascii_lowercase().replace('_', " ");
            Problem::new("fulfilment-held", format!("{missing} cannot leave: the shop has it as {state}"))
        } else {
            Problem::new(
                "nothing-left",
                format!("{missing} left, and the shop has nothing more of it to fulfil"),
            )
        };
        problem.at("lines").into()
    }
}

impl Pending {
    fn location(&self) -> Option<&str> {
        self.assigned_location.location.as_ref().map(|location| location.id.as_str())
    }

    /// Reads the lines that did not fit into the first answer.
    fn complete(&mut self, admin: &Admin) -> Result<(), Outcome> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            fulfillment_order: Option<More>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct More {
            line_items: Page<Remaining>,
        }
        while let Some(after) = std::mem::take(&mut self.line_items.page_info).next() {
            let variables = json!({ "id": self.id, "after": after });
            let answer: Answer = admin.run(&operations::MORE_GOODS, variables)?;
            let Some(More { line_items }) = answer.fulfillment_order else { break };
            self.line_items.nodes.extend(line_items.nodes);
            self.line_items.page_info = line_items.page_info;
        }
        Ok(())
    }
}

impl Fulfilment {
    /// Asks for one. None when the shop does not have it.
    ///
    /// # Errors
    /// The shop could not be asked.
    pub fn of(fulfilment: &str, admin: &Admin) -> Result<Option<Self>, Outcome> {
        #[derive(Deserialize)]
        struct Answer {
            fulfillment: Option<Whole>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Whole {
            #[serde(flatten)]
            told: Told,
            fulfillment_line_items: Page<Item>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Item {
            quantity: Option<i64>,
            line_item: OrderLine,
        }
        let mut lines = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let variables = json!({ "id": id::global("Fulfillment", fulfilment), "after": after });
            let answer: Answer = admin.run(&operations::FULFILMENT, variables)?;
            let Some(Whole { told, fulfillment_line_items: page }) = answer.fulfillment else {
                return Ok(None);
            };
            lines.extend(page.nodes.into_iter().map(|item| (item.line_item, item.quantity.unwrap_or(0))));
            after = page.page_info.next();
            if after.is_none() {
                return Ok(Some(Self { lines, ..Self::from(told) }));
            }
        }
    }

    /// Whether it stands.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.status != "CANCELLED"
    }

    /// What the shop calls it.
    #[must_use]
    pub fn reference(&self) -> Reference {
        let number = Some(self.name.clone()).filter(|name| !name.is_empty());
        Reference { number, ..Reference::new("fulfillment", id::local(&self.id)) }
    }

    /// What the shop will tell of it.
    #[must_use]
    pub fn written(&self, order: &str, admin: &Admin) -> Vec<Written> {
        let entity = admin.entity(EntityKind::Shipment, id::local(&self.id));
        let state = if self.stands() { "shipped" } else { "cancelled" };
        let mut written: Vec<Written> =
            [("shipment.state", state.to_owned()), ("shipment.tracking", super::labels(&self.numbers))]
                .into_iter()
                .map(|(attribute, value)| Written {
                    entity: entity.clone(),
                    attribute: attribute.into(),
                    value,
                })
                .collect();
        let whole = BTreeMap::from([
            ("FULFILLED", "fulfilled"),
            ("PARTIALLY_FULFILLED", "partial"),
            ("RESTOCKED", "restocked"),
        ]);
        let order_state = whole.get(self.order.as_str()).copied().unwrap_or("unfulfilled");
        written.push(super::of_order(order, "order.fulfilment", order_state, admin));
        written
    }
}
