//! Rotating refresh tokens: each is used once, by one host, and none is lost while a host runs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod server;
mod support;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use crossdock_egress::{Client, Error, MemorySecretStore, SecretStore, SecretStoreError, Sent};
use futures::future::join_all;
use server::{Reply, Server, respond};
use support::{ManualClock, NOON, form, get, header, post, printed, profile, secrets, store, try_client};
use zeroize::Zeroizing;

/// An authorisation server that accepts each refresh token once, and a target that accepts the newest access
/// token. The reuse of a refresh token revokes the authorisation (RFC 9700).
#[derive(Default)]
struct AuthorisationServer {
    /// The number of refreshes; the newest tokens carry this number.
    refreshes: AtomicUsize,
    revoked: AtomicBool,
    /// True when the issued access tokens are no longer valid, although they have not expired.
    invalidated: AtomicBool,
    /// Fails the next refresh.
    fault: Mutex<Option<Fault>>,
}

enum Fault {
    /// The refresh takes effect, and the response is lost.
    ResponseLost,
    /// The server is unavailable, and the refresh has no effect.
    Unavailable,
}

impl AuthorisationServer {
    async fn start() -> (Arc<Self>, Server) {
        let authorisation = Arc::new(Self::default());
        let serving = authorisation.clone();
        (authorisation, Server::start(move |request| serving.reply(request)).await)
    }

    fn reply(&self, request: &str) -> Reply {
        if !request.starts_with("POST /token ") {
            let newest = format!("Bearer access-token-{}", self.refreshes.load(Ordering::SeqCst));
            let invalid = self.revoked.load(Ordering::SeqCst) || self.invalidated.load(Ordering::SeqCst);
            let valid = header(request, "authorization") == Some(&newest) && !invalid;
            return respond(if valid { 200 } else { 401 }, &[], request);
        }
        let fault = self.fault.lock().unwrap().take();
        if matches!(fault, Some(Fault::Unavailable)) {
            return respond(503, &[], "");
        }
        let used = form(request).remove("refresh_token").unwrap();
        let round = self.refreshes.load(Ordering::SeqCst);
        if used != format!("refresh-token-{round}") || self.revoked.load(Ordering::SeqCst) {
            self.revoked.store(true, Ordering::SeqCst);
            let body =
                format!("{{\"error\":\"invalid_grant\",\"error_description\":\"{used} was used before\"}}");
            return respond(400, &[], &body);
        }
        self.invalidated.store(false, Ordering::SeqCst);
        let round = round + 1;
        self.refreshes.store(round, Ordering::SeqCst);
        if matches!(fault, Some(Fault::ResponseLost)) {
            return Reply::Close;
        }
        let tokens = format!(
            "{{\"access_token\":\"access-token-{round}\",\"expires_in\":3600,\"refresh_token\":\"refresh-token-{round}\"}}"
        );
        let head = format!("HTTP/1.1 200 X\r\ncontent-length: {}\r\n\r\n", tokens.len());
        Reply::Parts(vec![head.into_bytes(), tokens.into_bytes()], Duration::from_millis(50))
    }

    fn refreshes(&self) -> usize {
        assert!(!self.revoked.load(Ordering::SeqCst), "a refresh token was used twice");
        self.refreshes.load(Ordering::SeqCst)
    }

    fn fail_next(&self, fault: Fault) {
        *self.fault.lock().unwrap() = Some(fault);
    }
}

/// A host that shares only the secret store and the clock with others.
async fn host(server: &Server, store: Arc<dyn SecretStore>, clock: &ManualClock) -> Client {
    let auth = profile(&format!(
        "{{ profile = 'oauth2', grant = 'refresh-token', token-url = '{}', client-id = 'c', secret = 'client', \
         refresh = 'refresh' }}",
        server.url("/token"),
    ));
    let locations = [("client", "stored:client"), ("refresh", "stored:shop/refresh")];
    try_client(&[server.url("")], &auth, secrets(store, &locations).await, clock).unwrap()
}

