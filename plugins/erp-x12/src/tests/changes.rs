//! 860: what changed of an order that the partner has.

use super::*;

/// Delivers one piece, and gives back its outcome, its message and its references for the next one.
fn tell(mut work: Work, known: &mut Vec<Reference>, serial: u64) -> Result<Vec<String>, Outcome> {
    work.references.clone_from(known);
    work.serial = serial;
    let (outcomes, file) = deliver(host(), vec![work]);
    let receipt = match outcomes.into_iter().next().unwrap() {
        Outcome::Received(receipt) => receipt,
        other => return Err(other),
    };
    // As the host keeps them: by kind and id, the newer one in place of the older.
    for reference in receipt.references {
        known.retain(|other| (&other.kind, &other.id) != (&reference.kind, &reference.id));
        known.push(reference);
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

/// Order 1001 has been told.
fn told() -> Vec<Reference> {
    let mut known = Vec::new();
    tell(snapshot(Fact::placed, |_| ()), &mut known, 1).unwrap();
    known
}

/// The partner refuses what this delivery told, as the host notes it.
fn refuse(known: &mut Vec<Reference>, serial: u64) {
    known.push(Reference::new("refused", format!("{serial}/{}", known.len())));
}

fn lines(segments: &[String]) -> Vec<&str> {
    segments.iter().map(String::as_str).filter(|line| line.starts_with("POC")).collect()
}

#[test]
fn a_change_tells_what_is_different_and_nothing_else() {
    let mut known = told();
    let segments = tell(
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
        &mut known,
        2,
    )
    .unwrap();
    assert_eq!(segments[0], "BCH*04*SA*1001**1*20261123*****20261123");
    let wanted = ["POC*1*QD*1**EA*10**VP*TEA-250*SK*TEA-250", "POC*3*AI*2**EA*10**VP*POT*SK*POT"];
    assert_eq!(lines(&segments), wanted);
    let order = known.iter().find(|one| one.kind == "purchase-order").unwrap();
    assert_eq!(order.lines.len(), 3);
    assert!(known.iter().any(|one| one.kind == "message" && one.id == "change/1"));

    // The next change is told against this one; a line that went is not told twice.
    let next = |order: &mut Order| {
        order.lines[0].unit_price = Price::shop("9", "EUR");
        order.lines[0].current_quantity = Some("1".into());
        order.lines.remove(1);
    };
    let segments = tell(snapshot(Fact::updated, next), &mut known, 3).unwrap();
    assert_eq!(lines(&segments), ["POC*1*PC*1**EA*9**VP*TEA-250*SK*TEA-250", "POC*2*DI*0", "POC*3*DI*0"]);
    let again = tell(snapshot(Fact::updated, next), &mut known, 4);
    assert_eq!(again, Err(Outcome::Ignored("nothing that the partner is told of has changed".into())));
    let back = tell(snapshot(Fact::updated, |_| ()), &mut known, 5).unwrap();
    assert_eq!(
        lines(&back),
        ["POC*1*CA*2**EA*10**VP*TEA-250*SK*TEA-250", "POC*2*AI*2**EA*10**VP*MUG*SK*MUG"]
    );
}

#[test]
fn a_refused_change_that_is_tried_again_tells_the_same() {
    let mut known = told();
    let fewer = || snapshot(Fact::updated, |order| order.lines[0].current_quantity = Some("1".into()));
    let first = tell(fewer(), &mut known, 2).unwrap();
    refuse(&mut known, 2);
    let second = tell(fewer(), &mut known, 2).unwrap();
    assert_eq!(lines(&first), lines(&second));
    assert!(!lines(&first).is_empty());
}

#[test]
fn an_order_that_was_refused_is_ordered_again_with_the_same_numbers() {
    let mut known = told();
    refuse(&mut known, 1);
    let again = tell(snapshot(Fact::placed, |order| order.lines.reverse()), &mut known, 1).unwrap();
    let ordered: Vec<&str> =
        again.iter().map(String::as_str).filter(|line| line.starts_with("PO1")).collect();
    assert_eq!(ordered, ["PO1*2*2*EA*10**VP*MUG*SK*MUG", "PO1*1*2*EA*10**VP*TEA-250*SK*TEA-250"]);
}

#[test]
fn payment_labels_and_what_has_left_change_nothing() {
    let mut known = told();
    let ignored = |work: Work, known: &mut Vec<Reference>| {
        let Err(Outcome::Ignored(why)) = tell(work, known, 2) else { panic!() };
        why
    };
    let paid = snapshot(Fact::paid, |order| order.payment = PaymentState::Paid);
    assert!(ignored(paid, &mut known).contains("nothing that the partner is told of"));
    let tagged = snapshot(Fact::updated, |order| order.tags = vec!["vip".into()]);
    assert!(ignored(tagged, &mut known).contains("nothing that the partner is told of"));
    let erased = snapshot(Fact::updated, |order| order.personal = None);
    assert!(ignored(erased, &mut known).contains("nothing that the partner is told of"));
    let left = snapshot(Fact::updated, |order| {
        order.fulfilment = FulfilmentState::Fulfilled;
        order.lines[0].current_quantity = Some("1".into());
    });
    assert!(ignored(left, &mut known).contains("have left"));
    let edit = OrderEdit {
        id: "5".into(),
        at: "2026-11-23T09:30:00+01:00".into(),
        lines: vec![LineChange { id: "11".into(), delta: "-1".into() }],
        discounts_changed: false,
        shipping_changed: false,
    };
    let edit = testing::work(testing::event(order(), None, Fact::OrderEdited(edit)));
    assert!(ignored(edit, &mut known).contains("snapshot follows"));
}

#[test]
fn a_new_address_is_a_change_without_lines() {
    let mut known = told();
    let moved = snapshot(Fact::updated, |order| {
        let shipping = order.personal.as_mut().unwrap().shipping.as_mut().unwrap();
        shipping.lines = vec!["Nebenstr. 2".into()];
    });
    let segments = tell(moved, &mut known, 2).unwrap();
    assert!(segments.contains(&"N3*Nebenstr. 2".to_owned()));
    assert_eq!(lines(&segments), Vec::<&str>::new());
    assert_eq!(segments.last().unwrap(), "CTT*0");
}

#[test]
fn a_cancellation_is_told_once() {
    let cancelled =
        || snapshot(Fact::cancelled, |order| order.cancelled_at = Some("2026-11-24T08:00:00+01:00".into()));
    let mut nobody = Vec::new();
    assert_eq!(
        tell(cancelled(), &mut nobody, 1),
        Err(Outcome::Ignored("it was cancelled before it was ordered".into()))
    );
    let mut known = told();
    let wanted = ["BCH*01*SA*1001**1*20261123*****20261123", "CUR*BY*EUR", "CTT*0"];
    assert_eq!(tell(cancelled(), &mut known, 2).unwrap(), wanted);
    refuse(&mut known, 2);
    assert_eq!(tell(cancelled(), &mut known, 2).unwrap().len(), 3, "refused, and tried again");
    let mut snapshot = cancelled();
    if let Fact::Order(change) = &mut snapshot.event.fact {
        change.operation = OrderOperation::Updated;
    }
    assert_eq!(
        tell(snapshot, &mut known, 3),
        Err(Outcome::Ignored("the partner was told that it is cancelled".into()))
    );
}

#[test]
fn orders_and_changes_go_in_groups_of_their_own() {
    let mut changed = snapshot(Fact::updated, |order| order.lines[0].current_quantity = Some("1".into()));
    changed.references = told();
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
            .filter(|one| one.kind == "message")
            .map(|one| one.id.as_str())
            .collect()
    };
    assert_eq!((ids(0), ids(1)), (vec!["change/1", "2/1"], vec!["1/1"]));
}

#[test]
fn a_first_snapshot_of_an_order_orders_it() {
    let mut known = Vec::new();
    let segments = tell(snapshot(Fact::paid, |_| ()), &mut known, 1).unwrap();
    assert!(segments[0].starts_with("BEG*00"));
}

/// The outcome of work that hands nothing over.
fn again(work: Work, known: &[Reference], serial: u64) -> Outcome {
    let mut work = work;
    (work.references, work.serial) = (known.to_vec(), serial);
    let (outcomes, file) = deliver(host(), vec![work]);
    assert_eq!(file, None, "nothing is handed over twice");
    outcomes.into_iter().next().unwrap()
}

#[test]
fn the_same_work_again_orders_nothing_again() {
    let mut known = told();
    let placed = || snapshot(Fact::placed, |_| ());
    // Overdue, and retried: the answer may still come, and what it refuses is to be seen.
    let Outcome::Received(receipt) = again(placed(), &known, 1) else { panic!() };
    assert_eq!((receipt.references.len(), receipt.note.as_deref()), (0, Some("it was handed over before")));
    // Later changes do not hide it.
    let fewer = |left: &'static str| {
        snapshot(Fact::updated, move |order| order.lines[0].current_quantity = Some(left.into()))
    };
    tell(fewer("1"), &mut known, 2).unwrap();
    tell(fewer("0"), &mut known, 3).unwrap();
    for serial in [2, 3] {
        assert!(matches!(again(fewer("1"), &known, serial), Outcome::Received(_)));
    }
    assert!(matches!(again(placed(), &known, 1), Outcome::Received(_)));
    // The partner has confirmed it, all of it or without some lines: a replay finds that it is there.
    known.push(Reference::new("sales-order", "order-1001-S1"));
    assert!(matches!(again(placed(), &known, 1), Outcome::AlreadyThere(_)));
    assert!(matches!(again(fewer("0"), &known, 3), Outcome::Received(_)), "that says nothing of the change");
    known.push(Reference::new("answered", "change/9"));
    assert!(matches!(again(fewer("0"), &known, 3), Outcome::Received(_)), "nor does another change");
    known.push(Reference::new("answered", "change/1"));
    assert!(matches!(again(fewer("0"), &known, 3), Outcome::AlreadyThere(_)));
}

