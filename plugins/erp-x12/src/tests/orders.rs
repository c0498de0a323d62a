//! 850: new orders.

use super::*;

fn placed() -> Work {
    testing::work(testing::placed(testing::order()))
}

fn work(id: &str, change: impl FnOnce(&mut Order)) -> Work {
    let mut order = testing::order();
    order.number = format!("#{id}");
    change(&mut order);
    testing::work(testing::event(testing::entity(EntityKind::Order, id), None, Fact::placed(order)))
}

fn one(host: testing::Host, change: impl FnOnce(&mut Order)) -> Vec<String> {
    let (outcomes, file) = deliver(host, vec![work("1001", change)]);
    received(&outcomes[0]);
    segments(&file.unwrap(), "850")
}

#[test]
fn an_order_is_written_with_its_lines() {
    let (_, file) = deliver(host().last_number("isa", 11).setting("name", "Acme"), vec![placed()]);
    let file = file.unwrap();
    let expected = [
        "BEG*00*SA*1001**20261123",
        "CUR*BY*EUR",
        "REF*CO*#1001",
        "SAC*C*D240***500**********Standard",
        "N1*BY*Acme",
        "N1*ST*Ada Example",
        "N3*Hauptstr. 1",
        "N4*Berlin**10115*DE",
        "PER*IC**EM*ada@example.com",
        "PO1*1*2*EA*10**VP*TEA-250*SK*TEA-250",
        "PID*F****Green tea",
        "SAC*C*H850***200**********VAT",
        "CTT*1*2",
    ];
    assert_eq!(segments(&file, "850"), expected);
    let interchanges = x12::parse(&file).unwrap();
    assert_eq!(interchanges[0].sender(), ("ZZ", "RETAILER"));
    assert_eq!(interchanges[0].receiver(), ("ZZ", "LEGACY"));
    assert_eq!(interchanges[0].control(), "000000012");
    let group = interchanges[0].groups[0].header;
    assert_eq!(
        (group.value(1), group.value(2), group.value(3), group.value(6), group.value(8)),
        ("PO", "RETAILER", "LEGACY", "23", "004010")
    );
}

#[test]
fn the_receipt_has_the_references_that_responses_will_have() {
    let (outcomes, _) = deliver(host().last_number("isa", 11), vec![placed()]);
    let receipt = received(&outcomes[0]);
    let reference = |kind: &str| receipt.references.iter().find(|one| one.kind == kind).unwrap();
    assert_eq!(reference("message").id, "23/1");
    let order = reference("purchase-order");
    assert_eq!((order.id.as_str(), order.number.as_deref()), ("1001", Some("1001")));
    assert_eq!(order.lines, [LineReference { line: "11".into(), id: "1".into() }]);
    assert_eq!(receipt.note.as_deref(), Some("interchange 000000012"));
    assert!(receipt.written.is_empty());
}

#[test]
fn all_work_of_a_call_is_one_interchange_and_a_failure_affects_no_other_message() {
    let mut refund = testing::work(testing::refunded(testing::refund()));
    refund.references.clear();
    let customer = Customer { personal: None, accepts_marketing: false };
    let other = testing::work(testing::event(order(), None, Fact::CustomerUpdated(customer)));
    let work = vec![
        work("1001", |_| ()),
        work("1002", |order| order.lines[0].sku = None),
        work("1003", |order| order.lines[0].unit = Some("NIU".into())),
        other,
        work("1004", |order| order.test = true),
        work("1005", |_| ()),
    ];
    let host = host().setting("strict", ["sku"]).mapping("sku", "TEA-250", "4711").install();
    let outcomes = X12Erp::deliver(work);
    let files = host.files();
    let [(name, content)] = files.as_slice() else { panic!() };
    assert_eq!(name, "po-000000001.edi");
    let text = String::from_utf8(content.clone()).unwrap();
    let interchanges = x12::parse(&text).unwrap();
    let numbers: Vec<&str> =
        interchanges[0].groups[0].sets.iter().map(|set| set.find("BEG").unwrap().value(3)).collect();
    assert_eq!(numbers, ["1001", "1005"]);
    let message = |at: usize| received(&outcomes[at]).references.last().unwrap().id.clone();
    assert_eq!((message(0), message(5)), ("1/1".to_owned(), "1/2".to_owned()));
    let Outcome::Rejected(problem) = &outcomes[1] else { panic!() };
    assert_eq!((problem.code.as_str(), problem.field.as_deref()), ("no-sku", Some("lines[0].sku")));
    let unit = Unmapped { table: "unit".into(), value: "NIU".into() };
    assert_eq!(outcomes[2], Outcome::Unmapped(vec![unit]));
    assert_eq!(outcomes[3], Outcome::Ignored("the partner is not sent customer.updated".into()));
    assert!(matches!(outcomes[4], Outcome::Ignored(_)));
    drop(refund);
}

