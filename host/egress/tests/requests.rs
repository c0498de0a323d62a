//! Requests of a client: targets, authentication, limits, masking, retries.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod server;

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use crossdock_egress::{Access, Client, Egress, Error, Limits, Options, Precheck, Profile, Secrets, Sent};
use http::{Request, Response};
use server::{Reply, Server, respond};

const SECRET: &str = "tok-4711-geheim";

fn secrets() -> Secrets {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    std::fs::write(&path, format!("{SECRET}\n")).unwrap();
    let location = format!("file:{}", path.display());
    Secrets::load([("token", [location.as_str()])]).unwrap()
}

fn client(hosts: &[&str], profile: Option<Profile>, limits: Limits) -> Client {
    let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
    let access = Access { hosts, profile, secrets: secrets(), limits };
    Client::new(&Egress::new(Options::default()).unwrap(), access).unwrap()
}

fn plain(server: &Server) -> Client {
    client(&[&server.url("")], None, Limits::default())
}

async fn get(client: &Client, url: &str) -> Result<Response<Bytes>, Error> {
    let request = Request::get(url).body(Bytes::new()).unwrap();
    client.send(request, &client.budget()).await
}

async fn post(client: &Client, url: &str, body: &str) -> Result<Response<Bytes>, Error> {
    let request = Request::post(url).body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
    client.send(request, &client.budget()).await
}

fn bearer() -> Option<Profile> {
    Some(Profile::Bearer { secret: "token".into() })
}

