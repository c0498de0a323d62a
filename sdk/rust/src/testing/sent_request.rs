//! A request that the plugin sent.

use serde_json::Value;

/// A request that the plugin sent.
#[derive(Clone, Debug)]
pub struct SentRequest {
    /// The method (`POST`).
    pub method: &'static str,
    /// Path and query as they were sent, without the host.
    pub path: String,
    /// The headers in the order they were set.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl SentRequest {
    /// The first header of this name, ignoring case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When the body is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}
