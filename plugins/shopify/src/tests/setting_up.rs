//! Whether the shop's webhooks lead here.

use serde_json::{Value, json};

use super::shop::{Shop, asks, shop};
use super::*;
use crate::admin::operations::{RESUBSCRIBE, SUBSCRIBE, SUBSCRIPTIONS, UNSUBSCRIBE};
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

/// Everything as it should be.
fn all() -> Vec<Value> {
    let topics = TOPICS.iter().zip(1..);
    topics.map(|(topic, id)| subscription(id, topic, ADDRESS, Some("crossdock"))).collect()
}

fn listing(subscriptions: &[Value]) -> Value {
    json!({
        "publicApiVersions": [
            { "handle": "2026-04", "supported": true },
            { "handle": "2026-07", "supported": true },
            { "handle": "unstable", "supported": false },
        ],
        "webhookSubscriptions": { "nodes": subscriptions, "pageInfo": { "hasNextPage": false } },
    })
}

fn having(subscriptions: &[Value]) -> Shop {
    shop().answers(&SUBSCRIPTIONS, json!({ "after": null }), listing(subscriptions))
}

fn checks(script: Shop, repair: bool) -> Vec<(String, bool)> {
    let findings = script.runs(|| Shopify::check(ADDRESS.into(), repair)).of.unwrap();
    findings.into_iter().map(|finding| (finding.code, finding.repaired)).collect()
}

