//! 997, 999 and TA1: acknowledgements of messages.

use super::*;

#[test]
fn an_accepted_message_is_acknowledged() {
    let (event, document) =
        document(host_with_order(), "FA", "997", "AK1*PO*23\nAK2*850*0001\nAK5*A\nAK9*A*1*1*1");
    assert_eq!(event.entity.to_string(), "erp-x12/LEGACY/document/acknowledgement-23-1");
    assert_eq!((event.parent.as_ref(), document.order.as_ref()), (Some(&order()), Some(&order())));
    assert_eq!(document.kind, DocumentKind::Acknowledgement);
    assert_eq!(document.state, DocumentState::Accepted);
    assert_eq!(document.answers.as_deref(), Some("23/1"));
    assert_eq!(document.number.as_deref(), Some("997 000000045"));
    assert_eq!(
        event.version,
        Some(Version { at: "2026-11-23T10:15:30-06:00".into(), sequence: Some(100_000_000) })
    );
}

#[test]
fn a_refusal_has_a_readable_reason() {
    let body = "AK1*PO*23\nAK2*850*0001\nAK3*PO1*8*PO1*8\nAK4*3*355*7*XX\nAK3*N1*5**8\nAK4*2*93*5*Ada Example\n\
                AK5*R*5\nAK9*R*1*1*0";
    let (_, document) = document(host_with_order(), "FA", "997", body);
    assert_eq!(document.state, DocumentState::Refused);
    assert_eq!(
        document.reason.unwrap(),
        "the partner cannot read the message: PO1 (segment 8 of the message) has invalid elements; \
         PO103 is an unknown code: \"XX\"; N1 (segment 5 of the message) has invalid elements; \
         N102 is too long; one or more segments are invalid"
    );
}

/// The ids of the messages that an acknowledgement covers, and whether they are accepted.
fn verdicts(host: testing::Host, body: &str) -> Vec<(String, bool)> {
    let events = receive(host, interchange(&[("FA", &[("997", body)])])).unwrap();
    let verdict = |event: Event| match event.fact {
        Fact::DocumentUpdated(document) => {
            (document.answers.unwrap(), document.state == DocumentState::Accepted)
        }
        other => panic!("{other:?}"),
    };
    events.into_iter().map(verdict).collect()
}

fn host_with_three_orders() -> testing::Host {
    let reference = |id: &str| Reference::new("message", format!("23/{id}"));
    let order = |id: &str| testing::entity(EntityKind::Order, id);
    host_with_order().reference(order("1002"), reference("2")).reference(order("1003"), reference("3"))
}

#[test]
fn a_group_is_acknowledged_as_a_whole_or_in_part() {
    let all = |accepted: bool| [1, 2, 3].map(|at| (format!("23/{at}"), accepted));
    assert_eq!(verdicts(host_with_three_orders(), "AK1*PO*23\nAK9*A*3*3*3"), all(true));
    assert_eq!(verdicts(host_with_three_orders(), "AK1*PO*000000023\nAK9*R*3*3*0*4"), all(false));
    let partly = "AK1*PO*23\nAK2*850*0002\nAK5*R*5\nAK9*P*3*3*2";
    let expected = [("23/1".to_owned(), true), ("23/2".to_owned(), false), ("23/3".to_owned(), true)];
    assert_eq!(verdicts(host_with_three_orders(), partly), expected);
    // A refused group refuses all its messages, the accepted ones included.
    let refused = "AK1*PO*23\nAK2*850*0001\nAK5*A\nAK2*850*0002\nAK5*R*5\nAK2*850*0003\nAK5*A\nAK9*R*3*3*0";
    assert_eq!(verdicts(host_with_three_orders(), refused), all(false));
    // A partner that cannot read a group does not know its number of messages.
    for refused in ["AK1*PO*23\nAK9*R*0*0*0*1", "AK1*PO*23\nAK9*R", "AK1*PO*23\nAK9*M*1*1*0"] {
        assert_eq!(verdicts(host_with_three_orders(), refused), all(false), "{refused}");
    }
    assert_eq!(
        verdicts(host_with_three_orders(), "AK1*PO*23\nAK9*A*0*0*0"),
        [],
        "none is counted as accepted"
    );
    let warned = "AK1*PO*23\nAK2*850*0001\nAK5*E*5\nAK9*E*1*1*1";
    assert_eq!(verdicts(host_with_three_orders(), warned), [("23/1".to_owned(), true)]);
}

#[test]
fn groups_of_other_kinds_and_unknown_messages_have_no_order() {
    assert_eq!(verdicts(host_with_order(), "AK1*SH*100043\nAK2*856*000100043\nAK5*A\nAK9*A*1*1*1"), []);
    let (event, document) = document(host(), "FA", "997", "AK1*PO*99\nAK2*850*0001\nAK5*A\nAK9*A*1*1*1");
    assert_eq!((event.parent, document.order, document.answers.as_deref()), (None, None, Some("99/1")));
    assert_eq!(verdicts(host(), "AK1*PO*99\nAK9*A*999999*1*1"), []);
}

#[test]
fn a_999_is_read_like_a_997() {
    let body = "AK1*PO*23*005010\nAK2*850*0001\nIK3*BEG*2**8\nIK4*3*324*5*1\nIK5*R*5\nAK9*R*1*1*0";
    let (_, document) = document(host_with_order(), "FA", "999", body);
    assert_eq!(document.state, DocumentState::Refused);
    assert!(document.reason.unwrap().contains("BEG03 is too long"));
}

#[test]
fn a_refused_interchange_refuses_its_messages() {
    let ta1 = |verdict: &str| {
        interchange(&[]).replacen("IEA*0", &format!("TA1*000000012*261123*0930*{verdict}~\nIEA*0"), 1)
    };
    let events = receive(host_with_three_orders(), ta1("R*025")).unwrap();
    assert_eq!(events.len(), 3);
    let Fact::DocumentUpdated(document) = &events[2].fact else { panic!() };
    assert_eq!((document.state, document.answers.as_deref()), (DocumentState::Refused, Some("23/3")));
    assert_eq!(
        document.reason.as_deref(),
        Some(
            "the partner refuses the interchange 000000012: the control number was used before (TA1 note 025)"
        )
    );
    assert_eq!(receive(host_with_three_orders(), ta1("A*000")).unwrap(), []);
    assert_eq!(receive(host(), ta1("R*025")).unwrap(), []);
}

#[test]
fn an_invalid_acknowledgement_is_set_aside() {
    let code =
        |body: &str| receive(host_with_order(), interchange(&[("FA", &[("997", body)])])).unwrap_err().code;
    assert_eq!(code("AK9*A*1*1*1"), "segment-missing");
    assert_eq!(code("AK1*PO*23"), "segment-missing");
    assert_eq!(code("AK1*PO\nAK9*A*1*1*1"), "element-missing");
    assert_eq!(code("AK1*PO*x\nAK9*A*1*1*1"), "invalid-number");
}
