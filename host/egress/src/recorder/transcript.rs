//! What a call was told, as far as it was kept.

use std::collections::BTreeMap;
use std::fmt;

use crossdock_model::common::{Entity, Reference};
use serde::{Deserialize, Serialize};

use super::StoreRecord;
use crate::error::{Error, Sent};

/// How much of a call is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Detail {
    /// One line a request, free of bodies, queries and headers: for the record of an attempt.
    #[default]
    Summary,
    /// Everything, so that the call can be replayed. It holds personal data wherever the call saw some.
    Full,
}

/// What one call was told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transcript {
    /// How much was kept.
    pub detail: Detail,
    /// The requests, in the order in which they were made.
    pub exchanges: Vec<Exchange>,
    /// Why the host last kept a request back that a person must look at; kept in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied: Option<Error>,
    /// How many things were not kept because there were too many or too large ones.
    pub left_out: u32,
    /// What time it was, in milliseconds, each time the call asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<i64>,
    /// How long the call had been running, in milliseconds, each time it asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elapsed: Vec<u64>,
    /// The random bytes, one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "text")]
    pub random: Vec<u8>,
    /// The settings that were read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Option<String>>,
    /// The references that were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<(Entity, Vec<Reference>)>,
    /// The entities that were asked for, by kind and id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entities: Vec<(String, String, Option<Entity>)>,
    /// The mappings that were asked for, by table and value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mappings: Vec<(String, String, Option<String>)>,
    /// The stores that were asked for, by system and code; without a system, by the retailer's own id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stores: Vec<(Option<String>, String, Option<StoreRecord>)>,
    /// The numbers that were allotted, by sequence, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<(String, u64)>,
}

impl Transcript {
    /// Whether a target may have seen a request of the call.
    #[must_use]
    pub fn sent(&self) -> Sent {
        // A request that was not kept, or had no answer yet when the call ended, counts as seen.
        let seen = |exchange: &Exchange| match &exchange.answer {
            Some(Err(error)) => error.sent() == Sent::Unknown,
            Some(Ok(_)) | None => true,
        };
        if self.left_out > 0 || self.exchanges.iter().any(seen) { Sent::Unknown } else { Sent::Nothing }
    }

    /// One line a request, for people.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut lines: Vec<String> = self.exchanges.iter().map(ToString::to_string).collect();
        if self.left_out > 0 {
            lines.push(format!("{} more were not kept", self.left_out));
        }
        lines.join("\n")
    }
}

/// One request and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// The address; without its query in a summary.
    pub url: String,
    /// The headers that the guest set. Empty in a summary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The size of the request's body in bytes.
    pub bytes: u64,
    /// The request's body. Empty in a summary.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "text")]
    pub body: Vec<u8>,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// What became of it. Absent when the call ended before the answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Result<Answer, Error>>,
}

/// What the target answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The size of the body in bytes.
    pub bytes: u64,
    /// The headers. Empty in a summary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body. Empty in a summary.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "text")]
    pub body: Vec<u8>,
}

/// `POST http://127.0.0.1:9000/orders 412 bytes -> 201 17 bytes in 8 ms`
impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, url, bytes, millis, .. } = self;
        write!(f, "{method} {url} {bytes} bytes -> ")?;
        match &self.answer {
            Some(Ok(Answer { status, bytes, .. })) => write!(f, "{status} {bytes} bytes in {millis} ms"),
            Some(Err(error)) => write!(f, "{error} in {millis} ms"),
            None => f.write_str("the call ended before the answer came"),
        }
    }
}

/// Bytes as base64.
mod text {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(from)?).map_err(D::Error::custom)
    }
}
