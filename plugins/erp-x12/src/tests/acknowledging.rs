//! Acknowledgements of inbound files, and files that are refused.

use super::*;

const STOCK: SetOf<'_> = ("846", "BIA*00*SI*IA1*20261123\nN1*WH**92*W1\nLIN**SK*A\nQTY*33*1");
const ORDER: SetOf<'_> = ("855", "BAK*00*AC*1001*20261123");
const ACKNOWLEDGEMENT: SetOf<'_> = ("997", "AK1*PO*23\nAK9*A*1*1*1");

#[test]
fn a_file_is_acknowledged_group_by_group() {
    let host = host_with_order().last_number("isa", 4).install();
    receive_installed(interchange(&[("IB", &[STOCK]), ("FA", &[ACKNOWLEDGEMENT]), ("PR", &[ORDER, ORDER])]))
        .unwrap();
    let [(name, content)] = <[_; 1]>::try_from(host.files()).unwrap();
    assert_eq!(name, "997-LEGACY-ISA13-000000045.edi");
    let text = String::from_utf8(content).unwrap();
    let interchanges = x12::parse(&text).unwrap();
    assert_eq!(interchanges[0].control(), "000000005");
    let group = &interchanges[0].groups[0];
    assert_eq!((group.header.value(1), group.header.value(6)), ("FA", "9"));
    let sets: Vec<Vec<String>> = group
        .sets
        .iter()
        .map(|set| {
            set.body
                .iter()
                .map(|one| format!("{}*{}", one.id, one.elements().collect::<Vec<_>>().join("*")))
                .collect()
        })
        .collect();
    assert_eq!(
        sets,
        [
            vec!["AK1*IB*100", "AK2*846*0001", "AK5*A", "AK9*A*1*1*1"],
            vec!["AK1*PR*102", "AK2*855*0001", "AK5*A", "AK2*855*0002", "AK5*A", "AK9*A*2*2*2"],
        ]
    );
}

#[test]
fn acknowledgements_are_not_acknowledged() {
    let files = |host: testing::Host, file: String| {
        let host = host.install();
        receive_installed(file).unwrap();
        host.files().len()
    };
    assert_eq!(files(host_with_order(), interchange(&[("FA", &[ACKNOWLEDGEMENT])])), 0);
    assert_eq!(files(host_with_order().setting("acknowledge", false), interchange(&[("IB", &[STOCK])])), 0);
    let ta1 = interchange(&[]).replacen("IEA*0", "TA1*000000012*261123*0930*A*000~\nIEA*0", 1);
    assert_eq!(files(host_with_order(), ta1.replace("*0*P*>", "*1*P*>")), 0);
}

#[test]
fn without_a_folder_a_file_is_read_and_not_acknowledged() {
    let host = host_with_order().file_limit(None).install();
    assert_eq!(receive_installed(interchange(&[("IB", &[STOCK])])).unwrap().len(), 1);
    assert!(host.log().iter().any(|(_, message)| message.contains("no exchange folder")));
}

#[test]
fn a_requested_ta1_is_written() {
    let host = host_with_order().install();
    receive_installed(interchange(&[("FA", &[ACKNOWLEDGEMENT])]).replace("*0*P*>", "*1*P*>")).unwrap();
    let content = host.files().remove(0).1;
    let text = String::from_utf8(content).unwrap();
    let interchanges = x12::parse(&text).unwrap();
    let ta1: Vec<&str> = interchanges[0].acknowledgements[0].elements().collect();
    assert_eq!(ta1, ["000000045", "261123", "1015", "A", "000"]);
    assert!(interchanges[0].groups.is_empty());
}

#[test]
fn an_interchange_is_accepted_once() {
    let one = interchange(&[("IB", &[STOCK])]);
    let twice = format!("{one}{}", one.replace("QTY*33*1", "QTY*33*9"));
    let problem = receive(host(), twice.clone()).unwrap_err();
    assert_eq!(
        (problem.code.as_str(), problem.field.as_deref()),
        ("interchange-repeated", Some("segments[11].ISA13"))
    );
    assert_eq!(receive(host().setting("duplicates", "accept"), twice).unwrap().len(), 2);
    // In another file, the host refuses the acknowledgement, because it has the name of the first one.
    let host = host().install();
    receive_installed(one.clone()).unwrap();
    assert_eq!(
        receive_installed(one.replace("QTY*33*1", "QTY*33*9")).unwrap_err().code,
        "interchange-repeated"
    );
    let other = interchange_of("000000046", &[("IB", &[STOCK])]);
    receive_installed(other).unwrap();
    assert_eq!(host.files().len(), 2);
}

#[test]
fn reading_an_interchange_again_yields_the_same_events() {
    let file = interchange(&[("IB", &[STOCK]), ("PR", &[ORDER])]);
    assert_eq!(receive(host_with_order(), file.clone()).unwrap(), receive(host_with_order(), file).unwrap());
}

#[test]
fn files_of_other_partners_are_refused() {
    let refused = |from: &str, to: &str| {
        let file = interchange(&[("IB", &[STOCK])]);
        assert!(file.contains(from));
        let problem = receive(host(), file.replacen(from, to, 1)).unwrap_err();
        format!("{} {}", problem.code, problem.field.unwrap())
    };
    assert_eq!(refused("*LEGACY         *", "*STRANGER       *"), "wrong-partner segments[1].ISA06");
    assert_eq!(refused("*ZZ*LEGACY ", "*01*LEGACY "), "wrong-partner segments[1].ISA06");
    assert_eq!(refused("*RETAILER       *", "*OTHER          *"), "wrong-partner segments[1].ISA08");
    assert_eq!(refused("*0*P*>", "*0*T*>"), "wrong-usage segments[1].ISA15");
    assert_eq!(refused("*20261123*101530*", "*20261123*1*"), "invalid-time segments[2].GS05");
    let order = interchange(&[("PO", &[("850", "BEG*00*SA*1**20261123")])]);
    let problem = receive(host(), order).unwrap_err();
    assert_eq!(
        (problem.code.as_str(), problem.field.as_deref()),
        ("transaction-set-unknown", Some("segments[3].ST01"))
    );
    assert_eq!(receive(host(), "UNB+UNOC'").unwrap_err().code, "edifact-refused");
}

#[test]
fn an_error_in_one_set_refuses_the_whole_file() {
    let host = host_with_order().install();
    let file = interchange(&[("IB", &[STOCK]), ("PR", &[("855", "BAK*00")])]);
    assert_eq!(receive_installed(file).unwrap_err().code, "element-missing");
    assert_eq!(host.files().len(), 0);
}
