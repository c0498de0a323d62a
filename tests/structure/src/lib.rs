//! The structure of the source tree, checked by tests.
//!
//! Four checks read the repository as text and answer with sentences that say what to change: [`arrows`] (which crate
//! may depend on which), [`purity`] (crates that only decide do no I/O), [`cycles`] (the files of a crate depend on
//! each other in one direction), and [`house`] (length of files, words, files that no module declares). The rules
//! themselves, and the exceptions that stand today, are in this crate's `tests/` and `lists/`.
//!
//! **Invariant**: this crate depends on no other crate of the workspace and compiles none of them; each check works on
//! a [`Tree`](tree::Tree), which a test can also make up.

pub mod arrows;
pub mod cycles;
mod error;
pub mod graph;
pub mod house;
pub mod list;
pub mod manifest;
pub mod purity;
pub mod source;
pub mod tree;

pub use error::{Error, Result};
