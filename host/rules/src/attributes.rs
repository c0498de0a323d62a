//! The attribute values that an event reports. Echoes are recognised by them, and each attribute has owners.
//!
//! An attribute is a part of an entity that one system owns and another may write. Its value is a normalized text,
//! independent of how a source orders or pads it, so that a value written to a system can be compared with the value
//! that the system reports back.
//!
//! | attribute | value |
//! |---|---|
//! | `stock.available` | a decimal; empty when the location does not stock the article |
//! | `order.content` | SHA-256, in hex, of what the channel owns of an order: lines, totals, payments, customer, … |
//! | `order.cancelled` | `true` or `false` |
//! | `order.tags` | the tags, sorted, separated by `, ` |
//! | `order.note` | the note; compared by a keyed fingerprint, since it is personal |
//! | `order.fulfilment` | `unfulfilled`, `partial`, `fulfilled`, `restocked` |
//! | `order.personal` | whatever else is personal; compared by a keyed fingerprint and never written |
//! | `shipment.state` | `shipped`, … |
//! | `shipment.tracking` | the parcels' tracking numbers, sorted, separated by `, ` |
//! | `product.content` | lines of text; see [`product_text`] |
//! | `price.amount` | a decimal and its currency (`19.95 EUR`) |
//! | `document.state` | `posted`, … |

use crossdock_model::catalogue::Product;
use crossdock_model::event::{Event, Fact};
use crossdock_model::order::Order;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use strum::VariantArray;

use crate::digest::DigestWriter;
use crate::error::Error;
use crate::name::UnknownName;
use crate::stock;

/// A part of an entity that one system owns.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    VariantArray,
)]
#[strum(parse_err_ty = UnknownName, parse_err_fn = unknown)]
pub enum Attribute {
    /// How many units can be sold.
    #[serde(rename = "stock.available")]
    #[strum(serialize = "stock.available")]
    StockAvailable,
    /// What was bought, at what price, and how it was paid for.
    #[serde(rename = "order.content")]
    #[strum(serialize = "order.content")]
    OrderContent,
    /// Whether an order is cancelled.
    #[serde(rename = "order.cancelled")]
    #[strum(serialize = "order.cancelled")]
    OrderCancelled,
    /// An order's labels.
    #[serde(rename = "order.tags")]
    #[strum(serialize = "order.tags")]
    OrderTags,
    /// An order's note.
    #[serde(rename = "order.note")]
    #[strum(serialize = "order.note")]
    OrderNote,
    /// An order's state of fulfilment.
    #[serde(rename = "order.fulfilment")]
    #[strum(serialize = "order.fulfilment")]
    OrderFulfilment,
    /// Who ordered, the addresses, and personal messages.
    #[serde(rename = "order.personal")]
    #[strum(serialize = "order.personal")]
    OrderPersonal,
    /// The state of a shipment.
    #[serde(rename = "shipment.state")]
    #[strum(serialize = "shipment.state")]
    ShipmentState,
    /// The tracking numbers of a shipment's parcels.
    #[serde(rename = "shipment.tracking")]
    #[strum(serialize = "shipment.tracking")]
    ShipmentTracking,
    /// The description of an article.
    #[serde(rename = "product.content")]
    #[strum(serialize = "product.content")]
    ProductContent,
    /// The price of an article.
    #[serde(rename = "price.amount")]
    #[strum(serialize = "price.amount")]
    PriceAmount,
    /// The state of a document.
    #[serde(rename = "document.state")]
    #[strum(serialize = "document.state")]
    DocumentState,
}
fn unknown(text: &str) -> UnknownName {
    UnknownName::new("attribute", text)
}

impl Attribute {
    /// Every value.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name it is stored and shown by.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The attributes that a fact can report. Empty for facts that report a difference, or happen once.
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

    /// True for personal attributes: the value itself is never stored, only a keyed fingerprint.
    #[must_use]
    pub fn is_personal(self) -> bool {
        matches!(self, Self::OrderNote | Self::OrderPersonal)
    }

