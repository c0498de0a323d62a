//! What the writer remembers of a landscape of several systems.
//!
//! A host that carries one shop's orders to one ERP uses none of it, and must not pay for it: each part knows
//! whether there is anything of it at all, and nothing is read while there is not.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crossdock_rules::told::{Attribute, Marks, Told};
use sqlx::SqliteConnection;

use super::memory::Place;
use super::sql::{Cells, fetch};
use crate::Result;

/// A delivery that is on its way: what it writes may be told back before it is settled.
pub(super) struct Flight {
    pub lane: Arc<str>,
    pub lease_until: i64,
    /// Deliveries that wait for it to land.
    pub holds: Vec<i64>,
}

/// A delivery of an event that may be an echo of what is being written at this moment.
pub(super) struct Held {
    /// The deliveries that have to land before that can be said.
    pub flights: BTreeSet<i64>,
    pub source: Arc<str>,
    pub entity: Arc<str>,
    pub what: Telling,
    /// What its source had told the target before.
    pub before: Option<Marks>,
}

/// What an event tells.
#[derive(Clone)]
pub(super) struct Telling {
    pub event: i64,
    pub marks: Marks,
    pub values: Arc<[Told]>,
    pub foreign: Vec<Attribute>,
    /// True when that is all there is to tell.
    pub whole: bool,
}

/// A store and a date.
pub(super) type DayOf = (Arc<str>, Arc<str>);

#[derive(Default)]
pub(super) struct Landscape {
    /// The connectors to whose systems anything was written that comes back. All of them.
    pub writers: HashSet<Arc<str>>,
    /// What was last written, by connector and entity.
    pub written: HashMap<Place, Marks>,
    /// Which order told a sale first.
    pub sales: HashMap<Arc<str>, Option<Arc<str>>>,
    /// Whether there is any order that tells a sale which another told first.
    pub any_alias: bool,
    pub aliases: HashMap<Arc<str>, Option<Arc<str>>>,
    /// Whether any day was closed.
    pub any_closed: bool,
    /// When days were closed.
    pub closed: HashMap<DayOf, Option<Arc<str>>>,
    /// Deliveries on their way, by connector. All of them.
    pub flights: HashMap<Arc<str>, HashMap<i64, Flight>>,
    /// What waits for them, by delivery. What is forgotten here goes on when its patience ends.
    pub held: HashMap<i64, Held>,
    /// Whether any stock is added up.
    pub any_level: bool,
}

impl Landscape {
    pub(super) async fn read(connection: &mut SqliteConnection) -> Result<Self> {
        let mut landscape = Self::default();
        let text = "SELECT DISTINCT connector FROM written";
        for row in fetch(connection, "reading who is written to", text, |_| {}).await? {
            landscape.writers.insert(Cells::of(&row).next::<&str>()?.into());
        }
        let text = "SELECT EXISTS (SELECT 1 FROM alias), EXISTS (SELECT 1 FROM closed_day), \
                    EXISTS (SELECT 1 FROM stock_level)";
        for row in fetch(connection, "reading what there is", text, |_| {}).await? {
            let mut cells = Cells::of(&row);
            (landscape.any_alias, landscape.any_closed) = (cells.next()?, cells.next()?);
            landscape.any_level = cells.next()?;
        }
        let text = "SELECT id, connector, lane, lease_until FROM delivery WHERE state = 2";
        for row in fetch(connection, "reading what is on its way", text, |_| {}).await? {
            let mut cells = Cells::of(&row);
            let (id, connector) = (cells.next()?, cells.next::<&str>()?.into());
            let (lane, lease_until) = (cells.next::<&str>()?.into(), cells.next()?);
            landscape.take_off(connector, id, lane, lease_until);
        }
        Ok(landscape)
    }

    pub(super) fn take_off(&mut self, connector: Arc<str>, id: i64, lane: Arc<str>, lease_until: i64) {
        let flight = Flight { lane, lease_until, holds: Vec::new() };
        self.flights.entry(connector).or_default().insert(id, flight);
    }

    pub(super) fn trim(&mut self, most: usize) {
        if self.written.len() > most {
            self.written.clear();
        }
        if self.sales.len() > most {
            self.sales.clear();
        }
        if self.aliases.len() > most {
            self.aliases.clear();
        }
        if self.closed.len() > most {
            self.closed.clear();
        }
    }
}
