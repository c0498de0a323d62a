//! What a plugin says about itself: TOML in a section of its file, readable without running or compiling
//! anything.

mod section;
mod webhook;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

pub use section::SECTION;
pub use webhook::{Encoding, Scheme, Signs, Webhook};

/// The contracts that this host speaks.
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

/// What a plugin says about itself.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// Its name: lower-case letters, digits and hyphens.
    pub name: String,
    /// Its version: three numbers with dots, and what semantic versioning allows after them.
    pub version: String,
    /// Who makes it.
    pub vendor: String,
    /// What it is for, in a sentence.
    pub description: String,
    /// The version of the contract it was built for.
    pub contract: String,
    /// The `system` of the entities it speaks of.
    pub system: String,
    /// What it exports.
    pub exports: BTreeSet<Export>,
    /// How requests to it are authenticated and told apart. Absent: it receives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
    /// The secrets a connector needs, and what each is for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
    /// What it asks over HTTP. Absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Http>,
    /// A JSON Schema of its settings. Absent: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<serde_json::Value>,
    /// What is to know of the sink. Present exactly when it exports one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink: Option<Sink>,
    /// What is to know of the source. May be absent even when it exports one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// An interface that a plugin exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Export {
    /// A system that things happen in.
    Source,
    /// A system that things have to be told to.
    Sink,
    /// A system that has to be set up.
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

/// What a plugin asks over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Http {
    /// The hosts it wants to ask, for the operator to read (`setting:url`, `api.example.com`). What it may
    /// ask is what the operator grants.
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

/// What is to know of a sink.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sink {
    /// How the target keeps a repeated request from being done twice.
    pub keys: Keys,
    /// How long a request that was sent can still take effect or become visible.
    #[serde(deserialize_with = "span", serialize_with = "write_span")]
    pub max_inflight: Duration,
    /// The most pieces of work a call takes.
    #[serde(default = "one")]
    pub batch: u32,
    /// The kinds of event it can deliver.
    pub kinds: BTreeSet<String>,
    /// The personal data it needs. All other is left out of what it gets.
    #[serde(default)]
    pub personal: BTreeSet<Personal>,
}

/// How a target keeps a repeated request from being done twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keys {
    /// It knows the key: the same request can be sent again.
    Honoured,
    /// It can be searched for what was done.
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
    /// Where the bill goes.
    Billing,
    /// Where the goods go.
    Shipping,
    /// The language.
    Locale,
    /// What the customer or the staff wrote.
    Note,
    /// The network address.
    IpAddress,
    /// A page that shows the order.
    StatusUrl,
    /// Last four digits of the card.
    #[serde(rename = "card-last4")]
    CardLast4,
    /// What was attached to the order and to its lines.
    Attributes,
}

/// What is to know of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Source {
    /// True when `poll` does something.
    #[serde(default)]
    pub poll: bool,
    /// True when it reads files of an exchange folder.
    #[serde(default)]
    pub files: bool,
}

fn one() -> u32 {
    1
}

fn span<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    let wrong =
        || serde::de::Error::custom(format!("`{text}` is no span of time; write `500ms`, `20s` or `5m`"));
    let span: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(span).map_err(|_| wrong())
}

fn write_span<S: serde::Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
    if span.subsec_millis() == 0 {
        to.collect_str(&format_args!("{}s", span.as_secs()))
    } else {
        to.collect_str(&format_args!("{}ms", span.as_millis()))
    }
}

/// A file whose manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is no WebAssembly component.
    #[error("the file is no WebAssembly component: {reason}")]
    NoComponent {
        /// Why.
        reason: String,
    },
    /// The file has no manifest.
    #[error("the component has no manifest; pack one into it with `crossdock plugin pack`")]
    Absent,
    /// The file has more than one manifest, and nobody could say which one counts.
    #[error("the component has more than one manifest")]
    Repeated,
    /// The manifest is no TOML, or says something unknown.
    #[error("the manifest cannot be read: {source}")]
    Malformed {
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The manifest contradicts itself.
    #[error("the manifest is wrong: {reason}")]
    Wrong {
        /// What is wrong.
        reason: String,
    },
}

