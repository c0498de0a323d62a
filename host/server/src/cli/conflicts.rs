//! `crossdock conflicts …`: what a system told that is another's to tell.

use clap::Subcommand;

use super::address::query;
use super::print::{Column, Printer};
use crate::client::Client;

/// `crossdock conflicts …`
#[derive(Debug, Subcommand)]
pub enum Conflicts {
    /// List them, newest first
    List {
        /// Only those that this connector told
        #[arg(long)]
        connector: Option<String>,
        /// Go on after the number that the page before ended with
        #[arg(long)]
        after: Option<i64>,
        /// How many at most
        #[arg(long)]
        limit: Option<u32>,
    },
}

/// Runs `crossdock conflicts …`.
pub async fn run(client: &Client, conflicts: Conflicts, print: Printer) -> anyhow::Result<()> {
    const COLUMNS: [Column; 7] = [
        ("CONFLICT", "id"),
        ("AT", "at"),
        ("TOLD BY", "connector"),
        ("ENTITY", "entity"),
        ("ATTRIBUTE", "attribute"),
        ("VALUE", "value"),
        ("APPLIED", "applied"),
    ];
    let Conflicts::List { connector, after, limit } = conflicts;
    let pairs = [
        ("connector", connector),
        ("after", after.map(|after| after.to_string())),
        ("limit", limit.map(|limit| limit.to_string())),
    ];
    let pairs: Vec<_> =
        pairs.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))).collect();
    let answer = client.get(&format!("/api/v1/conflicts{}", query(&pairs))).await?;
    print.list(&answer, "conflicts", &COLUMNS, "No conflicts.");
    Ok(())
}
