//! Returns.

use super::*;

fn link(fields: &str) -> String {
    format!("<TransactionLink ReasonCode=\"Return\">{fields}</TransactionLink>")
}

fn full_link(line: u32) -> String {
    link(&format!(
        "<RetailStoreID>7</RetailStoreID><WorkstationID>2</WorkstationID><BusinessDayDate>2017-09-12</BusinessDayDate>\
         <SequenceNumber>88</SequenceNumber><LineItemSequenceNumber>{line}</LineItemSequenceNumber>"
    ))
}

fn repayment(kind: &str, amount: &str) -> String {
    tender(kind, amount).replace("TypeCode=\"Sale\"", "TypeCode=\"Refund\"")
}

fn taxed(link: &str) -> String {
    format!("<Tax><Amount>1.65</Amount><Percent>8.25</Percent></Tax>{link}")
}

#[test]
fn a_return_with_a_link_is_a_refund_of_that_order() {
    let lines = [
        goods("Return", "A", "10.00", "2", "20.00", &taxed(&full_link(3))),
        repayment("CreditDebit", "21.65"),
    ];
    let events = read(poslog(&[retail(200, &lines, "-21.65")])).unwrap();
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(event.entity.to_string(), "poslog/acme/refund/9/34/2017-09-30/200");
    assert_eq!(event.parent.as_ref().unwrap().to_string(), "poslog/acme/order/7/2/2017-09-12/88");
    let refund = checked_refund(event);
    let line = &refund.lines[0];
    assert_eq!((line.line.as_str(), line.quantity.as_str()), ("3", "2"));
    assert_eq!((line.restock, line.location.as_deref()), (RestockKind::Return, Some("9")));
    assert_eq!((line.subtotal.shop.amount.as_str(), line.tax.shop.amount.as_str()), ("20.00", "1.65"));
    assert_eq!((refund.business_date.as_deref(), refund.store.as_deref()), (Some("2017-09-30"), Some("9")));
    assert_eq!(refund.payments[0].kind, PaymentKind::Refund);
    assert!(refund.adjustments.is_empty());
}

#[test]
fn returns_with_different_signs_yield_the_same_refund() {
    let plain = [goods("Return", "A", "10.00", "2", "20.00", &full_link(3)), repayment("Cash", "20.00")];
    let negative = [goods("Return", "A", "10.00", "-2", "-20.00", &full_link(3)), tender("Cash", "-20.00")];
    let negative_sale =
        [goods("Sale", "A", "10.00", "-2", "-20.00", &full_link(3)), tender("Cash", "-20.00")];
    let actual: Vec<_> = [(plain, "20.00"), (negative, "-20.00"), (negative_sale, "-20.00")]
        .into_iter()
        .map(|(lines, total)| read(poslog(&[retail(200, &lines, total)])).unwrap())
        .collect();
    assert_eq!(actual[0], actual[1]);
    assert_eq!(actual[0], actual[2]);
    checked_refund(&actual[0][0]);
}

#[test]
fn a_return_without_a_link_has_no_parent_and_adjusts_stock() {
    let lines = [
        goods("Return", "A", "10.00", "1", "10.00", ""),
        goods("Return", "A", "10.00", "1", "10.00", ""),
        goods("Return", "B", "5.00", "1", "5.00", "<Disposal Method=\"Destroy\"/>"),
        repayment("CreditDebit", "25.00"),
    ];
    let events = read(poslog(&[retail(201, &lines, "-25.00")])).unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].parent, None);
    let refund = checked_refund(&events[0]);
    assert!(refund.lines.is_empty(), "no order line is known");
    let actual: Vec<_> =
        refund.adjustments.iter().map(|one| (one.reason.as_str(), one.amount.shop.amount.as_str())).collect();
    assert_eq!(
        actual,
        [
            ("RETURN_WITHOUT_SALE", "-10.00"),
            ("RETURN_WITHOUT_SALE", "-10.00"),
            ("RETURN_WITHOUT_SALE", "-5.00")
        ]
    );
    let Fact::InventoryAdjusted(change) = &events[1].fact else { panic!() };
    assert_eq!((change.sku.as_str(), change.delta.as_str(), change.location.as_str()), ("A", "2", "9"));
    assert_eq!((change.reason, change.cause.as_ref()), (AdjustmentReason::Return, Some(&events[0].entity)));
}

#[test]
fn a_link_without_a_line_still_determines_the_parent() {
    let without_line = full_link(3).replace("<LineItemSequenceNumber>3</LineItemSequenceNumber>", "");
    let lines = [goods("Return", "A", "10.00", "1", "10.00", &without_line), repayment("Cash", "10.00")];
    let events = read(poslog(&[retail(201, &lines, "10.00")])).unwrap();
    assert_eq!(events[0].parent.as_ref().unwrap().id, "7/2/2017-09-12/88");
    assert_eq!(checked_refund(&events[0]).adjustments[0].reason, "RETURN_WITHOUT_LINE");
    assert_eq!(events[1].fact.kind(), "inventory.adjusted");
}

