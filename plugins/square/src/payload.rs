//! Square's records, with the fields that are read. A `null` counts as absent; absent lists are empty.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;
use serde::de::Deserializer;
use serde::{Deserialize, de::DeserializeOwned};

/// Parses a body. The problem names the position and the expected type, never the value.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| unreadable(&error))
}

/// Parses a part of a body.
pub(crate) fn part<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, Problem> {
    serde_json::from_value(value).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let message = match text.split_once(", expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None if text.starts_with("invalid") => format!("a value is invalid at column {}", error.column()),
        None => text,
    };
    Problem::new("body-unreadable", message)
}

/// Deserializes a list that may be absent or `null`.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// An amount as an integer in the currency's smallest unit.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Money {
    pub amount: Option<i64>,
    pub currency: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Order {
    pub id: String,
    pub location_id: Option<String>,
    pub reference_id: Option<String>,
    pub source: Option<Named>,
    pub customer_id: Option<String>,
    #[serde(default, deserialize_with = "list")]
    pub line_items: Vec<LineItem>,
    #[serde(default, deserialize_with = "list")]
    pub taxes: Vec<Tax>,
    #[serde(default, deserialize_with = "list")]
    pub discounts: Vec<Discount>,
    #[serde(default, deserialize_with = "list")]
    pub service_charges: Vec<ServiceCharge>,
    #[serde(default, deserialize_with = "list")]
    pub fulfillments: Vec<Fulfillment>,
    #[serde(default, deserialize_with = "list")]
    pub returns: Vec<Return>,
    #[serde(default, deserialize_with = "list")]
    pub tenders: Vec<Tender>,
    #[serde(default, deserialize_with = "list")]
    pub refunds: Vec<OrderRefund>,
    pub rounding_adjustment: Option<Rounding>,
    pub metadata: Option<BTreeMap<String, String>>,
    pub created_at: Option<String>,
    pub updated_at: Option<String>,
    pub state: Option<String>,
    pub version: Option<u64>,
    pub total_money: Option<Money>,
    pub total_tip_money: Option<Money>,
    pub net_amount_due_money: Option<Money>,
}

impl Order {
    /// When the order last changed, by Square's clock.
    ///
    /// # Errors
    /// `time-missing` when the order has neither a time of change nor one of creation.
    pub(crate) fn last_change(&self) -> Result<String, Problem> {
        let at = self.updated_at.as_ref().or(self.created_at.as_ref());
        at.cloned().ok_or_else(|| {
            Problem::new("time-missing", "the order has no time of its last change").at("updated_at")
        })
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    pub name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct LineItem {
    pub uid: Option<String>,
    pub name: Option<String>,
    pub variation_name: Option<String>,
    pub note: Option<String>,
    pub quantity: String,
    pub quantity_unit: Option<QuantityUnit>,
    pub catalog_object_id: Option<String>,
    pub item_type: Option<String>,
    #[serde(default, deserialize_with = "list")]
    pub modifiers: Vec<Named>,
    #[serde(default, deserialize_with = "list")]
    pub applied_taxes: Vec<AppliedTax>,
    #[serde(default, deserialize_with = "list")]
    pub applied_discounts: Vec<AppliedDiscount>,
    pub base_price_money: Option<Money>,
    pub total_tax_money: Option<Money>,
    pub total_discount_money: Option<Money>,
    pub total_money: Option<Money>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct QuantityUnit {
    pub measurement_unit: Option<MeasurementUnit>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct MeasurementUnit {
    pub weight_unit: Option<String>,
    pub volume_unit: Option<String>,
    pub length_unit: Option<String>,
    pub area_unit: Option<String>,
    pub time_unit: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct AppliedTax {
    pub tax_uid: Option<String>,
    pub applied_money: Option<Money>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct AppliedDiscount {
    pub discount_uid: Option<String>,
    pub applied_money: Option<Money>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Tax {
    pub uid: Option<String>,
    pub name: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub percentage: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Discount {
    pub uid: Option<String>,
    pub name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ServiceCharge {
    pub uid: Option<String>,
    pub name: Option<String>,
    pub treatment_type: Option<String>,
    pub total_money: Option<Money>,
    pub total_tax_money: Option<Money>,
    #[serde(default, deserialize_with = "list")]
    pub applied_taxes: Vec<AppliedTax>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Fulfillment {
    pub state: Option<String>,
    pub shipment_details: Option<FulfillmentDetails>,
    pub pickup_details: Option<FulfillmentDetails>,
    pub delivery_details: Option<FulfillmentDetails>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct FulfillmentDetails {
    pub recipient: Option<Recipient>,
    pub note: Option<String>,
    pub shipping_note: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Recipient {
    pub display_name: Option<String>,
    pub email_address: Option<String>,
    pub phone_number: Option<String>,
    pub address: Option<Address>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Address {
    pub address_line_1: Option<String>,
    pub address_line_2: Option<String>,
    pub address_line_3: Option<String>,
    pub locality: Option<String>,
    pub administrative_district_level_1: Option<String>,
    pub postal_code: Option<String>,
    pub country: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Return {
    pub source_order_id: Option<String>,
    #[serde(default, deserialize_with = "list")]
    pub return_line_items: Vec<ReturnLineItem>,
    #[serde(default, deserialize_with = "list")]
    pub return_service_charges: Vec<ServiceCharge>,
    #[serde(default, deserialize_with = "list")]
    pub return_tips: Vec<ReturnTip>,
    pub rounding_adjustment: Option<Rounding>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ReturnLineItem {
    pub uid: Option<String>,
    pub source_line_item_uid: Option<String>,
    pub quantity: String,
    pub total_tax_money: Option<Money>,
    pub total_money: Option<Money>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ReturnTip {
    pub uid: Option<String>,
    pub applied_money: Option<Money>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Rounding {
    pub amount_money: Option<Money>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Tender {
    pub id: Option<String>,
    pub payment_id: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub note: Option<String>,
    pub created_at: Option<String>,
    pub amount_money: Option<Money>,
    pub card_details: Option<CardDetails>,
    pub cash_details: Option<CashDetails>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CardDetails {
    pub status: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CashDetails {
    pub buyer_tendered_money: Option<Money>,
    pub change_back_money: Option<Money>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct OrderRefund {
    pub id: Option<String>,
    pub tender_id: Option<String>,
    pub created_at: Option<String>,
    pub amount_money: Option<Money>,
    pub status: Option<String>,
}

/// A payment of a notification or a response.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Payment {
    pub id: String,
    pub created_at: Option<String>,
    pub order_id: Option<String>,
    pub status: Option<String>,
    pub team_member_id: Option<String>,
    pub employee_id: Option<String>,
    pub reference_id: Option<String>,
    pub note: Option<String>,
    #[serde(default)]
    pub is_offline_payment: bool,
    pub offline_payment_details: Option<OfflineDetails>,
    pub device_details: Option<Device>,
    pub application_details: Option<Application>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct OfflineDetails {
    pub client_created_at: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Device {
    pub device_id: Option<String>,
    pub device_installation_id: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Application {
    pub square_product: Option<String>,
}

/// A refund of a notification.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Refund {
    pub id: String,
    pub status: Option<String>,
    pub location_id: Option<String>,
    pub order_id: Option<String>,
    pub payment_id: Option<String>,
    pub destination_type: Option<String>,
    pub amount_money: Option<Money>,
    pub reason: Option<String>,
    pub created_at: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Count {
    pub catalog_object_id: String,
    pub catalog_object_type: Option<String>,
    pub state: Option<String>,
    pub location_id: Option<String>,
    pub quantity: Option<String>,
    pub calculated_at: String,
}
