//! Voids: of a line during the sale, and of a whole sale.

use super::*;

fn void_transaction(fields: &str, lines: &str) -> String {
    transaction(
        170,
        &format!(
            "<RetailTransaction>{lines}<TransactionLink ReasonCode=\"PostVoid\"><WorkstationID>34</WorkstationID>{fields}\
             <SequenceNumber>161</SequenceNumber></TransactionLink>\
             <Total TotalType=\"TransactionGrandAmount\">-10.00</Total></RetailTransaction>"
        ),
    )
    .replace("02:02:54", "02:30:00")
}

const DATE: &str = "<BusinessDayDate>2017-09-30</BusinessDayDate>";

#[test]
fn a_line_with_a_void_flag_is_ignored() {
    let voided = sale("B", "4.00", "1", "4.00").replace("<LineItem", "<LineItem VoidFlag=\"true\"");
    let events = read(poslog(&[retail(1, &[sale("A", "1.00", "1", "1.00"), voided], "1.00")])).unwrap();
    assert_eq!(checked_order(&events[0]).lines.len(), 1);
}

#[test]
fn a_reversing_line_removes_or_reduces_the_reversed_line() {
    let reversal = sale("B", "2.00", "-2", "-4.00").replace("<LineItem", "<LineItem VoidFlag=\"true\"");
    let lines = [sale("B", "2.00", "2", "4.00"), sale("A", "1.00", "1", "1.00"), reversal.clone()];
    let events = read(poslog(&[retail(1, &lines, "1.00")])).unwrap();
    assert_eq!(checked_order(&events[0]).lines.len(), 1);
    // A part of the quantity.
    let events =
        read(poslog(&[retail(1, &[sale("B", "2.00", "5", "10.00"), reversal.clone()], "6.00")])).unwrap();
    assert_eq!(checked_order(&events[0]).lines[0].quantity, "3");
    // Of a line that does not exist.
    let problem =
        read(poslog(&[retail(1, &[sale("A", "1.00", "1", "1.00"), reversal], "1.00")])).unwrap_err();
    assert_eq!(problem.code, "void-unmatched");
    assert_eq!(problem.field.as_deref(), Some("Transaction[1]/RetailTransaction/LineItem[2]/Sale"));
}

#[test]
fn a_voided_tender_is_not_a_payment() {
    let void =
        |amount: &str| tender("CreditDebit", amount).replace("<LineItem", "<LineItem VoidFlag=\"true\"");
    for lines in [
        vec![sale("A", "9.00", "1", "9.00"), void("9.00"), tender("Cash", "9.00")],
        vec![
            sale("A", "9.00", "1", "9.00"),
            tender("CreditDebit", "9.00"),
            void("-9.00"),
            tender("Cash", "9.00"),
        ],
    ] {
        let events = read(poslog(&[retail(1, &lines, "9.00")])).unwrap();
        let payments = &checked_order(&events[0]).payments;
        assert_eq!((payments.len(), payments[0].tender), (1, TenderKind::Cash));
    }
}

#[test]
fn a_void_that_repeats_the_sale_cancels_the_order() {
    let lines = "<LineItem VoidFlag=\"true\"><SequenceNumber>1</SequenceNumber><Sale><ItemID>A</ItemID><ExtendedAmount>-10.00</ExtendedAmount><Quantity>-1</Quantity></Sale></LineItem>";
    let events = read(poslog(&[void_transaction(DATE, lines)])).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].fact.kind(), "order.cancelled");
    assert_eq!(events[0].entity.id, "9/34/2017-09-30/161");
    let order = checked_order(&events[0]);
    assert_eq!(order.cancelled_at.as_deref(), Some("2017-10-01T02:30:00-04:00"));
    assert_eq!(order.natural_key.as_deref(), Some("9/34/2017-09-30/161"));
    assert_eq!(order.cancel_reason.as_deref(), Some("PostVoid"));
    assert_eq!((order.lines[0].sku.as_deref(), order.lines[0].quantity.as_str()), (Some("A"), "1"));
    assert_eq!(order.number, "9-34-161");
}

