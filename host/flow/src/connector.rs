//! A connector as the flow sees it: a plugin, and what it is configured to do.

use std::sync::Arc;
use std::time::Duration;

use crossdock_rules::outcome::Policy;
use crossdock_rules::ownership::Class;
use crossdock_rules::window::Window;

use crate::authenticate::Webhook;
use crate::plugins::Plugin;

/// A configured, loaded connector.
pub struct Connector {
    /// What the operator calls it.
    pub name: String,
    /// The system it speaks to (`shopify`): the events it reads must be of that system.
    pub system: String,
    /// What sort of system that is. Absent where the operator did not say.
    pub class: Option<Class>,
    /// The plugin and its version, for listings (`shopify@0.1.0`).
    pub label: String,
    /// SHA-256 of the plugin's file, in hexadecimal digits.
    pub digest: String,
    /// The name that finds this plugin again: the one the configuration uses, or [`crate::swap::BY_DIGEST`] and
    /// the digest.
    pub file: String,
    /// The plugin as the configuration names it.
    pub configured: String,
    /// True when the plugin can check its system's set-up.
    pub setup: bool,
    /// The plugin.
    pub plugin: Arc<dyn Plugin>,
    /// How long one call of the plugin takes at most, the wait for a sandbox instance included.
    pub deadline: Duration,
    /// How it receives requests. Absent: it receives none.
    pub endpoint: Option<Endpoint>,
    /// How it delivers events. Absent: it delivers none.
    pub sink: Option<Sink>,
    /// How often it is polled. Absent: never.
    pub poll: Option<Duration>,
    /// When it may be polled. Absent: at any time.
    pub poll_window: Option<Window>,
    /// Where it exchanges files with a partner. Absent: nowhere.
    pub folder: Option<Folder>,
    /// How its system's set-up is checked. Absent: not at all, since the address that the outside reaches the
    /// host by is not configured. Without effect where the plugin has nothing to set up.
    pub check: Option<Check>,
}

/// Where files are exchanged with a partner.
#[derive(Clone)]
pub struct Folder {
    /// The folder.
    pub files: Arc<dyn crossdock_exchange::Folder>,
    /// Its path or address, for people; without anything secret.
    pub address: String,
    /// The interval between two scans for new files.
    pub every: Duration,
    /// How long a file must not have changed before it is read.
    pub settle: Duration,
    /// The largest file that is read, in bytes.
    pub limit: u64,
}

/// How a system's set-up is checked.
#[derive(Clone, Debug)]
pub struct Check {
    /// The address that the outside sends this connector's requests to.
    pub address: String,
    /// The interval between two checks.
    pub every: Duration,
}

/// How a connector receives requests.
pub struct Endpoint {
    /// How they are authenticated and deduplicated.
    pub webhook: Webhook,
    /// Returns the live secrets, newest first. Called for every request, so that a rotated secret counts at once.
    pub secrets: Arc<dyn Fn() -> Vec<Vec<u8>> + Send + Sync>,
}

/// How a connector delivers events.
#[derive(Clone, Debug)]
pub struct Sink {
    /// The kinds of events the plugin takes. Empty: every kind.
    pub kinds: Vec<String>,
    /// How many deliveries the plugin takes in one call.
    pub batch: usize,
    /// How many deliveries may be in flight.
    pub concurrency: u32,
    /// How many a second, and how many at once after a pause. Absent: no limit but concurrency.
    pub rate: Option<(f64, u32)>,
    /// The policy that outcomes are judged by.
    pub policy: Policy,
}

impl Sink {
    /// True when the plugin takes events of this kind.
    #[must_use]
    pub fn takes(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|taken| taken == kind)
    }
}
