//! A small world for the tests: a shop, one ERP, and nothing that goes back.

use super::*;
use crate::erp::{self, Erp};
use crate::exceptions::ExpectedExceptions;
use crate::report::{HeldCount, Outcome, Summary};
use crate::shop::life::Plant;
use crate::shop::{self, Shop};
use crate::verify::verify;

/// How a run is set up.
#[derive(Clone)]
pub struct Options {
    /// Good orders.
    pub orders: usize,
    /// How often the host is killed.
    pub kills: usize,
    /// Drives shop, ERP and kills.
    pub seed: u64,
    /// The ERP.
    pub erp: erp::Options,
    /// The shop; its target is given to [`Demo::run`].
    pub shop: shop::Options,
    /// The least time without an advance after which the run is stuck.
    pub min_stall: Duration,
    /// Once everything is as it must be, look again so much later: a late write would be a duplicate.
    pub quiet_period: Duration,
    /// Show progress on standard error.
    pub progress: bool,
}

impl Options {
    /// A stormy ERP and a varied shop.
    pub fn new(orders: usize, kills: usize, seed: u64, secret: impl Into<String>) -> Self {
        Self {
            orders,
            kills,
            seed,
            erp: erp::Options::stormy(format!("erp-token-{seed}"), seed),
            shop: shop::Options::new("", secret, orders, seed),
            min_stall: Duration::from_secs(60),
            quiet_period: Duration::from_secs(1),
            progress: true,
        }
    }
}

/// The outside world of one run.
pub struct Demo {
    options: Options,
    erp: Erp,
}

impl Demo {
    /// Starts the ERP, so that the host can be configured with its address.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn new(options: Options) -> Result<Self, Error> {
        let erp = Erp::start(options.erp.clone()).await.map_err(Error::Erp)?;
        Ok(Self { options, erp })
    }

    /// Where the ERP listens, without a slash at the end.
    pub fn erp_url(&self) -> String {
        self.erp.url()
    }

    /// The bearer token the ERP wants.
    pub fn erp_token(&self) -> &str {
        &self.options.erp.token
    }

    /// The shop's domain.
    pub fn shop_domain(&self) -> &str {
        &self.options.shop.plan.shop
    }

    /// Starts the host, lets the shop send everything to `target`, kills the host during the run, waits until the
    /// ERP holds everything (or nothing advances any more), and compares. The host is left running.
    ///
    /// # Errors
    /// When the host cannot be started or killed. The host's faults are in the outcome.
    pub async fn run(&self, host: &mut impl Host, view: &impl View, target: &str) -> Result<Outcome, Error> {
        let first = host.start().await?;
        let shop = Shop::start(shop::Options { target: target.to_owned(), ..self.options.shop.clone() });
        let running = Running { demo: self, shop: &shop };
        let drive = Drive {
            kills: self.options.kills,
            seed: self.options.seed,
            min_stall: self.options.min_stall,
            quiet_period: self.options.quiet_period,
            progress: self.options.progress,
        };
        let driven = drive.run(&running, host, view, first).await?;
        let disagreements = running.disagreements(&driven.counts);
        Ok(self.outcome(&shop, driven, disagreements))
    }

    fn outcome(&self, shop: &Shop, driven: Driven, disagreements: Vec<String>) -> Outcome {
        let Driven { counts, starts, inflight, took, stuck } = driven;
        let (ledger, held) = (shop.ledger(), self.erp.held());
        let verdict = verify(&ledger, &held);
        let summary = Summary {
            orders: shop.progress().orders,
            events: ledger.accepted_facts(),
            held: HeldCount::from([("erp", held.orders.len())]),
            lost: verdict.lost.len(),
            duplicated: verdict.duplicated.len(),
            mismatched: verdict.mismatched.len(),
            unknown: counts.unknown,
            exceptions: counts.exceptions,
            quarantined: counts.quarantined,
            kills: inflight.len(),
            inflight_at_kill: inflight.iter().sum(),
            latency_ms: latency(first_tries(&ledger), &arrivals(&held)),
            orders_per_s: round(self.options.orders as f64 / took.as_secs_f64().max(0.001)),
            landscape: None,
        };
        Outcome {
            summary,
            verdict,
            planted: shop.planted(),
            shop: shop.progress(),
            all_sent: shop.is_done(),
            disagreements,
            stuck,
            call_counts: self.erp.call_counts(),
            reasons: counts.reasons,
            starts,
            inflight,
            took,
            rows: vec![],
            flaws: vec![],
        }
    }
}

/// The shop and the ERP of a demo.
struct Running<'a> {
    demo: &'a Demo,
    shop: &'a Shop,
}

impl Running<'_> {
    fn disagreements(&self, counts: &Counts) -> Vec<String> {
        let ledger = self.shop.ledger();
        let planted = ledger.orders.iter().filter(|sent| sent.life.plant == Plant::UnknownSku);
        let planted = planted.map(|sent| sent.life.reference.clone()).collect();
        let expected = ExpectedExceptions { planted, ..ExpectedExceptions::default() };
        expected.disagreements(counts, |entity| Some(entity.to_owned()))
    }
}

impl World for Running<'_> {
    /// Half of it is sending, half is arriving.
    fn progress(&self) -> f64 {
        let orders = self.demo.options.orders;
        let stored = self.demo.erp.order_count().min(orders);
        (self.shop.progress().orders + stored) as f64 / (2 * orders.max(1)) as f64
    }

    fn in_progress(&self) -> usize {
        let there = arrivals(&self.demo.erp.held());
        let ledger = self.shop.ledger();
        let missing = ledger
            .orders
            .iter()
            .filter(|sent| sent.accepted.contains(&true) && !there.contains_key(&sent.life.reference));
        missing.count() + self.demo.erp.open_requests()
    }

    fn is_sent(&self) -> bool {
        self.shop.is_done()
    }

    fn reached(&self) -> u64 {
        let sent = self.shop.progress();
        sent.accepted + sent.refused_forgeries + self.demo.erp.distinct_documents() as u64
    }

    fn unsent(&self) -> Missing {
        let mut missing = Missing::default();
        missing.add(u64::from(!self.shop.is_done()), "shop that is still sending");
        missing
    }

    fn missing(&self, counts: Option<&Counts>) -> Missing {
        let mut missing = Missing::default();
        missing.findings(&verify(&self.shop.ledger(), &self.demo.erp.held()));
        missing.add(self.demo.erp.open_requests() as u64, "requests open at the ERP");
        let disagreements = counts.map(|counts| self.disagreements(counts)).unwrap_or_default();
        missing.host(counts, self.shop.planted(), &disagreements);
        missing
    }

    fn pause(&self, _: Option<&Counts>) -> Duration {
        Duration::ZERO
    }

    fn moment(&self) -> Moment {
        let progress = self.shop.progress();
        Moment {
            orders: (progress.orders, self.demo.options.orders),
            held: self.demo.erp.order_count(),
            trouble: progress.last_trouble,
            ..Moment::default()
        }
    }
}
