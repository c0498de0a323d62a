//! POSLog: arbitrary bytes are read or rejected. Reading the same file again yields the same events.
#![no_main]

use crossdock_sdk::prelude::*;
use crossdock_sdk::testing;
use libfuzzer_sys::fuzz_target;
use plugin_poslog::Poslog;

fuzz_target!(|bytes: &[u8]| {
    let _host = testing::Host::new()
        .setting("retailer", "acme")
        .setting("zone", "Europe/Berlin")
        .setting("currency", "EUR")
        .install();
    let read = || Poslog::receive(testing::file("day.xml", bytes));
    match read() {
        Ok(events) => {
            assert!(read().as_ref() == Ok(&events), "the same file yields the same events");
            for event in &events {
                let id = &event.entity.id;
                assert!(!id.is_empty());
                if let Some(order) = event.fact.order() {
                    assert!(!order.lines.is_empty(), "{id} has no lines");
                    assert!(order.natural_key.is_some(), "{id} has no natural key");
                }
            }
        }
        Err(Failure::Rejected(problem)) => assert!(!problem.code.is_empty() && !problem.message.is_empty()),
        Err(other) => panic!("neither read nor rejected: {other:?}"),
    }
});
