//! An order, as it stands.

use crossdock_sdk::prelude::*;
use jiff::Timestamp;

use crate::amount::{self, price};
use crate::api::Known;
use crate::notice::Trigger;
use crate::payload::{self, FulfillmentDetails};
use crate::settings::Settings;
use crate::{day, line, natural, refund, repaid, tender};

/// The channel of Square's own tills.
const TILL: &str = "pos";

/// What an order says: what was sold, and what was brought back.
pub(crate) fn events(
    settings: &Settings,
    order: &payload::Order,
    known: &Known,
    trigger: Option<Trigger>,
) -> Result<Vec<Event>, Problem> {
    let state = order.state.as_deref().unwrap_or_default();
    // A draft is nobody's order yet.
    if state == "DRAFT" {
        return Ok(vec![]);
    }
    let mut events = refund::of_order(settings, order, None)?;
    if order.line_items.is_empty() && order.service_charges.is_empty() {
        return Ok(events);
    }
    let snapshot = read(settings, order, known)?;
    // A ticket that is open at a till is no sale before something is paid: then it is known when it was made, and
    // to which day it belongs.
    let open = order.tenders.is_empty() && order.fulfillments.is_empty() && state != "COMPLETED";
    if open && snapshot.channel == TILL {
        return Ok(events);
    }
    let paid = snapshot.payment == PaymentState::Paid;
    let occurred_at = match trigger {
        Some(Trigger::Created) => snapshot.placed_at.clone(),
        _ => updated(order)?,
    };
    let fact = match trigger {
        _ if state == "CANCELED" => Fact::cancelled(snapshot),
        Some(Trigger::Created) => Fact::placed(snapshot),
        Some(Trigger::Paid) if paid => Fact::paid(snapshot),
        _ => Fact::updated(snapshot),
    };
    events.insert(
        0,
        Event {
            entity: settings.entity(EntityKind::Order, &order.id),
            parent: None,
            version: Some(Version { at: updated(order)?, sequence: order.version }),
            occurred_at,
            fact,
        },
    );
    Ok(events)
}

/// When the order last changed, by Square's clock.
pub(crate) fn updated(order: &payload::Order) -> Result<String, Problem> {
    let at = order.updated_at.as_ref().or(order.created_at.as_ref());
    at.cloned().ok_or_else(|| {
        Problem::new("time-missing", "the order does not say when it changed").at("updated_at")
    })
}

fn read(settings: &Settings, order: &payload::Order, known: &Known) -> Result<Order, Problem> {
    let currency = amount::currency([order.total_money.as_ref(), order.net_amount_due_money.as_ref()])?;
    let money = |told: Option<&payload::Money>, field: &str| amount::of(told, &currency, field);
    let own = |payment: &&payload::Payment| {
        payment.order_id.as_deref() == Some(&order.id)
            || order.tenders.iter().any(|tender| tender.payment_id.as_deref() == Some(&payment.id))
    };
    let payments: Vec<payload::Payment> = known.payments.iter().filter(own).cloned().collect();
    let created = order.created_at.clone().map_or_else(|| updated(order), Ok)?;
    // What a till took offline was sold then, and not when the till was online again. An order that Square had before
    // was placed before.
    let offline = payments.iter().filter_map(|payment| tender::offline(order, payment)).min();
    let before =
        |(at, _): &(Timestamp, String)| created.parse::<Timestamp>().is_ok_and(|created| *at > created);
    let offline = offline.filter(|offline| !before(offline)).map(|(_, at)| at);
    let placed_at = offline.clone().unwrap_or_else(|| created.clone());
    let sums = line::read(order, known, &currency)?;
    let total = money(order.total_money.as_ref(), "total_money")?;
    let tips = money(order.total_tip_money.as_ref(), "total_tip_money")?;
    let rounding = order.rounding_adjustment.as_ref().and_then(|rounding| rounding.amount_money.as_ref());
    let rounding = money(rounding, "rounding_adjustment")?;
    let (mut paid, mut told) = tender::read(order, &payments, &currency)?;
    let exchanged = repaid::exchanged(order, &currency)?;
    if exchanged > Decimal::ZERO {
        paid += exchanged;
        told.push(repaid::exchange(order, exchanged, PaymentKind::Sale, &currency, &updated(order)?));
    }
    let due = order.net_amount_due_money.as_ref();
    let cancelled = order.state.as_deref() == Some("CANCELED");
    let products =
        payments.iter().filter_map(|payment| payment.application_details.as_ref()?.square_product.as_deref());
    let channel = channel(order.source.as_ref().and_then(|source| source.name.as_deref()), products);
    let device = payments.iter().filter_map(|payment| payment.device_details.as_ref()).next();
    let staff =
        payments.iter().find_map(|payment| payment.team_member_id.clone().or(payment.employee_id.clone()));
    let in_store = channel == TILL;
    let business_date = day::of(settings, order.location_id.as_deref(), &placed_at)?;
    Ok(Order {
        number: order
            .reference_id
            .clone()
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| order.id.clone()),
        channel,
        processed_at: offline.map(|_| created),
        business_date: business_date.filter(|_| in_store),
        natural_key: natural::key(order, &payments),
        store: order.location_id.clone(),
        register: device
            .and_then(|device| device.device_id.clone().or(device.device_installation_id.clone())),
        staff_id: staff,
        placed_at,
        presentment_currency: None,
        prices_include_tax: sums.included,
        duties_included: false,
        payment: state(total, paid, &told, cancelled),
        fulfilment: fulfilment(order, cancelled),
        cancelled_at: if cancelled { Some(updated(order)?) } else { None },
        cancel_reason: None,
        test: false,
        customer: order.customer_id.clone().map(|id| settings.entity(EntityKind::Customer, id)),
        personal: personal(order, sums.written),
        lines: sums.lines,
        shipping: vec![],
        payments: told,
        po_number: None,
        discount_codes: vec![],
        totals: Totals {
            lines: price(sums.full, &currency),
            discounts: price(sums.discounts, &currency),
            shipping: price(Decimal::ZERO, &currency),
            tax: price(sums.tax, &currency),
            tips: (!tips.is_zero()).then(|| price(tips, &currency)),
            duties: None,
            cash_rounding: (!rounding.is_zero()).then(|| price(rounding, &currency)),
            total: price(total, &currency),
            outstanding: due
                .map(|due| money(Some(due), "net_amount_due_money"))
                .transpose()?
                .map(|due| price(due, &currency)),
        },
        currency,
        tags: vec![],
        exchange_of: None,
        extensions: None,
    })
}

