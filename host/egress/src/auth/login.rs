//! How a session is begun: the login, and the fetch of a token against forged requests.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue};
use http::{Request, Response};
use serde_json::Value;
use zeroize::Zeroizing;

use super::door::{refused, unreachable};
use super::session::{Body, Plan, Start};
use super::state::{State, is, sensitive};
use super::template::{Answer, Template};
use crate::error::Error;
use crate::mask::Mask;
use crate::secret::Secret;

impl Plan {
    /// Begins a session, or keeps one and asks for its token anew.
    pub(super) async fn begin(&self, kept: Option<Arc<State>>) -> Result<State, Error> {
        if let Some(kept) = kept {
            let (headers, jar) = (kept.headers.clone(), kept.jar.clone());
            let mut state = State {
                headers,
                csrf: None,
                jar,
                cookie: kept.cookie.clone(),
                secret: kept.secret.clone(),
                hidden: kept.hidden.clone(),
                since: kept.since,
            };
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
            cookie: self.login.as_ref().and_then(|login| login.cookie.clone()),
            secret: Vec::new(),
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
                let bare = Secret::new(bare.to_owned());
                if *name == AUTHORIZATION {
                    state.secret.push(bare)
                } else {
                    state.hidden.push(bare)
                }
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
        state.secret.push(Secret::new(text.to_string()));
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
