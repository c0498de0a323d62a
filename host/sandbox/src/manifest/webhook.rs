//! The manifest's declaration of how requests are authenticated and deduplicated.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::{Error, invalid};

/// How requests are authenticated and deduplicated, both by the host.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Webhook {
    /// The signature scheme.
    pub scheme: Scheme,
    /// What is signed.
    #[serde(default)]
    pub signs: SignedContent,
    /// The header with the signature, in lower case.
    pub header: String,
    /// The encoding of the signature.
    pub encoding: Encoding,
    /// The name of the connector's secret that is the signing key.
    pub secret: String,
    /// Lists of fields that identify a request; the first list whose last field is present is used. A field is
    /// a header's name in lower case, or `body:` and the JSON pointer of a text or number in the body.
    #[serde(default)]
    pub dedupe: Vec<Vec<String>>,
    /// True when the plugin also works without requests: it reads files, or is polled. Then a connector accepts
    /// requests only if its secret is set.
    #[serde(default)]
    pub optional: bool,
}

/// A signature scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// HMAC with SHA-256.
    HmacSha256,
}

/// What is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignedContent {
    /// The request's body.
    #[default]
    Body,
    /// The connector's public URL, as the sender knows it, followed by the body.
    UrlAndBody,
}

/// The encoding of a signature.
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
            return Err(invalid(format!("webhook.secret: `{}` is not among [secrets]", self.secret)));
        }
        let fields = self.dedupe.iter().flatten();
        let (pointers, names): (Vec<_>, Vec<_>) = fields.partition(|field| field.starts_with("body:"));
        for name in names.into_iter().chain(std::iter::once(&self.header)) {
            if name.is_empty() || name.chars().any(|c| c.is_ascii_uppercase() || c.is_whitespace()) {
                return Err(invalid(format!("webhook: `{name}` is not a header name in lower case")));
            }
        }
        if let Some(field) = pointers.into_iter().find(|field| !field.starts_with("body:/")) {
            return Err(invalid(format!(
                "webhook.dedupe: `{field}` is not a JSON pointer; write `body:/event_id`"
            )));
        }
        if self.dedupe.iter().any(Vec::is_empty) {
            return Err(invalid("webhook.dedupe: an empty list identifies nothing"));
        }
        Ok(())
    }
}
