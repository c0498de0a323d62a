//! What the one writer remembers between transactions.
//!
//! There is one writer, and an operating-system lock sees to it that there is no other: so what it has
//! written it need not read again. Everything here can be dropped at any time and is then read anew, and is
//! dropped whenever a transaction fails.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use crossdock_model::event::Event;
use crossdock_rules::admission::Known;
use sqlx::SqliteConnection;

use super::delivery::Delivery;
use super::landscape::Landscape;
use super::sql::{Cells, Texts, fetch};
use crate::Result;
use crate::vault::Sealer;
use crate::view::Pause;

/// A connector and an identity text: a lane, or an entity.
pub(super) type Place = (Arc<str>, Arc<str>);

/// How many rows of a kind are remembered before they are forgotten all at once.
const MOST_ROWS: usize = 20_000;
/// How many events are kept in memory between being admitted and being claimed.
const MOST_EVENTS: usize = 512;

/// The ids given last.
#[derive(Clone, Copy, Default)]
pub(super) struct Ids {
    pub inbound: i64,
    pub event: i64,
    pub delivery: i64,
    pub reference: i64,
    pub subject: i64,
    pub file: i64,
}

/// An event that was admitted lately: most are claimed at once, and need not be read and parsed again.
pub(super) struct Recent {
    pub event: Event,
    pub key: Arc<str>,
    pub trace: Arc<str>,
    pub recorded_at: i64,
    /// How many deliveries have yet to be claimed.
    pub owed: u32,
}

#[derive(Default)]
pub(super) struct Memory {
    pub ids: Ids,
    pub serials: HashMap<Arc<str>, i64>,
    pub paused: HashMap<Arc<str>, Pause>,
    /// Open deliveries, all of each lane in `lanes`.
    pub deliveries: HashMap<i64, Delivery>,
    /// The open deliveries of a lane, by id.
    pub lanes: HashMap<Place, BTreeSet<i64>>,
    pub entities: HashMap<Place, Known>,
    /// Every delivery that waits for an entity, or waited for it in vain. Whole, not a selection.
    pub awaiting: HashMap<Place, BTreeSet<i64>>,
    /// The connectors that anything ever waited at: few, and so all that has to be asked who waits for an entity.
    waited_at: BTreeSet<Arc<str>>,
    pub pins: HashMap<Arc<str>, Option<Arc<str>>>,
    /// What holds several systems together.
    pub landscape: Landscape,
    /// Inbounds that were accepted and not yet read, as far as is remembered.
    pub pending: HashSet<i64>,
    /// The live key of a subject.
    pub subjects: HashMap<Arc<str>, (i64, Sealer)>,
    pub days: HashMap<i64, Sealer>,
    pub texts: Texts,
    recent: HashMap<i64, Recent>,
    order: VecDeque<i64>,
}

impl Memory {
    /// What must be known before anything is written.
    pub(super) async fn read(connection: &mut SqliteConnection) -> Result<Self> {
        let mut memory = Self::default();
        let what = "reading the last ids";
        let text = "SELECT (SELECT max(inbound) FROM inbound_seen), (SELECT max(id) FROM inbound), \
                    (SELECT max(id) FROM event), (SELECT max(id) FROM delivery), \
                    (SELECT max(ref) FROM reference), (SELECT max(id) FROM subject_key), \
                    (SELECT max(id) FROM out_file)";
        for row in fetch(connection, what, text, |_| {}).await? {
            let mut cells = Cells::of(&row);
            let mut last = || cells.next::<Option<i64>>().map(Option::unwrap_or_default);
            let (seen, inbound) = (last()?, last()?);
            memory.ids = Ids {
                inbound: seen.max(inbound),
                event: last()?,
                delivery: last()?,
                reference: last()?,
                subject: last()?,
                file: last()?,
            };
        }
        for row in fetch(connection, "reading serials", "SELECT connector, last FROM serial", |_| {}).await? {
            let mut cells = Cells::of(&row);
            memory.serials.insert(cells.next::<&str>()?.into(), cells.next()?);
        }
        let text = "SELECT connector, code, message, since FROM paused";
        for row in fetch(connection, "reading pauses", text, |_| {}).await? {
            let mut cells = Cells::of(&row);
            let connector = cells.next::<&str>()?.into();
            memory.paused.insert(connector, super::read::pause(&mut cells)?);
        }
        let text =
            "SELECT connector, waits_for, id FROM delivery WHERE waits_for IS NOT NULL AND state IN (3, 6)";
        for row in fetch(connection, "reading what waits", text, |_| {}).await? {
            let mut cells = Cells::of(&row);
            let place = (cells.next::<&str>()?.into(), cells.next::<&str>()?.into());
            memory.wait(place, cells.next()?);
        }
        memory.landscape = Landscape::read(connection).await?;
        Ok(memory)
    }

    /// Notes that a delivery waits for an entity.
    pub(super) fn wait(&mut self, place: Place, delivery: i64) {
        if !self.waited_at.contains(&place.0) {
            self.waited_at.insert(Arc::clone(&place.0));
        }
        self.awaiting.entry(place).or_default().insert(delivery);
    }

    /// Wherever anything waits for an entity.
    pub(super) fn waiting_for(&self, entity: &Arc<str>) -> Vec<Place> {
        let places = self.waited_at.iter().map(|connector| (Arc::clone(connector), Arc::clone(entity)));
        places.filter(|place| self.awaiting.contains_key(place)).collect()
    }

    /// Forgets what grew too large. Between transactions only.
    pub(super) fn trim(&mut self) {
        if self.deliveries.len().max(self.lanes.len()) > MOST_ROWS {
            self.forget_deliveries();
        }
        if self.entities.len() > MOST_ROWS {
            self.entities.clear();
        }
        if self.pins.len() > MOST_ROWS {
            self.pins.clear();
        }
        if self.pending.len() > MOST_ROWS {
            self.pending.clear();
        }
        if self.subjects.len() > MOST_ROWS {
            self.subjects.clear();
        }
        self.landscape.trim(MOST_ROWS);
        if self.days.len() > 64 {
            self.days.clear();
        }
    }

    /// Forgets the open deliveries, because they were changed behind its back.
    pub(super) fn forget_deliveries(&mut self) {
        self.deliveries.clear();
        self.lanes.clear();
    }

    /// Forgets everything about people.
    pub(super) fn forget_people(&mut self) {
        self.subjects.clear();
        self.recent.clear();
        self.order.clear();
    }

    /// Keeps an event for those who claim it soon.
    pub(super) fn keep(&mut self, id: i64, recent: Recent) {
        while self.order.len() >= MOST_EVENTS {
            if let Some(oldest) = self.order.pop_front() {
                self.recent.remove(&oldest);
            }
        }
        self.order.push_back(id);
        self.recent.insert(id, recent);
    }

    /// The event, for one that claims it: the last one takes it away.
    pub(super) fn take(&mut self, id: i64) -> Option<Recent> {
        let recent = self.recent.get_mut(&id)?;
        recent.owed = recent.owed.saturating_sub(1);
        if recent.owed == 0 {
            return self.recent.remove(&id);
        }
        Some(Recent {
            event: recent.event.clone(),
            key: Arc::clone(&recent.key),
            trace: Arc::clone(&recent.trace),
            recorded_at: recent.recorded_at,
            owed: recent.owed,
        })
    }
}
