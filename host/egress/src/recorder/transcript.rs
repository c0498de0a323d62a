//! The record of what a call read from the host, and of its HTTP requests.

use std::collections::BTreeMap;
use std::fmt;

use crossdock_model::common::{Entity, Reference};
use serde::{Deserialize, Serialize};

use super::lookup::StoreRecord;
use crate::error::{Error, Sent};

/// How much of a call is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Detail {
    /// One line per request, without bodies, queries and headers: for the record of an attempt.
    #[default]
    Summary,
    /// Everything, so that the call can be replayed. Contains personal data if the call read any.
    Full,
}

/// What one call read from the host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transcript {
    /// How much was recorded.
    pub detail: Detail,
    /// The HTTP requests with their responses, in the order in which they were sent.
    #[serde(rename = "exchanges")]
    pub http_calls: Vec<HttpCall>,
    /// The last error that only an operator can resolve; recorded even when its request is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied: Option<Error>,
    /// How many entries were left out because there were too many, or they were too large.
    pub left_out: u32,
    /// The times that were read, in milliseconds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<i64>,
    /// The elapsed times that were read, in milliseconds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elapsed: Vec<u64>,
    /// The random bytes, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "base64_text")]
    pub random: Vec<u8>,
    /// The settings that were read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Option<String>>,
    /// The references that were looked up, by entity.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<(Entity, Vec<Reference>)>,
    /// The entities that were looked up, by kind and id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entities: Vec<(String, String, Option<Entity>)>,
    /// The mappings that were looked up, by table and value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mappings: Vec<(String, String, Option<String>)>,
    /// The stores that were looked up, by system and code; without a system, by the retailer's own id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stores: Vec<(Option<String>, String, Option<StoreRecord>)>,
    /// The numbers that were allocated, by sequence, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<(String, u64)>,
}

impl Transcript {
    /// Whether a target may have seen a request of the call.
    #[must_use]
    pub fn sent(&self) -> Sent {
        // A request that was left out, or had no response yet when the call ended, may have been seen.
        let may_be_seen = |call: &HttpCall| match &call.response {
            Some(Err(error)) => error.sent() == Sent::Unknown,
            Some(Ok(_)) | None => true,
        };
        if self.left_out > 0 || self.http_calls.iter().any(may_be_seen) {
            Sent::Unknown
        } else {
            Sent::Nothing
        }
    }

    /// One line per request, for people.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut lines: Vec<String> = self.http_calls.iter().map(ToString::to_string).collect();
        if self.left_out > 0 {
            lines.push(format!("{} more left out", self.left_out));
        }
        lines.join("\n")
    }
}

/// One HTTP request and its response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpCall {
    /// The method.
    pub method: String,
    /// The URL; without its query in a summary.
    pub url: String,
    /// The headers that the guest set. Empty in a summary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The size of the request's body in bytes.
    pub bytes: u64,
    /// The request's body. Empty in a summary.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "base64_text")]
    pub body: Vec<u8>,
    /// Duration in milliseconds.
    pub millis: u64,
    /// The response, or why there is none. Absent when the plugin call ended before the response arrived.
    #[serde(rename = "answer", default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Result<HttpResponse, Error>>,
}

/// The response to a recorded request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The size of the body in bytes.
    pub bytes: u64,
    /// The headers. Empty in a summary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body. Empty in a summary.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "base64_text")]
    pub body: Vec<u8>,
}

/// `POST http://127.0.0.1:9000/orders 412 bytes -> 201 17 bytes in 8 ms`
impl fmt::Display for HttpCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, url, bytes, millis, .. } = self;
        write!(f, "{method} {url} {bytes} bytes -> ")?;
        match &self.response {
            Some(Ok(HttpResponse { status, bytes, .. })) => {
                write!(f, "{status} {bytes} bytes in {millis} ms")
            }
            Some(Err(error)) => write!(f, "{error} in {millis} ms"),
            None => f.write_str("the call ended before the response arrived"),
        }
    }
}

/// Bytes as base64.
mod base64_text {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(from)?).map_err(D::Error::custom)
    }
}
