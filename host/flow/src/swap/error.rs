//! Why a swap is refused.

use crossdock_engine::Error;

/// Why a swap was refused. The old version stays.
#[derive(Debug, thiserror::Error)]
pub enum SwapError {
    /// There is no connector of this name.
    #[error("there is no connector `{0}`")]
    NoSuchConnector(String),
    /// It was not swapped before.
    #[error("connector `{0}` was not swapped: there is no version to go back to")]
    NoPreviousVersion(String),
    /// The last swap was undone already. Undoing that would repeat the swap.
    #[error(
        "connector `{connector}` has gone back to {version} already: there is no version to go back to; `--to` \
         swaps to any other"
    )]
    AlreadySwappedBack {
        /// The connector.
        connector: String,
        /// The version that it went back to.
        version: String,
    },
    /// The file does not make a plugin for this connector.
    #[error("connector `{connector}` keeps {version}: {reason}")]
    NotLoaded {
        /// The connector.
        connector: String,
        /// The version that stays.
        version: String,
        /// Why.
        reason: String,
    },
    /// The new version cannot do what the old one does for this connector.
    #[error("connector `{connector}` keeps {version}: {reason}")]
    Incompatible {
        /// The connector.
        connector: String,
        /// The version that stays.
        version: String,
        /// What it cannot do.
        reason: String,
    },
    /// The new version does not find what the old one posted.
    #[error("connector `{connector}` keeps {version}: {reason}")]
    ReceiptsNotFound {
        /// The connector.
        connector: String,
        /// The version that stays.
        version: String,
        /// What it did not find.
        reason: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
}

impl SwapError {
    /// The step that failed, as a stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSuchConnector(_) => "no-such-connector",
            Self::NoPreviousVersion(_) | Self::AlreadySwappedBack { .. } => "nothing-before",
            Self::NotLoaded { .. } => "plugin-not-loaded",
            Self::Incompatible { .. } => "plugin-unfit",
            Self::ReceiptsNotFound { .. } => "receipts-not-found",
            Self::Store(_) => "store",
        }
    }
}
