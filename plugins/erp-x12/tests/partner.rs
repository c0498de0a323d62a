//! What others make of the files, and what a trading partner that nobody here wrote answers to them.
//!
//! `tests/x12/up.sh` installs both and prints the Python that has them:
//! `CROSSDOCK_EDI_PYTHON=$(tests/x12/up.sh) cargo test -p plugin-erp-x12 --test partner`. Without it there is nobody to
//! ask, and the tests say so.

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

/// The Python that has validators and partner.
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

/// Both validators accept the file, without a remark.
fn judged(python: &Path, file: &Path) {
    let (accepted, said) = run(python, "judge.py", &[file.to_str().unwrap()]);
    let content = std::fs::read_to_string(file).unwrap();
    assert!(accepted, "{said}\n{}", content.replace('~', "~\n"));
}

/// What the host keeps for the connector from call to call: references and numbers.
#[derive(Default)]
struct Kept {
    references: BTreeMap<(String, String, String), (Entity, Reference)>,
    numbers: BTreeMap<&'static str, u64>,
    settings: Vec<(&'static str, Value)>,
    freight_is_a_charge: bool,
}

impl Kept {
    fn host(&self) -> testing::Host {
        let host = testing::Host::new()
            .setting("own-id", "RETAILER")
            .setting("partner-id", "LEGACY")
            .setting("name", "Acme Retail")
            .setting("warehouse", "W1")
            // Articles that the partner has.
            .mapping("sku", "TEA-250", "WIDGET-001")
            .mapping("article", "WIDGET-001", "TEA-250")
            .mapping("sku", "MUG", "GEAR-100")
            .mapping("article", "GEAR-100", "MUG")
            .mapping("carrier", "carried", "UPSN")
            .mapping("tender", "card", "1200");
        let host = if self.freight_is_a_charge { host } else { host.setting("freight-item", "CABLE-2M") };
        let host = self.settings.iter().fold(host, |host, (name, value)| host.setting(name, value));
        let host = self.numbers.iter().fold(host, |host, (name, last)| host.number(name, *last));
        self.references
            .values()
            .fold(host, |host, (entity, reference)| host.reference(entity.clone(), reference.clone()))
    }

    fn references(&self, of: &Entity) -> Vec<Reference> {
        self.references.values().filter(|(entity, _)| entity == of).map(|(_, one)| one.clone()).collect()
    }

    /// Delivers, keeps what the receipts say, and writes the file into the folder.
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

    /// Reads a file of the partner's, and gives back its events and the file that answers it.
    fn receive(&mut self, file: &Path) -> (Vec<Event>, Option<Vec<u8>>) {
        let host = self.host().install();
        let content = std::fs::read(file).unwrap();
        let read = X12Erp::receive(testing::file("in.edi", content.clone()));
        let events = read.unwrap_or_else(|error| panic!("{error:?}\n{}", String::from_utf8_lossy(&content)));
        let answer = host.files().pop().map(|(_, content)| content);
        drop(host);
        *self.numbers.entry("isa").or_default() += u64::from(answer.is_some());
        (events, answer)
    }
}

fn entity(id: &str) -> Entity {
    testing::entity(EntityKind::Order, id)
}

/// An order of two articles, with what real orders have: discounts, weights, GTINs, umlauts, payments.
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
    // The partner's own prices: it would have something to say otherwise.
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
    let mut kept = Kept::default();
    let placed = (1..=20).map(|id| work(&id.to_string(), id, Fact::placed(order(&id.to_string())))).collect();
    let (file, _) = kept.deliver(placed, folder.path());
    judged(&python, &file);
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
    let (file, _) = kept.deliver(mixed, folder.path());
    judged(&python, &file);
}

#[test]
fn validators_accept_other_versions_and_separators() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let cut = json!({ "element": "|", "component": ":", "segment": "'", "repetition": "!" });
    let settings = vec![
        ("version", json!("005010")),
        ("separators", cut),
        ("line-breaks", json!(true)),
        ("usage", json!("T")),
    ];
    let mut kept = Kept { settings, ..Kept::default() };
    let (file, _) = kept.deliver(vec![work("1", 1, Fact::placed(order("1")))], folder.path());
    judged(&python, &file);
}

/// Shipping that is no article, tips, carriers: the grammars know them. The partner's program knows fewer segments
/// than the standard, and remarks on them.
#[test]
fn the_grammars_accept_charges_and_carriers_beside_the_lines() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut kept = Kept { freight_is_a_charge: true, ..Kept::default() };
    let mut order = order("1");
    order.shipping[0].code = Some("carried".into());
    order.totals.tips = Some(Price::shop("3.00", "EUR"));
    let (file, _) = kept.deliver(vec![work("1", 1, Fact::placed(order))], folder.path());
    let content = std::fs::read_to_string(&file).unwrap();
    assert!(
        ["~SAC*C*D240***395*", "~SAC*C*ZZZZ***300*", "~TD5**2*UPSN**Standard~N1*"]
            .iter()
            .all(|one| content.contains(one))
    );
    let (_, said) = run(&python, "judge.py", &[file.to_str().unwrap()]);
    let said: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!(said["bots"], json!([]), "{}", content.replace('~', "~\n"));
}

#[test]
fn a_validator_that_objects_is_heard() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = Kept::default().deliver(vec![work("1", 1, Fact::placed(order("1")))], folder.path());
    let right = std::fs::read_to_string(&file).unwrap();
    for wrong in [right.replace("BEG*00*SA*1**", "BEG*00*SA***"), right.replace("CTT*3", "CTT*x")] {
        assert_ne!(wrong, right);
        std::fs::write(&file, wrong).unwrap();
        let (accepted, said) = run(&python, "judge.py", &[file.to_str().unwrap()]);
        assert!(!accepted, "{said}");
    }
}

