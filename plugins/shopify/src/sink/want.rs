//! What a shipment holds, line by line, as it is taken off against the lines of the order.

use crossdock_sdk::prelude::*;
use serde::Deserialize;

use super::article::Article;
use crate::admin::id;

/// A line of the order, as the shop knows it.
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

/// A line of the shipment, and how many of it are not accounted for yet.
#[derive(Clone, Debug)]
struct Want {
    line: Option<String>,
    article: Option<Article>,
    /// What a person calls it.
    name: String,
    left: i64,
}

/// The lines of a shipment.
#[derive(Clone, Debug)]
pub struct Wants(Vec<Want>);

impl Wants {
    /// What is in the shipment.
    ///
    /// # Errors
    /// `rejected` when a line says neither which line of the order nor which article it is, or holds a part of
    /// a piece.
    pub fn of(shipment: &Shipment) -> Result<Self, Outcome> {
        if shipment.lines.is_empty() {
            return Err(Problem::new("goods-unknown", "the shipment does not say what is in it")
                .at("lines")
                .into());
        }
        let lines = shipment.lines.iter().enumerate().map(|(nth, line)| {
            let field = |name: &str| format!("lines[{nth}].{name}");
            let quantity = money::decimal(&line.quantity)?;
            let left = Some(quantity.normalize()).filter(|quantity| quantity.scale() == 0);
            let left = left.and_then(|quantity| i64::try_from(quantity).ok()).ok_or_else(|| {
                let message = format!("a shop ships whole pieces, and this is {quantity}");
                Problem::new("quantity-not-whole", message).at(field("quantity"))
            })?;
            // The order's line says it all; the article is for systems that do not know it.
            let article = match (&line.line, &line.sku) {
                (Some(_), _) => None,
                (None, Some(sku)) => Some(Article::of(Some(sku))?),
                (None, None) => {
                    let message = "nothing says which line of the order this is";
                    return Err(Problem::new("line-unknown", message).at(field("line")).into());
                }
            };
            let name = line.sku.clone().or_else(|| line.line.clone()).unwrap_or_default();
            Ok(Want { line: line.line.clone(), article, name, left })
        });
        Ok(Self(lines.collect::<Result<_, Outcome>>()?))
    }

    /// Whether everything is accounted for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|want| want.left <= 0)
    }

    /// Takes off as many of a line of the order as are wanted, and at most this many; says how many.
    pub fn take(&mut self, line: &OrderLine, most: i64) -> i64 {
        let mut taken = 0;
        for want in self.0.iter_mut().filter(|want| want.left > 0 && want.is(line)) {
            let some = want.left.min(most.saturating_sub(taken)).max(0);
            want.left -= some;
            taken += some;
        }
        taken
    }

    /// Takes off as many of these lines as are wanted.
    pub fn less(&mut self, lines: &[(OrderLine, i64)]) {
        for (line, quantity) in lines {
            self.take(line, *quantity);
        }
    }

    /// Takes off all of these lines, or nothing: whether they are no more than what is wanted.
    pub fn take_all(&mut self, lines: &[(OrderLine, i64)]) -> bool {
        let mut rest = self.clone();
        let fits =
            !lines.is_empty() && lines.iter().all(|(line, quantity)| rest.take(line, *quantity) == *quantity);
        if fits {
            *self = rest;
        }
        fits
    }

    /// What is wanted yet, for a person: `2 × TEA-100`.
    #[must_use]
    pub fn missing(&self) -> String {
        let missing = self.0.iter().filter(|want| want.left > 0);
        missing.map(|want| format!("{} × {}", want.left, want.name)).collect::<Vec<_>>().join(", ")
    }

    /// The SKUs of lines that are wanted yet and that no line of the order is.
    #[must_use]
    pub fn strangers<'o>(&self, lines: impl Iterator<Item = &'o OrderLine> + Clone) -> Vec<&str> {
        let strange = |want: &&Want| want.line.is_none() && !lines.clone().any(|line| want.is(line));
        self.0.iter().filter(|want| want.left > 0).filter(strange).map(|want| want.name.as_str()).collect()
    }
}

impl Want {
    fn is(&self, line: &OrderLine) -> bool {
        match (&self.line, &self.article) {
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
    fn what_is_taken_is_never_more_than_what_is_wanted() {
        let _host = crossdock_sdk::testing::Host::new().install();
        let mut wants =
            Wants::of(&shipment(&[(Some("1"), Some("A"), "2"), (None, Some("B"), "3.0")])).unwrap();
        assert_eq!(wants.take(&line("1", "other"), 5), 2, "the line's id says it, not the SKU");
        assert_eq!(wants.take(&line("2", "B"), 1), 1);
        assert_eq!(wants.take(&line("3", "B"), 9), 2, "two lines of one article");
        assert_eq!(wants.take(&line("3", "B"), 9), 0);
        assert!(wants.is_empty());
    }

    #[test]
    fn a_fulfilment_that_holds_more_is_another_one() {
        let _host = crossdock_sdk::testing::Host::new().install();
        let mut wants = Wants::of(&shipment(&[(Some("1"), None, "2")])).unwrap();
        assert!(!wants.take_all(&[(line("1", "A"), 3)]));
        assert!(!wants.take_all(&[(line("1", "A"), 1), (line("2", "B"), 1)]));
        assert!(!wants.take_all(&[]));
        assert_eq!(wants.missing(), "2 × 1");
        assert!(wants.take_all(&[(line("1", "A"), 1)]));
        assert_eq!(wants.missing(), "1 × 1");
    }

    #[test]
    fn an_article_is_known_by_the_operators_table() {
        let _host = crossdock_sdk::testing::Host::new()
            .mapping("sku", "100-A", "TEA-100")
            .mapping("sku", "100-B", "gid://shopify/ProductVariant/72")
            .mapping("sku", "BOX", "-")
            .install();
        let mut wants =
            Wants::of(&shipment(&[(None, Some("100-A"), "1"), (None, Some("100-B"), "1")])).unwrap();
        let lines = [line("1", "TEA-100"), line("2", "whatever")];
        assert!(wants.strangers(lines.iter()).is_empty());
        assert_eq!(wants.strangers(lines.iter().take(1)), ["100-B"]);
        assert_eq!(lines.iter().map(|line| wants.take(line, 1)).sum::<i64>(), 2);
        assert!(matches!(Wants::of(&shipment(&[(None, Some("BOX"), "1")])), Err(Outcome::Ignored(_))));
    }

    #[test]
    fn what_cannot_be_shipped_is_refused_with_its_place() {
        let _host = crossdock_sdk::testing::Host::new().install();
        let refused = |lines: &[(Option<&str>, Option<&str>, &str)]| match Wants::of(&shipment(lines)) {
            Err(Outcome::Rejected(problem)) => (problem.code, problem.field.unwrap()),
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(&[]), ("goods-unknown".into(), "lines".into()));
        assert_eq!(
            refused(&[(Some("1"), None, "1"), (Some("2"), None, "0.5")]),
            ("quantity-not-whole".into(), "lines[1].quantity".into())
        );
        assert_eq!(refused(&[(None, None, "1")]), ("line-unknown".into(), "lines[0].line".into()));
    }
}
