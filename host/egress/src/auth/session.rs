//! What the operator writes of a session, and whether it makes sense.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crossdock_model::time::Clock;
use http::Uri;
use http::header::{AUTHORIZATION, HeaderName};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::door::Door;
use super::template::Template;
use super::{Context, header_name, known};
use crate::secret::Secrets;

/// What is said of a text that gives a secret away.
const ITSELF: &str = "is written as itself; write `{secret:NAME}` and the secret in `secrets`";

/// How a session with the target is begun and carried on. See [`Profile::Session`](super::Profile::Session).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Session {
    /// How the session is begun. Absent where `headers` alone say who asks, and only `csrf` is wanted.
    #[serde(default)]
    pub login: Option<Login>,
    /// Headers of each request, with places for secrets and for what the login answered.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The token without which the target changes nothing.
    #[serde(default)]
    pub csrf: Option<Csrf>,
    /// Statuses by which the target says that the session is over.
    #[serde(default = "unauthorized")]
    pub expired: Vec<u16>,
    /// How long a session is used (`25m`). Absent: until the target says that it is over.
    #[serde(default, deserialize_with = "span")]
    pub lifetime: Option<Duration>,
}

/// The request that begins a session: a `POST` of a form or of JSON, with places for secrets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Login {
    /// Where it goes: to one of the connector's hosts. The session holds for that host alone.
    pub url: String,
    /// The fields of a form.
    #[serde(default)]
    pub form: Option<BTreeMap<String, String>>,
    /// A JSON body; its texts have places.
    #[serde(default)]
    pub json: Option<Value>,
    /// The cookie that says that the login succeeded, for servers that give cookies to everybody.
    #[serde(default)]
    pub cookie: Option<String>,
    /// Statuses of a login that succeeded (`[302]`). Absent: any 2xx.
    #[serde(default)]
    pub accepted: Vec<u16>,
}

/// A token against forged requests: asked for with a `GET`, and sent with everything that changes something.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Csrf {
    /// Where it is asked for.
    pub url: String,
    /// The header that asks for it (`Fetch`), carries it, and says `Required` where it is missing.
    #[serde(default = "x_csrf_token")]
    pub header: String,
    /// Where the token is found, for targets that do not give it in the header: `{cookie:csrftoken}`.
    #[serde(default)]
    pub token: Option<String>,
}

fn unauthorized() -> Vec<u16> {
    vec![401]
}

fn x_csrf_token() -> String {
    "x-csrf-token".to_owned()
}

fn span<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(from)?;
    let wrong =
        || serde::de::Error::custom(format!("`{text}` is no span of time; write `90s`, `25m` or `1h`"));
    let span: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(span).ok().filter(|span| !span.is_zero()).map(Some).ok_or_else(wrong)
}

/// A session's configuration, checked.
pub(super) struct Plan {
    pub(super) door: Door,
    pub(super) login: Option<Start>,
    pub(super) headers: Vec<(HeaderName, Template)>,
    pub(super) csrf: Option<Fetch>,
    pub(super) expired: Vec<u16>,
    pub(super) lifetime: Option<Duration>,
    pub(super) secrets: Secrets,
    pub(super) clock: Arc<dyn Clock>,
}

/// A login that has been checked.
pub(super) struct Start {
    pub(super) url: Uri,
    pub(super) body: Body,
    pub(super) cookie: Option<String>,
    pub(super) accepted: Vec<u16>,
    /// True when a header is made of its answer.
    pub(super) answers: bool,
}

pub(super) enum Body {
    Form(Vec<(String, Template)>),
    Json(Value),
}

/// A fetch of a token that has been checked.
pub(super) struct Fetch {
    pub(super) url: Uri,
    pub(super) header: HeaderName,
    pub(super) token: Option<Template>,
}

