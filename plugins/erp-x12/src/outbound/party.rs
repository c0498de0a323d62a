//! The buyer, ship-to and ship-from parties: `N1` loops.

use crossdock_sdk::prelude::*;

use crate::encode::text;
use crate::settings::Settings;
use crate::x12::SegmentDraft;

/// The buyer: the retailer's name, and the code of the store that took the order.
pub(crate) fn buyer(
    name: Option<&str>,
    store: Option<&(&str, Option<stores::Store>)>,
    settings: &Settings,
) -> Vec<SegmentDraft> {
    let code = store.map(|(code, registered)| registered.as_ref().map_or(*code, |store| store.id.as_str()));
    party("BY", name.unwrap_or_default(), code.unwrap_or_default(), settings)
}

/// The warehouse that the goods leave from.
pub(crate) fn ship_from(warehouse: Option<String>, settings: &Settings) -> Vec<SegmentDraft> {
    warehouse.map(|code| party("SF", "", &code, settings)).unwrap_or_default()
}

/// The recipient of the goods. Empty without a shipping address, and when the personal data has been erased.
pub(crate) fn ship_to(personal: Option<&Personal>, settings: &Settings) -> Vec<SegmentDraft> {
    let Some(personal) = personal else { return Vec::new() };
    let encode = |value: Option<&String>, max: usize| {
        value.map(|value| text(value, settings.characters, max)).unwrap_or_default()
    };
    let Some(address) = &personal.shipping else { return Vec::new() };
    let name = encode(address.name.as_ref().or(address.company.as_ref()).or(personal.name.as_ref()), 60);
    if name.is_empty() {
        return Vec::new();
    }
    let mut segments = vec![("N1", vec!["ST".to_owned(), name])];
    if let (Some(_), Some(company)) = (&address.name, &address.company) {
        segments.push(("N2", vec![text(company, settings.characters, 60)]));
    }
    let lines: Vec<String> = address
        .lines
        .iter()
        .map(|line| text(line, settings.characters, 55))
        .filter(|line| !line.is_empty())
        .collect();
    // At most two `N3` with two lines each: further lines do not fit.
    segments.extend(lines.chunks(2).take(2).map(|pair| ("N3", pair.to_vec())));
    segments.extend(city(address, settings));
    let phone = encode(address.phone.as_ref().or(personal.phone.as_ref()), 80);
    let email = encode(personal.email.as_ref(), 80);
    let mut contact = vec!["IC".to_owned(), String::new()];
    for (qualifier, number) in [("TE", phone), ("EM", email)] {
        if !number.is_empty() {
            contact.extend([qualifier.to_owned(), number]);
        }
    }
    if contact.len() > 2 {
        segments.push(("PER", contact));
    }
    segments
}

/// The `N4`: city, state, postal code and country, each only if it fits its element.
fn city(address: &Address, settings: &Settings) -> Option<SegmentDraft> {
    let encode = |value: Option<&String>, min: usize, max: usize| {
        let value = value.map(|value| text(value, settings.characters, max)).unwrap_or_default();
        if value.chars().count() < min { String::new() } else { value }
    };
    // ISO 3166-2 has the country before the state: `US-CA`.
    let region = address.region.as_deref().map(|region| region.rsplit('-').next().unwrap_or(region));
    let region = region.filter(|region| region.len() == 2).unwrap_or_default().to_owned();
    let elements = vec![
        encode(address.city.as_ref(), 2, 30),
        region,
        encode(address.postal_code.as_ref(), 3, 15),
        encode(address.country.as_ref(), 2, 2),
    ];
    elements.iter().any(|element| !element.is_empty()).then_some(("N4", elements))
}

/// A party by its name, by its code, or by both. A code of one character is too short for N104 and becomes the name.
fn party(role: &str, name: &str, code: &str, settings: &Settings) -> Vec<SegmentDraft> {
    let (mut name, code) = (text(name, settings.characters, 60), text(code, settings.characters, 80));
    let mut elements = vec![role.to_owned()];
    if code.chars().count() >= 2 {
        elements.extend([name, "92".to_owned(), code]);
    } else {
        if name.is_empty() {
            name = code;
        }
        if name.is_empty() {
            return Vec::new();
        }
        elements.push(name);
    }
    vec![("N1", elements)]
}
