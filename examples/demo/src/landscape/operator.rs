//! The operator of the demo: adds missing mappings and swaps plugins by the host's API while orders flow.
//!
//! The host is killed meanwhile. A request without an answer is repeated, for as long as the run goes on.

mod done;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::articles;
use crate::client::Client;
use crate::lock;
use done::Waiting;

pub use done::Done;

/// A version of a plugin to swap in.
#[derive(Debug, Clone)]
pub struct Next {
    /// Its path.
    pub file: PathBuf,
    /// The host's name of it: `name@version`.
    pub label: String,
}

/// Files of plugins that are swapped in.
#[derive(Debug, Clone)]
pub struct Files {
    /// The cloud ERP's connector, the next version.
    pub cloud: Next,
    /// The shop's connector, the next version.
    pub shop: Next,
    /// A file that is broken: it must be refused.
    pub damaged: PathBuf,
}

/// The progress of the run, as the operator sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flow {
    /// The share that was sold, from 0 to 1.
    pub sold: f64,
    /// Whether orders are still being sent.
    pub flows: bool,
}

/// The host's API.
#[derive(Debug, Clone)]
pub struct Api {
    /// `http://127.0.0.1:8080`, without a slash at the end.
    pub url: String,
    /// The API's token.
    pub token: String,
}

/// The interval at which a wait asks again.
const POLL_INTERVAL: Duration = Duration::from_millis(150);

/// A swap of a connector's plugin.
#[derive(Debug, Clone)]
enum Swap {
    To(Next),
    Back,
    Refused(PathBuf),
}

/// An operator at work; stops when this is dropped.
pub struct Operator {
    done: Arc<Mutex<Done>>,
    working: JoinHandle<()>,
}

impl Operator {
    /// Begins, on the current runtime; `finished` turns true when everything was done.
    pub fn start(
        api: Api,
        files: Files,
        flow: impl Fn() -> Flow + Send + Sync + 'static,
        finished: watch::Sender<bool>,
    ) -> Self {
        let done = Arc::new(Mutex::new(Done::default()));
        let console = Console {
            api,
            client: Client::new(Duration::from_secs(1), Duration::from_secs(60)),
            done: Arc::clone(&done),
        };
        // Early enough that all of them happen while orders flow, even if one of them is slow.
        let swaps = [
            (0.10, "erp-cloud", Swap::To(files.cloud)),
            (0.25, "erp-legacy", Swap::Refused(files.damaged)),
            (0.35, "shopify", Swap::To(files.shop)),
            (0.50, "erp-cloud", Swap::Back),
        ];
        let working = tokio::spawn(async move {
            let swapping = async {
                let before = console.versions().await;
                for (share, connector, swap) in swaps {
                    console.sold(share, &flow).await;
                    console.swap(connector, &swap, &before).await;
                    if !flow().flows {
                        console.flaw(format!("{connector} was swapped when no orders flowed any more"));
                    }
                }
            };
            let repairing = async {
                console.sold(0.30, &flow).await;
                console.repair().await;
            };
            tokio::join!(swapping, repairing);
            lock(&console.done).finished = true;
            finished.send_replace(true);
        });
        Self { done, working }
    }

    /// The results so far.
    pub fn done(&self) -> Done {
        lock(&self.done).clone()
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.working.abort();
    }
}

struct Console {
    api: Api,
    client: Client,
    done: Arc<Mutex<Done>>,
}

impl Console {
    fn flaw(&self, text: String) {
        lock(&self.done).flaws.push(text);
    }

    /// Waits until this share of the orders was sold.
    async fn sold(&self, share: f64, flow: &(impl Fn() -> Flow + Sync)) {
        let _waiting = self.waiting(format!("until {:.0} % are sold", share * 100.0));
        while flow().sold < share {
            tokio::time::sleep(POLL_INTERVAL / 3).await;
        }
    }

    /// Lists a wait while the result lives.
    fn waiting(&self, what: String) -> Waiting {
        Waiting::new(&self.done, what)
    }

    /// The version that gets new calls, by connector.
    async fn versions(&self) -> BTreeMap<String, String> {
        let (_, answer, _) = self.ask(Method::GET, "/api/v1/connectors", &Value::Null).await;
        let all = answer.get("connectors").and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |one: &Value, name: &str| Some(one.get(name)?.as_str()?.to_owned());
        all.iter().filter_map(|one| Some((text(one, "name")?, text(one, "plugin")?))).collect()
    }

