//! `crossdock demo`: the whole landscape, end to end, with a host that is killed on the way.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use crossdock_demo::host::{Counts, Error, View};
use crossdock_demo::landscape::operator::{Api, Files};
use crossdock_demo::landscape::{Landscape, Options, config};
use serde_json::Value;

use crate::client::Client;
use crate::scratch::{self, Registry, Scratch, Setup};

/// What `crossdock demo` can be told.
#[derive(Debug, Args)]
pub struct Arguments {
    /// How many good orders the shop sends; bad ones are planted beside them, and eight tills sell too
    #[arg(long, default_value_t = 300)]
    orders: usize,
    /// How often the host is killed (SIGKILL) at random moments
    #[arg(long, default_value_t = 5)]
    kills: usize,
    /// Where the dice start: shop, tills, ERPs and kills follow from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Stop when all is done; without this the host keeps running, to be looked at
    #[arg(long)]
    exit: bool,
    /// The folder for database, configuration and log; a fresh temporary one by default
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The folder with the built plugins
    #[arg(long, env = "CROSSDOCK_PLUGINS", default_value = scratch::PLUGINS)]
    plugins: PathBuf,
    /// Give up when nothing has moved for so many seconds
    #[arg(long, default_value_t = 60)]
    patience: u64,
}

/// Runs the demo; fails when an order was lost, doubled or wrong, when stock or status did not come back as it must,
/// or when a write was made in answer to one's own.
pub async fn run(arguments: Arguments, json: bool) -> anyhow::Result<()> {
    let temporary = std::env::temp_dir().join(format!("crossdock-demo-{}", std::process::id()));
    let dir = arguments.dir.clone().unwrap_or_else(|| temporary.clone());
    std::fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
    let folder = dir.canonicalize().context("finding the demo's folder")?.join("exchange");
    let secret = format!("secret-{}", arguments.seed);
    let mut options = Options::new(arguments.orders, arguments.kills, arguments.seed, secret, folder);
    options.patience = std::time::Duration::from_secs(arguments.patience);
    let landscape = Landscape::new(options).await?;
    let address = scratch::free_address()?;
    let setup = Setup {
        plugins: &config::PLUGINS,
        connectors: landscape.connectors(&format!("http://{address}")),
        registry: Some(Registry { stores: config::stores(), mappings: config::mappings() }),
        env: landscape.env(),
    };
    let scratch = Scratch::configured(&dir, &arguments.plugins, address, setup)?;
    let files = Files {
        cloud: scratch.next_version("erp-rest")?,
        shop: scratch.next_version("shopify")?,
        damaged: scratch.damaged("erp-x12")?,
    };
    let mut host = scratch.process()?;
    eprintln!(
        "A shop sends {} orders and eight tills sell beside it, two of them offline for a while, to a host that is",
        arguments.orders
    );
    eprintln!(
        "killed {} times. A legacy ERP speaks X12 files; a cloud ERP has no unique key, is slow, throttles, drops",
        arguments.kills
    );
    eprintln!(
        "connections after committing, and finds what it holds only seconds later. Status, shipments and stock"
    );
    eprintln!(
        "go back to the shop. Tables lack values until an operator adds them; plugins are swapped meanwhile."
    );
    eprintln!(
        "host {}   cloud ERP {}   log {}",
        scratch.url(),
        landscape.cloud_url(),
        dir.join("host.log").display()
    );
    let view = Figures { client: scratch.client()? };
    let api = Api { url: scratch.url(), token: scratch.token().to_owned() };
    let outcome = landscape.run(&mut host, &view, api, files).await?;
    let failures = outcome.failures();
    if !json {
        println!("{}", outcome.table());
    }
    if !arguments.exit {
        if json {
            println!("{}", outcome.json());
        }
        look_around(&scratch).await?;
    }
    crossdock_demo::host::Host::kill(&mut host).await?;
    if failures.is_empty() && arguments.dir.is_none() {
        std::fs::remove_dir_all(&temporary).ok();
    }
    if json && arguments.exit {
        println!("{}", outcome.json());
    }
    if !failures.is_empty() {
        bail!(
            "the demo failed: {}; the host's log is {}",
            failures.join("; "),
            dir.join("host.log").display()
        );
    }
    Ok(())
}

async fn look_around(scratch: &Scratch) -> anyhow::Result<()> {
    println!("\nThe host keeps running. Look around:\n");
    println!("  export CROSSDOCK_URL={} CROSSDOCK_TOKEN={}", scratch.url(), scratch.token());
    println!("  crossdock connector list");
    println!("  crossdock exceptions list");
    println!("  crossdock quarantine list");
    println!("  crossdock mapping missing");
    println!("  crossdock store list");
    println!("  crossdock events list --limit 5");
    println!("  curl {}/metrics", scratch.url());
    println!("\nCtrl-C ends it.");
    tokio::signal::ctrl_c().await?;
    Ok(())
}

/// The host's own figures, from its API: shown, and compared with what was planted.
struct Figures {
    client: Client,
}

impl View for Figures {
    async fn counts(&self) -> Result<Counts, Error> {
        self.ask().await.map_err(|error| Error::Ask(format!("{error:#}")))
    }
}

impl Figures {
    async fn ask(&self) -> anyhow::Result<Counts> {
        let connectors = self.client.get("/api/v1/connectors").await?;
        let exceptions = self.client.get("/api/v1/exceptions?limit=1000").await?;
        let quarantine = self.client.get("/api/v1/quarantine?limit=1000").await?;
        let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64).unwrap_or(0);
        let open: u64 = list(&connectors, "connectors")
            .map(|c| {
                ["ready", "queued", "sending", "waiting", "received"]
                    .iter()
                    .map(|state| number(c, state))
                    .sum::<u64>()
            })
            .sum();
        let mut counts = Counts {
            exceptions: number(&exceptions, "total"),
            unsettled: open.saturating_add(number(&connectors, "unread")),
            ..Counts::default()
        };
        let mut reasons = std::collections::BTreeMap::<String, u64>::new();
        for exception in list(&exceptions, "exceptions") {
            let code = exception.get("code").and_then(Value::as_str).unwrap_or_default();
            *reasons.entry(format!("exception: {code}")).or_default() += 1;
            if code == "outcome-unknown" {
                counts.unknown += 1;
            }
        }
        for request in list(&quarantine, "requests") {
            let code = request.get("code").and_then(Value::as_str).unwrap_or_default();
            *reasons.entry(format!("quarantined: {code}")).or_default() += 1;
            counts.quarantined += 1;
        }
        counts.reasons = reasons.into_iter().collect();
        Ok(counts)
    }
}

fn list<'a>(answer: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    answer.get(name).and_then(Value::as_array).into_iter().flatten()
}
