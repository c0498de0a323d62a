//! Authentication of requests, and their dedupe keys: the schemes that a manifest can declare, in native code. A
//! request that is not authentic never reaches a plugin.

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

/// How requests to a connector are authenticated and deduplicated.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The header that carries the signature, lower case.
    pub header: String,
    /// How the signature is written there.
    pub encoding: Encoding,
    /// The connector's public address, letter by letter as the sender knows it, where the signature is made of
    /// it and the body. Absent: it is made of the body alone.
    pub url: Option<String>,
    /// The lists of fields that may identify a request; the first list whose last field is present is used.
    pub dedupe: Vec<Vec<DedupeField>>,
}

/// One field that identifies a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DedupeField {
    /// A header, by its name in lower case.
    Header(String),
    /// A text or a number in the body's JSON, by its pointer (RFC 6901).
    Body(String),
}

impl DedupeField {
    /// Parses a field as a manifest writes it: `body:/event_id`, or a header's name.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix("body:") {
            Some(pointer) => Self::Body(pointer.to_owned()),
            None => Self::Header(text.to_owned()),
        }
    }
}

/// A request's headers, as far as authentication needs them.
pub trait Headers {
    /// The value of a header by its lower-case name; absent when missing or not text.
    fn header(&self, name: &str) -> Option<&str>;
}

impl Webhook {
    /// True when the signature in the header is HMAC-SHA256 of the body, or of address and body, under one of
    /// the secrets.
    /// Every secret is tried and every comparison takes the same time, whatever its result.
    #[must_use]
    pub fn is_authentic(&self, headers: &impl Headers, body: &[u8], secrets: &[&[u8]]) -> bool {
        let Some(claimed) = headers.header(&self.header).and_then(|text| self.decode(text)) else {
            return false;
        };
        let mut authentic = Choice::from(0);
        for secret in secrets {
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { continue };
            mac.update(self.url.as_deref().unwrap_or("").as_bytes());
            mac.update(body);
            authentic |= mac.finalize().into_bytes().as_slice().ct_eq(&claimed);
        }
        authentic.into()
    }

