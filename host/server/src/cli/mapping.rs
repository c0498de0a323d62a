//! `crossdock mapping …`: the tables that map a value to its name in a connector's system.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::address::query;
use super::print::{Column, Printer};
use crate::client::Client;
use crate::registry;

/// `crossdock mapping …`
#[derive(Debug, Subcommand)]
#[command(
    after_help = "A plugin that meets a value its connector's tables lack reports it, and the work waits:\n  crossdock mapping missing                    what is missing, and how much waits for it\n  crossdock mapping set erp tax US-CA 7        add it: everything that waited goes on\n  crossdock mapping set '*' carrier DHL dhl    for every connector without a value of its own"
)]
pub enum Mappings {
    /// List mappings
    List {
        #[command(flatten)]
        which: Which,
        /// Only this value
        #[arg(long)]
        value: Option<String>,
        /// Continue after this position, with which the previous page ended
        #[arg(long)]
        after: Option<String>,
        /// The maximum number of rows
        #[arg(long)]
        limit: Option<u32>,
    },
    /// Map a value; deliveries that wait for it continue
    Set {
        /// The connector; '*' for every connector that has no mapping of its own for the value
        connector: String,
        /// The table (`tax`, `tender`, `sku`)
        table: String,
        /// The value, exactly as the plugin asks for it
        value: String,
        /// Its name in the connector's system
        target: String,
    },
    /// Remove a value
    Remove {
        /// The connector, or '*'
        connector: String,
        /// The table
        table: String,
        /// The value
        value: String,
    },
    /// Import the mappings of a CSV file, all of them or none
    ///
    /// The first line names the columns: connector,table,value,target. Files that a
    /// spreadsheet writes with semicolons are accepted too.
    Import {
        /// The file, or - for the standard input
        file: PathBuf,
        /// Remove every other value of the tables that the file names
        #[arg(long)]
        replace: bool,
    },
    /// Write mappings as CSV, as `import` reads them
    Export {
        /// The file; the standard output by default
        file: Option<PathBuf>,
        #[command(flatten)]
        which: Which,
    },
    /// List all changes, newest first
    History {
        #[command(flatten)]
        which: Which,
        /// Continue after this number, with which the previous page ended
        #[arg(long)]
        after: Option<i64>,
        /// The maximum number of rows
        #[arg(long)]
        limit: Option<u32>,
    },
    /// List the values without a mapping, and how many deliveries wait for each
    Missing,
}

/// Which tables.
#[derive(Debug, Default, Args)]
pub struct Which {
    /// Only mappings of this connector; '*' for those of every connector
    #[arg(long)]
    connector: Option<String>,
    /// Only this table
    #[arg(long)]
    table: Option<String>,
}