#[test]
fn a_link_of_the_transaction_applies_to_each_return() {
    let lines = [goods("Return", "A", "10.00", "1", "10.00", ""), repayment("Cash", "10.00")];
    let whole = full_link(1).replace("<LineItemSequenceNumber>1</LineItemSequenceNumber>", "");
    let xml =
        retail(201, &lines, "10.00").replace("</RetailTransaction>", &format!("{whole}</RetailTransaction>"));
    let events = read(poslog(&[xml])).unwrap();
    assert_eq!(events[0].parent.as_ref().unwrap().id, "7/2/2017-09-12/88");
}

#[test]
fn returns_of_two_sales_are_two_refunds_that_share_the_repayments() {
    let other = full_link(1).replace(">88<", ">89<");
    let lines = [
        goods("Return", "A", "10.00", "1", "10.00", &full_link(1)),
        goods("Return", "B", "5.00", "1", "5.00", &other),
        repayment("GiftCard", "12.00"),
        repayment("CreditDebit", "3.00"),
    ];
    let events = read(poslog(&[retail(201, &lines, "-15.00")])).unwrap();
    let actual: Vec<_> = events
        .iter()
        .map(|event| {
            let paid: Vec<_> =
                checked_refund(event).payments.iter().map(|one| one.amount.shop.amount.as_str()).collect();
            (event.entity.id.as_str(), event.parent.as_ref().unwrap().id.as_str(), paid)
        })
        .collect();
    assert_eq!(
        actual,
        [
            ("9/34/2017-09-30/201/1", "7/2/2017-09-12/88", vec!["10.00"]),
            ("9/34/2017-09-30/201/2", "7/2/2017-09-12/89", vec!["2.00", "3.00"]),
        ]
    );
}

#[test]
fn an_exchange_is_a_sale_and_a_refund_with_offsetting_payments() {
    for (new, paid, total) in [
        ("30.00", tender("CreditDebit", "10.00"), "10.00"),
        ("15.00", repayment("CreditDebit", "5.00"), "-5.00"),
    ] {
        let lines =
            [goods("Return", "A", "20.00", "1", "20.00", &full_link(1)), sale("B", new, "1", new), paid];
        let events = read(poslog(&[retail(202, &lines, total)])).unwrap();
        assert_eq!(events.len(), 2);
        let order = checked_order(&events[0]);
        assert_eq!(order.payment, PaymentState::Paid);
        let sum = money::shop_total(order.payments.iter().map(|one| &one.amount)).unwrap();
        assert_eq!(sum, number(new));
        let refund = checked_refund(&events[1]);
        assert_eq!(
            money::shop_total(refund.payments.iter().map(|one| &one.amount)).unwrap(),
            number("20.00")
        );
        assert!(refund.payments.iter().any(|one| one.gateway == "exchange"));
    }
}

#[test]
fn a_revoked_reward_reduces_the_refund() {
    let reward = "<LineItem><LoyaltyReward><v:RewardCategory>Monetary</v:RewardCategory><v:ExtendedRewardAmount>1.00</v:ExtendedRewardAmount></LoyaltyReward></LineItem>";
    let lines = [
        goods("Return", "A", "10.00", "1", "10.00", &full_link(1)),
        reward.into(),
        repayment("CreditDebit", "9.00"),
    ];
    let events = read(poslog(&[retail(202, &lines, "-9.00")])).unwrap();
    assert_eq!(checked_refund(&events[0]).adjustments[0].amount, Price::shop("1.00", "USD"));
}

#[test]
fn cash_rounding_of_a_refund_is_an_adjustment() {
    let rounding = "<LineItem><Rounding RoundingDirection=\"Down\">0.02</Rounding></LineItem>";
    let lines = [
        goods("Return", "A", "9.97", "1", "9.97", &full_link(1)),
        repayment("Cash", "9.95"),
        rounding.into(),
    ];
    let events = read(poslog(&[retail(202, &lines, "-9.97")])).unwrap();
    assert_eq!(checked_refund(&events[0]).adjustments[0].reason, "CASH_ROUNDING");
}

#[test]
fn stock_adjustments_of_two_receipts_in_the_same_second_differ_by_their_cause() {
    let receipt = |number: u32| {
        retail(
            number,
            &[goods("Return", "A", "10.00", "1", "10.00", ""), repayment("Cash", "10.00")],
            "-10.00",
        )
    };
    let events = read(poslog(&[receipt(201), receipt(202)])).unwrap();
    let cause = |event: &Event| match &event.fact {
        Fact::InventoryAdjusted(change) => change.cause.as_ref().map(ToString::to_string),
        _ => None,
    };
    let causes: Vec<String> = events.iter().filter_map(cause).collect();
    assert_eq!(causes, ["poslog/acme/refund/9/34/2017-09-30/201", "poslog/acme/refund/9/34/2017-09-30/202"]);
}
