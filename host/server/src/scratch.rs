//! A host for a moment: a folder, a configuration, a free port and a token, for the demo and the benchmark.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use crossdock_demo::host::Process;

use crate::client::Client;

/// The connector of the shop.
pub const SHOP: &str = "shopify";
/// The connector of the ERP.
pub const ERP: &str = "erp";

/// The outside world that the host is to be put between.
pub struct World<'a> {
    /// The shop's domain.
    pub shop: &'a str,
    /// What the shop signs with.
    pub webhook_secret: &'a str,
    /// Where the ERP listens.
    pub erp_url: &'a str,
    /// The ERP's bearer token.
    pub erp_token: &'a str,
    /// The limits of the ERP's connector, as in the configuration; empty for the defaults.
    pub erp_limits: &'a str,
}

/// An address on this machine that nobody listens at now.
///
/// # Errors
/// When there is none.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).context("finding a free port")
}

/// A configured host that has not been started.
pub struct Scratch {
    dir: PathBuf,
    address: SocketAddr,
    token: String,
}

impl Scratch {
    /// Writes a configuration into `dir`: shop → host → ERP, everything embedded.
    ///
    /// # Errors
    /// When a plugin is missing or the folder cannot be written to.
    pub fn new(dir: &Path, plugins: &Path, address: SocketAddr, world: &World<'_>) -> anyhow::Result<Self> {
        for plugin in ["shopify", "erp-rest"] {
            if !plugins.join(format!("{plugin}.wasm")).is_file() {
                bail!("there is no {plugin}.wasm in {}; `make plugins` builds it", plugins.display());
            }
        }
        std::fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
        let plugins = plugins.canonicalize().context("finding the plugins")?;
        let text = format!(
            r#"# Written by crossdock: a shop, a host and an ERP on this machine.
[server]
listen = "{address}"
first-token = "env:CROSSDOCK_FIRST_TOKEN"

[storage]
url = "sqlite://crossdock.db"

[plugins]
dir = {plugins:?}
cache = {cache:?}
trust = [{key:?}]

[[connector]]
name = "{SHOP}"
plugin = "shopify"
settings = {{ shop = {shop:?} }}
secrets = {{ webhook = "env:DEMO_WEBHOOK_SECRET" }}

[[connector]]
name = "{ERP}"
plugin = "erp-rest"
settings = {{ url = {erp:?} }}
secrets = {{ token = "env:DEMO_ERP_TOKEN" }}
auth = {{ profile = "bearer", secret = "token" }}
hosts = [{erp:?}]
{limits}

[[route]]
name = "orders-to-erp"
when = 'event.kind.startsWith("order.") || event.kind.startsWith("refund.")'
to = ["{ERP}"]
"#,
            plugins = plugins.display().to_string(),
            cache = plugins.join("cache").display().to_string(),
            key = plugins.join("vendor.pub").display().to_string(),
            shop = world.shop,
            erp = world.erp_url,
            limits = world.erp_limits,
        );
        std::fs::write(dir.join("crossdock.toml"), text).context("writing the configuration")?;
        Ok(Self { dir: dir.to_owned(), address, token: crate::api::new_token() })
    }

    /// The process that runs it; its log goes to `host.log` in the folder.
    ///
    /// # Errors
    /// When this program cannot find itself.
    pub fn process(&self, world: &World<'_>) -> anyhow::Result<Process> {
        let binary = std::env::current_exe().context("finding this program")?;
        let config = self.dir.join("crossdock.toml");
        let args = vec!["serve".into(), "--config".into(), config.into_os_string()];
        Ok(Process::new(binary, args, format!("{}/readyz", self.url()))
            .env("CROSSDOCK_FIRST_TOKEN", &self.token)
            .env("DEMO_WEBHOOK_SECRET", world.webhook_secret)
            .env("DEMO_ERP_TOKEN", world.erp_token)
            .log(self.dir.join("host.log")))
    }

    /// Where the host will be.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the shop sends.
    pub fn intake(&self) -> String {
        format!("{}/in/{SHOP}", self.url())
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

/// Where the built plugins are when nothing else is said.
pub const PLUGINS: &str = "target/plugins";
