//! Shopify's records, with the fields that are read. Other fields are skipped.

use crossdock_sdk::prelude::Problem;
use serde::Deserialize;

use crate::text::{Id, List, Text};

/// Parses a text. The problem names the position and the expected type, never the value: that may be personal data.
pub(crate) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Problem> {
    serde_json::from_str(text).map_err(|error| {
        let text = error.to_string();
        let message = match text.split_once(", expected ") {
            Some((_, expected)) => format!("expected {expected}"),
            None if text.starts_with("invalid") => format!("a value is invalid at column {}", error.column()),
            None => text,
        };
        Problem::new("body-unreadable", message)
    })
}

/// An amount in the shop's currency and in the customer's.
#[derive(Deserialize)]
pub(crate) struct Set<'a> {
    #[serde(borrow)]
    pub(crate) shop_money: Amount<'a>,
    pub(crate) presentment_money: Option<Amount<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Amount<'a> {
    #[serde(borrow)]
    pub(crate) amount: Text<'a>,
    pub(crate) currency_code: Text<'a>,
}

#[derive(Deserialize)]
pub(crate) struct Order<'a> {
    #[serde(borrow)]
    pub(crate) id: Id<'a>,
    pub(crate) name: Text<'a>,
    pub(crate) created_at: Text<'a>,
    pub(crate) updated_at: Text<'a>,
    pub(crate) processed_at: Option<Text<'a>>,
    pub(crate) cancelled_at: Option<Text<'a>>,
    pub(crate) cancel_reason: Option<Text<'a>>,
    pub(crate) currency: Text<'a>,
    pub(crate) presentment_currency: Option<Text<'a>>,
    pub(crate) taxes_included: Option<bool>,
    pub(crate) duties_included: Option<bool>,
    pub(crate) test: Option<bool>,
    pub(crate) financial_status: Option<Text<'a>>,
    pub(crate) fulfillment_status: Option<Text<'a>>,
    pub(crate) source_name: Option<Text<'a>>,
    pub(crate) app_id: Option<Id<'a>>,
    pub(crate) location_id: Option<Id<'a>>,
    pub(crate) device_id: Option<Id<'a>>,
    pub(crate) user_id: Option<Id<'a>>,
    pub(crate) company: Option<Company<'a>>,
    pub(crate) po_number: Option<Text<'a>>,
    pub(crate) tags: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) line_items: List<Line<'a>>,
    #[serde(default)]
    pub(crate) shipping_lines: List<ShippingLine<'a>>,
    #[serde(default)]
    pub(crate) discount_applications: List<DiscountApplication<'a>>,
    #[serde(default)]
    pub(crate) discount_codes: List<DiscountCode<'a>>,
    #[serde(default)]
    pub(crate) note_attributes: List<Property<'a>>,
    #[serde(default)]
    pub(crate) payment_gateway_names: List<Text<'a>>,
    #[serde(default)]
    pub(crate) transactions: List<Transaction<'a>>,
    pub(crate) total_line_items_price: Option<Text<'a>>,
    pub(crate) total_line_items_price_set: Option<Set<'a>>,
    pub(crate) total_discounts: Option<Text<'a>>,
    pub(crate) total_discounts_set: Option<Set<'a>>,
    pub(crate) total_tax: Option<Text<'a>>,
    pub(crate) total_tax_set: Option<Set<'a>>,
    pub(crate) total_tip_received: Option<Text<'a>>,
    pub(crate) original_total_duties_set: Option<Set<'a>>,
    pub(crate) total_cash_rounding_payment_adjustment_set: Option<Set<'a>>,
    pub(crate) total_price: Option<Text<'a>>,
    pub(crate) total_price_set: Option<Set<'a>>,
    pub(crate) total_outstanding: Option<Text<'a>>,
    // Personal.
    pub(crate) customer: Option<Customer<'a>>,
    pub(crate) billing_address: Option<Address<'a>>,
    pub(crate) shipping_address: Option<Address<'a>>,
    pub(crate) email: Option<Text<'a>>,
    pub(crate) contact_email: Option<Text<'a>>,
    pub(crate) phone: Option<Text<'a>>,
    pub(crate) customer_locale: Option<Text<'a>>,
    pub(crate) note: Option<Text<'a>>,
    pub(crate) browser_ip: Option<Text<'a>>,
    pub(crate) client_details: Option<ClientDetails<'a>>,
    pub(crate) order_status_url: Option<Text<'a>>,
    pub(crate) payment_details: Option<PaymentDetails<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Line<'a> {
    #[serde(borrow)]
    pub(crate) id: Id<'a>,
    pub(crate) title: Option<Text<'a>>,
    pub(crate) name: Option<Text<'a>>,
    pub(crate) sku: Option<Text<'a>>,
    pub(crate) vendor: Option<Text<'a>>,
    pub(crate) product_id: Option<Id<'a>>,
    pub(crate) variant_id: Option<Id<'a>>,
    pub(crate) quantity: u64,
    pub(crate) current_quantity: Option<u64>,
    pub(crate) price: Option<Text<'a>>,
    pub(crate) price_set: Option<Set<'a>>,
    pub(crate) total_discount: Option<Text<'a>>,
    pub(crate) total_discount_set: Option<Set<'a>>,
    /// Absent in older versions, which have only `total_discount`.
    pub(crate) discount_allocations: Option<List<Allocation<'a>>>,
    #[serde(default)]
    pub(crate) tax_lines: List<TaxLine<'a>>,
    #[serde(default)]
    pub(crate) duties: List<Duty<'a>>,
    pub(crate) gift_card: Option<bool>,
    pub(crate) tip_payment_gateway: Option<Text<'a>>,
    pub(crate) tip_payment_method: Option<Text<'a>>,
    pub(crate) taxable: Option<bool>,
    pub(crate) requires_shipping: Option<bool>,
    pub(crate) grams: Option<u64>,
    pub(crate) sales_line_item_group_id: Option<Id<'a>>,
    pub(crate) parent_line_item_id: Option<Id<'a>>,
    #[serde(default)]
    pub(crate) properties: List<Property<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct ShippingLine<'a> {
    /// Absent in the oldest versions.
    #[serde(borrow)]
    pub(crate) id: Option<Id<'a>>,
    pub(crate) title: Option<Text<'a>>,
    pub(crate) code: Option<Text<'a>>,
    pub(crate) price: Option<Text<'a>>,
    pub(crate) price_set: Option<Set<'a>>,
    pub(crate) discounted_price: Option<Text<'a>>,
    pub(crate) discounted_price_set: Option<Set<'a>>,
    #[serde(default)]
    pub(crate) discount_allocations: List<Allocation<'a>>,
    #[serde(default)]
    pub(crate) tax_lines: List<TaxLine<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Allocation<'a> {
    #[serde(borrow)]
    pub(crate) amount: Option<Text<'a>>,
    pub(crate) amount_set: Option<Set<'a>>,
    pub(crate) discount_application_index: Option<usize>,
}

