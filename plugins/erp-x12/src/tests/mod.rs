//! Tests of outbound messages and inbound files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod acknowledgements;
mod acknowledging;
mod changes;
mod confirmations;
mod invoices;
mod orders;
mod shipments;
mod stock;

use crossdock_sdk::prelude::*;
use crossdock_sdk::testing;

use crate::X12Erp;
use crate::x12;

/// The order of [`testing::order`].
fn order() -> Entity {
    testing::entity(EntityKind::Order, "1001")
}

/// A host of the retailer `RETAILER` with the partner `LEGACY`.
fn host() -> testing::Host {
    testing::Host::new()
        .setting("own-id", "RETAILER")
        .setting("partner-id", "LEGACY")
        .setting("zone", "America/Chicago")
}

/// A host that has sent order 1001 as `1001`: line 11 is the partner's line 1, line 12 its line 2.
fn host_with_order() -> testing::Host {
    let line = |line: &str, id: &str| LineReference { line: line.into(), id: id.into() };
    let lines = vec![line("11", "1"), line("12", "2"), line("shipping:21", "3")];
    host()
        .reference(order(), Reference { lines, ..Reference::new("purchase-order", "1001") })
        .reference(order(), Reference::new("message", "23/1"))
}

/// A transaction set: its kind, and its segments, one per line.
type SetOf<'a> = (&'a str, &'a str);

/// An interchange of the partner with a valid envelope: groups of a kind with their sets.
fn interchange(groups: &[(&str, &[SetOf<'_>])]) -> String {
    interchange_of("000000045", groups)
}

fn interchange_of(control: &str, groups: &[(&str, &[SetOf<'_>])]) -> String {
    let mut text = format!(
        "ISA*00*          *00*          *ZZ*LEGACY         *ZZ*RETAILER       *261123*1015*U*00401*{control}*0*P*>~\n"
    );
    for (at, (kind, sets)) in groups.iter().enumerate() {
        let number = 100 + at;
        text += &format!("GS*{kind}*LEGACY*RETAILER*20261123*101530*{number}*X*004010~\n");
        for (at, (set, body)) in sets.iter().enumerate() {
            let segments: Vec<&str> = body.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            text += &format!("ST*{set}*{:04}~\n", at + 1);
            segments.iter().for_each(|segment| text += &format!("{segment}~\n"));
            text += &format!("SE*{}*{:04}~\n", segments.len() + 2, at + 1);
        }
        text += &format!("GE*{}*{number}~\n", sets.len());
    }
    text + &format!("IEA*{}*{control}~\n", groups.len())
}

fn receive(host: testing::Host, file: impl Into<Vec<u8>>) -> Result<Vec<Event>, Problem> {
    let _host = host.install();
    receive_installed(file)
}

/// Receives a file with the installed host.
fn receive_installed(file: impl Into<Vec<u8>>) -> Result<Vec<Event>, Problem> {
    match X12Erp::receive(testing::file("in.edi", file.into())) {
        Ok(events) => Ok(events),
        Err(Failure::Rejected(problem)) => Err(problem),
        Err(other) => panic!("neither read nor refused: {other:?}"),
    }
}

/// The only event of a file with one set, and its document.
fn document(host: testing::Host, group: &str, set: &str, body: &str) -> (Event, Document) {
    let events = receive(host, interchange(&[(group, &[(set, body)])])).unwrap();
    let [event] = <[Event; 1]>::try_from(events).unwrap();
    let Fact::DocumentUpdated(document) = event.fact.clone() else { panic!("{event:?}") };
    (event, document)
}

/// Delivers work, and returns the outcomes and the file, if any.
fn deliver(host: testing::Host, work: Vec<Work>) -> (Vec<Outcome>, Option<String>) {
    let host = host.install();
    let outcomes = X12Erp::deliver(work);
    let mut files = host.files();
    assert!(files.len() <= 1, "one interchange per call");
    (outcomes, files.pop().map(|(_, content)| String::from_utf8(content).unwrap()))
}

/// The segments of the first set of this kind, without the set's envelope.
fn segments(file: &str, kind: &str) -> Vec<String> {
    let interchanges = x12::parse(file).unwrap();
    let mut sets = interchanges[0].groups.iter().flat_map(|group| &group.sets);
    let set = sets.find(|set| set.kind() == kind).unwrap();
    let text = |segment: &x12::Segment<'_>| {
        let elements: Vec<&str> = segment.elements().collect();
        format!("{}*{}", segment.id, elements.join("*"))
    };
    set.body.iter().map(text).collect()
}

fn received(outcome: &Outcome) -> &Receipt {
    match outcome {
        Outcome::Received(receipt) => receipt,
        other => panic!("{other:?}"),
    }
}
