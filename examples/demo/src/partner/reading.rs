//! How the partner reads a message about an order.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::x12::{Segment, Set};

/// The segments of a message before its lines, without those that identify it.
pub(super) fn terms(set: &Set) -> Vec<Segment> {
    let own = ["BEG", "BCH", "CTT"];
    let head = set.body.iter().take_while(|segment| !matches!(segment.id.as_str(), "PO1" | "POC"));
    head.filter(|segment| !own.contains(&segment.id.as_str())).cloned().collect()
}

/// Charges and allowances beside the price of the goods.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Charges {
    /// Taken off.
    pub discount: Decimal,
    /// Tax that comes on top.
    pub tax: Decimal,
    /// Freight.
    pub freight: Decimal,
    /// Whatever else: tips.
    pub other: Decimal,
}

impl Charges {
    /// Adds a `SAC`; what is neither a charge nor an allowance is in the price already.
    fn read(&mut self, sac: &Segment) -> Result<(), String> {
        let amount = decimal(sac.get(5))? / Decimal::ONE_HUNDRED;
        match (sac.get(1), sac.get(2)) {
            ("N", _) => {}
            ("A", "C310") => self.discount += amount,
            ("C", "H850") => self.tax += amount,
            ("C", "D240") => self.freight += amount,
            ("A", _) => self.other -= amount,
            ("C", _) => self.other += amount,
            (kind, _) => return Err(format!("SAC01 is {kind:?}")),
        }
        Ok(())
    }

    /// The sum of these segments.
    pub(super) fn of<'a>(segments: impl Iterator<Item = &'a Segment>) -> Result<Self, String> {
        let mut charges = Self::default();
        segments.filter(|segment| segment.id == "SAC").try_for_each(|sac| charges.read(sac))?;
        Ok(charges)
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            discount: self.discount + other.discount,
            tax: self.tax + other.tax,
            freight: self.freight + other.freight,
            other: self.other + other.other,
        }
    }

    /// Their sum, as it is added to the price.
    pub fn sum(self) -> Decimal {
        self.tax + self.freight + self.other - self.discount
    }
}

/// Each line of a message with its charges.
pub(super) fn lines<'a>(set: &'a Set, id: &str) -> Result<Vec<(&'a Segment, Charges)>, String> {
    let starts = set.body.iter().enumerate().filter(|(_, segment)| segment.id == id);
    let line = |(at, line): (usize, &'a Segment)| {
        let rest = set.body.iter().skip(at + 1);
        Ok((line, Charges::of(rest.take_while(|segment| segment.id != id && segment.id != "CTT"))?))
    };
    starts.map(line).collect()
}

pub(super) fn decimal(text: &str) -> Result<Decimal, String> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}

/// The article of a `PO1`, `POC` or `LIN`: the partner's own number first.
pub(super) fn article(segment: &Segment) -> Option<String> {
    let from = match segment.id.as_str() {
        "PO1" => 6,
        "POC" => 8,
        _ => 2,
    };
    ["VP", "VN", "BP", "IN", "SK"]
        .iter()
        .find_map(|kind| segment.behind(kind, from))
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// The warehouse that a party segment names.
pub(super) fn warehouse(body: &[Segment]) -> Option<String> {
    let wanted = ["SF", "WH"];
    let party = body.iter().find(|segment| segment.id == "N1" && wanted.contains(&segment.get(1)))?;
    Some(party.get(4).to_owned()).filter(|code| !code.is_empty())
}

/// City, postal code and country of the party that goods go to, if it has an address.
pub(super) fn ship_to(body: &[Segment]) -> Option<(String, String, String)> {
    let at = body.iter().position(|segment| segment.id == "N1" && segment.get(1) == "ST")?;
    let rest = body.iter().skip(at + 1);
    let address =
        rest.take_while(|segment| matches!(segment.id.as_str(), "N2" | "N3" | "N4" | "PER" | "REF"));
    let n4 = address.into_iter().find(|segment| segment.id == "N4")?;
    Some((n4.get(1).to_owned(), n4.get(3).to_owned(), n4.get(4).to_owned()))
}

pub(super) fn names(po: &str, set: &Set) -> BTreeSet<String> {
    let said = set.body.iter().filter(|segment| matches!(segment.id.as_str(), "REF" | "N9"));
    let values = said.flat_map(|segment| [segment.get(2).to_owned(), segment.get(3).to_owned()]);
    values.chain([po.to_owned()]).filter(|name| !name.is_empty()).collect()
}
