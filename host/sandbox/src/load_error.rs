//! Why a plugin was not loaded.

use std::path::PathBuf;
use std::time::Duration;

use crate::manifest::{self, Export};
use crate::signature;

/// Why a plugin was not loaded, or not accepted for a connector.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("reading {}: {source}", path.display())]
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
    /// The file has no trusted signature.
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
    /// The component imports something that the host does not offer.
    #[error("the component imports `{import}`, which the host does not offer")]
    Import {
        /// The import.
        import: String,
    },
    /// The manifest and the component disagree.
    #[error("the manifest {} `{export}`, and the component {}", verb(*.declared), if *.declared { "has none" } else { "has one" })]
    Export {
        /// The interface.
        export: Export,
        /// True when the manifest declares it and the component does not export it.
        declared: bool,
    },
    /// The component's types are not those of the contract, or it failed to start.
    #[error("starting the component on trial: {reason}")]
    Trial {
        /// Why, with the plugin's last output.
        reason: String,
    },
    /// The connector's settings do not match the manifest.
    #[error("the settings are wrong: {reason}")]
    Settings {
        /// What is wrong, and where.
        reason: String,
    },
}

fn verb(declared: bool) -> &'static str {
    if declared { "exports" } else { "does not export" }
}
