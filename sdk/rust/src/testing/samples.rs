//! Samples of a plugin's input. Every field is public: a test changes the fields it is about.

use crate::common::{Address, Entity, EntityKind, Personal, Price, TaxLine, Version};
use crate::connector::{Inbound, Work};
use crate::event::{Event, Fact};
use crate::order::{
    FulfilmentState, Line, LineKind, Order, Payment, PaymentKind, PaymentResult, PaymentState, ShippingLine,
    TenderKind, Totals,
};
use crate::refund::{Refund, RefundLine, RestockKind};

const OCCURRED_AT: &str = "2026-11-23T09:30:00+01:00";
const SHOP: &str = "acme.myshopify.com";

/// An entity of the shop `acme.myshopify.com`.
pub fn entity(kind: EntityKind, id: impl Into<String>) -> Entity {
    Entity { system: "shopify".into(), tenant: SHOP.into(), kind, id: id.into() }
}

/// An order whose totals balance: one line of 2 × `TEA-250` at 10.00, shipping 5.00, tax 2.00 added; 27.00 EUR in
/// total, paid.
pub fn order() -> Order {
    let eur = |amount: &str| Price::shop(amount, "EUR");
    Order {
        number: "#1001".into(),
        channel: "web".into(),
        placed_at: OCCURRED_AT.into(),
        processed_at: None,
        business_date: None,
        natural_key: None,
        store: None,
        register: None,
        staff_id: None,
        currency: "EUR".into(),
        presentment_currency: None,
        prices_include_tax: false,
        duties_included: false,
        payment: PaymentState::Paid,
        fulfilment: FulfilmentState::Unfulfilled,
        cancelled_at: None,
        cancel_reason: None,
        test: false,
        customer: Some(entity(EntityKind::Customer, "501")),
        personal: Some(Personal {
            name: Some("Ada Example".into()),
            email: Some("ada@example.com".into()),
            shipping: Some(Address {
                name: Some("Ada Example".into()),
                company: None,
                lines: vec!["Hauptstr. 1".into()],
                city: Some("Berlin".into()),
                region: None,
                postal_code: Some("10115".into()),
                country: Some("DE".into()),
                phone: None,
            }),
            ..Personal::default()
        }),
        lines: vec![Line {
            id: "11".into(),
            kind: LineKind::Item,
            sku: Some("TEA-250".into()),
            product_id: Some("71".into()),
            variant_id: Some("72".into()),
            gtin: None,
            title: "Green tea".into(),
            quantity: "2".into(),
            current_quantity: Some("2".into()),
            unit: None,
            unit_price: eur("10.00"),
            regular_price: None,
            discounts: vec![],
            taxes: vec![TaxLine {
                title: "VAT".into(),
                rate: Some("0.1".into()),
                amount: eur("2.00"),
                jurisdiction: None,
                channel_liable: false,
            }],
            duties: vec![],
            taxable: true,
            ships: true,
            grams: Some("250".into()),
            bundle: None,
            location: None,
        }],
        shipping: vec![ShippingLine {
            id: "21".into(),
            title: "Standard".into(),
            code: None,
            price: eur("5.00"),
            discounts: vec![],
            taxes: vec![],
        }],
        payments: vec![],
        po_number: None,
        discount_codes: vec![],
        totals: Totals {
            lines: eur("20.00"),
            discounts: eur("0.00"),
            shipping: eur("5.00"),
            tax: eur("2.00"),
            tips: None,
            duties: None,
            cash_rounding: None,
            total: eur("27.00"),
            outstanding: Some(eur("0.00")),
        },
        tags: vec![],
        exchange_of: None,
        extensions: None,
    }
}

/// A refund of one unit of [`order`]'s line: 11.00 EUR repaid by card, the unit restocked.
pub fn refund() -> Refund {
    let eur = |amount: &str| Price::shop(amount, "EUR");
    Refund {
        at: OCCURRED_AT.into(),
        processed_at: None,
        business_date: None,
        store: None,
        currency: "EUR".into(),
        lines: vec![RefundLine {
            id: "31".into(),
            line: "11".into(),
            quantity: "1".into(),
            restock: RestockKind::Return,
            location: None,
            subtotal: eur("10.00"),
            tax: eur("1.00"),
        }],
        adjustments: vec![],
        shipping: vec![],
        duties: vec![],
        taxes: vec![],
        payments: vec![Payment {
            id: "41".into(),
            kind: PaymentKind::Refund,
            outcome: PaymentResult::Success,
            tender: TenderKind::Card,
            gateway: "shopify_payments".into(),
            amount: eur("11.00"),
            at: OCCURRED_AT.into(),
            authorization: None,
            parent: None,
            test: false,
        }],
        return_id: None,
        personal: None,
        extensions: None,
    }
}

/// An event of an entity.
pub fn event(entity: Entity, parent: Option<Entity>, fact: Fact) -> Event {
    Event { entity, parent, version: Some(Version::at(OCCURRED_AT)), occurred_at: OCCURRED_AT.into(), fact }
}

/// The event that order 1001 was placed.
pub fn placed(order: Order) -> Event {
    event(entity(EntityKind::Order, "1001"), None, Fact::placed(order))
}

/// The event that refund 901 of order 1001 was issued.
pub fn refunded(refund: Refund) -> Event {
    let order = entity(EntityKind::Order, "1001");
    event(entity(EntityKind::Refund, "901"), Some(order), Fact::RefundIssued(refund))
}

/// The first attempt to deliver an event. Equal events have equal keys.
pub fn work(event: Event) -> Work {
    let operation = event.fact.kind().replace("order.", "").replace("refund.", "");
    Work {
        key: format!("{}/{operation}", event.entity),
        short_key: format!("{:0>26}", event.entity.id),
        serial: 1,
        attempt: 1,
        resume: None,
        event,
        references: vec![],
        parent_references: vec![],
    }
}

/// A file of the exchange folder, with this name and content.
pub fn file(name: &str, content: impl Into<Vec<u8>>) -> Inbound {
    let file = Some(name.to_owned());
    Inbound { method: "FILE".into(), file, ..inbound(&[], content) }
}

/// A webhook with these headers (names in lower case) and this body.
pub fn inbound(headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Inbound {
    Inbound {
        id: "in-1".into(),
        received_at: OCCURRED_AT.into(),
        method: "POST".into(),
        file: None,
        query: String::new(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: body.into(),
    }
}
