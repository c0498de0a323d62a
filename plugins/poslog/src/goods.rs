//! One line of goods as the till wrote it, sold or brought back.

use crossdock_sdk::prelude::*;

use crate::tax::Tax;
use crate::transaction::{self, Head};
use crate::xml::{self, Node};

/// A line of goods. Amounts are positive for goods that change hands in the usual direction, sold or
/// returned; a coupon rung up as an article is negative.
pub(crate) struct Goods<'a> {
    pub node: Node<'a>,
    /// The line's number on the receipt.
    pub id: String,
    /// What rewards call the line.
    pub operator: Option<&'a str>,
    pub returned: bool,
    pub kind: LineKind,
    pub sku: Option<&'a str>,
    pub gtin: Option<String>,
    pub title: String,
    pub quantity: Decimal,
    pub unit: Option<String>,
    /// The price of one, as the till has it on file.
    pub regular: Option<Decimal>,
    pub extended: Decimal,
    /// What was taken off the line, with what granted it. Each is positive.
    pub off: Vec<(Option<String>, Decimal)>,
    pub taxes: Vec<Tax>,
    /// True where the goods go back on the shelf.
    pub restocked: bool,
    /// The sale that returned goods are of.
    pub link: Option<Link>,
}

/// The sale that a return or a void is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// Its key.
    pub sale: String,
    /// The line in it. Absent when the till does not say.
    pub line: Option<String>,
}

impl<'a> Goods<'a> {
    /// Reads a `Sale` or `Return`. `mirrored` is for what repeats a sale in order to void it: then the signs
    /// say nothing.
    pub(crate) fn read(
        head: &Head<'a>,
        node: Node<'a>,
        id: String,
        places: u32,
        mirrored: bool,
    ) -> Result<Self, Problem> {
        let (quantity, unit) = quantity(head, node)?;
        let regular = number_of(node, &["RegularSalesUnitPrice", "UnitListPrice"])?;
        let actual = xml::number(node, "ActualSalesUnitPrice")?;
        let extended = match xml::number(node, "ExtendedAmount")? {
            Some(extended) => extended,
            None => actual.or(regular).map(|price| (price * quantity).round_dp(places)).ok_or_else(|| {
                let message = "the line says neither an extended amount nor a unit price";
                Problem::new("amount-missing", message).at(xml::place(node))
            })?,
        };
        let backwards = quantity.is_sign_negative() && !quantity.is_zero();
        let returned = !mirrored && (xml::is(node, "Return") || backwards);
        let straight = |amount: Decimal| if returned || mirrored { amount.abs() } else { amount };
        let mut taxes = xml::children(node, "Tax")
            .filter_map(|tax| Tax::read(tax).transpose())
            .collect::<Result<Vec<_>, _>>()?;
        for tax in &mut taxes {
            tax.amount = straight(tax.amount);
        }
        let (quantity, extended) = (quantity.abs(), straight(extended));
        // What has no number is one: a fee, a deposit.
        let quantity = if quantity.is_zero() { Decimal::ONE } else { quantity };
        let kind = xml::attribute(node, "ItemType").unwrap_or_default();
        Ok(Self {
            operator: xml::text(node, "OperatorSequence").filter(|text| *text != "0"),
            returned,
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
            off: off(node, quantity, extended, regular)?,
            regular,
            quantity,
            extended,
            taxes,
            restocked: restocked(node),
            link: match xml::child(node, "TransactionLink").filter(|_| returned) {
                Some(link) => Link::read(head, link)?,
                None => None,
            },
            node,
            id,
        })
    }

    /// All that was taken off.
    pub(crate) fn discount(&self) -> Decimal {
        self.off.iter().map(|(_, amount)| amount).sum()
    }

    /// All its taxes.
    pub(crate) fn tax(&self) -> Decimal {
        self.taxes.iter().map(|tax| tax.amount).sum()
    }
}

impl Link {
    /// Absent when it does not name a sale: a receipt's number alone is none.
    pub(crate) fn read(head: &Head<'_>, link: Node<'_>) -> Result<Option<Self>, Problem> {
        let sequence =
            xml::text(link, "SequenceNumber").or_else(|| xml::text(link, "TransactionSequenceNumber"));
        let (Some(sequence), Some(date)) = (sequence, transaction::date(link)?) else { return Ok(None) };
        let store = transaction::store(link).unwrap_or(head.store);
        let register = xml::text(link, "WorkstationID").unwrap_or(head.register);
        let sale = transaction::key(store, register, &date, sequence)
            .map_err(|problem| problem.at(xml::place(link)))?;
        let line = xml::text(link, "LineItemSequenceNumber").filter(|line| *line != "0").map(str::to_owned);
        Ok(Some(Self { sale, line }))
    }
}

