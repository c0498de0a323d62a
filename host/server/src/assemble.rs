//! Builds the connectors that the configuration file describes, ready to be called.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use async_trait::async_trait;
use crossdock_egress::{Access, Client, Egress, Limits as HttpLimits, SecretStore, Secrets};
use crossdock_engine::Store;
use crossdock_flow::authenticate::{DedupeField, Encoding, Webhook};
use crossdock_flow::connector::{Check, Connector, Endpoint, Sink};
use crossdock_flow::routes::{OlderOrders, Rule};
use crossdock_flow::swap::{BY_DIGEST, Loader};
use crossdock_model::time::micros;
use crossdock_rules::lookup::Keys;
use crossdock_rules::outcome::Policy;
use crossdock_rules::retry::Backoff;
use crossdock_sandbox::{Grants, Guest, Limits, Options, Plugin, Sandbox, manifest};

use crate::config::{self, Config};
use crate::folder;
use crate::keyring;
use crate::lookups::{Lookups, SequenceNumbers};
use crate::plugin::Sandboxed;
use crate::plugin_archive::PluginArchive;
use crate::safeguards::safeguards;

/// Builds connectors from the configuration: when the host starts, and for a swap.
pub struct Assembler {
    config: Config,
    sandbox: Sandbox,
    egress: Egress,
    store: Store,
    secrets: Arc<dyn SecretStore>,
    numbers: Arc<SequenceNumbers>,
    archive: PluginArchive,
}

impl Assembler {
    /// Reads the trusted keys and creates the sandbox.
    ///
    /// # Errors
    /// When a file of trusted keys cannot be read, or the sandbox cannot be created on this machine.
    pub fn new(config: Config, store: Store, secrets: Arc<dyn SecretStore>) -> anyhow::Result<Self> {
        let keyring = keyring::read(config.plugins.trust.iter().map(PathBuf::as_path))?;
        let sandbox = Sandbox::new(Options {
            instances: config.plugins.instances,
            cache: Some(config.plugins.cache.clone()),
            keyring,
            allow_unsigned: config.plugins.allow_unsigned,
            ..Options::default()
        })?;
        let egress = Egress::new(config.egress.clone())?;
        let archive = PluginArchive::of(&config);
        Ok(Self { config, sandbox, egress, store, secrets, numbers: Arc::default(), archive })
    }

    /// Loads every plugin and builds the connectors. A connector that was swapped gets the plugin of its last swap.
    ///
    /// # Errors
    /// When a plugin cannot be loaded, or its configuration lacks something that it needs; the message names the
    /// connector.
    pub async fn connectors(&self) -> anyhow::Result<Vec<Connector>> {
        let choices =
            self.store.plugin_choices().await.context("reading the plugins that swaps have chosen")?;
        let mut connectors = Vec::with_capacity(self.config.connectors.len());
        for wanted in &self.config.connectors {
            let chosen = choices.iter().find(|choice| choice.connector == wanted.name);
            let current = chosen.and_then(|choice| choice.current.as_deref());
            let plugin = current.unwrap_or(&wanted.plugin);
            let made = self.connector(wanted, plugin).await;
            connectors.push(made.with_context(|| match chosen {
                Some(choice) => format!("connector `{}`, swapped by {}", wanted.name, choice.by),
                None => format!("connector `{}`", wanted.name),
            })?);
        }
        Ok(connectors)
    }

    /// Copies the plugin files of connectors, so that a swap can go back to them when the original files change.
    pub async fn archive(&self, connectors: &[Connector]) {
        for Connector { name, file, digest, .. } in connectors {
            if let Err(error) = self.archive.add(&self.path(file), digest).await {
                let why = format!("{error:#}");
                tracing::warn!(
                    connector = name,
                    why,
                    "the plugin file could not be copied: a swap will not be able to go back to it"
                );
            }
        }
    }

    /// The path of a plugin, which is named by `name`, `name@1`, `name@0.1.0`, the path of a `.wasm` file, or a digest.
    fn path(&self, wanted: &str) -> PathBuf {
        if let Some(digest) = wanted.strip_prefix(BY_DIGEST) {
            return self.archive.path(digest);
        }
        if wanted.ends_with(".wasm") {
            return self.config.plugins.dir.join(wanted);
        }
        let name = wanted.split_once('@').map_or(wanted, |(name, _)| name);
        self.config.plugins.dir.join(format!("{name}.wasm"))
    }
}

