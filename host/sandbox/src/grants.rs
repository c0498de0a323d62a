//! What an operator grants to a plugin as a connector.

use std::sync::Arc;
use std::time::Duration;

use crossdock_egress::Client;
use crossdock_egress::recorder::{NoReferences, NoTables, Randomness, References, SystemRandomness, Tables};
use crossdock_model::time::{Clock, SystemClock};

/// What the operator grants to a connector.
#[derive(Clone)]
pub struct Grants {
    /// The connector's name.
    pub connector: String,
    /// Its settings, an object.
    pub settings: serde_json::Value,
    /// Its HTTP client.
    pub client: Client,
    /// The references of entities in its system.
    pub references: Arc<dyn References>,
    /// The operator's tables, and its sequences.
    pub tables: Arc<dyn Tables>,
    /// Bytes of files in the outbox of one call. Absent: it has no exchange folder.
    pub outbox_bytes: Option<u64>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Random numbers.
    pub randomness: Arc<dyn Randomness>,
    /// What a call may use.
    pub limits: Limits,
}

impl Grants {
    /// Settings and an HTTP client; the system's clock and random numbers, default limits, no references, tables
    /// or exchange folder.
    #[must_use]
    pub fn new(connector: impl Into<String>, settings: serde_json::Value, client: Client) -> Self {
        Self {
            connector: connector.into(),
            settings,
            client,
            references: Arc::new(NoReferences),
            tables: Arc::new(NoTables),
            outbox_bytes: None,
            clock: Arc::new(SystemClock),
            randomness: Arc::new(SystemRandomness),
            limits: Limits::default(),
        }
    }
}

/// What one call may use. The HTTP client has limits of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory.
    pub memory: usize,
    /// From the start of the call to its end, including the wait for an instance.
    pub deadline: Duration,
    /// Bytes of the answer, and of the arguments of one host call.
    pub answer: usize,
    /// Events per request or page; a poll's own limit may be smaller.
    pub events: u32,
    /// Calls of host functions.
    pub host_calls: u32,
    /// Log lines.
    pub log_lines: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            deadline: Duration::from_secs(20),
            answer: 16 << 20,
            events: 10_000,
            host_calls: 10_000,
            log_lines: 200,
        }
    }
}
