//! Rejected files, and encodings. No input causes a panic.

use proptest::prelude::*;

use super::*;

fn valid_file() -> String {
    poslog(&[
        retail(1, &[sale("A", "1.00", "1", "1.00"), tender("Cash", "1.00")], "1.00"),
        retail(2, &[goods("Return", "A", "1.00", "1", "1.00", ""), tender("Cash", "-1.00")], "-1.00"),
        transaction(3, "<ControlTransaction><BusinessEOD/></ControlTransaction>"),
    ])
}

#[test]
fn files_that_are_not_poslog_are_rejected() {
    let rejected = [
        (b"".to_vec(), "not-xml"),
        (b"UNB+UNOC:3+5412345678908:14".to_vec(), "not-xml"),
        (b"{\"POSLog\":{}}".to_vec(), "not-xml"),
        (b"<ORDERS05><IDOC/></ORDERS05>".to_vec(), "not-poslog"),
        (
            b"<NAXML-POSJournal xmlns=\"http://www.naxml.org/POSBO/Vocabulary/2003-10-16\"/>".to_vec(),
            "not-poslog",
        ),
        (b"<POSLog><Transaction>".to_vec(), "not-xml"),
        (vec![0xFF, 0xFE, 0x00], "not-text"),
        (b"<POSLog>\xC3\x28</POSLog>".to_vec(), "not-text"),
        (b"<?xml version=\"1.0\" encoding=\"EBCDIC-CP-US\"?><POSLog/>".to_vec(), "encoding-unknown"),
    ];
    for (bytes, code) in rejected {
        let problem = read(bytes).unwrap_err();
        assert_eq!(problem.code, code, "{problem}");
    }
    assert_eq!(read("<POSLog/>").unwrap(), [], "a file without transactions");
}

#[test]
fn document_types_and_their_entities_are_rejected() {
    let bomb = "<!DOCTYPE POSLog [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]><POSLog>&b;</POSLog>";
    assert_eq!(read(bomb).unwrap_err().code, "dtd-refused");
    let external = "<!DOCTYPE POSLog SYSTEM \"file:///etc/passwd\"><POSLog/>";
    assert_eq!(read(external).unwrap_err().code, "dtd-refused");
    assert_eq!(read("<POSLog>&a;</POSLog>").unwrap_err().code, "not-xml");
    let predefined = read(valid_file().replace("Thing A", "Salt &amp; Pepper &#8364;")).unwrap();
    assert_eq!(checked_order(&predefined[0]).lines[0].title, "Salt & Pepper €");
}

#[test]
fn all_supported_encodings_yield_the_same_events() {
    let text = valid_file().replace("Thing A", "Käse für 2 €");
    let utf16 = |bytes: fn(u16) -> [u8; 2], mark: [u8; 2]| {
        let text = text.replace("UTF-8", "UTF-16");
        mark.into_iter().chain(text.encode_utf16().flat_map(bytes)).collect::<Vec<u8>>()
    };
    let windows: Vec<u8> = text
        .replace("UTF-8", "windows-1252")
        .chars()
        .map(|letter| if letter == '€' { 0x80 } else { u8::try_from(u32::from(letter)).unwrap() })
        .collect();
    let utf8_with_mark = [&[0xEF, 0xBB, 0xBF], text.as_bytes()].concat();
    let events = read(text.clone()).unwrap();
    for bytes in [
        utf16(u16::to_le_bytes, [0xFF, 0xFE]),
        utf16(u16::to_be_bytes, [0xFE, 0xFF]),
        windows,
        utf8_with_mark,
    ] {
        assert_eq!(read(bytes).unwrap(), events);
    }
}

