//! Sales: identity, times, amounts.

use super::*;

/// One weighed article, paid by card, with a reward in detail and in summary, as a supermarket's till writes it.
fn weighed_sale() -> String {
    let reward = |flags: &str, reference: &str, amount: &str, category: &str| {
        format!(
            "<LineItem><LoyaltyReward {flags}><PromotionID>5123</PromotionID><v:RewardCategory>{category}</v:RewardCategory>\
             <v:ExtendedRewardAmount>{amount}</v:ExtendedRewardAmount>\
             <v:OperatorSequenceReference>{reference}</v:OperatorSequenceReference></LoyaltyReward></LineItem>"
        )
    };
    retail(
        161,
        &[
            "<LineItem v:weightItem=\"true\"><Sale ItemType=\"Stock\"><POSIdentity POSIDType=\"GTIN\">\
             <POSItemID>4011200296908</POSItemID></POSIdentity><ItemID>67591</ItemID><Description>APPLES</Description>\
             <RegularSalesUnitPrice>2.99</RegularSalesUnitPrice><ExtendedAmount>1.26</ExtendedAmount>\
             <Quantity>0.42</Quantity><v:OperatorSequence>2</v:OperatorSequence></Sale></LineItem>"
                .into(),
            tender("CreditDebit", "1.07"),
            reward("v:detailedData=\"true\"", "2", "-0.19", "Monetary"),
            reward("v:summarizedActivity=\"true\"", "0", "-0.19", "Monetary"),
            reward("v:detailedData=\"true\" v:summarizedActivity=\"true\"", "0", "1", "CustomOffer"),
        ],
        "1.07",
    )
}

#[test]
fn a_sale_is_an_order_that_is_placed_paid_and_fulfilled() {
    let events = read_with(host().setting("weight-unit", "LBR"), poslog(&[weighed_sale()])).unwrap();
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(event.fact.kind(), "order.placed");
    assert_eq!(event.entity.to_string(), "poslog/acme/order/9/34/2017-09-30/161");
    let order = checked_order(event);
    assert_eq!(order.natural_key.as_deref(), Some("9/34/2017-09-30/161"));
    assert_eq!((order.number.as_str(), order.channel.as_str()), ("9-34-161", "pos"));
    assert_eq!((order.store.as_deref(), order.register.as_deref()), (Some("9"), Some("34")));
    assert_eq!((order.payment, order.fulfilment), (PaymentState::Paid, FulfilmentState::Fulfilled));
    let line = &order.lines[0];
    assert_eq!((line.quantity.as_str(), line.unit.as_deref()), ("0.42", Some("LBR")));
    assert_eq!((line.sku.as_deref(), line.gtin.as_deref()), (Some("67591"), Some("04011200296908")));
    assert_eq!(line.discounts[0].title.as_deref(), Some("5123"));
    assert_eq!(line.discounts[0].amount, Price::shop("0.19", "USD"));
    assert_eq!(order.totals.total, Price::shop("1.07", "USD"));
    assert_eq!(line.regular_price, Some(Price::shop("2.99", "USD")));
    assert!(order.personal.is_none(), "personal data is not read");
}

#[test]
fn the_business_date_is_the_tills_and_the_time_is_in_the_stores_zone() {
    let events = read(poslog(&[weighed_sale()])).unwrap();
    let order = checked_order(&events[0]);
    assert_eq!(order.business_date.as_deref(), Some("2017-09-30"));
    assert_eq!(order.placed_at, "2017-10-01T02:02:54-04:00");
    assert_eq!(events[0].version, Some(Version::at("2017-10-01T02:02:54-04:00")));
}

#[test]
fn the_offset_is_the_tills_own_or_that_of_the_zone_on_that_day() {
    let winter = weighed_sale().replace("2017-10-01T02:02:54", "2017-12-01T02:02:54.250");
    assert_eq!(read(poslog(&[winter])).unwrap()[0].occurred_at, "2017-12-01T02:02:54.25-05:00");
    let own = weighed_sale().replace("2017-10-01T02:02:54", "2017-10-01T02:02:54+02:00");
    assert_eq!(read(poslog(&[own])).unwrap()[0].occurred_at, "2017-10-01T02:02:54+02:00");
    let utc = weighed_sale().replace("2017-10-01T02:02:54", "2017-10-01T02:02:54Z");
    assert_eq!(read(poslog(&[utc])).unwrap()[0].occurred_at, "2017-10-01T02:02:54+00:00");
}

