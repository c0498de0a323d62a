//! Hostile and broken plugins for the sandbox's tests: one plugin that does what its setting `mode` says.
//!
//! It is built from the public SDK, as a vendor's plugin would be.

// What it does is wrong on purpose.
#![allow(clippy::panic, clippy::empty_loop)]

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crossdock_sdk::prelude::*;

mod hoard;

/// The plugin.
pub struct Hostile;

plugin!(Hostile: sink, source);

impl Sink for Hostile {
    fn deliver(work: Vec<Work>) -> Vec<Outcome> {
        let mode = mode();
        match mode.as_str() {
            "too-few" => return Vec::new(),
            "too-many" => return vec![note("one"), note("two"), note("three")],
            _ => {}
        }
        work.iter().map(|work| misbehave(&mode, work)).collect()
    }

    fn find(work: Vec<Work>) -> Vec<Found> {
        match mode().as_str() {
            "too-few" => Vec::new(),
            _ => work.iter().map(|_| Found::Absent).collect(),
        }
    }
}

impl Source for Hostile {
    fn receive(inbound: Inbound) -> Result<Vec<Event>, Failure> {
        match mode().as_str() {
            "events" => Ok((0..count()).map(|n| event(&n.to_string())).collect()),
            "panic" => panic!("I panic, as I was told"),
            _ => Err(Problem::new("no-order", String::from_utf8_lossy(&inbound.body)).into()),
        }
    }

    fn poll(cursor: Option<String>, _: u32) -> Result<Page, Failure> {
        let events = (0..count()).map(|n| event(&n.to_string())).collect();
        Ok(Page { events, cursor: cursor.unwrap_or_default() + "+", more: false })
    }
}

/// Does what one piece of work is for.
fn misbehave(mode: &str, work: &Work) -> Outcome {
    match mode {
        "ok" => note("done"),
        "loop" => loop {
            std::hint::black_box(());
        },
        "hand-over" => hand_over(),
        "hand-over-and-panic" => {
            let _ = hand_over();
            panic!("I panic, as I was told");
        }
        "memory-bomb" => memory_bomb(),
        "recursion" => note(&recurse(work.serial).to_string()),
        "panic" => {
            println!("the last thing I did");
            panic!("I panic, as I was told");
        }
        "exit" => std::process::exit(3),
        "sleep" => {
            std::thread::sleep(Duration::from_secs(3600));
            note("awake")
        }
        "oversized-answer" => note(&"x".repeat(count() as usize)),
        "log-flood" => {
            for line in 0..count() {
                log::info(format!("line {line}"));
            }
            note("logged")
        }
        "ask" => ask(|| http::Client::new(url()).get("")),
        "tell" => ask(|| http::Client::new(url()).post("").body("application/json", b"{\"a\":1}".to_vec())),
        "forge" => ask(|| http::Client::new(url()).header("authorization", "Bearer forged").get("")),
        "large-request" => {
            ask(|| http::Client::new(url()).post("").body("text/plain", vec![b'x'; count() as usize]))
        }
        "many-requests" => {
            let mut last = note("none");
            for _ in 0..count() {
                last = ask(|| http::Client::new(url()).get(""));
            }
            last
        }
        "many-unsent-bodies" => hoard::unsent(),
        "many-open-bodies" => hoard::open(),
        "surroundings" => note(&surroundings()),
        "memory" => note(&remember()),
        "personal" => note(&personal(work)),
        "witness" => witness(),
        other => Outcome::Rejected(Problem::new("mode", format!("no such mode: {other}"))),
    }
}

fn memory_bomb() -> Outcome {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    loop {
        hoard.push(vec![1; 1 << 20]);
        std::hint::black_box(&hoard);
    }
}

#[allow(unconditional_recursion)]
fn recurse(n: u64) -> u64 {
    let frame = std::hint::black_box([n; 64]);
    recurse(std::hint::black_box(n + 1)) + frame[0]
}

