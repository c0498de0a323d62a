//! The throughput of each part alone (disk, database, HTTP, sandbox), as a scale for the measured journeys.

use std::io::{Seek, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use crossdock_demo::load::{Options, Until, http_floor};
use crossdock_egress::{Access, Client, Egress};
use crossdock_engine::{Accept, Command, MasterKey, Request};
use crossdock_model::connector::Inbound;
use crossdock_model::time::{Clock, SystemClock};
use crossdock_rules::safeguards::Safeguards;
use crossdock_sandbox::{Call, Grants, Guest, Sandbox};
use crossdock_storage::{CacheOptions, SqliteOptions, open_sqlite};
use serde::Serialize;
use serde_json::json;

/// The throughput of each part alone.
#[derive(Debug, Serialize)]
pub struct Floors {
    /// Durable writes of one page, one after the other.
    fsync_per_s: u64,
    /// Requests stored by the database alone, 256 in a transaction.
    rows_per_s: u64,
    /// Requests of the same size to a server that does nothing.
    http_per_s: f64,
    /// Microseconds to read one order in the sandbox, with a fresh instance.
    parse_us: f64,
}

/// Measures all floors.
pub async fn measure(dir: &Path, plugins: &Path, shop: &str, body: &[u8]) -> anyhow::Result<Floors> {
    Ok(Floors {
        fsync_per_s: fsync(dir)?,
        rows_per_s: rows(dir, body).await?,
        http_per_s: http(shop).await?,
        parse_us: parse(plugins, shop, body).await?,
    })
}

fn fsync(dir: &Path) -> anyhow::Result<u64> {
    let path = dir.join("floor.fsync");
    let mut file = std::fs::File::create(&path).context("the disk's floor")?;
    let page = [7u8; 4096];
    let begun = Instant::now();
    let mut count = 0u64;
    while begun.elapsed() < Duration::from_secs(1) {
        file.rewind()?;
        file.write_all(&page)?;
        file.sync_data()?;
        count += 1;
    }
    std::fs::remove_file(&path)?;
    Ok(per_second(count, begun))
}

async fn rows(dir: &Path, body: &[u8]) -> anyhow::Result<u64> {
    let path = dir.join("floor.db");
    let options = SqliteOptions::new(&path, MasterKey::new([7; 32]));
    let store = open_sqlite(options, CacheOptions::default(), Safeguards::default()).await?;
    let begun = Instant::now();
    let mut count = 0u64;
    while begun.elapsed() < Duration::from_secs(1) {
        let batch = (0..256).map(|n| {
            Command::Accept(Accept {
                connector: "floor".into(),
                dedupe: (count + n).to_string(),
                request: Request { method: "POST".into(), body: body.to_vec(), ..Request::default() },
                received_at: SystemClock.now(),
                trace: String::new(),
                lease: None,
            })
        });
        store.apply(batch.collect()).await?;
        count += 256;
    }
    let rate = per_second(count, begun);
    drop(store);
    for suffix in ["", "-wal", "-shm", ".lock"] {
        std::fs::remove_file(dir.join(format!("floor.db{suffix}"))).ok();
    }
    Ok(rate)
}

async fn http(shop: &str) -> anyhow::Result<f64> {
    let options = Options {
        address: ([127, 0, 0, 1], 0).into(),
        path: "/in/nothing".into(),
        shop: shop.into(),
        secret: "floor".into(),
        seed: 7,
        offset: 0,
        connections: 64,
        until: Until::Elapsed(Duration::from_secs(1), 100_000),
        under_way: None,
        drain: Duration::ZERO,
    };
    Ok(http_floor(options).await?.intake_per_s)
}

async fn parse(plugins: &Path, shop: &str, body: &[u8]) -> anyhow::Result<f64> {
    let options = crossdock_sandbox::Options {
        allow_unsigned: true,
        cache: Some(plugins.join("cache")),
        ..crossdock_sandbox::Options::default()
    };
    let plugin = Sandbox::new(options)?.load_path(&plugins.join("shopify.wasm")).await?;
    let egress = Egress::new(crossdock_egress::Options::default())?;
    let client = Client::new(&egress, Access::default()).map_err(|reason| anyhow::anyhow!(reason))?;
    let guest = Guest::new(&plugin, Grants::new("floor", json!({ "shop": shop }), client))?;
    let inbound = Arc::new(Inbound {
        id: "1".into(),
        received_at: "2026-01-01T00:00:00Z".into(),
        method: "POST".into(),
        query: String::new(),
        headers: vec![
            ("x-shopify-topic".into(), "orders/create".into()),
            ("x-shopify-shop-domain".into(), shop.into()),
        ],
        body: body.to_vec(),
        file: None,
    });
    let mut times = Vec::new();
    for _ in 0..500 {
        let begun = Instant::now();
        let report = guest.receive(Call::default(), (*inbound).clone()).await;
        times.push(begun.elapsed());
        match report.result? {
            Ok(events) if events.len() == 1 => {}
            other => bail!("the sample order reads as {other:?}"),
        }
    }
    times.sort();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    Ok((median.as_secs_f64() * 10_000_000.0).round() / 10.0)
}

fn per_second(count: u64, begun: Instant) -> u64 {
    (count as f64 / begun.elapsed().as_secs_f64()).round() as u64
}
