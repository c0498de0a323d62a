//! `crossdock store …`: the store registry.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Subcommand;
use crossdock_engine::StoreRecord;
use serde_json::{Value, json};

use super::address::{escape, query};
use super::mapping::{imported, written};
use super::print::{Column, Printer};
use crate::client::Client;
use crate::registry::{self, Format};

/// `crossdock store …`
#[derive(Debug, Subcommand)]
#[command(
    after_help = "A registry as TOML, as `import` reads and `export` writes it:\n  [[store]]\n  id = \"S001\"\n  name = \"Fifth Avenue\"\n  zone = \"America/New_York\"\n  warehouse = \"WH-NY\"\n  codes = { shopify = \"655441491\", square = \"LQ1\" }\n\nAs CSV, each of these is a column, `hours.monday` and `code.shopify` too."
)]
pub enum Stores {
    /// List the stores by id
    List {
        /// Continue after this id, with which the previous page ended
        #[arg(long)]
        after: Option<String>,
        /// The maximum number of rows
        #[arg(long)]
        limit: Option<u32>,
    },
    /// Show one store, by its id or by its code in a system
    Show {
        /// The store's id; with --system its code in that system
        store: String,
        /// The system of the code (`shopify`)
        #[arg(long)]
        system: Option<String>,
        /// Show all versions of the store
        #[arg(long, conflicts_with = "system")]
        history: bool,
    },
    /// Import the stores of a file, all of them or none
    Import {
        /// The file, TOML or CSV by its extension, or - for the standard input
        file: PathBuf,
        /// The format, if the file's extension does not name it
        #[arg(long)]
        format: Option<Format>,
        /// Remove every store that is not in the file
        #[arg(long)]
        replace: bool,
    },
    /// Write the registry in the format that `import` reads
    Export {
        /// The file, TOML or CSV by its extension; the standard output by default
        file: Option<PathBuf>,
        /// The format, if the file's extension does not name it
        #[arg(long)]
        format: Option<Format>,
    },
    /// Remove a store
    Remove {
        /// The store's id
        store: String,
    },
}

/// Runs `crossdock store …`.
pub async fn run(client: &Client, stores: Stores, print: Printer) -> anyhow::Result<()> {
    const COLUMNS: [Column; 7] = [
        ("STORE", "id"),
        ("NAME", "name"),
        ("ZONE", "zone"),
        ("COUNTRY", "country"),
        ("WAREHOUSE", "warehouse"),
        ("CODES", "codes"),
        ("VERSION", "version"),
    ];
    match stores {
        Stores::List { after, limit } => {
            let pairs = [("after", after), ("limit", limit.map(|limit| limit.to_string()))];
            let pairs: Vec<_> = pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
            let answer = client.get(&format!("/api/v1/stores{}", query(&pairs))).await?;
            print.list(&answer, "stores", &COLUMNS, "There are no stores.");
        }
        Stores::Show { store, system: Some(system), .. } => {
            let pairs = [("system", system.clone()), ("code", store.clone())];
            let answer = client.get(&format!("/api/v1/stores{}", query(&pairs))).await?;
            match answer.get("stores").and_then(|stores| stores.get(0)) {
                Some(found) => print.one(found),
                None => bail!("no store has the code `{store}` in {system}"),
            }
        }
        Stores::Show { store, history, .. } => {
            let more = if history { "/history" } else { "" };
            print.one(&client.get(&format!("/api/v1/stores/{}{more}", escape(&store))).await?);
        }
        Stores::Import { file, format, replace } => {
            let text = registry::read(&file)?;
            let format = format.unwrap_or_else(|| Format::of(&file));
            let stores = registry::stores(&text, format).with_context(|| format!("in {}", file.display()))?;
            let body = json!({ "stores": stores, "replace": replace });
            let answer = client.post("/api/v1/stores", &body).await?;
            print.done(&answer, &imported(&answer));
        }
        Stores::Export { file, format } => {
            let stores = all(client).await?;
            let format = format.unwrap_or_else(|| file.as_deref().map_or(Format::Toml, Format::of));
            let (count, answer) = (stores.len(), json!({ "stores": stores }));
            let text = match format {
                Format::Toml => registry::stores_toml(stores)?,
                Format::Csv => registry::stores_csv(&stores)?,
            };
            written(file, &text, &answer, count, "stores", print)?;
        }
        Stores::Remove { store } => {
            let answer = client.post("/api/v1/stores", &json!({ "remove": [store] })).await?;
            print.done(&answer, &format!("Store {store} is removed."));
        }
    }
    Ok(())
}

/// All stores, page by page.
async fn all(client: &Client) -> anyhow::Result<Vec<StoreRecord>> {
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut pairs = vec![("limit", "1000".to_owned())];
        pairs.extend(after.map(|after| ("after", after)));
        let mut answer = client.get(&format!("/api/v1/stores{}", query(&pairs))).await?;
        let Some(Value::Array(rows)) = answer.get_mut("stores").map(Value::take) else { break };
        for mut row in rows {
            if let Some(row) = row.as_object_mut() {
                // Version, time and author belong to the row and not to the store's record.
                row.retain(|name, _| !["version", "changedAt", "changedBy"].contains(&name.as_str()));
            }
            all.push(serde_json::from_value(row).context("reading the host's answer")?);
        }
        after = answer.get("next").and_then(Value::as_str).map(str::to_owned);
        if after.is_none() {
            break;
        }
    }
    Ok(all)
}
