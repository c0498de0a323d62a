//! Reads of rows that are found by something else than their key, and what answers them.

use std::sync::Arc;

use crossdock_model::time::Millis;

use crate::command::Filter;
use crate::delivery::{Delivery, InFlight};
use crate::keys::{LaneKey, MappingKey};
use crate::registry::StoreRow;
use crate::rows::{History, MappingEntry, ReplayCandidate};
use crate::view::Inbound;

/// A pass of retention over a table that grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pass {
    /// Over settled deliveries, by the time they were settled.
    Settled,
    /// Over events, by their number.
    Events,
}

/// Rows that are found by something else than their key. Lists are bounded by the question.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Question {
    /// Every open delivery of a lane. Answer: deliveries.
    Lane(LaneKey),
    /// Deliveries that await an entity or a mapping, the lowest numbers first. Answer: deliveries.
    Awaiting {
        /// The awaited key.
        key: Arc<str>,
        /// Of this connector only.
        connector: Option<Arc<str>>,
        /// How many at most.
        limit: u32,
    },
    /// Heads of lanes that are due, the longest due first. Answer: deliveries.
    Heads {
        /// The connector.
        connector: Arc<str>,
        /// Now.
        now: Millis,
        /// How many at most.
        limit: u32,
    },
    /// Claimed deliveries whose lease has ended. Answer: deliveries.
    ExpiredLeases {
        /// Now.
        now: Millis,
        /// How many at most.
        limit: u32,
    },
    /// Waiting deliveries that are due to be tried. Answer: deliveries.
    DueWaiting {
        /// Now.
        now: Millis,
        /// How many at most.
        limit: u32,
    },
    /// Claimed deliveries. Answer: deliveries.
    Claimed {
        /// How many at most.
        limit: u32,
    },
    /// Deliveries of a connector that have been waiting since then or longer. Answer: deliveries.
    WaitingSince {
        /// The connector.
        connector: Arc<str>,
        /// The moment.
        before: Millis,
        /// How many at most.
        limit: u32,
    },
    /// Received deliveries of a connector whose confirmation is overdue. Answer: deliveries.
    Unconfirmed {
        /// The connector.
        connector: Arc<str>,
        /// Now.
        now: Millis,
        /// How many at most.
        limit: u32,
    },
    /// All deliveries of an event for a connector. Answer: deliveries.
    DeliveriesOf {
        /// The event.
        event: i64,
        /// The connector.
        connector: Arc<str>,
    },
    /// The deliveries in flight to a connector. Answer: in flight.
    InFlight(Arc<str>),
    /// The deliveries that await an in-flight delivery. Answer: numbers.
    WaitsOn(i64),
    /// The orders that repeat the sale of this first one. Answer: names.
    AliasGroup(Arc<str>),
    /// The keys of mappings that deliveries await. Answer: names.
    AwaitedMappings,
    /// Arrivals with more deliveries to release. Answer: pairs of connector and awaited key.
    PendingReleases {
        /// How many at most.
        limit: u32,
    },
    /// The mappings of one table. Answer: mappings.
    MappingTable {
        /// The connector.
        connector: Arc<str>,
        /// The table.
        table: Arc<str>,
    },
    /// The mappings that somebody set last. Answer: mappings.
    MappingsBy(Arc<str>),
    /// The last version of a mapping table; 0 when there is none. Answer: number.
    MappingVersion {
        /// The connector.
        connector: Arc<str>,
        /// The table.
        table: Arc<str>,
    },
    /// All stores of the registry. Answer: stores.
    Stores,
    /// The last version of a store; 0 when there is none. Answer: number.
    StoreVersion(Arc<str>),
    /// When a store of this id or code was last changed; 0 when there is none. Answer: number.
    StoreChangedAt(Arc<str>),
    /// Pending inbounds of a connector that are due, with their bytes, the longest due first. Answer: inbounds.
    DueInbounds {
        /// The connector.
        connector: Arc<str>,
        /// Now.
        now: Millis,
        /// How many at most.
        limit: u32,
    },
    /// Pending inbounds of a connector that are due later, those first that are due first. Answer: numbers.
    InboundsDueLater {
        /// The connector.
        connector: Arc<str>,
        /// Now.
        now: Millis,
        /// How many at most.
        limit: u32,
    },
    /// Leased inbounds. Answer: numbers.
    LeasedInbounds {
        /// How many at most.
        limit: u32,
    },
    /// One page of the deliveries that a replay means, by number. Answer: replay.
    Replay {
        /// The filter, as JSON (so that questions can be compared).
        filter: Arc<str>,
        /// The generation.
        generation: Option<u32>,
        /// Deliveries behind this one.
        after: i64,
        /// How many at most.
        limit: u32,
    },
    /// The subjects whose keys fall with a person, live ones only. Answer: names.
    SubjectsOf {
        /// The person.
        subject: Arc<str>,
        /// How many at most.
        limit: u32,
    },
    /// Histories of roots that settled before a moment, behind the pass's position. Answer: histories.
    Histories {
        /// The pass.
        pass: Pass,
        /// Where it goes on.
        from: (i64, i64),
        /// The moment.
        before: Millis,
        /// How many rows of the pass at most.
        limit: u32,
    },
}

/// The answer to a [`Question`].
#[derive(Clone, Debug)]
pub enum Answer {
    /// Deliveries, in the question's order.
    Deliveries(Vec<Delivery>),
    /// Deliveries in flight.
    InFlight(Vec<InFlight>),
    /// Numbers.
    Numbers(Vec<i64>),
    /// Names.
    Names(Vec<Arc<str>>),
    /// Pairs of names.
    Pairs(Vec<(Arc<str>, Arc<str>)>),
    /// Mappings.
    Mappings(Vec<(MappingKey, MappingEntry)>),
    /// Stores.
    Stores(Vec<StoreRow>),
    /// Requests with their bytes.
    Inbounds(Vec<Inbound>),
    /// Deliveries of a replay, with their rows.
    Replay(Vec<(Delivery, ReplayCandidate)>),
    /// Histories, and the position behind the last row that was looked at (absent at the end of the pass).
    Histories(Vec<History>, Option<(i64, i64)>),
}

/// The filter of a [`Question::Replay`].
#[must_use]
pub fn replay_filter(text: &str) -> Filter {
    serde_json::from_str(text).unwrap_or_default()
}
