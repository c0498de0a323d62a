//! How much there is: the 846, a level for each article at each location.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;

use super::{Told, article};
use crate::time;
use crate::x12::{Segment, Set};

/// Parties that are places where stock lies, the best first.
const PLACES: [&str; 4] = ["WH", "SF", "SN", "ST"];

/// What was counted of one article at one location, by the qualifier of the quantity.
type Counted = BTreeMap<String, Decimal>;

/// Reads an 846.
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
    let mut events = Vec::new();
    for (from, to) in starts.iter().zip(starts.iter().skip(1).copied().chain([end])) {
        let Some([lin, body @ ..]) = set.body.get(*from..to) else { continue };
        let Some(sku) = article::sku(*lin, 2, told.words) else {
            let message = format!("LIN (segment {}) names no article", lin.number);
            return Err(lin.problem(0, "element-missing", message));
        };
        let item = article::pairs(*lin, 2).first().map(|(_, number)| (*number).to_owned());
        for (location, counted) in counted(*lin, body, usual.as_deref())? {
            let level = rules.level(&sku, item.clone(), &location, &counted, &at);
            let id = format!("{location}/{sku}");
            events.push(told.event(EntityKind::Stock, id, None, Fact::InventoryCounted(level)));
        }
    }
    Ok(events)
}

/// What the quantities of one article are at each location. A location stands before its quantities or behind them,
/// or in pairs with them (`SDQ`).
fn counted(
    lin: Segment<'_>,
    body: &[Segment<'_>],
    usual: Option<&str>,
) -> Result<BTreeMap<String, Counted>, Problem> {
    let mut found: BTreeMap<String, Counted> = BTreeMap::new();
    let mut waiting: Counted = Counted::new();
    let mut here: Option<String> = None;
    for segment in body {
        match segment.id {
            "QTY" => {
                let kind = segment.need(1, "what is counted")?.to_owned();
                waiting.insert(kind, article::number(*segment, 2)?);
            }
            "SDQ" => {
                for at in (3..=21).step_by(2).take_while(|at| segment.get(*at).is_some()) {
                    let quantity = article::number(*segment, at + 1)?;
                    found.entry(segment.value(at).to_owned()).or_default().insert("33".to_owned(), quantity);
                }
            }
            _ => {
                if let Some(place) = place(segment, &PLACES) {
                    match here.take() {
                        Some(before) => {
                            found.entry(before).or_default().append(&mut waiting);
                            here = Some(place);
                        }
                        None if waiting.is_empty() => here = Some(place),
                        None => found.entry(place).or_default().append(&mut waiting),
                    }
                }
            }
        }
    }
    found.retain(|_, counted| !counted.is_empty());
    if !waiting.is_empty() {
        let Some(place) = here.as_deref().or(usual) else {
            let message = format!(
                "LIN (segment {}) has quantities without a location, and there is no setting `warehouse`",
                lin.number
            );
            return Err(lin.problem(0, "location-missing", message));
        };
        found.entry(place.to_owned()).or_default().append(&mut waiting);
    }
    Ok(found)
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

    fn level(&self, sku: &str, item: Option<String>, location: &str, counted: &Counted, at: &str) -> Level {
        let of = |kind: &str| counted.get(kind).copied().map(article::plain);
        Level {
            sku: Some(sku.to_owned()),
            item,
            location: location.to_owned(),
            available: self.available.iter().find_map(|kind| of(kind)),
            on_hand: of("17"),
            reserved: None,
            incoming: of("63"),
            at: at.to_owned(),
        }
    }
}
