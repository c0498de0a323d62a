//! 855 and 865: what the partner makes of an order, line by line.

use super::*;

fn confirmed(body: &str) -> (Event, Document) {
    document(knowing(), "PR", "855", body)
}

type Seen<'a> = (&'a str, Option<&'a str>, Option<&'a str>, &'a str, Option<LineState>);

fn lines(document: &Document) -> Vec<Seen<'_>> {
    fn line(line: &DocumentLine) -> Seen<'_> {
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
    let (event, document) = document(knowing().mapping("article", "4712", "MUG"), "PR", "855", body);
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
fn what_becomes_of_a_line_is_told_with_the_reason() {
    let of = |ack: &str| {
        let body =
            format!("BAK*00*AC*1001*20261123\nPO1*1*10*EA*12.40**SK*TEA-250\n{ack}\nPID*F****Green tea");
        let line = confirmed(&body).1.lines.remove(0);
        (line.state.unwrap(), line.quantity, line.reason.unwrap_or_default())
    };
    use LineState::{Accepted, Backordered, Changed, Rejected, Substituted};
    let words = |text: &str| text.to_owned();
    assert_eq!(of("ACK*IA*10*EA"), (Accepted, words("10"), words("")));
    assert_eq!(
        of("ACK*IR*0*EA\nREF*ZZ**discontinued"),
        (Rejected, words("10"), words("rejected (IR): discontinued"))
    );
    assert_eq!(of("ACK*IR*0*EA"), (Rejected, words("10"), words("rejected (IR): Green tea")));
    assert_eq!(
        of("ACK*IQ*6*EA\nN9*ZZ**short\nMSG*rest in June"),
        (Changed, words("6"), words("quantity changed: 6 of 10 (IQ): short; rest in June"))
    );
    assert_eq!(
        of("ACK*IB*4*EA*017*20261224\nNTE**late"),
        (Backordered, words("4"), words("backordered: on 2026-12-24 (IB): late"))
    );
    assert_eq!(
        of("ACK*IS*10*EA****VP*4799\nMTX**new packing"),
        (Substituted, words("10"), words("substituted: by 4799 (IS): new packing"))
    );
    assert_eq!(of("ACK*IP*10*EA\nMSG*x").2, "price changed: at 12.40 each (IP): x");
    assert_eq!(of("ACK*DR*10*EA*068*20261201\nMSG*x").2, "delivery date changed: on 2026-12-01 (DR): x");
    assert_eq!(
        of("ACK*R2\nMSG*x"),
        (Rejected, words("10"), words("rejected: invalid article number (R2): x"))
    );
    assert_eq!(of("ACK*QQ*10*EA\nMSG*x"), (Changed, words("10"), words("changed in another way (QQ): x")));
}

#[test]
fn a_line_may_become_several_things() {
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
fn a_refused_order_says_why() {
    let (_, document) =
        confirmed("BAK*00*RJ*1001*20261123\nREF*ZZ**account blocked\nPO1*1*2*EA*10**SK*TEA-250");
    assert_eq!(document.state, DocumentState::Refused);
    assert_eq!(document.reason.as_deref(), Some("the partner rejects the order: account blocked"));
    let (_, held) = confirmed("BAK*00*AH*1001*20261123");
    assert_eq!((held.state, held.reason), (DocumentState::Draft, None));
}

#[test]
fn who_was_told_that_it_is_cancelled_and_rejects_it_agrees() {
    let told = Reference { number: Some("2/cancelled/".into()), ..Reference::new("told", "1001") };
    let body = "BAK*00*RJ*1001*20261123\nPO1*1*2*EA*10**SK*TEA-250\nACK*IR*0*EA";
    let (_, document) = document(knowing().reference(order(), told), "PR", "855", body);
    assert_eq!((document.state, document.reason.as_deref()), (DocumentState::Done, None));
    assert_eq!(document.lines[0].state, None);
}

#[test]
fn an_865_answers_its_change() {
    let body = "BCA*00*AC*1001**7*20261123***5100002*20261125
        POC*1*QD*1**EA*10**VP*4711*SK*TEA-250
        ACK*IA*1*EA
        POC*2*AI*3**EA*10**SK*MUG
        ACK*IR*0*EA
        REF*ZZ**too late";
    let (_, document) = document(knowing(), "CA", "865", body);
    assert_eq!(document.answers.as_deref(), Some("change/7"));
    assert_eq!((document.number.as_deref(), document.date.as_deref()), (Some("5100002"), Some("2026-11-25")));
    let (accepted, rejected) = (Some(LineState::Accepted), Some(LineState::Rejected));
    assert_eq!(
        lines(&document),
        [("1", Some("11"), Some("TEA-250"), "1", accepted), ("2", Some("12"), Some("MUG"), "3", rejected)]
    );
}

#[test]
fn an_order_that_nobody_sent_is_told_without_one() {
    let host = host().install();
    let events =
        receive_here(interchange(&[("PR", &[("855", "BAK*00*AC*4711*20261123\nREF*VN*SO-1")])])).unwrap();
    assert_eq!((events[0].parent.as_ref(), events[0].entity.id.as_str()), (None, "order-4711-SO-1"));
    assert!(host.log().iter().any(|(_, message)| message.contains("4711")));
}

#[test]
fn what_cannot_be_read_names_the_segment() {
    let wrong = |body: &str| {
        let problem = receive(knowing(), interchange(&[("PR", &[("855", body)])])).unwrap_err();
        format!("{} {}", problem.code, problem.field.unwrap())
    };
    assert_eq!(wrong("PO1*1*2*EA"), "segment-missing segments[3].ST");
    assert_eq!(wrong("BAK*00*AC"), "element-missing segments[4].BAK03");
    assert_eq!(wrong("BAK*00*AC*1001*20261123\nPO1*1*many*EA"), "invalid-number segments[5].PO102");
    assert_eq!(wrong("BAK*00*AC*1001*20261123*****2026"), "invalid-date segments[4].BAK09");
    assert_eq!(wrong("BAK*00*AC*1\nPO1*1*2*EA\nACK**2"), "element-missing segments[6].ACK01");
}
