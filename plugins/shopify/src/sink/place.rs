//! Which location of the shop a place of another system is.

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::article::NOT_HERE;
use crate::admin::{Admin, id, operations};

/// The table that says which location a place is: its id, or `-` for one that is none of the shop's.
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

/// Where a list goes on.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl PageInfo {
    /// Where the next page begins. None when this was the last.
    #[must_use]
    pub fn next(self) -> Option<String> {
        self.end_cursor.filter(|_| self.has_next_page)
    }
}

/// The location, as GraphQL calls it: what the table says of the place or of the store that it is; else the
/// location that the store registry gives that store in this shop.
///
/// # Errors
/// `unmapped` when nothing says it; `ignored` when it is none of the shop's.
pub fn location(system: &str, place: &str, admin: &Admin) -> Result<String, Outcome> {
    let store = stores::find(system, place).or_else(|| stores::get(place));
    let mapped = mappings::get(TABLE, place)
        .or_else(|| store.as_ref().and_then(|store| mappings::get(TABLE, &store.id)));
    match (mapped, store) {
        (Some(target), _) if target == NOT_HERE => {
            Err(Outcome::Ignored(format!("{place} is no place of this shop")))
        }
        (Some(target), _) => Ok(id::global("Location", &target)),
        (None, Some(store)) => registered(&store.id, admin)?.ok_or_else(|| unmapped(place)),
        (None, None) => Err(unmapped(place)),
    }
}

/// The same for what can do without.
pub fn maybe(system: &str, place: Option<&str>, admin: &Admin) -> Option<String> {
    location(system, place?, admin).ok()
}

/// The location that the registry knows the store by. The registry is asked from the shop's side: it says
/// which store a location is.
fn registered(store: &str, admin: &Admin) -> Result<Option<String>, Outcome> {
    let mut after = None;
    loop {
        let Locations { locations } = admin.run(&operations::LOCATIONS, json!({ "after": after }))?;
        for Location { id } in locations.nodes {
            if stores::find("shopify", id::local(&id)).is_some_and(|known| known.id == store) {
                return Ok(Some(id));
            }
        }
        after = locations.page_info.next();
        if after.is_none() {
            return Ok(None);
        }
    }
}

fn unmapped(place: &str) -> Outcome {
    Outcome::Unmapped(vec![Unmapped { table: TABLE.into(), value: place.to_owned() }])
}
