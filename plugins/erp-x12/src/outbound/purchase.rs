//! What the partner is told of an order, before it is cast into an 850 or an 860.

use crossdock_sdk::prelude::*;

use super::charges::{self, Charge};
use super::party;
use super::text::{is_whole, number, text};
use crate::settings::Settings;
use crate::tables::Tables;

/// A segment that is told with the order as a whole: its name and elements.
pub(crate) type Row = (&'static str, Vec<String>);

/// An order in the partner's words.
#[derive(Debug)]
pub(crate) struct Purchase {
    /// `CUR`, `REF` and `SAC`: what it costs beside its lines.
    pub terms: Vec<Row>,
    /// `TD5` and `N1` loops: where it goes and how.
    pub parties: Vec<Row>,
    /// Its lines, those included of which nothing is left.
    pub items: Vec<Item>,
}

/// A line in the partner's words.
#[derive(Debug)]
pub(crate) struct Item {
    /// The order line's id; `shipping:` and the id for a shipping line that is ordered as an article.
    pub line: String,
    pub quantity: Decimal,
    pub unit: String,
    pub price: String,
    /// Pairs of qualifier and article number, the partner's first.
    pub articles: Vec<(String, String)>,
    pub title: String,
    pub charges: Vec<Charge>,
}

/// What the operator says about what is ordered.
pub(crate) struct Rules {
    pub item_qualifier: String,
    pub freight_item: Option<String>,
    pub name: Option<String>,
}

impl Rules {
    pub(crate) fn read() -> Result<Self, Problem> {
        Ok(Self {
            item_qualifier: config::find("item-qualifier")?.unwrap_or_else(|| "VP".to_owned()),
            freight_item: config::find("freight-item")?,
            name: config::find("name")?,
        })
    }
}

/// Puts an order into the partner's words. What the tables lack is noted in them.
///
/// # Errors
/// `no-sku` and whatever else X12 cannot hold, with the field.
pub(crate) fn purchase(
    entity: &Entity,
    order: &Order,
    settings: &Settings,
    rules: &Rules,
    tables: &Tables<'_>,
) -> Result<Purchase, Problem> {
    let store = order.store.as_deref();
    let mut terms = vec![
        ("CUR", vec!["BY".to_owned(), order.currency.clone()]),
        ("REF", vec!["CO".to_owned(), text(&order.number, settings.characters, 30)]),
    ];
    for (account, amount) in charges::payments(order, tables)? {
        let amount = format!("TENDER {amount} {}", order.currency);
        terms.push(("REF", vec!["ZZ".to_owned(), text(&account, settings.characters, 30), amount]));
    }
    let mut items = Vec::new();
    for (at, line) in order.lines.iter().enumerate() {
        if line.kind != LineKind::Tip {
            items.push(item(line, at, order, settings, rules, tables)?);
        }
    }
    let mut extra = charges::beside(order, settings)?;
    for line in &order.shipping {
        let (cost, taxes) = charges::shipping(line, order, settings, tables)?;
        match &rules.freight_item {
            Some(freight) if !cost.is_zero() => {
                article(freight, settings).map_err(|problem| problem.at("shipping"))?;
                items.push(Item {
                    line: format!("shipping:{}", line.id),
                    quantity: Decimal::ONE,
                    unit: "EA".to_owned(),
                    price: number(cost, 17, "shipping.price")?,
                    articles: vec![(rules.item_qualifier.clone(), freight.clone())],
                    title: text(&line.title, settings.characters, 80),
                    charges: taxes,
                });
            }
            _ => {
                extra.extend(charges::freight(cost, &line.title, settings)?);
                extra.extend(taxes);
            }
        }
    }
    terms.extend(extra.iter().map(|charge| ("SAC", charge.elements())));

    let mut parties = Vec::new();
    for line in &order.shipping {
        if let Some(carrier) = tables.carrier(line) {
            let routing = text(&line.title, settings.characters, 35);
            parties.push(("TD5", vec![String::new(), "2".to_owned(), carrier, String::new(), routing]));
        }
    }
    let place = store.map(|store| (store, stores::known(&entity.system, store)));
    parties.extend(party::buyer(rules.name.as_deref(), place.as_ref(), settings));
    parties.extend(party::ship_to(order.personal.as_ref(), settings));
    parties.extend(party::ship_from(tables.warehouse(&entity.system, store), settings));
    Ok(Purchase { terms, parties, items })
}

fn item(
    line: &Line,
    at: usize,
    order: &Order,
    settings: &Settings,
    rules: &Rules,
    tables: &Tables<'_>,
) -> Result<Item, Problem> {
    let field = |name: &str| format!("lines[{at}].{name}");
    let Some(sku) = line.sku.as_deref().filter(|sku| !sku.trim().is_empty()) else {
        let message = format!("line {} has no SKU, and the partner takes articles only", at + 1);
        return Err(Problem::new("no-sku", message).at(field("sku")));
    };
    let ordered = money::decimal(&line.quantity)?;
    let stands = match &line.current_quantity {
        Some(current) => money::decimal(current)?,
        None => ordered,
    };
    let mut articles = vec![(rules.item_qualifier.clone(), tables.article(sku))];
    if rules.item_qualifier != "SK" {
        articles.push(("SK".to_owned(), sku.to_owned()));
    }
    articles.extend(line.gtin.as_deref().and_then(gtin));
    for (_, number) in &articles {
        article(number, settings).map_err(|problem| problem.at(field("sku")))?;
    }
    Ok(Item {
        line: line.id.clone(),
        quantity: stands,
        unit: tables.unit(line.unit.as_deref()),
        price: number(money::decimal(&line.unit_price.shop.amount)?, 17, &field("unitPrice"))?,
        articles,
        title: text(&line.title, settings.characters, 80),
        charges: charges::of_line(line, order, (ordered, stands), &field(""), settings, tables)?,
    })
}

/// An article is ordered by its number, to the letter.
fn article(number: &str, settings: &Settings) -> Result<(), Problem> {
    if is_whole(number, 48, settings) {
        return Ok(());
    }
    let message = format!(
        "the article number {number:?} cannot be written: 48 plain characters are the most, and none that separates \
         (setting `separators`)"
    );
    Err(Problem::new("sku-unusable", message))
}

/// A GTIN-14 as X12 tells the kinds apart: 12 digits of a UPC, 13 of an EAN, or all 14.
fn gtin(gtin: &str) -> Option<(String, String)> {
    let digits = gtin.len() == 14 && gtin.bytes().all(|digit| digit.is_ascii_digit());
    let (qualifier, from) = match gtin {
        _ if !digits => return None,
        _ if gtin.starts_with("00") => ("UP", 2),
        _ if gtin.starts_with('0') => ("EN", 1),
        _ => ("UK", 0),
    };
    Some((qualifier.to_owned(), gtin.get(from..)?.to_owned()))
}
