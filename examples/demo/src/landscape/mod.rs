//! The landscape: what a retailer runs, around one host that is killed during the run.
//!
//! A shop with two markets, eight tills, a legacy ERP that speaks files and a cloud ERP that speaks HTTP, both at
//! once; status, shipments and stock on their way back to the shop. Some values are missing in the tables at
//! first, and an operator adds them; plugins are swapped while orders flow, and a damaged one must be refused.
//!
//! ```text
//! let landscape = Landscape::new(options).await?;         // all servers listen
//! let text = landscape.connectors(host_url);              // the configuration, and landscape.env()
//! let outcome = landscape.run(&mut host, &view, api, files).await?;
//! ```

mod articles;
pub mod config;
#[cfg(test)]
mod fixture;
pub mod operator;
mod purchase;
mod races;
mod running;
mod snapshot;
pub mod stores;
mod verdict;
mod world;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use crate::host::{Host, View};
use crate::lock;
use crate::partner::{self, Partner};
use crate::report::Outcome;
use crate::run::{Drive, Error};
use crate::shop::{self, Shop};
use crate::till::{self, Tills};
use operator::{Api, Files, Flow, Operator};
use running::RunningLandscape;
use stores::OwningErp;
use world::PARTNER_PACE;

pub use world::{Landscape, Options};

/// The shop begins no orders beyond this share of all until the operator has finished, so that orders flow while
/// plugins are swapped, however long a swap takes on this machine.
const SHARE_BEFORE_OPERATOR: f64 = 0.8;

impl Landscape {
    /// Starts the host, opens shop, stores and the partner's office, kills the host during the run, waits until
    /// everything is as it must be (or nothing advances any more), and compares. The host is left running.
    ///
    /// # Errors
    /// When the host cannot be started or killed. The host's faults are in the outcome.
    pub async fn run(
        &self,
        host: &mut impl Host,
        view: &impl View,
        api: Api,
        files: Files,
    ) -> Result<Outcome, Error> {
        let options = &self.options;
        let first = host.start().await?;
        let (finished, is_finished) = watch::channel(false);
        let after = (options.orders as f64 * SHARE_BEFORE_OPERATOR) as usize;
        let gate = shop::Gate { after, is_open: is_finished };
        let target = format!("{}/in/shopify", api.url);
        let shop = shop::Options { target, gate: Some(gate), ..options.shop() };
        let shop = Shop::start_beside(shop, Some(self.admin.clone()));
        let partner = Partner::start(partner::Options {
            folder: options.folder.join(config::LEGACY),
            own: config::PARTNER.to_owned(),
            other: config::RETAIL.to_owned(),
            shelves: articles::shelves(OwningErp::Legacy),
            pace: PARTNER_PACE,
            poll_interval: Duration::from_millis(150),
        });
        let tills = till::Options {
            seed: options.seed,
            sales: options.sales(),
            during: options.during,
            folder: options.folder.join(config::TILLS).join("in"),
            poslog: format!("{}/in/tills", api.url),
            poslog_secret: format!("poslog-{}", options.secret),
            square: format!("{}/in/square", api.url),
        };
        let tills = Tills::start(tills, self.square.clone());
        let flow = Arc::new(Mutex::new(Flow { sold: 0.0, flows: true }));
        let read = Arc::clone(&flow);
        let operator = Operator::start(api, files, move || *lock(&read), finished);
        let running = RunningLandscape { landscape: self, shop, tills, partner, operator, flow };
        let Options { kills, seed, min_stall, quiet_period, progress, .. } = *options;
        let drive = Drive { kills, seed, min_stall, quiet_period, progress };
        let driven = drive.run(&running, host, view, first).await?;
        Ok(running.outcome(driven))
    }
}

#[cfg(test)]
mod tests;
