//! Statements over many rows.
//!
//! Each statement costs a hop to the connection's thread and back, so a group's rows are written and read
//! many at a time. The number of rows is rounded up to a power of two, and the rest filled with NULL: so a
//! handful of prepared statements serves any number, and all of them stay prepared.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Decode, Encode, Row as _, Sqlite, SqliteConnection, Type};

use crate::{Error, Result};

/// The most rows of one statement. More would make statements that are large to keep prepared.
const MOST: usize = 64;

/// Says what was being done when the database refused.
pub(super) fn doing(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
    move |source| Error::Database { doing, source: Box::new(source) }
}

/// A statement with a place for rows: `{rows}` becomes `(?,?),(?,?)`, or `?,?` where a row is one value.
#[derive(Debug)]
pub(super) struct Template {
    /// What it does, for errors.
    pub doing: &'static str,
    /// How many values a row has.
    pub width: usize,
    /// The text.
    pub text: &'static str,
}

/// The texts made of templates so far.
#[derive(Default)]
pub(super) struct Texts(HashMap<(usize, usize), Arc<str>>);

impl Texts {
    fn of(&mut self, template: &'static Template, rows: usize) -> Arc<str> {
        // Templates are statics: the address is the template's identity and is never followed.
        let key = (std::ptr::from_ref(template).addr(), rows);
        Arc::clone(self.0.entry(key).or_insert_with(|| {
            let values = vec!["?"; template.width].join(",");
            let row = if template.width == 1 { values } else { format!("({values})") };
            template.text.replace("{rows}", &vec![row; rows].join(",")).into()
        }))
    }
}

/// Values to be bound, in their order.
#[derive(Default)]
pub(super) struct Args {
    values: SqliteArguments,
    broken: Option<BoxDynError>,
}

impl Args {
    pub(super) fn add<'t, T: Encode<'t, Sqlite> + Type<Sqlite>>(&mut self, value: T) -> &mut Self {
        if let Err(error) = self.values.add(value) {
            self.broken.get_or_insert(error);
        }
        self
    }

    fn finish(self, doing: &'static str) -> Result<SqliteArguments> {
        match self.broken {
            None => Ok(self.values),
            Some(source) => Err(Error::Database { doing, source }),
        }
    }
}

/// Rows that are gathered to be written or looked up together.
pub(super) struct Pile {
    template: &'static Template,
    rows: usize,
    full: Vec<Args>,
    open: Args,
}

impl Pile {
    pub(super) fn new(template: &'static Template) -> Self {
        Self { template, rows: 0, full: Vec::new(), open: Args::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.full.is_empty() && self.rows == 0
    }

    /// Adds a row: exactly as many values as the template is wide.
    pub(super) fn row(&mut self, fill: impl FnOnce(&mut Args)) {
        fill(&mut self.open);
        self.rows += 1;
        if self.rows == MOST {
            self.full.push(std::mem::take(&mut self.open));
            self.rows = 0;
        }
    }

    fn take(&mut self) -> Vec<(usize, Args)> {
        let mut parts: Vec<_> = std::mem::take(&mut self.full).into_iter().map(|args| (MOST, args)).collect();
        if self.rows > 0 {
            let padded = self.rows.next_power_of_two();
            let mut args = std::mem::take(&mut self.open);
            for _ in 0..(padded - self.rows) * self.template.width {
                args.add(None::<i64>);
            }
            parts.push((padded, args));
            self.rows = 0;
        }
        parts
    }

    /// Writes the rows and leaves the pile empty.
    pub(super) async fn write(&mut self, connection: &mut SqliteConnection, texts: &mut Texts) -> Result<()> {
        let template = self.template;
        for (rows, args) in self.take() {
            sqlx::query_with(AssertSqlSafe(texts.of(template, rows)), args.finish(template.doing)?)
                .execute(&mut *connection)
                .await
                .map_err(doing(template.doing))?;
        }
        Ok(())
    }

    /// What the database has on the rows.
    pub(super) async fn read(
        mut self,
        connection: &mut SqliteConnection,
        texts: &mut Texts,
    ) -> Result<Vec<SqliteRow>> {
        let template = self.template;
        let mut found = Vec::new();
        for (rows, args) in self.take() {
            found.extend(
                sqlx::query_with(AssertSqlSafe(texts.of(template, rows)), args.finish(template.doing)?)
                    .fetch_all(&mut *connection)
                    .await
                    .map_err(doing(template.doing))?,
            );
        }
        Ok(found)
    }
}

/// Does one statement.
pub(super) async fn execute(
    connection: &mut SqliteConnection,
    what: &'static str,
    text: &'static str,
    fill: impl FnOnce(&mut Args),
) -> Result<u64> {
    let mut args = Args::default();
    fill(&mut args);
    let done = sqlx::query_with(text, args.finish(what)?).execute(connection).await.map_err(doing(what))?;
    Ok(done.rows_affected())
}

/// Asks one question.
pub(super) async fn fetch(
    connection: &mut SqliteConnection,
    what: &'static str,
    text: impl sqlx::SqlSafeStr,
    fill: impl FnOnce(&mut Args),
) -> Result<Vec<SqliteRow>> {
    let mut args = Args::default();
    fill(&mut args);
    sqlx::query_with(text, args.finish(what)?).fetch_all(connection).await.map_err(doing(what))
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

    pub(super) fn next<T: Decode<'r, Sqlite> + Type<Sqlite>>(&mut self) -> Result<T> {
        let value = self.row.try_get(self.at).map_err(doing("reading a row"))?;
        self.at += 1;
        Ok(value)
    }

    /// The next cell, whose text has to be a name of that type.
    pub(super) fn name<T: std::str::FromStr<Err: std::fmt::Display>>(&mut self) -> Result<T> {
        let text: &str = self.next()?;
        text.parse()
            .map_err(|error: T::Err| Error::Unreadable { what: text.to_owned(), why: error.to_string() })
    }
}
