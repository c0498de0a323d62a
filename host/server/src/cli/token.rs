//! `crossdock token …`: API tokens.

use clap::Subcommand;
use serde_json::{Value, json};

use super::address::escape;
use super::print::Printer;
use crate::client::Client;

/// `crossdock token …`
#[derive(Debug, Subcommand)]
pub enum Tokens {
    /// Create a token; it is shown once
    Create {
        /// The name of its user or program, for the audit log
        name: String,
    },
    /// List the tokens by name
    List,
    /// Revoke a token
    Revoke {
        /// The token's name
        name: String,
    },
}

/// Runs `crossdock token …`.
pub async fn run(client: &Client, tokens: Tokens, print: Printer) -> anyhow::Result<()> {
    match tokens {
        Tokens::Create { name } => {
            let answer = client.post("/api/v1/tokens", &json!({ "name": name })).await?;
            let token = answer.get("token").and_then(Value::as_str).unwrap_or_default();
            print.done(&answer, &format!("{token}\nKeep it: it is not shown again."));
        }
        Tokens::List => {
            let columns = [("NAME", "name"), ("CREATED", "createdAt")];
            print.list(&client.get("/api/v1/tokens").await?, "tokens", &columns, "There are no tokens.");
        }
        Tokens::Revoke { name } => {
            let answer = client.delete(&format!("/api/v1/tokens/{}", escape(&name))).await?;
            print.done(&answer, &format!("{name} is revoked."));
        }
    }
    Ok(())
}
