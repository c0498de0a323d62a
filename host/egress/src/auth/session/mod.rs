//! Sessions: cookies and headers of a login, CSRF tokens.

mod config;
mod login;
mod plan;
mod state;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{COOKIE, HeaderMap, HeaderName, SET_COOKIE};
use http::{Method, Response, StatusCode};

use super::context::Context;
use super::credential_cache::CredentialCache;
use crate::error::Error;
use crate::origin::Origin;
use crate::secret::Secret;

pub use config::{Csrf, Login, Session};
use plan::SessionPlan;
pub(super) use state::SessionState;
use state::{has_value, sensitive};

/// What has expired, according to a response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expired {
    /// The session.
    Session,
    /// The CSRF token alone.
    CsrfToken,
}

/// The sessions of one connector, one at a time.
pub(crate) struct Sessions(Arc<Inner>);

struct Inner {
    plan: SessionPlan,
    cache: CredentialCache<SessionState>,
}

impl Sessions {
    /// Checks the configuration.
    pub(super) fn new(config: &Session, context: &Context<'_>) -> Result<Self, String> {
        let inner = Inner { plan: SessionPlan::new(config, context)?, cache: CredentialCache::new() };
        Ok(Self(Arc::new(inner)))
    }

    /// The headers that only the host may set.
    pub(super) fn reserved(&self) -> Vec<HeaderName> {
        let headers = self.0.plan.headers.iter().map(|(name, _)| name.clone());
        headers.chain(self.0.plan.csrf.iter().map(|csrf| csrf.header.clone())).chain([COOKIE]).collect()
    }

    /// The host that a session is valid for.
    pub(super) fn origin(&self) -> &Origin {
        &self.0.plan.client.origin
    }

    /// A session other than the expired one; the same with a new CSRF token when only that has expired.
    pub(super) async fn get(
        &self,
        expired: Option<(Arc<SessionState>, Expired)>,
    ) -> Result<Arc<SessionState>, Error> {
        let inner = &self.0;
        let now = inner.plan.clock.now();
        let is_usable = |state: &Arc<SessionState>| {
            let in_lifetime = inner.plan.lifetime.is_none_or(|lifetime| now.since(state.started) < lifetime);
            in_lifetime && expired.as_ref().is_none_or(|(expired, _)| !Arc::ptr_eq(expired, state))
        };
        let obtain = || {
            let inner = inner.clone();
            let without_csrf_token = match &expired {
                Some((state, Expired::CsrfToken)) => Some(state.clone()),
                _ => None,
            };
            async move { login::start(&inner.plan, without_csrf_token.as_deref()).await }
        };
        inner.cache.get(&inner.plan.clock, is_usable, obtain).await
    }

    /// Adds the session to a request. Returns the cookies, to be masked: another response may replace them in
    /// the session before this request's response arrives.
    pub(super) fn apply(
        &self,
        state: &SessionState,
        method: &Method,
        path: &str,
        headers: &mut HeaderMap,
    ) -> Vec<Secret> {
        headers.extend(state.headers.clone());
        let (cookies, secrets) = {
            let cookies = state.cookies();
            (cookies.header(path, self.0.plan.clock.now()), state.cookie_secrets(&cookies))
        };
        if let Some(cookies) = cookies.and_then(|text| sensitive(&text)) {
            headers.insert(COOKIE, cookies);
        }
        let is_change = ![Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
        if let (Some(csrf), Some(token), true) = (&self.0.plan.csrf, &state.csrf_token, is_change) {
            headers.insert(csrf.header.clone(), token.clone());
        }
        secrets
    }

    /// What has expired, according to a response.
    pub(super) fn expired(&self, response: &Response<Bytes>) -> Option<Expired> {
        let csrf = self.0.plan.csrf.as_ref().and_then(|csrf| response.headers().get(&csrf.header));
        if response.status() == StatusCode::FORBIDDEN
            && csrf.is_some_and(|value| has_value(value, "required"))
        {
            return Some(Expired::CsrfToken);
        }
        self.0.plan.expired.contains(&response.status().as_u16()).then_some(Expired::Session)
    }

    /// Moves cookies from a response into the session, and removes a CSRF token that is not for the guest.
    pub(super) fn take_session_data(&self, state: &SessionState, path: &str, response: &mut Response<Bytes>) {
        let headers = response.headers_mut();
        state.cookies().store(headers, path, self.0.plan.clock.now());
        headers.remove(SET_COOKIE);
        if let Some(csrf) = &self.0.plan.csrf
            && headers.get(&csrf.header).is_some_and(|value| !has_value(value, "required"))
        {
            headers.remove(&csrf.header);
        }
    }

    /// Secrets of recent sessions, which a target could reflect.
    pub(super) fn secrets_to_mask(&self) -> Vec<Secret> {
        self.0.cache.recent().iter().flat_map(|state| state.secrets()).collect()
    }
}