#[test]
fn an_interchange_that_is_too_large_is_split() {
    let many = || (1..=8).map(|id| work(&id.to_string(), |_| ())).collect::<Vec<_>>();
    let (outcomes, file) = deliver(host().file_limit(Some(1_200)), many());
    let file = file.unwrap();
    assert!(file.len() <= 1_200);
    let sets = x12::parse(&file).unwrap()[0].groups[0].sets.len();
    assert_eq!(sets, 2);
    let sent = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Received(_))).count();
    let later = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Throttled(_))).count();
    assert_eq!((sent, later), (2, 6));
    assert!(matches!((&outcomes[1], &outcomes[2]), (Outcome::Received(_), Outcome::Throttled(_))));
    // A message that is too large by itself fails alone.
    let codes = |folder: Option<u64>| -> Vec<String> {
        let (outcomes, file) = deliver(host().file_limit(folder), many());
        assert_eq!(file, None);
        let rejected = |outcome| match outcome {
            Outcome::Rejected(problem) => Some(problem.code),
            _ => None,
        };
        outcomes.into_iter().filter_map(rejected).collect()
    };
    assert_eq!(codes(Some(100)), ["file-too-large"]);
    assert_eq!(codes(None), vec!["no-folder"; 8]);
}

#[test]
fn no_file_is_written_without_messages() {
    let (outcomes, file) = deliver(host(), vec![work("1", |order| order.lines[0].sku = None)]);
    assert!(matches!(outcomes[0], Outcome::Rejected(_)));
    assert_eq!(file, None);
}

