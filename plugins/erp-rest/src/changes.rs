//! What changed in the ERP, read from its feed: orders and invoices as documents, parcels as shipments, stock,
//! articles and prices.
//!
//! The feed numbers its changes, so the cursor is a number, and the number is a part of every version: what is
//! told later is newer, also within one moment. A type of change that is not known here is passed over.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::tables;

#[derive(Deserialize)]
struct Feed {
    changes: Vec<Change>,
    next: u64,
    #[serde(default)]
    more: bool,
}

#[derive(Deserialize)]
struct Change {
    sequence: u64,
    at: String,
    #[serde(rename = "type")]
    kind: String,
    /// The thing itself, under the name of its type.
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Booked {
    id: String,
    reference: String,
    state: String,
    lines: Vec<BookedLine>,
    total: String,
    tax: String,
    currency: String,
}

#[derive(Deserialize)]
struct BookedLine {
    id: Option<String>,
    line: Option<String>,
    article: Option<String>,
    quantity: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parcel {
    id: String,
    reference: String,
    state: String,
    warehouse: Option<String>,
    shipped_at: Option<String>,
    lines: Vec<BookedLine>,
    carrier: Option<String>,
    tracking: Option<String>,
    tracking_url: Option<String>,
}

#[derive(Deserialize)]
struct Invoice {
    id: String,
    reference: String,
    state: String,
    date: Option<String>,
    untaxed: String,
    tax: String,
    total: String,
    currency: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shelf {
    article: String,
    warehouse: String,
    available: String,
    on_hand: Option<String>,
    reserved: Option<String>,
}

#[derive(Deserialize)]
struct Article {
    article: String,
    title: String,
    active: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cost {
    article: String,
    amount: String,
    currency: String,
    includes_tax: bool,
}

/// Asks for what follows the cursor: the number of the last change that was told.
///
/// # Errors
/// `cursor-unreadable`; or the ERP could not be asked.
pub(crate) fn poll(cursor: Option<&str>, limit: u32) -> Result<Page, Failure> {
    let after: u64 = match cursor.filter(|cursor| !cursor.is_empty()) {
        Some(cursor) => cursor
            .parse()
            .map_err(|_| Problem::new("cursor-unreadable", "the cursor is not the number of a change"))?,
        None => 0,
    };
    let company: String = config::find("company")?.unwrap_or_else(|| "main".to_owned());
    let erp = http::Client::from_setting("url")?;
    let asked = erp.get(["changes"]).query("after", after.to_string()).query("limit", limit.to_string());
    let feed: Feed = asked.call()?;
    let mut events = Vec::with_capacity(feed.changes.len());
    for change in feed.changes {
        let sequence = change.sequence;
        let wrong = |message: String| {
            Problem::new(
                "change-unreadable",
                format!("change {sequence} of the ERP cannot be read: {message}"),
            )
        };
        events.extend(change.event(&company).map_err(wrong)?);
    }
    Ok(Page { events, cursor: feed.next.to_string(), more: feed.more })
}

impl Change {
    /// What it says, or nothing when it is of no known type or of nobody's order.
    fn event(mut self, company: &str) -> Result<Option<Event>, String> {
        let thing = self.rest.remove(&self.kind).unwrap_or_default();
        let seen = Seen { at: self.at, sequence: self.sequence, company };
        Ok(match self.kind.as_str() {
            "order" => Some(seen.order(read(thing)?)),
            "shipment" => seen.shipment(read(thing)?),
            "invoice" => Some(seen.invoice(read(thing)?)),
            "stock" => Some(seen.stock(read(thing)?)),
            "product" => Some(seen.product(read(thing)?)),
            "price" => Some(seen.price(read(thing)?)),
            _ => None,
        })
    }
}

fn read<T: DeserializeOwned>(thing: Value) -> Result<T, String> {
    serde_json::from_value(thing).map_err(|error| error.to_string())
}

/// When and where a change was.
struct Seen<'a> {
    at: String,
    sequence: u64,
    company: &'a str,
}

impl Seen<'_> {
    fn order(&self, booked: Booked) -> Event {
        let state = match booked.state.as_str() {
            "accepted" => DocumentState::Accepted,
            "allocated" | "partially-shipped" => DocumentState::Processing,
            "invoiced" => DocumentState::Done,
            "cancelled" => DocumentState::Cancelled,
            _ => DocumentState::Draft,
        };
        let order = order(&booked.reference);
        let lines = booked.lines.into_iter().enumerate().map(|(at, line)| DocumentLine {
            id: line.id.unwrap_or_else(|| (at + 1).to_string()),
            line: line.line,
            sku: line.article.as_deref().map(tables::sku),
            quantity: line.quantity,
            amount: None,
            state: None,
            reason: None,
        });
        let money = |amount| Some(Money::new(amount, &booked.currency));
        let document = Document {
            kind: DocumentKind::SalesOrder,
            number: Some(booked.id.clone()),
            order: order.clone(),
            state,
            date: None,
            reason: None,
            answers: None,
            untaxed: None,
            tax: money(booked.tax),
            total: money(booked.total),
            lines: lines.collect(),
            at: self.at.clone(),
            extensions: Some(json!({ "stage": booked.state }).to_string()),
        };
        self.event(
            EntityKind::Document,
            format!("order-{}", booked.id),
            order,
            Fact::DocumentUpdated(document),
        )
    }

