//! Commands about raw requests.

use std::time::Duration;

use crossdock_model::time::Millis;
use sha2::{Digest as _, Sha256};

use crate::keys::DedupeKey;

/// A raw request as it arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The request method.
    pub method: String,
    /// The query, without the question mark.
    pub query: String,
    /// Headers, names in lower case, without those that authenticate.
    pub headers: Vec<(String, String)>,
    /// The request's bytes.
    pub body: Vec<u8>,
    /// The name of the file it was. Absent for requests that came by HTTP.
    pub file: Option<String>,
}

/// Store a raw request.
#[derive(Clone, Debug)]
pub struct Accept {
    /// The connector it came in through.
    pub connector: String,
    /// What identifies a duplicate of it within the connector.
    pub dedupe: String,
    /// The request.
    pub request: Request,
    /// When it arrived.
    pub received_at: Millis,
    /// The trace it belongs to.
    pub trace: String,
    /// How long the caller itself reads it, from memory. Absent: it is claimed like any other pending inbound.
    pub lease: Option<Duration>,
}

impl Accept {
    /// What identifies a duplicate, over all connectors.
    #[must_use]
    pub fn dedupe_key(&self) -> DedupeKey {
        let mut hash = Sha256::new();
        hash.update(self.connector.as_bytes());
        hash.update([0]);
        hash.update(self.dedupe.as_bytes());
        let mut key = DedupeKey::default();
        for (to, from) in key.iter_mut().zip(hash.finalize()) {
            *to = from;
        }
        key
    }
}

/// Lease pending inbounds.
#[derive(Clone, Debug)]
pub struct ClaimInbounds {
    /// The connector they came in through.
    pub connector: String,
    /// How many at most.
    pub limit: u32,
    /// Now.
    pub now: Millis,
    /// How long they are leased: one that is neither admitted, set aside nor postponed by then is claimed again.
    pub lease: Duration,
}
