//! The tables that are read and written by key, and the sets of their rows that pass between the engine and a database:
//! what a unit of work reads ([`ReadSet`] → [`Rows`]) and what it changes ([`Changed`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crossdock_model::common::Reference;
use crossdock_model::time::Millis;
use crossdock_rules::entity_state::EntityState;
use crossdock_rules::refund::ReportedRefund;

use crate::delivery::Delivery;
use crate::keys::{DedupeKey, EntityKey, MappingKey};
use crate::question::{Answer, Pass, Question};
use crate::registry::StoreRow;
use crate::rows::{
    ClosingRow, EventRow, FileRow, InFlightWait, InboundRow, KeyRow, LevelKey, LevelRow, MappingEntry,
    OutboundWrites, SecretVersion,
};
use crate::view::{Cursor, Pause};

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
            /// Events with their content; they are written by [`Append::Event`](crate::database::Append::Event).
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
            /// Secrets, without their texts; they are written by [`Append::Secret`](crate::database::Append::Secret).
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
