//! Sessions: logins, cookies, CSRF tokens.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod server;
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use crossdock_egress::{Client, Error, Sent};
use futures::future::join_all;
use http::{HeaderName, Request};
use server::{Reply, Server, respond};
use support::{
    ManualClock, form, get, header, post, printed, profile, secrets, store, try_client, try_profile,
};

const PASSWORD: &str = "pa\"ss w&rd";

async fn client(server: &Server, auth: &str, clock: &ManualClock) -> Client {
    let auth = profile(&auth.replace("HOST", &server.url("")));
    let secrets = secrets(store(&[("p", PASSWORD)]), &[("password", "stored:p")]).await;
    try_client(&[server.url("")], &auth, secrets, clock).unwrap()
}

fn count(server: &Server, beginning: &str) -> usize {
    server.requests().iter().filter(|request| request.starts_with(beginning)).count()
}

/// Like SAP Business One: a JSON login, a cookie, 401 when the session has expired.
async fn cookie_server() -> (Arc<AtomicUsize>, Server) {
    let sessions = Arc::new(AtomicUsize::new(0));
    let counted = sessions.clone();
    let server = Server::start(move |request| {
        if request.starts_with("POST /login ") {
            let (_, body) = request.split_once("\r\n\r\n").unwrap();
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            if body != serde_json::json!({ "UserName": "manager", "Password": PASSWORD, "Language": 8 }) {
                return respond(401, &[], "{\"error\":\"wrong\"}");
            }
            let session = format!("B1SESSION=session-number-{:04}; path=/; HttpOnly", counted.fetch_add(1, Ordering::SeqCst) + 1);
            let head = format!("HTTP/1.1 200 X\r\nset-cookie: {session}\r\nset-cookie: ROUTEID=.node1; path=/\r\ncontent-length: 2\r\n\r\n");
            return Reply::Parts(vec![head.into_bytes(), b"{}".to_vec()], Duration::from_millis(50));
        }
        let valid = format!("B1SESSION=session-number-{:04}; ROUTEID=.node1", counted.load(Ordering::SeqCst));
        match header(request, "cookie") == Some(&valid) {
            true => respond(200, &[("set-cookie", "ROUTEID=.node1; path=/")], request),
            false => respond(401, &[], "Invalid session"),
        }
    })
    .await;
    (sessions, server)
}

const COOKIES: &str = "{ profile = 'session', login = { url = 'HOST/login', cookie = 'B1SESSION', \
                       json = { UserName = 'manager', Password = '{secret:password}', Language = 8 } } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_concurrent_requests_log_in_once() {
    let (sessions, server) = cookie_server().await;
    let client = client(&server, COOKIES, &ManualClock::new()).await;
    let url = server.url("/orders");
    for response in join_all((0..50).map(|_| get(&client, &url))).await {
        let response = response.unwrap();
        assert_eq!(response.status(), 200);
        // The guest sees neither sent cookies nor set ones.
        assert!(!response.headers().contains_key("set-cookie"));
        let body = String::from_utf8_lossy(response.body()).into_owned();
        assert!(!body.contains("session-number") && body.contains("B1SESSION=*******"), "{body}");
    }
    assert_eq!((sessions.load(Ordering::SeqCst), count(&server, "GET /orders")), (1, 50));
    // The session expires for all requests at once.
    sessions.fetch_add(1, Ordering::SeqCst);
    let bodies: Vec<String> = (0..50).map(|number| format!("order {number}")).collect();
    for (body, response) in
        bodies.iter().zip(join_all(bodies.iter().map(|body| post(&client, &url, body))).await)
    {
        let response = response.unwrap();
        assert!(response.status() == 200 && response.body().ends_with(body.as_bytes()), "{response:?}");
    }
    assert_eq!((sessions.load(Ordering::SeqCst), count(&server, "POST /login")), (3, 2));
    // Requests that started late had the new one from the beginning.
    assert!((51..=100).contains(&count(&server, "POST /orders")));
}

