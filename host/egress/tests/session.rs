//! Sessions: logins, cookies, tokens against forged requests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod outside;
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use crossdock_egress::{Client, Error, Sent};
use futures::future::join_all;
use http::{HeaderName, Request};
use outside::{Hand, form, get, header, post, profile, secrets, seen, store, try_client, try_profile};
use server::{Reply, Server, answer};

const PASSWORD: &str = "pa\"ss w&rd";

async fn client(server: &Server, auth: &str, clock: &Hand) -> Client {
    let auth = profile(&auth.replace("HOST", &server.url("")));
    let secrets = secrets(store(&[("p", PASSWORD)]), &[("password", "stored:p")]).await;
    try_client(&[server.url("")], &auth, secrets, clock).unwrap()
}

fn count(server: &Server, beginning: &str) -> usize {
    server.requests().iter().filter(|request| request.starts_with(beginning)).count()
}

/// As SAP Business One does it: a login by JSON, a cookie, 401 when it is over.
async fn cookie_server() -> (Arc<AtomicUsize>, Server) {
    let sessions = Arc::new(AtomicUsize::new(0));
    let counted = sessions.clone();
    let server = Server::start(move |request| {
        if request.starts_with("POST /login ") {
            let (_, body) = request.split_once("\r\n\r\n").unwrap();
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            if body != serde_json::json!({ "UserName": "manager", "Password": PASSWORD, "Language": 8 }) {
                return answer(401, &[], "{\"error\":\"wrong\"}");
            }
            let session = format!("B1SESSION=session-number-{:04}; path=/; HttpOnly", counted.fetch_add(1, Ordering::SeqCst) + 1);
            let head = format!("HTTP/1.1 200 X\r\nset-cookie: {session}\r\nset-cookie: ROUTEID=.node1; path=/\r\ncontent-length: 2\r\n\r\n");
            return Reply::Pieces(vec![head.into_bytes(), b"{}".to_vec()], Duration::from_millis(50));
        }
        let good = format!("B1SESSION=session-number-{:04}; ROUTEID=.node1", counted.load(Ordering::SeqCst));
        match header(request, "cookie") == Some(&good) {
            true => answer(200, &[("set-cookie", "ROUTEID=.node1; path=/")], request),
            false => answer(401, &[], "Invalid session"),
        }
    })
    .await;
    (sessions, server)
}

const COOKIES: &str = "{ profile = 'session', login = { url = 'HOST/login', cookie = 'B1SESSION', \
                       json = { UserName = 'manager', Password = '{secret:password}', Language = 8 } } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_requests_at_once_log_in_once() {
    let (sessions, server) = cookie_server().await;
    let client = client(&server, COOKIES, &Hand::new()).await;
    let url = server.url("/orders");
    for answer in join_all((0..50).map(|_| get(&client, &url))).await {
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200);
        // Neither the cookie that was sent nor one that is set is the guest's business.
        assert!(!answer.headers().contains_key("set-cookie"));
        let body = String::from_utf8_lossy(answer.body()).into_owned();
        assert!(!body.contains("session-number") && body.contains("B1SESSION=*******"), "{body}");
    }
    assert_eq!((sessions.load(Ordering::SeqCst), count(&server, "GET /orders")), (1, 50));
    // The session ends, and all notice at once.
    sessions.fetch_add(1, Ordering::SeqCst);
    let bodies: Vec<String> = (0..50).map(|number| format!("order {number}")).collect();
    for (body, answer) in
        bodies.iter().zip(join_all(bodies.iter().map(|body| post(&client, &url, body))).await)
    {
        let answer = answer.unwrap();
        assert!(answer.status() == 200 && answer.body().ends_with(body.as_bytes()), "{answer:?}");
    }
    assert_eq!((sessions.load(Ordering::SeqCst), count(&server, "POST /login")), (3, 2));
    // Who started late had the new one from the beginning.
    assert!((51..=100).contains(&count(&server, "POST /orders")));
}

