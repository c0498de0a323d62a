//! The natural key of a sale, where a till's integration passes the receipt's key to Square.

use crate::payload::{Order, Payment};

/// The first text that has the form of a natural key (`store/register/date/sequence`): of the order's reference, its
/// tenders' notes, and its payments' references and notes.
pub(crate) fn natural_key(order: &Order, payments: &[Payment]) -> Option<String> {
    let tenders = order.tenders.iter().filter_map(|tender| tender.note.as_deref());
    let payments =
        payments.iter().flat_map(|payment| [payment.reference_id.as_deref(), payment.note.as_deref()]);
    let texts = order.reference_id.as_deref().into_iter().chain(tenders).chain(payments.flatten());
    texts.map(str::trim).find(|text| is_natural_key(text)).map(str::to_owned)
}

fn is_natural_key(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let [store, register, date, sequence] = parts.as_slice() else { return false };
    let is_id = |part: &&str| !part.is_empty() && part.len() <= 64 && !part.chars().any(char::is_whitespace);
    let is_date = date.len() == 10 && date.parse::<jiff::civil::Date>().is_ok();
    is_date && [store, register, sequence].into_iter().all(is_id)
}

#[cfg(test)]
mod tests {
    use super::is_natural_key;

    #[test]
    fn only_store_register_date_and_sequence_form_a_natural_key() {
        assert!(is_natural_key("9/34/2017-09-30/161"));
        for text in [
            "",
            "my-order-001",
            "9/34/161",
            "9/34/2017-09-31/161",
            "9/34/2017-09-30/",
            "9 9/34/2017-09-30/1",
            "9/34/2017-09-30/1/2",
        ] {
            assert!(!is_natural_key(text), "{text}");
        }
    }
}
