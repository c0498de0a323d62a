//! A plugin's manifest: TOML in a section of its file, which is read without running or compiling anything.

mod error;
mod section;
mod webhook;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

pub use error::Error;
use error::invalid;
pub use section::SECTION;
pub use webhook::{Encoding, Scheme, SignedContent, Webhook};

/// The versions of the contract that this host supports.
pub const CONTRACTS: &[&str] = &["0.1.0"];

/// The event kinds of the contract.
const KINDS: &[&str] = &[
    "order.placed",
    "order.updated",
    "order.paid",
    "order.cancelled",
    "order.edited",
    "refund.issued",
    "shipment.updated",
    "inventory.counted",
    "inventory.adjusted",
    "document.updated",
    "customer.updated",
    "product.updated",
    "price.updated",
    "day.closed",
];

/// A plugin's manifest.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// The name: lower-case letters, digits and hyphens.
    pub name: String,
    /// The semantic version.
    pub version: String,
    /// The vendor.
    pub vendor: String,
    /// The purpose, in a sentence.
    pub description: String,
    /// The version of the contract that it was built for.
    pub contract: String,
    /// The `system` of its entities.
    pub system: String,
    /// The exported interfaces.
    pub exports: BTreeSet<Export>,
    /// How requests to it are authenticated and deduplicated. Absent: it receives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
    /// The secrets that a connector needs, with their purposes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
    /// The HTTP requests that it sends. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Http>,
    /// The JSON Schema of its settings. Absent: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<serde_json::Value>,
    /// The properties of the sink. Present exactly when it exports one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink: Option<Sink>,
    /// The properties of the source. May be absent even when it exports one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// An interface that a plugin exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Export {
    /// Reads events from its system.
    Source,
    /// Delivers work to its system.
    Sink,
    /// Checks and repairs the set-up of its system.
    Setup,
}

impl fmt::Display for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Sink => "sink",
            Self::Setup => "setup",
        })
    }
}

/// The HTTP requests of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Http {
    /// The hosts that it needs, as information for the operator (`setting:url`, `api.example.com`). The operator
    /// grants the allowed hosts.
    pub hosts: OneOrMany,
}

/// One text or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// The properties of a sink.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sink {
    /// How a repeated request is kept from taking effect twice.
    pub keys: Keys,
    /// How long after sending a request may still take effect or become visible.
    #[serde(deserialize_with = "duration", serialize_with = "write_duration")]
    pub max_inflight: Duration,
    /// The maximum pieces of work per call.
    #[serde(default = "one")]
    pub batch: u32,
    /// The kinds of event that it delivers.
    pub kinds: BTreeSet<String>,
    /// The personal data that it needs. All other is removed.
    #[serde(default)]
    pub personal: BTreeSet<Personal>,
}

/// How a repeated request is kept from taking effect twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keys {
    /// The target honours the idempotency key: the same request can be sent again.
    Honoured,
    /// The plugin can look up whether work was done.
    Find,
    /// Neither.
    None,
}

/// A field of the vocabulary's personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Personal {
    /// Full name.
    Name,
    /// Electronic mail address.
    Email,
    /// Telephone.
    Phone,
    /// Billing address.
    Billing,
    /// Shipping address.
    Shipping,
    /// Language.
    Locale,
    /// Notes of the customer or the staff.
    Note,
    /// IP address.
    IpAddress,
    /// URL of the order's status page.
    StatusUrl,
    /// Last four digits of the card.
    #[serde(rename = "card-last4")]
    CardLast4,
    /// Attributes of the order and of its lines.
    Attributes,
}

/// The properties of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Source {
    /// True when it can be polled.
    #[serde(default)]
    pub poll: bool,
    /// True when it reads files from an exchange folder.
    #[serde(default)]
    pub files: bool,
}

fn one() -> u32 {
    1
}

fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    let invalid =
        || serde::de::Error::custom(format!("`{text}` is not a duration; write `500ms`, `20s` or `5m`"));
    let duration: jiff::SignedDuration = text.parse().map_err(|_| invalid())?;
    Duration::try_from(duration).map_err(|_| invalid())
}

