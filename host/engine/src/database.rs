//! What the engine asks of a database: set-based reads of typed rows, and one atomic write.
//!
//! A unit of work begins a [`Transaction`], reads the rows that its decisions look at ([`ReadSet`] → [`Rows`]),
//! decides without I/O, and commits one [`ChangeSet`]. Nothing is written before that, so every read of a unit
//! sees the database as it was at its beginning.
//!
//! **Scopes.** A unit writes only rows that it has read (rows of new numbers belong to the lane, the key or the
//! connector that was read for them), and asks for a row before it relies on its absence. So the read set names
//! every scope that a decision depends on, absent rows included: a database without a single writer locks these,
//! in the order of the set, before it reads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use crossdock_model::common::Reference;
use crossdock_model::time::Millis;
use crossdock_rules::attributes::Fingerprint;
use crossdock_rules::entity_state::EntityState;
use crossdock_rules::refund::ReportedRefund;

use crate::command::Filter;
use crate::delivery::{Delivery, InFlight};
use crate::error::Result;
use crate::keys::{DedupeKey, EntityKey, LaneKey, MappingKey};
use crate::registry::StoreRow;
use crate::rows::{
    ClosingRow, EventRow, FileRow, History, InFlightWait, InboundRow, KeyRow, LevelKey, LevelRow,
    MappingEntry, OutboundWrites, ReplayCandidate, SecretVersion,
};
use crate::view::{Cursor, Inbound, Pause};

pub use crate::changes::{Append, ChangeSet};

/// A database: what is durable behind the engine.
#[async_trait]
pub trait Database: Send + Sync + 'static {
    /// Begins the one physical transaction of a unit of work. Dropping it undoes it.
    async fn begin(&self) -> Result<Box<dyn Transaction + '_>>;

    /// A fingerprint of a personal text under a secret of the database: it distinguishes texts, and cannot be
    /// guessed without the secret.
    fn fingerprint(&self, personal: &[u8]) -> Fingerprint;
}

/// One physical transaction.
#[async_trait]
pub trait Transaction: Send {
    /// Reads rows, as they were when the transaction began.
    async fn load(&mut self, wanted: &ReadSet) -> Result<Rows>;

    /// Writes everything, durably, or nothing. Answers how many rows the bulk changes touched
    /// ([`Append::Expire`], [`Append::StartIncarnation`]).
    async fn commit(self: Box<Self>, changes: &ChangeSet) -> Result<u64>;

    /// Ends the transaction without a change.
    async fn roll_back(self: Box<Self>) -> Result<()>;
}

/// How many numbers of each kind a unit of work may use. Numbers rise and are never used again; what a unit
/// does not use may be lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdCounts {
    /// Of inbounds.
    pub inbounds: u32,
    /// Of events.
    pub events: u32,
    /// Of deliveries.
    pub deliveries: u32,
    /// Of files.
    pub files: u32,
}

/// The first number of each kind that a unit of work may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FirstIds {
    /// Of inbounds.
    pub inbound: i64,
    /// Of events.
    pub event: i64,
    /// Of deliveries.
    pub delivery: i64,
    /// Of files.
    pub file: i64,
}

/// Declares the tables that are read and written by key: in the read set a set of keys, in the rows those found,
/// in the change set the new row of each changed key (absent: deleted).
macro_rules! declare_rows {
    ($($(#[$doc:meta])* $table:ident: $key:ty => $row:ty;)+) => {
        /// The rows that a unit of work wants to read.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct ReadSet {
            $($(#[$doc])* pub $table: BTreeSet<$key>,)+
            /// Rows that are found by something else than their key.
            pub questions: BTreeSet<Question>,
            /// Numbers to be allotted.
            pub ids: IdCounts,
        }

        impl ReadSet {
            /// True when nothing is asked for.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                $(self.$table.is_empty() &&)+ self.questions.is_empty() && self.ids == IdCounts::default()
            }
        }

        /// The rows that were read. A key that was asked for and is not among them has no row.
        #[derive(Clone, Debug, Default)]
        pub struct Rows {
            $($(#[$doc])* pub $table: Vec<($key, $row)>,)+
            /// The answers, each with its question.
            pub answers: Vec<(Question, Answer)>,
            /// The numbers allotted.
            pub ids: FirstIds,
        }

        /// The changed rows of the keyed tables: the new row of each key, absent where it is deleted.
        #[derive(Clone, Debug, Default)]
        pub struct Changed {
            $($(#[$doc])* pub $table: Vec<($key, Option<$row>)>,)+
        }

        impl Changed {
            /// True when no row is changed.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                $(self.$table.is_empty() &&)+ true
            }
        }
    };
}

/// The tables that are read and written by key, for every declaration that goes over all of them.
macro_rules! with_tables {
    ($declare:ident) => {
        $declare! {
            /// Requests by what identifies a duplicate.
            inbound_keys: DedupeKey => i64;
            /// Requests.
            inbounds: i64 => InboundRow;
            /// Idempotency keys in use.
            event_keys: Arc<str> => KeyRow;
            /// Events with their content; they are written by [`Append::Event`].
            events: i64 => Arc<EventRow>;
            /// Deliveries, in whatever state.
            deliveries: i64 => Delivery;
            /// The newest admitted state of entities, by target.
            entities: EntityKey => EntityState;
            /// The connector that owns the books of an order.
            pins: Arc<str> => Arc<str>;
            /// The references of entities in a connector's system.
            references: EntityKey => Vec<Reference>;
            /// The values written to a system and not reported back, by the entity there.
            outbound_writes: EntityKey => OutboundWrites;
            /// Deliveries that await in-flight writes.
            in_flight_waits: i64 => InFlightWait;
            /// The first order of each natural key of a sale.
            natural_keys: Arc<str> => Arc<str>;
            /// The first order of the sale that an order repeats.
            aliases: Arc<str> => Arc<str>;
            /// The refunds that were reported of an order.
            refunds: Arc<str> => Vec<ReportedRefund>;
            /// Closed days, by store and date.
            closings: (Arc<str>, Arc<str>) => ClosingRow;
            /// The levels of an article that are summed at a place, by article and place.
            levels: (Arc<str>, Arc<str>) => BTreeMap<LevelKey, LevelRow>;
            /// The deliveries that messages carried, by connector and message.
            messages: (Arc<str>, Arc<str>) => i64;
            /// Paused connectors.
            pauses: Arc<str> => Pause;
            /// The positions of polls, by connector.
            cursors: Arc<str> => Cursor;
            /// The last serial number of each connector.
            serials: Arc<str> => u64;
            /// The last numbers of sequences, by connector and name.
            sequences: (Arc<str>, Arc<str>) => u64;
            /// File names in use, by connector and name.
            file_names: (Arc<str>, Arc<str>) => i64;
            /// Outbox files.
            files: i64 => FileRow;
            /// Mappings.
            mappings: MappingKey => MappingEntry;
            /// Stores of the registry, by id.
            stores: Arc<str> => StoreRow;
            /// Secrets, without their texts; they are written by [`Append::Secret`].
            secrets: Arc<str> => SecretVersion;
            /// API tokens by name: the hash, and when they were made.
            tokens: Arc<str> => ([u8; 32], Millis);
            /// What arrived and has more deliveries to release: connector (or every one) and awaited key.
            releases: (Arc<str>, Arc<str>) => ();
            /// How far each pass of retention has come: a time and a number.
            positions: Pass => (i64, i64);
        }
    };
}
pub(crate) use with_tables;

with_tables!(declare_rows);

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
