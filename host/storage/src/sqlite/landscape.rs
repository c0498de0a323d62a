//! What the writer remembers of a landscape of several systems.
//!
//! A host that carries one shop's orders to one ERP uses none of it, and must not pay for it: each part knows
//! whether there is anything of it at all, and nothing is read while there is not.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crossdock_rules::day::Closing;
use crossdock_rules::told::{Attribute, Marks, Told};
use sqlx::SqliteConnection;

use super::held;
use super::memory::Place;
use super::sql::{Cells, fetch};
use crate::Result;

/// A delivery that is on its way, or of which nobody knows yet whether it came: what it writes may be told back
/// before it is settled.
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
    /// The closings of days.
    pub closed: HashMap<DayOf, Option<Closing>>,
    /// Deliveries on their way, by connector. All of them.
    pub flights: HashMap<Arc<str>, HashMap<i64, Flight>>,
    /// What waits for them, by delivery, until its patience ends. All of it.
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
        let text = "SELECT id, connector, lane, lease_until FROM delivery \
                    WHERE state = 2 OR (state IN (1, 3) AND sent = 1)";
        for row in fetch(connection, "reading what is on its way", text, |_| {}).await? {
            let mut cells = Cells::of(&row);
            let (id, connector) = (cells.next()?, cells.next::<&str>()?.into());
            let (lane, lease_until) = (cells.next::<&str>()?.into(), cells.next()?);
            landscape.take_off(connector, id, lane, lease_until);
        }
        held::read(&mut landscape, connection).await?;
        Ok(landscape)
    }

    pub(super) fn take_off(&mut self, connector: Arc<str>, id: i64, lane: Arc<str>, lease_until: i64) {
        let new = Flight { lane, lease_until, holds: Vec::new() };
        // What waits for it goes on waiting when it is sent or looked for once more.
        self.flights.entry(connector).or_default().entry(id).or_insert(new).lease_until = lease_until;
    }

    /// Lets a delivery wait until what it may be an echo of has landed; answers when the last of that should have.
    pub(super) fn wait_for_flights(&mut self, id: i64, held: Held) -> i64 {
        let mut until = 0;
        if let Some(flights) = self.flights.get_mut(&held.source) {
            for flight in &held.flights {
                if let Some(flight) = flights.get_mut(flight) {
                    flight.holds.push(id);
                    until = until.max(flight.lease_until);
                }
            }
        }
        self.held.insert(id, held);
        until
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
