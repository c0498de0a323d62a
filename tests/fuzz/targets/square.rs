//! Square: an order that the API answers with, and a notification with whatever is answered because of it, are told or
//! refused. The first line is the notification (else the cursor of a poll, else there is one line: the order); the
//! next three are what an order, a payment and the catalogue are asked for.
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

fn answer(path: &str, answers: &[Vec<u8>]) -> (u16, Vec<u8>) {
    let kinds = ["/v2/orders", "/v2/payments", "/v2/catalog"];
    let kind = kinds.iter().position(|kind| path.starts_with(kind));
    let found = kind.and_then(|at| answers.get(at)).filter(|answer| !answer.is_empty());
    found.map_or_else(|| (404, b"{}".to_vec()), |answer| (200, answer.clone()))
}

fn told(first: &[u8], answers: &[Vec<u8>]) -> Result<Vec<Event>, Failure> {
    let answers = answers.to_vec();
    let _host = host().otherwise(move |sent| answer(&sent.path, &answers)).install();
    let polls = first.is_empty() || first.starts_with(br#"{"since"#) || first.starts_with(br#"{"page"#);
    if !polls {
        return Square::receive(testing::inbound(&[], first));
    }
    let cursor = String::from_utf8_lossy(first).into_owned();
    Square::poll(Some(cursor).filter(|cursor| !cursor.is_empty()), 50).map(|page| page.events)
}

fn holds(events: &[Event]) {
    for event in events {
        assert_eq!(event.entity.system, "square");
        assert!(!event.occurred_at.is_empty());
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let answers: Vec<Vec<u8>> = lines.map(<[u8]>::to_vec).collect();
    if answers.is_empty() {
        let _host = host().install();
        let settings = Settings::read().expect("the settings are complete");
        match read_order(first, &settings) {
            Ok(events) => holds(&events),
            Err(problem) => assert!(!problem.code.is_empty() && !problem.message.is_empty()),
        }
        return;
    }
    let once = told(first, &answers);
    assert!(told(first, &answers) == once, "the same answers make the same events");
    match once {
        Ok(events) => holds(&events),
        Err(Failure::Rejected(problem)) => assert!(!problem.code.is_empty() && !problem.message.is_empty()),
        // An answer that makes no sense is no fault of the notification: it is asked again.
        Err(_) => {}
    }
});
