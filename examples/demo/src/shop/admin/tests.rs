use std::time::Duration;

use http_body_util::Full;

use super::*;
use crate::client::Client;
use crate::erp::document::State;
use crate::shop::life::{Effect, Life, Plant, Profile, Topic};

const SHOP: &str = "s.myshopify.com";

struct Caller {
    admin: Admin,
    client: Client,
}

impl Caller {
    async fn new(options: Options) -> Self {
        let admin = Admin::start(options).await.unwrap();
        Self { admin, client: Client::new(Duration::from_secs(1), Duration::from_secs(5)) }
    }

    async fn ask(&self, query: &str, variables: Value) -> (u16, Value) {
        let url = format!("{}/admin/api/2026-07/graphql.json", self.admin.url());
        let body = json!({ "query": query, "variables": variables }).to_string();
        let request =
            Request::post(url).header("x-shopify-access-token", "t").body(Full::new(Bytes::from(body)));
        let (status, answer) = self.client.send(request.unwrap()).await.unwrap();
        (status.as_u16(), serde_json::from_slice(&answer).unwrap())
    }

    async fn data(&self, query: &str, variables: Value) -> Value {
        let (status, answer) = self.ask(query, variables).await;
        assert!(status == 200 && answer.get("errors").is_none(), "{answer:#}");
        answer["data"].clone()
    }
}

/// A paid order that goods have to leave for, with a change of the customer's after that.
fn life() -> Life {
    let mut lives =
        (100_000_000..100_020_000).map(|serial| Life::new(SHOP, 1, serial, Plant::Good, Profile::Varied));
    lives
        .find(|life| {
            let last = life.last().unwrap();
            let goods = last.lines.iter().filter(|line| line.ships).count();
            last.state == State::Paid && last.ship_to.is_some() && goods > 1 && life.snapshots.len() > 1
        })
        .unwrap()
}

fn gid_of(life: &Life) -> String {
    gid(life.reference.rsplit('/').next().unwrap())
}

fn gid(id: &str) -> String {
    format!("gid://shopify/Order/{id}")
}

fn body(webhook: &Webhook) -> Value {
    serde_json::from_slice(&webhook.body).unwrap()
}

impl Caller {
    /// The webhooks that are due, as they would be sent now.
    fn webhooks(&self) -> Vec<Webhook> {
        self.admin.take_pending().into_iter().filter_map(|pending| self.admin.webhook(pending)).collect()
    }
}

const GOODS: &str = "query G($id: ID!) { order(id: $id) { displayFulfillmentStatus tags fulfillments(first: 9) { id status trackingInfo(first: 5) { number } }
    fulfillmentOrders(first: 3) { nodes { id status supportedActions { action } assignedLocation { location { id } }
    lineItems(first: 40) { nodes { id remainingQuantity lineItem { id sku variant { id } } } pageInfo { hasNextPage endCursor } } } } } }";
const FULFIL: &str = "mutation F($f: FulfillmentInput!) { fulfillmentCreate(fulfillment: $f) { fulfillment { id name status order { displayFulfillmentStatus } trackingInfo(first: 5) { number } } userErrors { field message } } }";
const TAG: &str = "mutation T($id: ID!, $tags: [String!]!) { tagsAdd(id: $id, tags: $tags) { node { ... on Order { tags } } userErrors { field message } } }";

