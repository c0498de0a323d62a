//! The configuration: one TOML file for each environment. Unknown names are refused, so that a misspelt setting is an
//! error at start-up and not silently without effect.

mod folder;
mod one_or_two;
mod units;

use std::path::{Path, PathBuf};
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

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("configuration {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, or has an unknown name or value.
    #[error("configuration {} is wrong: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// The parts of the file contradict each other.
    #[error("the configuration does not fit together: {reason}")]
    Contradiction {
        /// The contradiction.
        reason: String,
    },
}

impl Config {
    /// Reads the file and checks that its parts fit together. Relative paths in it are taken from the
    /// file's own folder, so that the host can be started from anywhere.
    ///
    /// # Errors
    /// When the file cannot be read, has an unknown name or value, or contradicts itself.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
        let mut config: Self = toml::from_str(&text)
            .map_err(|source| Error::Malformed { path: path.to_owned(), source: Box::new(source) })?;
        config.check()?;
        config.resolve(path.parent().unwrap_or(Path::new(".")));
        Ok(config)
    }

    /// The public address that a connector's webhooks are sent to. None where neither address is configured.
    pub fn intake_address(&self, connector: &Connector) -> Option<String> {
        let of_host = || Some(format!("{}/in/{}", self.server.public_url.as_ref()?, connector.name));
        connector.public_url.clone().or_else(of_host)
    }

    fn check(&self) -> Result<(), Error> {
        let contradiction = |reason: String| Err(Error::Contradiction { reason });
        let whole = |url: &str| {
            let url = url.parse::<axum::http::Uri>();
            url.is_ok_and(|url| url.scheme().is_some() && url.host().is_some())
        };
        if let Some(url) = self.server.public_url.as_deref().filter(|url| !whole(url) || url.ends_with('/')) {
            return contradiction(format!(
                "server: the public-url `{url}` is no address; write `https://host`, without a slash at its end"
            ));
        }
        if self.plugins.instances == 0 {
            return contradiction("plugins: with 0 instances nothing runs".into());
        }
        if self.server.backlog == 0 {
            return contradiction("server: a backlog of 0 takes no request".into());
        }
        let mut names = std::collections::BTreeSet::new();
        for connector in &self.connectors {
            let simple = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if connector.name.is_empty() || !connector.name.chars().all(simple) {
                return contradiction(format!(
                    "connector `{}`: a name is made of lower-case letters, digits and hyphens",
                    connector.name
                ));
            }
            if !names.insert(connector.name.as_str()) {
                return contradiction(format!("two connectors are called `{}`", connector.name));
            }
            if let Some(url) = connector.public_url.as_ref().filter(|url| !whole(url)) {
                return contradiction(format!(
                    "connector `{}`: the public-url `{url}` is no whole address; write `https://host/in/{}`",
                    connector.name, connector.name
                ));
            }
            if let Some(folder) = &connector.folder
                && let Err(why) = folder.check(connector.secrets.keys())
            {
                return contradiction(format!("connector `{}`: folder: {why}", connector.name));
            }
            let shared = |other: &&Connector| {
                let (one, two) = (connector.folder.as_ref(), other.folder.as_ref());
                other.name != connector.name && one.zip(two).is_some_and(|(a, b)| a.place() == b.place())
            };
            if let Some(other) = self.connectors.iter().find(shared) {
                return contradiction(format!(
                    "connectors `{}` and `{}` would read the same folder",
                    connector.name, other.name
                ));
            }
            if connector.poll_window.is_some() && connector.poll.is_none() {
                return contradiction(format!(
                    "connector `{}`: poll-window says when to poll, and poll does not say how often",
                    connector.name
                ));
            }
            if connector.setup_every.0.is_zero() {
                return contradiction(format!(
                    "connector `{}`: setup-every 0 would never rest",
                    connector.name
                ));
            }
            if connector.poll.is_some_and(|every| every.0.is_zero()) {
                return contradiction(format!("connector `{}`: poll 0 would never rest", connector.name));
            }
            if let Some(what) = connector.limits.idle() {
                return contradiction(format!("connector `{}`: {what}", connector.name));
            }
        }
        let mut routes = std::collections::BTreeSet::new();
        for route in &self.routes {
            if !routes.insert(route.name.as_str()) {
                return contradiction(format!("two routes are called `{}`", route.name));
            }
            if route.to.is_empty() {
                return contradiction(format!("route `{}` goes nowhere: `to` is empty", route.name));
            }
            let owners = route.older.iter().map(|older| &older.owner);
            if let Some(unknown) = route.to.iter().chain(owners).find(|to| !names.contains(to.as_str())) {
                return contradiction(format!(
                    "route `{}` goes to `{unknown}`, which is no connector",
                    route.name
                ));
            }
            let keeps_books = |name: &&String| {
                self.connectors.iter().any(|it| it.name == **name && it.class == Some(Class::Erp))
            };
            let books: Vec<&str> = route.to.iter().filter(keeps_books).map(String::as_str).collect();
            if route.pin && books.len() > 1 {
                return contradiction(format!(
                    "route `{}` pins an order to one ERP and names several: {}; give each a route of its own, or say `pin = false`",
                    route.name,
                    books.join(", ")
                ));
            }
        }
        Ok(())
    }

    fn resolve(&mut self, folder: &Path) {
        let absolute = |path: &mut PathBuf| {
            if path.is_relative() {
                *path = folder.join(&path);
            }
        };
        absolute(&mut self.plugins.dir);
        absolute(&mut self.plugins.cache);
        self.plugins.trust.iter_mut().for_each(absolute);
        self.egress.authorities.iter_mut().for_each(absolute);
        let folders = self.connectors.iter_mut().filter_map(|c| c.folder.as_mut()?.path.as_mut());
        folders.for_each(absolute);
        self.registry.stores.iter_mut().chain(&mut self.registry.mappings).for_each(absolute);
        if let Some(path) = self.storage.url.strip_prefix("sqlite://")
            && Path::new(path).is_relative()
        {
            self.storage.url = format!("sqlite://{}", folder.join(path).display());
        }
        let secrets = self.connectors.iter_mut().flat_map(|c| c.secrets.values_mut());
        let secrets = secrets.flat_map(|place| match place {
            OneOrTwo::One(place) => std::slice::from_mut(place),
            OneOrTwo::Two(places) => places,
        });
        let places = std::iter::once(&mut self.storage.key).chain(&mut self.server.first_token);
        for place in places.chain(secrets) {
            if let Some(path) = place.strip_prefix("file:")
                && Path::new(path).is_relative()
            {
                *place = format!("file:{}", folder.join(path).display());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, Error> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("crossdock.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path)
    }

    const SMALL: &str = r#"
        [storage]
        url = "sqlite://x.db"
        [[connector]]
        name = "erp"
        plugin = "erp-rest"
        secrets = { token = "env:T" }
        auth = { profile = "bearer", secret = "token" }
        limits = { rate = "90/m", deadline = "1m 30s", memory = "32MiB" }
        [[route]]
        name = "all"
        to = ["erp"]
    "#;

    const SHARED: &str = r#"
        storage = { url = "sqlite://x.db" }
        connector = [
            { name = "a", plugin = "p", folder = { path = "exchange/folder" } },
            { name = "b", plugin = "p", folder = { path = "exchange/other" } },
        ]
    "#;

    #[test]
    fn a_folder_a_window_and_an_address_are_understood() {
        let config = read(SHARED).unwrap();
        let folder = config.connectors[0].folder.as_ref().unwrap();
        assert!(matches!(folder.at(), Ok(At::Path(path)) if path.is_absolute()));
        assert_eq!(config.intake_address(&config.connectors[0]), None);
        let text = SMALL.replace("plugin =", "poll = '5m'\npoll-window = '0 22 * * * UTC for 4h'\nplugin =");
        let text = text.replace("name = \"all\"", "name = 'all'\nwindow = '0 3 * * * Europe/Berlin'");
        let config = read(&format!("server = {{ public-url = 'https://x.example' }}\n{text}")).unwrap();
        assert_eq!(config.routes[0].window.as_ref().unwrap().to_string(), "0 3 * * * Europe/Berlin");
        let erp = &config.connectors[0];
        assert_eq!(erp.poll_window.as_ref().unwrap().to_string(), "0 22 * * * UTC for 4h");
        assert_eq!(config.intake_address(erp).as_deref(), Some("https://x.example/in/erp"));
        assert_eq!(erp.setup_every, Span(Duration::from_secs(3600)));
    }

    #[test]
    fn a_small_file_has_sane_defaults() {
        let config = read(SMALL).unwrap();
        assert_eq!(config.server.listen, "127.0.0.1:8080");
        let limits = &config.connectors[0].limits;
        assert_eq!(limits.rate, Some(Rate { per_second: 1.5 }));
        assert_eq!(limits.deadline, Span(Duration::from_secs(90)));
        assert_eq!(limits.memory, ByteSize::mib(32));
        assert_eq!(limits.concurrency, 32);
        assert!(config.routes[0].pin && !config.routes[0].posted);
    }

    #[test]
    fn an_order_is_pinned_to_one_erp() {
        let side_by_side = |route: &str| {
            let connector = |name, class| format!("{{ name = '{name}', plugin = 'p', class = '{class}' }}");
            let connectors =
                [connector("old", "erp"), connector("new", "erp"), connector("wms", "warehouse")];
            let connectors = connectors.join(", ");
            read(&format!(
                "storage = {{ url = 'sqlite://x' }}\nconnector = [{connectors}]\n[[route]]\nname = 'r'\n{route}"
            ))
        };
        let said = side_by_side("to = ['old', 'wms', 'new']").unwrap_err().to_string();
        assert!(said.contains("route `r` pins an order to one ERP and names several: old, new"), "{said}");
        assert!(side_by_side("to = ['old', 'new']\npin = false").is_ok());
        assert!(side_by_side("to = ['old', 'wms']\nposted = true").unwrap().routes[0].posted);
    }

    #[test]
    fn paths_are_taken_from_the_files_folder() {
        let config = read(SMALL).unwrap();
        assert!(config.storage.url.starts_with("sqlite:///"), "{}", config.storage.url);
        assert!(config.plugins.dir.is_absolute());
        let config = read(&format!("server = {{ first-token = 'file:token' }}\n{SMALL}")).unwrap();
        assert!(config.server.first_token.unwrap().starts_with("file:/"));
    }

    #[test]
    fn what_is_wrong_is_said_in_a_sentence() {
        let wrong = [
            ("[storage]\nurl='sqlite://x'\nuri='y'", "unknown field `uri`"),
            (
                "[storage]\nurl='sqlite://x'\n[[route]]\nname='r'\nto=['nowhere']",
                "`nowhere`, which is no connector",
            ),
            ("[storage]\nurl='sqlite://x'\n[[connector]]\nname='A b'\nplugin='p'", "lower-case letters"),
            (&SMALL.replace("[[route]]", "public-url = '/in/erp'\n[[route]]"), "no whole address"),
            (&SMALL.replace("90/m", "fast"), "`fast` is not a rate"),
            (&SMALL.replace("1m 30s", "soon"), "`soon` is not a span of time"),
            (
                &SMALL.replace("name = \"all\"", "name = 'all'\nwindow = '0 3 * * *'"),
                "five fields and a time zone",
            ),
            (&SMALL.replace("plugin =", "poll-window = '0 3 * * * UTC'\nplugin ="), "does not say how often"),
            (&SMALL.replace("plugin =", "folder = {}\nplugin ="), "folder: it has a `path` or a `url`"),
            (&format!("server = {{ public-url = 'crossdock' }}\n{SMALL}"), "`crossdock` is no address"),
            (&SHARED.replace("other", "folder"), "would read the same folder"),
            (&SMALL.replace("plugin =", "poll = '0s'\nplugin ="), "poll 0 would never rest"),
            (&SMALL.replace("1m 30s", "0s"), "within a deadline of 0"),
            (&SMALL.replace("rate =", "attempts = 0, rate ="), "with 0 attempts"),
            (&SMALL.replace("to = [\"erp\"]", "to = []"), "goes nowhere"),
            (&format!("{SMALL}\n[[route]]\nname = 'all'\nto = ['erp']"), "two routes are called `all`"),
            (&format!("plugins = {{ instances = 0 }}\n{SMALL}"), "with 0 instances"),
            (&format!("server = {{ backlog = 0 }}\n{SMALL}"), "a backlog of 0"),
        ];
        for (text, sentence) in wrong {
            let said = read(text).unwrap_err().to_string();
            assert!(said.contains(sentence), "{said}");
        }
    }
}
