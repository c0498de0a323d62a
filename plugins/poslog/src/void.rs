//! A void of a whole sale: the order is cancelled.
//!
//! Tills write it in two ways: they repeat the sale with a void flag; or a separate transaction links to the sale, with
//! or without repeating its lines.

use crossdock_sdk::prelude::*;

use crate::amount::price;
use crate::basket::{self, Basket};
use crate::header::Header;
use crate::interpretation::interpret;
use crate::link::{self, SaleLink};
use crate::payments::Payments;
use crate::sale;
use crate::xml::{self, Node};

/// A voided sale.
pub(crate) struct VoidedSale {
    /// The sale's key.
    pub key: String,
    /// The till's reason.
    reason: String,
}

/// The sale that a transaction voids. Absent when the transaction is not a void.
///
/// # Errors
/// `void-of-nothing` when the void does not identify the sale.
pub(crate) fn voided_sale(header: &Header<'_>, retail: Node<'_>) -> Result<Option<VoidedSale>, Problem> {
    let status = xml::attribute(retail, "TransactionStatus").unwrap_or_default();
    let flagged = xml::flag(header.node, "VoidFlag")
        || xml::flag(retail, "VoidFlag")
        || matches!(status, "Voided" | "PostVoided");
    let links =
        || xml::children(retail, "TransactionLink").chain(xml::children(header.node, "TransactionLink"));
    let is_void_link = |link: &Node<'_>| {
        let reason = link::reason(*link);
        reason.contains("void") || reason.starts_with("cancel")
    };
    let is_unspecified_link = |link: &Node<'_>| {
        flagged && !["resume", "return", "suspend"].iter().any(|word| link::reason(*link).starts_with(word))
    };
    let Some(node) = links().find(is_void_link).or_else(|| links().find(is_unspecified_link)) else {
        let itself = || VoidedSale { key: header.key.clone(), reason: "void".into() };
        return Ok(flagged.then(itself));
    };
    let Some(link) = SaleLink::read(header, node)? else {
        let message = "it voids a sale without identifying it: the date or the sequence number is missing";
        return Err(Problem::new("void-of-nothing", message).at(xml::path(node)));
    };
    let reason = xml::attribute(node, "ReasonCode").unwrap_or("void").to_owned();
    Ok(Some(VoidedSale { key: link.sale, reason }))
}

/// The `order.cancelled` event of a voided sale. The snapshot is the sale in the same file, else the lines that the void
/// repeats, else a single line with the total.
///
/// # Errors
/// `void-of-return` where goods were returned: they were reported as a refund, and no event reverses a refund.
pub(crate) fn event(
    header: &Header<'_>,
    retail: Node<'_>,
    voided: &VoidedSale,
    original: Option<&(Header<'_>, Node<'_>)>,
) -> Result<Event, Problem> {
    let has_returns = match original {
        Some((header, retail)) => Basket::read(header, *retail)?.returned().next().is_some(),
        None => basket::has_return_lines(retail),
    };
    if has_returns {
        let message = format!(
            "it voids {}, which contains returns, and a refund cannot be reversed. Remove both transactions from the \
             file, or correct the books by hand and remove the void",
            voided.key
        );
        return Err(Problem::new("void-of-return", message).at(xml::path(retail)));
    }
    let at = header.time()?;
    let in_file = original.and_then(|(header, retail)| snapshot(header, Basket::read(header, *retail).ok()?));
    let repeated = || snapshot(header, Basket::read_ignoring_signs(header, retail).ok()?);
    let mut order = match in_file.or_else(repeated) {
        Some(order) => order,
        None => total_only(header, retail, &at)?,
    };
    let mut parts = voided.key.split('/').map(str::to_owned);
    if voided.key != header.key {
        (order.store, order.register, order.business_date) = (parts.next(), parts.next(), parts.next());
        if let (Some(store), Some(register), Some(number)) = (&order.store, &order.register, parts.next()) {
            order.number = format!("{store}-{register}-{number}");
        }
    }
    order.natural_key = Some(voided.key.clone());
    order.payment = PaymentState::Voided;
    order.fulfilment = FulfilmentState::Restocked;
    order.cancelled_at = Some(at.clone());
    order.cancel_reason = Some(voided.reason.clone());
    order.totals.outstanding = None;
    Ok(Event {
        entity: header.order(&voided.key),
        parent: None,
        version: Some(Version::at(at.clone())),
        occurred_at: at,
        fact: Fact::cancelled(order),
    })
}

/// The order of a basket. Absent where nothing was sold or the amounts do not balance: the void is valid all the same.
fn snapshot(header: &Header<'_>, basket: Basket<'_>) -> Option<Order> {
    basket.sold().next()?;
    let interpretation = interpret(&basket, header.settings).ok()?;
    let payments = Payments::of(header, &basket, &interpretation).ok()?;
    sale::order(header, &basket, &interpretation, &payments).ok()
}

/// An order of a single line with the printed total.
fn total_only(header: &Header<'_>, retail: Node<'_>, at: &str) -> Result<Order, Problem> {
    let currency = header.currency(retail)?;
    let total = xml::children(retail, "Total").find(|total| {
        xml::attribute(*total, "TotalType").is_some_and(|kind| kind == "TransactionGrandAmount")
    });
    let total = total.map(xml::number_in).transpose()?.flatten().unwrap_or_default().abs();
    let money = |amount: Decimal| price(amount, &currency);
    let line = Line {
        id: "1".into(),
        kind: LineKind::Custom,
        sku: None,
        product_id: None,
        variant_id: None,
        gtin: None,
        title: "voided sale".into(),
        quantity: "1".into(),
        current_quantity: None,
        unit: None,
        unit_price: money(total),
        regular_price: None,
        discounts: vec![],
        taxes: vec![],
        duties: vec![],
        taxable: false,
        ships: false,
        grams: None,
        bundle: None,
        location: None,
    };
    let zero = money(Decimal::ZERO);
    Ok(Order {
        number: header.key.replace('/', "-"),
        channel: "pos".into(),
        placed_at: at.to_owned(),
        processed_at: None,
        business_date: Some(header.date.clone()),
        natural_key: None,
        store: Some(header.store.to_owned()),
        register: Some(header.register.to_owned()),
        staff_id: xml::text(header.node, "OperatorID").map(str::to_owned),
        currency: currency.clone(),
        presentment_currency: None,
        prices_include_tax: false,
        duties_included: false,
        payment: PaymentState::Voided,
        fulfilment: FulfilmentState::Restocked,
        cancelled_at: None,
        cancel_reason: None,
        test: false,
        customer: None,
        personal: None,
        lines: vec![line],
        shipping: vec![],
        payments: vec![],
        po_number: None,
        discount_codes: vec![],
        totals: Totals {
            lines: money(total),
            discounts: zero.clone(),
            shipping: zero.clone(),
            tax: zero,
            tips: None,
            duties: None,
            cash_rounding: None,
            total: money(total),
            outstanding: None,
        },
        tags: vec![],
        exchange_of: None,
        extensions: None,
    })
}
