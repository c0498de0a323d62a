//! Access tokens with client credentials.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod server;
mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use crossdock_egress::recorder::{Detail, Inputs, Live, NoReferences, NoTables, Recorder, SeededRandomness};
use crossdock_egress::{Client, Error, Sent};
use futures::future::join_all;
use http::Request;
use server::{Reply, Server, respond};
use support::{ManualClock, form, get, header, post, printed, profile, secrets, store, try_client};

const CLIENT_SECRET: &str = "s3cr3t of the cl:ent";

/// A token endpoint at `/token` that numbers its tokens, and a target that accepts the tokens for which
/// `is_valid` is true and echoes requests.
async fn server(life: &'static str, is_valid: impl Fn(usize) -> bool + Send + Sync + 'static) -> Server {
    let issued = AtomicUsize::new(0);
    Server::start(move |request| {
        if request.starts_with("POST /token ") {
            let token = format!(
                "{{\"access_token\":\"access-token-{}\"{life}}}",
                issued.fetch_add(1, Ordering::SeqCst)
            );
            let head = format!("HTTP/1.1 200 X\r\ncontent-length: {}\r\n\r\n", token.len());
            // With a delay, so that all requests arrive in the meantime.
            return Reply::Parts(vec![head.into_bytes(), token.into_bytes()], Duration::from_millis(50));
        }
        let number = request
            .split("access-token-")
            .nth(1)
            .and_then(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok());
        match number.is_some_and(&is_valid) {
            true => respond(200, &[("x-echo", header(request, "authorization").unwrap_or("none"))], request),
            false => respond(401, &[("www-authenticate", "Bearer error=\"invalid_token\"")], request),
        }
    })
    .await
}

async fn client(server: &Server, more: &str, clock: &ManualClock) -> Client {
    let auth = profile(&format!(
        "{{ profile = 'oauth2', grant = 'client-credentials', token-url = '{}', client-id = 'cross dock', \
         secret = 'client'{more} }}",
        server.url("/token"),
    ));
    let secrets = secrets(store(&[("c", CLIENT_SECRET)]), &[("client", "stored:c")]).await;
    try_client(&[server.url("")], &auth, secrets, clock).unwrap()
}

