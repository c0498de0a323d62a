//! Sessions: a login, its cookies, and a token against forged requests (CSRF).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use crossdock_model::time::{Clock, Millis};
use http::header::{CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use http::{Method, Request, Response, StatusCode, Uri};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use zeroize::Zeroizing;

use super::cookies::Jar;
use super::door::{Door, refused, unreachable};
use super::keeper::Keeper;
use super::template::{Answer, Template};
use super::{Context, header_name, known};
use crate::error::Error;
use crate::hosts::Origin;
use crate::mask::Mask;
use crate::secret::{Secret, Secrets};

/// What a session consists of is hidden from this length on: shorter cookies and values are a language, a
/// client or a user's number, and hiding those would spoil answers.
const SHORTEST: usize = 16;

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

/// What a session consists of.
pub(crate) struct State {
    headers: HeaderMap,
    csrf: Option<HeaderValue>,
    jar: Arc<Mutex<Jar>>,
    /// What the headers and the token are made of, to be hidden.
    hidden: Vec<Secret>,
    since: Millis,
}

impl State {
    fn jar(&self) -> MutexGuard<'_, Jar> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn hidden(&self) -> Vec<Secret> {
        let jar = self.jar();
        let long = |secret: &&Secret| secret.expose().len() >= SHORTEST;
        self.hidden.iter().chain(jar.values()).filter(long).cloned().collect()
    }
}

/// What is over, by the target's word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// The session.
    Session,
    /// The token against forged requests alone.
    Csrf,
}

/// The session of one connector.
#[derive(Clone)]
pub(crate) struct Sessions(Arc<Inner>);

pub(super) struct Inner {
    door: Door,
    login: Option<Start>,
    headers: Vec<(HeaderName, Template)>,
    csrf: Option<Fetch>,
    expired: Vec<u16>,
    lifetime: Option<Duration>,
    secrets: Secrets,
    clock: Arc<dyn Clock>,
    keeper: Keeper<State>,
}

/// A login that has been checked.
struct Start {
    url: Uri,
    body: Body,
    cookie: Option<String>,
    accepted: Vec<u16>,
    /// True when a header is made of its answer.
    answers: bool,
}

enum Body {
    Form(Vec<(String, Template)>),
    Json(Value),
}

/// A fetch of a token that has been checked.
struct Fetch {
    url: Uri,
    header: HeaderName,
    token: Option<Template>,
}

