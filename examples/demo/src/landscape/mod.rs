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
pub mod stores;
mod verdict;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use crate::erp::{self, Erp};
use crate::host::{Host, View};
use crate::lock;
use crate::partner::books::Pace;
use crate::partner::{self, Partner};
use crate::report::Outcome;
use crate::run::{Drive, Error};
use crate::shop::admin::{self, Admin};
use crate::shop::{self, Shop};
use crate::till::square::{self, Square};
use crate::till::{self, Tills};
use operator::{Api, Files, Flow, Operator};
use running::RunningLandscape;
use stores::OwningErp;

/// How many orders the shop sells a second, at most. Partners ship some seconds after they have heard of an order,
/// and most of a customer's changes should reach them before, so that most orders are more than a race.
const ORDERS_A_SECOND: f64 = 10.0;

/// Goods leave the cloud ERP when nothing has happened to their order for this long: longer than a host that is
/// killed is away, on a machine of ordinary speed.
const FULFIL_AFTER: Duration = Duration::from_secs(10);

/// How quick the partner is.
const PARTNER_PACE: Pace = Pace {
    answer: Duration::from_millis(800),
    ship: Duration::from_secs(18),
    advise: Duration::from_secs(2),
};

/// The shop begins no orders beyond this share of all until the operator has finished, so that orders flow while
/// plugins are swapped, however long a swap takes on this machine.
const SHARE_BEFORE_OPERATOR: f64 = 0.8;

/// How a run is set up.
#[derive(Clone)]
pub struct Options {
    /// Good orders of the shop; the tills sell about a third as much beside them.
    pub orders: usize,
    /// How often the host is killed.
    pub kills: usize,
    /// Drives everything.
    pub seed: u64,
    /// Part of every secret.
    pub secret: String,
    /// The folder that exchange folders are made in.
    pub folder: PathBuf,
    /// The time over which everything is sold.
    pub during: Duration,
    /// The least time without an advance after which the run is stuck.
    pub min_stall: Duration,
    /// Once everything is as it must be, look again so much later: a late write would be a duplicate.
    pub quiet_period: Duration,
    /// Show progress on standard error.
    pub progress: bool,
}

impl Options {
    /// A run of about a minute; a longer one where there are more orders than a minute has room for.
    pub fn new(orders: usize, kills: usize, seed: u64, secret: impl Into<String>, folder: PathBuf) -> Self {
        Self {
            orders,
            kills,
            seed,
            secret: secret.into(),
            folder,
            during: Duration::from_secs(35).max(Duration::from_secs_f64(orders as f64 / ORDERS_A_SECOND)),
            min_stall: Duration::from_secs(60),
            quiet_period: Duration::from_secs(1),
            progress: true,
        }
    }

    fn shop(&self) -> shop::Options {
        let mut options = shop::Options::new("", self.secret.clone(), self.orders, self.seed);
        options.plan.pace = self.orders as f64 / self.during.as_secs_f64().max(1.0);
        options.plan.spread = Duration::from_secs(4);
        options
    }

    fn sales(&self) -> usize {
        (self.orders / 24).max(3)
    }
}

/// The outside world of one run.
pub struct Landscape {
    options: Options,
    cloud: Erp,
    admin: Admin,
    square: Square,
}

impl Landscape {
    /// Starts all servers, and makes the exchange folders, so that the host can be configured.
    ///
    /// # Errors
    /// When a server cannot listen, or a folder cannot be made.
    pub async fn new(options: Options) -> Result<Self, Error> {
        for (name, part) in
            [(config::LEGACY, "in"), (config::LEGACY, "out"), (config::TILLS, "in"), (config::TILLS, "out")]
        {
            std::fs::create_dir_all(options.folder.join(name).join(part)).map_err(Error::Outside)?;
        }
        let token = |of: &str| format!("{of}-{}", options.secret);
        let cloud = erp::Options {
            shelves: articles::shelves(OwningErp::Cloud),
            fulfil_after: Some(FULFIL_AFTER),
            ..erp::Options::stormy(token("erp"), options.seed)
        };
        let admin =
            admin::Options { points: 20_000.0, refill: 1_000.0, ..admin::Options::new(token("shop")) };
        let square = square::Options {
            merchant: "MLCROSSDOCK".to_owned(),
            token: token("square"),
            key: token("square-key"),
            trouble: 0.03,
            seed: options.seed,
        };
        Ok(Self {
            cloud: Erp::start(cloud).await.map_err(Error::Erp)?,
            admin: Admin::start(admin).await.map_err(Error::Outside)?,
            square: Square::start(square).await.map_err(Error::Outside)?,
            options,
        })
    }

    /// The operator's connectors and routes for a host at this address (`http://127.0.0.1:8080`).
    pub fn connectors(&self, host: &str) -> String {
        let shop = self.options.shop();
        config::connectors(&config::Places {
            host,
            shop: &shop.plan.shop,
            admin: &self.admin.url(),
            square: &self.square.url(),
            merchant: &self.square.merchant(),
            cloud: &self.cloud.url(),
            folder: &self.options.folder,
        })
    }

    /// The secrets that the configuration names, as variables of the host's environment.
    pub fn env(&self) -> Vec<(String, String)> {
        let token = |of: &str| format!("{of}-{}", self.options.secret);
        [
            ("DEMO_WEBHOOK_SECRET", self.options.secret.clone()),
            ("DEMO_SHOP_TOKEN", token("shop")),
            ("DEMO_SQUARE_KEY", token("square-key")),
            ("DEMO_SQUARE_TOKEN", token("square")),
            ("DEMO_POSLOG_SECRET", token("poslog")),
            ("DEMO_ERP_TOKEN", token("erp")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// Where the cloud ERP listens.
    pub fn cloud_url(&self) -> String {
        self.cloud.url()
    }

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
