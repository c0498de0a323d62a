//! The events of an order of Square.

use crossdock_sdk::prelude::*;
use jiff::Timestamp;

use crate::amount::{self, price};
use crate::api::OrderContext;
use crate::business_day::business_day;
use crate::natural_key::natural_key;
use crate::payload::{self, FulfillmentDetails};
use crate::settings::Settings;
use crate::{line, refund, repayment, tender};

/// The channel of Square's own tills.
const TILL_CHANNEL: &str = "pos";

/// The notification because of which an order is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// The order was created.
    Created,
    /// A payment of the order was completed.
    Paid,
}

/// The events of an order: the sale, and its returns.
pub(crate) fn events(
    settings: &Settings,
    order: &payload::Order,
    context: &OrderContext,
    trigger: Option<Trigger>,
) -> Result<Vec<Event>, Problem> {
    let state = order.state.as_deref().unwrap_or_default();
    // A draft is not an order yet.
    if state == "DRAFT" {
        return Ok(vec![]);
    }
    let mut events = refund::return_events(settings, order, None)?;
    if order.line_items.is_empty() && order.service_charges.is_empty() {
        return Ok(events);
    }
    let snapshot = read(settings, order, context)?;
    // An open ticket of a till is a sale only when a payment is made: only then its time and business day are known.
    let is_open = order.tenders.is_empty() && order.fulfillments.is_empty() && state != "COMPLETED";
    if is_open && snapshot.channel == TILL_CHANNEL {
        return Ok(events);
    }
    let paid = snapshot.payment == PaymentState::Paid;
    let occurred_at = match trigger {
        Some(Trigger::Created) => snapshot.placed_at.clone(),
        _ => order.last_change()?,
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
            version: Some(Version { at: order.last_change()?, sequence: order.version }),
            occurred_at,
            fact,
        },
    );
    Ok(events)
}

