//! Rules of the house that need no understanding of the code: how long a file is, which words identifiers are made of,
//! and that no source file lies beside the modules.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenStream;

use crate::list::{Report, entries, without};
use crate::manifest::Manifest;
use crate::source::{crate_of, identifiers};
use crate::tree::Tree;
use crate::{Error, Result};

/// Every file with more lines than `most`, unless the list names it with a reason: `path: reason`.
///
/// # Errors
/// A line of the list has no reason.
pub fn long_files(tree: &Tree, most: usize, list: &str) -> Result<Report> {
    let mut excused = BTreeMap::new();
    for line in entries(list) {
        let (path, reason) = line.text.split_once(':').unwrap_or((line.text, ""));
        if reason.trim().is_empty() {
            let problem = format!("`{path}` needs a reason: `path: reason`");
            return Err(Error::List { file: "long-files".to_owned(), line: line.number, problem });
        }
        excused.insert(path, line.number);
    }
    let mut report = Report::default();
    for (path, text) in tree.sources() {
        let lines = text.lines().count();
        if lines > most && excused.remove(path).is_none() {
            report.violations.push(format!(
                "{path} has {lines} lines, and {most} are the limit: divide it by purpose, or list it with its reason"
            ));
        }
    }
    report.obsolete = excused.keys().map(|path| format!("{path} is not longer than {most} lines")).collect();
    report.shrunk = without(list, &excused.into_values().collect::<Vec<_>>());
    Ok(report)
}

/// A word that identifiers are not made of.
#[derive(Debug, Clone, Copy)]
pub struct Word {
    /// In lower case.
    pub word: &'static str,
    /// What is written for it.
    pub instead: &'static str,
}

/// Every identifier that is made of a forbidden word, unless the list names word and file: `word path`.
///
/// # Errors
/// A source is not Rust, or a line of the list is not of its form.
pub fn words(tree: &Tree, forbidden: &[Word], list: &str) -> Result<Report> {
    let mut excused = BTreeMap::new();
    for line in entries(list) {
        let pair = line.text.split_once(' ').ok_or_else(|| {
            let problem = "an entry is `word path`".to_owned();
            Error::List { file: "words".to_owned(), line: line.number, problem }
        })?;
        excused.insert(pair, line.number);
    }
    let mut report = Report::default();
    for (path, text) in tree.sources() {
        // Reading tokens is slow, and most files have none of the words anywhere.
        let lower = text.to_lowercase();
        if !forbidden.iter().any(|word| lower.contains(word.word)) {
            continue;
        }
        for (word, idents) in offenders(path, text, forbidden)? {
            if excused.remove(&(word.word, path)).is_none() {
                let idents: Vec<String> = idents.iter().map(|ident| format!("`{ident}`")).collect();
                report.violations.push(format!(
                    "{path} has identifiers with the word `{}`: {}; write {}",
                    word.word,
                    idents.join(", "),
                    word.instead
                ));
            }
        }
    }
    report.obsolete =
        excused.keys().map(|(word, path)| format!("`{word}` is in no identifier of {path}")).collect();
    report.shrunk = without(list, &excused.into_values().collect::<Vec<_>>());
    Ok(report)
}

/// The forbidden words of a file, each with its identifiers.
fn offenders<'a>(path: &str, text: &str, forbidden: &'a [Word]) -> Result<Vec<(&'a Word, BTreeSet<String>)>> {
    let tokens: TokenStream = text.parse().map_err(|error: proc_macro2::LexError| {
        let source = syn::Error::new(error.span(), error);
        Error::Rust { file: path.to_owned(), source }
    })?;
    let mut all = BTreeSet::new();
    identifiers(tokens, &mut |ident| {
        all.insert(ident);
    });
    let mut found = Vec::new();
    for word in forbidden {
        let idents: BTreeSet<String> =
            all.iter().filter(|ident| parts(ident).any(|part| part == word.word)).cloned().collect();
        if !idents.is_empty() {
            found.push((word, idents));
        }
    }
    Ok(found)
}

