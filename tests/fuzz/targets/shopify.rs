//! Shopify: a webhook's body is read or rejected, under every supported topic, under others, and without a topic. The
//! first byte selects the topic.
#![no_main]

use crossdock_sdk::prelude::*;
use crossdock_sdk::testing;
use libfuzzer_sys::fuzz_target;
use plugin_shopify::Shopify;

/// All supported topics, one that is rejected, and one that is ignored.
const TOPICS: [&str; 11] = [
    "orders/create",
    "orders/updated",
    "orders/paid",
    "orders/cancelled",
    "orders/edited",
    "refunds/create",
    "fulfillments/create",
    "fulfillments/update",
    "inventory_levels/update",
    "disputes/create",
    "themes/publish",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, body)) = bytes.split_first() else { return };
    // Without a topic, the wrapper object of a fetched resource names its type.
    let topic = TOPICS.get(usize::from(first.wrapping_sub(b'0')) % (TOPICS.len() + 1)).copied();
    let _host = testing::Host::new().setting("shop", "acme.myshopify.com").install();
    let shop = ("x-shopify-shop-domain", "acme.myshopify.com");
    let headers: Vec<_> = topic.map(|topic| ("x-shopify-topic", topic)).into_iter().chain([shop]).collect();
    match Shopify::receive(testing::inbound(&headers, body)) {
        Ok(_) => {}
        Err(Failure::Rejected(problem)) => assert!(!problem.code.is_empty()),
        Err(other) => panic!("neither read nor rejected: {other:?}"),
    }
});
