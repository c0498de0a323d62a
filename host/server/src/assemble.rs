//! From the operator's file to connectors that can be called.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use async_trait::async_trait;
use crossdock_egress::recorder::{LookupFailed, References};
use crossdock_egress::{Access, Client, Egress, Limits as WayOut, Secrets};
use crossdock_flow::authenticate::{Encoding, Webhook};
use crossdock_flow::connector::{Connector, Intake, Sink};
use crossdock_flow::routes::Rule;
use crossdock_model::common::{Entity, Reference};
use crossdock_rules::lookup::Keys;
use crossdock_rules::outcome::Policy;
use crossdock_rules::retry::Backoff;
use crossdock_sandbox::signature::Keyring;
use crossdock_sandbox::{Grants, Limits, Options, Plugin, Sandbox, manifest};
use crossdock_storage::Store;

use crate::config::{self, Config};
use crate::plugin::Sandboxed;
use crate::serve::safeguards;

/// Loads every plugin and makes the connectors.
///
/// # Errors
/// When a plugin cannot be loaded, or is not given what it needs; the message names the connector.
pub async fn connectors(config: &Config, store: &Arc<dyn Store>) -> anyhow::Result<Vec<Connector>> {
    let mut keyring = Keyring::default();
    for path in &config.plugins.trust {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("reading the trusted keys in {}", path.display()))?;
        keyring.read(&text).with_context(|| format!("the trusted keys in {}", path.display()))?;
    }
    let sandbox = Sandbox::new(Options {
        instances: config.plugins.instances,
        cache: Some(config.plugins.cache.clone()),
        keyring,
        allow_unsigned: config.plugins.allow_unsigned,
        ..Options::default()
    })?;
    let egress = Egress::new(config.egress.clone())?;
    let mut connectors = Vec::with_capacity(config.connectors.len());
    for wanted in &config.connectors {
        let connector = connector(config, wanted, &sandbox, &egress, store)
            .await
            .with_context(|| format!("connector `{}`", wanted.name))?;
        connectors.push(connector);
    }
    Ok(connectors)
}

/// The routes as the flow takes them.
///
/// # Errors
/// When a condition cannot be read.
pub fn routes(config: &Config) -> anyhow::Result<Vec<Rule>> {
    let rules: Vec<Rule> = config
        .routes
        .iter()
        .map(|route| Rule {
            name: route.name.clone(),
            when: route.when.clone(),
            to: route.to.clone(),
            pin: route.pin,
        })
        .collect();
    crossdock_flow::routes::Routes::compile(rules.clone())?;
    Ok(rules)
}

async fn connector(
    config: &Config,
    wanted: &config::Connector,
    sandbox: &Sandbox,
    egress: &Egress,
    store: &Arc<dyn Store>,
) -> anyhow::Result<Connector> {
    let plugin = load(config, &wanted.plugin, sandbox).await?;
    let manifest = plugin.manifest();
    let secrets = Secrets::load(
        wanted
            .secrets
            .iter()
            .map(|(name, places)| (name.as_str(), places.places().iter().map(String::as_str))),
    )?;
    if let Some((name, purpose)) =
        manifest.secrets.iter().find(|(name, _)| !wanted.secrets.contains_key(*name))
    {
        bail!("{} needs the secret `{name}`: {purpose}", plugin.label());
    }
    let client = way_out(wanted, egress, secrets.clone())?;
    let settings = serde_json::to_value(&wanted.settings).context("the settings")?;
    let references = Arc::new(Known { store: Arc::clone(store), connector: wanted.name.clone() });
    let limits = Limits {
        memory: usize::try_from(wanted.limits.memory.as_u64()).unwrap_or(usize::MAX),
        deadline: wanted.limits.deadline.0,
        ..Limits::default()
    };
    let guest = plugin.guest(Grants { references, limits, ..Grants::new(&wanted.name, settings, client) })?;
    let polls = manifest.source.is_some_and(|source| source.poll);
    if wanted.poll.is_some() && !polls {
        bail!("{} cannot be polled", plugin.label());
    }
    Ok(Connector {
        name: wanted.name.clone(),
        system: manifest.system.clone(),
        label: plugin.label().to_owned(),
        intake: manifest.webhook.as_ref().map(|webhook| intake(webhook, secrets)),
        sink: manifest.sink.as_ref().map(|sink| self::sink(sink, &wanted.limits)),
        poll: wanted.poll.map(|span| span.0),
        plugin: Arc::new(Sandboxed::new(guest)),
    })
}

