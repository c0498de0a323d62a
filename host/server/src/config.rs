//! The configuration: one TOML file for each environment. Unknown names are refused, so that a misspelt setting is an
//! error at start-up and not silently without effect.

mod folder;
mod one_or_two;
mod read;
#[cfg(test)]
mod tests;
mod units;

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use crossdock_egress::Profile;
use crossdock_flow::RetentionPeriods;
use crossdock_rules::ownership::{Class, Ownership};
use crossdock_rules::window::Window;
use serde::Deserialize;

pub use folder::{At, Folder};
pub use one_or_two::OneOrTwo;
pub use units::{Rate, Span};

/// The whole configuration file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Where the host listens.
    #[serde(default)]
    pub server: Server,
    /// The database.
    pub storage: Storage,
    /// The retention of data.
    #[serde(default)]
    pub retention: Retention,
    /// Where plugins are found, and whose signatures are trusted.
    #[serde(default)]
    pub plugins: Plugins,
    /// Outgoing HTTP, for all connectors together.
    #[serde(default)]
    pub egress: crossdock_egress::Options,
    /// Files with mappings and stores.
    #[serde(default)]
    pub registry: Registry,
    /// The classes of systems that own an attribute, where they differ from the default: `"order.tags" = ["channel",
    /// "erp"]`.
    #[serde(default)]
    pub ownership: Ownership,
    /// The connectors.
    #[serde(default, rename = "connector")]
    pub connectors: Vec<Connector>,
    /// The routes, in the order in which they are evaluated.
    #[serde(default, rename = "route")]
    pub routes: Vec<Route>,
}

/// `[server]`: where the host listens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Server {
    /// Address and port of intake, API and console. With port 0 the operating system chooses a free port.
    pub listen: String,
    /// The public address of this host: `https://crossdock.example`. Webhooks of a connector are sent to
    /// `/in/NAME` under it, unless the connector has a `public-url` of its own.
    pub public_url: Option<String>,
    /// The largest request that intake accepts.
    pub body_limit: ByteSize,
    /// How many accepted requests may wait to be read, or deliveries to be sent, before intake answers 503.
    pub backlog: u64,
    /// How long calls in flight may take to end when the host is stopped.
    pub drain: Span,
    /// The first API token, `env:NAME` or `file:PATH`, for hosts that are set up by programs. Absent: a host whose
    /// database has no token creates one and prints it once.
    pub first_token: Option<String>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".into(),
            public_url: None,
            body_limit: ByteSize::mib(2),
            backlog: 256,
            drain: Span(Duration::from_secs(25)),
            first_token: None,
        }
    }
}

/// `[storage]`: the database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Storage {
    /// `sqlite://path`.
    pub url: String,
    /// The key that personal data, raw requests and secrets are encrypted under: `file:PATH` (made when it
    /// is missing), `env:NAME`, or `command:LINE` (the output of a command); 64 hexadecimal digits, or base64.
    #[serde(default = "default_key")]
    pub key: String,
}

fn default_key() -> String {
    "file:crossdock.key".into()
}

/// `[retention]`: how long data is stored. Idempotency keys, references, pins and the newest state of each entity stay
/// for as long as the database: late events are still recognised.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Retention {
    /// Raw requests, the contents of written files and recorded calls, from their arrival.
    pub requests: Span,
    /// Orders of which nothing is open, with their events and deliveries, from their last movement.
    pub orders: Span,
    /// The audit, conflicts, and the histories of mappings and stores.
    pub records: Span,
}

impl Default for Retention {
    fn default() -> Self {
        let days = |days: u64| Span(Duration::from_secs(days * 86_400));
        Self { requests: days(30), orders: days(400), records: days(800) }
    }
}

impl Retention {
    /// The periods as the flow takes them.
    #[must_use]
    pub fn periods(&self) -> RetentionPeriods {
        let Self { requests, orders, records } = *self;
        RetentionPeriods { requests: requests.0, orders: orders.0, records: records.0 }
    }
}

/// `[registry]`: files that are imported at the start when they have changed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Registry {
    /// The store registry: TOML, or CSV.
    pub stores: Option<PathBuf>,
    /// Mappings: CSV.
    pub mappings: Option<PathBuf>,
}

/// `[plugins]`: where plugins are found, and whose signatures are trusted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Plugins {
    /// The folder in which plugins are found by name.
    pub dir: PathBuf,
    /// The cache folder of compiled plugins.
    pub cache: PathBuf,
    /// Files with the public keys of trusted vendors.
    pub trust: Vec<PathBuf>,
    /// True to load unsigned plugins, for development.
    pub allow_unsigned: bool,
    /// How many plugin calls may run at the same time, over all connectors.
    pub instances: u32,
}

impl Default for Plugins {
    fn default() -> Self {
        Self {
            dir: "plugins".into(),
            cache: ".crossdock/cache".into(),
            trust: Vec::new(),
            allow_unsigned: false,
            instances: 64,
        }
    }
}

