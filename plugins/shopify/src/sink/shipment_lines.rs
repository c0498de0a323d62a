//! The lines of a shipment, with the quantities that are not yet allocated to lines of the order.

use crossdock_sdk::prelude::*;
use serde::Deserialize;

use super::article::Article;
use crate::admin::id;

/// A line of the order in the shop.
#[derive(Clone, Debug, Deserialize)]
pub struct OrderLine {
    pub id: String,
    pub sku: Option<String>,
    pub variant: Option<VariantId>,
}

/// The variant of a line.
#[derive(Clone, Debug, Deserialize)]
pub struct VariantId {
    pub id: String,
}

/// A line of the shipment.
#[derive(Clone, Debug)]
struct Line {
    order_line: Option<String>,
    article: Option<Article>,
    /// The SKU or the order line, for messages.
    name: String,
    /// The quantity that is not yet allocated.
    remaining: i64,
}

/// The lines of a shipment.
#[derive(Clone, Debug)]
pub struct ShipmentLines(Vec<Line>);

impl ShipmentLines {
    /// The lines of a shipment, nothing of which is allocated.
    ///
    /// # Errors
    /// `rejected` when there are no lines, or when a line identifies neither an order line nor an article, or its
    /// quantity is not a whole number.
    pub fn of(shipment: &Shipment) -> Result<Self, Outcome> {
        if shipment.lines.is_empty() {
            return Err(Problem::new("goods-unknown", "the shipment has no lines").at("lines").into());
        }
        let lines = shipment.lines.iter().enumerate().map(|(nth, line)| {
            let field = |name: &str| format!("lines[{nth}].{name}");
            let quantity = money::decimal(&line.quantity)?;
            let whole = Some(quantity.normalize()).filter(|quantity| quantity.scale() == 0);
            let remaining = whole.and_then(|quantity| i64::try_from(quantity).ok()).ok_or_else(|| {
                let message = format!("a shop ships whole units, and the quantity is {quantity}");
                Problem::new("quantity-not-whole", message).at(field("quantity"))
            })?;
            // The article is only used for systems that do not know the order line.
            let article = match (&line.line, &line.sku) {
                (Some(_), _) => None,
                (None, Some(sku)) => Some(Article::of(Some(sku))?),
                (None, None) => {
                    let message = "the line identifies neither an order line nor an article";
                    return Err(Problem::new("line-unknown", message).at(field("line")).into());
                }
            };
            let name = line.sku.clone().or_else(|| line.line.clone()).unwrap_or_default();
            Ok(Line { order_line: line.line.clone(), article, name, remaining })
        });
        Ok(Self(lines.collect::<Result<_, Outcome>>()?))
    }

    /// Whether everything is allocated.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|line| line.remaining <= 0)
    }

    /// Allocates remaining quantities to a line of the order, at most this many. Returns the quantity allocated.
    pub fn allocate(&mut self, order_line: &OrderLine, max: i64) -> i64 {
        let mut allocated = 0;
        for line in self.0.iter_mut().filter(|line| line.remaining > 0 && line.matches(order_line)) {
            let quantity = line.remaining.min(max.saturating_sub(allocated)).max(0);
            line.remaining -= quantity;
            allocated += quantity;
        }
        allocated
    }

    /// Allocates remaining quantities to these lines, as far as possible.
    pub fn allocate_available(&mut self, order_lines: &[(OrderLine, i64)]) {
        for (order_line, quantity) in order_lines {
            self.allocate(order_line, *quantity);
        }
    }

    /// Allocates remaining quantities to all of these lines, or to none. Returns whether all could be allocated.
    pub fn allocate_exactly(&mut self, order_lines: &[(OrderLine, i64)]) -> bool {
        let mut rest = self.clone();
        let fits = !order_lines.is_empty()
            && order_lines.iter().all(|(line, quantity)| rest.allocate(line, *quantity) == *quantity);
        if fits {
            *self = rest;
        }
        fits
    }

    /// The remaining quantities, for a person: `2 × TEA-100`.
    #[must_use]
    pub fn remaining(&self) -> String {
        let remaining = self.0.iter().filter(|line| line.remaining > 0);
        remaining.map(|line| format!("{} × {}", line.remaining, line.name)).collect::<Vec<_>>().join(", ")
    }

    /// The SKUs of lines with a remaining quantity that match none of these lines of the order.
    #[must_use]
    pub fn unknown_skus<'o>(&self, order_lines: impl Iterator<Item = &'o OrderLine> + Clone) -> Vec<&str> {
        let is_unknown = |line: &&Line| {
            line.order_line.is_none() && !order_lines.clone().any(|order_line| line.matches(order_line))
        };
        let remaining = self.0.iter().filter(|line| line.remaining > 0);
        remaining.filter(is_unknown).map(|line| line.name.as_str()).collect()
    }
}

