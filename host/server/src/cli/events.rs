//! `crossdock events …`: list, show and replay events.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::address::{escape, query};
use super::listing::Paging;
use super::print::{Column, Printer};
use crate::client::Client;

/// `crossdock events …`
#[derive(Debug, Subcommand)]
pub enum Events {
    /// List events, newest first
    List(EventFilter),
    /// Show one event with its deliveries, attempts and references
    Show {
        /// The event's number, or its key
        event: String,
    },
    /// Send events again: one, or all that match. The key stays the same, so a target recognises what it has already
    Replay {
        /// The event's number; leave it out to choose by filter
        event: Option<i64>,
        #[command(flatten)]
        filter: ReplayFilter,
        /// Post again on purpose, under a key of its own: the target books a second time what it has already.
        /// A generation that was used before has no effect
        #[arg(long)]
        generation: Option<u32>,
        /// Send; without this option the matching deliveries are only counted
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
    /// Only events of this entity, by its id or its full identity (`shopify/acme.myshopify.com/order/1001`)
    #[arg(long)]
    entity: Option<String>,
    /// Only events with a delivery to this connector
    #[arg(long)]
    connector: Option<String>,
    /// Only events with a delivery in this state (ready, queued, sending, waiting, received, exception, settled)
    #[arg(long)]
    state: Option<String>,
    /// Only events recorded at this time or later (`2026-11-23T00:00:00Z`)
    #[arg(long)]
    since: Option<String>,
    /// Only events with this order number (`#1001`), store, SKU, total (`129.90`), or reference in a connected system
    #[arg(long)]
    term: Option<String>,
    /// Only events of the person with this e-mail address, telephone number or name
    #[arg(long)]
    customer: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// Which events to send again. An event has to match all given options.
#[derive(Debug, Default, Args)]
pub struct ReplayFilter {
    /// Only this kind (`order.placed`)
    #[arg(long)]
    kind: Option<String>,
    /// Only events of this order and everything that belongs to it, by its full identity
    /// (`shopify/acme.myshopify.com/order/1001`)
    #[arg(long)]
    entity: Option<String>,
    /// Only deliveries to this connector
    #[arg(long)]
    connector: Option<String>,
    /// Only events recorded at this time or later (`2026-11-23T00:00:00Z`)
    #[arg(long)]
    since: Option<String>,
    /// Only deliveries in this state: `settled` (the default), or `exception` to retry those
    #[arg(long)]
    state: Option<String>,
    /// The maximum number of deliveries, those of the oldest events first
    #[arg(long)]
    limit: Option<u32>,
}

impl ReplayFilter {
    fn body(self, event: Option<i64>, generation: Option<u32>, dry_run: bool) -> Value {
        let Self { kind, entity, connector, since, state, limit } = self;
        json!({
            "event": event, "kind": kind, "entity": entity, "connector": connector, "since": since,
            "state": state, "limit": limit, "generation": generation, "dryRun": dry_run,
        })
    }
}

impl EventFilter {
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let texts = [
            ("kind", self.kind.clone()),
            ("entity", self.entity.clone()),
            ("connector", self.connector.clone()),
            ("state", self.state.clone()),
            ("since", self.since.clone()),
            ("term", self.term.clone()),
            ("customer", self.customer.clone()),
        ];
        let texts = texts.into_iter().filter_map(|(name, value)| Some((name, value?)));
        texts.chain(self.paging.pairs()).collect()
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
        ("DELIVERIES", "deliverySummary"),
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
        Events::Replay { event, filter, generation, yes } => {
            let body = filter.body(event, generation, !yes);
            let answer = client.post("/api/v1/events/replay", &body).await?;
            let number = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or(0);
            let mut left = match number("skipped") {
                0 => String::new(),
                skipped => format!(" {skipped} are left alone: open, stale, discarded or sent so before."),
            };
            if number("pruned") > 0 {
                left += &format!(
                    " Of these, {} are pruned: their content has left with its retention.",
                    number("pruned")
                );
            }
            let count = number("deliveries");
            let said = match yes {
                true => format!("{count} deliveries will be sent again.{left}"),
                false => format!("{count} deliveries would be sent again; add --yes to do it.{left}"),
            };
            print.done(&answer, &said);
        }
    }
    Ok(())
}
