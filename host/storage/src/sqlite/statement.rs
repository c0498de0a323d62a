//! Statements: every text that this crate sends to SQLite is declared as a [`Statement`], or put together by
//! [`super::filter`] from a fixed set of conditions. So a test can take the plan of all of them.

use std::sync::{Arc, OnceLock};

use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{
    Arguments as _, AssertSqlSafe, Decode, Encode, Row as _, SqlSafeStr, Sqlite, SqliteConnection, Type,
};

use crossdock_engine::{Error, Result};

/// The most rows of one bulk statement: more would make statements that are large to prepare and to cache.
pub(super) const MOST_ROWS: usize = 64;
/// The numbers of rows that a bulk statement is prepared for: 1, 2, 4, …, [`MOST_ROWS`].
const SIZES: usize = 7;

/// SQLite's primary result codes of a statement that is refused for its content: a constraint, a value too big, a
/// value of the wrong type.
const CONTENT_CODES: [i32; 3] = [19, 18, 20];

/// A statement. One that has rows has a place for them: `{rows}` becomes `(?,?),(?,?)`, or `?,?` where a row is one
/// value.
#[derive(Debug)]
pub(super) struct Statement {
    /// What it does, for errors.
    pub(super) operation: &'static str,
    /// How many values a row has; 0 for a statement without rows.
    pub(super) width: usize,
    text: &'static str,
    /// The texts for 1, 2, 4, … rows, made when they are first needed.
    texts: [OnceLock<Arc<str>>; SIZES],
}

impl Statement {
    /// For the macro below only.
    pub(super) const fn new(operation: &'static str, width: usize, text: &'static str) -> Self {
        Self { operation, width, text, texts: [const { OnceLock::new() }; SIZES] }
    }

    /// The text for so many rows: a power of two.
    pub(super) fn of_rows(&self, rows: usize) -> Arc<str> {
        let made = || -> Arc<str> {
            let values = vec!["?"; self.width].join(",");
            let row = if self.width == 1 { values } else { format!("({values})") };
            self.text.replace("{rows}", &vec![row; rows].join(",")).into()
        };
        let size = usize::try_from(rows.trailing_zeros()).unwrap_or(SIZES);
        match self.texts.get(size) {
            Some(text) => Arc::clone(text.get_or_init(made)),
            None => made(),
        }
    }

    /// The text of a statement without rows.
    pub(super) fn text(&self) -> &'static str {
        self.text
    }
}

/// Declares statements, and the list of them for the inventory: `NAME(width) "operation": "text";`. The width is left
/// out where the statement has no rows.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident $(($width:literal))? $operation:literal: $text:expr;)+) => {
        $(
            $(#[$doc])*
            pub(in crate::sqlite) static $name: $crate::sqlite::statement::Statement =
                $crate::sqlite::statement::Statement::new($operation, 0 $(+ $width)?, $text);
        )+

        /// The statements of this module.
        #[cfg(test)]
        pub(in crate::sqlite) static STATEMENTS: &[&$crate::sqlite::statement::Statement] = &[$(&$name),+];
    };
}
pub(super) use statements;

/// Says which operation failed, and whether for the content it writes.
pub(super) fn failed(operation: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
    move |source| {
        let code = source.as_database_error().and_then(|error| error.code());
        // The low byte of an extended code is the primary code.
        let code = code.and_then(|code| code.parse::<i32>().ok()).map(|code| code & 0xff);
        match code {
            Some(code) if CONTENT_CODES.contains(&code) => {
                Error::Content { operation, reason: source.to_string() }
            }
            _ => Error::Database { operation, source: Box::new(source) },
        }
    }
}

/// A stored value that cannot be decoded.
pub(super) fn unreadable(what: impl Into<String>, reason: impl std::fmt::Display) -> Error {
    Error::Unreadable { what: what.into(), reason: reason.to_string() }
}

/// Values to be bound, in their order.
#[derive(Default)]
pub(super) struct Args {
    values: SqliteArguments,
    broken: Option<BoxDynError>,
}

impl Args {
    /// Adds a value.
    pub(super) fn add<'t, T: Encode<'t, Sqlite> + Type<Sqlite>>(&mut self, value: T) -> &mut Self {
        if let Err(error) = self.values.add(value) {
            self.broken.get_or_insert(error);
        }
        self
    }