#[test]
fn work_is_told_again_once_for_each_refusal() {
    let mut known = told();
    let placed = || snapshot(Fact::placed, |_| ());
    for _ in 0..2 {
        refuse(&mut known, 1);
        // Another delivery's refusal is not this one's.
        refuse(&mut known, 11);
        assert!(tell(placed(), &mut known, 1).unwrap()[0].starts_with("BEG*00*SA*1001"));
        assert!(matches!(again(placed(), &known, 1), Outcome::Received(_)), "lost after it was handed over");
    }
}

#[test]
fn a_replay_on_purpose_orders_again() {
    let mut known = told();
    known.push(Reference::new("sales-order", "order-1001-S1"));
    // A generation is a delivery of its own.
    assert!(tell(snapshot(Fact::placed, |_| ()), &mut known, 9).unwrap()[0].starts_with("BEG*00*SA*1001"));
}

#[test]
fn what_was_handed_over_is_found() {
    let mut known = told();
    let found = |known: &[Reference], serial: u64| {
        let mut work = snapshot(Fact::placed, |_| ());
        (work.references, work.serial) = (known.to_vec(), serial);
        X12Erp::find(vec![work]).remove(0)
    };
    assert!(matches!(found(&known, 1), Found::Present(_)));
    assert_eq!((found(&known, 2), found(&[], 1)), (Found::Absent, Found::Absent));
    refuse(&mut known, 1);
    assert_eq!(found(&known, 1), Found::Absent);
}
