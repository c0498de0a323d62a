//! The harness of the whole-system tests: the real binary between a shop and an ERP, in a folder of its own.
//!
//! The binary under test is built with crash points (`--features faults`); `CROSSDOCK_BIN` and
//! `CROSSDOCK_PLUGINS` name it and the built plugins, as `tests/run` sets them.

pub mod tryton;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use crossdock_demo::client::Client;
use crossdock_demo::erp::Erp;
use hmac::{Hmac, Mac};
use hyper::{Method, StatusCode};
use serde_json::Value;
use sha2::Sha256;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// The key that the shop signs with.
pub const SECRET: &str = "webhook-secret-of-the-tests";
/// The ERP's bearer token.
pub const ERP_TOKEN: &str = "erp-token-of-the-tests";
/// The API's token.
pub const API_TOKEN: &str = "cdk_token-of-the-tests";
/// The domain of the demo's shop.
pub const SHOP: &str = "crossdock-demo.myshopify.com";

/// How long a host may take to become ready: with a warm cache it compiles nothing, but several tests run at once on
/// small machines.
const MAX_START_TIME: Duration = Duration::from_secs(120);

/// The binary under test.
///
/// # Errors
/// When the environment variable that names it is not set.
pub fn binary() -> Result<PathBuf> {
    named("CROSSDOCK_BIN")
}

/// The folder with the built plugins.
///
/// # Errors
/// When the environment variable that names it is not set.
pub fn plugins() -> Result<PathBuf> {
    named("CROSSDOCK_PLUGINS")
}

fn named(variable: &str) -> Result<PathBuf> {
    let path = std::env::var_os(variable)
        .with_context(|| format!("{variable} is not set: run the tests with `make test` or `tests/run`"))?;
    Ok(path.into())
}

/// A host process in a folder of its own. Killed when dropped.
pub struct Host {
    dir: TempDir,
    address: SocketAddr,
    env: Vec<(String, String)>,
    child: Option<Child>,
    http: Client,
}

