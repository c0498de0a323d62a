//! Commands of operators and of housekeeping.

use crossdock_model::time::Millis;

/// Which deliveries or events are meant. Everything that is given must fit; nothing given fits all.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Filter {
    /// This delivery.
    pub delivery: Option<i64>,
    /// Deliveries of this event.
    pub event: Option<i64>,
    /// For this connector.
    pub connector: Option<String>,
    /// Of this kind of event (`order.placed`).
    pub kind: Option<String>,
    /// Of this order, or other root of a lane: identity text.
    pub root: Option<String>,
    /// Of this entity: identity text.
    pub entity: Option<String>,
    /// Of events that were stored at this time or later.
    pub from: Option<Millis>,
    /// Of events that were stored before this time.
    pub until: Option<Millis>,
    /// In this state (`exception`).
    pub state: Option<String>,
    /// So many at most, those of the oldest events first. No matter where events are only listed.
    pub limit: Option<u32>,
}

/// Deliver again what was settled, and try exceptions again where the filter names that state.
///
/// Without a generation the delivery keeps its key and is looked up before anything is sent, so a target
/// that has it does not get it twice. With a generation a new delivery with a key of its own is made, which
/// posts again on purpose. Deliveries that ended as stale, joined or annulled are skipped, since sending them
/// would undo newer states, and those that ended as echo, conflict or same sale, since there was nothing to send. So
/// are those that a person discarded, unless the filter names the event or the delivery by
/// its number: whoever discards has often booked it by hand.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Which.
    pub filter: Filter,
    /// Post again on purpose, under this number; from 1. The same number twice does nothing.
    pub generation: Option<u32>,
    /// Deliveries behind this one: where the last page ended. Absent for the first page.
    pub after: Option<i64>,
    /// How many deliveries a page looks at.
    pub page: u32,
    /// Who asked.
    pub by: String,
    /// Now.
    pub now: Millis,
}

/// Drop a bounded part of what is older than its retention.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Raw inbound bodies that arrived before this moment's day are dropped, and the keys of those days
    /// with them. Bodies that are pending or in quarantine stay, and so does their day's key. So are the contents
    /// of files that were written to their folder before it; those that wait stay.
    pub bodies_before: Millis,
    /// What was exchanged in attempts that ended before this moment is dropped.
    pub exchanges_before: Millis,
    /// Orders (and other lanes) of which nothing is open and that last moved before this moment leave as a whole.
    pub orders_before: Millis,
    /// Audit entries, conflicts and histories of tables older than this are dropped.
    pub records_before: Millis,
    /// How many rows of a kind at most.
    pub limit: u32,
}
