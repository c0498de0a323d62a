//! Refunds of a sale that two systems tell: money given back once is one refund, though both tell of it.
//!
//! Refunds have no name that both systems know. What they share is the sale, the money and about when: so the
//! first refund of an amount that one system tells is the first of that amount that the other tells, the second
//! is the second.

use crossdock_model::event::{Event, Fact};
use crossdock_model::order::{PaymentKind, PaymentResult};
use crossdock_model::refund::Refund;
use crossdock_model::time::micros;
use rust_decimal::Decimal;

/// How far the clocks of two systems may be apart that tell of one refund: a day, in microseconds.
const APART: i64 = 86_400_000_000;

/// A refund of a sale, as far as others are compared with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Its event's number.
    pub event: i64,
    /// The identity of the refund.
    pub entity: String,
    /// Who tells it.
    pub system: String,
    /// When it was made, in microseconds since 1970.
    pub at: i64,
    /// How much was given back.
    pub amount: Decimal,
    /// In which currency.
    pub currency: String,
}

impl Given {
    /// What the refund gave back. None for other events, and where it can not be said.
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

    fn is_like(&self, other: &Self) -> bool {
        self.amount == other.amount
            && self.currency == other.currency
            && self.at.abs_diff(other.at) <= APART.unsigned_abs()
    }
}

/// The money that went back; where none is told, the worth of the goods.
fn amount(refund: &Refund) -> Option<Decimal> {
    let back = |outcome| !matches!(outcome, PaymentResult::Failure | PaymentResult::Error);
    let payments = refund.payments.iter();
    let paid: Vec<_> =
        payments.filter(|payment| payment.kind == PaymentKind::Refund && back(payment.outcome)).collect();
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

/// The refund that another system told and that is this one too. `told` are the refunds of the sale, this one
/// among them, by number.
#[must_use]
pub fn twin<'t>(refund: &Given, told: &'t [Given]) -> Option<&'t str> {
    let like = || told.iter().filter(|other| other.is_like(refund) && other.event != refund.event);
    let own = like().filter(|other| other.system == refund.system && other.event < refund.event).count();
    let mut others: Vec<&str> = like().map(|other| other.system.as_str()).collect();
    others.retain(|system| *system != refund.system);
    others.dedup();
    let of = |system: &str| like().filter(|other| other.system == system).nth(own);
    others.into_iter().find_map(|system| of(system).map(|other| other.entity.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(event: i64, system: &str, amount: &str, at: i64) -> Given {
        let (system, currency) = (system.to_owned(), "EUR".to_owned());
        Given { event, entity: format!("r{event}"), system, at, amount: amount.parse().unwrap(), currency }
    }

    #[test]
    fn the_same_money_told_by_another_is_the_same_refund_and_its_own_is_another() {
        let told = [given(1, "till", "10.00", 0), given(2, "shop", "10", 5), given(3, "shop", "10", 9)];
        assert_eq!(twin(&told[1], &told[..2]), Some("r1"));
        // The till told one of them.
        assert_eq!(twin(&told[2], &told), None);
        let both = [&told[..], &[given(4, "till", "10", 9)]].concat();
        assert_eq!(twin(&both[3], &both), Some("r3"));
    }

    #[test]
    fn another_amount_or_another_week_is_another_refund() {
        let told =
            [given(1, "till", "10.00", 0), given(2, "shop", "10.01", 5), given(3, "shop", "10", 2 * APART)];
        assert_eq!(twin(&told[1], &told), None);
        assert_eq!(twin(&told[2], &told), None);
    }

    #[test]
    fn of_several_that_came_first_each_has_its_own_twin() {
        let told = [given(1, "till", "10", 0), given(2, "till", "10", 0), given(3, "shop", "10", 0)];
        assert_eq!((twin(&told[0], &told), twin(&told[1], &told)), (Some("r3"), None));
    }

    #[test]
    fn what_was_given_back_is_the_money_and_else_the_goods() {
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
            Given::of(1, &serde_json::from_value::<Event>(event.clone()).unwrap()).map(|given| given.amount)
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
