//! What the same words mean on different tills: the printed total tells.

use super::*;

fn one(lines: &[String], total: &str) -> Vec<Event> {
    read(poslog(&[retail(1, lines, total)])).unwrap()
}

fn tax(amount: &str, flag: &str) -> String {
    format!(
        "<Tax><TaxAuthority>US-CA</TaxAuthority><TaxableAmount{flag}>10.00</TaxableAmount><Amount>{amount}</Amount><Percent>8.25</Percent></Tax>"
    )
}

fn taxed(flag: &str) -> String {
    goods("Sale", "A", "10.00", "1", "10.00", &tax("0.83", flag))
}

#[test]
fn tax_is_on_top_or_within_as_the_total_says() {
    let top = one(&[taxed("")], "10.83");
    assert!(!order(&top[0]).prices_include_tax);
    let within = one(&[taxed("")], "10.00");
    let order = order(&within[0]);
    assert!(order.prices_include_tax);
    let tax = &order.lines[0].taxes[0];
    assert_eq!(
        (tax.title.as_str(), tax.rate.as_deref(), tax.jurisdiction.as_deref()),
        ("US-CA", Some("0.0825"), Some("US-CA"))
    );
}

#[test]
fn a_flag_or_a_setting_leaves_no_choice() {
    let flag = " TaxIncludedInTaxableAmountFlag=\"false\"";
    let lines = [taxed(flag)];
    assert_eq!(read(poslog(&[retail(1, &lines, "10.00")])).unwrap_err().code, "total-does-not-balance");
    let host = host().setting("prices-include-tax", true);
    assert_eq!(
        read_with(host, poslog(&[retail(1, &[taxed("")], "10.83")])).unwrap_err().code,
        "total-does-not-balance"
    );
}

#[test]
fn where_some_prices_contain_the_tax_all_are_told_without() {
    let lines = [
        taxed(" TaxIncludedInTaxableAmountFlag=\"true\""),
        taxed(" TaxIncludedInTaxableAmountFlag=\"false\""),
    ];
    let events = one(&lines, "20.83");
    let order = order(&events[0]);
    assert!(!order.prices_include_tax);
    assert_eq!(order.lines[0].unit_price.shop.amount, "9.17");
}

#[test]
fn a_tax_of_the_whole_falls_on_the_lines_it_marks() {
    let marked = |sku: &str, amount: &str, mark: &str| {
        goods("Sale", sku, amount, "1", amount, &format!("<v:Itemizers {mark}>1</v:Itemizers>"))
    };
    let whole = "<LineItem><Tax v:TaxID=\"1\" v:TaxDescription=\"City\"><TaxableAmount>9.00</TaxableAmount><Amount>0.91</Amount></Tax></LineItem>";
    let lines = [
        marked("A", "3.00", "Tax1=\"true\""),
        marked("B", "5.00", "FoodStampable=\"true\""),
        marked("C", "6.00", "Tax1=\"true\""),
        whole.into(),
    ];
    let events = one(&lines, "14.91");
    let taxes: Vec<_> = order(&events[0])
        .lines
        .iter()
        .map(|line| line.taxes.first().map(|tax| tax.amount.shop.amount.clone()))
        .collect();
    assert_eq!(taxes, [Some("0.30".into()), None, Some("0.61".into())]);
}

#[test]
fn a_tax_of_the_whole_may_sum_up_those_of_the_lines() {
    let whole = "<LineItem><Tax TaxType=\"Sales\"><TaxableAmount>10.00</TaxableAmount><Amount>0.83</Amount></Tax></LineItem>";
    let events = one(&[taxed(""), whole.into()], "10.83");
    assert_eq!(order(&events[0]).totals.tax, Price::shop("0.83", "USD"));
}

