//! Goods brought back.

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

fn back(kind: &str, amount: &str) -> String {
    tender(kind, amount).replace("TypeCode=\"Sale\"", "TypeCode=\"Refund\"")
}

fn taxed(link: &str) -> String {
    format!("<Tax><Amount>1.65</Amount><Percent>8.25</Percent></Tax>{link}")
}

#[test]
fn a_return_that_names_its_sale_refunds_that_order() {
    let lines =
        [goods("Return", "A", "10.00", "2", "20.00", &taxed(&full_link(3))), back("CreditDebit", "21.65")];
    let events = read(poslog(&[retail(200, &lines, "-21.65")])).unwrap();
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(event.entity.to_string(), "poslog/acme/refund/9/34/2017-09-30/200");
    assert_eq!(event.parent.as_ref().unwrap().to_string(), "poslog/acme/order/7/2/2017-09-12/88");
    let refund = refund(event);
    let line = &refund.lines[0];
    assert_eq!((line.line.as_str(), line.quantity.as_str()), ("3", "2"));
    assert_eq!((line.restock, line.location.as_deref()), (RestockKind::Return, Some("9")));
    assert_eq!((line.subtotal.shop.amount.as_str(), line.tax.shop.amount.as_str()), ("20.00", "1.65"));
    assert_eq!((refund.business_date.as_deref(), refund.store.as_deref()), (Some("2017-09-30"), Some("9")));
    assert_eq!(refund.payments[0].kind, PaymentKind::Refund);
    assert!(refund.adjustments.is_empty());
}

#[test]
fn signs_are_the_tills_own_affair() {
    let plain = [goods("Return", "A", "10.00", "2", "20.00", &full_link(3)), back("Cash", "20.00")];
    let negative = [goods("Return", "A", "10.00", "-2", "-20.00", &full_link(3)), tender("Cash", "-20.00")];
    let turned = [goods("Sale", "A", "10.00", "-2", "-20.00", &full_link(3)), tender("Cash", "-20.00")];
    let told: Vec<_> = [(plain, "20.00"), (negative, "-20.00"), (turned, "-20.00")]
        .into_iter()
        .map(|(lines, total)| read(poslog(&[retail(200, &lines, total)])).unwrap())
        .collect();
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0], told[2]);
    refund(&told[0][0]);
}

#[test]
fn a_return_without_a_sale_stands_alone_and_its_goods_are_stock() {
    let lines = [
        goods("Return", "A", "10.00", "1", "10.00", ""),
        goods("Return", "A", "10.00", "1", "10.00", ""),
        goods("Return", "B", "5.00", "1", "5.00", "<Disposal Method=\"Destroy\"/>"),
        back("CreditDebit", "25.00"),
    ];
    let events = read(poslog(&[retail(201, &lines, "-25.00")])).unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].parent, None);
    let refund = refund(&events[0]);
    assert!(refund.lines.is_empty(), "there is no line of an order to refund");
    let told: Vec<_> =
        refund.adjustments.iter().map(|one| (one.reason.as_str(), one.amount.shop.amount.as_str())).collect();
    assert_eq!(
        told,
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
fn a_sale_without_its_line_is_still_the_parent() {
    let no_line = full_link(3).replace("<LineItemSequenceNumber>3</LineItemSequenceNumber>", "");
    let lines = [goods("Return", "A", "10.00", "1", "10.00", &no_line), back("Cash", "10.00")];
    let events = read(poslog(&[retail(201, &lines, "10.00")])).unwrap();
    assert_eq!(events[0].parent.as_ref().unwrap().id, "7/2/2017-09-12/88");
    assert_eq!(refund(&events[0]).adjustments[0].reason, "RETURN_WITHOUT_LINE");
    assert_eq!(events[1].fact.kind(), "inventory.adjusted");
}

#[test]
fn a_link_of_the_whole_is_that_of_each_return() {
    let lines = [goods("Return", "A", "10.00", "1", "10.00", ""), back("Cash", "10.00")];
    let whole = full_link(1).replace("<LineItemSequenceNumber>1</LineItemSequenceNumber>", "");
    let xml =
        retail(201, &lines, "10.00").replace("</RetailTransaction>", &format!("{whole}</RetailTransaction>"));
    let events = read(poslog(&[xml])).unwrap();
    assert_eq!(events[0].parent.as_ref().unwrap().id, "7/2/2017-09-12/88");
}

#[test]
fn returns_of_two_sales_are_two_refunds_that_share_what_was_paid() {
    let other = full_link(1).replace(">88<", ">89<");
    let lines = [
        goods("Return", "A", "10.00", "1", "10.00", &full_link(1)),
        goods("Return", "B", "5.00", "1", "5.00", &other),
        back("GiftCard", "12.00"),
        back("CreditDebit", "3.00"),
    ];
    let events = read(poslog(&[retail(201, &lines, "-15.00")])).unwrap();
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            let paid: Vec<_> =
                refund(event).payments.iter().map(|one| one.amount.shop.amount.as_str()).collect();
            (event.entity.id.as_str(), event.parent.as_ref().unwrap().id.as_str(), paid)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("9/34/2017-09-30/201/1", "7/2/2017-09-12/88", vec!["10.00"]),
            ("9/34/2017-09-30/201/2", "7/2/2017-09-12/89", vec!["2.00", "3.00"]),
        ]
    );
}

