//! `crossdock connector …`: the connectors: what is stuck and why, pause, resume, set-up, swap.

use clap::Subcommand;
use serde_json::{Value, json};

use super::address::{escape, query};
use super::print::{Column, Printer};
use crate::client::Client;

/// `crossdock connector …`
#[derive(Debug, Subcommand)]
pub enum Connectors {
    /// List the connectors: plugin versions with their calls in flight, open deliveries, and why one is paused
    List,
    /// List the open deliveries of a connector: why each is not done, since when, and what happens next
    Stuck {
        /// The connector's name
        connector: String,
        /// The maximum number of rows, up to 1000, the longest stuck first; 50 by default
        #[arg(long)]
        limit: Option<u32>,
    },
    /// Send nothing more through a connector; its deliveries stay queued
    Pause {
        /// The connector's name
        connector: String,
        /// The reason, for the audit log
        #[arg(long, default_value = "paused by an operator")]
        reason: String,
    },
    /// Resume a paused connector
    Resume {
        /// The connector's name
        connector: String,
    },
    /// Check that the system sends the host its changes, for instance by webhooks registered there
    Setup {
        /// The connector's name
        connector: String,
        /// Repair what is not set up as it should be
        #[arg(long)]
        repair: bool,
    },
    /// Swap a connector's plugin for another version while events flow
    ///
    /// The new version is loaded, compiled and tried out beside the old one, its settings are checked, and it
    /// has to find recent receipts of the old one. Then new calls go to the new version, and calls in flight end
    /// on the old one. If a step fails, the old version stays, and the reason is printed.
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
        ("PLUGIN (CALLS)", "running"),
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
            let mut answer = client.get("/api/v1/connectors").await?;
            if !print.json {
                add_running_versions(&mut answer);
            }
            print.list(&answer, "connectors", &COLUMNS, "No connectors are configured.");
        }
        Connectors::Stuck { connector, limit } => {
            let limit = limit.map(|limit| ("limit", limit.to_string()));
            let query = query(limit.as_slice());
            let path = format!("/api/v1/connectors/{}/stuck{query}", escape(&connector));
            let columns = [
                ("DELIVERY", "delivery"),
                ("KIND", "kind"),
                ("ENTITY", "entity"),
                ("SINCE", "since"),
                ("WHY", "why"),
                ("NEXT", "next"),
                ("AT", "nextAt"),
            ];
            let empty = format!("Nothing is open on {connector}.");
            print.list(&client.get(&path).await?, "stuck", &columns, &empty);
        }
        Connectors::Pause { connector, reason } => {
            let path = format!("/api/v1/connectors/{}/pause", escape(&connector));
            let answer = client.post(&path, &json!({ "reason": reason })).await?;
            print.done(&answer, &format!("{connector} is paused."));
        }
        Connectors::Resume { connector } => {
            let path = format!("/api/v1/connectors/{}/resume", escape(&connector));
            let answer = client.post(&path, &json!({})).await?;
            print.done(&answer, &format!("{connector} is running."));
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

/// Adds `running`: every loaded version with its calls in flight, as `erp@0.2.0 (3), erp@0.1.0 (1)`.
fn add_running_versions(answer: &mut Value) {
    let connectors = answer.get_mut("connectors").and_then(Value::as_array_mut);
    for connector in connectors.into_iter().flatten().filter_map(Value::as_object_mut) {
        let versions = connector.get("versions").and_then(Value::as_array);
        let running = versions.into_iter().flatten().map(|version| {
            let plugin = version.get("plugin").and_then(Value::as_str).unwrap_or("?");
            let calls = version.get("inFlight").and_then(Value::as_u64).unwrap_or(0);
            format!("{plugin} ({calls})")
        });
        let running = running.collect::<Vec<_>>().join(", ");
        connector.insert("running".into(), running.into());
    }
}

/// The absolute path of a local file, since the host may run in another folder; any other name is left as it is.
fn located(plugin: &str) -> String {
    match std::fs::canonicalize(plugin) {
        Ok(path) if path.is_file() => path.display().to_string(),
        _ => plugin.to_owned(),
    }
}
