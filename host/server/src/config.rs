//! The operator's file: one TOML file an environment. Unknown names are refused, so that a typing error
//! is a sentence at start-up and not a setting that silently does nothing.

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

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Where the host listens.
    #[serde(default)]
    pub server: Server,
    /// Where everything durable rests.
    pub storage: Storage,
    /// How long data is kept.
    #[serde(default)]
    pub retention: Retention,
    /// Where plugins come from and whom to trust.
    #[serde(default)]
    pub plugins: Plugins,
    /// How the host speaks to the outside, over all connectors.
    #[serde(default)]
    pub egress: crossdock_egress::Options,
    /// Files with mappings and stores.
    #[serde(default)]
    pub registry: Registry,
    /// Who owns which attribute, where that is not the default: `"order.tags" = ["channel", "erp"]`.
    #[serde(default)]
    pub ownership: Ownership,
    /// The connectors.
    #[serde(default, rename = "connector")]
    pub connectors: Vec<Connector>,
    /// The routes, in the order they are asked.
    #[serde(default, rename = "route")]
    pub routes: Vec<Route>,
}

/// `[server]`: where the host listens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Server {
    /// Address and port of intake, API and console. Port 0 takes a free one.
    pub listen: String,
    /// The address that the outside reaches this host by: `https://crossdock.example`. What a connector's
    /// requests are sent to is this and `/in/NAME`, unless the connector says otherwise.
    pub public_url: Option<String>,
    /// The largest request that intake takes.
    pub body_limit: ByteSize,
    /// How many accepted requests may wait to be read, or deliveries to be sent, before intake answers 503.
    pub backlog: u64,
    /// How long calls in flight may take to end when the host is stopped.
    pub drain: Span,
    /// The first API token, `env:NAME` or `file:PATH`, for hosts that are set up by programs. Absent: the
    /// host makes one when its database has none, and prints it once.
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

/// `[storage]`: where everything durable rests.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Storage {
    /// `sqlite://path`.
    pub url: String,
    /// The key that personal data, raw requests and secrets are encrypted under: `file:PATH` (made when it
    /// is missing), `env:NAME`, or `command:LINE`, what a command prints; 64 hexadecimal digits, or base64.
    #[serde(default = "default_key")]
    pub key: String,
}

fn default_key() -> String {
    "file:crossdock.key".into()
}

/// `[retention]`: how long data is kept. Idempotency keys, references, pins and the newest state of each entity stay
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

/// `[plugins]`: where plugins come from and whom to trust.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Plugins {
    /// The folder that plugins are found in by name.
    pub dir: PathBuf,
    /// The folder that compiled plugins are kept in.
    pub cache: PathBuf,
    /// Files with the public keys of the vendors that are trusted.
    pub trust: Vec<PathBuf>,
    /// True to load plugins that nobody signed, for development.
    pub allow_unsigned: bool,
    /// How many plugin calls may run at the same moment, over all connectors.
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
    /// What the operator calls it; also the last part of its intake address.
    pub name: String,
    /// The plugin: `name`, `name@1`, `name@0.1.0`, or the path of a `.wasm` file.
    pub plugin: String,
    /// What sort of system it speaks to: `channel`, `erp` or `warehouse`; it says which attributes are the
    /// system's own. Absent: nothing that it reports is a conflict.
    #[serde(default)]
    pub class: Option<Class>,
    /// The settings that the plugin reads; checked against its manifest.
    #[serde(default)]
    pub settings: toml::Table,
    /// Secrets by name, each `env:NAME`, `file:PATH` or `stored:NAME`; two places while one is rotated, the newer
    /// first. They never enter the plugin.
    #[serde(default)]
    pub secrets: std::collections::BTreeMap<String, OneOrTwo>,
    /// How outgoing requests are authenticated.
    #[serde(default)]
    pub auth: Option<Profile>,
    /// Where requests may go: `https://host[:port]`, or `host` for https on its standard port.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// What the connector may use.
    #[serde(default)]
    pub limits: Limits,
    /// The address that the outside sends requests to, as it is registered there, letter by letter. Needed
    /// where signatures are made of it too, or the set-up is checked. Absent: `server.public-url` and
    /// `/in/NAME`.
    #[serde(default)]
    pub public_url: Option<String>,
    /// How often the plugin's `poll` is asked. Absent: never.
    #[serde(default)]
    pub poll: Option<Span>,
    /// When a poll may begin: `0 3 * * * Europe/Berlin`, `0 22 * * * Europe/Berlin for 4h`. Absent: at any
    /// time.
    #[serde(default)]
    pub poll_window: Option<Window>,
    /// Where files are exchanged with a partner. Absent: nowhere.
    #[serde(default)]
    pub folder: Option<Folder>,
    /// How often the system's set-up is checked, and repaired, where the plugin can.
    #[serde(default = "hourly")]
    pub setup_every: Span,
}

