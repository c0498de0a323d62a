//! A value of the configuration that is live twice while it is being replaced: a secret, or a server's host key.

use serde::Deserialize;

/// One value, or two while it is being replaced: the first is the newer.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrTwo {
    /// The one live value.
    One(String),
    /// Both live values.
    Two([String; 2]),
}

impl OneOrTwo {
    /// The live values (of a secret: the places where it is found), newest first.
    pub fn newest_first(&self) -> &[String] {
        match self {
            Self::One(place) => std::slice::from_ref(place),
            Self::Two(places) => places,
        }
    }
}
