//! Rules of the house: how long a file is, which words identifiers are made of, and no source beside the modules.

mod repository;

use crossdock_structure::house::{Word, long_files, undeclared, words};
use repository::{Repository, pass};

/// A file of more lines has one reason to have them, which `lists/long-files.txt` says.
const MOST_LINES: usize = 300;

/// Words that a newcomer would have to ask the meaning of, and what the field calls it. `lists/words.txt` holds the
/// files that still have them.
const WORDS: &[Word] = &[
    Word { word: "pile", instead: "`bulk_statement`" },
    Word { word: "piles", instead: "`bulk_statements`" },
    Word { word: "owe", instead: "`enqueue`" },
    Word { word: "owes", instead: "`enqueues`, or what is due" },
    Word { word: "owed", instead: "`enqueued`, or what is due" },
    Word { word: "told", instead: "`reported`, or the attribute's value" },
    Word { word: "patience", instead: "the maximum wait, with its unit" },
    Word { word: "keeper", instead: "`credential_cache`" },
    Word { word: "door", instead: "`token_client`" },
    Word { word: "steady", instead: "`stable_files`" },
    Word { word: "rejoin", instead: "what it does" },
];

#[test]
fn a_source_file_has_one_purpose_and_few_lines() {
    let repository = Repository::read();
    repository.enforce("long-files.txt", |list| long_files(&repository.tree, MOST_LINES, list).unwrap());
}

#[test]
fn identifiers_are_made_of_the_words_of_the_field() {
    let repository = Repository::read();
    repository.enforce("words.txt", |list| words(&repository.tree, WORDS, list).unwrap());
}

#[test]
fn every_source_is_declared_by_a_module() {
    let repository = Repository::read();
    for manifest in repository.crates.values() {
        pass(&undeclared(&repository.tree, manifest).unwrap());
    }
}
