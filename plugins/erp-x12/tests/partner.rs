//! Tests with third-party validators and a third-party trading partner.
//!
//! `tests/x12/up.sh` installs both and prints the Python that has them:
//! `CROSSDOCK_EDI_PYTHON=$(tests/x12/up.sh) cargo test -p plugin-erp-x12 --test partner`. Without the variable, the tests
//! print that they were skipped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crossdock_sdk::prelude::*;
use crossdock_sdk::testing;
use plugin_erp_x12::X12Erp;
use serde_json::{Value, json};

/// The Python with the validators and the partner, if configured.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("CROSSDOCK_EDI_PYTHON").map(PathBuf::from);
    if python.is_none() {
        println!(
            "skipped: CROSSDOCK_EDI_PYTHON is not set; tests/x12/up.sh installs a partner and prints it"
        );
    }
    python
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/x12").join(name)
}

fn run(python: &Path, name: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(python).arg(script(name)).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), format!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// Asserts that both validators accept the file without remarks.
fn assert_valid(python: &Path, file: &Path) {
    let (is_accepted, output) = run(python, "judge.py", &[file.to_str().unwrap()]);
    let content = std::fs::read_to_string(file).unwrap();
    assert!(is_accepted, "{output}\n{}", content.replace('~', "~\n"));
}

/// The state that the host stores for the connector between calls: references and numbers.
#[derive(Default)]
struct HostState {
    references: BTreeMap<(String, String, String), (Entity, Reference)>,
    numbers: BTreeMap<&'static str, u64>,
    settings: Vec<(&'static str, Value)>,
    freight_is_a_charge: bool,
}

impl HostState {
    fn host(&self) -> testing::Host {
        let host = testing::Host::new()
            .setting("own-id", "RETAILER")
            .setting("partner-id", "LEGACY")
            .setting("name", "Acme Retail")
            .setting("warehouse", "W1")
            // Articles of the partner.
            .mapping("sku", "TEA-250", "WIDGET-001")
            .mapping("article", "WIDGET-001", "TEA-250")
            .mapping("sku", "MUG", "GEAR-100")
            .mapping("article", "GEAR-100", "MUG")
            .mapping("carrier", "carried", "UPSN")
            .mapping("tender", "card", "1200");
        let host = if self.freight_is_a_charge { host } else { host.setting("freight-item", "CABLE-2M") };
        let host = self.settings.iter().fold(host, |host, (name, value)| host.setting(name, value));
        let host = self.numbers.iter().fold(host, |host, (name, last)| host.last_number(name, *last));
        self.references
            .values()
            .fold(host, |host, (entity, reference)| host.reference(entity.clone(), reference.clone()))
    }

    fn references(&self, entity: &Entity) -> Vec<Reference> {
        self.references
            .values()
            .filter(|(of, _)| of == entity)
            .map(|(_, reference)| reference.clone())
            .collect()
    }

    /// Delivers work, stores the references of the receipts, and writes the file to the folder.
    fn deliver(&mut self, mut work: Vec<Work>, folder: &Path) -> (PathBuf, Vec<Outcome>) {
        for one in &mut work {
            one.references = self.references(&one.event.entity);
        }
        let entities: Vec<Entity> = work.iter().map(|one| one.event.entity.clone()).collect();
        let host = self.host().install();
        let outcomes = X12Erp::deliver(work);
        let [(name, content)] = <[_; 1]>::try_from(host.files()).unwrap();
        drop(host);
        *self.numbers.entry("isa").or_default() += 1;
        for (entity, outcome) in entities.iter().zip(&outcomes) {
            let Outcome::Received(receipt) = outcome else { panic!("{outcome:?}") };
            for one in &receipt.references {
                if one.id.starts_with("change/") {
                    *self.numbers.entry("change").or_default() += 1;
                }
                let key = (entity.to_string(), one.kind.clone(), one.id.clone());
                self.references.insert(key, (entity.clone(), one.clone()));
            }
        }
        let path = folder.join(name);
        std::fs::write(&path, content).unwrap();
        (path, outcomes)
    }

