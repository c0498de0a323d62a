//! 860: changes of orders that the partner has, and work that is delivered again.

use super::*;

/// Delivers work and returns the segments of its message, or its outcome. Updates the order's references.
fn send(mut work: Work, stored: &mut Vec<Reference>, serial: u64) -> Result<Vec<String>, Outcome> {
    work.references.clone_from(stored);
    work.serial = serial;
    let (outcomes, file) = deliver(host(), vec![work]);
    let receipt = match outcomes.into_iter().next().unwrap() {
        Outcome::Received(receipt) => receipt,
        other => return Err(other),
    };
    // As the host stores them: a reference replaces an older one with the same kind and id.
    for reference in receipt.references {
        stored.retain(|other| (&other.kind, &other.id) != (&reference.kind, &reference.id));
        stored.push(reference);
    }
    let file = file.unwrap();
    let kind = if file.contains("ST*850") { "850" } else { "860" };
    Ok(segments(&file, kind))
}

fn snapshot(operation: fn(Order) -> Fact, change: impl FnOnce(&mut Order)) -> Work {
    let mut two = testing::order();
    let second =
        Line { id: "12".into(), sku: Some("MUG".into()), title: "Mug".into(), ..two.lines[0].clone() };
    two.lines.push(second);
    two.lines.iter_mut().for_each(|line| line.taxes.clear());
    change(&mut two);
    testing::work(testing::event(order(), None, operation(two)))
}

/// The references of order 1001 after it was sent.
fn sent() -> Vec<Reference> {
    let mut stored = Vec::new();
    send(snapshot(Fact::placed, |_| ()), &mut stored, 1).unwrap();
    stored
}

/// Adds the reference by which the host records that the partner refused a delivery.
fn refuse(stored: &mut Vec<Reference>, serial: u64) {
    stored.push(Reference::new("refused", format!("{serial}/{}", stored.len())));
}

fn lines(segments: &[String]) -> Vec<&str> {
    segments.iter().map(String::as_str).filter(|line| line.starts_with("POC")).collect()
}

#[test]
fn a_change_contains_only_the_differences() {
    let mut stored = sent();
    let segments = send(
        snapshot(Fact::updated, |order| {
            order.lines[0].current_quantity = Some("1".into());
            let third = Line {
                id: "13".into(),
                sku: Some("POT".into()),
                current_quantity: None,
                ..order.lines[1].clone()
            };
            order.lines.push(third);
        }),
        &mut stored,
        2,
    )
    .unwrap();
    assert_eq!(segments[0], "BCH*04*SA*1001**1*20261123*****20261123");
    let expected = ["POC*1*QD*1**EA*10**VP*TEA-250*SK*TEA-250", "POC*3*AI*2**EA*10**VP*POT*SK*POT"];
    assert_eq!(lines(&segments), expected);
    let order = stored.iter().find(|it| it.kind == "purchase-order").unwrap();
    assert_eq!(order.lines.len(), 3);
    assert!(stored.iter().any(|it| it.kind == "message" && it.id == "change/1"));

    // The next change is relative to this one; a removed line is sent once.
    let next = |order: &mut Order| {
        order.lines[0].unit_price = Price::shop("9", "EUR");
        order.lines[0].current_quantity = Some("1".into());
        order.lines.remove(1);
    };
    let segments = send(snapshot(Fact::updated, next), &mut stored, 3).unwrap();
    assert_eq!(lines(&segments), ["POC*1*PC*1**EA*9**VP*TEA-250*SK*TEA-250", "POC*2*DI*0", "POC*3*DI*0"]);
    let again = send(snapshot(Fact::updated, next), &mut stored, 4);
    assert_eq!(again, Err(Outcome::Ignored("nothing changed that the partner is sent".into())));
    let back = send(snapshot(Fact::updated, |_| ()), &mut stored, 5).unwrap();
    assert_eq!(
        lines(&back),
        ["POC*1*CA*2**EA*10**VP*TEA-250*SK*TEA-250", "POC*2*AI*2**EA*10**VP*MUG*SK*MUG"]
    );
}

#[test]
fn a_refused_change_is_sent_again_unchanged() {
    let mut stored = sent();
    let fewer = || snapshot(Fact::updated, |order| order.lines[0].current_quantity = Some("1".into()));
    let first = send(fewer(), &mut stored, 2).unwrap();
    refuse(&mut stored, 2);
    let second = send(fewer(), &mut stored, 2).unwrap();
    assert_eq!(lines(&first), lines(&second));
    assert!(!lines(&first).is_empty());
}