#[derive(Deserialize)]
pub(crate) struct DiscountApplication<'a> {
    #[serde(borrow)]
    pub(crate) code: Option<Text<'a>>,
    pub(crate) title: Option<Text<'a>>,
    pub(crate) description: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct DiscountCode<'a> {
    #[serde(borrow)]
    pub(crate) code: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct TaxLine<'a> {
    #[serde(borrow)]
    pub(crate) title: Option<Text<'a>>,
    /// The only float that is read: a rate is not an amount, and is not used in calculations.
    pub(crate) rate: Option<f64>,
    pub(crate) price: Option<Text<'a>>,
    pub(crate) price_set: Option<Set<'a>>,
    pub(crate) channel_liable: Option<bool>,
}

#[derive(Deserialize)]
pub(crate) struct Duty<'a> {
    #[serde(borrow)]
    pub(crate) shop_money: Amount<'a>,
    pub(crate) presentment_money: Option<Amount<'a>>,
    #[serde(default)]
    pub(crate) tax_lines: List<TaxLine<'a>>,
}

/// An attribute of an order or a line. The value may be any JSON.
#[derive(Deserialize)]
pub(crate) struct Property<'a> {
    #[serde(borrow)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) value: serde_json::Value,
}

#[derive(Deserialize)]
pub(crate) struct Company<'a> {
    #[serde(borrow)]
    pub(crate) id: Option<Id<'a>>,
    pub(crate) location_id: Option<Id<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Customer<'a> {
    #[serde(borrow)]
    pub(crate) id: Option<Id<'a>>,
    pub(crate) first_name: Option<Text<'a>>,
    pub(crate) last_name: Option<Text<'a>>,
    pub(crate) email: Option<Text<'a>>,
    pub(crate) phone: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Address<'a> {
    #[serde(borrow)]
    pub(crate) name: Option<Text<'a>>,
    pub(crate) first_name: Option<Text<'a>>,
    pub(crate) last_name: Option<Text<'a>>,
    pub(crate) company: Option<Text<'a>>,
    pub(crate) address1: Option<Text<'a>>,
    pub(crate) address2: Option<Text<'a>>,
    pub(crate) city: Option<Text<'a>>,
    pub(crate) province: Option<Text<'a>>,
    pub(crate) province_code: Option<Text<'a>>,
    pub(crate) zip: Option<Text<'a>>,
    pub(crate) country_code: Option<Text<'a>>,
    pub(crate) phone: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct ClientDetails<'a> {
    #[serde(borrow)]
    pub(crate) browser_ip: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct PaymentDetails<'a> {
    #[serde(borrow)]
    pub(crate) credit_card_number: Option<Text<'a>>,
    pub(crate) credit_card_company: Option<Text<'a>>,
    pub(crate) credit_card_wallet: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Transaction<'a> {
    #[serde(borrow)]
    pub(crate) id: Id<'a>,
    pub(crate) kind: Text<'a>,
    pub(crate) status: Text<'a>,
    pub(crate) gateway: Option<Text<'a>>,
    pub(crate) amount: Text<'a>,
    pub(crate) currency: Option<Text<'a>>,
    pub(crate) created_at: Text<'a>,
    pub(crate) processed_at: Option<Text<'a>>,
    pub(crate) authorization: Option<Text<'a>>,
    pub(crate) parent_id: Option<Id<'a>>,
    pub(crate) location_id: Option<Id<'a>>,
    pub(crate) test: Option<bool>,
    pub(crate) payment_details: Option<PaymentDetails<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Edit<'a> {
    #[serde(borrow)]
    pub(crate) id: Id<'a>,
    pub(crate) order_id: Id<'a>,
    pub(crate) created_at: Text<'a>,
    pub(crate) committed_at: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) line_items: Changes<'a>,
    #[serde(default)]
    pub(crate) shipping_lines: Changes<'a>,
    #[serde(default)]
    pub(crate) discounts: Discounts<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Discounts<'a> {
    #[serde(borrow)]
    pub(crate) line_item: Changes<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Changes<'a> {
    #[serde(borrow)]
    pub(crate) additions: List<Change<'a>>,
    pub(crate) removals: List<Change<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Change<'a> {
    #[serde(borrow)]
    pub(crate) id: Option<Id<'a>>,
    pub(crate) delta: Option<i64>,
}