    /// The normalized value, as it is compared: decimals without insignificant zeros, lists sorted.
    #[must_use]
    pub fn normal(self, value: &str) -> String {
        match self {
            Self::StockAvailable => stock::normalized(value),
            Self::OrderTags | Self::ShipmentTracking => list(value.split(',')),
            Self::PriceAmount => match value.trim().split_once(' ') {
                Some((amount, currency)) => format!("{} {}", stock::normalized(amount), currency.trim()),
                None => stock::normalized(value),
            },
            _ => value.trim().to_owned(),
        }
    }
}

/// One attribute with the value that an event reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeValue {
    /// The attribute.
    pub attribute: Attribute,
    /// Its normalized value.
    pub value: String,
    /// The fingerprint of the value.
    pub fingerprint: Fingerprint,
}

/// The attribute values that an event reports, once its personal data has been removed. `order.note` and
/// `order.personal` come from that data and are not included.
///
/// # Errors
/// When the fact cannot be written as JSON.
pub fn attribute_values(event: &Event) -> Result<Vec<AttributeValue>, Error> {
    let of = |attribute: Attribute, value: String| AttributeValue {
        attribute,
        fingerprint: fingerprint(&value),
        value,
    };
    Ok(match &event.fact {
        Fact::Order(change) => {
            let order = &change.order;
            let content = content(order)
                .map_err(|source| Error::Digest { entity: event.entity.to_string(), source })?;
            vec![
                of(Attribute::OrderContent, content),
                of(Attribute::OrderCancelled, change.is_cancelled().to_string()),
                of(Attribute::OrderTags, list(order.tags.iter().map(String::as_str))),
                of(Attribute::OrderFulfilment, name(&order.fulfilment)),
            ]
        }
        Fact::ShipmentUpdated(shipment) => {
            let numbers = shipment.tracking.iter().map(|parcel| parcel.number.as_str());
            vec![
                of(Attribute::ShipmentState, name(&shipment.state)),
                of(Attribute::ShipmentTracking, list(numbers)),
            ]
        }
        Fact::InventoryCounted(level) => {
            let available = level.available.as_deref().map(stock::normalized).unwrap_or_default();
            vec![of(Attribute::StockAvailable, available)]
        }
        Fact::DocumentUpdated(document) => vec![of(Attribute::DocumentState, name(&document.state))],
        Fact::ProductUpdated(article) => vec![of(Attribute::ProductContent, product_text(article))],
        Fact::PriceUpdated(price) => {
            let money = &price.amount;
            let amount = format!("{} {}", stock::normalized(&money.amount), money.currency);
            vec![of(Attribute::PriceAmount, amount)]
        }
        Fact::OrderEdited(_)
        | Fact::RefundIssued(_)
        | Fact::InventoryAdjusted(_)
        | Fact::CustomerUpdated(_)
        | Fact::DayClosed(_) => Vec::new(),
    })
}

/// True when the attributes of a fact, personal ones included, are its complete content: reporting the same values
/// again reports nothing new.
#[must_use]
pub fn is_complete(fact: &Fact) -> bool {
    matches!(fact, Fact::Order(_) | Fact::ProductUpdated(_))
}

/// The description of an article as one text: a line each for article number, GTIN, title, description, group, unit,
/// tax class, grams, `active` or `inactive`, extensions, and then `name=value` for each option. An absent value is an
/// empty line.
#[must_use]
pub fn product_text(article: &Product) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut lines = vec![
        article.sku.clone(),
        text(&article.gtin),
        article.title.clone(),
        text(&article.description),
        text(&article.group),
        text(&article.unit),
        text(&article.tax_class),
        article.grams.as_deref().map(stock::normalized).unwrap_or_default(),
        if article.active { "active" } else { "inactive" }.to_owned(),
        text(&article.extensions),
    ];
    lines.extend(article.options.iter().map(|option| format!("{}={}", option.name, option.value)));
    lines.join("\n").trim().to_owned()
}

