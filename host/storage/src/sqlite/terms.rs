//! Search terms in SQLite's index of words (FTS5): a term is one word, the number of its event the row.
//!
//! The index appends what is new and merges it later. A table in the order of its terms would change a page for nearly
//! each term of each order: two thirds of what a commit wrote.

use std::fmt::Write as _;

use crossdock_engine::search;
use crossdock_model::common::Personal;

use crate::vault::Vault;

/// The text that the terms of an event are indexed as, and deleted as.
pub(super) fn words<'t>(terms: impl IntoIterator<Item = &'t String>) -> String {
    terms.into_iter().map(|term| word(term)).collect::<Vec<_>>().join(" ")
}

/// As [`words`], of what a person's data is found by: keyed hashes. None where there is nothing.
pub(super) fn words_of_person(personal: &Personal, vault: &Vault) -> Option<String> {
    let words: Vec<_> =
        search::customer_terms(personal).iter().map(|term| word_of_person(term, vault)).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// The word of a term of a person.
pub(super) fn word_of_person(term: &str, vault: &Vault) -> String {
    hex::encode(vault.search_term(term.as_bytes()))
}

/// A query for a word.
pub(super) fn query(word: &str) -> String {
    format!("\"{word}\"")
}

/// A query for a term.
pub(super) fn query_of(term: &str) -> String {
    query(&word(term))
}

/// A term as one word: what would end a word is written as its code.
fn word(term: &str) -> String {
    let mut word = String::with_capacity(term.len());
    for char in term.chars() {
        if char.is_ascii() && !char.is_ascii_alphanumeric() {
            // Writing to a text does not fail.
            let _ = write!(word, "_{:02x}", u32::from(char));
        } else {
            word.push(char);
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_terms_are_different_words() {
        for (term, expected) in
            [("1001", "1001"), ("12.50", "12_2e50"), ("a_2eb", "a_5f2eb"), ("né 7\"", "né_207_22")]
        {
            assert_eq!(word(term), expected);
        }
        assert_eq!(query_of("ab-7"), "\"ab_2d7\"");
    }
}
