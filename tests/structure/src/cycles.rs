//! The files of a crate depend on each other in one direction.
//!
//! One file depends on another when its code names an item that the other one defines, by whatever address: a path
//! through a re-export leads to the file of the definition. Declaring a module and re-exporting an item are no
//! dependencies, and tests may look anywhere.

use std::collections::{BTreeMap, BTreeSet};

use crate::Result;
use crate::graph::{Graph, cycles, shortest};
use crate::list::{Report, groups, header};
use crate::manifest::Manifest;
use crate::source::{Crate, Place, crate_of};
use crate::tree::Tree;

/// The files of one crate, and the items that each one takes from another.
#[derive(Debug, Default)]
pub struct Files {
    ties: BTreeMap<(String, String), BTreeSet<String>>,
}

/// Files that depend on each other, and what ties them.
#[derive(Debug)]
pub struct Cycle {
    /// The files, from the root of the repository.
    pub files: BTreeSet<String>,
    /// The shortest way round and then every tie, as lines of text.
    pub explained: String,
}

/// The cycles of a crate.
///
/// # Errors
/// A source cannot be parsed, or a declared module has no file.
pub fn of_crate(tree: &Tree, manifest: &Manifest) -> Result<Vec<Cycle>> {
    Ok(Files::of(&crate_of(tree, manifest)?).cycles())
}

/// Compares cycles with the list of those that stand today, a group of files each: a new one is a violation, and one
/// that has lost a file, or is no cycle any more, is listed as it is now.
pub fn compare(found: &[Cycle], list: &str) -> Report {
    let mut report = Report { shrunk: header(list), ..Report::default() };
    let mut left: Vec<&Cycle> = found.iter().collect();
    for group in groups(list) {
        let known: BTreeSet<String> = group.iter().map(|line| line.text.to_owned()).collect();
        let (today, others): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|cycle| cycle.files.is_subset(&known));
        left = others;
        if !today.iter().any(|cycle| cycle.files == known) {
            let known: Vec<&str> = group.iter().map(|line| line.text).collect();
            report.obsolete.push(if today.is_empty() {
                format!("these files are no cycle any more; remove them: {}", known.join(" "))
            } else {
                let files: Vec<String> = today.iter().map(|cycle| cycle.files().replace('\n', " ")).collect();
                format!(
                    "the cycle of {} has shrunk; what is left of it: {}",
                    known.join(" "),
                    files.join(" and ")
                )
            });
        }
        for cycle in today {
            report.shrunk.push_str(&format!("\n{}\n", cycle.files()));
        }
    }
    report.violations = left
        .iter()
        .map(|cycle| format!("files that depend on each other:\n{}\n{}", cycle.files(), cycle.explained))
        .collect();
    report
}

impl Cycle {
    /// A line for each file.
    fn files(&self) -> String {
        self.files.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

impl Files {
    /// The dependencies between the files of a crate.
    pub fn of(built: &Crate) -> Self {
        let mut files = Self::default();
        for (id, module) in built.modules.iter().enumerate() {
            for used in &module.uses {
                if used.by == Place::Export {
                    continue;
                }
                let (items, is_module) = built.resolve(id, &used.path);
                // An import of a module and of an item of the same name: which one is meant shows where it is used.
                if used.by == Place::Import && is_module {
                    continue;
                }
                for item in items.into_iter().filter(|item| item.file != module.file) {
                    files.ties.entry((module.file.clone(), item.file)).or_default().insert(item.name);
                }
            }
        }
        files
    }

    /// What one file takes from another.
    pub fn tie(&self, from: &str, to: &str) -> Option<&BTreeSet<String>> {
        self.ties.get(&(from.to_owned(), to.to_owned()))
    }

    /// The groups of files that depend on each other.
    pub fn cycles(&self) -> Vec<Cycle> {
        let mut graph = Graph::new();
        for (from, to) in self.ties.keys() {
            graph.entry(from.clone()).or_insert_with(BTreeSet::new).insert(to.clone());
        }
        cycles(&graph)
            .into_iter()
            .map(|files| {
                let explained = self.explain(&shortest(&graph, &files), &files);
                Cycle { files, explained }
            })
            .collect()
    }

    fn explain(&self, way: &[String], files: &BTreeSet<String>) -> String {
        let mut lines = Vec::new();
        let back = way.iter().skip(1).chain(way.first());
        for (from, to) in way.iter().zip(back) {
            lines.push(self.line(from, to));
        }
        let rest: Vec<String> = self
            .ties
            .keys()
            .filter(|(from, to)| files.contains(from) && files.contains(to))
            .map(|(from, to)| self.line(from, to))
            .filter(|line| !lines.contains(line))
            .collect();
        if !rest.is_empty() {
            lines.push("  and also".to_owned());
            lines.extend(rest);
        }
        lines.join("\n")
    }

    fn line(&self, from: &str, to: &str) -> String {
        let items: Vec<String> =
            self.tie(from, to).into_iter().flatten().map(|item| format!("`{item}`")).collect();
        format!("  {from} uses {} of {to}", items.join(", "))
    }
}

#[cfg(test)]
mod tests;
