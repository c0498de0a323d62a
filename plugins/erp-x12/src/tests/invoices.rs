//! 810: invoices and credit memos.

use super::*;

fn invoice(body: &str) -> (Event, Document) {
    document(host_with_order(), "IN", "810", body)
}

fn amounts(document: &Document) -> [Option<&str>; 3] {
    [&document.untaxed, &document.tax, &document.total]
        .map(|money| money.as_ref().map(|money| money.amount.as_str()))
}

#[test]
fn an_invoice_has_its_totals_and_lines() {
    let body = "BIG*20261125*INV-9*20261123*1001***DI*00
        CUR*SE*EUR
        IT1*1*2*EA*10.00**SK*TEA-250
        TXI*VA*2.00
        IT1*2*1.5*LB*0.125**VP*4712
        TDS*2239
        TXI*VA*2.05
        CTT*2";
    let (event, document) = invoice(body);
    assert_eq!((event.entity.id.as_str(), event.parent), ("invoice-INV-9", Some(order())));
    assert_eq!((document.kind, document.state), (DocumentKind::Invoice, DocumentState::Posted));
    assert_eq!(document.number.as_deref(), Some("INV-9"));
    assert_eq!(document.date.as_deref(), Some("2026-11-25"));
    assert_eq!(amounts(&document), [Some("20.34"), Some("2.05"), Some("22.39")]);
    assert_eq!(document.total.as_ref().unwrap().currency, "EUR");
    let lines: Vec<(Option<&str>, &str, Option<&str>)> = document
        .lines
        .iter()
        .map(|line| (line.line.as_deref(), line.quantity.as_str(), line.amount.as_deref()))
        .collect();
    assert_eq!(lines, [(Some("11"), "2", Some("20.00")), (Some("12"), "1.5", Some("0.1875"))]);
}

#[test]
fn implied_and_explicit_decimals_are_both_read() {
    let total = |tds: &str| {
        let (_, document) = invoice(&format!("BIG*20261125*9**1001\nCUR*SE*EUR\nTDS*{tds}"));
        document.total.unwrap().amount
    };
    assert_eq!(total("14099"), "140.99");
    assert_eq!(total("140.99"), "140.99");
    assert_eq!(total("5"), "0.05");
    assert_eq!(total("100."), "100.00");
    assert_eq!(total("-500"), "-5.00");
    assert_eq!(total("500-"), "-5.00");
    assert_eq!(total(".5"), "0.50");
    assert_eq!(amounts(&invoice("BIG*20261125*9**1001\nCUR*SE*EUR\nTDS*500").1)[..2], [None, None]);
    let charged =
        "BIG*20261125*9**1001\nCUR*SE*EUR\nTDS*500\nSAC*C*H850***80\nSAC*C*D240***100\nSAC*C*H850***1.20";
    assert_eq!(amounts(&invoice(charged).1), [Some("3.00"), Some("2.00"), Some("5.00")]);
}

#[test]
fn credit_memos_and_cancelled_invoices_are_recognised() {
    let (event, document) = invoice("BIG*20261125*9**1001***CR\nCUR*SE*EUR\nTDS*500");
    assert_eq!((event.entity.id.as_str(), document.kind), ("credit-9", DocumentKind::CreditMemo));
    assert_eq!(
        invoice("BIG*20261125*9**1001***DI*01\nCUR*SE*EUR\nTDS*500").1.state,
        DocumentState::Cancelled
    );
}

#[test]
fn the_order_may_be_on_the_lines() {
    let body = |other: &str| {
        format!("BIG*20261125*9\nCUR*SE*EUR\nIT1**1*EA*5**PO*1001\nIT1**1*EA*5**PO*{other}\nTDS*1000")
    };
    assert_eq!(invoice(&body("1001")).0.parent, Some(order()));
    assert_eq!(invoice(&body("1002")).0.parent, None);
    assert_eq!(document(host(), "IN", "810", &body("1001")).0.parent, None);
}

#[test]
fn the_currency_is_the_invoices_else_the_settings() {
    let body = "BIG*20261125*9**1001\nTDS*500";
    let (_, document) = document(host_with_order().setting("currency", "USD"), "IN", "810", body);
    assert_eq!(document.total.unwrap().currency, "USD");
    let refused = |body: &str| {
        let problem = receive(host_with_order(), interchange(&[("IN", &[("810", body)])])).unwrap_err();
        format!("{} {}", problem.code, problem.field.unwrap())
    };
    assert_eq!(refused(body), "currency-missing segments[4].BIG");
    assert_eq!(refused("BIG*2026-11-25*9\nTDS*5"), "invalid-date segments[4].BIG01");
    assert_eq!(refused("BIG*20261125\nTDS*5"), "element-missing segments[4].BIG02");
    assert_eq!(refused("BIG*20261125*9\nCUR*SE*EUR"), "segment-missing segments[3].ST");
    assert_eq!(refused("BIG*20261125*9\nCUR*SE*EUR\nTDS*1e3"), "invalid-number segments[6].TDS01");
}
