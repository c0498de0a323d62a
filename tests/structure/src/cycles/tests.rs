//! Small crates, and which of their files depend on which.

use super::*;
use crate::manifest::manifests;

fn built(files: &[(&str, &str)]) -> Crate {
    let mut all = vec![("c/Cargo.toml", "[package]\nname = \"the-crate\"")];
    all.extend(files);
    let tree = Tree::of(all);
    crate_of(&tree, manifests(&tree).unwrap().get("c").unwrap()).unwrap()
}

/// The ties between files, as `from -> to: items`.
fn ties(files: &[(&str, &str)]) -> Vec<String> {
    let short = |file: &str| file.trim_start_matches("c/src/").trim_end_matches(".rs").to_owned();
    Files::of(&built(files))
        .ties
        .iter()
        .map(|((from, to), items)| {
            let items: Vec<&str> = items.iter().map(String::as_str).collect();
            format!("{} -> {}: {}", short(from), short(to), items.join(" "))
        })
        .collect()
}

const ROOT: (&str, &str) = ("c/src/lib.rs", "mod a;\nmod b;");

/// The ties of a crate of two modules.
fn two(a: &str, b: &str) -> Vec<String> {
    ties(&[ROOT, ("c/src/a.rs", a), ("c/src/b.rs", b)])
}

const NONE: [&str; 0] = [];

#[test]
fn two_files_that_use_each_other_are_a_cycle_and_the_finding_says_what_ties_them() {
    let found = Files::of(&built(&[
        ROOT,
        ("c/src/a.rs", "use crate::b::B;\npub struct A;\nfn f(_: B) {}"),
        ("c/src/b.rs", "pub struct B;\npub fn g(_: super::a::A) {}"),
    ]))
    .cycles();
    let [cycle] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(cycle.files, BTreeSet::from(["c/src/a.rs".to_owned(), "c/src/b.rs".to_owned()]));
    assert_eq!(cycle.explained, "  c/src/a.rs uses `B` of c/src/b.rs\n  c/src/b.rs uses `A` of c/src/a.rs");
}

#[test]
fn a_cycle_over_a_parent_is_found() {
    let found = Files::of(&built(&[
        ("c/src/lib.rs", "mod a;\npub struct Shared;\npub fn f() { a::run() }"),
        ("c/src/a.rs", "use super::Shared;\npub fn run() {}"),
    ]))
    .cycles();
    assert_eq!(found.len(), 1);
}

#[test]
fn a_cycle_of_three_names_the_shortest_way_first_and_then_the_rest() {
    let found = Files::of(&built(&[
        ("c/src/lib.rs", "mod a;\nmod b;\nmod d;"),
        ("c/src/a.rs", "use crate::b::B;\npub struct A;"),
        ("c/src/b.rs", "use crate::d::D;\npub struct B;"),
        ("c/src/d.rs", "use crate::{a::A, b::B};\npub struct D;"),
    ]))
    .cycles();
    let [cycle] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(cycle.files.len(), 3);
    let lines: Vec<&str> = cycle.explained.lines().collect();
    assert_eq!(
        lines,
        [
            "  c/src/b.rs uses `D` of c/src/d.rs",
            "  c/src/d.rs uses `B` of c/src/b.rs",
            "  and also",
            "  c/src/a.rs uses `B` of c/src/b.rs",
            "  c/src/d.rs uses `A` of c/src/a.rs",
        ]
    );
}

