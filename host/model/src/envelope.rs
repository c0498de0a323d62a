//! An event in its envelope: CloudEvents 1.0, structured JSON. Events are shown and streamed in this form.

use serde::{Deserialize, Serialize};

use crate::event::Event;

/// The supported version of CloudEvents.
const SPEC_VERSION: &str = "1.0";
/// The content type of `data`.
const JSON: &str = "application/json";

/// An event for other systems.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(title = "Crossdock event", description = "A canonical retail event in a CloudEvents 1.0 envelope")]
pub struct Envelope {
    /// Always `1.0`.
    #[schemars(extend("const" = SPEC_VERSION))]
    pub specversion: String,
    /// The event's idempotency key: the same event always has the same.
    #[schemars(length(min = 1))]
    pub id: String,
    /// Where it happened, `/system/tenant` (`/shopify/acme.myshopify.com`), percent-encoded.
    #[schemars(length(min = 1))]
    pub source: String,
    /// What happened (`order.placed`): the kind of the fact.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it happened to: the identity of the entity as one text.
    pub subject: String,
    /// When it happened, by the source's clock, RFC 3339.
    pub time: String,
    /// Always `application/json`.
    #[schemars(extend("const" = JSON))]
    pub datacontenttype: String,
    /// The event.
    pub data: Event,
}

/// An envelope that is not valid.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is of another version of CloudEvents.
    #[error("opening an envelope of CloudEvents `{0}`, not of 1.0")]
    Version(String),
    /// An attribute does not match the event.
    #[error("opening an envelope whose `{attribute}` is `{stated}`, but the event's is `{actual}`")]
    Mismatch {
        /// The envelope's attribute.
        attribute: &'static str,
        /// The attribute's value.
        stated: String,
        /// The event's value.
        actual: String,
    },
}

impl Envelope {
    /// Puts an event into its envelope under its key.
    #[must_use]
    pub fn seal(event: Event, key: impl Into<String>) -> Self {
        Self {
            specversion: SPEC_VERSION.into(),
            id: key.into(),
            source: source(&event),
            kind: event.fact.kind().into(),
            subject: event.entity.to_string(),
            time: event.occurred_at.clone(),
            datacontenttype: JSON.into(),
            data: event,
        }
    }

    /// Takes the event and its key out again.
    ///
    /// # Errors
    /// When the envelope is of another version, or does not match its event.
    pub fn open(self) -> Result<(Event, String), Error> {
        if self.specversion != SPEC_VERSION {
            return Err(Error::Version(self.specversion));
        }
        let event = self.data;
        for (attribute, stated, actual) in [
            ("type", self.kind, event.fact.kind().to_owned()),
            ("subject", self.subject, event.entity.to_string()),
            ("source", self.source, source(&event)),
        ] {
            if stated != actual {
                return Err(Error::Mismatch { attribute, stated, actual });
            }
        }
        Ok((event, self.id))
    }
}

/// `/system/tenant` as a URI reference.
fn source(event: &Event) -> String {
    use std::fmt::Write as _;
    let mut source = String::new();
    for part in [&event.entity.system, &event.entity.tenant] {
        source.push('/');
        for byte in part.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b'@' => {
                    source.push(char::from(byte));
                }
                // Writing to a String cannot fail.
                _ => drop(write!(source, "%{byte:02X}")),
            }
        }
    }
    source
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn edit(tenant: &str) -> Event {
        serde_json::from_value(json!({
            "entity": { "system": "shopify", "tenant": tenant, "kind": "order", "id": "1001" },
            "occurredAt": "2026-11-23T09:30:00+01:00",
            "fact": { "kind": "order.edited", "value": {
                "id": "e5", "at": "2026-11-23T09:30:00+01:00", "discountsChanged": false, "shippingChanged": false
            } }
        }))
        .unwrap()
    }

    #[test]
    fn an_envelope_is_a_cloud_event() {
        let event = edit("acme.myshopify.com");
        let envelope = Envelope::seal(event.clone(), "shopify/acme.myshopify.com/order/1001/edited/e5");
        let expected = json!({
            "specversion": "1.0",
            "id": "shopify/acme.myshopify.com/order/1001/edited/e5",
            "source": "/shopify/acme.myshopify.com",
            "type": "order.edited",
            "subject": "shopify/acme.myshopify.com/order/1001",
            "time": "2026-11-23T09:30:00+01:00",
            "datacontenttype": "application/json",
            "data": serde_json::to_value(&event).unwrap(),
        });
        assert_eq!(serde_json::to_value(&envelope).unwrap(), expected);
    }

    #[test]
    fn an_envelope_survives_json() {
        let event = edit("Müller & Co");
        let envelope = Envelope::seal(event.clone(), "key");
        assert_eq!(envelope.source, "/shopify/M%C3%BCller%20%26%20Co");
        let text = serde_json::to_string(&envelope).unwrap();
        let read: Envelope = serde_json::from_str(&text).unwrap();
        assert_eq!(read.open().unwrap(), (event, "key".to_owned()));
    }

    #[test]
    fn an_envelope_that_does_not_match_its_event_is_refused() {
        let sealed = || Envelope::seal(edit("acme"), "key");
        let mismatch = Envelope { kind: "order.placed".into(), ..sealed() };
        let error = mismatch.open().unwrap_err().to_string();
        assert_eq!(
            error,
            "opening an envelope whose `type` is `order.placed`, but the event's is `order.edited`"
        );
        let old = Envelope { specversion: "0.3".into(), ..sealed() };
        assert!(matches!(old.open(), Err(Error::Version(version)) if version == "0.3"));
    }
}
