//! `crossdock demo`: a shop, tills and two ERPs around a host that is killed while orders flow.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use crossdock_demo::host::{Counts, Error, Host, OpenException, View};
use crossdock_demo::landscape::operator::{Api, Files};
use crossdock_demo::landscape::{Landscape, Options, config};
use serde_json::Value;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::client::Client;
use crate::scratch::{self, Registry, Scratch, Setup};

/// The arguments of `crossdock demo`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// How many valid orders the shop sends; faulty ones are added, and eight tills sell too
    #[arg(long, default_value_t = 300)]
    orders: usize,
    /// How often the host is killed (SIGKILL) at random moments
    #[arg(long, default_value_t = 5)]
    kills: usize,
    /// The random seed of shop, tills, ERPs and kills
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Exit at the end; without this option the host keeps running, so that you can look at it
    #[arg(long)]
    exit: bool,
    /// The folder for database, configuration and log; a fresh temporary one by default
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The folder with the built plugins
    #[arg(long, env = "CROSSDOCK_PLUGINS", default_value = scratch::PLUGINS)]
    plugins: PathBuf,
    /// Give up when nothing has advanced for this many seconds; a slow machine gets longer
    #[arg(long, default_value_t = 60)]
    stall_timeout: u64,
}

/// Runs the demo; fails when an order was lost, doubled or wrong, when stock or status did not come back as it must,
/// or when a write was made in answer to one's own.
pub async fn run(arguments: Arguments, json: bool) -> anyhow::Result<()> {
    let dir = folder(arguments.dir.as_deref())?;
    let folder = dir.canonicalize().context("finding the demo's folder")?.join("exchange");
    let secret = format!("secret-{}", arguments.seed);
    let mut options = Options::new(arguments.orders, arguments.kills, arguments.seed, secret, folder);
    options.min_stall = std::time::Duration::from_secs(arguments.stall_timeout);
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
    eprintln!("compiling the plugins, which takes a while the first time ...");
    scratch.compile(&config::PLUGINS, &[&files.cloud.file, &files.shop.file]).await?;
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
    let mut signals = StopSignals::new()?;
    let outcome = tokio::select! {
        outcome = landscape.run(&mut host, &view, api, files) => outcome?,
        () = signals.received() => {
            host.kill().await?;
            bail!("stopped on the way; the host's log is {}", dir.join("host.log").display());
        }
    };
    let failures = outcome.failures();
    // Standard output holds the JSON alone, so that a program can read it.
    if json {
        eprintln!("{}", outcome.table());
        println!("{}", outcome.json());
    } else {
        println!("{}", outcome.table());
    }
    if !arguments.exit {
        look_around(&scratch);
        signals.received().await;
    }
    host.kill().await?;
    if failures.is_empty() && arguments.dir.is_none() {
        std::fs::remove_dir_all(&dir).ok();
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

/// The folder to run in: the given one, or a new one. A run compares the whole database with what was sent, so the
/// database has to be new.
fn folder(asked: Option<&Path>) -> anyhow::Result<PathBuf> {
    let dir = match asked {
        Some(dir) => dir.to_owned(),
        None => std::env::temp_dir().join(format!("crossdock-demo-{:016x}", rand::random::<u64>())),
    };
    if dir.join("crossdock.db").exists() {
        bail!("{} holds a crossdock.db of a former run: choose another folder, or remove it", dir.display());
    }
    std::fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
    Ok(dir)
}

/// The signals that end the demo: Ctrl-C and SIGTERM.
struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("listening to signals");
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn look_around(scratch: &Scratch) {
    eprintln!("\nThe host keeps running. Look around:\n");
    eprintln!("  export CROSSDOCK_URL={} CROSSDOCK_TOKEN={}", scratch.url(), scratch.token());
    eprintln!("  crossdock connector list");
    eprintln!("  crossdock exceptions list");
    eprintln!("  crossdock quarantine list");
    eprintln!("  crossdock mapping missing");
    eprintln!("  crossdock store list");
    eprintln!("  crossdock events list --limit 5");
    eprintln!("  curl {}/metrics", scratch.url());
    eprintln!("\nCtrl-C ends it.");
}

/// The figures that the host's API reports; they are shown, and compared with the faults that were planted.
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
        let blocked = self.blocked(&connectors, &exceptions).await?;
        let unread = number(&connectors, "unread");
        let mut counts = Counts {
            exceptions: number(&exceptions, "total"),
            unsettled: open.saturating_sub(blocked).saturating_add(unread),
            unread,
            ..Counts::default()
        };
        let mut reasons = std::collections::BTreeMap::<String, u64>::new();
        for exception in list(&exceptions, "exceptions") {
            let text = |name| exception.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let code = text("code");
            *reasons.entry(format!("exception: {code}")).or_default() += 1;
            counts.open_exceptions.push(OpenException {
                entity: text("entity"),
                connector: text("connector"),
                code: code.clone(),
            });
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

    /// How many deliveries are blocked by an exception in their lane, and so wait for a person.
    async fn blocked(&self, connectors: &Value, exceptions: &Value) -> anyhow::Result<u64> {
        let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64);
        let heads: Vec<u64> =
            list(exceptions, "exceptions").filter_map(|one| number(one, "delivery")).collect();
        let mut blocked = 0;
        for connector in list(connectors, "connectors") {
            let waits = number(connector, "queued") > Some(0) && number(connector, "exceptions") > Some(0);
            let Some(name) = connector.get("name").and_then(Value::as_str).filter(|_| waits) else {
                continue;
            };
            let stuck = self.client.get(&format!("/api/v1/connectors/{name}/stuck?limit=1000")).await?;
            let behind = list(&stuck, "stuck").filter_map(|one| number(one, "behind"));
            blocked += behind.filter(|head| heads.contains(head)).count() as u64;
        }
        Ok(blocked)
    }
}

fn list<'a>(answer: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    answer.get(name).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_a_former_run_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(folder(Some(dir.path())).unwrap(), dir.path());
        std::fs::write(dir.path().join("crossdock.db"), b"").unwrap();
        assert!(folder(Some(dir.path())).unwrap_err().to_string().contains("former run"));
        let (one, other) = (folder(None).unwrap(), folder(None).unwrap());
        assert_ne!(one, other);
        for dir in [one, other] {
            std::fs::remove_dir(dir).unwrap();
        }
    }
}
