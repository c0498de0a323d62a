//! Masks secrets in responses, before the guest sees them.
//!
//! Many systems echo a request's headers in their error pages, and whoever can read the response could then
//! read the secret. A response is masked as a whole, so that a secret that arrived in two parts is found. A
//! masked secret keeps its length, so that lengths stated elsewhere stay right.
//!
//! A secret is searched for in plain and in base64, in the response as it is and after decoding JSON escapes,
//! percent encoding, form encoding and HTML entities. So it does not matter which characters a target escapes,
//! nor in which case. A secret in two encodings at once (form encoding in HTML in JSON) is not found.

mod encoding;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue};
use memchr::memmem;
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::secrets::Secrets;
use encoding::Encoding;

/// Shorter texts occur by chance: masking them would damage responses and protect nothing.
const MIN_SECRET_BYTES: usize = 6;

/// The secrets to mask, in plain and in base64.
pub(crate) struct Mask(Vec<Zeroizing<Vec<u8>>>);

impl Mask {
    /// Masks every secret of a connector, and its current credentials.
    pub(crate) fn of(secrets: &Secrets, credentials: &[Secret]) -> Self {
        let mut forms: Vec<Zeroizing<Vec<u8>>> = Vec::new();
        let mut add = |form: String| {
            let form = Zeroizing::new(form.into_bytes());
            if form.len() >= MIN_SECRET_BYTES && !forms.contains(&form) {
                forms.push(form);
            }
        };
        for secret in secrets.all_values().chain(credentials.iter().cloned()) {
            let text = secret.expose();
            add(text.to_owned());
            for base64 in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
                add(base64.encode(text));
            }
        }
        Self(forms)
    }

    /// True when there is something to mask.
    pub(crate) fn has_secrets(&self) -> bool {
        !self.0.is_empty()
    }

    /// The masked body; the same bytes, not a copy, when there was nothing to mask.
    pub(crate) fn body(&self, body: Bytes) -> Bytes {
        match self.masked(&body) {
            Some(masked) => masked.into(),
            None => body,
        }
    }

    /// Masks the values of headers.
    pub(crate) fn headers(&self, headers: &mut HeaderMap) {
        for value in headers.values_mut() {
            if let Some(masked) = self.masked(value.as_bytes()) {
                *value = HeaderValue::from_bytes(&masked).unwrap_or_else(|_| HeaderValue::from_static("***"));
            }
        }
    }

    /// A masked text, such as an error message of a library.
    pub(crate) fn text(&self, text: String) -> String {
        match self.masked(text.as_bytes()) {
            Some(masked) => String::from_utf8_lossy(&masked).into_owned(),
            None => text,
        }
    }

    fn masked(&self, data: &[u8]) -> Option<Vec<u8>> {
        if !self.has_secrets() {
            return None;
        }
        let mut masked: Option<Vec<u8>> = None;
        let mut hide = |range: std::ops::Range<usize>| {
            let out = masked.get_or_insert_with(|| data.to_vec());
            if let Some(range) = out.get_mut(range) {
                range.fill(b'*');
            }
        };
        // Always searched in the original: masking one occurrence must not hide an overlapping one.
        self.occurrences(data).for_each(&mut hide);
        for encoding in Encoding::ALL.into_iter().filter(|encoding| encoding.occurs_in(data)) {
            let decoded = Zeroizing::new(encoding.decode(data));
            let mut is_secret = vec![false; decoded.len()];
            for range in self.occurrences(&decoded) {
                if let Some(range) = is_secret.get_mut(range) {
                    range.fill(true);
                }
            }
            if is_secret.contains(&true) {
                encoding.encoded_ranges(data, &is_secret).for_each(&mut hide);
            }
        }
        masked
    }

    /// Where in the data a secret stands.
    fn occurrences<'a>(&'a self, data: &'a [u8]) -> impl Iterator<Item = std::ops::Range<usize>> + 'a {
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
        let location = format!("file:{}", path.display());
        Mask::of(&Secrets::load([("token", [location.as_str()])]).unwrap(), credentials)
    }

    /// Asserts that both occurrences of a form are masked and the letters around them are not.
    fn assert_masked(mask: &Mask, form: &str) {
        let before = format!("x{form}y{form}z");
        let after = mask.body(Bytes::from(before.clone()));
        let stars = "*".repeat(form.len());
        assert_eq!(std::str::from_utf8(&after).unwrap(), format!("x{stars}y{stars}z"), "{before}");
    }

    #[test]
    fn every_encoding_of_a_secret_is_masked_with_its_length_kept() {
        let secret = "p\"ss w/rd+1&<ü";
        let pair = STANDARD.encode(format!("crossdock:{secret}"));
        let mask = mask(secret, &[Secret::new(pair.clone())]);
        let forms = [
            secret,
            &STANDARD.encode(secret),
            &pair,
            // JSON, as serde and JavaScript, PHP, Go, .NET and Python write it.
            r#"p\"ss w/rd+1&<ü"#,
            r#"p\"ss w\/rd+1&<\u00fc"#,
            r#"p\"ss w/rd+1\u0026\u003cü"#,
            r#"p\u0022ss w/rd\u002B1\u0026\u003C\u00FC"#,
            r#"\u0070\"ss w/rd+1&<\u00fc"#,
            // Percent and form encoding, in either case.
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
            assert_masked(&mask, form);
        }
    }

    #[test]
    fn base64_of_any_alphabet_is_masked_also_when_it_is_escaped() {
        let secret = "~~~???>>>>";
        let mask = mask(secret, &[]);
        let standard = STANDARD.encode(secret);
        assert!(standard.contains('/') && standard.contains('+') && standard.ends_with('='), "{standard}");
        let escaped =
            [standard.replace('/', "\\/"), standard.replace('+', "\\u002b").replace('/', "\\u002F")];
        for form in
            [&standard, &URL_SAFE.encode(secret), &URL_SAFE_NO_PAD.encode(secret)].into_iter().chain(&escaped)
        {
            assert_masked(&mask, form);
        }
        assert_masked(&mask, &STANDARD_NO_PAD.encode(secret));
        assert_masked(&mask, &standard.replace('+', "%2b").replace('/', "%2F").replace('=', "%3d"));
    }

    #[test]
    fn a_secret_that_contains_escape_sequences_is_masked_in_plain() {
        for secret in [r"a\u0041b\\c", "100%41&amp;x", "a+b c+d", "\u{1f511}-key"] {
            assert_masked(&mask(secret, &[]), secret);
        }
        assert_masked(&mask("\u{1f511}-key", &[]), r"\ud83d\uDD11-key");
        assert_masked(&mask("a+b c+d", &[]), "a%2Bb+c%2Bd");
    }

    #[test]
    fn malformed_escapes_do_not_affect_masking() {
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
    fn headers_are_masked() {
        let mask = mask("tok-123456", &[]);
        let mut headers = HeaderMap::new();
        headers.insert("x-echo", HeaderValue::from_static("Bearer tok-123456"));
        mask.headers(&mut headers);
        assert_eq!(headers["x-echo"], "Bearer **********");
    }

    #[test]
    fn a_body_without_secrets_is_not_copied() {
        let body = Bytes::from_static(b"{\"id\":\"SO-1\"}");
        let masked = mask("tok-123456", &[]).body(body.clone());
        assert_eq!(masked.as_ptr(), body.as_ptr());
    }

    #[test]
    fn short_secrets_are_not_masked() {
        assert!(!mask("ab", &[]).0.iter().any(|form| form.as_slice() == b"ab"));
    }
}
