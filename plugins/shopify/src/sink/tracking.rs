//! The tracking numbers of a shipment, compared with those of a fulfilment and written into it.

use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

use super::fulfilment::Fulfilment;

/// Whether the shop has other tracking numbers than the shipment. A shipment without tracking numbers removes none.
pub(super) fn tracking_differs(fulfilment: &Fulfilment, shipment: &Shipment) -> bool {
    let mut expected: Vec<&str> = shipment.tracking.iter().map(|parcel| parcel.number.as_str()).collect();
    let mut actual: Vec<&str> = fulfilment.tracking_numbers.iter().map(String::as_str).collect();
    expected.sort_unstable();
    actual.sort_unstable();
    !expected.is_empty() && expected != actual
}

/// The tracking data as Shopify accepts them. The carrier is mapped by the table `carrier`; URLs are included when each
/// parcel has one.
pub(super) fn tracking_input(shipment: &Shipment) -> Option<Value> {
    let first = shipment.tracking.first()?;
    let numbers: Vec<&str> = shipment.tracking.iter().map(|parcel| parcel.number.as_str()).collect();
    let urls: Option<Vec<&str>> = shipment.tracking.iter().map(|parcel| parcel.url.as_deref()).collect();
    let carrier = shipment.tracking.iter().find_map(|parcel| parcel.carrier.clone());
    let carrier = carrier.map(|carrier| mappings::get("carrier", &carrier).unwrap_or(carrier));
    let mut tracking = match numbers.as_slice() {
        [_] => json!({ "number": first.number }),
        several => json!({ "numbers": several }),
    };
    let object = tracking.as_object_mut()?;
    object.extend(carrier.map(|carrier| ("company".to_owned(), json!(carrier))));
    match urls.as_deref() {
        Some([url]) => object.extend([("url".to_owned(), json!(url))]),
        Some(urls) => object.extend([("urls".to_owned(), json!(urls))]),
        None => {}
    }
    Some(tracking)
}
