//! The tables that are read and written by key alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossdock_model::common::Reference;
use crossdock_model::time::Millis;
use crossdock_rules::entity_state::EntityState;
use crossdock_rules::refund::ReportedRefund;

use crate::database::{Changed, Pass, ReadSet, Rows};
use crate::keys::{DedupeKey, EntityKey, MappingKey};
use crate::registry::StoreRow;
use crate::rows::{
    ClosingRow, FileRow, InFlightWait, InboundRow, KeyRow, LevelKey, LevelRow, MappingEntry, OutboundWrites,
    SecretVersion,
};
use crate::view::{Cursor, Pause};

/// A table that clones share until one of them changes it.
pub(super) type Map<K, R> = Arc<BTreeMap<K, R>>;

/// Declares the tables. The compiler refuses a table that is in the contract and not here.
macro_rules! tables {
    ($($table:ident: $key:ty => $row:ty;)+) => {
        #[derive(Clone, Debug, Default)]
        pub(super) struct Tables {
            $(pub $table: Map<$key, Arc<$row>>,)+
        }

        impl Tables {
            /// Reads the rows that are there of those wanted.
            pub fn load(&self, wanted: &ReadSet, rows: &mut Rows) {
                let ReadSet { $($table,)+ events: _, deliveries: _, questions: _, ids: _ } = wanted;
                $(for key in $table {
                    if let Some(row) = self.$table.get(key) {
                        rows.$table.push((key.clone(), <$row>::clone(row)));
                    }
                })+
            }

            /// Writes changed rows, and deletes those that have none any more.
            pub fn apply(&mut self, changed: &Changed) {
                let Changed { $($table,)+ events: _, deliveries: _ } = changed;
                $(for (key, row) in $table {
                    let table = Arc::make_mut(&mut self.$table);
                    match row {
                        Some(row) => drop(table.insert(key.clone(), Arc::new(row.clone()))),
                        None => drop(table.remove(key)),
                    }
                })+
            }
        }
    };
}

tables! {
    inbound_keys: DedupeKey => i64;
    inbounds: i64 => InboundRow;
    event_keys: Arc<str> => KeyRow;
    entities: EntityKey => EntityState;
    pins: Arc<str> => Arc<str>;
    references: EntityKey => Vec<Reference>;
    outbound_writes: EntityKey => OutboundWrites;
    in_flight_waits: i64 => InFlightWait;
    natural_keys: Arc<str> => Arc<str>;
    aliases: Arc<str> => Arc<str>;
    refunds: Arc<str> => Vec<ReportedRefund>;
    closings: (Arc<str>, Arc<str>) => ClosingRow;
    levels: (Arc<str>, Arc<str>) => BTreeMap<LevelKey, LevelRow>;
    messages: (Arc<str>, Arc<str>) => i64;
    pauses: Arc<str> => Pause;
    cursors: Arc<str> => Cursor;
    serials: Arc<str> => u64;
    sequences: (Arc<str>, Arc<str>) => u64;
    file_names: (Arc<str>, Arc<str>) => i64;
    files: i64 => FileRow;
    mappings: MappingKey => MappingEntry;
    stores: Arc<str> => StoreRow;
    secrets: Arc<str> => SecretVersion;
    tokens: Arc<str> => ([u8; 32], Millis);
    releases: (Arc<str>, Arc<str>) => ();
    positions: Pass => (i64, i64);
}