impl Host {
    /// A host between the demo's shop and this ERP; `more` is added to its configuration.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn between_shop_and(erp: &Erp, more: &str) -> Result<Self> {
        Self::between_shop_and_url(&erp.url(), more)
    }

    /// The same for an ERP at this address.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn between_shop_and_url(erp: &str, more: &str) -> Result<Self> {
        let connectors = format!(
            r#"
[[connector]]
name = "shopify"
plugin = "shopify"
settings = {{ shop = "{SHOP}" }}
secrets = {{ webhook = "env:TEST_WEBHOOK_SECRET", token = "env:TEST_WEBHOOK_SECRET" }}

[[connector]]
name = "erp"
plugin = "erp-rest"
settings = {{ url = "{erp}" }}
secrets = {{ token = "env:TEST_ERP_TOKEN" }}
auth = {{ profile = "bearer", secret = "token" }}
hosts = ["{erp}"]
limits = {{ backoff = "100ms", backoff-max = "1s" }}

[[route]]
name = "orders"
when = 'event.kind.startsWith("order.") || event.kind.startsWith("refund.")'
to = ["erp"]
{more}
"#
        );
        Self::with_connectors(&connectors)
    }

    /// A host with these connectors and routes.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn with_connectors(connectors: &str) -> Result<Self> {
        let dir = tempfile::tempdir().context("a folder for the host")?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let plugins = plugins()?;
        let plugins = plugins.display();
        let text = format!(
            r#"
[server]
listen = "{address}"
body-limit = "1MiB"
first-token = "env:TEST_API_TOKEN"
[storage]
url = "sqlite://crossdock.db"
[plugins]
dir = "{plugins}"
cache = "{plugins}/cache"
trust = ["{plugins}/vendor.pub"]
{connectors}
"#
        );
        std::fs::write(dir.path().join("crossdock.toml"), text)?;
        let env =
            [("TEST_WEBHOOK_SECRET", SECRET), ("TEST_ERP_TOKEN", ERP_TOKEN), ("TEST_API_TOKEN", API_TOKEN)];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let http = Client::new(Duration::from_secs(2), Duration::from_secs(15));
        Ok(Self { dir, address, env, child: None, http })
    }

    /// Sets a variable of its environment from the next start on.
    pub fn env(&mut self, name: &str, value: &str) {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// Takes a variable away again.
    pub fn without_env(&mut self, name: &str) {
        self.env.retain(|(known, _)| known != name);
    }

    /// Starts it, and waits until it is ready.
    ///
    /// # Errors
    /// When it exits or is not ready in time; with its log.
    pub async fn start(&mut self) -> Result<()> {
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(self.dir.path().join("host.log"))?;
        let child = Command::new(binary()?)
            .args(["serve", "--config"])
            .arg(self.dir.path().join("crossdock.toml"))
            .envs(self.env.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("starting the host")?;
        self.child = Some(child);
        let begun = Instant::now();
        while begun.elapsed() < MAX_START_TIME {
            if tokio::net::TcpStream::connect(self.address).await.is_ok()
                && self.plain("/readyz").await.is_ok_and(|(status, _)| status.is_success())
            {
                return Ok(());
            }
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
                // A host that crashes at once by an injected fault has started.
                self.child = None;
                bail!("the host ended with {status}: {}", self.log());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bail!("the host is not ready: {}", self.log())
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    ///
    /// # Errors
    /// When it is not running.
    pub async fn kill(&mut self) -> Result<()> {
        self.child.take().context("the host is not running")?.kill().await.context("killing the host")
    }

    /// Stops it by SIGTERM and waits until it has exited.
    ///
    /// # Errors
    /// When it is not running, or does not stop within half a minute.
    pub async fn stop(&mut self) -> Result<ExitStatus> {
        let mut child = self.child.take().context("the host is not running")?;
        let id = child.id().context("the host has ended")?;
        let killed = Command::new("kill").args(["-TERM", &id.to_string()]).status().await?;
        anyhow::ensure!(killed.success(), "SIGTERM cannot be sent to the host");
        let ended = tokio::time::timeout(Duration::from_secs(30), child.wait()).await;
        Ok(ended.context("the host does not stop")??)
    }

    /// Waits until it exits.
    ///
    /// # Errors
    /// When it does not exit within `limit`.
    pub async fn ended(&mut self, limit: Duration) -> Result<ExitStatus> {
        let child = self.child.as_mut().context("the host is not running")?;
        let status = tokio::time::timeout(limit, child.wait()).await.context("the host does not end")??;
        self.child = None;
        Ok(status)
    }

    /// The URL of the shop's intake.
    #[must_use]
    pub fn intake(&self) -> String {
        format!("{}/in/shopify", self.url())
    }

    /// The address that it listens at.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Its log so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("host.log")).unwrap_or_default()
    }

    /// Sends a GET request to its API.
    ///
    /// # Errors
    /// When it does not answer with JSON.
    pub async fn get(&self, path: &str) -> Result<(StatusCode, Value)> {
        self.ask(Method::GET, path, API_TOKEN, &Value::Null).await
    }

    /// Sends a POST request to its API.
    ///
    /// # Errors
    /// When it does not answer with JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Result<(StatusCode, Value)> {
        self.ask(Method::POST, path, API_TOKEN, body).await
    }

    /// Sends a request with this token to its API; an empty text sends no token.
    ///
    /// # Errors
    /// When it does not answer with JSON.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: &Value,
    ) -> Result<(StatusCode, Value)> {
        Ok(self.http.json(method, &format!("{}{path}", self.url()), token, body).await?)
    }

    /// Sends a GET request whose answer is not JSON.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn plain(&self, path: &str) -> Result<(StatusCode, String)> {
        let (status, _, body) = self.request("GET", path, &[], b"").await?;
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    /// Sends a webhook, signed as Shopify signs.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn webhook(&self, topic: &str, id: &str, body: &[u8]) -> Result<(StatusCode, Value)> {
        let signature = sign(body);
        let headers = [
            ("x-shopify-hmac-sha256", signature.as_str()),
            ("x-shopify-topic", topic),
            ("x-shopify-shop-domain", SHOP),
            ("x-shopify-api-version", "2026-07"),
            ("x-shopify-webhook-id", id),
            ("x-shopify-event-id", id),
        ];
        let (status, _, body) = self.request("POST", "/in/shopify", &headers, body).await?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    /// Sends any request, over a connection of its own.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<(StatusCode, Vec<(String, String)>, Vec<u8>)> {
        use tokio::io::AsyncReadExt;
        let mut stream = tokio::net::TcpStream::connect(self.address).await?;
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: crossdock\r\nconnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        stream.write_all(head.as_bytes()).await?;
        // A server that refuses early may close before it has read everything.
        let _ = stream.write_all(body).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").context("no answer")?;
        let head = String::from_utf8_lossy(answer.get(..end).unwrap_or_default()).into_owned();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("no status")?;
        let status = StatusCode::from_bytes(status.as_bytes())?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_lowercase(), value.trim().to_owned()));
        Ok((status, headers.collect(), answer.get(end + 4..).unwrap_or_default().to_vec()))
    }

    /// Runs the command line against it; returns the standard output.
    ///
    /// # Errors
    /// When it fails; with the standard error.
    pub async fn cli(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(binary()?)
            .args(arguments)
            .envs(self.env.iter().cloned())
            .env("CROSSDOCK_URL", self.url())
            .env("CROSSDOCK_TOKEN", API_TOKEN)
            .output()
            .await?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs the command line with `--json`.
    ///
    /// # Errors
    /// When it fails, or prints no JSON.
    pub async fn cli_json(&self, arguments: &[&str]) -> Result<Value> {
        let mut all = arguments.to_vec();
        all.push("--json");
        Ok(serde_json::from_str(&self.cli(&all).await?)?)
    }
}

/// A body's signature as Shopify makes it.
#[must_use]
pub fn sign(body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap_or_else(|_| unreachable!("any key fits"));
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Repeats a question until it has an answer.
///
/// # Errors
/// When there is none within `limit`; with the last error.
pub async fn eventually<T, F>(limit: Duration, mut ask: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let begun = Instant::now();
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) if begun.elapsed() > limit => return Err(error.context("it did not happen in time")),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
