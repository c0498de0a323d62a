//! The landscape during a run, as the harness sees it, and the outcome of the run.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::operator::{Flow, Operator};
use super::snapshot::{Snapshot, arrived, in_no_erp, tries};
use super::stores::{OwningErp, STORES};
use super::verdict::Judgement;
use super::world::{FULFIL_AFTER, Landscape, PARTNER_PACE};
use crate::host::Counts;
use crate::lock;
use crate::partner::Partner;
use crate::report::{HeldCount, LandscapeFigures, Moment, Outcome, Summary};
use crate::run::{Driven, Missing, World, latency, round};
use crate::shop::Shop;
use crate::shop::admin::state::AdminState;
use crate::till::Tills;

/// How long the look-up of a write to the shop with an unknown outcome may take: the plugin `shopify` allows a minute
/// for a request in flight, and the host's timers add to that.
const MAX_LOOK_UP_TIME: Duration = Duration::from_secs(75);

/// Shop, tills, partner and operator while they work with one host.
pub(super) struct RunningLandscape<'a> {
    pub(super) landscape: &'a Landscape,
    pub(super) shop: Shop,
    pub(super) tills: Tills,
    pub(super) partner: Partner,
    pub(super) operator: Operator,
    /// The operator's view of the progress.
    pub(super) flow: Arc<Mutex<Flow>>,
}