#[tokio::test]
async fn a_fulfilment_is_created_once_and_reported_by_webhooks() {
    let caller = Caller::new(Options::new("t")).await;
    let life = life();
    let last = life.facts.iter().rposition(|fact| matches!(fact.effect, Effect::Order(_))).unwrap();
    caller.admin.body(&life, last).unwrap();
    let id = gid_of(&life);
    let order = caller.data(GOODS, json!({ "id": id })).await["order"].clone();
    assert_eq!(order["displayFulfillmentStatus"], "UNFULFILLED");
    let of = &order["fulfillmentOrders"]["nodes"][0];
    let lines = of["lineItems"]["nodes"].as_array().unwrap().clone();
    assert!(lines.len() > 1 && of["supportedActions"][0]["action"] == "CREATE_FULFILLMENT");

    let part = |line: &Value| json!({ "id": line["id"], "quantity": line["remainingQuantity"] });
    let parcel = |items: Value, number: &str| {
        json!({ "f": { "lineItemsByFulfillmentOrder": [{ "fulfillmentOrderId": of["id"], "fulfillmentOrderLineItems": items }],
            "trackingInfo": { "company": "UPS", "numbers": [number] } } })
    };
    let first = caller.data(FULFIL, parcel(json!([part(&lines[0])]), "1Z1")).await;
    assert_eq!(
        first["fulfillmentCreate"]["fulfillment"]["order"]["displayFulfillmentStatus"],
        "PARTIALLY_FULFILLED"
    );
    let again = caller.data(FULFIL, parcel(json!([part(&lines[0])]), "1Z1")).await;
    assert_eq!(again["fulfillmentCreate"]["fulfillment"], Value::Null);
    assert!(again["fulfillmentCreate"]["userErrors"][0]["message"].as_str().unwrap().contains("quantity"));
    let mut webhooks = caller.webhooks();
    let rest: Vec<_> = lines[1..].iter().map(part).collect();
    caller.data(FULFIL, parcel(rest.into(), "1Z2")).await;
    let order = caller.data(GOODS, json!({ "id": id })).await["order"].clone();
    assert_eq!(
        (&order["displayFulfillmentStatus"], order["fulfillments"].as_array().unwrap().len()),
        (&json!("FULFILLED"), 2)
    );
    assert_eq!(caller.admin.writes(), Writes { done: 2, unchanged: 0, refused: 1 });

    webhooks.extend(caller.webhooks());
    let topics: Vec<_> = webhooks.iter().map(|webhook| webhook.topic).collect();
    assert_eq!(topics, [Topic::FulfilmentCreated, Topic::Updated, Topic::FulfilmentCreated, Topic::Updated]);
    assert_eq!(body(&webhooks[0])["tracking_number"], "1Z1");
    let (partly, wholly) = (body(&webhooks[1]), body(&webhooks[3]));
    assert_eq!(
        (&partly["fulfillment_status"], &wholly["fulfillment_status"]),
        (&json!("partial"), &json!("fulfilled"))
    );
    assert!(partly["updated_at"].as_str() < wholly["updated_at"].as_str());
}

#[tokio::test]
async fn writes_of_others_are_in_later_changes_by_the_customer_and_not_in_earlier_ones() {
    let caller = Caller::new(Options::new("t")).await;
    let life = life();
    let snapshot =
        |wanted: usize| life.facts.iter().position(|fact| fact.effect == Effect::Order(wanted)).unwrap();
    let first = caller.admin.body(&life, snapshot(0)).unwrap();
    let tag = || json!({ "id": gid_of(&life), "tags": ["erp:accepted"] });
    caller.data(TAG, tag()).await;
    let tagged = caller.data(TAG, tag()).await;
    assert!(tagged["tagsAdd"]["node"]["tags"].as_array().unwrap().contains(&json!("erp:accepted")));
    assert_eq!(caller.admin.writes(), Writes { done: 1, unchanged: 1, refused: 0 });
    let webhooks = caller.webhooks();
    assert_eq!(webhooks.len(), 1, "a write that changes nothing causes no webhook");
    let before: Value = serde_json::from_slice(&first).unwrap();
    let echo = body(&webhooks[0]);
    assert_eq!(
        echo["tags"].as_str().unwrap(),
        format!("{}, {}", "demo, erp:accepted", "market-home, spring sale")
            .as_str()
            .replace("market-home", life.market().tag())
    );
    assert_eq!(echo["line_items"], before["line_items"]);
    let later: Value = serde_json::from_slice(&caller.admin.body(&life, snapshot(1)).unwrap()).unwrap();
    assert!(later["tags"].as_str().unwrap().contains("erp:accepted"));
    let at = |value: &Value| value["updated_at"].as_str().unwrap().parse::<Timestamp>().unwrap();
    assert!(at(&before) < at(&echo) && at(&echo) < at(&later));
    assert_eq!(
        caller.admin.body(&life, snapshot(0)).unwrap(),
        first,
        "the same change always has the same body"
    );
}

