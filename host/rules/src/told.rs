//! What an event tells, attribute by attribute: what echoes are recognised by and what owners own.
//!
//! An attribute is a part of an entity that one system owns and another may write. Its value is a text
//! that says the same however a source orders or pads it, so that what was written to a system can be
//! compared with what comes back from it.
//!
//! | attribute | value |
//! |---|---|
//! | `stock.available` | a decimal; empty when the location does not stock the article |
//! | `order.content` | SHA-256, in hex, of what the channel owns of an order: lines, totals, payments, customer, … |
//! | `order.cancelled` | `true` or `false` |
//! | `order.tags` | the tags, by name, with `, ` between |
//! | `order.note` | the note; compared by a keyed mark, since it is personal |
//! | `order.fulfilment` | `unfulfilled`, `partial`, `fulfilled`, `restocked` |
//! | `order.personal` | whatever else is personal; compared by a keyed mark and never written |
//! | `shipment.state` | `shipped`, … |
//! | `shipment.tracking` | the parcels' numbers, by name, with `, ` between |
//! | `product.content` | lines of text; see [`product`] |
//! | `price.amount` | a decimal and its currency (`19.95 EUR`) |
//! | `document.state` | `posted`, … |

use crossdock_model::catalogue::Product;
use crossdock_model::event::{Event, Fact};
use crossdock_model::order::Order;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Error;
use crate::lane::names;
use crate::stock;

/// A part of an entity that one system owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Attribute {
    /// How many can be sold.
    #[serde(rename = "stock.available")]
    StockAvailable,
    /// What was bought, at what price, and how it was paid.
    #[serde(rename = "order.content")]
    OrderContent,
    /// Whether an order is cancelled.
    #[serde(rename = "order.cancelled")]
    OrderCancelled,
    /// An order's labels.
    #[serde(rename = "order.tags")]
    OrderTags,
    /// What is written beside an order.
    #[serde(rename = "order.note")]
    OrderNote,
    /// How far an order's goods have come.
    #[serde(rename = "order.fulfilment")]
    OrderFulfilment,
    /// Who ordered, where it goes, and what was written on it.
    #[serde(rename = "order.personal")]
    OrderPersonal,
    /// How far a shipment has come.
    #[serde(rename = "shipment.state")]
    ShipmentState,
    /// The numbers of its parcels.
    #[serde(rename = "shipment.tracking")]
    ShipmentTracking,
    /// What an article is.
    #[serde(rename = "product.content")]
    ProductContent,
    /// What it costs.
    #[serde(rename = "price.amount")]
    PriceAmount,
    /// How far a document has come.
    #[serde(rename = "document.state")]
    DocumentState,
}
names!(
    Attribute,
    "attribute",
    StockAvailable = "stock.available",
    OrderContent = "order.content",
    OrderCancelled = "order.cancelled",
    OrderTags = "order.tags",
    OrderNote = "order.note",
    OrderFulfilment = "order.fulfilment",
    OrderPersonal = "order.personal",
    ShipmentState = "shipment.state",
    ShipmentTracking = "shipment.tracking",
    ProductContent = "product.content",
    PriceAmount = "price.amount",
    DocumentState = "document.state"
);

impl Attribute {
    /// The attributes that a fact can tell. Empty for facts that tell a difference, or happen once.
    #[must_use]
    pub fn of(fact: &Fact) -> &'static [Self] {
        match fact {
            Fact::Order(_) => &[
                Self::OrderContent,
                Self::OrderCancelled,
                Self::OrderTags,
                Self::OrderNote,
                Self::OrderFulfilment,
                Self::OrderPersonal,
            ],
            Fact::ShipmentUpdated(_) => &[Self::ShipmentState, Self::ShipmentTracking],
            Fact::InventoryCounted(_) => &[Self::StockAvailable],
            Fact::DocumentUpdated(_) => &[Self::DocumentState],
            Fact::ProductUpdated(_) => &[Self::ProductContent],
            Fact::PriceUpdated(_) => &[Self::PriceAmount],
            Fact::OrderEdited(_)
            | Fact::RefundIssued(_)
            | Fact::InventoryAdjusted(_)
            | Fact::CustomerUpdated(_)
            | Fact::DayClosed(_) => &[],
        }
    }

    /// True for what is personal: its value is never kept as it is.
    #[must_use]
    pub fn is_personal(self) -> bool {
        matches!(self, Self::OrderNote | Self::OrderPersonal)
    }

    /// The value as it is compared: decimals without needless zeros, lists in the order of their names.
    #[must_use]
    pub fn normal(self, value: &str) -> String {
        match self {
            Self::StockAvailable => stock::plain(value),
            Self::OrderTags | Self::ShipmentTracking => list(value.split(',')),
            Self::PriceAmount => match value.trim().split_once(' ') {
                Some((amount, currency)) => format!("{} {}", stock::plain(amount), currency.trim()),
                None => stock::plain(value),
            },
            _ => value.trim().to_owned(),
        }
    }
}

