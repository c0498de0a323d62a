//! Square: an order of the API, and a notification or poll with arbitrary responses, are read or rejected. A single line
//! is an order. Otherwise the first line is the notification or the cursor of a poll, and the next three are the
//! responses to requests for an order, a payment and the catalogue.
#![no_main]

use crossdock_sdk::prelude::*;
use crossdock_sdk::testing;
use libfuzzer_sys::fuzz_target;
use plugin_square::{Settings, Square, read_order};

fn host() -> testing::Host {
    testing::Host::new()
        .setting("merchant", "M1")
        .setting("zone", "America/Chicago")
        .setting("locations", ["L1"])
        .mapping("sku", "VAR-TEA", "TEA-250")
}

fn response(path: &str, responses: &[Vec<u8>]) -> (u16, Vec<u8>) {
    let endpoints = ["/v2/orders", "/v2/payments", "/v2/catalog"];
    let endpoint = endpoints.iter().position(|endpoint| path.starts_with(endpoint));
    let found = endpoint.and_then(|at| responses.get(at)).filter(|response| !response.is_empty());
    found.map_or_else(|| (404, b"{}".to_vec()), |response| (200, response.clone()))
}

fn read(first: &[u8], responses: &[Vec<u8>]) -> Result<Vec<Event>, Failure> {
    let responses = responses.to_vec();
    let _host = host().fallback(move |sent| response(&sent.path, &responses)).install();
    let polls = first.is_empty() || first.starts_with(br#"{"since"#) || first.starts_with(br#"{"page"#);
    if !polls {
        return Square::receive(testing::inbound(&[], first));
    }
    let cursor = String::from_utf8_lossy(first).into_owned();
    Square::poll(Some(cursor).filter(|cursor| !cursor.is_empty()), 50).map(|page| page.events)
}

fn check(events: &[Event]) {
    for event in events {
        assert_eq!(event.entity.system, "square");
        assert!(!event.occurred_at.is_empty());
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let responses: Vec<Vec<u8>> = lines.map(<[u8]>::to_vec).collect();
    if responses.is_empty() {
        let _host = host().install();
        let settings = Settings::read().expect("the settings are complete");
        match read_order(first, &settings) {
            Ok(events) => check(&events),
            Err(problem) => assert!(!problem.code.is_empty() && !problem.message.is_empty()),
        }
        return;
    }
    let result = read(first, &responses);
    assert!(read(first, &responses) == result, "the same responses yield the same events");
    match result {
        Ok(events) => check(&events),
        Err(Failure::Rejected(problem)) => assert!(!problem.code.is_empty() && !problem.message.is_empty()),
        // An invalid response is not the fault of the notification, which is read again later.
        Err(_) => {}
    }
});
