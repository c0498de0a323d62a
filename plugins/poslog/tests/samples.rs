//! Reads published files from the folder `CROSSDOCK_SAMPLES`, else from `shared/data/samples` beside the workspace. Without
//! the folder the tests only print that there are no samples; they fail where the variable is set and the folder is empty.

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
use plugin_poslog::Poslog;

fn samples() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/samples");
    std::env::var_os("CROSSDOCK_SAMPLES").map_or_else(default, PathBuf::from)
}

/// Prints that there are no samples; fails where `CROSSDOCK_SAMPLES` is set.
fn report_missing(folder: &Path) {
    assert!(
        std::env::var_os("CROSSDOCK_SAMPLES").is_none(),
        "CROSSDOCK_SAMPLES is set, and there are no samples in {}",
        folder.display()
    );
    println!("NO SAMPLES in {}: nothing was tested", folder.display());
}

/// Every file of a folder, in order.
fn files(folder: &str) -> Vec<PathBuf> {
    let listed = std::fs::read_dir(samples().join(folder)).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = listed.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    found.sort();
    found
}

fn receive(path: &Path) -> Result<Vec<Event>, Failure> {
    let _host =
        testing::Host::new().setting("retailer", "acme").setting("zone", "America/New_York").install();
    Poslog::receive(testing::file("sample", std::fs::read(path).unwrap()))
}

/// The total of an order's lines, after discounts and including taxes.
fn lines_total(order: &Order) -> Decimal {
    let lines = order.lines.iter().map(|line| {
        let price = money::decimal(&line.unit_price.shop.amount).unwrap();
        let discount = money::shop_total(line.discounts.iter().map(|discount| &discount.amount)).unwrap();
        price * money::decimal(&line.quantity).unwrap() - discount
    });
    let tax = money::shop_total([&order.totals.tax]).unwrap();
    lines.sum::<Decimal>() + if order.prices_include_tax { Decimal::ZERO } else { tax }
}

#[test]
fn published_files_are_read() {
    let found = files("poslog");
    if found.is_empty() {
        report_missing(&samples());
    }
    for path in found {
        let events = receive(&path).unwrap_or_else(|problem| panic!("{}: {problem:?}", path.display()));
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for event in &events {
            *kinds.entry(event.fact.kind()).or_default() += 1;
            if let Some(order) = event.fact.order() {
                assert_eq!(
                    lines_total(order),
                    money::shop_total([&order.totals.total]).unwrap(),
                    "{}",
                    event.entity
                );
                assert_eq!(order.payment, PaymentState::Paid, "{}", event.entity);
            }
        }
        println!("{}: read, {kinds:?}", path.file_name().unwrap().to_string_lossy());
        assert!(!events.is_empty());
    }
}

#[test]
fn files_of_other_formats_are_rejected_with_a_reason() {
    let others = ["blueseer", "edi.net", "square"].into_iter().flat_map(files).collect::<Vec<_>>();
    if others.is_empty() {
        report_missing(&samples());
    }
    for path in others {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Err(Failure::Rejected(problem)) = receive(&path) else {
            panic!("{name} is not POSLog and was not rejected")
        };
        assert!(["not-xml", "not-poslog", "not-text"].contains(&problem.code.as_str()), "{name}: {problem}");
        println!("{name}: rejected, {}", problem.message);
    }
}