#[test]
fn every_way_of_naming_an_item_counts() {
    let b = "pub struct Thing;\npub trait Does {}\npub fn thing() {}\npub enum Kind { One }\npub const LIMIT: u8 = 1;";
    for (a, item) in [
        ("use crate::b::Thing;", "Thing"),
        ("use super::b::{Thing};", "Thing"),
        ("use crate::b::Thing as Other;", "Thing"),
        ("use crate::b::Does as _;", "Does"),
        ("fn f() { crate::b::thing() }", "thing"),
        ("use crate::b;\nfn f() { b::thing() }", "thing"),
        ("use crate::b as other;\nfn f() { other::thing() }", "thing"),
        ("use crate::b::*;\nfn f() { thing() }", "thing"),
        ("fn f() { use crate::b::Thing; }", "Thing"),
        ("fn f(_: &dyn super::b::Does) {}", "Does"),
        ("impl crate::b::Does for u8 {}", "Does"),
        ("fn f() -> u8 { match 1 { crate::b::LIMIT => 1, _ => 2 } }", "LIMIT"),
        ("fn f() { let _ = crate::b::Kind::One; }", "Kind"),
        ("use crate::b::Kind::One;", "Kind"),
        ("use crate::b::Kind::*;", "Kind"),
        ("fn f() { assert!(crate::b::LIMIT > 0); }", "LIMIT"),
        ("use crate::b;\nfn f() { assert!(b::thing() == ()); }", "thing"),
        ("#[derive(Serialize)] struct A { #[serde(with = \"crate::b::Thing\")] a: u8 }", "Thing"),
        ("macro_rules! m { () => { $crate::b::thing() } }", "thing"),
        ("mod inner { fn f() { super::super::b::thing() } }", "thing"),
    ] {
        assert_eq!(two(a, b), [format!("a -> b: {item}")], "{a}");
    }
}

#[test]
fn declarations_re_exports_and_the_mention_of_a_module_are_no_dependency() {
    for (a, b) in [
        ("pub use crate::b::Thing;", "pub struct Thing;"),
        ("pub(crate) use crate::b::Thing;", "pub struct Thing;"),
        ("use crate::b;", "pub struct Thing;"),
        ("// crate::b::Thing\nfn f() -> &'static str { \"crate::b::Thing\" }", "pub struct Thing;"),
        ("pub(in crate::b) struct A;", "pub struct Thing;"),
        ("use std::fmt::Display;", "pub struct Thing;"),
    ] {
        assert_eq!(two(a, b), NONE, "{a}");
    }
}

#[test]
fn code_of_tests_may_look_anywhere() {
    for a in [
        "#[cfg(test)] mod tests { use crate::b::Thing; }",
        "#[cfg(test)] use crate::b::Thing;",
        "#[cfg(test)] fn f(_: crate::b::Thing) {}",
        "#[cfg(all(test, feature = \"x\"))] fn f(_: crate::b::Thing) {}",
        "struct A;\nimpl A { #[cfg(test)] fn f(_: crate::b::Thing) {} }",
    ] {
        assert_eq!(two(a, "pub struct Thing;"), NONE, "{a}");
    }
    let with_feature = "#[cfg(any(test, feature = \"x\"))] fn f(_: crate::b::Thing) {}";
    assert_eq!(two(with_feature, "pub struct Thing;"), ["a -> b: Thing"]);
    let files = [
        ("c/src/lib.rs", "pub struct A;\n#[cfg(test)] mod tests;"),
        ("c/src/tests.rs", "mod inner;\nuse super::A;"),
        ("c/src/tests/inner.rs", "use crate::A;"),
    ];
    assert_eq!(ties(&files), NONE);
}

#[test]
fn a_path_through_a_re_export_leads_to_the_file_of_the_definition() {
    let found = ties(&[
        ("c/src/lib.rs", "mod a;\nmod b;\npub use b::Thing;"),
        ("c/src/a.rs", "use crate::Thing;"),
        ("c/src/b/mod.rs", "mod deep;\npub use deep::Thing;\npub use deep::other::*;"),
        ("c/src/b/deep.rs", "pub mod other;\npub struct Thing;"),
        ("c/src/b/deep/other.rs", "fn f(_: crate::Far) {}\npub struct Far;"),
    ]);
    assert_eq!(found, ["a -> b/deep: Thing"]);
}

#[test]
fn what_a_file_re_exports_and_uses_itself_is_a_dependency() {
    assert_eq!(two("pub use crate::b::Thing;\nfn f(_: Thing) {}", "pub struct Thing;"), ["a -> b: Thing"]);
}

