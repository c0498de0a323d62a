//! X12 outbound: an order of any words is written or refused. What is written can be read again and names the order
//! and its articles to the letter; the same work again writes nothing, and a change of it is a message too. A line of
//! input for each word: separators, number, SKU, the partner's article, title, person, street, quantity, price.
#![no_main]

use crossdock_sdk::prelude::*;
use crossdock_sdk::testing;
use libfuzzer_sys::fuzz_target;
use plugin_erp_x12::{X12Erp, x12};

/// The separators that the operator chose: the first four characters of the line.
fn host(separators: &str) -> testing::Host {
    let names = ["element", "component", "segment", "repetition"];
    let cut: std::collections::BTreeMap<_, _> = names.into_iter().zip(separators.chars()).collect();
    testing::Host::new()
        .setting("own-id", "RETAILER")
        .setting("partner-id", "LEGACY")
        .setting("freight-item", "FREIGHT")
        .setting("version", if cut.len() > 3 { "005010" } else { "004010" })
        .setting("separators", cut)
}

/// Delivers, and gives back the outcome and the file.
fn deliver(host: testing::Host, work: &Work) -> (Outcome, Option<String>) {
    let host = host.install();
    let outcome = X12Erp::deliver(vec![work.clone()]).pop().expect("an outcome for each piece");
    let mut files = host.files();
    assert!(files.len() <= 1, "one interchange a call");
    (outcome, files.pop().map(|(_, content)| x12::text(&content).into_owned()))
}

/// What is refused writes nothing.
fn refused(outcome: &Outcome, file: Option<&String>) {
    assert!(file.is_none(), "{outcome:?} beside a file");
    match outcome {
        Outcome::Rejected(problem) => assert!(!problem.code.is_empty() && !problem.message.is_empty()),
        Outcome::Ignored(_) | Outcome::Unmapped(_) => {}
        other => panic!("it is written or refused: {other:?}"),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut words = text.split('\n').map(str::to_owned);
    let mut word = || words.next().unwrap_or_default();
    let (separators, number, sku, article) = (word(), word(), word(), word());
    let (title, person, street, quantity, price) = (word(), word(), word(), word(), word());
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
        return refused(&outcome, file.as_ref());
    };
    let read = x12::parse(file).expect("what is written can be read");
    let set = read.iter().flat_map(|one| &one.groups).flat_map(|group| &group.sets).next().expect("an order");
    let named = receipt.references.iter().find(|one| one.kind == "purchase-order").expect("its number");
    let beg = set.find("BEG").expect("BEG");
    assert_eq!(beg.raw(3), named.id, "the partner answers with the number that it reads");
    let wanted = if article.is_empty() { &sku } else { &article };
    // Of a line of none nothing is ordered, and shipping is a line without a SKU.
    for ordered in set.body.iter().filter(|line| line.id == "PO1" && line.raw(8) == "SK") {
        assert_eq!(
            (ordered.raw(7), ordered.raw(9)),
            (wanted.as_str(), sku.as_str()),
            "the article, to the letter"
        );
    }

    work.references.clone_from(&receipt.references);
    let (again, file) = deliver(host(), &work);
    assert!(matches!(again, Outcome::Received(_)) && file.is_none(), "handed over before: {again:?}");
    if let Fact::Order(change) = &mut work.event.fact {
        change.operation = OrderOperation::Updated;
        change.order.lines.iter_mut().for_each(|line| line.current_quantity = Some("1".into()));
    }
    work.serial = 2;
    let (outcome, file) = deliver(host(), &work);
    match (&outcome, &file) {
        (Outcome::Received(_), Some(file)) => {
            assert!(x12::parse(file).is_ok(), "a change that cannot be read")
        }
        _ => refused(&outcome, file.as_ref()),
    }
});
