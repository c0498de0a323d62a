//! How fast the store is on SQLite: whole cycles of accept, admit, claim and settle through the writer, with requests
//! of 6 KB and orders of ten lines.
//!
//! `cargo run --release -p crossdock-storage --example floor -- [cycles a second; 0 = as fast as it goes] [seconds] [callers]`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossdock_engine::{
    Accept, Admit, Attempt, AttemptKind, Claim, MasterKey, NewEvent, Request, Settle, Store, Target,
};
use crossdock_model::event::{Event, Fact};
use crossdock_model::time::{Clock, Millis, SystemClock};
use crossdock_rules::admission::Incoming;
use crossdock_rules::lane::{Ending, Sent};
use crossdock_rules::lookup::Keys;
use crossdock_rules::outcome::{Next, Settlement, Signal};
use crossdock_rules::safeguards::Safeguards;
use crossdock_storage::{CacheOptions, Cached, Sqlite, SqliteOptions, Writer, WriterOptions};
use serde_json::json;

fn order(number: u64) -> Event {
    let price = |amount: &str| json!({ "shop": { "amount": amount, "currency": "USD" } });
    let lines: Vec<_> = (0..10)
        .map(|line| {
            json!({
                "id": format!("{}", 466_157_049 + line), "kind": "item", "sku": format!("IPOD2008GREEN-{line}"),
                "title": "IPod Nano - 8gb, green, with a title of the usual length", "quantity": "1",
                "unitPrice": price("199.00"), "taxable": true, "ships": true,
                "discounts": [{ "title": "SUMMER", "amount": price("3.33") }],
                "taxes": [{ "title": "State Tax", "rate": "0.06", "amount": price("3.98"), "channelLiable": false }]
            })
        })
        .collect();
    let address = json!({
        "name": "Bob Norman", "lines": ["Chestnut Street 92"], "city": "Louisville", "region": "KY",
        "postalCode": "40202", "country": "US", "phone": "+1(502)-459-2181"
    });
    serde_json::from_value(json!({
        "entity": { "system": "shopify", "tenant": "acme.myshopify.com", "kind": "order", "id": number.to_string() },
        "version": { "at": "2026-11-23T08:30:00Z" }, "occurredAt": "2026-11-23T08:30:00Z",
        "fact": { "kind": "order", "value": { "operation": "placed", "order": {
            "number": format!("#{number}"), "channel": "web", "placedAt": "2026-11-23T08:30:00Z",
            "currency": "USD", "pricesIncludeTax": false, "dutiesIncluded": false,
            "payment": "paid", "fulfilment": "unfulfilled",
            "test": false, "lines": lines,
            "customer": { "system": "shopify", "tenant": "acme.myshopify.com", "kind": "customer",
                          "id": (number % 50_000).to_string() },
            "personal": { "name": "Bob Norman", "email": "bob@customer.example", "billing": address,
                          "shipping": address },
            "totals": { "lines": price("1990.00"), "discounts": price("33.30"), "shipping": price("0.00"),
                        "tax": price("39.80"), "total": price("1996.50") }
        } } }
    }))
    .unwrap_or_else(|error| {
        eprintln!("the sample is no event: {error}");
        std::process::exit(1)
    })
}

