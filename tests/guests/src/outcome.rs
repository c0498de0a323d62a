//! The outcome that carries what the plugin observed.

use crossdock_sdk::prelude::*;

/// A posted outcome with this note.
pub fn note(text: &str) -> Outcome {
    Outcome::Posted(Receipt { references: Vec::new(), written: Vec::new(), note: Some(text.to_owned()) })
}
