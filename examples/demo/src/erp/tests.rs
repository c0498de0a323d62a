use std::time::Duration;

use hyper::Method;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::document::{Line, Order, State};
use super::*;
use crate::client::Client;

/// A small order that balances.
pub(crate) fn order(reference: &str) -> Order {
    Order {
        reference: reference.to_owned(),
        source_version: None,
        ordered_at: "2026-07-14T10:31:22-04:00".to_owned(),
        currency: "USD".to_owned(),
        customer: None,
        ship_to: None,
        warehouse: None,
        business_date: None,
        payments: vec![],
        lines: vec![Line {
            line: "L1".to_owned(),
            sku: Some("MUG".to_owned()),
            title: None,
            quantity: Decimal::TWO,
            unit_price: Decimal::new(500, 2),
            discount: Decimal::ZERO,
            tax: Decimal::ZERO,
            ships: true,
        }],
        shipping: Decimal::ZERO,
        shipping_tax: Decimal::ZERO,
        tips: Decimal::ZERO,
        duties: Decimal::ZERO,
        rounding: Decimal::ZERO,
        tax_included: false,
        total: Decimal::new(1000, 2),
        tax: Decimal::ZERO,
        state: State::Open,
    }
}

struct Caller {
    client: Client,
    url: String,
}

impl Caller {
    fn new(erp: &Erp) -> Self {
        Self { client: Client::new(Duration::from_secs(1), Duration::from_secs(10)), url: erp.url() }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<(u16, Value), crate::client::Error> {
        let url = format!("{}{path}", self.url);
        self.client.json(method, &url, "t", &body).await.map(|(status, body)| (status.as_u16(), body))
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, body).await.unwrap()
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, Value::Null).await.unwrap()
    }
}

fn json_order(reference: &str) -> Value {
    serde_json::to_value(order(reference)).unwrap()
}

async fn erp(weather: Weather) -> Erp {
    Erp::start(Options { weather, ..Options::stormy("t", 1) }).await.unwrap()
}

#[tokio::test]
async fn the_life_of_a_document() {
    let erp = erp(Weather::calm()).await;
    let caller = Caller::new(&erp);
    let (status, made) = caller.post("/orders", json_order("shop/1")).await;
    assert_eq!((status, &made), (201, &json!({"id": "SO-1", "lines": [{"line": "L1", "id": "SO-1-1"}]})));
    let (_, again) = caller.post("/orders", json_order("shop/1")).await;
    assert_eq!(again["id"], "SO-2", "there is no unique key");
    let (_, found) = caller.get("/orders?reference=shop%2F1").await;
    assert_eq!(found["orders"].as_array().unwrap().len(), 2);
    assert_eq!(found["orders"][0]["lines"][0]["id"], "SO-1-1");

    let mut paid = order("shop/1");
    paid.state = State::Paid;
    paid.source_version = Some("v2".to_owned());
    let (status, _) =
        caller.call(Method::PUT, "/orders/SO-1", serde_json::to_value(&paid).unwrap()).await.unwrap();
    assert_eq!(status, 200);
    let (_, got) = caller.get("/orders/SO-1").await;
    assert_eq!(
        (&got["state"], &got["sourceVersion"], &got["id"]),
        (&json!("paid"), &json!("v2"), &json!("SO-1"))
    );

    let refund = json!({"reference": "shop/r1", "amount": "5.00",
        "lines": [{"line": "L1", "quantity": 1, "restockType": "return"}]});
    assert_eq!(caller.post("/orders/SO-1/refunds", refund.clone()).await, (201, json!({"id": "CR-1"})));
    assert_eq!(caller.post("/orders/SO-9/refunds", refund).await.0, 404);
    let (_, found) = caller.get("/refunds?reference=shop/r1").await;
    assert_eq!((&found["refunds"][0]["id"], &found["refunds"][0]["order"]), (&json!("CR-1"), &json!("SO-1")));

    for _ in 0..2 {
        assert_eq!(caller.post("/orders/SO-1/cancel", Value::Null).await.0, 200);
    }
    assert_eq!(caller.get("/orders/SO-1").await.1["state"], "cancelled");
    assert_eq!(caller.post("/orders/SO-9/cancel", Value::Null).await.0, 404);
    assert_eq!(erp.held().orders.len(), 2);
}

#[tokio::test]
async fn bad_requests_get_an_error_with_a_message() {
    let erp = erp(Weather::calm()).await;
    let caller = Caller::new(&erp);
    let mut unknown = order("r");
    unknown.lines[0].sku = Some("UNKNOWN-7".to_owned());
    let (status, problem) = caller.post("/orders", serde_json::to_value(unknown).unwrap()).await;
    assert_eq!(
        (status, &problem["code"], &problem["field"]),
        (422, &json!("unknown-sku"), &json!("lines[0].sku"))
    );
    let (status, problem) = caller.post("/orders", json!({"reference": "r"})).await;
    assert_eq!((status, &problem["code"]), (400, &json!("malformed")));
    assert!(problem["message"].as_str().unwrap().contains("missing field"));
    assert_eq!(caller.get("/orders").await.0, 400);
    assert_eq!(caller.get("/elsewhere").await.0, 404);
    let url = format!("{}/orders/SO-1", erp.url());
    assert_eq!(caller.client.json(Method::GET, &url, "wrong", &Value::Null).await.unwrap().0, 401);
    assert_eq!(erp.held().orders.len(), 0);
}

