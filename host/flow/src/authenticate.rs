//! Who sent this? The schemes that a manifest can declare, carried out in native code: bytes that fail
//! never reach a plugin.

use std::cell::OnceCell;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use serde_json::Value;
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
    /// The connector's public address, letter by letter as the sender knows it, where the signature is made of
    /// it and the body. Absent: it is made of the body alone.
    pub url: Option<String>,
    /// The lists of marks that may identify a request; the first whose last mark is present counts.
    pub dedupe: Vec<Vec<Mark>>,
}

/// One thing that tells requests apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A header, by its name in lower case.
    Header(String),
    /// A text or a number in the body's JSON, by its pointer (RFC 6901).
    Body(String),
}

impl Mark {
    /// Reads a mark as a manifest writes it: `body:/event_id`, or a header's name.
    #[must_use]
    pub fn read(text: &str) -> Self {
        match text.strip_prefix("body:") {
            Some(pointer) => Self::Body(pointer.to_owned()),
            None => Self::Header(text.to_owned()),
        }
    }
}

/// A request's headers, as far as authentication asks.
pub trait Headers {
    /// The value of a header by its lower-case name; absent when missing or not text.
    fn header(&self, name: &str) -> Option<&str>;
}

impl Webhook {
    /// True when the signature in the header is HMAC-SHA256 of the body, or of address and body, under one of
    /// the secrets.
    /// Every secret is tried and every comparison takes the same time, whatever it finds.
    #[must_use]
    pub fn genuine(&self, headers: &impl Headers, body: &[u8], secrets: &[&[u8]]) -> bool {
        let Some(claimed) = headers.header(&self.header).and_then(|text| self.decode(text)) else {
            return false;
        };
        let mut genuine = Choice::from(0);
        for secret in secrets {
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { continue };
            mac.update(self.url.as_deref().unwrap_or("").as_bytes());
            mac.update(body);
            genuine |= mac.finalize().into_bytes().as_slice().ct_eq(&claimed);
        }
        genuine.into()
    }

    /// What makes two requests the same one. Headers are not covered by the signature, so where they count,
    /// the body's digest is a part: a stolen signature cannot suppress another request. Marks of the body are
    /// covered, and count for themselves.
    #[must_use]
    pub fn duplicate_key(&self, headers: &impl Headers, body: &[u8]) -> String {
        let json = OnceCell::new();
        let value = |mark: &Mark| match mark {
            Mark::Header(name) => headers.header(name).map(str::to_owned),
            Mark::Body(pointer) => {
                let json = json.get_or_init(|| serde_json::from_slice(body).unwrap_or(Value::Null));
                match json.pointer(pointer)? {
                    Value::String(text) => Some(text.clone()),
                    Value::Number(number) => Some(number.to_string()),
                    _ => None,
                }
            }
        };
        let present = |mark: &Mark| value(mark).is_some_and(|value| !value.is_empty());
        let named = self.dedupe.iter().find(|marks| marks.last().is_some_and(present));
        let mut key = String::with_capacity(96);
        for mark in named.into_iter().flatten() {
            key.push_str(&value(mark).unwrap_or_default());
            key.push('\n');
        }
        let signed = named.is_some_and(|marks| marks.iter().all(|mark| matches!(mark, Mark::Body(_))));
        if !signed {
            let digest = hex::encode(Sha256::digest(body));
            key.push_str(digest.get(..32).unwrap_or(&digest));
        }
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
            url: None,
            dedupe: [&["x-topic", "x-event"][..], &["x-webhook"]].map(marks).to_vec(),
        }
    }

    fn marks(texts: &[&str]) -> Vec<Mark> {
        texts.iter().map(|text| Mark::read(text)).collect()
    }

    /// As Square signs: of the address and the body, told apart by what the body says.
    fn addressed(url: &str) -> Webhook {
        let dedupe = vec![marks(&["body:/type", "body:/event_id"])];
        Webhook { header: "x-sig".into(), encoding: Encoding::Base64, url: Some(url.into()), dedupe }
    }

    /// The vector that Square's own clients are tested with.
    const ADDRESS: &str = "https://webhook.site/679a4f3a-dcfa-49ee-bac5-9d0edad886b9";
    const KEY: &[u8] = b"Ibxx_5AKakO-3qeNVR61Dw";
    const SIGNATURE: &str = "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4=";
    const BODY: &[u8] = br#"{"merchant_id":"MLEFBHHSJGVHD","type":"webhooks.test_notification","event_id":"ac3ac95b-f97d-458c-a6e6-18981597e05f","created_at":"2022-07-13T20:30:59.037339943Z","data":{"type":"webhooks","id":"bc368e64-01aa-407e-b46e-3231809b1129"}}"#;

    #[test]
    fn a_signature_may_be_of_the_address_and_the_body() {
        let headers = HashMap::from([("x-sig", SIGNATURE.to_owned())]);
        assert!(addressed(ADDRESS).genuine(&headers, BODY, &[KEY]));
        // Two secrets are live while one is being replaced, whichever is the newer.
        assert!(addressed(ADDRESS).genuine(&headers, BODY, &[b"next", KEY]));
        assert!(addressed(ADDRESS).genuine(&headers, BODY, &[KEY, b"last"]));
        assert!(!addressed(ADDRESS).genuine(&headers, BODY, &[b"next", b"last"]));
        // The address counts to the letter, and the body alone is not what was signed.
        assert!(!addressed(&format!("{ADDRESS}/")).genuine(&headers, BODY, &[KEY]));
        assert!(!Webhook { url: None, ..addressed(ADDRESS) }.genuine(&headers, BODY, &[KEY]));
        assert!(!addressed(ADDRESS).genuine(&headers, &BODY[1..], &[KEY]));
    }

    #[test]
    fn what_the_body_says_tells_requests_apart() {
        let webhook = addressed(ADDRESS);
        let key = |body: &str| webhook.duplicate_key(&HashMap::new(), body.as_bytes());
        let first = r#"{"type":"payment.updated","event_id":"e1","attempt":1}"#;
        assert_eq!(key(first), key(r#"{"event_id":"e1","attempt":2,"type":"payment.updated"}"#));
        assert_ne!(key(first), key(r#"{"type":"payment.updated","event_id":"e2","attempt":1}"#));
        assert_ne!(key(first), key(r#"{"type":"payment.created","event_id":"e1","attempt":1}"#));
        // Without an id, and without JSON, the bytes tell.
        assert_ne!(key(r#"{"type":"a"}"#), key(r#"{"type":"b"}"#));
        assert_ne!(key("one"), key("two"));
        assert_eq!(key("one"), key("one"));
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
