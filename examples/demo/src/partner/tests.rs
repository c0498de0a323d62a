use std::time::Instant;

use jiff::Timestamp;

use super::reading::Charges;
use super::*;
use crate::erp::stock::Article;

fn shelves() -> Shelves {
    let tea = Article { number: "TEA".into(), title: "Tea".into(), price: Decimal::TEN, pieces: 100 };
    Shelves { warehouses: vec!["L1".into(), "L2".into()], articles: vec![tea] }
}

fn pace() -> Pace {
    let second = Duration::from_secs(1);
    Pace { answer: second, ship: second * 10, advise: second * 2 }
}

fn state() -> PartnerState {
    PartnerState {
        books: Books::new(shelves(), pace()),
        writer: Writer::new("LEGACY", "ACME"),
        traffic: Traffic::default(),
    }
}

fn order(po: &str, article: &str) -> Draft {
    let mut draft = Draft::new("850");
    draft.add(format!("BEG*00*NE*{po}**20261123"));
    draft.add("REF*CO*shopify/acme/order/1");
    draft.add("N1*ST*ADA*92*7");
    draft.add("N3*ELM ST 1");
    draft.add("N4*DENVER*CO*80202*US");
    draft.add("N1*SF*WAREHOUSE*92*L2");
    draft.add("PO1*1*2*EA*10.00**SK*TEA");
    draft.add(format!("PO1*2*1*EA*3.00**SK*{article}"));
    draft
}

fn change(po: &str, purpose: &str, segments: &[&str]) -> Draft {
    let mut draft = Draft::new("860");
    draft.add(format!("BCH*{purpose}*SA*{po}**71*20261123"));
    segments.iter().for_each(|segment| draft.add(*segment));
    draft
}

struct Scene {
    state: PartnerState,
    host: Writer,
    start: Instant,
}

impl Scene {
    fn new() -> Self {
        Self { state: state(), host: Writer::new("ACME", "LEGACY"), start: Instant::now() }
    }

    fn now(&self, second: u64) -> Now {
        let at = Timestamp::from_second(1_795_000_000).unwrap() + Duration::from_secs(second);
        Now { instant: self.start + Duration::from_secs(second), at }
    }

    fn send(&mut self, second: u64, group: &str, drafts: &[Draft]) -> Vec<(String, String)> {
        let now = self.now(second);
        let (_, text) = self.host.write(group, drafts, &now.stamp());
        self.state.receive(&text, now)
    }

    /// The sets sent until then: their kinds and the texts.
    fn until(&mut self, second: u64) -> (Vec<String>, String) {
        let (mut kinds, mut all) = (vec![], String::new());
        for second in 0..=second {
            for (_, text) in self.state.send(self.now(second)) {
                let read = x12::read(&text).unwrap();
                kinds.extend(read.groups.iter().flat_map(|group| &group.sets).map(|set| set.kind.clone()));
                all.push_str(&text);
            }
        }
        (kinds, all)
    }
}

#[test]
fn an_order_is_acknowledged_confirmed_sent_and_invoiced() {
    let mut scene = Scene::new();
    let answers = scene.send(0, "PO", &[order("PO-1", "TEA")]);
    assert!(
        answers[0].1.contains("AK1*PO*1~")
            && answers[0].1.contains("AK5*A~")
            && answers[0].1.contains("AK9*A*1*1*1~")
    );
    let (mut kinds, text) = scene.until(30);
    kinds.sort();
    assert_eq!(kinds, ["810", "846", "846", "846", "855", "856"]);
    assert!(text.contains("BAK*00*AD*PO-1*20261123****LG-PO-1*") && text.contains("ACK*IA*2*EA*067*"));
    assert!(
        text.contains("PRF*PO-1***20261123~")
            && text.contains("SN1*1*2*EA~")
            && text.contains("REF*CN*1Z888LG")
    );
    assert!(text.contains("BIG*") && text.contains("TDS*2300~"));
    let stored = &scene.state.books.orders[0];
    assert_eq!(stored.answered, Answered { acknowledged: 1, confirmed: 1, shipped: 1, invoiced: 1 });
    assert!(stored.names.contains("shopify/acme/order/1") && stored.warehouse == "L2");
    assert_eq!(stored.ship_to, Some(("DENVER".into(), "80202".into(), "US".into())));
    assert_eq!(scene.state.books.stock()[&("TEA".to_owned(), "L2".to_owned())], Decimal::from(97));
    assert_eq!(scene.state.books.open(), 0);
    assert_eq!(scene.state.books.violations, Violations::default());
}