fn to<'a>(requests: &'a [String], path: &str) -> Vec<&'a String> {
    requests.iter().filter(|request| request.split(' ').nth(1) == Some(path)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_concurrent_requests_fetch_one_token() {
    let server = server(",\"expires_in\":3600,\"token_type\":\"Bearer\"", |_| true).await;
    let more = ", scope = 'orders stock', audience = 'https://erp', parameters = { resource = 'urn:x' }";
    let client = client(&server, more, &ManualClock::new()).await;
    let url = server.url("/orders");
    let responses = join_all((0..50).map(|_| get(&client, &url))).await;
    assert!(responses.iter().all(|response| response.as_ref().unwrap().status() == 200));
    let requests = server.requests();
    assert_eq!((to(&requests, "/token").len(), to(&requests, "/orders").len()), (1, 50));
    assert!(
        to(&requests, "/orders").iter().all(|r| header(r, "authorization") == Some("Bearer access-token-0"))
    );
    let request = to(&requests, "/token")[0];
    let basic = STANDARD.encode("cross+dock:s3cr3t+of+the+cl%3Aent");
    assert_eq!(header(request, "authorization").unwrap(), format!("Basic {basic}"));
    let expected = [
        ("audience", "https://erp"),
        ("grant_type", "client_credentials"),
        ("resource", "urn:x"),
        ("scope", "orders stock"),
    ];
    let expected: BTreeMap<_, _> = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(form(request), expected);
}

#[tokio::test]
async fn the_client_secret_can_be_posted_and_the_token_sent_in_another_header() {
    let server = server("", |_| true).await;
    let more = ", client-auth = 'post', header = 'X-Shopify-Access-Token'";
    let client = client(&server, more, &ManualClock::new()).await;
    get(&client, &server.url("/orders")).await.unwrap();
    let requests = server.requests();
    let fields = form(&requests[0]);
    assert_eq!(
        (fields["client_id"].as_str(), fields["client_secret"].as_str()),
        ("cross dock", CLIENT_SECRET)
    );
    assert_eq!(header(&requests[0], "authorization"), None);
    assert_eq!(header(&requests[1], "x-shopify-access-token"), Some("access-token-0"));
    // Only the host may set the header.
    let request =
        Request::get(server.url("/")).header("x-shopify-access-token", "x").body(Bytes::new()).unwrap();
    let error = client.send(request, &client.budget()).await.unwrap_err();
    assert!(matches!(error, Error::HeaderRefused { .. }), "{error}");
}

#[tokio::test]
async fn a_token_is_used_until_shortly_before_it_expires() {
    for (life, used) in [
        (",\"expires_in\":3600", 3540),
        // Some endpoints write it as text.
        (",\"expires_in\":\"100\"", 90),
        // Without a lifetime: until it is refused.
        ("", i64::from(i32::MAX)),
    ] {
        let server = server(life, |_| true).await;
        let clock = ManualClock::new();
        let client = client(&server, "", &clock).await;
        let url = server.url("/orders");
        get(&client, &url).await.unwrap();
        clock.advance(used - 1);
        get(&client, &url).await.unwrap();
        assert_eq!(to(&server.requests(), "/token").len(), 1, "{life}");
        clock.advance(1);
        get(&client, &url).await.unwrap();
        assert_eq!(to(&server.requests(), "/token").len(), if life.is_empty() { 1 } else { 2 }, "{life}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_is_replaced_once_and_each_request_is_retried_once() {
    let server = server(",\"expires_in\":3600", |number| number == 1).await;
    let client = client(&server, "", &ManualClock::new()).await;
    let url = server.url("/orders");
    let bodies: Vec<String> = (0..50).map(|number| format!("order {number}")).collect();
    let responses = join_all(bodies.iter().map(|body| post(&client, &url, body))).await;
    for (body, response) in bodies.iter().zip(responses) {
        let response = response.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.body().ends_with(body.as_bytes()), "the body was not sent again");
    }
    let requests = server.requests();
    let (tokens, orders) = (to(&requests, "/token").len(), to(&requests, "/orders").len());
    // Requests that started late had the new token from the beginning.
    assert!(tokens == 2 && (51..=100).contains(&orders), "{tokens} {orders}");
}

#[tokio::test]
async fn a_401_with_the_new_token_is_returned_to_the_guest() {
    let server = server(",\"expires_in\":3600", |_| false).await;
    let client = client(&server, "", &ManualClock::new()).await;
    let budget = client.budget();
    let request = Request::post(server.url("/orders")).body(Bytes::from_static(b"x")).unwrap();
    let response = client.send(request, &budget).await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["www-authenticate"], "Bearer error=\"invalid_token\"");
    assert_eq!(to(&server.requests(), "/orders").len(), 2);
    // A 403 means that the caller is known and not allowed: another token would not help.
    let forbidden = Server::start(|request| match request.starts_with("POST /token ") {
        true => token_response("access-token-0"),
        false => respond(403, &[], "no"),
    })
    .await;
    let client = self::client(&forbidden, "", &ManualClock::new()).await;
    assert_eq!(get(&client, &forbidden.url("/orders")).await.unwrap().status(), 403);
    assert_eq!(forbidden.requests().len(), 2);
}

fn token_response(token: &str) -> Reply {
    respond(200, &[], &format!("{{\"access_token\":\"{token}\",\"expires_in\":3600}}"))
}

#[tokio::test]
async fn an_endpoint_that_refused_is_not_asked_again_by_each_request() {
    let server = Server::start(|request| {
        let credentials = header(request, "authorization").unwrap_or_default();
        respond(
            401,
            &[],
            &format!("{{\"error\":\"invalid_client\",\"error_description\":\"not {credentials}\"}}"),
        )
    })
    .await;
    let clock = ManualClock::new();
    let client = client(&server, "", &clock).await;
    for _ in 0..5 {
        let error = post(&client, &server.url("/orders"), "x").await.unwrap_err();
        assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
        assert!(error.to_string().contains("invalid_client"), "{error}");
        assert_eq!(error.sent(), Sent::Nothing);
        let basic = STANDARD.encode("cross+dock:s3cr3t+of+the+cl%3Aent");
        assert!(!printed(&error).contains(&basic) && !printed(&error).contains(CLIENT_SECRET), "{error}");
    }
    assert_eq!(server.requests().len(), 1);
    clock.advance(6);
    post(&client, &server.url("/orders"), "x").await.unwrap_err();
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn an_unavailable_endpoint_is_not_a_refusal() {
    let broken = [
        respond(503, &[], ""),
        respond(429, &[], "{\"error\":\"slow_down\"}"),
        respond(400, &[], "{\"error\":\"temporarily_unavailable\"}"),
        Reply::Close,
    ];
    for reply in broken {
        let server = Server::start(move |_| reply.clone()).await;
        let client = client(&server, "", &ManualClock::new()).await;
        let error = post(&client, &server.url("/orders"), "x").await.unwrap_err();
        assert!(matches!(error, Error::CredentialsUnavailable { .. }), "{error}");
        assert_eq!(error.sent(), Sent::Nothing);
    }
    for (reply, expected) in [
        (respond(302, &[("location", "/login")], ""), "status 302"),
        (respond(200, &[], "<html>"), "without an access token"),
        (respond(200, &[], "{\"error\":\"bad_verification_code\"}"), "bad_verification_code"),
        (respond(200, &[], "{\"access_token\":\"t\",\"token_type\":\"DPoP\"}"), "DPoP"),
    ] {
        let server = Server::start(move |_| reply.clone()).await;
        let client = client(&server, "", &ManualClock::new()).await;
        let error = post(&client, &server.url("/orders"), "x").await.unwrap_err();
        assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn waiting_for_a_token_times_out() {
    let server = Server::start(|_| Reply::Hang).await;
    let client = client(&server, "", &ManualClock::new()).await;
    let mut request = Request::get(server.url("/orders")).body(Bytes::new()).unwrap();
    request.extensions_mut().insert(crossdock_egress::FirstByteTimeout(Duration::from_millis(100)));
    let error = client.send(request, &client.budget()).await.unwrap_err();
    assert!(matches!(error, Error::CredentialsUnavailable { .. }), "{error}");
    assert_eq!(error.sent(), Sent::Nothing);
}

#[tokio::test]
async fn tokens_are_masked_in_responses_and_transcripts() {
    // The refused first token is reflected as well.
    let server =
        server(",\"expires_in\":3600,\"refresh_token\":\"unasked-for-refresh\"", |number| number == 1).await;
    let client = client(&server, "", &ManualClock::new()).await;
    let live = Live::new(
        Inputs {
            client,
            clock: Arc::new(ManualClock::new()),
            randomness: Arc::new(SeededRandomness::new(1)),
            references: Arc::new(NoReferences),
            tables: Arc::new(NoTables),
            settings: Arc::default(),
        },
        Detail::Full,
    );
    let request = Request::post(server.url("/orders")).body(Bytes::from_static(b"x access-token-0")).unwrap();
    let response = live.http(request).await.unwrap();
    assert_eq!(response.headers()["x-echo"], format!("Bearer {}", "*".repeat(14)));
    let body = String::from_utf8_lossy(response.body()).into_owned();
    assert!(body.contains(&format!("authorization: Bearer {}", "*".repeat(14))), "{body}");
    assert!(!body.contains("access-token"), "the refused token is not masked: {body}");
    let transcript = live.transcript();
    assert_eq!(transcript.http_calls.len(), 1, "the host's own requests are not recorded");
    let recorded = transcript.http_calls[0].response.clone().unwrap().unwrap();
    let recorded = format!("{recorded:?} {}", String::from_utf8_lossy(&recorded.body));
    assert!(!recorded.contains("access-token") && !recorded.contains(CLIENT_SECRET), "{recorded}");
}

#[tokio::test]
async fn a_guest_cannot_send_requests_to_the_token_host() {
    let tokens = Server::start(|_| token_response("access-token-0")).await;
    let target = Server::start(|_| respond(200, &[], "ok")).await;
    let auth = profile(&format!(
        "{{ profile = 'oauth2', grant = 'client-credentials', token-url = '{}', token-host = '{}', \
         client-id = 'c', secret = 'client' }}",
        tokens.url("/token"),
        tokens.url(""),
    ));
    let secrets = secrets(store(&[("c", CLIENT_SECRET)]), &[("client", "stored:c")]).await;
    let client = try_client(&[target.url("")], &auth, secrets, &ManualClock::new()).unwrap();
    assert_eq!(get(&client, &target.url("/orders")).await.unwrap().status(), 200);
    let error = get(&client, &tokens.url("/token")).await.unwrap_err();
    assert!(matches!(error, Error::HostRefused { .. }), "{error}");
    assert_eq!(tokens.requests().len(), 1);
}

#[tokio::test]
async fn a_secret_that_is_stored_later_is_used_without_a_restart() {
    let server = server("", |_| true).await;
    let auth = profile(&format!(
        "{{ profile = 'oauth2', grant = 'client-credentials', token-url = '{}', client-id = 'c', \
         secret = 'client' }}",
        server.url("/token"),
    ));
    let store = store(&[]);
    let secrets = secrets(store.clone(), &[("client", "stored:c")]).await;
    let client = try_client(&[server.url("")], &auth, secrets.clone(), &ManualClock::new()).unwrap();
    let error = get(&client, &server.url("/orders")).await.unwrap_err();
    assert!(matches!(error, Error::SecretMissing { .. }), "{error}");
    store.set("c", CLIENT_SECRET);
    secrets.reload().await;
    assert_eq!(get(&client, &server.url("/orders")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn an_invalid_configuration_is_refused_with_a_reason() {
    let hosts = ["https://erp.example".to_owned()];
    let whole = "profile = 'oauth2', grant = 'client-credentials', token-url = 'https://erp.example/t', \
                 client-id = 'c', secret = 'client'";
    let refresh = "profile = 'oauth2', grant = 'refresh-token', token-url = 'https://erp.example/t', \
                   client-id = 'c'";
    let secrets = secrets(store(&[("c", "x")]), &[("client", "stored:c"), ("plain", "env:PATH")]).await;
    let invalid = [
        (whole.replace("client-credentials", "password"), "unknown variant `password`"),
        (whole.replace("token-url", "token-uri"), "unknown field `token-uri`"),
        (whole.replace("https://erp.example/t", "erp.example/t"), "`token-url` is not an absolute"),
        (
            whole.replace("https://erp.example/t", "https://login.example/t"),
            "login.example, which is not among",
        ),
        (
            whole.replace("https://erp.example/t", "http://erp.example/t"),
            "http://erp.example, which is not among",
        ),
        (format!("{whole}, token-host = 'https://login.example'"), "is not the host of `token-url`"),
        (format!("{whole}, token-host = 'https://erp.example/t'"), "`token-host`"),
        (whole.replace("'client'", "'other'"), "the secret `other`"),
        (whole.replace(", secret = 'client'", ""), "client credentials need `secret`"),
        (whole.replace("client-id = 'c'", "client-id = ''"), "`client-id` is empty"),
        (format!("{whole}, refresh = 'client'"), "no refresh token"),
        (format!("{whole}, parameters = {{ scope = 'x' }}"), "`parameters.scope`"),
        (format!("{whole}, header = 'a b'"), "`a b` is not a valid header name"),
        (format!("{whole}, header = 'Host'"), "belongs to the connection"),
        (refresh.to_owned(), "needs `refresh`"),
        (format!("{refresh}, refresh = 'none'"), "the secret `none`"),
        (format!("{refresh}, refresh = 'plain'"), "its first location must be `stored:NAME`"),
    ];
    for (text, reason) in invalid {
        let profile = support::try_profile(&format!("{{ {text} }}"));
        let client = profile.and_then(|auth| try_client(&hosts, &auth, secrets.clone(), &ManualClock::new()));
        let error = client.err().unwrap_or_else(|| panic!("accepted: {text}"));
        assert!(error.contains(reason), "{text}: {error}");
    }
    for valid in [whole.to_owned(), format!("{refresh}, refresh = 'client'")] {
        let auth = profile(&format!("{{ {valid} }}"));
        assert!(try_client(&hosts, &auth, secrets.clone(), &ManualClock::new()).is_ok(), "{valid}");
    }
}