    fn finish(self, operation: &'static str) -> Result<SqliteArguments> {
        match self.broken {
            None => Ok(self.values),
            Some(source) => Err(Error::Database { operation, source }),
        }
    }
}

/// Runs a text and answers how many rows it touched.
pub(super) async fn run(
    connection: &mut SqliteConnection,
    operation: &'static str,
    text: impl SqlSafeStr,
    args: Args,
) -> Result<u64> {
    let query = sqlx::query_with(text, args.finish(operation)?);
    Ok(query.execute(connection).await.map_err(failed(operation))?.rows_affected())
}

/// Runs a text and answers its rows.
pub(super) async fn rows(
    connection: &mut SqliteConnection,
    operation: &'static str,
    text: impl SqlSafeStr,
    args: Args,
) -> Result<Vec<SqliteRow>> {
    sqlx::query_with(text, args.finish(operation)?).fetch_all(connection).await.map_err(failed(operation))
}

/// Executes a statement without rows.
pub(super) async fn execute(
    connection: &mut SqliteConnection,
    statement: &'static Statement,
    fill: impl FnOnce(&mut Args),
) -> Result<u64> {
    let mut args = Args::default();
    fill(&mut args);
    run(connection, statement.operation, statement.text(), args).await
}

/// Fetches the rows of a statement.
pub(super) async fn fetch(
    connection: &mut SqliteConnection,
    statement: &'static Statement,
    fill: impl FnOnce(&mut Args),
) -> Result<Vec<SqliteRow>> {
    let mut args = Args::default();
    fill(&mut args);
    rows(connection, statement.operation, statement.text(), args).await
}

/// Fetches the rows of a statement and reads each.
pub(super) async fn fetch_all<T>(
    connection: &mut SqliteConnection,
    statement: &'static Statement,
    fill: impl FnOnce(&mut Args),
    read: impl FnMut(&mut Cells<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    read_all(&fetch(connection, statement, fill).await?, read)
}

/// Fetches the first row of a statement, if it has one, and reads it.
pub(super) async fn fetch_first<T>(
    connection: &mut SqliteConnection,
    statement: &'static Statement,
    fill: impl FnOnce(&mut Args),
    read: impl FnOnce(&mut Cells<'_>) -> Result<T>,
) -> Result<Option<T>> {
    fetch(connection, statement, fill).await?.first().map(|row| read(&mut Cells::of(row))).transpose()
}

/// Reads each row.
pub(super) fn read_all<T>(
    rows: &[SqliteRow],
    mut read: impl FnMut(&mut Cells<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    rows.iter().map(|row| read(&mut Cells::of(row))).collect()
}

/// A text that is safe because it was put together from constants.
pub(super) fn assembled(text: String) -> AssertSqlSafe<String> {
    AssertSqlSafe(text)
}

/// Reads a row from left to right.
pub(super) struct Cells<'r> {
    row: &'r SqliteRow,
    at: usize,
}

impl<'r> Cells<'r> {
    pub(super) fn of(row: &'r SqliteRow) -> Self {
        Self { row, at: 0 }
    }

    /// The next cell.
    pub(super) fn next<T: Decode<'r, Sqlite> + Type<Sqlite>>(&mut self) -> Result<T> {
        let value = self.row.try_get(self.at).map_err(failed("reading a row"))?;
        self.at += 1;
        Ok(value)
    }

    /// The next cell, a text that many may share.
    pub(super) fn shared(&mut self) -> Result<Arc<str>> {
        Ok(self.next::<&str>()?.into())
    }

    /// The next cell, a text that many may share, or NULL.
    pub(super) fn shared_or_null(&mut self) -> Result<Option<Arc<str>>> {
        Ok(self.next::<Option<&str>>()?.map(Into::into))
    }

    /// The next cell, JSON.
    pub(super) fn json<T: serde::de::DeserializeOwned>(&mut self, what: &str) -> Result<T> {
        serde_json::from_str(self.next()?).map_err(|error| unreadable(what, error))
    }
}

/// A value as JSON, to be stored.
pub(super) fn to_json(what: &str, value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| unreadable(what, error))
}