    /// The key that two requests share when one is a duplicate of the other. Headers are not covered by the
    /// signature, so where they are used, the body's digest is part of the key: a stolen signature cannot suppress
    /// another request. Fields of the body are covered, and need no digest.
    #[must_use]
    pub fn dedupe_key(&self, headers: &impl Headers, body: &[u8]) -> String {
        let json = OnceCell::new();
        let value = |field: &DedupeField| match field {
            DedupeField::Header(name) => headers.header(name).map(str::to_owned),
            DedupeField::Body(pointer) => {
                let json = json.get_or_init(|| serde_json::from_slice(body).unwrap_or(Value::Null));
                match json.pointer(pointer)? {
                    Value::String(text) => Some(text.clone()),
                    Value::Number(number) => Some(number.to_string()),
                    _ => None,
                }
            }
        };
        let present = |field: &DedupeField| value(field).is_some_and(|value| !value.is_empty());
        let named = self.dedupe.iter().find(|fields| fields.last().is_some_and(present));
        let mut key = String::with_capacity(96);
        for field in named.into_iter().flatten() {
            key.push_str(&value(field).unwrap_or_default());
            key.push('\n');
        }
        let signed =
            named.is_some_and(|fields| fields.iter().all(|field| matches!(field, DedupeField::Body(_))));
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
            dedupe: [&["x-topic", "x-event"][..], &["x-webhook"]].map(fields).to_vec(),
        }
    }

    fn fields(texts: &[&str]) -> Vec<DedupeField> {
        texts.iter().map(|text| DedupeField::parse(text)).collect()
    }

    /// As Square signs: the address and the body; requests are identified by fields of the body.
    fn addressed(url: &str) -> Webhook {
        let dedupe = vec![fields(&["body:/type", "body:/event_id"])];
        Webhook { header: "x-sig".into(), encoding: Encoding::Base64, url: Some(url.into()), dedupe }
    }

    /// The vector that Square's own clients are tested with.
    const ADDRESS: &str = "https://webhook.site/679a4f3a-dcfa-49ee-bac5-9d0edad886b9";
    const KEY: &[u8] = b"Ibxx_5AKakO-3qeNVR61Dw";
    const SIGNATURE: &str = "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4=";
    const BODY: &[u8] = br#"{"merchant_id":"MLEFBHHSJGVHD","type":"webhooks.test_notification","event_id":"ac3ac95b-f97d-458c-a6e6-18981597e05f","created_at":"2022-07-13T20:30:59.037339943Z","data":{"type":"webhooks","id":"bc368e64-01aa-407e-b46e-3231809b1129"}}"#;

    #[test]
    fn a_signature_may_cover_the_address_and_the_body() {
        let headers = HashMap::from([("x-sig", SIGNATURE.to_owned())]);
        assert!(addressed(ADDRESS).is_authentic(&headers, BODY, &[KEY]));
        // Two secrets are live while one is being replaced, whichever is the newer.
        assert!(addressed(ADDRESS).is_authentic(&headers, BODY, &[b"next", KEY]));
        assert!(addressed(ADDRESS).is_authentic(&headers, BODY, &[KEY, b"last"]));
        assert!(!addressed(ADDRESS).is_authentic(&headers, BODY, &[b"next", b"last"]));
        // Every letter of the address counts, and the body alone is not what was signed.
        assert!(!addressed(&format!("{ADDRESS}/")).is_authentic(&headers, BODY, &[KEY]));
        assert!(!Webhook { url: None, ..addressed(ADDRESS) }.is_authentic(&headers, BODY, &[KEY]));
        assert!(!addressed(ADDRESS).is_authentic(&headers, &BODY[1..], &[KEY]));
    }

    #[test]
    fn fields_of_the_body_identify_a_request() {
        let webhook = addressed(ADDRESS);
        let key = |body: &str| webhook.dedupe_key(&HashMap::new(), body.as_bytes());
        let first = r#"{"type":"payment.updated","event_id":"e1","attempt":1}"#;
        assert_eq!(key(first), key(r#"{"event_id":"e1","attempt":2,"type":"payment.updated"}"#));
        assert_ne!(key(first), key(r#"{"type":"payment.updated","event_id":"e2","attempt":1}"#));
        assert_ne!(key(first), key(r#"{"type":"payment.created","event_id":"e1","attempt":1}"#));
        // Without an id, and without JSON, the bytes identify it.
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
    fn a_signature_of_these_bytes_is_authentic() {
        assert!(webhook().is_authentic(&signed(b"body", b"s1"), b"body", &[b"s1"]));
    }

    #[test]
    fn either_of_two_live_secrets_is_accepted() {
        assert!(webhook().is_authentic(&signed(b"body", b"old"), b"body", &[b"new", b"old"]));
    }

    #[test]
    fn any_other_signature_is_not_authentic() {
        let webhook = webhook();
        assert!(!webhook.is_authentic(&signed(b"body", b"s1"), b"body2", &[b"s1"]));
        assert!(!webhook.is_authentic(&signed(b"body", b"s1"), b"body", &[b"s2"]));
        assert!(!webhook.is_authentic(&signed(b"body", b"s1"), b"body", &[]));
        assert!(!webhook.is_authentic(&HashMap::new(), b"body", &[b"s1"]));
        assert!(!webhook.is_authentic(&HashMap::from([("x-sig", "%%%".to_owned())]), b"body", &[b"s1"]));
    }

    #[test]
    fn a_retry_has_the_same_dedupe_key() {
        let headers = HashMap::from([("x-topic", "orders/create".to_owned()), ("x-event", "e1".to_owned())]);
        assert_eq!(webhook().dedupe_key(&headers, b"b"), webhook().dedupe_key(&headers, b"b"));
    }

    #[test]
    fn two_topics_of_one_event_have_two_dedupe_keys() {
        let create = HashMap::from([("x-topic", "orders/create".to_owned()), ("x-event", "e1".to_owned())]);
        let paid = HashMap::from([("x-topic", "orders/paid".to_owned()), ("x-event", "e1".to_owned())]);
        assert_ne!(webhook().dedupe_key(&create, b"b"), webhook().dedupe_key(&paid, b"b"));
    }

    #[test]
    fn the_webhook_id_is_used_where_the_event_id_is_missing() {
        let first = HashMap::from([("x-webhook", "w1".to_owned())]);
        let second = HashMap::from([("x-webhook", "w2".to_owned())]);
        assert_ne!(webhook().dedupe_key(&first, b"b"), webhook().dedupe_key(&second, b"b"));
    }

    #[test]
    fn an_event_id_with_other_bytes_has_another_dedupe_key() {
        let headers = HashMap::from([("x-topic", "orders/create".to_owned()), ("x-event", "e1".to_owned())]);
        assert_ne!(webhook().dedupe_key(&headers, b"b"), webhook().dedupe_key(&headers, b"c"));
    }
}