/// Finds and loads a plugin: `name`, `name@1`, `name@0.1.0`, or the path of a `.wasm` file.
async fn load(config: &Config, wanted: &str, sandbox: &Sandbox) -> anyhow::Result<Plugin> {
    let (name, version) = match wanted.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (wanted, None),
    };
    let path = if wanted.ends_with(".wasm") {
        config.plugins.dir.join(PathBuf::from(wanted))
    } else {
        config.plugins.dir.join(format!("{name}.wasm"))
    };
    let plugin =
        sandbox.load_path(&path).await.with_context(|| format!("loading the plugin {}", path.display()))?;
    if let Some(version) = version.filter(|_| !wanted.ends_with(".wasm"))
        && !fits(&plugin.manifest().version, version)
    {
        bail!("{} is {}, and `{wanted}` was asked for", path.display(), plugin.label());
    }
    Ok(plugin)
}

/// True when a version is the wanted one, or begins with the wanted numbers.
fn fits(version: &str, wanted: &str) -> bool {
    version == wanted || version.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
}

fn way_out(wanted: &config::Connector, egress: &Egress, secrets: Secrets) -> anyhow::Result<Client> {
    let deadline = wanted.limits.deadline.0;
    let limits = WayOut {
        // The plugin has to hear that an answer is overdue before its own time is up.
        first_byte: deadline.mul_f32(0.8),
        total: deadline.mul_f32(0.9),
        ..WayOut::default()
    };
    let access = Access { hosts: wanted.hosts.clone(), profile: wanted.auth.clone(), secrets, limits };
    egress.client(access).map_err(|reason| anyhow!(reason))
}

fn intake(webhook: &manifest::Webhook, secrets: Secrets) -> Intake {
    let manifest::Scheme::HmacSha256 = webhook.scheme;
    let name = webhook.secret.clone();
    Intake {
        webhook: Webhook {
            header: webhook.header.clone(),
            encoding: match webhook.encoding {
                manifest::Encoding::Base64 => Encoding::Base64,
                manifest::Encoding::Hex => Encoding::Hex,
            },
            dedupe: webhook.dedupe.clone(),
        },
        secrets: Arc::new(move || {
            secrets.live(&name).iter().map(|secret| secret.expose().as_bytes().to_vec()).collect()
        }),
    }
}

fn sink(sink: &manifest::Sink, limits: &config::Limits) -> Sink {
    Sink {
        kinds: sink.kinds.iter().cloned().collect(),
        batch: sink.batch as usize,
        concurrency: limits.concurrency,
        rate: limits.rate.map(|rate| (rate.per_second, limits.burst)),
        deadline: limits.deadline.0,
        policy: Policy {
            max_attempts: limits.attempts,
            backoff: Backoff { base: limits.backoff.0, cap: limits.backoff_max.0 },
            // The call itself may last up to its deadline before it is given up.
            max_inflight: sink.max_inflight.max(Duration::from_millis(1)),
            keys: match sink.keys {
                manifest::Keys::Honoured => Keys::Honoured,
                manifest::Keys::Find => Keys::Find,
                manifest::Keys::None => Keys::None,
            },
            referent_limit: limits.wait.0,
            overdue: limits.overdue.0,
            safeguards: safeguards(),
            ..Policy::default()
        },
    }
}

/// What entities are called in the connector's system, from the store.
struct Known {
    store: Arc<dyn Store>,
    connector: String,
}

#[async_trait]
impl References for Known {
    async fn find(&self, entity: &Entity) -> Result<Vec<Reference>, LookupFailed> {
        let found = self.store.references(&self.connector, &entity.to_string()).await;
        found.map_err(|error| LookupFailed { reason: error.to_string() })
    }

    async fn resolve(&self, kind: &str, id: &str) -> Result<Option<Entity>, LookupFailed> {
        let found = self.store.resolve(&self.connector, kind, id).await;
        let found = found.map_err(|error| LookupFailed { reason: error.to_string() })?;
        found
            .first()
            .map(|text| text.parse())
            .transpose()
            .map_err(|error: crossdock_model::NoIdentity| LookupFailed { reason: error.to_string() })
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