impl RunningLandscape<'_> {
    fn snapshot(&self) -> Snapshot {
        Snapshot {
            shop: self.shop.ledger(),
            tills: self.tills.ledger(),
            cloud: self.landscape.cloud.held(),
            cloud_stock: self.landscape.cloud.stock(),
            partner: self.partner.orders(),
            partner_stock: self.partner.stock(),
            violations: self.partner.violations(),
        }
    }

    /// The verdict of the ledgers, and where the host's exceptions differ from what follows from them.
    fn judge(&self, snapshot: &Snapshot, counts: &Counts) -> (Judgement, Vec<String>) {
        self.landscape.admin.read(|admin| {
            let evidence = snapshot.evidence(admin);
            let judgement = evidence.judge();
            let disagreements = judgement.exceptions.disagreements(counts, |entity| evidence.subject(entity));
            (judgement, disagreements)
        })
    }

    fn stored(&self) -> usize {
        self.landscape.cloud.order_count() + self.partner.order_count()
    }

    fn sales(&self) -> usize {
        self.landscape.options.sales() * STORES.len()
    }

    fn in_no_erp(&self) -> usize {
        let (shop, tills) = (self.shop.ledger(), self.tills.ledger());
        in_no_erp(&shop, &tills, &self.landscape.cloud.held(), &self.partner.orders())
    }

    pub(super) fn outcome(self, driven: Driven) -> Outcome {
        let Driven { counts, starts, inflight, took, stuck } = driven;
        let options = &self.landscape.options;
        let snapshot = self.snapshot();
        let (judgement, disagreements) = self.judge(&snapshot, &counts);
        let Judgement { verdict, echoes, decisions, changed_after_leaving, .. } = judgement;
        let operator = self.operator.done();
        let (traffic, admin, writes) =
            (self.partner.traffic(), self.landscape.admin.traffic(), self.landscape.admin.writes());
        let tills = self.tills.progress();
        let not_sent = self.landscape.admin.read(|admin| snapshot.evidence(admin).returns_not_sent());
        let held = HeldCount::from([
            (OwningErp::Legacy.connector(), snapshot.partner.len()),
            (OwningErp::Cloud.connector(), snapshot.cloud.orders.len()),
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
            landscape: Some(LandscapeFigures {
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
        must(
            (operator.swaps, operator.refused) == (4, 1),
            format!("{} of 4 swaps as they must be, {} refused", operator.swaps, operator.refused),
        );
        must(operator.released > 0, "nothing waited for a value in a table".to_owned());
        must(self.tills.is_done(), "not everything that the tills sent was accepted".to_owned());
        must(
            admin.wrong == 0,
            format!(
                "the shop's API got malformed requests: {}",
                self.landscape.admin.trouble().unwrap_or_default()
            ),
        );
        must(
            traffic.acknowledged == traffic.sent,
            format!("{} of the partner's {} messages were acknowledged", traffic.acknowledged, traffic.sent),
        );
        let rows = [
            ("uploaded late, sent twice", format!("{}, {} by the tills", tills.late, tills.doubled)),
            (
                "files with the partner",
                format!("{} read, {} written, {} refused", traffic.read, traffic.written, traffic.refused),
            ),
            (
                "returns that are not sent",
                format!("{not_sent}, at the partner's stores: X12 850 and 860 have no message for them"),
            ),
            (
                "left to a person",
                listed(decisions.iter().map(|one| format!("{}: {}", one.reference, one.what))),
            ),
            (
                "changed after the goods left",
                format!("{changed_after_leaving} orders, which the partner rightly has as they left"),
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
            disagreements,
            stuck,
            call_counts: self.landscape.cloud.call_counts(),
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

/// The number of these, with the first of them.
fn listed(all: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = all.collect();
    let first = all.first().map(|first| format!(" ({first})")).unwrap_or_default();
    format!("{}{first}", all.len())
}

impl World for RunningLandscape<'_> {
    /// Half of the progress is sending, half is arriving.
    fn progress(&self) -> f64 {
        let all = self.landscape.options.orders + self.sales();
        let sales = usize::try_from(self.tills.progress().sales).unwrap_or(usize::MAX);
        let sent = self.shop.progress().orders.saturating_add(sales);
        let flows = !(self.shop.is_done() && self.tills.is_done());
        *lock(&self.flow) = Flow { sold: sent as f64 / all.max(1) as f64, flows };
        sent.saturating_add(self.stored().min(all)) as f64 / (2 * all.max(1)) as f64
    }

    fn in_progress(&self) -> usize {
        let answers = usize::try_from(self.shop.echoes_in_flight()).unwrap_or(usize::MAX);
        self.in_no_erp() + self.landscape.cloud.open_requests() + answers
    }

    fn is_sent(&self) -> bool {
        self.shop.is_done() && self.tills.is_done() && self.operator.done().finished
    }

    /// Sums of counters that only rise. Those that a faulty host could raise for ever are capped by the number of
    /// orders.
    fn reached(&self) -> u64 {
        let (sent, tills, landscape) = (self.shop.progress(), self.tills.progress(), self.landscape);
        let orders = 2 * (landscape.options.orders + self.sales());
        let capped = |steps: usize, each: usize| steps.min(orders * each) as u64;
        let steps = capped(landscape.cloud.distinct_documents(), 2)
            + capped(landscape.cloud.fulfilled_steps(), 3)
            + capped(self.partner.steps(), 5)
            + capped(landscape.admin.read(AdminState::shipped_orders), 1);
        sent.accepted + sent.refused_forgeries + tills.accepted + steps + self.operator.done().steps()
    }

    fn unsent(&self) -> Missing {
        let mut missing = Missing::default();
        missing.add(u64::from(!self.shop.is_done()), "shop that is still sending");
        missing.add(u64::from(!self.tills.is_done()), "tills that are still sending");
        for step in self.operator.done().waiting_for {
            missing.add(1, format!("operator who waits {step}"));
        }
        let trouble = self.shop.progress().last_trouble.unwrap_or_default();
        if !self.shop.is_done() && !trouble.is_empty() {
            missing.add(1, format!("trouble of the shop: {trouble}"));
        }
        missing
    }

    fn missing(&self, counts: Option<&Counts>) -> Missing {
        let mut missing = Missing::default();
        let snapshot = self.snapshot();
        let (judgement, disagreements) = self.judge(&snapshot, &counts.cloned().unwrap_or_default());
        missing.findings(&judgement.verdict);
        missing.host(counts, self.shop.planted(), &disagreements);
        let (traffic, landscape) = (self.partner.traffic(), self.landscape);
        missing.add(landscape.cloud.open_requests() as u64, "requests open at the cloud ERP");
        missing.add(landscape.cloud.unshipped() as u64, "paid orders at the cloud ERP that have not left");
        missing.add(self.partner.open() as u64, "documents that the partner has not sent");
        let acknowledged = traffic.sent.saturating_sub(traffic.acknowledged);
        missing.add(acknowledged as u64, "messages of the partner's that were not acknowledged");
        missing.add(landscape.admin.pending() as u64, "webhooks about writes that are not prepared");
        missing.add(self.shop.echoes_in_flight(), "webhooks about writes that were not accepted");
        missing
    }

    fn pause(&self, counts: Option<&Counts>) -> Duration {
        let fulfilling = self.landscape.cloud.unshipped() > 0 || self.partner.open() > 0;
        let rest = if fulfilling { FULFIL_AFTER.max(PARTNER_PACE.ship) } else { Duration::ZERO };
        let looks_up = counts.is_none_or(|counts| counts.unsettled > 0);
        if looks_up { MAX_LOOK_UP_TIME.max(rest) } else { rest }
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
            held: self.stored(),
            trouble: progress.last_trouble,
            beside,
            ..Moment::default()
        }
    }
}