#[test]
fn the_stock_follows_changes_and_cancellations() {
    let mut scene = Scene::new();
    let left = |scene: &Scene| scene.state.books.stock()[&("TEA".to_owned(), "L2".to_owned())];
    scene.send(0, "PO", &[order("PO-1", "TEA")]);
    scene.send(
        1,
        "PC",
        &[change(
            "PO-1",
            "04",
            &["POC*1*QI*5*3*EA*10.00**SK*TEA", "POC*2*DI*1*0*EA", "POC*3*AI*1*1*EA*4.00**SK*TEA"],
        )],
    );
    assert_eq!(left(&scene), Decimal::from(94));
    assert_eq!(scene.state.books.orders[0].lines.len(), 2);
    scene.send(2, "PC", &[change("PO-1", "04", &["POC*1*CA*5*5*EA*10.00**SK*TEA"])]);
    assert_eq!(scene.state.books.orders[0].unchanged, 1, "it changed nothing");
    scene.send(3, "PC", &[change("PO-1", "01", &[])]);
    assert_eq!(left(&scene), Decimal::from(100));
    let (kinds, text) = scene.until(30);
    assert!(!kinds.contains(&"856".to_owned()) && !kinds.contains(&"810".to_owned()));
    assert!(
        text.contains("BAK*00*AD*PO-1")
            && text.matches("BCA*00*AT*PO-1**71*20261123***LG-PO-1*").count() == 3
    );
    let answers = scene.send(4, "PC", &[change("PO-9", "01", &[])]);
    assert!(answers[0].1.contains("AK5*R") && answers[0].1.contains("AK9*R*1*1*0"));
    assert_eq!(scene.state.books.violations.strangers, ["PO-9"]);
}

#[test]
fn charges_are_read_with_the_line_or_the_order_they_belong_to() {
    let mut scene = Scene::new();
    let charged = |lines: &[&str]| {
        let mut draft = Draft::new("850");
        draft.add("BEG*00*NE*PO-1**20261123");
        draft.add("SAC*C*D240***500");
        draft.add("SAC*C*H850***40");
        lines.iter().for_each(|line| draft.add(*line));
        draft.add("CTT*1");
        draft
    };
    let line = ["PO1*1*2*EA*10.00**SK*TEA", "SAC*A*C310***150", "SAC*C*H850***148", "SAC*N*H850***20"];
    scene.send(0, "PO", &[charged(&line)]);
    let stored = &scene.state.books.orders[0];
    let cents = |cents: i64| Decimal::new(cents, 2);
    let Charges { discount, tax, freight, other } = stored.charges.and(stored.lines[0].charges);
    assert_eq!(
        [discount, tax, freight, other].map(|one| one.normalize()),
        [cents(150).normalize(), cents(188).normalize(), cents(500).normalize(), cents(0).normalize()]
    );
    let change = ["SAC*C*D240***500", "SAC*C*H850***40", "POC*1*CA*2*2*EA*10.00**SK*TEA", "SAC*C*H850***1"];
    scene.send(1, "PC", &[super::tests::change("PO-1", "04", &change)]);
    let stored = &scene.state.books.orders[0];
    assert_eq!((stored.lines[0].charges.tax, stored.unchanged), (cents(1), 0), "another tax is a change");
    let answers = scene.send(2, "PO", &[charged(&["PO1*1*2*EA*10.00**SK*TEA", "SAC*X*H850***1"])]);
    assert!(answers[0].1.contains("AK5*R"), "{}", answers[0].1);
}

