//! The customer, billing address and shipping address of an order: a party of Tryton and its addresses.
//!
//! A customer with an account in the shop is a party of its own, identified by its code, which Tryton keeps unique.
//! All other customers share the configured party, with the order's address. Tryton's message about a refused party
//! or address is not passed on, because it repeats personal data.

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

use crate::erp::Erp;
use crate::value;

/// The party and the addresses of a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Customer {
    pub party: i64,
    pub invoice_address: i64,
    pub shipment_address: i64,
}

/// Finds the party and the addresses of an order's customer, and creates the missing ones.
///
/// # Errors
/// `customer-refused`, `address-refused`; or a request failed.
pub fn find_or_create(order: &Order, erp: &Erp) -> Result<Customer, Error> {
    let personal = order.personal.as_ref();
    let billing = personal.and_then(|personal| personal.billing.as_ref().or(personal.shipping.as_ref()));
    let shipping = personal.and_then(|personal| personal.shipping.as_ref().or(personal.billing.as_ref()));
    let (party, has_own_party) = match (&order.customer, personal) {
        (Some(customer), Some(personal)) => (find_or_create_party(customer, personal, erp)?, true),
        _ => (erp.settings.party, false),
    };
    let address = |address: Option<&Address>| match address {
        Some(address) => find_or_create_address(party, address, erp),
        // A quotation needs an address, and it must be one of the party's.
        None if has_own_party => find_or_create_address(party, &empty_address(), erp),
        None => Ok(erp.settings.address),
    };
    let invoice_address = address(billing)?;
    let shipment_address = if billing == shipping { invoice_address } else { address(shipping)? };
    Ok(Customer { party, invoice_address, shipment_address })
}

fn find_or_create_party(customer: &Entity, personal: &Personal, erp: &Erp) -> Result<i64, Error> {
    let code = customer.to_string();
    if let Some(party) = find_party(&code, erp)? {
        return Ok(party);
    }
    let mechanism = |kind: &str, value: &Option<String>| {
        value.as_ref().map(|value| json!({ "type": kind, "value": value }))
    };
    let contacts: Vec<Value> = [mechanism("email", &personal.email), mechanism("phone", &personal.phone)]
        .into_iter()
        .flatten()
        .collect();
    let name = personal.name.as_ref().or(personal.email.as_ref()).unwrap_or(&code);
    let party = json!({ "name": name, "code": code, "contact_mechanisms": [["create", contacts]] });
    match erp.rest.create("party.party", &party, &["id"]) {
        Ok(created) => Ok(value::id(&created)),
        // Another order of the same new customer may have created the party first.
        Err(Error::Rejected(_)) => find_party(&code, erp)?.ok_or_else(|| {
            refused("customer-refused", "Tryton refused to create a party for the customer", "customer")
        }),
        Err(error) => Err(error),
    }
}

fn find_party(code: &str, erp: &Erp) -> Result<Option<i64>, Error> {
    let found = erp.rest.search("party.party", &json!([["code", "=", code]]), &["id"])?;
    Ok(found.first().map(value::id))
}

fn find_or_create_address(party: i64, address: &Address, erp: &Erp) -> Result<i64, Error> {
    let fields = address_fields(address, erp)?;
    let domain: Vec<Value> = std::iter::once(json!(["party", "=", party]))
        .chain(fields.iter().map(|(field, value)| json!([field, "=", value])))
        .collect();
    if let Some(found) = erp.rest.search("party.address", &json!(domain), &["id"])?.first() {
        return Ok(value::id(found));
    }
    let mut record: serde_json::Map<String, Value> =
        fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
    record.insert("party".into(), json!(party));
    match erp.rest.create("party.address", &Value::Object(record), &["id"]) {
        Ok(created) => Ok(value::id(&created)),
        Err(Error::Rejected(_)) => {
            Err(refused("address-refused", "Tryton refused an address of the order", "personal"))
        }
        Err(error) => Err(error),
    }
}

/// All fields of an address, so that a search by them finds exactly this address.
fn address_fields(address: &Address, erp: &Erp) -> Result<[(&'static str, Value); 6], Error> {
    let country = match &address.country {
        Some(code) => {
            let found = erp.rest.search("country.country", &json!([["code", "=", code]]), &["id"])?;
            found.first().map(value::id)
        }
        None => None,
    };
    let subdivision = match (&address.region, country) {
        (Some(region), Some(country)) => {
            // Sources use both "US-CA" and "CA"; Tryton's codes have the country.
            let full = match &address.country {
                Some(country) if !region.starts_with(&format!("{country}-")) => format!("{country}-{region}"),
                _ => region.clone(),
            };
            let domain = json!([["country", "=", country], ["code", "=", full]]);
            erp.rest.search("country.subdivision", &domain, &["id"])?.first().map(value::id)
        }
        _ => None,
    };
    // A region that Tryton does not know becomes part of the city.
    let city = match (&address.city, &address.region, subdivision) {
        (Some(city), Some(region), None) => Some(format!("{city}, {region}")),
        (None, Some(region), None) => Some(region.clone()),
        (city, _, _) => city.clone(),
    };
    let names: Vec<&str> =
        [&address.name, &address.company].into_iter().flatten().map(String::as_str).collect();
    let text = |text: String| if text.is_empty() { Value::Null } else { Value::String(text) };
    Ok([
        ("party_name", text(names.join(", "))),
        ("street", text(address.lines.join("\n"))),
        ("postal_code", text(address.postal_code.clone().unwrap_or_default())),
        ("city", text(city.unwrap_or_default())),
        ("country", json!(country)),
        ("subdivision", json!(subdivision)),
    ])
}

fn empty_address() -> Address {
    Address {
        name: None,
        company: None,
        lines: vec![],
        city: None,
        region: None,
        postal_code: None,
        country: None,
        phone: None,
    }
}

fn refused(code: &str, message: &str, field: &str) -> Error {
    Error::Rejected(Problem::new(code, message).at(field))
}
