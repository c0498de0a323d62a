//! What the operator says about the partner.

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
    /// GS02 and GS03 of what is sent.
    pub applications: (String, String),
    /// Who the partner is in identities.
    pub tenant: String,
    pub version: String,
    pub usage: String,
    pub separators: Separators,
    pub line_breaks: bool,
    /// The control number of the first interchange.
    pub first_number: u64,
    /// True to ask for a TA1 with every interchange.
    pub ask_for_ta1: bool,
    /// True to answer what is read with a 997.
    pub acknowledge: bool,
    /// True to refuse an interchange whose control number was there before.
    pub refuse_duplicates: bool,
    pub characters: Characters,
    /// The zone of the times that the partner writes, and of those written to it.
    pub zone: TimeZone,
    pub currency: Option<String>,
}

/// What partner's system reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Characters {
    Ascii,
    #[serde(rename = "latin-1")]
    Latin1,
    #[serde(rename = "utf-8")]
    Utf8,
}

#[derive(Deserialize)]
struct Cut {
    element: Option<char>,
    component: Option<char>,
    repetition: Option<char>,
    segment: Option<char>,
}

impl Settings {
    /// # Errors
    /// A setting that is missing or cannot be used.
    pub(crate) fn read() -> Result<Self, Problem> {
        let own: String = config::get("own-id")?;
        let partner: String = config::get("partner-id")?;
        let version = word("version", "004010")?;
        let zone = word("zone", "UTC")?;
        let zone = TimeZone::get(&zone)
            .map_err(|_| invalid("zone", format!("`{zone}` is no time zone (`America/Chicago`)")))?;
        let tenant = config::find("company")?.unwrap_or_else(|| partner.replace('/', "-"));
        Ok(Self {
            applications: (
                config::find("own-application")?.unwrap_or_else(|| own.clone()),
                config::find("partner-application")?.unwrap_or_else(|| partner.clone()),
            ),
            own: (word("own-qualifier", "ZZ")?, own),
            partner: (word("partner-qualifier", "ZZ")?, partner),
            tenant,
            separators: separators(&version)?,
            version,
            usage: word("usage", "P")?,
            line_breaks: config::find("line-breaks")?.unwrap_or(false),
            first_number: config::find("first-number")?.unwrap_or(1),
            ask_for_ta1: config::find("ask-for-ta1")?.unwrap_or(false),
            acknowledge: config::find("acknowledge")?.unwrap_or(true),
            refuse_duplicates: word("duplicates", "refuse")? == "refuse",
            characters: config::find("characters")?.unwrap_or(Characters::Ascii),
            zone,
            currency: config::find("currency")?,
        })
    }

    /// An entity of the partner's.
    pub(crate) fn entity(&self, kind: EntityKind, id: impl Into<String>) -> Entity {
        Entity { system: "erp-x12".into(), tenant: self.tenant.clone(), kind, id: id.into() }
    }
}

fn separators(version: &str) -> Result<Separators, Problem> {
    let cut: Option<Cut> = config::find("separators")?;
    let cut = cut.unwrap_or(Cut { element: None, component: None, repetition: None, segment: None });
    let separators = Separators {
        element: cut.element.unwrap_or('*'),
        component: cut.component.unwrap_or('>'),
        repetition: (version >= "00402").then(|| cut.repetition.unwrap_or('^')),
        segment: cut.segment.unwrap_or('~'),
    };
    let all = [
        Some(separators.element),
        Some(separators.component),
        separators.repetition,
        Some(separators.segment),
    ];
    if all.into_iter().flatten().any(|one| !one.is_ascii()) {
        return Err(invalid("separators", "a separator has to be an ASCII character".into()));
    }
    match separators.trouble() {
        Some(trouble) => Err(invalid("separators", trouble)),
        None => Ok(separators),
    }
}

fn word(name: &str, default: &str) -> Result<String, Problem> {
    Ok(config::find(name)?.unwrap_or_else(|| default.to_owned()))
}

fn invalid(name: &str, why: String) -> Problem {
    Problem::new("setting-invalid", format!("the setting `{name}` cannot be used: {why}"))
}
