//! Envelopes: accepted and refused files, and round trips of written interchanges.

use proptest::prelude::*;

use super::*;

const ISA: &str = "ISA*00*          *00*          *ZZ*PARTNER        *ZZ*RETAILER       *261123*0930*U*00401*000000007*0*P*>~";

fn file(rest: &str) -> String {
    format!("{ISA}{rest}")
}

/// A valid file of two groups and three sets.
fn valid() -> String {
    file(
        "GS*PR*A*B*20261123*0930*1*X*004010~ST*855*0001~BAK*00*AC*1*20261123~SE*3*0001~\
         ST*855*0002~BAK*00*AC*2*20261123~SE*3*0002~GE*2*1~\
         GS*FA*A*B*20261123*0930*2*X*004010~ST*997*0001~AK1*PO*1~AK9*A*1*1*1~SE*4*0001~GE*1*2~IEA*2*000000007~",
    )
}

fn refused(text: &str) -> (String, String, String) {
    let problem = parse(text).unwrap_err();
    (problem.code, problem.field.unwrap_or_default(), problem.message)
}

fn code(text: &str) -> String {
    refused(text).0
}

#[test]
fn a_valid_file_is_read_with_segment_numbers() {
    let text = valid();
    let interchanges = parse(&text).unwrap();
    let [one] = interchanges.as_slice() else { panic!() };
    assert_eq!((one.sender(), one.receiver()), (("ZZ", "PARTNER"), ("ZZ", "RETAILER")));
    assert_eq!(one.control(), "000000007");
    let sets: Vec<Vec<&str>> =
        one.groups.iter().map(|group| group.sets.iter().map(Set::kind).collect()).collect();
    assert_eq!(sets, [vec!["855", "855"], vec!["997"]]);
    let bak = one.groups[0].sets[1].find("BAK").unwrap();
    assert_eq!((bak.number, bak.get(3), bak.get(9)), (7, Some("2"), None));
}

#[test]
fn separators_are_read_from_the_header() {
    let with = |element: char, component: char, segment: &str| {
        let text = valid().replace('~', "\u{0}").replace('>', "\u{1}").replace('*', &element.to_string());
        text.replace('\u{0}', segment).replace('\u{1}', &component.to_string())
    };
    // As in real files: a tilde as component separator, and line breaks as terminators.
    for (element, component, segment) in [
        ('*', '~', "\n"),
        ('*', '>', "\r\n"),
        ('|', ':', "\\\n"),
        ('\u{1d}', '\u{1f}', "\u{1c}"),
        ('\t', '^', "'  \n"),
    ] {
        let text = with(element, component, segment);
        assert_eq!(parse(&text).unwrap()[0].groups.len(), 2, "{segment:?}");
    }
    assert_eq!(code(&with('*', '*', "~")), "isa-malformed");
    assert_eq!(code(&with('*', '>', ">")), "separators-unusable");
    assert_eq!(code(&with('*', 'A', "~")), "separators-unusable");
    let five = valid().replace("*U*00401*", "*^*00501*");
    assert_eq!(parse(&five).unwrap()[0].separators.repetition, Some('^'));
    let five = valid().replace("*U*00401*", "*>*00501*");
    assert_eq!(code(&five), "separators-unusable");
}

#[test]
fn components_are_split_on_access() {
    let text = valid().replace("BAK*00*AC*1*", "BAK*00*AC:x>y*1 *").replace("ST*855*0001", "ST*855>*0001");
    let interchanges = parse(&text).unwrap();
    let set = &interchanges[0].groups[0].sets[0];
    let bak = set.find("BAK").unwrap();
    assert_eq!((bak.value(2), bak.component(2, 2), bak.raw(2)), ("AC:x", "y", "AC:x>y"));
    assert_eq!((bak.value(3), bak.value(0), bak.component(2, 0), bak.component(2, 3)), ("1", "", "", ""));
    assert_eq!(set.kind(), "855");
}

#[test]
fn files_of_other_formats_are_refused_by_name() {
    for (text, expected) in [
        ("", "empty-file"),
        (" \r\n\u{1a}", "empty-file"),
        ("UNA:+.? 'UNB+UNOC:3+A+B+1:1+1'", "edifact-refused"),
        ("UNB+UNOD'", "edifact-refused"),
        ("EDI_DC40_U1100000000000000186", "idoc-refused"),
        ("STX=ANA:1+:ANY SHOP PLC'", "tradacoms-refused"),
        ("<?xml version=\"1.0\"?>", "not-x12"),
        ("{\"a\":1}", "not-x12"),
        ("GS*PO*A*B~", "not-x12"),
        ("a,b,c", "not-x12"),
    ] {
        assert_eq!(code(text), expected, "{text:?}");
    }
}

