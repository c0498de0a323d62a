//! Search terms: the texts that events and people are found by. Every database stores the same ones, so that
//! a search finds the same events in each.
//!
//! Terms are normalised when they are stored and when they are looked for: trimmed, in lower case, and without
//! the `#` that shops write before an order number. The terms of a person are distinguished by their kind; a database
//! stores only [fingerprints](crate::database::Database::fingerprint) of them, which go with the person.

use std::collections::BTreeSet;

use crossdock_model::common::{Address, Personal, Reference};
use crossdock_model::event::Fact;

/// The fewest digits that a telephone number has: shorter ones would find anybody.
const MIN_PHONE_DIGITS: usize = 5;

/// A search term as it is stored and looked for. None when nothing is left of it.
#[must_use]
pub fn term(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix('#').unwrap_or(text).trim_start().to_lowercase();
    Some(text).filter(|text| !text.is_empty())
}

/// The terms of an event: number, store, article numbers, the total as its source writes it, and the ids of its entity
/// and of its root. The references of its entity are [terms of their own](reference_terms): they come later, and from
/// other systems.
#[must_use]
pub fn terms(entity: &str, root: &str, fact: &Fact) -> BTreeSet<String> {
    let mut terms = Terms::default();
    for identity in [entity, root] {
        let id = entity_id(identity);
        terms.add(id);
        terms.add(last_segment(id));
    }
    match fact {
        Fact::Order(change) => {
            terms.add(&change.order.number);
            terms.add_any(change.order.store.as_ref());
            terms.add_any(change.order.lines.iter().filter_map(|line| line.sku.as_ref()));
            terms.add(&change.order.totals.total.shop.amount);
        }
        Fact::RefundIssued(refund) => terms.add_any(refund.store.as_ref()),
        Fact::ShipmentUpdated(shipment) => {
            terms.add_any(shipment.number.as_ref());
            terms.add_any(shipment.lines.iter().filter_map(|line| line.sku.as_ref()));
        }
        Fact::DocumentUpdated(document) => {
            terms.add_any(document.number.as_ref());
            terms.add_any(document.lines.iter().filter_map(|line| line.sku.as_ref()));
            terms.add_any(document.total.as_ref().map(|total| &total.amount));
        }
        Fact::InventoryCounted(level) => terms.add_any(level.sku.as_ref()),
        Fact::InventoryAdjusted(adjustment) => terms.add(&adjustment.sku),
        Fact::ProductUpdated(product) => terms.add(&product.sku),
        Fact::PriceUpdated(price) => terms.add(&price.sku),
        Fact::DayClosed(day) => terms.add(&day.store),
        Fact::OrderEdited(_) | Fact::CustomerUpdated(_) => {}
    }
    terms.0
}

/// The terms of a reference: its id and its number. They find the events of the entity that has it.
#[must_use]
pub fn reference_terms(reference: &Reference) -> BTreeSet<String> {
    let mut terms = Terms::default();
    terms.add(&reference.id);
    terms.add_any(reference.number.as_ref());
    terms.0
}

/// True when the id of an identity text is this one, or ends in it behind a slash.
#[must_use]
pub fn has_id(identity: &str, id: &str) -> bool {
    let known = entity_id(identity);
    known == id || last_segment(known) == id
}

/// The id of an identity text (`1001` of `shopify/acme/order/1001`). It may contain slashes.
#[must_use]
pub fn entity_id(identity: &str) -> &str {
    identity.splitn(4, '/').nth(3).unwrap_or(identity)
}

/// The part of an id behind its last slash.
#[must_use]
pub fn last_segment(id: &str) -> &str {
    id.rsplit_once('/').map_or(id, |(_, last)| last)
}

/// The terms of a person: e-mail address, telephone numbers and names.
#[must_use]
pub fn customer_terms(personal: &Personal) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    let addresses = || [&personal.billing, &personal.shipping].into_iter().flatten();
    let of = |text: fn(&Address) -> Option<&String>| addresses().filter_map(text);
    terms.extend(personal.email.iter().filter_map(|text| email(text)));
    let phones = personal.phone.iter().chain(of(|address| address.phone.as_ref()));
    terms.extend(phones.filter_map(|text| phone(text)));
    let names = personal.name.iter().chain(of(|address| address.name.as_ref()));
    terms.extend(names.filter_map(|text| name(text)));
    terms
}

/// The term that a person is looked for by: an e-mail address where there is an `@`, a name where there is a letter,
/// else a telephone number. None when it is none of them.
#[must_use]
pub fn customer_term(text: &str) -> Option<String> {
    if text.contains('@') {
        email(text)
    } else if text.chars().any(char::is_alphabetic) {
        name(text)
    } else {
        phone(text)
    }
}

fn email(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    (!text.is_empty()).then(|| format!("email:{text}"))
}

/// Digits only. `+49` and `0049` are the same beginning.
fn phone(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.strip_prefix("00").unwrap_or(&digits);
    (digits.len() >= MIN_PHONE_DIGITS).then(|| format!("phone:{digits}"))
}

fn name(text: &str) -> Option<String> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    (!words.is_empty()).then(|| format!("name:{}", words.join(" ")))
}

#[derive(Default)]
struct Terms(BTreeSet<String>);

impl Terms {
    fn add(&mut self, text: &str) {
        self.0.extend(term(text));
    }

    fn add_any<'t>(&mut self, texts: impl IntoIterator<Item = &'t String>) {
        for text in texts {
            self.add(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::conformance::samples::order;

    #[test]
    fn an_order_number_is_found_with_and_without_its_hash() {
        assert_eq!(term(" #1001 "), term("1001"));
        assert_eq!(term("AB-7").as_deref(), Some("ab-7"));
        assert_eq!(term(" # "), None);
    }

    #[test]
    fn an_id_is_found_whole_and_by_its_last_part() {
        let identity = "shopify/acme/order/gid://shopify/Order/1001";
        assert!(has_id(identity, "1001"));
        assert!(has_id(identity, "gid://shopify/Order/1001"));
        assert!(!has_id(identity, "Order/1001"));
        assert!(!has_id(identity, "01"));
    }

    /// A database deletes the terms of an event that it stored long ago: other ones would stay in it for ever.
    #[test]
    fn the_terms_of_an_event_do_not_change() {
        let event = order("order.placed", 1001, 0);
        let of_order = terms("shopify/acme/order/gid://shopify/Order/77", "pos/1/order/9", &event.fact);
        assert_eq!(Vec::from_iter(of_order), ["1001", "12.50", "77", "9", "gid://shopify/order/77"]);
        let personal: Personal = serde_json::from_value(json!({
            "name": "Ada  LOVELACE", "email": " Ada@Example.com", "shipping": { "phone": "0049 170 1234567" }
        }))
        .unwrap();
        let of_person = ["email:ada@example.com", "name:ada lovelace", "phone:491701234567"];
        assert_eq!(Vec::from_iter(customer_terms(&personal)), of_person);
    }

    #[test]
    fn a_person_is_found_by_address_telephone_and_name() {
        let personal = Personal {
            name: Some("Ada  Lovelace".into()),
            email: Some("Ada@Example.com ".into()),
            phone: Some("+49 (170) 1234-567".into()),
            ..serde_json::from_str("{}").unwrap()
        };
        let terms = customer_terms(&personal);
        for text in ["ada@example.COM", "ada lovelace", "0049 170 1234567"] {
            assert!(terms.contains(&customer_term(text).unwrap()), "{text}");
        }
        assert_eq!(customer_term("123"), None);
        assert_eq!(terms.len(), 3);
    }
}