#[test]
fn without_the_registry_zone_and_currency_come_from_the_settings() {
    let unregistered = || testing::Host::new().setting("retailer", "acme");
    let code = |host, xml: &str| read_with(host, xml).unwrap_err().code;
    let xml = poslog(&[weighed_sale()]);
    assert_eq!(code(unregistered(), &xml), "zone-missing");
    assert_eq!(code(unregistered().setting("zone", "Mars/Olympus"), &xml), "zone-unknown");
    let without_currency = xml.replace("<CurrencyCode>USD</CurrencyCode>", "");
    assert_eq!(code(unregistered().setting("zone", "Europe/Berlin"), &without_currency), "currency-missing");
    let events = read_with(
        unregistered().setting("zone", "Europe/Berlin").setting("currency", "EUR"),
        without_currency,
    )
    .unwrap();
    assert_eq!(events[0].occurred_at, "2017-10-01T02:02:54+02:00");
    assert_eq!(checked_order(&events[0]).currency, "EUR");
}

#[test]
fn a_split_tender_with_change_is_three_payments() {
    let change = "<LineItem><Tender TenderType=\"Cash\"><Amount>10.00</Amount><TenderChange><Amount>2.50</Amount></TenderChange></Tender></LineItem>";
    let lines = [sale("A", "20.00", "1", "20.00"), tender("GiftCard", "12.50"), change.into()];
    let events = read(poslog(&[retail(1, &lines, "20.00")])).unwrap();
    let order = checked_order(&events[0]);
    let actual: Vec<_> =
        order.payments.iter().map(|one| (one.kind, one.tender, one.amount.shop.amount.as_str())).collect();
    assert_eq!(
        actual,
        [
            (PaymentKind::Sale, TenderKind::GiftCard, "12.50"),
            (PaymentKind::Sale, TenderKind::Cash, "10.00"),
            (PaymentKind::Change, TenderKind::Cash, "2.50"),
        ]
    );
    assert_eq!(order.payment, PaymentState::Paid);
    assert_eq!(order.totals.outstanding, Some(Price::shop("0.00", "USD")));
    let mut ids: Vec<_> = order.payments.iter().map(|one| &one.id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[test]
fn change_may_be_a_negative_tender_or_a_line_of_its_own() {
    let negative = "<LineItem><Tender TenderType=\"Cash\"><Amount>-2.62</Amount><TenderChange><Amount>-2.62</Amount></TenderChange></Tender></LineItem>";
    let own_line = "<LineItem><TenderChange><TenderChange TenderType=\"Cash\"><Amount>2.62</Amount></TenderChange></TenderChange></LineItem>";
    for change in [negative, own_line] {
        let lines = [sale("A", "17.38", "1", "17.38"), tender("Cash", "20.00"), change.into()];
        let events = read(poslog(&[retail(1, &lines, "17.38")])).unwrap();
        let order = checked_order(&events[0]);
        assert_eq!(order.payments[1].kind, PaymentKind::Change, "{change}");
        assert_eq!(order.payments[1].amount, Price::shop("2.62", "USD"));
        assert_eq!(order.payment, PaymentState::Paid);
    }
}

#[test]
fn cashback_is_change() {
    let card = "<LineItem><Tender TenderType=\"CreditDebit\"><Amount>30.00</Amount><Cashback>20.00</Cashback></Tender></LineItem>";
    let events =
        read(poslog(&[retail(1, &[sale("A", "10.00", "1", "10.00"), card.into()], "10.00")])).unwrap();
    let order = checked_order(&events[0]);
    assert_eq!(
        (order.payments[1].kind, order.payments[1].amount.shop.amount.as_str()),
        (PaymentKind::Change, "20.00")
    );
}

#[test]
fn cash_rounding_is_recognized_with_and_without_a_rounding_line() {
    let rounding = "<LineItem><Rounding RoundingDirection=\"Up\">0.02</Rounding></LineItem>".to_owned();
    let cash = || tender("Cash", "12.35");
    let goods = || sale("A", "12.33", "1", "12.33");
    for (lines, total) in [
        (vec![goods(), cash(), rounding.clone()], "12.33"),
        (vec![goods(), cash(), rounding], "12.35"),
        (vec![goods(), cash()], "12.33"),
    ] {
        let events = read(poslog(&[retail(1, &lines, total)])).unwrap();
        let order = checked_order(&events[0]);
        assert_eq!(order.totals.cash_rounding, Some(Price::shop("0.02", "USD")));
        assert_eq!((order.totals.total.shop.amount.as_str(), order.payment), ("12.33", PaymentState::Paid));
    }
}

#[test]
fn an_unpaid_amount_is_outstanding() {
    let events =
        read(poslog(&[retail(1, &[sale("A", "9.00", "1", "9.00"), tender("Cash", "4.00")], "9.00")]))
            .unwrap();
    let order = checked_order(&events[0]);
    assert_eq!(order.payment, PaymentState::PartiallyPaid);
    assert_eq!(order.totals.outstanding, Some(Price::shop("5.00", "USD")));
}

#[test]
fn events_are_in_the_order_of_the_files_transactions() {
    let one = |sequence| retail(sequence, &[sale("A", "1.00", "1", "1.00"), tender("Cash", "1.00")], "1.00");
    let events = read(poslog(&[one(3), one(1), one(2)])).unwrap();
    let ids: Vec<_> = events.iter().map(|event| event.entity.id.rsplit('/').next().unwrap()).collect();
    assert_eq!(ids, ["3", "1", "2"]);
}

#[test]
fn a_sale_repeated_in_a_file_yields_one_event() {
    let one = retail(3, &[sale("A", "1.00", "1", "1.00"), tender("Cash", "1.00")], "1.00");
    assert_eq!(read(poslog(&[one.clone(), one.clone()])).unwrap().len(), 1);
    let other = one.replace("Thing", "Other");
    assert_eq!(read(poslog(&[one, other])).unwrap_err().code, "transaction-twice");
}

#[test]
fn the_same_sale_in_different_files_yields_the_same_event() {
    let one = |n| retail(n, &[sale("A", "1.00", "1", "1.00"), tender("Cash", "1.00")], "1.00");
    let first = read(poslog(&[one(1), one(2)])).unwrap();
    let late = read(poslog(&[one(7), one(2)])).unwrap();
    assert_eq!(first[1], late[1]);
}

#[test]
fn suspended_cancelled_and_other_transactions_yield_no_event() {
    let one = retail(1, &[sale("A", "1.00", "1", "1.00")], "1.00");
    for (from, to) in [
        ("<Transaction>", "<Transaction CancelFlag=\"true\">"),
        ("<Transaction>", "<Transaction TrainingModeFlag=\"true\">"),
        ("<RetailTransaction>", "<RetailTransaction TransactionStatus=\"Suspended\">"),
        ("<RetailTransaction>", "<RetailTransaction TransactionStatus=\"SuspendedDeleted\">"),
    ] {
        assert_eq!(read(poslog(&[one.replace(from, to)])).unwrap(), [], "{to}");
    }
    let sign_on = transaction(2, "<ControlTransaction><OperatorSignOn/></ControlTransaction>");
    let paid_in = transaction(
        3,
        "<TenderControlTransaction><PaidIn><Amount>5.00</Amount></PaidIn></TenderControlTransaction>",
    );
    assert_eq!(read(poslog(&[sign_on, paid_in])).unwrap(), []);
}

#[test]
fn only_the_customers_number_is_read() {
    let customer =
        "<RetailTransaction><Customer><CustomerID>C-7</CustomerID><Name>Ada Example</Name></Customer>";
    let one = retail(1, &[sale("A", "1.00", "1", "1.00")], "1.00").replace("<RetailTransaction>", customer);
    let events = read(poslog(&[one])).unwrap();
    assert_eq!(checked_order(&events[0]).customer.as_ref().unwrap().to_string(), "poslog/acme/customer/C-7");
    assert!(!format!("{events:?}").contains("Ada"));
}
