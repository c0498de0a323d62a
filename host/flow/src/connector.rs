//! A connector as the flow sees it: a plugin, and what it may do.

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
    /// The system it speaks of (`shopify`): its events must be of that system.
    pub system: String,
    /// What sort of system that is. Absent where the operator did not say.
    pub class: Option<Class>,
    /// The plugin and its version, for listings (`shopify@0.1.0`).
    pub label: String,
    /// SHA-256 of the plugin's file, in hexadecimal digits.
    pub digest: String,
    /// In which words this plugin is found again: those of the configuration, or [`crate::swap::BY_DIGEST`] and the
    /// digest.
    pub file: String,
    /// The plugin as the configuration asks for it.
    pub configured: String,
    /// True when the plugin can check its system's set-up.
    pub setup: bool,
    /// The plugin.
    pub plugin: Arc<dyn Plugin>,
    /// How requests come in. Absent: they do not.
    pub intake: Option<Intake>,
    /// How events go out. Absent: they do not.
    pub sink: Option<Sink>,
    /// How often it is polled. Absent: never.
    pub poll: Option<Duration>,
    /// When it may be polled. Absent: at any time.
    pub poll_window: Option<Window>,
    /// Where it exchanges files with a partner. Absent: nowhere.
    pub folder: Option<Folder>,
    /// How its system's set-up is looked after. Absent: not, since it is not known where the outside reaches
    /// the host. Without effect where the plugin has nothing to set up.
    pub check: Option<Check>,
}

/// Where files are exchanged with a partner.
#[derive(Clone)]
pub struct Folder {
    /// The folder.
    pub files: Arc<dyn crossdock_exchange::Folder>,
    /// Where it is, for people; without anything secret.
    pub place: String,
    /// How often it is looked for new files.
    pub every: Duration,
    /// How long a file must not have changed before it is read.
    pub settle: Duration,
    /// The largest file that is read, in bytes.
    pub limit: u64,
}

/// How a system's set-up is looked after.
#[derive(Clone, Debug)]
pub struct Check {
    /// The address that the outside sends this connector's requests to.
    pub address: String,
    /// How often it is looked at.
    pub every: Duration,
}

/// How requests come in.
pub struct Intake {
    /// How they are authenticated and told apart.
    pub webhook: Webhook,
    /// Gives the live secrets, newest first. Asked for every request, so that a rotated secret counts at once.
    pub secrets: Arc<dyn Fn() -> Vec<Vec<u8>> + Send + Sync>,
}

/// How events go out.
#[derive(Clone, Debug)]
pub struct Sink {
    /// The kinds of events the plugin takes.
    pub kinds: Vec<String>,
    /// How many pieces of work it takes a call.
    pub batch: usize,
    /// How many pieces may be under way.
    pub concurrency: u32,
    /// How many a second, and how many at once after a pause. Absent: no limit but concurrency.
    pub rate: Option<(f64, u32)>,
    /// How long a call may take.
    pub deadline: Duration,
    /// What is decided by.
    pub policy: Policy,
}
