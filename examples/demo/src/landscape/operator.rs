//! The person at the console, who speaks to the host by its API as everybody else: adds what the tables lack, and
//! swaps plugins while orders flow.
//!
//! The host is killed meanwhile. What got no answer is asked again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::articles;
use crate::client::Client;
use crate::lock;

/// A version of a plugin to swap in.
#[derive(Debug, Clone)]
pub struct Next {
    /// Where it lies.
    pub file: PathBuf,
    /// What the host calls it: `name@version`.
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

/// How far the run is, as the operator sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flow {
    /// What of everything was sold, from 0 to 1.
    pub sold: f64,
    /// Whether orders are still being sent.
    pub flows: bool,
}

/// Where the host's API is.
#[derive(Debug, Clone)]
pub struct Api {
    /// `http://127.0.0.1:8080`, without a slash at the end.
    pub url: String,
    /// The API's token.
    pub token: String,
}

/// How long the host may take to be heard, or an order to arrive: it is killed, and machines are slow.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was done, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// Swaps that were done, or refused as they had to be: the host says which version runs afterwards.
    pub swaps: u64,
    /// Those that were refused.
    pub refused: u64,
    /// Deliveries that had waited for a missing value and went on.
    pub released: u64,
    /// Whether everything was done.
    pub finished: bool,
    /// What did not go as it must, a sentence each.
    pub flaws: Vec<String>,
}

/// What is to become of a connector.
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
    /// Begins, on the current runtime.
    pub fn start(api: Api, files: Files, flow: impl Fn() -> Flow + Send + Sync + 'static) -> Self {
        let done = Arc::new(Mutex::new(Done::default()));
        let desk = Desk {
            api,
            client: Client::new(Duration::from_secs(1), Duration::from_secs(60)),
            done: Arc::clone(&done),
        };
        // Early enough that all of them happen while orders flow, also where one takes its time.
        let swaps = [
            (0.10, "erp-cloud", Swap::To(files.cloud)),
            (0.25, "erp-legacy", Swap::Refused(files.damaged)),
            (0.35, "shopify", Swap::To(files.shop)),
            (0.50, "erp-cloud", Swap::Back),
        ];
        let working = tokio::spawn(async move {
            let swapping = async {
                let before = desk.versions().await;
                for (mark, connector, swap) in swaps {
                    until(mark, &flow).await;
                    desk.swap(connector, &swap, &before).await;
                    if !flow().flows {
                        desk.flaw(format!("{connector} was swapped when no orders flowed any more"));
                    }
                }
            };
            let repairing = async {
                until(0.30, &flow).await;
                desk.repair().await;
            };
            tokio::join!(swapping, repairing);
            lock(&desk.done).finished = true;
        });
        Self { done, working }
    }

    /// What was done so far.
    pub fn done(&self) -> Done {
        lock(&self.done).clone()
    }
}

/// Waits until so much was sold.
async fn until(mark: f64, flow: &(impl Fn() -> Flow + Sync)) {
    while flow().sold < mark {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.working.abort();
    }
}

struct Desk {
    api: Api,
    client: Client,
    done: Arc<Mutex<Done>>,
}

impl Desk {
    fn flaw(&self, text: String) {
        lock(&self.done).flaws.push(text);
    }

    /// The version that gets new calls, by connector.
    async fn versions(&self) -> BTreeMap<String, String> {
        let (_, answer, _) = self.ask(Method::GET, "/api/v1/connectors", &Value::Null).await;
        let all = answer.get("connectors").and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |one: &Value, name: &str| Some(one.get(name)?.as_str()?.to_owned());
        all.iter().filter_map(|one| Some((text(one, "name")?, text(one, "plugin")?))).collect()
    }

    /// Swaps, and looks which version runs. What got no answer may have been done: that is looked at before it is
    /// asked for again. `before` are the versions that there were at first.
    async fn swap(&self, connector: &str, swap: &Swap, before: &BTreeMap<String, String>) {
        let path = format!("{}/api/v1/connectors/{connector}/swap", self.api.url);
        let first = before.get(connector).cloned().unwrap_or_default();
        let (body, wanted) = match swap {
            Swap::To(next) => (json!({ "to": next.file }), &next.label),
            Swap::Back => (json!({ "back": true }), &first),
            Swap::Refused(file) => (json!({ "to": file }), &first),
        };
        let refusal = matches!(swap, Swap::Refused(_));
        let begun = Instant::now();
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
                // Nobody heard that it was done, or it is.
                (_, false) if runs == *wanted => lock(&self.done).swaps += 1,
                (Some((status, said)), false) => {
                    let what = if succeeded { "was said to be swapped" } else { "could not be swapped" };
                    self.flaw(format!("{connector} {what}: {status} {said}, and {runs} runs"));
                }
                (None, _) if begun.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(150)).await;
                    continue;
                }
                (None, _) => self.flaw(format!("nobody answers for a swap of {connector}")),
            }
            return;
        }
    }

    /// Waits until deliveries wait for every value that is missing, and adds them all.
    async fn repair(&self) {
        let rows = articles::missing();
        let begun = Instant::now();
        let mut waiting;
        loop {
            let (_, answer, _) = self.ask(Method::GET, "/api/v1/mappings/missing", &Value::Null).await;
            let missing = answer.get("missing").and_then(Value::as_array).cloned().unwrap_or_default();
            waiting = missing.iter().filter_map(|one| one.get("waiting")?.as_u64()).sum();
            let of = |row: &[String; 4]| {
                let [connector, table, value, _] = row;
                let is =
                    |one: &Value, name: &str, text: &str| one.get(name).and_then(Value::as_str) == Some(text);
                missing.iter().any(|one| {
                    is(one, "connector", connector) && is(one, "table", table) && is(one, "value", value)
                })
            };
            if rows.iter().all(of) {
                break;
            }
            if begun.elapsed() > PATIENCE {
                let unseen: Vec<String> =
                    rows.iter().filter(|row| !of(row)).map(|[c, t, v, _]| format!("{c}/{t}/{v}")).collect();
                self.flaw(format!("nothing waits for {}", unseen.join(", ")));
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
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
        done.released += if tries > 1 { released.max(waiting) } else { released };
    }

    /// Asks until there is an answer that says something; gives how often it was asked.
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
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }
}

#[cfg(test)]
mod tests;
