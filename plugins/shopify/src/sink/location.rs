//! The shop's location of a location in another system.

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::article::NOT_IN_SHOP;
use crate::admin::page::PageInfo;
use crate::admin::{Admin, id, operations};

/// The mapping table of locations. Its values are the id of a location of the shop, or [`NOT_IN_SHOP`].
const TABLE: &str = "location";

#[derive(Deserialize)]
struct Locations {
    locations: Page,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    nodes: Vec<Location>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
struct Location {
    id: String,
}

/// The global id of the shop's location: from the table, by the location or by its store; else the location that the
/// store registry has for that store in this shop.
///
/// # Errors
/// `unmapped` when there is none; `ignored` when it is mapped to [`NOT_IN_SHOP`].
pub fn require(system: &str, location: &str, admin: &Admin) -> Result<String, Outcome> {
    let store = stores::find_or_get(system, location);
    let mapped = mappings::get(TABLE, location)
        .or_else(|| store.as_ref().and_then(|store| mappings::get(TABLE, &store.id)));
    match (mapped, store) {
        (Some(target), _) if target == NOT_IN_SHOP => {
            Err(Outcome::Ignored(format!("{location} is not a location of this shop")))
        }
        (Some(target), _) => Ok(id::global("Location", &target)),
        (None, Some(store)) => location_of_store(&store.id, admin)?.ok_or_else(|| unmapped(location)),
        (None, None) => Err(unmapped(location)),
    }
}

/// As [`require`], where the location is optional.
pub fn find(system: &str, location: Option<&str>, admin: &Admin) -> Option<String> {
    require(system, location?, admin).ok()
}

/// The shop's location of a store. The registry maps locations to stores, so each location of the shop is looked up.
fn location_of_store(store: &str, admin: &Admin) -> Result<Option<String>, Outcome> {
    let mut after = None;
    loop {
        let Locations { locations } = admin.run(&operations::LOCATIONS, json!({ "after": after }))?;
        for Location { id } in locations.nodes {
            if stores::find("shopify", id::local(&id)).is_some_and(|other| other.id == store) {
                return Ok(Some(id));
            }
        }
        after = locations.page_info.next();
        if after.is_none() {
            return Ok(None);
        }
    }
}

fn unmapped(location: &str) -> Outcome {
    Outcome::Unmapped(vec![Unmapped { table: TABLE.into(), value: location.to_owned() }])
}
