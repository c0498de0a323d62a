//! An order in the partner's codes, which an 850 or an 860 is written from.

use crossdock_sdk::prelude::*;

use super::charges::{self, Charge};
use super::party;
use crate::encode::{is_encodable_id, number, text};
use crate::mapping::OutboundMapping;
use crate::settings::Settings;
use crate::x12::SegmentDraft;

/// An order in the partner's codes.
#[derive(Debug)]
pub(crate) struct Purchase {
    /// `CUR`, `REF` and `SAC`: the currency, references, and charges of the order as a whole.
    pub terms: Vec<SegmentDraft>,
    /// `TD5` and `N1` loops: the carrier and the parties.
    pub parties: Vec<SegmentDraft>,
    /// The lines, including those whose quantity is zero now.
    pub items: Vec<Item>,
}

/// A line in the partner's codes.
#[derive(Debug)]
pub(crate) struct Item {
    /// The id of the order line; `shipping:` and the id for a shipping line that is ordered as an article.
    pub line: String,
    pub quantity: Decimal,
    pub unit: String,
    pub price: String,
    /// Pairs of qualifier and article number, the partner's first.
    pub articles: Vec<(String, String)>,
    pub title: String,
    pub charges: Vec<Charge>,
}

/// The settings about the content of an order.
pub(crate) struct PurchaseSettings {
    pub item_qualifier: String,
    pub freight_item: Option<String>,
    pub name: Option<String>,
}

impl PurchaseSettings {
    pub(crate) fn read() -> Result<Self, Problem> {
        Ok(Self {
            item_qualifier: config::find("item-qualifier")?.unwrap_or_else(|| "VP".to_owned()),
            freight_item: config::find("freight-item")?,
            name: config::find("name")?,
        })
    }
}

/// Maps an order to the partner's codes. Unmapped values are recorded in the mapping.
///
/// # Errors
/// `no-sku`, and any value that X12 cannot represent, with its field.
pub(crate) fn purchase(
    entity: &Entity,
    order: &Order,
    settings: &Settings,
    purchase_settings: &PurchaseSettings,
    mapping: &OutboundMapping<'_>,
) -> Result<Purchase, Problem> {
    let store = order.store.as_deref();
    let mut terms = vec![
        ("CUR", vec!["BY".to_owned(), order.currency.clone()]),
        ("REF", vec!["CO".to_owned(), text(&order.number, settings.characters, 30)]),
    ];
    for (account, amount) in charges::payments(order, mapping)? {
        let amount = format!("TENDER {amount} {}", order.currency);
        terms.push(("REF", vec!["ZZ".to_owned(), text(&account, settings.characters, 30), amount]));
    }
    let mut items = Vec::new();
    for (at, line) in order.lines.iter().enumerate() {
        if line.kind != LineKind::Tip {
            items.push(item(line, at, order, settings, purchase_settings, mapping)?);
        }
    }
    let mut order_charges = charges::of_order(order, settings)?;
    for line in &order.shipping {
        let (price, taxes) = charges::shipping(line, order, settings, mapping)?;
        match &purchase_settings.freight_item {
            Some(freight) if !price.is_zero() => {
                check_article(freight, settings).map_err(|problem| problem.at("shipping"))?;
                items.push(Item {
                    line: format!("shipping:{}", line.id),
                    quantity: Decimal::ONE,
                    unit: "EA".to_owned(),
                    price: number(price, 17, "shipping.price")?,
                    articles: vec![(purchase_settings.item_qualifier.clone(), freight.clone())],
                    title: text(&line.title, settings.characters, 80),
                    charges: taxes,
                });
            }
            _ => {
                order_charges.extend(charges::freight(price, &line.title, settings)?);
                order_charges.extend(taxes);
            }
        }
    }
    terms.extend(order_charges.iter().map(|charge| ("SAC", charge.elements())));

    let mut parties = Vec::new();
    for line in &order.shipping {
        if let Some(carrier) = mapping.carrier(line) {
            let routing = text(&line.title, settings.characters, 35);
            parties.push(("TD5", vec![String::new(), "2".to_owned(), carrier, String::new(), routing]));
        }
    }
    let registered = store.map(|store| (store, stores::find_or_get(&entity.system, store)));
    parties.extend(party::buyer(purchase_settings.name.as_deref(), registered.as_ref(), settings));
    parties.extend(party::ship_to(order.personal.as_ref(), settings));
    parties.extend(party::ship_from(mapping.warehouse(&entity.system, store), settings));
    Ok(Purchase { terms, parties, items })
}

fn item(
    line: &Line,
    at: usize,
    order: &Order,
    settings: &Settings,
    purchase_settings: &PurchaseSettings,
    mapping: &OutboundMapping<'_>,
) -> Result<Item, Problem> {
    let field = |name: &str| format!("lines[{at}].{name}");
    let Some(sku) = line.sku.as_deref().filter(|sku| !sku.trim().is_empty()) else {
        let message = format!("line {} has no SKU, and the partner accepts articles only", at + 1);
        return Err(Problem::new("no-sku", message).at(field("sku")));
    };
    let ordered = money::decimal(&line.quantity)?;
    let current = match &line.current_quantity {
        Some(quantity) => money::decimal(quantity)?,
        None => ordered,
    };
    let mut articles = vec![(purchase_settings.item_qualifier.clone(), mapping.article(sku))];
    if purchase_settings.item_qualifier != "SK" {
        articles.push(("SK".to_owned(), sku.to_owned()));
    }
    articles.extend(line.gtin.as_deref().and_then(gtin));
    for (_, number) in &articles {
        check_article(number, settings).map_err(|problem| problem.at(field("sku")))?;
    }
    Ok(Item {
        line: line.id.clone(),
        quantity: current,
        unit: mapping.unit(line.unit.as_deref()),
        price: number(money::decimal(&line.unit_price.shop.amount)?, 17, &field("unitPrice"))?,
        articles,
        title: text(&line.title, settings.characters, 80),
        charges: charges::of_line(line, order, (ordered, current), &field(""), settings, mapping)?,
    })
}

/// Checks that an article number can be written unchanged.
fn check_article(number: &str, settings: &Settings) -> Result<(), Problem> {
    if is_encodable_id(number, 48, settings) {
        return Ok(());
    }
    let message = format!(
        "the article number {number:?} cannot be written: it may have at most 48 characters of the partner's set, and no \
         separator (setting `separators`)"
    );
    Err(Problem::new("sku-unusable", message))
}

/// The qualifier and number of a GTIN-14: a UPC of 12 digits, an EAN of 13, or a GTIN of 14.
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