#[test]
fn a_void_that_only_links_to_the_sale_takes_the_lines_from_the_same_file() {
    let sold = retail(161, &[sale("A", "10.00", "1", "10.00"), tender("Cash", "10.00")], "10.00");
    let events = read(poslog(&[sold, void_transaction(DATE, "")])).unwrap();
    assert_eq!(
        events.iter().map(|event| event.fact.kind()).collect::<Vec<_>>(),
        ["order.placed", "order.cancelled"]
    );
    assert_eq!(checked_order(&events[1]).lines, checked_order(&events[0]).lines);
    assert!(events[1].version.as_ref().unwrap().at > events[0].version.as_ref().unwrap().at);
    // Without it, only the total is known.
    let events = read(poslog(&[void_transaction(DATE, "")])).unwrap();
    let order = checked_order(&events[0]);
    assert_eq!((order.lines[0].kind, order.totals.total.shop.amount.as_str()), (LineKind::Custom, "10.00"));
}

#[test]
fn a_sale_with_the_status_post_voided_is_cancelled() {
    let sold = retail(161, &[sale("A", "10.00", "1", "10.00")], "10.00")
        .replace("<RetailTransaction>", "<RetailTransaction TransactionStatus=\"PostVoided\">");
    let events = read(poslog(&[sold])).unwrap();
    assert_eq!(
        (events[0].fact.kind(), events[0].entity.id.as_str()),
        ("order.cancelled", "9/34/2017-09-30/161")
    );
}

#[test]
fn a_void_that_does_not_identify_the_sale_is_rejected() {
    assert_eq!(read(poslog(&[void_transaction("", "")])).unwrap_err().code, "void-of-nothing");
}

/// A transaction with a void flag on this element.
fn flagged(transaction: &str, element: &str) -> String {
    transaction.replacen(&format!("<{element}>"), &format!("<{element} VoidFlag=\"true\">"), 1)
}

fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.fact.kind()).collect()
}

#[test]
fn a_sale_repeated_with_a_void_flag_is_cancelled() {
    let sold = retail(161, &[sale("A", "10.00", "1", "10.00"), tender("Cash", "10.00")], "10.00");
    for element in ["Transaction", "RetailTransaction"] {
        let repeated = flagged(&sold, element);
        let events = read(poslog(&[sold.clone(), repeated.clone()])).unwrap();
        assert_eq!(kinds(&events), ["order.placed", "order.cancelled"], "{element}");
        assert_eq!(events[0].entity, events[1].entity);
        assert_eq!(checked_order(&events[1]).lines, checked_order(&events[0]).lines);
        let twice = read(poslog(&[sold.clone(), repeated.clone(), repeated])).unwrap();
        assert_eq!(twice, events, "a repeated void yields one event");
    }
}

#[test]
fn a_suspended_transaction_may_share_its_number_with_the_completed_one() {
    let completed = retail(161, &[sale("A", "10.00", "1", "10.00")], "10.00");
    let suspended = retail(161, &[sale("A", "9.00", "1", "9.00")], "9.00")
        .replace("<RetailTransaction>", "<RetailTransaction TransactionStatus=\"Suspended\">");
    for file in [[suspended.clone(), completed.clone()], [completed.clone(), suspended]] {
        assert_eq!(kinds(&read(poslog(&file)).unwrap()), ["order.placed"]);
    }
    let other = retail(161, &[sale("A", "9.00", "1", "9.00")], "9.00");
    assert_eq!(read(poslog(&[completed, other])).unwrap_err().code, "transaction-twice");
}

#[test]
fn a_void_of_a_return_is_rejected() {
    let returned = retail(161, &[goods("Return", "A", "10.00", "1", "10.00", "")], "-10.00");
    let negative_sale = retail(161, &[sale("A", "10.00", "-1", "-10.00")], "-10.00");
    let both = [goods("Return", "A", "10.00", "1", "10.00", ""), sale("B", "12.00", "1", "12.00")];
    for original in [returned, negative_sale, retail(161, &both, "2.00")] {
        assert!(read(poslog(std::slice::from_ref(&original))).is_ok());
        let problem = read(poslog(&[original.clone(), void_transaction(DATE, "")])).unwrap_err();
        assert_eq!(problem.code, "void-of-return");
        assert!(problem.message.contains("9/34/2017-09-30/161"), "{problem}");
        let repeated = flagged(&original, "Transaction");
        assert_eq!(read(poslog(&[original, repeated])).unwrap_err().code, "void-of-return");
    }
    // The void repeats the lines, and the file does not contain the original.
    let link = "<TransactionLink ReasonCode=\"Return\"><SequenceNumber>88</SequenceNumber></TransactionLink>";
    for lines in
        [goods("Return", "A", "10.00", "1", "10.00", ""), goods("Sale", "A", "10.00", "-1", "-10.00", link)]
    {
        assert_eq!(read(poslog(&[void_transaction(DATE, &lines)])).unwrap_err().code, "void-of-return");
    }
}