#[derive(Deserialize)]
pub(crate) struct Refund<'a> {
    #[serde(borrow)]
    pub(crate) id: Id<'a>,
    pub(crate) order_id: Id<'a>,
    pub(crate) created_at: Text<'a>,
    pub(crate) processed_at: Option<Text<'a>>,
    pub(crate) note: Option<Text<'a>>,
    pub(crate) restock: Option<bool>,
    #[serde(rename = "return")]
    pub(crate) returned: Option<Return<'a>>,
    #[serde(default)]
    pub(crate) refund_line_items: List<RefundLine<'a>>,
    #[serde(default)]
    pub(crate) order_adjustments: List<Adjustment<'a>>,
    #[serde(default)]
    pub(crate) refund_shipping_lines: List<RefundShipping<'a>>,
    #[serde(default)]
    pub(crate) duties: List<RefundDuty<'a>>,
    pub(crate) total_duties_set: Option<Set<'a>>,
    #[serde(default)]
    pub(crate) transactions: List<Transaction<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Return<'a> {
    #[serde(borrow)]
    pub(crate) id: Option<Id<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct RefundLine<'a> {
    #[serde(borrow)]
    pub(crate) id: Id<'a>,
    pub(crate) line_item_id: Id<'a>,
    pub(crate) quantity: u64,
    pub(crate) restock_type: Option<Text<'a>>,
    pub(crate) location_id: Option<Id<'a>>,
    pub(crate) subtotal_set: Option<Set<'a>>,
    pub(crate) total_tax_set: Option<Set<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Adjustment<'a> {
    #[serde(borrow)]
    pub(crate) id: Id<'a>,
    pub(crate) kind: Option<Text<'a>>,
    pub(crate) reason: Option<Text<'a>>,
    pub(crate) amount: Option<Text<'a>>,
    pub(crate) amount_set: Option<Set<'a>>,
    pub(crate) tax_amount: Option<Text<'a>>,
    pub(crate) tax_amount_set: Option<Set<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct RefundShipping<'a> {
    #[serde(borrow)]
    pub(crate) id: Option<Id<'a>>,
    pub(crate) shipping_line_id: Option<Id<'a>>,
    pub(crate) subtotal_amount_set: Option<Set<'a>>,
    pub(crate) tax_amount_set: Option<Set<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct RefundDuty<'a> {
    #[serde(borrow)]
    pub(crate) amount_set: Option<Set<'a>>,
}