    /// Swaps, and asks which version runs. A swap without an answer may have been carried out, which is checked
    /// before it is repeated. `before` are the versions before all swaps.
    async fn swap(&self, connector: &str, swap: &Swap, before: &BTreeMap<String, String>) {
        let path = format!("{}/api/v1/connectors/{connector}/swap", self.api.url);
        let first = before.get(connector).cloned().unwrap_or_default();
        let (body, wanted) = match swap {
            Swap::To(next) => (json!({ "to": next.file }), &next.label),
            Swap::Back => (json!({ "back": true }), &first),
            Swap::Refused(file) => (json!({ "to": file }), &first),
        };
        let refusal = matches!(swap, Swap::Refused(_));
        let _waiting = self.waiting(format!("for the swap of {connector}"));
        loop {
            let answer = self.client.json(Method::POST, &path, &self.api.token, &body).await;
            let runs = self.versions().await.remove(connector).unwrap_or_default();
            let answered = answer.ok().filter(|(status, _)| !status.is_server_error());
            let code = answered.as_ref().and_then(|(_, said)| said.get("code")?.as_str());
            let succeeded = answered.as_ref().is_some_and(|(status, _)| status.is_success());
            match (&answered, refusal) {
                (Some(_), true) if code == Some("plugin-not-loaded") && runs == *wanted => {
                    let mut done = lock(&self.done);
                    (done.swaps, done.refused) = (done.swaps + 1, done.refused + 1);
                }
                (Some((status, said)), true) => {
                    self.flaw(format!(
                        "a damaged plugin was not refused for {connector}: {status} {said}, and {runs} runs"
                    ));
                }
                // The swap was carried out, even if its answer was lost.
                (_, false) if runs == *wanted => lock(&self.done).swaps += 1,
                (Some((status, said)), false) => {
                    let what = if succeeded { "was reported as swapped" } else { "could not be swapped" };
                    self.flaw(format!("{connector} {what}: {status} {said}, and {runs} runs"));
                }
                (None, _) => {
                    tokio::time::sleep(POLL_INTERVAL).await;
                    continue;
                }
            }
            return;
        }
    }

    /// Waits until deliveries wait for each of the missing mappings, and adds all of these.
    async fn repair(&self) {
        let rows = articles::missing();
        let waiting = loop {
            let (_, answer, _) = self.ask(Method::GET, "/api/v1/mappings/missing", &Value::Null).await;
            let missing = answer.get("missing").and_then(Value::as_array).cloned().unwrap_or_default();
            let waits = |[connector, table, value, _]: &&[String; 4]| {
                let is =
                    |one: &Value, name: &str, text: &str| one.get(name).and_then(Value::as_str) == Some(text);
                missing.iter().any(|one| {
                    is(one, "connector", connector) && is(one, "table", table) && is(one, "value", value)
                })
            };
            let unseen: Vec<String> = rows
                .iter()
                .filter(|row| !waits(row))
                .map(|[connector, table, value, _]| format!("{connector}/{table}/{value}"))
                .collect();
            if unseen.is_empty() {
                break missing.iter().filter_map(|one| one.get("waiting")?.as_u64()).sum();
            }
            let what = format!("for a delivery that lacks {}", unseen.join(", "));
            let _waiting = self.waiting(what);
            tokio::time::sleep(POLL_INTERVAL).await;
        };
        let changes: Vec<Value> = rows
            .iter()
            .map(|[connector, table, value, target]| {
                json!({ "connector": connector, "table": table, "value": value, "target": target })
            })
            .collect();
        let (status, answer, tries) =
            self.ask(Method::POST, "/api/v1/mappings", &json!({ "changes": changes })).await;
        let mut done = lock(&self.done);
        if !(200..300).contains(&status) {
            done.flaws.push(format!("the tables could not be repaired: {status} {answer}"));
            return;
        }
        let released = answer.get("released").and_then(Value::as_u64).unwrap_or_default();
        // The answer that counted them may be the one that was lost.
        done.released += if tries > 1 { released.max(waiting) } else { released };
    }

    /// Repeats a request until the answer is not a server error; also returns the number of requests.
    async fn ask(&self, method: Method, path: &str, body: &Value) -> (u16, Value, u32) {
        let url = format!("{}{path}", self.api.url);
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = self.client.json(method.clone(), &url, &self.api.token, body).await;
            if let Ok((status, answer)) = answer
                && !status.is_server_error()
            {
                return (status.as_u16(), answer, tries);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

#[cfg(test)]
mod tests;
