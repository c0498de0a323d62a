//! Closed business days: a person decides about a sale or refund that arrives after its store closed the day.
//!
//! A store that was offline uploads late. A sale of a closed day is booked neither into that day nor into another
//! without being asked for: it becomes an exception, and retrying it books it. What counts is when sale and closing
//! arrived, not which was read first: a large file of sales takes longer to read than the small one of the closing.

use std::sync::Arc;

use crossdock_model::common::Entity;
use crossdock_model::connector::Problem;
use crossdock_model::event::{Event, Fact};
use crossdock_model::time::Millis;

use crate::code;
use crate::entity_state::EntityState;

/// A business day of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusinessDay {
    /// The store: `system/tenant/store`, so that stores of two systems with the same number stay distinct; or the
    /// store registry's id, in sales and closings alike: see [`Self::of_store`].
    pub store: String,
    /// The business date.
    pub date: String,
    /// When the day was closed, by the till's clock. Absent unless the event itself closes the day.
    pub closed_at: Option<String>,
    /// When the event arrived.
    pub arrived: Millis,
}

/// The closing of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayClosing {
    /// When it was closed, by the till's clock.
    pub at: Arc<str>,
    /// When the closing arrived.
    pub arrived: Millis,
}

impl BusinessDay {
    /// The business day that an event belongs to, or closes, given when the event arrived. None for events without
    /// a business day.
    #[must_use]
    pub fn of(event: &Event, arrived: Millis) -> Option<Self> {
        let (store, date, closed_at) = match &event.fact {
            Fact::Order(change) => (change.order.store.as_ref(), change.order.business_date.as_ref(), None),
            Fact::RefundIssued(refund) => (refund.store.as_ref(), refund.business_date.as_ref(), None),
            Fact::DayClosed(day) => (Some(&day.store), Some(&day.date), Some(day.closed_at.clone())),
            _ => return None,
        };
        Some(Self { store: qualified(&event.entity, store?), date: date?.clone(), closed_at, arrived })
    }

    /// The same business day, of the store that the registry knows by this id.
    #[must_use]
    pub fn of_store(self, store: impl Into<String>) -> Self {
        Self { store: store.into(), ..self }
    }
}

fn qualified(entity: &Entity, store: &str) -> String {
    format!("{}/{}/{store}", entity.system, entity.tenant)
}

/// Why a person has to decide about a sale or a refund: the closing of its business day arrived before it did, and
/// nothing about it was admitted for the target before. `closing` is the closing of its day, if the day is closed;
/// `entity` the state of the sale or refund. An event that arrived together with the closing is not late. None when
/// no person has to decide.
#[must_use]
pub fn after_closing(
    day: &BusinessDay,
    closing: Option<&DayClosing>,
    entity: &EntityState,
) -> Option<Problem> {
    if day.closed_at.is_some() || entity.newest.is_some() || entity.exists {
        return None;
    }
    closing.filter(|closing| day.arrived > closing.arrived).map(|closing| Problem {
        code: code::DAY_CLOSED.to_owned(),
        message: format!("the day {} of store {} was closed at {}", day.date, day.store, closing.at),
        field: None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::version::Stamp;

    fn event(value: serde_json::Value) -> Event {
        serde_json::from_value(json!({
            "entity": { "system": "till", "tenant": "acme", "kind": "business-day", "id": "31/2026-11-23" },
            "occurredAt": "2026-11-23T23:00:00Z", "fact": value
        }))
        .unwrap()
    }

    fn closing() -> Event {
        event(json!({ "kind": "day.closed", "value": {
            "store": "31", "date": "2026-11-23", "closedAt": "2026-11-23T23:00:00+01:00"
        }}))
    }

    fn refund(date: Option<&str>) -> Event {
        event(json!({ "kind": "refund.issued", "value": {
            "at": "2026-11-23T12:00:00Z", "currency": "EUR", "store": "31", "businessDate": date
        }}))
    }

    fn closed(arrived: i64) -> DayClosing {
        DayClosing { at: "2026-11-23T23:00:00+01:00".into(), arrived: Millis(arrived) }
    }

    #[test]
    fn a_sale_belongs_to_the_day_that_its_store_closes() {
        let of = |event: &Event| BusinessDay::of(event, Millis(5));
        let (closing, sale) = (of(&closing()).unwrap(), of(&refund(Some("2026-11-23"))).unwrap());
        assert_eq!((&closing.store, &closing.date), (&sale.store, &sale.date));
        assert_eq!(closing.closed_at.as_deref(), Some("2026-11-23T23:00:00+01:00"));
        assert_eq!((sale.closed_at.as_deref(), sale.arrived), (None, Millis(5)));
        assert_eq!(of(&refund(None)), None);
        assert_eq!(sale.of_store("hamburg").store, "hamburg");
    }

    #[test]
    fn a_sale_that_arrives_after_its_day_was_closed_is_for_a_person() {
        let sale = BusinessDay::of(&refund(Some("2026-11-23")), Millis(5)).unwrap();
        let nothing = EntityState::default();
        assert_eq!(after_closing(&sale, None, &nothing), None);
        let problem = after_closing(&sale, Some(&closed(4)), &nothing).unwrap();
        assert_eq!(problem.code, "day-closed");
        assert_eq!(
            problem.message,
            "the day 2026-11-23 of store till/acme/31 was closed at 2026-11-23T23:00:00+01:00"
        );
    }

    #[test]
    fn a_sale_that_arrived_before_or_with_the_closing_is_not_late_even_if_read_after_it() {
        let sale = BusinessDay::of(&refund(Some("2026-11-23")), Millis(5)).unwrap();
        for closing in [closed(5), closed(6)] {
            assert_eq!(after_closing(&sale, Some(&closing), &EntityState::default()), None);
        }
    }

    #[test]
    fn a_sale_that_was_admitted_before_is_not_late() {
        let sale = BusinessDay::of(&refund(Some("2026-11-23")), Millis(5)).unwrap();
        let stamp = Stamp { at: 1, believed: 1, sequence: None, progress: 0 };
        let admitted = EntityState { newest: Some((stamp, "digest".into())), ..EntityState::default() };
        let existing = EntityState { exists: true, ..EntityState::default() };
        for known in [admitted, existing] {
            assert_eq!(after_closing(&sale, Some(&closed(1)), &known), None);
        }
        let closing = BusinessDay::of(&closing(), Millis(5)).unwrap();
        assert_eq!(after_closing(&closing, Some(&closed(1)), &EntityState::default()), None);
    }
}