/// `[[connector]]`: a configured instance of a plugin.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Connector {
    /// The connector's name; also the last part of its intake address.
    pub name: String,
    /// The plugin: `name`, `name@1`, `name@0.1.0`, or the path of a `.wasm` file.
    pub plugin: String,
    /// The class of its system: `channel`, `erp` or `warehouse`, which decides which attributes the system owns.
    /// Absent: nothing that it reports is a conflict.
    #[serde(default)]
    pub class: Option<Class>,
    /// The settings that the plugin reads; checked against its manifest.
    #[serde(default)]
    pub settings: toml::Table,
    /// Secrets by name, each `env:NAME`, `file:PATH` or `stored:NAME`; a list of two, the newer first, while a secret
    /// is rotated. A plugin never sees them.
    #[serde(default)]
    pub secrets: std::collections::BTreeMap<String, OneOrTwo>,
    /// How outgoing requests are authenticated.
    #[serde(default)]
    pub auth: Option<Profile>,
    /// The hosts that requests may go to: `https://host[:port]`, or `host` for https on its standard port.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// The limits of the connector.
    #[serde(default)]
    pub limits: Limits,
    /// The address that webhooks are sent to, exactly as it is registered in the sending system. Needed where the
    /// signature covers the address, or the set-up is checked. Absent: `/in/NAME` under `server.public-url`.
    #[serde(default)]
    pub public_url: Option<String>,
    /// The interval between two polls. Absent: the connector is not polled.
    #[serde(default)]
    pub poll: Option<Span>,
    /// When a poll may begin: `0 3 * * * Europe/Berlin`, `0 22 * * * Europe/Berlin for 4h`. Absent: at any
    /// time.
    #[serde(default)]
    pub poll_window: Option<Window>,
    /// The exchange folder. Absent: the connector exchanges no files.
    #[serde(default)]
    pub folder: Option<Folder>,
    /// The interval between two checks (and repairs) of the system's set-up, where the plugin can check it.
    #[serde(default = "hourly")]
    pub setup_every: Span,
}

fn hourly() -> Span {
    Span(Duration::from_secs(3600))
}

/// `limits = { … }`: the limits of a connector. Each has a default.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Limits {
    /// The maximum rate of deliveries: `40/s`, `100/m` or `1000/h`. Absent: limited by concurrency alone.
    pub rate: Option<Rate>,
    /// How many deliveries may be sent at once after an idle time, where a rate is set.
    pub burst: u32,
    /// How many deliveries may be in flight, whether a call carries one or several.
    pub concurrency: u32,
    /// The maximum memory of an instance.
    pub memory: ByteSize,
    /// The maximum duration of a call, the wait for an instance included.
    pub deadline: Span,
    /// How many attempts a delivery has before a person must decide.
    pub attempts: u32,
    /// The delay before the first retry; each further delay may be twice as long.
    pub backoff: Span,
    /// The longest delay before a retry.
    pub backoff_max: Span,
    /// How long an event waits for the entity it refers to.
    pub wait: Span,
    /// How long a delivery may stay `received` before it counts as overdue.
    pub overdue: Span,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rate: None,
            burst: 1,
            concurrency: 32,
            memory: ByteSize::mib(64),
            deadline: Span(Duration::from_secs(20)),
            attempts: 12,
            backoff: Span(Duration::from_millis(500)),
            backoff_max: Span(Duration::from_secs(600)),
            wait: Span(Duration::from_secs(86_400)),
            overdue: Span(Duration::from_secs(4 * 3600)),
        }
    }
}

impl Limits {
    /// The limit that would let nothing through, if there is one.
    fn idle(&self) -> Option<&'static str> {
        if self.concurrency == 0 {
            Some("a concurrency of 0 sends nothing")
        } else if self.attempts == 0 {
            Some("with 0 attempts nothing is sent")
        } else if self.deadline.0.is_zero() {
            Some("no call ends within a deadline of 0")
        } else {
            None
        }
    }
}

/// `older = { before = "2026-01-01T00:00:00Z", owner = "erp-legacy" }`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Older {
    /// Orders that were placed before this moment are older than Crossdock.
    pub before: String,
    /// The connector of the ERP that owns their books.
    pub owner: String,
}

/// How a channel receives the stock that several systems keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stock {
    /// The sum of the levels of all systems.
    Sum,
}

/// `[[route]]`: which events go to which connectors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Route {
    /// The route's name.
    pub name: String,
    /// A CEL expression over `event`, `store` and `data`. Absent: every event.
    #[serde(default)]
    pub when: Option<String>,
    /// The connectors that the event is delivered to.
    pub to: Vec<String>,
    /// True when an order's later events go to the ERP that its first one went to, even if the routes have changed.
    /// Only orders, edits and refunds are pinned, and only to connectors of class `erp`, or of none.
    #[serde(default = "yes")]
    pub pin: bool,
    /// True when an order's next delivery waits until the previous one is `posted`; `received` is not enough.
    #[serde(default)]
    pub posted: bool,
    /// Which ERP owns the orders that are older than Crossdock.
    #[serde(default)]
    pub older: Option<Older>,
    /// `sum`: the connector receives the sum of the levels that all systems report for an article at one place.
    #[serde(default)]
    pub stock: Option<Stock>,
    /// When its deliveries become due: `0 3 * * * Europe/Berlin`. Absent: at once.
    #[serde(default)]
    pub window: Option<Window>,
}

fn yes() -> bool {
    true
}
