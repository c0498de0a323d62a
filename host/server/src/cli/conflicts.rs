//! `crossdock conflicts …`: values reported by a system that does not own the attribute.

use clap::Subcommand;

use super::listing::Listing;
use super::print::{Column, Printer};
use crate::client::Client;

/// `crossdock conflicts …`
#[derive(Debug, Subcommand)]
pub enum Conflicts {
    /// List them, newest first
    List(Listing),
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
    let Conflicts::List(listing) = conflicts;
    let answer = client.get(&format!("/api/v1/conflicts{}", listing.query())).await?;
    print.list(&answer, "conflicts", &COLUMNS, "No conflicts.");
    Ok(())
}