fn store_with(refresh: &str) -> Arc<MemorySecretStore> {
    store(&[("client", "the client's secret"), ("shop/refresh", refresh)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_that_share_a_store_refresh_once_per_expiry() {
    let (authorisation, server) = AuthorisationServer::start().await;
    let (store, clock) = (store_with("refresh-token-0"), ManualClock::new());
    let hosts = [
        host(&server, store.clone(), &clock).await,
        host(&server, store.clone(), &clock).await,
        host(&server, store.clone(), &clock).await,
    ];
    let url = server.url("/orders");
    for round in 1..=5 {
        let all = hosts.iter().flat_map(|host| (0..20).map(|_| get(host, &url)).collect::<Vec<_>>());
        for response in join_all(all).await {
            assert_eq!(response.unwrap().status(), 200);
        }
        assert_eq!(authorisation.refreshes(), round);
        // An hour later the access token has expired for all hosts.
        clock.advance(3600);
    }
    let stored = store.value("shop/refresh").unwrap();
    assert!(stored.contains("refresh-token-5") && stored.contains("access-token-5"), "{stored}");
    // A host that starts later uses the stored access token.
    clock.advance(-3000);
    let late = host(&server, store, &clock).await;
    assert_eq!(get(&late, &url).await.unwrap().status(), 200);
    assert_eq!(authorisation.refreshes(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_token_that_another_host_has_replaced_is_read_from_the_store() {
    let (authorisation, server) = AuthorisationServer::start().await;
    let (store, clock) = (store_with("refresh-token-0"), ManualClock::new());
    let (one, other) = (host(&server, store.clone(), &clock).await, host(&server, store, &clock).await);
    let url = server.url("/orders");
    get(&one, &url).await.unwrap();
    get(&other, &url).await.unwrap();
    assert_eq!(authorisation.refreshes(), 1);
    // One refreshes early, which invalidates the token that the other still has.
    clock.advance(3540);
    get(&one, &url).await.unwrap();
    clock.advance(-3000);
    assert_eq!(post(&other, &url, "order").await.unwrap().status(), 200);
    assert_eq!(authorisation.refreshes(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_token_that_is_still_the_stored_one_is_refreshed() {
    let (authorisation, server) = AuthorisationServer::start().await;
    let (store, clock) = (store_with("refresh-token-0"), ManualClock::new());
    let (one, other) = (host(&server, store.clone(), &clock).await, host(&server, store, &clock).await);
    let url = server.url("/orders");
    get(&one, &url).await.unwrap();
    authorisation.invalidated.store(true, Ordering::SeqCst);
    // Both hosts have it, both are refused, and one refreshes.
    let all = [&one, &other]
        .into_iter()
        .flat_map(|host| (0..10).map(|_| post(host, &url, "order")).collect::<Vec<_>>());
    for response in join_all(all).await {
        assert_eq!(response.unwrap().status(), 200);
    }
    assert_eq!(authorisation.refreshes(), 2);
}

#[tokio::test]
async fn a_used_refresh_token_is_unauthorized_with_a_reason() {
    let (authorisation, server) = AuthorisationServer::start().await;
    let (store, clock) = (store_with("refresh-token-used"), ManualClock::new());
    let client = host(&server, store.clone(), &clock).await;
    let error = post(&client, &server.url("/orders"), "x").await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
    assert_eq!(error.sent(), Sent::Nothing);
    let reason = error.to_string();
    assert!(reason.contains("invalid_grant") && reason.contains("authorise the connector again"), "{reason}");
    assert!(
        !printed(&error).contains("refresh-token-used"),
        "the endpoint's message is not masked: {reason}"
    );
    // The operator authorises the connector again and stores the new refresh token.
    authorisation.revoked.store(false, Ordering::SeqCst);
    store.set("shop/refresh", "refresh-token-0\n");
    clock.advance(6);
    assert_eq!(post(&client, &server.url("/orders"), "x").await.unwrap().status(), 200);
    assert_eq!(authorisation.refreshes(), 1);
}

#[tokio::test]
async fn a_lost_response_is_mentioned_when_the_old_refresh_token_is_refused() {
    let (authorisation, server) = AuthorisationServer::start().await;
    let clock = ManualClock::new();
    let client = host(&server, store_with("refresh-token-0"), &clock).await;
    authorisation.fail_next(Fault::ResponseLost);
    let error = get(&client, &server.url("/orders")).await.unwrap_err();
    assert!(matches!(error, Error::CredentialsUnavailable { .. }), "{error}");
    let error = get(&client, &server.url("/orders")).await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
    assert!(
        error.to_string().contains("a refresh that began at 2027-01-15T08:00:00.000Z did not complete"),
        "{error}"
    );
}

#[tokio::test]
async fn an_unavailable_endpoint_does_not_use_up_the_refresh_token() {
    let (authorisation, server) = AuthorisationServer::start().await;
    let client = host(&server, store_with("refresh-token-0"), &ManualClock::new()).await;
    authorisation.fail_next(Fault::Unavailable);
    let error = get(&client, &server.url("/orders")).await.unwrap_err();
    assert!(matches!(error, Error::CredentialsUnavailable { .. }), "{error}");
    assert_eq!(get(&client, &server.url("/orders")).await.unwrap().status(), 200);
    assert_eq!(authorisation.refreshes(), 1);
}

#[tokio::test]
async fn a_refresh_claimed_by_another_host_is_awaited() {
    let (authorisation, server) = AuthorisationServer::start().await;
    let clock = ManualClock::new();
    let claimed = format!(
        "{{\"refresh\":\"refresh-token-0\",\"claim\":{{\"began\":{NOON},\"until\":{}}}}}",
        NOON + 90_000
    );
    let store = store_with(&claimed);
    let client = host(&server, store.clone(), &clock).await;
    let other = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(authorisation.refreshes(), 0, "the claim was not respected");
        authorisation.refreshes.store(1, Ordering::SeqCst);
        store.set("shop/refresh", "{\"refresh\":\"refresh-token-1\",\"access\":\"access-token-1\"}");
    };
    let url = server.url("/orders");
    let (response, ()) = tokio::join!(get(&client, &url), other);
    assert_eq!((response.unwrap().status().as_u16(), authorisation.refreshes()), (200, 1));
    assert!(server.requests().iter().all(|request| !request.starts_with("POST /token")));
}

#[tokio::test]
async fn the_claim_of_a_crashed_host_expires() {
    // It crashed before it asked: the refresh token is still valid.
    let (authorisation, server) = AuthorisationServer::start().await;
    let claim = |until: i64| {
        format!(
            "{{\"refresh\":\"refresh-token-0\",\"claim\":{{\"began\":{},\"until\":{until}}}}}",
            until - 90_000
        )
    };
    let client = host(&server, store_with(&claim(NOON)), &ManualClock::new()).await;
    assert_eq!(get(&client, &server.url("/orders")).await.unwrap().status(), 200);
    assert_eq!(authorisation.refreshes(), 1);
    // It crashed after it had asked: the new token is lost, and the reason says so.
    let (authorisation, server) = AuthorisationServer::start().await;
    authorisation.refreshes.store(1, Ordering::SeqCst);
    let client = host(&server, store_with(&claim(NOON)), &ManualClock::new()).await;
    let error = get(&client, &server.url("/orders")).await.unwrap_err();
    assert!(error.to_string().contains("its new refresh token may be lost"), "{error}");
}

/// A store whose puts fail, except the first: the claim is stored, and the new tokens are not.
struct FailingStore {
    inner: Arc<MemorySecretStore>,
    puts: AtomicUsize,
    /// How many puts are left to fail.
    failures: AtomicUsize,
    /// Whether a failing put takes effect, as when the connection is lost after the commit.
    takes_effect: bool,
}

#[async_trait]
impl SecretStore for FailingStore {
    async fn get(&self, name: &str) -> Result<Option<(Zeroizing<String>, u64)>, SecretStoreError> {
        self.inner.get(name).await
    }

    async fn put(
        &self,
        name: &str,
        value: Zeroizing<String>,
        expected: Option<u64>,
    ) -> Result<bool, SecretStoreError> {
        let is_claim = self.puts.fetch_add(1, Ordering::SeqCst) == 0;
        let decrement = |left: usize| left.checked_sub(1);
        if !is_claim && self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, decrement).is_ok() {
            if self.takes_effect {
                self.inner.put(name, value, expected).await?;
            }
            return Err(SecretStoreError { reason: "it is down".to_owned() });
        }
        self.inner.put(name, value, expected).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_token_is_stored_before_it_is_used() {
    for (failures, takes_effect) in [(2, false), (1, true), (usize::MAX, false)] {
        let (authorisation, server) = AuthorisationServer::start().await;
        let clock = ManualClock::new();
        let inner = store_with("refresh-token-0");
        let failing = Arc::new(FailingStore {
            inner: inner.clone(),
            puts: 0.into(),
            failures: failures.into(),
            takes_effect,
        });
        let client = host(&server, failing.clone(), &clock).await;
        let url = server.url("/orders");
        if failures == usize::MAX {
            let error = get(&client, &url).await.unwrap_err();
            assert!(matches!(error, Error::CredentialsUnavailable { .. }), "{error}");
            assert!(error.to_string().contains("storing a new refresh token"), "{error}");
            let used = server.requests().iter().any(|request| request.starts_with("GET /orders"));
            assert!(!used, "a token was used before it was durable");
            failing.failures.store(0, Ordering::SeqCst);
        }
        assert_eq!(get(&client, &url).await.unwrap().status(), 200);
        assert_eq!(authorisation.refreshes(), 1, "the token was refreshed again instead of being stored");
        let stored = inner.value("shop/refresh").unwrap();
        assert!(stored.contains("refresh-token-1") && !stored.contains("claim"), "{stored}");
        // Another host continues from the stored record.
        clock.advance(3600);
        let other = host(&server, inner, &clock).await;
        assert_eq!((get(&other, &url).await.unwrap().status().as_u16(), authorisation.refreshes()), (200, 2));
    }
}

#[tokio::test]
async fn a_cancelled_caller_does_not_lose_the_token() {
    let (authorisation, server) = AuthorisationServer::start().await;
    let store = store_with("refresh-token-0");
    let client = host(&server, store.clone(), &ManualClock::new()).await;
    let url = server.url("/orders");
    assert!(tokio::time::timeout(Duration::from_millis(25), get(&client, &url)).await.is_err());
    let stored = async {
        while !store.value("shop/refresh").unwrap().contains("access-token-1") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), stored).await.expect("the refresh was aborted");
    assert_eq!((get(&client, &url).await.unwrap().status().as_u16(), authorisation.refreshes()), (200, 1));
}

#[tokio::test]
async fn a_token_that_an_operator_stores_during_a_refresh_takes_precedence() {
    let (authorisation, server) = AuthorisationServer::start().await;
    let store = store_with("refresh-token-0");
    let client = host(&server, store.clone(), &ManualClock::new()).await;
    let operator = async {
        while authorisation.refreshes.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        store.set("shop/refresh", "refresh-token-7");
        authorisation.refreshes.store(7, Ordering::SeqCst);
    };
    let url = server.url("/orders");
    let (response, ()) = tokio::join!(get(&client, &url), operator);
    assert_eq!((response.unwrap().status().as_u16(), authorisation.refreshes()), (200, 8));
}

#[tokio::test]
async fn the_initial_token_can_come_from_a_second_location() {
    let (authorisation, server) = AuthorisationServer::start().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("refresh");
    std::fs::write(&path, "refresh-token-0\n").unwrap();
    let store = store(&[]);
    let auth = profile(&format!(
        "{{ profile = 'oauth2', grant = 'refresh-token', token-url = '{}', client-id = 'c', refresh = 'r' }}",
        server.url("/token"),
    ));
    let clock = ManualClock::new();
    for round in 1..=2 {
        let locations = format!("stored:r file:{}", path.display());
        let locations = [("r", locations.as_str())];
        let client =
            try_client(&[server.url("")], &auth, secrets(store.clone(), &locations).await, &clock).unwrap();
        assert_eq!(get(&client, &server.url("/orders")).await.unwrap().status(), 200);
        assert_eq!(authorisation.refreshes(), round, "the file's token is used only once");
        clock.advance(3600);
    }
    // A public client sends its id in the form.
    assert_eq!(form(&server.requests()[0])["client_id"], "c");
    // A removed token is not replaced by the initial one.
    store.set("r", "");
    let client =
        try_client(&[server.url("")], &auth, secrets(store, &[("r", "stored:r")]).await, &clock).unwrap();
    let error = get(&client, &server.url("/orders")).await.unwrap_err();
    assert!(error.to_string().contains("no refresh token is stored"), "{error}");
}
