//! `crossdock bench`: what this machine can do with the shipped connectors and defaults.
//!
//! A journey is: signed 6 KB webhook, unique order → durable → `shopify` guest → durable → `erp-rest` guest
//! → HTTP → settled, with fresh instances, SQLite `FULL`, and generator and ERP on the same processors. The
//! floors are measured in the same run, since only ratios mean something on a machine that is shared.

mod floors;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use crossdock_demo::erp::{Erp, Options as ErpOptions};
use crossdock_demo::host::Host;
use crossdock_demo::load::{Load, Options, Until};
use serde_json::json;

use crate::scratch::{self, SHOP, Scratch, World};

const SHOP_DOMAIN: &str = "bench.myshopify.com";
const SECRET: &str = "bench-webhook-secret";
const TOKEN: &str = "bench-erp-token";
/// How many orders are prepared: more than a run can use up.
const MOST_PER_SECOND: usize = 6_000;

/// The arguments of `crossdock bench`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Measure for five seconds instead of thirty
    #[arg(long)]
    quick: bool,
    /// How many connections the load generator opens
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// The folder for database and configuration; a fresh temporary one by default
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The folder with the built plugins
    #[arg(long, env = "CROSSDOCK_PLUGINS", default_value = scratch::PLUGINS)]
    plugins: PathBuf,
}

/// Runs the benchmark.
pub async fn run(arguments: Arguments, json: bool) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        eprintln!(
            "This is a debug build: its figures are meaningless. `make bench` builds and runs a release build."
        );
    }
    let temporary = std::env::temp_dir().join(format!("crossdock-bench-{}", std::process::id()));
    let dir = arguments.dir.clone().unwrap_or_else(|| temporary.clone());
    std::fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
    let seconds = if arguments.quick { 5 } else { 30 };

    let address = scratch::free_address()?;
    let warmup = load(&arguments, address, Until::Orders(500), 0);
    let most = MOST_PER_SECOND * usize::try_from(seconds)?;
    let main = load(&arguments, address, Until::Elapsed(Duration::from_secs(seconds), most), 1_000_000);
    eprintln!("measuring the floors");
    let floors = floors::measure(&dir, &arguments.plugins, SHOP_DOMAIN, &main.sample()).await?;

    eprintln!("measuring journeys for {seconds} s");
    let hooks = [warmup.hook(), main.hook()];
    let erp = ErpOptions {
        on_arrival: Some(Arc::new(move |reference: &str, at: Instant| {
            for hook in &hooks {
                hook(reference, at);
            }
        })),
        ..ErpOptions::fast(TOKEN)
    };
    let erp = Erp::start(erp).await.context("starting the ERP")?;
    let erp_url = erp.url();
    let world = World {
        shop: SHOP_DOMAIN,
        webhook_secret: SECRET,
        erp_url: &erp_url,
        erp_token: TOKEN,
        erp_limits: "",
    };
    let scratch = Scratch::new(&dir, &arguments.plugins, address, &world)?;
    let mut host = scratch.process()?;
    // The first start fills the cache of compiled plugins, so that the second one can be measured.
    host.start().await?;
    host.kill().await?;
    let ready = host.start().await?;
    let process = host.id().context("the host has no process")?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let idle_mb = memory_mb(process)?;

    warmup.run().await?;
    let cpu_before = cpu_seconds(process)?;
    let measured = main.run().await?;
    let cpu = cpu_seconds(process)? - cpu_before;
    host.kill().await?;
    if measured.arrived < measured.accepted {
        bail!(
            "{} of {} accepted orders did not arrive",
            measured.accepted - measured.arrived,
            measured.accepted
        );
    }
    if arguments.dir.is_none() {
        std::fs::remove_dir_all(&temporary).ok();
    }
    let cpu_per_1000 = cpu / (measured.arrived.max(1) as f64) * 1000.0;
    let result = json!({
        "intake_per_s": measured.intake_per_s,
        "journeys_per_s": measured.journeys_per_s,
        "p50_ms": measured.p50_ms,
        "p99_ms": measured.p99_ms,
        "cpu_s_per_1000": round(cpu_per_1000),
        "idle_mb": round(idle_mb),
        "ready_ms": ready.as_millis() as u64,
        "pushed_back": measured.pushed_back,
        "body_bytes": measured.body_bytes,
        "floors": floors,
    });
    if json {
        println!("{result}");
    } else {
        println!("{result:#}");
    }
    Ok(())
}

fn load(arguments: &Arguments, address: SocketAddr, until: Until, offset: u32) -> Load {
    Load::new(Options {
        address,
        path: format!("/in/{SHOP}"),
        shop: SHOP_DOMAIN.into(),
        secret: SECRET.into(),
        seed: 7,
        offset,
        connections: arguments.connections,
        until,
        under_way: None,
        drain: Duration::from_secs(60),
    })
}

/// Processor seconds that a process has used, in itself and in the kernel.
fn cpu_seconds(process: u32) -> anyhow::Result<f64> {
    let stat =
        std::fs::read_to_string(format!("/proc/{process}/stat")).context("reading the host's times")?;
    // The process name in brackets may contain blanks, so the fields are counted after it.
    let (_, fields) = stat.rsplit_once(')').context("the host's times")?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next().and_then(|field| field.parse::<f64>().ok()).context("the host's times");
    Ok((ticks()? + ticks()?) / 100.0)
}

/// Megabytes that would be free if the process ended (its proportional share).
fn memory_mb(process: u32) -> anyhow::Result<f64> {
    let rollup = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup"))
        .context("reading the host's memory")?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).context("the host's memory")?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse().context("the host's memory")?;
    Ok(kilobytes / 1024.0)
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
