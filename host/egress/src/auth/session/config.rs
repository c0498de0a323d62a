//! The configuration of the profile `session`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// How a session with the target is started and used. See [`Profile::Session`](crate::Profile::Session).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Session {
    /// How the session is started. Absent where `headers` alone authenticate and only `csrf` is needed.
    #[serde(default)]
    pub login: Option<Login>,
    /// Headers of each request, with placeholders for secrets and for parts of the login's response.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The CSRF token that the target requires for changes.
    #[serde(default)]
    pub csrf: Option<Csrf>,
    /// Statuses by which the target says that the session has expired.
    #[serde(default = "unauthorized")]
    pub expired: Vec<u16>,
    /// How long a session is used (`25m`). Absent: until the target says that it has expired.
    #[serde(default, deserialize_with = "duration")]
    pub lifetime: Option<Duration>,
}

/// The request that starts a session: a `POST` of a form or of JSON, with placeholders for secrets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Login {
    /// The URL, on one of the connector's hosts. The session is valid for that host alone.
    pub url: String,
    /// The fields of a form.
    #[serde(default)]
    pub form: Option<BTreeMap<String, String>>,
    /// A JSON body; its texts may have placeholders.
    #[serde(default)]
    pub json: Option<Value>,
    /// The cookie that a successful login sets, for servers that also set cookies otherwise.
    #[serde(default)]
    pub cookie: Option<String>,
    /// Statuses of a successful login (`[302]`). Absent: any 2xx.
    #[serde(default)]
    pub accepted: Vec<u16>,
}

/// A CSRF token: fetched with a `GET`, and sent with every request that changes something.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Csrf {
    /// The URL to fetch it from.
    pub url: String,
    /// The header that requests it (`Fetch`), carries it, and is `Required` in a response when it is missing.
    #[serde(default = "x_csrf_token")]
    pub header: String,
    /// The token, for targets that do not return it in the header: `{cookie:csrftoken}`.
    #[serde(default)]
    pub token: Option<String>,
}

fn unauthorized() -> Vec<u16> {
    vec![401]
}

fn x_csrf_token() -> String {
    "x-csrf-token".to_owned()
}

fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(from)?;
    let invalid =
        || serde::de::Error::custom(format!("`{text}` is not a duration; write `90s`, `25m` or `1h`"));
    let duration: jiff::SignedDuration = text.parse().map_err(|_| invalid())?;
    Duration::try_from(duration).ok().filter(|it| !it.is_zero()).map(Some).ok_or_else(invalid)
}
