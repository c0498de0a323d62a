//! Taxes of a line and of the whole transaction.

use crossdock_sdk::prelude::*;

use crate::amount::price;
use crate::xml::{self, Node};

/// One tax as the till wrote it.
#[derive(Clone)]
pub(crate) struct Tax {
    /// The id by which lines refer to a tax of the whole transaction.
    pub id: Option<String>,
    pub title: String,
    pub rate: Option<Decimal>,
    pub jurisdiction: Option<String>,
    pub amount: Decimal,
    /// Whether the prices include it. Absent when the till does not say.
    pub included: Option<bool>,
}

impl Tax {
    /// Reads a `Tax`. Absent when its amount is zero or it is voided.
    pub(crate) fn read(node: Node<'_>) -> Result<Option<Self>, Problem> {
        let amount = xml::number(node, "Amount")?.unwrap_or_default();
        if amount.is_zero() || xml::flag(node, "VoidFlag") {
            return Ok(None);
        }
        let authority = xml::text(node, "TaxAuthority");
        let id = xml::attribute(node, "TaxID").or_else(|| xml::text(node, "TaxGroupID"));
        let title =
            xml::attribute(node, "TaxDescription").or(authority).or_else(|| xml::text(node, "TaxRuleID"));
        let title = title.or(id).or_else(|| xml::attribute(node, "TaxType")).unwrap_or("Tax");
        let taxable = xml::child(node, "TaxableAmount");
        let included = taxable.and_then(|taxable| xml::boolean(taxable, "TaxIncludedInTaxableAmountFlag"));
        Ok(Some(Self {
            id: id.map(str::to_owned),
            title: title.to_owned(),
            rate: xml::number(node, "Percent")?.map(|percent| (percent / Decimal::ONE_HUNDRED).normalize()),
            jurisdiction: authority.map(str::to_owned),
            amount,
            included: included.or_else(|| xml::boolean(node, "TaxIncludedFlag")),
        }))
    }

    /// The tax line of a share of this tax.
    pub(crate) fn line(&self, amount: Decimal, currency: &str) -> TaxLine {
        TaxLine {
            title: self.title.clone(),
            rate: self.rate.map(|rate| rate.to_string()),
            amount: price(amount, currency),
            jurisdiction: self.jurisdiction.clone(),
            channel_liable: false,
        }
    }
}
