//! How much there is: the 846, a level for each article at each location.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;

use super::{Told, article};
use crate::time;
use crate::x12::{Segment, Set};

/// Parties that are places where stock lies, the best first.
const PLACES: [&str; 4] = ["WH", "SF", "SN", "ST"];

/// Qualifiers of quantities: what can be sold, and what lies there.
const SOLD: &str = "33";
const LIES: &str = "17";

/// What was counted of one article at one location, by the qualifier of the quantity.
type Counted<'a> = BTreeMap<String, Quantity<'a>>;

/// Reads an 846. An article that is told several times (by lots, under several numbers) is told on as one level: what
/// is counted of it at a location is added up.
pub(crate) fn read(set: &Set<'_>, told: &Told<'_>) -> Result<Vec<Event>, Problem> {
    let rules = Rules::read()?;
    let head = set.need("BIA")?;
    let at = match head.get(4) {
        Some(_) => time::moment(head, 4, 5, &told.settings.zone)?,
        None => told.at.clone(),
    };
    let starts: Vec<usize> =
        set.body.iter().enumerate().filter(|(_, segment)| segment.id == "LIN").map(|(at, _)| at).collect();
    let end = set.body.iter().position(|segment| segment.id == "CTT").unwrap_or(set.body.len());
    let before = set.body.get(..starts.first().copied().unwrap_or(end)).unwrap_or_default();
    let usual = PLACES.iter().find_map(|role| before.iter().find_map(|segment| place(segment, &[role])));
    let usual = usual.or(rules.warehouse.clone());
    let (mut levels, mut places): (Vec<Sum<'_>>, BTreeMap<String, usize>) = (Vec::new(), BTreeMap::new());
    for (from, to) in starts.iter().zip(starts.iter().skip(1).copied().chain([end])) {
        let Some([lin, body @ ..]) = set.body.get(*from..to) else { continue };
        let Some(sku) = article::sku(*lin, 2, told.words) else {
            let message = format!("LIN (segment {}) names no article", lin.number);
            return Err(lin.problem(0, "element-missing", message));
        };
        let item = article::pairs(*lin, 2).first().map(|(_, number)| (*number).to_owned());
        for (location, counted) in counted(*lin, body, usual.as_deref())? {
            let sum = Sum::new(&rules, (sku.clone(), item.clone(), location), counted);
            let id = format!("{}/{sku}", sum.location);
            match places.get(&id).and_then(|at| levels.get_mut(*at)) {
                Some(known) => known.add(sum, *lin)?,
                None => {
                    places.insert(id, levels.len());
                    levels.push(sum);
                }
            }
        }
    }
    let event = |sum: Sum<'_>| {
        let id = format!("{}/{}", sum.location, sum.sku);
        told.event(EntityKind::Stock, id, None, Fact::InventoryCounted(sum.level(&at)))
    };
    Ok(levels.into_iter().map(event).collect())
}

/// What the quantities of one article are at each location. A location stands before its quantities or behind them,
/// or in pairs with them (`SDQ`).
fn counted<'a>(
    lin: Segment<'a>,
    body: &[Segment<'a>],
    usual: Option<&str>,
) -> Result<BTreeMap<String, Counted<'a>>, Problem> {
    let mut found: BTreeMap<String, Counted<'a>> = BTreeMap::new();
    let mut waiting = Counted::new();
    let mut pairs = Counted::new();
    let mut here: Option<String> = None;
    for segment in body {
        match segment.id {
            "QTY" => {
                let kind = segment.need(1, "what is counted")?;
                Quantity::read(*segment, 2, segment.value(3))?.put(&mut waiting, kind)?;
            }
            "SDQ" => {
                for at in (3..=21).step_by(2).take_while(|at| segment.get(*at).is_some()) {
                    let quantity = Quantity::read(*segment, at + 1, segment.value(1))?;
                    quantity.put(&mut pairs, SOLD)?;
                    quantity.put(found.entry(segment.value(at).to_owned()).or_default(), SOLD)?;
                }
            }
            _ => {
                if let Some(place) = place(segment, &PLACES) {
                    match here.take() {
                        Some(before) => {
                            join(found.entry(before).or_default(), &mut waiting)?;
                            here = Some(place);
                        }
                        None if waiting.is_empty() => here = Some(place),
                        None => join(found.entry(place).or_default(), &mut waiting)?,
                    }
                }
            }
        }
    }
    found.retain(|_, counted| !counted.is_empty());
    // Beside quantities by location, one without is their sum, or nobody knows of what.
    if let (None, Some(all), Some(sum)) = (&here, waiting.get(SOLD).copied(), pairs.get(SOLD)) {
        if all.value != sum.value {
            return Err(all.ambiguous("the SDQ of the same article come to another quantity"));
        }
        waiting.remove(SOLD);
    }
    if !waiting.is_empty() {
        let Some(place) = here.as_deref().or(usual) else {
            let message = format!(
                "LIN (segment {}) has quantities without a location, and there is no setting `warehouse`",
                lin.number
            );
            return Err(lin.problem(0, "location-missing", message));
        };
        join(found.entry(place.to_owned()).or_default(), &mut waiting)?;
    }
    Ok(found)
}