impl Line {
    fn matches(&self, line: &OrderLine) -> bool {
        match (&self.order_line, &self.article) {
            (Some(own), _) => id::local(&line.id) == own,
            (None, Some(Article::Sku(sku))) => line.sku.as_ref() == Some(sku),
            (None, Some(Article::Variant(variant))) => {
                line.variant.as_ref().is_some_and(|other| other.id == *variant)
            }
            (None, None) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipment(lines: &[(Option<&str>, Option<&str>, &str)]) -> Shipment {
        let line = |(line, sku, quantity): &(Option<&str>, Option<&str>, &str)| ShipmentLine {
            line: line.map(Into::into),
            sku: sku.map(Into::into),
            quantity: (*quantity).into(),
        };
        Shipment {
            number: None,
            order: crossdock_sdk::testing::entity(EntityKind::Order, "1001"),
            state: ShipmentState::Shipped,
            location: None,
            shipped_at: None,
            lines: lines.iter().map(line).collect(),
            tracking: vec![],
            personal: None,
            extensions: None,
        }
    }

    fn line(id: &str, sku: &str) -> OrderLine {
        OrderLine {
            id: format!("gid://shopify/LineItem/{id}"),
            sku: Some(sku.into()),
            variant: Some(VariantId { id: format!("gid://shopify/ProductVariant/7{id}") }),
        }
    }

    #[test]
    fn no_more_than_the_remaining_quantity_is_allocated() {
        let _host = crossdock_sdk::testing::Host::new().install();
        let mut lines =
            ShipmentLines::of(&shipment(&[(Some("1"), Some("A"), "2"), (None, Some("B"), "3.0")])).unwrap();
        assert_eq!(lines.allocate(&line("1", "other"), 5), 2, "matched by the line's id, not by the SKU");
        assert_eq!(lines.allocate(&line("2", "B"), 1), 1);
        assert_eq!(lines.allocate(&line("3", "B"), 9), 2, "two lines of one article");
        assert_eq!(lines.allocate(&line("3", "B"), 9), 0);
        assert!(lines.is_empty());
    }

    #[test]
    fn a_fulfilment_with_more_goods_does_not_match() {
        let _host = crossdock_sdk::testing::Host::new().install();
        let mut lines = ShipmentLines::of(&shipment(&[(Some("1"), None, "2")])).unwrap();
        assert!(!lines.allocate_exactly(&[(line("1", "A"), 3)]));
        assert!(!lines.allocate_exactly(&[(line("1", "A"), 1), (line("2", "B"), 1)]));
        assert!(!lines.allocate_exactly(&[]));
        assert_eq!(lines.remaining(), "2 × 1");
        assert!(lines.allocate_exactly(&[(line("1", "A"), 1)]));
        assert_eq!(lines.remaining(), "1 × 1");
    }

    #[test]
    fn an_article_is_matched_by_the_operators_table() {
        let _host = crossdock_sdk::testing::Host::new()
            .mapping("sku", "100-A", "TEA-100")
            .mapping("sku", "100-B", "gid://shopify/ProductVariant/72")
            .mapping("sku", "BOX", "-")
            .install();
        let mut lines =
            ShipmentLines::of(&shipment(&[(None, Some("100-A"), "1"), (None, Some("100-B"), "1")])).unwrap();
        let order_lines = [line("1", "TEA-100"), line("2", "whatever")];
        assert!(lines.unknown_skus(order_lines.iter()).is_empty());
        assert_eq!(lines.unknown_skus(order_lines.iter().take(1)), ["100-B"]);
        assert_eq!(order_lines.iter().map(|line| lines.allocate(line, 1)).sum::<i64>(), 2);
        assert!(matches!(
            ShipmentLines::of(&shipment(&[(None, Some("BOX"), "1")])),
            Err(Outcome::Ignored(_))
        ));
    }

    #[test]
    fn a_shipment_that_cannot_be_written_is_rejected_with_its_field() {
        let _host = crossdock_sdk::testing::Host::new().install();
        let rejected =
            |lines: &[(Option<&str>, Option<&str>, &str)]| match ShipmentLines::of(&shipment(lines)) {
                Err(Outcome::Rejected(problem)) => (problem.code, problem.field.unwrap()),
                other => panic!("{other:?}"),
            };
        assert_eq!(rejected(&[]), ("goods-unknown".into(), "lines".into()));
        assert_eq!(
            rejected(&[(Some("1"), None, "1"), (Some("2"), None, "0.5")]),
            ("quantity-not-whole".into(), "lines[1].quantity".into())
        );
        assert_eq!(rejected(&[(None, None, "1")]), ("line-unknown".into(), "lines[0].line".into()));
    }
}
