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
pub mod stores;
mod verdict;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rust_decimal::Decimal;

use crate::erp::stock::Place;
use crate::erp::{self, Erp};
use crate::host::{Counts, Host, View};
use crate::partner::books::{Complaints, Held as PartnerOrder, Pace};
use crate::partner::{self, Partner};
use crate::report::{Back, HeldCount, Moment, Outcome, Summary};
use crate::run::{Drive, Driven, Error, World, first_tries, latency, round};
use crate::shop::admin::{self, Admin};
use crate::shop::life::Plant;
use crate::shop::{self, Shop};
use crate::till::square::{self, Square};
use crate::till::{self, Tills};
use crate::verify::Verdict;
use operator::{Api, Files, Operator};
use stores::Home;
use verdict::{Echoes, Evidence, home};

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
    /// A run of about a minute.
    pub fn new(orders: usize, kills: usize, seed: u64, secret: impl Into<String>, folder: PathBuf) -> Self {
        Self {
            orders,
            kills,
            seed,
            secret: secret.into(),
            folder,
            during: Duration::from_secs(35),
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
            fulfil_after: Some(Duration::from_secs(5)),
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
            ship: Duration::from_secs(14),
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
        let done = Arc::new(AtomicU64::new(0));
        let read = Arc::clone(&done);
        let operator = Operator::start(api, files, move || read.load(Ordering::Relaxed) as f64 / 1000.0);
        let scene = Scene { landscape: self, shop, tills, partner, operator, done };
        let Options { kills, seed, patience, afterglow, progress, .. } = *options;
        // A write into the shop that nobody knows of is looked for over a minute.
        let longest = patience.max(Duration::from_secs(75));
        let drive = Drive { kills, seed, patience, longest, afterglow, progress };
        let driven = drive.run(&scene, host, view, first).await?;
        Ok(scene.outcome(driven))
    }
}

/// Everybody at work.
struct Scene<'a> {
    landscape: &'a Landscape,
    shop: Shop,
    tills: Tills,
    partner: Partner,
    operator: Operator,
    /// The progress in thousandths, for the operator.
    done: Arc<AtomicU64>,
}

/// Copies of everything, from which a verdict is made.
struct Snapshot {
    shop: shop::Ledger,
    tills: till::Ledger,
    cloud: erp::Held,
    cloud_stock: BTreeMap<Place, Decimal>,
    partner: Vec<PartnerOrder>,
    partner_stock: BTreeMap<Place, Decimal>,
    complaints: Complaints,
}

