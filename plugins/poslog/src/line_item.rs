//! One line of goods as the till wrote it, sold or returned.

use crossdock_sdk::prelude::*;

use crate::discount::{self, Discount};
use crate::header::Header;
use crate::link::SaleLink;
use crate::tax::Tax;
use crate::xml::{self, Node};

/// A line of goods. Amounts are positive for a usual sale or return; a coupon entered as an article is negative.
pub(crate) struct LineItem<'a> {
    pub node: Node<'a>,
    /// The line's number on the receipt.
    pub id: String,
    /// The line's `OperatorSequence`, to which rewards refer.
    pub operator_sequence: Option<&'a str>,
    pub is_return: bool,
    pub kind: LineKind,
    pub sku: Option<&'a str>,
    pub gtin: Option<String>,
    pub title: String,
    pub quantity: Decimal,
    pub unit: Option<String>,
    /// The list price per unit.
    pub list_price: Option<Decimal>,
    /// The extended amount, before or after the line's discounts.
    pub extended: Decimal,
    pub discounts: Vec<Discount>,
    pub taxes: Vec<Tax>,
    /// True where returned goods are restocked.
    pub restocked: bool,
    /// The sale of returned goods.
    pub link: Option<SaleLink>,
}

impl<'a> LineItem<'a> {
    /// Reads a `Sale` or `Return`. `ignore_signs` is for a void that repeats a sale: its signs have no meaning.
    ///
    /// # Errors
    /// `amount-missing`, `invalid-number`, or an invalid link.
    pub(crate) fn read(
        header: &Header<'a>,
        node: Node<'a>,
        id: String,
        places: u32,
        ignore_signs: bool,
    ) -> Result<Self, Problem> {
        let (quantity, unit) = quantity(header, node)?;
        let list_price = first_number(node, &["RegularSalesUnitPrice", "UnitListPrice"])?;
        let actual = xml::number(node, "ActualSalesUnitPrice")?;
        let extended = match xml::number(node, "ExtendedAmount")? {
            Some(extended) => extended,
            None => {
                actual.or(list_price).map(|price| (price * quantity).round_dp(places)).ok_or_else(|| {
                    let message = "the line has neither an extended amount nor a unit price";
                    Problem::new("amount-missing", message).at(xml::path(node))
                })?
            }
        };
        let is_negative = quantity.is_sign_negative() && !quantity.is_zero();
        let is_return = !ignore_signs && (xml::is(node, "Return") || is_negative);
        let signed = |amount: Decimal| if is_return || ignore_signs { amount.abs() } else { amount };
        let mut taxes = xml::children(node, "Tax")
            .filter_map(|tax| Tax::read(tax).transpose())
            .collect::<Result<Vec<_>, _>>()?;
        for tax in &mut taxes {
            tax.amount = signed(tax.amount);
        }
        let (quantity, extended) = (quantity.abs(), signed(extended));
        // A line without a quantity, such as a fee or a deposit, counts as one.
        let quantity = if quantity.is_zero() { Decimal::ONE } else { quantity };
        let kind = xml::attribute(node, "ItemType").unwrap_or_default();
        Ok(Self {
            operator_sequence: xml::text(node, "OperatorSequence").filter(|text| *text != "0"),
            is_return,
            kind: match kind {
                "GiftCard" | "GiftCertificate" | "StoredValue" | "StoredValueFund" => LineKind::GiftCard,
                "Tip" => LineKind::Tip,
                "Coupon" | "NegativeItem" => LineKind::Custom,
                _ if kind.ends_with(":NegativeItem") => LineKind::Custom,
                _ => LineKind::Item,
            },
            sku: xml::text(node, "ItemID"),
            gtin: gtin(node),
            title: title(node),
            unit,
            discounts: discount::of_line(node, quantity, extended, list_price)?,
            list_price,
            quantity,
            extended,
            taxes,
            restocked: is_restocked(node),
            link: match xml::child(node, "TransactionLink").filter(|_| is_return) {
                Some(link) => SaleLink::read(header, link)?,
                None => None,
            },
            node,
            id,
        })
    }

