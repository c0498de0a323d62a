//! The paths that the code of an item uses.

use std::collections::BTreeSet;

use syn::visit::{self, Visit};
use syn::{Attribute, UseTree};

use super::tokens::{attribute_paths, for_tests, is_type, paths, plain};
use super::{Place, Use};

/// What an item's code uses, and what functions in it import.
#[derive(Default)]
pub(super) struct Paths {
    pub(super) uses: Vec<Use>,
    /// Imports inside functions.
    pub(super) imports: Vec<syn::ItemUse>,
    /// The variables of the functions around the code that is being read.
    variables: Vec<BTreeSet<String>>,
}

impl Paths {
    /// Reads an item that is no module and no `use`.
    pub(super) fn of(item: &syn::Item) -> Self {
        let mut paths = Self::default();
        paths.visit_item(item);
        paths
    }

    fn found(&mut self, path: Vec<String>) {
        if let [name] = path.as_slice()
            && (name == "Self" || !is_type(&path) && self.variables.iter().any(|known| known.contains(name)))
        {
            return;
        }
        self.uses.push(Use { path, by: Place::Code });
    }

    fn in_function(&mut self, variables: BTreeSet<String>, read: impl FnOnce(&mut Self)) {
        self.variables.push(variables);
        read(self);
        self.variables.pop();
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, _: &'ast syn::ItemMod) {}

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.imports.push(item.clone());
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        attribute_paths(attribute, &mut |path| self.found(path));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.found(path.segments.iter().map(|segment| plain(&segment.ident)).collect());
        visit::visit_path(self, path);
    }

    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        let path = vec![plain(&pattern.ident)];
        if is_type(&path) {
            self.found(path);
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        visit::visit_macro(self, call);
        paths(call.tokens.clone(), &mut |path| self.found(path));
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        let variables = Variables::of(|seen| seen.visit_item_fn(function));
        self.in_function(variables, |paths| visit::visit_item_fn(paths, function));
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !for_tests(&function.attrs) {
            let variables = Variables::of(|seen| seen.visit_impl_item_fn(function));
            self.in_function(variables, |paths| visit::visit_impl_item_fn(paths, function));
        }
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        let variables = Variables::of(|seen| seen.visit_trait_item_fn(function));
        self.in_function(variables, |paths| visit::visit_trait_item_fn(paths, function));
    }
}

/// The names that patterns of a function bind.
#[derive(Debug, Default)]
struct Variables(BTreeSet<String>);

impl Variables {
    fn of(read: impl FnOnce(&mut Self)) -> BTreeSet<String> {
        let mut seen = Self::default();
        read(&mut seen);
        seen.0
    }
}

impl<'ast> Visit<'ast> for Variables {
    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        self.0.insert(plain(&pattern.ident));
        visit::visit_pat_ident(self, pattern);
    }
}

/// One path of a `use`, with the name that it brings: none for `as _`, and no name but all of them for `*`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Imported {
    Named(String, Vec<String>),
    Unnamed(Vec<String>),
    All(Vec<String>),
}

/// The paths of a `use`.
pub(super) fn imported(tree: &UseTree) -> Vec<Imported> {
    let mut found = Vec::new();
    flatten(tree, &mut Vec::new(), &mut found);
    found
}

fn flatten(tree: &UseTree, prefix: &mut Vec<String>, found: &mut Vec<Imported>) {
    match tree {
        UseTree::Path(path) => {
            prefix.push(plain(&path.ident));
            flatten(&path.tree, prefix, found);
            prefix.pop();
        }
        UseTree::Name(name) => {
            let path = joined(prefix, &plain(&name.ident));
            if let Some(last) = path.last() {
                found.push(Imported::Named(last.clone(), path));
            }
        }
        UseTree::Rename(rename) => {
            let path = joined(prefix, &plain(&rename.ident));
            let name = rename.rename.to_string();
            found.push(if name == "_" { Imported::Unnamed(path) } else { Imported::Named(name, path) });
        }
        UseTree::Glob(_) => found.push(Imported::All(prefix.clone())),
        UseTree::Group(group) => group.items.iter().for_each(|item| flatten(item, prefix, found)),
    }
}

/// A path and its last segment, which is the path itself when it is `self`.
fn joined(prefix: &[String], last: &str) -> Vec<String> {
    let mut path = prefix.to_vec();
    if last != "self" || path.is_empty() {
        path.push(last.to_owned());
    }
    path
}

/// The attributes of an item.
pub(super) fn attributes(item: &syn::Item) -> &[Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Union(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
