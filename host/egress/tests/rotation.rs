//! Refresh tokens that are replaced with each use: used once, by one, and never lost while anybody lives.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod outside;
mod server;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use crossdock_egress::{Client, Error, MemorySecrets, Sent, StoreFailed, StoredSecrets};
use futures::future::join_all;
use outside::{Hand, NOON, form, get, header, post, profile, secrets, seen, store, try_client};
use server::{Reply, Server, answer};
use zeroize::Zeroizing;

/// An authorisation server that takes each refresh token once, and with it a target that takes the newest
/// access token. Who shows a used refresh token loses everything, as RFC 9700 wants it.
#[derive(Default)]
struct Strict {
    /// How many refreshes there were; the newest tokens carry this number.
    round: AtomicUsize,
    revoked: AtomicBool,
    /// True when the access tokens that were given so far no longer count, though they have not expired.
    ended: AtomicBool,
    /// What becomes of the next refresh.
    mishap: Mutex<Option<Mishap>>,
}

enum Mishap {
    /// It is done, and the answer is lost.
    AnswerLost,
    /// Nothing is done.
    Down,
}

impl Strict {
    async fn start() -> (Arc<Self>, Server) {
        let strict = Arc::new(Self::default());
        let serving = strict.clone();
        (strict, Server::start(move |request| serving.reply(request)).await)
    }

    fn reply(&self, request: &str) -> Reply {
        if !request.starts_with("POST /token ") {
            let newest = format!("Bearer access-token-{}", self.round.load(Ordering::SeqCst));
            let ended = self.revoked.load(Ordering::SeqCst) || self.ended.load(Ordering::SeqCst);
            let good = header(request, "authorization") == Some(&newest) && !ended;
            return answer(if good { 200 } else { 401 }, &[], request);
        }
        let mishap = self.mishap.lock().unwrap().take();
        if matches!(mishap, Some(Mishap::Down)) {
            return answer(503, &[], "");
        }
        let shown = form(request).remove("refresh_token").unwrap();
        let round = self.round.load(Ordering::SeqCst);
        if shown != format!("refresh-token-{round}") || self.revoked.load(Ordering::SeqCst) {
            self.revoked.store(true, Ordering::SeqCst);
            let said =
                format!("{{\"error\":\"invalid_grant\",\"error_description\":\"{shown} was used before\"}}");
            return answer(400, &[], &said);
        }
        self.ended.store(false, Ordering::SeqCst);
        let round = round + 1;
        self.round.store(round, Ordering::SeqCst);
        if matches!(mishap, Some(Mishap::AnswerLost)) {
            return Reply::Close;
        }
        let tokens = format!(
            "{{\"access_token\":\"access-token-{round}\",\"expires_in\":3600,\"refresh_token\":\"refresh-token-{round}\"}}"
        );
        let head = format!("HTTP/1.1 200 X\r\ncontent-length: {}\r\n\r\n", tokens.len());
        Reply::Pieces(vec![head.into_bytes(), tokens.into_bytes()], Duration::from_millis(50))
    }

    fn rounds(&self) -> usize {
        assert!(!self.revoked.load(Ordering::SeqCst), "a refresh token was shown twice");
        self.round.load(Ordering::SeqCst)
    }

    fn mishap(&self, mishap: Mishap) {
        *self.mishap.lock().unwrap() = Some(mishap);
    }
}

/// A host of its own, that shares nothing with others but the store and the time.
async fn host(server: &Server, store: Arc<dyn StoredSecrets>, clock: &Hand) -> Client {
    let auth = profile(&format!(
        "{{ profile = 'oauth2', grant = 'refresh-token', token-url = '{}', client-id = 'c', secret = 'client', \
         refresh = 'refresh' }}",
        server.url("/token"),
    ));
    let places = [("client", "stored:client"), ("refresh", "stored:shop/refresh")];
    try_client(&[server.url("")], &auth, secrets(store, &places).await, clock).unwrap()
}

