//! A real Tryton, installed and seeded by `tests/tryton/up.sh`, once. Each has a database of its own, and ends
//! with the test however that ends.

#![allow(clippy::indexing_slicing, reason = "what a JSON value lacks is null")]

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use crossdock_demo::client::Client;
use hyper::{Method, Request};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use crate::Host;

/// A running Tryton.
pub struct Tryton {
    /// Its address and key, and the ids of the seeded records.
    pub seed: Value,
    http: Client,
    _stdin: ChildStdin,
    _child: Child,
}

impl Tryton {
    /// Starts one.
    ///
    /// # Errors
    /// When it cannot be installed or does not start.
    pub async fn start() -> Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tryton/start.sh");
        let mut child = Command::new(&script)
            .arg("--attached")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("running {}", script.display()))?;
        let stdin = child.stdin.take().context("its input")?;
        let mut lines = BufReader::new(child.stdout.take().context("its output")?).lines();
        let line = tokio::time::timeout(Duration::from_secs(400), lines.next_line()).await??;
        let seed = serde_json::from_str(&line.context("Tryton did not start")?)?;
        let http = Client::new(Duration::from_secs(5), Duration::from_secs(60));
        Ok(Self { seed, http, _stdin: stdin, _child: child })
    }

    /// The connector `tryton`, with more settings.
    #[must_use]
    pub fn connector(&self, more: &str) -> String {
        let seed = &self.seed;
        let (url, database) = (&seed["url"], &seed["database"]);
        let (eur, usd) = (&seed["currencies"]["EUR"], &seed["currencies"]["USD"]);
        let (vat, state) = (&seed["taxes"]["VAT10"], &seed["taxes"]["CA725"]);
        format!(
            r#"
[[connector]]
name = "tryton"
plugin = "erp-tryton"
class = "erp"
secrets = {{ token = "env:TEST_TRYTON_KEY" }}
auth = {{ profile = "bearer", secret = "token" }}
hosts = [{url}]
limits = {{ concurrency = 2, deadline = "40s", backoff = "200ms", backoff-max = "2s" }}
poll = "1s"
[connector.settings]
url = {url}
database = {database}
company = {company}
web-shop = {shop}
party = {party}
address = {address}
payment-term = {term}
warehouse = {warehouse}
warehouses = {{ 9 = {warehouse} }}
currencies = {{ USD = {usd}, EUR = {eur} }}
taxes = {{ "VAT" = {vat}, "0.1" = {vat}, "CA State Tax" = {state}, "0.0725" = {state} }}
services = {{ shipping = "SHIPPING", adjustment = "ADJUSTMENT", tip = "TIP", refund = "REFUND" }}
overlap-seconds = 5
{more}
"#,
            company = seed["company"],
            shop = seed["shop"],
            party = seed["party"],
            address = seed["address"],
            term = seed["payment_term"],
            warehouse = seed["warehouse"],
        )
    }

    /// A host with these connectors and routes, which knows Tryton's key.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn host(&self, connectors: &str) -> Result<Host> {
        let mut host = Host::with_connectors(connectors)?;
        host.env("TEST_TRYTON_KEY", self.seed["key"].as_str().context("the key")?);
        host.start().await?;
        Ok(host)
    }

    /// The records of a domain, read directly and not by a connector.
    ///
    /// # Errors
    /// When Tryton does not answer.
    pub async fn ask(
        &self,
        model: &str,
        domain: &Value,
        fields: &[&str],
        context: &Value,
    ) -> Result<Vec<Value>> {
        let (url, database) = (self.seed["url"].as_str(), self.seed["database"].as_str());
        let (url, database) = (url.context("url")?, database.context("database")?);
        let fields: String = fields.iter().map(|field| format!("f={field}&")).collect();
        let asked = base64_url(domain.to_string().as_bytes());
        let key = self.seed["key"].as_str().context("key")?;
        let request = Request::builder()
            .method(Method::GET)
            .uri(format!("{url}/{database}/rest/model/{model}?{fields}d={asked}"))
            .header("authorization", format!("Bearer {key}"))
            .header("x-tryton-context", base64_url(context.to_string().as_bytes()))
            .body(Default::default())?;
        let (status, body) = self.http.send(request).await?;
        ensure!(status.is_success(), "Tryton: {status} {}", String::from_utf8_lossy(&body));
        Ok(serde_json::from_slice(&body)?)
    }
}

fn base64_url(bytes: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE};
    URL_SAFE.encode(bytes)
}
