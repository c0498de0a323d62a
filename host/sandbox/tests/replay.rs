//! A recorded call, replayed without the network, ends exactly as the recorded one did.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod guests;
#[path = "../../egress/tests/server/mod.rs"]
mod server;

use std::time::Duration;

use crossdock_egress::Access;
use crossdock_egress::recorder::{Detail, Transcript};
use crossdock_sandbox::{Call, Error};
use guests::{guest_with, limits, work};
use serde_json::json;
use server::{Server, respond};

#[tokio::test]
async fn a_replayed_call_ends_as_the_recorded_one_did() {
    let server = Server::start(|request| {
        std::thread::sleep(Duration::from_millis(15));
        respond(200, &[], &format!("you are at {}", &request[..12]))
    })
    .await;
    let address = server.url("");
    let access = Access { hosts: vec![address.clone()], ..Access::default() };
    let settings = json!({"mode": "witness", "url": address, "count": 42});
    let guest = guest_with(settings.clone(), access, limits());
    let full = Call { detail: Detail::Full, ..Call::default() };
    let recorded = guest.deliver(full.clone(), vec![work()]).await;
    let outcome = recorded.result.unwrap();
    // The call read the time, random numbers and two responses: another live call ends differently.
    let other = guest.deliver(full, vec![work()]).await;
    assert_ne!(other.result.unwrap(), outcome);
    let requests = server.requests().len();
    assert_eq!(requests, 4);

    // From its JSON form, with a connector that may not send requests and has other settings.
    let stored = serde_json::to_string(&recorded.transcript).unwrap();
    let transcript: Transcript = serde_json::from_str(&stored).unwrap();
    let elsewhere = guest_with(json!({"mode": "ok"}), Access::default(), limits());
    let replay = Call { replay: Some(transcript.clone()), ..Call::default() };
    let again = elsewhere.deliver(replay, vec![work()]).await;
    assert_eq!(again.result.unwrap(), outcome);
    assert_eq!(server.requests().len(), requests, "the replay sent a request");

    // The transcript of another call is detected.
    let mut changed = transcript;
    changed.http_calls[0].url.push('x');
    let replay = Call { replay: Some(changed), ..Call::default() };
    let error = elsewhere.deliver(replay, vec![work()]).await.result.unwrap_err();
    assert!(matches!(error, Error::Replay { .. }), "{error}");
}

#[tokio::test]
async fn a_summary_cannot_be_replayed() {
    let guest = guests::guest("ok");
    let transcript = guests::deliver(&guest).await.transcript;
    let replay = Call { replay: Some(transcript), ..Call::default() };
    let error = guest.deliver(replay, vec![work()]).await.result.unwrap_err();
    assert!(matches!(error, Error::Replay { .. }), "{error}");
}
