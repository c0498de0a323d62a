//! 846: stock levels.

use super::*;

fn levels(host: testing::Host, body: &str) -> Vec<(Event, Level)> {
    let events = receive(host, interchange(&[("IB", &[("846", body)])])).unwrap();
    let level = |event: Event| match event.fact.clone() {
        Fact::InventoryCounted(level) => (event, level),
        other => panic!("{other:?}"),
    };
    events.into_iter().map(level).collect()
}

/// Location, SKU and available quantity.
fn available(host: testing::Host, body: &str) -> Vec<(String, String, String)> {
    let row = |(_, level): (Event, Level)| {
        (level.location, level.sku.unwrap(), level.available.unwrap_or_default())
    };
    levels(host, body).into_iter().map(row).collect()
}

fn rows(rows: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    rows.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect()
}

#[test]
fn a_level_has_the_available_on_hand_and_incoming_quantities() {
    let body = "BIA*00*SI*IA1*20261123*0800
        N1*SU*LEGACY*92*L
        N1*WH*WAREHOUSE W1*92*W1
        LIN*1*VP*4711*UP*012345678905
        QTY*33*7*EA
        QTY*17*9.50*EA
        QTY*63*100*EA
        CTT*1";
    let (event, level) = levels(host().mapping("article", "4711", "TEA-250"), body).remove(0);
    assert_eq!(event.entity.to_string(), "erp-x12/LEGACY/stock/W1/TEA-250");
    assert_eq!(event.parent, None);
    let expected = Level {
        sku: Some("TEA-250".into()),
        item: Some("4711".into()),
        location: "W1".into(),
        available: Some("7".into()),
        on_hand: Some("9.5".into()),
        reserved: None,
        incoming: Some("100".into()),
        at: "2026-11-23T08:00:00-06:00".into(),
    };
    assert_eq!(level, expected);
}

#[test]
fn locations_are_before_or_after_their_quantities_or_paired_with_them() {
    let head = "BIA*00*SI*IA1*20261123";
    let before =
        format!("{head}\nLIN**SK*A\nN1*WH**92*W1\nQTY*33*1\nN1*WH**92*W1\nQTY*17*2\nN1*WH**92*W2\nQTY*33*3");
    assert_eq!(available(host(), &before), rows(&[("W1", "A", "1"), ("W2", "A", "3")]));
    let after = format!(
        "{head}\nLIN**SK*A\nQTY*33*1\nN1*WH**92*W1\nQTY*33*3\nN1*WH**92*W2\nLIN**SK*B\nQTY*33*4\nN1*ST*NINE"
    );
    assert_eq!(available(host(), &after), rows(&[("W1", "A", "1"), ("W2", "A", "3"), ("NINE", "B", "4")]));
    let pairs = format!("{head}\nLIN**SK*A\nSDQ*EA*92*W1*5*W2*-1");
    assert_eq!(available(host(), &pairs), rows(&[("W1", "A", "5"), ("W2", "A", "-1")]));
    let without = format!("{head}\nLIN**SK*A\nQTY*33*1");
    assert_eq!(available(host().setting("warehouse", "MAIN"), &without), rows(&[("MAIN", "A", "1")]));
    let problem = receive(host(), interchange(&[("IB", &[("846", &without)])])).unwrap_err();
    assert_eq!(
        (problem.code.as_str(), problem.field.as_deref()),
        ("location-missing", Some("segments[5].LIN"))
    );
}

#[test]
fn the_available_quantity_has_the_configured_qualifier() {
    let body = "BIA*00*SI*IA1*20261123\nN1*WH**92*W1\nLIN**SK*A\nQTY*17*9\nQTY*QA*4";
    assert_eq!(available(host(), body), rows(&[("W1", "A", "9")]));
    assert_eq!(available(host().setting("available", ["QA", "33"]), body), rows(&[("W1", "A", "4")]));
    assert_eq!(available(host(), "BIA*00*SI*IA1*20261123\nLIN**SK*A"), rows(&[]));
}

#[test]
fn articles_are_skus_when_configured() {
    let body = "BIA*00*SI*IA1*20261123\nN1*WH**92*W1\nLIN**VP*4711\nQTY*33*1";
    let host = || host().mapping("article", "4711", "TEA-250");
    assert_eq!(available(host(), body), rows(&[("W1", "TEA-250", "1")]));
    assert_eq!(available(host().setting("articles", "same"), body), rows(&[("W1", "4711", "1")]));
}

