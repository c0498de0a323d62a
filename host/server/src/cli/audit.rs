//! `crossdock audit …`: what operators did.

use clap::Subcommand;

use super::address::query;
use super::listing::Paging;
use super::print::{Column, Printer};
use crate::client::Client;

/// `crossdock audit …`
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// List what was done by whom, newest first
    List(Paging),
}

/// Runs `crossdock audit …`.
pub async fn run(client: &Client, audit: Audit, print: Printer) -> anyhow::Result<()> {
    const COLUMNS: [Column; 5] =
        [("AT", "at"), ("BY", "by"), ("DID", "action"), ("TO", "subject"), ("IN DETAIL", "detail")];
    let Audit::List(paging) = audit;
    let answer = client.get(&format!("/api/v1/audit{}", query(&paging.pairs()))).await?;
    print.list(&answer, "acts", &COLUMNS, "No operations yet.");
    Ok(())
}
