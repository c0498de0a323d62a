//! A session that is held: what it adds to requests, and what it learns from answers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use crossdock_model::time::Millis;
use http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use http::{Method, Response, StatusCode};

use super::Context;
use super::cookies::Jar;
use super::keeper::Keeper;
use super::session::{Plan, Session};
use crate::error::Error;
use crate::hosts::Origin;
use crate::secret::Secret;

/// What a login answers beside the session is hidden from this length on: shorter cookies and values are a
/// language, a client or a user's number, and hiding those would spoil answers. What authenticates by its place
/// (the login's cookie, a CSRF token, `Authorization`) is hidden like any other secret.
const SHORTEST: usize = 16;

/// What a session consists of.
pub(crate) struct State {
    pub(super) headers: HeaderMap,
    pub(super) csrf: Option<HeaderValue>,
    pub(super) jar: Arc<Mutex<Jar>>,
    /// The cookie that is the session, where the operator names it.
    pub(super) cookie: Option<String>,
    /// What authenticates by its place, to be hidden.
    pub(super) secret: Vec<Secret>,
    /// What the headers are made of, to be hidden where it is long.
    pub(super) hidden: Vec<Secret>,
    pub(super) since: Millis,
}

impl State {
    pub(super) fn jar(&self) -> MutexGuard<'_, Jar> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn hidden(&self) -> Vec<Secret> {
        let made = self.hidden.iter().filter(long).chain(&self.secret).cloned();
        made.chain(self.cookies(&self.jar())).collect()
    }

    /// The cookies to be hidden.
    pub(super) fn cookies(&self, jar: &Jar) -> Vec<Secret> {
        let named = self.cookie.as_deref().and_then(|name| jar.get(name));
        jar.values().filter(long).chain(named).cloned().collect()
    }
}

/// True for what is long enough to be a secret.
fn long(secret: &&Secret) -> bool {
    secret.expose().len() >= SHORTEST
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

struct Inner {
    plan: Plan,
    keeper: Keeper<State>,
}

impl Sessions {
    /// Checks that the configuration makes sense.
    pub(super) fn new(config: &Session, context: &Context<'_>) -> Result<Self, String> {
        let inner = Inner { plan: Plan::new(config, context)?, keeper: Keeper::new() };
        Ok(Self(Arc::new(inner)))
    }

    /// The headers that are the host's to set.
    pub(super) fn reserved(&self) -> Vec<HeaderName> {
        let headers = self.0.plan.headers.iter().map(|(name, _)| name.clone());
        headers.chain(self.0.plan.csrf.iter().map(|csrf| csrf.header.clone())).chain([COOKIE]).collect()
    }

    /// Where the session holds.
    pub(super) fn origin(&self) -> &Origin {
        &self.0.plan.door.origin
    }

    /// A session; another one than the one of which something is over.
    pub(super) async fn get(&self, over: Option<(Arc<State>, Over)>) -> Result<Arc<State>, Error> {
        let inner = &self.0;
        let now = inner.plan.clock.now();
        let usable = |state: &Arc<State>| {
            let young = inner.plan.lifetime.is_none_or(|lifetime| now.since(state.since) < lifetime);
            young && over.as_ref().is_none_or(|(over, _)| !Arc::ptr_eq(over, state))
        };
        let make = || {
            let inner = inner.clone();
            let kept = match &over {
                Some((state, Over::Csrf)) => Some(state.clone()),
                _ => None,
            };
            async move { inner.plan.begin(kept).await }
        };
        inner.keeper.get(&inner.plan.clock, usable, make).await
    }

    /// Adds what the session consists of to a request. Answers the cookies, to be hidden: another answer may
    /// replace them before this one comes.
    pub(super) fn apply(
        &self,
        state: &State,
        method: &Method,
        path: &str,
        headers: &mut HeaderMap,
    ) -> Vec<Secret> {
        headers.extend(state.headers.clone());
        let (cookies, sent) = {
            let jar = state.jar();
            (jar.header(path, self.0.plan.clock.now()), state.cookies(&jar))
        };
        if let Some(cookies) = cookies.and_then(|text| sensitive(&text)) {
            headers.insert(COOKIE, cookies);
        }
        let changes = ![Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
        if let (Some(fetch), Some(token)) = (&self.0.plan.csrf, state.csrf.clone().filter(|_| changes)) {
            headers.insert(fetch.header.clone(), token);
        }
        sent
    }

    /// What an answer says to be over.
    pub(super) fn over(&self, answer: &Response<Bytes>) -> Option<Over> {
        let required = self.0.plan.csrf.as_ref().and_then(|csrf| answer.headers().get(&csrf.header));
        if answer.status() == StatusCode::FORBIDDEN && required.is_some_and(|value| is(value, "required")) {
            return Some(Over::Csrf);
        }
        self.0.plan.expired.contains(&answer.status().as_u16()).then_some(Over::Session)
    }

    /// Takes cookies out of an answer, and a token that the guest has no business with.
    pub(super) fn learn(&self, state: &State, path: &str, answer: &mut Response<Bytes>) {
        let now = self.0.plan.clock.now();
        let headers = answer.headers_mut();
        state.jar().take(headers, path, now);
        headers.remove(SET_COOKIE);
        if let Some(csrf) = &self.0.plan.csrf
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

/// True when a header says this word, in any case.
pub(super) fn is(value: &HeaderValue, word: &str) -> bool {
    value.as_bytes().eq_ignore_ascii_case(word.as_bytes())
}

/// A header that is not to be printed.
pub(super) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
