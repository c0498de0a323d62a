//! 855 and 865: confirmations, line by line.

use super::*;

fn confirmed(body: &str) -> (Event, Document) {
    document(host_with_order(), "PR", "855", body)
}

type LineFields<'a> = (&'a str, Option<&'a str>, Option<&'a str>, &'a str, Option<LineState>);

fn lines(document: &Document) -> Vec<LineFields<'_>> {
    fn line(line: &DocumentLine) -> LineFields<'_> {
        (&line.id, line.line.as_deref(), line.sku.as_deref(), &line.quantity, line.state)
    }
    document.lines.iter().map(line).collect()
}

#[test]
fn an_accepted_order_has_its_lines_and_the_partners_number() {
    let body = "BAK*00*AD*1001*20261123****5100002*20261124
        PO1*1*2*EA*10**VP*4711*SK*TEA-250
        ACK*IA*2*EA*067*20261126
        PO1*0002*2.50*EA*10**VP*4712
        ACK*IA*2.5*EA
        PO1*3*1*EA*5**VP*FREIGHT
        CTT*3";
    let (event, document) = document(host_with_order().mapping("article", "4712", "MUG"), "PR", "855", body);
    assert_eq!(event.entity.id, "order-1001-5100002");
    assert_eq!(event.parent, Some(order()));
    assert_eq!((document.kind, document.state), (DocumentKind::SalesOrder, DocumentState::Accepted));
    assert_eq!(document.number.as_deref(), Some("5100002"));
    assert_eq!(document.date.as_deref(), Some("2026-11-24"));
    assert_eq!((document.answers.as_deref(), document.reason.as_deref()), (None, None));
    let accepted = Some(LineState::Accepted);
    assert_eq!(
        lines(&document),
        [
            ("1", Some("11"), Some("TEA-250"), "2", accepted),
            ("0002", Some("12"), Some("MUG"), "2.5", accepted),
            ("3", None, Some("FREIGHT"), "1", None)
        ]
    );
}

#[test]
fn a_line_has_its_status_and_a_reason() {
    let of = |ack: &str| {
        let body =
            format!("BAK*00*AC*1001*20261123\nPO1*1*10*EA*12.40**SK*TEA-250\n{ack}\nPID*F****Green tea");
        let line = confirmed(&body).1.lines.remove(0);
        (line.state.unwrap(), line.quantity, line.reason.unwrap_or_default())
    };
    use LineState::{Accepted, Backordered, Changed, Rejected, Substituted};
    let text = |text: &str| text.to_owned();
    assert_eq!(of("ACK*IA*10*EA"), (Accepted, text("10"), text("")));
    assert_eq!(
        of("ACK*IR*0*EA\nREF*ZZ**discontinued"),
        (Rejected, text("10"), text("rejected (IR): discontinued"))
    );
    assert_eq!(of("ACK*IR*0*EA"), (Rejected, text("10"), text("rejected (IR): Green tea")));
    assert_eq!(
        of("ACK*IQ*6*EA\nN9*ZZ**short\nMSG*rest in June"),
        (Changed, text("6"), text("quantity changed: 6 of 10 (IQ): short; rest in June"))
    );
    assert_eq!(
        of("ACK*IB*4*EA*017*20261224\nNTE**late"),
        (Backordered, text("4"), text("backordered: on 2026-12-24 (IB): late"))
    );
    assert_eq!(
        of("ACK*IS*10*EA****VP*4799\nMTX**new packing"),
        (Substituted, text("10"), text("substituted: by 4799 (IS): new packing"))
    );
    assert_eq!(of("ACK*IP*10*EA\nMSG*x").2, "price changed: at 12.40 each (IP): x");
    assert_eq!(of("ACK*DR*10*EA*068*20261201\nMSG*x").2, "delivery date changed: on 2026-12-01 (DR): x");
    assert_eq!(of("ACK*R2\nMSG*x"), (Rejected, text("10"), text("rejected: invalid article number (R2): x")));
    assert_eq!(of("ACK*QQ*10*EA\nMSG*x"), (Changed, text("10"), text("changed in another way (QQ): x")));
}

