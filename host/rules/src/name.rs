//! The error for a text that should be the stored name of an enum's value and is not.

/// A text that is not the name of any value of an enum.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {kind} `{text}`")]
pub struct UnknownName {
    kind: &'static str,
    text: String,
}

impl UnknownName {
    /// `kind` says what the text should have named (`delivery state`).
    pub(crate) fn new(kind: &'static str, text: &str) -> Self {
        Self { kind, text: text.to_owned() }
    }
}