const LEVEL: &str = "query L($query: String!, $location: ID!, $name: String!) { productVariants(first: 10, query: $query) { nodes { id sku
    inventoryItem { id tracked inventoryLevel(locationId: $location) { quantities(names: [$name]) { quantity } } } } } }";
const SET: &str = "mutation S($input: InventorySetQuantitiesInput!, $key: String!) { inventorySetQuantities(input: $input) @idempotent(key: $key) { inventoryAdjustmentGroup { id } userErrors { code field message } } }";

#[tokio::test]
async fn stock_is_set_with_compare_and_a_key_or_not_at_all() {
    let caller = Caller::new(Options { pieces: 5, ..Options::new("t") }).await;
    let location = format!("gid://shopify/Location/{}", crate::shop::catalogue::LOCATIONS[1]);
    let variables = json!({ "query": "sku:'MUG-STONE-02'", "location": location, "name": "available" });
    let found =
        caller.data(LEVEL, variables.clone()).await["productVariants"]["nodes"][0]["inventoryItem"].clone();
    assert_eq!(found["inventoryLevel"]["quantities"], json!([{ "quantity": 5 }]));
    let set = |from: Value, to: i64, key: &str| {
        let one = json!({ "inventoryItemId": found["id"], "locationId": location, "quantity": to, "changeFromQuantity": from });
        json!({ "input": { "name": "available", "reason": "correction", "quantities": [one] }, "key": key })
    };
    let errors = |answer: &Value| answer["inventorySetQuantities"]["userErrors"].clone();
    assert_eq!(errors(&caller.data(SET, set(json!(5), 3, "a")).await), json!([]));
    assert_eq!(
        errors(&caller.data(SET, set(json!(5), 3, "a")).await),
        json!([]),
        "the same request again is done once"
    );
    assert_eq!(
        errors(&caller.data(SET, set(json!(3), 2, "a")).await)[0]["code"],
        "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
    );
    assert_eq!(
        errors(&caller.data(SET, set(json!(9), 2, "b")).await)[0]["code"],
        "CHANGE_FROM_QUANTITY_STALE"
    );
    let (_, unkeyed) = caller.ask(&SET.replace(" @idempotent(key: $key)", ""), set(json!(3), 2, "c")).await;
    assert!(unkeyed["errors"][0]["message"].as_str().unwrap().contains("@idempotent"));
    assert_eq!(caller.admin.stock()[&("MUG-STONE-02".to_owned(), crate::shop::catalogue::LOCATIONS[1])], 3);
    assert_eq!(caller.admin.writes(), Writes { done: 1, unchanged: 0, refused: 2 });
    let webhooks = caller.webhooks();
    assert_eq!((webhooks.len(), webhooks[0].topic), (1, Topic::StockSet));
    assert_eq!(
        (&body(&webhooks[0])["available"], &body(&webhooks[0])["inventory_item_id"]),
        (&json!(3), &json!(state::item_id(1)))
    );
}