#[test]
fn articles_charges_accounts_and_locations_are_in_the_partners_codes() {
    let store = stores::Store {
        id: "S07".into(),
        name: "Harbour".into(),
        zone: "Europe/Berlin".into(),
        country: None,
        region: None,
        legal_entity: None,
        warehouse: Some("W2".into()),
        currency: None,
    };
    let host = host()
        .setting("freight-item", "FREIGHT")
        .setting("item-qualifier", "BP")
        .setting("name", "Acme")
        .mapping("sku", "TEA-250", "4711")
        .mapping("tax", "VAT", "H740")
        .mapping("tender", "card", "1200")
        .mapping("carrier", "Standard", "UPSN")
        .store(store, &[("shopify", "655")]);
    let lines = one(host, |order| {
        order.store = Some("655".into());
        order.business_date = Some("2026-11-22".into());
        order.prices_include_tax = true;
        let mut paid = testing::refund().payments.remove(0);
        (paid.kind, paid.amount) = (PaymentKind::Sale, Price::shop("27.00", "EUR"));
        order.payments = vec![paid];
        order.lines[0].gtin = Some("04012345678901".into());
        order.lines[0].discounts =
            vec![DiscountAllocation { title: Some("WELCOME".into()), amount: Price::shop("1.50", "EUR") }];
        order.totals.cash_rounding = Some(Price::shop("-0.02", "EUR"));
        order.totals.tips = Some(Price::shop("3.00", "EUR"));
    });
    let expected = [
        "BEG*00*SA*1001**20261122",
        "CUR*BY*EUR",
        "REF*CO*#1001",
        "REF*ZZ*1200*TENDER 27.00 EUR",
        "SAC*C*ZZZZ***300**********TIP",
        "SAC*A*ZZZZ***2**********CASH ROUNDING",
        "TD5**2*UPSN**Standard",
        "N1*BY*Acme*92*S07",
        "N1*ST*Ada Example",
        "N3*Hauptstr. 1",
        "N4*Berlin**10115*DE",
        "PER*IC**EM*ada@example.com",
        "N1*SF**92*W2",
        "PO1*1*2*EA*10**BP*4711*SK*TEA-250*EN*4012345678901",
        "PID*F****Green tea",
        "SAC*A*C310***150**********WELCOME",
        "SAC*N*H740***200**********VAT",
        "PO1*2*1*EA*5**BP*FREIGHT",
        "PID*F****Standard",
        "CTT*2*3",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn duties_are_charged_unless_prices_include_them() {
    let duties = |included: bool, line: bool| {
        let lines = one(host(), |order| {
            let duty = Price::shop("4.00", "EUR");
            order.duties_included = included;
            order.totals.duties = Some(duty.clone());
            order.lines[0].duties = if line { vec![duty] } else { vec![] };
        });
        lines.into_iter().filter(|line| line.ends_with("DUTIES")).collect::<Vec<_>>()
    };
    assert_eq!(duties(false, true), ["SAC*C*ZZZZ***400**********DUTIES"]);
    assert_eq!(duties(false, false), ["SAC*C*ZZZZ***400**********DUTIES"]);
    assert_eq!(duties(true, true), ["SAC*N*ZZZZ***400**********DUTIES"]);
    assert!(duties(true, false).is_empty());
}

#[test]
fn unmapped_values_of_strict_tables_are_reported_at_once() {
    let strict = host().setting("strict", ["sku", "tax", "tender", "carrier", "warehouse"]);
    let (outcomes, file) = deliver(
        strict,
        vec![work("1001", |order| {
            order.store = Some("655".into());
            let mut paid = testing::refund().payments.remove(0);
            paid.kind = PaymentKind::Sale;
            order.payments = vec![paid];
        })],
    );
    let Outcome::Unmapped(unmapped) = &outcomes[0] else { panic!("{outcomes:?}") };
    let unmapped: Vec<_> = unmapped.iter().map(|it| (it.table.as_str(), it.value.as_str())).collect();
    let expected = [
        ("tender", "card"),
        ("sku", "TEA-250"),
        ("tax", "VAT"),
        ("carrier", "Standard"),
        ("warehouse", "655"),
    ];
    assert_eq!(unmapped, expected);
    assert_eq!(file, None);
}

#[test]
fn addresses_are_written_in_the_partners_character_set() {
    let lines = one(host(), |order| {
        let shipping = order.personal.as_mut().unwrap().shipping.as_mut().unwrap();
        shipping.name = Some("Søren~Müller*Æ".into());
        shipping.company = Some("Tee & Söhne".into());
        shipping.lines = vec!["x".repeat(70), "Hof".into(), "Tür 3".into()];
        (shipping.city, shipping.region) = (Some("Å".into()), Some("US-CA".into()));
        (shipping.postal_code, shipping.phone) = (Some("1".into()), Some("+49 30 1".into()));
    });
    let address: Vec<&str> =
        lines.iter().map(String::as_str).skip_while(|line| !line.starts_with("N1*ST")).collect();
    assert_eq!(
        address[..6],
        [
            "N1*ST*Soren Muller AE",
            "N2*Tee & Sohne",
            &format!("N3*{}*Hof", "x".repeat(55)),
            "N3*Tur 3",
            // A city and a postal code of one character are too short.
            "N4**CA**DE",
            "PER*IC**TE*+49 30 1*EM*ada@example.com"
        ]
    );
    assert!(!one(host(), |order| order.personal = None).iter().any(|line| line.starts_with("N1*ST")));
    let host = host().setting("characters", "latin-1").install();
    let mut order = testing::order();
    order.lines[0].title = "Tee für Łukasz".into();
    X12Erp::deliver(vec![testing::work(testing::placed(order))]);
    let content = host.files().remove(0).1;
    assert!(content.windows(14).any(|bytes| bytes == b"Tee f\xFCr Lukasz"));
}

#[test]
fn tips_and_lines_without_quantity_are_not_ordered() {
    let lines = one(host(), |order| {
        let line = order.lines[0].clone();
        order.lines = vec![
            Line { id: "1".into(), current_quantity: Some("0".into()), ..line.clone() },
            Line {
                id: "2".into(),
                kind: LineKind::Tip,
                sku: None,
                unit_price: Price::shop("2", "EUR"),
                ..line.clone()
            },
            Line { id: "3".into(), current_quantity: Some("1".into()), unit: Some("KGM".into()), ..line },
        ];
    });
    let ordered: Vec<&String> = lines.iter().filter(|line| line.starts_with("PO1")).collect();
    assert_eq!(ordered, ["PO1*1*1*KG*10**VP*TEA-250*SK*TEA-250"]);
    assert!(lines.contains(&"SAC*C*ZZZZ***200**********TIP".to_owned()));
    assert!(
        lines.contains(&"SAC*C*H850***100**********VAT".to_owned()),
        "the tax of the current quantity: {lines:?}"
    );
}

#[test]
fn an_order_number_is_unique() {
    let number = |host: testing::Host, change: fn(&mut Order)| {
        let (outcomes, file) = deliver(host, vec![work("1001", change)]);
        match &outcomes[0] {
            Outcome::Rejected(problem) => problem.code.clone(),
            _ => segments(&file.unwrap(), "850")[0].clone(),
        }
    };
    assert_eq!(number(host().setting("po-prefix", "US-"), |_| ()), "BEG*00*SA*US-1001**20261123");
    let by_id = host().setting("po-number", "id");
    assert_eq!(number(by_id, |order| order.number = "#7".into()), "BEG*00*SA*1001**20261123");
    let serial = host().setting("po-number", "serial").setting("po-prefix", "X");
    assert_eq!(number(serial, |order| order.number = "7".repeat(40)), "BEG*00*SA*X1**20261123");
    assert_eq!(number(host(), |order| order.number = "12345678901234567890123".into()), "po-number-unusable");
    assert_eq!(number(host(), |order| order.number = "#".into()), "po-number-unusable");
    let taken =
        host().reference(testing::entity(EntityKind::Order, "7"), Reference::new("purchase-order", "1001"));
    assert_eq!(number(taken, |_| ()), "po-number-taken");
    let same = |id| work(id, |order| order.number = "#1".into());
    let (outcomes, _) = deliver(host(), vec![same("1"), same("2")]);
    received(&outcomes[0]);
    assert!(matches!(&outcomes[1], Outcome::Rejected(problem) if problem.code == "po-number-taken"));
}

#[test]
fn values_that_do_not_fit_are_refused_and_not_truncated() {
    let refused = |change: fn(&mut Order)| {
        let (outcomes, _) = deliver(host(), vec![work("1001", change)]);
        let Outcome::Rejected(problem) = &outcomes[0] else { panic!("{outcomes:?}") };
        problem.code.clone()
    };
    assert_eq!(refused(|order| order.lines[0].sku = Some("x".repeat(49))), "sku-unusable");
    assert_eq!(refused(|order| order.lines[0].sku = Some("Tür".into())), "sku-unusable");
    // A separator within an identifier must not change the article or the order.
    for separator in ["*", ">", "~"] {
        let with = |text: &str| text.replace('-', separator);
        let (outcomes, file) =
            deliver(host(), vec![work("1001", |order| order.lines[0].sku = Some(with("TEA-250")))]);
        assert!(
            matches!(&outcomes[0], Outcome::Rejected(problem) if problem.code == "sku-unusable"),
            "{outcomes:?}"
        );
        assert_eq!(file, None);
        let (outcomes, _) = deliver(host(), vec![work("1001", |order| order.number = with("#10-01"))]);
        assert!(matches!(&outcomes[0], Outcome::Rejected(problem) if problem.code == "po-number-unusable"));
        let mapped = host().mapping("sku", "TEA-250", &with("47-11"));
        let (outcomes, _) = deliver(mapped, vec![work("1001", |_| ())]);
        assert!(
            matches!(&outcomes[0], Outcome::Rejected(problem) if problem.code == "sku-unusable"),
            "{outcomes:?}"
        );
        let freight = host().setting("freight-item", with("FREIGHT-1"));
        let (outcomes, _) = deliver(freight, vec![work("1001", |_| ())]);
        assert!(
            matches!(&outcomes[0], Outcome::Rejected(problem) if problem.code == "sku-unusable"),
            "{outcomes:?}"
        );
    }
    // A character that is not a separator is written.
    let host_with_separator = host().setting("separators", serde_json::json!({ "element": "|" }));
    let (outcomes, file) =
        deliver(host_with_separator, vec![work("1001", |order| order.lines[0].sku = Some("TEA*250".into()))]);
    received(&outcomes[0]);
    assert!(file.unwrap().contains("|VP|TEA*250|"));
    assert_eq!(
        refused(|order| order.lines[0].taxes[0].amount.shop.amount = "0.005".into()),
        "amount-too-precise"
    );
    assert_eq!(refused(|order| order.lines[0].quantity = "many".into()), "invalid-amount");
    assert_eq!(
        refused(|order| order.lines[0].current_quantity = Some("0.1234567890123456".into())),
        "number-too-long"
    );
}

#[test]
fn an_invalid_setting_refuses_all_work() {
    let code = |host: testing::Host| {
        let (outcomes, _) = deliver(host, vec![placed()]);
        let Outcome::Rejected(problem) = &outcomes[0] else { panic!("{outcomes:?}") };
        problem.code.clone()
    };
    assert_eq!(code(host().setting("zone", "Nowhere")), "setting-invalid");
    assert_eq!(code(host().setting("separators", serde_json::json!({ "element": ">" }))), "setting-invalid");
    assert_eq!(code(testing::Host::new()), "setting-missing");
}

#[test]
fn the_envelope_follows_the_settings() {
    let host = host()
        .setting("version", "005010")
        .setting("usage", "T")
        .setting("ask-for-ta1", true)
        .setting("line-breaks", true)
        .setting("first-number", 700)
        .setting("own-application", "SHOP")
        .setting("partner-qualifier", "01")
        .setting("separators", serde_json::json!({ "element": "|", "component": ":", "segment": "'" }));
    let (_, file) = deliver(host, vec![placed()]);
    let file = file.unwrap();
    let mut lines = file.lines();
    let isa = lines.next().unwrap();
    assert!(
        isa.starts_with("ISA|00|          |00|          |ZZ|RETAILER       |01|LEGACY         |"),
        "{isa}"
    );
    assert!(isa.ends_with("|^|00501|000000700|1|T|:'"), "{isa}");
    assert_eq!(isa.len(), 106);
    let gs = lines.next().unwrap();
    assert!(gs.starts_with("GS|PO|SHOP|LEGACY|20") && gs.ends_with("|1399|X|005010'"), "{gs}");
}
