//! How a shop is set up.

use std::time::Duration;

use tokio::sync::watch;

use super::plan;

/// How a shop is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The plan of the webhooks.
    pub plan: plan::Options,
    /// Where to: the full URL of the host's intake, `http://127.0.0.1:8080/in/shopify`.
    pub target: String,
    /// Requests in flight at once, those waiting for their next retry included.
    pub concurrency: usize,
    /// Keep to the plan's times; otherwise everything is sent as fast as it is accepted, in the plan's order.
    pub paced: bool,
    /// The longest pause between two tries; the first is a hundredth of it.
    pub longest_pause: Duration,
    /// Where the shop waits for something else to be done. `None`: nowhere.
    pub gate: Option<Gate>,
}

/// Stops the shop after a number of orders until it is opened.
#[derive(Debug, Clone)]
pub struct Gate {
    /// So many orders are begun before.
    pub after: usize,
    /// Turns true when the shop may go on; it also goes on when the other side is gone.
    pub is_open: watch::Receiver<bool>,
}

impl Options {
    /// A varied shop at 100 orders a second.
    pub fn new(target: impl Into<String>, secret: impl Into<String>, orders: usize, seed: u64) -> Self {
        let plan = plan::Options {
            seed,
            orders,
            shop: "crossdock-demo.myshopify.com".to_owned(),
            secret: secret.into(),
            pace: 100.0,
            spread: Duration::from_secs(5),
            shares: plan::Shares::default(),
        };
        let longest_pause = Duration::from_secs(2);
        Self { plan, target: target.into(), concurrency: 48, paced: true, longest_pause, gate: None }
    }
}
