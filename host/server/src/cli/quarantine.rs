//! `crossdock quarantine …`: requests that could not be read.

use clap::Subcommand;
use serde_json::{Value, json};

use super::listing::Listing;
use super::print::{Column, Printer};
use crate::client::Client;

/// `crossdock quarantine …`
#[derive(Debug, Subcommand)]
pub enum Quarantine {
    /// List the requests that could not be read, newest first
    List(Listing),
    /// Show a request as it arrived (headers and body), with the reason
    Show {
        /// The request's number
        request: i64,
    },
    /// Read a request again, or all of a connector, for instance after a new version of its plugin
    Reread {
        /// The request's number
        #[arg(required_unless_present = "connector")]
        inbound: Option<i64>,
        /// Read all requests of this connector again
        #[arg(long, conflicts_with = "inbound")]
        connector: Option<String>,
    },
}

/// Runs `crossdock quarantine …`.
pub async fn run(client: &Client, quarantine: Quarantine, print: Printer) -> anyhow::Result<()> {
    const COLUMNS: [Column; 5] = [
        ("REQUEST", "id"),
        ("CONNECTOR", "connector"),
        ("ARRIVED", "receivedAt"),
        ("CODE", "code"),
        ("WHY", "reason"),
    ];
    match quarantine {
        Quarantine::List(listing) => {
            let answer = client.get(&format!("/api/v1/quarantine{}", listing.query())).await?;
            print.list(&answer, "requests", &COLUMNS, "The quarantine is empty.");
        }
        Quarantine::Show { request } => {
            print.one(&client.get(&format!("/api/v1/quarantine/{request}")).await?);
        }
        Quarantine::Reread { inbound, connector } => {
            let body = json!({ "request": inbound, "connector": connector });
            let answer = client.post("/api/v1/quarantine/reread", &body).await?;
            let count = answer.get("requests").and_then(Value::as_u64).unwrap_or(0);
            print.done(&answer, &format!("{count} requests are read again."));
        }
    }
    Ok(())
}