impl Scene<'_> {
    fn snapshot(&self) -> Snapshot {
        Snapshot {
            shop: self.shop.ledger(),
            tills: self.tills.ledger(),
            cloud: self.landscape.cloud.held(),
            cloud_stock: self.landscape.cloud.stock(),
            partner: self.partner.held(),
            partner_stock: self.partner.stock(),
            complaints: self.partner.complaints(),
        }
    }

    /// The verdict, and the echoes that were sent.
    fn judge(&self, snapshot: &Snapshot) -> (Verdict, Echoes) {
        self.landscape.admin.look(|desk| {
            let evidence = Evidence {
                shop: &snapshot.shop,
                tills: &snapshot.tills,
                cloud: &snapshot.cloud,
                cloud_stock: &snapshot.cloud_stock,
                partner: &snapshot.partner,
                partner_stock: &snapshot.partner_stock,
                complaints: &snapshot.complaints,
                desk,
            };
            (evidence.judge(), evidence.echoes())
        })
    }

    fn held(&self) -> usize {
        self.landscape.cloud.order_count() + self.partner.order_count()
    }

    fn sales(&self) -> usize {
        self.landscape.options.sales() * stores::STORES.len()
    }

    /// Orders and sales that were told and are in no ERP.
    fn missing(&self) -> usize {
        let (shop, tills) = (self.shop.ledger(), self.tills.ledger());
        let cloud = self.landscape.cloud.held();
        let there: std::collections::BTreeSet<String> = cloud
            .orders
            .iter()
            .filter_map(|held| held.document.as_ref().map(|document| document.reference.clone()))
            .chain(self.partner.held().into_iter().map(|held| held.po))
            .collect();
        let of_shop = shop.orders.iter().filter(|sent| sent.life.plant == Plant::Good);
        let of_shop =
            of_shop.filter(|sent| sent.accepted.contains(&true)).filter(|sent| match home(&sent.life) {
                Home::Cloud => !there.contains(&sent.life.reference),
                Home::Legacy => !there.contains(&sent.life.number.to_string()),
            });
        let of_tills =
            tills.sold.iter().filter(|sold| sold.told.is_some()).filter(|sold| match sold.store.home {
                Home::Cloud => !there.contains(&sold.order.reference),
                Home::Legacy => !there.contains(&sold.number),
            });
        of_shop.count() + of_tills.count()
    }

    fn outcome(self, driven: Driven) -> Outcome {
        let Driven { counts, starts, inflight, took } = driven;
        let options = &self.landscape.options;
        let snapshot = self.snapshot();
        let (verdict, echoes) = self.judge(&snapshot);
        let operator = self.operator.done();
        let (traffic, admin, writes) =
            (self.partner.traffic(), self.landscape.admin.traffic(), self.landscape.admin.writes());
        let tills = self.tills.progress();
        let held = HeldCount::from([
            (Home::Legacy.connector(), snapshot.partner.len()),
            (Home::Cloud.connector(), snapshot.cloud.orders.len()),
        ]);
        let summary = Summary {
            orders: self.shop.progress().orders,
            events: snapshot.shop.accepted_facts(),
            held,
            lost: verdict.lost.len(),
            duplicated: verdict.duplicated.len(),
            mismatched: verdict.mismatched.len(),
            unknown: counts.unknown,
            exceptions: counts.exceptions,
            quarantined: counts.quarantined,
            kills: inflight.len(),
            inflight_at_kill: inflight.iter().sum(),
            latency_ms: latency(tries(&snapshot), &arrived(&snapshot)),
            orders_per_s: round((options.orders + self.sales()) as f64 / took.as_secs_f64().max(0.001)),
            back: Some(Back {
                sales: snapshot.tills.sold.len(),
                stock_mismatches: verdict.stock.len(),
                status_missing: verdict.status.len(),
                echoes_sent: echoes.sum(),
                unmapped_repaired: operator.released,
                swaps: operator.swaps,
                swaps_refused: operator.refused,
            }),
        };
        let mut flaws = operator.flaws.clone();
        let mut must = |holds: bool, text: String| {
            if !holds {
                flaws.push(text);
            }
        };
        must(operator.finished, "the operator could not do everything".to_owned());
        must(operator.released > 0, "nothing waited for a value in a table".to_owned());
        must(self.tills.is_done(), "the tills could not get rid of everything".to_owned());
        must(
            admin.wrong == 0,
            format!(
                "the shop's API was asked wrongly: {}",
                self.landscape.admin.trouble().unwrap_or_default()
            ),
        );
        must(
            traffic.acknowledged == traffic.sent,
            format!("{} of the partner's {} messages were acknowledged", traffic.acknowledged, traffic.sent),
        );
        let rows = [
            ("uploaded late, told twice", format!("{}, {} by the tills", tills.late, tills.doubled)),
            (
                "files with the partner",
                format!("{} read, {} written, {} refused", traffic.read, traffic.written, traffic.refused),
            ),
            ("the partner's messages", format!("{}, {} acknowledged", traffic.sent, traffic.acknowledged)),
            (
                "writes into the shop",
                format!("{}, {} refused, {} times throttled", writes.done, writes.refused, admin.throttled),
            ),
            ("webhooks about them", self.shop.progress().echoes.to_string()),
            (
                "echoes by system",
                format!("cloud {}, partner {}, shop {}", echoes.cloud, echoes.partner, echoes.shop),
            ),
        ];
        Outcome {
            summary,
            planted: self.shop.planted(),
            shop: self.shop.progress(),
            all_sent: self.shop.is_done(),
            misdeeds: self.landscape.cloud.misdeeds(),
            reasons: counts.reasons,
            starts,
            inflight,
            took,
            rows: rows.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            flaws,
            verdict,
        }
    }
}

