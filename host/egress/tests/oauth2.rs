//! Access tokens by client credentials.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod outside;
mod server;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use crossdock_egress::recorder::{Detail, Live, NoReferences, NoTables, Recorder, SeededRandomness, Sources};
use crossdock_egress::{Client, Error, Sent};
use futures::future::join_all;
use http::Request;
use outside::{Hand, form, get, header, post, profile, secrets, seen, store, try_client};
use server::{Reply, Server, answer};

const CLIENT_SECRET: &str = "s3cr3t of the cl:ent";

/// A token endpoint at `/token` that counts its tokens, and a target that takes the tokens for which `good`
/// is true and tells what it was sent.
async fn server(life: &'static str, good: impl Fn(usize) -> bool + Send + Sync + 'static) -> Server {
    let given = AtomicUsize::new(0);
    Server::start(move |request| {
        if request.starts_with("POST /token ") {
            let token = format!(
                "{{\"access_token\":\"access-token-{}\"{life}}}",
                given.fetch_add(1, Ordering::SeqCst)
            );
            let head = format!("HTTP/1.1 200 X\r\ncontent-length: {}\r\n\r\n", token.len());
            // Not at once, so that all who want one come in the meantime.
            return Reply::Pieces(vec![head.into_bytes(), token.into_bytes()], Duration::from_millis(50));
        }
        let number = request
            .split("access-token-")
            .nth(1)
            .and_then(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok());
        match number.is_some_and(&good) {
            true => answer(200, &[("x-echo", header(request, "authorization").unwrap_or("none"))], request),
            false => answer(401, &[("www-authenticate", "Bearer error=\"invalid_token\"")], request),
        }
    })
    .await
}

async fn client(server: &Server, more: &str, clock: &Hand) -> Client {
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
async fn fifty_requests_at_once_fetch_one_token() {
    let server = server(",\"expires_in\":3600,\"token_type\":\"Bearer\"", |_| true).await;
    let more = ", scope = 'orders stock', audience = 'https://erp', parameters = { resource = 'urn:x' }";
    let client = client(&server, more, &Hand::new()).await;
    let url = server.url("/orders");
    let answers = join_all((0..50).map(|_| get(&client, &url))).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().status() == 200));
    let requests = server.requests();
    assert_eq!((to(&requests, "/token").len(), to(&requests, "/orders").len()), (1, 50));
    assert!(
        to(&requests, "/orders").iter().all(|r| header(r, "authorization") == Some("Bearer access-token-0"))
    );
    let asked = to(&requests, "/token")[0];
    let basic = STANDARD.encode("cross+dock:s3cr3t+of+the+cl%3Aent");
    assert_eq!(header(asked, "authorization").unwrap(), format!("Basic {basic}"));
    let expected = [
        ("audience", "https://erp"),
        ("grant_type", "client_credentials"),
        ("resource", "urn:x"),
        ("scope", "orders stock"),
    ];
    let expected: BTreeMap<_, _> = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(form(asked), expected);
}

#[tokio::test]
async fn the_secret_may_go_in_the_form_and_the_token_in_another_header() {
    let server = server("", |_| true).await;
    let more = ", client-auth = 'post', header = 'X-Shopify-Access-Token'";
    let client = client(&server, more, &Hand::new()).await;
    get(&client, &server.url("/orders")).await.unwrap();
    let requests = server.requests();
    let asked = form(&requests[0]);
    assert_eq!((asked["client_id"].as_str(), asked["client_secret"].as_str()), ("cross dock", CLIENT_SECRET));
    assert_eq!(header(&requests[0], "authorization"), None);
    assert_eq!(header(&requests[1], "x-shopify-access-token"), Some("access-token-0"));
    // The header is the host's; `Authorization` is the guest's own affair here.
    let request =
        Request::get(server.url("/")).header("x-shopify-access-token", "x").body(Bytes::new()).unwrap();
    let error = client.send(request, &client.budget()).await.unwrap_err();
    assert!(matches!(error, Error::HeaderRefused { .. }), "{error}");
}