#[tokio::test]
async fn a_guest_cannot_bring_cookies_of_its_own() {
    let (_, server) = cookie_server().await;
    let client = client(&server, COOKIES, &Hand::new()).await;
    let request =
        Request::get(server.url("/")).header("cookie", "B1SESSION=mine").body(Bytes::new()).unwrap();
    let error = client.send(request, &client.budget()).await.unwrap_err();
    assert!(matches!(error, Error::HeaderRefused { .. }), "{error}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_session_is_given_up_before_the_target_ends_it() {
    let (sessions, server) = cookie_server().await;
    let clock = Hand::new();
    let auth = COOKIES.replace("'session',", "'session', lifetime = '25m',");
    let client = client(&server, &auth, &clock).await;
    for (seconds, logins) in [(0, 1), (25 * 60 - 1, 1), (1, 2)] {
        clock.turn(seconds);
        get(&client, &server.url("/orders")).await.unwrap();
        assert_eq!(sessions.load(Ordering::SeqCst), logins);
    }
    assert_eq!(count(&server, "GET /orders"), 3, "nothing was refused");
}

#[tokio::test]
async fn a_login_that_fails_is_not_repeated_by_each_request() {
    let (_, server) = cookie_server().await;
    let clock = Hand::new();
    let client = client(&server, &COOKIES.replace("manager", "somebody"), &clock).await;
    for _ in 0..5 {
        let error = post(&client, &server.url("/orders"), "x").await.unwrap_err();
        assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
        assert!(error.to_string().contains("the login at http://127.0.0.1"), "{error}");
        assert!(error.to_string().contains("status 401") && error.sent() == Sent::Nothing, "{error}");
        assert!(!seen(&error).contains("pa\"ss"), "{error}");
    }
    assert_eq!(server.requests().len(), 1);
    clock.turn(6);
    post(&client, &server.url("/orders"), "x").await.unwrap_err();
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_form_that_answers_with_a_redirect() {
    let server = Server::start(|request| {
        if request.starts_with("POST /login ") {
            let fields = form(request);
            return match fields["password"] == PASSWORD && fields["user"] == "crossdock" {
                true => answer(302, &[("location", "/"), ("set-cookie", "SID=1234567890abcdef")], ""),
                // A session for everybody, as PHP gives one.
                false => answer(302, &[("location", "/login?failed"), ("set-cookie", "VISITOR=1")], ""),
            };
        }
        match header(request, "cookie") {
            Some("SID=1234567890abcdef") => answer(200, &[], "ok"),
            _ => answer(302, &[("location", "/login")], ""),
        }
    })
    .await;
    let auth = "{ profile = 'session', login = { url = 'HOST/login', cookie = 'SID', accepted = [302], \
                form = { user = 'crossdock', password = '{secret:password}' } }, expired = [302] }";
    let client = self::client(&server, auth, &Hand::new()).await;
    assert_eq!(get(&client, &server.url("/orders")).await.unwrap().body(), "ok");
    let wrong = self::client(&server, &auth.replace("'crossdock'", "'other'"), &Hand::new()).await;
    let error = get(&wrong, &server.url("/orders")).await.unwrap_err();
    assert!(error.to_string().contains("set no cookie `SID`"), "{error}");
}

/// Tryton's JSON-RPC, whose session stands in a header made of the answer.
#[tokio::test]
async fn a_header_is_made_of_the_logins_answer() {
    let logins = Arc::new(AtomicUsize::new(0));
    let counted = logins.clone();
    let server = Server::start(move |request| {
        let session = |number: usize| format!("0123456789abcdef0123456789abcde{number}");
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        if body["method"] == "common.db.login" {
            assert_eq!(header(request, "authorization"), None);
            if body["params"] != serde_json::json!(["integration", { "password": PASSWORD }]) {
                return answer(200, &[], "{\"id\":1,\"error\":[\"LoginException\",[\"password\"]]}");
            }
            let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
            return answer(200, &[], &format!("{{\"id\":1,\"result\":[4,\"{}\"]}}", session(number)));
        }
        // The second session is the one that holds.
        let good = STANDARD.encode(format!("integration:4:{}", session(2)));
        match header(request, "authorization") == Some(&format!("Session {good}")) {
            true => answer(
                200,
                &[],
                &format!("{{\"seen\":\"{good}\",\"session\":\"{}\",\"user\":4}}", session(2)),
            ),
            false => answer(401, &[], "Unauthorized"),
        }
    })
    .await;
    let auth = "{ profile = 'session', login = { url = 'HOST/db/rpc/', json = { method = 'common.db.login', \
                params = ['integration', { password = '{secret:password}' }] } }, \
                headers = { Authorization = 'Session {base64:integration:{/result/0}:{/result/1}}' } }";
    let client = self::client(&server, auth, &Hand::new()).await;
    let answer =
        post(&client, &server.url("/db/rpc/"), "{\"method\":\"model.sale.sale.search\"}").await.unwrap();
    let body = String::from_utf8_lossy(answer.body()).into_owned();
    assert!(body.contains("\"seen\":\"****") && body.contains("\"session\":\"****"), "{body}");
    assert!(body.contains("\"user\":4"), "a user's number is no secret: {body}");
    assert_eq!((logins.load(Ordering::SeqCst), server.requests().len()), (2, 4));

    let wrong = self::client(&server, &auth.replace("['integration'", "['other'"), &Hand::new()).await;
    let error = post(&wrong, &server.url("/db/rpc/"), "{}").await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
    assert!(error.to_string().contains("no text or number at `/result/0`"), "{error}");
}

/// SAP's gateway: basic authentication, and for writes a token that belongs to a session's cookies.
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
            return answer(401, &[], "");
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
            return Reply::Pieces(vec![head.into_bytes()], Duration::ZERO);
        }
        let newest = self.tokens.load(Ordering::SeqCst);
        let cookies = header(request, "cookie").unwrap_or_default();
        let right =
            header(request, "x-csrf-token") == Some(&token(newest)) && cookies.contains(&cookie(newest));
        if request.starts_with("POST") && !right {
            return answer(403, &[("x-csrf-token", "Required")], "CSRF token validation failed");
        }
        answer(201, &[("x-csrf-token", &token(newest))], &format!("{request} at /?sap-client=100"))
    }
}

