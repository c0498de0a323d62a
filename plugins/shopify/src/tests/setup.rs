//! Checks and repairs of webhook subscriptions.

use serde_json::{Value, json};

use super::shop::{Shop, request_of, shop};
use super::*;
use crate::admin::operations::{
    CREATE_SUBSCRIPTION, DELETE_SUBSCRIPTION, SUBSCRIPTIONS, UPDATE_SUBSCRIPTION,
};
use crate::setup::TOPICS;

const ADDRESS: &str = "https://crossdock.test/in/shopify-us";
const ELSEWHERE: &str = "https://old.test/in/shopify-us";

fn subscription(id: u32, topic: &str, uri: &str, name: Option<&str>) -> Value {
    json!({
        "id": format!("gid://shopify/WebhookSubscription/{id}"),
        "topic": topic,
        "uri": uri,
        "name": name,
        "format": "JSON",
        "filter": "",
        "includeFields": [],
        "apiVersion": { "handle": "2026-07" },
    })
}

/// The required subscriptions.
fn required() -> Vec<Value> {
    let topics = TOPICS.iter().zip(1..);
    topics.map(|(topic, id)| subscription(id, topic, ADDRESS, Some("crossdock"))).collect()
}

fn data(subscriptions: &[Value]) -> Value {
    json!({
        "publicApiVersions": [
            { "handle": "2026-04", "supported": true },
            { "handle": "2026-07", "supported": true },
            { "handle": "unstable", "supported": false },
        ],
        "webhookSubscriptions": { "nodes": subscriptions, "pageInfo": { "hasNextPage": false } },
    })
}

fn shop_with(subscriptions: &[Value]) -> Shop {
    shop().responds(&SUBSCRIPTIONS, json!({ "after": null }), data(subscriptions))
}

fn checks(script: Shop, repair: bool) -> Vec<(String, bool)> {
    let findings = script.runs(|| Shopify::check(ADDRESS.into(), repair)).result.unwrap();
    findings.into_iter().map(|finding| (finding.code, finding.repaired)).collect()
}

fn payload(mutation: &str) -> Value {
    let subscription = json!({ "id": "gid://shopify/WebhookSubscription/99" });
    match mutation {
        "webhookSubscriptionDelete" => {
            json!({ mutation: { "deletedWebhookSubscriptionId": "gid://shopify/WebhookSubscription/9", "userErrors": [] } })
        }
        _ => json!({ mutation: { "webhookSubscription": subscription, "userErrors": [] } }),
    }
}

fn finding(code: &str, repaired: bool) -> (String, bool) {
    (code.into(), repaired)
}

#[test]
fn there_are_no_findings_when_all_subscriptions_are_valid() {
    assert_eq!(checks(shop_with(&required()), true), []);
    let mut others = required();
    others.push(subscription(50, "ORDERS_CREATE", "https://crm.test/hook", None));
    others.push(subscription(51, "THEMES_PUBLISH", ADDRESS, None));
    others.push(subscription(52, "ORDERS_PAID", "https://old.test", Some("loyalty")));
    assert_eq!(checks(shop_with(&others), true), [], "what is others' is left alone");
    let mut slash = required();
    slash[0]["uri"] = json!(format!("{ADDRESS}/"));
    assert_eq!(checks(shop_with(&slash), true), []);
}

#[test]
fn all_pages_of_subscriptions_are_read() {
    let all = required();
    let mut first = data(&all[..4]);
    first["webhookSubscriptions"]["pageInfo"] = json!({ "hasNextPage": true, "endCursor": "c" });
    let script = shop().responds(&SUBSCRIPTIONS, json!({ "after": null }), first).responds(
        &SUBSCRIPTIONS,
        json!({ "after": "c" }),
        data(&all[4..]),
    );
    assert_eq!(checks(script, true), []);
}

#[test]
fn a_missing_subscription_is_created() {
    let mut subscriptions = required();
    subscriptions.remove(5);
    assert_eq!(checks(shop_with(&subscriptions), false), [finding("subscription-missing", false)]);
    let variables = json!({
        "topic": "REFUNDS_CREATE",
        "subscription": { "uri": ADDRESS, "format": "JSON", "name": "crossdock" },
    });
    let script = shop_with(&subscriptions).responds(
        &CREATE_SUBSCRIPTION,
        variables,
        payload("webhookSubscriptionCreate"),
    );
    assert_eq!(checks(script, true), [finding("subscription-missing", true)]);
    let mut script = shop_with(&[]);
    for topic in TOPICS {
        script = script.responds(
            &CREATE_SUBSCRIPTION,
            json!({ "topic": topic }),
            payload("webhookSubscriptionCreate"),
        );
    }
    assert_eq!(
        checks(script, true).len(),
        TOPICS.len(),
        "as after retries ran out and Shopify dropped them all"
    );
}

