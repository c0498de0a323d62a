//! Refunds that two systems report for one sale: money refunded once is one refund, though both report it.
//!
//! Refunds have no identifier that both systems know. They share the sale, the amount, and roughly the time: so the
//! first refund of an amount that one system reports matches the first of that amount that the other reports, the
//! second matches the second.

use crossdock_model::event::{Event, Fact};
use crossdock_model::order::{PaymentKind, PaymentResult};
use crossdock_model::refund::Refund;
use crossdock_model::time::micros;
use rust_decimal::Decimal;

/// How far apart two systems may date the same refund: a day, in microseconds.
const MAX_CLOCK_DIFFERENCE_MICROS: i64 = 86_400_000_000;

/// A refund that a system reported, with what it is compared by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedRefund {
    /// Its event's number.
    pub event: i64,
    /// The identity of the refund.
    pub entity: String,
    /// The system that reported it.
    pub system: String,
    /// When it was made, in microseconds since 1970.
    pub at: i64,
    /// How much was refunded.
    pub amount: Decimal,
    /// In which currency.
    pub currency: String,
}

impl ReportedRefund {
    /// The refund that the event with this number reports. None for other events, and when time or amount cannot be
    /// read.
    #[must_use]
    pub fn of(number: i64, event: &Event) -> Option<Self> {
        let Fact::RefundIssued(refund) = &event.fact else { return None };
        Some(Self {
            event: number,
            entity: event.entity.to_string(),
            system: event.entity.system.clone(),
            at: micros(&refund.at).ok()?,
            amount: amount(refund)?,
            currency: refund.currency.clone(),
        })
    }

    fn resembles(&self, other: &Self) -> bool {
        self.amount == other.amount
            && self.currency == other.currency
            && self.at.abs_diff(other.at) <= MAX_CLOCK_DIFFERENCE_MICROS.unsigned_abs()
    }
}

/// The money that was paid back; where no payment is reported, the value of the returned goods.
fn amount(refund: &Refund) -> Option<Decimal> {
    let succeeded = |outcome| !matches!(outcome, PaymentResult::Failure | PaymentResult::Error);
    let payments = refund.payments.iter();
    let paid: Vec<_> = payments
        .filter(|payment| payment.kind == PaymentKind::Refund && succeeded(payment.outcome))
        .collect();
    let goods = refund.lines.iter().flat_map(|line| [&line.subtotal, &line.tax]);
    let prices: Vec<_> = match paid.is_empty() {
        false => paid.into_iter().map(|payment| &payment.amount).collect(),
        true => goods.collect(),
    };
    let mut sum = None;
    for price in prices {
        let amount: Decimal = price.shop.amount.parse().ok()?;
        sum = Some(sum.unwrap_or(Decimal::ZERO).checked_add(amount)?);
    }
    sum
}

/// The identity of the refund that another system reported and that is the same one. `reported` are the refunds of
/// the sale, including this one, by number.
#[must_use]
pub fn matching_refund<'r>(refund: &ReportedRefund, reported: &'r [ReportedRefund]) -> Option<&'r str> {
    let similar = || reported.iter().filter(|other| other.resembles(refund) && other.event != refund.event);
    let own = similar().filter(|other| other.system == refund.system && other.event < refund.event).count();
    let mut others: Vec<&str> = similar().map(|other| other.system.as_str()).collect();
    others.retain(|system| *system != refund.system);
    others.dedup();
    let of = |system: &str| similar().filter(|other| other.system == system).nth(own);
    others.into_iter().find_map(|system| of(system).map(|other| other.entity.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refund(event: i64, system: &str, amount: &str, at: i64) -> ReportedRefund {
        let (system, currency) = (system.to_owned(), "EUR".to_owned());
        ReportedRefund {
            event,
            entity: format!("r{event}"),
            system,
            at,
            amount: amount.parse().unwrap(),
            currency,
        }
    }

    #[test]
    fn the_same_amount_reported_by_another_system_is_the_same_refund_and_by_the_same_system_another() {
        let reported =
            [refund(1, "till", "10.00", 0), refund(2, "shop", "10", 5), refund(3, "shop", "10", 9)];
        assert_eq!(matching_refund(&reported[1], &reported[..2]), Some("r1"));
        // The till reported one of them.
        assert_eq!(matching_refund(&reported[2], &reported), None);
        let both = [&reported[..], &[refund(4, "till", "10", 9)]].concat();
        assert_eq!(matching_refund(&both[3], &both), Some("r3"));
    }

    #[test]
    fn another_amount_or_another_week_is_another_refund() {
        let reported = [
            refund(1, "till", "10.00", 0),
            refund(2, "shop", "10.01", 5),
            refund(3, "shop", "10", 2 * MAX_CLOCK_DIFFERENCE_MICROS),
        ];
        assert_eq!(matching_refund(&reported[1], &reported), None);
        assert_eq!(matching_refund(&reported[2], &reported), None);
    }

    #[test]
    fn each_of_several_refunds_matches_another_one() {
        let reported = [refund(1, "till", "10", 0), refund(2, "till", "10", 0), refund(3, "shop", "10", 0)];
        assert_eq!(
            (matching_refund(&reported[0], &reported), matching_refund(&reported[1], &reported)),
            (Some("r3"), None)
        );
    }

    #[test]
    fn the_amount_is_the_money_paid_back_or_else_the_value_of_the_goods() {
        let price = |amount: &str| serde_json::json!({ "shop": { "amount": amount, "currency": "EUR" } });
        let payment = |kind: &str, outcome: &str, amount: &str| {
            serde_json::json!({ "id": "1", "kind": kind, "outcome": outcome, "tender": "card", "gateway": "g",
                "amount": price(amount), "at": "2026-11-23T09:00:00Z", "test": false })
        };
        let mut event = serde_json::json!({
            "entity": { "system": "till", "tenant": "t", "kind": "refund", "id": "5" },
            "occurredAt": "2026-11-23T09:00:00Z",
            "fact": { "kind": "refund.issued", "value": { "at": "2026-11-23T09:00:00Z", "currency": "EUR",
                "lines": [{ "id": "1", "line": "1", "quantity": "1", "restock": "return",
                    "subtotal": price("8.40"), "tax": price("1.60") }] } }
        });
        let of = |event: &serde_json::Value| {
            ReportedRefund::of(1, &serde_json::from_value::<Event>(event.clone()).unwrap())
                .map(|refund| refund.amount)
        };
        assert_eq!(of(&event), Some(Decimal::TEN));
        event["fact"]["value"]["payments"] = serde_json::json!([
            payment("refund", "success", "9.50"),
            payment("refund", "failure", "5"),
            payment("void", "success", "3")
        ]);
        assert_eq!(of(&event), Some("9.5".parse().unwrap()));
        event["fact"]["value"]["payments"] = serde_json::json!([]);
        event["fact"]["value"]["lines"] = serde_json::json!([]);
        assert_eq!(of(&event), None);
    }
}
