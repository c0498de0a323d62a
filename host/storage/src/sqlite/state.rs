//! The writer's state between transactions. All of it can be read from the database again.

use crossdock_engine::Result;
use crossdock_engine::database::{FirstIds, IdCounts};
use sqlx::SqliteConnection;

use super::keys::KeyCache;
use super::statement::{fetch_first, statements};

statements! {
    /// Rows that left took their numbers with them, so the counters are asked too.
    NUMBERS "reading the last numbers":
        "SELECT coalesce((SELECT last FROM counter WHERE name = 'inbound'), 0), \
         coalesce((SELECT max(id) FROM inbound), 0), \
         coalesce((SELECT last FROM counter WHERE name = 'event'), 0), \
         coalesce((SELECT max(id) FROM event), 0), \
         coalesce((SELECT last FROM counter WHERE name = 'delivery'), 0), \
         coalesce((SELECT max(id) FROM delivery), 0), \
         coalesce((SELECT last FROM counter WHERE name = 'file'), 0), \
         coalesce((SELECT max(id) FROM out_file), 0), \
         coalesce((SELECT last FROM counter WHERE name = 'subject'), 0), \
         coalesce((SELECT max(id) FROM subject), 0)";
    PRESENT "looking for tables without rows":
        "SELECT EXISTS (SELECT 1 FROM outbound_write), EXISTS (SELECT 1 FROM in_flight_wait), \
         EXISTS (SELECT 1 FROM natural_key), EXISTS (SELECT 1 FROM alias), \
         EXISTS (SELECT 1 FROM reported_refund), EXISTS (SELECT 1 FROM closing), \
         EXISTS (SELECT 1 FROM stock_level), EXISTS (SELECT 1 FROM message), \
         EXISTS (SELECT 1 FROM pending_release), \
         EXISTS (SELECT 1 FROM delivery WHERE awaits IS NOT NULL AND state IN (3, 6))";
}

/// The last numbers that were used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) inbound: i64,
    pub(super) event: i64,
    pub(super) delivery: i64,
    pub(super) file: i64,
    pub(super) subject: i64,
}

impl Numbers {
    /// Allots numbers, and answers the first of each kind.
    pub(super) fn allot(&mut self, counts: IdCounts) -> FirstIds {
        let allot = |last: &mut i64, count: u32| {
            let first = *last + 1;
            *last += i64::from(count);
            first
        };
        FirstIds {
            inbound: allot(&mut self.inbound, counts.inbounds),
            event: allot(&mut self.event, counts.events),
            delivery: allot(&mut self.delivery, counts.deliveries),
            file: allot(&mut self.file, counts.files),
        }
    }
}

/// Tables that few hosts use, false for one that surely has no row: then nothing is looked for in it. A host that
/// carries one shop's orders to one ERP pays for none of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Present {
    pub(super) outbound_writes: bool,
    pub(super) in_flight_waits: bool,
    pub(super) natural_keys: bool,
    pub(super) aliases: bool,
    pub(super) refunds: bool,
    pub(super) closings: bool,
    pub(super) levels: bool,
    pub(super) messages: bool,
    pub(super) releases: bool,
    /// Deliveries that await an entity or a mapping.
    pub(super) awaiting: bool,
}

/// The state.
pub(super) struct WriterState {
    pub(super) numbers: Numbers,
    pub(super) keys: KeyCache,
    pub(super) present: Present,
}

impl WriterState {
    /// Reads it.
    pub(super) async fn read(connection: &mut SqliteConnection) -> Result<Self> {
        let numbers = fetch_first(
            connection,
            &NUMBERS,
            |_| {},
            |cells| {
                let mut last = || Ok(cells.next::<i64>()?.max(cells.next()?));
                Ok(Numbers {
                    inbound: last()?,
                    event: last()?,
                    delivery: last()?,
                    file: last()?,
                    subject: last()?,
                })
            },
        );
        let numbers = numbers.await?.unwrap_or_default();
        let present = fetch_first(
            connection,
            &PRESENT,
            |_| {},
            |cells| {
                Ok(Present {
                    outbound_writes: cells.next()?,
                    in_flight_waits: cells.next()?,
                    natural_keys: cells.next()?,
                    aliases: cells.next()?,
                    refunds: cells.next()?,
                    closings: cells.next()?,
                    levels: cells.next()?,
                    messages: cells.next()?,
                    releases: cells.next()?,
                    awaiting: cells.next()?,
                })
            },
        );
        let present = present.await?.unwrap_or_default();
        Ok(Self { numbers, keys: KeyCache::default(), present })
    }
}
