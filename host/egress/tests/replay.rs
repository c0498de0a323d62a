//! A recorded call can be replayed without the network.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod server;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_egress::recorder::{
    Detail, Inputs, Live, LookupFailed, NotReplayable, Recorder, References, Replay, SeededRandomness,
    StoreRecord, Tables,
};
use crossdock_egress::{Access, Client, Egress, Error, Options, Sent};
use crossdock_model::common::{Entity, EntityKind, Reference};
use crossdock_model::time::SystemClock;
use http::Request;
use server::{Reply, Server, respond};

struct OneOrder;

fn order() -> Entity {
    Entity { system: "s".into(), tenant: "t".into(), kind: EntityKind::Order, id: "1".into() }
}

#[async_trait]
impl References for OneOrder {
    async fn find(&self, entity: &Entity) -> Result<Vec<Reference>, LookupFailed> {
        let reference = Reference { kind: "sale".into(), id: "SO-1".into(), number: None, lines: Vec::new() };
        Ok(if *entity == order() { vec![reference] } else { Vec::new() })
    }

    async fn resolve(&self, _: &str, id: &str) -> Result<Option<Entity>, LookupFailed> {
        if id == "SO-1" { Ok(Some(order())) } else { Err(LookupFailed { reason: "down".into() }) }
    }
}

struct OneStore;

#[async_trait]
impl Tables for OneStore {
    async fn mapping(&self, table: &str, value: &str) -> Result<Option<String>, LookupFailed> {
        Ok((table == "sku").then(|| format!("A-{value}")))
    }

    async fn store(&self, system: Option<&str>, code: &str) -> Result<Option<StoreRecord>, LookupFailed> {
        let known = system == Some("shopify") && code == "655441491";
        Ok(known.then(|| StoreRecord { id: "berlin".into(), ..StoreRecord::default() }))
    }

    async fn number(&self, sequence: &str) -> Result<u64, LookupFailed> {
        Ok(sequence.len() as u64)
    }
}

fn inputs(server: &Server) -> Inputs {
    let access = Access { hosts: vec![server.url("")], ..Access::default() };
    Inputs {
        client: Client::new(&Egress::new(Options::default()).unwrap(), access).unwrap(),
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SeededRandomness::new(7)),
        references: Arc::new(OneOrder),
        tables: Arc::new(OneStore),
        settings: Arc::new(BTreeMap::from([("shop".to_owned(), "\"acme\"".to_owned())])),
    }
}

/// Reads everything that can be read.
async fn read_all(recorder: &dyn Recorder, base: &str) -> Vec<String> {
    let mut random = [0; 33];
    recorder.random(&mut random);
    let mut read = vec![
        format!("{:?} {:?}", recorder.mapping("sku", "1").await, recorder.mapping("tax", "1").await),
        format!("{:?}", recorder.store(Some("shopify"), "655441491").await),
        format!("{:?} {:?}", recorder.store(None, "berlin").await, recorder.number("isa").await),
        format!("{:?} {:?} {random:?}", recorder.now(), recorder.elapsed()),
        format!("{:?} {:?}", recorder.setting("shop"), recorder.setting("none")),
        format!("{:?}", recorder.references(&order()).await.unwrap()),
        format!("{:?}", recorder.entity("sale", "SO-1").await.unwrap()),
    ];
    for path in ["/a?q=1", "/b", "/close"] {
        let request = Request::post(format!("{base}{path}")).body(Bytes::from(path.to_owned())).unwrap();
        match recorder.http(request).await {
            Ok(response) => {
                read.push(format!("{} {:?} {:?}", response.status(), response.headers(), response.body()))
            }
            Err(error) => read.push(format!("{error} {:?}", error.sent())),
        }
    }
    read.push(format!("{:?}", recorder.now()));
    read
}

