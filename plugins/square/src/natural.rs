//! The natural key of a sale: where a till's integration hands Square the key that the receipt has.

use crate::payload::{Order, Payment};

/// The first of the order's reference, its tenders' notes, and its payments' references and notes that is a key
/// as tills print it: `store/register/date/sequence`.
pub(crate) fn key(order: &Order, payments: &[Payment]) -> Option<String> {
    let tenders = order.tenders.iter().filter_map(|tender| tender.note.as_deref());
    let payments =
        payments.iter().flat_map(|payment| [payment.reference_id.as_deref(), payment.note.as_deref()]);
    let told = order.reference_id.as_deref().into_iter().chain(tenders).chain(payments.flatten());
    told.map(str::trim).find(|text| is_key(text)).map(str::to_owned)
}

fn is_key(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let [store, register, date, sequence] = parts.as_slice() else { return false };
    let word = |part: &&str| !part.is_empty() && part.len() <= 64 && !part.chars().any(char::is_whitespace);
    let day = date.len() == 10 && date.parse::<jiff::civil::Date>().is_ok();
    day && [store, register, sequence].into_iter().all(word)
}

#[cfg(test)]
mod tests {
    use super::is_key;

    #[test]
    fn only_what_tills_print_is_a_key() {
        assert!(is_key("9/34/2017-09-30/161"));
        for text in [
            "",
            "my-order-001",
            "9/34/161",
            "9/34/2017-09-31/161",
            "9/34/2017-09-30/",
            "9 9/34/2017-09-30/1",
            "9/34/2017-09-30/1/2",
        ] {
            assert!(!is_key(text), "{text}");
        }
    }
}