    fn invoice(&self, invoice: Invoice) -> Event {
        let order = order(&invoice.reference);
        let money = |amount| Some(Money::new(amount, &invoice.currency));
        let document = Document {
            kind: DocumentKind::Invoice,
            number: Some(invoice.id.clone()),
            order: order.clone(),
            state: if invoice.state == "posted" { DocumentState::Posted } else { DocumentState::Draft },
            date: invoice.date,
            reason: None,
            answers: None,
            untaxed: money(invoice.untaxed),
            tax: money(invoice.tax),
            total: money(invoice.total),
            lines: Vec::new(),
            at: self.at.clone(),
            extensions: None,
        };
        self.event(
            EntityKind::Document,
            format!("invoice-{}", invoice.id),
            order,
            Fact::DocumentUpdated(document),
        )
    }

    /// A shipment belongs to an order; what left for nobody's order is the ERP's own business.
    fn shipment(&self, parcel: Parcel) -> Option<Event> {
        let order = order(&parcel.reference)?;
        let state = match parcel.state.as_str() {
            "planned" => ShipmentState::Planned,
            "allocated" => ShipmentState::Allocated,
            "packed" => ShipmentState::Packed,
            "delivered" => ShipmentState::Delivered,
            "cancelled" => ShipmentState::Cancelled,
            "returned" => ShipmentState::Returned,
            _ => ShipmentState::Shipped,
        };
        let carrier = parcel.carrier.as_deref().map(tables::carrier);
        let url = parcel.tracking_url;
        let shipment = Shipment {
            number: Some(parcel.id.clone()),
            order: order.clone(),
            state,
            location: parcel.warehouse,
            shipped_at: parcel.shipped_at,
            lines: parcel
                .lines
                .into_iter()
                .map(|line| ShipmentLine {
                    line: line.line,
                    sku: line.article.as_deref().map(tables::sku),
                    quantity: line.quantity,
                })
                .collect(),
            tracking: parcel
                .tracking
                .into_iter()
                .map(|number| Tracking { carrier: carrier.clone(), number, url: url.clone() })
                .collect(),
            personal: None,
            extensions: None,
        };
        Some(self.event(EntityKind::Shipment, parcel.id, Some(order), Fact::ShipmentUpdated(shipment)))
    }

    fn stock(&self, shelf: Shelf) -> Event {
        let id = format!("{}/{}", shelf.warehouse, shelf.article);
        let level = Level {
            sku: Some(tables::sku(&shelf.article)),
            item: Some(shelf.article),
            location: shelf.warehouse,
            available: Some(shelf.available),
            on_hand: shelf.on_hand,
            reserved: shelf.reserved,
            incoming: None,
            at: self.at.clone(),
        };
        self.event(EntityKind::Stock, id, None, Fact::InventoryCounted(level))
    }

    fn product(&self, article: Article) -> Event {
        let product = Product {
            sku: tables::sku(&article.article),
            gtin: None,
            title: article.title,
            description: None,
            group: None,
            options: Vec::new(),
            unit: None,
            tax_class: None,
            grams: None,
            active: article.active,
            at: self.at.clone(),
            extensions: None,
        };
        self.event(EntityKind::Product, article.article, None, Fact::ProductUpdated(product))
    }

    fn price(&self, cost: Cost) -> Event {
        let price = ListPrice {
            sku: tables::sku(&cost.article),
            amount: Money::new(cost.amount, cost.currency),
            includes_tax: cost.includes_tax,
            price_list: None,
            minimum: None,
            from: None,
            until: None,
            at: self.at.clone(),
        };
        self.event(EntityKind::ListPrice, cost.article, None, Fact::PriceUpdated(price))
    }

    fn event(&self, kind: EntityKind, id: String, parent: Option<Entity>, fact: Fact) -> Event {
        let entity = Entity { system: "erp-rest".into(), tenant: self.company.to_owned(), kind, id };
        let version = Version { at: self.at.clone(), sequence: Some(self.sequence) };
        Event { entity, parent, version: Some(version), occurred_at: self.at.clone(), fact }
    }
}

/// The order that a reference names: `system/tenant/order/id`, as the sink wrote it. The id may have slashes.
fn order(reference: &str) -> Option<Entity> {
    let mut parts = reference.splitn(4, '/');
    let (system, tenant, kind, id) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    (kind == "order" && !id.is_empty()).then(|| Entity {
        system: system.to_owned(),
        tenant: tenant.to_owned(),
        kind: EntityKind::Order,
        id: id.to_owned(),
    })
}
