//! X12 outbound: an order with arbitrary texts is written or rejected. A file that is written can be parsed and contains
//! the order number and the articles unchanged; repeating the work writes nothing, and a change of the order is written
//! or rejected too. One line of input per text: separators, number, SKU, the partner's article, title, person, street,
//! quantity, price.
#![no_main]

use crossdock_sdk::prelude::*;
use crossdock_sdk::testing;
use libfuzzer_sys::fuzz_target;
use plugin_erp_x12::{X12Erp, x12};

/// A host whose separators are the first four characters of the text.
fn host(separators: &str) -> testing::Host {
    let names = ["element", "component", "segment", "repetition"];
    let separators: std::collections::BTreeMap<_, _> = names.into_iter().zip(separators.chars()).collect();
    testing::Host::new()
        .setting("own-id", "RETAILER")
        .setting("partner-id", "LEGACY")
        .setting("freight-item", "FREIGHT")
        .setting("version", if separators.len() > 3 { "005010" } else { "004010" })
        .setting("separators", separators)
}

/// Delivers the work. Returns the outcome and the file written.
fn deliver(host: testing::Host, work: &Work) -> (Outcome, Option<String>) {
    let host = host.install();
    let outcome = X12Erp::deliver(vec![work.clone()]).pop().expect("one outcome per piece of work");
    let mut files = host.files();
    assert!(files.len() <= 1, "one interchange per call");
    (outcome, files.pop().map(|(_, content)| x12::text(&content).into_owned()))
}

/// Checks that the outcome is a rejection and that no file was written.
fn check_not_written(outcome: &Outcome, file: Option<&String>) {
    assert!(file.is_none(), "{outcome:?} with a file");
    match outcome {
        Outcome::Rejected(problem) => assert!(!problem.code.is_empty() && !problem.message.is_empty()),
        Outcome::Ignored(_) | Outcome::Unmapped(_) => {}
        other => panic!("neither written nor rejected: {other:?}"),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n').map(str::to_owned);
    let mut next = || lines.next().unwrap_or_default();
    let (separators, number, sku, article) = (next(), next(), next(), next());
    let (title, person, street, quantity, price) = (next(), next(), next(), next(), next());
    let mut order = testing::order();
    order.number.clone_from(&number);
    if let Some(address) = order.personal.as_mut().and_then(|personal| personal.shipping.as_mut()) {
        (address.name, address.lines) = (Some(person), vec![street]);
    }
    if let Some(line) = order.lines.first_mut() {
        (line.title, line.quantity, line.current_quantity) = (title, quantity, None);
        line.sku = Some(sku.clone());
        line.unit_price.shop.amount = price;
    }
    let host = || {
        if article.is_empty() { host(&separators) } else { host(&separators).mapping("sku", &sku, &article) }
    };
    let mut work = testing::work(testing::placed(order));
    let (outcome, file) = deliver(host(), &work);
    let (Outcome::Received(receipt), Some(file)) = (&outcome, &file) else {
        return check_not_written(&outcome, file.as_ref());
    };
    let parsed = x12::parse(file).expect("the written file can be parsed");
    let sets = parsed.iter().flat_map(|interchange| &interchange.groups).flat_map(|group| &group.sets);
    let set = sets.into_iter().next().expect("a transaction set");
    let reference = receipt.references.iter().find(|one| one.kind == "purchase-order").expect("its number");
    let beg = set.find("BEG").expect("BEG");
    assert_eq!(beg.raw(3), reference.id, "the partner answers with the number that it reads");
    let expected = if article.is_empty() { &sku } else { &article };
    // A line of quantity 0 is not ordered, and shipping is a line without a SKU.
    for ordered in set.body.iter().filter(|line| line.id == "PO1" && line.raw(8) == "SK") {
        assert_eq!(
            (ordered.raw(7), ordered.raw(9)),
            (expected.as_str(), sku.as_str()),
            "the article, unchanged"
        );
    }

    work.references.clone_from(&receipt.references);
    let (again, file) = deliver(host(), &work);
    assert!(matches!(again, Outcome::Received(_)) && file.is_none(), "written before: {again:?}");
    if let Fact::Order(change) = &mut work.event.fact {
        change.operation = OrderOperation::Updated;
        change.order.lines.iter_mut().for_each(|line| line.current_quantity = Some("1".into()));
    }
    work.serial = 2;
    let (outcome, file) = deliver(host(), &work);
    match (&outcome, &file) {
        (Outcome::Received(_), Some(file)) => {
            assert!(x12::parse(file).is_ok(), "a change that cannot be parsed")
        }
        _ => check_not_written(&outcome, file.as_ref()),
    }
});
