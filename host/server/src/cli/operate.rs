//! Commands that operate a running host through its API.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::print::{Column, Printer};
use crate::client::Client;

/// `crossdock events …`
#[derive(Debug, Subcommand)]
pub enum Events {
    /// List what happened, newest first
    List(EventFilter),
    /// Show one event with its deliveries, attempts and references
    Show {
        /// The event's number, or its key
        event: String,
    },
    /// Send events again: one, or all that match. The key stays the same, so a target that has it says so
    Replay {
        /// The event's number; leave it out to choose by filter
        event: Option<i64>,
        #[command(flatten)]
        filter: EventFilter,
        /// Do it; without this only what would be sent again is counted
        #[arg(long)]
        yes: bool,
    },
}

/// Which events.
#[derive(Debug, Default, Args)]
pub struct EventFilter {
    /// Only this kind (`order.placed`)
    #[arg(long)]
    kind: Option<String>,
    /// Only of this entity, by its id or its whole identity (`shopify/acme.myshopify.com/order/1001`)
    #[arg(long)]
    entity: Option<String>,
    /// Only owed to this connector
    #[arg(long)]
    connector: Option<String>,
    /// Only with a delivery in this state (ready, queued, sending, waiting, received, exception, settled)
    #[arg(long)]
    state: Option<String>,
    /// Only recorded since then (`2026-11-23T00:00:00Z`)
    #[arg(long)]
    since: Option<String>,
    /// Go on after the number that the page before ended with
    #[arg(long)]
    after: Option<i64>,
    /// How many at most
    #[arg(long)]
    limit: Option<u32>,
}

impl EventFilter {
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let texts = [
            ("kind", self.kind.clone()),
            ("entity", self.entity.clone()),
            ("connector", self.connector.clone()),
            ("state", self.state.clone()),
            ("since", self.since.clone()),
            ("after", self.after.map(|n| n.to_string())),
            ("limit", self.limit.map(|n| n.to_string())),
        ];
        texts.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))).collect()
    }

    fn query(&self) -> String {
        query(&self.pairs())
    }
}

/// Runs `crossdock events …`.
pub async fn events(client: &Client, events: Events, print: Printer) -> anyhow::Result<()> {
    const COLUMNS: [Column; 6] = [
        ("EVENT", "id"),
        ("RECORDED", "recordedAt"),
        ("KIND", "kind"),
        ("ENTITY", "entity"),
        ("OWED TO", "owed"),
        ("KEY", "key"),
    ];
    match events {
        Events::List(filter) => {
            let answer = client.get(&format!("/api/v1/events{}", filter.query())).await?;
            print.list(&answer, "events", &COLUMNS, "No events.");
        }
        Events::Show { event } => {
            print.one(&client.get(&format!("/api/v1/events/{}", escape(&event))).await?);
        }
        Events::Replay { event, filter, yes } => {
            let mut body = json!({ "dryRun": !yes });
            if let (Some(event), Some(body)) = (event, body.as_object_mut()) {
                body.insert("event".into(), json!(event));
            } else if let Some(body) = body.as_object_mut() {
                for (name, value) in filter.pairs() {
                    body.insert(name.to_owned(), json!(value));
                }
            }
            let answer = client.post("/api/v1/events/replay", &body).await?;
            let count = answer.get("deliveries").and_then(Value::as_u64).unwrap_or(0);
            if yes {
                print.done(&answer, &format!("{count} deliveries will be sent again."));
            } else {
                print.done(&answer, &format!("{count} deliveries would be sent again; add --yes to do it."));
            }
        }
    }
    Ok(())
}

/// `crossdock exceptions …`
#[derive(Debug, Subcommand)]
pub enum Exceptions {
    /// List what a person must decide, newest first
    List {
        /// Only of this connector
        #[arg(long)]
        connector: Option<String>,
        /// Go on after the number that the page before ended with
        #[arg(long)]
        after: Option<i64>,
        /// How many at most
        #[arg(long)]
        limit: Option<u32>,
    },
    /// Show one with everything that was tried
    Show {
        /// The exception's number
        exception: i64,
    },
    /// Try one again, or all that have the same code
    Retry {
        /// The exception's number
        #[arg(required_unless_present = "code")]
        exception: Option<i64>,
        /// All exceptions with this code (`unknown-sku`)
        #[arg(long, conflicts_with = "exception")]
        code: Option<String>,
    },
    /// Give one up: it will never be sent, and what waits behind it goes on
    Discard {
        /// The exception's number
        exception: i64,
        /// Why, for the record
        #[arg(long)]
        reason: String,
    },
}

