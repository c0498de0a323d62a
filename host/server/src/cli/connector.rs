//! `crossdock connector …`: the connectors: what is stuck and why, pause, resume, set-up, swap.

use clap::Subcommand;
use serde_json::{Value, json};

use super::address::escape;
use super::print::{Column, Printer};
use crate::client::Client;

/// `crossdock connector …`
#[derive(Debug, Subcommand)]
pub enum Connectors {
    /// List the connectors, how much is open on each, and why what does not move does not move
    List,
    /// Send nothing more through a connector; what is owed to it is kept
    Pause {
        /// The connector's name
        connector: String,
        /// Why, for the record
        #[arg(long, default_value = "paused by an operator")]
        reason: String,
    },
    /// Send again
    Resume {
        /// The connector's name
        connector: String,
    },
    /// Look whether the system tells the host what happens in it, as by webhooks that are registered there
    Setup {
        /// The connector's name
        connector: String,
        /// Put right what is not as it should be
        #[arg(long)]
        repair: bool,
    },
    /// Give a connector another version of its plugin while work flows
    ///
    /// The new version is loaded, compiled and tried out beside the old one, its settings are checked, and it
    /// is asked for recent receipts of the old one. Then new calls go to it, and those under way end on the old
    /// one. Where any step fails, the old one goes on, and the reason is said.
    Swap {
        /// The connector's name
        connector: String,
        /// The plugin: a file, or its name (`erp-rest`, `erp-rest@0.2.0`) in the host's folder of plugins
        #[arg(long, required_unless_present = "back", conflicts_with = "back")]
        to: Option<String>,
        /// Go back to the plugin before the last swap
        #[arg(long)]
        back: bool,
    },
}

/// Runs `crossdock connector …`.
pub async fn run(client: &Client, connectors: Connectors, print: Printer) -> anyhow::Result<()> {
    const COLUMNS: [Column; 10] = [
        ("CONNECTOR", "name"),
        ("PLUGIN", "plugin"),
        ("STATE", "state"),
        ("READY", "ready"),
        ("QUEUED", "queued"),
        ("SENDING", "sending"),
        ("WAITING", "waiting"),
        ("RECEIVED", "received"),
        ("EXCEPTIONS", "exceptions"),
        ("WHY", "reason"),
    ];
    match connectors {
        Connectors::List => {
            let answer = client.get("/api/v1/connectors").await?;
            print.list(&answer, "connectors", &COLUMNS, "No connectors are configured.");
        }
        Connectors::Pause { connector, reason } => {
            let path = format!("/api/v1/connectors/{}/pause", escape(&connector));
            let answer = client.post(&path, &json!({ "reason": reason })).await?;
            print.done(&answer, &format!("{connector} is paused."));
        }
        Connectors::Resume { connector } => {
            let path = format!("/api/v1/connectors/{}/resume", escape(&connector));
            let answer = client.post(&path, &json!({})).await?;
            print.done(&answer, &format!("{connector} goes on."));
        }
        Connectors::Setup { connector, repair } => {
            let path = format!("/api/v1/connectors/{}/setup", escape(&connector));
            let answer = client.post(&path, &json!({ "repair": repair })).await?;
            let columns = [("CODE", "code"), ("REPAIRED", "repaired"), ("FOUND", "message")];
            print.list(&answer, "setup", &columns, &format!("{connector} is set up as it should be."));
        }
        Connectors::Swap { connector, to, back } => {
            let path = format!("/api/v1/connectors/{}/swap", escape(&connector));
            let body = match to {
                Some(plugin) if !back => json!({ "to": located(&plugin) }),
                _ => json!({ "back": true }),
            };
            let answer = client.post(&path, &body).await?;
            let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or("?");
            let said = format!("{connector} was on {} and is on {}.", text("from"), text("to"));
            print.done(&answer, &said);
        }
    }
    Ok(())
}

/// A file that is here, by its whole path: the host may run in another folder.
fn located(plugin: &str) -> String {
    match std::fs::canonicalize(plugin) {
        Ok(path) if path.is_file() => path.display().to_string(),
        _ => plugin.to_owned(),
    }
}
