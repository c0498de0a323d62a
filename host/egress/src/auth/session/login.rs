//! Starts a session: the login, and the request for a CSRF token.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue};
use http::{Request, Response};
use serde_json::Value;
use zeroize::Zeroizing;

use super::plan::{LoginBody, LoginRequest, SessionPlan};
use super::state::{SessionState, has_value, sensitive};
use crate::auth::template::{ResponseParts, Template};
use crate::auth::token_client::{request_failed, unsuccessful};
use crate::error::Error;
use crate::mask::Mask;
use crate::secret::Secret;

/// Starts a session; or, given one, only fetches a new CSRF token for it.
pub(super) async fn start(
    plan: &SessionPlan,
    without_csrf_token: Option<&SessionState>,
) -> Result<SessionState, Error> {
    if let Some(session) = without_csrf_token {
        let mut state = SessionState { csrf_token: None, ..session.clone() };
        match fetch_csrf_token(plan, &mut state).await {
            Ok(()) => return Ok(state),
            // The session itself may have expired.
            Err(Error::Unauthorized { .. }) if plan.login.is_some() => {}
            Err(error) => return Err(error),
        }
    }
    let mut state = SessionState {
        headers: HeaderMap::new(),
        csrf_token: None,
        cookies: Arc::default(),
        session_cookie: plan.login.as_ref().and_then(|login| login.cookie.clone()),
        credentials: Vec::new(),
        values: Vec::new(),
        started: plan.clock.now(),
    };
    write_headers(plan, &mut state, None)?;
    if let Some(login) = &plan.login {
        log_in(plan, login, &mut state).await?;
    }
    fetch_csrf_token(plan, &mut state).await?;
    tracing::debug!(origin = %plan.client.origin, "started a session");
    Ok(state)
}

/// Writes the headers that need no response, or with a response the others.
fn write_headers(
    plan: &SessionPlan,
    state: &mut SessionState,
    response: Option<&ResponseParts<'_>>,
) -> Result<(), Error> {
    let due = plan.headers.iter().filter(|(_, template)| template.needs_response() == response.is_some());
    for (name, template) in due {
        let value = template.fill(&plan.secrets, response, &mut state.values).and_then(|text| {
            // A scheme before a space is not secret, and what follows it may be reflected alone.
            let bare = text.split_once(' ').map_or(text.as_str(), |(_, bare)| bare);
            let secrets = if *name == AUTHORIZATION { &mut state.credentials } else { &mut state.values };
            secrets.push(Secret::new(bare.to_owned()));
            sensitive(&text).ok_or_else(|| "it has characters that a header cannot carry".to_owned())
        });
        let value = value.map_err(|reason| {
            let after = if response.is_some() { " after the login" } else { "" };
            Error::Unauthorized { reason: format!("writing the header `{name}`{after}: {reason}") }
        })?;
        state.headers.insert(name.clone(), value);
    }
    Ok(())
}