#[test]
fn a_change_after_the_invoice_leaves_the_documents_sent() {
    let mut scene = Scene::new();
    scene.send(0, "PO", &[order("PO-1", "TEA")]);
    scene.until(30);
    scene.send(31, "PC", &[change("PO-1", "04", &["POC*1*DI*0", "POC*2*DI*0"])]);
    let stored = &scene.state.books.orders[0];
    assert!(stored.lines.is_empty() && stored.goods().next().is_none());
    assert_eq!(stored.must_answer(), (1, 1));
    // The ledger shows what left, and that the change came after it.
    let departure = stored.departure.as_ref().unwrap();
    assert!(departure.shipped && departure.lines.len() == 2);
    let at: Vec<Instant> = stored.revisions.iter().map(|revision| revision.at).collect();
    assert!(at.len() == 2 && at[0] < departure.at && departure.at < at[1]);
}

#[test]
fn an_unknown_article_is_rejected_and_the_rest_is_sent() {
    let mut scene = Scene::new();
    scene.send(0, "PO", &[order("PO-1", "UNKNOWN-3")]);
    let (_, text) = scene.until(30);
    assert!(
        text.contains("BAK*00*AC*PO-1") && text.contains("ACK*IR*0*EA~") && text.contains("ITEM NOT ON FILE")
    );
    assert!(text.contains("SN1*1*2*EA~") && !text.contains("SN1*2*"));
    assert_eq!(scene.state.books.stock()[&("TEA".to_owned(), "L2".to_owned())], Decimal::from(98));
}

#[test]
fn a_repeated_control_number_is_refused_and_a_falling_one_is_counted() {
    let mut scene = Scene::new();
    let (_, first) = scene.host.write("PO", &[order("PO-1", "TEA")], "202611231200");
    let (_, second) = scene.host.write("PO", &[order("PO-2", "TEA")], "202611231200");
    let (_, third) = scene.host.write("PO", &[order("PO-3", "TEA")], "202611231200");
    let now = scene.now(0);
    scene.state.receive(&first, now);
    let again = scene.state.receive(&first, now);
    assert!(again[0].1.contains("TA1*000000001*261123*1200*R*025~"), "{}", again[0].1);
    scene.state.receive(&third, now);
    scene.state.receive(&second, now);
    let violations = &scene.state.books.violations;
    assert_eq!((violations.repeated, violations.not_rising, scene.state.traffic.refused), (1, 1, 1));
    assert_eq!(scene.state.books.orders.len(), 3);
    let broken = scene.state.receive("ISA*half", now);
    assert!(broken[0].1.contains("*R*024~") && scene.state.books.violations.unreadable.len() == 1);
}

#[tokio::test]
async fn files_are_read_whole_and_written_whole() {
    let folder = std::env::temp_dir().join(format!("crossdock-partner-{}", std::process::id()));
    let (out, input) = (folder.join("out"), folder.join("in"));
    std::fs::create_dir_all(&out).unwrap();
    let pace = Pace { answer: Duration::ZERO, ship: Duration::ZERO, advise: Duration::ZERO };
    let (own, other) = ("LEGACY".to_owned(), "ACME".to_owned());
    let poll_interval = Duration::from_millis(10);
    let partner = Partner::start(Options {
        folder: folder.clone(),
        own,
        other,
        shelves: shelves(),
        pace,
        poll_interval,
    });
    let (_, text) = Writer::new("ACME", "LEGACY").write("PO", &[order("PO-1", "TEA")], "202611231200");
    std::fs::write(out.join("po-1.x12.tmp"), &text[..200]).unwrap();
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(partner.order_count(), 0, "it is still being written");
    std::fs::write(out.join("po-1.x12.tmp"), &text).unwrap();
    std::fs::rename(out.join("po-1.x12.tmp"), out.join("po-1.x12")).unwrap();
    while partner.open() > 0 || partner.order_count() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // What is due is written a moment after it is booked.
    while out.join("po-1.x12").exists() || files(&input).len() < partner.traffic().written {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let names = files(&input);
    let all: String = names.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    for kind in ["997", "855", "856", "810", "846"] {
        assert!(all.contains(&format!("ST*{kind}*")), "{kind}");
    }
    assert_eq!(partner.traffic().written, names.len());
    std::fs::remove_dir_all(&folder).unwrap();
}