#[test]
fn an_exchange_is_a_sale_and_a_refund_that_pay_for_each_other() {
    for (new, paid, total) in
        [("30.00", tender("CreditDebit", "10.00"), "10.00"), ("15.00", back("CreditDebit", "5.00"), "-5.00")]
    {
        let lines =
            [goods("Return", "A", "20.00", "1", "20.00", &full_link(1)), sale("B", new, "1", new), paid];
        let events = read(poslog(&[retail(202, &lines, total)])).unwrap();
        assert_eq!(events.len(), 2);
        let order = order(&events[0]);
        assert_eq!(order.payment, PaymentState::Paid);
        let sum = money::booked(order.payments.iter().map(|one| &one.amount)).unwrap();
        assert_eq!(sum, number(new));
        let refund = refund(&events[1]);
        assert_eq!(money::booked(refund.payments.iter().map(|one| &one.amount)).unwrap(), number("20.00"));
        assert!(refund.payments.iter().any(|one| one.gateway == "exchange"));
    }
}

#[test]
fn a_reward_taken_back_lessens_the_refund() {
    let reward = "<LineItem><LoyaltyReward><v:RewardCategory>Monetary</v:RewardCategory><v:ExtendedRewardAmount>1.00</v:ExtendedRewardAmount></LoyaltyReward></LineItem>";
    let lines = [
        goods("Return", "A", "10.00", "1", "10.00", &full_link(1)),
        reward.into(),
        back("CreditDebit", "9.00"),
    ];
    let events = read(poslog(&[retail(202, &lines, "-9.00")])).unwrap();
    assert_eq!(refund(&events[0]).adjustments[0].amount, Price::shop("1.00", "USD"));
}

#[test]
fn a_refund_in_cash_is_rounded() {
    let rounding = "<LineItem><Rounding RoundingDirection=\"Down\">0.02</Rounding></LineItem>";
    let lines =
        [goods("Return", "A", "9.97", "1", "9.97", &full_link(1)), back("Cash", "9.95"), rounding.into()];
    let events = read(poslog(&[retail(202, &lines, "-9.97")])).unwrap();
    assert_eq!(refund(&events[0]).adjustments[0].reason, "CASH_ROUNDING");
}

#[test]
fn goods_of_two_receipts_in_one_second_are_told_apart_by_what_brought_them_back() {
    let receipt = |number: u32| {
        retail(number, &[goods("Return", "A", "10.00", "1", "10.00", ""), back("Cash", "10.00")], "-10.00")
    };
    let events = read(poslog(&[receipt(201), receipt(202)])).unwrap();
    let cause = |event: &Event| match &event.fact {
        Fact::InventoryAdjusted(change) => change.cause.as_ref().map(ToString::to_string),
        _ => None,
    };
    let causes: Vec<String> = events.iter().filter_map(cause).collect();
    assert_eq!(causes, ["poslog/acme/refund/9/34/2017-09-30/201", "poslog/acme/refund/9/34/2017-09-30/202"]);
}