    /// Receives a file of the partner, and returns its events and the acknowledgement.
    fn receive(&mut self, file: &Path) -> (Vec<Event>, Option<Vec<u8>>) {
        let host = self.host().install();
        let content = std::fs::read(file).unwrap();
        let read = X12Erp::receive(testing::file("in.edi", content.clone()));
        let events = read.unwrap_or_else(|error| panic!("{error:?}\n{}", String::from_utf8_lossy(&content)));
        let acknowledgement = host.files().pop().map(|(_, content)| content);
        drop(host);
        *self.numbers.entry("isa").or_default() += u64::from(acknowledgement.is_some());
        (events, acknowledgement)
    }
}

fn entity(id: &str) -> Entity {
    testing::entity(EntityKind::Order, id)
}

/// An order of two articles with discounts, weights, GTINs, umlauts and payments, as in real orders.
fn order(id: &str) -> Order {
    let mut order = testing::order();
    order.number = format!("#{id}");
    let personal = order.personal.as_mut().unwrap();
    personal.phone = Some("+49 30 1234567".into());
    let address = personal.shipping.as_mut().unwrap();
    address.name = Some("Søren Müller".into());
    address.lines = vec!["Hauptstraße 1".into(), "Hof * 2".into(), "3. Stock ~ links".into()];
    (address.company, address.region) = (Some("Müller & Söhne".into()), Some("DE-BE".into()));
    let mut second = order.lines[0].clone();
    (second.id, second.sku, second.title) = ("12".into(), Some("MUG".into()), "Mug > big".into());
    // The partner's prices: it changes lines with other prices.
    order.lines[0].unit_price = Price::shop("12.50", "EUR");
    second.unit_price = Price::shop("8.90", "EUR");
    order.shipping[0].price = Price::shop("3.95", "EUR");
    second.gtin = Some("00012345678905".into());
    second.quantity = "1.5".into();
    second.unit = Some("KGM".into());
    second.current_quantity = None;
    second.discounts =
        vec![DiscountAllocation { title: Some("WELCOME".into()), amount: Price::shop("1.25", "EUR") }];
    order.lines.push(second);
    let mut paid = testing::refund().payments.remove(0);
    (paid.kind, paid.amount) = (PaymentKind::Sale, Price::shop("45.75", "EUR"));
    order.payments = vec![paid];
    order
}

fn work(id: &str, serial: u64, fact: Fact) -> Work {
    Work { serial, ..testing::work(testing::event(entity(id), None, fact)) }
}

fn documents(events: &[Event]) -> impl Iterator<Item = (&Event, &Document)> {
    events.iter().filter_map(|event| match &event.fact {
        Fact::DocumentUpdated(document) => Some((event, document)),
        _ => None,
    })
}

#[test]
fn two_validators_accept_orders_and_changes() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut state = HostState::default();
    let placed = (1..=20).map(|id| work(&id.to_string(), id, Fact::placed(order(&id.to_string())))).collect();
    let (file, _) = state.deliver(placed, folder.path());
    assert_valid(&python, &file);
    let mut changed = order("1");
    changed.lines[0].current_quantity = Some("1".into());
    changed.lines[1].current_quantity = Some("0".into());
    let mut cancelled = order("2");
    cancelled.cancelled_at = Some("2026-11-24T08:00:00+01:00".into());
    let mixed = vec![
        work("1", 101, Fact::updated(changed)),
        work("2", 102, Fact::cancelled(cancelled)),
        work("21", 103, Fact::placed(order("21"))),
    ];
    let (file, _) = state.deliver(mixed, folder.path());
    assert_valid(&python, &file);
}

#[test]
fn validators_accept_other_versions_and_separators() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let separators = json!({ "element": "|", "component": ":", "segment": "'", "repetition": "!" });
    let settings = vec![
        ("version", json!("005010")),
        ("separators", separators),
        ("line-breaks", json!(true)),
        ("usage", json!("T")),
    ];
    let mut state = HostState { settings, ..HostState::default() };
    let (file, _) = state.deliver(vec![work("1", 1, Fact::placed(order("1")))], folder.path());
    assert_valid(&python, &file);
}

