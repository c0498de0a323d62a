//! The modules of a crate and the paths that each one uses, as the parser sees them. Code that is built for tests alone
//! is left out; so is what a macro or a build script generates.

mod build;
mod paths;
mod resolve;
mod tokens;

pub use build::crate_of;
pub use resolve::Definition;
pub(crate) use tokens::identifiers;

use std::collections::{BTreeMap, BTreeSet};

/// A module's place in [`Crate::modules`].
pub type ModuleId = usize;

/// The modules of one crate.
#[derive(Debug, Default)]
pub struct Crate {
    /// Every module that is built without tests; a module in braces is one of its own, in the same file.
    pub modules: Vec<Module>,
    /// The files that are reached from a root, those of tests among them.
    pub reached: BTreeSet<String>,
    /// The root of the library, under the name that binaries of the same package know it by.
    library: Option<(String, ModuleId)>,
}

/// One module.
#[derive(Debug)]
pub struct Module {
    /// The file that holds it, from the root of the repository.
    pub file: String,
    /// The paths that its code uses.
    pub uses: BTreeSet<Use>,
    parent: Option<ModuleId>,
    root: ModuleId,
    names: BTreeMap<String, Vec<Name>>,
    globs: Vec<Vec<String>>,
    /// Identifiers in macros that stand between items: what they define is not visible to the parser.
    generated: BTreeSet<String>,
}

/// What a name stands for in a module.
#[derive(Debug, Clone)]
enum Name {
    Module(ModuleId),
    /// An item that this file defines.
    Item(String),
    /// Another name of what this path leads to.
    Import(Vec<String>),
}

/// A path that is used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// Its segments, `crate`, `self` and `super` among them.
    pub path: Vec<String>,
    /// Where it stands.
    pub by: Place,
}

/// Where a path stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a private `use`.
    Import,
    /// In a `pub use` of any visibility, which only gives an item a second address.
    Export,
    /// In the code itself.
    Code,
}

impl Crate {
    fn module(&self, id: ModuleId) -> Option<&Module> {
        self.modules.get(id)
    }
}