fn done(mutation: &str) -> Value {
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
fn nothing_is_said_when_all_is_well() {
    assert_eq!(checks(having(&all()), true), []);
    let mut others = all();
    others.push(subscription(50, "ORDERS_CREATE", "https://crm.test/hook", None));
    others.push(subscription(51, "THEMES_PUBLISH", ADDRESS, None));
    others.push(subscription(52, "ORDERS_PAID", "https://old.test", Some("loyalty")));
    assert_eq!(checks(having(&others), true), [], "what is others' is left alone");
    let mut slash = all();
    slash[0]["uri"] = json!(format!("{ADDRESS}/"));
    assert_eq!(checks(having(&slash), true), []);
}

#[test]
fn pages_of_subscriptions_are_read_to_their_end() {
    let all = all();
    let mut first = listing(&all[..4]);
    first["webhookSubscriptions"]["pageInfo"] = json!({ "hasNextPage": true, "endCursor": "c" });
    let script = shop().answers(&SUBSCRIPTIONS, json!({ "after": null }), first).answers(
        &SUBSCRIPTIONS,
        json!({ "after": "c" }),
        listing(&all[4..]),
    );
    assert_eq!(checks(script, true), []);
}

#[test]
fn what_is_missing_is_subscribed_to() {
    let mut subscriptions = all();
    subscriptions.remove(5);
    assert_eq!(checks(having(&subscriptions), false), [finding("subscription-missing", false)]);
    let wanted = json!({
        "topic": "REFUNDS_CREATE",
        "subscription": { "uri": ADDRESS, "format": "JSON", "name": "crossdock" },
    });
    let script = having(&subscriptions).answers(&SUBSCRIBE, wanted, done("webhookSubscriptionCreate"));
    assert_eq!(checks(script, true), [finding("subscription-missing", true)]);
    let mut script = having(&[]);
    for topic in TOPICS {
        script = script.answers(&SUBSCRIBE, json!({ "topic": topic }), done("webhookSubscriptionCreate"));
    }
    assert_eq!(
        checks(script, true).len(),
        TOPICS.len(),
        "as after retries ran out and Shopify dropped them all"
    );
}

#[test]
fn what_leads_elsewhere_is_led_here() {
    let mut subscriptions = all();
    subscriptions[0]["uri"] = json!(ELSEWHERE);
    assert_eq!(checks(having(&subscriptions), false), [finding("subscription-elsewhere", false)]);
    let wanted = json!({ "id": "gid://shopify/WebhookSubscription/1", "subscription": { "uri": ADDRESS } });
    let script = having(&subscriptions).answers(&RESUBSCRIBE, wanted, done("webhookSubscriptionUpdate"));
    assert_eq!(checks(script, true), [finding("subscription-elsewhere", true)]);
}

#[test]
fn what_is_one_too_many_is_taken_away() {
    let mut subscriptions = all();
    subscriptions.push(subscription(20, "ORDERS_CREATE", ADDRESS, None));
    subscriptions.push(subscription(21, "ORDERS_CREATE", ELSEWHERE, Some("crossdock")));
    subscriptions.push(subscription(22, "THEMES_PUBLISH", ADDRESS, Some("crossdock")));
    let id = |id: u32| json!({ "id": format!("gid://shopify/WebhookSubscription/{id}") });
    let gone = || done("webhookSubscriptionDelete");
    let script = having(&subscriptions)
        .answers(&UNSUBSCRIBE, id(20), gone())
        .answers(&UNSUBSCRIBE, id(21), gone())
        .answers(&UNSUBSCRIBE, id(22), gone());
    let twice = finding("subscription-twice", true);
    assert_eq!(checks(script, true), [twice.clone(), twice, finding("subscription-unneeded", true)]);
    assert_eq!(checks(having(&subscriptions), false).len(), 3);
}

#[test]
fn a_subscription_that_tells_only_a_part_is_made_whole() {
    for (name, value) in
        [("filter", json!("total_price:>100")), ("includeFields", json!(["id"])), ("format", json!("XML"))]
    {
        let mut subscriptions = all();
        subscriptions[1][name] = value;
        let wanted = json!({ "subscription": { "filter": "", "includeFields": [], "format": "JSON" } });
        let script = having(&subscriptions).answers(&RESUBSCRIBE, wanted, done("webhookSubscriptionUpdate"));
        assert_eq!(checks(script, true), [finding("subscription-partial", true)], "{name}");
    }
}

#[test]
fn the_operator_says_which_topics() {
    let only = |subscriptions: &[Value]| {
        having(subscriptions).setting("topics", ["orders/create", "refunds/create"])
    };
    let subscriptions = [all().remove(0), all().remove(5)];
    assert_eq!(checks(only(&subscriptions), true), []);
    assert_eq!(checks(only(&all()), false).len(), 7, "ours that is not wanted any more");
}

#[test]
fn a_refusal_is_a_finding_and_stops_nothing() {
    let refusal = json!({ "webhookSubscriptionCreate": { "userErrors": [
        { "field": ["webhookSubscription", "callbackUrl"], "message": "Address is not allowed" },
    ] } });
    let mut subscriptions = all();
    subscriptions.drain(..2);
    let script = having(&subscriptions)
        .answers(&SUBSCRIBE, json!({ "topic": "ORDERS_CREATE" }), refusal)
        .answers(&SUBSCRIBE, json!({ "topic": "ORDERS_UPDATED" }), done("webhookSubscriptionCreate"));
    let findings = script.runs(|| Shopify::check(ADDRESS.into(), true)).of.unwrap();
    assert_eq!((findings[0].repaired, findings[1].repaired), (false, true));
    assert!(findings[0].message.contains("Address is not allowed"));
    let denied = json!({ "errors": [{ "message": "no", "extensions": { "code": "ACCESS_DENIED" } }] });
    let script = shop().meets(asks(&SUBSCRIPTIONS, json!({})).answer(200, denied));
    assert!(matches!(script.runs(|| Shopify::check(ADDRESS.into(), true)).of, Err(Failure::Unauthorized(_))));
}

#[test]
fn versions_that_end_are_found_before_they_end() {
    let mut unsupported = listing(&all());
    unsupported["publicApiVersions"] = json!([{ "handle": "2027-07", "supported": true }]);
    unsupported["webhookSubscriptions"]["nodes"][3]["apiVersion"]["handle"] = json!("2026-01");
    let script = shop().meets(
        asks(&SUBSCRIPTIONS, json!({}))
            .answer(200, json!({ "data": unsupported }))
            .answer_header("X-Shopify-API-Version", "2027-07")
            .answer_header("X-Shopify-API-Deprecated-Reason", "https://shopify.dev/changelog"),
    );
    let codes: Vec<String> = checks(script, true).into_iter().map(|(code, _)| code).collect();
    assert_eq!(
        codes,
        ["api-version-unsupported", "subscription-version", "api-version-served", "api-deprecated"]
    );
}

#[test]
fn shopify_delivers_to_https_only() {
    let findings =
        having(&[]).runs(|| Shopify::check("http://127.0.0.1:8080/in/shop".into(), true)).of.unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].code.as_str(), findings[0].repaired), ("address-not-https", false));
}