#[test]
fn whether_a_function_or_the_module_of_its_name_is_meant_shows_in_the_use() {
    let b = "mod part;\npub use part::part;";
    let files = |a: &'static str| {
        ties(&[
            ROOT,
            ("c/src/a.rs", a),
            ("c/src/b.rs", b),
            ("c/src/b/part.rs", "pub fn part() {}\npub struct Other;"),
        ])
    };
    assert_eq!(files("use crate::b::part;"), NONE);
    assert_eq!(files("use crate::b::part;\nfn f() { part() }"), ["a -> b/part: part"]);
    assert_eq!(files("use crate::b::part;\nfn f(_: part::Other) {}"), ["a -> b/part: Other"]);
}

#[test]
fn a_variable_is_no_function_of_the_same_name() {
    let b = "pub fn thing() {}";
    assert_eq!(two("pub use crate::b::thing;\nfn f(thing: u8) -> u8 { thing }", b), NONE);
    assert_eq!(two("pub use crate::b::thing;\nfn f() { thing() }", b), ["a -> b: thing"]);
}

#[test]
fn macros_count_by_their_exported_name() {
    let exported = "macro_rules! names { () => {} }\npub(crate) use names;";
    for a in ["use crate::b::names;\nnames!();", "crate::b::names!();", "fn f() { crate::b::names!() }"] {
        assert_eq!(two(a, exported), ["a -> b: names"], "{a}");
    }
    assert_eq!(
        two("fn f() { crate::names!() }", "#[macro_export] macro_rules! names { () => {} }"),
        ["a -> b: names"]
    );
}

#[test]
fn items_that_a_macro_makes_belong_to_the_file_of_its_call() {
    let b = "macro_rules! make { ($name:ident) => { pub struct $name; } }\nmake!(Made);";
    assert_eq!(two("use crate::b::Made;", b), ["a -> b: Made"]);
}

#[test]
fn an_import_that_leads_back_to_itself_ends() {
    assert_eq!(two("pub use crate::b::thing;\nfn f() { thing() }", "pub use crate::a::thing;"), NONE);
}

#[test]
fn a_binary_knows_the_library_by_its_name() {
    let found =
        ties(&[("c/src/lib.rs", "pub fn run() {}"), ("c/src/main.rs", "fn main() { the_crate::run() }")]);
    assert_eq!(found, ["main -> lib: run"]);
}

#[test]
fn a_module_without_a_file_is_an_error() {
    let tree = Tree::of([("c/Cargo.toml", "[package]\nname = \"c\""), ("c/src/lib.rs", "mod gone;")]);
    let error = of_crate(&tree, manifests(&tree).unwrap().get("c").unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "c/src/lib.rs declares `mod gone;`, and no file of that name exists");
}

fn cycle(files: &[&str]) -> Cycle {
    Cycle {
        files: files.iter().map(|&file| file.to_owned()).collect(),
        explained: "  a uses `B` of b".to_owned(),
    }
}

#[test]
fn a_new_cycle_is_a_violation_also_when_it_grew_out_of_a_listed_one() {
    for list in ["", "a\nb\n", "a\nb\n\nc\nd\n"] {
        let report = compare(&[cycle(&["a", "b", "c"])], list);
        assert_eq!(report.violations, ["files that depend on each other:\na\nb\nc\n  a uses `B` of b"]);
    }
}

#[test]
fn a_listed_cycle_that_shrank_came_apart_or_went_leaves_the_list() {
    let list = "# header\n\na\nb\nc\nd\n";
    let shrunk = |found: &[Cycle]| {
        let report = compare(found, list);
        assert!(report.violations.is_empty());
        (report.obsolete.len(), report.shrunk)
    };
    assert_eq!(shrunk(&[cycle(&["a", "b", "c", "d"])]), (0, list.to_owned()));
    assert_eq!(shrunk(&[cycle(&["a", "b", "d"])]), (1, "# header\n\na\nb\nd\n".to_owned()));
    assert_eq!(
        shrunk(&[cycle(&["a", "b"]), cycle(&["c", "d"])]),
        (1, "# header\n\na\nb\n\nc\nd\n".to_owned())
    );
    assert_eq!(shrunk(&[]), (1, "# header\n".to_owned()));
}
