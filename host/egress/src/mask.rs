//! Hides secrets in what comes back, before the guest sees it.
//!
//! Many systems echo a request's headers in their error pages, and whoever can read an answer could then
//! read the secret. The answer is whole when it is masked, so a secret that arrived in two pieces is
//! found; and what is hidden keeps its length, so that lengths written elsewhere stay true.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue};
use memchr::memmem;
use zeroize::Zeroizing;

use crate::secret::{Secret, Secrets};

/// Shorter texts occur by chance: hiding them would spoil answers and protect nothing.
const SHORTEST: usize = 6;

/// What must not be seen, in the forms in which it could be reflected.
pub(crate) struct Mask(Vec<Zeroizing<Vec<u8>>>);

impl Mask {
    /// Hides every secret of a connector and what authenticates its requests, plain and as JSON, URLs and
    /// base64 write it.
    pub(crate) fn of(secrets: &Secrets, credentials: &[Secret]) -> Self {
        let mut forms: Vec<Zeroizing<Vec<u8>>> = Vec::new();
        let mut add = |form: Cow<'_, str>| {
            let form = Zeroizing::new(form.into_owned().into_bytes());
            if form.len() >= SHORTEST && !forms.contains(&form) {
                forms.push(form);
            }
        };
        for secret in secrets.all().chain(credentials.iter().cloned()) {
            let text = secret.expose();
            add(Cow::Borrowed(text));
            add(Cow::Owned(STANDARD.encode(text)));
            add(Cow::Owned(escaped(text)));
            add(Cow::Owned(percent(text)));
        }
        // The longest first: a form may contain another.
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        Self(forms)
    }

    /// True when there is something to hide.
    pub(crate) fn hides(&self) -> bool {
        !self.0.is_empty()
    }

    /// The body without secrets.
    pub(crate) fn body(&self, body: Bytes) -> Bytes {
        match self.masked(&body) {
            Some(masked) => masked.into(),
            None => body,
        }
    }

    /// The headers without secrets.
    pub(crate) fn headers(&self, headers: &mut HeaderMap) {
        for value in headers.values_mut() {
            if let Some(masked) = self.masked(value.as_bytes()) {
                *value = HeaderValue::from_bytes(&masked).unwrap_or_else(|_| HeaderValue::from_static("***"));
            }
        }
    }

    /// A text of our own (an error of a library) without secrets.
    pub(crate) fn text(&self, text: String) -> String {
        match self.masked(text.as_bytes()) {
            Some(masked) => String::from_utf8_lossy(&masked).into_owned(),
            None => text,
        }
    }

    fn masked(&self, data: &[u8]) -> Option<Vec<u8>> {
        let mut masked: Option<Vec<u8>> = None;
        for form in &self.0 {
            // Found in the original: one form hidden must not keep an overlapping one from being found.
            for at in memmem::find_iter(data, form.as_slice()) {
                let out = masked.get_or_insert_with(|| data.to_vec());
                if let Some(place) = out.get_mut(at..at + form.len()) {
                    place.fill(b'*');
                }
            }
        }
        masked
    }
}

/// As JSON writes it, without the quotes.
fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.trim_start_matches('"').strip_suffix('"').unwrap_or(&quoted).to_owned()
}

/// As a URL or a form writes it.
fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(secret: &str, credentials: &[Secret]) -> Mask {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, secret).unwrap();
        let place = format!("file:{}", path.display());
        Mask::of(&Secrets::load([("token", [place.as_str()])]).unwrap(), credentials)
    }

    #[test]
    fn every_form_of_a_secret_is_hidden_and_lengths_stay() {
        let secret = "p\"ss w/rd+1";
        let pair = STANDARD.encode(format!("crossdock:{secret}"));
        let mask = mask(secret, &[Secret::new(pair.clone())]);
        for form in [secret, &escaped(secret), &percent(secret), &STANDARD.encode(secret), &pair] {
            let before = format!("x{form}y{form}");
            let after = mask.body(Bytes::from(before.clone()));
            let after = std::str::from_utf8(&after).unwrap();
            assert_eq!(after.len(), before.len());
            assert_eq!(
                after.trim_matches(|c| c == 'x' || c == 'y').trim_matches('*'),
                after[form.len() + 1..][..1].to_owned()
            );
        }
    }

    #[test]
    fn headers_are_masked_too() {
        let mask = mask("tok-123456", &[]);
        let mut headers = HeaderMap::new();
        headers.insert("x-echo", HeaderValue::from_static("Bearer tok-123456"));
        mask.headers(&mut headers);
        assert_eq!(headers["x-echo"], "Bearer **********");
    }

    #[test]
    fn what_holds_no_secret_is_not_copied() {
        let body = Bytes::from_static(b"{\"id\":\"SO-1\"}");
        let masked = mask("tok-123456", &[]).body(body.clone());
        assert_eq!(masked.as_ptr(), body.as_ptr());
    }

    #[test]
    fn short_secrets_are_not_hunted() {
        assert!(!mask("ab", &[]).0.iter().any(|form| form.as_slice() == b"ab"));
    }
}