/// Reads the manifest of a plugin file, without compiling or running anything.
///
/// # Errors
/// When there is no manifest, more than one, or one that makes no sense.
pub fn read(file: &[u8]) -> Result<Manifest, Error> {
    let text = section::find(file)?.ok_or(Error::Absent)?;
    let text = std::str::from_utf8(text).map_err(|_| wrong("it is no UTF-8 text"))?;
    parse(text)
}

/// Reads a manifest's text.
///
/// # Errors
/// When it makes no sense.
pub fn parse(text: &str) -> Result<Manifest, Error> {
    let manifest: Manifest =
        toml::from_str(text).map_err(|source| Error::Malformed { source: Box::new(source) })?;
    manifest.check()?;
    Ok(manifest)
}

/// Packs a manifest into a component: the plugin file. A manifest that the component already has is an
/// error, so that no file ever says two things.
///
/// # Errors
/// When the component is none, has a manifest, or the manifest makes no sense.
pub fn pack(component: &[u8], manifest: &str) -> Result<Vec<u8>, Error> {
    parse(manifest)?;
    if section::find(component)?.is_some() {
        return Err(Error::Repeated);
    }
    Ok(section::append(component, manifest.as_bytes()))
}

fn wrong(reason: impl Into<String>) -> Error {
    Error::Wrong { reason: reason.into() }
}

impl Manifest {
    /// `name@version`, as people and logs say it.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    fn check(&self) -> Result<(), Error> {
        let word = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        if !word(&self.name) {
            return Err(wrong(format!("name `{}`: lower-case letters, digits and hyphens", self.name)));
        }
        if !word(&self.system) {
            return Err(wrong(format!("system `{}`: lower-case letters, digits and hyphens", self.system)));
        }
        let (numbers, _) = self.version.split_at(self.version.find(['-', '+']).unwrap_or(self.version.len()));
        let parts: Vec<_> = numbers.split('.').map(str::parse::<u64>).collect();
        if parts.len() != 3 || parts.iter().any(Result::is_err) {
            return Err(wrong(format!("version `{}`: write three numbers with dots, `1.2.0`", self.version)));
        }
        if !CONTRACTS.contains(&self.contract.as_str()) {
            let known = CONTRACTS.join(", ");
            return Err(wrong(format!("contract `{}`: this host speaks {known}", self.contract)));
        }
        if self.exports.is_empty() {
            return Err(wrong("exports: a plugin exports `source`, `sink`, `setup` or several of them"));
        }
        self.check_parts()?;
        if let Some(schema) = &self.settings {
            jsonschema::draft202012::new(schema)
                .map_err(|e| wrong(format!("settings: no JSON Schema: {e}")))?;
        }
        Ok(())
    }

    /// The parts speak of what is exported, and of secrets and kinds that exist.
    fn check_parts(&self) -> Result<(), Error> {
        let exports = |export| self.exports.contains(&export);
        match &self.sink {
            Some(_) if !exports(Export::Sink) => return Err(wrong("[sink]: the plugin exports no sink")),
            None if exports(Export::Sink) => return Err(wrong("[sink] is missing: the plugin exports one")),
            _ => {}
        }
        if (self.source.is_some() || self.webhook.is_some()) && !exports(Export::Source) {
            return Err(wrong("[source] and [webhook]: the plugin exports no source"));
        }
        if let Some(sink) = &self.sink {
            if let Some(kind) = sink.kinds.iter().find(|kind| !KINDS.contains(&kind.as_str())) {
                return Err(wrong(format!(
                    "sink.kinds: `{kind}` is no kind of event; there are {}",
                    KINDS.join(", ")
                )));
            }
            if sink.kinds.is_empty() {
                return Err(wrong("sink.kinds: a sink that delivers nothing is none"));
            }
            if sink.batch == 0 {
                return Err(wrong("sink.batch: at least 1"));
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