/// The folder's files in order, with the transaction set in their names.
fn answers(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn trade(python: &Path, behaviour: &str, into: &Path, files: &[PathBuf]) -> String {
    let into = into.to_str().unwrap();
    let mut arguments = vec!["--retailer", "RETAILER", "--behaviour", behaviour, "--into", into];
    arguments.extend(files.iter().map(|file| file.to_str().unwrap()));
    let (done, said) = run(python, "trade.py", &arguments);
    assert!(done, "{said}");
    said
}

#[test]
fn a_partner_answers_an_order_and_its_change_from_receipt_to_invoice() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (out, into) = (folder.path().join("out"), folder.path().join("in"));
    [&out, &into].into_iter().for_each(|path| std::fs::create_dir(path).unwrap());
    let mut kept = Kept::default();
    let (first, outcomes) = kept
        .deliver(vec![work("1", 1, Fact::placed(order("1"))), work("2", 2, Fact::placed(order("2")))], &out);
    let mut changed = order("1");
    changed.lines[0].current_quantity = Some("1".into());
    let (second, changes) = kept.deliver(vec![work("1", 3, Fact::updated(changed))], &out);
    let said = trade(&python, "accept", &into, &[first, second]);

    let message = |outcome: &Outcome| match outcome {
        Outcome::Received(receipt) => {
            let ids = receipt.references.iter().filter(|one| one.kind == "message");
            ids.map(|one| one.id.clone()).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let mut acknowledged = Vec::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for file in answers(&into) {
        let (events, answer) = kept.receive(&file);
        assert!(!events.is_empty(), "{}", file.display());
        for (event, document) in documents(&events) {
            let order = document.order.clone().unwrap_or_else(|| panic!("{said}{document:?}"));
            assert_eq!(event.parent, Some(order));
            match document.kind {
                DocumentKind::Acknowledgement => {
                    assert_eq!(document.state, DocumentState::Accepted, "{said}{document:?}");
                    acknowledged.push(document.answers.clone().unwrap());
                    *seen.entry("acknowledged").or_default() += 1;
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
                        // An 865 answers its change, and nothing but what changed.
                        Some(change) => {
                            assert_eq!(*change, message(&changes[0])[0]);
                            assert_eq!(lines, [Some("11")]);
                            *seen.entry("changed").or_default() += 1;
                        }
                        None => {
                            assert_eq!(lines, [Some("11"), Some("12"), None]);
                            *seen.entry("confirmed").or_default() += 1;
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
                    *seen.entry("invoiced").or_default() += 1;
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
                *seen.entry("shipped").or_default() += 1;
            }
        }
        // What we answer to it is right as well.
        if let Some(answer) = answer {
            let path = folder.path().join("answer.edi");
            std::fs::write(&path, answer).unwrap();
            judged(&python, &path);
        }
    }
    let wanted = [("acknowledged", 3), ("changed", 1), ("confirmed", 2), ("invoiced", 2), ("shipped", 2)];
    assert_eq!(seen, BTreeMap::from(wanted), "{said}");
    let numbered =
        |outcome: &Outcome| message(outcome).into_iter().find(|id| !id.starts_with("change/")).unwrap();
    let messages: Vec<String> = outcomes.iter().chain(&changes).map(numbered).collect();
    assert_eq!(acknowledged, messages);
}

#[test]
fn a_partner_that_rejects_a_line_or_all_is_understood() {
    let Some(python) = python() else { return };
    for (behaviour, rejected, refused) in
        [("reject-line", 1, false), ("reject-all", 3, true), ("short-ship", 0, false)]
    {
        let folder = tempfile::tempdir().unwrap();
        let (out, into) = (folder.path().join("out"), folder.path().join("in"));
        [&out, &into].into_iter().for_each(|path| std::fs::create_dir(path).unwrap());
        let mut kept = Kept::default();
        let (file, _) = kept.deliver(vec![work("1", 1, Fact::placed(order("1")))], &out);
        let said = trade(&python, behaviour, &into, &[file]);
        let events: Vec<Event> = answers(&into).iter().flat_map(|file| kept.receive(file).0).collect();
        let confirmed = documents(&events).map(|(_, document)| document);
        let [confirmed] = confirmed
            .filter(|document| document.kind == DocumentKind::SalesOrder)
            .collect::<Vec<_>>()
            .try_into()
            .unwrap_or_else(|_| panic!("{said}"));
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
fn a_partner_refuses_a_control_number_that_it_has_seen() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (out, into) = (folder.path().join("out"), folder.path().join("in"));
    [&out, &into].into_iter().for_each(|path| std::fs::create_dir(path).unwrap());
    let mut kept = Kept::default();
    let (file, _) = kept.deliver(vec![work("1", 1, Fact::placed(order("1")))], &out);
    trade(&python, "accept", &into, &[file.clone(), file]);
    let events: Vec<Event> = answers(&into).iter().flat_map(|file| kept.receive(file).0).collect();
    let refused: Vec<&Document> = documents(&events)
        .map(|(_, document)| document)
        .filter(|document| document.state == DocumentState::Refused)
        .collect();
    let [refused] = refused.as_slice() else { panic!("{events:?}") };
    assert_eq!((refused.kind, refused.answers.as_deref()), (DocumentKind::Acknowledgement, Some("1/1")));
    assert!(refused.reason.as_ref().unwrap().contains("the control number was used before"), "{refused:?}");
}