/// Shipping as a charge, tips and carriers: the grammars accept them. The partner's program supports fewer segments than
/// the standard, and remarks on them.
#[test]
fn the_grammars_accept_charges_and_carriers() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut state = HostState { freight_is_a_charge: true, ..HostState::default() };
    let mut order = order("1");
    order.shipping[0].code = Some("carried".into());
    order.totals.tips = Some(Price::shop("3.00", "EUR"));
    let (file, _) = state.deliver(vec![work("1", 1, Fact::placed(order))], folder.path());
    let content = std::fs::read_to_string(&file).unwrap();
    assert!(
        ["~SAC*C*D240***395*", "~SAC*C*ZZZZ***300*", "~TD5**2*UPSN**Standard~N1*"]
            .iter()
            .all(|one| content.contains(one))
    );
    let (_, output) = run(&python, "judge.py", &[file.to_str().unwrap()]);
    let verdicts: Value = serde_json::from_str(output.lines().next().unwrap()).unwrap();
    assert_eq!(verdicts["bots"], json!([]), "{}", content.replace('~', "~\n"));
}

#[test]
fn validators_refuse_invalid_files() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = HostState::default().deliver(vec![work("1", 1, Fact::placed(order("1")))], folder.path());
    let valid = std::fs::read_to_string(&file).unwrap();
    for invalid in [valid.replace("BEG*00*SA*1**", "BEG*00*SA***"), valid.replace("CTT*3", "CTT*x")] {
        assert_ne!(invalid, valid);
        std::fs::write(&file, invalid).unwrap();
        let (is_accepted, output) = run(&python, "judge.py", &[file.to_str().unwrap()]);
        assert!(!is_accepted, "{output}");
    }
}

/// The files of a folder, in order.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn trade(python: &Path, behaviour: &str, into: &Path, files: &[PathBuf]) -> String {
    let into = into.to_str().unwrap();
    let mut arguments = vec!["--retailer", "RETAILER", "--behaviour", behaviour, "--into", into];
    arguments.extend(files.iter().map(|file| file.to_str().unwrap()));
    let (is_done, output) = run(python, "trade.py", &arguments);
    assert!(is_done, "{output}");
    output
}

