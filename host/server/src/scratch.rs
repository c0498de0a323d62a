//! A temporary host for the demo and the benchmark: a folder, a configuration, a free port and a token.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use crossdock_demo::host::Process;
use crossdock_demo::landscape::operator::Next;
use crossdock_sandbox::signature::{self, SigningKey};
use crossdock_sandbox::{Options, Sandbox};

use crate::client::Client;
use crate::keyring;

/// The connector of the shop.
pub const SHOP: &str = "shopify";
/// The connector of the ERP.
pub const ERP: &str = "erp";

/// The shop and the ERP that the host connects.
pub struct World<'a> {
    /// The shop's domain.
    pub shop: &'a str,
    /// The key that the shop signs with.
    pub webhook_secret: &'a str,
    /// Where the ERP listens.
    pub erp_url: &'a str,
    /// The ERP's bearer token.
    pub erp_token: &'a str,
    /// The limits of the ERP's connector, as in the configuration; empty for the defaults.
    pub erp_limits: &'a str,
}

/// A free address on this machine.
///
/// # Errors
/// When there is none.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).context("finding a free port")
}

/// The configuration of a host, apart from address, database and plugin folder.
pub struct Setup<'a> {
    /// The plugins that have to be built.
    pub plugins: &'a [&'a str],
    /// Connectors and routes, as in the configuration.
    pub connectors: String,
    /// The store registry and the mappings. Absent: none.
    pub registry: Option<Registry>,
    /// Variables of its environment: the secrets that the connectors name.
    pub env: Vec<(String, String)>,
}

/// The operator's tables.
pub struct Registry {
    /// Stores, as TOML.
    pub stores: String,
    /// Mappings, as CSV.
    pub mappings: String,
}

impl World<'_> {
    fn setup(&self) -> Setup<'static> {
        let Self { shop, webhook_secret, erp_url, erp_token, erp_limits } = self;
        let connectors = format!(
            r#"[[connector]]
name = "{SHOP}"
plugin = "shopify"
settings = {{ shop = {shop:?} }}
secrets = {{ webhook = "env:DEMO_WEBHOOK_SECRET" }}

[[connector]]
name = "{ERP}"
plugin = "erp-rest"
settings = {{ url = {erp_url:?} }}
secrets = {{ token = "env:DEMO_ERP_TOKEN" }}
auth = {{ profile = "bearer", secret = "token" }}
hosts = [{erp_url:?}]
{erp_limits}

[[route]]
name = "orders-to-erp"
when = 'event.kind.startsWith("order.") || event.kind.startsWith("refund.")'
to = ["{ERP}"]
"#
        );
        let env = [("DEMO_WEBHOOK_SECRET", webhook_secret), ("DEMO_ERP_TOKEN", erp_token)];
        let env = env.map(|(name, value)| (name.to_owned(), (*value).to_owned())).to_vec();
        Setup { plugins: &["shopify", "erp-rest"], connectors, registry: None, env }
    }
}

/// A configured host that has not been started.
pub struct Scratch {
    dir: PathBuf,
    plugins: PathBuf,
    address: SocketAddr,
    token: String,
    env: Vec<(String, String)>,
}

impl Scratch {
    /// Writes a configuration into `dir`: shop → host → ERP, everything embedded.
    ///
    /// # Errors
    /// When a plugin is missing or the folder cannot be written to.
    pub fn new(dir: &Path, plugins: &Path, address: SocketAddr, world: &World<'_>) -> anyhow::Result<Self> {
        Self::configured(dir, plugins, address, world.setup())
    }