/// How many there are, and where that stands.
#[derive(Clone, Copy)]
struct Quantity<'a> {
    value: Decimal,
    /// Empty where none is written.
    unit: &'a str,
    segment: Segment<'a>,
    at: usize,
}

impl<'a> Quantity<'a> {
    fn read(segment: Segment<'a>, at: usize, unit: &'a str) -> Result<Self, Problem> {
        Ok(Self { value: article::number(segment, at)?, unit, segment, at })
    }

    /// Adds it to what was counted under this qualifier.
    fn put(self, to: &mut Counted<'a>, kind: &str) -> Result<(), Problem> {
        let Some(known) = to.get_mut(kind) else {
            to.insert(kind.to_owned(), self);
            return Ok(());
        };
        if !(self.unit.is_empty() || known.unit.is_empty() || self.unit == known.unit) {
            let why = format!("the same was counted in {} and in {}", known.unit, self.unit);
            return Err(self.ambiguous(&why));
        }
        let sum = known.value.checked_add(self.value);
        known.value = sum.ok_or_else(|| self.ambiguous("what was counted has too many digits together"))?;
        known.unit = if known.unit.is_empty() { self.unit } else { known.unit };
        Ok(())
    }

    fn ambiguous(&self, why: &str) -> Problem {
        let Segment { id, number, .. } = self.segment;
        let message = format!("{id} (segment {number}) cannot be added up: {why}");
        self.segment.problem(self.at, "quantity-ambiguous", message)
    }
}

fn join<'a>(to: &mut Counted<'a>, from: &mut Counted<'a>) -> Result<(), Problem> {
    std::mem::take(from).into_iter().try_for_each(|(kind, quantity)| quantity.put(to, &kind))
}

/// A level to be: what is counted of one article at one location.
struct Sum<'a> {
    sku: String,
    /// The partner's number. Absent when it has several.
    item: Option<String>,
    location: String,
    counted: Counted<'a>,
    /// The qualifier of what can be sold, where something says it.
    sold: Option<String>,
    /// True while everything that was added says how much lies there.
    lies: bool,
}

impl<'a> Sum<'a> {
    fn new(
        rules: &Rules,
        (sku, item, location): (String, Option<String>, String),
        counted: Counted<'a>,
    ) -> Self {
        let sold = rules.available.iter().find(|kind| counted.contains_key(*kind)).cloned();
        Self { sku, item, location, lies: counted.contains_key(LIES), counted, sold }
    }

    /// Adds what another line says of the same.
    fn add(&mut self, mut other: Self, lin: Segment<'_>) -> Result<(), Problem> {
        match (&self.sold, &other.sold) {
            (Some(known), Some(kind)) if known != kind => {
                let message = format!(
                    "LIN (segment {}) counts {} by {kind}, and a line before by {known}: that cannot be added up",
                    lin.number, self.sku
                );
                return Err(lin.problem(0, "quantity-ambiguous", message));
            }
            _ => {}
        }
        self.sold = self.sold.take().or(other.sold);
        self.item = self.item.take().filter(|item| other.item.as_ref() == Some(item));
        self.lies &= other.lies;
        join(&mut self.counted, &mut other.counted)
    }

    fn level(self, at: &str) -> Level {
        let of = |kind: &str| self.counted.get(kind).map(|quantity| article::plain(quantity.value));
        Level {
            available: self.sold.as_deref().and_then(of),
            on_hand: of(LIES).filter(|_| self.lies),
            reserved: None,
            incoming: of("63"),
            at: at.to_owned(),
            sku: Some(self.sku),
            item: self.item,
            location: self.location,
        }
    }
}

fn place(segment: &Segment<'_>, roles: &[&str]) -> Option<String> {
    let found = segment.id == "N1" && roles.contains(&segment.value(1));
    segment.get(4).or(segment.get(2)).filter(|_| found).map(str::to_owned)
}

/// What the operator says about quantities.
struct Rules {
    /// Qualifiers of what can be sold, the first that is told counts.
    available: Vec<String>,
    warehouse: Option<String>,
}

impl Rules {
    fn read() -> Result<Self, Problem> {
        let available: Option<Vec<String>> = config::find("available")?;
        let available = available.unwrap_or_else(|| vec!["33".to_owned(), "17".to_owned()]);
        Ok(Self { available, warehouse: config::find("warehouse")? })
    }
}