#[test]
fn a_partner_processes_an_order_and_its_change_to_the_invoice() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (out, into) = (folder.path().join("out"), folder.path().join("in"));
    [&out, &into].into_iter().for_each(|path| std::fs::create_dir(path).unwrap());
    let mut state = HostState::default();
    let (first, outcomes) = state
        .deliver(vec![work("1", 1, Fact::placed(order("1"))), work("2", 2, Fact::placed(order("2")))], &out);
    let mut changed = order("1");
    changed.lines[0].current_quantity = Some("1".into());
    let (second, changes) = state.deliver(vec![work("1", 3, Fact::updated(changed))], &out);
    let output = trade(&python, "accept", &into, &[first, second]);

    let message = |outcome: &Outcome| match outcome {
        Outcome::Received(receipt) => {
            let ids = receipt.references.iter().filter(|one| one.kind == "message");
            ids.map(|one| one.id.clone()).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let mut acknowledged = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for file in files_in(&into) {
        let (events, acknowledgement) = state.receive(&file);
        assert!(!events.is_empty(), "{}", file.display());
        for (event, document) in documents(&events) {
            let order = document.order.clone().unwrap_or_else(|| panic!("{output}{document:?}"));
            assert_eq!(event.parent, Some(order));
            match document.kind {
                DocumentKind::Acknowledgement => {
                    assert_eq!(document.state, DocumentState::Accepted, "{output}{document:?}");
                    acknowledged.push(document.answers.clone().unwrap());
                    *counts.entry("acknowledged").or_default() += 1;
                }
                DocumentKind::SalesOrder => {
                    assert_eq!(document.state, DocumentState::Accepted);
                    assert!(
                        document.lines.iter().all(|line| line.state == Some(LineState::Accepted)),
                        "{document:?}"
                    );
                    let lines: Vec<Option<&str>> =
                        document.lines.iter().map(|line| line.line.as_deref()).collect();
                    match &document.answers {
                        // An 865 confirms its change, and has only the changed lines.
                        Some(change) => {
                            assert_eq!(*change, message(&changes[0])[0]);
                            assert_eq!(lines, [Some("11")]);
                            *counts.entry("changed").or_default() += 1;
                        }
                        None => {
                            assert_eq!(lines, [Some("11"), Some("12"), None]);
                            *counts.entry("confirmed").or_default() += 1;
                        }
                    }
                }
                DocumentKind::Invoice => {
                    let money =
                        |money: &Option<Money>| money::decimal(&money.as_ref().unwrap().amount).unwrap();
                    let lines =
                        money::sum(document.lines.iter().map(|line| line.amount.as_ref().unwrap())).unwrap();
                    assert_eq!(money(&document.untaxed) + money(&document.tax), money(&document.total));
                    assert_eq!(lines, money(&document.untaxed), "{document:?}");
                    assert_eq!(document.total.as_ref().unwrap().currency, "EUR");
                    *counts.entry("invoiced").or_default() += 1;
                }
                DocumentKind::CreditMemo => panic!("{document:?}"),
            }
        }
        for event in &events {
            if let Fact::ShipmentUpdated(shipment) = &event.fact {
                let quantity = if shipment.order == entity("1") { "1" } else { "2" };
                let goods: Vec<(Option<&str>, &str)> = shipment
                    .lines
                    .iter()
                    .map(|line| (line.line.as_deref(), line.quantity.as_str()))
                    .collect();
                assert_eq!(goods, [(Some("11"), quantity), (Some("12"), "1.5"), (None, "1")]);
                assert_eq!(shipment.tracking.len(), 1);
                assert!(shipment.tracking[0].carrier.is_some());
                *counts.entry("shipped").or_default() += 1;
            }
        }
        // The acknowledgement is valid as well.
        if let Some(acknowledgement) = acknowledgement {
            let path = folder.path().join("acknowledgement.edi");
            std::fs::write(&path, acknowledgement).unwrap();
            assert_valid(&python, &path);
        }
    }
    let expected = [("acknowledged", 3), ("changed", 1), ("confirmed", 2), ("invoiced", 2), ("shipped", 2)];
    assert_eq!(counts, BTreeMap::from(expected), "{output}");
    let position =
        |outcome: &Outcome| message(outcome).into_iter().find(|id| !id.starts_with("change/")).unwrap();
    let messages: Vec<String> = outcomes.iter().chain(&changes).map(position).collect();
    assert_eq!(acknowledged, messages);
}

#[test]
fn rejections_of_lines_and_orders_are_read() {
    let Some(python) = python() else { return };
    for (behaviour, rejected, refused) in
        [("reject-line", 1, false), ("reject-all", 3, true), ("short-ship", 0, false)]
    {
        let folder = tempfile::tempdir().unwrap();
        let (out, into) = (folder.path().join("out"), folder.path().join("in"));
        [&out, &into].into_iter().for_each(|path| std::fs::create_dir(path).unwrap());
        let mut state = HostState::default();
        let (file, _) = state.deliver(vec![work("1", 1, Fact::placed(order("1")))], &out);
        let output = trade(&python, behaviour, &into, &[file]);
        let events: Vec<Event> = files_in(&into).iter().flat_map(|file| state.receive(file).0).collect();
        let confirmed = documents(&events).map(|(_, document)| document);
        let [confirmed] = confirmed
            .filter(|document| document.kind == DocumentKind::SalesOrder)
            .collect::<Vec<_>>()
            .try_into()
            .unwrap_or_else(|_| panic!("{output}"));
        let lines = confirmed.lines.iter().filter(|line| line.state == Some(LineState::Rejected));
        assert_eq!(lines.count(), rejected, "{behaviour}: {confirmed:?}");
        assert_eq!(confirmed.state == DocumentState::Refused, refused, "{behaviour}: {confirmed:?}");
        if behaviour == "short-ship" {
            let changed = confirmed.lines.iter().find(|line| line.state == Some(LineState::Changed)).unwrap();
            assert!(changed.reason.as_ref().unwrap().starts_with("quantity changed: "), "{changed:?}");
        }
    }
}

#[test]
fn a_partner_refuses_a_repeated_control_number() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (out, into) = (folder.path().join("out"), folder.path().join("in"));
    [&out, &into].into_iter().for_each(|path| std::fs::create_dir(path).unwrap());
    let mut state = HostState::default();
    let (file, _) = state.deliver(vec![work("1", 1, Fact::placed(order("1")))], &out);
    trade(&python, "accept", &into, &[file.clone(), file]);
    let events: Vec<Event> = files_in(&into).iter().flat_map(|file| state.receive(file).0).collect();
    let refused: Vec<&Document> = documents(&events)
        .map(|(_, document)| document)
        .filter(|document| document.state == DocumentState::Refused)
        .collect();
    let [refused] = refused.as_slice() else { panic!("{events:?}") };
    assert_eq!((refused.kind, refused.answers.as_deref()), (DocumentKind::Acknowledgement, Some("1/1")));
    assert!(refused.reason.as_ref().unwrap().contains("the control number was used before"), "{refused:?}");
}