fn hourly() -> Span {
    Span(Duration::from_secs(3600))
}

/// `limits = { … }`: what a connector may use. Everything has a default.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Limits {
    /// Deliveries a second (`40/s`), a minute or an hour. Absent: as many as concurrency lets through.
    pub rate: Option<Rate>,
    /// How many deliveries may go at once after a pause, with a rate.
    pub burst: u32,
    /// How many deliveries may be under way, whether they go one a call or several in one.
    pub concurrency: u32,
    /// The most memory an instance may take.
    pub memory: ByteSize,
    /// How long a call may take, waiting included.
    pub deadline: Span,
    /// How often a delivery is tried before a person must decide.
    pub attempts: u32,
    /// The first pause after a failed try; each next one may be twice as long.
    pub backoff: Span,
    /// The longest pause between two tries.
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
    /// Which limit lets nothing through, where one does.
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

/// `older = { before = "2026-01-01T00:00:00Z", home = "erp-legacy" }`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Older {
    /// Orders that were placed before this moment are older than Crossdock.
    pub before: String,
    /// The connector that is their home.
    pub home: String,
}

/// How a channel receives the stock that several systems keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stock {
    /// The sum of all levels of the place.
    Sum,
}

/// `[[route]]`: which events go to which connectors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Route {
    /// What the operator calls it.
    pub name: String,
    /// A CEL expression over `event`, `store` and `data`. Absent: every event.
    #[serde(default)]
    pub when: Option<String>,
    /// The connectors that the event is delivered to.
    pub to: Vec<String>,
    /// True when an order's later events stay with the ERP its first one went to, whatever the routes say by
    /// then. Only orders, edits and refunds are pinned, and only to connectors of class `erp`, or of none.
    #[serde(default = "yes")]
    pub pin: bool,
    /// True when only `posted`, not `received`, lets the next of an order go.
    #[serde(default)]
    pub posted: bool,
    /// Where orders live that are older than Crossdock.
    #[serde(default)]
    pub older: Option<Older>,
    /// `sum`: the connector receives the sum of the levels that all systems report for an article at one place.
    #[serde(default)]
    pub stock: Option<Stock>,
    /// When what it routes becomes due: `0 3 * * * Europe/Berlin`. Absent: at once.
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
    /// The file is no TOML, or says something unknown.
    #[error("configuration {} is wrong: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// The parts do not fit together.
    #[error("the configuration does not fit together: {reason}")]
    Contradiction {
        /// What does not fit.
        reason: String,
    },
}

impl Config {
    /// Reads the file and checks that its parts fit together. Relative paths in it are taken from the
    /// file's own folder, so that the host can be started from anywhere.
    ///
    /// # Errors
    /// When the file cannot be read, says something unknown, or contradicts itself.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
        let mut config: Self = toml::from_str(&text)
            .map_err(|source| Error::Malformed { path: path.to_owned(), source: Box::new(source) })?;
        config.check()?;
        config.resolve(path.parent().unwrap_or(Path::new(".")));
        Ok(config)
    }

    /// The address that the outside sends a connector's requests to. None where nobody said.
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
            let homes = route.older.iter().map(|older| &older.home);
            if let Some(unknown) = route.to.iter().chain(homes).find(|to| !names.contains(to.as_str())) {
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
            (&SMALL.replace("90/m", "fast"), "`fast` is no rate"),
            (&SMALL.replace("1m 30s", "soon"), "`soon` is no span of time"),
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