    /// Writes any configuration into `dir`.
    ///
    /// # Errors
    /// When a plugin is missing or the folder cannot be written to.
    pub fn configured(
        dir: &Path,
        plugins: &Path,
        address: SocketAddr,
        setup: Setup<'_>,
    ) -> anyhow::Result<Self> {
        for plugin in setup.plugins {
            if !plugins.join(format!("{plugin}.wasm")).is_file() {
                bail!("there is no {plugin}.wasm in {}; `make plugins` builds it", plugins.display());
            }
        }
        std::fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
        let plugins = plugins.canonicalize().context("finding the plugins")?;
        let write = |name: &str, text: &str| {
            std::fs::write(dir.join(name), text).with_context(|| format!("writing {name}"))
        };
        let registry = match &setup.registry {
            None => "",
            Some(Registry { stores, mappings }) => {
                write("stores.toml", stores)?;
                write("mappings.csv", mappings)?;
                "\n[registry]\nstores = \"stores.toml\"\nmappings = \"mappings.csv\"\n"
            }
        };
        let text = format!(
            r#"# Written by crossdock: a host and the world around it on this machine.
[server]
listen = "{address}"
first-token = "env:CROSSDOCK_FIRST_TOKEN"

[storage]
url = "sqlite://crossdock.db"

[plugins]
dir = {dir:?}
cache = {cache:?}
trust = [{key:?}]
{registry}
{connectors}"#,
            dir = plugins.display().to_string(),
            cache = plugins.join("cache").display().to_string(),
            key = plugins.join("vendor.pub").display().to_string(),
            connectors = setup.connectors,
        );
        write("crossdock.toml", &text)?;
        Ok(Self { dir: dir.to_owned(), plugins, address, token: crate::api::new_token(), env: setup.env })
    }

    /// The process that runs it; its log goes to `host.log` in the folder.
    ///
    /// # Errors
    /// When this program cannot find itself.
    pub fn process(&self) -> anyhow::Result<Process> {
        let binary = std::env::current_exe().context("finding this program")?;
        let config = self.dir.join("crossdock.toml");
        let args = vec!["serve".into(), "--config".into(), config.into_os_string()];
        let process = Process::new(binary, args, format!("{}/readyz", self.url()));
        let process = process.env("CROSSDOCK_FIRST_TOKEN", &self.token).log(self.dir.join("host.log"));
        Ok(self.env.iter().fold(process, |process, (name, value)| process.env(name, value)))
    }

    /// Writes a copy of a plugin with the next version number, signed by the vendor, into the host's folder: a version
    /// to swap to.
    ///
    /// # Errors
    /// When there is no such plugin, or the vendor's key is not there.
    pub fn next_version(&self, plugin: &str) -> anyhow::Result<Next> {
        let file = self.plugins.join(format!("{plugin}.wasm"));
        let mut bytes = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        // The manifest is text in the file, so that the number can be replaced in place.
        let name = b"\nversion = \"";
        let at = bytes.windows(name.len()).rposition(|part| part == name);
        let version = at.and_then(|at| {
            let rest = bytes.get_mut(at + name.len()..)?;
            let end = rest.iter().position(|byte| *byte == b'"')?;
            let version = rest.get_mut(..end)?;
            let digit = version.last_mut().filter(|digit| digit.is_ascii_digit())?;
            *digit = if *digit == b'9' { b'8' } else { *digit + 1 };
            String::from_utf8(version.to_vec()).ok()
        });
        let version = version.with_context(|| format!("{} names no version", file.display()))?;
        let key = self.plugins.join("vendor.key");
        let key = std::fs::read_to_string(&key).with_context(|| format!("reading {}", key.display()))?;
        let signature =
            signature::sign(&bytes, &SigningKey::from_text(&key).context("reading the vendor's key")?);
        let file = self.plugin(&format!("{plugin}-next.wasm"), &bytes, &signature)?;
        Ok(Next { file, label: format!("{plugin}@{version}") })
    }

