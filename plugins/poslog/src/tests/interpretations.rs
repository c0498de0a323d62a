//! Different uses of the standard's elements, distinguished by the printed total.

use super::*;

fn read_one(lines: &[String], total: &str) -> Vec<Event> {
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
fn the_total_shows_whether_prices_include_tax() {
    let added = read_one(&[taxed("")], "10.83");
    assert!(!checked_order(&added[0]).prices_include_tax);
    let included = read_one(&[taxed("")], "10.00");
    let order = checked_order(&included[0]);
    assert!(order.prices_include_tax);
    let tax = &order.lines[0].taxes[0];
    assert_eq!(
        (tax.title.as_str(), tax.rate.as_deref(), tax.jurisdiction.as_deref()),
        ("US-CA", Some("0.0825"), Some("US-CA"))
    );
}

#[test]
fn a_flag_or_the_setting_excludes_the_other_interpretation() {
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
fn where_only_some_prices_include_tax_all_prices_exclude_it() {
    let lines = [
        taxed(" TaxIncludedInTaxableAmountFlag=\"true\""),
        taxed(" TaxIncludedInTaxableAmountFlag=\"false\""),
    ];
    let events = read_one(&lines, "20.83");
    let order = checked_order(&events[0]);
    assert!(!order.prices_include_tax);
    assert_eq!(order.lines[0].unit_price.shop.amount, "9.17");
}

#[test]
fn a_transaction_tax_is_allocated_to_the_lines_that_refer_to_it() {
    let itemized = |sku: &str, amount: &str, mark: &str| {
        goods("Sale", sku, amount, "1", amount, &format!("<v:Itemizers {mark}>1</v:Itemizers>"))
    };
    let transaction_tax = "<LineItem><Tax v:TaxID=\"1\" v:TaxDescription=\"City\"><TaxableAmount>9.00</TaxableAmount><Amount>0.91</Amount></Tax></LineItem>";
    let lines = [
        itemized("A", "3.00", "Tax1=\"true\""),
        itemized("B", "5.00", "FoodStampable=\"true\""),
        itemized("C", "6.00", "Tax1=\"true\""),
        transaction_tax.into(),
    ];
    let events = read_one(&lines, "14.91");
    let taxes: Vec<_> = checked_order(&events[0])
        .lines
        .iter()
        .map(|line| line.taxes.first().map(|tax| tax.amount.shop.amount.clone()))
        .collect();
    assert_eq!(taxes, [Some("0.30".into()), None, Some("0.61".into())]);
}

#[test]
fn a_transaction_tax_may_be_the_sum_of_the_lines_taxes() {
    let transaction_tax = "<LineItem><Tax TaxType=\"Sales\"><TaxableAmount>10.00</TaxableAmount><Amount>0.83</Amount></Tax></LineItem>";
    let events = read_one(&[taxed(""), transaction_tax.into()], "10.83");
    assert_eq!(checked_order(&events[0]).totals.tax, Price::shop("0.83", "USD"));
}

#[test]
fn the_extended_amount_is_before_or_after_the_discount() {
    let modifier = "<RetailPriceModifier><Amount Action=\"Subtract\">2.00</Amount><PromotionID>TEN</PromotionID></RetailPriceModifier>\
                    <ExtendedDiscountAmount>2.00</ExtendedDiscountAmount>";
    for (amount, case) in [("18.00", "after the discount"), ("20.00", "before the discount")] {
        let events = read_one(&[goods("Sale", "A", "10.00", "2", amount, modifier)], "18.00");
        let line = &checked_order(&events[0]).lines[0];
        assert_eq!(line.unit_price, Price::shop("10.00", "USD"), "{case}");
        assert_eq!(
            (line.discounts[0].title.as_deref(), line.discounts[0].amount.shop.amount.as_str()),
            (Some("TEN"), "2.00")
        );
    }
}

#[test]
fn a_modifier_per_unit_is_multiplied_by_the_quantity() {
    let modifier =
        "<RetailPriceModifier MethodCode=\"Promotion\"><Amount>1.50</Amount></RetailPriceModifier>";
    let events = read_one(&[goods("Sale", "A", "10.00", "4", "34.00", modifier)], "34.00");
    let line = &checked_order(&events[0]).lines[0];
    assert_eq!(
        (line.unit_price.shop.amount.as_str(), line.discounts[0].amount.shop.amount.as_str()),
        ("10.00", "6.00")
    );
}

#[test]
fn a_multi_unit_price_yields_an_exact_unit_price() {
    let events = read_one(&[sale("A", "6.00", "1", "3.00"), sale("B", "5.00", "13", "16.25")], "19.25");
    let order = checked_order(&events[0]);
    assert_eq!(order.lines[0].unit_price.shop.amount, "3.00");
    assert_eq!(order.lines[1].unit_price.shop.amount, "1.25");
    assert!(order.lines.iter().all(|line| line.discounts.is_empty()));
}

#[test]
fn an_amount_without_an_exact_unit_price_has_a_rounding_discount() {
    let events = read_one(&[sale("A", "9.99", "0.66", "6.89"), sale("B", "1.00", "3", "1.00")], "7.89");
    // 6.89 / 0.66 and 1.00 / 3 have no finite decimals: `checked_order` checks that the totals are exact nevertheless.
    let order = checked_order(&events[0]);
    assert_eq!(order.lines[1].discounts[0].title.as_deref(), Some("rounding"));
    assert!(number(&order.lines[1].discounts[0].amount.shop.amount) < Decimal::new(1, 6));
}

#[test]
fn rewards_are_read_from_details_or_summaries_or_are_deducted_already() {
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
    let events = read_one(&lines, "18.00");
    let amounts: Vec<_> = checked_order(&events[0])
        .lines
        .iter()
        .map(|line| line.discounts[0].amount.shop.amount.clone())
        .collect();
    assert_eq!(amounts, ["0.50", "1.50"]);
    // With incomplete details: the summary is allocated by the lines' amounts.
    let lines = [line("A", 1), line("B", 2), reward(detail, "2", "-1.50"), reward(summary, "0", "-2.00")];
    let events = read_one(&lines, "18.00");
    let amounts: Vec<_> = checked_order(&events[0])
        .lines
        .iter()
        .map(|line| line.discounts[0].amount.shop.amount.clone())
        .collect();
    assert_eq!(amounts, ["1.00", "1.00"]);
    // Where the rewards are deducted from the lines' amounts already.
    let events = read_one(&lines, "20.00");
    assert!(checked_order(&events[0]).lines.iter().all(|line| line.discounts.is_empty()));
}

#[test]
fn a_transaction_discount_is_allocated_to_the_lines() {
    let discount =
        "<LineItem><Discount><Amount>1.00</Amount><ReasonCode>STAFF</ReasonCode></Discount></LineItem>";
    let lines = [
        sale("A", "1.00", "1", "1.00"),
        sale("B", "1.00", "1", "1.00"),
        sale("C", "1.00", "1", "1.00"),
        discount.into(),
    ];
    let events = read_one(&lines, "2.00");
    let amounts: Vec<_> = checked_order(&events[0])
        .lines
        .iter()
        .map(|line| line.discounts[0].amount.shop.amount.clone())
        .collect();
    assert_eq!(amounts, ["0.33", "0.34", "0.33"]);
}

#[test]
fn a_coupon_entered_as_an_article_is_a_negative_line() {
    let coupon = goods("Sale", "CPN", "2.00", "1", "-2.00", "").replace("\"Stock\"", "\"v:NegativeItem\"");
    let events = read_one(&[sale("A", "13.88", "1", "13.88"), coupon], "11.88");
    let line = &checked_order(&events[0]).lines[1];
    assert_eq!((line.kind, line.unit_price.shop.amount.as_str()), (LineKind::Custom, "-2.00"));
}

#[test]
fn gift_cards_and_tips_are_lines_of_their_kinds() {
    let card = goods("Sale", "GC", "25.00", "1", "25.00", "").replace("\"Stock\"", "\"GiftCard\"");
    let tip = "<LineItem><Tip><Amount>3.00</Amount></Tip></LineItem>";
    let events = read_one(&[sale("A", "5.00", "1", "5.00"), card, tip.into()], "33.00");
    let kinds: Vec<_> = checked_order(&events[0]).lines.iter().map(|line| line.kind).collect();
    assert_eq!(kinds, [LineKind::Item, LineKind::GiftCard, LineKind::Tip]);
}

#[test]
fn in_version_six_the_weight_is_an_attribute_beside_the_count() {
    let line = sale("A", "4.00", "1", "2.00")
        .replace("<Quantity>", "<Quantity UnitOfMeasureCode=\"KG\" Units=\"0.5\">");
    let events = read_one(
        &[
            line,
            sale("B", "1.00", "2", "2.00")
                .replace("<Quantity>", "<Quantity UnitOfMeasureCode=\"EA\" Units=\"9\">"),
        ],
        "4.00",
    );
    let lines = &checked_order(&events[0]).lines;
    assert_eq!((lines[0].quantity.as_str(), lines[0].unit.as_deref()), ("0.5", Some("KGM")));
    assert_eq!((lines[1].quantity.as_str(), lines[1].unit.as_deref()), ("2", None));
}

#[test]
fn in_version_six_store_and_date_are_in_other_elements() {
    let head = transaction(5, "<RetailTransaction><LineItem><SequenceNumber>1</SequenceNumber><Sale><ItemID>A</ItemID><ExtendedAmount Currency=\"EUR\">1.00</ExtendedAmount></Sale></LineItem></RetailTransaction>")
        .replace("<RetailStoreID>9</RetailStoreID>", "<BusinessUnit><UnitID Name=\"Nine\">9</UnitID></BusinessUnit>")
        .replace("<BusinessDayDate>2017-09-30</BusinessDayDate>", "<BusinessDayDate><Date>2017-09-30</Date></BusinessDayDate>")
        .replace("<CurrencyCode>USD</CurrencyCode>", "")
        .replace("</EndDateTime>", "</EndDateTime><ReceiptNumber>R-5</ReceiptNumber>");
    let events = read(poslog(&[head])).unwrap();
    let order = checked_order(&events[0]);
    assert_eq!(order.natural_key.as_deref(), Some("9/34/2017-09-30/5"));
    assert_eq!((order.number.as_str(), order.currency.as_str()), ("R-5", "EUR"));
}
