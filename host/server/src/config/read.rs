//! A configuration file is read, checked as a whole, and its paths are made absolute.

use std::path::{Path, PathBuf};

use crossdock_rules::ownership::Class;

use super::{Config, Connector, OneOrTwo};

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
