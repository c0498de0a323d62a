//! Allocation of an amount to lines, exact to the smallest unit.

use crossdock_sdk::prelude::*;

/// The shares of an amount in proportion to the weights, each with at most this number of decimal places; they add up
/// to the amount. Negative weights count as zero; where all weights are zero, the first share is the whole amount.
pub(crate) fn allocate(amount: Decimal, weights: &[Decimal], places: u32) -> Vec<Decimal> {
    let weights: Vec<Decimal> = weights.iter().map(|weight| (*weight).max(Decimal::ZERO)).collect();
    let total: Decimal = weights.iter().sum();
    let (mut cumulated_weight, mut allocated) = (Decimal::ZERO, Decimal::ZERO);
    let last = weights.len().saturating_sub(1);
    let share = |(at, weight): (usize, &Decimal)| {
        cumulated_weight += *weight;
        // Rounding the cumulated amount, and not each share, leaves no remainder.
        let due = match amount.checked_mul(cumulated_weight).and_then(|product| product.checked_div(total)) {
            _ if at == last => amount,
            Some(due) => due.round_dp(places.max(amount.scale())),
            None => amount,
        };
        let share = due - allocated;
        allocated = due;
        share
    };
    weights.iter().enumerate().map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cents(amounts: &[i64]) -> Vec<Decimal> {
        amounts.iter().map(|amount| Decimal::new(*amount, 2)).collect()
    }

    #[test]
    fn the_shares_add_up_to_the_amount() {
        assert_eq!(allocate(Decimal::new(100, 2), &cents(&[1, 1, 1]), 2), cents(&[33, 34, 33]));
        assert_eq!(
            allocate(Decimal::new(1, 2), &cents(&[500, 500]), 2).iter().sum::<Decimal>(),
            Decimal::new(1, 2)
        );
    }

    #[test]
    fn without_positive_weights_the_first_share_is_the_amount() {
        assert_eq!(allocate(Decimal::ONE, &cents(&[0, 0]), 2), [Decimal::ONE, Decimal::ZERO]);
        assert_eq!(allocate(Decimal::ONE, &cents(&[-5, 10]), 2), [Decimal::ZERO, Decimal::ONE]);
        assert!(allocate(Decimal::ONE, &[], 2).is_empty());
    }
}