/// When each order's first webhook was first tried, and when each sale was told first.
fn tries(snapshot: &Snapshot) -> Vec<(String, Instant)> {
    let mut tries = first_tries(&snapshot.shop);
    let told = snapshot.tills.sold.iter();
    tries.extend(told.filter_map(|sold| Some((sold.order.reference.clone(), sold.told?))));
    tries
}

/// When each came into its ERP.
fn arrived(snapshot: &Snapshot) -> HashMap<String, Instant> {
    let mut arrived = crate::run::arrivals(&snapshot.cloud);
    let by_po: HashMap<&str, Instant> =
        snapshot.partner.iter().rev().map(|held| (held.po.as_str(), held.created)).collect();
    for sent in snapshot.shop.orders.iter().filter(|sent| home(&sent.life) == Home::Legacy) {
        if let Some(at) = by_po.get(sent.life.number.to_string().as_str()) {
            arrived.insert(sent.life.reference.clone(), *at);
        }
    }
    for sold in snapshot.tills.sold.iter().filter(|sold| sold.store.home == Home::Legacy) {
        if let Some(at) = by_po.get(sold.number.as_str()) {
            arrived.insert(sold.order.reference.clone(), *at);
        }
    }
    arrived
}

impl World for Scene<'_> {
    /// Half of it is sending, half is arriving.
    fn progress(&self) -> f64 {
        let all = self.landscape.options.orders + self.sales();
        let sales = usize::try_from(self.tills.progress().sales).unwrap_or(usize::MAX);
        let sent = self.shop.progress().orders.saturating_add(sales);
        let progress = sent.saturating_add(self.held().min(all)) as f64 / (2 * all.max(1)) as f64;
        self.done.store((progress * 1000.0) as u64, Ordering::Relaxed);
        progress
    }

    fn under_way(&self) -> usize {
        let answers = usize::try_from(self.shop.echoes_under_way()).unwrap_or(usize::MAX);
        self.missing() + self.landscape.cloud.open_requests() + answers
    }

    fn is_sent(&self) -> bool {
        self.shop.is_done() && self.tills.is_done() && self.operator.done().finished
    }

    fn is_right(&self) -> bool {
        self.judge(&self.snapshot()).0.is_clean()
    }

    fn is_settled(&self, counts: &Counts) -> bool {
        let (planted, landscape) = (self.shop.planted(), self.landscape);
        let traffic = self.partner.traffic();
        counts.unsettled == 0
            && landscape.cloud.open_requests() == 0
            && landscape.cloud.unshipped() == 0
            && self.partner.open() == 0
            && traffic.acknowledged >= traffic.sent
            && landscape.admin.owed() == 0
            && self.shop.echoes_under_way() == 0
            && counts.exceptions >= planted.exceptions() as u64
            && counts.quarantined >= planted.quarantined() as u64
    }

    fn pulse(&self) -> (u64, u64) {
        let partner = self.partner.traffic();
        let files = (partner.read + partner.written) as u64;
        let landscape = self.landscape;
        let writes = landscape.cloud.misdeeds().writes
            + landscape.cloud.changes() as u64
            + landscape.admin.writes().done;
        (writes + files, self.shop.progress().accepted + self.tills.progress().sales)
    }

    fn moment(&self) -> Moment {
        let (progress, tills, operator) = (self.shop.progress(), self.tills.progress(), self.operator.done());
        let beside = format!(
            "  legacy {} cloud {}  tills {}/{}  back {}  swaps {}",
            self.partner.order_count(),
            self.landscape.cloud.order_count(),
            tills.sales,
            self.sales(),
            self.landscape.admin.writes().done,
            operator.swaps,
        );
        Moment {
            orders: (progress.orders, self.landscape.options.orders),
            held: self.held(),
            trouble: progress.last_trouble,
            beside,
            ..Moment::default()
        }
    }
}

#[cfg(test)]
mod tests;
