//! What a plugin can do to the host: nothing. Each misbehaviour has a name, and the host stays up.

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

use std::time::{Duration, Instant};

use crossdock_egress::{Access, Profile, Sent};
use crossdock_model::connector::Outcome;
use crossdock_sandbox::{Call, Error, Limits};
use guests::{client, deliver, failure, guest, guest_with, inbound, limits, note, plugin, secrets, work};
use serde_json::json;
use server::{Reply, Server, answer};

/// The host is up when the next call works.
async fn host_is_up() {
    assert_eq!(note(&guest("ok")).await, "done");
}

fn soon(deadline: Duration) -> Limits {
    Limits { deadline, ..limits() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_loop_ends_at_the_deadline() {
    let guest = guest_with(json!({"mode": "loop"}), Access::default(), soon(Duration::from_millis(300)));
    let start = Instant::now();
    let error = failure(&guest).await;
    assert!(matches!(error, Error::Deadline { .. }), "{error}");
    assert!(error.plugin_failed());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    host_is_up().await;
}

#[tokio::test]
async fn an_endless_loop_ends_even_on_the_only_thread() {
    let guest = guest_with(json!({"mode": "loop"}), Access::default(), soon(Duration::from_millis(300)));
    assert!(matches!(failure(&guest).await, Error::Deadline { .. }));
    host_is_up().await;
}

#[tokio::test]
async fn a_sleep_past_the_deadline_ends_at_the_deadline() {
    let guest = guest_with(json!({"mode": "sleep"}), Access::default(), soon(Duration::from_millis(300)));
    let start = Instant::now();
    assert!(matches!(failure(&guest).await, Error::Deadline { .. }));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    host_is_up().await;
}

#[tokio::test]
async fn a_memory_bomb_is_told_by_its_name() {
    let guest = guest("memory-bomb");
    let report = deliver(&guest).await;
    let error = report.result.unwrap_err();
    assert!(matches!(error, Error::OutOfMemory { limit, .. } if limit == 64 << 20), "{error}");
    assert!(report.memory <= 64 << 20, "{}", report.memory);
    host_is_up().await;
}

#[tokio::test]
async fn a_panic_comes_with_the_plugins_last_words() {
    let error = failure(&guest("panic")).await;
    assert!(matches!(error, Error::Trapped { .. }), "{error}");
    let said = error.to_string();
    assert!(said.contains("I panic, as I was told") && said.contains("the last thing I did"), "{said}");
    let report = guest("panic").receive(Call::default(), inbound()).await;
    assert!(report.result.unwrap_err().to_string().contains("I panic"));
    host_is_up().await;
}

#[tokio::test]
async fn an_exit_is_a_crash() {
    let said = failure(&guest("exit")).await;
    assert!(matches!(said, Error::Trapped { .. }), "{said}");
    host_is_up().await;
}

#[tokio::test]
async fn endless_recursion_is_a_crash() {
    let error = failure(&guest("recursion")).await;
    assert!(matches!(error, Error::Trapped { .. }), "{error}");
    host_is_up().await;
}

#[tokio::test]
async fn an_oversized_answer_is_refused() {
    let settings = json!({"mode": "oversized-answer", "count": 4 << 20});
    let guest = guest_with(settings.clone(), Access::default(), Limits { answer: 1 << 20, ..limits() });
    let error = failure(&guest).await;
    assert!(matches!(error, Error::BadAnswer { .. }), "{error}");
    assert!(error.to_string().contains("more than 1048576 bytes"), "{error}");
    let guest = guest_with(settings, Access::default(), Limits { answer: 8 << 20, ..limits() });
    assert_eq!(note(&guest).await.len(), 4 << 20);
}

#[tokio::test]
async fn as_many_answers_as_pieces_of_work() {
    for mode in ["too-few", "too-many"] {
        let error = failure(&guest(mode)).await;
        assert!(matches!(error, Error::BadAnswer { .. }), "{error}");
    }
    let error = guest("too-few").find(Call::default(), vec![work(), work()]).await.result.unwrap_err();
    assert!(error.to_string().contains("0 answers to 2 pieces of work"), "{error}");
}

#[tokio::test]
async fn no_more_events_than_asked_for() {
    let guest = guest_with(
        json!({"mode": "events", "count": 11}),
        Access::default(),
        Limits { events: 10, ..limits() },
    );
    let error = guest.receive(Call::default(), inbound()).await.result.unwrap_err();
    assert!(error.to_string().contains("11 events"), "{error}");
    let many = guest_with(json!({"mode": "events", "count": 11}), Access::default(), limits());
    assert_eq!(many.receive(Call::default(), inbound()).await.result.unwrap().unwrap().len(), 11);
    let error = many.poll(Call::default(), None, 5).await.result.unwrap_err();
    assert!(matches!(error, Error::BadAnswer { .. }), "{error}");
    let page = many.poll(Call::default(), Some("c".into()), 11).await.result.unwrap().unwrap();
    assert_eq!(page.cursor, "c+");
}

#[tokio::test]
async fn a_flood_of_log_lines_ends() {
    let settings = |count| json!({"mode": "log-flood", "count": count});
    let error = failure(&guest_with(settings(1_000_000), Access::default(), limits())).await;
    assert!(matches!(error, Error::Excess { limit: 10_000, .. }), "{error}");
    // Somewhat too much is cut off, and no reason to lose an order.
    assert_eq!(note(&guest_with(settings(500), Access::default(), limits())).await, "logged");
    host_is_up().await;
}

#[tokio::test]
async fn a_plugin_finds_nothing_around_it() {
    let server = Server::start(|_| answer(200, &[], "ok")).await;
    // Even a host that the connector may ask is out of reach of a socket.
    let access = Access { hosts: vec![server.url("")], ..Access::default() };
    let guest = guest_with(json!({"mode": "surroundings", "url": server.url("")}), access, limits());
    let said = note(&guest).await;
    assert!(said.starts_with("files false variables 0 "), "{said}");
    assert!(said.ends_with("socket false listener false"), "{said}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn no_state_outlives_a_call() {
    let guest = guest("memory");
    for _ in 0..3 {
        assert_eq!(note(&guest).await, "1");
    }
}

#[tokio::test]
async fn a_forbidden_host_is_not_asked() {
    let other = Server::start(|_| answer(200, &[], "stolen")).await;
    let granted = Server::start(|_| answer(200, &[], "ok")).await;
    let ask = |mode: &str| {
        let access = Access { hosts: vec![granted.url("")], ..Access::default() };
        guest_with(json!({"mode": mode, "url": other.url(""), "count": 3 << 20}), access, limits())
    };
    // A large body too: the guest sees the reason, and not a broken pipe.
    for mode in ["ask", "tell", "large-request"] {
        let report = deliver(&ask(mode)).await;
        assert_eq!(report.transcript.sent(), Sent::Nothing);
        match report.result.unwrap().as_slice() {
            [Outcome::Unauthorized(problem)] => assert_eq!(problem.code, "host-not-allowed", "{problem:?}"),
            outcomes => panic!("{mode}: {outcomes:?}"),
        }
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn a_redirect_to_a_forbidden_host_is_not_followed() {
    let other = Server::start(|_| answer(200, &[], "stolen")).await;
    let there = other.url("/");
    let location = there.clone();
    let server = Server::start(move |_| answer(302, &[("location", &location)], "")).await;
    let access = Access { hosts: vec![server.url("")], ..Access::default() };
    let said = note(&guest_with(json!({"mode": "ask", "url": server.url("")}), access, limits())).await;
    assert_eq!(said, format!("302  -> {there}"));
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn secrets_go_out_and_never_in() {
    let server = Server::start(|request| {
        let header =
            request.lines().find(|line| line.starts_with("authorization: ")).unwrap_or("none").to_owned();
        answer(200, &[("x-echo", &header)], &header)
    })
    .await;
    let access = || Access {
        hosts: vec![server.url("")],
        profile: Some(Profile::Bearer { secret: "token".into() }),
        secrets: secrets("tok-4711-geheim"),
        ..Access::default()
    };
    let said = note(&guest_with(json!({"mode": "ask", "url": server.url("")}), access(), limits())).await;
    assert!(server.requests()[0].contains("authorization: Bearer tok-4711-geheim"));
    assert!(said.contains("Bearer ***************") && !said.contains("geheim"), "{said}");
    // And a guest cannot put another in its place.
    let report =
        deliver(&guest_with(json!({"mode": "forge", "url": server.url("")}), access(), limits())).await;
    assert!(!matches!(report.result.unwrap().as_slice(), [Outcome::Posted(_)]));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn the_plugin_can_tell_nothing_sent_from_unknown() {
    let outcome = |url: String| async move {
        let access = Access { hosts: vec![url.clone()], ..Access::default() };
        let report = deliver(&guest_with(json!({"mode": "tell", "url": url}), access, limits())).await;
        (report.result.unwrap().remove(0), report.transcript.sent())
    };
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (refused, sent) = outcome(format!("http://{free}")).await;
    assert!(matches!(refused, Outcome::Unavailable(_)), "{refused:?}");
    assert_eq!(sent, Sent::Nothing);
    let (unknown, _) = outcome("http://no-such-host.invalid".to_owned()).await;
    assert!(matches!(unknown, Outcome::Unavailable(_)), "{unknown:?}");
    let server = Server::start(|_| Reply::Close).await;
    let (lost, sent) = outcome(server.url("")).await;
    assert!(matches!(lost, Outcome::Unknown(_)), "{lost:?}");
    assert_eq!(sent, Sent::Unknown);
    let server =
        Server::start(|_| Reply::Cut(b"HTTP/1.1 201 X\r\ncontent-length: 9\r\n\r\n{".to_vec())).await;
    assert!(matches!(outcome(server.url("")).await.0, Outcome::Unknown(_)));
}

#[tokio::test]
async fn a_deadline_while_the_target_thinks_leaves_the_request_in_the_transcript() {
    let server = Server::start(|_| Reply::Hang).await;
    let access = Access { hosts: vec![server.url("")], ..Access::default() };
    let settings = json!({"mode": "tell", "url": server.url("")});
    let report = deliver(&guest_with(settings, access, soon(Duration::from_millis(500)))).await;
    assert!(matches!(report.result, Err(Error::Deadline { .. })));
    assert_eq!(report.transcript.sent(), Sent::Unknown);
    assert!(report.transcript.summary().contains("POST http://127.0.0.1"), "{}", report.transcript.summary());
}

#[tokio::test]
async fn requests_of_one_call_are_counted() {
    let server = Server::start(|_| answer(200, &[], "ok")).await;
    let limits_of_egress = crossdock_egress::Limits { requests: 3, ..crossdock_egress::Limits::default() };
    let access = Access { hosts: vec![server.url("")], limits: limits_of_egress, ..Access::default() };
    let settings = json!({"mode": "many-requests", "url": server.url(""), "count": 5});
    let report = deliver(&guest_with(settings, access, limits())).await;
    // Nobody has to look at credentials: another call has a budget of its own.
    assert!(matches!(report.result.unwrap().as_slice(), [Outcome::Unavailable(_)]));
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn personal_data_that_the_manifest_does_not_name_is_left_out() {
    let report = guest("personal").deliver(Call::default(), vec![work()]).await;
    assert_eq!(guests::noted(&report.result.unwrap()), "name None email Some(\"ada@example.com\")");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_capacity_a_call_waits_and_then_says_so() {
    let sandbox = crossdock_sandbox::Options { instances: 1, allow_unsigned: true, ..guests::options() };
    let plugin = crossdock_sandbox::Sandbox::new(sandbox).unwrap().load(guests::file(), None).await.unwrap();
    let guest = |mode: &str, deadline| {
        let grants = crossdock_sandbox::Grants::new("t", json!({"mode": mode}), client(Access::default()));
        plugin.guest(crossdock_sandbox::Grants { limits: soon(deadline), ..grants }).unwrap()
    };
    let sleeper = guest("sleep", Duration::from_secs(3));
    let sleeping = tokio::spawn(async move { failure(&sleeper).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let error = failure(&guest("ok", Duration::from_millis(300))).await;
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    assert!(!error.plugin_failed());
    // Who waits long enough gets the place.
    assert_eq!(note(&guest("ok", Duration::from_secs(20))).await, "done");
    assert!(matches!(sleeping.await.unwrap(), Error::Deadline { .. }));
}

#[tokio::test]
async fn settings_are_checked_before_the_first_call() {
    let grants = |settings| crossdock_sandbox::Grants::new("t", settings, client(Access::default()));
    assert!(plugin().guest(grants(json!({}))).is_err());
    assert!(plugin().guest(grants(json!({"mode": "ok", "mood": "bad"}))).is_err());
    assert!(plugin().guest(grants(json!({"mode": "ok"}))).is_ok());
}
