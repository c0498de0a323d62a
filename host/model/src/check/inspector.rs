//! Collects findings; the checks that all facts share.

use std::fmt;

use super::exact::Exact;
use super::finding::{Finding, MAX_FINDINGS, code};
use crate::common::{Entity, Money, Price};
use crate::time::micros;

/// The path of a field in the event. It is written only for a finding.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    above: Option<&'a Path<'a>>,
    name: &'static str,
    item: Option<usize>,
}

impl Path<'static> {
    pub(super) const ROOT: Self = Self { above: None, name: "", item: None };
}

impl Path<'_> {
    pub(super) fn field(&self, name: &'static str) -> Path<'_> {
        Path { above: Some(self), name, item: None }
    }

    pub(super) fn item(&self, name: &'static str, at: usize) -> Path<'_> {
        Path { above: Some(self), name, item: Some(at) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            above.fmt(f)?;
            if above.above.is_some() {
                f.write_str(".")?;
            }
        }
        f.write_str(self.name)?;
        match self.item {
            Some(item) => write!(f, "[{item}]"),
            None => Ok(()),
        }
    }
}

/// The currencies that the amounts of one fact are in.
#[derive(Clone, Copy)]
pub(super) struct Currencies<'a> {
    pub(super) shop: &'a str,
    /// Absent when it is the shop's, or not reported.
    pub(super) presentment: Option<&'a str>,
}

/// Collects findings.
#[derive(Default)]
pub(super) struct Inspector {
    findings: Vec<Finding>,
}