    /// Compiles these plugins and files into the host's cache, since compiling takes longer than a host may take to
    /// become ready, and a host that is killed meanwhile starts compiling again.
    ///
    /// # Errors
    /// When one of them is not a plugin, or is not signed by the vendor.
    pub async fn compile(&self, plugins: &[&str], files: &[&Path]) -> anyhow::Result<()> {
        let cache = Some(self.plugins.join("cache"));
        let keyring = keyring::read([self.plugins.join("vendor.pub").as_path()])?;
        let sandbox = Sandbox::new(Options { cache, keyring, ..Options::default() })?;
        let named = plugins.iter().map(|plugin| self.plugins.join(format!("{plugin}.wasm")));
        for file in named.chain(files.iter().map(|file| file.to_path_buf())) {
            sandbox.load_path(&file).await.with_context(|| format!("compiling {}", file.display()))?;
        }
        Ok(())
    }

    /// Writes a truncated copy of a plugin, with the signature of the complete file.
    ///
    /// # Errors
    /// When there is no such plugin.
    pub fn damaged(&self, plugin: &str) -> anyhow::Result<PathBuf> {
        let file = self.plugins.join(format!("{plugin}.wasm"));
        let bytes = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
        let signature = std::fs::read_to_string(signature::beside(&file)).context("reading its signature")?;
        self.plugin(&format!("{plugin}-damaged.wasm"), half, &signature)
    }

    fn plugin(&self, name: &str, bytes: &[u8], signature: &str) -> anyhow::Result<PathBuf> {
        let path = std::path::absolute(self.dir.join(name)).context("naming a plugin file")?;
        std::fs::write(&path, bytes)
            .and_then(|()| std::fs::write(signature::beside(&path), signature))
            .with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// The host's URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its API token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A client of its API.
    ///
    /// # Errors
    /// Never in practice: the address is one.
    pub fn client(&self) -> anyhow::Result<Client> {
        Client::new(&self.url(), Some(&self.token))
    }
}

/// The default folder of the built plugins.
pub const PLUGINS: &str = "target/plugins";

#[cfg(test)]
mod tests {
    use crossdock_demo::landscape::config::{self, Places};

    use super::*;
    use crate::config::Config;

    #[test]
    fn the_landscapes_files_are_understood() {
        let dir = tempfile::tempdir().unwrap();
        let plugins = dir.path().join("plugins");
        std::fs::create_dir_all(&plugins).unwrap();
        for plugin in config::PLUGINS {
            std::fs::write(plugins.join(format!("{plugin}.wasm")), b"").unwrap();
        }
        let places = Places {
            host: "http://127.0.0.1:1",
            shop: "s.myshopify.com",
            admin: "http://127.0.0.1:2",
            square: "http://127.0.0.1:3",
            merchant: "M1",
            cloud: "http://127.0.0.1:4",
            folder: &dir.path().join("exchange"),
        };
        let setup = Setup {
            plugins: &config::PLUGINS,
            connectors: config::connectors(&places),
            registry: Some(Registry { stores: config::stores(), mappings: config::mappings() }),
            env: vec![],
        };
        let scratch = Scratch::configured(dir.path(), &plugins, ([127, 0, 0, 1], 1).into(), setup).unwrap();
        let read = Config::read(&scratch.dir.join("crossdock.toml")).unwrap();
        let names: Vec<&str> = read.connectors.iter().map(|connector| connector.name.as_str()).collect();
        assert_eq!(names, ["shopify", "square", "tills", "erp-legacy", "erp-cloud"]);
        for route in &read.routes {
            let rule = crossdock_flow::routes::Rule {
                name: route.name.clone(),
                when: route.when.clone(),
                to: route.to.clone(),
                ..Default::default()
            };
            crossdock_flow::routes::Routes::compile(vec![rule]).unwrap();
        }
        let mappings = crate::registry::mappings(&config::mappings()).unwrap();
        assert!(mappings.iter().any(|one| one.connector == "erp-cloud" && one.table == "tender"));
        let stores = crate::registry::stores(&config::stores(), crate::registry::Format::Toml).unwrap();
        assert_eq!(stores.len(), 10);
    }
}
