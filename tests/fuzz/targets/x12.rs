//! X12 inbound: arbitrary bytes are read or rejected. A rejection has a code; reading the same file again yields the
//! same events; and the acknowledgement written in response is an interchange that can be parsed.
#![no_main]

use crossdock_sdk::prelude::*;
use crossdock_sdk::testing;
use libfuzzer_sys::fuzz_target;
use plugin_erp_x12::{X12Erp, x12};

fn host() -> testing::Host {
    let order = testing::entity(EntityKind::Order, "1001");
    let line = |line: &str, id: &str| LineReference { line: line.into(), id: id.into() };
    let known = Reference {
        lines: vec![line("11", "1"), line("12", "2")],
        ..Reference::new("purchase-order", "1001")
    };
    testing::Host::new()
        .setting("own-id", "RETAILER")
        .setting("partner-id", "LEGACY")
        .setting("zone", "America/Chicago")
        .setting("warehouse", "W1")
        .setting("currency", "USD")
        .reference(order.clone(), known)
        .reference(order, Reference::new("message", "23/1"))
}

fn read(bytes: &[u8]) -> (Result<Vec<Event>, Failure>, Vec<(String, Vec<u8>)>) {
    let host = host().install();
    (X12Erp::receive(testing::file("in.edi", bytes)), host.files())
}

/// The file with corrected counts and control numbers in its trailers, so that its content is reached. The header
/// defines the separators.
fn with_valid_trailers(bytes: &[u8]) -> Vec<u8> {
    let text = x12::text(bytes);
    let header: Vec<char> = text.trim_start().chars().take(106).collect();
    let (Some(element), Some(end)) = (header.get(3).copied(), header.get(105).copied()) else {
        return bytes.to_vec();
    };
    let control: String = header.get(90..99).unwrap_or_default().iter().collect();
    let (mut out, mut sets, mut groups, mut segments) = (String::new(), 0_usize, 0_usize, 0_usize);
    let (mut set, mut group) = (String::new(), String::new());
    for segment in text.split_inclusive(end) {
        let name = segment.trim_start().trim_end_matches(end);
        let element_at = |at: usize| name.split(element).nth(at).unwrap_or_default().to_owned();
        let mut trailer = |id: &str, count: usize, control: &str| {
            out.extend([id, &count.to_string(), control].join(&element.to_string()).chars().chain([end]));
        };
        segments += 1;
        match name.split(element).next().unwrap_or_default() {
            "GS" => (group, sets) = (element_at(6), 0),
            "ST" => (set, segments, sets) = (element_at(2), 1, sets + 1),
            "SE" => {
                trailer("SE", segments, &set);
                continue;
            }
            "GE" => {
                groups += 1;
                trailer("GE", sets, &group);
                continue;
            }
            "IEA" => {
                trailer("IEA", groups, &control);
                continue;
            }
            _ => {}
        }
        out += segment;
    }
    out.into_bytes()
}

fuzz_target!(|bytes: &[u8]| {
    for bytes in [bytes, &with_valid_trailers(bytes)] {
        let (result, files) = read(bytes);
        match &result {
            Ok(events) => {
                assert!(read(bytes).0 == result, "the same file yields the same events");
                for event in events {
                    assert!(!event.entity.id.is_empty());
                }
                for (_, content) in &files {
                    assert!(x12::parse(&x12::text(content)).is_ok(), "the acknowledgement cannot be parsed");
                }
            }
            Err(Failure::Rejected(problem)) => {
                assert!(!problem.code.is_empty() && !problem.message.is_empty())
            }
            Err(other) => panic!("neither read nor rejected: {other:?}"),
        }
    }
});