impl Inspector {
    pub(super) fn report(&mut self, code: &'static str, path: &Path<'_>, message: impl FnOnce() -> String) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding { code: code.into(), message: message(), field: path.to_string() });
        }
    }

    pub(super) fn done(self) -> Result<(), Vec<Finding>> {
        if self.findings.is_empty() { Ok(()) } else { Err(self.findings) }
    }

    pub(super) fn decimal(&mut self, text: &str, path: &Path<'_>) -> Option<Exact> {
        let value = Exact::parse(text);
        if value.is_none() {
            self.report(code::NOT_A_DECIMAL, path, || format!("`{}` is not a decimal number", brief(text)));
        }
        value
    }

    pub(super) fn optional(&mut self, text: Option<&str>, path: &Path<'_>) -> Option<Exact> {
        text.and_then(|text| self.decimal(text, path))
    }

    pub(super) fn positive(&mut self, text: &str, path: &Path<'_>) -> Option<Exact> {
        let value = self.decimal(text, path)?;
        if value.is_negative() || value.is_zero() {
            self.report(code::NOT_POSITIVE, path, || {
                format!("the quantity is {text}, and must be above zero")
            });
        }
        Some(value)
    }

    pub(super) fn currency(&mut self, currency: &str, path: &Path<'_>) {
        if currency.len() != 3 || !currency.bytes().all(|letter| letter.is_ascii_uppercase()) {
            let message = || format!("`{}` is not a currency of three capital letters", brief(currency));
            self.report(code::NOT_A_CURRENCY, path, message);
        }
    }

    pub(super) fn money(&mut self, money: &Money, path: &Path<'_>) -> Option<Exact> {
        self.currency(&money.currency, &path.field("currency"));
        self.decimal(&money.amount, &path.field("amount"))
    }

    /// The shop's amount of a price, if it is a decimal in the shop's currency.
    pub(super) fn price(
        &mut self,
        price: &Price,
        currencies: Currencies<'_>,
        path: &Path<'_>,
    ) -> Option<Exact> {
        let shop = path.field("shop");
        let amount = self.decimal(&price.shop.amount, &shop.field("amount"));
        let same_currency = self.same_currency(&price.shop.currency, currencies.shop, &shop);
        if let Some(money) = &price.presentment {
            let presentment = path.field("presentment");
            self.decimal(&money.amount, &presentment.field("amount"));
            match currencies.presentment {
                Some(expected) => {
                    self.same_currency(&money.currency, expected, &presentment);
                }
                None => self.currency(&money.currency, &presentment.field("currency")),
            }
        }
        amount.filter(|_| same_currency)
    }

    /// Like [`Self::price`], for an amount that must not be below zero.
    pub(super) fn not_negative(
        &mut self,
        price: &Price,
        currencies: Currencies<'_>,
        path: &Path<'_>,
    ) -> Option<Exact> {
        let amount = self.price(price, currencies, path)?;
        if amount.is_negative() {
            self.report(code::NEGATIVE, path, || {
                format!("the amount is {amount}, and must not be below zero")
            });
        }
        Some(amount)
    }

    fn same_currency(&mut self, found: &str, expected: &str, path: &Path<'_>) -> bool {
        if found != expected {
            let (found, expected) = (brief(found), brief(expected));
            let message = || format!("the amount is in {found}, and should be in {expected}");
            self.report(code::WRONG_CURRENCY, &path.field("currency"), message);
        }
        found == expected
    }

    pub(super) fn instant(&mut self, text: &str, path: &Path<'_>) {
        if micros(text).is_err() {
            let message = || format!("`{}` is not an instant with an offset", brief(text));
            self.report(code::NOT_AN_INSTANT, path, message);
        }
    }

    pub(super) fn instants<const N: usize>(
        &mut self,
        instants: [(&Option<String>, &'static str); N],
        path: &Path<'_>,
    ) {
        for (instant, name) in instants {
            if let Some(text) = instant {
                self.instant(text, &path.field(name));
            }
        }
    }

    pub(super) fn date(&mut self, text: Option<&str>, path: &Path<'_>) {
        if let Some(text) = text
            && (text.len() != 10 || text.parse::<jiff::civil::Date>().is_err())
        {
            self.report(code::NOT_A_DATE, path, || format!("`{}` is not a calendar day", brief(text)));
        }
    }

    pub(super) fn id(&mut self, id: &str, path: &Path<'_>) {
        if id.is_empty() {
            self.report(code::NO_IDENTITY, path, || "the id is empty".into());
        }
    }

    /// Checks an identity. It is written with slashes between its parts, so its first parts contain none.
    pub(super) fn entity(&mut self, entity: &Entity, path: &Path<'_>) {
        self.id(&entity.id, &path.field("id"));
        for (part, name) in [(&entity.system, "system"), (&entity.tenant, "tenant")] {
            if part.is_empty() || part.contains('/') {
                let message = || format!("`{}` cannot be part of an identity", brief(part));
                self.report(code::NO_IDENTITY, &path.field(name), message);
            }
        }
    }

    pub(super) fn object(&mut self, extensions: Option<&str>, path: &Path<'_>) {
        let Some(text) = extensions else { return };
        let object =
            text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        if !object {
            self.report(code::NOT_AN_OBJECT, &path.field("extensions"), || {
                "the extensions are not the JSON text of an object".into()
            });
        }
    }

    /// Checks that ids are unique: references and refunds identify lines by them.
    pub(super) fn distinct<'a>(&mut self, ids: impl Iterator<Item = &'a str> + Clone, path: &Path<'_>) {
        let twice = if ids.clone().nth(FEW).is_none() {
            ids.clone().enumerate().find(|(at, id)| ids.clone().take(*at).any(|earlier| earlier == *id))
        } else {
            let mut seen = std::collections::HashSet::new();
            ids.enumerate().find(|(_, id)| !seen.insert(*id))
        };
        if let Some((_, id)) = twice {
            self.report(code::SAME_ID, path, || format!("the id {} occurs twice", brief(id)));
        }
    }
}

/// Up to this many ids are compared pairwise, which allocates nothing.
const FEW: usize = 32;

/// The beginning of a text, for a message.
fn brief(text: &str) -> &str {
    let end = text.char_indices().nth(40).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}