/// CPU seconds that this process has used, user and system; zero where the system does not say.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let rate: f64 = args.next().map_or(Ok(0.0), |text| text.parse())?;
    let seconds: u64 = args.next().map_or(Ok(5), |text| text.parse())?;
    let callers: u64 = args.next().map_or(Ok(400), |text| text.parse())?;
    let folder = tempfile::tempdir_in(".")?;
    let options = SqliteOptions::new(folder.path().join("floor.db"), MasterKey::new([7; 32]));
    let database = Arc::new(Sqlite::open(options).await?);
    let cached = Arc::new(Cached::new(Arc::clone(&database), CacheOptions::default()));
    let store = Store::new(cached, database, Safeguards::default());
    let (writer, _task) = Writer::start(store, WriterOptions::default());
    let end = Instant::now() + Duration::from_secs(seconds);
    let numbers = Arc::new(AtomicU64::new(1));
    let done = Arc::new(AtomicU64::new(0));
    let latency =
        Arc::new(std::sync::Mutex::new(hdrhistogram::Histogram::<u64>::new_with_bounds(1, 60_000_000, 3)?));
    let model = Arc::new(model());
    // What it costs to make the samples is measured apart and taken off.
    let before = cpu();
    for number in 0..2000 {
        std::hint::black_box(sample(&model, number));
    }
    let making = (cpu() - before) / 2000.0;
    let (began, before) = (Instant::now(), cpu());
    let mut tasks = Vec::new();
    for caller in 0..callers {
        let (writer, numbers, latency) = (writer.clone(), Arc::clone(&numbers), Arc::clone(&latency));
        let model = Arc::clone(&model);
        tasks.push(tokio::spawn(async move {
            let gap = if rate > 0.0 { callers as f64 / rate } else { 0.0 };
            let mut due = began + Duration::from_secs_f64(gap * caller as f64 / callers as f64);
            while Instant::now() < end {
                if rate > 0.0 {
                    tokio::time::sleep_until(due.into()).await;
                    due += Duration::from_secs_f64(gap);
                }
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                let (accept, new) = sample(&model, number);
                let asked = Instant::now();
                let Ok(accepted) = writer.accept(accept).await else { continue };
                if let Ok(mut latency) = latency.lock() {
                    latency.saturating_record(asked.elapsed().as_micros() as u64);
                }
                let now = SystemClock.now();
                let inbound = Some(accepted.inbound);
                let admit = Admit { inbound, events: vec![new], now, ..Admit::default() };
                if let Err(error) = writer.admit(admit).await {
                    eprintln!("{error}");
                }
            }
        }));
    }
    let (dispatching, settled) = (writer.clone(), Arc::clone(&done));
    let dispatch = tokio::spawn(async move {
        let wake = dispatching.wake("erp");
        loop {
            let claim = Claim {
                connector: "erp".into(),
                limit: 128,
                now: SystemClock.now(),
                lease: Duration::from_secs(60),
                keys: Keys::Find,
            };
            let claimed = dispatching.claim(claim).await.unwrap_or_default();
            if claimed.is_empty() {
                wake.notified().await;
            }
            for claimed in claimed {
                let (writer, settled) = (dispatching.clone(), Arc::clone(&settled));
                tokio::spawn(async move {
                    let now = SystemClock.now();
                    let outcome = "posted".into();
                    let reference = crossdock_model::common::Reference {
                        kind: "order".into(),
                        id: format!("SO-{}", claimed.delivery),
                        number: None,
                        lines: Vec::new(),
                    };
                    let settlement = Settlement {
                        next: Next::Settle(Ending::Posted),
                        sent: Sent::Yes,
                        sent_at: None,
                        uses_attempt: false,
                        plugin_failed: false,
                        reason: None,
                        references: vec![reference],
                        outbound_writes: Vec::new(),
                        resume: None,
                        breaker: Signal::Up,
                        pause: false,
                        slow: None,
                    };
                    let attempt = Attempt {
                        kind: AttemptKind::Send,
                        started: now,
                        ended: now,
                        outcome,
                        message: String::new(),
                        exchange: Some("POST /orders 201".into()),
                    };
                    let (delivery, fence) = (claimed.delivery, claimed.fence);
                    match writer.settle(Settle { delivery, fence, settlement, attempt, now }).await {
                        Ok(_) => settled.fetch_add(1, Ordering::Relaxed),
                        Err(_) => 0,
                    };
                });
            }
        }
    });
    for task in tasks {
        task.await?;
    }
    let made = numbers.load(Ordering::Relaxed) - 1;
    while done.load(Ordering::Relaxed) < made && began.elapsed() < Duration::from_secs(seconds * 3) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (elapsed, used) = (began.elapsed().as_secs_f64(), cpu() - before);
    dispatch.abort();
    let cycles = done.load(Ordering::Relaxed) as f64;
    let latency = latency.lock().map_err(|_| "a caller panicked")?;
    println!(
        "cycles/s {:.0}  CPU a cycle {:.0} µs (+ {:.0} µs for making samples)  accept p50 {:.1} ms p99 {:.1} ms  made {made} done {cycles}",
        cycles / elapsed,
        (used / cycles - making) * 1e6,
        making * 1e6,
        latency.value_at_quantile(0.5) as f64 / 1e3,
        latency.value_at_quantile(0.99) as f64 / 1e3,
    );
    Ok(())
}

/// One request and its event, copied from samples that were made before the clock started.
fn sample(model: &(Accept, NewEvent), number: u64) -> (Accept, NewEvent) {
    let (mut accept, mut new) = model.clone();
    accept.dedupe = format!("orders/create/acme/{number:08}-d1f6-4c6c-9d39-7a60ab15a4ab");
    accept.received_at = SystemClock.now();
    accept.trace = format!("{number:032x}");
    new.trace = format!("{number:032x}");
    let event = Arc::make_mut(&mut new.event);
    event.entity.id = number.to_string();
    if let Fact::Order(change) = &mut event.fact
        && let Some(customer) = &mut change.order.customer
    {
        customer.id = (number % 50_000).to_string();
    }
    let identity = new.event.entity.to_string();
    new.incoming.key = format!("{identity}/placed");
    new.incoming.lane.clone_from(&identity);
    new.incoming.entity = identity;
    (accept, new)
}

fn model() -> (Accept, NewEvent) {
    let accept = Accept {
        connector: "shop".into(),
        dedupe: String::new(),
        request: Request {
            method: "POST".into(),
            query: String::new(),
            headers: vec![("x-topic".into(), "orders/create".into()); 5],
            body: (0..6144u64).map(|at| (32 + at * 7919 % 90) as u8).collect(),
            file: None,
        },
        received_at: Millis(0),
        trace: String::new(),
        lease: Some(Duration::from_secs(60)),
    };
    let mut event = order(1);
    let personal = event.take_personal().map(Arc::new);
    let incoming = Incoming::of(&event, Millis(i64::MAX / 2000)).unwrap_or_else(|error| {
        eprintln!("{error}");
        std::process::exit(1)
    });
    let targets = vec![Target { connector: "erp".into(), pin: true, ..Target::default() }];
    let new = NewEvent {
        event: Arc::new(event),
        personal,
        incoming,
        source: "shop".into(),
        foreign: Vec::new(),
        confirmation_limit: Duration::from_secs(3600),
        targets,
        trace: String::new(),
    };
    (accept, new)
}
