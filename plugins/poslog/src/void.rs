//! A sale that was taken back as a whole, right after it: the order is cancelled.
//!
//! Tills say it in two ways: the sale itself is told again, flagged; or a transaction of its own names the sale,
//! with or without repeating its lines.

use crossdock_sdk::prelude::*;

use crate::basket::Basket;
use crate::goods::Link;
use crate::reading;
use crate::sale::{self, price};
use crate::transaction::Head;
use crate::xml::{self, Node};

/// The sale that is voided.
pub(crate) struct Voided {
    /// Its key.
    pub key: String,
    /// Why, in the till's word.
    reason: String,
}

/// What the transaction voids. Absent when it voids nothing.
pub(crate) fn of(head: &Head<'_>, retail: Node<'_>) -> Result<Option<Voided>, Problem> {
    let status = xml::attribute(retail, "TransactionStatus").unwrap_or_default();
    let flagged = xml::flag(head.node, "VoidFlag")
        || xml::flag(retail, "VoidFlag")
        || matches!(status, "Voided" | "PostVoided");
    let links =
        || xml::children(retail, "TransactionLink").chain(xml::children(head.node, "TransactionLink"));
    let reason = |link: Node<'_>| xml::attribute(link, "ReasonCode").unwrap_or_default().to_ascii_lowercase();
    let voids = |link: &Node<'_>| {
        let reason = reason(*link);
        reason.contains("void") || reason.starts_with("cancel")
    };
    let other = |link: &Node<'_>| {
        flagged && !["resume", "return", "suspend"].iter().any(|word| reason(*link).starts_with(word))
    };
    let Some(node) = links().find(voids).or_else(|| links().find(other)) else {
        let own = || Voided { key: head.key.clone(), reason: "void".into() };
        return Ok(flagged.then(own));
    };
    let Some(link) = Link::read(head, node)? else {
        let message = "it voids a sale and does not name it: its date or its number is missing";
        return Err(Problem::new("void-of-nothing", message).at(xml::place(node)));
    };
    let reason = xml::attribute(node, "ReasonCode").unwrap_or("void").to_owned();
    Ok(Some(Voided { key: link.sale, reason }))
}

/// `order.cancelled` of the voided sale. The snapshot is the sale as the file has it, or as the void repeats it;
/// where neither does, a single line stands for it, which says no more than how much it was.
///
/// # Errors
/// `void-of-return` where goods were brought back: that was told as a refund, and no event takes a refund back.
pub(crate) fn event(
    head: &Head<'_>,
    retail: Node<'_>,
    voided: &Voided,
    original: Option<&(Head<'_>, Node<'_>)>,
) -> Result<Event, Problem> {
    let back = match original {
        Some((head, retail)) => Basket::read(head, *retail)?.returned().next().is_some(),
        None => brought_back(retail),
    };
    if back {
        let message = format!(
            "it voids {}, where goods were brought back: nothing takes a refund back. Take both out of the file, or \
             put it right in the books and take the void out",
            voided.key
        );
        return Err(Problem::new("void-of-return", message).at(xml::place(retail)));
    }
    let at = head.at()?;
    let known = original.and_then(|(head, retail)| snapshot(head, Basket::read(head, *retail).ok()?));
    let repeated = || snapshot(head, Basket::read_mirrored(head, retail).ok()?);
    let mut order = match known.or_else(repeated) {
        Some(order) => order,
        None => unnamed(head, retail, &at)?,
    };
    let mut parts = voided.key.split('/').map(str::to_owned);
    if voided.key != head.key {
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
        entity: head.order(&voided.key),
        parent: None,
        version: Some(Version::at(at.clone())),
        occurred_at: at,
        fact: Fact::cancelled(order),
    })
}

/// Whether a void repeats goods that had been brought back. Its signs do not tell: they may be turned round.
fn brought_back(retail: Node<'_>) -> bool {
    let reason = |link: Node<'_>| xml::attribute(link, "ReasonCode").unwrap_or_default().to_ascii_lowercase();
    let named = |node: Node<'_>| {
        xml::children(node, "TransactionLink").any(|link| reason(link).starts_with("return"))
    };
    let lines = xml::children(retail, "LineItem").filter(|line| !xml::flag(*line, "CancelFlag"));
    let mut goods = lines.flat_map(|line| line.children()).filter(roxmltree::Node::is_element);
    named(retail) || goods.any(|goods| xml::is(goods, "Return") || xml::is(goods, "Sale") && named(goods))
}

/// The order that a basket is. Absent where nothing was sold, or it does not add up: a void is a void, whatever
/// it was of.
fn snapshot(head: &Head<'_>, basket: Basket<'_>) -> Option<Order> {
    basket.sold().next()?;
    let reading = reading::choose(&basket, head.settings).ok()?;
    let moved = crate::tender::settle(head, &basket, &reading).ok()?;
    sale::order(head, &basket, &reading, &moved).ok()
}

fn unnamed(head: &Head<'_>, retail: Node<'_>, at: &str) -> Result<Order, Problem> {
    let currency = head.currency(retail)?;
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
        number: head.key.replace('/', "-"),
        channel: "pos".into(),
        placed_at: at.to_owned(),
        processed_at: None,
        business_date: Some(head.date.clone()),
        natural_key: None,
        store: Some(head.store.to_owned()),
        register: Some(head.register.to_owned()),
        staff_id: xml::text(head.node, "OperatorID").map(str::to_owned),
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