async fn log_in(plan: &SessionPlan, login: &LoginRequest, state: &mut SessionState) -> Result<(), Error> {
    let (content_type, body) = login_body(plan, &login.body)?;
    let mut request = Request::post(login.url.clone());
    if let Some(headers) = request.headers_mut() {
        headers.extend(state.headers.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    let request = request.body(body).map_err(|_| unwritable("login request"))?;
    let endpoint = format!("the login at {}", plan.client.origin);
    let response = send(plan, request, state, login.url.path()).await?;
    let status = response.status();
    let is_accepted = if login.accepted.is_empty() {
        status.is_success()
    } else {
        login.accepted.contains(&status.as_u16())
    };
    if !is_accepted {
        return Err(unsuccessful(status, &endpoint, ""));
    }
    let cookies = state.cookies.clone();
    let cookies = cookies.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(name) = login.cookie.as_deref().filter(|name| cookies.get(name).is_none()) {
        return Err(Error::Unauthorized { reason: format!("{endpoint} set no cookie `{name}`") });
    }
    if cookies.is_empty() && !plan.uses_login_response() {
        return Err(Error::Unauthorized { reason: format!("{endpoint} set no cookie") });
    }
    let json: Option<Value> = serde_json::from_slice(response.body()).ok();
    let parts = ResponseParts { headers: response.headers(), json: json.as_ref(), cookies: &cookies };
    write_headers(plan, state, Some(&parts))
}

/// Fetches the CSRF token, where one is configured.
async fn fetch_csrf_token(plan: &SessionPlan, state: &mut SessionState) -> Result<(), Error> {
    let Some(csrf) = &plan.csrf else { return Ok(()) };
    let mut request = Request::get(csrf.url.clone());
    if let Some(headers) = request.headers_mut() {
        headers.extend(state.headers.clone());
        headers.insert(csrf.header.clone(), HeaderValue::from_static("Fetch"));
    }
    let request = request.body(Bytes::new()).map_err(|_| unwritable("request for a CSRF token"))?;
    let endpoint = format!("the request for a CSRF token at {}", plan.client.origin);
    let response = send(plan, request, state, csrf.url.path()).await?;
    let status = response.status();
    // Some gateways respond with 404 or 405 and return the token all the same.
    if matches!(status.as_u16(), 401 | 403 | 429 | 500..) {
        return Err(unsuccessful(status, &endpoint, ""));
    }
    let token = match &csrf.token {
        None => {
            let value = response.headers().get(&csrf.header).filter(|value| !has_value(value, "required"));
            let text = value.and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
            let text = text.map(|text| Zeroizing::new(text.to_owned()));
            text.ok_or_else(|| format!("the response has no header `{}`", csrf.header))
        }
        Some(template) => {
            let json: Option<Value> = serde_json::from_slice(response.body()).ok();
            let cookies = state.cookies();
            let parts = ResponseParts { headers: response.headers(), json: json.as_ref(), cookies: &cookies };
            template.fill(&plan.secrets, Some(&parts), &mut Vec::new())
        }
    };
    let token = token.map_err(|reason| Error::Unauthorized {
        reason: format!("{endpoint} returned no token with status {}: {reason}", status.as_u16()),
    })?;
    state.csrf_token = Some(sensitive(&token).ok_or_else(|| unwritable("CSRF token"))?);
    state.credentials.push(Secret::new(token.to_string()));
    Ok(())
}

/// Sends one of the host's own requests with the session's cookies, and stores the cookies of the response.
async fn send(
    plan: &SessionPlan,
    mut request: Request<Bytes>,
    state: &SessionState,
    path: &str,
) -> Result<Response<Bytes>, Error> {
    let cookies = state.cookies().header(path, plan.clock.now()).and_then(|text| sensitive(&text));
    if let Some(cookies) = cookies {
        request.headers_mut().insert(COOKIE, cookies);
    }
    let mask = Mask::of(&plan.secrets, &state.secrets());
    let response = plan.client.send(request, &mask).await.map_err(request_failed)?;
    state.cookies().store(response.headers(), path, plan.clock.now());
    Ok(response)
}

/// Content type and body of the login's request.
fn login_body(plan: &SessionPlan, body: &LoginBody) -> Result<(&'static str, Bytes), Error> {
    let failed = |reason| Error::Unauthorized { reason: format!("writing the login request: {reason}") };
    let fill = |template: &Template| template.fill(&plan.secrets, None, &mut Vec::new()).map_err(failed);
    match body {
        LoginBody::Form(fields) => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            for (name, template) in fields {
                form.append_pair(name, &fill(template)?);
            }
            Ok(("application/x-www-form-urlencoded", form.finish().into()))
        }
        LoginBody::Json(json) => {
            let filled = fill_texts(json, &|text| fill(&Template::parse(text).map_err(failed)?))?;
            Ok(("application/json", filled.to_string().into()))
        }
    }
}

/// The JSON with the placeholders of its texts filled.
fn fill_texts(
    value: &Value,
    fill: &dyn Fn(&str) -> Result<Zeroizing<String>, Error>,
) -> Result<Value, Error> {
    Ok(match value {
        Value::String(text) => Value::String(fill(text)?.to_string()),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| fill_texts(item, fill)).collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, field)| Ok((name.clone(), fill_texts(field, fill)?)));
            Value::Object(fields.collect::<Result<_, Error>>()?)
        }
        other => other.clone(),
    })
}

fn unwritable(what: &str) -> Error {
    Error::Unauthorized { reason: format!("the {what} cannot be written") }
}