#[tokio::test]
async fn a_dropped_connection_has_committed() {
    let erp = erp(Weather { drop_after_commit: 1.0, ..Weather::calm() }).await;
    let caller = Caller::new(&erp);
    let answer = caller.call(Method::POST, "/orders", json_order("r")).await;
    assert!(matches!(answer, Err(crate::client::Error::Send(_))), "{answer:?}");
    assert_eq!(erp.order_count(), 1);
    assert_eq!(caller.get("/orders/SO-1").await.0, 200, "reads are answered");
    assert_eq!(erp.call_counts().dropped_after_commit, 1);
}

#[tokio::test]
async fn a_request_that_was_read_is_carried_out_though_the_caller_is_gone() {
    let slow = Duration::from_millis(300);
    let erp = erp(Weather { latency: (slow, slow), ..Weather::calm() }).await;
    let impatient = Client::new(Duration::from_secs(1), Duration::from_millis(20));
    let url = format!("{}/orders", erp.url());
    assert!(impatient.json(Method::POST, &url, "t", &json_order("r")).await.is_err());
    assert_eq!(erp.open_requests(), 1, "and it is counted while it is in flight");
    tokio::time::sleep(slow * 2).await;
    assert_eq!((erp.order_count(), erp.open_requests()), (1, 0));
}

#[tokio::test]
async fn throttling_has_a_retry_after_and_the_search_lags() {
    let lag = Duration::from_millis(800);
    let erp = erp(Weather { throttle_per_s: Some(20), search_lag: lag, ..Weather::calm() }).await;
    let caller = Caller::new(&erp);
    for n in 0..8 {
        assert_eq!(caller.post("/orders", json_order(&format!("r{n}"))).await.0, 201);
    }
    let mut hidden = 0;
    for n in 0..8 {
        let (status, found) = caller.get(&format!("/orders?reference=r{n}")).await;
        assert_eq!(status, 200);
        hidden += usize::from(found["orders"].as_array().unwrap().is_empty());
    }
    assert!(hidden > 0, "a search right after the commits misses some");
    assert_eq!(caller.get("/orders/SO-8").await.0, 200, "by id it is found at once");
    let mut throttled = 0;
    for _ in 0..20 {
        throttled += usize::from(caller.get("/orders/SO-1").await.0 == 429);
    }
    assert!(throttled > 0);
    tokio::time::sleep(lag + Duration::from_millis(300)).await;
    assert_eq!(caller.get("/orders?reference=r7").await.1["orders"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_feed_lists_changes_and_goods_leave_by_themselves() {
    let mug = stock::Article { number: "MUG".into(), title: "Mug".into(), price: Decimal::TEN, pieces: 9 };
    let shelves = Shelves { warehouses: vec!["C1".into()], articles: vec![mug] };
    let fulfil_after = Some(Duration::from_millis(40));
    let weather = Weather::calm();
    let erp =
        Erp::start(Options { weather, shelves, fulfil_after, ..Options::stormy("t", 1) }).await.unwrap();
    let caller = Caller::new(&erp);
    let (_, first) = caller.get("/changes").await;
    let kinds: Vec<_> = first["changes"].as_array().unwrap().iter().map(|one| one["type"].clone()).collect();
    assert_eq!(kinds, ["product", "price", "stock"]);
    assert_eq!((&first["next"], &first["more"]), (&json!(3), &json!(false)));
    let mut order = order("shop/1");
    order.state = State::Paid;
    order.ship_to = Some(document::Address::default());
    caller.post("/orders", serde_json::to_value(order).unwrap()).await;
    while erp.unshipped() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (_, page) = caller.get("/changes?after=3&limit=500").await;
    let parcel = &page["changes"].as_array().unwrap().iter().find(|one| one["type"] == "shipment").unwrap()["shipment"];
    assert_eq!((&parcel["reference"], &parcel["lines"][0]["line"]), (&json!("shop/1"), &json!("L1")));
    assert!(parcel["tracking"].as_str().unwrap().starts_with("1Z"));
    assert_eq!(erp.stock()[&("MUG".to_owned(), "C1".to_owned())], Decimal::from(7));
    let mut elsewhere = serde_json::to_value(self::order("shop/2")).unwrap();
    elsewhere["warehouse"] = json!("L1");
    let (status, problem) = caller.post("/orders", elsewhere).await;
    assert_eq!((status, &problem["code"]), (422, &json!("unknown-warehouse")));
    assert_eq!(page["next"], erp.changes());
    assert_eq!(caller.get("/changes?after=x").await.0, 400);
}
