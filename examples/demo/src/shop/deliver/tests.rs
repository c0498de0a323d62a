use std::collections::HashMap;
use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::*;
use crate::shop::plan::Shares;
use crate::shop::sign::signature;
use crate::shop::{Options, Shop};

/// Each try as it came: event id, body, and whether it was signed.
type Tries = Arc<Mutex<Vec<(String, Bytes, bool)>>>;

/// Refuses forged webhooks, and all others the first two times.
async fn receive(tries: Tries, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let header = |name: &str| head.headers[name].to_str().unwrap().to_owned();
    let body = body.collect().await.unwrap().to_bytes();
    let signed = header("x-shopify-hmac-sha256") == signature(b"s", &body);
    assert_eq!(header("x-shopify-shop-domain"), "crossdock-demo.myshopify.com");
    assert_eq!(header("x-shopify-api-version"), "2026-07");
    assert_eq!(header("x-shopify-webhook-id").len(), 36);
    assert!(header("x-shopify-triggered-at").parse::<jiff::Timestamp>().is_ok());
    assert!(!header("x-shopify-topic").is_empty() && !header("x-shopify-name").is_empty());
    let event = header("x-shopify-event-id");
    let before = {
        let mut tries = lock(&tries);
        tries.push((event.clone(), body, signed));
        tries.iter().filter(|(other, ..)| *other == event).count()
    };
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = match (signed, before) {
        (false, _) => StatusCode::UNAUTHORIZED,
        (true, 1) => StatusCode::SERVICE_UNAVAILABLE,
        (true, 2) => StatusCode::FOUND,
        (true, _) => StatusCode::NO_CONTENT,
    };
    Ok(response)
}

#[tokio::test]
async fn a_webhook_is_sent_again_with_its_bytes_until_accepted_and_a_forged_one_only_once() {
    // A port that nobody listens on until the shop has knocked.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut options = Options::new(format!("http://{address}/in/shopify"), "s", 20, 3);
    options.plan.shares = Shares { forged: 0.2, ..Shares::none() };
    options.paced = false;
    options.longest_pause = Duration::from_millis(100);
    let shop = Shop::start(options);
    while shop.progress().retries == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(shop.progress().last_trouble.unwrap().contains("refused"));
    assert_eq!(shop.progress().accepted, 0);

    let tries = Tries::default();
    let listener = TcpListener::bind(address).await.unwrap();
    let received = Arc::clone(&tries);
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let tries = Arc::clone(&received);
            let service = service_fn(move |request| receive(Arc::clone(&tries), request));
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
        }
    });
    while !shop.is_done() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.abort();

    let mut by_event: HashMap<String, Vec<(Bytes, bool)>> = HashMap::new();
    for (event, body, signed) in lock(&tries).drain(..) {
        by_event.entry(event).or_default().push((body, signed));
    }
    let forged = by_event.values().filter(|tries| !tries[0].1).count();
    assert_eq!((forged, shop.progress().refused_forgeries), (4, 4));
    for tries in by_event.values() {
        assert_eq!(tries.len(), if tries[0].1 { 3 } else { 1 });
        assert!(tries.iter().all(|again| *again == tries[0]), "the original bytes");
    }
    let ledger = shop.ledger();
    assert_eq!(ledger.orders.len(), 20);
    assert_eq!(ledger.accepted_facts() + forged, by_event.len());
    assert!(ledger.orders.iter().all(|sent| sent.first_sent.is_some() && sent.accepted.iter().all(|a| *a)));
}