/// One attribute with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which.
    pub attribute: Attribute,
    /// Its value, as it is compared.
    pub value: String,
    /// The mark of the value.
    pub mark: Mark,
}

/// What an event tells, out of which the personal data has been taken: `order.note` and `order.personal`
/// are told by that data and are not among this.
///
/// # Errors
/// When the fact cannot be written as JSON.
pub fn told(event: &Event) -> Result<Vec<Told>, Error> {
    let tell = |attribute: Attribute, value: String| Told { attribute, mark: mark(&value), value };
    Ok(match &event.fact {
        Fact::Order(change) => {
            let order = &change.order;
            let content = content(order)
                .map_err(|source| Error::Digest { entity: event.entity.to_string(), source })?;
            vec![
                tell(Attribute::OrderContent, content),
                tell(Attribute::OrderCancelled, change.is_cancelled().to_string()),
                tell(Attribute::OrderTags, list(order.tags.iter().map(String::as_str))),
                tell(Attribute::OrderFulfilment, name(&order.fulfilment)),
            ]
        }
        Fact::ShipmentUpdated(shipment) => {
            let numbers = shipment.tracking.iter().map(|parcel| parcel.number.as_str());
            vec![
                tell(Attribute::ShipmentState, name(&shipment.state)),
                tell(Attribute::ShipmentTracking, list(numbers)),
            ]
        }
        Fact::InventoryCounted(level) => {
            let available = level.available.as_deref().map(stock::plain).unwrap_or_default();
            vec![tell(Attribute::StockAvailable, available)]
        }
        Fact::DocumentUpdated(document) => vec![tell(Attribute::DocumentState, name(&document.state))],
        Fact::ProductUpdated(article) => vec![tell(Attribute::ProductContent, product(article))],
        Fact::PriceUpdated(price) => {
            let money = &price.amount;
            let amount = format!("{} {}", stock::plain(&money.amount), money.currency);
            vec![tell(Attribute::PriceAmount, amount)]
        }
        Fact::OrderEdited(_)
        | Fact::RefundIssued(_)
        | Fact::InventoryAdjusted(_)
        | Fact::CustomerUpdated(_)
        | Fact::DayClosed(_) => Vec::new(),
    })
}

/// True when the attributes of a fact, with what is personal, are all there is to tell: who tells the same
/// again tells nothing new.
#[must_use]
pub fn is_whole(fact: &Fact) -> bool {
    matches!(fact, Fact::Order(_) | Fact::ProductUpdated(_))
}

/// What an article is, as one text: a line each for article number, GTIN, title, description, group, unit,
/// tax class, grams, `active` or `inactive`, extensions, and then `name=value` for each option. Absent is an
/// empty line.
#[must_use]
pub fn product(article: &Product) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut lines = vec![
        article.sku.clone(),
        text(&article.gtin),
        article.title.clone(),
        text(&article.description),
        text(&article.group),
        text(&article.unit),
        text(&article.tax_class),
        article.grams.as_deref().map(stock::plain).unwrap_or_default(),
        if article.active { "active" } else { "inactive" }.to_owned(),
        text(&article.extensions),
    ];
    lines.extend(article.options.iter().map(|option| format!("{}={}", option.name, option.value)));
    lines.join("\n").trim().to_owned()
}

