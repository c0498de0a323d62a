//! The repository that these tests are part of.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crossdock_structure::list::{self, Report};
use crossdock_structure::manifest::{Manifest, manifests};
use crossdock_structure::tree::Tree;

pub struct Repository {
    pub tree: Tree,
    /// By folder.
    pub crates: BTreeMap<String, Manifest>,
}

impl Repository {
    pub fn read() -> Self {
        let tree = Tree::read(&here().join("../..")).unwrap();
        let crates = manifests(&tree).unwrap();
        assert!(crates.contains_key("host/model"), "the repository was not found");
        Self { tree, crates }
    }

    /// Fails with all that breaks a rule and is not in the list, and with all in the list that breaks it no more.
    #[allow(dead_code, reason = "each test binary uses what it needs")]
    pub fn enforce(&self, list: &str, check: impl FnOnce(&str) -> Report) {
        let file = here().join("lists").join(list);
        let report = check(&list::read(&file).unwrap());
        pass(&report.enforce(&file, std::env::var_os("UPDATE").is_some()).unwrap());
    }
}

/// Fails with every sentence.
#[allow(dead_code, reason = "each test binary uses what it needs")]
#[track_caller]
pub fn pass(sentences: &[String]) {
    assert!(sentences.is_empty(), "{}", sentences.join("\n\n"));
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