#[test]
fn a_problem_names_its_transaction() {
    let edits = [
        (
            "<ExtendedAmount>1.00",
            "<ExtendedAmount>1,00",
            "invalid-number",
            "transaction 9/34/2017-09-30/1 (1 of the file): ",
        ),
        (
            "TransactionGrandAmount\">1.00",
            "TransactionGrandAmount\">1.50",
            "total-does-not-balance",
            "transaction 9/34/2017-09-30/1 (1 of the file): ",
        ),
        (
            "<SequenceNumber>2</SequenceNumber><BusinessDayDate>2017-09-30",
            "<SequenceNumber>2</SequenceNumber><BusinessDayDate>2017-09-31",
            "invalid-date",
            "transaction 2 of the file: ",
        ),
        (
            "<SequenceNumber>2</SequenceNumber><BusinessDayDate>",
            "<SequenceNumber>a/b</SequenceNumber><BusinessDayDate>",
            "invalid-key",
            "transaction 2 of the file: ",
        ),
        (
            "<ControlTransaction><BusinessEOD/></ControlTransaction>",
            "",
            "transaction-empty",
            "transaction 9/34/2017-09-30/3 (3 of the file): ",
        ),
        ("<RetailStoreID>9</RetailStoreID>", "", "key-missing", "transaction 1 of the file: "),
        (
            "<EndDateTime>2017-10-01T02:02:54</EndDateTime>",
            "",
            "time-missing",
            "transaction 9/34/2017-09-30/1 (1 of the file): ",
        ),
        (
            "2017-10-01T02:02:54",
            "2017-10-01T25:02:54",
            "invalid-time",
            "transaction 9/34/2017-09-30/1 (1 of the file): ",
        ),
    ];
    for (from, to, code, transaction) in edits {
        let xml = valid_file();
        assert!(xml.contains(from), "{from}");
        let problem = read(xml.replacen(
            from,
            to,
            if from.contains("RetailStoreID") || from.contains("T02:02:54") { 9 } else { 1 },
        ))
        .unwrap_err();
        assert_eq!(problem.code, code, "{problem}");
        assert!(problem.message.starts_with(transaction), "{problem}");
        assert!(problem.field.unwrap().starts_with("Transaction["));
    }
}

#[test]
fn a_problem_has_the_path_of_its_element() {
    let xml = valid_file().replacen("<Quantity>1</Quantity>", "<Quantity>one</Quantity>", 1);
    let problem = read(xml).unwrap_err();
    assert_eq!(problem.field.as_deref(), Some("Transaction[1]/RetailTransaction/LineItem[1]/Sale/Quantity"));
    assert!(!problem.message.contains("one "), "the value is not quoted: {}", problem.message);
}

#[test]
fn deep_nesting_and_large_numbers_do_no_harm() {
    let deep = format!("<POSLog>{}{}</POSLog>", "<a>".repeat(100_000), "</a>".repeat(100_000));
    let _ = read(deep);
    let huge = valid_file().replace("<ExtendedAmount>1.00", "<ExtendedAmount>99999999999999999999999999");
    assert_eq!(read(huge).unwrap_err().code, "invalid-number");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// A file with any part replaced is read or rejected.
    #[test]
    fn no_edit_of_a_file_causes_a_panic(from in 0_usize..3000, length in 0_usize..200, into in "[<>/a-zA-Z0-9\\.\\-\"= é&;]{0,40}") {
        let text = valid_file();
        let from = (0..=from.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let to = (from + length).min(text.len());
        let to = (to..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap();
        let _ = read(format!("{}{into}{}", &text[..from], &text[to..]));
    }

    #[test]
    fn no_bytes_cause_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(bytes);
    }

    /// Whatever the prices and weights, the totals are exact.
    #[test]
    fn every_sale_balances(lines in proptest::collection::vec((1_i64..100_000, 1_i64..9_999, 0_u32..4, 1_i64..1_000_000), 1..12), tax in 0_i64..5_000) {
        let mut total = Decimal::new(tax, 2);
        let mut items: Vec<String> = lines.iter().enumerate().map(|(at, (price, quantity, scale, amount))| {
            total += Decimal::new(*amount, 2);
            let (price, amount) = (Decimal::new(*price, 2).to_string(), Decimal::new(*amount, 2).to_string());
            sale(&format!("S{at}"), &price, &Decimal::new(*quantity, *scale).to_string(), &amount)
        }).collect();
        items.push(format!("<LineItem><Tax><Amount>{}</Amount></Tax></LineItem>", Decimal::new(tax, 2)));
        let events = read(poslog(&[retail(1, &items, &total.to_string())])).unwrap();
        let order = checked_order(&events[0]);
        prop_assert_eq!(number(&order.totals.total.shop.amount), total);
    }
}