#[async_trait]
impl Loader for Assembler {
    async fn load(&self, connector: &str, plugin: &str) -> Result<Connector, String> {
        let known = self.config.connectors.iter().find(|wanted| wanted.name == connector);
        let wanted = known.ok_or_else(|| format!("there is no connector `{connector}`"))?;
        let made = async {
            let mut made = self.connector(wanted, plugin).await?;
            self.archive.add(&self.path(plugin), &made.digest).await?;
            // The plugin of the configuration is recorded by its configured name, any other by its digest, so that the
            // next start loads the same file.
            let configured =
                plugin == wanted.plugin || self.archive.is(&self.path(&wanted.plugin), &made.digest).await;
            made.file =
                if configured { wanted.plugin.clone() } else { format!("{BY_DIGEST}{}", made.digest) };
            Ok::<_, anyhow::Error>(made)
        };
        made.await.map_err(|error| format!("{error:#}"))
    }
}

/// The routes of the configuration, in the form that the flow uses.
///
/// # Errors
/// When a route's condition or its `older.before` cannot be parsed.
pub fn routes(config: &Config) -> anyhow::Result<Vec<Rule>> {
    let rules = config.routes.iter().map(rule).collect::<anyhow::Result<Vec<Rule>>>()?;
    crossdock_flow::routes::Routes::compile(rules.clone())?;
    Ok(rules)
}

fn rule(route: &config::Route) -> anyhow::Result<Rule> {
    let older = match &route.older {
        Some(config::Older { before, owner }) => {
            let before_micros =
                micros(before).with_context(|| format!("route `{}`: older.before", route.name))?;
            Some(OlderOrders { before_micros, owner: owner.clone() })
        }
        None => None,
    };
    Ok(Rule {
        name: route.name.clone(),
        when: route.when.clone(),
        to: route.to.clone(),
        // A stock level that is summed over several systems is not pinned to one of them.
        pin: route.pin && route.stock.is_none(),
        older,
        posted: route.posted,
        sum: route.stock == Some(config::Stock::Sum),
        window: route.window.clone(),
    })
}

impl Assembler {
    /// Finds and loads a plugin.
    async fn plugin(&self, wanted: &str) -> anyhow::Result<Plugin> {
        let path = self.path(wanted);
        let loading = || format!("loading the plugin {}", path.display());
        let plugin = self.sandbox.load_path(&path).await.with_context(loading)?;
        if let Some(digest) = wanted.strip_prefix(BY_DIGEST) {
            ensure!(
                plugin.digest() == digest,
                "{} has changed since it was stored under its digest",
                path.display()
            );
        } else if !wanted.ends_with(".wasm")
            && let Some((_, version)) = wanted.split_once('@')
            && !fits(&plugin.manifest().version, version)
        {
            bail!("{} is {}, but `{wanted}` was asked for", path.display(), plugin.label());
        }
        Ok(plugin)
    }

    async fn connector(&self, wanted: &config::Connector, file: &str) -> anyhow::Result<Connector> {
        let plugin = self.plugin(file).await?;
        let manifest = plugin.manifest();
        let places = wanted
            .secrets
            .iter()
            .map(|(name, places)| (name.as_str(), places.newest_first().iter().map(String::as_str)));
        let secrets = Secrets::open(places, Arc::clone(&self.secrets)).await?;
        let optional = manifest.webhook.as_ref().filter(|webhook| webhook.optional);
        let needed = |name: &str| optional.is_none_or(|webhook| webhook.secret != name);
        let missing = |name: &str| needed(name) && !wanted.secrets.contains_key(name);
        if let Some((name, purpose)) = manifest.secrets.iter().find(|(name, _)| missing(name)) {
            bail!("{} needs the secret `{name}`: {purpose}", plugin.label());
        }
        let client = http_client(wanted, &self.egress, secrets.clone())?;
        let settings = serde_json::to_value(&wanted.settings).context("converting the settings to JSON")?;
        let lookups = Arc::new(Lookups {
            store: self.store.clone(),
            connector: wanted.name.clone(),
            numbers: Arc::clone(&self.numbers),
        });
        let limits = Limits {
            memory: usize::try_from(wanted.limits.memory.as_u64()).unwrap_or(usize::MAX),
            deadline: wanted.limits.deadline.0,
            ..Limits::default()
        };
        let outbox_bytes = wanted.folder.as_ref().map(|folder| folder.limit.as_u64());
        let grants = Grants { outbox_bytes, ..Grants::new(&wanted.name, settings, client) };
        let guest =
            Guest::new(&plugin, Grants { references: lookups.clone(), tables: lookups, limits, ..grants })?;
        let address = self.config.intake_address(wanted);
        let setup = manifest.exports.contains(&manifest::Export::Setup);
        if setup && address.is_none() {
            tracing::warn!(
                connector = wanted.name,
                "its set-up is not checked: set server.public-url to the public address of this host"
            );
        }
        let polls = manifest.source.is_some_and(|source| source.poll);
        if wanted.poll.is_some() && !polls {
            bail!("`poll` is set, but {} cannot be polled", plugin.label());
        }
        let webhook = manifest.webhook.as_ref().filter(|it| wanted.secrets.contains_key(&it.secret));
        let receives = webhook.is_some() || wanted.poll.is_some() || wanted.folder.is_some();
        if manifest.sink.is_none() && !receives {
            bail!(
                "{} delivers nothing and would receive nothing: configure the secret of its webhooks, `poll`, or a `folder`",
                plugin.label()
            );
        }
        Ok(Connector {
            name: wanted.name.clone(),
            system: manifest.system.clone(),
            class: wanted.class,
            label: plugin.label().to_owned(),
            digest: plugin.digest().to_owned(),
            file: file.to_owned(),
            configured: wanted.plugin.clone(),
            setup,
            check: address.clone().map(|address| Check { address, every: wanted.setup_every.0 }),
            folder: wanted.folder.as_ref().map(|folder| folder::open(folder, &secrets)).transpose()?,
            deadline: wanted.limits.deadline.0,
            endpoint: webhook.map(|webhook| endpoint(webhook, address.as_deref(), secrets)).transpose()?,
            sink: manifest.sink.as_ref().map(|sink| self::sink(sink, &wanted.limits)),
            poll: wanted.poll.map(|span| span.0),
            poll_window: wanted.poll_window.clone(),
            plugin: Arc::new(Sandboxed::new(guest)),
        })
    }
}