#[tokio::test]
async fn a_guest_cannot_set_cookies() {
    let (_, server) = cookie_server().await;
    let client = client(&server, COOKIES, &ManualClock::new()).await;
    let request =
        Request::get(server.url("/")).header("cookie", "B1SESSION=mine").body(Bytes::new()).unwrap();
    let error = client.send(request, &client.budget()).await.unwrap_err();
    assert!(matches!(error, Error::HeaderRefused { .. }), "{error}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_session_is_replaced_after_its_lifetime() {
    let (sessions, server) = cookie_server().await;
    let clock = ManualClock::new();
    let auth = COOKIES.replace("'session',", "'session', lifetime = '25m',");
    let client = client(&server, &auth, &clock).await;
    for (seconds, logins) in [(0, 1), (25 * 60 - 1, 1), (1, 2)] {
        clock.advance(seconds);
        get(&client, &server.url("/orders")).await.unwrap();
        assert_eq!(sessions.load(Ordering::SeqCst), logins);
    }
    assert_eq!(count(&server, "GET /orders"), 3, "nothing was refused");
}

#[tokio::test]
async fn a_failed_login_is_not_repeated_by_each_request() {
    let (_, server) = cookie_server().await;
    let clock = ManualClock::new();
    let client = client(&server, &COOKIES.replace("manager", "somebody"), &clock).await;
    for _ in 0..5 {
        let error = post(&client, &server.url("/orders"), "x").await.unwrap_err();
        assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
        assert!(error.to_string().contains("the login at http://127.0.0.1"), "{error}");
        assert!(error.to_string().contains("status 401") && error.sent() == Sent::Nothing, "{error}");
        assert!(!printed(&error).contains("pa\"ss"), "{error}");
    }
    assert_eq!(server.requests().len(), 1);
    clock.advance(6);
    post(&client, &server.url("/orders"), "x").await.unwrap_err();
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_login_form_that_responds_with_a_redirect() {
    let server = Server::start(|request| {
        if request.starts_with("POST /login ") {
            let fields = form(request);
            return match fields["password"] == PASSWORD && fields["user"] == "crossdock" {
                true => respond(302, &[("location", "/"), ("set-cookie", "SID=1234567890abcdef")], ""),
                // A session for anybody, as PHP starts one.
                false => respond(302, &[("location", "/login?failed"), ("set-cookie", "VISITOR=1")], ""),
            };
        }
        match header(request, "cookie") {
            Some("SID=1234567890abcdef") => respond(200, &[], "ok"),
            _ => respond(302, &[("location", "/login")], ""),
        }
    })
    .await;
    let auth = "{ profile = 'session', login = { url = 'HOST/login', cookie = 'SID', accepted = [302], \
                form = { user = 'crossdock', password = '{secret:password}' } }, expired = [302] }";
    let client = self::client(&server, auth, &ManualClock::new()).await;
    assert_eq!(get(&client, &server.url("/orders")).await.unwrap().body(), "ok");
    let refused = self::client(&server, &auth.replace("'crossdock'", "'other'"), &ManualClock::new()).await;
    let error = get(&refused, &server.url("/orders")).await.unwrap_err();
    assert!(error.to_string().contains("set no cookie `SID`"), "{error}");
}

/// Tryton's JSON-RPC: the session is a header made from the login's response.
#[tokio::test]
async fn a_header_is_made_from_the_logins_response() {
    let logins = Arc::new(AtomicUsize::new(0));
    let counted = logins.clone();
    let server = Server::start(move |request| {
        let session = |number: usize| format!("0123456789abcdef0123456789abcde{number}");
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        if body["method"] == "common.db.login" {
            assert_eq!(header(request, "authorization"), None);
            if body["params"] != serde_json::json!(["integration", { "password": PASSWORD }]) {
                return respond(200, &[], "{\"id\":1,\"error\":[\"LoginException\",[\"password\"]]}");
            }
            let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
            return respond(200, &[], &format!("{{\"id\":1,\"result\":[4,\"{}\"]}}", session(number)));
        }
        // Only the second session is valid.
        let valid = STANDARD.encode(format!("integration:4:{}", session(2)));
        match header(request, "authorization") == Some(&format!("Session {valid}")) {
            true => respond(
                200,
                &[],
                &format!("{{\"seen\":\"{valid}\",\"session\":\"{}\",\"user\":4}}", session(2)),
            ),
            false => respond(401, &[], "Unauthorized"),
        }
    })
    .await;
    let auth = "{ profile = 'session', login = { url = 'HOST/db/rpc/', json = { method = 'common.db.login', \
                params = ['integration', { password = '{secret:password}' }] } }, \
                headers = { Authorization = 'Session {base64:integration:{/result/0}:{/result/1}}' } }";
    let client = self::client(&server, auth, &ManualClock::new()).await;
    let response =
        post(&client, &server.url("/db/rpc/"), "{\"method\":\"model.sale.sale.search\"}").await.unwrap();
    let body = String::from_utf8_lossy(response.body()).into_owned();
    assert!(body.contains("\"seen\":\"****") && body.contains("\"session\":\"****"), "{body}");
    assert!(body.contains("\"user\":4"), "a user id is not masked: {body}");
    assert_eq!((logins.load(Ordering::SeqCst), server.requests().len()), (2, 4));

    let refused =
        self::client(&server, &auth.replace("['integration'", "['other'"), &ManualClock::new()).await;
    let error = post(&refused, &server.url("/db/rpc/"), "{}").await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
    assert!(error.to_string().contains("no text or number at `/result/0`"), "{error}");
}

/// Like SAP's gateway: basic authentication, and for writes a CSRF token that belongs to the session's cookies.
struct Gateway {
    tokens: AtomicUsize,
}

impl Gateway {
    async fn start() -> (Arc<Self>, Server) {
        let gateway = Arc::new(Self { tokens: AtomicUsize::new(0) });
        let serving = gateway.clone();
        (gateway, Server::start(move |request| serving.reply(request)).await)
    }

    fn reply(&self, request: &str) -> Reply {
        let basic = format!("Basic {}", STANDARD.encode(format!("CROSSDOCK:{PASSWORD}")));
        if header(request, "authorization") != Some(&basic) {
            return respond(401, &[], "");
        }
        let token = |number: usize| format!("csrf-token-number-{number:04}");
        let cookie = |number: usize| format!("SAP_SESSIONID_S4H_100=sap-session-{number:08}");
        if header(request, "x-csrf-token") == Some("Fetch") {
            let number = self.tokens.fetch_add(1, Ordering::SeqCst) + 1;
            let cookie = format!("{}; path=/", cookie(number));
            let head = format!(
                "HTTP/1.1 200 X\r\nx-csrf-token: {}\r\nset-cookie: {cookie}\r\nset-cookie: \
                 sap-usercontext=sap-client=100; path=/\r\ncontent-length: 0\r\n\r\n",
                token(number)
            );
            return Reply::Parts(vec![head.into_bytes()], Duration::ZERO);
        }
        let newest = self.tokens.load(Ordering::SeqCst);
        let cookies = header(request, "cookie").unwrap_or_default();
        let valid =
            header(request, "x-csrf-token") == Some(&token(newest)) && cookies.contains(&cookie(newest));
        if request.starts_with("POST") && !valid {
            return respond(403, &[("x-csrf-token", "Required")], "CSRF token validation failed");
        }
        respond(201, &[("x-csrf-token", &token(newest))], &format!("{request} at /?sap-client=100"))
    }
}

const SAP: &str = "{ profile = 'session', csrf = { url = 'HOST/sap/odata/' }, \
                   headers = { Authorization = 'Basic {base64:CROSSDOCK:{secret:password}}' } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_csrf_token_is_fetched_once_and_again_when_it_is_required() {
    let (gateway, server) = Gateway::start().await;
    let client = client(&server, SAP, &ManualClock::new()).await;
    let url = server.url("/sap/odata/A_SalesOrder");
    for response in join_all((0..20).map(|_| post(&client, &url, "order"))).await {
        assert_eq!(response.unwrap().status(), 201);
    }
    assert_eq!((gateway.tokens.load(Ordering::SeqCst), count(&server, "POST")), (1, 20));
    // A GET does not carry it.
    get(&client, &url).await.unwrap();
    let read = server.requests().pop().unwrap();
    assert!(read.starts_with("GET /sap/odata/A_SalesOrder"), "{read}");
    assert_eq!(header(&read, "x-csrf-token"), None);
    assert!(header(&read, "cookie").unwrap().contains("SAP_SESSIONID"), "{read}");
    // The token expires: it is fetched once, and each request is retried once.
    gateway.tokens.fetch_add(1, Ordering::SeqCst);
    for response in join_all((0..20).map(|_| post(&client, &url, "order"))).await {
        let response = response.unwrap();
        assert_eq!(response.status(), 201);
        assert!(!response.headers().contains_key("x-csrf-token"));
        let body = String::from_utf8_lossy(response.body()).into_owned();
        let basic = STANDARD.encode(format!("CROSSDOCK:{PASSWORD}"));
        for hidden in ["csrf-token-number", "sap-session-", PASSWORD, &basic] {
            assert!(!body.contains(hidden), "{hidden}: {body}");
        }
        assert!(body.ends_with("/?sap-client=100"), "a client number is not masked: {body}");
    }
    // Requests that started late had the new one from the beginning.
    let posts = count(&server, "POST");
    assert!(gateway.tokens.load(Ordering::SeqCst) == 3 && (41..=60).contains(&posts), "{posts}");
    assert_eq!(count(&server, "GET /sap/odata/ "), 2);
}

#[tokio::test]
async fn a_403_with_the_new_csrf_token_is_returned_to_the_guest() {
    let server = Server::start(|request| match request.starts_with("GET") {
        true => respond(200, &[("x-csrf-token", "abcdefgh")], ""),
        false => respond(403, &[("x-csrf-token", "Required")], "no"),
    })
    .await;
    let client = client(&server, SAP, &ManualClock::new()).await;
    let response = post(&client, &server.url("/orders"), "x").await.unwrap();
    assert_eq!((response.status().as_u16(), count(&server, "POST"), count(&server, "GET")), (403, 2, 2));
    // A 403 without the header is a matter of permissions.
    let server = Server::start(|request| match request.starts_with("GET") {
        true => respond(200, &[("x-csrf-token", "abcdefgh")], ""),
        false => respond(403, &[], "no"),
    })
    .await;
    let client = self::client(&server, SAP, &ManualClock::new()).await;
    assert_eq!(post(&client, &server.url("/orders"), "x").await.unwrap().status(), 403);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_csrf_token_is_replaced_without_another_login_unless_the_session_has_expired() {
    let (tokens, sessions) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (token_number, session_number) = (tokens.clone(), sessions.clone());
    let server = Server::start(move |request| {
        let session = format!("SID=session-0123456789-{}", session_number.load(Ordering::SeqCst));
        if request.starts_with("POST /login") {
            return respond(200, &[("set-cookie", &session)], "");
        }
        if header(request, "cookie") != Some(&session) {
            return respond(401, &[], "");
        }
        let token = format!("token-of-django-{}", token_number.load(Ordering::SeqCst));
        if request.starts_with("GET /csrf") {
            return respond(200, &[], &format!("{{\"token\":\"{token}\"}}"));
        }
        match header(request, "x-csrftoken") == Some(&token) {
            true => respond(200, &[], "ok"),
            false => respond(403, &[("x-csrftoken", "required")], ""),
        }
    })
    .await;
    let auth = "{ profile = 'session', login = { url = 'HOST/login', form = { password = '{secret:password}' } }, \
                csrf = { url = 'HOST/csrf', header = 'X-CSRFToken', token = '{/token}' } }";
    let client = self::client(&server, auth, &ManualClock::new()).await;
    let url = server.url("/orders");
    assert_eq!(post(&client, &url, "x").await.unwrap().status(), 200);
    tokens.fetch_add(1, Ordering::SeqCst);
    assert_eq!(post(&client, &url, "x").await.unwrap().status(), 200);
    assert_eq!((count(&server, "POST /login"), count(&server, "GET /csrf")), (1, 2));
    sessions.fetch_add(1, Ordering::SeqCst);
    assert_eq!(post(&client, &url, "x").await.unwrap().status(), 200);
    assert_eq!((count(&server, "POST /login"), count(&server, "GET /csrf")), (2, 3));
}

#[tokio::test]
async fn a_session_is_used_for_its_own_host_only() {
    let (_, server) = cookie_server().await;
    let other = Server::start(|_| respond(200, &[("set-cookie", "own=1")], "ok")).await;
    let auth = profile(&COOKIES.replace("HOST", &server.url("")));
    let secrets = secrets(store(&[("p", PASSWORD)]), &[("password", "stored:p")]).await;
    let client = try_client(&[server.url(""), other.url("")], &auth, secrets, &ManualClock::new()).unwrap();
    get(&client, &server.url("/orders")).await.unwrap();
    assert_eq!(get(&client, &other.url("/")).await.unwrap().status(), 200);
    assert_eq!(header(&other.requests()[0], "cookie"), None);
    assert!(client.reserves(&HeaderName::from_static("cookie")));
}

#[tokio::test]
async fn an_invalid_configuration_is_refused_with_a_reason() {
    let hosts = ["https://erp.example".to_owned(), "https://other.example".to_owned()];
    let secrets = secrets(store(&[("p", "x")]), &[("password", "stored:p")]).await;
    let login = "login = { url = 'https://erp.example/login', form = { password = '{secret:password}' } }";
    let csrf = "csrf = { url = 'https://erp.example/' }";
    let invalid = [
        ("headers = { X = '1' }".to_owned(), "needs a `login` or a `csrf`"),
        (login.replace("login = {", "login = { json = {},"), "either `form` or `json`"),
        ("login = { url = 'https://erp.example/login' }".to_owned(), "either `form` or `json`"),
        (
            login.replace("erp.example/login", "elsewhere.example/login"),
            "elsewhere.example, which is not among",
        ),
        (login.replace("https://", ""), "`login.url` is not an absolute"),
        (login.replace("{secret:password}", "hunter2"), "`login.form.password` is a secret in plain text"),
        (login.replace("{secret:password}", "{secret:pw}"), "the secret `pw`"),
        (
            login.replace("{secret:password}", "{secret:password"),
            "`login.form.password`: a `{` is not closed",
        ),
        (login.replace("{secret:password}", "{/result}{secret:password}"), "before there is a response"),
        (
            login.replace(
                "form = { password = '{secret:password}' }",
                "json = { params = [{ passwd = 'x' }] }",
            ),
            "`login.json.params.0.passwd` is a secret in plain text",
        ),
        (login.replace("form =", "accepted = [500], form ="), "`login.accepted`: 500"),
        (format!("{csrf}, headers = {{ A = '{{/x}}' }}"), "there is no `login`"),
        (format!("{csrf}, headers = {{ 'a b' = 'x' }}"), "`a b` is not a valid header name"),
        (format!("{csrf}, headers = {{ Host = 'x' }}"), "belongs to the connection"),
        (format!("{login}, csrf = {{ url = 'https://other.example/' }}"), "a session is valid for one host"),
        (format!("{login}, expired = [200]"), "`expired`: 200"),
        (format!("{login}, lifetime = 'long'"), "`long` is not a duration"),
        (format!("{login}, lifetime = '0s'"), "`0s` is not a duration"),
        (format!("{login}, login-url = 'x'"), "unknown field `login-url`"),
    ];
    for (text, reason) in invalid {
        let profile = try_profile(&format!("{{ profile = 'session', {text} }}"));
        let client = profile.and_then(|auth| try_client(&hosts, &auth, secrets.clone(), &ManualClock::new()));
        let error = client.err().unwrap_or_else(|| panic!("accepted: {text}"));
        assert!(error.contains(reason), "{text}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn short_tokens_and_the_logins_cookie_are_masked() {
    let server = Server::start(|request| match request {
        login if login.starts_with("POST /login") => {
            respond(200, &[("set-cookie", "SID=s3ss10n; Path=/")], "{}")
        }
        fetch if fetch.starts_with("GET /csrf") => {
            respond(200, &[("x-csrf-token", "abcdefgh"), ("set-cookie", "lang=de-DE-x; Path=/")], "")
        }
        // Plain, and as a JSON escape.
        other => respond(200, &[], &format!("{other} \\u0061bcdefgh")),
    })
    .await;
    let auth = "{ profile = 'session', login = { url = 'HOST/login', form = { password = '{secret:password}' }, \
                cookie = 'SID' }, csrf = { url = 'HOST/csrf' } }";
    let client = client(&server, auth, &ManualClock::new()).await;
    let response = post(&client, &server.url("/orders"), "x").await.unwrap();
    let body = String::from_utf8_lossy(response.body()).into_owned();
    let sent = server.requests().pop().unwrap();
    assert!(sent.contains("SID=s3ss10n") && sent.contains("x-csrf-token: abcdefgh"), "{sent}");
    assert!(!body.contains("s3ss10n") && !body.contains("bcdefgh"), "{body}");
    assert!(body.contains("SID=*******") && body.contains("lang=de-DE-x"), "{body}");
}