#[tokio::test]
async fn rate_limit_points_run_out_and_refill_and_wrong_tokens_are_refused() {
    let caller = Caller::new(Options { points: 60.0, refill: 100.0, ..Options::new("t") }).await;
    let query = "query L($query: String!) { productVariants(first: 10, query: $query) { nodes { id } } }";
    let mut throttled = None;
    for _ in 0..30 {
        let (_, answer) = caller.ask(query, json!({ "query": "sku:'x'" })).await;
        throttled = throttled.or(answer.get("errors").is_some().then_some(answer));
    }
    let throttled = throttled.unwrap();
    assert_eq!(throttled["errors"][0]["extensions"]["code"], "THROTTLED");
    assert_eq!(throttled["extensions"]["cost"]["throttleStatus"]["restoreRate"], 100.0);
    tokio::time::sleep(Duration::from_millis(500)).await;
    caller.data(query, json!({ "query": "sku:'x'" })).await;
    let (status, wrong) = caller.ask("{ shop { colour } }", json!({})).await;
    assert!(status == 200 && wrong["errors"][0]["message"].as_str().unwrap().contains("colour"));
    assert_eq!(caller.admin.traffic().wrong, 1);
    let url = format!("{}/admin/api/2026-07/graphql.json", caller.admin.url());
    let request = Request::post(url).body(Full::new(Bytes::new())).unwrap();
    assert_eq!(caller.client.send(request).await.unwrap().0, 401);
}

#[tokio::test]
async fn webhooks_are_registered_once_and_orders_cancelled_once() {
    let caller = Caller::new(Options::new("t")).await;
    let subscribe = "mutation S($topic: WebhookSubscriptionTopic!, $s: WebhookSubscriptionInput!) { webhookSubscriptionCreate(topic: $topic, webhookSubscription: $s) { webhookSubscription { id } userErrors { field message } } }";
    let variables = json!({ "topic": "ORDERS_UPDATED", "s": { "uri": "https://x/in/shopify" } });
    let made = caller.data(subscribe, variables.clone()).await;
    assert!(made["webhookSubscriptionCreate"]["webhookSubscription"]["id"].is_string());
    let twice = caller.data(subscribe, variables).await;
    assert!(
        twice["webhookSubscriptionCreate"]["userErrors"][0]["message"].as_str().unwrap().contains("taken")
    );
    let all = "{ webhookSubscriptions(first: 100) { nodes { topic uri apiVersion { handle } } pageInfo { hasNextPage } } publicApiVersions { handle supported } }";
    let all = caller.data(all, json!({})).await;
    assert_eq!(all["webhookSubscriptions"]["nodes"][0]["uri"], "https://x/in/shopify");
    assert_eq!(all["publicApiVersions"][0]["handle"], "2026-07");

    let life = life();
    caller.admin.body(&life, 0).unwrap();
    let cancel = "mutation C($id: ID!) { orderCancel(orderId: $id, reason: OTHER, restock: false, notifyCustomer: false) { job { done } orderCancelUserErrors { code message } } }";
    let id = json!({ "id": gid_of(&life) });
    assert_eq!(caller.data(cancel, id.clone()).await["orderCancel"]["job"]["done"], true);
    assert_eq!(
        caller.data(cancel, id.clone()).await["orderCancel"]["orderCancelUserErrors"][0]["code"],
        "INVALID"
    );
    let webhooks = caller.webhooks();
    assert_eq!((webhooks.len(), webhooks[0].topic), (2, Topic::Cancelled));
    assert!(body(&webhooks[0])["cancelled_at"].is_string());
    let fields = "mutation M($m: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $m) { userErrors { code message } } }";
    let one = |digest: Value| json!({ "m": [{ "ownerId": id["id"], "namespace": "crossdock", "key": "invoice", "type": "single_line_text_field", "value": "IN-1", "compareDigest": digest }] });
    assert_eq!(caller.data(fields, one(Value::Null)).await["metafieldsSet"]["userErrors"], json!([]));
    assert_eq!(
        caller.data(fields, one(Value::Null)).await["metafieldsSet"]["userErrors"][0]["code"],
        "STALE_OBJECT"
    );
    let shown = "query O($id: ID!) { order(id: $id) { cancelledAt metafield(namespace: \"crossdock\", key: \"invoice\") { value compareDigest } } }";
    let shown = caller.data(shown, id).await;
    assert_eq!(shown["order"]["metafield"]["value"], "IN-1");
    assert_eq!(shown["order"]["metafield"]["compareDigest"], answer::digest("IN-1"));
}
