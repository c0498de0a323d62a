//! Which file defines what a path leads to. What lies outside of the crate leads nowhere.

use std::collections::BTreeSet;

use super::{Crate, ModuleId, Name};

/// An item of the crate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Definition {
    /// The file that defines it.
    pub file: String,
    /// Its name there.
    pub name: String,
}

/// What a path may lead to: a name can stand for a module and for an item at once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Module(ModuleId),
    Item(Definition),
}

/// The names that are being looked up: an import may lead back to itself.
type Pending = BTreeSet<(ModuleId, String)>;

impl Crate {
    /// The items that a path in a module leads to; the rest of a path behind an item (its function, its variant) is
    /// the item's. The second value says whether the path leads to a module as well.
    pub fn resolve(&self, module: ModuleId, path: &[String]) -> (Vec<Definition>, bool) {
        let mut items = Vec::new();
        let mut is_module = false;
        for target in self.follow(module, path, &mut Pending::new()) {
            match target {
                Target::Item(item) => items.push(item),
                Target::Module(_) => is_module = true,
            }
        }
        (items, is_module)
    }

    fn follow(&self, from: ModuleId, path: &[String], pending: &mut Pending) -> BTreeSet<Target> {
        let Some((first, rest)) = path.split_first() else { return BTreeSet::new() };
        let mut targets = self.first(from, first, pending);
        for segment in rest {
            targets = self.next(targets, segment, pending);
        }
        targets
    }

    fn first(&self, from: ModuleId, segment: &str, pending: &mut Pending) -> BTreeSet<Target> {
        let Some(module) = self.module(from) else { return BTreeSet::new() };
        match segment {
            "crate" => BTreeSet::from([Target::Module(module.root)]),
            "self" => BTreeSet::from([Target::Module(from)]),
            "super" => module.parent.map(Target::Module).into_iter().collect(),
            name => {
                let found = self.look_up(from, name, pending);
                match &self.library {
                    Some((library, root)) if found.is_empty() && library == name => {
                        BTreeSet::from([Target::Module(*root)])
                    }
                    _ => found,
                }
            }
        }
    }

    fn next(&self, targets: BTreeSet<Target>, segment: &str, pending: &mut Pending) -> BTreeSet<Target> {
        let mut inside = BTreeSet::new();
        for target in &targets {
            let Target::Module(id) = target else { continue };
            if segment == "super" {
                inside.extend(self.module(*id).and_then(|module| module.parent).map(Target::Module));
            } else {
                inside.extend(self.look_up(*id, segment, pending));
            }
        }
        if !inside.is_empty() {
            return inside;
        }
        targets.into_iter().filter(|target| matches!(target, Target::Item(_))).collect()
    }

    fn look_up(&self, id: ModuleId, name: &str, pending: &mut Pending) -> BTreeSet<Target> {
        let mut found = BTreeSet::new();
        let key = (id, name.to_owned());
        let Some(module) = self.module(id) else { return found };
        // `mod part; pub use part::part;`: the import begins with the name that it brings.
        let first = pending.insert(key.clone());
        for stands_for in module.names.get(name).into_iter().flatten() {
            match stands_for {
                Name::Module(inner) => {
                    found.insert(Target::Module(*inner));
                }
                Name::Item(file) => {
                    found.insert(Target::Item(Definition { file: file.clone(), name: name.to_owned() }));
                }
                Name::Import(path) if first => found.extend(self.follow(id, path, pending)),
                Name::Import(_) => {}
            }
        }
        if !first {
            return found;
        }
        if found.is_empty() {
            for glob in &module.globs {
                for target in self.follow(id, glob, pending) {
                    if let Target::Module(inner) = target {
                        found.extend(self.look_up(inner, name, pending));
                    }
                }
            }
        }
        if found.is_empty() && module.generated.contains(name) {
            found.insert(Target::Item(Definition { file: module.file.clone(), name: name.to_owned() }));
        }
        pending.remove(&key);
        found
    }
}
