//! Days that are closed: a store makes up its books once, and what comes later is for a person.
//!
//! A store that was offline uploads late. A sale of a day whose books are made up is not booked silently
//! into it, nor into another: it becomes an exception, and retrying it books it. What counts is when both
//! arrived, not which was read first: a large file of sales is read longer than the small one of the closing.

use std::sync::Arc;

use crossdock_model::common::Entity;
use crossdock_model::connector::Problem;
use crossdock_model::event::{Event, Fact};
use crossdock_model::time::Millis;

use crate::admission::Known;
use crate::outcome::code;

/// A day of a store's books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// The store: `system/tenant/store`, so that two systems' stores of one number are two. Who knows
    /// better (the store registry) may put the store's own id here, in sales and closings alike.
    pub store: String,
    /// The business date.
    pub date: String,
    /// When the day was closed, by the till's clock, where the event itself closes it.
    pub closed_at: Option<String>,
    /// When the event arrived.
    pub arrived: Millis,
}

/// The closing of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// When it was closed, by the till's clock.
    pub at: Arc<str>,
    /// When word of it arrived.
    pub arrived: Millis,
}

impl Day {
    /// The day that an event belongs to, or closes, and that it arrived at this moment. None for events that
    /// belong to none.
    #[must_use]
    pub fn of(event: &Event, arrived: Millis) -> Option<Self> {
        let (store, date, closed_at) = match &event.fact {
            Fact::Order(change) => (change.order.store.as_ref(), change.order.business_date.as_ref(), None),
            Fact::RefundIssued(refund) => (refund.store.as_ref(), refund.business_date.as_ref(), None),
            Fact::DayClosed(day) => (Some(&day.store), Some(&day.date), Some(day.closed_at.clone())),
            _ => return None,
        };
        Some(Self { store: of_system(&event.entity, store?), date: date?.clone(), closed_at, arrived })
    }

    /// The same day, of the store that the registry knows by this id.
    #[must_use]
    pub fn at(self, store: impl Into<String>) -> Self {
        Self { store: store.into(), ..self }
    }
}

fn of_system(entity: &Entity, store: &str) -> String {
    format!("{}/{}/{store}", entity.system, entity.tenant)
}

/// Why a sale or a refund has to be decided by a person: word of its day's closing arrived before it did, and
/// the target has not heard of it before. `closing` is the closing of its day, if it is closed. What arrived
/// together with the closing was not late.
#[must_use]
pub fn late(day: &Day, closing: Option<&Closing>, known: &Known) -> Option<Problem> {
    if day.closed_at.is_some() || known.newest.is_some() || known.exists {
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

    fn closed(arrived: i64) -> Closing {
        Closing { at: "2026-11-23T23:00:00+01:00".into(), arrived: Millis(arrived) }
    }

    #[test]
    fn a_sale_belongs_to_the_day_that_its_store_closes() {
        let of = |event: &Event| Day::of(event, Millis(5));
        let (closing, sale) = (of(&closing()).unwrap(), of(&refund(Some("2026-11-23"))).unwrap());
        assert_eq!((&closing.store, &closing.date), (&sale.store, &sale.date));
        assert_eq!(closing.closed_at.as_deref(), Some("2026-11-23T23:00:00+01:00"));
        assert_eq!((sale.closed_at.as_deref(), sale.arrived), (None, Millis(5)));
        assert_eq!(of(&refund(None)), None);
        assert_eq!(sale.at("hamburg").store, "hamburg");
    }

    #[test]
    fn what_comes_after_its_day_was_closed_is_for_a_person() {
        let sale = Day::of(&refund(Some("2026-11-23")), Millis(5)).unwrap();
        let nothing = Known::default();
        assert_eq!(late(&sale, None, &nothing), None);
        let problem = late(&sale, Some(&closed(4)), &nothing).unwrap();
        assert_eq!(problem.code, "day-closed");
        assert_eq!(
            problem.message,
            "the day 2026-11-23 of store till/acme/31 was closed at 2026-11-23T23:00:00+01:00"
        );
    }

    #[test]
    fn what_arrived_before_the_closing_or_with_it_is_not_late_though_it_is_read_after_it() {
        let sale = Day::of(&refund(Some("2026-11-23")), Millis(5)).unwrap();
        for closing in [closed(5), closed(6)] {
            assert_eq!(late(&sale, Some(&closing), &Known::default()), None);
        }
    }

    #[test]
    fn what_the_target_has_heard_of_before_is_not_late() {
        let sale = Day::of(&refund(Some("2026-11-23")), Millis(5)).unwrap();
        let stamp = Stamp { at: 1, believed: 1, sequence: None, progress: 0 };
        let told = Known { newest: Some((stamp, "digest".into())), ..Known::default() };
        let there = Known { exists: true, ..Known::default() };
        for known in [told, there] {
            assert_eq!(late(&sale, Some(&closed(1)), &known), None);
        }
        let closing = Day::of(&closing(), Millis(5)).unwrap();
        assert_eq!(late(&closing, Some(&closed(1)), &Known::default()), None);
    }
}
