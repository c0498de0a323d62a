//! Stock levels: the 846, one level for each article at each location.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;

use super::context::Context;
use super::{article, number};
use crate::time;
use crate::x12::{Segment, Set};

/// The roles of parties that are stock locations, in order of preference.
const LOCATION_ROLES: [&str; 4] = ["WH", "SF", "SN", "ST"];

/// The qualifier of the quantity available for sale.
const AVAILABLE: &str = "33";
/// The qualifier of the quantity on hand.
const ON_HAND: &str = "17";

/// The quantities of an article at a location, by qualifier.
type Quantities<'a> = BTreeMap<String, Quantity<'a>>;

/// Reads an 846. The quantities of an article that occurs several times (by lot, or with several numbers) are added up
/// to one level per location.
pub(crate) fn read(set: &Set<'_>, context: &Context<'_>) -> Result<Vec<Event>, Problem> {
    let settings = StockSettings::read()?;
    let bia = set.require("BIA")?;
    let at = match bia.get(4) {
        Some(_) => time::date_time(bia, 4, 5, &context.settings.zone)?,
        None => context.at.clone(),
    };
    let starts: Vec<usize> =
        set.body.iter().enumerate().filter(|(_, segment)| segment.id == "LIN").map(|(at, _)| at).collect();
    let end = set.body.iter().position(|segment| segment.id == "CTT").unwrap_or(set.body.len());
    let heading = set.body.get(..starts.first().copied().unwrap_or(end)).unwrap_or_default();
    let default = LOCATION_ROLES
        .iter()
        .find_map(|role| heading.iter().find_map(|segment| location(segment, &[role])))
        .or(settings.warehouse.clone());
    let mut levels: Vec<LevelSum<'_>> = Vec::new();
    let mut indices: BTreeMap<String, usize> = BTreeMap::new();
    for (from, to) in starts.iter().zip(starts.iter().skip(1).copied().chain([end])) {
        let Some([lin, body @ ..]) = set.body.get(*from..to) else { continue };
        let Some(sku) = article::sku(*lin, 2, context.mapping) else {
            let message = format!("LIN (segment {}) has no article", lin.number);
            return Err(lin.problem(0, "element-missing", message));
        };
        let item = article::pairs(*lin, 2).first().map(|(_, number)| (*number).to_owned());
        for (location, quantities) in quantities_by_location(*lin, body, default.as_deref())? {
            let level = LevelSum::new(&settings, (sku.clone(), item.clone(), location), quantities);
            let id = format!("{}/{sku}", level.location);
            match indices.get(&id).and_then(|at| levels.get_mut(*at)) {
                Some(sum) => sum.add(level, *lin)?,
                None => {
                    indices.insert(id, levels.len());
                    levels.push(level);
                }
            }
        }
    }
    let event = |sum: LevelSum<'_>| {
        let id = format!("{}/{}", sum.location, sum.sku);
        context.event(EntityKind::Stock, id, None, Fact::InventoryCounted(sum.into_level(&at)))
    };
    Ok(levels.into_iter().map(event).collect())
}

/// The quantities of one line by location. A location is before its quantities, after them, or paired with each of them
/// (`SDQ`).
fn quantities_by_location<'a>(
    lin: Segment<'a>,
    body: &[Segment<'a>],
    default: Option<&str>,
) -> Result<BTreeMap<String, Quantities<'a>>, Problem> {
    let mut found: BTreeMap<String, Quantities<'a>> = BTreeMap::new();
    let mut unassigned = Quantities::new();
    let mut pair_sums = Quantities::new();
    let mut current: Option<String> = None;
    for segment in body {
        match segment.id {
            "QTY" => {
                let qualifier = segment.require(1, "the qualifier of the quantity")?;
                Quantity::read(*segment, 2, segment.value(3))?.add_to(&mut unassigned, qualifier)?;
            }
            "SDQ" => {
                for at in (3..=21).step_by(2).take_while(|at| segment.get(*at).is_some()) {
                    let quantity = Quantity::read(*segment, at + 1, segment.value(1))?;
                    quantity.add_to(&mut pair_sums, AVAILABLE)?;
                    let location = segment.value(at).to_owned();
                    quantity.add_to(found.entry(location).or_default(), AVAILABLE)?;
                }
            }
            _ => {
                if let Some(location) = location(segment, &LOCATION_ROLES) {
                    match current.take() {
                        Some(previous) => {
                            add_all(found.entry(previous).or_default(), &mut unassigned)?;
                            current = Some(location);
                        }
                        None if unassigned.is_empty() => current = Some(location),
                        None => add_all(found.entry(location).or_default(), &mut unassigned)?,
                    }
                }
            }
        }
    }
    found.retain(|_, quantities| !quantities.is_empty());
    // Next to quantities by location, a quantity without a location must be their total.
    if let (None, Some(total), Some(sum)) =
        (&current, unassigned.get(AVAILABLE).copied(), pair_sums.get(AVAILABLE))
    {
        if total.value != sum.value {
            return Err(total.ambiguous("the SDQ of the same article have another total"));
        }
        unassigned.remove(AVAILABLE);
    }
    if !unassigned.is_empty() {
        let Some(location) = current.as_deref().or(default) else {
            let message = format!(
                "LIN (segment {}) has quantities without a location, and there is no setting `warehouse`",
                lin.number
            );
            return Err(lin.problem(0, "location-missing", message));
        };
        add_all(found.entry(location.to_owned()).or_default(), &mut unassigned)?;
    }
    Ok(found)
}

