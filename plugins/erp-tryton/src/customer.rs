//! Who buys, and where the goods and the bill go: a party of Tryton and its addresses.
//!
//! A customer with an account in the shop is a party of their own, found again by its code, which Tryton keeps
//! unique. Everybody else buys as the party the settings name, with the order's address. Tryton's own words
//! about a refused party or address are not passed on: they repeat what was sent, and that is personal data.

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

use crate::Erp;
use crate::value;

/// What a sale needs to know of its customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Customer {
    pub party: i64,
    pub invoice_address: i64,
    pub shipment_address: i64,
}

/// Finds the order's customer, and makes what is missing.
///
/// # Errors
/// `customer-refused`, `address-refused`; or Tryton could not be asked.
pub fn ensure(order: &Order, erp: &Erp) -> Result<Customer, Error> {
    let personal = order.personal.as_ref();
    let billing = personal.and_then(|personal| personal.billing.as_ref().or(personal.shipping.as_ref()));
    let shipping = personal.and_then(|personal| personal.shipping.as_ref().or(personal.billing.as_ref()));
    let (party, own) = match (&order.customer, personal) {
        (Some(customer), Some(personal)) => (ensure_party(customer, personal, erp)?, true),
        _ => (erp.settings.party, false),
    };
    let address = |address: Option<&Address>| match address {
        Some(address) => ensure_address(party, address, erp),
        // A party of one's own cannot use another's address, and a quotation needs one.
        None if own => ensure_address(party, &nowhere(), erp),
        None => Ok(erp.settings.address),
    };
    let invoice_address = address(billing)?;
    let shipment_address = if billing == shipping { invoice_address } else { address(shipping)? };
    Ok(Customer { party, invoice_address, shipment_address })
}

fn ensure_party(customer: &Entity, personal: &Personal, erp: &Erp) -> Result<i64, Error> {
    let code = customer.to_string();
    if let Some(party) = find_party(&code, erp)? {
        return Ok(party);
    }
    let reach = |kind: &str, at: &Option<String>| at.as_ref().map(|at| json!({ "type": kind, "value": at }));
    let contacts: Vec<Value> =
        [reach("email", &personal.email), reach("phone", &personal.phone)].into_iter().flatten().collect();
    let name = personal.name.as_ref().or(personal.email.as_ref()).unwrap_or(&code);
    let party = json!({ "name": name, "code": code, "contact_mechanisms": [["create", contacts]] });
    match erp.rest.create("party.party", &party, &["id"]) {
        Ok(made) => Ok(value::id(&made)),
        // Two orders of a new customer at once: the other one was first.
        Err(Error::Rejected(_)) => find_party(&code, erp)?.ok_or_else(|| {
            refused("customer-refused", "Tryton refused to make a party of the customer", "customer")
        }),
        Err(error) => Err(error),
    }
}

fn find_party(code: &str, erp: &Erp) -> Result<Option<i64>, Error> {
    let found = erp.rest.search("party.party", &json!([["code", "=", code]]), &["id"])?;
    Ok(found.first().map(value::id))
}

fn ensure_address(party: i64, address: &Address, erp: &Erp) -> Result<i64, Error> {
    let written = written(address, erp)?;
    let same: Vec<Value> = std::iter::once(json!(["party", "=", party]))
        .chain(written.iter().map(|(field, value)| json!([field, "=", value])))
        .collect();
    if let Some(found) = erp.rest.search("party.address", &json!(same), &["id"])?.first() {
        return Ok(value::id(found));
    }
    let mut record: serde_json::Map<String, Value> =
        written.into_iter().map(|(name, v)| (name.into(), v)).collect();
    record.insert("party".into(), json!(party));
    match erp.rest.create("party.address", &Value::Object(record), &["id"]) {
        Ok(made) => Ok(value::id(&made)),
        Err(Error::Rejected(_)) => {
            Err(refused("address-refused", "Tryton refused an address of the order", "personal"))
        }
        Err(error) => Err(error),
    }
}

/// The fields of an address, all of them, so that a search by them finds exactly this one.
fn written(address: &Address, erp: &Erp) -> Result<[(&'static str, Value); 6], Error> {
    let code = |model: &str, code: &Option<String>| match code {
        Some(code) => {
            let found = erp.rest.search(model, &json!([["code", "=", code]]), &["id"])?;
            Ok(found.first().map(value::id))
        }
        None => Ok::<_, Error>(None),
    };
    let country = code("country.country", &address.country)?;
    let region = match (&address.region, country) {
        (Some(region), Some(country)) => {
            // "US-CA" and "CA" are both in use; a subdivision has to be one of the country's.
            let full = match &address.country {
                Some(country) if !region.starts_with(&format!("{country}-")) => format!("{country}-{region}"),
                _ => region.clone(),
            };
            let of_it = json!([["country", "=", country], ["code", "=", full]]);
            erp.rest.search("country.subdivision", &of_it, &["id"])?.first().map(value::id)
        }
        _ => None,
    };
    // A region that Tryton does not know is still part of where somebody lives.
    let city = match (&address.city, &address.region, region) {
        (Some(city), Some(name), None) => Some(format!("{city}, {name}")),
        (None, Some(name), None) => Some(name.clone()),
        (city, _, _) => city.clone(),
    };
    let name: Vec<&str> =
        [&address.name, &address.company].into_iter().flatten().map(String::as_str).collect();
    let text = |text: String| if text.is_empty() { Value::Null } else { Value::String(text) };
    Ok([
        ("party_name", text(name.join(", "))),
        ("street", text(address.lines.join("\n"))),
        ("postal_code", text(address.postal_code.clone().unwrap_or_default())),
        ("city", text(city.unwrap_or_default())),
        ("country", json!(country)),
        ("subdivision", json!(region)),
    ])
}

fn nowhere() -> Address {
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