#[test]
fn a_header_must_have_106_characters() {
    let trimmed = valid().replace("          ", " ");
    let (code, field, message) = refused(&trimmed);
    assert_eq!((code.as_str(), field.as_str()), ("isa-malformed", "segments[1].ISA02"));
    assert!(message.contains("has 1 characters and must have 10"), "{message}");
    let long = valid().replace("*ZZ*PARTNER ", "*ZZ*PARTNERPARTNERPARTNER ");
    assert_eq!(refused(&long).1, "segments[1].ISA06");
    assert_eq!(
        refused(&valid().replace("*00*          *ZZ*P", "*000*          *ZZ*P")).1,
        "segments[1].ISA03"
    );
}

#[test]
fn a_truncated_file_is_refused_at_any_position() {
    let whole = valid();
    assert!(parse(whole.trim_end_matches('~')).is_ok(), "the last terminator may be missing");
    for end in 1..whole.len() - 1 {
        let (code, field, _) = refused(&whole[..end]);
        assert!(!field.is_empty() || code == "not-x12", "{end}: {code}");
        let known = ["interchange-truncated", "control-number-mismatch", "count-mismatch", "not-x12"];
        assert!(known.contains(&code.as_str()), "{end}: {code}");
    }
    let (code, field, message) = refused(&whole[..whole.find("GS*FA").unwrap()]);
    assert_eq!((code.as_str(), field.as_str()), ("interchange-truncated", "segments[10]"));
    assert!(message.contains("after GE (segment 9)"), "{message}");
    assert!(parse(&format!("{}{whole}", &whole[..180])).is_err(), "a second ISA within an interchange");
}

#[test]
fn trailers_must_match_their_headers() {
    let wrong = |from: &str, to: &str| {
        let text = valid();
        assert!(text.contains(from));
        let (code, field, _) = refused(&text.replacen(from, to, 1));
        format!("{code} {field}")
    };
    assert_eq!(wrong("IEA*2*000000007", "IEA*2*000000008"), "control-number-mismatch segments[16].IEA02");
    assert_eq!(wrong("GE*2*1~", "GE*2*9~"), "control-number-mismatch segments[9].GE02");
    assert_eq!(wrong("SE*3*0002", "SE*3*0003"), "control-number-mismatch segments[8].SE02");
    assert_eq!(wrong("IEA*2*", "IEA*1*"), "count-mismatch segments[16].IEA01");
    assert_eq!(wrong("GE*2*1~", "GE*x*1~"), "count-mismatch segments[9].GE01");
    assert_eq!(wrong("SE*3*0001", "SE*12*0001"), "count-mismatch segments[5].SE01");
    assert_eq!(wrong("*2*X*004010", "*01*X*004010"), "control-number-mismatch segments[15].GE02");
    assert_eq!(wrong("ST*855*0002", "ST*855*01"), "control-number-mismatch segments[8].SE02");
    let twice = valid().replace("*0002~", "*1~");
    assert_eq!(code(&twice), "control-number-repeated");
    let twice = valid().replace("*2*X*004010", "*1*X*004010").replace("GE*1*2", "GE*1*1");
    assert_eq!(code(&twice), "control-number-repeated");
    assert!(parse(&valid().replace("IEA*2*000000007", "IEA*2*7")).is_ok(), "leading zeros are ignored");
}

#[test]
fn misplaced_segments_are_refused() {
    let wrong = |from: &str, to: &str| {
        let (code, _, message) = refused(&valid().replacen(from, to, 1));
        format!("{code}: {message}")
    };
    let group = wrong("GS*PR", "GS*PO");
    assert!(group.starts_with("wrong-functional-group: transaction set 855 (ST, segment 3)"), "{group}");
    assert!(wrong("SE*3*0001~", "").starts_with("segment-misplaced: ST (segment 5)"));
    assert!(wrong("ST*855*0001~", "").starts_with("segment-misplaced: BAK (segment 3)"));
    assert!(wrong("GS*FA", "BAK*1~GS*FA").starts_with("segment-misplaced: BAK (segment 10)"));
    assert!(wrong("GS*FA", "TA1*1~GS*FA").starts_with("segment-misplaced: TA1"));
    assert!(wrong("IEA*2", &format!("{ISA}IEA*2")).starts_with("interchange-truncated: a new ISA"));
    assert!(wrong("BAK*00*AC*2", "bak*00*AC*2").starts_with("segment-malformed: segment 7"));
    assert!(wrong("BAK*00*AC*2", "~BAK*00*AC*2").starts_with("segment-malformed: segment 7"));
    assert!(parse(&format!("{}\r\n{}", valid(), valid())).is_ok_and(|two| two.len() == 2));
    assert_eq!(code(&format!("{}garbage", valid())), "segment-misplaced");
}