#[test]
fn a_subscription_to_another_address_is_updated() {
    let mut subscriptions = required();
    subscriptions[0]["uri"] = json!(ELSEWHERE);
    assert_eq!(checks(shop_with(&subscriptions), false), [finding("subscription-elsewhere", false)]);
    let variables =
        json!({ "id": "gid://shopify/WebhookSubscription/1", "subscription": { "uri": ADDRESS } });
    let script = shop_with(&subscriptions).responds(
        &UPDATE_SUBSCRIPTION,
        variables,
        payload("webhookSubscriptionUpdate"),
    );
    assert_eq!(checks(script, true), [finding("subscription-elsewhere", true)]);
}

#[test]
fn duplicate_and_unneeded_subscriptions_are_deleted() {
    let mut subscriptions = required();
    subscriptions.push(subscription(20, "ORDERS_CREATE", ADDRESS, None));
    subscriptions.push(subscription(21, "ORDERS_CREATE", ELSEWHERE, Some("crossdock")));
    subscriptions.push(subscription(22, "THEMES_PUBLISH", ADDRESS, Some("crossdock")));
    let id = |id: u32| json!({ "id": format!("gid://shopify/WebhookSubscription/{id}") });
    let gone = || payload("webhookSubscriptionDelete");
    let script = shop_with(&subscriptions)
        .responds(&DELETE_SUBSCRIPTION, id(20), gone())
        .responds(&DELETE_SUBSCRIPTION, id(21), gone())
        .responds(&DELETE_SUBSCRIPTION, id(22), gone());
    let twice = finding("subscription-twice", true);
    assert_eq!(checks(script, true), [twice.clone(), twice, finding("subscription-unneeded", true)]);
    assert_eq!(checks(shop_with(&subscriptions), false).len(), 3);
}

#[test]
fn a_partial_subscription_is_updated() {
    for (name, value) in
        [("filter", json!("total_price:>100")), ("includeFields", json!(["id"])), ("format", json!("XML"))]
    {
        let mut subscriptions = required();
        subscriptions[1][name] = value;
        let variables = json!({ "subscription": { "filter": "", "includeFields": [], "format": "JSON" } });
        let script = shop_with(&subscriptions).responds(
            &UPDATE_SUBSCRIPTION,
            variables,
            payload("webhookSubscriptionUpdate"),
        );
        assert_eq!(checks(script, true), [finding("subscription-partial", true)], "{name}");
    }
}

#[test]
fn the_topics_are_configurable() {
    let only = |subscriptions: &[Value]| {
        shop_with(subscriptions).setting("topics", ["orders/create", "refunds/create"])
    };
    let subscriptions = [required().remove(0), required().remove(5)];
    assert_eq!(checks(only(&subscriptions), true), []);
    assert_eq!(
        checks(only(&required()), false).len(),
        7,
        "own subscriptions to other topics are superfluous"
    );
}

#[test]
fn a_refused_repair_is_a_finding() {
    let refusal = json!({ "webhookSubscriptionCreate": { "userErrors": [
        { "field": ["webhookSubscription", "callbackUrl"], "message": "Address is not allowed" },
    ] } });
    let mut subscriptions = required();
    subscriptions.drain(..2);
    let script = shop_with(&subscriptions)
        .responds(&CREATE_SUBSCRIPTION, json!({ "topic": "ORDERS_CREATE" }), refusal)
        .responds(
            &CREATE_SUBSCRIPTION,
            json!({ "topic": "ORDERS_UPDATED" }),
            payload("webhookSubscriptionCreate"),
        );
    let findings = script.runs(|| Shopify::check(ADDRESS.into(), true)).result.unwrap();
    assert_eq!((findings[0].repaired, findings[1].repaired), (false, true));
    assert!(findings[0].message.contains("Address is not allowed"));
    let denied = json!({ "errors": [{ "message": "no", "extensions": { "code": "ACCESS_DENIED" } }] });
    let script = shop().expects(request_of(&SUBSCRIPTIONS, json!({})).respond(200, denied));
    assert!(matches!(
        script.runs(|| Shopify::check(ADDRESS.into(), true)).result,
        Err(Failure::Unauthorized(_))
    ));
}

#[test]
fn unsupported_versions_and_deprecations_are_findings() {
    let mut unsupported = data(&required());
    unsupported["publicApiVersions"] = json!([{ "handle": "2027-07", "supported": true }]);
    unsupported["webhookSubscriptions"]["nodes"][3]["apiVersion"]["handle"] = json!("2026-01");
    let script = shop().expects(
        request_of(&SUBSCRIPTIONS, json!({}))
            .respond(200, json!({ "data": unsupported }))
            .response_header("X-Shopify-API-Version", "2027-07")
            .response_header("X-Shopify-API-Deprecated-Reason", "https://shopify.dev/changelog"),
    );
    let codes: Vec<String> = checks(script, true).into_iter().map(|(code, _)| code).collect();
    assert_eq!(
        codes,
        ["api-version-unsupported", "subscription-version", "api-version-served", "api-deprecated"]
    );
}

#[test]
fn an_address_without_https_is_a_finding() {
    let findings =
        shop_with(&[]).runs(|| Shopify::check("http://127.0.0.1:8080/in/shop".into(), true)).result.unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].code.as_str(), findings[0].repaired), ("address-not-https", false));
}
