//! The cookies of one session, which go to one origin.
//!
//! Domains are not looked at, because a session's cookies go to no other origin than the one that set them.

use cookie::Cookie;
use crossdock_model::time::Millis;
use http::header::{HeaderMap, SET_COOKIE};
use std::time::Duration;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// The most cookies that are kept: a server that sets more is not speaking to a browser either.
const MOST: usize = 64;

/// What a server asked to be told again.
#[derive(Default)]
pub(super) struct Jar(Vec<Kept>);

struct Kept {
    name: String,
    path: String,
    value: Secret,
    expires: Option<Millis>,
}

impl Jar {
    /// Takes the cookies of an answer to a request for `path`. True when there were any.
    pub(super) fn take(&mut self, headers: &HeaderMap, path: &str, now: Millis) -> bool {
        let mut any = false;
        let texts = headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        for cookie in texts.filter_map(|text| Cookie::parse(text).ok()) {
            any = true;
            let path = match cookie.path() {
                Some(path) if path.starts_with('/') => path.to_owned(),
                _ => folder(path).to_owned(),
            };
            self.0.retain(|kept| !(kept.name == cookie.name() && kept.path == path));
            let expires = expiry(&cookie, now);
            if expires.is_none_or(|expires| expires > now) && self.0.len() < MOST {
                let value = Secret::new(cookie.value().to_owned());
                self.0.push(Kept { name: cookie.name().to_owned(), path, value, expires });
            }
        }
        // The longest path first, as servers expect it.
        self.0.sort_by_key(|kept| std::cmp::Reverse(kept.path.len()));
        any
    }

    /// The cookies for a request for `path`. Absent when there are none.
    pub(super) fn header(&self, path: &str, now: Millis) -> Option<Zeroizing<String>> {
        let mut text = Zeroizing::new(String::new());
        for kept in &self.0 {
            if !under(path, &kept.path) || kept.expires.is_some_and(|expires| expires <= now) {
                continue;
            }
            if !text.is_empty() {
                text.push_str("; ");
            }
            text.push_str(&kept.name);
            text.push('=');
            text.push_str(kept.value.expose());
        }
        (!text.is_empty()).then_some(text)
    }

    /// The value of a cookie.
    pub(super) fn get(&self, name: &str) -> Option<&Secret> {
        self.0.iter().find(|kept| kept.name == name).map(|kept| &kept.value)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Secret> {
        self.0.iter().map(|kept| &kept.value)
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

/// The folder of a path: where a cookie belongs whose server names no path.
fn folder(path: &str) -> &str {
    match path.rfind('/') {
        Some(at) if at > 0 => path.get(..at).unwrap_or("/"),
        _ => "/",
    }
}

fn under(path: &str, folder: &str) -> bool {
    match path.strip_prefix(folder) {
        Some(rest) => folder.ends_with('/') || rest.is_empty() || rest.starts_with('/'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_800_000_000_000);

    fn set(jar: &mut Jar, path: &str, cookies: &[&str]) {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(SET_COOKIE, cookie.parse().unwrap());
        }
        assert_eq!(jar.take(&headers, path, NOW), !cookies.is_empty());
    }

    fn sent(jar: &Jar, path: &str, now: Millis) -> String {
        jar.header(path, now).map(|text| text.to_string()).unwrap_or_default()
    }

    #[test]
    fn cookies_go_where_they_belong_and_the_narrowest_goes_first() {
        let mut jar = Jar::default();
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
    fn cookies_are_replaced_and_end() {
        let mut jar = Jar::default();
        set(&mut jar, "/", &["a=1; Max-Age=60", "b=2"]);
        set(&mut jar, "/", &["b=3"]);
        assert_eq!(sent(&jar, "/", NOW), "a=1; b=3");
        assert_eq!(sent(&jar, "/", NOW.plus(Duration::from_secs(60))), "b=3");
        // As SAP's servers write it.
        set(&mut jar, "/", &["b=x; expires=Thu, 01-Jan-1970 00:00:01 GMT"]);
        set(&mut jar, "/", &["a=x; Max-Age=0"]);
        assert!(jar.is_empty());
    }
}
