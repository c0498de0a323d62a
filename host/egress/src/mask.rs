//! Hides secrets in what comes back, before the guest sees it.
//!
//! Many systems echo a request's headers in their error pages, and whoever can read an answer could then
//! read the secret. The answer is whole when it is masked, so a secret that arrived in two pieces is
//! found; and what is hidden keeps its length, so that lengths written elsewhere stay true.
//!
//! A secret is looked for as it is and as base64 writes it, in the answer as it is and in what it says once
//! JSON's, an address's or HTML's way of writing is undone. So it does not matter which characters a target
//! escapes, nor in which case. What is written in two ways at once (a form in HTML in JSON) is not found.

mod writing;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue};
use memchr::memmem;
use zeroize::Zeroizing;

use crate::secret::{Secret, Secrets};
use writing::Writing;

/// Shorter texts occur by chance: hiding them would spoil answers and protect nothing.
const SHORTEST: usize = 6;

/// What must not be seen, in the forms in which it could be reflected.
pub(crate) struct Mask(Vec<Zeroizing<Vec<u8>>>);

impl Mask {
    /// Hides every secret of a connector and what authenticates its requests, plain and in base64.
    pub(crate) fn of(secrets: &Secrets, credentials: &[Secret]) -> Self {
        let mut forms: Vec<Zeroizing<Vec<u8>>> = Vec::new();
        let mut add = |form: String| {
            let form = Zeroizing::new(form.into_bytes());
            if form.len() >= SHORTEST && !forms.contains(&form) {
                forms.push(form);
            }
        };
        for secret in secrets.all().chain(credentials.iter().cloned()) {
            let text = secret.expose();
            add(text.to_owned());
            for base64 in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
                add(base64.encode(text));
            }
        }
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
        if !self.hides() {
            return None;
        }
        let mut masked: Option<Vec<u8>> = None;
        let mut hide = |place: std::ops::Range<usize>| {
            let out = masked.get_or_insert_with(|| data.to_vec());
            if let Some(place) = out.get_mut(place) {
                place.fill(b'*');
            }
        };
        // Found in the original: one form hidden must not keep an overlapping one from being found.
        self.found(data).for_each(&mut hide);
        for writing in Writing::ALL.into_iter().filter(|writing| writing.occurs(data)) {
            let read = Zeroizing::new(writing.read(data));
            let mut secret = vec![false; read.len()];
            for place in self.found(&read) {
                if let Some(place) = secret.get_mut(place) {
                    place.fill(true);
                }
            }
            if secret.contains(&true) {
                writing.places(data, &secret).for_each(&mut hide);
            }
        }
        masked
    }

    fn found<'a>(&'a self, data: &'a [u8]) -> impl Iterator<Item = std::ops::Range<usize>> + 'a {
        self.0
            .iter()
            .flat_map(move |form| memmem::find_iter(data, form.as_slice()).map(move |at| at..at + form.len()))
    }
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

    /// Asserts that of `x…y…` nothing is left but the letters around it.
    fn hidden(mask: &Mask, form: &str) {
        let before = format!("x{form}y{form}z");
        let after = mask.body(Bytes::from(before.clone()));
        let stars = "*".repeat(form.len());
        assert_eq!(std::str::from_utf8(&after).unwrap(), format!("x{stars}y{stars}z"), "{before}");
    }

    #[test]
    fn every_form_of_a_secret_is_hidden_and_lengths_stay() {
        let secret = "p\"ss w/rd+1&<ü";
        let pair = STANDARD.encode(format!("crossdock:{secret}"));
        let mask = mask(secret, &[Secret::new(pair.clone())]);
        let forms = [
            secret,
            &STANDARD.encode(secret),
            &pair,
            // JSON: serde and JavaScript, PHP, Go, .NET, Python.
            r#"p\"ss w/rd+1&<ü"#,
            r#"p\"ss w\/rd+1&<\u00fc"#,
            r#"p\"ss w/rd+1\u0026\u003cü"#,
            r#"p\u0022ss w/rd\u002B1\u0026\u003C\u00FC"#,
            r#"\u0070\"ss w/rd+1&<\u00fc"#,
            // Addresses and forms, in either case.
            "p%22ss%20w%2Frd%2B1%26%3C%C3%BC",
            "p%22ss%20w%2frd%2b1%26%3c%c3%bc",
            "p%22ss+w%2Frd%2B1%26%3C%C3%BC",
            "p\"ss%20w/rd+1&%3Cü",
            // HTML.
            "p&quot;ss w/rd+1&amp;&lt;ü",
            "p&#34;ss w/rd&#43;1&amp;&lt;ü",
            "p&#x22;ss w&#x2F;rd&#x2b;1&#38;&LT;&#252;",
        ];
        for form in forms {
            hidden(&mask, form);
        }
    }

    #[test]
    fn base64_in_any_alphabet_and_escaped_is_hidden() {
        let secret = "~~~???>>>>";
        let mask = mask(secret, &[]);
        let standard = STANDARD.encode(secret);
        assert!(standard.contains('/') && standard.contains('+') && standard.ends_with('='), "{standard}");
        let escaped =
            [standard.replace('/', "\\/"), standard.replace('+', "\\u002b").replace('/', "\\u002F")];
        for form in
            [&standard, &URL_SAFE.encode(secret), &URL_SAFE_NO_PAD.encode(secret)].into_iter().chain(&escaped)
        {
            hidden(&mask, form);
        }
        hidden(&mask, &STANDARD_NO_PAD.encode(secret));
        hidden(&mask, &standard.replace('+', "%2b").replace('/', "%2F").replace('=', "%3d"));
    }

    #[test]
    fn what_looks_like_an_escape_and_belongs_to_the_secret_is_hidden_as_it_is() {
        for secret in [r"a\u0041b\\c", "100%41&amp;x", "a+b c+d", "\u{1f511}-key"] {
            hidden(&mask(secret, &[]), secret);
        }
        hidden(&mask("\u{1f511}-key", &[]), r"\ud83d\uDD11-key");
        hidden(&mask("a+b c+d", &[]), "a%2Bb+c%2Bd");
    }

    #[test]
    fn broken_escapes_spoil_nothing() {
        let mask = mask("tok-123456", &[]);
        for text in
            ["\\", "\\u12", "\\ud83dx", "%", "%4", "%zz", "&", "&#;", "&#x110000;", "&#xd800;", "&unknown;"]
        {
            let body = Bytes::from(format!("{text}tok-123456{text}"));
            let masked = mask.body(body);
            assert_eq!(masked, format!("{text}**********{text}"), "{text}");
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
