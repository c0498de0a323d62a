//! `crossdock events …`: what happened: list, show, replay.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::address::{escape, query};
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
pub async fn run(client: &Client, events: Events, print: Printer) -> anyhow::Result<()> {
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
