//! The repository as text: its Rust sources and its manifests, by path.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::{Error, Result};

/// The folders of the repository that hold crates.
const FOLDERS: [&str; 5] = ["host", "sdk", "plugins", "examples", "tests"];

/// Rust sources and manifests by their path from the root of the repository, with `/` between folders.
#[derive(Debug, Default)]
pub struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads the repository. Build output, hidden folders and what tests install are left out.
    ///
    /// # Errors
    /// A file or folder cannot be read.
    pub fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        for folder in FOLDERS {
            tree.read_folder(root, folder)?;
        }
        Ok(tree)
    }

    fn read_folder(&mut self, root: &Path, folder: &str) -> Result<()> {
        let path = root.join(folder);
        let access = |source| Error::Access { path: path.clone(), source };
        for entry in fs::read_dir(&path).map_err(access)? {
            let entry = entry.map_err(access)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let inner = format!("{folder}/{name}");
            if entry.file_type().map_err(access)?.is_dir() {
                if !name.starts_with('.') && name != "target" && name != "node_modules" {
                    self.read_folder(root, &inner)?;
                }
            } else if name == "Cargo.toml" || name.ends_with(".rs") {
                let path = entry.path();
                let text = fs::read_to_string(&path).map_err(|source| Error::Access { path, source })?;
                self.files.insert(inner, text);
            }
        }
        Ok(())
    }

    /// A tree that is made up, for tests.
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self { files: files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect() }
    }

    /// The text of a file.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Every Rust source, with its text.
    pub fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter(|(path, _)| path.ends_with(".rs"))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Every manifest, with its text.
    pub fn manifests(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter(|(path, _)| path.ends_with("Cargo.toml"))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }
}