/// The words of an identifier in lower case, whether it is written `like_this`, `LikeThis` or `LIKE_THIS`.
fn parts(identifier: &str) -> impl Iterator<Item = String> {
    let mut parts = vec![String::new()];
    let mut after_lower = false;
    for letter in identifier.chars() {
        if letter == '_' || letter.is_uppercase() && after_lower {
            parts.push(String::new());
        }
        after_lower = letter.is_lowercase();
        if letter != '_'
            && let Some(part) = parts.last_mut()
        {
            part.extend(letter.to_lowercase());
        }
    }
    parts.into_iter()
}

/// Every source of a crate that no module declares: it is not built, whatever it says.
///
/// # Errors
/// A source is not Rust, or a declared module has no file.
pub fn undeclared(tree: &Tree, manifest: &Manifest) -> Result<Vec<String>> {
    let reached = crate_of(tree, manifest)?.reached;
    let sources = format!("{}/src/", manifest.folder);
    Ok(tree
        .sources()
        .map(|(path, _)| path)
        .filter(|path| path.starts_with(&sources) && !reached.contains(*path))
        .map(|path| format!("{path} is declared by no module: declare or remove it"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::manifests;

    const WORDS: &[Word] =
        &[Word { word: "owe", instead: "enqueue" }, Word { word: "pile", instead: "bulk statement" }];

    fn none() -> Vec<String> {
        Vec::new()
    }

    #[test]
    fn a_long_file_is_refused_unless_it_is_listed_with_its_reason() {
        let tree = Tree::of([("host/a.rs", "1\n2\n3\n"), ("host/b.rs", "1\n2\n")]);
        let report = long_files(&tree, 2, "").unwrap();
        assert_eq!(
            report.violations,
            ["host/a.rs has 3 lines, and 2 are the limit: divide it by purpose, or list it with its reason"]
        );
        let report = long_files(&tree, 2, "host/a.rs: one table\n").unwrap();
        assert_eq!((report.violations, report.obsolete), (none(), none()));
        assert!(long_files(&tree, 2, "host/a.rs\n").is_err());
    }

    #[test]
    fn a_file_that_is_no_longer_long_or_no_longer_there_leaves_the_list() {
        let tree = Tree::of([("host/b.rs", "1\n2\n")]);
        let report = long_files(&tree, 2, "# why\nhost/a.rs: gone\nhost/b.rs: short\n").unwrap();
        assert_eq!(report.obsolete.len(), 2);
        assert_eq!(report.shrunk, "# why\n");
    }

    #[test]
    fn a_word_is_found_in_any_form_of_identifier_and_not_in_part_of_another_word() {
        for text in ["fn owe() {}", "struct OweMore;", "const MAY_OWE: u8 = 0;", "fn f() { vec![they_owe] }"]
        {
            assert_eq!(
                words(&Tree::of([("host/a.rs", text)]), WORDS, "").unwrap().violations.len(),
                1,
                "{text}"
            );
        }
        for text in
            ["fn flower() {}", "fn power_of() {}", "// owe\nfn f() {}", "fn f() -> &'static str { \"owe\" }"]
        {
            assert_eq!(
                words(&Tree::of([("host/a.rs", text)]), WORDS, "").unwrap().violations,
                none(),
                "{text}"
            );
        }
    }

    #[test]
    fn a_listed_word_is_excused_in_its_file_alone_and_leaves_the_list_with_its_last_identifier() {
        let tree = Tree::of([("host/a.rs", "fn owe() {}"), ("host/b.rs", "fn owe() {}")]);
        let report = words(&tree, WORDS, "owe host/a.rs\npile host/a.rs\n").unwrap();
        assert_eq!(
            report.violations,
            ["host/b.rs has identifiers with the word `owe`: `owe`; write enqueue"]
        );
        assert_eq!(report.obsolete, ["`pile` is in no identifier of host/a.rs"]);
        assert_eq!(report.shrunk, "owe host/a.rs\n");
    }

    #[test]
    fn a_source_that_no_module_declares_is_refused() {
        let tree = Tree::of([
            ("c/Cargo.toml", "[package]\nname = \"c\""),
            ("c/src/lib.rs", "#[cfg(test)] mod tests;"),
            ("c/src/tests.rs", "mod inner;"),
            ("c/src/tests/inner.rs", ""),
            ("c/src/left_over.rs", ""),
        ]);
        let found = undeclared(&tree, manifests(&tree).unwrap().get("c").unwrap()).unwrap();
        assert_eq!(found, ["c/src/left_over.rs is declared by no module: declare or remove it"]);
    }
}
