//! Why a tree could not be checked at all: a violation of a rule is no error, but a finding.

use std::path::PathBuf;

/// What could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder of the repository could not be read or written.
    #[error("cannot access {path}")]
    Access {
        /// The file or folder.
        path: PathBuf,
        /// What the file system answered.
        #[source]
        source: std::io::Error,
    },
    /// A source file is not Rust.
    #[error("cannot parse {file} as Rust")]
    Rust {
        /// The file, from the root of the repository.
        file: String,
        /// What the parser did not understand.
        #[source]
        source: syn::Error,
    },
    /// A manifest is not TOML, or has no package name.
    #[error("cannot read the manifest {file}: {problem}")]
    Manifest {
        /// The manifest, from the root of the repository.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A module is declared, and its file does not exist.
    #[error("{file} declares `mod {module};`, and no file of that name exists")]
    NoFile {
        /// The declaring file.
        file: String,
        /// The declared module.
        module: String,
    },
    /// A list of exceptions has a line that is not of its form.
    #[error("{file}, line {line}: {problem}")]
    List {
        /// The list.
        file: String,
        /// Counted from one.
        line: usize,
        /// What the line lacks.
        problem: String,
    },
}

/// What a check found, unless the tree could not be read.
pub type Result<T, E = Error> = std::result::Result<T, E>;