fn number_of(node: Node<'_>, names: &[&'static str]) -> Result<Option<Decimal>, Problem> {
    for name in names {
        if let Some(number) = xml::number(node, name)? {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// How many, and of what. A weight stands in `Units` beside the count, or is the content itself.
fn quantity(head: &Head<'_>, node: Node<'_>) -> Result<(Decimal, Option<String>), Problem> {
    let Some(told) = xml::child(node, "Quantity") else { return Ok((Decimal::ONE, None)) };
    let weighed = node.parent().is_some_and(|line| xml::flag(line, "weightItem"));
    let unit = xml::attribute(told, "UnitOfMeasureCode").and_then(unit);
    let unit = unit.or_else(|| head.settings.weight_unit.clone().filter(|_| weighed));
    let units = xml::attribute(told, "Units").filter(|_| unit.is_some()).and_then(xml::decimal);
    let count = xml::number_in(told)?.unwrap_or(Decimal::ONE);
    let quantity = match units {
        Some(units) if count.is_sign_negative() => -units.abs(),
        Some(units) => units,
        None => count,
    };
    Ok((quantity, unit))
}

/// The unit by UN/ECE Recommendation 20. Absent for pieces, and for words that are no unit.
fn unit(told: &str) -> Option<String> {
    let told = told.to_ascii_uppercase();
    let code = match told.as_str() {
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
            let code =
                (2..=3).contains(&other.len()) && other.bytes().all(|letter| letter.is_ascii_alphanumeric());
            return code.then(|| other.to_owned());
        }
    };
    Some(code.to_owned())
}

fn gtin(node: Node<'_>) -> Option<String> {
    let identity = xml::child(node, "POSIdentity")?;
    let kind = xml::attribute(identity, "POSIDType")?;
    let code = xml::text(identity, "POSItemID")?;
    let global = ["GTIN", "EAN", "UPC", "UPCA", "EAN13"].iter().any(|known| kind.eq_ignore_ascii_case(known));
    let digits = (8..=14).contains(&code.len()) && code.bytes().all(|digit| digit.is_ascii_digit());
    (global && digits).then(|| format!("{code:0>14}"))
}

fn title(node: Node<'_>) -> String {
    let item = xml::child(node, "ItemID").and_then(|item| xml::attribute(item, "Name"));
    let title = xml::text(node, "Description").or(item).or_else(|| xml::text(node, "ItemID"));
    title.unwrap_or_default().to_owned()
}

/// What was taken off the line, with what granted it.
fn off(
    node: Node<'_>,
    quantity: Decimal,
    extended: Decimal,
    regular: Option<Decimal>,
) -> Result<Vec<(Option<String>, Decimal)>, Problem> {
    let printed = xml::number(node, "ExtendedDiscountAmount")?.unwrap_or_default().abs();
    let mut off: Vec<(Option<String>, Decimal)> = Vec::new();
    let mut all = Decimal::ZERO;
    let mut raised = false;
    for modifier in xml::children(node, "RetailPriceModifier") {
        let Some(amount) = xml::child(modifier, "Amount").filter(|_| !xml::flag(modifier, "VoidFlag")) else {
            continue;
        };
        let value = xml::number_in(amount)?.unwrap_or_default().abs();
        match xml::attribute(amount, "Action").unwrap_or("Subtract") {
            "Subtract" if value.is_zero() => {}
            "Subtract" => {
                all += value;
                off.push((granted(modifier), value));
            }
            "Add" => {
                all -= value;
                raised = true;
            }
            _ => {}
        }
    }
    // A surcharge beside a discount is a discount of the difference; alone it is simply the price.
    if raised {
        let title = off.first().and_then(|(title, _)| title.clone());
        off = if all > Decimal::ZERO { vec![(title, all)] } else { Vec::new() };
        all = all.max(Decimal::ZERO);
    }
    if off.is_empty() {
        return Ok(if printed.is_zero() { off } else { vec![(None, printed)] });
    }
    // Some tills write what they take off each piece, some what they take off the line.
    let piece = |wanted: Decimal| all != wanted && all * quantity == wanted;
    let by_piece = match regular {
        _ if !printed.is_zero() => piece(printed),
        Some(regular) => piece(regular * quantity - extended.abs()),
        None => false,
    };
    if by_piece {
        off.iter_mut().for_each(|(_, amount)| *amount *= quantity);
    } else if !printed.is_zero() && printed != all {
        off = vec![(off.into_iter().find_map(|(title, _)| title), printed)];
    }
    Ok(off)
}

fn granted(modifier: Node<'_>) -> Option<String> {
    let rule = || xml::text(xml::child(modifier, "PriceDerivationRule")?, "PriceDerivationRuleID");
    let title =
        xml::text(modifier, "PromotionID").or_else(rule).or_else(|| xml::text(modifier, "ReasonCode"));
    title.or_else(|| xml::attribute(modifier, "MethodCode")).map(str::to_owned)
}

/// Whether returned goods go back on the shelf: unless the till says that they do not.
fn restocked(node: Node<'_>) -> bool {
    let Some(disposal) = xml::child(node, "Disposal") else { return true };
    let method = xml::attribute(disposal, "Method").or_else(|| xml::content(disposal)).unwrap_or_default();
    let gone = ["destroy", "damage", "dispos", "scrap", "waste", "defect", "trash"];
    !gone.iter().any(|word| method.to_ascii_lowercase().contains(word))
}