#[tokio::test]
async fn requests_go_to_allowed_origins_only() {
    let server = Server::start(|_| respond(200, &[], "ok")).await;
    let client = plain(&server);
    assert_eq!(get(&client, &server.url("/a?b=c")).await.unwrap().body(), "ok");
    let port = server.address.rsplit(':').next().unwrap();
    // Another port, name, scheme and spelling of the same host, and other hosts.
    for url in [
        "http://127.0.0.1:1/".to_owned(),
        format!("http://localhost:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("http://[::1]:{port}/"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "http://evil.example/".to_owned(),
    ] {
        let error = get(&client, &url).await.unwrap_err();
        assert!(matches!(error, Error::HostRefused { .. }), "{url}: {error}");
        assert_eq!(error.sent(), Sent::Nothing);
    }
    let error = get(&client, &format!("http://{}@evil.example/", server.address)).await.unwrap_err();
    assert!(matches!(error, Error::Url { .. }), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn localhost_can_be_allowed_by_name() {
    let server = Server::start(|_| respond(200, &[], "ok")).await;
    let port = server.address.rsplit(':').next().unwrap();
    let url = format!("http://localhost:{port}");
    assert_eq!(get(&client(&[&url], None, Limits::default()), &url).await.unwrap().status(), 200);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = Server::start(|_| respond(200, &[], "stolen")).await;
    let target = other.url("/");
    let location = target.clone();
    let server = Server::start(move |_| respond(302, &[("location", &location)], "")).await;
    let client = client(&[&server.url("")], bearer(), Limits::default());
    let response = get(&client, &server.url("/")).await.unwrap();
    assert_eq!(response.status(), 302);
    assert_eq!(response.headers()["location"], target.as_str());
    assert!(matches!(get(&client, &target).await, Err(Error::HostRefused { .. })));
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn each_profile_sets_its_header() {
    let header = Profile::Header { header: "X-Api-Key".into(), secret: "token".into() };
    let basic = Profile::Basic { user: "crossdock".into(), secret: "token".into() };
    let pair = STANDARD.encode(format!("crossdock:{SECRET}"));
    for (profile, line) in [
        (bearer().unwrap(), format!("authorization: Bearer {SECRET}")),
        (header, format!("x-api-key: {SECRET}")),
        (basic, format!("authorization: Basic {pair}")),
    ] {
        let server = Server::start(|_| respond(200, &[], "ok")).await;
        let client = client(&[&server.url("")], Some(profile), Limits::default());
        get(&client, &server.url("/")).await.unwrap();
        let requests = server.requests().concat();
        assert!(requests.contains(&line), "{requests}");
    }
}

#[tokio::test]
async fn a_guest_cannot_set_reserved_headers() {
    let server = Server::start(|_| respond(200, &[], "ok")).await;
    let with = client(&[&server.url("")], bearer(), Limits::default());
    for header in ["authorization", "host", "transfer-encoding", "connection", "proxy-authorization"] {
        let request = Request::get(server.url("/")).header(header, "x").body(Bytes::new()).unwrap();
        let error = with.send(request, &with.budget()).await.unwrap_err();
        assert!(matches!(error, Error::HeaderRefused { .. }), "{header}: {error}");
    }
    assert!(server.requests().is_empty());
    // Without a profile the guest may set it.
    let without = plain(&server);
    let request = Request::get(server.url("/")).header("authorization", "mine").body(Bytes::new()).unwrap();
    assert_eq!(without.send(request, &without.budget()).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_reflected_secret_is_masked() {
    let server = Server::start(|request| {
        let header = request.lines().find(|line| line.starts_with("authorization: ")).unwrap().to_owned();
        let body = format!("you sent {header}!");
        let head = format!("HTTP/1.1 400 X\r\ncontent-length: {}\r\nx-echo: {header}\r\n\r\n", body.len());
        // Split within the secret.
        let (first, second) = body.split_at(body.find("4711").unwrap());
        let first = format!("{head}{first}");
        Reply::Parts(vec![first.into_bytes(), second.as_bytes().to_vec()], Duration::from_millis(30))
    })
    .await;
    let client = client(&[&server.url("")], bearer(), Limits::default());
    let response = get(&client, &server.url("/")).await.unwrap();
    let stars = "*".repeat(SECRET.len());
    assert_eq!(response.body(), &format!("you sent authorization: Bearer {stars}!"));
    assert_eq!(response.headers()["x-echo"], format!("authorization: Bearer {stars}"));
    assert!(server.requests()[0].contains("accept-encoding: identity"));
}

#[tokio::test]
async fn a_compressed_response_is_refused() {
    let server = Server::start(|_| respond(200, &[("content-encoding", "gzip")], "xxxx")).await;
    let error =
        get(&client(&[&server.url("")], bearer(), Limits::default()), &server.url("/")).await.unwrap_err();
    assert!(matches!(error, Error::Encoded { .. }), "{error}");
}

#[tokio::test]
async fn an_error_says_whether_the_request_may_have_been_sent() {
    // Connection refused.
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    let error = post(&client(&[&url], None, Limits::default()), &url, "x").await.unwrap_err();
    assert!(matches!(error, Error::Connect { timed_out: false, .. }), "{error}");
    assert_eq!(error.sent(), Sent::Nothing);
    // Unknown name.
    let url = "http://no-such-host.invalid";
    let error = post(&client(&[url], None, Limits::default()), url, "x").await.unwrap_err();
    assert!(matches!(error, Error::Lookup { .. }), "{error}");
    assert_eq!(error.sent(), Sent::Nothing);
    // A server without TLS.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 no TLS here\r\n\r\n").await;
        tokio::time::sleep(Duration::from_secs(5)).await;
    });
    let error = post(&client(&[&url], None, Limits::default()), &url, "x").await.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error}");
    assert_eq!(error.sent(), Sent::Nothing);
    // The server read the request and closed the connection.
    let server = Server::start(|_| Reply::Close).await;
    let error = post(&plain(&server), &server.url("/"), "x").await.unwrap_err();
    assert!(matches!(error, Error::Lost { .. }), "{error}");
    assert_eq!(error.sent(), Sent::Unknown);
    // The response was cut off.
    let server =
        Server::start(|_| Reply::Cut(b"HTTP/1.1 201 X\r\ncontent-length: 100\r\n\r\n{\"id\":".to_vec()))
            .await;
    let error = post(&plain(&server), &server.url("/"), "x").await.unwrap_err();
    assert!(matches!(error, Error::Lost { .. }), "{error}");
    assert_eq!(error.sent(), Sent::Unknown);
}

#[tokio::test]
async fn a_request_that_may_have_been_sent_is_not_retried() {
    // The first request leaves an idle connection; the second is read, and the connection is closed without a
    // response, as by a server that crashes after a commit.
    let server = Server::start(|request| match request.starts_with("POST") {
        true => Reply::Close,
        false => respond(200, &[], "ok"),
    })
    .await;
    let client = plain(&server);
    for round in 1..=20 {
        get(&client, &server.url("/")).await.unwrap();
        let error = post(&client, &server.url("/"), "order").await.unwrap_err();
        assert_eq!(error.sent(), Sent::Unknown, "{error}");
        let posts = server.requests().iter().filter(|request| request.starts_with("POST")).count();
        assert_eq!(posts, round, "a request that was sent was retried");
    }
}

#[tokio::test]
async fn each_timeout_ends_a_request() {
    let short = Duration::from_millis(100);
    let server = Server::start(|_| Reply::Hang).await;
    let limits = Limits { first_byte: short, ..Limits::default() };
    let error = post(&client(&[&server.url("")], None, limits), &server.url("/"), "x").await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert_eq!(error.sent(), Sent::Unknown);

    let head = b"HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\n".to_vec();
    let drip = move |pause| {
        let head = head.clone();
        Server::start(move |_| Reply::Parts([vec![head.clone()], vec![b"x".to_vec(); 100]].concat(), pause))
    };
    let server = drip(Duration::from_secs(60)).await;
    let limits = Limits { between_bytes: short, ..Limits::default() };
    let error = get(&client(&[&server.url("")], None, limits), &server.url("/")).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");

    let server = drip(Duration::from_millis(30)).await;
    let limits = Limits { total: Duration::from_millis(300), ..Limits::default() };
    let error = get(&client(&[&server.url("")], None, limits), &server.url("/")).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn sizes_and_request_counts_are_limited() {
    let server = Server::start(|_| respond(200, &[], &"x".repeat(1000))).await;
    let hosts = [server.url("")];
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let small = client(&hosts, None, Limits { response_bytes: 999, ..Limits::default() });
    let error = get(&small, &server.url("/")).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 999, .. }), "{error}");
    assert_eq!(error.sent(), Sent::Unknown);

    let small = client(&hosts, None, Limits { request_bytes: 3, ..Limits::default() });
    let error = post(&small, &server.url("/"), "1234").await.unwrap_err();
    assert_eq!((matches!(error, Error::Body { .. }), error.sent()), (true, Sent::Nothing));

    let few = client(&hosts, None, Limits { requests: 2, bytes: 2500, ..Limits::default() });
    let budget = few.budget();
    let ask = || Request::get(server.url("/")).body(Bytes::new()).unwrap();
    assert!(few.send(ask(), &budget).await.is_ok());
    assert!(few.send(ask(), &budget).await.is_ok());
    let error = few.send(ask(), &budget).await.unwrap_err();
    assert!(matches!(error, Error::BudgetSpent { .. }), "{error}");
    assert!(few.send(ask(), &few.budget()).await.is_ok(), "another call has its own budget");
}

#[tokio::test]
async fn connections_are_reused() {
    let server = Server::start(|_| respond(200, &[], "ok")).await;
    let client = plain(&server);
    for _ in 0..50 {
        get(&client, &server.url("/")).await.unwrap();
    }
    assert_eq!((server.requests().len(), server.connections()), (50, 1));
}

#[test]
fn a_client_with_an_invalid_profile_or_host_is_refused() {
    let egress = Egress::new(Options::default()).unwrap();
    let access = Access { profile: bearer(), ..Access::default() };
    assert!(Client::new(&egress, access).err().unwrap().contains("`token`"));
    let access = Access { hosts: vec!["https://a/b".into()], ..Access::default() };
    assert!(Client::new(&egress, access).err().unwrap().contains("not a host"));
}

#[tokio::test]
async fn concurrent_requests_of_a_call_and_of_a_connector_are_limited() {
    let server = Server::start(|_| Reply::Hang).await;
    let limits = Limits {
        concurrent_per_call: 2,
        concurrent_per_connector: 3,
        total: Duration::from_secs(5),
        ..Limits::default()
    };
    let client = client(&[&server.url("")], None, limits);
    let budgets = [std::sync::Arc::new(client.budget()), std::sync::Arc::new(client.budget())];
    let ask = |budget: &std::sync::Arc<crossdock_egress::Budget>, timeout: Duration| {
        let (client, budget) = (client.clone(), budget.clone());
        let mut request = Request::get(server.url("/")).body(Bytes::new()).unwrap();
        request.extensions_mut().insert(crossdock_egress::FirstByteTimeout(timeout));
        tokio::spawn(async move { client.send(request, &budget).await })
    };
    let connected = |count: usize| {
        let server = &server;
        async move {
            let enough = async {
                while server.connections() < count {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(3), enough).await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert_eq!(server.connections(), count);
        }
    };
    let long = Duration::from_secs(60);
    let first: Vec<_> = (0..5).map(|_| ask(&budgets[0], long)).collect();
    connected(2).await;
    let second: Vec<_> = (0..5).map(|_| ask(&budgets[1], long)).collect();
    connected(3).await;
    // A request that gets no permit in time has not been sent.
    let error = ask(&budgets[1], Duration::from_millis(50)).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Connect { timed_out: true, .. }), "{error}");
    assert_eq!(error.sent(), Sent::Nothing);
    // A call that ends releases its permits.
    first.iter().for_each(tokio::task::JoinHandle::abort);
    connected(4).await;
    second.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_request_is_checked_and_charged_before_its_body_is_read() {
    let server = Server::start(|_| respond(200, &[], "ok")).await;
    let few = client(&[&server.url("")], None, Limits { requests: 2, bytes: 10, ..Limits::default() });
    let budget = few.budget();
    let head = |url: &str| Request::post(url).body(()).unwrap().into_parts().0;
    let error = few.precheck(&head("http://evil.example/"), &budget).unwrap_err();
    assert!(matches!(error, Error::HostRefused { .. }), "{error}");
    few.precheck(&head(&server.url("/")), &budget).unwrap();
    budget.charge_bytes(6).unwrap();
    assert!(matches!(budget.charge_bytes(6).unwrap_err(), Error::BudgetSpent { what } if what == "bytes"));
    // A request with a precheck is not charged again, and a refused one is not sent.
    let mut request = Request::post(server.url("/")).body(Bytes::from_static(b"123456")).unwrap();
    request.extensions_mut().insert(Precheck(Ok(())));
    assert_eq!(few.send(request.clone(), &budget).await.unwrap().status(), 200);
    request.extensions_mut().insert(Precheck(Err(Error::BudgetSpent { what: "bytes".into() })));
    assert!(few.send(request, &budget).await.is_err());
    few.precheck(&head(&server.url("/")), &budget).unwrap();
    assert!(matches!(few.precheck(&head(&server.url("/")), &budget), Err(Error::BudgetSpent { .. })));
    assert_eq!(server.requests().len(), 1);
    // A precheck does not bypass the allow-list.
    let mut request = Request::get("http://evil.example/").body(Bytes::new()).unwrap();
    request.extensions_mut().insert(Precheck(Ok(())));
    assert!(matches!(few.send(request, &budget).await, Err(Error::HostRefused { .. })));
}

#[tokio::test]
async fn an_allowed_name_that_resolves_to_a_private_address_is_refused_also_after_a_redirect() {
    let inside = Server::start(|_| respond(200, &[], "metadata")).await;
    let port = inside.address.rsplit(':').next().unwrap().to_owned();
    // Names that every resolver takes for 127.0.0.1, without a name server.
    let names = [format!("http://127.1:{port}"), format!("http://2130706433:{port}")];
    let location = format!("{}/latest/", names[0]);
    let shop = Server::start(move |_| respond(302, &[("location", &location)], "")).await;
    let client = client(&[&names[0], &names[1], &shop.url("")], bearer(), Limits::default());
    for name in &names {
        let error = get(&client, &format!("{name}/latest/")).await.unwrap_err();
        assert!(
            matches!(&error, Error::AddressRefused { address, .. } if address == "127.0.0.1"),
            "{name}: {error:?}"
        );
        assert!(error.sent() == Sent::Nothing && error.denied());
    }
    let redirect = get(&client, &shop.url("/")).await.unwrap();
    let location = redirect.headers()["location"].to_str().unwrap();
    let error = get(&client, location).await.unwrap_err();
    assert!(matches!(error, Error::AddressRefused { .. }), "{error:?}");
    assert_eq!(inside.connections(), 0);
}
