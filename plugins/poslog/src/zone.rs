//! When something was. POSLog writes the till's own time and leaves the zone to whoever knows the store.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;
use crossdock_sdk::stores::Store;
use jiff::civil::DateTime;
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::tz::{Offset, TimeZone};

use crate::settings::Settings;

/// What is known of a store: asked once a file.
#[derive(Clone)]
pub(crate) struct Place {
    pub zone: Option<TimeZone>,
    pub currency: Option<String>,
}

/// The stores of a file.
pub(crate) struct Places<'a> {
    settings: &'a Settings,
    known: RefCell<BTreeMap<String, Place>>,
}

impl<'a> Places<'a> {
    pub(crate) fn new(settings: &'a Settings) -> Self {
        Self { settings, known: RefCell::default() }
    }

    /// What is known of the store that the till calls so: by its code in this system, or by the retailer's
    /// own id, which is what most tills are given.
    ///
    /// # Errors
    /// `zone-unknown` when its zone is no zone.
    pub(crate) fn of(&self, store: &str) -> Result<Place, Problem> {
        if let Some(place) = self.known.borrow().get(store) {
            return Ok(place.clone());
        }
        let kept: Option<Store> = stores::find("poslog", store).or_else(|| stores::get(store));
        let name = kept.as_ref().map(|kept| &kept.zone).or(self.settings.zone.as_ref());
        let zone = name
            .map(|name| {
                TimeZone::get(name).map_err(|_| {
                    Problem::new(
                        "zone-unknown",
                        format!("`{name}`, where store {store} should be, is no time zone"),
                    )
                })
            })
            .transpose()?;
        let currency = kept.and_then(|kept| kept.currency).or_else(|| self.settings.currency.clone());
        let place = Place { zone, currency };
        self.known.borrow_mut().insert(store.to_owned(), place.clone());
        Ok(place)
    }
}

/// The moment that a till wrote, with its offset: its own where it wrote one, else the store's at that time.
/// An hour that the clocks go through twice is taken for the first.
///
/// # Errors
/// `invalid-time` when it is no moment, `zone-missing` when nobody says where the store is.
pub(crate) fn instant(text: &str, place: &Place, store: &str) -> Result<String, Problem> {
    let wrong = || Problem::new("invalid-time", "what should be a date and a time is none");
    let pieces = Pieces::parse(text).map_err(|_| wrong())?;
    let civil = DateTime::from_parts(pieces.date(), pieces.time().ok_or_else(wrong)?);
    let own = pieces.offset().map(|offset| match offset {
        PiecesOffset::Numeric(offset) => offset.offset(),
        _ => Offset::UTC,
    });
    let (moment, offset) = match (own, &place.zone) {
        (Some(offset), _) => (offset.to_timestamp(civil).map_err(|_| wrong())?, offset),
        (None, Some(zone)) => {
            let zoned = civil.to_zoned(zone.clone()).map_err(|_| wrong())?;
            (zoned.timestamp(), zoned.offset())
        }
        (None, None) => {
            let message = format!(
                "the till wrote no time zone: keep store {store} in the store registry, or set `zone`"
            );
            return Err(Problem::new("zone-missing", message));
        }
    };
    Ok(moment.display_with_offset(offset).to_string())
}

/// The calendar day that a till wrote: `2026-11-23`, or the same with a time that does not count.
pub(crate) fn day(text: &str) -> Option<String> {
    let (day, rest) = text.split_at_checked(10)?;
    let whole = rest.is_empty() || rest.starts_with('T') || rest.starts_with(' ');
    let date: jiff::civil::Date = day.parse().ok().filter(|_| whole)?;
    Some(date.to_string())
}