const SAP: &str = "{ profile = 'session', csrf = { url = 'HOST/sap/odata/' }, \
                   headers = { Authorization = 'Basic {base64:CROSSDOCK:{secret:password}}' } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_csrf_token_is_fetched_once_used_with_its_cookies_and_fetched_again_when_it_is_required() {
    let (gateway, server) = Gateway::start().await;
    let client = client(&server, SAP, &Hand::new()).await;
    let url = server.url("/sap/odata/A_SalesOrder");
    for answer in join_all((0..20).map(|_| post(&client, &url, "order"))).await {
        assert_eq!(answer.unwrap().status(), 201);
    }
    assert_eq!((gateway.tokens.load(Ordering::SeqCst), count(&server, "POST")), (1, 20));
    // A question does not carry it.
    get(&client, &url).await.unwrap();
    let question = server.requests().pop().unwrap();
    assert!(question.starts_with("GET /sap/odata/A_SalesOrder"), "{question}");
    assert_eq!(header(&question, "x-csrf-token"), None);
    assert!(header(&question, "cookie").unwrap().contains("SAP_SESSIONID"), "{question}");
    // The gateway forgets; one fetch for all, and each is sent once more.
    gateway.tokens.fetch_add(1, Ordering::SeqCst);
    for answer in join_all((0..20).map(|_| post(&client, &url, "order"))).await {
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 201);
        assert!(!answer.headers().contains_key("x-csrf-token"));
        let body = String::from_utf8_lossy(answer.body()).into_owned();
        let basic = STANDARD.encode(format!("CROSSDOCK:{PASSWORD}"));
        for hidden in ["csrf-token-number", "sap-session-", PASSWORD, &basic] {
            assert!(!body.contains(hidden), "{hidden}: {body}");
        }
        assert!(body.ends_with("/?sap-client=100"), "a client's number is no secret: {body}");
    }
    // Who started late had the new one from the beginning.
    let posts = count(&server, "POST");
    assert!(gateway.tokens.load(Ordering::SeqCst) == 3 && (41..=60).contains(&posts), "{posts}");
    assert_eq!(count(&server, "GET /sap/odata/ "), 2);
}

