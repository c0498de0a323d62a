//! Why a file is not taken as a plugin.

use std::path::PathBuf;
use std::time::Duration;

use crate::manifest::{self, Export};
use crate::signature;

/// Why a file is not taken as a plugin, or a plugin not as a connector's.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is larger than a plugin may be.
    #[error("the file has more than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// Nobody trusted vouches for the file.
    #[error(transparent)]
    Signature(#[from] signature::Error),
    /// The manifest cannot be used.
    #[error(transparent)]
    Manifest(#[from] manifest::Error),
    /// The component cannot be compiled.
    #[error("the component cannot be compiled: {reason}")]
    Compile {
        /// Why.
        reason: String,
    },
    /// The component takes too long to compile.
    #[error("the component was not compiled within {after:?}")]
    CompileTime {
        /// How long it had.
        after: Duration,
    },
    /// The component wants something that plugins do not get.
    #[error("the component imports `{import}`, which plugins do not get")]
    Import {
        /// What it wants.
        import: String,
    },
    /// The manifest and the component disagree.
    #[error("the manifest {} `{export}`, and the component {}", verb(*.declared), if *.declared { "has none" } else { "has one" })]
    Export {
        /// The interface.
        export: Export,
        /// True when the manifest declares it and the component lacks it.
        declared: bool,
    },
    /// The component's types are not those of the contract, or it does not start.
    #[error("the component cannot be started: {reason}")]
    Trial {
        /// Why, with the plugin's last words.
        reason: String,
    },
    /// The connector's settings are not what the manifest asks for.
    #[error("the settings are wrong: {reason}")]
    Settings {
        /// What is wrong, and where.
        reason: String,
    },
}

fn verb(declared: bool) -> &'static str {
    if declared { "exports" } else { "does not export" }
}
