//! Published files, read one by one if available in `CROSSDOCK_SAMPLES`, or in the folder `shared/data/samples` next to
//! the workspace. Without files, the test prints that it was skipped; if the variable is set, it fails.

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
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/samples");
    std::env::var_os("CROSSDOCK_SAMPLES").map_or_else(default, PathBuf::from)
}

/// Reports that there are no samples. Fails when `CROSSDOCK_SAMPLES` is set.
fn report_missing(folder: &Path) {
    assert!(
        std::env::var_os("CROSSDOCK_SAMPLES").is_none(),
        "CROSSDOCK_SAMPLES is set, and there are no samples at {}",
        folder.display()
    );
    println!("skipped: no samples at {}", folder.display());
}

/// Every file of a folder, in order.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(samples().join(folder)).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    found.sort();
    found
}

/// Reads a file with the sender and the receiver of its header as settings.
fn receive(content: &[u8]) -> Result<Vec<Event>, Problem> {
    let text = x12::text(content);
    let header = |from: usize, to: usize| text.get(from..to).unwrap_or_default().trim().to_owned();
    let settings = [
        ("partner-qualifier", header(32, 34)),
        ("partner-id", header(35, 50)),
        ("own-qualifier", header(51, 53)),
        ("own-id", header(54, 69)),
        ("usage", header(102, 103)),
    ];
    let host =
        settings.into_iter().fold(testing::Host::new(), |host, (name, value)| host.setting(name, value));
    let _host = host.install();
    match X12Erp::receive(testing::file("sample", content)) {
        Ok(events) => Ok(events),
        Err(Failure::Rejected(problem)) => Err(problem),
        Err(other) => panic!("neither read nor refused: {other:?}"),
    }
}

#[test]
fn published_files_are_read_or_refused_with_a_reason() {
    let found: Vec<PathBuf> = ["blueseer", "edi.net"].into_iter().flat_map(files).collect();
    if found.is_empty() {
        report_missing(&samples());
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
        // It acknowledges a shipment, which the connector does not send.
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

/// The published invoice is read when its segment count is corrected.
#[test]
fn a_published_invoice_is_read() {
    let Ok(text) = std::fs::read_to_string(samples().join("blueseer/ACME_810i.txt")) else {
        report_missing(&samples());
        return;
    };
    let events = receive(text.replace("SE*15*", "SE*16*").as_bytes()).unwrap();
    let Fact::DocumentUpdated(invoice) = &events[0].fact else { panic!() };
    assert_eq!(invoice.total, Some(Money::new("5.35", "USD")));
    assert_eq!(invoice.number.as_deref(), Some("55555555"));
    assert_eq!(invoice.lines[0].sku.as_deref(), Some("MFG00005"));
    assert_eq!(invoice.lines[0].amount.as_deref(), Some("5.35"));
}

/// Published files, truncated and with a byte removed: reading them does not panic.
#[test]
fn broken_files_do_not_panic() {
    let found: Vec<PathBuf> = ["blueseer", "edi.net"].into_iter().flat_map(files).collect();
    if found.is_empty() {
        report_missing(&samples());
    }
    for path in found {
        let content = std::fs::read(&path).unwrap();
        let content = &content[..content.len().min(3_000)];
        for at in (0..content.len()).step_by(7) {
            let _ = receive(&content[..at]);
            let mut shortened = content.to_vec();
            shortened.remove(at);
            let _ = receive(&shortened);
        }
    }
}