async fn server() -> Server {
    Server::start(|request| match request.contains("/close") {
        true => Reply::Close,
        false => respond(201, &[("x-id", "7")], &format!("you asked {}", &request[..8])),
    })
    .await
}

#[tokio::test]
async fn a_replayed_call_reads_the_same() {
    let server = server().await;
    let live = Live::new(inputs(&server), Detail::Full);
    let recorded = read_all(&live, &server.url("")).await;
    let transcript = live.transcript();
    // In its JSON form.
    let stored = serde_json::to_string(&transcript).unwrap();
    let transcript = serde_json::from_str(&stored).unwrap();
    let base = server.url("");
    let requests = server.requests().len();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let replay = Replay::new(transcript).unwrap();
    assert_eq!(read_all(&replay, &base).await, recorded);
    assert_eq!(replay.divergence(), None);
    assert_eq!(server.requests().len(), requests, "a replay sent a request");
}

#[tokio::test]
async fn a_replay_that_diverges_is_detected() {
    let server = server().await;
    let live = Live::new(inputs(&server), Detail::Full);
    read_all(&live, &server.url("")).await;
    let transcript = live.transcript();
    let replay = Replay::new(transcript.clone()).unwrap();
    let other = Request::post(server.url("/a?q=2")).body(Bytes::from("/a?q=1")).unwrap();
    let error = replay.http(other).await.unwrap_err();
    assert!(matches!(error, Error::Diverged { .. }), "{error}");
    assert!(replay.divergence().unwrap().contains("/a?q=2"));
    let replay = Replay::new(transcript).unwrap();
    replay.random(&mut [0; 34]);
    assert!(replay.divergence().is_some());
}

#[tokio::test]
async fn a_summary_has_no_contents() {
    let server = server().await;
    let live = Live::new(inputs(&server), Detail::Summary);
    read_all(&live, &server.url("")).await;
    let transcript = live.transcript();
    let stored = serde_json::to_string(&transcript).unwrap();
    assert!(!stored.contains("q=1") && !stored.contains("you asked") && !stored.contains("acme"), "{stored}");
    let summary = transcript.summary();
    assert_eq!(summary.lines().count(), 3, "{summary}");
    assert!(summary.contains("/a 6 bytes -> 201 18 bytes in "), "{summary}");
    assert_eq!(transcript.sent(), Sent::Unknown);
    assert_eq!(Replay::new(transcript).err(), Some(NotReplayable::Summary));
}

#[tokio::test]
async fn a_call_whose_requests_were_refused_sent_nothing() {
    let server = server().await;
    let live = Live::new(inputs(&server), Detail::Summary);
    let request = Request::post("http://evil.example/").body(Bytes::new()).unwrap();
    live.http(request).await.unwrap_err();
    assert_eq!(live.transcript().sent(), Sent::Nothing);
}

#[tokio::test]
async fn an_aborted_request_is_in_the_transcript() {
    let server = Server::start(|_| Reply::Hang).await;
    let live = Live::new(inputs(&server), Detail::Summary);
    let request = Request::post(server.url("/orders")).body(Bytes::new()).unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(100), live.http(request)).await.is_err());
    let transcript = live.transcript();
    assert_eq!(transcript.http_calls.len(), 1);
    assert_eq!(transcript.sent(), Sent::Unknown);
}

#[tokio::test]
async fn a_denied_request_is_recorded_even_when_requests_are_left_out() {
    let server = server().await;
    let live = Live::new(inputs(&server), Detail::Summary);
    for number in 0..60 {
        let request = Request::post(server.url(&format!("/{number}"))).body(Bytes::new()).unwrap();
        live.http(request).await.unwrap();
    }
    let request = Request::post("http://evil.example/").body(Bytes::new()).unwrap();
    live.http(request).await.unwrap_err();
    let denied = live.transcript().denied.unwrap();
    assert!(matches!(&denied, Error::HostRefused { origin } if origin == "http://evil.example"), "{denied}");
}