fn write_duration<S: serde::Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    if duration.subsec_millis() == 0 {
        to.collect_str(&format_args!("{}s", duration.as_secs()))
    } else {
        to.collect_str(&format_args!("{}ms", duration.as_millis()))
    }
}

/// Reads the manifest of a plugin file, without compiling or running anything.
///
/// # Errors
/// When there is no manifest, more than one, or an invalid one.
pub fn read(file: &[u8]) -> Result<Manifest, Error> {
    let text = section::find(file)?.ok_or(Error::Absent)?;
    let text = std::str::from_utf8(text).map_err(|_| invalid("it is not UTF-8"))?;
    parse(text)
}

/// Parses and checks a manifest.
///
/// # Errors
/// When it is invalid.
pub fn parse(text: &str) -> Result<Manifest, Error> {
    let manifest: Manifest =
        toml::from_str(text).map_err(|source| Error::Malformed { source: Box::new(source) })?;
    manifest.check()?;
    Ok(manifest)
}

/// Packs a manifest into a component, which makes the plugin file.
///
/// # Errors
/// When the component is invalid or already has a manifest, or the manifest is invalid.
pub fn pack(component: &[u8], manifest: &str) -> Result<Vec<u8>, Error> {
    parse(manifest)?;
    if section::find(component)?.is_some() {
        return Err(Error::Repeated);
    }
    Ok(section::append(component, manifest.as_bytes()))
}

impl Manifest {
    /// `name@version`, for people and logs.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    fn check(&self) -> Result<(), Error> {
        let word = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        if !word(&self.name) {
            return Err(invalid(format!("name `{}`: lower-case letters, digits and hyphens", self.name)));
        }
        if !word(&self.system) {
            return Err(invalid(format!("system `{}`: lower-case letters, digits and hyphens", self.system)));
        }
        let (numbers, _) = self.version.split_at(self.version.find(['-', '+']).unwrap_or(self.version.len()));
        let parts: Vec<_> = numbers.split('.').map(str::parse::<u64>).collect();
        if parts.len() != 3 || parts.iter().any(Result::is_err) {
            return Err(invalid(format!(
                "version `{}`: write three numbers with dots, `1.2.0`",
                self.version
            )));
        }
        if !CONTRACTS.contains(&self.contract.as_str()) {
            let known = CONTRACTS.join(", ");
            return Err(invalid(format!("contract `{}`: this host supports {known}", self.contract)));
        }
        if self.exports.is_empty() {
            return Err(invalid("exports: a plugin exports `source`, `sink`, `setup` or several of them"));
        }
        self.check_parts()?;
        if let Some(schema) = &self.settings {
            jsonschema::draft202012::new(schema)
                .map_err(|e| invalid(format!("settings: not a JSON Schema: {e}")))?;
        }
        Ok(())
    }

    /// Checks that sections refer to existing exports, secrets and kinds.
    fn check_parts(&self) -> Result<(), Error> {
        let exports = |export| self.exports.contains(&export);
        match &self.sink {
            Some(_) if !exports(Export::Sink) => return Err(invalid("[sink]: the plugin exports no sink")),
            None if exports(Export::Sink) => {
                return Err(invalid("[sink] is missing: the plugin exports one"));
            }
            _ => {}
        }
        if (self.source.is_some() || self.webhook.is_some()) && !exports(Export::Source) {
            return Err(invalid("[source] and [webhook]: the plugin exports no source"));
        }
        if let Some(sink) = &self.sink {
            if let Some(kind) = sink.kinds.iter().find(|kind| !KINDS.contains(&kind.as_str())) {
                return Err(invalid(format!(
                    "sink.kinds: `{kind}` is not a kind of event; the kinds are {}",
                    KINDS.join(", ")
                )));
            }
            if sink.kinds.is_empty() {
                return Err(invalid("sink.kinds: a sink delivers at least one kind"));
            }
            if sink.batch == 0 {
                return Err(invalid("sink.batch: at least 1"));
            }
        }
        if let Some(webhook) = &self.webhook {
            webhook.check(&self.secrets)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