fn pairs<const N: usize>(which: Which, more: [(&'static str, Option<String>); N]) -> String {
    let all = [("connector", which.connector), ("table", which.table)].into_iter().chain(more);
    let all: Vec<_> = all.filter_map(|(name, value)| Some((name, value?))).collect();
    query(&all)
}

/// Runs `crossdock mapping …`.
pub async fn run(client: &Client, mappings: Mappings, print: Printer) -> anyhow::Result<()> {
    const COLUMNS: [Column; 6] = [
        ("CONNECTOR", "connector"),
        ("TABLE", "table"),
        ("VALUE", "value"),
        ("TARGET", "target"),
        ("CHANGED", "changedAt"),
        ("BY", "changedBy"),
    ];
    match mappings {
        Mappings::List { which, value, after, limit } => {
            let more = [("value", value), ("after", after), ("limit", limit.map(|limit| limit.to_string()))];
            let answer = client.get(&format!("/api/v1/mappings{}", pairs(which, more))).await?;
            print.list(&answer, "mappings", &COLUMNS, "There are no mappings.");
        }
        Mappings::Set { connector, table, value, target } => {
            let change = json!({ "connector": connector, "table": table, "value": value, "target": target });
            let answer = client.post("/api/v1/mappings", &json!({ "changes": [change] })).await?;
            let said = match number(&answer, "changed") {
                0 => "It was so already.".to_owned(),
                _ => format!("{connector}: {table} {value} is {target} from now on.{}", released(&answer)),
            };
            print.done(&answer, &said);
        }
        Mappings::Remove { connector, table, value } => {
            let change = json!({ "connector": connector, "table": table, "value": value });
            let answer = client.post("/api/v1/mappings", &json!({ "changes": [change] })).await?;
            if number(&answer, "removed") == 0 {
                anyhow::bail!("{connector} has no {table} {value}");
            }
            print.done(&answer, &format!("{connector}: {table} {value} is removed."));
        }
        Mappings::Import { file, replace } => {
            let text = registry::read(&file)?;
            let changes = registry::mappings(&text).with_context(|| format!("reading {}", file.display()))?;
            let body = json!({ "changes": changes, "replace": replace });
            let answer = client.post("/api/v1/mappings", &body).await?;
            print.done(&answer, &imported(&answer));
        }
        Mappings::Export { file, which } => export(client, file, which, print).await?,
        Mappings::History { which, after, limit } => {
            const COLUMNS: [Column; 8] = [
                ("AT", "at"),
                ("BY", "by"),
                ("CONNECTOR", "connector"),
                ("TABLE", "table"),
                ("VERSION", "version"),
                ("VALUE", "value"),
                ("WAS", "old"),
                ("IS", "new"),
            ];
            let more = [
                ("after", after.map(|after| after.to_string())),
                ("limit", limit.map(|limit| limit.to_string())),
            ];
            let answer = client.get(&format!("/api/v1/mappings/history{}", pairs(which, more))).await?;
            print.list(&answer, "changes", &COLUMNS, "No changes yet.");
        }
        Mappings::Missing => {
            const COLUMNS: [Column; 5] = [
                ("CONNECTOR", "connector"),
                ("TABLE", "table"),
                ("VALUE", "value"),
                ("WAITING", "waiting"),
                ("SINCE", "since"),
            ];
            let answer = client.get("/api/v1/mappings/missing").await?;
            print.list(&answer, "missing", &COLUMNS, "No mapping is missing.");
        }
    }
    Ok(())
}

async fn export(client: &Client, file: Option<PathBuf>, which: Which, print: Printer) -> anyhow::Result<()> {
    let Which { connector, table } = which;
    let mut all: Vec<Value> = Vec::new();
    let mut after = None;
    loop {
        let which = Which { connector: connector.clone(), table: table.clone() };
        let page = pairs(which, [("after", after), ("limit", Some("1000".to_owned()))]);
        let mut answer = client.get(&format!("/api/v1/mappings{page}")).await?;
        if let Some(Value::Array(rows)) = answer.get_mut("mappings").map(Value::take) {
            all.extend(rows);
        }
        after = answer.get("next").and_then(Value::as_str).map(str::to_owned);
        if after.is_none() {
            break;
        }
    }
    let text =
        |row: &'_ Value, name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let rows: Vec<[String; 4]> =
        all.iter().map(|row| ["connector", "table", "value", "target"].map(|name| text(row, name))).collect();
    let csv = registry::mappings_csv(rows.iter().map(|row| row.each_ref().map(String::as_str)))?;
    written(file, &csv, &json!({ "mappings": all }), all.len(), "mappings", print)
}

/// Writes what is exported to its file, or prints it.
pub(super) fn written(
    file: Option<PathBuf>,
    text: &str,
    answer: &Value,
    count: usize,
    what: &str,
    print: Printer,
) -> anyhow::Result<()> {
    match file {
        Some(path) => {
            std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
            let answer = json!({ "file": path, what: count });
            print.done(&answer, &format!("Written to {}; {what}: {count}.", path.display()));
        }
        None if print.json => println!("{answer}"),
        None => print!("{text}"),
    }
    Ok(())
}

pub(super) fn number(answer: &Value, name: &str) -> u64 {
    answer.get(name).and_then(Value::as_u64).unwrap_or(0)
}

fn released(answer: &Value) -> String {
    match number(answer, "released") {
        0 => String::new(),
        1 => " One delivery had waited for it and goes on.".to_owned(),
        count => format!(" {count} deliveries had waited for it and go on."),
    }
}

/// The result of an import, as a sentence.
pub(super) fn imported(answer: &Value) -> String {
    let [changed, unchanged, removed] = ["changed", "unchanged", "removed"].map(|name| number(answer, name));
    let released = match number(answer, "released") {
        0 => String::new(),
        count => format!(" Deliveries that had waited and go on: {count}."),
    };
    format!("{changed} added or changed, {unchanged} as before, {removed} removed.{released}")
}
