//! Reads the modules of a crate, from its roots along the declarations of modules.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Item, Visibility};

use super::paths::{Imported, Paths, attributes, imported};
use super::tokens::{for_tests, identifiers, plain};
use super::{Crate, Module, ModuleId, Name, Place, Use};
use crate::manifest::Manifest;
use crate::tree::Tree;
use crate::{Error, Result};

/// The modules of a crate: its library, and every binary of it.
///
/// # Errors
/// A source is not Rust, or a declared module has no file.
pub fn crate_of(tree: &Tree, manifest: &Manifest) -> Result<Crate> {
    let mut builder = Builder { tree, built: Crate::default() };
    let source = format!("{}/src", manifest.folder);
    let library = format!("{source}/lib.rs");
    if tree.text(&library).is_some() {
        let root = builder.root(&library)?;
        builder.built.library = Some((manifest.name.replace('-', "_"), root));
    }
    let binaries = format!("{source}/bin/");
    let roots: Vec<&str> = tree
        .sources()
        .map(|(path, _)| path)
        .filter(|path| *path == format!("{source}/main.rs") || path.starts_with(&binaries))
        .collect();
    for root in roots {
        builder.root(root)?;
    }
    Ok(builder.built)
}

struct Builder<'a> {
    tree: &'a Tree,
    built: Crate,
}

/// Where the items stand that are being read.
struct Here {
    id: ModuleId,
    file: String,
    /// Where the files of modules lie that are declared here.
    folder: String,
}