#[test]
fn text_is_decoded_as_utf8_or_latin1() {
    assert_eq!(text(b"\xEF\xBB\xBFISA"), "ISA");
    assert_eq!(text(b"Caf\xE9"), "Café");
    assert_eq!(text("Café".as_bytes()), "Café");
}

fn separators() -> impl Strategy<Value = Separators> {
    let separator = || {
        any::<char>()
            .prop_filter("separator", |one| one.is_ascii() && !one.is_ascii_alphanumeric() && *one != ' ')
    };
    (separator(), separator(), proptest::option::of(separator()), separator())
        .prop_map(|(element, component, repetition, segment)| Separators {
            element,
            component,
            repetition,
            segment,
        })
        .prop_filter("distinct", |separators| separators.conflict().is_none())
}

fn segments() -> impl Strategy<Value = Vec<(usize, Vec<String>)>> {
    proptest::collection::vec((0..4_usize, proptest::collection::vec("\\PC{0,12}|[ -~]{0,12}", 0..6)), 0..8)
}

proptest! {
    #[test]
    fn a_written_interchange_is_read_back(
        separators in separators(), line_breaks: bool, control in 1..2_000_000_000_u64,
        bodies in proptest::collection::vec(segments(), 1..4), sender in "\\PC{0,20}",
    ) {
        let names = ["BEG", "N1", "PO1", "ZZ9"];
        let sets: Vec<SetDraft> = bodies.iter().map(|body| {
            let mut draft = SetDraft::new("850");
            body.iter().for_each(|(name, elements)| draft.push(names[*name], elements));
            draft
        }).collect();
        let version = if separators.repetition.is_some() { "005010" } else { "004010" };
        let envelope = Envelope {
            separators, line_breaks, sender: ("ZZ", &sender), receiver: ("01", "R"), applications: ("A", "B"),
            date: "20261123", time: "0930", version, control, request_ta1: true, usage: "T",
        };
        let ta1 = vec!["000000001".to_owned(), "A".to_owned()];
        let group = GroupDraft { kind: "PO", control: control * 2, sets: sets.clone() };
        let written = interchange(&envelope, &[ta1], &[group]);
        prop_assert_eq!(written.chars().nth(105), Some(separators.segment));
        let read = parse(&written).unwrap();
        prop_assert_eq!(read.len(), 1);
        prop_assert_eq!(read[0].separators, separators);
        prop_assert_eq!(read[0].control().parse::<u64>().unwrap(), control % 1_000_000_000);
        prop_assert_eq!(read[0].acknowledgements.len(), 1);
        let read_sets = &read[0].groups[0].sets;
        prop_assert_eq!(read_sets.len(), sets.len());
        let clean = |text: &str| -> String {
            let cleaned = text.chars().map(|one| if separators.contains(one) || one.is_control() { ' ' } else { one });
            cleaned.collect::<String>().trim().to_owned()
        };
        for (set, draft) in read_sets.iter().zip(&sets) {
            let expected: Vec<_> = draft.segments().collect();
            prop_assert_eq!(set.body.len(), expected.len());
            for (segment, (id, elements)) in set.body.iter().zip(expected) {
                prop_assert_eq!(segment.id, id);
                for (at, element) in elements.iter().enumerate() {
                    prop_assert_eq!(segment.raw(at + 1), clean(element));
                }
            }
        }
    }

    #[test]
    fn arbitrary_input_does_not_panic(bytes: Vec<u8>, at in 0..400_usize, inserted in "\\PC{0,6}") {
        let _ = parse(&text(&bytes));
        let mut broken: String = valid().chars().take(at).collect();
        broken.push_str(&inserted);
        broken.extend(valid().chars().skip(at));
        let _ = parse(&broken);
    }
}
