//! Orders and refunds as bodies of Shopify webhooks of 2026-07.
//!
//! Every field the order resource has is there, also the empty ones: a connector meets them all. Money is
//! decimal strings, a `_set` beside it has shop and presentment money; ids are numbers beyond 2^53; a line's
//! `total_discount` says "0.00" though its allocations do not; a refund line's `subtotal` is a float.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::catalogue::PRODUCTS;
use super::order::{
    Address, CURRENCY, Channel, Discount, Line, Order, Payment, Person, Priced, PricedLine, Refund,
};

/// An instant as the shop writes it: whole seconds with the offset of the order's region.
pub(super) fn instant(order: &Order, at: Timestamp) -> String {
    let offset = Offset::from_hours(order.region.utc_offset_hours).unwrap_or(Offset::UTC);
    at.to_zoned(TimeZone::fixed(offset)).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

fn text(amount: Decimal) -> String {
    super::order::cents(amount).to_string()
}

/// An amount in the shop's money and in the customer's.
fn set(order: &Order, amount: Decimal) -> Value {
    let (currency, shown) = match order.region.presentment {
        None => (CURRENCY, text(amount)),
        Some((currency, decimals, rate)) => {
            let shown = amount * Decimal::new(rate, 4);
            let mut shown = shown.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
            shown.rescale(decimals);
            (currency, shown.to_string())
        }
    };
    json!({
        "shop_money": { "amount": text(amount), "currency_code": CURRENCY },
        "presentment_money": { "amount": shown, "currency_code": currency },
    })
}

fn gid(kind: &str, id: u64) -> String {
    format!("gid://shopify/{kind}/{id}")
}

fn address(who: &Person, address: &Address) -> Value {
    let region = address.region;
    json!({
        "first_name": who.first_name, "last_name": who.last_name,
        "name": format!("{} {}", who.first_name, who.last_name), "company": null, "phone": null,
        "address1": address.street, "address2": address.flat, "city": region.city, "zip": address.zip,
        "province": region.province.map(|p| p.0), "province_code": region.province.map(|p| p.1),
        "country": region.country.0, "country_code": region.country.1, "latitude": null, "longitude": null,
    })
}

fn customer(order: &Order, who: &Person) -> Value {
    let mut value = json!({
        "id": who.id, "admin_graphql_api_id": gid("Customer", who.id),
        "created_at": "2024-02-29T12:00:00-05:00", "updated_at": instant(order, order.created),
        "first_name": who.first_name, "last_name": who.last_name, "email": who.email, "phone": null,
        "state": "disabled", "note": null, "verified_email": true, "multipass_identifier": null,
        "tax_exempt": false, "currency": CURRENCY, "tax_exemptions": [],
    });
    let own = order.ship_to.as_ref().filter(|_| order.repeats_address);
    if let (Some(place), Some(fields)) = (own, value.as_object_mut()) {
        let mut place = address(who, place);
        if let Some(place) = place.as_object_mut() {
            place.remove("latitude");
            place.remove("longitude");
            place.insert("id".to_owned(), (who.id + 1).into());
            place.insert("customer_id".to_owned(), who.id.into());
            place.insert("country_name".to_owned(), order.region.country.0.into());
            place.insert("default".to_owned(), true.into());
        }
        fields.insert("default_address".to_owned(), place);
    }
    value
}

fn tax_lines(order: &Order, taxes: &[Decimal]) -> Vec<Value> {
    let kinds = order.region.taxes.iter().zip(taxes);
    kinds
        .map(|((title, points), amount)| {
            json!({
                "title": title, "rate": Decimal::new(*points, 4).to_f64(), "price": text(*amount),
                "price_set": set(order, *amount), "channel_liable": false,
            })
        })
        .collect()
}

fn line_item(order: &Order, line: &Line, priced: &PricedLine, returned: u32) -> Value {
    let article = line.sku.is_some();
    let allocations = priced.allocations.iter();
    let allocations: Vec<Value> = allocations
        .map(|(index, amount)| {
            let amounts = set(order, *amount);
            json!({ "amount": text(*amount), "amount_set": amounts, "discount_application_index": index })
        })
        .collect();
    let properties: Vec<Value> =
        line.engraving.iter().map(|text| json!({ "name": "Engraving", "value": text })).collect();
    let name =
        line.variant.map_or_else(|| line.title.clone(), |variant| format!("{} - {variant}", line.title));
    let ids = article.then(|| {
        let place =
            PRODUCTS.iter().position(|product| line.sku.as_deref() == Some(product.sku)).unwrap_or(99) as u64;
        (7_880_321_196_742_u64 + place, 4_486_012_331_000_u64 + place)
    });
    json!({
        "id": line.id, "admin_graphql_api_id": gid("LineItem", line.id), "attributed_staffs": [],
        "current_quantity": line.quantity - returned, "fulfillable_quantity": line.quantity - returned,
        "fulfillment_service": "manual", "fulfillment_status": null, "gift_card": line.gift_card,
        "grams": line.grams, "name": name, "price": text(line.price), "price_set": set(order, line.price),
        "product_exists": article, "product_id": ids.map(|ids| ids.0), "properties": properties,
        "quantity": line.quantity, "requires_shipping": line.grams > 0, "sales_line_item_group_id": null,
        "sku": line.sku, "taxable": !line.gift_card, "title": line.title, "total_discount": "0.00",
        "total_discount_set": set(order, Decimal::ZERO), "variant_id": ids.map(|ids| ids.1),
        "variant_inventory_management": article.then_some("shopify"), "variant_title": line.variant,
        "vendor": article.then_some("Crossdock Goods"), "tax_lines": tax_lines(order, &priced.taxes),
        "duties": [], "discount_allocations": allocations,
    })
}

fn discount_applications(order: &Order) -> (Vec<Value>, Vec<Value>) {
    let mut codes = vec![];
    let mut applications = vec![];
    for discount in &order.discounts {
        let common = |kind: &str, value: String, value_type: &str| {
            json!({
                "target_type": "line_item", "type": kind, "value": value, "value_type": value_type,
                "allocation_method": "across", "target_selection": "all",
            })
        };
        let (mut application, name, value) = match discount {
            Discount::Percent { code, percent } => {
                codes.push(json!({ "code": code, "amount": format!("{percent}.0"), "type": "percentage" }));
                (common("discount_code", format!("{percent}.0"), "percentage"), "code", *code)
            }
            Discount::Fixed { title, amount } => {
                (common("automatic", text(*amount), "fixed_amount"), "title", *title)
            }
        };
        if let Some(fields) = application.as_object_mut() {
            fields.insert(name.to_owned(), value.into());
        }
        applications.push(application);
    }
    if order.shipping.as_ref().is_some_and(|shipping| shipping.reduced_by > Decimal::ZERO) {
        applications.push(json!({
            "target_type": "shipping_line", "type": "automatic", "title": "Cheaper shipping", "value": "50.0",
            "value_type": "percentage", "allocation_method": "each", "target_selection": "all",
        }));
    }
    (codes, applications)
}

fn shipping_lines(order: &Order, priced: &Priced) -> Vec<Value> {
    let Some(shipping) = &order.shipping else { return vec![] };
    let allocations = if priced.shipping_discount > Decimal::ZERO {
        vec![json!({
            "amount": text(priced.shipping_discount), "amount_set": set(order, priced.shipping_discount),
            "discount_application_index": order.discounts.len(),
        })]
    } else {
        vec![]
    };
    vec![json!({
        "id": shipping.id, "carrier_identifier": null, "code": shipping.title,
        "current_discounted_price_set": set(order, priced.shipping),
        "discounted_price": text(priced.shipping), "discounted_price_set": set(order, priced.shipping),
        "is_removed": false, "phone": null, "price": text(shipping.price),
        "price_set": set(order, shipping.price), "requested_fulfillment_service_id": null,
        "source": "shopify", "title": shipping.title, "tax_lines": tax_lines(order, &priced.shipping_taxes),
        "discount_allocations": allocations,
    })]
}

/// The taxes of the whole order, one a kind.
fn order_tax_lines(order: &Order, priced: &Priced) -> Vec<Value> {
    let sums: Vec<Decimal> = (0..order.region.taxes.len())
        .map(|kind| {
            let lines = priced.lines.iter().filter_map(|line| line.taxes.get(kind)).sum::<Decimal>();
            lines + priced.shipping_taxes.get(kind).copied().unwrap_or_default()
        })
        .collect();
    if priced.tax.is_zero() { vec![] } else { tax_lines(order, &sums) }
}

/// The body of every order topic: the whole order as it is now.
pub(super) fn order(order: &Order, priced: &Priced) -> Value {
    let who = order.customer.as_ref();
    let place = who.zip(order.ship_to.as_ref()).map(|(who, place)| address(who, place));
    let refund_lines = || order.refunds.iter().flat_map(|refund| &refund.lines);
    let weight: u32 = order.lines.iter().map(|line| line.grams * line.quantity).sum();
    let (codes, applications) = discount_applications(order);
    let web = order.channel == Channel::Web;
    let till = order.channel == Channel::Till;
    let browser = web.then_some("203.0.113.77");
    let status = match order.payment {
        Payment::Pending => "pending",
        Payment::Authorized => "authorized",
        Payment::Paid => "paid",
        Payment::PartiallyRefunded => "partially_refunded",
        Payment::Refunded => "refunded",
        Payment::Voided => "voided",
    };
    let lines = order.lines.iter().zip(&priced.lines).enumerate();
    let line_items: Vec<Value> = lines
        .map(|(index, (line, priced))| {
            let returned = refund_lines().filter(|l| l.line == index).map(|l| l.quantity).sum();
            line_item(order, line, priced, returned)
        })
        .collect();
    let refunds: Vec<Value> = order.refunds.iter().map(|one| refund(order, priced, one)).collect();
    let note_attributes: Vec<Value> =
        order.attributes.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let token = format!("{:032x}", u128::from(order.id) * 0x9e37_79b9_7f4a_7c15);
    let mut body = json!({
        "id": order.id, "admin_graphql_api_id": gid("Order", order.id), "app_id": 580_111,
        "browser_ip": browser, "buyer_accepts_marketing": false,
        "cancel_reason": order.cancelled.map(|_| "customer"),
        "cancelled_at": order.cancelled.map(|at| instant(order, at)), "cart_token": null,
        "checkout_token": web.then_some(&token), "closed_at": null,
        "client_details": browser.map(|ip| json!({
            "accept_language": order.region.locale, "browser_height": null, "browser_ip": ip,
            "browser_width": null, "session_hash": null, "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
        })),
        "confirmation_number": format!("X{:08}", order.number), "confirmed": true,
        "contact_email": who.map(|who| &who.email), "created_at": instant(order, order.created),
        "currency": CURRENCY, "customer": who.map(|who| customer(order, who)),
        "customer_locale": order.region.locale, "device_id": till.then_some(11),
        "discount_applications": applications, "discount_codes": codes, "duties_included": false,
        "email": who.map_or("", |who| who.email.as_str()), "estimated_taxes": false,
        "financial_status": status, "fulfillment_status": null, "fulfillments": [], "landing_site": null,
        "landing_site_ref": null, "line_item_groups": [], "line_items": line_items,
        "location_id": till.then_some(655_441_491), "merchant_business_entity_id": "MTY1NTQ0MTQ5MQ",
        "merchant_of_record_app_id": null, "name": format!("#{}", order.number), "note": order.note,
        "note_attributes": note_attributes, "number": order.number - 1000, "order_number": order.number,
    });
    let rest = json!({
        "order_status_url": format!("https://shop.example/orders/{token}/authenticate"),
        "payment_gateway_names": [if till { "cash" } else { order.market().gateway() }], "payment_terms": null,
        "phone": null, "po_number": null,
        "presentment_currency": order.region.presentment.map_or(CURRENCY, |shown| shown.0),
        "processed_at": instant(order, order.created), "reference": null, "referring_site": null,
        "refunds": refunds, "returns": [], "billing_address": place.as_ref().filter(|_| order.repeats_address),
        "shipping_address": place,
        "shipping_lines": shipping_lines(order, priced), "source_identifier": null,
        "source_name": match order.channel {
            Channel::Web => "web",
            Channel::Till => "pos",
            Channel::Draft => "shopify_draft_order",
        },
        "source_url": null, "tags": format!("demo, {}, spring sale", order.market().tag()), "tax_exempt": false,
        "tax_lines": order_tax_lines(order, priced), "taxes_included": order.region.taxes_included,
        "test": false, "token": token, "updated_at": instant(order, order.updated),
        "user_id": till.then_some(548_380_009), "total_weight": weight,
    });
    if let Some(fields) = body.as_object_mut() {
        for part in [rest, totals(order, priced)] {
            if let Value::Object(part) = part {
                fields.extend(part);
            }
        }
    }
    body
}

/// Every sum of an order, at the time of ordering and now, each with its `_set`.
fn totals(order: &Order, priced: &Priced) -> Value {
    let refunded = order.refunded();
    let refund_lines = || order.refunds.iter().flat_map(|refund| &refund.lines);
    let subtotal_now = priced.subtotal - refund_lines().map(|line| line.subtotal).sum::<Decimal>();
    let tax_now = priced.tax - refund_lines().map(|line| line.tax).sum::<Decimal>();
    let total_now = priced.total - refunded;
    let discounts = priced.line_discounts + priced.shipping_discount;
    let outstanding = match order.payment {
        Payment::Pending | Payment::Authorized => priced.total,
        _ => Decimal::ZERO,
    };
    json!({
        "total_tip_received": text(order.tip), "total_outstanding": text(outstanding),
        "total_line_items_price": text(priced.gross), "total_discounts": text(discounts),
        "subtotal_price": text(priced.subtotal), "total_tax": text(priced.tax),
        "total_price": text(priced.total), "current_subtotal_price": text(subtotal_now),
        "current_total_discounts": text(discounts), "current_total_tax": text(tax_now),
        "current_total_price": text(total_now),
        "total_line_items_price_set": set(order, priced.gross), "total_discounts_set": set(order, discounts),
        "subtotal_price_set": set(order, priced.subtotal), "total_tax_set": set(order, priced.tax),
        "total_price_set": set(order, priced.total), "current_subtotal_price_set": set(order, subtotal_now),
        "current_total_discounts_set": set(order, discounts), "current_total_tax_set": set(order, tax_now),
        "current_total_price_set": set(order, total_now),
        "total_shipping_price_set": set(order, priced.shipping),
        "current_shipping_price_set": set(order, priced.shipping),
        "total_cash_rounding_payment_adjustment_set": set(order, Decimal::ZERO),
        "total_cash_rounding_refund_adjustment_set": set(order, Decimal::ZERO),
        "current_total_additional_fees_set": null, "original_total_additional_fees_set": null,
        "current_total_duties_set": null, "original_total_duties_set": null,
    })
}

/// The body of `refunds/create`.
pub(super) fn refund(order: &Order, priced: &Priced, refund: &Refund) -> Value {
    let at = instant(order, refund.at);
    let lines: Vec<Value> = refund
        .lines
        .iter()
        .filter_map(|one| {
            let (line, priced) = (order.lines.get(one.line)?, priced.lines.get(one.line)?);
            Some(json!({
                "id": one.id, "line_item_id": line.id, "quantity": one.quantity,
                "restock_type": one.restock_type, "location_id": (one.restock_type != "no_restock").then_some(655_441_491),
                "subtotal": one.subtotal.to_f64(), "subtotal_set": set(order, one.subtotal),
                "total_tax": one.tax.to_f64(), "total_tax_set": set(order, one.tax),
                "line_item": line_item(order, line, priced, 0),
            }))
        })
        .collect();
    let payments = refund.paid_back.iter().map(|amount| (amount, "success"));
    let payments = payments.chain(refund.failed.iter().map(|amount| (amount, "failure")));
    let transactions: Vec<Value> = payments
        .zip(refund.id + 1..)
        .map(|((amount, status), id)| {
            json!({
                "id": id, "admin_graphql_api_id": gid("OrderTransaction", id), "order_id": order.id,
                "kind": "refund", "status": status, "amount": text(*amount), "currency": CURRENCY,
                "gateway": order.market().gateway(), "authorization": null, "created_at": at, "processed_at": at,
                "device_id": null, "error_code": (status == "failure").then_some("processing_error"),
                "location_id": null, "manual_payment_gateway": false, "message": null, "parent_id": null,
                "payment_id": format!("#{}.1", order.number), "receipt": {}, "source_name": "1830279",
                "test": false, "user_id": null,
            })
        })
        .collect();
    let adjustments: Vec<Value> = if refund.discrepancy.is_zero() {
        vec![]
    } else {
        vec![json!({
            "id": refund.id + 9, "order_id": order.id, "refund_id": refund.id, "kind": "refund_discrepancy",
            "reason": "Refund discrepancy", "amount": text(refund.discrepancy),
            "amount_set": set(order, refund.discrepancy), "tax_amount": "0.00",
            "tax_amount_set": set(order, Decimal::ZERO),
        })]
    };
    json!({
        "id": refund.id, "admin_graphql_api_id": gid("Refund", refund.id), "order_id": order.id,
        "created_at": at, "processed_at": at, "note": refund.note, "user_id": 548_380_009, "duties": [],
        "total_duties_set": set(order, Decimal::ZERO), "return": null,
        "restock": refund.lines.iter().any(|line| line.restock_type != "no_restock"),
        "refund_shipping_lines": [], "order_adjustments": adjustments, "refund_line_items": lines,
        "transactions": transactions,
    })
}