#[tokio::test]
async fn a_csrf_token_that_is_required_again_is_the_guests_answer() {
    let server = Server::start(|request| match request.starts_with("GET") {
        true => answer(200, &[("x-csrf-token", "abcdefgh")], ""),
        false => answer(403, &[("x-csrf-token", "Required")], "no"),
    })
    .await;
    let client = client(&server, SAP, &Hand::new()).await;
    let told = post(&client, &server.url("/orders"), "x").await.unwrap();
    assert_eq!((told.status().as_u16(), count(&server, "POST"), count(&server, "GET")), (403, 2, 2));
    // Another 403 is a matter of rights.
    let server = Server::start(|request| match request.starts_with("GET") {
        true => answer(200, &[("x-csrf-token", "abcdefgh")], ""),
        false => answer(403, &[], "no"),
    })
    .await;
    let client = self::client(&server, SAP, &Hand::new()).await;
    assert_eq!(post(&client, &server.url("/orders"), "x").await.unwrap().status(), 403);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_csrf_token_after_a_login_is_fetched_again_without_another_login_unless_that_is_over() {
    let (forgotten, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (f, o) = (forgotten.clone(), over.clone());
    let server = Server::start(move |request| {
        let over = o.load(Ordering::SeqCst);
        let session = format!("SID=session-0123456789-{over}");
        if request.starts_with("POST /login") {
            return answer(200, &[("set-cookie", &session)], "");
        }
        if header(request, "cookie") != Some(&session) {
            return answer(401, &[], "");
        }
        let token = format!("token-of-django-{}", f.load(Ordering::SeqCst));
        if request.starts_with("GET /csrf") {
            return answer(200, &[], &format!("{{\"token\":\"{token}\"}}"));
        }
        match header(request, "x-csrftoken") == Some(&token) {
            true => answer(200, &[], "ok"),
            false => answer(403, &[("x-csrftoken", "required")], ""),
        }
    })
    .await;
    let auth = "{ profile = 'session', login = { url = 'HOST/login', form = { password = '{secret:password}' } }, \
                csrf = { url = 'HOST/csrf', header = 'X-CSRFToken', token = '{/token}' } }";
    let client = self::client(&server, auth, &Hand::new()).await;
    let url = server.url("/orders");
    assert_eq!(post(&client, &url, "x").await.unwrap().status(), 200);
    forgotten.fetch_add(1, Ordering::SeqCst);
    assert_eq!(post(&client, &url, "x").await.unwrap().status(), 200);
    assert_eq!((count(&server, "POST /login"), count(&server, "GET /csrf")), (1, 2));
    over.fetch_add(1, Ordering::SeqCst);
    assert_eq!(post(&client, &url, "x").await.unwrap().status(), 200);
    assert_eq!((count(&server, "POST /login"), count(&server, "GET /csrf")), (2, 3));
}

#[tokio::test]
async fn a_session_holds_for_its_own_host_alone() {
    let (_, server) = cookie_server().await;
    let other = Server::start(|_| answer(200, &[("set-cookie", "own=1")], "ok")).await;
    let auth = profile(&COOKIES.replace("HOST", &server.url("")));
    let secrets = secrets(store(&[("p", PASSWORD)]), &[("password", "stored:p")]).await;
    let client = try_client(&[server.url(""), other.url("")], &auth, secrets, &Hand::new()).unwrap();
    get(&client, &server.url("/orders")).await.unwrap();
    assert_eq!(get(&client, &other.url("/")).await.unwrap().status(), 200);
    assert_eq!(header(&other.requests()[0], "cookie"), None);
    assert!(client.reserves(&HeaderName::from_static("cookie")));
}

#[tokio::test]
async fn nonsense_is_refused_at_start_in_a_sentence() {
    let hosts = ["https://erp.example".to_owned(), "https://other.example".to_owned()];
    let secrets = secrets(store(&[("p", "x")]), &[("password", "stored:p")]).await;
    let login = "login = { url = 'https://erp.example/login', form = { password = '{secret:password}' } }";
    let csrf = "csrf = { url = 'https://erp.example/' }";
    let wrong = [
        ("headers = { X = '1' }".to_owned(), "needs a `login` or a `csrf`"),
        (login.replace("login = {", "login = { json = {},"), "either `form` or `json`"),
        ("login = { url = 'https://erp.example/login' }".to_owned(), "either `form` or `json`"),
        (
            login.replace("erp.example/login", "elsewhere.example/login"),
            "elsewhere.example, which is not among",
        ),
        (login.replace("https://", ""), "`login.url` is no absolute"),
        (login.replace("{secret:password}", "hunter2"), "`login.form.password` is written as itself"),
        (login.replace("{secret:password}", "{secret:pw}"), "the secret `pw`"),
        (
            login.replace("{secret:password}", "{secret:password"),
            "`login.form.password`: a `{` is not closed",
        ),
        (login.replace("{secret:password}", "{/result}{secret:password}"), "before there is an answer"),
        (
            login.replace(
                "form = { password = '{secret:password}' }",
                "json = { params = [{ passwd = 'x' }] }",
            ),
            "`login.json.params.0.passwd` is written as itself",
        ),
        (login.replace("form =", "accepted = [500], form ="), "`login.accepted`: 500"),
        (format!("{csrf}, headers = {{ A = '{{/x}}' }}"), "there is no `login`"),
        (format!("{csrf}, headers = {{ 'a b' = 'x' }}"), "`a b` is no name of a header"),
        (format!("{csrf}, headers = {{ Host = 'x' }}"), "belongs to the connection"),
        (format!("{login}, csrf = {{ url = 'https://other.example/' }}"), "a session holds for one host"),
        (format!("{login}, expired = [200]"), "`expired`: 200"),
        (format!("{login}, lifetime = 'long'"), "`long` is no span of time"),
        (format!("{login}, lifetime = '0s'"), "`0s` is no span of time"),
        (format!("{login}, login-url = 'x'"), "unknown field `login-url`"),
    ];
    for (text, sentence) in wrong {
        let read = try_profile(&format!("{{ profile = 'session', {text} }}"));
        let made = read.and_then(|auth| try_client(&hosts, &auth, secrets.clone(), &Hand::new()));
        let said = made.err().unwrap_or_else(|| panic!("accepted: {text}"));
        assert!(said.contains(sentence), "{text}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn short_tokens_and_the_logins_cookie_are_hidden_too() {
    let server = Server::start(|request| match request {
        login if login.starts_with("POST /login") => {
            answer(200, &[("set-cookie", "SID=s3ss10n; Path=/")], "{}")
        }
        fetch if fetch.starts_with("GET /csrf") => {
            answer(200, &[("x-csrf-token", "abcdefgh"), ("set-cookie", "lang=de-DE-x; Path=/")], "")
        }
        // Also as it is written in JSON by others.
        other => answer(200, &[], &format!("{other} \\u0061bcdefgh")),
    })
    .await;
    let auth = "{ profile = 'session', login = { url = 'HOST/login', form = { password = '{secret:password}' }, \
                cookie = 'SID' }, csrf = { url = 'HOST/csrf' } }";
    let client = client(&server, auth, &Hand::new()).await;
    let told = post(&client, &server.url("/orders"), "x").await.unwrap();
    let body = String::from_utf8_lossy(told.body()).into_owned();
    let sent = server.requests().pop().unwrap();
    assert!(sent.contains("SID=s3ss10n") && sent.contains("x-csrf-token: abcdefgh"), "{sent}");
    assert!(!body.contains("s3ss10n") && !body.contains("bcdefgh"), "{body}");
    assert!(body.contains("SID=*******") && body.contains("lang=de-DE-x"), "{body}");
}