    /// Reads a `Tip`.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) fn read_tip(
        header: &Header<'a>,
        node: Node<'a>,
        id: String,
        places: u32,
    ) -> Result<Self, Problem> {
        let amount = xml::number(node, "Amount")?.or(xml::number_in(node)?).unwrap_or_default();
        if xml::child(node, "ExtendedAmount").is_some() {
            return Self::read(header, node, id, places, false);
        }
        Ok(Self {
            node,
            id,
            operator_sequence: None,
            is_return: false,
            kind: LineKind::Tip,
            sku: None,
            gtin: None,
            title: "Tip".into(),
            quantity: Decimal::ONE,
            unit: None,
            list_price: None,
            extended: amount,
            discounts: Vec::new(),
            taxes: Vec::new(),
            restocked: false,
            link: None,
        })
    }

    /// The sum of the line's discounts.
    pub(crate) fn discount(&self) -> Decimal {
        self.discounts.iter().map(|discount| discount.amount).sum()
    }

    /// The sum of the line's taxes.
    pub(crate) fn tax(&self) -> Decimal {
        self.taxes.iter().map(|tax| tax.amount).sum()
    }
}

fn first_number(node: Node<'_>, names: &[&'static str]) -> Result<Option<Decimal>, Problem> {
    for name in names {
        if let Some(number) = xml::number(node, name)? {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// The quantity and its unit. A weight is in the attribute `Units`, beside a count, or is the content itself.
fn quantity(header: &Header<'_>, node: Node<'_>) -> Result<(Decimal, Option<String>), Problem> {
    let Some(quantity) = xml::child(node, "Quantity") else { return Ok((Decimal::ONE, None)) };
    let weighed = node.parent().is_some_and(|line| xml::flag(line, "weightItem"));
    let unit = xml::attribute(quantity, "UnitOfMeasureCode").and_then(unit);
    let unit = unit.or_else(|| header.settings.weight_unit.clone().filter(|_| weighed));
    let units = xml::attribute(quantity, "Units").filter(|_| unit.is_some()).and_then(xml::decimal);
    let count = xml::number_in(quantity)?.unwrap_or(Decimal::ONE);
    let quantity = match units {
        Some(units) if count.is_sign_negative() => -units.abs(),
        Some(units) => units,
        None => count,
    };
    Ok((quantity, unit))
}

/// The unit by UN/ECE Recommendation 20. Absent for pieces, and for texts that are not a unit.
fn unit(text: &str) -> Option<String> {
    let text = text.to_ascii_uppercase();
    let code = match text.as_str() {
        "EA" | "EACH" | "PC" | "PCE" | "PCS" | "ST" | "C62" | "UN" | "H87" => return None,
        "KG" | "KILOGRAM" => "KGM",
        "G" | "GR" | "GRAM" => "GRM",
        "LB" | "LBS" | "POUND" => "LBR",
        "OZ" | "OUNCE" => "ONZ",
        "L" | "LT" | "LITER" | "LITRE" => "LTR",
        "ML" => "MLT",
        "M" | "METER" | "METRE" => "MTR",
        "CM" => "CMT",
        other => {
            let is_code =
                (2..=3).contains(&other.len()) && other.bytes().all(|letter| letter.is_ascii_alphanumeric());
            return is_code.then(|| other.to_owned());
        }
    };
    Some(code.to_owned())
}

fn gtin(node: Node<'_>) -> Option<String> {
    let identity = xml::child(node, "POSIdentity")?;
    let kind = xml::attribute(identity, "POSIDType")?;
    let code = xml::text(identity, "POSItemID")?;
    let is_gtin_type =
        ["GTIN", "EAN", "UPC", "UPCA", "EAN13"].iter().any(|other| kind.eq_ignore_ascii_case(other));
    let is_gtin = (8..=14).contains(&code.len()) && code.bytes().all(|digit| digit.is_ascii_digit());
    (is_gtin_type && is_gtin).then(|| format!("{code:0>14}"))
}

fn title(node: Node<'_>) -> String {
    let item = xml::child(node, "ItemID").and_then(|item| xml::attribute(item, "Name"));
    let title = xml::text(node, "Description").or(item).or_else(|| xml::text(node, "ItemID"));
    title.unwrap_or_default().to_owned()
}

/// Whether returned goods are restocked: unless the till's disposal method says otherwise.
fn is_restocked(node: Node<'_>) -> bool {
    let Some(disposal) = xml::child(node, "Disposal") else { return true };
    let method = xml::attribute(disposal, "Method").or_else(|| xml::content(disposal)).unwrap_or_default();
    let discarded = ["destroy", "damage", "dispos", "scrap", "waste", "defect", "trash"];
    !discarded.iter().any(|word| method.to_ascii_lowercase().contains(word))
}
