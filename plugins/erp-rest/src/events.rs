//! Events of the changes in the ERP's feed: orders and invoices as documents, parcels as shipments, stock, articles and
//! prices.
//!
//! The number of a change is part of the event's version, so a later change is newer even if its time is the same.

use crossdock_sdk::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::feed::{Article, Change, Invoice, ListedPrice, Parcel, SalesOrder, StockLevel};
use crate::tables;

/// The event of a change. None for a change of unknown type and for a parcel without an order.
///
/// # Errors
/// Why the changed record cannot be read.
pub(crate) fn event(mut change: Change, company: &str) -> Result<Option<Event>, String> {
    let record = change.records.remove(&change.kind).unwrap_or_default();
    let context = Context { at: change.at, sequence: change.sequence, company };
    Ok(match change.kind.as_str() {
        "order" => Some(context.order(read(record)?)),
        "shipment" => context.shipment(read(record)?),
        "invoice" => Some(context.invoice(read(record)?)),
        "stock" => Some(context.stock(read(record)?)),
        "product" => Some(context.product(read(record)?)),
        "price" => Some(context.price(read(record)?)),
        _ => None,
    })
}

fn read<T: DeserializeOwned>(record: Value) -> Result<T, String> {
    serde_json::from_value(record).map_err(|error| error.to_string())
}

/// The time and the number of a change, and the company it happened in.
struct Context<'a> {
    at: String,
    sequence: u64,
    company: &'a str,
}

impl Context<'_> {
    fn order(&self, sales_order: SalesOrder) -> Event {
        let state = match sales_order.state.as_str() {
            "accepted" => DocumentState::Accepted,
            "allocated" | "partially-shipped" => DocumentState::Processing,
            "invoiced" => DocumentState::Done,
            "cancelled" => DocumentState::Cancelled,
            _ => DocumentState::Draft,
        };
        let order = order_entity(&sales_order.reference);
        let lines = sales_order.lines.into_iter().enumerate().map(|(at, line)| DocumentLine {
            id: line.id.unwrap_or_else(|| (at + 1).to_string()),
            line: line.line,
            sku: line.article.as_deref().map(tables::sku),
            quantity: line.quantity,
            amount: None,
            state: None,
            reason: None,
        });
        let money = |amount| Some(Money::new(amount, &sales_order.currency));
        let document = Document {
            kind: DocumentKind::SalesOrder,
            number: Some(sales_order.id.clone()),
            order: order.clone(),
            state,
            date: None,
            reason: None,
            answers: None,
            untaxed: None,
            tax: money(sales_order.tax),
            total: money(sales_order.total),
            lines: lines.collect(),
            at: self.at.clone(),
            extensions: Some(json!({ "stage": sales_order.state }).to_string()),
        };
        self.event(
            EntityKind::Document,
            format!("order-{}", sales_order.id),
            order,
            Fact::DocumentUpdated(document),
        )
    }

    fn invoice(&self, invoice: Invoice) -> Event {
        let order = order_entity(&invoice.reference);
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

    /// The shipment of a parcel. None for a parcel that belongs to no order of a source.
    fn shipment(&self, parcel: Parcel) -> Option<Event> {
        let order = order_entity(&parcel.reference)?;
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

    fn stock(&self, level: StockLevel) -> Event {
        let id = format!("{}/{}", level.warehouse, level.article);
        let counted = Level {
            sku: Some(tables::sku(&level.article)),
            item: Some(level.article),
            location: level.warehouse,
            available: Some(level.available),
            on_hand: level.on_hand,
            reserved: level.reserved,
            incoming: None,
            at: self.at.clone(),
        };
        self.event(EntityKind::Stock, id, None, Fact::InventoryCounted(counted))
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

    fn price(&self, listed: ListedPrice) -> Event {
        let price = ListPrice {
            sku: tables::sku(&listed.article),
            amount: Money::new(listed.amount, listed.currency),
            includes_tax: listed.includes_tax,
            price_list: None,
            minimum: None,
            from: None,
            until: None,
            at: self.at.clone(),
        };
        self.event(EntityKind::ListPrice, listed.article, None, Fact::PriceUpdated(price))
    }

    fn event(&self, kind: EntityKind, id: String, parent: Option<Entity>, fact: Fact) -> Event {
        let entity = Entity { system: "erp-rest".into(), tenant: self.company.to_owned(), kind, id };
        let version = Version { at: self.at.clone(), sequence: Some(self.sequence) };
        Event { entity, parent, version: Some(version), occurred_at: self.at.clone(), fact }
    }
}

/// The order of a reference in the form that the sink writes: `system/tenant/order/id`. The id may contain slashes.
fn order_entity(reference: &str) -> Option<Entity> {
    let mut parts = reference.splitn(4, '/');
    let (system, tenant, kind, id) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    (kind == "order" && !id.is_empty()).then(|| Entity {
        system: system.to_owned(),
        tenant: tenant.to_owned(),
        kind: EntityKind::Order,
        id: id.to_owned(),
    })
}