/// A quantity, with its element.
#[derive(Clone, Copy)]
struct Quantity<'a> {
    value: Decimal,
    /// Empty when absent.
    unit: &'a str,
    segment: Segment<'a>,
    at: usize,
}

impl<'a> Quantity<'a> {
    fn read(segment: Segment<'a>, at: usize, unit: &'a str) -> Result<Self, Problem> {
        Ok(Self { value: number::decimal(segment, at)?, unit, segment, at })
    }

    /// Adds it to the quantity with this qualifier.
    fn add_to(self, quantities: &mut Quantities<'a>, qualifier: &str) -> Result<(), Problem> {
        let Some(sum) = quantities.get_mut(qualifier) else {
            quantities.insert(qualifier.to_owned(), self);
            return Ok(());
        };
        if !(self.unit.is_empty() || sum.unit.is_empty() || self.unit == sum.unit) {
            let reason = format!("the quantities have the units {} and {}", sum.unit, self.unit);
            return Err(self.ambiguous(&reason));
        }
        let value = sum.value.checked_add(self.value);
        sum.value = value.ok_or_else(|| self.ambiguous("the total has too many digits"))?;
        sum.unit = if sum.unit.is_empty() { self.unit } else { sum.unit };
        Ok(())
    }

    fn ambiguous(&self, reason: &str) -> Problem {
        let Segment { id, number, .. } = self.segment;
        let message = format!("{id} (segment {number}) cannot be added up: {reason}");
        self.segment.problem(self.at, "quantity-ambiguous", message)
    }
}

/// Moves all quantities to others.
fn add_all<'a>(to: &mut Quantities<'a>, from: &mut Quantities<'a>) -> Result<(), Problem> {
    std::mem::take(from).into_iter().try_for_each(|(qualifier, quantity)| quantity.add_to(to, &qualifier))
}

/// The quantities of one article at one location, added up over lines.
struct LevelSum<'a> {
    sku: String,
    /// The partner's number of the article. Absent when it has several.
    item: Option<String>,
    location: String,
    quantities: Quantities<'a>,
    /// The qualifier of the available quantity, if one is present.
    available: Option<String>,
    /// Whether all lines have a quantity on hand.
    has_on_hand: bool,
}

impl<'a> LevelSum<'a> {
    fn new(
        settings: &StockSettings,
        (sku, item, location): (String, Option<String>, String),
        quantities: Quantities<'a>,
    ) -> Self {
        let available =
            settings.available.iter().find(|qualifier| quantities.contains_key(*qualifier)).cloned();
        let has_on_hand = quantities.contains_key(ON_HAND);
        Self { sku, item, location, quantities, available, has_on_hand }
    }

    /// Adds the quantities of another line.
    fn add(&mut self, mut other: Self, lin: Segment<'_>) -> Result<(), Problem> {
        match (&self.available, &other.available) {
            (Some(earlier), Some(qualifier)) if earlier != qualifier => {
                let message = format!(
                    "LIN (segment {}) has the available quantity of {} as {qualifier}, and an earlier line as \
                     {earlier}: they cannot be added up",
                    lin.number, self.sku
                );
                return Err(lin.problem(0, "quantity-ambiguous", message));
            }
            _ => {}
        }
        self.available = self.available.take().or(other.available);
        self.item = self.item.take().filter(|item| other.item.as_ref() == Some(item));
        self.has_on_hand &= other.has_on_hand;
        add_all(&mut self.quantities, &mut other.quantities)
    }

    fn into_level(self, at: &str) -> Level {
        let text =
            |qualifier: &str| self.quantities.get(qualifier).map(|quantity| number::to_text(quantity.value));
        Level {
            available: self.available.as_deref().and_then(text),
            on_hand: text(ON_HAND).filter(|_| self.has_on_hand),
            reserved: None,
            incoming: text("63"),
            at: at.to_owned(),
            sku: Some(self.sku),
            item: self.item,
            location: self.location,
        }
    }
}

/// The location of an `N1` with one of these roles.
fn location(segment: &Segment<'_>, roles: &[&str]) -> Option<String> {
    let is_location = segment.id == "N1" && roles.contains(&segment.value(1));
    segment.get(4).or(segment.get(2)).filter(|_| is_location).map(str::to_owned)
}

/// The settings about stock levels.
struct StockSettings {
    /// The qualifiers of the available quantity, of which the first that is present is used.
    available: Vec<String>,
    warehouse: Option<String>,
}

impl StockSettings {
    fn read() -> Result<Self, Problem> {
        let available: Option<Vec<String>> = config::find("available")?;
        let available = available.unwrap_or_else(|| vec!["33".to_owned(), "17".to_owned()]);
        Ok(Self { available, warehouse: config::find("warehouse")? })
    }
}