#[test]
fn a_refused_order_is_sent_again_with_the_same_line_numbers() {
    let mut stored = sent();
    refuse(&mut stored, 1);
    let again = send(snapshot(Fact::placed, |order| order.lines.reverse()), &mut stored, 1).unwrap();
    let ordered: Vec<&str> =
        again.iter().map(String::as_str).filter(|line| line.starts_with("PO1")).collect();
    assert_eq!(ordered, ["PO1*2*2*EA*10**VP*MUG*SK*MUG", "PO1*1*2*EA*10**VP*TEA-250*SK*TEA-250"]);
}

#[test]
fn payments_tags_and_changes_after_shipping_are_ignored() {
    let mut stored = sent();
    let ignored = |work: Work, stored: &mut Vec<Reference>| {
        let Err(Outcome::Ignored(note)) = send(work, stored, 2) else { panic!() };
        note
    };
    let paid = snapshot(Fact::paid, |order| order.payment = PaymentState::Paid);
    assert!(ignored(paid, &mut stored).contains("nothing changed that the partner"));
    let tagged = snapshot(Fact::updated, |order| order.tags = vec!["vip".into()]);
    assert!(ignored(tagged, &mut stored).contains("nothing changed that the partner"));
    let erased = snapshot(Fact::updated, |order| order.personal = None);
    assert!(ignored(erased, &mut stored).contains("nothing changed that the partner"));
    let left = snapshot(Fact::updated, |order| {
        order.fulfilment = FulfilmentState::Fulfilled;
        order.lines[0].current_quantity = Some("1".into());
    });
    assert!(ignored(left, &mut stored).contains("have left"));
    let edit = OrderEdit {
        id: "5".into(),
        at: "2026-11-23T09:30:00+01:00".into(),
        lines: vec![LineChange { id: "11".into(), delta: "-1".into() }],
        discounts_changed: false,
        shipping_changed: false,
    };
    let edit = testing::work(testing::event(order(), None, Fact::OrderEdited(edit)));
    assert!(ignored(edit, &mut stored).contains("snapshot follows"));
}

#[test]
fn a_new_address_is_a_change_without_lines() {
    let mut stored = sent();
    let moved = snapshot(Fact::updated, |order| {
        let shipping = order.personal.as_mut().unwrap().shipping.as_mut().unwrap();
        shipping.lines = vec!["Nebenstr. 2".into()];
    });
    let segments = send(moved, &mut stored, 2).unwrap();
    assert!(segments.contains(&"N3*Nebenstr. 2".to_owned()));
    assert_eq!(lines(&segments), Vec::<&str>::new());
    assert_eq!(segments.last().unwrap(), "CTT*0");
}

#[test]
fn a_cancellation_is_sent_once() {
    let cancelled =
        || snapshot(Fact::cancelled, |order| order.cancelled_at = Some("2026-11-24T08:00:00+01:00".into()));
    let mut none = Vec::new();
    assert_eq!(
        send(cancelled(), &mut none, 1),
        Err(Outcome::Ignored("it was cancelled before it was sent".into()))
    );
    let mut stored = sent();
    let expected = ["BCH*01*SA*1001**1*20261123*****20261123", "CUR*BY*EUR", "CTT*0"];
    assert_eq!(send(cancelled(), &mut stored, 2).unwrap(), expected);
    refuse(&mut stored, 2);
    assert_eq!(send(cancelled(), &mut stored, 2).unwrap().len(), 3, "refused, and sent again");
    let mut snapshot = cancelled();
    if let Fact::Order(change) = &mut snapshot.event.fact {
        change.operation = OrderOperation::Updated;
    }
    assert_eq!(
        send(snapshot, &mut stored, 3),
        Err(Outcome::Ignored("the cancellation was sent before".into()))
    );
}

#[test]
fn orders_and_changes_are_in_separate_groups() {
    let mut changed = snapshot(Fact::updated, |order| order.lines[0].current_quantity = Some("1".into()));
    changed.references = sent();
    changed.serial = 2;
    let mut other = testing::order();
    other.number = "#1002".into();
    let other =
        testing::work(testing::event(testing::entity(EntityKind::Order, "1002"), None, Fact::placed(other)));
    let (outcomes, file) = deliver(host(), vec![changed, other]);
    let file = file.unwrap();
    let interchanges = x12::parse(&file).unwrap();
    let groups: Vec<(&str, &str)> =
        interchanges[0].groups.iter().map(|group| (group.header.value(1), group.header.value(6))).collect();
    assert_eq!(groups, [("PO", "1"), ("PC", "2")]);
    let ids = |at: usize| -> Vec<&str> {
        received(&outcomes[at])
            .references
            .iter()
            .filter(|it| it.kind == "message")
            .map(|it| it.id.as_str())
            .collect()
    };
    assert_eq!((ids(0), ids(1)), (vec!["change/1", "2/1"], vec!["1/1"]));
}

