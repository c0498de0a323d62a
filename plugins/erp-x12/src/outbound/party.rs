//! Who buys, where it goes, and where it comes from: `N1` and what belongs to it.

use crossdock_sdk::prelude::*;

use super::purchase::Row;
use super::text::text;
use crate::settings::Settings;

/// The buyer: the retailer, and the store that took the order.
pub(crate) fn buyer(
    name: Option<&str>,
    store: Option<&(&str, Option<stores::Store>)>,
    settings: &Settings,
) -> Vec<Row> {
    let id = store.map(|(code, kept)| kept.as_ref().map_or(*code, |kept| kept.id.as_str()));
    party("BY", name.unwrap_or_default(), id.unwrap_or_default(), settings)
}

/// Where the goods leave from.
pub(crate) fn ship_from(warehouse: Option<String>, settings: &Settings) -> Vec<Row> {
    warehouse.map(|code| party("SF", "", &code, settings)).unwrap_or_default()
}

/// Where the goods go: nothing when nobody is told, and once the person has been erased.
pub(crate) fn ship_to(personal: Option<&Personal>, settings: &Settings) -> Vec<Row> {
    let Some(personal) = personal else { return Vec::new() };
    let cut = |value: Option<&String>, most: usize| {
        value.map(|value| text(value, settings.characters, most)).unwrap_or_default()
    };
    let Some(address) = &personal.shipping else { return Vec::new() };
    let name = cut(address.name.as_ref().or(address.company.as_ref()).or(personal.name.as_ref()), 60);
    if name.is_empty() {
        return Vec::new();
    }
    let mut rows = vec![("N1", vec!["ST".to_owned(), name])];
    if let (Some(_), Some(company)) = (&address.name, &address.company) {
        rows.push(("N2", vec![text(company, settings.characters, 60)]));
    }
    let lines: Vec<String> = address
        .lines
        .iter()
        .map(|line| text(line, settings.characters, 55))
        .filter(|line| !line.is_empty())
        .collect();
    // Two lines of two: what is more does not fit into an address.
    rows.extend(lines.chunks(2).take(2).map(|two| ("N3", two.to_vec())));
    rows.extend(place(address, settings));
    let phone = cut(address.phone.as_ref().or(personal.phone.as_ref()), 80);
    let email = cut(personal.email.as_ref(), 80);
    let mut contact = vec!["IC".to_owned(), String::new()];
    for (qualifier, number) in [("TE", phone), ("EM", email)] {
        if !number.is_empty() {
            contact.extend([qualifier.to_owned(), number]);
        }
    }
    if contact.len() > 2 {
        rows.push(("PER", contact));
    }
    rows
}

/// Town, state, postal code and country, each only as the element takes it.
fn place(address: &Address, settings: &Settings) -> Option<Row> {
    let fits = |value: Option<&String>, least: usize, most: usize| {
        let value = value.map(|value| text(value, settings.characters, most)).unwrap_or_default();
        if value.chars().count() < least { String::new() } else { value }
    };
    // ISO 3166-2 has the country before the state: `US-CA`.
    let region = address.region.as_deref().map(|region| region.rsplit('-').next().unwrap_or(region));
    let region = region.filter(|region| region.len() == 2).unwrap_or_default().to_owned();
    let elements = vec![
        fits(address.city.as_ref(), 2, 30),
        region,
        fits(address.postal_code.as_ref(), 3, 15),
        fits(address.country.as_ref(), 2, 2),
    ];
    elements.iter().any(|element| !element.is_empty()).then_some(("N4", elements))
}

/// A party by its name, by the code that both sides know it by, or by both. X12 takes no code of one character.
fn party(role: &str, name: &str, code: &str, settings: &Settings) -> Vec<Row> {
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
