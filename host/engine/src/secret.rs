//! Secrets that rest in the database, sealed.

use crossdock_model::time::Millis;
use serde::Serialize;
use zeroize::Zeroizing;

/// A secret's text. It is wiped from memory with its last copy, and prints as `Secret(…)`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// A secret of this text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text, still to be wiped from memory by whoever takes it.
    #[must_use]
    pub fn into_inner(self) -> Zeroizing<String> {
        self.0
    }
}

impl From<Zeroizing<String>> for SecretText {
    fn from(text: Zeroizing<String>) -> Self {
        Self(text)
    }
}

/// Does not print the text.
impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A secret in a listing: never its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretRow {
    /// Its name.
    pub name: String,
    /// Its version, from 1; rises with every value, past a removal too.
    pub version: u64,
    /// When the value was put.
    pub at: Millis,
    /// Who put it.
    pub by: String,
}
