//! What a receipt's amounts mean. Tills use the standard's elements differently: an extended amount is before or after
//! the line's discounts, prices include the tax or not, rewards are given in detail, in summary or both, and may already
//! be deducted from the lines' amounts. The printed total decides: the first interpretation that yields it is used. A
//! receipt for which no interpretation does is rejected.

use crossdock_sdk::prelude::*;

use crate::basket::Basket;
use crate::line_item::LineItem;
use crate::reward::Reward;
use crate::settings::Settings;
use crate::tender::Tender;
use crate::xml;

/// The meaning of a transaction's amounts, and the totals that result.
#[derive(Clone, Debug)]
pub(crate) struct Interpretation {
    /// True when extended amounts are before the line's discounts.
    before_discounts: bool,
    /// True when prices include the tax.
    pub prices_include_tax: bool,
    pub rewards: RewardSource,
    /// True when the taxes of the whole transaction are in addition to those of the lines; false when they are the
    /// lines' sum.
    pub adds_transaction_taxes: bool,
    /// The total of the lines sold, without rounding.
    pub sale_total: Decimal,
    /// The total of the lines returned. Positive.
    pub return_total: Decimal,
    /// The cash rounding; negative when the amount was rounded down.
    pub rounding: Decimal,
}

/// Which rewards are deducted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RewardSource {
    /// The details.
    Details,
    /// The summaries.
    Summaries,
    /// None: they are already deducted from the lines' amounts.
    Deducted,
}

/// The first interpretation that yields the printed total; the amount paid is used where no total is printed.
///
/// # Errors
/// `total-does-not-balance`.
pub(crate) fn interpret(basket: &Basket<'_>, settings: &Settings) -> Result<Interpretation, Problem> {
    let candidates = || {
        let before_discounts = if basket.items.iter().all(|item| item.discounts.is_empty()) {
            &[false][..]
        } else {
            &[false, true]
        };
        let prices_include_tax = tax_inclusion(basket, settings);
        let rewards = if basket.rewards.is_empty() {
            &[RewardSource::Deducted][..]
        } else {
            &[RewardSource::Details, RewardSource::Summaries, RewardSource::Deducted]
        };
        let lines_taxed = basket.items.iter().any(|item| !item.taxes.is_empty());
        let adds_transaction_taxes =
            if basket.taxes.is_empty() || !lines_taxed { &[true][..] } else { &[false, true] };
        before_discounts.iter().flat_map(move |before_discounts| {
            prices_include_tax.iter().flat_map(move |prices_include_tax| {
                rewards.iter().flat_map(move |rewards| {
                    adds_transaction_taxes.iter().map(move |adds_transaction_taxes| {
                        Interpretation::new(
                            basket,
                            *before_discounts,
                            *prices_include_tax,
                            *rewards,
                            *adds_transaction_taxes,
                        )
                    })
                })
            })
        })
    };
    // A negative reward on a sale is not a discount.
    let is_plausible = |candidate: &Interpretation| {
        let has_sales = basket.sold().next().is_some();
        !has_sales || candidate.deducted_rewards(basket).all(|reward| !reward.amount.is_sign_negative())
    };
    let paid = (!basket.tenders.is_empty()).then(|| basket.tenders.iter().map(Tender::net).sum::<Decimal>());
    let only_returns = basket.sold().next().is_none();
    let Some(target) = basket.printed_total.or(paid) else {
        return candidates()
            .find(is_plausible)
            .ok_or_else(|| unbalanced(basket, Decimal::ZERO, Decimal::ZERO));
    };
    // The total of returns is printed with either sign.
    let target = if only_returns { -target.abs() } else { target };
    let yields_target = |candidate: &Interpretation| {
        let total = candidate.sale_total - candidate.return_total;
        [total, total + basket.rounding, total - basket.rounding].contains(&target)
    };
    let Some(mut chosen) = candidates().filter(is_plausible).find(yields_target) else {
        let first = candidates()
            .next()
            .map_or(Decimal::ZERO, |candidate| candidate.sale_total - candidate.return_total);
        return Err(unbalanced(basket, first, target));
    };
    let has_cash = basket.tenders.iter().any(|tender| tender.kind == TenderKind::Cash);
    if let (true, true, Some(paid)) = (chosen.rounding.is_zero(), has_cash && !only_returns, paid) {
        // Some tills round without writing a `Rounding`.
        let difference = paid - target;
        let max_rounding = Decimal::new(5, money::exponent(&basket.currency));
        if difference.abs() <= max_rounding {
            chosen.rounding = difference;
        }
    }
    Ok(chosen)
}