/// The snapshot of an order.
fn read(settings: &Settings, order: &payload::Order, context: &OrderContext) -> Result<Order, Problem> {
    let currency = amount::currency([order.total_money.as_ref(), order.net_amount_due_money.as_ref()])?;
    let money = |money: Option<&payload::Money>, field: &str| amount::decimal(money, &currency, field);
    let is_of_order = |payment: &&payload::Payment| {
        payment.order_id.as_deref() == Some(&order.id)
            || order.tenders.iter().any(|tender| tender.payment_id.as_deref() == Some(&payment.id))
    };
    let square_payments: Vec<payload::Payment> =
        context.payments.iter().filter(is_of_order).cloned().collect();
    let created = order.created_at.clone().map_or_else(|| order.last_change(), Ok)?;
    // A sale with an offline payment was made at the time of that payment, not when the till was online again, unless
    // Square already had the order by then.
    let offline = square_payments.iter().filter_map(|payment| tender::offline_time(order, payment)).min();
    let is_after_creation =
        |(at, _): &(Timestamp, String)| created.parse::<Timestamp>().is_ok_and(|created| *at > created);
    let offline = offline.filter(|offline| !is_after_creation(offline)).map(|(_, at)| at);
    let placed_at = offline.clone().unwrap_or_else(|| created.clone());
    let lines = line::read(order, context, &currency)?;
    let total = money(order.total_money.as_ref(), "total_money")?;
    let tips = money(order.total_tip_money.as_ref(), "total_tip_money")?;
    let rounding = order.rounding_adjustment.as_ref().and_then(|rounding| rounding.amount_money.as_ref());
    let rounding = money(rounding, "rounding_adjustment")?;
    let (mut paid, mut payments) = tender::read(order, &square_payments, &currency)?;
    let exchanged = repayment::exchange_amount(order, &currency)?;
    if exchanged > Decimal::ZERO {
        paid += exchanged;
        let at = order.last_change()?;
        payments.push(repayment::exchange_payment(order, exchanged, PaymentKind::Sale, &currency, &at));
    }
    let due = order.net_amount_due_money.as_ref();
    let cancelled = order.state.as_deref() == Some("CANCELED");
    let products = square_payments
        .iter()
        .filter_map(|payment| payment.application_details.as_ref()?.square_product.as_deref());
    let channel = channel(order.source.as_ref().and_then(|source| source.name.as_deref()), products);
    let device = square_payments.iter().filter_map(|payment| payment.device_details.as_ref()).next();
    let staff = square_payments
        .iter()
        .find_map(|payment| payment.team_member_id.clone().or(payment.employee_id.clone()));
    let in_store = channel == TILL_CHANNEL;
    let business_date = business_day(settings, order.location_id.as_deref(), &placed_at)?;
    Ok(Order {
        number: order
            .reference_id
            .clone()
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| order.id.clone()),
        channel,
        processed_at: offline.map(|_| created),
        business_date: business_date.filter(|_| in_store),
        natural_key: natural_key(order, &square_payments),
        store: order.location_id.clone(),
        register: device
            .and_then(|device| device.device_id.clone().or(device.device_installation_id.clone())),
        staff_id: staff,
        placed_at,
        presentment_currency: None,
        prices_include_tax: lines.prices_include_tax,
        duties_included: false,
        payment: payment_state(total, paid, &payments, cancelled),
        fulfilment: fulfilment_state(order, cancelled),
        cancelled_at: if cancelled { Some(order.last_change()?) } else { None },
        cancel_reason: None,
        test: false,
        customer: order.customer_id.clone().map(|id| settings.entity(EntityKind::Customer, id)),
        personal: personal(order, lines.attributes),
        lines: lines.lines,
        shipping: vec![],
        payments,
        po_number: None,
        discount_codes: vec![],
        totals: Totals {
            lines: price(lines.subtotal, &currency),
            discounts: price(lines.discounts, &currency),
            shipping: price(Decimal::ZERO, &currency),
            tax: price(lines.tax, &currency),
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

/// `pos` for Square's own tills, else the name of the application that created the order.
fn channel<'a>(source: Option<&str>, mut products: impl Iterator<Item = &'a str>) -> String {
    let till_products = ["SQUARE_POS", "RETAIL", "RESTAURANTS", "TERMINAL_API", "APPOINTMENTS"];
    if products.any(|product| till_products.contains(&product)) {
        return TILL_CHANNEL.into();
    }
    let source = source.unwrap_or_default().to_ascii_lowercase();
    if source.is_empty()
        || source.contains("point of sale")
        || source.contains("register")
        || source.contains("square for ")
    {
        return TILL_CHANNEL.into();
    }
    let words = source.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

fn payment_state(total: Decimal, paid: Decimal, payments: &[Payment], cancelled: bool) -> PaymentState {
    let has_successful = |kind| {
        payments.iter().any(|payment| payment.kind == kind && payment.outcome == PaymentResult::Success)
    };
    if cancelled && paid.is_zero() {
        PaymentState::Voided
    } else if paid >= total {
        PaymentState::Paid
    } else if paid > Decimal::ZERO {
        PaymentState::PartiallyPaid
    } else if has_successful(PaymentKind::Authorization) {
        PaymentState::Authorized
    } else {
        PaymentState::Pending
    }
}

/// The fulfilment state. An order without fulfilments is fulfilled when it is completed.
fn fulfilment_state(order: &payload::Order, cancelled: bool) -> FulfilmentState {
    let is_completed = |fulfilment: &&payload::Fulfillment| fulfilment.state.as_deref() == Some("COMPLETED");
    let valid: Vec<_> = order
        .fulfillments
        .iter()
        .filter(|fulfilment| !matches!(fulfilment.state.as_deref(), Some("CANCELED" | "FAILED")))
        .collect();
    let completed = valid.iter().filter(|fulfilment| is_completed(fulfilment)).count();
    match order.state.as_deref() {
        _ if cancelled => FulfilmentState::Restocked,
        Some("COMPLETED") if valid.is_empty() => FulfilmentState::Fulfilled,
        _ if completed == 0 => FulfilmentState::Unfulfilled,
        _ if completed == valid.len() => FulfilmentState::Fulfilled,
        _ => FulfilmentState::Partial,
    }
}

/// The recipient, and the attributes of the order and its lines.
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
        ..details.map(recipient).unwrap_or_default()
    };
    (personal != Personal::default()).then_some(personal)
}

fn recipient(details: &FulfillmentDetails) -> Personal {
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
