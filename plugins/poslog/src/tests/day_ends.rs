//! Day ends.

use super::*;

fn end(content: &str) -> String {
    transaction(999, &format!("<ControlTransaction>{content}</ControlTransaction>"))
}

#[test]
fn a_day_end_has_the_total_of_each_tender() {
    let summary = |kind: &str, sales: &str, refunds: &str| {
        format!(
            "<TenderSummary TenderType=\"{kind}\"><Sales><Amount>{sales}</Amount><Count>12</Count></Sales>\
             <Refunds><Amount>{refunds}</Amount><Count>1</Count></Refunds></TenderSummary>"
        )
    };
    let xml = end(&format!(
        "<BusinessEOD><EndDateTimestamp>2017-10-01T03:10:00</EndDateTimestamp><CloseBusinessDayDate>2017-09-30</CloseBusinessDayDate>\
         <SessionSettle>{}{}{}</SessionSettle></BusinessEOD>",
        summary("Cash", "410.55", "-10.00"),
        summary("Credit", "1000.00", "0.00"),
        summary("Debit", "250.00", "0.00"),
    ));
    let events = read(poslog(&[xml])).unwrap();
    assert_eq!(events[0].fact.kind(), "day.closed");
    assert_eq!(events[0].entity.to_string(), "poslog/acme/business-day/9/2017-09-30");
    let Fact::DayClosed(day) = &events[0].fact else { panic!() };
    assert_eq!(
        (day.store.as_str(), day.date.as_str(), day.closed_at.as_str()),
        ("9", "2017-09-30", "2017-10-01T03:10:00-04:00")
    );
    let totals: Vec<_> =
        day.totals.iter().map(|total| (total.tender, total.amount.amount.as_str(), total.count)).collect();
    assert_eq!(totals, [(TenderKind::Cash, "400.55", Some(13)), (TenderKind::Card, "1250.00", Some(26))]);
}

#[test]
fn all_types_of_day_end_are_read() {
    for content in ["<EndOfDay/>", "<StoreEOD/>", "<TypeCode>BusinessEOD</TypeCode>"] {
        let events = read(poslog(&[end(content)])).unwrap();
        let Fact::DayClosed(day) = &events[0].fact else { panic!("{content}") };
        assert_eq!((day.date.as_str(), day.totals.len()), ("2017-09-30", 0));
        assert_eq!(day.closed_at, "2017-10-01T02:02:54-04:00");
    }
}

#[test]
fn other_control_transactions_yield_no_event() {
    for content in [
        "<OperatorSignOff/>",
        "<POSEOD/>",
        "<TillEOD/>",
        "<BusinessSOD/>",
        "<NoSale>2017-10-01T15:19:11</NoSale>",
    ] {
        assert_eq!(read(poslog(&[end(content)])).unwrap(), [], "{content}");
    }
}
