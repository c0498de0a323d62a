//! Every row of a database with templates, whatever its table.

use std::collections::BTreeMap;

use crossdock_engine::Result;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Row as _, SqliteConnection, TypeInfo as _, ValueRef as _};

use crate::sqlite::statement::{Args, assembled, failed, rows};

/// A value as it is stored.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Number(i64),
    Text(String),
    Blob(Vec<u8>),
}

/// A row by the names of its columns.
pub(super) type Stored = Vec<(String, Value)>;

pub(super) fn number(row: &Stored, column: &str) -> Option<i64> {
    row.iter().find(|(name, _)| name == column).and_then(|(_, value)| match value {
        Value::Number(number) => Some(*number),
        _ => None,
    })
}

pub(super) fn text<'r>(row: &'r Stored, column: &str) -> Option<&'r str> {
    row.iter().find(|(name, _)| name == column).and_then(|(_, value)| match value {
        Value::Text(text) => Some(text.as_str()),
        _ => None,
    })
}

pub(super) fn blob<'r>(row: &'r Stored, column: &str) -> Option<&'r [u8]> {
    row.iter().find(|(name, _)| name == column).and_then(|(_, value)| match value {
        Value::Blob(blob) => Some(blob.as_slice()),
        _ => None,
    })
}

/// The rows of each table that has any.
pub(super) type Database = BTreeMap<String, Vec<Stored>>;

/// Reads every table; not the indexes of words, and the tables that they consist of.
pub(super) async fn read_all(connection: &mut SqliteConnection) -> Result<Database> {
    let mut stored = Database::new();
    for table in table_names(connection).await? {
        let found = all(connection, &table).await?;
        if !found.is_empty() {
            stored.insert(table, found);
        }
    }
    Ok(stored)
}

async fn table_names(connection: &mut SqliteConnection) -> Result<Vec<String>> {
    let text = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' \
         AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let found = rows(connection, "reading the tables", text, Args::default()).await?;
    found.iter().map(|row| row.try_get(0).map_err(failed("reading the tables"))).collect()
}

async fn all(connection: &mut SqliteConnection, table: &str) -> Result<Vec<Stored>> {
    let text = assembled(format!("SELECT * FROM {table}"));
    rows(connection, "reading templates", text, Args::default()).await?.iter().map(read).collect()
}

fn read(row: &SqliteRow) -> Result<Stored> {
    let failed = || failed("reading a template's row");
    let mut stored = Vec::new();
    for (at, column) in row.columns().iter().enumerate() {
        let kind = {
            let raw = row.try_get_raw(at).map_err(failed())?;
            if raw.is_null() { "NULL".to_owned() } else { raw.type_info().name().to_owned() }
        };
        let value = match kind.as_str() {
            "NULL" => Value::Null,
            "TEXT" => Value::Text(row.try_get_unchecked(at).map_err(failed())?),
            "BLOB" => Value::Blob(row.try_get_unchecked(at).map_err(failed())?),
            _ => Value::Number(row.try_get_unchecked(at).map_err(failed())?),
        };
        stored.push((column.name().to_owned(), value));
    }
    Ok(stored)
}