#[test]
fn a_line_may_have_several_statuses() {
    let body =
        "BAK*00*AC*1001*20261123\nPO1*1*10*EA*12.40**SK*TEA-250\nACK*IA*6*EA\nACK*IR*4*EA\nREF*ZZ**sold out";
    let (_, document) = confirmed(body);
    let (accepted, rejected) = (Some(LineState::Accepted), Some(LineState::Rejected));
    assert_eq!(
        lines(&document),
        [
            ("1", Some("11"), Some("TEA-250"), "6", accepted),
            ("1/2", Some("11"), Some("TEA-250"), "4", rejected)
        ]
    );
    assert_eq!(document.lines[1].reason.as_deref(), Some("rejected (IR): sold out"));
}

#[test]
fn a_refused_order_has_a_reason() {
    let (_, document) =
        confirmed("BAK*00*RJ*1001*20261123\nREF*ZZ**account blocked\nPO1*1*2*EA*10**SK*TEA-250");
    assert_eq!(document.state, DocumentState::Refused);
    assert_eq!(document.reason.as_deref(), Some("the partner rejects the order: account blocked"));
    let (_, on_hold) = confirmed("BAK*00*AH*1001*20261123");
    assert_eq!((on_hold.state, on_hold.reason), (DocumentState::Draft, None));
}

#[test]
fn a_rejection_confirms_a_cancellation_that_was_sent() {
    let cancelled = Reference { number: Some("2/cancelled/".into()), ..Reference::new("last-sent", "1001") };
    let body = "BAK*00*RJ*1001*20261123\nPO1*1*2*EA*10**SK*TEA-250\nACK*IR*0*EA";
    let (_, document) = document(host_with_order().reference(order(), cancelled), "PR", "855", body);
    assert_eq!((document.state, document.reason.as_deref()), (DocumentState::Done, None));
    assert_eq!(document.lines[0].state, None);
}

#[test]
fn an_865_confirms_its_change() {
    let body = "BCA*00*AC*1001**7*20261123***5100002*20261125
        POC*1*QD*1**EA*10**VP*4711*SK*TEA-250
        ACK*IA*1*EA
        POC*2*AI*3**EA*10**SK*MUG
        ACK*IR*0*EA
        REF*ZZ**too late";
    let (_, document) = document(host_with_order(), "CA", "865", body);
    assert_eq!(document.answers.as_deref(), Some("change/7"));
    assert_eq!((document.number.as_deref(), document.date.as_deref()), (Some("5100002"), Some("2026-11-25")));
    let (accepted, rejected) = (Some(LineState::Accepted), Some(LineState::Rejected));
    assert_eq!(
        lines(&document),
        [("1", Some("11"), Some("TEA-250"), "1", accepted), ("2", Some("12"), Some("MUG"), "3", rejected)]
    );
}

#[test]
fn a_confirmation_of_an_unknown_order_has_no_order() {
    let host = host().install();
    let events =
        receive_installed(interchange(&[("PR", &[("855", "BAK*00*AC*4711*20261123\nREF*VN*SO-1")])]))
            .unwrap();
    assert_eq!((events[0].parent.as_ref(), events[0].entity.id.as_str()), (None, "order-4711-SO-1"));
    assert!(host.log().iter().any(|(_, message)| message.contains("4711")));
}

#[test]
fn an_error_names_the_segment() {
    let error = |body: &str| {
        let problem = receive(host_with_order(), interchange(&[("PR", &[("855", body)])])).unwrap_err();
        format!("{} {}", problem.code, problem.field.unwrap())
    };
    assert_eq!(error("PO1*1*2*EA"), "segment-missing segments[3].ST");
    assert_eq!(error("BAK*00*AC"), "element-missing segments[4].BAK03");
    assert_eq!(error("BAK*00*AC*1001*20261123\nPO1*1*many*EA"), "invalid-number segments[5].PO102");
    assert_eq!(error("BAK*00*AC*1001*20261123*****2026"), "invalid-date segments[4].BAK09");
    assert_eq!(error("BAK*00*AC*1\nPO1*1*2*EA\nACK**2"), "element-missing segments[6].ACK01");
}
