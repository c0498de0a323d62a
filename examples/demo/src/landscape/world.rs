//! The outside world of one run: its options, and the servers that listen before the host is configured.

use std::path::PathBuf;
use std::time::Duration;

use super::stores::OwningErp;
use super::{articles, config};
use crate::erp::{self, Erp};
use crate::partner::books::Pace;
use crate::run::Error;
use crate::shop;
use crate::shop::admin::{self, Admin};
use crate::till::square::{self, Square};

/// How many orders the shop sells a second, at most. Partners ship some seconds after they have heard of an order,
/// and most of a customer's changes should reach them before, so that most orders are more than a race.
const ORDERS_A_SECOND: f64 = 10.0;

/// Goods leave the cloud ERP when nothing has happened to their order for this long: longer than a host that is
/// killed is away, on a machine of ordinary speed.
pub(super) const FULFIL_AFTER: Duration = Duration::from_secs(10);

/// How quick the partner is.
pub(super) const PARTNER_PACE: Pace = Pace {
    answer: Duration::from_millis(800),
    ship: Duration::from_secs(18),
    advise: Duration::from_secs(2),
};

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

    pub(super) fn shop(&self) -> shop::Options {
        let mut options = shop::Options::new("", self.secret.clone(), self.orders, self.seed);
        options.plan.pace = self.orders as f64 / self.during.as_secs_f64().max(1.0);
        options.plan.spread = Duration::from_secs(4);
        options
    }

    pub(super) fn sales(&self) -> usize {
        (self.orders / 24).max(3)
    }
}

/// The outside world of one run.
pub struct Landscape {
    pub(super) options: Options,
    pub(super) cloud: Erp,
    pub(super) admin: Admin,
    pub(super) square: Square,
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
}
