//! Files that others have published, read one by one where they are at hand: `CROSSDOCK_SAMPLES`, or the folder
//! `shared/data/samples` beside the workspace. Without them there is nothing to read, and the test
//! says so; where the variable is set and nothing is there, it fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crossdock_sdk::prelude::*;
use crossdock_sdk::testing;
use plugin_erp_x12::{X12Erp, x12};

fn samples() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/samples");
    std::env::var_os("CROSSDOCK_SAMPLES").map_or_else(beside, PathBuf::from)
}

/// Nothing is there: that is said, and wrong where somebody named the place.
fn nothing_at(place: &Path) {
    assert!(
        std::env::var_os("CROSSDOCK_SAMPLES").is_none(),
        "CROSSDOCK_SAMPLES is set, and there is nothing at {}",
        place.display()
    );
    println!("NO SAMPLES at {}: nothing was read, and nothing is shown", place.display());
}

/// Every file of a folder, in order.
fn files(folder: &str) -> Vec<PathBuf> {
    let listed = std::fs::read_dir(samples().join(folder)).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = listed.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    found.sort();
    found
}

/// Reads a file as whoever it is for, from whoever it is from.
fn receive(content: &[u8]) -> Result<Vec<Event>, Problem> {
    let text = x12::text(content);
    let of = |from: usize, to: usize| text.get(from..to).unwrap_or_default().trim().to_owned();
    let settings = [
        ("partner-qualifier", of(32, 34)),
        ("partner-id", of(35, 50)),
        ("own-qualifier", of(51, 53)),
        ("own-id", of(54, 69)),
        ("usage", of(102, 103)),
    ];
    let host =
        settings.into_iter().fold(testing::Host::new(), |host, (name, value)| host.setting(name, value));
    let _host = host.install();
    match X12Erp::receive(testing::file("sample", content)) {
        Ok(events) => Ok(events),
        Err(Failure::Rejected(problem)) => Err(problem),
        Err(other) => panic!("a file is read or refused, and not {other:?}"),
    }
}

#[test]
fn published_files_are_read_or_refused_with_a_reason() {
    let found: Vec<PathBuf> = ["blueseer", "edi.net"].into_iter().flat_map(files).collect();
    if found.is_empty() {
        nothing_at(&samples());
        return;
    }
    let mut outcomes: BTreeMap<String, String> = BTreeMap::new();
    for path in found {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let outcome = match receive(&std::fs::read(&path).unwrap()) {
            Ok(events) => {
                println!("{name}: read");
                for event in &events {
                    println!("    {} {}", event.fact.kind(), event.entity);
                }
                format!("read, {}", events.len())
            }
            Err(problem) => {
                println!("{name}: refused, {problem}");
                problem.code
            }
        };
        outcomes.insert(name, outcome);
    }
    for (name, expected) in [
        // Its trailer says 15 segments, and there are 16.
        ("ACME_810i.txt", "count-mismatch"),
        ("ACME_855o.txt", "read, 1"),
        // It acknowledges a shipment, and the connector sends none.
        ("ACME_997.txt", "read, 0"),
        ("ACME_850.txt", "transaction-set-unknown"),
        ("ACME_204.txt", "transaction-set-unknown"),
        ("ACME_EDIFACT_ORDERS.txt", "edifact-refused"),
        ("ACME_EDIFACT_CONTRL.txt", "edifact-refused"),
        ("ACME_IDOC_ORDERS05.txt", "idoc-refused"),
        ("ACME_CSV_order.csv", "not-x12"),
        ("ACME_XML_order.xml", "not-x12"),
        ("edifact.ORDRSP.edi", "edifact-refused"),
        ("tradacoms.order9.edi", "tradacoms-refused"),
        ("x12.810a.edi", "isa-malformed"),
        ("x12.850.edi", "control-number-mismatch"),
        ("x12.810.mandatory-conditions.edi", "isa-malformed"),
        ("x12.850.issue135.edi", "control-number-repeated"),
    ] {
        if let Some(outcome) = outcomes.get(name) {
            assert_eq!(outcome, expected, "{name}");
        }
    }
}

/// What is within a published invoice is read as soon as its count is put right.
#[test]
fn a_published_invoice_is_read() {
    let Ok(text) = std::fs::read_to_string(samples().join("blueseer/ACME_810i.txt")) else {
        nothing_at(&samples());
        return;
    };
    let events = receive(text.replace("SE*15*", "SE*16*").as_bytes()).unwrap();
    let Fact::DocumentUpdated(invoice) = &events[0].fact else { panic!() };
    assert_eq!(invoice.total, Some(Money::new("5.35", "USD")));
    assert_eq!(invoice.number.as_deref(), Some("55555555"));
    assert_eq!(invoice.lines[0].sku.as_deref(), Some("MFG00005"));
    assert_eq!(invoice.lines[0].amount.as_deref(), Some("5.35"));
}

/// Every published file, cut at every place and with every byte lost: nothing panics, whatever comes of it.
#[test]
fn broken_files_are_refused_and_never_a_panic() {
    let found: Vec<PathBuf> = ["blueseer", "edi.net"].into_iter().flat_map(files).collect();
    if found.is_empty() {
        nothing_at(&samples());
    }
    for path in found {
        let content = std::fs::read(&path).unwrap();
        let content = &content[..content.len().min(3_000)];
        for at in (0..content.len()).step_by(7) {
            let _ = receive(&content[..at]);
            let mut lost = content.to_vec();
            lost.remove(at);
            let _ = receive(&lost);
        }
    }
}