/// True when a version equals the wanted one or starts with its numbers: `1.2.3` fits `1.2`.
fn fits(version: &str, wanted: &str) -> bool {
    version == wanted || version.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
}

fn http_client(wanted: &config::Connector, egress: &Egress, secrets: Secrets) -> anyhow::Result<Client> {
    let deadline = wanted.limits.deadline.0;
    let limits = HttpLimits {
        // A request times out before the call's deadline, so that the plugin can still answer with the failure.
        first_byte: deadline.mul_f32(0.8),
        total: deadline.mul_f32(0.9),
        ..HttpLimits::default()
    };
    let access = Access { hosts: wanted.hosts.clone(), profile: wanted.auth.clone(), secrets, limits };
    Client::new(egress, access).map_err(|reason| anyhow!(reason))
}

fn endpoint(webhook: &manifest::Webhook, url: Option<&str>, secrets: Secrets) -> anyhow::Result<Endpoint> {
    let manifest::Scheme::HmacSha256 = webhook.scheme;
    let name = webhook.secret.clone();
    let url = match webhook.signs {
        manifest::SignedContent::Body => None,
        manifest::SignedContent::UrlAndBody => Some(url.context(
            "the signature of its webhooks covers the address that they are sent to: set `public-url` to that address",
        )?),
    };
    Ok(Endpoint {
        webhook: Webhook {
            header: webhook.header.clone(),
            encoding: match webhook.encoding {
                manifest::Encoding::Base64 => Encoding::Base64,
                manifest::Encoding::Hex => Encoding::Hex,
            },
            url: url.map(str::to_owned),
            dedupe: webhook
                .dedupe
                .iter()
                .map(|fields| fields.iter().map(|field| DedupeField::parse(field)).collect())
                .collect(),
        },
        secrets: Arc::new(move || {
            secrets.values(&name).iter().map(|secret| secret.expose().as_bytes().to_vec()).collect()
        }),
    })
}

fn sink(sink: &manifest::Sink, limits: &config::Limits) -> Sink {
    Sink {
        kinds: sink.kinds.iter().cloned().collect(),
        batch: sink.batch as usize,
        concurrency: limits.concurrency,
        rate: limits.rate.map(|rate| (rate.per_second, limits.burst)),
        policy: Policy {
            max_attempts: limits.attempts,
            backoff: Backoff { base: limits.backoff.0, cap: limits.backoff_max.0 },
            // At least a millisecond: a request can be in flight even if the manifest says zero.
            max_inflight: sink.max_inflight.max(Duration::from_millis(1)),
            keys: match sink.keys {
                manifest::Keys::Honoured => Keys::Honoured,
                manifest::Keys::Find => Keys::Find,
                manifest::Keys::None => Keys::None,
            },
            parent_wait_limit: limits.wait.0,
            confirmation_limit: limits.overdue.0,
            safeguards: safeguards(),
            ..Policy::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_version_is_asked_for_by_its_first_numbers() {
        assert!(fits("1.2.3", "1") && fits("1.2.3", "1.2") && fits("1.2.3", "1.2.3"));
        assert!(!fits("10.2.3", "1") && !fits("1.20.3", "1.2") && !fits("1.2.3", "2"));
    }
}