/// `pos` for Square's own tills, else the name of the application that made the order.
fn channel<'a>(source: Option<&str>, mut products: impl Iterator<Item = &'a str>) -> String {
    let tills = ["SQUARE_POS", "RETAIL", "RESTAURANTS", "TERMINAL_API", "APPOINTMENTS"];
    if products.any(|product| tills.contains(&product)) {
        return TILL.into();
    }
    let source = source.unwrap_or_default().to_ascii_lowercase();
    if source.is_empty()
        || source.contains("point of sale")
        || source.contains("register")
        || source.contains("square for ")
    {
        return TILL.into();
    }
    let words = source.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

fn state(total: Decimal, paid: Decimal, payments: &[Payment], cancelled: bool) -> PaymentState {
    let any = |kind| {
        payments.iter().any(|payment| payment.kind == kind && payment.outcome == PaymentResult::Success)
    };
    if cancelled && paid.is_zero() {
        PaymentState::Voided
    } else if paid >= total {
        PaymentState::Paid
    } else if paid > Decimal::ZERO {
        PaymentState::PartiallyPaid
    } else if any(PaymentKind::Authorization) {
        PaymentState::Authorized
    } else {
        PaymentState::Pending
    }
}

/// What has nothing to be fulfilled was handed over when it was completed.
fn fulfilment(order: &payload::Order, cancelled: bool) -> FulfilmentState {
    let done = |fulfilment: &&payload::Fulfillment| fulfilment.state.as_deref() == Some("COMPLETED");
    let open: Vec<_> = order
        .fulfillments
        .iter()
        .filter(|fulfilment| !matches!(fulfilment.state.as_deref(), Some("CANCELED" | "FAILED")))
        .collect();
    let completed = open.iter().filter(|fulfilment| done(fulfilment)).count();
    match order.state.as_deref() {
        _ if cancelled => FulfilmentState::Restocked,
        Some("COMPLETED") if open.is_empty() => FulfilmentState::Fulfilled,
        _ if completed == 0 => FulfilmentState::Unfulfilled,
        _ if completed == open.len() => FulfilmentState::Fulfilled,
        _ => FulfilmentState::Partial,
    }
}

/// Who gets the goods, where they are sent or called for, and what was written on the order and its lines.
fn personal(order: &payload::Order, line_attributes: Vec<LineAttributes>) -> Option<Personal> {
    let details = order.fulfillments.iter().find_map(|fulfilment| {
        let kinds = [&fulfilment.shipment_details, &fulfilment.delivery_details, &fulfilment.pickup_details];
        kinds.into_iter().flatten().next()
    });
    let attribute =
        |(name, value): (&String, &String)| Attribute { name: name.clone(), value: value.clone() };
    let personal = Personal {
        attributes: order.metadata.iter().flatten().map(attribute).collect(),
        line_attributes,
        ..details.map(addressed).unwrap_or_default()
    };
    (personal != Personal::default()).then_some(personal)
}

fn addressed(details: &FulfillmentDetails) -> Personal {
    let FulfillmentDetails { recipient, note, shipping_note } = details;
    let recipient = recipient.as_ref();
    Personal {
        name: recipient.and_then(|person| person.display_name.clone()),
        email: recipient.and_then(|person| person.email_address.clone()),
        phone: recipient.and_then(|person| person.phone_number.clone()),
        shipping: recipient.and_then(|person| {
            let address = person.address.as_ref()?;
            let lines = [&address.address_line_1, &address.address_line_2, &address.address_line_3];
            Some(Address {
                name: person.display_name.clone(),
                company: None,
                lines: lines.into_iter().flatten().filter(|line| !line.is_empty()).cloned().collect(),
                city: address.locality.clone(),
                region: address.administrative_district_level_1.clone(),
                postal_code: address.postal_code.clone(),
                country: address.country.clone(),
                phone: person.phone_number.clone(),
            })
        }),
        note: note.clone().or_else(|| shipping_note.clone()),
        ..Personal::default()
    }
}
