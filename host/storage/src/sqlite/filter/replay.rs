//! The arms of a replay.

use crossdock_engine::Result;
use crossdock_rules::lane::DeliveryState;

use super::{Arm, By, Query, state};
use crate::sqlite::rows::codes::Code as _;
use crate::sqlite::rows::delivery::delivery_columns;
use crate::sqlite::statement::statements;

statements! {
    /// First deliveries are numbered in the order of their events.
    EVENT_OF "looking for the event of a delivery":
        "SELECT event FROM delivery WHERE id <= ? AND generation = 0 ORDER BY id DESC LIMIT 1";
}

/// A replay means the first delivery of an event for a connector, and deliveries that are exceptions.
const MEANT: &str = "AND (delivery.generation = 0 OR delivery.state = 6)";
/// The deliveries of events that were found.
const THEIR_DELIVERIES: &str =
    "CROSS JOIN delivery INDEXED BY delivery_of_event ON delivery.event = event.id";
/// The events of deliveries that were found.
const THEIR_EVENTS: &str = "CROSS JOIN event NOT INDEXED ON event.id = delivery.event";
const BY_NUMBER: &str = " ORDER BY delivery.id LIMIT ?";

/// A page of a replay.
#[derive(Clone, Copy, Debug)]
pub(in crate::sqlite) struct ReplayPage {
    /// Deliveries behind this one.
    pub(in crate::sqlite) after: i64,
    /// The generation that they are to be posted under, on purpose.
    pub(in crate::sqlite) generation: Option<u32>,
}

impl Query<'_> {
    /// The arms of a replay: deliveries behind a number, by number; in front of each whether its content is stored,
    /// and whether it was already posted under the generation.
    pub(in crate::sqlite) fn replay_arms(&self, page: ReplayPage) -> Result<Vec<Arm>> {
        let filter = &self.filter.filter;
        let mut arms = Vec::new();
        if filter.delivery.is_some() {
            arms.push((of(&format!("delivery NOT INDEXED {THEIR_EVENTS}"), MEANT, page), BY_NUMBER));
        } else if filter.event.is_some() {
            arms.push((of(&format!("event NOT INDEXED {THEIR_DELIVERIES}"), MEANT, page), BY_NUMBER));
        } else if filter.root.is_some() {
            let from = format!("event INDEXED BY event_of_root {THEIR_DELIVERIES}");
            arms.push((of(&from, MEANT, page), BY_NUMBER));
        } else if let Some(entity) = &filter.entity {
            let from = format!("event INDEXED BY event_of_root {THEIR_DELIVERIES}");
            let mut arm = of(&from, MEANT, page);
            arm.and("coalesce(event.root, event.entity) = ?").value(entity.clone());
            arms.push((arm, BY_NUMBER));
            let from = format!("event INDEXED BY event_of_entity {THEIR_DELIVERIES}");
            let mut arm = of(&from, MEANT, page);
            arm.and("event.root IS NOT NULL");
            arms.push((arm, BY_NUMBER));
        } else {
            arms.push((self.exceptions(page)?, BY_NUMBER));
            if state(filter)? != Some(DeliveryState::Exception) {
                arms.extend(self.first_deliveries(page)?);
            }
        }
        let mut finished = Vec::with_capacity(arms.len());
        for (mut arm, order) in arms {
            arm.and("delivery.id > ?").value(page.after);
            self.on_event(&mut arm, By::Other);
            self.on_delivery(&mut arm)?;
            arm.end(order).value(self.limit);
            finished.push(arm);
        }
        Ok(finished)
    }

    /// Exceptions, by number; without first deliveries, where these are looked for apart.
    fn exceptions(&self, page: ReplayPage) -> Result<Arm> {
        let by_connector = self.filter.filter.connector.is_some();
        let index = if by_connector { "delivery_exception_of" } else { "delivery_exception" };
        let only = state(&self.filter.filter)? == Some(DeliveryState::Exception);
        let condition = if only {
            "AND delivery.state = 6"
        } else {
            "AND delivery.state = 6 AND delivery.generation > 0"
        };
        Ok(of(&format!("delivery INDEXED BY {index} {THEIR_EVENTS}"), condition, page))
    }

    /// First deliveries, in the order of their events.
    fn first_deliveries(&self, page: ReplayPage) -> Result<Vec<(Arm, &'static str)>> {
        let filter = &self.filter.filter;
        let first = "AND delivery.generation = 0";
        let mut arms = Vec::new();
        if filter.kind.is_some() {
            let mut arm = of(&format!("event INDEXED BY event_of_kind {THEIR_DELIVERIES}"), first, page);
            arm.and("event.id >= ? AND event.id < ?").value(self.range.0).value(self.range.1);
            arms.push((arm, " ORDER BY event.id, delivery.id LIMIT ?"));
        } else if filter.connector.is_some() || filter.state.is_some() {
            for (connector, state) in self.by_state()? {
                let from = format!("delivery INDEXED BY delivery_of_state {THEIR_EVENTS}");
                let mut arm = of(&from, first, page);
                arm.and("delivery.connector = ? AND delivery.state = ?");
                arm.value(connector.to_owned()).value(state.code());
                self.ranged(&mut arm);
                arms.push((arm, " ORDER BY delivery.event LIMIT ?"));
            }
        } else {
            let mut arm = of(&format!("delivery INDEXED BY delivery_of_event {THEIR_EVENTS}"), first, page);
            self.ranged(&mut arm);
            arms.push((arm, " ORDER BY delivery.event, delivery.id LIMIT ?"));
        }
        Ok(arms)
    }

    fn ranged(&self, arm: &mut Arm) {
        arm.and("delivery.event >= ? AND delivery.event < ?").value(self.range.0).value(self.range.1);
    }
}

/// An arm of a replay.
fn of(from: &str, condition: &str, page: ReplayPage) -> Arm {
    let mut arm = Arm::new(format!(
        "SELECT EXISTS (SELECT 1 FROM event_body WHERE event_body.event = delivery.carries), \
         EXISTS (SELECT 1 FROM delivery AS other WHERE other.event = delivery.event \
         AND other.connector = delivery.connector AND other.generation = ?), {} FROM {from} \
         WHERE TRUE {condition}",
        delivery_columns!()
    ));
    arm.value(page.generation);
    arm
}
