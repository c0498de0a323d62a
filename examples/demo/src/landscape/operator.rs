//! The person at the console, who speaks to the host by its API as everybody else: adds what the tables lack, and
//! swaps plugins while orders flow.
//!
//! The host is killed meanwhile. What got no answer is asked again.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::articles;
use crate::client::Client;
use crate::lock;

/// Files of plugins that are swapped in.
#[derive(Debug, Clone)]
pub struct Files {
    /// The cloud ERP's connector, the next version.
    pub cloud: PathBuf,
    /// The shop's connector, the next version.
    pub shop: PathBuf,
    /// A file that is broken: it must be refused.
    pub damaged: PathBuf,
}

/// Where the host's API is.
#[derive(Debug, Clone)]
pub struct Api {
    /// `http://127.0.0.1:8080`, without a slash at the end.
    pub url: String,
    /// The API's token.
    pub token: String,
}

/// What was done, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// Swaps, those that were refused among them.
    pub swaps: u64,
    /// Swaps that were refused.
    pub refused: u64,
    /// Deliveries that had waited for a missing value and went on.
    pub released: u64,
    /// Whether everything was done.
    pub finished: bool,
    /// What did not go as it must, a sentence each.
    pub flaws: Vec<String>,
}

#[derive(Debug, Clone)]
enum Step {
    Swap { connector: &'static str, to: PathBuf, refused: bool },
    Back { connector: &'static str },
    Repair,
}

/// An operator at work; stops when this is dropped.
pub struct Operator {
    done: Arc<Mutex<Done>>,
    working: JoinHandle<()>,
}

impl Operator {
    /// Begins, on the current runtime. `progress` tells how far the run is, from 0 to 1.
    pub fn start(api: Api, files: Files, progress: impl Fn() -> f64 + Send + 'static) -> Self {
        let done = Arc::new(Mutex::new(Done::default()));
        let desk = Desk {
            api,
            client: Client::new(Duration::from_secs(1), Duration::from_secs(30)),
            done: Arc::clone(&done),
        };
        let steps = [
            (0.15, Step::Swap { connector: "erp-cloud", to: files.cloud, refused: false }),
            (0.30, Step::Repair),
            (0.40, Step::Swap { connector: "erp-legacy", to: files.damaged, refused: true }),
            (0.50, Step::Swap { connector: "shopify", to: files.shop, refused: false }),
            (0.65, Step::Back { connector: "erp-cloud" }),
        ];
        let working = tokio::spawn(async move {
            for (mark, step) in steps {
                while progress() < mark {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                desk.take(step).await;
            }
            lock(&desk.done).finished = true;
        });
        Self { done, working }
    }

    /// What was done so far.
    pub fn done(&self) -> Done {
        lock(&self.done).clone()
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
    async fn take(&self, step: Step) {
        match step {
            Step::Repair => self.repair().await,
            Step::Swap { connector, to, refused } => {
                self.swap(connector, &json!({ "to": to }), refused).await;
            }
            Step::Back { connector } => self.swap(connector, &json!({ "back": true }), false).await,
        }
    }

    async fn swap(&self, connector: &str, body: &Value, must_fail: bool) {
        let path = format!("/api/v1/connectors/{connector}/swap");
        let (status, answer, tries) = self.ask(Method::POST, &path, body).await;
        let mut done = lock(&self.done);
        done.swaps += 1;
        // A swap that was asked for twice may have been done the first time, when nobody heard the answer.
        let succeeded = (200..300).contains(&status) || (!must_fail && tries > 1);
        match (succeeded, must_fail) {
            (false, true) => done.refused += 1,
            (true, false) => {}
            (true, true) => done.flaws.push(format!("a damaged plugin was swapped in for {connector}")),
            (false, false) => done.flaws.push(format!("{connector} could not be swapped: {status} {answer}")),
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
            if begun.elapsed() > Duration::from_secs(20) {
                let unseen: Vec<String> =
                    rows.iter().filter(|row| !of(row)).map(|[c, t, v, _]| format!("{c}/{t}/{v}")).collect();
                lock(&self.done).flaws.push(format!("nothing waits for {}", unseen.join(", ")));
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
