//! Crates that decide without I/O: what their sources may not name.

use crate::manifest::Manifest;
use crate::source::{Crate, crate_of};
use crate::tree::Tree;
use crate::{Error, Result};

/// What may not be named: a path, or the end or the middle of one.
#[derive(Debug, Clone, Copy)]
pub struct Forbidden {
    /// Adjoining segments, `std::fs` for example.
    pub path: &'static str,
    /// Paths that are allowed although they contain it.
    pub except: &'static [&'static str],
    /// Why.
    pub because: &'static str,
}

/// Every file of a crate that names what it may not, outside of tests.
///
/// # Errors
/// A source cannot be parsed.
pub fn check(tree: &Tree, manifest: &Manifest, forbidden: &[Forbidden]) -> Result<Vec<String>, Error> {
    let built: Crate = crate_of(tree, manifest)?;
    let mut findings = Vec::new();
    for module in &built.modules {
        for used in &module.uses {
            for rule in forbidden.iter().filter(|rule| rule.forbids(&used.path)) {
                findings.push(format!(
                    "{} names `{}`, which this crate may not: {}",
                    module.file,
                    used.path.join("::"),
                    rule.because
                ));
            }
        }
    }
    findings.sort();
    findings.dedup();
    Ok(findings)
}

impl Forbidden {
    fn forbids(&self, path: &[String]) -> bool {
        contains(path, self.path) && !self.except.iter().any(|allowed| contains(path, allowed))
    }
}

fn contains(path: &[String], part: &str) -> bool {
    let wanted: Vec<&str> = part.split("::").collect();
    path.windows(wanted.len()).any(|segments| segments.iter().eq(wanted.iter()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::manifests;

    const FORBIDDEN: &[Forbidden] = &[
        Forbidden { path: "std::fs", except: &[], because: "no files" },
        Forbidden { path: "tokio", except: &["tokio::test"], because: "no tasks" },
        Forbidden { path: "SystemTime", except: &[], because: "no clock" },
    ];

    fn findings(text: &str) -> Vec<String> {
        let tree = Tree::of([
            ("host/rules/Cargo.toml", "[package]\nname = \"rules\""),
            ("host/rules/src/lib.rs", text),
        ]);
        let manifests = manifests(&tree).unwrap();
        check(&tree, manifests.get("host/rules").unwrap(), FORBIDDEN).unwrap()
    }

    #[test]
    fn input_and_output_are_found_however_they_are_named() {
        for text in [
            "use std::{fs, fmt};",
            "use std::fs::File;",
            "fn f() { std::fs::read(\"x\"); }",
            "fn f() { assert!(std::fs::exists(\"x\")); }",
            "use std::fs as files;",
            "fn f(at: std::time::SystemTime) {}",
            "#[tokio::main] async fn f() {}",
        ] {
            assert_eq!(findings(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn words_in_comments_and_code_of_tests_are_no_input_or_output() {
        for text in [
            "// std::fs is not for us\nfn f() {}",
            "fn f() -> &'static str { \"tokio\" }",
            "#[cfg(test)] mod tests { use std::fs; }",
            "macro_rules! suite { () => { #[tokio::test] async fn f() {} } }",
            "fn f(fs: u8, std: u8) -> u8 { fs + std }",
        ] {
            assert_eq!(findings(text), Vec::<String>::new(), "{text}");
        }
    }
}
