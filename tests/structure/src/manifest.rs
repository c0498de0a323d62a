//! What a crate depends on, as its `Cargo.toml` says.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::tree::Tree;
use crate::{Error, Result};

/// One crate of the repository.
#[derive(Debug)]
pub struct Manifest {
    /// The crate's folder, from the root of the repository.
    pub folder: String,
    /// The package's name.
    pub name: String,
    /// What it is built with, for any platform, and what its build script is built with. Dependencies of tests are not
    /// among them.
    pub dependencies: Vec<Dependency>,
}

/// One line of `[dependencies]` or `[build-dependencies]`.
#[derive(Debug)]
pub struct Dependency {
    /// The name of the package, also where the manifest gives it another one.
    pub package: String,
    /// Built with a feature only.
    pub optional: bool,
}

/// All crates of the repository, by folder.
///
/// # Errors
/// A manifest is not TOML, or has no package name.
pub fn manifests(tree: &Tree) -> Result<BTreeMap<String, Manifest>> {
    let mut all = BTreeMap::new();
    for (path, text) in tree.manifests() {
        let manifest = read(path, text)?;
        all.insert(manifest.folder.clone(), manifest);
    }
    Ok(all)
}

fn read(path: &str, text: &str) -> Result<Manifest> {
    let problem = |problem: String| Error::Manifest { file: path.to_owned(), problem };
    let table: Table = text.parse().map_err(|error: toml::de::Error| problem(error.to_string()))?;
    let name = table
        .get("package")
        .and_then(|package| package.get("name"))
        .and_then(Value::as_str)
        .ok_or_else(|| problem("it has no package name".to_owned()))?;
    let mut dependencies = Vec::new();
    collect(&table, &mut dependencies);
    for platform in table.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values) {
        if let Some(platform) = platform.as_table() {
            collect(platform, &mut dependencies);
        }
    }
    let folder = path.strip_suffix("/Cargo.toml").unwrap_or_default().to_owned();
    Ok(Manifest { folder, name: name.to_owned(), dependencies })
}

fn collect(table: &Table, dependencies: &mut Vec<Dependency>) {
    for kind in ["dependencies", "build-dependencies"] {
        for (name, details) in table.get(kind).and_then(Value::as_table).into_iter().flatten() {
            let package = details.get("package").and_then(Value::as_str).unwrap_or(name).to_owned();
            let optional = details.get("optional").and_then(Value::as_bool).unwrap_or(false);
            dependencies.push(Dependency { package, optional });
        }
    }
}
