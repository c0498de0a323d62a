//! What the till means by its amounts. The standard's words are used in several ways: an extended amount is
//! before or after the line's discounts, prices contain the tax or do not, rewards are told in detail, in sum
//! or both, and are in the lines' amounts already or not. The receipt's total tells: the first reading that
//! makes it is the one. A receipt that no reading makes is refused.

use crossdock_sdk::prelude::*;

use crate::basket::{Basket, Reward};
use crate::goods::Goods;
use crate::settings::Settings;
use crate::xml;

/// How a transaction's amounts are to be read, and what they come to.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// True when extended amounts are before the line's discounts.
    gross: bool,
    /// True when prices contain the tax.
    pub included: bool,
    pub rewards: Rewards,
    /// True when the taxes of the whole come on top of those of the lines; false when they sum them up.
    pub whole: bool,
    /// What was sold comes to this, without rounding.
    pub sale: Decimal,
    /// What was brought back comes to this. Positive.
    pub back: Decimal,
    /// What was added to make the sum payable in cash; negative when it was taken off.
    pub rounding: Decimal,
}

/// Which rewards take money off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rewards {
    /// Those that say where.
    Details,
    /// Those that sum up.
    Summaries,
    /// None: the lines' amounts are without them already.
    Within,
}

/// The first reading that makes what the receipt says; what was paid stands in for a total that is not printed.
///
/// # Errors
/// `total-does-not-balance`.
pub(crate) fn choose(basket: &Basket<'_>, settings: &Settings) -> Result<Reading, Problem> {
    let readings = || {
        let gross =
            if basket.goods.iter().all(|goods| goods.off.is_empty()) { &[false][..] } else { &[false, true] };
        let included = included(basket, settings);
        let rewards = if basket.rewards.is_empty() {
            &[Rewards::Within][..]
        } else {
            &[Rewards::Details, Rewards::Summaries, Rewards::Within]
        };
        let lines_taxed = basket.goods.iter().any(|goods| !goods.taxes.is_empty());
        let whole = if basket.taxes.is_empty() || !lines_taxed { &[true][..] } else { &[false, true] };
        gross.iter().flat_map(move |gross| {
            included.iter().flat_map(move |included| {
                rewards.iter().flat_map(move |rewards| {
                    whole.iter().map(move |whole| Reading::of(basket, *gross, *included, *rewards, *whole))
                })
            })
        })
    };
    // Money off that is less than nothing is no discount.
    let sound = |reading: &Reading| {
        let selling = basket.sold().next().is_some();
        !selling || reading.counted(basket).all(|reward| !reward.off.is_sign_negative())
    };
    let paid = (!basket.tenders.is_empty()).then(|| paid(basket));
    let only_back = basket.sold().next().is_none();
    let Some(target) = basket.printed.or(paid) else {
        return readings().find(sound).ok_or_else(|| unbalanced(basket, Decimal::ZERO, Decimal::ZERO));
    };
    // Returns alone are printed with either sign.
    let target = if only_back { -target.abs() } else { target };
    let makes = |reading: &Reading| {
        let grand = reading.sale - reading.back;
        [grand, grand + basket.rounding, grand - basket.rounding].contains(&target)
    };
    let Some(mut reading) = readings().filter(sound).find(makes) else {
        let first = readings().next().map_or(Decimal::ZERO, |reading| reading.sale - reading.back);
        return Err(unbalanced(basket, first, target));
    };
    let cash = basket.tenders.iter().any(|tender| tender.kind == TenderKind::Cash);
    if let (true, true, Some(paid)) = (reading.rounding.is_zero(), cash && !only_back, paid) {
        // Some tills round and say nothing of it.
        let gap = paid - target;
        let coin = Decimal::new(5, money::exponent(&basket.currency));
        if gap.abs() <= coin {
            reading.rounding = gap;
        }
    }
    Ok(reading)
}

fn unbalanced(basket: &Basket<'_>, made: Decimal, printed: Decimal) -> Problem {
    let currency = &basket.currency;
    let message = format!(
        "lines, discounts, rewards and taxes make {made} {currency}, but the till says {printed}, and no other way of \
         reading them makes that either"
    );
    Problem::new("total-does-not-balance", message).at(xml::place(basket.retail) + "/Total")
}

/// Whether prices contain the tax: as the till's flags say, or the operator, or both ways.
fn included(basket: &Basket<'_>, settings: &Settings) -> &'static [bool] {
    let mut flags = basket.all_taxes().map(|tax| tax.included);
    let Some(first) = flags.next() else { return &[false] };
    let agreed = first.filter(|_| flags.all(|flag| flag == first));
    match agreed.or(settings.prices_include_tax) {
        Some(true) => &[true],
        Some(false) => &[false],
        None => &[false, true],
    }
}

/// What was paid in, less change and what was paid out.
fn paid(basket: &Basket<'_>) -> Decimal {
    basket.tenders.iter().map(crate::tender::Tender::net).sum()
}

impl Reading {
    fn of(basket: &Basket<'_>, gross: bool, included: bool, rewards: Rewards, whole: bool) -> Self {
        let zero = Decimal::ZERO;
        let mut reading =
            Self { gross, included, rewards, whole, sale: zero, back: zero, rounding: basket.rounding };
        let charged = |goods: &Goods<'_>| reading.net(goods) + if included { zero } else { goods.tax() };
        let (sale, back) =
            (basket.sold().map(charged).sum::<Decimal>(), basket.returned().map(charged).sum::<Decimal>());
        let taxes = basket.taxes.iter().filter(|_| whole && !included).map(|tax| tax.amount).sum::<Decimal>();
        let off = reading.counted(basket).map(|reward| reward.off).sum::<Decimal>();
        let off = off + basket.off.iter().map(|(_, amount)| amount).sum::<Decimal>();
        if basket.sold().next().is_some() {
            (reading.sale, reading.back) = (sale + taxes - off, back);
        } else {
            reading.back = back + taxes.abs() - off.abs();
        }
        reading
    }

    /// The rewards that take money off.
    pub(crate) fn counted<'b, 'a>(&self, basket: &'b Basket<'a>) -> impl Iterator<Item = &'b Reward<'a>> {
        let which = self.rewards;
        basket.rewards.iter().filter(move |reward| match which {
            Rewards::Details => reward.detail,
            Rewards::Summaries => reward.summary,
            Rewards::Within => false,
        })
    }

    /// What the line comes to after its own discounts.
    pub(crate) fn net(&self, goods: &Goods<'_>) -> Decimal {
        if self.gross { goods.extended - goods.discount() } else { goods.extended }
    }

    /// What the line comes to before its own discounts.
    pub(crate) fn full(&self, goods: &Goods<'_>) -> Decimal {
        if self.gross { goods.extended } else { goods.extended + goods.discount() }
    }
}
