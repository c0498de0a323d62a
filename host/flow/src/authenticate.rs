//! Who sent this? The schemes that a manifest can declare, carried out in native code: bytes that fail
//! never reach a plugin.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// How a signature is written in its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Standard base64.
    Base64,
    /// Hexadecimal digits.
    Hex,
}

/// How requests to a connector are authenticated and told apart.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The header that carries the signature, lower case.
    pub header: String,
    /// How it is written there.
    pub encoding: Encoding,
    /// The lists of headers that may identify a request; the first whose last header is present counts.
    pub dedupe: Vec<Vec<String>>,
}

/// A request's headers, as far as authentication asks.
pub trait Headers {
    /// The value of a header by its lower-case name; absent when missing or not text.
    fn header(&self, name: &str) -> Option<&str>;
}

impl Webhook {
    /// True when the signature in the header is HMAC-SHA256 of the body under one of the secrets.
    /// Every secret is tried and every comparison takes the same time, whatever it finds.
    #[must_use]
    pub fn genuine(&self, headers: &impl Headers, body: &[u8], secrets: &[&[u8]]) -> bool {
        let Some(claimed) = headers.header(&self.header).and_then(|text| self.decode(text)) else {
            return false;
        };
        let mut genuine = Choice::from(0);
        for secret in secrets {
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { continue };
            mac.update(body);
            genuine |= mac.finalize().into_bytes().as_slice().ct_eq(&claimed);
        }
        genuine.into()
    }

    /// What makes two requests the same one. Headers are not covered by the signature, so the body's
    /// digest is always a part: a stolen signature cannot suppress another request.
    #[must_use]
    pub fn duplicate_key(&self, headers: &impl Headers, body: &[u8]) -> String {
        let digest = hex::encode(Sha256::digest(body));
        let named = self.dedupe.iter().find(|names| {
            names.last().is_some_and(|last| headers.header(last).is_some_and(|value| !value.is_empty()))
        });
        let mut key = String::with_capacity(96);
        for name in named.into_iter().flatten() {
            key.push_str(headers.header(name).unwrap_or(""));
            key.push('\n');
        }
        key.push_str(digest.get(..32).unwrap_or(&digest));
        key
    }

    fn decode(&self, text: &str) -> Option<Vec<u8>> {
        match self.encoding {
            Encoding::Base64 => STANDARD.decode(text.trim()).ok(),
            Encoding::Hex => hex::decode(text.trim()).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    impl Headers for HashMap<&str, String> {
        fn header(&self, name: &str) -> Option<&str> {
            self.get(name).map(String::as_str)
        }
    }

    fn webhook() -> Webhook {
        Webhook {
            header: "x-sig".into(),
            encoding: Encoding::Base64,
            dedupe: vec![vec!["x-topic".into(), "x-event".into()], vec!["x-webhook".into()]],
        }
    }

    fn signed(body: &[u8], secret: &[u8]) -> HashMap<&'static str, String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        mac.update(body);
        HashMap::from([("x-sig", STANDARD.encode(mac.finalize().into_bytes()))])
    }

    #[test]
    fn a_signature_of_these_bytes_is_genuine() {
        assert!(webhook().genuine(&signed(b"body", b"s1"), b"body", &[b"s1"]));
    }

    #[test]
    fn either_of_two_live_secrets_will_do() {
        assert!(webhook().genuine(&signed(b"body", b"old"), b"body", &[b"new", b"old"]));
    }

    #[test]
    fn anything_else_is_not() {
        let webhook = webhook();
        assert!(!webhook.genuine(&signed(b"body", b"s1"), b"body2", &[b"s1"]));
        assert!(!webhook.genuine(&signed(b"body", b"s1"), b"body", &[b"s2"]));
        assert!(!webhook.genuine(&signed(b"body", b"s1"), b"body", &[]));
        assert!(!webhook.genuine(&HashMap::new(), b"body", &[b"s1"]));
        assert!(!webhook.genuine(&HashMap::from([("x-sig", "%%%".to_owned())]), b"body", &[b"s1"]));
    }

    #[test]
    fn a_retry_is_the_same_request() {
        let headers = HashMap::from([("x-topic", "orders/create".to_owned()), ("x-event", "e1".to_owned())]);
        assert_eq!(webhook().duplicate_key(&headers, b"b"), webhook().duplicate_key(&headers, b"b"));
    }

    #[test]
    fn two_topics_of_one_event_are_two_requests() {
        let create = HashMap::from([("x-topic", "orders/create".to_owned()), ("x-event", "e1".to_owned())]);
        let paid = HashMap::from([("x-topic", "orders/paid".to_owned()), ("x-event", "e1".to_owned())]);
        assert_ne!(webhook().duplicate_key(&create, b"b"), webhook().duplicate_key(&paid, b"b"));
    }

    #[test]
    fn the_webhook_id_stands_in_for_a_missing_event_id() {
        let first = HashMap::from([("x-webhook", "w1".to_owned())]);
        let second = HashMap::from([("x-webhook", "w2".to_owned())]);
        assert_ne!(webhook().duplicate_key(&first, b"b"), webhook().duplicate_key(&second, b"b"));
    }

    #[test]
    fn a_replayed_event_id_with_other_bytes_suppresses_nothing() {
        let headers = HashMap::from([("x-topic", "orders/create".to_owned()), ("x-event", "e1".to_owned())]);
        assert_ne!(webhook().duplicate_key(&headers, b"b"), webhook().duplicate_key(&headers, b"c"));
    }
}