#[test]
fn an_article_without_a_number_is_set_aside() {
    let code = |body: &str| receive(host(), interchange(&[("IB", &[("846", body)])])).unwrap_err().code;
    assert_eq!(code("BIA*00*SI*IA1*20261123\nLIN*1"), "element-missing");
    assert_eq!(code("BIA*00*SI*IA1*20261123\nLIN**SK*A\nQTY*33*many"), "invalid-number");
    assert_eq!(code("LIN**SK*A"), "segment-missing");
}

#[test]
fn quantities_of_an_article_that_occurs_several_times_are_added_up() {
    let head = "BIA*00*SI*IA1*20261123\nN1*WH**92*W1";
    // By lot, and with a second number of the partner for the same article.
    let lots = format!(
        "{head}\nLIN**VP*4711*LT*A\nQTY*33*7*EA\nQTY*17*9*EA\nLIN**VP*4711*LT*B\nQTY*33*2*EA\nQTY*17*2\n\
         LIN**VP*4712\nQTY*33*1.5*EA\nQTY*17*3*EA\nLIN**SK*MUG\nQTY*33*1"
    );
    let host = || host().mapping("article", "4711", "TEA-250").mapping("article", "4712", "TEA-250");
    let found = levels(host(), &lots);
    assert_eq!(found.len(), 2, "one level for each article and location");
    let level = &found[0].1;
    assert_eq!(
        (level.sku.as_deref(), level.available.as_deref(), level.on_hand.as_deref(), level.item.as_deref()),
        (Some("TEA-250"), Some("10.5"), Some("14"), None)
    );
    // Within one line: quantities with the same qualifier, at the same location, and pairs.
    let repeated = format!("{head}\nLIN**SK*A\nQTY*33*1\nQTY*33*4");
    assert_eq!(available(host(), &repeated), rows(&[("W1", "A", "5")]));
    let locations = format!("{head}\nLIN**SK*A\nQTY*33*1\nN1*WH**92*W2\nQTY*33*3\nN1*WH**92*W2");
    assert_eq!(available(host(), &locations), rows(&[("W2", "A", "4")]));
    let pairs = format!("{head}\nLIN**SK*A\nSDQ*EA*92*W1*5*W2*1\nSDQ*EA*92*W1*2");
    assert_eq!(available(host(), &pairs), rows(&[("W1", "A", "7"), ("W2", "A", "1")]));
    // Without a quantity on hand in one line, the total on hand is unknown.
    let partly = format!("{head}\nLIN**SK*A\nQTY*33*7\nQTY*17*9\nLIN**SK*A\nQTY*33*2");
    let level = &levels(host(), &partly)[0].1;
    assert_eq!((level.available.as_deref(), level.on_hand.as_deref()), (Some("9"), None));
}

#[test]
fn a_total_next_to_quantities_by_location_is_not_added() {
    let head = "BIA*00*SI*IA1*20261123\nN1*WH**92*W1\nLIN**SK*A";
    let total = format!("{head}\nQTY*33*8\nSDQ*EA*92*W1*5*W2*3");
    assert_eq!(available(host(), &total), rows(&[("W1", "A", "5"), ("W2", "A", "3")]));
}

#[test]
fn ambiguous_quantities_are_set_aside_with_the_segment() {
    let head = "BIA*00*SI*IA1*20261123\nN1*WH**92*W1\nLIN**SK*A";
    let refused = [
        (format!("{head}\nQTY*33*1*EA\nQTY*33*2*CA"), "segments[8].QTY02"),
        (format!("{head}\nQTY*33*1*EA\nLIN**SK*A\nQTY*33*2*CA"), "segments[9].QTY02"),
        (format!("{head}\nQTY*33*9\nSDQ*EA*92*W1*5*W2*3"), "segments[7].QTY02"),
        (format!("{head}\nQTY*33*1\nLIN**SK*A\nQTY*17*2"), "segments[8].LIN"),
    ];
    for (body, field) in refused {
        let problem = receive(host(), interchange(&[("IB", &[("846", &body)])])).unwrap_err();
        assert_eq!((problem.code.as_str(), problem.field.as_deref()), ("quantity-ambiguous", Some(field)));
    }
}
