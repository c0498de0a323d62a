//! The connector's settings about the partner and the format of its files.

use crossdock_sdk::prelude::*;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::x12::Separators;

/// The settings, as `plugin.toml` describes them.
pub(crate) struct Settings {
    /// Qualifier and id of the retailer.
    pub own: (String, String),
    /// Qualifier and id of the partner.
    pub partner: (String, String),
    /// GS02 and GS03 of outbound files.
    pub applications: (String, String),
    /// The tenant of the partner's entities.
    pub tenant: String,
    pub version: String,
    pub usage: String,
    pub separators: Separators,
    pub line_breaks: bool,
    /// The control number of the first interchange.
    pub first_number: u64,
    /// Whether every outbound interchange requests a TA1.
    pub request_ta1: bool,
    /// Whether inbound interchanges are acknowledged.
    pub acknowledge: bool,
    /// Whether an interchange with a repeated control number is refused.
    pub refuse_duplicates: bool,
    pub characters: Characters,
    /// The time zone of the times in inbound and outbound files.
    pub zone: TimeZone,
    pub currency: Option<String>,
}

/// The character set of the partner's system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Characters {
    Ascii,
    #[serde(rename = "latin-1")]
    Latin1,
    #[serde(rename = "utf-8")]
    Utf8,
}

#[derive(Default, Deserialize)]
struct SeparatorSettings {
    element: Option<char>,
    component: Option<char>,
    repetition: Option<char>,
    segment: Option<char>,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// A setting that is missing or cannot be used.
    pub(crate) fn read() -> Result<Self, Problem> {
        let own: String = config::get("own-id")?;
        let partner: String = config::get("partner-id")?;
        let version = text_or("version", "004010")?;
        let zone = text_or("zone", "UTC")?;
        let zone = TimeZone::get(&zone)
            .map_err(|_| invalid("zone", format!("`{zone}` is not a time zone (`America/Chicago`)")))?;
        let tenant = config::find("company")?.unwrap_or_else(|| partner.replace('/', "-"));
        Ok(Self {
            applications: (
                config::find("own-application")?.unwrap_or_else(|| own.clone()),
                config::find("partner-application")?.unwrap_or_else(|| partner.clone()),
            ),
            own: (text_or("own-qualifier", "ZZ")?, own),
            partner: (text_or("partner-qualifier", "ZZ")?, partner),
            tenant,
            separators: separators(&version)?,
            version,
            usage: text_or("usage", "P")?,
            line_breaks: config::find("line-breaks")?.unwrap_or(false),
            first_number: config::find("first-number")?.unwrap_or(1),
            request_ta1: config::find("ask-for-ta1")?.unwrap_or(false),
            acknowledge: config::find("acknowledge")?.unwrap_or(true),
            refuse_duplicates: text_or("duplicates", "refuse")? == "refuse",
            characters: config::find("characters")?.unwrap_or(Characters::Ascii),
            zone,
            currency: config::find("currency")?,
        })
    }

    /// An entity of the partner.
    pub(crate) fn entity(&self, kind: EntityKind, id: impl Into<String>) -> Entity {
        Entity { system: "erp-x12".into(), tenant: self.tenant.clone(), kind, id: id.into() }
    }
}

fn separators(version: &str) -> Result<Separators, Problem> {
    let configured: SeparatorSettings = config::find("separators")?.unwrap_or_default();
    let separators = Separators {
        element: configured.element.unwrap_or('*'),
        component: configured.component.unwrap_or('>'),
        repetition: (version >= "00402").then(|| configured.repetition.unwrap_or('^')),
        segment: configured.segment.unwrap_or('~'),
    };
    let all = [
        Some(separators.element),
        Some(separators.component),
        separators.repetition,
        Some(separators.segment),
    ];
    if all.into_iter().flatten().any(|separator| !separator.is_ascii()) {
        return Err(invalid("separators", "a separator must be an ASCII character".into()));
    }
    match separators.conflict() {
        Some(conflict) => Err(invalid("separators", conflict)),
        None => Ok(separators),
    }
}

fn text_or(name: &str, default: &str) -> Result<String, Problem> {
    Ok(config::find(name)?.unwrap_or_else(|| default.to_owned()))
}

fn invalid(name: &str, why: String) -> Problem {
    Problem::new("setting-invalid", format!("the setting `{name}` cannot be used: {why}"))
}
