//! Taxes: of a line, and of the whole, which fall on lines too.

use crossdock_sdk::prelude::*;

use crate::goods::Goods;
use crate::sale::price;
use crate::xml::{self, Node};

/// One tax as the till wrote it.
#[derive(Clone)]
pub(crate) struct Tax {
    /// What marks the lines it falls on, where it stands for the whole transaction.
    pub id: Option<String>,
    pub title: String,
    pub rate: Option<Decimal>,
    pub jurisdiction: Option<String>,
    pub amount: Decimal,
    /// Whether the prices contain it. Absent when the till does not say.
    pub included: Option<bool>,
}

impl Tax {
    /// Absent when it is a tax of nothing.
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
        let inner = xml::child(node, "TaxableAmount");
        let included = inner.and_then(|inner| xml::said(inner, "TaxIncludedInTaxableAmountFlag"));
        Ok(Some(Self {
            id: id.map(str::to_owned),
            title: title.to_owned(),
            rate: xml::number(node, "Percent")?.map(|percent| (percent / Decimal::ONE_HUNDRED).normalize()),
            jurisdiction: authority.map(str::to_owned),
            amount,
            included: included.or_else(|| xml::said(node, "TaxIncludedFlag")),
        }))
    }

    /// So much of it, on one line.
    pub(crate) fn line(&self, amount: Decimal, currency: &str) -> TaxLine {
        TaxLine {
            title: self.title.clone(),
            rate: self.rate.map(|rate| rate.to_string()),
            amount: price(amount, currency),
            jurisdiction: self.jurisdiction.clone(),
            channel_liable: false,
        }
    }

    /// How a tax of the whole weighs on the lines: by what they come to, on those that the till marked with the
    /// tax (`Itemizers Tax1="true"`), or on all that are not marked free of tax.
    pub(crate) fn falls_on(&self, sold: &[&Goods<'_>], nets: &[Decimal]) -> Vec<Decimal> {
        let mark = self.id.as_ref().map(|id| format!("Tax{id}"));
        let marked = |goods: &Goods<'_>| {
            let itemizers = xml::child(goods.node, "Itemizers");
            itemizers.zip(mark.as_ref()).is_some_and(|(node, mark)| xml::flag(node, mark))
        };
        let any = sold.iter().any(|goods| marked(goods));
        let falls = |goods: &Goods<'_>| {
            if any { marked(goods) } else { xml::said(goods.node, "TaxableFlag") != Some(false) }
        };
        let weigh = |(goods, net): (&&Goods<'_>, &Decimal)| if falls(goods) { *net } else { Decimal::ZERO };
        sold.iter().zip(nets).map(weigh).collect()
    }
}
