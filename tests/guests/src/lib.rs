//! A hostile plugin for the sandbox's tests. The setting `mode` selects its behaviour.
//!
//! It is built with the public SDK, as a vendor's plugin is.

// Misbehaviour is its purpose.
#![allow(clippy::panic, clippy::empty_loop)]

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crossdock_sdk::prelude::*;

mod outcome;
mod settings;
mod unfinished_requests;

use outcome::note;
use settings::{count, mode, url};

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

/// Processes one piece of work in the given mode.
fn misbehave(mode: &str, work: &Work) -> Outcome {
    match mode {
        "ok" => note("done"),
        "loop" => loop {
            std::hint::black_box(());
        },
        "hand-over" => write_files(),
        "hand-over-and-panic" => {
            let _ = write_files();
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
        "ask" => send(|| http::Client::new(url()).get("")),
        "tell" => send(|| http::Client::new(url()).post("").body("application/json", b"{\"a\":1}".to_vec())),
        "forge" => send(|| http::Client::new(url()).header("authorization", "Bearer forged").get("")),
        "large-request" => {
            send(|| http::Client::new(url()).post("").body("text/plain", vec![b'x'; count() as usize]))
        }
        "many-requests" => {
            let mut last = note("none");
            for _ in 0..count() {
                last = send(|| http::Client::new(url()).get(""));
            }
            last
        }
        "many-unsent-bodies" => unfinished_requests::unsent(),
        "many-open-bodies" => unfinished_requests::open(),
        "surroundings" => note(&probe_environment()),
        "memory" => note(&count_calls()),
        "personal" => note(&personal(work)),
        "witness" => report_inputs(),
        other => Outcome::Rejected(Problem::new("mode", format!("no such mode: {other}"))),
    }
}

fn memory_bomb() -> Outcome {
    let mut chunks: Vec<Vec<u8>> = Vec::new();
    loop {
        chunks.push(vec![1; 1 << 20]);
        std::hint::black_box(&chunks);
    }
}

#[allow(unconditional_recursion)]
fn recurse(n: u64) -> u64 {
    let frame = std::hint::black_box([n; 64]);
    recurse(std::hint::black_box(n + 1)) + frame[0]
}

/// Sends a request. The note is the response's status, body and headers.
fn send(request: impl Fn() -> http::Request) -> Outcome {
    match request().send() {
        Ok(response) => {
            let mut text = format!("{} {}", response.status(), String::from_utf8_lossy(response.body()));
            if let Some(location) = response.header("location") {
                text.push_str(&format!(" -> {location}"));
            }
            if let Some(echo) = response.header("x-echo") {
                text.push_str(&format!(" echo {echo}"));
            }
            note(&text)
        }
        Err(error) => error.into(),
    }
}

/// Tries to reach everything that a plugin must not reach.
fn probe_environment() -> String {
    let files = std::fs::read_dir("/").is_ok() || std::fs::read("/etc/hostname").is_ok();
    let variables = std::env::vars().count();
    let arguments = std::env::args().count();
    let address = url().trim_start_matches("http://").to_owned();
    let socket = std::net::TcpStream::connect(address).is_ok();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").is_ok();
    format!("files {files} variables {variables} arguments {arguments} socket {socket} listener {listener}")
}

/// Counts calls in a static: more than 1 means that an instance was reused.
fn count_calls() -> String {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    (CALLS.fetch_add(1, Ordering::Relaxed) + 1).to_string()
}

/// The personal data that the work contains.
fn personal(work: &Work) -> String {
    let Fact::CustomerUpdated(Customer { personal: Some(personal), .. }) = &work.event.fact else {
        return "none".to_owned();
    };
    format!("name {:?} email {:?}", personal.name, personal.email)
}

/// Reports every input from the host, so that two calls can be compared.
fn report_inputs() -> Outcome {
    let start = Instant::now();
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let hash = std::hash::RandomState::new().build_hasher().finish();
    let first = send(|| http::Client::new(url()).get("a"));
    let second =
        send(|| http::Client::new(url()).post("b").body("text/plain", random().to_le_bytes().to_vec()));
    let entity = Entity { system: "s".into(), tenant: "t".into(), kind: EntityKind::Order, id: "1".into() };
    let references = references::find(&entity);
    let elapsed = start.elapsed().as_millis();
    note(&format!(
        "{wall:?} {hash} {} {first:?} {second:?} {references:?} {elapsed} {:?}",
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

/// Writes two files with numbers in their names, and tries a third whose name is not plain. The note is all results.
fn write_files() -> Outcome {
    let mut results = Vec::new();
    for name in ["first", "second"] {
        let number = numbers::next("isa");
        let put = files::put(&format!("{name}-{number}.txt"), name.as_bytes());
        results.push(format!("{number} {put:?}"));
    }
    results.push(format!("{:?}", files::put("../out", b"")));
    results.push(format!(
        "{:?} {:?}",
        mappings::get("sku", "1"),
        stores::find("shopify", "7").map(|store| store.id)
    ));
    note(&results.join("; "))
}