#[test]
fn the_first_snapshot_of_an_order_is_an_850() {
    let mut stored = Vec::new();
    let segments = send(snapshot(Fact::paid, |_| ()), &mut stored, 1).unwrap();
    assert!(segments[0].starts_with("BEG*00"));
}

/// The outcome of work that is delivered without a file.
fn deliver_again(work: Work, stored: &[Reference], serial: u64) -> Outcome {
    let mut work = work;
    (work.references, work.serial) = (stored.to_vec(), serial);
    let (outcomes, file) = deliver(host(), vec![work]);
    assert_eq!(file, None, "no message is written twice");
    outcomes.into_iter().next().unwrap()
}

#[test]
fn repeated_work_writes_no_message() {
    let mut stored = sent();
    let placed = || snapshot(Fact::placed, |_| ());
    // An overdue delivery is retried: the response may still arrive.
    let Outcome::Received(receipt) = deliver_again(placed(), &stored, 1) else { panic!() };
    assert_eq!(
        (receipt.references.len(), receipt.note.as_deref()),
        (0, Some("it was written to a file before"))
    );
    // Also after later changes.
    let fewer = |current: &'static str| {
        snapshot(Fact::updated, move |order| order.lines[0].current_quantity = Some(current.into()))
    };
    send(fewer("1"), &mut stored, 2).unwrap();
    send(fewer("0"), &mut stored, 3).unwrap();
    for serial in [2, 3] {
        assert!(matches!(deliver_again(fewer("1"), &stored, serial), Outcome::Received(_)));
    }
    assert!(matches!(deliver_again(placed(), &stored, 1), Outcome::Received(_)));
    // After the partner's confirmation, of all lines or some, a replay is already there.
    stored.push(Reference::new("sales-order", "order-1001-S1"));
    assert!(matches!(deliver_again(placed(), &stored, 1), Outcome::AlreadyThere(_)));
    assert!(
        matches!(deliver_again(fewer("0"), &stored, 3), Outcome::Received(_)),
        "a confirmed order does not confirm its change"
    );
    stored.push(Reference::new("answered", "change/9"));
    assert!(
        matches!(deliver_again(fewer("0"), &stored, 3), Outcome::Received(_)),
        "another change was confirmed"
    );
    stored.push(Reference::new("answered", "change/1"));
    assert!(matches!(deliver_again(fewer("0"), &stored, 3), Outcome::AlreadyThere(_)));
}

#[test]
fn work_is_sent_again_once_for_each_refusal() {
    let mut stored = sent();
    let placed = || snapshot(Fact::placed, |_| ());
    for _ in 0..2 {
        refuse(&mut stored, 1);
        // The refusal of another delivery.
        refuse(&mut stored, 11);
        assert!(send(placed(), &mut stored, 1).unwrap()[0].starts_with("BEG*00*SA*1001"));
        assert!(matches!(deliver_again(placed(), &stored, 1), Outcome::Received(_)), "written before");
    }
}

#[test]
fn a_forced_replay_orders_again() {
    let mut stored = sent();
    stored.push(Reference::new("sales-order", "order-1001-S1"));
    // A replay with a generation is a delivery of its own.
    assert!(send(snapshot(Fact::placed, |_| ()), &mut stored, 9).unwrap()[0].starts_with("BEG*00*SA*1001"));
}

#[test]
fn written_work_is_found() {
    let mut stored = sent();
    let found = |stored: &[Reference], serial: u64| {
        let mut work = snapshot(Fact::placed, |_| ());
        (work.references, work.serial) = (stored.to_vec(), serial);
        X12Erp::find(vec![work]).remove(0)
    };
    assert!(matches!(found(&stored, 1), Found::Present(_)));
    assert_eq!((found(&stored, 2), found(&[], 1)), (Found::Absent, Found::Absent));
    refuse(&mut stored, 1);
    assert_eq!(found(&stored, 1), Found::Absent);
}
