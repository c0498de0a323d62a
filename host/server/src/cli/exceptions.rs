//! `crossdock exceptions …`: deliveries that a person must decide.

use clap::Subcommand;
use serde_json::{Value, json};

use super::listing::Listing;
use super::print::{Column, Printer};
use crate::client::Client;

/// `crossdock exceptions …`
#[derive(Debug, Subcommand)]
pub enum Exceptions {
    /// List the deliveries that a person must decide, newest first
    List(Listing),
    /// Show one exception with all its attempts
    Show {
        /// The exception's number
        exception: i64,
    },
    /// Retry one exception, or all with the same code
    Retry {
        /// The exception's number
        #[arg(required_unless_present = "code")]
        exception: Option<i64>,
        /// Retry all exceptions with this code (`unknown-sku`)
        #[arg(long, conflicts_with = "exception")]
        code: Option<String>,
    },
    /// Discard an exception: it will never be sent, and the deliveries behind it continue
    Discard {
        /// The exception's number
        exception: i64,
        /// The reason, for the audit log
        #[arg(long)]
        reason: String,
    },
}

/// Runs `crossdock exceptions …`.
pub async fn run(client: &Client, exceptions: Exceptions, print: Printer) -> anyhow::Result<()> {
    const COLUMNS: [Column; 6] = [
        ("EXCEPTION", "delivery"),
        ("CONNECTOR", "connector"),
        ("SINCE", "since"),
        ("CODE", "code"),
        ("WHY", "reason"),
        ("ENTITY", "entity"),
    ];
    match exceptions {
        Exceptions::List(listing) => {
            let answer = client.get(&format!("/api/v1/exceptions{}", listing.query())).await?;
            print.list(&answer, "exceptions", &COLUMNS, "No exceptions.");
        }
        Exceptions::Show { exception } => {
            print.one(&client.get(&format!("/api/v1/exceptions/{exception}")).await?);
        }
        Exceptions::Retry { exception: Some(exception), .. } => {
            let answer = client.post(&format!("/api/v1/exceptions/{exception}/retry"), &json!({})).await?;
            print.done(&answer, &format!("Exception {exception} is retried."));
        }
        Exceptions::Retry { exception: None, code } => {
            let answer = client.post("/api/v1/exceptions/retry", &json!({ "code": code })).await?;
            let count = answer.get("retried").and_then(Value::as_u64).unwrap_or(0);
            print.done(&answer, &format!("{count} exceptions are retried."));
        }
        Exceptions::Discard { exception, reason } => {
            let body = json!({ "reason": reason });
            let answer = client.post(&format!("/api/v1/exceptions/{exception}/discard"), &body).await?;
            print.done(&answer, &format!("Exception {exception} is discarded."));
        }
    }
    Ok(())
}