fn unbalanced(basket: &Basket<'_>, computed: Decimal, printed: Decimal) -> Problem {
    let currency = &basket.currency;
    let message = format!(
        "lines, discounts, rewards and taxes amount to {computed} {currency}, but the till's total is {printed}, and no \
         other interpretation of the amounts yields it"
    );
    Problem::new("total-does-not-balance", message).at(xml::path(basket.retail) + "/Total")
}

/// Whether prices include the tax: according to the till's flags, else to the setting, else both are possible.
fn tax_inclusion(basket: &Basket<'_>, settings: &Settings) -> &'static [bool] {
    let mut flags = basket.all_taxes().map(|tax| tax.included);
    let Some(first) = flags.next() else { return &[false] };
    let agreed = first.filter(|_| flags.all(|flag| flag == first));
    match agreed.or(settings.prices_include_tax) {
        Some(true) => &[true],
        Some(false) => &[false],
        None => &[false, true],
    }
}

impl Interpretation {
    fn new(
        basket: &Basket<'_>,
        before_discounts: bool,
        prices_include_tax: bool,
        rewards: RewardSource,
        adds_transaction_taxes: bool,
    ) -> Self {
        let mut interpretation = Self {
            before_discounts,
            prices_include_tax,
            rewards,
            adds_transaction_taxes,
            sale_total: Decimal::ZERO,
            return_total: Decimal::ZERO,
            rounding: basket.rounding,
        };
        let sold = basket.sold().map(|item| interpretation.gross(item)).sum::<Decimal>();
        let returned = basket.returned().map(|item| interpretation.gross(item)).sum::<Decimal>();
        let taxes = basket
            .taxes
            .iter()
            .filter(|_| adds_transaction_taxes && !prices_include_tax)
            .map(|tax| tax.amount)
            .sum::<Decimal>();
        let rewards = interpretation.deducted_rewards(basket).map(|reward| reward.amount).sum::<Decimal>();
        let discounts = rewards + basket.discounts.iter().map(|discount| discount.amount).sum::<Decimal>();
        if basket.sold().next().is_some() {
            interpretation.sale_total = sold + taxes - discounts;
            interpretation.return_total = returned;
        } else {
            interpretation.return_total = returned + taxes.abs() - discounts.abs();
        }
        interpretation
    }

    /// The rewards that are deducted.
    pub(crate) fn deducted_rewards<'b, 'a>(
        &self,
        basket: &'b Basket<'a>,
    ) -> impl Iterator<Item = &'b Reward<'a>> {
        let source = self.rewards;
        basket.rewards.iter().filter(move |reward| match source {
            RewardSource::Details => reward.is_detail,
            RewardSource::Summaries => reward.is_summary,
            RewardSource::Deducted => false,
        })
    }

    /// The line's amount after its own discounts, including added taxes.
    pub(crate) fn gross(&self, item: &LineItem<'_>) -> Decimal {
        self.discounted(item) + if self.prices_include_tax { Decimal::ZERO } else { item.tax() }
    }

    /// The line's amount after its own discounts, without added taxes.
    pub(crate) fn discounted(&self, item: &LineItem<'_>) -> Decimal {
        if self.before_discounts { item.extended - item.discount() } else { item.extended }
    }

    /// The line's amount before its own discounts, without added taxes.
    pub(crate) fn undiscounted(&self, item: &LineItem<'_>) -> Decimal {
        if self.before_discounts { item.extended } else { item.extended + item.discount() }
    }
}