fn shop(refresh: &str) -> Arc<MemorySecrets> {
    store(&[("client", "the client's secret"), ("shop/refresh", refresh)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_that_share_a_store_refresh_once_a_round() {
    let (strict, server) = Strict::start().await;
    let (store, clock) = (shop("refresh-token-0"), Hand::new());
    let hosts = [
        host(&server, store.clone(), &clock).await,
        host(&server, store.clone(), &clock).await,
        host(&server, store.clone(), &clock).await,
    ];
    let url = server.url("/orders");
    for round in 1..=5 {
        let all = hosts.iter().flat_map(|host| (0..20).map(|_| get(host, &url)).collect::<Vec<_>>());
        for answer in join_all(all).await {
            assert_eq!(answer.unwrap().status(), 200);
        }
        assert_eq!(strict.rounds(), round);
        // An hour later the access token is stale everywhere.
        clock.turn(3600);
    }
    let kept = store.value("shop/refresh").unwrap();
    assert!(kept.contains("refresh-token-5") && kept.contains("access-token-5"), "{kept}");
    // A host that starts later begins with what is kept, and needs no refresh.
    clock.turn(-3000);
    let late = host(&server, store, &clock).await;
    assert_eq!(get(&late, &url).await.unwrap().status(), 200);
    assert_eq!(strict.rounds(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_token_that_another_host_has_replaced_is_read_not_refreshed() {
    let (strict, server) = Strict::start().await;
    let (store, clock) = (shop("refresh-token-0"), Hand::new());
    let (one, other) = (host(&server, store.clone(), &clock).await, host(&server, store, &clock).await);
    let url = server.url("/orders");
    get(&one, &url).await.unwrap();
    get(&other, &url).await.unwrap();
    assert_eq!(strict.rounds(), 1);
    // One refreshes early, which ends the token that the other still holds.
    clock.turn(3540);
    get(&one, &url).await.unwrap();
    clock.turn(-3000);
    assert_eq!(post(&other, &url, "order").await.unwrap().status(), 200);
    assert_eq!(strict.rounds(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_token_that_is_still_the_stored_one_is_refreshed() {
    let (strict, server) = Strict::start().await;
    let (store, clock) = (shop("refresh-token-0"), Hand::new());
    let (one, other) = (host(&server, store.clone(), &clock).await, host(&server, store, &clock).await);
    let url = server.url("/orders");
    get(&one, &url).await.unwrap();
    strict.ended.store(true, Ordering::SeqCst);
    // Both hosts hold it, both are refused, and one refreshes.
    let all = [&one, &other]
        .into_iter()
        .flat_map(|host| (0..10).map(|_| post(host, &url, "order")).collect::<Vec<_>>());
    for answer in join_all(all).await {
        assert_eq!(answer.unwrap().status(), 200);
    }
    assert_eq!(strict.rounds(), 2);
}

#[tokio::test]
async fn a_used_refresh_token_is_unauthorized_with_its_reason() {
    let (strict, server) = Strict::start().await;
    let (store, clock) = (shop("refresh-token-used"), Hand::new());
    let client = host(&server, store.clone(), &clock).await;
    let error = post(&client, &server.url("/orders"), "x").await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
    assert_eq!(error.sent(), Sent::Nothing);
    let said = error.to_string();
    assert!(said.contains("invalid_grant") && said.contains("authorise the connector again"), "{said}");
    assert!(!seen(&error).contains("refresh-token-used"), "the endpoint's words are masked: {said}");
    // The operator authorises the connector anew and stores what it is given.
    strict.revoked.store(false, Ordering::SeqCst);
    store.set("shop/refresh", "refresh-token-0\n");
    clock.turn(6);
    assert_eq!(post(&client, &server.url("/orders"), "x").await.unwrap().status(), 200);
    assert_eq!(strict.rounds(), 1);
}

#[tokio::test]
async fn an_answer_that_is_lost_is_told_when_the_old_token_no_longer_counts() {
    let (strict, server) = Strict::start().await;
    let clock = Hand::new();
    let client = host(&server, shop("refresh-token-0"), &clock).await;
    strict.mishap(Mishap::AnswerLost);
    let error = get(&client, &server.url("/orders")).await.unwrap_err();
    assert!(matches!(error, Error::CredentialsUnavailable { .. }), "{error}");
    let error = get(&client, &server.url("/orders")).await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
    assert!(
        error.to_string().contains("a refresh that began at 2027-01-15T08:00:00.000Z did not"),
        "{error}"
    );
}

#[tokio::test]
async fn an_endpoint_that_is_down_costs_nothing() {
    let (strict, server) = Strict::start().await;
    let client = host(&server, shop("refresh-token-0"), &Hand::new()).await;
    strict.mishap(Mishap::Down);
    let error = get(&client, &server.url("/orders")).await.unwrap_err();
    assert!(matches!(error, Error::CredentialsUnavailable { .. }), "{error}");
    assert_eq!(get(&client, &server.url("/orders")).await.unwrap().status(), 200);
    assert_eq!(strict.rounds(), 1);
}

#[tokio::test]
async fn what_another_host_has_claimed_is_waited_for() {
    let (strict, server) = Strict::start().await;
    let clock = Hand::new();
    let claimed = format!(
        "{{\"refresh\":\"refresh-token-0\",\"claim\":{{\"began\":{NOON},\"until\":{}}}}}",
        NOON + 90_000
    );
    let store = shop(&claimed);
    let client = host(&server, store.clone(), &clock).await;
    let other = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(strict.rounds(), 0, "the claim was not respected");
        strict.round.store(1, Ordering::SeqCst);
        store.set("shop/refresh", "{\"refresh\":\"refresh-token-1\",\"access\":\"access-token-1\"}");
    };
    let url = server.url("/orders");
    let (answer, ()) = tokio::join!(get(&client, &url), other);
    assert_eq!((answer.unwrap().status().as_u16(), strict.rounds()), (200, 1));
    assert!(server.requests().iter().all(|request| !request.starts_with("POST /token")));
}

#[tokio::test]
async fn a_claim_whose_host_died_lapses() {
    // It died before it asked: the token still counts.
    let (strict, server) = Strict::start().await;
    let claim = |until: i64| {
        format!(
            "{{\"refresh\":\"refresh-token-0\",\"claim\":{{\"began\":{},\"until\":{until}}}}}",
            until - 90_000
        )
    };
    let client = host(&server, shop(&claim(NOON)), &Hand::new()).await;
    assert_eq!(get(&client, &server.url("/orders")).await.unwrap().status(), 200);
    assert_eq!(strict.rounds(), 1);
    // It died after it had asked: the new token is lost, and the reason says so.
    let (strict, server) = Strict::start().await;
    strict.round.store(1, Ordering::SeqCst);
    let client = host(&server, shop(&claim(NOON)), &Hand::new()).await;
    let error = get(&client, &server.url("/orders")).await.unwrap_err();
    assert!(error.to_string().contains("its new token may be lost"), "{error}");
}

/// A store that fails to put, from the second put on and until it is well: the claim is kept, and what the
/// endpoint gave is not.
struct Failing {
    inner: Arc<MemorySecrets>,
    puts: AtomicUsize,
    /// How many puts fail.
    fail: AtomicUsize,
    /// Whether a failing put puts all the same, as a connection does that is lost after the commit.
    puts_nevertheless: bool,
}

#[async_trait]
impl StoredSecrets for Failing {
    async fn get(&self, name: &str) -> Result<Option<(Zeroizing<String>, u64)>, StoreFailed> {
        self.inner.get(name).await
    }

    async fn put(
        &self,
        name: &str,
        value: Zeroizing<String>,
        expected: Option<u64>,
    ) -> Result<bool, StoreFailed> {
        let claim = self.puts.fetch_add(1, Ordering::SeqCst) == 0;
        let less = |left: usize| left.checked_sub(1);
        if !claim && self.fail.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            if self.puts_nevertheless {
                self.inner.put(name, value, expected).await?;
            }
            return Err(StoreFailed { reason: "it is down".to_owned() });
        }
        self.inner.put(name, value, expected).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_token_is_stored_before_it_is_used() {
    for (fail, puts_nevertheless) in [(2, false), (1, true), (usize::MAX, false)] {
        let (strict, server) = Strict::start().await;
        let clock = Hand::new();
        let inner = shop("refresh-token-0");
        let failing = Failing { inner: inner.clone(), puts: 0.into(), fail: fail.into(), puts_nevertheless };
        let failing = Arc::new(failing);
        let client = host(&server, failing.clone(), &clock).await;
        let url = server.url("/orders");
        if fail == usize::MAX {
            let error = get(&client, &url).await.unwrap_err();
            assert!(matches!(error, Error::CredentialsUnavailable { .. }), "{error}");
            assert!(error.to_string().contains("cannot be stored"), "{error}");
            let used = server.requests().iter().any(|request| request.starts_with("GET /orders"));
            assert!(!used, "a token was used that is not durable");
            failing.fail.store(0, Ordering::SeqCst);
        }
        assert_eq!(get(&client, &url).await.unwrap().status(), 200);
        assert_eq!(strict.rounds(), 1, "it was refreshed again instead of being stored");
        let kept = inner.value("shop/refresh").unwrap();
        assert!(kept.contains("refresh-token-1") && !kept.contains("claim"), "{kept}");
        // Another host goes on from there.
        clock.turn(3600);
        let other = host(&server, inner, &clock).await;
        assert_eq!((get(&other, &url).await.unwrap().status().as_u16(), strict.rounds()), (200, 2));
    }
}

#[tokio::test]
async fn the_caller_who_goes_away_does_not_lose_the_token() {
    let (strict, server) = Strict::start().await;
    let store = shop("refresh-token-0");
    let client = host(&server, store.clone(), &Hand::new()).await;
    let url = server.url("/orders");
    assert!(tokio::time::timeout(Duration::from_millis(25), get(&client, &url)).await.is_err());
    let kept = async {
        while !store.value("shop/refresh").unwrap().contains("access-token-1") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), kept).await.expect("the refresh was broken off");
    assert_eq!((get(&client, &url).await.unwrap().status().as_u16(), strict.rounds()), (200, 1));
}

#[tokio::test]
async fn what_an_operator_stores_during_a_refresh_counts() {
    let (strict, server) = Strict::start().await;
    let store = shop("refresh-token-0");
    let client = host(&server, store.clone(), &Hand::new()).await;
    let operator = async {
        while strict.round.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        store.set("shop/refresh", "refresh-token-7");
        strict.round.store(7, Ordering::SeqCst);
    };
    let url = server.url("/orders");
    let (answer, ()) = tokio::join!(get(&client, &url), operator);
    assert_eq!((answer.unwrap().status().as_u16(), strict.rounds()), (200, 8));
}

#[tokio::test]
async fn the_first_token_may_lie_elsewhere() {
    let (strict, server) = Strict::start().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("refresh");
    std::fs::write(&path, "refresh-token-0\n").unwrap();
    let store = store(&[]);
    let auth = profile(&format!(
        "{{ profile = 'oauth2', grant = 'refresh-token', token-url = '{}', client-id = 'c', refresh = 'r' }}",
        server.url("/token"),
    ));
    let clock = Hand::new();
    for round in 1..=2 {
        let places = [("r", format!("stored:r file:{}", path.display()))];
        let places = places.each_ref().map(|(name, places)| (*name, places.as_str()));
        let client =
            try_client(&[server.url("")], &auth, secrets(store.clone(), &places).await, &clock).unwrap();
        assert_eq!(get(&client, &server.url("/orders")).await.unwrap().status(), 200);
        assert_eq!(strict.rounds(), round, "the file's token is good for the first time only");
        clock.turn(3600);
    }
    // A public client says who it is in the form.
    assert_eq!(form(&server.requests()[0])["client_id"], "c");
    // What was taken away is not replaced by what was there first.
    store.set("r", "");
    let client =
        try_client(&[server.url("")], &auth, secrets(store, &[("r", "stored:r")]).await, &clock).unwrap();
    let error = get(&client, &server.url("/orders")).await.unwrap_err();
    assert!(error.to_string().contains("no refresh token is stored"), "{error}");
}