/// Names by name, each once.
fn list<'t>(names: impl Iterator<Item = &'t str>) -> String {
    let mut names: Vec<&str> = names.map(str::trim).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

/// The name that the vocabulary has for a value.
fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// The digest of what the channel owns of an order. Left out is what others write to it (tags, note,
/// fulfilment) and what is told apart (whether it is cancelled, who ordered).
fn content(order: &Order) -> Result<String, serde_json::Error> {
    let mut hash = crate::admission::Hash::default();
    serde_json::to_writer(
        &mut hash,
        &(
            (&order.number, &order.channel, &order.placed_at, &order.processed_at, &order.business_date),
            (&order.natural_key, &order.store, &order.register, &order.staff_id, &order.currency),
            (&order.presentment_currency, order.prices_include_tax, order.duties_included, &order.payment),
            (order.test, &order.po_number),
            (&order.customer, &order.lines, &order.shipping, &order.payments, &order.discount_codes),
            (&order.totals, &order.exchange_of, &order.extensions),
        ),
    )?;
    Ok(hash.hex())
}

/// The value of an attribute in eight bytes.
pub type Mark = [u8; 8];

/// The mark of a value that is not personal.
#[must_use]
pub fn mark(value: &str) -> Mark {
    short(&Sha256::digest(value.as_bytes()))
}

/// The first bytes of a digest.
#[must_use]
pub fn short(digest: &[u8]) -> Mark {
    let mut mark = [0; 8];
    for (to, from) in mark.iter_mut().zip(digest) {
        *to = *from;
    }
    mark
}

/// What was told of an entity, small enough to be kept with it: a mark for each attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks(Vec<(Attribute, Mark)>);

impl Marks {
    /// The marks of what an event tells, without what is personal.
    #[must_use]
    pub fn of(told: &[Told]) -> Self {
        Self(told.iter().map(|told| (told.attribute, told.mark)).collect())
    }

    /// The mark of an attribute.
    #[must_use]
    pub fn get(&self, attribute: Attribute) -> Option<Mark> {
        self.0.iter().find(|(known, _)| *known == attribute).map(|(_, mark)| *mark)
    }

    /// True when the attribute has this mark, as its only or as one of several.
    #[must_use]
    pub fn has(&self, attribute: Attribute, mark: Mark) -> bool {
        self.0.contains(&(attribute, mark))
    }

    /// Gives an attribute these marks, and no other: what it was set to in passing, and at last.
    pub fn replace(&mut self, attribute: Attribute, marks: &[Mark]) {
        self.0.retain(|(known, _)| *known != attribute);
        self.0.extend(marks.iter().map(|mark| (attribute, *mark)));
    }

    /// Gives an attribute more marks, behind those that it has; of more than `most` the oldest go.
    pub fn append(&mut self, attribute: Attribute, marks: &[Mark], most: usize) {
        let mut all: Vec<Mark> = self.all(attribute).collect();
        for mark in marks {
            if all.last() != Some(mark) {
                all.push(*mark);
            }
        }
        let surplus = all.len().saturating_sub(most);
        self.replace(attribute, all.get(surplus..).unwrap_or_default());
    }

    /// All marks of an attribute, in their order.
    pub fn all(&self, attribute: Attribute) -> impl Iterator<Item = Mark> + '_ {
        self.0.iter().filter(move |(known, _)| *known == attribute).map(|(_, mark)| *mark)
    }

    /// Sets the mark of an attribute.
    pub fn set(&mut self, attribute: Attribute, mark: Mark) {
        match self.0.iter_mut().find(|(known, _)| *known == attribute) {
            Some((_, known)) => *known = mark,
            None => self.0.push((attribute, mark)),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (Attribute, Mark)> + '_ {
        self.0.iter().copied()
    }

    /// True when nothing is told.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As bytes: for each attribute its place among [`Attribute::ALL`], and its mark.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(9 * self.0.len());
        for (attribute, mark) in &self.0 {
            let place = Attribute::ALL.iter().position(|known| known == attribute).unwrap_or_default();
            bytes.push(u8::try_from(place).unwrap_or(u8::MAX));
            bytes.extend_from_slice(mark);
        }
        bytes
    }

    /// Reads the bytes. What is not understood is left out: it then counts as not told.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let one = |part: &[u8]| {
            let (place, mark) = part.split_first()?;
            Some((*Attribute::ALL.get(usize::from(*place))?, mark.try_into().ok()?))
        };
        Self(bytes.chunks_exact(9).filter_map(one).collect())
    }
}

#[cfg(test)]
mod tests;
