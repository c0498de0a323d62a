use std::collections::HashSet;
use std::convert::Infallible;

use serde_json::{Value, json};

use super::*;
use crate::client::Client;
use crate::erp::{self, Erp};

fn options(address: SocketAddr, until: Until) -> Options {
    Options {
        address,
        path: "/in/shopify".to_owned(),
        shop: "bench.myshopify.com".to_owned(),
        secret: "s".to_owned(),
        seed: 5,
        offset: 40,
        connections: 4,
        until,
        under_way: None,
        drain: Duration::from_secs(5),
    }
}

/// A host that checks the signature, pushes every tenth webhook back once, and posts the others to the ERP.
async fn host(erp: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let client = Client::new(Duration::from_secs(1), Duration::from_secs(5));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (count, client, erp) = (Arc::clone(&count), client.clone(), erp.clone());
            let service =
                service_fn(move |request| accept(Arc::clone(&count), client.clone(), erp.clone(), request));
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

async fn accept(
    count: Arc<AtomicUsize>,
    client: Client,
    erp: String,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut response = Response::new(Full::new(Bytes::new()));
    if head.headers["X-Shopify-Hmac-Sha256"] != signature(b"s", &body).as_str() {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
    } else if count.fetch_add(1, Ordering::Relaxed) % 10 == 9 {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    } else {
        let order: Value = serde_json::from_slice(&body).unwrap();
        tokio::spawn(async move {
            let document = json!({
                "reference": format!("shopify/bench.myshopify.com/order/{}", order["id"]), "orderedAt": "",
                "currency": "USD", "lines": [], "taxIncluded": false, "total": "1", "tax": "0", "state": "open",
            });
            client.json(hyper::Method::POST, &format!("{erp}/orders"), "t", &document).await.unwrap();
        });
    }
    Ok(response)
}

#[test]
fn orders_are_unique_readable_signed_and_of_about_six_kilobytes() {
    let load = Load::new(options(([127, 0, 0, 1], 1).into(), Until::Orders(300)));
    let mut ids = HashSet::new();
    for index in 0..300 {
        let body = load.orders.body(index);
        let order: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(order["id"], 820_982_911_800_000_040_u64 + index as u64);
        assert_eq!(order["admin_graphql_api_id"], format!("gid://shopify/Order/{}", order["id"]));
        for id in [&order["id"], &order["line_items"][0]["id"], &order["customer"]["id"]] {
            assert!(ids.insert(id.as_u64().unwrap()));
        }
        assert!((5_500..6_800).contains(&body.len()), "{} bytes", body.len());
        assert_eq!(load.orders.signatures[index], signature(b"s", &body));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_order_is_sent_once_and_its_journey_is_measured() {
    let placeholder = SocketAddr::from(([127, 0, 0, 1], 1));
    let mut load = Load::new(Options { under_way: Some(16), ..options(placeholder, Until::Orders(200)) });
    let erp =
        Erp::start(erp::Options { on_arrival: Some(load.hook()), ..erp::Options::fast("t") }).await.unwrap();
    load.options.address = host(erp.url()).await;
    let measured = load.run().await.unwrap();
    assert_eq!((measured.accepted, measured.arrived, erp.order_count()), (200, 200, 200));
    assert!(measured.pushed_back >= 20, "{measured:?}");
    assert!(measured.intake_per_s > 0.0 && measured.journeys_per_s > 0.0);
    assert!(measured.p99_ms >= measured.p50_ms && measured.p50_ms > 0.0, "{measured:?}");
    assert!(measured.intake_p99_ms >= 50.0, "a pushed back webhook waited: {measured:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_never_delivers_does_not_block_the_generator() {
    let begun = Instant::now();
    let nowhere = host("http://127.0.0.1:1".to_owned()).await;
    let until = Until::Elapsed(Duration::from_secs(1), 10_000);
    let options =
        Options { under_way: Some(8), drain: Duration::from_millis(100), ..options(nowhere, until) };
    let measured = Load::new(options).run().await.unwrap();
    // On a slow machine fewer than are allowed in flight may have been sent by then.
    assert!((1..=8).contains(&measured.accepted) && measured.arrived == 0, "{measured:?}");
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_http_floor_accepts_every_order() {
    let placeholder = SocketAddr::from(([127, 0, 0, 1], 1));
    let measured = http_floor(options(placeholder, Until::Orders(500))).await.unwrap();
    assert_eq!((measured.accepted, measured.pushed_back), (500, 0));
}

#[tokio::test]
async fn a_host_that_refuses_is_an_error() {
    let address = host("http://127.0.0.1:1".to_owned()).await;
    let wrong = Options { secret: "other".to_owned(), ..options(address, Until::Orders(5)) };
    assert!(matches!(Load::new(wrong).run().await, Err(Error::Refused(StatusCode::UNAUTHORIZED))));
}
