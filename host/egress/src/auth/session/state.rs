//! An active session: its headers, cookies and CSRF token.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossdock_model::time::Millis;
use http::header::{HeaderMap, HeaderValue};

use crate::auth::cookies::CookieJar;
use crate::secret::Secret;

/// Other values from the login's response than the session itself are masked from this length on: shorter
/// ones are a language, a client number or a user id, and masking those would damage responses. What
/// authenticates by its position (the login's cookie, a CSRF token, `Authorization`) is masked like any secret.
const MIN_MASKED_BYTES: usize = 16;

/// An active session.
#[derive(Clone)]
pub(crate) struct SessionState {
    pub(super) headers: HeaderMap,
    pub(super) csrf_token: Option<HeaderValue>,
    pub(super) cookies: Arc<Mutex<CookieJar>>,
    /// The cookie that is the session, where the operator names it.
    pub(super) session_cookie: Option<String>,
    /// What authenticates by its position; always masked.
    pub(super) credentials: Vec<Secret>,
    /// Other values that headers are made from; masked when they are long.
    pub(super) values: Vec<Secret>,
    pub(super) started: Millis,
}

impl SessionState {
    pub(super) fn cookies(&self) -> MutexGuard<'_, CookieJar> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a target could reflect.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        let values = self.values.iter().filter(is_long).chain(&self.credentials).cloned();
        values.chain(self.cookie_secrets(&self.cookies())).collect()
    }

    /// The cookies to mask.
    pub(super) fn cookie_secrets(&self, cookies: &CookieJar) -> Vec<Secret> {
        let session_cookie = self.session_cookie.as_deref().and_then(|name| cookies.get(name));
        cookies.values().filter(is_long).chain(session_cookie).cloned().collect()
    }
}

fn is_long(secret: &&Secret) -> bool {
    secret.expose().len() >= MIN_MASKED_BYTES
}

/// True for a header with this value, in any case.
pub(super) fn has_value(header: &HeaderValue, value: &str) -> bool {
    header.as_bytes().eq_ignore_ascii_case(value.as_bytes())
}

/// A header value that does not print. Absent when the text has characters that a header cannot carry.
pub(super) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