/// Sends a request and says what came of it.
fn ask(request: impl Fn() -> http::Request) -> Outcome {
    match request().send() {
        Ok(answer) => {
            let mut said = format!("{} {}", answer.status(), String::from_utf8_lossy(answer.body()));
            if let Some(location) = answer.header("location") {
                said.push_str(&format!(" -> {location}"));
            }
            if let Some(echo) = answer.header("x-echo") {
                said.push_str(&format!(" echo {echo}"));
            }
            note(&said)
        }
        Err(error) => error.into(),
    }
}

/// Looks for what a plugin must not find.
fn surroundings() -> String {
    let files = std::fs::read_dir("/").is_ok() || std::fs::read("/etc/hostname").is_ok();
    let variables = std::env::vars().count();
    let arguments = std::env::args().count();
    let address = url().trim_start_matches("http://").to_owned();
    let socket = std::net::TcpStream::connect(address).is_ok();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").is_ok();
    format!("files {files} variables {variables} arguments {arguments} socket {socket} listener {listener}")
}

/// Counts in a static: more than 1 says that an instance was used twice.
fn remember() -> String {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    (CALLS.fetch_add(1, Ordering::Relaxed) + 1).to_string()
}

/// Which personal data it was given.
fn personal(work: &Work) -> String {
    let Fact::CustomerUpdated(Customer { personal: Some(personal), .. }) = &work.event.fact else {
        return "none".to_owned();
    };
    format!("name {:?} email {:?}", personal.name, personal.email)
}

/// Tells everything that it was told, so that two calls can be compared.
fn witness() -> Outcome {
    let start = Instant::now();
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let hash = std::hash::RandomState::new().build_hasher().finish();
    let first = ask(|| http::Client::new(url()).get("a"));
    let second =
        ask(|| http::Client::new(url()).post("b").body("text/plain", random().to_le_bytes().to_vec()));
    let entity = Entity { system: "s".into(), tenant: "t".into(), kind: EntityKind::Order, id: "1".into() };
    let references = references::find(&entity);
    let took = start.elapsed().as_millis();
    note(&format!(
        "{wall:?} {hash} {} {first:?} {second:?} {references:?} {took} {:?}",
        random(),
        config::find::<u32>("count")
    ))
}

#[cfg(target_arch = "wasm32")]
fn random() -> u64 {
    wasip2::random::random::get_random_u64()
}

#[cfg(not(target_arch = "wasm32"))]
fn random() -> u64 {
    0
}

fn event(id: &str) -> Event {
    let entity =
        Entity { system: "hostile".into(), tenant: "t".into(), kind: EntityKind::Customer, id: id.into() };
    Event {
        entity,
        parent: None,
        version: None,
        occurred_at: "2026-11-23T09:30:00Z".into(),
        fact: Fact::CustomerUpdated(Customer { personal: None, accepts_marketing: false }),
    }
}

fn note(said: &str) -> Outcome {
    Outcome::Posted(Receipt { references: Vec::new(), written: Vec::new(), note: Some(said.to_owned()) })
}

fn mode() -> String {
    config::get("mode").unwrap_or_default()
}

fn url() -> String {
    config::get("url").unwrap_or_default()
}

fn count() -> u32 {
    config::get("count").unwrap_or(1)
}

/// Hands over two files with numbers in their names, and says what became of a third that has no plain name.
fn hand_over() -> Outcome {
    let mut said = Vec::new();
    for name in ["first", "second"] {
        let number = numbers::next("isa");
        let put = files::put(&format!("{name}-{number}.txt"), name.as_bytes());
        said.push(format!("{number} {put:?}"));
    }
    said.push(format!("{:?}", files::put("../out", b"")));
    said.push(format!(
        "{:?} {:?}",
        mappings::get("sku", "1"),
        stores::find("shopify", "7").map(|store| store.id)
    ));
    note(&said.join("; "))
}