impl Builder<'_> {
    fn root(&mut self, file: &str) -> Result<ModuleId> {
        let id = self.built.modules.len();
        self.module(file, None, id);
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let here = Here { id, file: file.to_owned(), folder };
        self.file(&here)?;
        Ok(id)
    }

    fn module(&mut self, file: &str, parent: Option<ModuleId>, root: ModuleId) -> ModuleId {
        self.built.modules.push(Module {
            file: file.to_owned(),
            uses: BTreeSet::new(),
            parent,
            root,
            names: BTreeMap::new(),
            globs: Vec::new(),
            generated: BTreeSet::new(),
        });
        self.built.modules.len() - 1
    }

    fn file(&mut self, here: &Here) -> Result<()> {
        self.built.reached.insert(here.file.clone());
        let parsed = parse(self.tree, &here.file)?;
        self.items(&parsed.items, here)
    }

    fn items(&mut self, items: &[Item], here: &Here) -> Result<()> {
        for item in items {
            let test = for_tests(attributes(item));
            match item {
                Item::Mod(declared) if test => self.test_module(declared, here)?,
                _ if test => {}
                Item::Mod(declared) => self.submodule(declared, here)?,
                Item::Use(item) => self.import(item, here.id),
                item => self.item(item, here),
            }
        }
        Ok(())
    }

    fn submodule(&mut self, declared: &syn::ItemMod, here: &Here) -> Result<()> {
        let name = plain(&declared.ident);
        let root = self.built.module(here.id).map_or(here.id, |module| module.root);
        let (file, folder) = match &declared.content {
            Some(_) => (here.file.clone(), format!("{}/{name}", here.folder)),
            None => self.file_of(declared, here)?,
        };
        let id = self.module(&file, Some(here.id), root);
        self.name(here.id, name, Name::Module(id));
        let inner = Here { id, file, folder };
        match &declared.content {
            Some((_, items)) => self.items(items, &inner),
            None => self.file(&inner),
        }
    }

    /// The files of tests are reached, and nothing more is known of them.
    fn test_module(&mut self, declared: &syn::ItemMod, here: &Here) -> Result<()> {
        let (file, folder) = match &declared.content {
            Some(_) => (here.file.clone(), format!("{}/{}", here.folder, plain(&declared.ident))),
            None => self.file_of(declared, here)?,
        };
        let inner = Here { id: here.id, file, folder };
        let parsed;
        let items = match &declared.content {
            Some((_, items)) => items,
            None => {
                self.built.reached.insert(inner.file.clone());
                parsed = parse(self.tree, &inner.file)?;
                &parsed.items
            }
        };
        for item in items {
            if let Item::Mod(declared) = item {
                self.test_module(declared, &inner)?;
            }
        }
        Ok(())
    }

    /// A declared module's file, and the folder of the modules that it declares in turn.
    fn file_of(&self, declared: &syn::ItemMod, here: &Here) -> Result<(String, String)> {
        let name = plain(&declared.ident);
        let folder = format!("{}/{name}", here.folder);
        if let Some(path) = path_attribute(declared) {
            let beside = here.file.rsplit_once('/').map_or("", |(folder, _)| folder);
            let file = normal(&format!("{beside}/{path}"));
            let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
            return Ok((file, folder));
        }
        let candidates = [format!("{folder}.rs"), format!("{folder}/mod.rs")];
        match candidates.into_iter().find(|file| self.tree.text(file).is_some()) {
            Some(file) => Ok((file, folder)),
            None => Err(Error::NoFile { file: here.file.clone(), module: name }),
        }
    }

    fn import(&mut self, item: &syn::ItemUse, id: ModuleId) {
        let by = if matches!(item.vis, Visibility::Inherited) { Place::Import } else { Place::Export };
        for imported in imported(&item.tree) {
            let path = match imported {
                Imported::Named(name, path) => {
                    self.name(id, name, Name::Import(path.clone()));
                    path
                }
                Imported::Unnamed(path) => path,
                Imported::All(path) => {
                    if let Some(module) = self.built.modules.get_mut(id) {
                        module.globs.push(path.clone());
                    }
                    path
                }
            };
            self.uses(id, [Use { path, by }]);
        }
    }

    fn item(&mut self, item: &Item, here: &Here) {
        let defined = match item {
            Item::Const(item) => Some(&item.ident),
            Item::Enum(item) => Some(&item.ident),
            Item::Fn(item) => Some(&item.sig.ident),
            Item::Static(item) => Some(&item.ident),
            Item::Struct(item) => Some(&item.ident),
            Item::Trait(item) => Some(&item.ident),
            Item::Type(item) => Some(&item.ident),
            Item::Union(item) => Some(&item.ident),
            Item::Macro(item) => item.ident.as_ref(),
            _ => None,
        };
        if let Some(ident) = defined {
            self.name(here.id, plain(ident), Name::Item(here.file.clone()));
        }
        if let Item::Macro(item) = item {
            self.item_macro(item, here);
        }
        let found = Paths::of(item);
        self.uses(here.id, found.uses);
        for item in &found.imports {
            self.import(item, here.id);
        }
    }

    fn item_macro(&mut self, item: &syn::ItemMacro, here: &Here) {
        let exported = item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export"));
        if let (true, Some(ident)) = (exported, &item.ident) {
            let root = self.built.module(here.id).map_or(here.id, |module| module.root);
            self.name(root, plain(ident), Name::Item(here.file.clone()));
        }
        if let Some(module) = self.built.modules.get_mut(here.id) {
            identifiers(item.mac.tokens.clone(), &mut |ident| {
                module.generated.insert(ident);
            });
        }
    }

    fn name(&mut self, id: ModuleId, name: String, stands_for: Name) {
        if let Some(module) = self.built.modules.get_mut(id) {
            module.names.entry(name).or_default().push(stands_for);
        }
    }

    fn uses(&mut self, id: ModuleId, uses: impl IntoIterator<Item = Use>) {
        if let Some(module) = self.built.modules.get_mut(id) {
            module.uses.extend(uses);
        }
    }
}

fn parse(tree: &Tree, file: &str) -> Result<syn::File> {
    let text = tree.text(file).unwrap_or_default();
    syn::parse_file(text).map_err(|source| Error::Rust { file: file.to_owned(), source })
}

fn path_attribute(declared: &syn::ItemMod) -> Option<String> {
    declared.attrs.iter().find(|attribute| attribute.path().is_ident("path")).and_then(|attribute| {
        match &attribute.meta.require_name_value().ok()?.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(path), .. }) => Some(path.value()),
            _ => None,
        }
    })
}

/// A path without `..`.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            ".." => {
                parts.pop();
            }
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}
