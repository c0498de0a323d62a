//! Hostile plugins: each misbehaviour ends in its own error, and the host stays up.

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
use crossdock_sandbox::{Call, Error, Guest, Limits};
use guests::{client, deliver, failure, guest, guest_with, inbound, limits, note, plugin, secrets, work};
use serde_json::json;
use server::{Reply, Server, respond};

/// The next call works.
async fn assert_host_is_up() {
    assert_eq!(note(&guest("ok")).await, "done");
}

fn with_deadline(deadline: Duration) -> Limits {
    Limits { deadline, ..limits() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_loop_ends_at_the_deadline() {
    let guest =
        guest_with(json!({"mode": "loop"}), Access::default(), with_deadline(Duration::from_millis(300)));
    let start = Instant::now();
    let error = failure(&guest).await;
    assert!(matches!(error, Error::Deadline { .. }), "{error}");
    assert!(error.plugin_failed());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_host_is_up().await;
}

#[tokio::test]
async fn an_endless_loop_ends_at_the_deadline_on_a_single_thread() {
    let guest =
        guest_with(json!({"mode": "loop"}), Access::default(), with_deadline(Duration::from_millis(300)));
    assert!(matches!(failure(&guest).await, Error::Deadline { .. }));
    assert_host_is_up().await;
}

#[tokio::test]
async fn a_sleep_past_the_deadline_ends_at_the_deadline() {
    let guest =
        guest_with(json!({"mode": "sleep"}), Access::default(), with_deadline(Duration::from_millis(300)));
    let start = Instant::now();
    assert!(matches!(failure(&guest).await, Error::Deadline { .. }));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_host_is_up().await;
}

#[tokio::test]
async fn a_memory_bomb_ends_out_of_memory() {
    let guest = guest("memory-bomb");
    let report = deliver(&guest).await;
    let error = report.result.unwrap_err();
    assert!(matches!(error, Error::OutOfMemory { limit, .. } if limit == 64 << 20), "{error}");
    assert!(report.memory <= 64 << 20, "{}", report.memory);
    assert_host_is_up().await;
}

#[tokio::test]
async fn a_panic_is_reported_with_the_plugins_last_output() {
    let error = failure(&guest("panic")).await;
    assert!(matches!(error, Error::Trapped { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("I panic, as I was told") && text.contains("the last thing I did"), "{text}");
    let report = guest("panic").receive(Call::default(), inbound()).await;
    assert!(report.result.unwrap_err().to_string().contains("I panic"));
    assert_host_is_up().await;
}

#[tokio::test]
async fn an_exit_is_a_crash() {
    let error = failure(&guest("exit")).await;
    assert!(matches!(error, Error::Trapped { .. }), "{error}");
    assert_host_is_up().await;
}

#[tokio::test]
async fn endless_recursion_is_a_crash() {
    let error = failure(&guest("recursion")).await;
    assert!(matches!(error, Error::Trapped { .. }), "{error}");
    assert_host_is_up().await;
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
async fn an_answer_with_another_number_of_outcomes_is_refused() {
    for mode in ["too-few", "too-many"] {
        let error = failure(&guest(mode)).await;
        assert!(matches!(error, Error::BadAnswer { .. }), "{error}");
    }
    let error = guest("too-few").find(Call::default(), vec![work(), work()]).await.result.unwrap_err();
    assert!(error.to_string().contains("0 answers to 2 pieces of work"), "{error}");
}

#[tokio::test]
async fn an_answer_with_too_many_events_is_refused() {
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
async fn a_flood_of_log_lines_is_limited() {
    let settings = |count| json!({"mode": "log-flood", "count": count});
    let error = failure(&guest_with(settings(1_000_000), Access::default(), limits())).await;
    assert!(matches!(error, Error::Excess { limit: 10_000, .. }), "{error}");
    // Too many lines are dropped, and do not fail the call.
    assert_eq!(note(&guest_with(settings(500), Access::default(), limits())).await, "logged");
    assert_host_is_up().await;
}

#[tokio::test]
async fn a_plugin_has_no_files_variables_or_sockets() {
    let server = Server::start(|_| respond(200, &[], "ok")).await;
    // Even an allowed host cannot be reached by a socket.
    let access = Access { hosts: vec![server.url("")], ..Access::default() };
    let guest = guest_with(json!({"mode": "surroundings", "url": server.url("")}), access, limits());
    let found = note(&guest).await;
    assert!(found.starts_with("files false variables 0 "), "{found}");
    assert!(found.ends_with("socket false listener false"), "{found}");
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
async fn a_host_that_is_not_allowed_gets_no_request() {
    let other = Server::start(|_| respond(200, &[], "stolen")).await;
    let allowed = Server::start(|_| respond(200, &[], "ok")).await;
    let ask = |mode: &str| {
        let access = Access { hosts: vec![allowed.url("")], ..Access::default() };
        guest_with(json!({"mode": mode, "url": other.url(""), "count": 3 << 20}), access, limits())
    };
    // Also with a large body: the guest sees the reason, and not a broken pipe.
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
async fn a_redirect_is_not_followed() {
    let other = Server::start(|_| respond(200, &[], "stolen")).await;
    let target = other.url("/");
    let location = target.clone();
    let server = Server::start(move |_| respond(302, &[("location", &location)], "")).await;
    let access = Access { hosts: vec![server.url("")], ..Access::default() };
    let seen = note(&guest_with(json!({"mode": "ask", "url": server.url("")}), access, limits())).await;
    assert_eq!(seen, format!("302  -> {target}"));
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn a_plugin_never_sees_a_secret() {
    let server = Server::start(|request| {
        let header =
            request.lines().find(|line| line.starts_with("authorization: ")).unwrap_or("none").to_owned();
        respond(200, &[("x-echo", &header)], &header)
    })
    .await;
    let access = || Access {
        hosts: vec![server.url("")],
        profile: Some(Profile::Bearer { secret: "token".into() }),
        secrets: secrets("tok-4711-geheim"),
        ..Access::default()
    };
    let seen = note(&guest_with(json!({"mode": "ask", "url": server.url("")}), access(), limits())).await;
    assert!(server.requests()[0].contains("authorization: Bearer tok-4711-geheim"));
    assert!(seen.contains("Bearer ***************") && !seen.contains("geheim"), "{seen}");
    // And a guest cannot replace it.
    let report =
        deliver(&guest_with(json!({"mode": "forge", "url": server.url("")}), access(), limits())).await;
    assert!(!matches!(report.result.unwrap().as_slice(), [Outcome::Posted(_)]));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_plugin_can_distinguish_nothing_sent_from_unknown() {
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
async fn a_request_in_flight_at_the_deadline_is_in_the_transcript() {
    let server = Server::start(|_| Reply::Hang).await;
    let access = Access { hosts: vec![server.url("")], ..Access::default() };
    let settings = json!({"mode": "tell", "url": server.url("")});
    let report = deliver(&guest_with(settings, access, with_deadline(Duration::from_millis(500)))).await;
    assert!(matches!(report.result, Err(Error::Deadline { .. })));
    assert_eq!(report.transcript.sent(), Sent::Unknown);
    assert!(report.transcript.summary().contains("POST http://127.0.0.1"), "{}", report.transcript.summary());
}

#[tokio::test]
async fn the_number_of_requests_per_call_is_limited() {
    let server = Server::start(|_| respond(200, &[], "ok")).await;
    let limits_of_egress = crossdock_egress::Limits { requests: 3, ..crossdock_egress::Limits::default() };
    let access = Access { hosts: vec![server.url("")], limits: limits_of_egress, ..Access::default() };
    let settings = json!({"mode": "many-requests", "url": server.url(""), "count": 5});
    let report = deliver(&guest_with(settings, access, limits())).await;
    // No operator has to act: another call has its own budget.
    assert!(matches!(report.result.unwrap().as_slice(), [Outcome::Unavailable(_)]));
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn undeclared_personal_data_is_removed() {
    let report = guest("personal").deliver(Call::default(), vec![work()]).await;
    assert_eq!(guests::noted(&report.result.unwrap()), "name None email Some(\"ada@example.com\")");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_without_a_free_instance_waits_and_fails_as_busy() {
    let sandbox = crossdock_sandbox::Options { instances: 1, allow_unsigned: true, ..guests::options() };
    let plugin = crossdock_sandbox::Sandbox::new(sandbox).unwrap().load(guests::file(), None).await.unwrap();
    let guest = |mode: &str, deadline| {
        let grants = crossdock_sandbox::Grants::new("t", json!({"mode": mode}), client(Access::default()));
        Guest::new(&plugin, crossdock_sandbox::Grants { limits: with_deadline(deadline), ..grants }).unwrap()
    };
    let sleeper = guest("sleep", Duration::from_secs(3));
    let sleeping = tokio::spawn(async move { failure(&sleeper).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let error = failure(&guest("ok", Duration::from_millis(300))).await;
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    assert!(!error.plugin_failed());
    // A call that waits long enough gets the instance.
    assert_eq!(note(&guest("ok", Duration::from_secs(20))).await, "done");
    assert!(matches!(sleeping.await.unwrap(), Error::Deadline { .. }));
}

#[tokio::test]
async fn settings_are_checked_before_the_first_call() {
    let grants = |settings| crossdock_sandbox::Grants::new("t", settings, client(Access::default()));
    assert!(Guest::new(&plugin(), grants(json!({}))).is_err());
    assert!(Guest::new(&plugin(), grants(json!({"mode": "ok", "mood": "bad"}))).is_err());
    assert!(Guest::new(&plugin(), grants(json!({"mode": "ok"}))).is_ok());
}