impl Sessions {
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
            answers |= template.wants_answer();
            headers.push((header_name(name)?, template));
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
        Ok(Self(Arc::new(Inner {
            door,
            login,
            headers,
            csrf,
            expired: config.expired.clone(),
            lifetime: config.lifetime,
            secrets: context.secrets.clone(),
            clock: context.egress.clock.clone(),
            keeper: Keeper::new(),
        })))
    }

    /// The headers that are the host's to set.
    pub(super) fn reserved(&self) -> Vec<HeaderName> {
        let headers = self.0.headers.iter().map(|(name, _)| name.clone());
        headers.chain(self.0.csrf.iter().map(|csrf| csrf.header.clone())).chain([COOKIE]).collect()
    }

    /// Where the session holds.
    pub(super) fn origin(&self) -> &Origin {
        &self.0.door.origin
    }

    /// A session; another one than the one of which something is over.
    pub(super) async fn get(&self, over: Option<(Arc<State>, Over)>) -> Result<Arc<State>, Error> {
        let inner = &self.0;
        let now = inner.clock.now();
        let usable = |state: &Arc<State>| {
            let young = inner.lifetime.is_none_or(|lifetime| now.since(state.since) < lifetime);
            young && over.as_ref().is_none_or(|(over, _)| !Arc::ptr_eq(over, state))
        };
        let make = || {
            let inner = inner.clone();
            let kept = match &over {
                Some((state, Over::Csrf)) => Some(state.clone()),
                _ => None,
            };
            async move { inner.begin(kept).await }
        };
        inner.keeper.get(&inner.clock, usable, make).await
    }

    /// Adds what the session consists of to a request.
    pub(super) fn apply(&self, state: &State, method: &Method, path: &str, headers: &mut HeaderMap) {
        headers.extend(state.headers.clone());
        if let Some(cookies) = state.jar().header(path, self.0.clock.now()).and_then(|text| sensitive(&text))
        {
            headers.insert(COOKIE, cookies);
        }
        let changes = ![Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
        if let (Some(fetch), Some(token)) = (&self.0.csrf, state.csrf.clone().filter(|_| changes)) {
            headers.insert(fetch.header.clone(), token);
        }
    }

    /// What an answer says to be over.
    pub(super) fn over(&self, answer: &Response<Bytes>) -> Option<Over> {
        let required = self.0.csrf.as_ref().and_then(|csrf| answer.headers().get(&csrf.header));
        if answer.status() == StatusCode::FORBIDDEN && required.is_some_and(|value| is(value, "required")) {
            return Some(Over::Csrf);
        }
        self.0.expired.contains(&answer.status().as_u16()).then_some(Over::Session)
    }

    /// Takes cookies out of an answer, and a token that the guest has no business with.
    pub(super) fn learn(&self, state: &State, path: &str, answer: &mut Response<Bytes>) {
        let now = self.0.clock.now();
        let headers = answer.headers_mut();
        state.jar().take(headers, path, now);
        headers.remove(SET_COOKIE);
        if let Some(csrf) = &self.0.csrf
            && headers.get(&csrf.header).is_some_and(|value| !is(value, "required"))
        {
            headers.remove(&csrf.header);
        }
    }

    /// What a target could reflect.
    pub(super) fn hidden(&self) -> Vec<Secret> {
        self.0.keeper.recent().iter().flat_map(|state| state.hidden()).collect()
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
        return Err(format!(
            "`{what}` is written as itself; write `{{secret:NAME}}` and the secret in `secrets`"
        ));
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

fn is(value: &HeaderValue, word: &str) -> bool {
    value.as_bytes().eq_ignore_ascii_case(word.as_bytes())
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl Inner {
    /// Begins a session, or keeps one and asks for its token anew.
    async fn begin(&self, kept: Option<Arc<State>>) -> Result<State, Error> {
        if let Some(kept) = kept {
            let (headers, jar) = (kept.headers.clone(), kept.jar.clone());
            let mut state =
                State { headers, csrf: None, jar, hidden: kept.hidden.clone(), since: kept.since };
            match self.fetch(&mut state).await {
                Ok(()) => return Ok(state),
                // The session itself may be over.
                Err(Error::Unauthorized { .. }) if self.login.is_some() => {}
                Err(error) => return Err(error),
            }
        }
        let mut state = State {
            headers: HeaderMap::new(),
            csrf: None,
            jar: Arc::default(),
            hidden: Vec::new(),
            since: self.clock.now(),
        };
        self.head(&mut state, None)?;
        if let Some(start) = &self.login {
            self.log_in(start, &mut state).await?;
        }
        self.fetch(&mut state).await?;
        tracing::debug!(origin = %self.door.origin, "a new session");
        Ok(state)
    }

    /// Writes the headers that can be written: without an answer those that need none, with one the others.
    fn head(&self, state: &mut State, answer: Option<&Answer<'_>>) -> Result<(), Error> {
        for (name, template) in self.headers.iter().filter(|(_, t)| t.wants_answer() == answer.is_some()) {
            let mut taken = Vec::new();
            let text = template.write(&self.secrets, answer, &mut taken);
            let value = text.and_then(|text| {
                // A scheme and a space before it are no secret, and what follows may be reflected alone.
                let bare = text.split_once(' ').map_or(text.as_str(), |(_, bare)| bare);
                state.hidden.push(Secret::new(bare.to_owned()));
                sensitive(&text).ok_or_else(|| "it has characters that a header cannot carry".to_owned())
            });
            state.hidden.extend(taken.iter().map(|text| Secret::new(text.to_string())));
            let value = value.map_err(|reason| {
                let after = if answer.is_some() { " after the login" } else { "" };
                Error::Unauthorized {
                    reason: format!("the header `{name}` cannot be written{after}: {reason}"),
                }
            })?;
            state.headers.insert(name.clone(), value);
        }
        Ok(())
    }

    async fn log_in(&self, start: &Start, state: &mut State) -> Result<(), Error> {
        let (kind, body) = self.body(&start.body)?;
        let mut request = Request::post(start.url.clone());
        if let Some(headers) = request.headers_mut() {
            headers.extend(state.headers.clone());
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        let request = request.body(body).map_err(|_| unwritable("login"))?;
        let what = format!("the login at {}", self.door.origin);
        let answer = self.ask(request, state, start.url.path()).await?;
        let status = answer.status();
        let accepted = if start.accepted.is_empty() {
            status.is_success()
        } else {
            start.accepted.contains(&status.as_u16())
        };
        if !accepted {
            return Err(refused(status, &what, None));
        }
        let jar = state.jar.clone();
        let jar = jar.lock().unwrap_or_else(PoisonError::into_inner);
        let named = start.cookie.as_deref();
        if let Some(name) = named.filter(|name| jar.get(name).is_none()) {
            return Err(Error::Unauthorized { reason: format!("{what} set no cookie `{name}`") });
        }
        if jar.is_empty() && !start.answers {
            return Err(Error::Unauthorized { reason: format!("{what} set no cookie") });
        }
        let json: Option<Value> = serde_json::from_slice(answer.body()).ok();
        let answer = Answer { headers: answer.headers(), json: json.as_ref(), cookies: &jar };
        self.head(state, Some(&answer))
    }

    /// Asks for the token against forged requests, where there is one.
    async fn fetch(&self, state: &mut State) -> Result<(), Error> {
        let Some(fetch) = &self.csrf else { return Ok(()) };
        let mut request = Request::get(fetch.url.clone());
        if let Some(headers) = request.headers_mut() {
            headers.extend(state.headers.clone());
            headers.insert(fetch.header.clone(), HeaderValue::from_static("Fetch"));
        }
        let request = request.body(Bytes::new()).map_err(|_| unwritable("fetch of a token"))?;
        let what = format!("the fetch of a token at {}", self.door.origin);
        let answer = self.ask(request, state, fetch.url.path()).await?;
        let status = answer.status();
        // Some gateways answer 404 or 405 to the question and give the token all the same.
        if matches!(status.as_u16(), 401 | 403 | 429 | 500..) {
            return Err(refused(status, &what, None));
        }
        let text = match &fetch.token {
            None => {
                let value = answer.headers().get(&fetch.header).filter(|value| !is(value, "required"));
                let text = value.and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
                let text = text.map(|text| Zeroizing::new(text.to_owned()));
                text.ok_or_else(|| format!("the answer has no header `{}`", fetch.header))
            }
            Some(template) => {
                let json: Option<Value> = serde_json::from_slice(answer.body()).ok();
                let jar = state.jar();
                let answer = Answer { headers: answer.headers(), json: json.as_ref(), cookies: &jar };
                template.write(&self.secrets, Some(&answer), &mut Vec::new())
            }
        };
        let text = text.map_err(|reason| Error::Unauthorized {
            reason: format!("{what} answered with status {} and gave none: {reason}", status.as_u16()),
        })?;
        state.csrf = Some(sensitive(&text).ok_or_else(|| unwritable("token"))?);
        state.hidden.push(Secret::new(text.to_string()));
        Ok(())
    }

    /// One request of the host's own in a session, whose cookies it carries and takes.
    async fn ask(
        &self,
        mut request: Request<Bytes>,
        state: &State,
        path: &str,
    ) -> Result<Response<Bytes>, Error> {
        let cookies = state.jar().header(path, self.clock.now()).and_then(|text| sensitive(&text));
        if let Some(cookies) = cookies {
            request.headers_mut().insert(COOKIE, cookies);
        }
        let mask = Mask::of(&self.secrets, &state.hidden());
        let answer = self.door.ask(request, &mask).await.map_err(unreachable)?;
        state.jar().take(answer.headers(), path, self.clock.now());
        Ok(answer)
    }

    fn body(&self, body: &Body) -> Result<(&'static str, Bytes), Error> {
        let missing =
            |reason| Error::Unauthorized { reason: format!("the login cannot be written: {reason}") };
        let fill =
            |template: &Template| template.write(&self.secrets, None, &mut Vec::new()).map_err(missing);
        match body {
            Body::Form(fields) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (name, template) in fields {
                    form.append_pair(name, &fill(template)?);
                }
                Ok(("application/x-www-form-urlencoded", form.finish().into()))
            }
            Body::Json(json) => {
                let filled = filled(json, &|text| fill(&Template::parse(text).map_err(missing)?))?;
                Ok(("application/json", filled.to_string().into()))
            }
        }
    }
}

/// The JSON with everything in its place.
fn filled(value: &Value, fill: &dyn Fn(&str) -> Result<Zeroizing<String>, Error>) -> Result<Value, Error> {
    Ok(match value {
        Value::String(text) => Value::String(fill(text)?.to_string()),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| filled(item, fill)).collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, field)| Ok((name.clone(), filled(field, fill)?)));
            Value::Object(fields.collect::<Result<_, Error>>()?)
        }
        other => other.clone(),
    })
}

fn unwritable(what: &str) -> Error {
    Error::Unauthorized { reason: format!("the {what} cannot be written") }
}
