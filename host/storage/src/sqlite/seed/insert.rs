//! Inserts batches of rows, all of them in one transaction: a commit would write every page that hashes fell into, and
//! they fall everywhere.

use std::collections::BTreeMap;

use crossdock_engine::Result;
use sqlx::SqliteConnection;

use super::template::Table;
use crate::sqlite::statement::{Args, assembled, run};

/// How many values one statement binds at most: SQLite's own limit is 32,766.
const MOST_VALUES: usize = 4000;

/// How many settled deliveries each connector has.
pub(super) type Settled = BTreeMap<String, i64>;

/// Rows of one table.
pub(super) struct Batch {
    /// The position of the table; the one behind the last is that of customers.
    pub(super) table: usize,
    pub(super) rows: usize,
    pub(super) args: Args,
    /// How many orders were rendered by then.
    pub(super) orders: u64,
}

/// How many rows of so many values a batch has.
pub(super) fn rows_of_a_batch(width: usize) -> usize {
    MOST_VALUES / width.max(1)
}

/// Inserts.
pub(super) struct Inserter<'c> {
    connection: &'c mut SqliteConnection,
    tables: Vec<Table>,
    is_open: bool,
}

impl<'c> Inserter<'c> {
    pub(super) fn new(connection: &'c mut SqliteConnection, mut tables: Vec<Table>) -> Self {
        let columns = ["id", "name", "sealed"].map(str::to_owned).to_vec();
        tables.push(Table { name: "subject".into(), columns });
        Self { connection, tables, is_open: false }
    }

    pub(super) async fn insert(&mut self, batch: Batch) -> Result<()> {
        let Some(table) = self.tables.get(batch.table) else { return Ok(()) };
        let row = format!("({})", vec!["?"; table.columns.len()].join(","));
        let rows = vec![row; batch.rows].join(",");
        let text = format!("INSERT INTO {} ({}) VALUES {rows}", table.name, table.columns.join(", "));
        if !self.is_open {
            run(self.connection, "seeding", "BEGIN", Args::default()).await?;
            self.is_open = true;
        }
        run(self.connection, "seeding", assembled(text), batch.args).await?;
        Ok(())
    }

    pub(super) async fn finish(self, settled: Settled) -> Result<()> {
        for (connector, count) in settled {
            let mut args = Args::default();
            args.add(connector).add(count);
            let text = "INSERT INTO settled_count (connector, count) VALUES (?, ?)";
            run(self.connection, "seeding", text, args).await?;
        }
        if self.is_open {
            run(self.connection, "seeding", "COMMIT", Args::default()).await?;
        }
        Ok(())
    }
}