#[tokio::test]
async fn a_token_is_used_until_shortly_before_it_expires() {
    for (life, used) in [
        (",\"expires_in\":3600", 3540),
        // As some write it.
        (",\"expires_in\":\"100\"", 90),
        // Unknown: until it is refused.
        ("", i64::from(i32::MAX)),
    ] {
        let server = server(life, |_| true).await;
        let clock = Hand::new();
        let client = client(&server, "", &clock).await;
        let url = server.url("/orders");
        get(&client, &url).await.unwrap();
        clock.turn(used - 1);
        get(&client, &url).await.unwrap();
        assert_eq!(to(&server.requests(), "/token").len(), 1, "{life}");
        clock.turn(1);
        get(&client, &url).await.unwrap();
        assert_eq!(to(&server.requests(), "/token").len(), if life.is_empty() { 1 } else { 2 }, "{life}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_is_replaced_once_for_all_and_each_request_is_sent_once_more() {
    let server = server(",\"expires_in\":3600", |number| number == 1).await;
    let client = client(&server, "", &Hand::new()).await;
    let url = server.url("/orders");
    let bodies: Vec<String> = (0..50).map(|number| format!("order {number}")).collect();
    let answers = join_all(bodies.iter().map(|body| post(&client, &url, body))).await;
    for (body, answer) in bodies.iter().zip(answers) {
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.body().ends_with(body.as_bytes()), "the body was not sent again");
    }
    let requests = server.requests();
    let (tokens, orders) = (to(&requests, "/token").len(), to(&requests, "/orders").len());
    // Who started late had the new one from the beginning.
    assert!(tokens == 2 && (51..=100).contains(&orders), "{tokens} {orders}");
}

#[tokio::test]
async fn a_new_token_that_is_refused_too_is_the_guests_answer() {
    let server = server(",\"expires_in\":3600", |_| false).await;
    let client = client(&server, "", &Hand::new()).await;
    let budget = client.budget();
    let request = Request::post(server.url("/orders")).body(Bytes::from_static(b"x")).unwrap();
    let told = client.send(request, &budget).await.unwrap();
    assert_eq!(told.status(), 401);
    assert_eq!(told.headers()["www-authenticate"], "Bearer error=\"invalid_token\"");
    assert_eq!(to(&server.requests(), "/orders").len(), 2);
    // A 403 says who asks is known and may not: no other token helps.
    let forbidden = Server::start(|request| match request.starts_with("POST /token ") {
        true => answer_token("access-token-0"),
        false => answer(403, &[], "no"),
    })
    .await;
    let client = self::client(&forbidden, "", &Hand::new()).await;
    assert_eq!(get(&client, &forbidden.url("/orders")).await.unwrap().status(), 403);
    assert_eq!(forbidden.requests().len(), 2);
}

fn answer_token(token: &str) -> Reply {
    answer(200, &[], &format!("{{\"access_token\":\"{token}\",\"expires_in\":3600}}"))
}

#[tokio::test]
async fn an_endpoint_that_says_no_is_not_asked_by_each_request() {
    let server = Server::start(|request| {
        let said = header(request, "authorization").unwrap_or_default();
        answer(401, &[], &format!("{{\"error\":\"invalid_client\",\"error_description\":\"not {said}\"}}"))
    })
    .await;
    let clock = Hand::new();
    let client = client(&server, "", &clock).await;
    for _ in 0..5 {
        let error = post(&client, &server.url("/orders"), "x").await.unwrap_err();
        assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
        assert!(error.to_string().contains("invalid_client"), "{error}");
        assert_eq!(error.sent(), Sent::Nothing);
        let basic = STANDARD.encode("cross+dock:s3cr3t+of+the+cl%3Aent");
        assert!(!seen(&error).contains(&basic) && !seen(&error).contains(CLIENT_SECRET), "{error}");
    }
    assert_eq!(server.requests().len(), 1);
    clock.turn(6);
    post(&client, &server.url("/orders"), "x").await.unwrap_err();
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn an_endpoint_that_is_down_is_no_refusal() {
    let broken = [
        answer(503, &[], ""),
        answer(429, &[], "{\"error\":\"slow_down\"}"),
        answer(400, &[], "{\"error\":\"temporarily_unavailable\"}"),
        Reply::Close,
    ];
    for reply in broken {
        let server = Server::start(move |_| reply.clone()).await;
        let client = client(&server, "", &Hand::new()).await;
        let error = post(&client, &server.url("/orders"), "x").await.unwrap_err();
        assert!(matches!(error, Error::CredentialsUnavailable { .. }), "{error}");
        assert_eq!(error.sent(), Sent::Nothing);
    }
    for (reply, said) in [
        (answer(302, &[("location", "/login")], ""), "status 302"),
        (answer(200, &[], "<html>"), "without an access token"),
        (answer(200, &[], "{\"error\":\"bad_verification_code\"}"), "bad_verification_code"),
        (answer(200, &[], "{\"access_token\":\"t\",\"token_type\":\"DPoP\"}"), "DPoP"),
    ] {
        let server = Server::start(move |_| reply.clone()).await;
        let client = client(&server, "", &Hand::new()).await;
        let error = post(&client, &server.url("/orders"), "x").await.unwrap_err();
        assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[tokio::test]
async fn waiting_for_a_token_has_an_end() {
    let server = Server::start(|_| Reply::Hang).await;
    let client = client(&server, "", &Hand::new()).await;
    let mut request = Request::get(server.url("/orders")).body(Bytes::new()).unwrap();
    request.extensions_mut().insert(crossdock_egress::FirstByte(Duration::from_millis(100)));
    let error = client.send(request, &client.budget()).await.unwrap_err();
    assert!(matches!(error, Error::CredentialsUnavailable { .. }), "{error}");
    assert_eq!(error.sent(), Sent::Nothing);
}

#[tokio::test]
async fn nobody_sees_a_token() {
    // The first token is refused and reflected as well.
    let server =
        server(",\"expires_in\":3600,\"refresh_token\":\"unasked-for-refresh\"", |number| number == 1).await;
    let client = client(&server, "", &Hand::new()).await;
    let live = Live::new(
        Sources {
            client,
            clock: Arc::new(Hand::new()),
            randomness: Arc::new(SeededRandomness::new(1)),
            references: Arc::new(NoReferences),
            tables: Arc::new(NoTables),
            settings: Arc::default(),
        },
        Detail::Full,
    );
    let request = Request::post(server.url("/orders")).body(Bytes::from_static(b"x access-token-0")).unwrap();
    let answer = live.http(request).await.unwrap();
    assert_eq!(answer.headers()["x-echo"], format!("Bearer {}", "*".repeat(14)));
    let told = String::from_utf8_lossy(answer.body()).into_owned();
    assert!(told.contains(&format!("authorization: Bearer {}", "*".repeat(14))), "{told}");
    assert!(!told.contains("access-token"), "the token that was refused is seen: {told}");
    let transcript = live.transcript();
    assert_eq!(transcript.exchanges.len(), 1, "the host's own requests are not the guest's");
    let answered = transcript.exchanges[0].answer.clone().unwrap().unwrap();
    let kept = format!("{answered:?} {}", String::from_utf8_lossy(&answered.body));
    assert!(!kept.contains("access-token") && !kept.contains(CLIENT_SECRET), "{kept}");
}

#[tokio::test]
async fn the_token_host_is_the_hosts_alone() {
    let tokens = Server::start(|_| answer_token("access-token-0")).await;
    let target = Server::start(|_| answer(200, &[], "ok")).await;
    let auth = profile(&format!(
        "{{ profile = 'oauth2', grant = 'client-credentials', token-url = '{}', token-host = '{}', \
         client-id = 'c', secret = 'client' }}",
        tokens.url("/token"),
        tokens.url(""),
    ));
    let secrets = secrets(store(&[("c", CLIENT_SECRET)]), &[("client", "stored:c")]).await;
    let client = try_client(&[target.url("")], &auth, secrets, &Hand::new()).unwrap();
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
    let client = try_client(&[server.url("")], &auth, secrets.clone(), &Hand::new()).unwrap();
    let error = get(&client, &server.url("/orders")).await.unwrap_err();
    assert!(matches!(error, Error::SecretMissing { .. }), "{error}");
    store.set("c", CLIENT_SECRET);
    secrets.look_again().await;
    assert_eq!(get(&client, &server.url("/orders")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn nonsense_is_refused_at_start_in_a_sentence() {
    let hosts = ["https://erp.example".to_owned()];
    let whole = "profile = 'oauth2', grant = 'client-credentials', token-url = 'https://erp.example/t', \
                 client-id = 'c', secret = 'client'";
    let refresh = "profile = 'oauth2', grant = 'refresh-token', token-url = 'https://erp.example/t', \
                   client-id = 'c'";
    let secrets = secrets(store(&[("c", "x")]), &[("client", "stored:c"), ("plain", "env:PATH")]).await;
    let wrong = [
        (whole.replace("client-credentials", "password"), "unknown variant `password`"),
        (whole.replace("token-url", "token-uri"), "unknown field `token-uri`"),
        (whole.replace("https://erp.example/t", "erp.example/t"), "`token-url` is no absolute"),
        (
            whole.replace("https://erp.example/t", "https://login.example/t"),
            "login.example, which is not among",
        ),
        (
            whole.replace("https://erp.example/t", "http://erp.example/t"),
            "http://erp.example, which is not among",
        ),
        (format!("{whole}, token-host = 'https://login.example'"), "is not where `token-url` leads"),
        (format!("{whole}, token-host = 'https://erp.example/t'"), "`token-host`"),
        (whole.replace("'client'", "'other'"), "the secret `other`"),
        (whole.replace(", secret = 'client'", ""), "client credentials need `secret`"),
        (whole.replace("client-id = 'c'", "client-id = ''"), "`client-id` is empty"),
        (format!("{whole}, refresh = 'client'"), "no refresh token"),
        (format!("{whole}, parameters = {{ scope = 'x' }}"), "`parameters.scope`"),
        (format!("{whole}, header = 'a b'"), "`a b` is no name of a header"),
        (format!("{whole}, header = 'Host'"), "belongs to the connection"),
        (refresh.to_owned(), "needs `refresh`"),
        (format!("{refresh}, refresh = 'none'"), "the secret `none`"),
        (format!("{refresh}, refresh = 'plain'"), "its first place is `stored:NAME`"),
    ];
    for (text, sentence) in wrong {
        let read = outside::try_profile(&format!("{{ {text} }}"));
        let made = read.and_then(|auth| try_client(&hosts, &auth, secrets.clone(), &Hand::new()));
        let said = made.err().unwrap_or_else(|| panic!("accepted: {text}"));
        assert!(said.contains(sentence), "{text}: {said}");
    }
    for right in [whole.to_owned(), format!("{refresh}, refresh = 'client'")] {
        let auth = profile(&format!("{{ {right} }}"));
        assert!(try_client(&hosts, &auth, secrets.clone(), &Hand::new()).is_ok(), "{right}");
    }
}