#[test]
fn a_discount_is_in_the_extended_amount_or_still_to_be_taken_off() {
    let modifier = "<RetailPriceModifier><Amount Action=\"Subtract\">2.00</Amount><PromotionID>TEN</PromotionID></RetailPriceModifier>\
                    <ExtendedDiscountAmount>2.00</ExtendedDiscountAmount>";
    for (amount, what) in [("18.00", "after"), ("20.00", "before")] {
        let events = one(&[goods("Sale", "A", "10.00", "2", amount, modifier)], "18.00");
        let line = &order(&events[0]).lines[0];
        assert_eq!(line.unit_price, Price::shop("10.00", "USD"), "{what}");
        assert_eq!(
            (line.discounts[0].title.as_deref(), line.discounts[0].amount.shop.amount.as_str()),
            (Some("TEN"), "2.00")
        );
    }
}

#[test]
fn a_discount_of_each_piece_counts_for_each() {
    let modifier =
        "<RetailPriceModifier MethodCode=\"Promotion\"><Amount>1.50</Amount></RetailPriceModifier>";
    let events = one(&[goods("Sale", "A", "10.00", "4", "34.00", modifier)], "34.00");
    let line = &order(&events[0]).lines[0];
    assert_eq!(
        (line.unit_price.shop.amount.as_str(), line.discounts[0].amount.shop.amount.as_str()),
        ("10.00", "6.00")
    );
}

#[test]
fn two_for_six_is_three_each() {
    let events = one(&[sale("A", "6.00", "1", "3.00"), sale("B", "5.00", "13", "16.25")], "19.25");
    let order = order(&events[0]);
    assert_eq!(order.lines[0].unit_price.shop.amount, "3.00");
    assert_eq!(order.lines[1].unit_price.shop.amount, "1.25");
    assert!(order.lines.iter().all(|line| line.discounts.is_empty()));
}

#[test]
fn what_no_price_makes_exactly_is_made_with_a_rounding() {
    let events = one(&[sale("A", "9.99", "0.66", "6.89"), sale("B", "1.00", "3", "1.00")], "7.89");
    // 6.89 / 0.66 and 1.00 / 3 do not end: `order` checks that the sums are exact all the same.
    let order = order(&events[0]);
    assert_eq!(order.lines[1].discounts[0].title.as_deref(), Some("rounding"));
    assert!(number(&order.lines[1].discounts[0].amount.shop.amount) < Decimal::new(1, 6));
}

#[test]
fn rewards_are_told_in_detail_or_in_sum() {
    let reward = |flags: &str, reference: &str, amount: &str| {
        format!(
            "<LineItem><LoyaltyReward {flags}><PromotionID>P</PromotionID><v:RewardCategory>Monetary</v:RewardCategory>\
             <v:ExtendedRewardAmount>{amount}</v:ExtendedRewardAmount><v:OperatorSequenceReference>{reference}</v:OperatorSequenceReference>\
             </LoyaltyReward></LineItem>"
        )
    };
    let line = |sku: &str, operator: u32| {
        goods(
            "Sale",
            sku,
            "10.00",
            "1",
            "10.00",
            &format!("<v:OperatorSequence>{operator}</v:OperatorSequence>"),
        )
    };
    let (detail, summary) = ("v:detailedData=\"true\"", "v:summarizedActivity=\"true\"");
    let lines = [
        line("A", 1),
        line("B", 2),
        reward(detail, "2", "-1.50"),
        reward(detail, "1", "-0.50"),
        reward(summary, "0", "-2.00"),
    ];
    let events = one(&lines, "18.00");
    let off: Vec<_> =
        order(&events[0]).lines.iter().map(|line| line.discounts[0].amount.shop.amount.clone()).collect();
    assert_eq!(off, ["0.50", "1.50"]);
    // The same without the details: the sum is shared by what the lines come to.
    let lines = [line("A", 1), line("B", 2), reward(detail, "2", "-1.50"), reward(summary, "0", "-2.00")];
    let events = one(&lines, "18.00");
    let off: Vec<_> =
        order(&events[0]).lines.iter().map(|line| line.discounts[0].amount.shop.amount.clone()).collect();
    assert_eq!(off, ["1.00", "1.00"]);
    // And where the lines' amounts are without it already.
    let events = one(&lines, "20.00");
    assert!(order(&events[0]).lines.iter().all(|line| line.discounts.is_empty()));
}

