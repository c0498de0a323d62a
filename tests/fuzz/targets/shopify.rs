//! Shopify: the body of a webhook is read or refused, under every topic.
#![no_main]

use crossdock_sdk::prelude::*;
use crossdock_sdk::testing;
use libfuzzer_sys::fuzz_target;
use plugin_shopify::Shopify;

const TOPICS: [&str; 4] = ["orders/create", "orders/cancelled", "orders/edited", "refunds/create"];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, body)) = bytes.split_first() else { return };
    let topic = TOPICS[usize::from(*first) % TOPICS.len()];
    let _host = testing::Host::new().setting("shop", "acme.myshopify.com").install();
    let headers = [("x-shopify-topic", topic), ("x-shopify-shop-domain", "acme.myshopify.com")];
    match Shopify::receive(testing::inbound(&headers, body)) {
        Ok(_) => {}
        Err(Failure::Rejected(problem)) => assert!(!problem.code.is_empty()),
        Err(other) => panic!("a body is read or refused: {other:?}"),
    }
});
