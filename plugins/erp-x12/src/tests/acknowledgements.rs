//! 997, 999 and TA1: what is said of messages as such.

use super::*;

#[test]
fn an_accepted_message_is_acknowledged() {
    let (event, document) = document(knowing(), "FA", "997", "AK1*PO*23\nAK2*850*0001\nAK5*A\nAK9*A*1*1*1");
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
fn a_refused_message_says_why_in_words() {
    let body = "AK1*PO*23\nAK2*850*0001\nAK3*PO1*8*PO1*8\nAK4*3*355*7*XX\nAK3*N1*5**8\nAK4*2*93*5*Ada Example\n\
                AK5*R*5\nAK9*R*1*1*0";
    let (_, document) = document(knowing(), "FA", "997", body);
    assert_eq!(document.state, DocumentState::Refused);
    assert_eq!(
        document.reason.unwrap(),
        "the partner cannot read the message: PO1 (segment 8 of the message) has elements that are wrong; \
         PO103 is a code that is not known: \"XX\"; N1 (segment 5 of the message) has elements that are wrong; \
         N102 is too long; one or more segments are wrong"
    );
}

/// The places of our messages that an acknowledgement speaks of, and whether they are accepted.
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

fn three() -> testing::Host {
    let reference = |id: &str| Reference::new("message", format!("23/{id}"));
    let other = |id: &str| testing::entity(EntityKind::Order, id);
    knowing().reference(other("1002"), reference("2")).reference(other("1003"), reference("3"))
}

#[test]
fn a_group_may_be_acknowledged_as_a_whole_or_in_part() {
    let all = |accepted: bool| [1, 2, 3].map(|at| (format!("23/{at}"), accepted));
    assert_eq!(verdicts(three(), "AK1*PO*23\nAK9*A*3*3*3"), all(true));
    assert_eq!(verdicts(three(), "AK1*PO*000000023\nAK9*R*3*3*0*4"), all(false));
    let partly = "AK1*PO*23\nAK2*850*0002\nAK5*R*5\nAK9*P*3*3*2";
    let wanted = [("23/1".to_owned(), true), ("23/2".to_owned(), false), ("23/3".to_owned(), true)];
    assert_eq!(verdicts(three(), partly), wanted);
    // A group that is refused takes with it what was right in it.
    let refused = "AK1*PO*23\nAK2*850*0001\nAK5*A\nAK2*850*0002\nAK5*R*5\nAK2*850*0003\nAK5*A\nAK9*R*3*3*0";
    assert_eq!(verdicts(three(), refused), all(false));
    // A partner that cannot read a group does not know how many there were.
    for refused in ["AK1*PO*23\nAK9*R*0*0*0*1", "AK1*PO*23\nAK9*R", "AK1*PO*23\nAK9*M*1*1*0"] {
        assert_eq!(verdicts(three(), refused), all(false), "{refused}");
    }
    assert_eq!(verdicts(three(), "AK1*PO*23\nAK9*A*0*0*0"), [], "nobody said that they are accepted");
    let warned = "AK1*PO*23\nAK2*850*0001\nAK5*E*5\nAK9*E*1*1*1";
    assert_eq!(verdicts(three(), warned), [("23/1".to_owned(), true)]);
}

#[test]
fn what_is_not_ours_and_what_nobody_knows_is_told_apart() {
    assert_eq!(verdicts(knowing(), "AK1*SH*100043\nAK2*856*000100043\nAK5*A\nAK9*A*1*1*1"), []);
    let (event, document) = document(host(), "FA", "997", "AK1*PO*99\nAK2*850*0001\nAK5*A\nAK9*A*1*1*1");
    assert_eq!((event.parent, document.order, document.answers.as_deref()), (None, None, Some("99/1")));
    assert_eq!(verdicts(host(), "AK1*PO*99\nAK9*A*999999*1*1"), []);
}

#[test]
fn a_999_says_the_same_in_other_segments() {
    let body = "AK1*PO*23*005010\nAK2*850*0001\nIK3*BEG*2**8\nIK4*3*324*5*1\nIK5*R*5\nAK9*R*1*1*0";
    let (_, document) = document(knowing(), "FA", "999", body);
    assert_eq!(document.state, DocumentState::Refused);
    assert!(document.reason.unwrap().contains("BEG03 is too long"));
}

#[test]
fn an_interchange_that_is_refused_refuses_its_messages() {
    let ta1 = |verdict: &str| {
        interchange(&[]).replacen("IEA*0", &format!("TA1*000000012*261123*0930*{verdict}~\nIEA*0"), 1)
    };
    let events = receive(three(), ta1("R*025")).unwrap();
    assert_eq!(events.len(), 3);
    let Fact::DocumentUpdated(document) = &events[2].fact else { panic!() };
    assert_eq!((document.state, document.answers.as_deref()), (DocumentState::Refused, Some("23/3")));
    assert_eq!(
        document.reason.as_deref(),
        Some(
            "the partner refuses the interchange 000000012: the control number was used before (TA1 note 025)"
        )
    );
    assert_eq!(receive(three(), ta1("A*000")).unwrap(), []);
    assert_eq!(receive(host(), ta1("R*025")).unwrap(), []);
}

#[test]
fn an_acknowledgement_that_makes_no_sense_is_set_aside() {
    let code = |body: &str| receive(knowing(), interchange(&[("FA", &[("997", body)])])).unwrap_err().code;
    assert_eq!(code("AK9*A*1*1*1"), "segment-missing");
    assert_eq!(code("AK1*PO*23"), "segment-missing");
    assert_eq!(code("AK1*PO\nAK9*A*1*1*1"), "element-missing");
    assert_eq!(code("AK1*PO*x\nAK9*A*1*1*1"), "invalid-number");
}