#[test]
fn a_discount_of_the_whole_is_shared() {
    let whole =
        "<LineItem><Discount><Amount>1.00</Amount><ReasonCode>STAFF</ReasonCode></Discount></LineItem>";
    let lines = [
        sale("A", "1.00", "1", "1.00"),
        sale("B", "1.00", "1", "1.00"),
        sale("C", "1.00", "1", "1.00"),
        whole.into(),
    ];
    let events = one(&lines, "2.00");
    let off: Vec<_> =
        order(&events[0]).lines.iter().map(|line| line.discounts[0].amount.shop.amount.clone()).collect();
    assert_eq!(off, ["0.33", "0.34", "0.33"]);
}

#[test]
fn a_coupon_rung_up_as_an_article_takes_money_off() {
    let coupon = goods("Sale", "CPN", "2.00", "1", "-2.00", "").replace("\"Stock\"", "\"v:NegativeItem\"");
    let events = one(&[sale("A", "13.88", "1", "13.88"), coupon], "11.88");
    let line = &order(&events[0]).lines[1];
    assert_eq!((line.kind, line.unit_price.shop.amount.as_str()), (LineKind::Custom, "-2.00"));
}

#[test]
fn gift_cards_and_tips_are_no_revenue() {
    let card = goods("Sale", "GC", "25.00", "1", "25.00", "").replace("\"Stock\"", "\"GiftCard\"");
    let tip = "<LineItem><Tip><Amount>3.00</Amount></Tip></LineItem>";
    let events = one(&[sale("A", "5.00", "1", "5.00"), card, tip.into()], "33.00");
    let kinds: Vec<_> = order(&events[0]).lines.iter().map(|line| line.kind).collect();
    assert_eq!(kinds, [LineKind::Item, LineKind::GiftCard, LineKind::Tip]);
}

#[test]
fn weights_stand_beside_the_count_in_version_six() {
    let line = sale("A", "4.00", "1", "2.00")
        .replace("<Quantity>", "<Quantity UnitOfMeasureCode=\"KG\" Units=\"0.5\">");
    let events = one(
        &[
            line,
            sale("B", "1.00", "2", "2.00")
                .replace("<Quantity>", "<Quantity UnitOfMeasureCode=\"EA\" Units=\"9\">"),
        ],
        "4.00",
    );
    let lines = &order(&events[0]).lines;
    assert_eq!((lines[0].quantity.as_str(), lines[0].unit.as_deref()), ("0.5", Some("KGM")));
    assert_eq!((lines[1].quantity.as_str(), lines[1].unit.as_deref()), ("2", None));
}

#[test]
fn version_six_says_who_and_when_in_other_elements() {
    let head = transaction(5, "<RetailTransaction><LineItem><SequenceNumber>1</SequenceNumber><Sale><ItemID>A</ItemID><ExtendedAmount Currency=\"EUR\">1.00</ExtendedAmount></Sale></LineItem></RetailTransaction>")
        .replace("<RetailStoreID>9</RetailStoreID>", "<BusinessUnit><UnitID Name=\"Nine\">9</UnitID></BusinessUnit>")
        .replace("<BusinessDayDate>2017-09-30</BusinessDayDate>", "<BusinessDayDate><Date>2017-09-30</Date></BusinessDayDate>")
        .replace("<CurrencyCode>USD</CurrencyCode>", "")
        .replace("</EndDateTime>", "</EndDateTime><ReceiptNumber>R-5</ReceiptNumber>");
    let events = read(poslog(&[head])).unwrap();
    let order = order(&events[0]);
    assert_eq!(order.natural_key.as_deref(), Some("9/34/2017-09-30/5"));
    assert_eq!((order.number.as_str(), order.currency.as_str()), ("R-5", "EUR"));
}
