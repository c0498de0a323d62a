//! The cookies of one session, which go to one origin.
//!
//! The `Domain` attribute is ignored, because a session's cookies are sent to no other origin than the one that
//! set them.

use cookie::Cookie;
use crossdock_model::time::Millis;
use http::header::{HeaderMap, SET_COOKIE};
use std::time::Duration;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// Cookies per session; browsers have a limit of the same order.
const MAX_COOKIES: usize = 64;

/// The cookies that a server has set.
#[derive(Default)]
pub(super) struct CookieJar(Vec<StoredCookie>);

struct StoredCookie {
    name: String,
    path: String,
    value: Secret,
    expires: Option<Millis>,
}

impl CookieJar {
    /// Stores the cookies that the response to a request for `path` sets. True when there were any.
    pub(super) fn store(&mut self, headers: &HeaderMap, path: &str, now: Millis) -> bool {
        let mut any = false;
        let texts = headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        for cookie in texts.filter_map(|text| Cookie::parse(text).ok()) {
            any = true;
            let path = match cookie.path() {
                Some(path) if path.starts_with('/') => path.to_owned(),
                _ => default_path(path).to_owned(),
            };
            self.0.retain(|stored| !(stored.name == cookie.name() && stored.path == path));
            let expires = expiry(&cookie, now);
            if expires.is_none_or(|expires| expires > now) && self.0.len() < MAX_COOKIES {
                let value = Secret::new(cookie.value().to_owned());
                self.0.push(StoredCookie { name: cookie.name().to_owned(), path, value, expires });
            }
        }
        // Longest path first (RFC 6265, 5.4).
        self.0.sort_by_key(|stored| std::cmp::Reverse(stored.path.len()));
        any
    }

    /// The `Cookie` header of a request for `path`. Absent when no cookie applies.
    pub(super) fn header(&self, path: &str, now: Millis) -> Option<Zeroizing<String>> {
        let mut text = Zeroizing::new(String::new());
        for cookie in &self.0 {
            if !path_matches(path, &cookie.path) || cookie.expires.is_some_and(|expires| expires <= now) {
                continue;
            }
            if !text.is_empty() {
                text.push_str("; ");
            }
            text.push_str(&cookie.name);
            text.push('=');
            text.push_str(cookie.value.expose());
        }
        (!text.is_empty()).then_some(text)
    }

    /// The value of a cookie.
    pub(super) fn get(&self, name: &str) -> Option<&Secret> {
        self.0.iter().find(|cookie| cookie.name == name).map(|cookie| &cookie.value)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Secret> {
        self.0.iter().map(|cookie| &cookie.value)
    }
}

/// `Max-Age` before `Expires` (RFC 6265, 5.3).
fn expiry(cookie: &Cookie<'_>, now: Millis) -> Option<Millis> {
    if let Some(age) = cookie.max_age() {
        let seconds = u64::try_from(age.whole_seconds()).unwrap_or(0);
        return Some(now.plus(Duration::from_secs(seconds)));
    }
    cookie.expires_datetime().map(|moment| Millis(moment.unix_timestamp().saturating_mul(1000)))
}

/// The path of a cookie without a `Path` attribute (RFC 6265, 5.1.4).
fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        Some(at) if at > 0 => path.get(..at).unwrap_or("/"),
        _ => "/",
    }
}

/// Whether a cookie of `cookie_path` is sent to `path` (RFC 6265, 5.1.4).
fn path_matches(path: &str, cookie_path: &str) -> bool {
    match path.strip_prefix(cookie_path) {
        Some(rest) => cookie_path.ends_with('/') || rest.is_empty() || rest.starts_with('/'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_800_000_000_000);

    fn set(jar: &mut CookieJar, path: &str, cookies: &[&str]) {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(SET_COOKIE, cookie.parse().unwrap());
        }
        assert_eq!(jar.store(&headers, path, NOW), !cookies.is_empty());
    }

    fn sent(jar: &CookieJar, path: &str, now: Millis) -> String {
        jar.header(path, now).map(|text| text.to_string()).unwrap_or_default()
    }

    #[test]
    fn cookies_are_sent_to_their_paths_longest_path_first() {
        let mut jar = CookieJar::default();
        set(
            &mut jar,
            "/b1s/v1/Login",
            &["ROUTEID=.node1; Path=/", "B1SESSION=abc; HttpOnly", "x=1; path=/odata"],
        );
        assert_eq!(sent(&jar, "/b1s/v1/Orders", NOW), "B1SESSION=abc; ROUTEID=.node1");
        assert_eq!(sent(&jar, "/b1s/v10", NOW), "ROUTEID=.node1");
        assert_eq!(sent(&jar, "/odata", NOW), "x=1; ROUTEID=.node1");
    }

    #[test]
    fn cookies_are_replaced_and_expire() {
        let mut jar = CookieJar::default();
        set(&mut jar, "/", &["a=1; Max-Age=60", "b=2"]);
        set(&mut jar, "/", &["b=3"]);
        assert_eq!(sent(&jar, "/", NOW), "a=1; b=3");
        assert_eq!(sent(&jar, "/", NOW.plus(Duration::from_secs(60))), "b=3");
        // In SAP's date format.
        set(&mut jar, "/", &["b=x; expires=Thu, 01-Jan-1970 00:00:01 GMT"]);
        set(&mut jar, "/", &["a=x; Max-Age=0"]);
        assert!(jar.is_empty());
    }
}
