//! `crossdock secret …`: secrets in the host's database, and the key that encrypts it.

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Subcommand;
use crossdock_engine::Command;
use crossdock_model::time::{Clock as _, SystemClock};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::address::escape;
use super::mapping::number;
use super::print::Printer;
use crate::client::Client;
use crate::config::Config;
use crate::{master_key, serve};

/// `crossdock secret …`
#[derive(Debug, Subcommand)]
#[command(
    after_help = "A connector uses a secret that is stored here by its name:\n  secrets = { token = \"stored:erp-token\" }\n\n  crossdock secret set erp-token < token.txt       the value comes from the standard input, never\n                                                   from the command line, which others can see"
)]
pub enum Secrets {
    /// Set a secret; its value is read from the standard input
    Set {
        /// The secret's name
        name: String,
        /// Set it only if this is its current version; 0: only if it does not exist
        #[arg(long)]
        expected: Option<u64>,
    },
    /// List the secrets by name, without their values
    List,
    /// Remove a secret
    Remove {
        /// The secret's name
        name: String,
    },
    /// Change the storage key, under which the database is encrypted, in one step
    ///
    /// From then on the database opens with the new key alone: name it as `key` under [storage] in the
    /// configuration before the host starts again. Keep the old key as long as you keep backups from before.
    ///
    /// A running host changes the key itself, and `file:` and `env:` mean files and variables of its machine. With
    /// --config this command changes the key in the database of a host that is not running; `command:` works too.
    Rekey {
        /// The new key: `file:PATH` (made when it is missing), `env:NAME`, or `command:LINE` with --config
        #[arg(long)]
        to: String,
        /// The configuration of a host that is not running
        #[arg(long)]
        config: Option<PathBuf>,
    },
}

/// Runs `crossdock secret …`.
pub async fn run(client: &Client, secrets: Secrets, print: Printer) -> anyhow::Result<()> {
    match secrets {
        Secrets::Set { name, expected } => {
            let value = typed()?;
            let mut body = json!({ "value": value.as_str() });
            if let (Some(expected), Some(body)) = (expected, body.as_object_mut()) {
                body.insert("expected".into(), json!(expected));
            }
            let answer = client.put(&format!("/api/v1/secrets/{}", escape(&name)), &body).await?;
            let version = number(&answer, "version");
            print.done(&answer, &format!("{name} is stored as version {version}."));
        }
        Secrets::List => {
            let columns =
                [("NAME", "name"), ("VERSION", "version"), ("CHANGED", "changedAt"), ("BY", "changedBy")];
            print.list(&client.get("/api/v1/secrets").await?, "secrets", &columns, "There are no secrets.");
        }
        Secrets::Remove { name } => {
            let answer = client.delete(&format!("/api/v1/secrets/{}", escape(&name))).await?;
            print.done(&answer, &format!("{name} is removed."));
        }
        Secrets::Rekey { to, config: None } => {
            let to = whole(to)?;
            let answer = client.post("/api/v1/storage/rekey", &json!({ "to": to })).await?;
            rekeyed(&answer, &to, print);
        }
        Secrets::Rekey { to, config: Some(config) } => {
            let to = whole(to)?;
            let config = Config::read(&config)?;
            let database = Arc::new(serve::open_sqlite(&config.storage).await?);
            let store = serve::store_over(Arc::clone(&database));
            let key = master_key::find(&to)?;
            let command = Command::Rekey { to: key, by: "command line".into(), now: SystemClock.now() };
            store.apply(vec![command]).await?.pop().context("the database gave no answer")??;
            drop(store);
            if let Some(database) = Arc::into_inner(database) {
                database.close().await?;
            }
            rekeyed(&json!({ "rekeyed": true }), &to, print);
        }
    }
    Ok(())
}

/// A `file:` place with its absolute path, since host, configuration and this command may be in different folders.
fn whole(to: String) -> std::io::Result<String> {
    match to.strip_prefix("file:") {
        Some(path) => Ok(format!("file:{}", std::path::absolute(path)?.display())),
        None => Ok(to),
    }
}

fn rekeyed(answer: &Value, to: &str, print: Printer) {
    let said = format!(
        "The database is sealed under the new key. Write this into the configuration before the host starts again:\n\n  [storage]\n  key = \"{to}\""
    );
    print.done(answer, &said);
}

/// A secret from the standard input. A line break at its end does not count.
fn typed() -> anyhow::Result<Zeroizing<String>> {
    const LARGEST: u64 = 64 * 1024;
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        eprintln!("Type or paste the secret, then Enter and Ctrl-D. It is shown as you type.");
    }
    let mut text = Zeroizing::new(String::new());
    stdin.lock().take(LARGEST + 1).read_to_string(&mut text).context("reading the standard input")?;
    if u64::try_from(text.len()).is_ok_and(|length| length > LARGEST) {
        bail!("what is on the standard input is too large to be a secret");
    }
    let value = text.trim_end_matches(['\r', '\n']);
    if value.is_empty() {
        bail!("there is nothing on the standard input");
    }
    Ok(Zeroizing::new(value.to_owned()))
}