/// Runs `crossdock exceptions …`.
pub async fn exceptions(client: &Client, exceptions: Exceptions, print: Printer) -> anyhow::Result<()> {
    const COLUMNS: [Column; 6] = [
        ("EXCEPTION", "delivery"),
        ("CONNECTOR", "connector"),
        ("SINCE", "since"),
        ("CODE", "code"),
        ("WHY", "reason"),
        ("ENTITY", "entity"),
    ];
    match exceptions {
        Exceptions::List { connector, after, limit } => {
            let pairs = [
                ("connector", connector),
                ("after", after.map(|n| n.to_string())),
                ("limit", limit.map(|n| n.to_string())),
            ];
            let pairs: Vec<_> = pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
            let answer = client.get(&format!("/api/v1/exceptions{}", query(&pairs))).await?;
            print.list(&answer, "exceptions", &COLUMNS, "Nothing waits for a person.");
        }
        Exceptions::Show { exception } => {
            print.one(&client.get(&format!("/api/v1/exceptions/{exception}")).await?);
        }
        Exceptions::Retry { exception: Some(exception), .. } => {
            let answer = client.post(&format!("/api/v1/exceptions/{exception}/retry"), &json!({})).await?;
            print.done(&answer, &format!("Exception {exception} is tried again."));
        }
        Exceptions::Retry { exception: None, code } => {
            let answer = client.post("/api/v1/exceptions/retry", &json!({ "code": code })).await?;
            let count = answer.get("retried").and_then(Value::as_u64).unwrap_or(0);
            print.done(&answer, &format!("{count} exceptions are tried again."));
        }
        Exceptions::Discard { exception, reason } => {
            let body = json!({ "reason": reason });
            let answer = client.post(&format!("/api/v1/exceptions/{exception}/discard"), &body).await?;
            print.done(&answer, &format!("Exception {exception} is discarded."));
        }
    }
    Ok(())
}

/// `crossdock quarantine …`
#[derive(Debug, Subcommand)]
pub enum Quarantine {
    /// List what could not be read, newest first
    List {
        /// Only of this connector
        #[arg(long)]
        connector: Option<String>,
        /// How many at most
        #[arg(long)]
        limit: Option<u32>,
    },
    /// Read one again, or all of a connector, as after a new version of its plugin
    Reread {
        /// The request's number
        #[arg(required_unless_present = "connector")]
        inbound: Option<i64>,
        /// All of this connector
        #[arg(long, conflicts_with = "inbound")]
        connector: Option<String>,
    },
}

/// Runs `crossdock quarantine …`.
pub async fn quarantine(client: &Client, quarantine: Quarantine, print: Printer) -> anyhow::Result<()> {
    const COLUMNS: [Column; 5] = [
        ("REQUEST", "id"),
        ("CONNECTOR", "connector"),
        ("ARRIVED", "receivedAt"),
        ("CODE", "code"),
        ("WHY", "reason"),
    ];
    match quarantine {
        Quarantine::List { connector, limit } => {
            let pairs = [("connector", connector), ("limit", limit.map(|n| n.to_string()))];
            let pairs: Vec<_> = pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
            let answer = client.get(&format!("/api/v1/quarantine{}", query(&pairs))).await?;
            print.list(&answer, "requests", &COLUMNS, "Nothing is in quarantine.");
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
pub async fn connectors(client: &Client, connectors: Connectors, print: Printer) -> anyhow::Result<()> {
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

/// `crossdock person …`
#[derive(Debug, Subcommand)]
pub enum Persons {
    /// Erase a person everywhere: their key is destroyed, events stay
    Erase {
        /// The customer's identity (`shopify/acme.myshopify.com/customer/42`), or a guest's order
        person: String,
        /// Do it; this cannot be undone
        #[arg(long)]
        yes: bool,
    },
}

/// Runs `crossdock person …`.
pub async fn persons(client: &Client, persons: Persons, print: Printer) -> anyhow::Result<()> {
    let Persons::Erase { person, yes } = persons;
    if !yes {
        anyhow::bail!("erasing {person} cannot be undone; add --yes to do it");
    }
    let answer = client.post("/api/v1/persons/erase", &json!({ "person": person })).await?;
    print.done(&answer, &format!("{person} is erased."));
    Ok(())
}

/// `crossdock token …`
#[derive(Debug, Subcommand)]
pub enum Tokens {
    /// Make a token; it is shown once
    Create {
        /// Whom or what it is for
        name: String,
    },
    /// List the tokens by name
    List,
    /// Make a token worthless
    Revoke {
        /// The token's name
        name: String,
    },
}

/// Runs `crossdock token …`.
pub async fn tokens(client: &Client, tokens: Tokens, print: Printer) -> anyhow::Result<()> {
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

/// A query of names and values.
pub(super) fn query(pairs: &[(&str, String)]) -> String {
    let parts: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

/// Percent-encodes what has a meaning in an address.
pub(super) fn escape(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
