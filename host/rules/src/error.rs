//! Why a rule could not decide about an event.

/// Why a rule could not decide about an event.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An instant that decides the order of events cannot be read.
    #[error("reading `{field}` of an event of {entity}")]
    Instant {
        /// The entity's identity.
        entity: String,
        /// The field of the event, as a path.
        field: &'static str,
        /// What is wrong with it.
        #[source]
        source: crossdock_model::time::NoInstant,
    },
    /// An event could not be written as JSON to compute its digest.
    #[error("computing the digest of an event of {entity}")]
    Digest {
        /// The entity's identity.
        entity: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}
