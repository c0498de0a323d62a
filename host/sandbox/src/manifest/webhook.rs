//! How requests to a plugin are authenticated and told apart: what a manifest can declare of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Error, wrong};

/// How requests are authenticated and told apart. The host does both.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Webhook {
    /// How the signature is made.
    pub scheme: Scheme,
    /// What it is made of.
    #[serde(default)]
    pub signs: Signs,
    /// The header it stands in, lower case.
    pub header: String,
    /// How it is written there.
    pub encoding: Encoding,
    /// The name of the connector's secret that it is made with.
    pub secret: String,
    /// Lists of marks that identify a request; the first list whose last mark is present counts. A mark is a
    /// header's name in lower case, or `body:` and the JSON pointer of a text or number in the body.
    #[serde(default)]
    pub dedupe: Vec<Vec<String>>,
    /// True when the plugin is of use without requests: it reads files, or is polled. Then a connector takes
    /// requests only where its secret is set.
    #[serde(default)]
    pub optional: bool,
}

/// How a signature is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// HMAC with SHA-256.
    HmacSha256,
}

/// What a signature is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signs {
    /// The request's body.
    #[default]
    Body,
    /// The connector's public address, as the sender knows it, and the body right behind it.
    UrlAndBody,
}

/// How a signature is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// Standard base64.
    Base64,
    /// Hexadecimal digits.
    Hex,
}

impl Webhook {
    pub(super) fn check(&self, secrets: &BTreeMap<String, String>) -> Result<(), Error> {
        if !secrets.contains_key(&self.secret) {
            return Err(wrong(format!("webhook.secret: `{}` is not among [secrets]", self.secret)));
        }
        let marks = self.dedupe.iter().flatten();
        let (pointers, names): (Vec<_>, Vec<_>) = marks.partition(|mark| mark.starts_with("body:"));
        for name in names.into_iter().chain(std::iter::once(&self.header)) {
            if name.is_empty() || name.chars().any(|c| c.is_ascii_uppercase() || c.is_whitespace()) {
                return Err(wrong(format!("webhook: `{name}` is no header's name in lower case")));
            }
        }
        if let Some(mark) = pointers.into_iter().find(|mark| !mark.starts_with("body:/")) {
            return Err(wrong(format!(
                "webhook.dedupe: `{mark}` is no JSON pointer; write `body:/event_id`"
            )));
        }
        if self.dedupe.iter().any(Vec::is_empty) {
            return Err(wrong("webhook.dedupe: an empty list identifies nothing"));
        }
        Ok(())
    }
}
