//! The ladder as far as a test can wait for it. Times are no test's business (a machine may be busy), so only what does
//! not depend on the machine is checked.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail")]

use std::process::Command;

#[test]
fn a_hundred_thousand_orders_are_seeded_worked_on_and_reported() {
    let run = Command::new(env!("CARGO_BIN_EXE_crossdock-scale"))
        .args(["--settled", "100000", "--rounds", "5", "--json"])
        .output()
        .unwrap();
    let messages = String::from_utf8_lossy(&run.stderr);
    let line = String::from_utf8_lossy(&run.stdout);
    let report: serde_json::Value = serde_json::from_str(line.lines().last().unwrap_or_default())
        .unwrap_or_else(|_| panic!("{messages}"));
    assert_eq!(report["settled"], 100_000);
    assert_eq!(report["open"], 10_000);
    for figure in ["admit", "claim", "settle", "expire", "housekeeping"] {
        assert!(report["ratio"][figure].as_f64().unwrap() > 0.0, "{report}");
    }
    assert!(report["host_mb"].as_f64().unwrap() < 256.0, "{report}");
    assert!(report["bytes_per_order"].as_f64().unwrap() < 6000.0, "{report}");
    // A limit that is missed is named.
    assert_eq!(run.status.success(), !messages.contains("limit missed"), "{messages}");
}
