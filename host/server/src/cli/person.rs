//! `crossdock person …`: personal data: erase a person.

use clap::Subcommand;
use serde_json::json;

use super::print::Printer;
use crate::client::Client;

/// `crossdock person …`
#[derive(Debug, Subcommand)]
pub enum Persons {
    /// Erase a person's data everywhere: the key that encrypts it is destroyed, and the events stay
    Erase {
        /// The customer's identity (`shopify/acme.myshopify.com/customer/42`), or a guest's order
        person: String,
        /// Confirm: this cannot be undone
        #[arg(long)]
        yes: bool,
    },
}

/// Runs `crossdock person …`.
pub async fn run(client: &Client, persons: Persons, print: Printer) -> anyhow::Result<()> {
    let Persons::Erase { person, yes } = persons;
    if !yes {
        anyhow::bail!("erasing {person} cannot be undone; add --yes to do it");
    }
    let answer = client.post("/api/v1/persons/erase", &json!({ "person": person })).await?;
    print.done(&answer, &format!("{person} is erased."));
    Ok(())
}
