//! The worlds there are: every choice of three events of an order.

use std::sync::Arc;

use crossdock_engine::Target;
use crossdock_engine::conformance::samples::{ERP, document, edit, from, new, order, order_id, refund, to};
use crossdock_model::connector::Written;
use crossdock_model::event::{Event, Fact};
use serde_json::json;

use crate::world::{Arrival, Connector, Setting, SmallWorld};

/// The shop, where it is a sink too.
const SHOP: &str = "shop";

/// An event of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is placed, at 1.
    Placed,
    /// It is updated, at 2.
    Updated,
    /// It is edited, at 3.
    Edited,
    /// It is cancelled, at 4.
    Cancelled,
    /// It is refunded.
    Refunded,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Placed, Self::Updated, Self::Edited, Self::Cancelled, Self::Refunded];

    fn name(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Updated => "updated",
            Self::Edited => "edited",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
        }
    }

    fn event(self, number: u32) -> Event {
        match self {
            Self::Placed => order("order.placed", number, 1),
            Self::Updated => order("order.updated", number, 2),
            Self::Edited => edit(&format!("e{number}"), number, 3),
            Self::Cancelled => order("order.cancelled", number, 4),
            Self::Refunded => refund(number, number),
        }
    }
}

/// What is reported of an order.
pub type History = Vec<Kind>;

/// Every choice of three events.
#[must_use]
pub fn histories() -> Vec<History> {
    let mut all = Vec::new();
    for first in 0..5 {
        for second in first + 1..5 {
            for third in second + 1..5 {
                all.push([first, second, third].map(|at| Kind::ALL[at]).to_vec());
            }
        }
    }
    all
}

/// The world of an order whose state an ERP reports to its shop, which writes a tag and reports that in turn: with
/// something new beside it, or without.
#[must_use]
pub fn echo_world(news: bool, setting: Setting) -> SmallWorld {
    let placed = order("order.placed", 1, 1);
    let tags = ["as of 1", "packed", "gift"];
    let mut reported = order("order.updated", 1, 5);
    if let Fact::Order(change) = &mut reported.fact {
        change.order.tags = tags[..if news { 3 } else { 2 }].iter().map(|tag| (*tag).to_owned()).collect();
    }
    let status = document("4711", 2, json!({ "kind": "invoice", "state": "posted" }));
    let shop = || Target { system: Some("shopify".to_owned()), ..to(SHOP) };
    let placed_key = new(placed.clone(), Vec::new()).incoming.key;
    let status_key = new(status.clone(), Vec::new()).incoming.key;
    let written = Written {
        entity: placed.entity.clone(),
        attribute: "order.tags".to_owned(),
        value: "as of 1, packed".to_owned(),
    };
    let arrival = |name: &str, new, after| Arrival { name: name.to_owned(), new, order: 0, after };
    let arrivals = vec![
        arrival("\"order 1 placed\"", new(placed, vec![to(ERP)]), None),
        arrival("the ERP's invoice for order 1", from(ERP, new(status, vec![shop()])), Some((0, placed_key))),
        arrival("the shop's report of it", new(reported, vec![to(ERP)]), Some((1, status_key))),
    ];
    let connectors = vec![Connector { name: ERP, reports: false }, Connector { name: SHOP, reports: true }];
    let what = if news { "and reports more" } else { "and reports that" };
    let name = format!("the shop writes a tag {what}; keys {:?}", setting.keys);
    let setting = Setting { prompt: true, ..setting };
    let world = SmallWorld::new(name, setting, connectors, vec![order_id(1).into()], arrivals);
    let world = world.booked_at(0, 0).booked_at(1, 1).writes(1, written);
    if news { world.booked_at(2, 0) } else { world.echo(2) }
}

/// The world of these orders.
#[must_use]
pub fn world(histories: &[History], setting: Setting) -> SmallWorld {
    let mut arrivals = Vec::new();
    let mut names = Vec::new();
    for (order, history) in histories.iter().enumerate() {
        let number = u32::try_from(order + 1).unwrap_or(u32::MAX);
        let mut words = Vec::new();
        for kind in history {
            words.push(kind.name());
            arrivals.push(Arrival {
                name: format!("\"order {number} {}\"", kind.name()),
                new: new(kind.event(number), vec![to(ERP)]),
                order,
                after: None,
            });
        }
        names.push(format!("order {number} {}", words.join(", ")));
    }
    let count = arrivals.len();
    let orders = (1..=histories.len()).map(|number| order_id(u32::try_from(number).unwrap_or(u32::MAX)));
    let orders: Vec<Arc<str>> = orders.map(Arc::from).collect();
    let name = format!(
        "{}; keys {:?}{}",
        names.join("; "),
        setting.keys,
        if setting.until_posted { ", until posted" } else { "" }
    );
    let connectors = vec![Connector { name: ERP, reports: false }];
    let world = SmallWorld::new(name, setting, connectors, orders, arrivals);
    (0..count).fold(world, |world, arrival| world.booked_at(arrival, 0))
}
