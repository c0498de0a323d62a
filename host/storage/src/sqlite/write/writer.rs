//! What the writes of one unit share: the connection, the keys, and what has to be remembered.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crossdock_engine::Result;
use crossdock_engine::database::ChangeSet;
use crossdock_engine::rows::LevelRow;
use sqlx::SqliteConnection;

use crate::sqlite::bulk::BulkStatement;
use crate::sqlite::keys::SubjectKey;
use crate::sqlite::state::WriterState;
use crate::sqlite::statement::{execute, statements};
use crate::vault::{Sealer, Vault};

statements! {
    SETTLED(2) "counting settled deliveries":
        "INSERT INTO settled_count (connector, count) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET count = count + excluded.count";
    NUMBERS "writing the last numbers":
        "INSERT INTO counter (name, last) VALUES ('inbound', ?), ('event', ?), ('delivery', ?), ('file', ?), \
         ('subject', ?) ON CONFLICT DO UPDATE SET last = max(last, excluded.last)";
}

/// The levels of sums, as a unit read them.
pub(in crate::sqlite) type Levels = HashMap<(Arc<str>, Arc<str>), BTreeMap<(Arc<str>, Arc<str>), LevelRow>>;

/// What has to be done about the log once the changes are committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::sqlite) struct Written {
    /// How many rows the bulk changes touched.
    pub(in crate::sqlite) touched: u64,
    /// True when a key was destroyed: the log still has the pages it was in.
    pub(in crate::sqlite) destroyed_keys: bool,
}

/// Writes a change set.
pub(in crate::sqlite) struct ChangeWriter<'t> {
    pub(super) connection: &'t mut SqliteConnection,
    pub(super) vault: &'t Vault,
    pub(super) state: &'t mut WriterState,
    pub(super) levels: &'t Levels,
    /// The keys that this unit uses: remembered ones, read ones, and new ones.
    pub(super) subjects: HashMap<Arc<str>, SubjectKey>,
    pub(super) days: HashMap<i64, Sealer>,
    pub(super) written: Written,
    /// True when rows leave: their numbers have to be remembered.
    pub(super) numbers_leave: bool,
}

impl<'t> ChangeWriter<'t> {
    pub(in crate::sqlite) fn new(
        connection: &'t mut SqliteConnection,
        vault: &'t Vault,
        state: &'t mut WriterState,
        levels: &'t Levels,
    ) -> Self {
        Self {
            connection,
            vault,
            state,
            levels,
            subjects: HashMap::new(),
            days: HashMap::new(),
            written: Written::default(),
            numbers_leave: false,
        }
    }

    /// Counts what was settled, and remembers the numbers that were used.
    pub(super) async fn count(&mut self, changes: &ChangeSet) -> Result<()> {
        let mut settled = BulkStatement::new(&SETTLED);
        for (connector, change) in changes.settled.iter().filter(|(_, change)| **change != 0) {
            settled.row(|args| {
                args.add(Arc::clone(connector)).add(*change);
            });
        }
        settled.write(self.connection).await?;
        let (last, numbers) = (changes.last_ids, &mut self.state.numbers);
        numbers.inbound = last.inbound.unwrap_or(numbers.inbound);
        numbers.event = last.event.unwrap_or(numbers.event);
        numbers.delivery = last.delivery.unwrap_or(numbers.delivery);
        numbers.file = last.file.unwrap_or(numbers.file);
        if self.numbers_leave {
            let numbers = *numbers;
            execute(self.connection, &NUMBERS, |args| {
                args.add(numbers.inbound)
                    .add(numbers.event)
                    .add(numbers.delivery)
                    .add(numbers.file)
                    .add(numbers.subject);
            })
            .await?;
        }
        Ok(())
    }

    /// The keys that were used may be used again soon.
    pub(super) fn remember(&mut self) {
        for (name, key) in self.subjects.drain() {
            self.state.keys.subjects.put(name, key);
        }
        for (day, key) in self.days.drain() {
            self.state.keys.days.put(day, key);
        }
    }
}
