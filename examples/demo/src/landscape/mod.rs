//! The landscape: what a retailer runs, around one host that is killed on the way.
//!
//! A shop with two markets, eight tills, a legacy ERP that speaks files and a cloud ERP that speaks HTTP, both at
//! once; status, shipments and stock on their way back to the shop. Some values are missing in the tables at
//! first, and an operator adds them; plugins are swapped while orders flow, and one that is damaged is offered.
//!
//! ```text
//! let landscape = Landscape::new(options).await?;         // everybody listens
//! let places = landscape.places(host_url);                // for config::connectors, and landscape.env()
//! let outcome = landscape.run(&mut host, &view, api, files).await?;
//! ```

mod articles;
pub mod config;
pub mod operator;
mod scene;
pub mod stores;
mod verdict;
mod wanted;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

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
use scene::Scene;
use stores::Home;

/// How many orders the shop sells a second, at most. Partners ship some seconds after they have heard of an order, and
/// what a customer changes has to reach them before: with a backlog of minutes, goods leave for orders that were
/// cancelled, and that is a person's to decide and not the host's.
const ORDERS_A_SECOND: f64 = 10.0;

/// How a run is set up.
#[derive(Clone)]
pub struct Options {
    /// Good orders of the shop; the tills sell about a third as much beside them.
    pub orders: usize,
    /// How often the host is killed.
    pub kills: usize,
    /// Drives everything.
    pub seed: u64,
    /// What secrets are made from.
    pub secret: String,
    /// The folder that exchange folders are made in.
    pub folder: PathBuf,
    /// Over which time everything is sold.
    pub during: Duration,
    /// Give up when nothing has moved for this long.
    pub patience: Duration,
    /// After everything is held, look again this much later.
    pub afterglow: Duration,
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
            patience: Duration::from_secs(60),
            afterglow: Duration::from_secs(1),
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
    /// Starts everybody who listens, and makes the exchange folders, so that the host can be configured.
    ///
    /// # Errors
    /// When somebody cannot listen, or a folder cannot be made.
    pub async fn new(options: Options) -> Result<Self, Error> {
        for (name, part) in
            [(config::LEGACY, "in"), (config::LEGACY, "out"), (config::TILLS, "in"), (config::TILLS, "out")]
        {
            std::fs::create_dir_all(options.folder.join(name).join(part)).map_err(Error::Outside)?;
        }
        let token = |of: &str| format!("{of}-{}", options.secret);
        let cloud = erp::Options {
            shelves: articles::shelves(Home::Cloud),
            // Longer than a host that is killed is away: what a customer changes has to arrive before the goods leave.
            fulfil_after: Some(Duration::from_secs(10)),
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

    /// Starts the host, opens shop, stores and the partner's office, kills the host on the way, waits until
    /// everything is where it must be (or nothing moves any more), and compares. The host is left running.
    ///
    /// # Errors
    /// When the host cannot be started or killed. What the host gets wrong is in the outcome.
    pub async fn run(
        &self,
        host: &mut impl Host,
        view: &impl View,
        api: Api,
        files: Files,
    ) -> Result<Outcome, Error> {
        let options = &self.options;
        let first = host.start().await?;
        let shop = shop::Options { target: format!("{}/in/shopify", api.url), ..options.shop() };
        let shop = Shop::start_beside(shop, Some(self.admin.clone()));
        let pace = Pace {
            answer: Duration::from_millis(800),
            ship: Duration::from_secs(18),
            advise: Duration::from_secs(2),
        };
        let partner = Partner::start(partner::Options {
            folder: options.folder.join(config::LEGACY),
            own: config::PARTNER.to_owned(),
            other: config::RETAIL.to_owned(),
            shelves: articles::shelves(Home::Legacy),
            pace,
            look: Duration::from_millis(150),
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
        let operator = Operator::start(api, files, move || *lock(&read));
        let scene = Scene { landscape: self, shop, tills, partner, operator, flow };
        let Options { kills, seed, patience, afterglow, progress, .. } = *options;
        // A write into the shop that nobody knows of is looked for over a minute.
        let longest = patience.max(Duration::from_secs(75));
        let drive = Drive { kills, seed, patience, longest, afterglow, progress };
        let driven = drive.run(&scene, host, view, first).await?;
        Ok(scene.outcome(driven))
    }
}

#[cfg(test)]
mod tests;
