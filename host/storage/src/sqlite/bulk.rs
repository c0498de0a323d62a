//! Bulk statements: many rows, one statement.
//!
//! Each statement costs a hop to the connection's thread and back, so rows are written and read many at a time. The
//! number of rows is rounded up to a power of two and the rest filled with NULL: a handful of prepared statements
//! serves any number of rows, and all of them stay prepared.

use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::statement::{Args, MOST_ROWS, Statement, rows, run};
use crossdock_engine::Result;

/// A statement and the rows that it is to be executed for.
pub(super) struct BulkStatement {
    statement: &'static Statement,
    /// Full statements.
    full: Vec<Args>,
    /// The rows that follow, and how many they are.
    open: Args,
    rows: usize,
    /// A value in front of the rows.
    first: Option<i64>,
}

impl BulkStatement {
    pub(super) fn new(statement: &'static Statement) -> Self {
        Self { statement, full: Vec::new(), open: Args::default(), rows: 0, first: None }
    }

    /// A statement with one value in front of its rows.
    pub(super) fn with_first(statement: &'static Statement, first: impl Into<i64>) -> Self {
        Self { first: Some(first.into()), ..Self::new(statement) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.full.is_empty() && self.rows == 0
    }

    /// Adds a row: exactly as many values as the statement is wide.
    pub(super) fn row(&mut self, fill: impl FnOnce(&mut Args)) {
        if let (0, Some(first)) = (self.rows, self.first) {
            self.open.add(first);
        }
        fill(&mut self.open);
        self.rows += 1;
        if self.rows == MOST_ROWS {
            self.full.push(std::mem::take(&mut self.open));
            self.rows = 0;
        }
    }

    /// As [`Self::row`], with values that may not be storable.
    pub(super) fn try_row(&mut self, fill: impl FnOnce(&mut Args) -> Result<()>) -> Result<()> {
        let mut filled = Ok(());
        self.row(|args| filled = fill(args));
        filled
    }

    /// The statements to execute, each with its number of rows; leaves none behind.
    fn take(&mut self) -> Vec<(usize, Args)> {
        let mut parts: Vec<_> =
            std::mem::take(&mut self.full).into_iter().map(|args| (MOST_ROWS, args)).collect();
        if self.rows > 0 {
            let padded = self.rows.next_power_of_two();
            let mut args = std::mem::take(&mut self.open);
            for _ in 0..(padded - self.rows) * self.statement.width {
                args.add(None::<i64>);
            }
            parts.push((padded, args));
            self.rows = 0;
        }
        parts
    }

    /// Executes it for all rows and leaves it empty. Answers how many rows of the database it touched.
    pub(super) async fn write(&mut self, connection: &mut SqliteConnection) -> Result<u64> {
        let mut touched = 0;
        for (count, args) in self.take() {
            let text = AssertSqlSafe(self.statement.of_rows(count));
            touched += run(connection, self.statement.operation, text, args).await?;
        }
        Ok(touched)
    }

    /// Executes it for all rows and answers what it found.
    pub(super) async fn read(mut self, connection: &mut SqliteConnection) -> Result<Vec<SqliteRow>> {
        let mut found = Vec::new();
        for (count, args) in self.take() {
            let text = AssertSqlSafe(self.statement.of_rows(count));
            found.extend(rows(connection, self.statement.operation, text, args).await?);
        }
        Ok(found)
    }
}

/// Finds the rows of numbers.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    statement: &'static Statement,
    numbers: impl IntoIterator<Item = i64>,
) -> Result<Vec<SqliteRow>> {
    let mut bulk = BulkStatement::new(statement);
    for number in numbers {
        bulk.row(|args| {
            args.add(number);
        });
    }
    bulk.read(connection).await
}

#[cfg(test)]
mod tests {
    use super::*;

    static PAIRS: Statement = Statement::new("testing", 2, "SELECT * FROM (VALUES {rows})");

    #[test]
    fn the_number_of_rows_is_rounded_up_to_a_power_of_two() {
        let mut bulk = BulkStatement::new(&PAIRS);
        for number in 0..67_i64 {
            bulk.row(|args| {
                args.add(number).add(number);
            });
        }
        let sizes: Vec<usize> = bulk.take().iter().map(|(rows, _)| *rows).collect();
        assert_eq!(sizes, [64, 4]);
        assert!(bulk.is_empty());
        assert_eq!(&*PAIRS.of_rows(2), "SELECT * FROM (VALUES (?,?),(?,?))");
    }
}