impl Plan {
    /// Checks that the configuration makes sense.
    pub(super) fn new(config: &Session, context: &Context<'_>) -> Result<Self, String> {
        let mut door = None;
        let mut enter = |url: &str, what: &str| {
            let (there, uri) = Door::to(context.egress, url, what, context.hosts)?;
            let first: &mut Door = door.get_or_insert(there.clone());
            if first.origin != there.origin {
                return Err(format!(
                    "`{what}` is at {} and the login at {}: a session holds for one host",
                    there.origin, first.origin
                ));
            }
            Ok(uri)
        };
        let mut headers = Vec::new();
        let mut answers = false;
        for (name, text) in &config.headers {
            let template = checked(&format!("headers.{name}"), text, context.secrets)?;
            if template.wants_answer() && config.login.is_none() {
                return Err(format!(
                    "`headers.{name}` is made of the login's answer, and there is no `login`"
                ));
            }
            let (header, fixed) =
                (header_name(name)?, !template.wants_answer() && template.secrets().is_empty());
            if header == AUTHORIZATION && fixed {
                return Err(format!("`headers.{name}` {ITSELF}"));
            }
            answers |= template.wants_answer();
            headers.push((header, template));
        }
        let login = match &config.login {
            None => None,
            Some(login) => {
                Some(Start { answers, ..Start::checked(login, enter(&login.url, "login.url")?, context)? })
            }
        };
        let csrf = match &config.csrf {
            None => None,
            Some(csrf) => Some(Fetch {
                url: enter(&csrf.url, "csrf.url")?,
                header: header_name(&csrf.header)?,
                token: match &csrf.token {
                    None => None,
                    Some(text) => Some(checked("csrf.token", text, context.secrets)?),
                },
            }),
        };
        if let Some(status) = config.expired.iter().find(|status| !(300..600).contains(*status)) {
            return Err(format!("`expired`: {status} is no status that says that a session is over"));
        }
        let Some(door) = door else {
            return Err(
                "a session needs a `login` or a `csrf`; without both `basic`, `bearer` or `header` do".into(),
            );
        };
        Ok(Self {
            door,
            login,
            headers,
            csrf,
            expired: config.expired.clone(),
            lifetime: config.lifetime,
            secrets: context.secrets.clone(),
            clock: context.egress.clock.clone(),
        })
    }
}

impl Start {
    fn checked(login: &Login, url: Uri, context: &Context<'_>) -> Result<Self, String> {
        let body = match (&login.form, &login.json) {
            (Some(form), None) => {
                let mut fields = Vec::new();
                for (name, text) in form {
                    let what = format!("login.form.{name}");
                    fields.push((name.clone(), early(&what, name, text, context.secrets)?));
                }
                Body::Form(fields)
            }
            (None, Some(json)) => {
                each(json, "login.json", &mut |what, name, text| {
                    early(what, name, text, context.secrets).map(|_| ())
                })?;
                Body::Json(json.clone())
            }
            _ => return Err("`login` wants either `form` or `json`".to_owned()),
        };
        if let Some(status) = login.accepted.iter().find(|status| !(200..400).contains(*status)) {
            return Err(format!("`login.accepted`: {status} is no status of a login that succeeded"));
        }
        let (cookie, accepted) = (login.cookie.clone(), login.accepted.clone());
        Ok(Self { url, body, cookie, accepted, answers: false })
    }
}

/// A text of the configuration, read and checked.
fn checked(what: &str, text: &str, secrets: &Secrets) -> Result<Template, String> {
    let template = Template::parse(text).map_err(|wrong| format!("`{what}`: {wrong}"))?;
    for name in template.secrets() {
        known(secrets, name)?;
    }
    Ok(template)
}

/// A text of a login, which is written before there is an answer.
fn early(what: &str, name: &str, text: &str, secrets: &Secrets) -> Result<Template, String> {
    let template = checked(what, text, secrets)?;
    if template.wants_answer() {
        return Err(format!("`{what}` is sent with the login, before there is an answer"));
    }
    let name = name.to_ascii_lowercase();
    let wants = ["passw", "pwd", "secret"].iter().any(|word| name.contains(word));
    if wants && !text.is_empty() && template.secrets().is_empty() {
        return Err(format!("`{what}` {ITSELF}"));
    }
    Ok(template)
}

/// Goes through all texts of a JSON value, with where each stands and the name it has there.
fn each(
    value: &Value,
    place: &str,
    check: &mut dyn FnMut(&str, &str, &str) -> Result<(), String>,
) -> Result<(), String> {
    match value {
        Value::String(text) => check(place, place.rsplit('.').next().unwrap_or(place), text),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(at, item)| each(item, &format!("{place}.{at}"), check))
        }
        Value::Object(fields) => {
            let mut fields = fields.iter();
            fields.try_for_each(|(name, field)| each(field, &format!("{place}.{name}"), check))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}
