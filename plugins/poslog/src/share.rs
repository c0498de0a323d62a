//! Sharing an amount of a whole among its lines, to the last cent.

use crossdock_sdk::prelude::*;

/// The shares of an amount by weight, each with at most so many places; their sum is the amount. Weights below
/// zero count as none; where nothing weighs anything, the first share is all.
pub(crate) fn share(amount: Decimal, weights: &[Decimal], places: u32) -> Vec<Decimal> {
    let weights: Vec<Decimal> = weights.iter().map(|weight| (*weight).max(Decimal::ZERO)).collect();
    let all: Decimal = weights.iter().sum();
    let (mut weighed, mut given) = (Decimal::ZERO, Decimal::ZERO);
    let last = weights.len().saturating_sub(1);
    let one = |(at, weight): (usize, &Decimal)| {
        weighed += *weight;
        // Rounding what has been given so far, and not each share, leaves nothing over.
        let due = match amount.checked_mul(weighed).and_then(|product| product.checked_div(all)) {
            _ if at == last => amount,
            Some(due) => due.round_dp(places.max(amount.scale())),
            None => amount,
        };
        let share = due - given;
        given = due;
        share
    };
    weights.iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cents(amounts: &[i64]) -> Vec<Decimal> {
        amounts.iter().map(|amount| Decimal::new(*amount, 2)).collect()
    }

    #[test]
    fn nothing_is_lost_between_the_lines() {
        assert_eq!(share(Decimal::new(100, 2), &cents(&[1, 1, 1]), 2), cents(&[33, 34, 33]));
        assert_eq!(
            share(Decimal::new(1, 2), &cents(&[500, 500]), 2).iter().sum::<Decimal>(),
            Decimal::new(1, 2)
        );
    }

    #[test]
    fn where_nothing_weighs_anything_somebody_has_to_take_it() {
        assert_eq!(share(Decimal::ONE, &cents(&[0, 0]), 2), [Decimal::ONE, Decimal::ZERO]);
        assert_eq!(share(Decimal::ONE, &cents(&[-5, 10]), 2), [Decimal::ZERO, Decimal::ONE]);
        assert!(share(Decimal::ONE, &[], 2).is_empty());
    }
}