/// The distinct names, sorted.
fn list<'t>(names: impl Iterator<Item = &'t str>) -> String {
    let mut names: Vec<&str> = names.map(str::trim).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

/// The serialized name of an enum value.
fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// The digest of the content of an order that its channel owns. Excluded are parts that other systems write (tags,
/// note, fulfilment) and those with an attribute of their own (cancellation, personal data).
fn content(order: &Order) -> Result<String, serde_json::Error> {
    let mut hash = DigestWriter::default();
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

/// The first eight bytes of the SHA-256 of an attribute value; of a keyed digest for a personal one.
pub type Fingerprint = [u8; 8];

/// The fingerprint of a value that is not personal.
#[must_use]
pub fn fingerprint(value: &str) -> Fingerprint {
    truncated(&Sha256::digest(value.as_bytes()))
}

/// The fingerprint that a digest starts with.
#[must_use]
pub fn truncated(digest: &[u8]) -> Fingerprint {
    let mut fingerprint = [0; 8];
    for (to, from) in fingerprint.iter_mut().zip(digest) {
        *to = *from;
    }
    fingerprint
}

/// Fingerprints of the attribute values of one entity, small enough to be stored with it. An attribute has one, or
/// several where it was written several times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprints(Vec<(Attribute, Fingerprint)>);

impl Fingerprints {
    /// The fingerprints of reported attribute values.
    #[must_use]
    pub fn of(values: &[AttributeValue]) -> Self {
        Self(values.iter().map(|value| (value.attribute, value.fingerprint)).collect())
    }

    /// The first fingerprint of an attribute.
    #[must_use]
    pub fn get(&self, attribute: Attribute) -> Option<Fingerprint> {
        self.0.iter().find(|(known, _)| *known == attribute).map(|(_, fingerprint)| *fingerprint)
    }

    /// True when this is a fingerprint of the attribute, the only one or one of several.
    #[must_use]
    pub fn has(&self, attribute: Attribute, fingerprint: Fingerprint) -> bool {
        self.0.contains(&(attribute, fingerprint))
    }

    /// Replaces all fingerprints of an attribute by these, oldest first.
    pub fn replace(&mut self, attribute: Attribute, fingerprints: &[Fingerprint]) {
        self.0.retain(|(known, _)| *known != attribute);
        self.0.extend(fingerprints.iter().map(|fingerprint| (attribute, *fingerprint)));
    }

    /// Appends fingerprints to those of an attribute, without immediate repetitions; drops the oldest beyond `most`.
    pub fn append(&mut self, attribute: Attribute, fingerprints: &[Fingerprint], most: usize) {
        let mut all: Vec<Fingerprint> = self.all(attribute).collect();
        for fingerprint in fingerprints {
            if all.last() != Some(fingerprint) {
                all.push(*fingerprint);
            }
        }
        let surplus = all.len().saturating_sub(most);
        self.replace(attribute, all.get(surplus..).unwrap_or_default());
    }

    /// All fingerprints of an attribute, oldest first.
    pub fn all(&self, attribute: Attribute) -> impl Iterator<Item = Fingerprint> + '_ {
        self.0.iter().filter(move |(known, _)| *known == attribute).map(|(_, fingerprint)| *fingerprint)
    }

    /// Sets the first fingerprint of an attribute.
    pub fn set(&mut self, attribute: Attribute, fingerprint: Fingerprint) {
        match self.0.iter_mut().find(|(known, _)| *known == attribute) {
            Some((_, known)) => *known = fingerprint,
            None => self.0.push((attribute, fingerprint)),
        }
    }

    /// All attributes with their fingerprints.
    pub fn iter(&self) -> impl Iterator<Item = (Attribute, Fingerprint)> + '_ {
        self.0.iter().copied()
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As bytes, nine for each fingerprint: the position of its attribute in [`Attribute::ALL`], then the fingerprint.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(9 * self.0.len());
        for (attribute, fingerprint) in &self.0 {
            let position = Attribute::ALL.iter().position(|known| known == attribute).unwrap_or_default();
            bytes.push(u8::try_from(position).unwrap_or(u8::MAX));
            bytes.extend_from_slice(fingerprint);
        }
        bytes
    }

    /// Reads the bytes of [`Self::to_bytes`]. Unknown attributes and incomplete entries are skipped, as if they had not
    /// been reported.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let entry = |part: &[u8]| {
            let (position, fingerprint) = part.split_first()?;
            Some((*Attribute::ALL.get(usize::from(*position))?, fingerprint.try_into().ok()?))
        };
        Self(bytes.chunks_exact(9).filter_map(entry).collect())
    }
}

#[cfg(test)]
mod tests;
