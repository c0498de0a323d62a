//! Why a manifest cannot be used.

/// A file whose manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not a WebAssembly component.
    #[error("the file is not a WebAssembly component: {reason}")]
    NoComponent {
        /// Why.
        reason: String,
    },
    /// The file has no manifest.
    #[error("the component has no manifest; pack one into it with `crossdock plugin pack`")]
    Absent,
    /// The file has more than one manifest.
    #[error("the component has more than one manifest")]
    Repeated,
    /// The manifest is not valid TOML, or has an unknown or missing field.
    #[error("parsing the manifest: {source}")]
    Malformed {
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The manifest contradicts itself.
    #[error("the manifest is invalid: {reason}")]
    Invalid {
        /// Why.
        reason: String,
    },
}

pub(super) fn invalid(reason: impl Into<String>) -> Error {
    Error::Invalid { reason: reason.into() }
}
