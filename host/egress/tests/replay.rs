//! What a call was told can be told again, without the network.

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
    Detail, Live, LookupFailed, NotReplayable, Recorder, References, Replay, SeededRandomness, Sources,
    StoreRecord, Tables,
};
use crossdock_egress::{Access, Egress, Error, Options, Sent};
use crossdock_model::common::{Entity, EntityKind, Reference};
use crossdock_model::time::SystemClock;
use http::Request;
use server::{Reply, Server, answer};

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

fn sources(server: &Server) -> Sources {
    let access = Access { hosts: vec![server.url("")], ..Access::default() };
    Sources {
        client: Egress::new(Options::default()).unwrap().client(access).unwrap(),
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SeededRandomness::new(7)),
        references: Arc::new(OneOrder),
        tables: Arc::new(OneStore),
        settings: Arc::new(BTreeMap::from([("shop".to_owned(), "\"acme\"".to_owned())])),
    }
}

/// Asks everything that can be asked, and says what came back.
async fn ask(recorder: &dyn Recorder, base: &str) -> Vec<String> {
    let mut random = [0; 33];
    recorder.random(&mut random);
    let mut said = vec![
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
            Ok(answer) => {
                said.push(format!("{} {:?} {:?}", answer.status(), answer.headers(), answer.body()))
            }
            Err(error) => said.push(format!("{error} {:?}", error.sent())),
        }
    }
    said.push(format!("{:?}", recorder.now()));
    said
}

async fn server() -> Server {
    Server::start(|request| match request.contains("/close") {
        true => Reply::Close,
        false => answer(201, &[("x-id", "7")], &format!("you asked {}", &request[..8])),
    })
    .await
}

#[tokio::test]
async fn a_replayed_call_is_told_the_same() {
    let server = server().await;
    let live = Live::new(sources(&server), Detail::Full);
    let told = ask(&live, &server.url("")).await;
    let transcript = live.transcript();
    // As it is stored.
    let stored = serde_json::to_string(&transcript).unwrap();
    let transcript = serde_json::from_str(&stored).unwrap();
    let base = server.url("");
    let requests = server.requests().len();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let replay = Replay::new(transcript).unwrap();
    assert_eq!(ask(&replay, &base).await, told);
    assert_eq!(replay.diverged(), None);
    assert_eq!(server.requests().len(), requests, "a replay asked the network");
}

#[tokio::test]
async fn a_replay_that_leaves_the_way_is_noticed() {
    let server = server().await;
    let live = Live::new(sources(&server), Detail::Full);
    ask(&live, &server.url("")).await;
    let transcript = live.transcript();
    let replay = Replay::new(transcript.clone()).unwrap();
    let other = Request::post(server.url("/a?q=2")).body(Bytes::from("/a?q=1")).unwrap();
    let error = replay.http(other).await.unwrap_err();
    assert!(matches!(error, Error::Diverged { .. }), "{error}");
    assert!(replay.diverged().unwrap().contains("/a?q=2"));
    let replay = Replay::new(transcript).unwrap();
    replay.random(&mut [0; 34]);
    assert!(replay.diverged().is_some());
}

#[tokio::test]
async fn a_summary_is_free_of_contents() {
    let server = server().await;
    let live = Live::new(sources(&server), Detail::Summary);
    ask(&live, &server.url("")).await;
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
async fn a_call_that_only_met_refusals_sent_nothing() {
    let server = server().await;
    let live = Live::new(sources(&server), Detail::Summary);
    let request = Request::post("http://evil.example/").body(Bytes::new()).unwrap();
    live.http(request).await.unwrap_err();
    assert_eq!(live.transcript().sent(), Sent::Nothing);
}

#[tokio::test]
async fn a_request_that_was_broken_off_is_in_the_transcript() {
    let server = Server::start(|_| Reply::Hang).await;
    let live = Live::new(sources(&server), Detail::Summary);
    let request = Request::post(server.url("/orders")).body(Bytes::new()).unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(100), live.http(request)).await.is_err());
    let transcript = live.transcript();
    assert_eq!(transcript.exchanges.len(), 1);
    assert_eq!(transcript.sent(), Sent::Unknown);
}

#[tokio::test]
async fn why_a_request_was_kept_back_is_kept_in_any_case() {
    let server = server().await;
    let live = Live::new(sources(&server), Detail::Summary);
    for number in 0..60 {
        let request = Request::post(server.url(&format!("/{number}"))).body(Bytes::new()).unwrap();
        live.http(request).await.unwrap();
    }
    let request = Request::post("http://evil.example/").body(Bytes::new()).unwrap();
    live.http(request).await.unwrap_err();
    let denied = live.transcript().denied.unwrap();
    assert!(matches!(&denied, Error::HostRefused { origin } if origin == "http://evil.example"), "{denied}");
}
