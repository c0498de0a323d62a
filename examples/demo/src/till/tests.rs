use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::client::Client;

const KEY: &str = "square-key";
const SECRET: &str = "poslog-secret";

/// Path, signature and body of everything that arrived.
type Arrived = Arc<Mutex<Vec<(String, String, Bytes)>>>;

/// Takes everything, each body only the second time it is sent.
async fn host(arrived: Arrived) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen: Arc<Mutex<BTreeSet<Bytes>>> = Arc::default();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (arrived, seen) = (Arc::clone(&arrived), Arc::clone(&seen));
            let service = service_fn(move |request: Request<Incoming>| {
                let (arrived, seen) = (Arc::clone(&arrived), Arc::clone(&seen));
                async move {
                    let (head, body) = request.into_parts();
                    let body = body.collect().await.unwrap().to_bytes();
                    let mut response = Response::new(Full::new(Bytes::new()));
                    if lock(&seen).insert(body.clone()) {
                        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                        return Ok::<_, Infallible>(response);
                    }
                    let header = ["x-square-hmacsha256-signature", "x-poslog-signature"];
                    let signed = header.iter().find_map(|name| head.headers.get(*name));
                    let signed = signed.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
                    lock(&arrived).push((head.uri.path().to_owned(), signed, body));
                    Ok(response)
                }
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    url
}

struct Day {
    ledger: Ledger,
    progress: Progress,
    square: Square,
    url: String,
    arrived: Vec<(String, String, Bytes)>,
    files: BTreeMap<String, String>,
}

async fn day(sales: usize) -> Day {
    let arrived = Arrived::default();
    let url = host(Arc::clone(&arrived)).await;
    let folder = std::env::temp_dir().join(format!("crossdock-tills-{}-{sales}", std::process::id()));
    let taken = folder.join("taken");
    std::fs::create_dir_all(&taken).unwrap();
    let options =
        square::Options { merchant: "M1".into(), token: "t".into(), key: KEY.into(), trouble: 0.0, seed: 5 };
    let square = Square::start(options).await.unwrap();
    let options = Options {
        seed: 5,
        sales,
        during: Duration::from_millis(1200),
        folder: folder.clone(),
        poslog: format!("{url}/in/tills"),
        poslog_secret: SECRET.into(),
        square: format!("{url}/in/square"),
    };
    let tills = Tills::start(options, square.clone());
    let mut files = BTreeMap::new();
    loop {
        let done = tills.is_done();
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            if name.ends_with(".xml") {
                files.insert(name, std::fs::read_to_string(entry.path()).unwrap());
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
        if done {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    std::fs::remove_dir_all(&folder).unwrap();
    let arrived = std::mem::take(&mut *lock(&arrived));
    Day { ledger: tills.ledger(), progress: tills.progress(), square, url, arrived, files }
}

#[tokio::test]
async fn every_sale_is_sent_and_signed_and_offline_sales_arrive_late_and_twice() {
    let day = day(12).await;
    assert_eq!(day.ledger.sold.len(), 8 * 12);
    assert!(day.ledger.sold.iter().all(|sold| sold.first_sent.is_some()));
    let Progress { sales, late, doubled, retries, accepted } = day.progress;
    assert!(sales == 96 && late >= 6 && doubled >= 2 && retries > 50 && accepted > 96, "{:?}", day.progress);
    assert!(day.ledger.sold.iter().map(|sold| sold.refunds.len()).sum::<usize>() > 4);
    let date = |sold: &SaleRecord| sold.order.business_date.clone().unwrap();
    let today = day.ledger.sold.iter().map(date).max().unwrap();
    let yesterdays = day.ledger.sold.iter().filter(|sold| date(sold) < today).count() as u64;
    assert_eq!(yesterdays, late, "what is sent late belongs to the day before");
    let voided = day.ledger.sold.iter().filter(|sold| sold.order.state == document::State::Cancelled).count();
    assert!(voided <= 1);
    for (path, signed, body) in &day.arrived {
        let wanted = match path.as_str() {
            "/in/square" => square::signature(KEY.as_bytes(), &format!("{}/in/square", day.url), body),
            _ => poslog::signature(SECRET.as_bytes(), body),
        };
        assert_eq!(*signed, wanted);
    }
    let text: String = day
        .files
        .values()
        .cloned()
        .chain(day.arrived.iter().map(|one| String::from_utf8_lossy(&one.2).into_owned()))
        .collect();
    for sold in &day.ledger.sold {
        let id = sold.order.reference.rsplit('/').next().unwrap();
        let there = match sold.store.style {
            Style::Square => text.contains(&format!("\"order_id\":\"{id}\"")),
            _ => text.contains(&format!("<RetailStoreID>{}</RetailStoreID><WorkstationID>1</WorkstationID><SequenceNumber>{id}</SequenceNumber>", sold.store.id)),
        };
        assert!(there, "{}", sold.order.reference);
    }
}

#[tokio::test]
async fn square_answers_the_orders_it_notified_of_with_the_ledgers_sums() {
    let day = day(6).await;
    let client = Client::new(Duration::from_secs(1), Duration::from_secs(5));
    let ask = async |method: Method, path: &str, body: Value| {
        let (status, answer) =
            client.json(method, &format!("{}{path}", day.square.url()), "t", &body).await.unwrap();
        (status.as_u16(), answer)
    };
    let (mut fetched, mut offline) = (0, 0);
    for sold in day.ledger.sold.iter().filter(|sold| sold.store.style == Style::Square) {
        let id = sold.order.reference.rsplit('/').next().unwrap();
        let (_, answer) = ask(Method::GET, &format!("/v2/orders/{id}"), Value::Null).await;
        let order = &answer["order"];
        assert_eq!(
            (&order["state"], &order["version"], &order["location_id"]),
            (&json!("COMPLETED"), &json!(2), &json!(sold.store.code))
        );
        let cents = |value: &Value| Decimal::new(value["amount"].as_i64().unwrap(), 2);
        assert_eq!(cents(&order["total_money"]), sold.order.total);
        assert_eq!(cents(&order["total_tax_money"]), sold.order.tax);
        let lines: Decimal =
            order["line_items"].as_array().unwrap().iter().map(|line| cents(&line["total_money"])).sum();
        assert_eq!(lines, sold.order.total);
        let payment = order["tenders"][0]["payment_id"].as_str().unwrap();
        let (_, answer) = ask(Method::GET, &format!("/v2/payments/{payment}"), Value::Null).await;
        offline += usize::from(answer["payment"]["is_offline_payment"] == true);
        assert_eq!(
            answer["payment"]["offline_payment_details"].is_object(),
            answer["payment"]["is_offline_payment"] == true
        );
        let article = json!({ "object_ids": [order["line_items"][0]["catalog_object_id"]] });
        let (_, found) = ask(Method::POST, "/v2/catalog/batch-retrieve", article).await;
        assert_eq!(found["objects"][0]["item_variation_data"]["sku"], json!(sold.order.lines[0].sku));
        fetched += 1;
        for refund in &sold.refunds {
            let id = refund.reference.rsplit('/').next().unwrap();
            let (_, answer) = ask(Method::GET, &format!("/v2/orders/{id}"), Value::Null).await;
            assert_eq!(cents(&answer["order"]["refunds"][0]["amount_money"]), refund.amount);
        }
    }
    assert!(fetched == 24 && offline > 0);
    let search = json!({ "location_ids": ["LQ01", "LQ05"], "limit": 5 });
    let (_, first) = ask(Method::POST, "/v2/orders/search", search).await;
    assert!(first["orders"].as_array().unwrap().len() == 5 && first["cursor"] == "5");
    assert_eq!(ask(Method::GET, "/v2/orders/none", Value::Null).await.0, 404);
    assert_eq!(client.json(Method::GET, &day.square.url(), "wrong", &Value::Null).await.unwrap().0, 401);
}

#[test]
fn the_signature_matches_squares_published_example() {
    let body = r#"{"merchant_id":"MLEFBHHSJGVHD","type":"webhooks.test_notification","event_id":"ac3ac95b-f97d-458c-a6e6-18981597e05f","created_at":"2022-07-13T20:30:59.037339943Z","data":{"type":"webhooks","id":"bc368e64-01aa-407e-b46e-3231809b1129"}}"#;
    let url = "https://webhook.site/679a4f3a-dcfa-49ee-bac5-9d0edad886b9";
    let signed = square::signature(b"Ibxx_5AKakO-3qeNVR61Dw", url, body.as_bytes());
    assert_eq!(signed, "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4=");
}

#[test]
fn the_first_sales_contain_each_value_that_the_tables_lack() {
    let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    for seed in 0..50 {
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut first = |id: &str| {
            let store = STORES.iter().find(|store| store.id == id).unwrap();
            Register::new(store, "M1", "r").sell(&mut rng, now)
        };
        assert!(first("S01").lines.iter().any(|line| line.sku == "SOAP-OLIVE"));
        assert!(first("S05").lines.iter().any(|line| line.sku == "APRON-CANVAS"));
        assert_eq!(first("S06").tender, sale::Tender::GiftCard);
    }
}

#[test]
fn a_clock_that_is_ahead_changes_the_time_and_not_the_business_date() {
    let mut rng = SmallRng::seed_from_u64(1);
    let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    let store = STORES.iter().find(|store| store.ahead).unwrap();
    let mut register = Register::new(store, "M1", "r");
    let sale = register.sell(&mut rng, now);
    assert_eq!((sale.date.as_str(), sale.clock.to_string().as_str()), ("2026-11-24", "2026-11-25T12:00:00Z"));
    let voided = register.void(now);
    let text = poslog::document(&[Transaction::Sale(sale.clone()), Transaction::Void(sale.clone(), voided)]);
    assert!(text.contains("<EndDateTime>2026-11-25T12:00:00.000</EndDateTime>"));
    assert!(text.contains("ReasonCode=\"PostVoid\"") && text.contains("<WorkstationID>2</WorkstationID>"));
    let lines: Decimal =
        sale.order().lines.iter().map(|line| line.unit_price * line.quantity + line.tax).sum();
    assert_eq!(lines, sale.order().total);
}
