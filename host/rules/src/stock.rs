//! Stock of one article that several systems count, told to a channel as one sum.
//!
//! Every source tells the level of its own locations. Those that an operator's registry puts at one place
//! are added up: the channel is told what all of them hold together, whichever told last.

use crossdock_model::event::{Event, Fact};
use rust_decimal::Decimal;

/// A level that one source counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The merchant's article number. A level without one can not be added to others.
    pub sku: String,
    /// The source's location.
    pub location: String,
    /// How many can be sold there. Absent when the location does not stock it any more.
    pub available: Option<String>,
}

impl Counted {
    /// The level that an event tells. None for other events, and where the source knows no article number.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        let Fact::InventoryCounted(level) = &event.fact else { return None };
        Some(Self {
            sku: level.sku.clone()?,
            location: level.location.clone(),
            available: level.available.as_deref().map(plain),
        })
    }
}

/// The lane of a sum.
#[must_use]
pub fn lane(sku: &str, place: &str) -> String {
    format!("stock/{sku}/{place}")
}

/// The place of a sum's lane, when it is the lane of a sum of that article.
#[must_use]
pub fn place<'l>(lane: &'l str, sku: &str) -> Option<&'l str> {
    lane.strip_prefix("stock/")?.strip_prefix(sku)?.strip_prefix('/')
}

/// What several levels are together. None when none of them stocks the article, or they can not be added.
#[must_use]
pub fn sum<'l>(levels: impl IntoIterator<Item = &'l str>) -> Option<String> {
    let mut sum: Option<Decimal> = None;
    for level in levels {
        let level: Decimal = level.parse().ok()?;
        sum = Some(sum.unwrap_or_default().checked_add(level)?);
    }
    sum.map(|sum| sum.normalize().to_string())
}

/// A decimal without needless zeros; a text that is none as it is.
#[must_use]
pub fn plain(decimal: &str) -> String {
    let trimmed = decimal.trim();
    trimmed.parse::<Decimal>().map_or_else(|_| trimmed.to_owned(), |number| number.normalize().to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn levels_of_one_place_are_added_to_the_last_digit() {
        assert_eq!(sum(["3", "4.50", "-1.5"]).as_deref(), Some("6"));
        assert_eq!(sum(["0.1", "0.2"]).as_deref(), Some("0.3"));
        assert_eq!(sum([]), None);
        assert_eq!(sum(["3", "many"]), None);
    }

    #[test]
    fn a_lane_names_article_and_place_even_where_names_have_slashes() {
        let lane = lane("A/7", "hamburg/1");
        assert_eq!(place(&lane, "A/7"), Some("hamburg/1"));
        assert_eq!(place(&lane, "A"), Some("7/hamburg/1"));
        assert_eq!(place("tryton/main/stock/5", "A/7"), None);
    }

    #[test]
    fn zeros_say_nothing() {
        assert_eq!(plain(" 5.00"), "5");
        assert_eq!(plain("-0.50"), "-0.5");
        assert_eq!(plain("100"), "100");
        assert_eq!(plain("none"), "none");
    }

    proptest! {
        #[test]
        fn the_sum_does_not_depend_on_who_told_first(levels in prop::collection::vec(-10_000i64..10_000, 1..8)) {
            let texts: Vec<String> =
                levels.iter().map(|level| Decimal::new(*level, 2).to_string()).collect();
            let there = sum(texts.iter().map(String::as_str));
            let back = sum(texts.iter().rev().map(String::as_str));
            prop_assert_eq!(&there, &back);
            let right = Decimal::new(levels.iter().sum(), 2).normalize().to_string();
            prop_assert_eq!(there, Some(right));
        }
    }
}
