//! Stock of one article that several systems count, sent to a channel as one sum.
//!
//! Every source reports the level of its own locations. Locations that the operator's registry assigns to one place
//! are added up: the channel receives their sum, whichever source reported last.

use crossdock_model::event::{Event, Fact};
use rust_decimal::Decimal;

/// A level that one source counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedLevel {
    /// The merchant's article number. A level without one cannot be added to others.
    pub sku: String,
    /// The source's location.
    pub location: String,
    /// How many can be sold there, a normalized decimal. Absent when the location no longer stocks the article.
    pub available: Option<String>,
}

impl CountedLevel {
    /// The level that an event reports. None for other events, and where the source knows no article number.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        let Fact::InventoryCounted(level) = &event.fact else { return None };
        Some(Self {
            sku: level.sku.clone()?,
            location: level.location.clone(),
            available: level.available.as_deref().map(normalized),
        })
    }
}

/// The lane of the sum of an article at a place.
#[must_use]
pub fn sum_lane(sku: &str, place: &str) -> String {
    format!("stock/{sku}/{place}")
}

/// The place of a sum's lane. None when it is not the lane of a sum of that article.
#[must_use]
pub fn sum_place<'l>(lane: &'l str, sku: &str) -> Option<&'l str> {
    lane.strip_prefix("stock/")?.strip_prefix(sku)?.strip_prefix('/')
}

/// The sum of several levels. None when there are none, or they cannot be added.
#[must_use]
pub fn sum<'l>(levels: impl IntoIterator<Item = &'l str>) -> Option<String> {
    let mut sum: Option<Decimal> = None;
    for level in levels {
        let level: Decimal = level.parse().ok()?;
        sum = Some(sum.unwrap_or_default().checked_add(level)?);
    }
    sum.map(|sum| sum.normalize().to_string())
}

/// A decimal without insignificant zeros; any other text trimmed.
#[must_use]
pub fn normalized(decimal: &str) -> String {
    let trimmed = decimal.trim();
    trimmed.parse::<Decimal>().map_or_else(|_| trimmed.to_owned(), |number| number.normalize().to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn levels_of_one_place_are_added_exactly() {
        assert_eq!(sum(["3", "4.50", "-1.5"]).as_deref(), Some("6"));
        assert_eq!(sum(["0.1", "0.2"]).as_deref(), Some("0.3"));
        assert_eq!(sum([]), None);
        assert_eq!(sum(["3", "many"]), None);
    }

    #[test]
    fn a_lane_names_article_and_place_even_if_the_names_contain_slashes() {
        let lane = sum_lane("A/7", "hamburg/1");
        assert_eq!(sum_place(&lane, "A/7"), Some("hamburg/1"));
        assert_eq!(sum_place(&lane, "A"), Some("7/hamburg/1"));
        assert_eq!(sum_place("tryton/main/stock/5", "A/7"), None);
    }

    #[test]
    fn insignificant_zeros_are_removed() {
        assert_eq!(normalized(" 5.00"), "5");
        assert_eq!(normalized("-0.50"), "-0.5");
        assert_eq!(normalized("100"), "100");
        assert_eq!(normalized("none"), "none");
    }

    proptest! {
        #[test]
        fn the_sum_does_not_depend_on_the_order_of_reports(levels in prop::collection::vec(-10_000i64..10_000, 1..8)) {
            let texts: Vec<String> =
                levels.iter().map(|level| Decimal::new(*level, 2).to_string()).collect();
            let forwards = sum(texts.iter().map(String::as_str));
            let backwards = sum(texts.iter().rev().map(String::as_str));
            prop_assert_eq!(&forwards, &backwards);
            let expected = Decimal::new(levels.iter().sum(), 2).normalize().to_string();
            prop_assert_eq!(forwards, Some(expected));
        }
    }
}
